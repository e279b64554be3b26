"""Threads at one list of work."""

from __future__ import annotations

import threading
import time

import pytest

from oci_inspect.crew import Crew
from oci_inspect.stream.source import BytesSource


@pytest.mark.parametrize("size", [1, 2, 8])
def test_all_work_is_done_once(size: int) -> None:
    seen: list[int] = []

    def work(key: int) -> int:
        seen.append(key)
        return key * key

    assert Crew(work, size).run(range(20)) == {key: key * key for key in range(20)}
    assert sorted(seen) == list(range(20))


def test_no_work_is_no_result() -> None:
    assert Crew(lambda key: key, 4).run([]) == {}


def test_as_many_at_a_time_as_asked_for() -> None:
    # Each waits for the other: with fewer than two threads nobody would get past it.
    meeting = threading.Barrier(2, timeout=10)
    assert len(Crew(lambda _: meeting.wait(), 2).run([1, 2])) == 2


@pytest.mark.parametrize("size", [1, 3])
def test_first_failure_is_raised_and_ends_the_rest(size: int) -> None:
    done: list[int] = []

    def work(key: int) -> None:
        if key == 2:
            raise OSError("read error")
        time.sleep(0.001)
        done.append(key)

    with pytest.raises(OSError, match="read error"):
        Crew(work, size).run(range(1000))
    assert len(done) < 1000


def test_interrupt_of_the_caller_stops_a_read_in_the_middle_of_a_layer() -> None:
    reading = threading.Event()

    class Endless:
        def read(self, size: int, /) -> bytes:
            reading.set()
            return b"x"

    def work(key: str) -> None:
        if threading.current_thread() is threading.main_thread():
            assert reading.wait(10)
            raise KeyboardInterrupt
        source = crew.watched(Endless())
        while source.read(1):
            pass

    crew: Crew[str, None] = Crew(work, 2)
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        crew.run(["a", "b"])
    assert threading.active_count() == before


def test_watched_source_gives_all_bytes() -> None:
    crew: Crew[str, bytes] = Crew(lambda _: crew.watched(BytesSource(b"hello")).read(99), 1)
    assert crew.run(["a"]) == {"a": b"hello"}
