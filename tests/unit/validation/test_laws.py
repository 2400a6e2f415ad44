from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldrush_pulumi.schema.pipeline import INPUTS
from goldrush_pulumi.validation import DESTINATIONS, find_problems, secret_paths
from tests.generators.__main__ import judge
from tests.generators.laws import find_changes, find_errors
from tests.generators.pipelines import destination_configs, pipelines

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.untraced

SECRET = "plantedsecret"
_SPOILT = st.sampled_from(
    [SECRET, f"******{SECRET}", f"http://u:{SECRET}@h", f"[pulumi:{SECRET}]", [SECRET], {"a": SECRET}, {"a": [SECRET]}]
)

_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def _never(_: object) -> bool:
    return False


@given(pipelines())
def test_a_valid_pipeline_is_never_refused(inputs: dict[str, Any]) -> None:
    """Whatever the documentation allows passes, for every destination."""
    assert find_errors(inputs) == []


@given(pipelines())
def test_an_untouched_pipeline_never_differs(inputs: dict[str, Any]) -> None:
    """After a way through engine, request, server defaults and masks, and back, the same program changes nothing."""
    assert find_changes(inputs) == []


def test_the_exhaustive_run_judges_as_many_as_it_is_told() -> None:
    """`python -m tests.generators COUNT` judges by the same laws, and counts what it judged."""
    assert judge(20) == 20


@given(pipelines(), st.data())
def test_a_mutation_is_judged_without_an_accident(inputs: dict[str, Any], data: st.DataObject) -> None:
    """Whatever stands in place of a value, the answer is a list of problems, and each has a path and two halves."""
    for target in (inputs, inputs["destination_config"]):
        for name in data.draw(st.sets(st.sampled_from(sorted(target)), max_size=3)):
            target[name] = data.draw(_ANYTHING)
            if not isinstance(inputs["destination_config"], dict):
                return

    for problem in find_problems(inputs, _never):
        assert problem.path
        assert problem.message
        assert problem.hint or problem.message.startswith("must ")


@given(pipelines(), st.data())
def test_a_required_value_that_is_taken_away_is_missed(inputs: dict[str, Any], data: st.DataObject) -> None:
    """A pipeline without one of the values it needs is refused at that value's path."""
    type_ = inputs.get("destination_type") or inputs["destination_config"]["type"]
    required = [field.name for field in DESTINATIONS[type_].fields if field.required]
    name = data.draw(st.sampled_from(required))
    del inputs["destination_config"][name]

    assert any(text.startswith(f"destination_config.{name}: is missing") for text in find_errors(inputs))


@given(pipelines())
def test_an_unchanged_pipeline_is_not_read_again(inputs: dict[str, Any]) -> None:
    """What was found right before has no problem in its languages."""
    again = find_problems(inputs, _never, inputs)

    assert not [
        problem for problem in again if problem.path.startswith(("transforms[", "abi_file[", "abi_contract_addresses["))
    ]


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

    assert not [problem for problem in find_problems(inputs, lambda value: value is unknown) if problem.is_error]


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
