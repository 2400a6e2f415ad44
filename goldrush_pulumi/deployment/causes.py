"""Likely causes of a failed deployment: what workers and destinations print, and what it usually means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Cause:
    """A cause in a few words, and a short name for it that scripts can look for."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.text} ({self.name})"


_TABLE: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "auth_failed",
        "the destination rejected the credentials",
        (
            r"authentication failed|invalid password|access denied|not authori[sz]ed|unauthori[sz]ed|sasl.*fail"
            r"|InvalidAccessKeyId|SignatureDoesNotMatch|\b401\b|\b403\b|forbidden"
        ),
    ),
    ("tls_required", "the destination wants another TLS setting", r"\bssl\b|\btls\b|certificate|handshake"),
    (
        "name_not_resolved",
        "the host name of the destination does not resolve",
        r"unknown ?host|name or service not known|no such host|could not (?:resolve|translate)",
    ),
    ("connection_refused", "nothing listens at the destination's address", r"connection refused|ECONNREFUSED"),
    (
        "connection_timed_out",
        "the destination cannot be reached: check firewall and allow list",
        r"connect(?:ion)? ?timed? ?out|ETIMEDOUT|no route to host|network is unreachable",
    ),
    (
        "destination_missing",
        "the database, bucket, queue or topic does not exist",
        (
            r"database .* does not exist|unknown database|NoSuchBucket|NonExistentQueue|UnknownTopic"
            r"|topic .* not (?:found|present)"
        ),
    ),
    (
        "schema_mismatch",
        "the table at the destination does not fit the rows",
        r"column .* (?:does not exist|of type)|type mismatch|constraint|duplicate key",
    ),
    (
        "bad_transform",
        "a transform was rejected",
        (
            r"transform|sql (?:parse|syntax|validation)|syntax error|parse error"
            r"|unsupported .*(?:join|group by|order by|union)"
        ),
    ),
    ("bad_abi", "the ABI was rejected", r"\babi\b"),
    (
        "bad_topic",
        "the topic is not known or carries no data",
        r"unknown topic|topic.*(?:invalid|unsupported)|normali[sz]er",
    ),
    ("disk_full", "the destination has no space left", r"disk full|no space left|quota exceeded|storage limit"),
    ("out_of_memory", "the worker ran out of memory", r"OutOfMemory|out of memory|OOMKilled"),
    ("rate_limited", "the destination limits the rate of requests", r"throttl|too many requests|\b429\b|rate limit"),
)
_PATTERNS: Final = tuple((Cause(name, text), re.compile(pattern, re.IGNORECASE)) for name, text, pattern in _TABLE)


def likely_cause(text: str) -> Cause | None:
    """The first cause of the table that fits `text`, or None when nothing in it is known."""
    return next((cause for cause, pattern in _PATTERNS if pattern.search(text)), None)
