"""URLs of destinations: whether one can be right, and whether it carries a credential."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

CREDENTIAL_NAME = re.compile(
    r"pass(?:word|wd|phrase)?$|pwd|secret|token|credential|private|(?:api|access)[_-]?key|^key$|auth|signature|^sig$",
    re.IGNORECASE,
)
"""Names of parameters and fields whose values are credentials."""

_PARAMETER = re.compile(r"[?&;]([^=&;#]+)=[^&;#]")

# Slack, Discord and the like put the credential into the path: one long segment that mixes letters and digits.
_OPAQUE_SEGMENT = re.compile(r"/(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{20,}(?=[/?#]|$)")

_PORT = re.compile(r":(\d+)$")

_GREATEST_PORT = 65535


def carries_credentials(text: str) -> bool:
    """Tell whether a text is a URL that holds user info, a credential among its parameters, or an opaque path.

    User info is looked for anywhere after the scheme: a password may hold an unescaped `/`, `?` or `#`, and then no
    URL parser finds the `@` that follows it. Too many are better here than one too few.
    """
    _, separator, rest = text.partition("://")
    if not separator:
        return False
    if "@" in rest or _OPAQUE_SEGMENT.search(rest):
        return True
    return any(CREDENTIAL_NAME.search(name) for name in _PARAMETER.findall(rest))


def holds_user_info(text: str) -> bool:
    """Tell whether the part of a URL that names the host begins with a user, as in `postgresql://user:...@host`."""
    _, separator, rest = text.partition("://")
    return bool(separator) and "@" in re.split(r"[/?#]", rest, maxsplit=1)[0]


def find_url_fault(text: str, schemes: tuple[str, ...]) -> str | None:
    """Say what is wrong with a URL, without any part of it, or None.

    Args:
        text: The URL, with or without a `jdbc:` prefix.
        schemes: How it may begin, such as `("postgresql://", "jdbc:postgresql://")`.
    """
    if re.search(r"\s", text):
        return "holds a space or a line break"
    if not text.lower().startswith(schemes):
        return "does not begin like a URL of this kind"
    parts = _split(text)
    if parts is None:
        return "cannot be read as a URL"
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if not all(_PORT.sub("", host) for host in hosts):
        return "names no host"
    if any(_has_bad_port(host) for host in hosts):
        return "has a port that is not a number from 1 to 65535"
    return None


def _split(text: str) -> SplitResult | None:
    try:
        return urlsplit(re.sub(r"^jdbc:", "", text, flags=re.IGNORECASE))
    except ValueError:
        return None


def _has_bad_port(host: str) -> bool:
    if ":" not in host.rpartition("]")[2]:
        return False
    port = _PORT.search(host)
    return port is None or not 1 <= int(port[1][:6]) <= _GREATEST_PORT
