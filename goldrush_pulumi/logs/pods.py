"""One pod's log: what of each new tail has not been seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from goldrush_pulumi.logs.events import Gap, Line, NothingToTail
from goldrush_pulumi.logs.tails import Known, Tail, find_overlap, runtime_error

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class PodLog:
    """Reads the tails of one pod. Its memory moves on with each line that is taken from `read`, never ahead of it."""

    pod: str
    known: Known = field(default_factory=Known)
    _held: str | None = None
    """A line without newline at the end of the last tail: it is yielded once it is seen again unchanged."""
    _complaint: str | None = None

    def read(
        self, text: str, *, final: bool = False, at_most: int | None = None
    ) -> Iterator[Line | Gap | NothingToTail]:
        """Yield what is new in a tail.

        Args:
            text: The tail as the API gives it.
            final: Whether no other tail follows, so that an unfinished line is yielded too.
            at_most: How many lines to yield of a pod that is not known yet; the earlier ones count as seen.
        """
        complaint = runtime_error(text)
        if complaint is not None:
            if complaint != self._complaint:
                self._complaint = complaint
                yield NothingToTail(self.pod, complaint)
            return
        self._complaint = None
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
            # The lines behind the overlap begin a new stretch; those in it stay known, so that none comes twice.
            self.known.forget()
            for line in tail.lines[: overlap.lines]:
                self.known.add(line)
            yield Gap(self.pod)
        for place in range(overlap.lines, size):
            line = tail.lines[place]
            self.known.add(line, unfinished=tail.unfinished and place == len(tail.lines) - 1)
            yield Line(self.pod, line)

    def _rest_of_last(self, tail: Tail, known_lines: int) -> Iterator[Line]:
        """What came behind a line that was yielded before its newline."""
        line, length = tail.lines[known_lines - 1], self.known.open_length or 0
        self.known.complete_last(line, unfinished=tail.unfinished and known_lines == len(tail.lines))
        if len(line) > length:
            yield Line(self.pod, line[length:])
