"""The workflows of the example for GitHub Actions, on a real project: what they show, deploy, and refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from tests.e2e.cli import ROOT
from tests.e2e.stack import Stack
from tests.e2e.workflows import Runner
from tests.e2e.world import QUICK

if TYPE_CHECKING:
    from tests.e2e.world import World

EXAMPLE = ROOT / "examples" / "13-github-actions"
PREVIEW, UP, CHECK = (EXAMPLE / ".github" / "workflows" / f"{name}.yml" for name in ("preview", "up", "check"))
PASSPHRASE = "goldrush-dev"


@pytest.fixture
def runner(world: World) -> Runner:
    """A runner on a copy of the example, whose stacks exist. It has nothing but the secrets of the repository."""
    world.cli.passphrase = PASSPHRASE
    secrets = {
        "PULUMI_ACCESS_TOKEN": "unused",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "GOLDRUSH_SERVICE_KEY": world.cli.settings.pop("GOLDRUSH_SERVICE_KEY"),
    }
    staging = world.copy(EXAMPLE, name="staging")
    prod = Stack(world.cli, staging.folder, "prod")
    prod.write_config({"goldrush:baseUrl": world.emulator.base_url, **QUICK})
    prod.init()
    world.stacks.append(prod)
    # A runner is told the passphrase by its workflow alone.
    world.cli.passphrase = "of nobody"
    return Runner(world.cli, staging.folder, secrets)


def phases(world: World) -> dict[str, str]:
    """The phase of each pipeline, by its project."""
    return {item["project"]: item["phase"] for item in world.emulator.pipelines()}


def test_a_merge_deploys_one_stack_after_the_other(world: World, runner: Runner) -> None:
    """A pull request previews both stacks without a request to GoldRush; the merge brings both up."""
    world.secrets |= {"staging-postgres-password", "prod-postgres-password"}
    assert runner.run(PREVIEW) == ["staging", "prod"]
    assert world.emulator.requests() == []

    assert runner.run(UP) == ["staging", "prod"]
    assert phases(world) == {"swaps-staging": "RUNNING", "swaps-prod": "RUNNING"}
    world.check()


def test_a_failure_in_staging_keeps_prod_as_it_is(world: World, runner: Runner) -> None:
    """A pipeline that does not come up ends the workflow, and the next run goes on with it."""
    world.emulator.script("base-swaps", outcome="FAILED", logs=["ERROR no such table"])
    assert runner.run(UP) == []
    assert phases(world) == {"swaps-staging": "FAILED"}

    world.emulator.clear_scripts()
    assert runner.run(UP) == ["staging", "prod"]
    assert phases(world) == {"swaps-staging": "RUNNING", "swaps-prod": "RUNNING"}
    world.check()


def test_a_credential_in_clear_text_stops_the_preview(world: World, runner: Runner) -> None:
    """A pull request that carries a password in clear text fails before any program runs."""
    file = runner.folder / "Pulumi.prod.yaml"
    stack = yaml.safe_load(file.read_text("utf-8"))
    stack["config"]["deployed-by-ci:pipelines"]["base-swaps"]["destination_config"]["password"] = "in-clear"
    file.write_text(yaml.safe_dump(stack), "utf-8")

    assert runner.run(PREVIEW) == []
    assert "destination_config.password: is a credential in clear text" in world.cli.transcript[-1]


def test_a_schedule_notices_drift_and_a_bad_destination(world: World, runner: Runner) -> None:
    """The check is green after a merge, and red when somebody pauses a pipeline or its destination is unhealthy."""
    assert runner.run(UP) == ["staging", "prod"]
    assert runner.run(CHECK) == ["staging", "prod"]

    (staging,) = (item["id"] for item in world.emulator.pipelines() if item["project"] == "swaps-staging")
    world.emulator.set_health(staging, "connection refused")
    assert runner.run(CHECK) == []
    assert "destination_unhealthy" in world.cli.transcript[-1]
    world.emulator.set_health(staging, None)
    assert runner.run(CHECK) == ["staging", "prod"]
    world.emulator.edit(staging, description="edited by hand")
    assert runner.run(CHECK) == []
    world.check()
