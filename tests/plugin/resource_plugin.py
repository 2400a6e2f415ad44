"""Drives the plugin that serves every Pulumi language, with programs made from those of the dynamic provider."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2

from goldrush_pulumi.plugin.names import DESTINATION_NAMES, camel_case, to_program
from tests.plugin import pipelines
from tests.plugin.fake_engine import PATIENCE_SECONDS
from tests.plugin.harness import Plugin
from tests.plugin.wire import decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator
    from tests.plugin.wire import Properties, RawResponse

PROVIDER_ID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
OWNER = PROVIDER_ID.replace("-", "")


class ResourcePlugin(Plugin):
    """A running plugin, configured and ready; `with` ends it."""

    module = "goldrush_pulumi.plugin"
    resource_type = "goldrush:index:Pipeline"
    accepts_secrets = True

    def __init__(self, *, provider_id: str = PROVIDER_ID, config: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(provider="none", **more)
        self._settings = dict(config or {})
        self._provider_id = provider_id

    def _configure(self) -> None:
        request = provider_pb2.ConfigureRequest(args=encode(self._settings), id=self._provider_id, acceptSecrets=True)
        self._stub.Configure(request, timeout=PATIENCE_SECONDS)

    def _with(self, properties: Properties) -> Any:
        return encode(properties)

    def ask(self, method: str, request: Any = None) -> Any:
        """Make any call and wait for the answer."""
        return getattr(self._stub, method)(request or empty_pb2.Empty(), timeout=PATIENCE_SECONDS)

    def call(self, function: str, **arguments: Any) -> Properties:
        """Call a function of the package."""
        request = provider_pb2.InvokeRequest(tok=f"goldrush:index:{function}", args=encode(arguments))
        return decode(getattr(self.ask("Invoke", request), "return"))

    def preview_create(self, name: str, properties: Properties) -> Properties:
        """Preview a create; return the planned outputs."""
        request = provider_pb2.CreateRequest(urn=self._urn(name), properties=encode(properties), preview=True)
        return decode(self.ask("Create", request).properties)

    def preview_update(self, name: str, id_: str, olds: Properties, news: Properties) -> Properties:
        """Preview an update; return the planned outputs."""
        request = provider_pb2.UpdateRequest(
            urn=self._urn(name), id=id_, olds=encode(olds), news=encode(news), preview=True
        )
        return decode(self.ask("Update", request).properties)

    def bring_up(self, name: str, declared: Properties) -> tuple[Properties, RawResponse]:
        """Check and create a pipeline; return its checked inputs and what create answered."""
        checked = self.check(name, declared)
        assert checked.failures == ()
        return checked.inputs, self.create(name, checked.inputs)


def program(destination_type: str = "postgres", **changes: Any) -> Properties:
    """Return what a program declares; `changes` replace whole inputs, and None takes one away."""
    declared = {
        "project": "analytics",
        "topic": "base.mainnet.ref.block.swap.v3",
        "destination": destination(destination_type),
        **changes,
    }
    return {name: value for name, value in declared.items() if value is not None}


def destination(destination_type: str, **changes: Any) -> Properties:
    """Return a destination with planted secrets; `changes` replace fields of it, and None takes one away."""
    kind = camel_case(destination_type)
    fields = {**in_program_names(destination_type, pipelines.CONFIGS[destination_type])[kind], **changes}
    return {kind: {name: value for name, value in fields.items() if value is not None}}


def in_program_names(destination_type: str, config: Mapping[str, Any]) -> Properties:
    """Return the config of a destination as a program for the plugin writes it."""
    return {camel_case(destination_type): to_program(dict(config), DESTINATION_NAMES[destination_type])}


def start(
    emulator: Emulator | None = None, interpreter: str | Path = sys.executable, **settings: Any
) -> ResourcePlugin:
    """Start the plugin against an emulator; `settings` are those of its provider on top of a quick set."""
    account = {} if emulator is None else {"serviceKey": emulator.service_key, "baseUrl": emulator.base_url}
    quick = {"failedGraceSeconds": 0.2, "stabilizationSeconds": 0.2, "requestsPerSecond": 1000}
    provider_id = settings.pop("provider_id", PROVIDER_ID)
    env = settings.pop("env", None)
    config = {**quick, **account, **settings}
    return ResourcePlugin(interpreter=interpreter, provider_id=provider_id, config=config, env=env)


def secret(value: object) -> Properties:
    """Mark a value as secret, as the engine does."""
    return {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": value}
