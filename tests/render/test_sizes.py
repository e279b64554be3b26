from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from oci_inspect.render.sizes import (
    age,
    bar,
    clock,
    human_duration,
    human_size,
    percent,
    plural,
    rfc3339,
)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        # As docker 20.10 printed them in `docker image history` and `docker image ls`.
        (0, "0B"),
        (20, "20B"),
        (923, "923B"),
        (1_705, "1.71kB"),
        (1_700, "1.7kB"),
        (21_904, "21.9kB"),
        (66_700, "66.7kB"),
        (88_642, "88.6kB"),
        (92_499, "92.5kB"),
        (400, "400B"),
        (1_000, "1kB"),
        (999, "999B"),
        (123_456_789, "123MB"),
        (5_000_000_000, "5GB"),
        (2 * 10**15, "2PB"),
        (10**27, "1e+03YB"),
    ],
)
def test_sizes_are_rounded_as_docker_rounds_them(size, text):
    assert human_size(size) == text


def test_a_size_never_rounds_up_to_a_thousand_of_its_unit():
    assert human_size(999_499) == "999kB"
    assert human_size(999_500) == "1MB"


def test_an_unknown_size_is_a_dash():
    assert human_size(None) == "-"


@pytest.mark.parametrize(
    ("ratio", "text"),
    [(0, "0%"), (1, "100%"), (0.5, "50.0%"), (0.99999, "99.9%"), (0.000001, "0.1%")],
)
def test_percentages_say_all_and_nothing_only_where_it_is_so(ratio, text):
    assert percent(ratio) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "Less than a second"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "About a minute"),
        (119, "About a minute"),
        (120, "2 minutes"),
        (59 * 60 + 59, "59 minutes"),
        (60 * 60, "About an hour"),
        (89 * 60, "About an hour"),
        (90 * 60, "2 hours"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
        (13 * 86400, "13 days"),
        (14 * 86400, "2 weeks"),
        (59 * 86400, "8 weeks"),
        (60 * 86400, "2 months"),
        (729 * 86400, "24 months"),
        (730 * 86400, "2 years"),
    ],
)
def test_durations_follow_go_units(seconds, text):
    assert human_duration(seconds) == text


def test_an_age_is_blank_or_not_available_for_times_that_mean_nothing():
    now = datetime(2026, 11, 21, tzinfo=UTC)
    made = (now - timedelta(minutes=2)).isoformat()
    assert age(made, now) == "2 minutes ago"
    assert age(None, now) == "N/A"
    assert age("0001-01-01T00:00:00Z", now) == "N/A"
    assert age("1970-01-01T00:00:00Z", now, missing="") == ""
    assert age("yesterday", now) == "N/A"


def test_times_are_utc_to_the_second_and_what_is_no_time_stays():
    assert clock("2026-11-21T04:06:17.999+01:00") == "2026-11-21 03:06:17 UTC"
    assert rfc3339("2026-11-21T04:06:17.999+01:00") == "2026-11-21T03:06:17Z"
    assert clock("0001-01-01T00:00:00Z") == "0001-01-01 00:00:00 UTC"
    assert clock("soon") == rfc3339("soon") == "soon"
    assert clock(None) == "-"
    assert rfc3339(None) == ""


def test_plurals():
    assert plural(1, "layer") == "1 layer"
    assert plural(0, "layer") == "0 layers"
    assert plural(1204, "entry") == "1,204 entries"


@pytest.mark.parametrize(
    ("share", "dead", "width", "live_text", "dead_text"),
    [
        (1.0, 0.0, 10, "██████████", ""),
        (1.0, 1.0, 10, "", "░░░░░░░░░░"),
        (0.5, 0.25, 8, "██", "░░"),
        (0.55, 0.0, 10, "█████▌", ""),
        (0.0, 0.0, 10, "", ""),
        (0.0001, 0.0, 10, "▏", ""),
        (0.0001, 0.0001, 10, "", "░"),
        (0.9, 0.001, 10, "█████████", "░"),
    ],
)
def test_bars_show_the_share_and_the_dead_part_in_it(share, dead, width, live_text, dead_text):
    assert bar(share, dead, width) == (live_text, dead_text)


def test_bars_in_ascii():
    assert bar(0.5, 0.25, 8, unicode=False) == ("##", "..")
    assert bar(0.0001, 0, 8, unicode=False) == ("#", "")


def test_a_bar_never_grows_beyond_its_width():
    for hundredth in range(101):
        for part in range(0, 101, 5):
            share = hundredth / 100
            for unicode in (True, False):
                live, dead = bar(share, share * part / 100, 10, unicode)
                assert len(live + dead) <= 10
                assert bool(live + dead) == (share > 0)
