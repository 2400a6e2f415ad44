"""What goes wrong around a deployment: each is told in clear words that say what to do, and nothing is lost by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.emulator import Emulator, Lifecycle
from tests.e2e.cli import ROOT
from tests.e2e.programs import POSTGRES, Code, pipeline
from tests.e2e.world import QUICK
from tests.support.ports import closed_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.cli import Ended
    from tests.e2e.stack import Stack
    from tests.e2e.world import World


def refuse(stack: Stack, *words: str) -> Ended:
    """Run an `up` that must fail with these words, with no trace of Python and nothing recorded."""
    ended = stack.up(expect=None)
    assert ended.code != 0
    for text in words:
        assert text in ended, f"{text!r} is missing in:\n{ended.text}"
    for noise in ("Traceback", "Exception", "internal error", 'File "'):
        assert noise not in ended
    assert stack.resources() == []
    return ended


@pytest.fixture
def closed_url() -> Iterator[str]:
    """An address of this machine at which nothing listens, and nothing will."""
    with closed_port() as port:
        yield f"http://127.0.0.1:{port}/platform/pipeline-api/"


def test_every_problem_is_told_at_once(world: World) -> None:
    """All that is wrong with the inputs of several pipelines is told by path in one go, and nothing is sent."""
    wrong: dict[str, Any] = {
        "topic": "base.swaps",
        "execution_mode": "forever",
        "execution_start_from": 20,
        "execution_stop_from": 10,
        "transforms": {"swaps": 7},
        "wait_for": "luck",
    }
    stack = world.stack(pipeline("swaps", **wrong))
    ended = refuse(stack, *(f"{path}: " for path in ("topic", "execution_mode", "execution_stop_from", "wait_for")))
    assert 'transforms["swaps"]: ' in ended
    assert world.emulator.requests() == []


def test_misspelt_field_is_told_with_the_right_one(world: World) -> None:
    """An unknown field of a destination is refused, with the name that was probably meant."""
    config = {**POSTGRES, "pasword": "x"}
    del config["password"]
    stack = world.stack(pipeline(destination_config=config))
    ended = refuse(stack, "destination_config.pasword", "destination_config.password")
    assert "did you mean" in ended
    assert world.emulator.requests() == []


def test_mistakes_in_the_program_are_named(world: World) -> None:
    """A keyword that does not exist or is missing is named among all that is wrong with the pipeline."""
    stack = world.stack('goldrush.Pipeline("swaps", project="shop", topik="base")')
    refuse(stack, "fix these inputs", 'topik: is not an input of a pipeline, did you mean "topic"?')
    stack.program('goldrush.Pipeline("swaps", project="shop")')
    refuse(stack, "fix these inputs", "topic", "destination_config")
    assert world.emulator.requests() == []


def test_wrong_stack_config_is_told_by_path(world: World) -> None:
    """The root program tells everything that is wrong in the stack's config, without any value."""
    secret = world.plant("password")
    stack = world.copy(ROOT, name="broken")
    declared = {
        "swaps": {"project": "shop", "topik": "x", "destination_config": {"type": "postgres"}},
        "mints": {"project": "shop", "topic": 5, "protect": "yes", "destination_config": {"type": "mysql"}},
    }
    stack.write_config({"goldrush-pipelines:pipelines": declared})
    stack.config(secret={"pipelines.swaps.destination_config.password": secret}, paths=True)
    ended = refuse(
        stack,
        "pipelines.swaps.topik: ",
        "pipelines.swaps.topic: ",
        "pipelines.swaps.destination_config.url: ",
        "pipelines.mints.protect: ",
        "pipelines.mints.topic: ",
    )
    assert "mysql" not in ended
    assert world.emulator.requests() == []


def test_settings_are_judged_together(world: World) -> None:
    """Settings out of range and a missing key are told at once."""
    del world.cli.settings["GOLDRUSH_SERVICE_KEY"]
    stack = world.stack(pipeline(), config={"goldrush:stabilizationSeconds": "soon", "goldrush:requestsPerSecond": 0})
    refuse(
        stack,
        "goldrush:serviceKey: no ServiceKey is set",
        "pulumi config set --secret goldrush:serviceKey",
        "goldrush:stabilizationSeconds: is not a number from 0 to 600",
        "goldrush:requestsPerSecond: is not a number",
    )


def test_unknown_setting_is_refused_with_the_nearest_name(world: World) -> None:
    """A misspelt setting ends previews and ups, and nothing is sent."""
    stack = world.stack(pipeline())
    stack.up()
    stack.write_config({"goldrush:failedGraceSecond": 5})
    asked = len(world.emulator.requests())
    for verb in (stack.preview, stack.up):
        ended = verb(expect=None)
        assert ended.code != 0
        assert "goldrush:failedGraceSecond: is not a setting, did you mean goldrush:failedGraceSeconds?" in ended
        assert "Traceback" not in ended
    assert len(world.emulator.requests()) == asked


def test_key_in_clear_is_warned_of_in_every_run(world: World) -> None:
    """A ServiceKey in clear in the stack's config works, and each run warns of it once; an encrypted one is fine."""
    # A key of its own, since the end of each test searches state for the usual one.
    key = world.emulator.add_key()
    stack = world.stack(pipeline(), config={"goldrush:serviceKey": key})
    warning = "warning: goldrush:serviceKey is not encrypted"
    diagnostics = [run(expect=0).text.partition("Diagnostics:")[2] for run in (stack.up, stack.up, stack.preview)]
    assert [text.count(warning) for text in diagnostics] == [1, 1, 1]
    assert key not in "".join(diagnostics)
    stack.config(secret={"goldrush:serviceKey": key})
    assert warning not in stack.up()


def test_key_is_never_sent_unencrypted(world: World) -> None:
    """An http endpoint that is not on this machine is refused before anything is sent."""
    stack = world.stack(pipeline(), config={"goldrush:baseUrl": "http://goldrush.example.com/"})
    refuse(stack, "unencrypted, write https")


@pytest.mark.parametrize("source", ["environment", "config"])
def test_wrong_key_is_told_with_its_source(world: World, source: str) -> None:
    """A key that GoldRush does not know is refused with the place that it came from."""
    wrong = world.plant("key")
    stack = world.stack(pipeline())
    if source == "environment":
        world.cli.settings["GOLDRUSH_SERVICE_KEY"] = wrong
        named = "environment variable GOLDRUSH_SERVICE_KEY"
    else:
        stack.config(secret={"goldrush:serviceKey": wrong})
        named = "config goldrush:serviceKey"
    refuse(stack, "missing, wrong or revoked (401)", named)


def test_plain_api_key_is_told_from_a_service_key(world: World) -> None:
    """A plain API key is refused with the advice to use a ServiceKey."""
    world.cli.settings["GOLDRUSH_SERVICE_KEY"] = world.emulator.api_key
    world.secrets.add(world.emulator.api_key)
    refuse(world.stack(pipeline()), "forbidden (403)", "use a ServiceKey (a plain API key is not accepted)")


def test_revoked_key_leaves_everything_as_it_is(world: World) -> None:
    """With a revoked key, update, refresh and destroy fail, say so, and change nothing."""
    stack = world.stack(pipeline())
    stack.up()
    before = stack.snapshot()
    key = world.cli.settings["GOLDRUSH_SERVICE_KEY"]
    world.emulator.revoke_key(key)
    stack.program(pipeline(description="new"))
    for verb in (stack.up, stack.refresh, stack.destroy):
        ended = verb(expect=1)
        assert "(401)" in ended
        assert "Traceback" not in ended
        assert stack.snapshot() == before
    assert world.pipeline()["description"] == ""


@pytest.mark.parametrize("status", [200, 403])
def test_answers_that_are_not_goldrushs_own(world: World, status: int) -> None:
    """A page of a proxy in the place of an answer is told by status and first line; nothing is made of it."""
    world.emulator.fault("GET", status=status, body="<html>Sign in to the guest network</html>", times=None)
    world.emulator.fault("POST", status=status, body="<html>Sign in to the guest network</html>", times=None)
    refuse(world.stack(pipeline()), str(status), "Sign in to the guest network")
    world.emulator.clear_faults()


def test_refusal_by_goldrush_is_shown(world: World) -> None:
    """A 422 is shown with the server's own words; nothing is recorded, and the next `up` starts afresh."""
    envelope = {"error": True, "error_code": 422, "error_message": "topic: is not yet served", "data": None}
    world.emulator.fault("POST", status=422, body=envelope)
    stack = world.stack(pipeline())
    refuse(stack, "topic: is not yet served")
    stack.up()
    assert world.pipeline()["phase"] == "RUNNING"


def test_refused_change_leaves_state_as_it_was(world: World) -> None:
    """A change that GoldRush refuses is not recorded, and the next preview shows it again."""
    stack = world.stack(pipeline())
    stack.up()
    before = stack.snapshot()
    world.emulator.fault("PATCH", status=422)
    stack.program(pipeline(description="new"))
    stack.up(expect=1)
    assert stack.snapshot() == before
    assert stack.preview("--expect-no-changes", expect=None).code != 0
    stack.up()
    assert world.pipeline()["description"] == "new"


def test_server_errors_on_the_way_are_sat_out(world: World) -> None:
    """A few 503 and broken connections on reads and repeatable changes fail nothing."""
    stack = world.stack(pipeline())
    world.emulator.fault("GET", "*/status/", status=503, times=2, retry_after=0)
    world.emulator.fault("GET", "*/status/", drop="before")
    stack.up()
    world.emulator.fault("PATCH", status=502, body="<html>Bad Gateway</html>", commit=True)
    stack.program(pipeline(description="new"))
    stack.up()
    assert world.pipeline()["description"] == "new"
    world.emulator.fault("DELETE", drop="after")
    stack.destroy()
    assert world.emulator.pipelines() == []


def test_goldrush_out_of_reach(make_world: Callable[[Emulator], World], closed_url: str) -> None:
    """Before a POST nothing is recorded; in the middle of a wait the pipeline is, and the next `up` goes on."""
    with Emulator(lifecycle=Lifecycle.manual()) as emulator:
        world = make_world(emulator)
        waiting = world.stack(pipeline())
        never = world.stack(pipeline(), project="never", config={**QUICK, "goldrush:baseUrl": closed_url})
        first, second = waiting.start_up(), never.start_up()
        world.until(lambda: _looks(emulator) > 0 or first.ended, "a look at the pipeline")
        emulator.stop()
        _require_clear_words(second.wait(expect=1), "cannot be reached")
        ended = first.wait(expect=1)
        pipeline_id = waiting.resource().id
        _require_clear_words(ended, f"pipeline swaps ({pipeline_id}) could not be followed: ")
        assert "the pipeline is kept and recorded" in ended
        assert never.resources() == []
        emulator.start()
        emulator.set_phase(pipeline_id, "RUNNING")
        waiting.up()
        assert waiting.resource().init_errors == ()
        assert waiting.resource().id == pipeline_id


def _looks(emulator: Emulator) -> int:
    return sum(request.path.endswith("/status/") for request in emulator.requests())


def _require_clear_words(ended: Ended, words: str) -> None:
    assert words in ended, ended.text
    assert "Traceback" not in ended
    assert "internal error" not in ended


def test_unreadable_abi_is_told(world: World) -> None:
    """An ABI file that is missing or not JSON is told with its path."""
    stack = world.stack(pipeline(topic="eth.mainnet.ref.block.logs", abi_file="abi/missing.json"))
    refuse(stack, "declare pipeline swaps: abi_file: ", "missing.json")
    (stack.folder / "abi.json").write_text("{", "utf-8")
    stack.program(pipeline(topic="eth.mainnet.ref.block.logs", abi_file="abi.json"))
    refuse(stack, "abi.json is not JSON")


def test_options_that_cannot_work_are_refused(world: World) -> None:
    """`import_` and `delete_before_replace=False` are refused with the line to write instead."""
    stack = world.stack(pipeline(opts='import_="pipe_123"'))
    refuse(stack, 'adopt_id="pipe_123"')
    stack.program(pipeline(opts="delete_before_replace=False"))
    refuse(stack, "delete_before_replace: cannot be False", "leave the option out")


def test_unknown_values_are_judged_when_they_are_known(world: World) -> None:
    """A value that another resource only then brings is skipped in the preview and judged before anything is sent."""
    late = Code("swaps.id.apply(lambda id: 'no topic ' + id)")
    stack = world.stack(pipeline("swaps"), pipeline("mints", topic=late))
    stack.preview()
    ended = stack.up(expect=None)
    assert ended.code != 0
    assert "topic: " in ended
    assert [item["name"] for item in world.emulator.pipelines()] == ["swaps"]
