from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pulumi.runtime.proto import provider_pb2

from tests.plugin.bookkeeper import Resource
from tests.plugin.resource_plugin import destination, program, secret, start
from tests.plugin.wire import UNKNOWN, VerbError, decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.emulator import Emulator
    from tests.plugin.resource_plugin import ResourcePlugin

pytestmark = pytest.mark.traced

ABI = [{"type": "event", "name": "Transfer", "inputs": []}]


@pytest.fixture(scope="module")
def offline() -> Iterator[ResourcePlugin]:
    """A plugin that knows no account: nothing here may need one."""
    with start() as plugin:
        yield plugin


BAD_DESTINATIONS: dict[str, Any] = {
    "destination: names no destination, set exactly one of postgres, clickhouse, kafka, objectStorage, sqs": {},
    "destination: names 2 destinations, kafka and sqs, set exactly one": {"kafka": {}, "sqs": {}},
    'destination.postgress: is not a destination, did you mean "postgres"?': {"postgress": {}},
    "destination: is not an object, give it one property": "postgres",
    "destination.postgres.user: is missing": destination("postgres", user=None),
    "destination.objectStorage.formt: is not a field": destination("object_storage", formt="csv"),
    "destination.objectStorage.format: is not one of": destination("object_storage", format="csv"),
    "destination.kafka.sasl.username: is missing": destination("kafka", sasl={"mechanism": "X", "password": "p"}),
    "destination.webhook.retry.maxAttempts: is too small": destination("webhook", retry={"maxAttempts": -1}),
}


@pytest.mark.parametrize("reason", BAD_DESTINATIONS)
def test_a_bad_destination_gets_one_message(offline: ResourcePlugin, reason: str) -> None:
    """Two destinations, none, a misspelt one and each kind of wrong field: one line each, by the program's names."""
    failures = offline.check("swaps", program(destination=BAD_DESTINATIONS[reason])).failures

    assert len(failures) == 1
    assert failures[0][0] == ""
    assert failures[0][1].startswith(reason)


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ({"executionMode": "forever"}, "executionMode: is not one of the possible values"),
        ({"executionStopFrom": 1, "executionStartFrom": 2}, "executionStopFrom: is lower than executionStartFrom"),
        ({"executionStartFrom": "9" * 5000}, "executionStartFrom: "),
        ({"excutionMode": "bounded"}, 'excutionMode: is not an input of a pipeline, did you mean "executionMode"?'),
        ({"abiFile": "[}"}, "abiFile: is not a parsed ABI"),
        ({"topic": "swaps"}, "topic: does not have the form of a topic"),
        ({"project": None}, "project: is missing"),
    ],
)
def test_a_bad_input_gets_one_message(offline: ResourcePlugin, declared: dict[str, Any], reason: str) -> None:
    """Messages name properties as programs see them."""
    failures = offline.check("swaps", program(**declared)).failures

    assert [failure for _, failure in failures if failure.startswith(reason)]
    assert len(failures) == 1


def test_an_abi_may_be_the_text_of_its_file(offline: ResourcePlugin) -> None:
    """What `fn::readFile` returns is parsed, so state and previews show the ABI and not its text."""
    topic = "eth.mainnet.ref.block.logs"
    inputs = offline.check("swaps", program(topic=topic, abiFile=json.dumps(ABI))).inputs

    assert inputs["abiFile"] == ABI


def test_heights_are_numbers(offline: ResourcePlugin) -> None:
    """A number and its digits are the same height, and a program reads a number back."""
    as_number = offline.check("swaps", program(executionStartFrom=44745000)).inputs
    as_digits = offline.check("swaps", program(executionStartFrom="44745000")).inputs

    assert as_number["executionStartFrom"] == as_digits["executionStartFrom"] == 44745000.0


def test_keys_of_the_user_stay_as_they_are(offline: ResourcePlugin) -> None:
    """Names are translated in the schema's own keys alone: triggers, tables and headers may look like them."""
    declared = program(
        triggers={"execution_mode": 1, "executionMode": 2},
        transforms={"batch_size": "SELECT block_height FROM batch_size"},
        destination=destination("webhook", headers={"batch_size": "1", "batchSize": "2"}),
    )
    inputs = offline.check("swaps", declared).inputs

    assert inputs["triggers"] == {"execution_mode": 1, "executionMode": 2}
    assert list(inputs["transforms"]) == ["batch_size"]
    assert set(inputs["destination"]["webhook"]["headers"]) == {"batch_size", "batchSize"}


def test_the_diff_names_each_property(emulator: Emulator) -> None:
    """A changed leaf, an added and a removed one, a drifted one and a replacement each show by their own path.

    A refresh records drift in the inputs too, so it shows as an input that changes back.
    """
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program("webhook", transforms={"swaps": "SELECT chain_name FROM swaps"}))
        emulator.edit(pipeline.id, description="by hand")
        pipeline.refresh()
        changed = program(
            "webhook",
            project="other",
            transforms={"my table": "SELECT x FROM y"},
            destination=destination("webhook", batchSize=7, retry={"maxAttempts": 9, "backoffMs": 200}),
        )
        reply = pipeline.diff({**pipeline.check(program("webhook")), **changed, "waitFor": "none"})
    kind = provider_pb2.PropertyDiff.Kind.Name
    shown = {path: (kind(item.kind), item.inputDiff) for path, item in reply.raw.detailedDiff.items()}
    assert shown == {
        "project": ("UPDATE_REPLACE", True),
        "description": ("DELETE", True),
        "transforms.swaps": ("DELETE", True),
        'transforms["my table"]': ("ADD", True),
        "destination.webhook.batchSize": ("ADD", True),
        "destination.webhook.retry.maxAttempts": ("UPDATE", True),
    }
    assert reply.replaces == ("project",)
    assert reply.delete_before_replace


def test_another_type_of_destination_replaces(emulator: Emulator) -> None:
    """The destination as a whole is what is replaced."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program("webhook"))
        reply = pipeline.diff(pipeline.check(program("sqs")))
        assert reply.replaces == ("destination",)
        assert list(reply.raw.detailedDiff) == ["destination"]
        assert pipeline.up(program("sqs")) == "replace"
    assert [held["destination_type"] for held in emulator.pipelines()] == ["sqs"]


def test_functions_read_what_exists(emulator: Emulator) -> None:
    """Each function answers by the program's names, shows no credential and no tag, and sends nothing but GETs."""
    with start(emulator) as plugin:
        for destination_type in ("postgres", "object_storage"):
            Resource(plugin, destination_type).up(program(destination_type, description="mine"))
        emulator.clear_requests()
        found = plugin.call("getPipelines", name="object_storage")["pipelines"]
        whole = plugin.call("getPipeline", pipelineId=found[0]["id"])
        status = plugin.call("getPipelineStatus", pipelineId=found[0]["id"])
        metrics = plugin.call("getPipelineMetrics", pipelineId=found[0]["id"])
        assert len(plugin.call("getPipelines")["pipelines"]) == 2
    assert found == [whole]
    assert whole["description"] == "mine"
    assert whole["destination"]["objectStorage"]["secretAccessKey"] == "******"
    assert (status["phase"], status["ready"]) == ("RUNNING", 1)
    assert "recordsConsumed" in metrics
    assert {request.method for request in emulator.requests()} == {"GET"}


def test_a_function_that_fails_says_why(emulator: Emulator) -> None:
    """An id that cannot be one, a filter that is no string and a misspelt function each get one clear line."""
    with start(emulator) as plugin:
        for function, arguments, reason in (
            ("getPipeline", {}, "call getPipeline: pipelineId is missing"),
            ("getPipelineStatus", {"pipelineId": "."}, "call getPipelineStatus: pipelineId is an empty string"),
            ("getPipelines", {"project": 7}, "call getPipelines: project is a value of type int, pass a string"),
            ("getPipeline", {"pipelineId": "pipe_0"}, "pipe_0"),
            ("getPipelin", {}, "goldrush has no such function, use getPipeline, getPipelines"),
        ):
            request = provider_pb2.InvokeRequest(tok=f"goldrush:index:{function}", args=encode(arguments))
            with pytest.raises(VerbError) as caught:
                plugin.run("Invoke", request).result()
            assert reason in caught.value.text
            assert "Traceback" not in caught.value.text


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"parallel": 0}, "goldrush:parallel: is not a whole number from 1 to 1024"),
        ({"onExisting": "ignore"}, "goldrush:onExisting: must be one of fail, create"),
        ({"onExistin": "fail"}, "goldrush:onExistin: is not a setting, did you mean goldrush:onExisting?"),
        ({"parallel": "8", "adoptForeign": "true", "retrySeconds": 1.5, "baseUrl": UNKNOWN, "version": "0.1.0"}, ""),
    ],
)
def test_settings_are_checked(offline: ResourcePlugin, settings: dict[str, Any], reason: str) -> None:
    """A setting out of range is refused by name, a right one passes in either spelling, and so does an unknown one."""
    reply = offline.ask("CheckConfig", provider_pb2.CheckRequest(news=encode(settings)))

    assert [failure.reason.startswith(reason) for failure in reply.failures] == [True] * bool(reason)


def test_the_key_is_a_secret(offline: ResourcePlugin) -> None:
    """A ServiceKey that was passed in plain text is encrypted in the provider's own state."""
    reply = offline.ask("CheckConfig", provider_pb2.CheckRequest(news=encode({"serviceKey": "pl4nted"})))

    assert decode(reply.inputs) == {"serviceKey": secret("pl4nted")}


def test_a_new_key_replaces_nothing(offline: ResourcePlugin) -> None:
    """A rotated key, or the settings of the dynamic provider that a stack moves from, never replace the provider."""
    olds, news = encode({"goldrush:serviceKey": "old"}), encode({"serviceKey": "new"})
    reply = offline.ask("DiffConfig", provider_pb2.DiffRequest(olds=olds, news=news))

    assert (reply.changes, list(reply.replaces)) == (provider_pb2.DiffResponse.DIFF_SOME, [])


def test_a_missing_key_is_asked_for_by_the_first_verb_that_needs_it(offline: ResourcePlugin) -> None:
    """Checks and previews need no key; create names the setting and the environment variable."""
    checked = offline.check("swaps", program()).inputs
    assert offline.preview_create("swaps", checked)["name"] == "swaps"
    with pytest.raises(VerbError, match="goldrush:serviceKey: no ServiceKey is set") as caught:
        offline.create("swaps", checked)
    assert caught.value.partial is None


def test_what_the_engine_asks_on_the_way(offline: ResourcePlugin) -> None:
    """The handshake takes secrets, there is no mapping, and the schema describes one resource and four functions."""
    assert offline.ask("Handshake", provider_pb2.ProviderHandshakeRequest()).accept_secrets
    assert offline.ask("GetMapping", provider_pb2.GetMappingRequest(key="terraform")).provider == ""
    assert offline.ask("GetPluginInfo").version
    schema = json.loads(offline.ask("GetSchema", provider_pb2.GetSchemaRequest()).schema)
    assert list(schema["resources"]) == ["goldrush:index:Pipeline"]
    assert len(schema["functions"]) == 4
