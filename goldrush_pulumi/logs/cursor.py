"""The position in a log stream, as a string that a shell takes without quotes and that holds no log text."""

from __future__ import annotations

import base64
import binascii
from collections import deque
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote

from goldrush_pulumi.logs.tails import BLOCK_LINES, DIGEST_BYTES, Known, PodLog

_VERSION: Final = "1"


class CursorError(ValueError):
    """A cursor cannot be used; the message says why and what to do."""


@dataclass
class Place:
    """How far a pipeline's logs have been read: the deployment, and the pods by their names."""

    pipeline_id: str
    start_time: str | None = None
    pods: dict[str, PodLog] = field(default_factory=dict)

    def as_text(self) -> str:
        """Return the cursor: version, pipeline, start time, then name, count, open length and block of each pod."""
        head = (_VERSION, quote(self.pipeline_id, safe=""), quote(self.start_time or "", safe=":+"))
        return "~".join((*head, *(_written(pod) for pod in self.pods.values())))

    @classmethod
    def from_text(cls, cursor: str, pipeline_id: str) -> Place:
        """Read a cursor.

        Raises:
            CursorError: It is cut off or damaged, or belongs to another pipeline.
        """
        version, *fields = cursor.strip().split("~")
        if version != _VERSION or len(fields) < 2:  # noqa: PLR2004 - pipeline and start time
            raise CursorError("read cursor: it is cut off or not a cursor, copy it again or leave it out")
        owner, start_time = unquote(fields[0]), unquote(fields[1])
        if owner != pipeline_id:
            raise CursorError(
                f"read cursor: it belongs to pipeline {quote(owner)}, leave it out to start from the beginning"
            )
        try:
            pods = [_read(text) for text in fields[2:]]
        except (ValueError, binascii.Error):
            raise CursorError("read cursor: it is damaged, copy it again or leave it out") from None
        return cls(pipeline_id, start_time or None, {pod.pod: pod for pod in pods})


def _written(log: PodLog) -> str:
    known = log.known
    block = base64.urlsafe_b64encode(b"".join(known.block)).decode().rstrip("=")
    length = "" if known.open_length is None else str(known.open_length)
    return ",".join((quote(log.pod, safe=""), str(known.count), length, block))


def _read(text: str) -> PodLog:
    pod, count, length, block = text.split(",")
    digests = base64.b64decode(block + "=" * (-len(block) % 4), altchars=b"-_", validate=True)
    known = Known(
        int(count),
        deque((digests[i : i + DIGEST_BYTES] for i in range(0, len(digests), DIGEST_BYTES)), maxlen=BLOCK_LINES),
        open_length=int(length) if length else None,
    )
    is_whole = len(digests) % DIGEST_BYTES == 0 and len(digests) <= BLOCK_LINES * DIGEST_BYTES
    if not is_whole or len(known.block) != min(known.count, BLOCK_LINES):
        raise ValueError("the block does not fit the count")
    return PodLog(unquote(pod), known)
