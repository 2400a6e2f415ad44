"""URLs of destinations: whether one can be right, and which credentials stand in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from goldrush_pulumi.schema.credentials import is_credential_name, is_uuid, looks_like_token

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLACEHOLDER: Final = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")

_PARAMETER: Final = re.compile(r"[?&;#]([^=&;#?]+)=([^&;#]+)")

# Parameters whose values look random and are public.
_NAMES_OF_IDENTIFIERS: Final = "address account contract wallet owner mint pubkey hash tx txhash block id uuid guid"

_IDENTIFIERS: Final = frozenset(_NAMES_OF_IDENTIFIERS.split())

_PLAIN_VALUES: Final = frozenset({"true", "false", "none", "null"})

# No server takes a longer one, and the time to look through it is bounded.
_LONGEST_URL: Final = 100_000

_WEB: Final = re.compile(r"https?://", re.IGNORECASE)


def carries_credentials(text: str) -> bool:
    """Return whether a text is a URL with a credential in it."""
    return any(True for _ in credentials_in(text))


def credentials_in(url: str) -> Iterator[str]:
    """Yield each credential of a URL as it is written there: a password, a parameter, a segment of the path.

    A text that is not a URL has none. Placeholders such as `${TOKEN}` are none either, whatever stands beside them.
    """
    url = _PLACEHOLDER.sub("", url[:_LONGEST_URL])
    scheme, separator, rest = url.partition("://")
    if not separator and url[:5].lower() != "jdbc:":
        return
    is_web = bool(_WEB.match(url))
    yield from _passwords(rest, is_web=is_web)
    for name, value in _PARAMETER.findall(rest or scheme):
        if _is_credential_parameter(unquote(name), unquote(value)):
            yield value
    if is_web:
        yield from _segments(rest)


def holds_user_info(text: str) -> bool:
    """Return whether the part of a URL that names the host begins with a user, as in `postgresql://user:...@host`."""
    _, separator, rest = text.partition("://")
    return bool(separator) and "@" in _head(rest)


# Where no password follows, a long user with digits is a key, as in the address of an error tracker.
_LONG_USER: Final = re.compile(r"(?=.*\d)(?=.*[A-Za-z])\w{20,}")


def _passwords(rest: str, *, is_web: bool) -> Iterator[str]:
    """The password before the host, or the user where that is a token.

    A password may hold an unescaped `@`, `/` or `?`, and then no URL parser finds the `@` that ends it.
    """
    head = _head(rest)
    # Where the text up to the first slash is a host already, an `@` behind it belongs to the path of a web page.
    outer = "" if is_web and _find_host_fault(head) is None else re.split(r"\?.*=", rest)[0]
    ends = {head.rfind("@"), outer.rfind("@") if outer else -1} - {-1}
    if not ends and _find_host_fault(head) is not None:
        ends = {rest.rfind("@")} - {-1}
    for end in sorted(ends):
        user, _, password = rest[:end].partition(":")
        if password or looks_like_token(user) or _LONG_USER.fullmatch(user):
            yield password or user


def _head(rest: str) -> str:
    return re.split(r"[/?#;]", rest, maxsplit=1)[0]


def _is_credential_parameter(name: str, value: str) -> bool:
    if value.lower() in _PLAIN_VALUES:
        return False
    return is_credential_name(name) or (name.lower() not in _IDENTIFIERS and looks_like_token(value))


# A segment that follows one of these is a credential: `/key/abc123`.
_LABEL: Final = re.compile(r"(?:api[-_]?|access[-_]?)?(?:key|token|secret)", re.IGNORECASE)

# Behind one of these an identifier is all that a caller must know.
_HOOK: Final = re.compile(
    r"(?:web)?hooks?(?:-test)?|catch|triggers?|ingest|inbound|incoming|invoke|collect", re.IGNORECASE
)

# Services with short tokens in their paths.
_SERVICES: Final = re.compile(
    r"hooks\.zapier\.com/hooks/catch/\d+/(\w+)|hook\.[\w.]*(?:make|integromat)\.(?:com|cloud)/(\w+)"
    r"|hooks\.slack\.com/services/\w+/\w+/(\w+)|webhook\.site/([\w-]{8,})|discord(?:app)?\.com/api/webhooks/\d+/([\w-]+)"
    r"|api\.telegram\.org/bot([^/?#]+)",
    re.IGNORECASE,
)

_QUEUE_HOST: Final = re.compile(r"(?:sqs\.[\w-]+|[\w-]+\.queue)\.amazonaws\.com", re.IGNORECASE)


def _segments(rest: str) -> Iterator[str]:
    """The segments of a path that are credentials: some services put them there."""
    host, *segments = re.split(r"[?#]", rest, maxsplit=1)[0].split("/")
    host = host.rpartition("@")[2]
    if _QUEUE_HOST.fullmatch(host):
        return
    found = {group for match in _SERVICES.finditer("/".join([host, *segments])) for group in match.groups() if group}
    yield from sorted(found)
    hooked = "hook" in host
    for before, segment in zip(["", *segments], segments, strict=False):
        hooked = hooked or bool(_HOOK.fullmatch(before))
        if segment not in found and _is_credential_segment(before, segment, hooked=hooked):
            yield segment


def _is_credential_segment(before: str, segment: str, *, hooked: bool) -> bool:
    if hooked and is_uuid(segment):
        return True
    if _LABEL.fullmatch(before):
        return bool(re.search(r"\d", segment) and re.search(r"[A-Za-z]", segment))
    return any(looks_like_token(part) for part in re.split(r"[:@]", unquote(segment)))


class UrlFault(NamedTuple):
    """What is wrong with a URL, without any part of it, and what would be right.

    `certain` is False where some driver may read it. An empty hint stands for the schemes that are documented.
    """

    message: str
    hint: str = ""
    certain: bool = True


_GREATEST_PORT: Final = 65535

_HOST: Final = re.compile(r"(?:\[[0-9a-fA-F:.%\w]+\]|[^\s:@\[\]]+)(?P<port>:.*)?")

# With one of these the driver finds the server without a host.
_HOST_ELSEWHERE: Final = re.compile(r"[?&](?:socketfactory|host|hostaddr|service)=", re.IGNORECASE)


def find_url_fault(text: str, schemes: tuple[str, ...], other_schemes: tuple[str, ...] = ()) -> UrlFault | None:
    """Return what is wrong with a URL, or None.

    Args:
        text: The URL.
        schemes: How it may begin, such as `("postgresql://", "jdbc:postgresql://")`.
        other_schemes: Beginnings that drivers read and the documentation does not name.
    """
    scheme = next((scheme for scheme in (*schemes, *other_schemes) if text.lower().startswith(scheme)), None)
    if scheme is None:
        return UrlFault("does not begin like a URL of this kind")
    rest = text[len(scheme) :]
    is_web = scheme.startswith("http")
    if re.search(r"\s", text) and (is_web or text != text.strip()):
        return UrlFault("holds a space or a line break", "remove it, or write %20")
    if not scheme.endswith("//"):
        return UrlFault("names no host, so a driver looks on its own machine", certain=False)
    fault = None if _HOST_ELSEWHERE.search(rest) else _find_authority_fault(rest)
    if fault:
        return fault
    if scheme in other_schemes:
        return UrlFault("begins in a way that some drivers read and the documentation does not name", certain=False)
    return UrlFault("holds a space", "write %20", certain=False) if re.search(r"\s", rest) else None


def _find_authority_fault(rest: str) -> UrlFault | None:
    """Judge the hosts of a URL, wherever the user and password before them end."""
    fault = _find_host_fault(_head(rest).rpartition("@")[2])
    if fault and "@" in rest:
        return _find_host_fault(_head(rest.rpartition("@")[2]))
    return fault


def _find_host_fault(hosts: str) -> UrlFault | None:
    """Judge hosts with their ports, separated by commas."""
    for host in hosts.split(","):
        if not host or host.startswith(":"):
            return UrlFault("names no host")
        match = _HOST.fullmatch(host)
        if match is None:
            return UrlFault("cannot be read as a URL")
        port = match["port"]
        if port is not None and not (re.fullmatch(r":\d{1,5}", port) and 1 <= int(port[1:]) <= _GREATEST_PORT):
            return UrlFault("has a port that is not a number from 1 to 65535", "correct it, or leave it out")
    return None
