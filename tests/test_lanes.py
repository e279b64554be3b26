"""Lanes: order, bounds, and nothing lost, whoever does the work."""

from __future__ import annotations

import threading
import time

import pytest

from oci_inspect.crew import Crew
from oci_inspect.lanes import NOBODY, WORTH, Helpers, Lane, StoppedError

PIECE = bytes(WORTH)


def pieces(count: int) -> list[bytes]:
    return [i.to_bytes(4, "big") + PIECE for i in range(count)]


@pytest.fixture(params=[0, 1, 3], ids=["alone", "one helper", "three helpers"])
def helpers(request):
    made = Helpers(request.param)
    yield made
    made.dismiss()


def test_every_piece_is_taken_once_in_order(helpers):
    lanes: list[Lane] = []
    taken: list[list[bytes]] = [[], [], []]
    for mine in taken:
        lanes.append(Lane(mine.append, helpers, lanes))
    given = pieces(200)
    for piece in given:
        for lane in lanes:
            lane.put(piece)
    for lane in lanes:
        lane.finish()
    assert taken == [given, given, given]


def test_small_pieces_keep_their_place_among_large_ones(helpers):
    taken: list[bytes] = []
    lane = Lane(taken.append, helpers)
    given = [one if i % 3 else one[:5] for i, one in enumerate(pieces(100))]
    for piece in given:
        lane.put(piece)
    lane.finish()
    assert taken == given


def test_another_thread_works_while_the_first_goes_on():
    helpers = Helpers(1)
    begun, released = threading.Event(), threading.Event()
    workers: list[threading.Thread] = []

    def take(piece: bytes) -> None:
        workers.append(threading.current_thread())
        begun.set()
        assert released.wait(10)

    lane = Lane(take, helpers)
    lane.put(PIECE)  # comes back, though the work cannot end yet
    assert begun.wait(10)
    released.set()
    lane.finish()
    helpers.dismiss()
    assert workers
    assert workers[0] is not threading.main_thread()


def test_no_more_pieces_wait_than_the_depth(helpers):
    most = 0
    lanes: list[Lane] = []

    def slow(piece: bytes) -> None:
        time.sleep(0.0005)

    for _ in range(3):
        lanes.append(Lane(slow, helpers, lanes))
    for piece in pieces(40):
        for lane in lanes:
            lane.put(piece)
            most = max(most, len(lane._waiting))
    for lane in lanes:
        lane.finish()
    assert most <= helpers.depth


def test_lanes_that_share_their_turns_never_work_at_once():
    helpers = Helpers(3)
    turns = threading.Lock()
    inside = 0
    worst = 0

    def take(piece: bytes) -> None:
        nonlocal inside, worst
        inside += 1
        worst = max(worst, inside)
        time.sleep(0.0002)
        inside -= 1

    lanes: list[Lane] = []
    for _ in range(3):
        lanes.append(Lane(take, helpers, lanes, turns))
    for piece in pieces(40):
        for lane in lanes:
            lane.put(piece)
    for lane in lanes:
        lane.finish()
    helpers.dismiss()
    assert worst == 1


def test_the_end_waits_for_the_piece_in_another_thread_s_hands():
    helpers = Helpers(1)
    begun = threading.Event()
    taken: list[bytes] = []

    def take(piece: bytes) -> None:
        begun.set()
        time.sleep(0.02)
        taken.append(piece)

    lane = Lane(take, helpers)
    lane.put(PIECE)
    assert begun.wait(10)
    lane.finish()
    assert taken == [PIECE]
    helpers.dismiss()


def test_what_fails_in_a_lane_is_raised_where_the_pieces_come_from():
    def take(piece: bytes) -> None:
        raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        Lane(take, NOBODY).put(PIECE)


@pytest.mark.parametrize("end", ["put", "finish"])
def test_what_fails_in_a_helper_s_hands_is_raised_where_the_pieces_come_from(end):
    helpers = Helpers(1)
    begun = threading.Event()

    def take(piece: bytes) -> None:
        begun.set()
        raise OSError("broken")

    lane = Lane(take, helpers)
    lane.put(PIECE)
    assert begun.wait(10)
    helpers.dismiss()
    with pytest.raises(OSError, match="broken"):
        lane.put(PIECE) if end == "put" else lane.finish()


def test_an_interrupt_is_of_the_thread_that_it_came_to():
    """The other one ends quietly: a piece of its stream is lost."""

    def take(piece: bytes) -> None:
        raise KeyboardInterrupt

    helpers = Helpers(1)
    lane = Lane(take, helpers, together=5)
    lane.put(PIECE)
    with pytest.raises(KeyboardInterrupt):
        lane.work()
    with pytest.raises(StoppedError):
        lane.put(PIECE)
    helpers.dismiss()


def test_helpers_that_were_sent_home_are_missed_but_not_needed():
    helpers = Helpers(2)
    taken: list[bytes] = []
    lane = Lane(taken.append, helpers)
    given = pieces(30)
    for piece in given[:10]:
        lane.put(piece)
    helpers.dismiss()
    for piece in given[10:]:
        lane.put(piece)
    lane.finish()
    assert taken == given


def test_no_thread_is_started_for_one_that_works_alone():
    before = threading.active_count()
    taken: list[bytes] = []
    lane = Lane(taken.append, NOBODY)
    for piece in pieces(10):
        lane.put(piece)
    assert taken == pieces(10)
    assert threading.active_count() == before


def test_many_streams_hold_fewer_pieces_each():
    assert Helpers(0, 1).depth > Helpers(0, 16).depth >= 1


def test_a_stream_ends_at_its_next_piece_when_all_is_stopped():
    helpers = Helpers()
    lane = Lane(lambda piece: None, helpers)
    lane.put(PIECE)
    helpers.stopped = True
    with pytest.raises(StoppedError):
        lane.put(PIECE)


def test_a_turn_that_an_interrupt_left_taken_holds_nobody_up():
    helpers = Helpers(0)
    lane = Lane(lambda piece: None, helpers)
    lane._turns.acquire()
    threading.Timer(0.05, lambda: setattr(helpers, "stopped", True)).start()
    with pytest.raises(StoppedError):
        lane.finish()


def test_a_system_that_gives_no_threads_costs_nothing_but_time(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    helpers = Helpers(2)
    taken = []
    lane = Lane(taken.append, helpers)
    given = pieces(12)
    for piece in given:
        lane.put(piece)
    lane.finish()
    helpers.dismiss()
    assert taken == given
    assert Crew(lambda key: key, 4).run(range(6)) == {key: key for key in range(6)}
