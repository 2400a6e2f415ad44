"""The whole life of pipelines, in the root program and in every example: from nothing to running and back."""

from __future__ import annotations

import re
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.emulator import Emulator, Lifecycle
from tests.e2e.cli import ROOT
from tests.e2e.stack import Stack, copy_project
from tests.e2e.world import QUICK
from tests.e2e.yaml_programs import install_plugin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.cli import Ended
    from tests.e2e.world import World

DEV_PASSPHRASE = "goldrush-dev"
DEV_KEY = "goldrush-dev-key"
"""What Pulumi.dev.yaml documents and holds; the examples do the same."""
PARTNER_KEY = "goldrush-dev-partner-key"
"""The key of the second account of a local GoldRush."""

EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*/") if not path.name.startswith((".", "_")))
RUN_HERE = [path for path in EXAMPLES if not (path / "package.json").exists() and not (path / "go.mod").exists()]
"""The examples in Python and YAML; those in TypeScript and Go have a test of their own."""

# Every destination names a host or a region, so one of these changes each pipeline in place.
_IN_PLACE = ((r"example\.com", "example.net"), (r"us-east-1", "us-west-2"))
_REPLACING = ((r"\.mainnet\.ref\.block\.", ".testnet.ref.block."),)


def rewrite(stack: Stack, changes: tuple[tuple[str, str], ...]) -> None:
    """Change some words in all files of a project."""
    for path in stack.folder.rglob("*"):
        if path.suffix in {".py", ".yaml", ".json"} and path.is_file() and ".venv" not in path.parts:
            before = after = path.read_text("utf-8")
            for pattern, replacement in changes:
                after = re.sub(pattern, replacement, after)
            if after != before:
                path.write_text(after, "utf-8")


def ids(stack: Stack) -> dict[str, str]:
    """The ids in state by the names of the resources."""
    return {item.name: item.id for item in stack.resources() if item.managed}


def live(world: World, stack: Stack) -> None:
    """Lead a stack through everything that can happen to it, and judge what GoldRush was asked for."""
    _come_up(world, stack)
    _change_in_place(world, stack)
    _restore_drift(world, stack)
    _replace(world, stack)
    stack.destroy()
    assert world.emulator.pipelines() == []
    assert stack.resources() == []


def _come_up(world: World, stack: Stack) -> None:
    stack.up(preview=True)
    assert {item["phase"] for item in world.emulator.pipelines()} <= {"RUNNING", "STOPPED", "PAUSED"}
    stack.preview_clean()
    stack.preview_clean("--refresh")
    world.check()


def _change_in_place(world: World, stack: Stack) -> None:
    before = ids(stack)
    assert before, "the program declares no pipeline"
    world.emulator.clear_requests()
    rewrite(stack, _IN_PLACE)
    stack.up()
    asked = Counter(request.method for request in world.emulator.requests())
    assert ids(stack) == before
    assert (asked["PATCH"], asked["POST"], asked["DELETE"]) == (len(before), 0, 0)
    assert all("example.net" in repr(item) or "us-west-2" in repr(item) for item in world.emulator.pipelines())
    world.check()


def _restore_drift(world: World, stack: Stack) -> None:
    wanted = {item["id"]: item["description"] for item in world.emulator.pipelines()}
    for pipeline_id in wanted:
        world.emulator.edit(pipeline_id, description="changed by hand")
    stack.up("--refresh")
    assert {item["id"]: item["description"] for item in world.emulator.pipelines()} == wanted
    world.check()


def _replace(world: World, stack: Stack) -> None:
    before = ids(stack)
    world.emulator.clear_requests()
    rewrite(stack, _REPLACING)
    stack.up()
    after = ids(stack)
    assert after.keys() == before.keys()
    assert not set(after.values()) & set(before.values())
    for name, old in before.items():
        writes = [request for request in world.emulator.requests() if request.method != "GET"]
        order = [request.method for request in writes if request.pipeline_id in {old, after[name]}]
        assert order == ["DELETE", "POST"]
    assert all(".testnet." in item["topic"] for item in world.emulator.pipelines())
    world.check()


@pytest.fixture
def dev_world(make_world: Callable[[Emulator], World]) -> Iterator[World]:
    """A world that opens stack files encrypted with the documented passphrase of `dev`."""
    with Emulator(service_key=DEV_KEY, other_service_key=PARTNER_KEY) as emulator:
        world = make_world(emulator)
        world.cli.passphrase = DEV_PASSPHRASE
        # The key comes from the stack's config, as it does for a user.
        del world.cli.settings["GOLDRUSH_SERVICE_KEY"]
        yield world


def test_root_program_lives_its_whole_life(dev_world: World) -> None:
    """The pipelines of Pulumi.dev.yaml come up, change, drift, are replaced and go, and no secret of theirs shows."""
    stack = dev_world.copy(ROOT)
    dev_world.secrets |= {
        "dev-postgres-password",
        "dev-clickhouse-password",
        "dev-kafka-password",
        "dev-s3-access-key-id",
        "dev-s3-secret-access-key",
        "dev-sqs-access-key-id",
        "dev-sqs-secret-access-key",
        "dev-webhook-token",
    }
    live(dev_world, stack)
    created = [body["destination_type"] for body in dev_world.sent("POST")]
    assert sorted(created) == ["clickhouse", "kafka", "object_storage", "postgres", "sqs", "webhook"]


class AutomatedStack(Stack):
    """A stack of a program that drives Pulumi itself: `python main.py <verb>`."""

    def up(self, *options: str, expect: int | None = 0, preview: bool = False) -> Ended:
        if preview:
            self._drive("preview")
        if "--refresh" in options:
            self.refresh()
        return self._drive("up", expect=expect)

    def preview_clean(self, *options: str) -> Ended:
        if "--refresh" in options:
            self.refresh()
        ended = self._drive("preview", *(option for option in options if option != "--refresh"))
        assert not re.search(r"\d to (create|update|delete|replace)", ended.text)
        return ended

    def destroy(self, *options: str, expect: int | None = 0) -> Ended:
        return self._drive("destroy", *options, expect=expect)

    def _drive(self, *arguments: str, expect: int | None = 0) -> Ended:
        return self.cli.run_program((sys.executable, "main.py", *arguments), folder=self.folder, expect=expect)


def automated(world: World, folder: Path) -> AutomatedStack:
    """A copy of an example that takes key and endpoint from the environment and needs no language host."""
    world.cli.settings |= {
        "GOLDRUSH_SERVICE_KEY": DEV_KEY,
        "GOLDRUSH_BASE_URL": world.emulator.base_url,
        "PULUMI_PYTHON_CMD": sys.executable,
    }
    stack = AutomatedStack(world.cli, copy_project(folder, world.folder / folder.name))
    world.stacks.append(stack)
    return stack


@pytest.mark.parametrize("folder", RUN_HERE, ids=lambda folder: folder.name)
def test_example_lives_its_whole_life(dev_world: World, folder: Path) -> None:
    """Every example in Python or YAML comes up, changes, drifts, is replaced and goes."""
    drives_itself = (folder / "main.py").exists()
    if not drives_itself and not (folder / "__main__.py").exists():
        install_plugin(dev_world)
    live(dev_world, automated(dev_world, folder) if drives_itself else dev_world.copy(folder))


def test_rollout_stops_at_the_first_failure(dev_world: World) -> None:
    """The deployer brings dev, staging and prod up in turn, and where one fails the next is not touched."""
    dev = automated(dev_world, ROOT / "examples" / "08-automation-api")
    staging, prod = (Stack(dev_world.cli, dev.folder, name) for name in ("staging", "prod"))
    dev_world.stacks += [staging, prod]
    staging.write_config(QUICK)
    dev_world.emulator.script("base-swaps-staging", outcome="FAILED", logs=["ERROR no such table"])

    ended = dev._drive("rollout", expect=1)
    assert "stopped: staging is not as declared; not touched: prod" in ended
    assert [len(stack.resources()) for stack in (dev, staging, prod)] == [1, 1, 0]

    dev_world.emulator.clear_scripts()
    dev._drive("rollout")
    assert sorted(item["project"] for item in dev_world.emulator.pipelines()) == [
        "deployments-dev",
        "deployments-prod",
        "deployments-staging",
    ]
    assert {item["phase"] for item in dev_world.emulator.pipelines()} == {"RUNNING"}
    dev_world.check()


def test_live_follows_the_backfill(make_world: Callable[[Emulator], World]) -> None:
    """The example's second pipeline waits, paused, until the first one is STOPPED, and again when that is redone."""
    with Emulator(service_key=DEV_KEY, lifecycle=Lifecycle.by_time(0.0, 0.0, bounded_seconds=3600.0)) as emulator:
        world = make_world(emulator)
        world.cli.passphrase = DEV_PASSPHRASE
        stack = world.copy(ROOT / "examples" / "14-backfill-then-live")

        def phases() -> dict[str, str]:
            return {item["name"].removeprefix("swaps-"): item["phase"] for item in emulator.pipelines()}

        stack.up()
        assert phases() == {"backfill": "RUNNING", "live": "PAUSED"}
        stack.preview_clean("--refresh")

        backfill, live = ids(stack)["swaps-backfill"], ids(stack)["swaps-live"]
        emulator.set_phase(backfill, "STOPPED")
        stack.up("--refresh")
        assert phases() == {"backfill": "STOPPED", "live": "RUNNING"}
        stack.preview_clean("--refresh")

        rewrite(stack, ((r"uniswap_v3", "uniswap_v2"),))
        stack.up()
        assert phases() == {"backfill": "RUNNING", "live": "PAUSED"}
        assert ids(stack) == {"swaps-backfill": backfill, "swaps-live": live}
        stack.destroy()


def test_rules_of_the_house_are_enforced(dev_world: World) -> None:
    """The example's rules fail a preview of prod with all that is broken, and an update before anything is created."""
    stack = dev_world.copy(ROOT / "examples" / "12-house-rules", name="prod")
    stack.config(secret={"goldrush:serviceKey": dev_world.emulator.service_key, "house-rules:pgPassword": "kept"})
    program = stack.folder / "__main__.py"
    kept = program.read_text("utf-8")
    broken = kept.replace('protect=stack == "prod"', "protect=False").replace(
        "password=password", 'password="in-clear"'
    )
    program.write_text(broken.replace('project=f"analytics-{stack}"', 'project="analytics"'), "utf-8")

    preview = stack.preview(expect=1)
    for entity in ("transfers", "logs"):
        assert f"pipeline base-{entity}: is not protected" in preview
        assert f"pipeline base-{entity}: project: does not end in -prod" in preview
        assert f"pipeline base-{entity}: destination_config.password: is plain text" in preview
    assert "in-clear" not in preview
    assert "pipeline base-transfers: is not protected" in stack.up(expect=1)
    assert dev_world.sent("POST") == []

    program.write_text(kept, "utf-8")
    stack.preview()


def test_examples_are_found() -> None:
    """Every folder of the examples is a Pulumi project, and there are some."""
    assert EXAMPLES
    assert [folder.name for folder in EXAMPLES if not (folder / "Pulumi.yaml").exists()] == []
