from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.emulator import Emulator
from tests.plugin.bookkeeper import Resource, as_sent
from tests.plugin.pipelines import leaks, program, start
from tests.plugin.wire import VerbError
from tests.support.ports import closed_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.plugin.harness import Plugin

UNPROVEN = "is not visible, and this ServiceKey or endpoint is not the one it was deployed with"
FOREIGN = "use a ServiceKey (a plain API key is not accepted) of the group that owns the pipeline"


@pytest.fixture
def live(emulator: Emulator) -> Resource:
    """A pipeline that was brought up by a process that has ended; `plugin` is to be replaced."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
    emulator.clear_requests()
    return pipeline


def verbs(pipeline: Resource) -> Iterator[Callable[[], object]]:
    """Yield a call of every verb that speaks to GoldRush."""
    plugin, outputs, inputs = pipeline.plugin, pipeline.clear, as_sent(pipeline.inputs)
    changed = {**inputs, "description": "changed"}
    yield lambda: plugin.create("another", {**inputs, "name": "another"})
    yield lambda: plugin.create("adopted", {**inputs, "adopt_id": pipeline.id})
    yield lambda: plugin.update("swaps", pipeline.id, outputs, changed, old_inputs=inputs)
    yield lambda: plugin.update("swaps", pipeline.id, outputs, inputs, old_inputs=inputs)
    yield lambda: plugin.read("swaps", pipeline.id, outputs, inputs)
    yield lambda: plugin.read("swaps", pipeline.id, {})
    yield lambda: plugin.delete("swaps", pipeline.id, outputs)


def refusals(pipeline: Resource, plugin: Plugin) -> list[str]:
    """Call every verb; each must be refused in one clean line without a partial result."""
    pipeline.plugin = plugin
    texts = []
    for verb in verbs(pipeline):
        with pytest.raises(VerbError) as caught:
            verb()
        assert caught.value.partial is None
        texts.append(caught.value.text)
    assert not any("\n" in text or "Traceback" in text or "internal error" in text for text in texts)
    assert leaks(texts) == []
    return texts


def test_a_wrong_key_is_named_with_its_source(emulator: Emulator, live: Resource) -> None:
    """401: every verb says where the key came from, and nothing is changed or forgotten."""
    with start(emulator, serviceKey="gsk_revoked_key") as plugin:
        texts = refusals(live, plugin)
    assert all("401" in text and "config goldrush:serviceKey" in text for text in texts)
    assert not any("gsk_revoked_key" in text for text in texts)
    assert len(emulator.pipelines()) == 1


def test_a_plain_api_key_is_refused(emulator: Emulator, live: Resource) -> None:
    """403: a credential that is no ServiceKey is told as such."""
    with start(emulator, serviceKey=emulator.api_key) as plugin:
        assert all("403" in text for text in refusals(live, plugin))
    assert len(emulator.pipelines()) == 1


@pytest.mark.parametrize("answer", [404, 403])
def test_the_key_of_another_account_empties_no_stack(emulator: Emulator, live: Resource, answer: int) -> None:
    """404 may mean "not yours": refresh and destroy refuse to believe it, also when the other account has pipelines."""
    emulator.switch(foreign_status=answer)
    foreign = emulator.accounts[1].service_key
    with start(emulator, serviceKey=foreign) as plugin:
        Resource(plugin, "theirs").up(program())
        live.plugin = plugin
        for verb in (live.refresh, live.destroy, lambda: live.up(program(description="changed"))):
            with pytest.raises(VerbError) as caught:
                verb()
            assert (UNPROVEN if answer == 404 else FOREIGN) in caught.value.text
            assert caught.value.partial is None
    assert live.id in {pipeline["id"] for pipeline in emulator.pipelines()}


def test_another_endpoint_empties_no_stack(emulator: Emulator, live: Resource) -> None:
    """The same key at an endpoint that knows nothing of the pipeline proves nothing."""
    with Emulator(service_key=emulator.service_key) as elsewhere, start(elsewhere) as plugin:
        live.plugin = plugin
        for verb in (live.refresh, live.destroy):
            with pytest.raises(VerbError, match=UNPROVEN):
                verb()
    assert len(emulator.pipelines()) == 1


def test_the_same_key_proves_an_absence(emulator: Emulator, live: Resource) -> None:
    """The key on record sees its own account, so its 404 is believed although nothing else is there."""
    emulator.remove(live.id)
    with start(emulator) as plugin:
        live.plugin = plugin
        live.refresh()
        assert live.id == ""


def test_a_rotated_key_proves_an_absence_by_the_group(emulator: Emulator, live: Resource) -> None:
    """Another key of the account is believed once it shows a pipeline of the same group, and not before."""
    emulator.remove(live.id)
    with start(emulator, serviceKey=emulator.add_key()) as plugin:
        live.plugin = plugin
        with pytest.raises(VerbError, match=UNPROVEN):
            live.refresh()
        Resource(plugin, "neighbour").up(program())
        live.refresh()
        assert live.id == ""


def test_a_rotated_key_goes_on_with_what_is_there(emulator: Emulator, live: Resource) -> None:
    """With a new key of the account nothing changes but the fingerprint, which is no diff."""
    with start(emulator, serviceKey=emulator.add_key()) as plugin:
        live.plugin = plugin
        assert live.up(program()) == "same"
        live.refresh()
        assert live.up(program()) == "same"
        live.destroy()
    assert emulator.pipelines() == []


@pytest.mark.parametrize("status", [418, 302, 200])
def test_a_server_that_is_not_goldrush(emulator: Emulator, live: Resource, status: int) -> None:
    """Whatever answers in GoldRush's place, each verb ends with one clean line and nothing is forgotten."""
    emulator.fault(status=status, times=None, body="<html><h1>I am a teapot</h1></html>")
    with start(emulator) as plugin:
        texts = refusals(live, plugin)
    # The shortest way to see that these are about the answer: each names its status or that it is no JSON.
    assert all(str(status) in text or "JSON" in text for text in texts)
    assert len(emulator.pipelines()) == 1


def test_a_refused_connection_is_told(live: Resource) -> None:
    """Nobody listens: each verb would try again for a minute, and Ctrl-C ends all of them with one clean line."""
    with closed_port() as port, start(serviceKey="gsk_any", baseUrl=f"http://127.0.0.1:{port}/") as plugin:
        plugin.check("swaps", program())
        pending = plugin.read_async("swaps", live.id, live.clear, as_sent(live.inputs))
        create = plugin.create_async("another", as_sent(live.inputs))
        plugin.cancel()
        for answer in (pending, create):
            with pytest.raises(VerbError) as caught:
                answer.result()
            assert caught.value.partial is None
            assert "cancelled" in caught.value.text
            assert "\n" not in caught.value.text


def test_missing_settings_are_told_at_once(live: Resource) -> None:
    """Without a key, and with a setting that is no number: every problem in one answer, for every verb."""
    with start(failedGraceSeconds="soon", requestsPerSecond="0") as plugin:
        live.plugin = plugin
        for verb in verbs(live):
            with pytest.raises(VerbError) as caught:
                verb()
            lines = caught.value.text.splitlines()
            assert [line.partition(": ")[0] for line in lines] == [
                "goldrush:serviceKey",
                "goldrush:requestsPerSecond",
                "goldrush:failedGraceSeconds",
            ]


@pytest.mark.traced
@pytest.mark.parametrize("base_url", ["http://api.example.com/", "nonsense", "https://user:pl4ntedSecret@x.example/"])
def test_an_endpoint_that_cannot_be_used_is_refused(live: Resource, base_url: str) -> None:
    """No https, no URL, or a credential in it: refused before anything is sent, without showing it."""
    with start(serviceKey="gsk_any", baseUrl=base_url) as plugin:
        assert all("base URL" in text or "goldrush:baseUrl" in text for text in refusals(live, plugin))


def test_the_environment_stands_in_for_the_config(emulator: Emulator) -> None:
    """Key and endpoint may come from the environment, and config wins over it."""
    environment = {"GOLDRUSH_SERVICE_KEY": emulator.service_key, "GOLDRUSH_BASE_URL": emulator.base_url}
    with start(env=environment) as plugin:
        assert Resource(plugin).up(program()) == "create"
    with start(env=environment, serviceKey="gsk_wrong") as plugin, pytest.raises(VerbError, match="401"):
        Resource(plugin, "another").up(program(name="another"))
