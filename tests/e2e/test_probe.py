"""A local GoldRush that probes destinations, and a real database behind a pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.emulator import Emulator
from tests.e2e.programs import Code, pipeline
from tools.postgres import USER, binaries, postgres

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.world import World


@pytest.mark.skipif(binaries() is None, reason="there is no PostgreSQL; Debian's package is `postgresql`")
def test_the_database_itself_decides(make_world: Callable[[Emulator], World]) -> None:
    """A wrong password is FAILED with the server's words, the right one is healthy, and a database that stops is not.

    All of it is one pipeline, which is created once.
    """
    with Emulator(probe=True) as emulator:
        world = make_world(emulator)
        right, wrong = world.plant("right"), world.plant("wrong")
        with postgres(right) as server:
            config = {
                "type": "postgres",
                "url": server.url,
                "user": USER,
                "password": Code('config.require_secret("pw")'),
            }
            stack = world.stack(pipeline(destination_config=config, wait_for="healthy"))
            stack.config(secret={"pw": wrong})
            failed = stack.up(expect=None)

            assert failed.code != 0
            assert "is FAILED" in failed
            assert f'destination: FATAL: password authentication failed for user "{USER}"' in failed
            assert "auth_failed" in failed
            assert stack.resource().outputs["phase"] == "FAILED"

            stack.config(secret={"pw": right})
            stack.up()
            assert stack.resource().outputs["phase"] == "RUNNING"
            assert emulator.request_counts()["POST /platform/pipeline-api/"] == 1
            assert "in good health" not in stack.refresh().text
            stack.preview_clean()

            server.stop()
            assert f"connection refused: 127.0.0.1:{server.port}" in stack.refresh()
