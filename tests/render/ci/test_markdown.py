from __future__ import annotations

import re
from dataclasses import replace

import pytest
from support.checks import KEPT, OFF, TOO_LARGE, hostile, judged, mixed

from oci_inspect.render.ci.markdown import LIMIT, render_check_markdown
from oci_inspect.rules.model import Check, Item, Level, Verdict


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.split("\n") if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_an_image_that_fails_has_a_line_a_table_and_what_broke_the_rules():
    text = render_check_markdown(Check(mixed().images[:1]))
    assert text.startswith(
        "## oci-inspect check: failed: 1 of 1 image fails\n\n"
        "### `example/app:1.2.3` (linux/amd64): failed\n\n"
        "4 of 5 rules broken, 2 of them only warnings; "
    )
    assert rows(text)[2:] == [
        [
            "`max-size`",
            "**failed**",
            "67.7MB",
            "50MB",
            "67.7MB are more than 50MB.<br>Put the rm into the RUN of step 1.",
        ],
        ["`max-growth`", "**not judged**", "", "", "There is no baseline."],
        ["`max-waste`", "**warning**", "6.0%", "5.0%", "6% of it is dead."],
        ["`base-age`", "**not judged**", "", "", "There is no date."],
        ["`max-layers`", "passed", "7", "20", "7 of at most 20."],
    ]
    assert text.endswith(
        "\n\nmax-size:\n\n- `/usr/share/doc` (60MB, layer 0): deleted by step 4\n"
        "- no file at all (7MB, layer 2)\n- a label\n"
    )
    assert "<details>" not in text


def test_an_image_that_keeps_its_rules_folds_them():
    text = render_check_markdown(Check((judged(KEPT, OFF),)))
    assert "<details>\n<summary>1 rule</summary>\n\n| Rule |" in text
    assert "| `user` |" not in text


def test_many_things_are_folded_and_counted():
    verdict = replace(TOO_LARGE, items=tuple(Item(f"thing {i}") for i in range(1_234)))
    text = render_check_markdown(Check((judged(verdict),)))
    assert "<summary>max-size: 1,234</summary>\n\n- thing 0\n" in text
    assert text.endswith("- thing 49\n- 1,184 more\n\n</details>\n")


def test_images_that_fail_come_first():
    check = Check((judged(KEPT, reference="a:1"), judged(TOO_LARGE, reference="b:1")))
    assert re.findall(r"^### `(.*)`", render_check_markdown(check), re.MULTILINE) == ["b:1", "a:1"]


def test_a_report_fits_into_a_comment():
    items = tuple(Item("\U0001f600" * 10_000, b"x" * 5_000) for _ in range(1_000))
    many = [Verdict(f"r{i}", Level.ERROR, False, "m" * 2_000, items=items) for i in range(9)]
    check = Check(tuple(judged(*many, reference=f"a:{i}") for i in range(600)))
    text = render_check_markdown(check)
    assert LIMIT // 2 < len(text.encode()) <= LIMIT < 65_536
    assert re.search(r"\d+ more images: there is no room for them here\.\n$", text)
    assert text.count("<details>") == text.count("</details>")


@pytest.mark.parametrize("limit", [400, 1_000, 3_000, 10_000])
def test_less_room_is_fewer_words(limit):
    check = Check(tuple(judged(TOO_LARGE, reference=f"a:{i}") for i in range(50)))
    text = render_check_markdown(check, limit=limit)
    assert len(text.encode()) <= limit
    told = len(re.findall(r"^### ", text, re.MULTILINE))
    (left,) = re.findall(r"^(\d+) more images", text, re.MULTILINE)
    assert told + int(left) == 50


def test_no_image_and_no_rule_are_told():
    assert "no image was checked" in render_check_markdown(Check(()))
    assert "no rules; " in render_check_markdown(Check((judged(),)))


def test_text_of_the_image_stays_in_its_cell():
    text = render_check_markdown(hostile("a|b `c` <b> @someone [x](http://y) | --- |\n# d"))
    assert len({len(row) for row in rows(text)}) == 1
    prose = re.sub(r"`[^`]*`", "", text)
    tags = set(re.findall(r"</?\w+>", prose))
    assert tags <= {"<details>", "</details>", "<summary>", "</summary>", "<br>"} | {
        "<code>",
        "</code>",
    }
    assert "](" not in prose.replace("&#91;", "[") or "[x](" not in prose


def test_an_image_without_waste_says_of_what_there_is_none():
    one = judged(KEPT)
    clean = replace(one.image, totals=replace(one.image.totals, wasted_bytes=0))
    text = render_check_markdown(Check((replace(one, image=clean),)))
    assert "\n1 rule passed; no waste, efficiency 100%.\n" in text
