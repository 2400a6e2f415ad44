"""What check reads, what it says of it, and how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugin.bookkeeper import as_sent
from tests.plugin.pipelines import program, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.plugin.harness import Plugin

OPEN = {"swaps": "SELECT UPPER(protocol) AS protocol FROM swaps LIMIT 5"}
PARSERS = ("sqlglot", "eth_abi", "eth_utils")


@pytest.fixture
def plugin() -> Iterator[Plugin]:
    """A provider that prints what it imports."""
    with start(env={"PYTHONPROFILEIMPORTTIME": "1"}) as running:
        yield running


def warnings_of(plugin: Plugin) -> list[tuple[str, str]]:
    """The resource's name and the text of each warning about a transform so far."""
    lines = [line for line in plugin.engine.lines if line.severity == "WARNING" and line.text.startswith("transforms")]
    return [(line.urn.rpartition("::")[2], line.text) for line in lines]


def imported(plugin: Plugin) -> set[str]:
    """The parsers that the process has loaded."""
    names = {line.rpartition("|")[2].strip() for line in plugin.printed.splitlines() if line.startswith("import time:")}
    assert "goldrush_pulumi.provider" in names
    return names & set(PARSERS)


def test_a_warning_is_said_once_on_its_own_row(plugin: Plugin) -> None:
    """However often a pipeline is checked, each of its warnings is said once; another pipeline has its own."""
    for name in ("swaps", "swaps", "others"):
        assert plugin.check(name, program(transforms=OPEN)).failures == ()

    assert [name for name, _ in warnings_of(plugin)] == ["swaps", "swaps", "others", "others"]
    assert [text.partition(" at ")[0] for _, text in warnings_of(plugin)[:2]] == [
        'transforms["swaps"]: holds LIMIT',
        'transforms["swaps"]: calls UPPER()',
    ]
    assert all(line.ephemeral is False for line in plugin.engine.lines)


def test_errors_and_warnings_are_kept_apart(plugin: Plugin) -> None:
    """What is refused is a failure without a property's name, what is only doubtful is a warning."""
    sql = {"swaps": "SELECT DISTINCT protocol FROM swaps ORDER BY protocol"}
    ((name, text),) = plugin.check("swaps", program(transforms=sql)).failures

    assert (name, text.partition(" at ")[0]) == ("", 'transforms["swaps"]: holds ORDER BY')
    assert ["DISTINCT" in text for _, text in warnings_of(plugin)] == [True]


def test_an_unchanged_pipeline_loads_no_parser(plugin: Plugin) -> None:
    """Check and diff of what was recorded before read neither SQL nor ABI, and say nothing."""
    abi = [{"type": "event", "name": "Sold", "inputs": [{"name": "a", "type": "uint256"}]}]
    declared = program(
        topic="base.mainnet.ref.block.logs",
        transforms=OPEN,
        abi_file=abi,
        abi_contract_addresses=["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"],
    )
    with start() as earlier:
        recorded = as_sent(earlier.check("swaps", declared).inputs)
    checked = plugin.check("swaps", declared, recorded)
    reply = plugin.diff("swaps", "pipe_1", recorded, as_sent(checked.inputs), old_inputs=recorded)

    assert (checked.failures, reply.changes) == ((), "DIFF_NONE")
    assert plugin.engine.lines == []
    assert imported(plugin) == set()


def test_a_change_of_layout_alone_is_no_change(plugin: Plugin) -> None:
    """Diff tells it without a parser."""
    first = as_sent(plugin.check("swaps", program()).inputs)
    recorded = {**first, "transforms": OPEN}
    laid_out = {**first, "transforms": {"swaps": f"-- new\n{OPEN['swaps']} ;"}}
    reply = plugin.diff("swaps", "pipe_1", recorded, laid_out, old_inputs=recorded)

    assert reply.changes == "DIFF_NONE"
    assert imported(plugin) == set()


def test_new_sql_loads_its_parser_only(plugin: Plugin) -> None:
    """SQL loads the SQL parser, and nothing that reads ABIs."""
    plugin.check("swaps", program(transforms=OPEN))

    assert imported(plugin) == {"sqlglot"}
