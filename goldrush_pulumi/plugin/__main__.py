"""The process of the plugin: `pulumi-resource-goldrush ENGINE_ADDRESS` prints its port and serves that engine."""

from __future__ import annotations

import sys
from concurrent import futures
from typing import Final

from goldrush_pulumi.settings import SETTINGS

_RESERVE: Final = 16
"""Threads beyond the greatest `goldrush:parallel`, so that Cancel is answered while as many verbs wait."""

_GRACE_SECONDS: Final = 5.0
"""How long verbs that run may take to record what they know, once the process has to end."""

_LARGEST_MESSAGE: Final = 400 * 1024 * 1024
"""In bytes; the engine's own limit."""

_LARGEST_TRAILER: Final = 64 * 1024 * 1024
"""In bytes; a partial result travels in a trailer and holds a whole state."""


def main() -> None:
    """Serve the package `goldrush` to the engine that started this process."""
    import grpc  # noqa: PLC0415 - an import that fails is explained below
    from pulumi.runtime.proto import provider_pb2_grpc  # noqa: PLC0415 - as above

    from goldrush_pulumi.plugin.host import Host, leave  # noqa: PLC0415 - as above
    from goldrush_pulumi.plugin.servicer import PipelineServicer  # noqa: PLC0415 - as above

    host = Host(engine_address(sys.argv))
    server = grpc.server(
        # Threads start when they are needed: a great number costs nothing.
        futures.ThreadPoolExecutor(max_workers=int(SETTINGS["parallel"].greatest) + _RESERVE),
        options=(
            ("grpc.max_receive_message_length", _LARGEST_MESSAGE),
            ("grpc.max_send_message_length", _LARGEST_MESSAGE),
            ("grpc.max_metadata_size", _LARGEST_TRAILER),
            ("grpc.absolute_max_metadata_size", _LARGEST_TRAILER),
        ),
    )
    servicer = PipelineServicer(host)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    ended_in_good_order = host.wait_for_end()
    server.stop(_GRACE_SECONDS).wait()
    if ended_in_good_order:
        servicer.note_delivered()
    leave(0)


def engine_address(arguments: list[str]) -> str | None:
    """Return the engine's `host:port`, the last argument; None where a person started the plugin by hand."""
    host, _, port = arguments[-1].rpartition(":")
    return arguments[-1] if len(arguments) > 1 and host and port.isdecimal() else None


if __name__ == "__main__":
    main()
