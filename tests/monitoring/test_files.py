"""The files of `monitoring/` say what the tools of Prometheus accept and what the exporter serves."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
import yaml

from goldrush_pulumi.cli.app import make_application
from goldrush_pulumi.cli.exporter import DEFAULT_PORT
from goldrush_pulumi.cli.exposition import GAUGES, LABELS, STATE_SETS, Totals, own_families

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.prometheus import Programs

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOLDER = ROOT / "monitoring"
APPLICATION: Any = typer.main.get_command(make_application())


def run(*command: str, folder: Path = FOLDER) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def strings_in(value: Any) -> Iterator[tuple[str, str]]:
    """Every string in a document with its key."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if isinstance(item, str):
            yield str(key), item
        elif isinstance(item, (dict, list)):
            yield from strings_in(item)


def expressions() -> list[str]:
    """The PromQL of all alerts and panels."""
    dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text("utf-8"))
    found = [text for key, text in strings_in(dashboard) if key == "expr"]
    return [rule["expr"] for rule in alerts()] + [
        re.sub(r"\$__(rate_)?interval", "5m", text).replace("$project", ".*").replace("$name", ".*") for text in found
    ]


def exported() -> set[str]:
    """The names of all samples that the exporter can serve."""
    own = own_families(
        Totals("1", is_up=True, last_success="2026-11-23T10:00:00Z", rounds=1, round_seconds=1, outcomes={})
    )
    names = {sample.name for family in own for sample in family.samples}
    names |= {gauge.name + ("_total" if gauge.is_counter else "") for gauge in GAUGES}
    return names | {state_set.name for state_set in STATE_SETS}


def test_prometheus_accepts_configuration_and_rules(programs: Programs) -> None:
    """`promtool check` finds nothing wrong with the scrape configuration and the rules that it loads."""
    assert f"{len(alerts())} rules found" in run(programs.promtool, "check", "config", "prometheus.yml")


def test_rules_fire_when_they_should(programs: Programs) -> None:
    """The unit tests of the rules pass: each fires in its case, and stays silent in the one beside it."""
    assert "SUCCESS" in run(programs.promtool, "test", "rules", "alerts_test.yml", folder=HERE)


def test_every_rule_has_a_unit_test() -> None:
    """A new rule cannot be added without a case in which it fires."""
    tests = yaml.safe_load((HERE / "alerts_test.yml").read_text("utf-8"))["tests"]
    fired = {case["alertname"] for test in tests for case in test["alert_rule_test"] if case.get("exp_alerts")}
    assert fired == {rule["alert"] for rule in alerts()}


def test_alertmanager_accepts_its_configuration(programs: Programs) -> None:
    """`amtool check-config` finds nothing wrong, and each severity has its receiver."""
    run(programs.amtool, "check-config", "alertmanager.yml")
    receivers = {
        severity: run(
            programs.amtool, "config", "routes", "test", "--config.file=alertmanager.yml", f"severity={severity}"
        )
        for severity in {rule["labels"]["severity"] for rule in alerts()}
    }
    assert receivers == {"page": "pager\n", "ticket": "tickets\n"}


def test_the_dashboard_is_valid_promql(programs: Programs, tmp_path: Path) -> None:
    """Prometheus parses the expression of every panel."""
    rules = [{"record": f"panel_{number}", "expr": text} for number, text in enumerate(expressions())]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), "utf-8")
    assert f"{len(rules)} rules found" in run(programs.promtool, "check", "rules", str(path))


@pytest.mark.parametrize("expression", expressions())
def test_rules_and_panels_use_metrics_that_exist(expression: str) -> None:
    """Neither an alert nor a panel waits for a metric or a label that the exporter does not serve."""
    words = set(re.findall(r"\bgoldrush_\w+", expression))
    assert words <= exported() | {state_set.name for state_set in STATE_SETS}
    matchers = set(re.findall(r"(\w+)\s*=~?\s*\"", expression))
    assert matchers <= {*LABELS, "job", "code", *(state_set.name for state_set in STATE_SETS)}


def test_every_action_is_a_command() -> None:
    """What an alert advises to run exists, with its options."""
    # What stands between braces is filled in by Prometheus.
    advised = [re.sub(r"\{\{.*?\}\}", " ", rule["annotations"]["action"]) for rule in alerts()]
    for words in (shlex.split(text) for text in advised if text.startswith("goldrush-pulumi ")):
        command = APPLICATION.commands[words[1]]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= options


def test_port_is_the_default_everywhere() -> None:
    """Prometheus scrapes the port that the exporter listens on unless it is told otherwise."""
    assert f"127.0.0.1:{DEFAULT_PORT}" in (FOLDER / "prometheus.yml").read_text("utf-8")
    assert f"EXPOSE {DEFAULT_PORT}" in (FOLDER / "Containerfile").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "prefix"), [("goldrush-exporter.service", "ExecStart="), ("Containerfile", "ENTRYPOINT ")]
)
def test_services_start_a_command_that_exists(name: str, prefix: str) -> None:
    """The unit and the container run `goldrush-pulumi exporter` with options that it has."""
    (line,) = [line for line in (FOLDER / name).read_text("utf-8").splitlines() if line.startswith(prefix)]
    text = line.removeprefix(prefix)
    words = json.loads(text) if text.startswith("[") else shlex.split(text)
    assert [Path(words[0]).name, words[1]] == ["goldrush-pulumi", "exporter"]
    parsed = APPLICATION.commands["exporter"].make_context("exporter", words[2:], resilient_parsing=False)
    assert parsed.params["port"] == DEFAULT_PORT
