"""Drives a provider process as the engine does, over gRPC, with a fake engine behind it.

`Plugin` is the host of dynamic providers, `python -m pulumi.dynamic`; `tests.plugin.resource_plugin` drives the other.

No Pulumi CLI is needed. The process may run on any interpreter, so the same tests judge the oldest supported SDK.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from tests.plugin.fake_engine import PATIENCE_SECONDS, FakeEngine
from tests.plugin.wire import PROVIDER, Pending, Properties, RawResponse, encode, urn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import Self

    from pulumi.dynamic import ResourceProvider

ROOT = Path(__file__).resolve().parents[2]
_OPTIONS = (
    # A trailer carries whole states; the engine's own library takes them at any size.
    ("grpc.max_metadata_size", 64 * 1024 * 1024),
    ("grpc.absolute_max_metadata_size", 64 * 1024 * 1024),
    ("grpc.enable_http_proxy", 0),
)


class Plugin:
    """A running provider process, configured and ready; `with` ends it.

    Args:
        provider: The provider instance that the resources carry, or its serialised form.
        interpreter: The Python that runs the process; it must have the `pulumi` package.
        env: Environment variables on top of this process's own (of which those of Pulumi and GoldRush are left out, but
            for the home of the CLI).
        config: The stack's config as the engine sends it, such as {"goldrush:serviceKey": "..."}.
        engine_address: Where the process finds its engine; a fake engine of its own when not given.
        cwd: The directory of the Pulumi project.
    """

    module = "pulumi.dynamic"
    resource_type = "pulumi-python:dynamic/goldrush:Pipeline"
    accepts_secrets = False
    """Whether the engine sends secrets with their marks."""

    def __init__(
        self,
        *,
        provider: ResourceProvider | str,
        interpreter: str | Path = sys.executable,
        env: Mapping[str, str] | None = None,
        config: Mapping[str, str] | None = None,
        engine_address: str | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.provider = provider if isinstance(provider, str) else serialize_provider(provider)
        self.engine = FakeEngine()
        self._config = dict(config or {})
        self._printed: list[str] = []
        # gRPC cancels a call that nobody holds on to.
        self._calls: list[Pending] = []
        self.process = subprocess.Popen(
            [str(interpreter), "-u", "-m", self.module, engine_address or self.engine.address],
            env=_environment(env or {}),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._readers = [threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)]
        self._readers[0].start()
        port = self.process.stdout.readline().strip()
        assert port.isdigit(), f"the plugin did not start: {port}{self._end()}"
        self._readers.append(threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True))
        self._readers[1].start()
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=_OPTIONS)
        self._stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        self._configure()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.close()
        self._end()

    @property
    def printed(self) -> str:
        """What the process has written to stdout (after its port) and stderr."""
        return "".join(self._printed)

    def check(self, name: str, news: Properties, olds: Properties | None = None) -> RawResponse:
        """Call check; `olds` are the recorded inputs."""
        return self.run(
            "Check", provider_pb2.CheckRequest(urn=self._urn(name), news=self._with(news), olds=self._old(olds))
        ).result()

    def diff(
        self,
        name: str,
        id_: str,
        olds: Properties,
        news: Properties,
        *,
        old_inputs: Properties | None = None,
        ignore_changes: tuple[str, ...] = (),
    ) -> RawResponse:
        """Call diff; `olds` are the recorded outputs, `news` the checked inputs."""
        request = provider_pb2.DiffRequest(
            id=id_,
            urn=self._urn(name),
            olds=self._with(olds),
            news=self._with(news),
            old_inputs=self._old(old_inputs),
            ignoreChanges=ignore_changes,
        )
        return self.run("Diff", request).result()

    def create(self, name: str, properties: Properties, *, timeout_seconds: float = 0.0) -> RawResponse:
        """Call create and wait for the answer."""
        return self.create_async(name, properties, timeout_seconds=timeout_seconds).result()

    def create_async(self, name: str, properties: Properties, *, timeout_seconds: float = 0.0) -> Pending:
        """Call create without waiting."""
        request = provider_pb2.CreateRequest(
            urn=self._urn(name), properties=self._with(properties), timeout=timeout_seconds
        )
        return self.run("Create", request)

    def update(
        self,
        name: str,
        id_: str,
        olds: Properties,
        news: Properties,
        *,
        old_inputs: Properties | None = None,
        timeout_seconds: float = 0.0,
        ignore_changes: tuple[str, ...] = (),
    ) -> RawResponse:
        """Call update and wait for the answer."""
        return self.update_async(
            name,
            id_,
            olds,
            news,
            old_inputs=old_inputs,
            timeout_seconds=timeout_seconds,
            ignore_changes=ignore_changes,
        ).result()

    def update_async(
        self,
        name: str,
        id_: str,
        olds: Properties,
        news: Properties,
        *,
        old_inputs: Properties | None = None,
        timeout_seconds: float = 0.0,
        ignore_changes: tuple[str, ...] = (),
    ) -> Pending:
        """Call update without waiting."""
        request = provider_pb2.UpdateRequest(
            id=id_,
            urn=self._urn(name),
            olds=self._with(olds),
            news=self._with(news),
            old_inputs=self._old(old_inputs),
            timeout=timeout_seconds,
            ignoreChanges=ignore_changes,
        )
        return self.run("Update", request)

    def read(self, name: str, id_: str, properties: Properties, inputs: Properties | None = None) -> RawResponse:
        """Call read as a refresh does: `properties` are the recorded outputs, `inputs` the recorded inputs."""
        return self.read_async(name, id_, properties, inputs).result()

    def read_async(self, name: str, id_: str, properties: Properties, inputs: Properties | None = None) -> Pending:
        """Call read without waiting."""
        request = provider_pb2.ReadRequest(
            id=id_, urn=self._urn(name), properties=self._with(properties), inputs=self._old(inputs)
        )
        return self.run("Read", request)

    def delete(
        self,
        name: str,
        id_: str,
        properties: Properties,
        *,
        old_inputs: Properties | None = None,
        timeout_seconds: float = 0.0,
    ) -> RawResponse:
        """Call delete and wait for the answer."""
        return self.delete_async(name, id_, properties, old_inputs=old_inputs, timeout_seconds=timeout_seconds).result()

    def delete_async(
        self,
        name: str,
        id_: str,
        properties: Properties,
        *,
        old_inputs: Properties | None = None,
        timeout_seconds: float = 0.0,
    ) -> Pending:
        """Call delete without waiting."""
        request = provider_pb2.DeleteRequest(
            id=id_,
            urn=self._urn(name),
            properties=self._with(properties),
            old_inputs=self._old(old_inputs),
            timeout=timeout_seconds,
        )
        return self.run("Delete", request)

    def cancel(self) -> None:
        """Call Cancel, as the engine does on Ctrl-C, and wait for the answer."""
        self._stub.Cancel(empty_pb2.Empty(), timeout=PATIENCE_SECONDS)

    def wait_for_exit(self) -> int:
        """Wait until the process has ended by itself; answer its exit code."""
        return self.process.wait(PATIENCE_SECONDS)

    def _configure(self) -> None:
        self._stub.Configure(provider_pb2.ConfigureRequest(args=encode(self._config)), timeout=PATIENCE_SECONDS)

    def _urn(self, name: str) -> str:
        return urn(name, self.resource_type)

    def run(self, method: str, request: Any) -> Pending:
        """Make any call without waiting."""
        call: Callable[..., Any] = getattr(self._stub, method).future
        pending = Pending(call(request, timeout=PATIENCE_SECONDS))
        self._calls.append(pending)
        return pending

    def _with(self, properties: Properties) -> struct_pb2.Struct:
        return encode({**properties, PROVIDER: self.provider})

    def _old(self, properties: Properties | None) -> struct_pb2.Struct | None:
        return None if properties is None else self._with(properties)

    def _read(self, stream: Any) -> None:
        for line in stream:
            self._printed.append(line)

    def _end(self) -> str:
        """End the process as the engine does, by SIGINT, and five seconds later by SIGKILL; answer what it printed."""
        try:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        self.engine.close()
        return self.printed


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    own = {
        key: value
        for key, value in os.environ.items()
        if key == "PULUMI_HOME" or not key.startswith(("PULUMI_", "GOLDRUSH_"))
    }
    return {**own, "PYTHONPATH": str(ROOT), "PULUMI_PROJECT": "lab", **extra}
