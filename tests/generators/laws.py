"""What holds for every valid pipeline, whoever draws it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.api import Pipeline
from goldrush_pulumi.operations.diff import compare, overlay
from goldrush_pulumi.operations.spec import PipelineSpec, with_defaults
from goldrush_pulumi.schema.pipeline import ECHOED
from goldrush_pulumi.validation import DESTINATIONS, find_problems, secret_paths

if TYPE_CHECKING:
    from collections.abc import Mapping

MASK = "******"


def find_errors(inputs: Mapping[str, Any]) -> list[str]:
    """What the inputs would be refused for."""
    return [str(problem) for problem in find_problems(inputs, lambda _: False) if problem.is_error]


def find_changes(inputs: Mapping[str, Any]) -> list[str]:
    """What differs after a way through engine and server, for a pipeline that nobody touched.

    The inputs are checked, travel through the engine (where every number is a double), become a request, are stored by
    a server that adds its documented defaults and masks what is secret, are read back over the recorded inputs, and
    are compared with the same program's next run.
    """
    checked = with_defaults(as_the_engine_hands_it_over(dict(inputs)), "resource")
    recorded = with_defaults(as_the_engine_hands_it_over(checked), "resource")
    refreshed = overlay(recorded, _served(PipelineSpec(recorded)))
    echoed = {name: refreshed[name] for name in ECHOED if name in refreshed}
    found = [compare(recorded, checked), compare(refreshed, checked), compare(echoed, checked)]
    return [str(difference) for difference in found if difference]


def as_the_engine_hands_it_over(value: Any) -> Any:
    """The value as it arrives in a provider: numbers as doubles, and no key whose value is null."""
    if isinstance(value, dict):
        return {key: as_the_engine_hands_it_over(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [as_the_engine_hands_it_over(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _served(spec: PipelineSpec) -> Pipeline:
    """The server's answer to the request of a pipeline."""
    body = json.loads(json.dumps(spec.create_body()))
    config = body["destination_config"]
    defaults = {field.name: field.default for field in DESTINATIONS[body["destination_type"]].fields if field.default}
    for path in secret_paths(body["destination_type"], config):
        _mask(config, path)
    stored = {"transforms": {}, "abi_file": {}, "abi_contract_addresses": [], "abi_unmatched": "", "status": "running"}
    unset = dict.fromkeys(("description", "execution_start_from", "execution_stop_from"), "")
    return Pipeline.model_validate(
        {"id": "pipe_1", **stored, **unset, **body, "destination_config": {**defaults, **config}}
    )


def _mask(config: dict[str, Any], path: tuple[str, ...]) -> None:
    *parents, last = path
    for key in parents:
        config = config[key]
    config[last] = MASK
