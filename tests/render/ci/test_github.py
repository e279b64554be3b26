from __future__ import annotations

from dataclasses import replace

from support.checks import KEPT, TOO_LARGE, WASTEFUL, commands, judged, mixed

from oci_inspect.render.ci.github import render_check_github
from oci_inspect.rules.model import Check, Item, Level, Source, Verdict


def test_each_broken_rule_is_a_command_the_worst_first_and_a_notice_ends_them():
    found = commands(render_check_github(mixed()))
    assert [(name, told.get("title")) for name, told, _ in found] == [
        ("error", "max-size: example/app:1.2.3 (linux/amd64)"),
        ("error", "max-growth: example/app:1.2.3 (linux/amd64)"),
        ("warning", "max-waste: example/app:1.2.3 (linux/amd64)"),
        ("warning", "base-age: example/app:1.2.3 (linux/amd64)"),
        ("notice", "oci-inspect check"),
    ]
    assert found[-1][2] == "failed: 1 of 2 images fails, 2 errors, 2 warnings"


def test_the_message_has_the_advice_and_what_broke_the_rule():
    _, told, text = commands(render_check_github(mixed()))[0]
    assert text.split("\n") == [
        "67.7MB are more than 50MB.",
        "Put the rm into the RUN of step 1.",
        "/usr/share/doc (60MB, layer 0): deleted by step 4",
        "no file at all (7MB, layer 2)",
        "a label",
    ]
    assert (told["file"], told["line"]) == ("ci/.oci-inspect.toml", "4")


def test_a_rule_of_the_command_line_has_no_file():
    text = render_check_github(Check((judged(WASTEFUL),)))
    assert commands(text)[0][1].keys() == {"title"}
    text = render_check_github(Check((judged(replace(WASTEFUL, source=Source("a.toml"))),)))
    assert commands(text)[0][1].keys() == {"title", "file"}


def test_a_path_with_colon_comma_and_percent_comes_back():
    verdict = replace(TOO_LARGE, source=Source("./a:b,c%41=d.toml", 1))
    _, told, _ = commands(render_check_github(Check((judged(verdict),))))[0]
    assert told["file"] == "a:b,c%41=d.toml"


def test_more_than_ten_are_all_in_the_log_and_the_notice_says_so():
    many = [Verdict(f"r{i}", Level.ERROR, False, "m") for i in range(12)]
    found = commands(render_check_github(Check((judged(WASTEFUL, *many),))))
    assert [name for name, _, _ in found] == ["error"] * 12 + ["warning", "notice"]
    assert found[-1][2].endswith(", 12 errors (GitHub shows 10, the log has all), 1 warning")


def test_many_things_are_counted():
    verdict = replace(TOO_LARGE, items=tuple(Item(f"thing {i}") for i in range(1_005)))
    _, _, text = commands(render_check_github(Check((judged(verdict),))))[0]
    assert text.split("\n")[2:] == [*(f"thing {i}" for i in range(5)), "1,000 more"]


def test_where_all_is_well_there_is_only_a_notice():
    assert render_check_github(Check((judged(KEPT),))) == (
        "::notice title=oci-inspect check::passed: 1 image\n"
    )
    assert commands(render_check_github(Check(())))[0][2] == "failed: no image was checked"
