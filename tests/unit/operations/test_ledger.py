from __future__ import annotations

import threading

from goldrush_pulumi.operations.identity import Claims

ONE, OTHER = "urn:pulumi:dev::shop::t::one", "urn:pulumi:dev::shop::t::other"


def test_a_pipeline_is_taken_once() -> None:
    """Of two new resources that want the same pipeline, the second is told no."""
    claims = Claims()

    assert claims.take("pipe_1", ONE)
    assert not claims.take("pipe_1", OTHER)
    assert not claims.take("pipe_1", ONE)


def test_what_any_verb_works_on_cannot_be_taken() -> None:
    """A pipeline that was read, compared, changed or deleted in this process is nobody's leftover."""
    claims = Claims()
    claims.see("pipe_read")
    claims.hold("pipe_compared", ONE)

    assert not claims.take("pipe_read", OTHER)
    assert not claims.take("pipe_compared", OTHER)
    assert claims.has_seen("pipe_read")
    assert not claims.has_seen("pipe_other")


def test_two_records_of_one_pipeline_are_told() -> None:
    """Holding says which other resource has the pipeline, and the first holder stays the holder."""
    claims = Claims()

    assert claims.hold("pipe_1", ONE) is None
    assert claims.hold("pipe_1", ONE) is None
    assert claims.hold("pipe_1", OTHER) == ONE
    assert claims.other_holder("pipe_1", OTHER) == ONE
    assert claims.other_holder("pipe_1", ONE) is None


def test_seeing_claims_nothing() -> None:
    """A refresh under an old name must not stand in the way of the resource under its new one."""
    claims = Claims()
    claims.see("pipe_1")

    assert claims.other_holder("pipe_1", ONE) is None
    assert claims.hold("pipe_1", ONE) is None


def test_threads_race_for_one_pipeline() -> None:
    """However many threads ask at once, exactly one gets it."""
    claims, start = Claims(), threading.Barrier(16)
    got: list[bool] = []

    def ask(number: int) -> None:
        start.wait(30)
        got.append(claims.take("pipe_1", f"urn-{number}"))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(got) == [False] * 15 + [True]
