from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from goldrush_pulumi.logs import Gap, Line, NothingToTail
from goldrush_pulumi.logs.cursor import Place
from goldrush_pulumi.logs.tails import PodLog

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

POD = "pipeline-covalent-postgres-pipe-1-abcde"
ERROR = "unable to upgrade connection: container not found"
SIZES = st.integers(0, 12)


@dataclass(frozen=True)
class Look:
    """One poll: how much was written since the one before, how much the tail shows, and what happens beside it."""

    written: int
    window: int
    restarts: bool = False
    """Whether the follower is replaced by one that goes on from its cursor."""
    fails: bool = False
    """Whether the runtime answers an error in the place of the log."""


looks = st.lists(st.builds(Look, SIZES, st.integers(1, 12), st.booleans(), st.booleans()), min_size=1, max_size=12)
steady = st.tuples(st.lists(SIZES, min_size=1, max_size=12), st.integers(1, 12)).map(
    lambda drawn: [Look(written, drawn[1]) for written in drawn[0]]
)
repeated_lines = st.lists(
    st.lists(st.sampled_from(["a", "b", "ab", "", "INFO batch"]), min_size=1, max_size=4), min_size=1, max_size=5
).map(lambda patterns: list(itertools.islice(itertools.cycle(_repeated(patterns)), 600)))


def _repeated(patterns: list[list[str]]) -> list[str]:
    """Each pattern a few times over, as workers write that do the same again and again."""
    return [line for count, pattern in enumerate(patterns, 1) for line in pattern * count]


class Follower:
    """Reads one pod, and can be replaced by another that has nothing but the cursor."""

    def __init__(self) -> None:
        self.place = Place("pipe_1", None, {POD: PodLog(POD)})

    def read(self, lines: Sequence[str]) -> list[Line | Gap | NothingToTail]:
        return self.read_text("".join(f"{line}\n" for line in lines))

    def read_text(self, text: str, *, final: bool = False) -> list[Line | Gap | NothingToTail]:
        return list(self.place.pods[POD].read(text, final=final))

    def restart(self) -> None:
        self.place = Place.from_text(self.place.as_text(), "pipe_1")


def windows(history: Iterable[Look]) -> Iterator[tuple[Look, int, int, int]]:
    """Each look with the position before it, and where its tail begins and ends; tails never reach back further."""
    start = end = 0
    for look in history:
        before, end = end, end + look.written
        start = max(start, end - look.window)
        yield look, before, start, end


def texts(events: Iterable[object]) -> list[str]:
    return [event.text for event in events if isinstance(event, Line)]


@given(looks)
def test_lines_that_differ_come_once_each_and_every_loss_is_marked(history: list[Look]) -> None:
    """Each line comes once and in order, across restarts and errors; where no known line is left, a gap is marked."""
    follower, seen = Follower(), 0
    for look, _, start, end in windows(history):
        if look.restarts:
            follower.restart()
        if look.fails:
            assert not [event for event in follower.read_text(ERROR) if not isinstance(event, NothingToTail)]
            continue
        events = follower.read([f"2026-11-23T10:00:00 line {number}" for number in range(start, end)])
        lost = 0 < seen <= start
        first = max(seen, start)
        expected: list[object] = [Line(POD, f"2026-11-23T10:00:00 line {number}") for number in range(first, end)]
        assert events == ([Gap(POD)] if lost and start < end else []) + expected
        # What an empty tail hides is found missing by the next one that shows something.
        seen = end if start < end else seen


@given(st.lists(st.builds(Look, SIZES, st.integers(1, 12), st.booleans()), min_size=1, max_size=12))
def test_tails_may_reach_further_back_than_before(history: list[Look]) -> None:
    """Windows of any size, smaller and larger from look to look, bring no line twice and lose none unmarked."""
    follower, end, seen = Follower(), 0, 0
    for look in history:
        if look.restarts:
            follower.restart()
        end += look.written
        start = max(end - look.window, 0)
        events = follower.read([f"line {number} of many" for number in range(start, end)])
        numbers = [int(text.split()[1]) for text in texts(events)]
        assert numbers == list(range(max(seen, start) if seen else start, end))
        is_marked = any(isinstance(event, Gap) for event in events)
        assert is_marked or not 0 < seen <= start < end
        seen = end if start < end else seen


@given(repeated_lines, looks)
def test_lines_that_repeat_never_come_twice(stream: list[str], history: list[Look]) -> None:
    """However lines repeat, a look brings no more than was written since the last line yielded, and the end of that."""
    follower, yielded = Follower(), 0
    for look, _, start, end in windows(history):
        if look.restarts:
            follower.restart()
        if look.fails:
            continue
        new = texts(follower.read(stream[start:end]))
        assert len(new) <= end - yielded
        assert new == stream[end - len(new) : end]
        yielded = end if new else yielded


@given(repeated_lines, looks)
def test_an_unmarked_loss_is_one_that_no_tail_shows(stream: list[str], history: list[Look]) -> None:
    """What came since the last marker ends in each tail: a stream without any loss would have looked the same."""
    follower, since_marker = Follower(), list[str]()
    for look, _, start, end in windows(history):
        if look.fails:
            continue
        tail = stream[start:end]
        events = follower.read(tail)
        if any(isinstance(event, Gap) for event in events):
            since_marker = tail[: len(tail) - len(texts(events))]
        since_marker += texts(events)
        behind_first = since_marker[len(since_marker) - len(tail) + 1 :] if tail else []
        assert behind_first == tail[1:]
        assert not tail or since_marker[-len(tail)].endswith(tail[0])


@given(repeated_lines, steady)
def test_a_tail_that_never_moved_on_is_followed_exactly(stream: list[str], history: list[Look]) -> None:
    """While the tail shows the whole log, the output is the log, however lines repeat."""
    follower, output, end = Follower(), list[str](), 0
    for look in history:
        end += look.written
        events = follower.read(stream[:end])
        assert not [event for event in events if isinstance(event, Gap)]
        output += texts(events)
    assert output == stream[:end]


@given(repeated_lines, st.lists(st.tuples(SIZES, st.integers(0, 20), st.booleans()), min_size=1, max_size=12))
def test_lines_written_in_pieces_lose_nothing(stream: list[str], history: list[tuple[int, int, bool]]) -> None:
    """A look in the middle of a line, and a line that stays without newline for long, change no letter of the text."""
    follower, output = Follower(), list[Line | Gap | NothingToTail]()
    log, end = "".join(f"{line}\n" for line in stream), 0
    for written, pieces, restarts in history:
        if restarts:
            follower.restart()
        end += written * 3 + pieces
        output += follower.read_text(log[:end])
    output += follower.read_text(log[:end], final=True)
    assert all(isinstance(event, Line) for event in output)
    assert "".join(texts(output)) == log[:end].replace("\n", "")


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(7, 150)), min_size=1, max_size=12))
def test_tails_that_begin_inside_a_line_bring_no_line_twice(history: list[tuple[int, int]]) -> None:
    """Where the tail is cut by length, whole lines come once and in order; a piece of one only behind a marker."""
    follower, end, start, last, is_marked = Follower(), 0, 0, -1, True
    width = len(f"{0:06} a line {0:06}")
    for written, window in history:
        end += written
        log = "".join(f"{number:06} a line {number:06}\n" for number in range(end))
        start = max(start, len(log) - window)
        for event in follower.read_text(log[start:]):
            is_marked |= isinstance(event, Gap)
            if isinstance(event, Line):
                is_whole = len(event.text) == width
                number = int(event.text[:6]) if is_whole else start // (width + 1)
                assert is_whole or is_marked
                assert number > last
                assert number == last + 1 or is_marked
                last, is_marked = number, False


@given(repeated_lines, looks, st.data())
def test_a_stream_left_anywhere_goes_on_right_there(
    stream: list[str], history: list[Look], data: st.DataObject
) -> None:
    """Leaving after any event and going on from the cursor yields what would have come without leaving."""
    whole, left, end = Follower(), Follower(), 0
    for look in history:
        end += look.written
        tail = stream[:end]
        expected = whole.read(tail)
        stop = data.draw(st.integers(0, len(expected)))
        text = "".join(f"{line}\n" for line in tail)
        before = list(itertools.islice(left.place.pods[POD].read(text), stop)) if stop else []
        left.restart()
        assert before + left.read(tail) == expected
