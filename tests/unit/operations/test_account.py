from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from goldrush_pulumi.api import Pipeline
from goldrush_pulumi.operations.context import AbsenceUnproven, make_fingerprint
from goldrush_pulumi.operations.identity import absence_is_proven, key_fingerprint
from goldrush_pulumi.schema.wire import KEY_FINGERPRINT
from tests.support.account import context_of
from tests.support.client import ScriptedClient
from tests.support.pipelines import PIPELINE_ID

if TYPE_CHECKING:
    from goldrush_pulumi.api import GoldRushClient

KEY, URL = "cqt_planted", "https://api.example.com/"


def client_seeing(*groups: str | None) -> ScriptedClient:
    listed = [Pipeline(id=f"pipe_{number}", group=group and {"id": group}) for number, group in enumerate(groups)]  # type: ignore[arg-type]
    return ScriptedClient(list=[listed])


def proven(client: ScriptedClient, **outputs: str | None) -> bool:
    return absence_is_proven(cast("GoldRushClient", client), "now", outputs)


def test_a_fingerprint_names_key_endpoint_and_pipeline() -> None:
    """Twelve hex digits, the same for the same three, another when one of them changes, and none of them inside."""
    fingerprint = key_fingerprint(KEY, URL, PIPELINE_ID)

    assert len(fingerprint) == 12
    assert int(fingerprint, 16) >= 0
    assert fingerprint == make_fingerprint(KEY, URL)(PIPELINE_ID)
    others = {
        key_fingerprint("x", URL, PIPELINE_ID),
        key_fingerprint(KEY, "x", PIPELINE_ID),
        key_fingerprint(KEY, URL, "x"),
    }
    assert fingerprint not in others
    assert len(others) == 3
    assert len(key_fingerprint(KEY, URL, "x" * 1000)) == 12


def test_the_key_on_record_proves_absence() -> None:
    """With the key and endpoint of the last deployment, 404 means deleted; nothing is asked."""
    client = client_seeing()

    assert proven(client, **{KEY_FINGERPRINT: "now", "group_id": "grp_1"})
    assert client.calls == []


@pytest.mark.parametrize(
    ("groups", "group_id", "answer"),
    [
        (("grp_2", "grp_1"), "grp_1", True),
        (("grp_2",), "grp_1", False),
        ((), "grp_1", False),
        ((None,), None, False),
        (("",), "", False),
        (("grp_1",), None, False),
    ],
)
def test_another_pipeline_of_the_group_proves_absence(
    groups: tuple[str | None, ...],
    group_id: str | None,
    answer: bool,  # noqa: FBT001
) -> None:
    """A key that sees the pipeline's group would see the pipeline; an unknown group proves nothing."""
    assert proven(client_seeing(*groups), **{KEY_FINGERPRINT: "before", "group_id": group_id}) is answer


def test_an_unproven_absence_is_refused() -> None:
    """The error names the verb and the pipeline, and says what to do in either case."""
    context = context_of(client_seeing("grp_2"))

    with pytest.raises(AbsenceUnproven) as refused:
        context.require_absence("delete", PIPELINE_ID, {"group_id": "grp_1"})

    text = str(refused.value)
    assert text.startswith(f"delete pipeline base-swaps: {PIPELINE_ID} is not visible")
    for hint in ("goldrush:baseUrl", "--run-program", "pulumi state delete", "nothing was changed"):
        assert hint in text
