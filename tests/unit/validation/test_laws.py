from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldrush_pulumi.validation import DESTINATIONS, INPUTS, find_problems, secret_paths
from tests.generators.pipelines import destination_configs, pipelines

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "plantedsecret"
_SPOILT = st.sampled_from(
    [SECRET, f"******{SECRET}", f"http://u:{SECRET}@h", f"[pulumi:{SECRET}]", [SECRET], {"a": SECRET}, {"a": [SECRET]}]
)


def _never(_: object) -> bool:
    return False


@given(pipelines())
def test_a_valid_pipeline_is_never_refused(inputs: dict[str, Any]) -> None:
    """Whatever the documentation allows passes, for every destination."""
    assert find_problems(inputs, _never) == []


@given(pipelines(), st.data())
def test_no_planted_secret_is_in_any_text(inputs: dict[str, Any], data: st.DataObject) -> None:
    """Wherever a secret stands, right or wrong, no problem quotes it."""
    for target in (inputs, inputs["destination_config"]):
        names = data.draw(st.sets(st.sampled_from([*INPUTS, *target, "unlisted", "topci"]), max_size=6))
        target.update({name: data.draw(_SPOILT) for name in sorted(names)} if isinstance(target, dict) else {})
    if isinstance(inputs["destination_config"], dict):
        for nested in ("sasl", "headers", "retry"):
            inputs["destination_config"].setdefault(nested, {"password": SECRET, "x": f"******{SECRET}"})

    assert all(SECRET not in str(problem) for problem in find_problems(inputs, _never))


@given(pipelines(), st.data())
def test_unknown_values_add_no_problem(inputs: dict[str, Any], data: st.DataObject) -> None:
    """A valid pipeline stays valid when any of its values is not known yet."""
    unknown = object()
    inputs.update(dict.fromkeys(data.draw(st.sets(st.sampled_from(sorted(inputs)))), unknown))
    config = inputs["destination_config"]
    if isinstance(config, dict):
        config.update(dict.fromkeys(data.draw(st.sets(st.sampled_from(sorted(config)))), unknown))

    assert find_problems(inputs, lambda value: value is unknown) == []


@pytest.mark.parametrize("type_", sorted(DESTINATIONS))
@given(data=st.data())
def test_secret_paths_lead_to_leaves(type_: str, data: st.DataObject) -> None:
    """Each path leads to a value of the config, each once, and credentials are among them."""
    config = data.draw(destination_configs(type_))
    paths = secret_paths(type_, config)

    assert len(set(paths)) == len(paths)
    assert all(not isinstance(_at(config, path), dict) for path in paths)
    for path, _ in _leaves(config):
        assert path in paths or path[-1] not in {"password", "secret_access_key", "access_key_id"}


def _at(config: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        config = config[key]
    return config


def _leaves(value: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, item in value.items():
        if isinstance(item, dict):
            yield from _leaves(item, (*path, name))
        else:
            yield (*path, name), item
