"""State that an earlier release wrote, under the present code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.emulator import Emulator
from tests.e2e import history

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.world import World

KEPT = sorted(history.FOLDER.glob("*.json"))


@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.stem)
def test_state_of_a_release_lives_on(make_world: Callable[[Emulator], World], tmp_path: Path, file: Path) -> None:
    """The state of a release refreshes, previews clean and is destroyed, and no pipeline is touched before."""
    kept = json.loads(file.read_text("utf-8"))
    server = tmp_path / "server.sqlite"
    history.restore_server(kept["server"], server)
    with Emulator(state_file=server) as emulator:
        world = make_world(emulator)
        world.secrets |= {"kept-sasl-password", "kept-secret-access-key", "kept-token", "kept-description"}
        stack = history.open_stack(world)
        (stack.folder / "__main__.py").write_text(kept["program"], "utf-8")
        (tmp_path / "state.json").write_text(json.dumps(kept["state"]), "utf-8")
        stack.import_(tmp_path / "state.json")
        assert len(stack.resources()) == len(history.PIPELINES)
        world.check_pipelines()
        stack.refresh("--diff")
        stack.preview_clean("--diff")
        stack.up("--expect-no-changes")
        # The inputs that this version added are in state now.
        stack.refresh("--expect-no-changes")
        assert {request.method for request in emulator.requests()} == {"GET"}
        world.check()
        stack.destroy()
        assert emulator.pipelines() == []


def test_releases_are_kept() -> None:
    """There is a kept state, with a pipeline of each destination in it."""
    assert KEPT
    for file in KEPT:
        records = json.loads(file.read_text("utf-8"))["server"]["records"]
        assert len({record["config"]["destination_type"] for record in records}) == len(history.PIPELINES)
