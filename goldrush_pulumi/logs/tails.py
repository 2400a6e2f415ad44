"""The log of one pod: which lines of each new tail are new."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.logs.events import Gap, Line, NothingToTail

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


BLOCK_LINES: Final = 32
"""How many of the last known lines are remembered and compared."""

DIGEST_BYTES: Final = 5

_LONGEST_REMEMBERED_TEXT: Final = 1000

_NO_LOG: Final = re.compile(
    r"unable to upgrade connection|container not found|is waiting to start|unable to retrieve container logs"
    r"|previous terminated container .* not found|failed to try resolving symlinks|^Error from server"
    r"|^pods? \S+ not found$"
    r"|^container .* is not (?:running|valid|created)"
)


def digest(line: str) -> bytes:
    """Return a few bytes that stand for a line, so that neither memory nor a cursor holds its text."""
    return hashlib.blake2b(line.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()


def runtime_error(text: str) -> str | None:
    """Return the runtime's message in place of a log, or None when `text` is a log."""
    line = text.strip()
    return line if "\n" not in line and _NO_LOG.search(line) else None


@dataclass(frozen=True)
class Tail:
    """The lines of a snapshot. The last one is `unfinished` where no newline ends it: it may still grow."""

    lines: tuple[str, ...]
    unfinished: bool

    @classmethod
    def of(cls, text: str) -> Tail:
        """Split a snapshot, on newlines only: empty lines count, and other separators belong to the line."""
        if not text:
            return cls((), unfinished=False)
        lines = text.split("\n")
        if lines[-1]:
            return cls(tuple(lines), unfinished=True)
        return cls(tuple(lines[:-1]), unfinished=False)


@dataclass
class Known:
    """The known lines of a pod: how many there are without a gap, and the digests of the last few.

    `open_length` is the length of the last line if it was read before its newline. `texts` has the ends of the last
    lines that this process has read: a tail may begin in the middle of a line.
    """

    count: int = 0
    block: deque[bytes] = field(default_factory=lambda: deque(maxlen=BLOCK_LINES))
    texts: deque[str] = field(default_factory=lambda: deque(maxlen=BLOCK_LINES))
    open_length: int | None = None

    def add(self, line: str, *, unfinished: bool = False) -> None:
        """Add the next line."""
        self.count += 1
        self.block.append(digest(line))
        self.texts.append(line[-_LONGEST_REMEMBERED_TEXT:])
        self.open_length = len(line) if unfinished else None

    def complete_last(self, line: str, *, unfinished: bool) -> None:
        """Replace the last line by `line`, its longer form."""
        self.count -= 1
        self.block.pop()
        if self.texts:
            self.texts.pop()
        self.add(line, unfinished=unfinished)

    def forget(self) -> None:
        """Start again after a gap."""
        self.count, self.open_length = 0, None
        self.block.clear()
        self.texts.clear()


@dataclass(frozen=True)
class Overlap:
    """How many lines at the beginning of a tail are known; `is_certain` is False if lines may be missing after them.

    An overlap of a few lines that all repeat proves little: they may have been written once more.
    """

    lines: int
    is_certain: bool


def find_overlap(known: Known, tail: Sequence[str]) -> Overlap:
    """Return the longest overlap of the end of the known lines with the beginning of `tail`.

    More lines than are known can only precede the new ones when a tail reaches further back than any before. That is
    tried last, and never certain.
    """
    if not known.count or not tail:
        return Overlap(0, is_certain=True)
    comparison = _Comparison(known, tail)
    size = len(tail)
    for end in (*range(min(known.count, size), 0, -1), *range(size, known.count, -1)):
        proofs = comparison.proofs_at(end)
        if proofs is not None:
            is_plain = end <= known.count
            # A tail without new lines needs no marker.
            return Overlap(end, is_certain=is_plain and (end == size or comparison.is_certain(proofs)))
    return Overlap(0, is_certain=False)


class _Comparison:
    def __init__(self, known: Known, tail: Sequence[str]) -> None:
        self._known = known
        self._block = list(known.block)
        self._tail = tail
        self._digests = [digest(line) for line in tail]

    def proofs_at(self, end: int) -> list[bytes] | None:
        """Return the digests of the known lines found right before `end`; None when other lines stand there.

        The list is empty when only a piece of the last known line is left.
        """
        size = min(len(self._block), end)
        expected, start = self._block[-size:], end - size
        # Backwards, because the last line rules out most places at once.
        for place in range(end - 1, start - 1, -1):
            if not self._matches(place, expected[place - start], end):
                is_cut = place == 0 and self._is_cut(size)
                return expected[1:] if is_cut else None
        return expected

    def _matches(self, place: int, wanted: bytes, end: int) -> bool:
        if self._digests[place] == wanted:
            return True
        length = self._known.open_length
        goes_on = length is not None and place == end - 1 and len(self._tail[place]) > length
        return goes_on and digest(self._tail[place][:length]) == wanted

    def _is_cut(self, size: int) -> bool:
        """Return whether the first line of the tail may be the end of the known line `size` lines back."""
        if size > len(self._known.texts):
            # After a restart only digests are known, so the lines after it have to be proof enough.
            return size > 1
        text, piece = self._known.texts[-size], self._tail[0]
        return len(piece) < len(text) and text.endswith(piece)

    def is_certain(self, proofs: Sequence[bytes]) -> bool:
        if 2 * len(proofs) > min(len(self._block), len(self._tail)):
            return True
        return any(self._digests.count(proof) == 1 == self._block.count(proof) for proof in proofs)


@dataclass
class PodLog:
    """Reads the tails of one pod. Its memory advances with each line that is taken from `read`, never ahead of it."""

    pod: str
    known: Known = field(default_factory=Known)
    _held: str | None = None
    """A line without newline at the end of the last tail: it is yielded once it is seen again unchanged."""
    _runtime_error: str | None = None

    def read(
        self, text: str, *, final: bool = False, at_most: int | None = None
    ) -> Iterator[Line | Gap | NothingToTail]:
        """Yield the new lines of a tail, with markers.

        Args:
            text: The tail as the API returns it.
            final: Whether this is the last tail, so that an unfinished line is yielded too.
            at_most: How many lines to yield of a pod that is not known yet; the earlier ones count as seen.
        """
        error = runtime_error(text)
        if error is not None:
            if error != self._runtime_error:
                self._runtime_error = error
                yield NothingToTail(self.pod, error)
            return
        self._runtime_error = None
        tail = Tail.of(text)
        lines = tail.lines[:-1] if self._holds_back(tail, final=final) else tail.lines
        if at_most is not None and not self.known.count:
            skipped = max(len(lines) - at_most, 0)
            for line in lines[:skipped]:
                self.known.add(line)
        yield from self._unseen(tail, len(lines))

    def _holds_back(self, tail: Tail, *, final: bool) -> bool:
        if not tail.unfinished:
            self._held = None
            return False
        last = tail.lines[-1]
        is_settled = final or last == self._held
        self._held = last
        return not is_settled

    def _unseen(self, tail: Tail, size: int) -> Iterator[Line | Gap]:
        overlap = find_overlap(self.known, tail.lines)
        if overlap.lines and self.known.open_length is not None and overlap.lines <= size:
            yield from self._rest_of_last(tail, overlap.lines)
        if not overlap.is_certain:
            # The lines after the overlap start a new stretch; those in it stay known, so that none is yielded twice.
            self.known.forget()
            for line in tail.lines[: overlap.lines]:
                self.known.add(line)
            yield Gap(self.pod)
        for place in range(overlap.lines, size):
            line = tail.lines[place]
            self.known.add(line, unfinished=tail.unfinished and place == len(tail.lines) - 1)
            yield Line(self.pod, line)

    def _rest_of_last(self, tail: Tail, known_lines: int) -> Iterator[Line]:
        """Yield the rest of a line that was yielded before its newline."""
        line, length = tail.lines[known_lines - 1], self.known.open_length or 0
        self.known.complete_last(line, unfinished=tail.unfinished and known_lines == len(tail.lines))
        if len(line) > length:
            yield Line(self.pod, line[length:])
