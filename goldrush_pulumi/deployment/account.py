"""Whose pipeline it is: proof that a 404 means "deleted" and not "another account's key".

GoldRush answers 404 for a pipeline that does not exist and for one the ServiceKey cannot see. A wrong key must never
empty a stack, so absence counts only with a proof. Source: API reference, get-pipeline-status, response 404.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.api.errors import GoldRushError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    from goldrush_pulumi.api import GoldRushClient

FINGERPRINT: Final = "__key_fingerprint"
"""Hidden output: names the key and endpoint that a pipeline was last deployed with, and tells neither."""

GROUP: Final = "group_id"

_DIGITS: Final = 12


class AbsenceUnproven(GoldRushError):  # noqa: N818 - the name says what happened
    """A pipeline is not visible, and nothing shows that the key would see it if it were there."""

    @classmethod
    def of(cls, verb: str, name: str, pipeline_id: str) -> Self:
        """The error of a verb that met a 404. Not a constructor: an error is copied when its text is redacted."""
        return cls(
            f"{verb} pipeline {name}: {pipeline_id} is not visible, and this ServiceKey or endpoint is not the one it"
            " was deployed with, so it may well exist; nothing was changed. Use a key of the pipeline's account and"
            " its goldrush:baseUrl (`pulumi refresh` and `pulumi destroy` use those of the last `pulumi up` unless run"
            " with --run-program). If the pipeline is really gone, remove it with `pulumi state delete`"
        )


def key_fingerprint(service_key: str, base_url: str, pipeline_id: str) -> str:
    """Twelve hex digits that are the same for the same key, endpoint and pipeline, salted with the pipeline's id."""
    digest = hashlib.blake2b(key=pipeline_id.encode()[:64], digest_size=_DIGITS // 2)
    digest.update(f"{base_url}\n{service_key}".encode())
    return digest.hexdigest()


def absence_is_proven(client: GoldRushClient, fingerprint: str, outputs: Mapping[str, Any]) -> bool:
    """Whether a 404 for the pipeline of `outputs` can be believed.

    It can when the key and endpoint are the ones on record, or when the key sees another pipeline of the same group.
    """
    if outputs.get(FINGERPRINT) == fingerprint:
        return True
    group_id = outputs.get(GROUP)
    return bool(group_id) and any(pipeline.group_id == group_id for pipeline in client.iterate_pipelines())
