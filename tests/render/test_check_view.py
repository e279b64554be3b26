"""``check`` for people: the lines of ``--quiet``, sentences, names of files."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.checks import TOO_LARGE, judged

from oci_inspect.render import render
from oci_inspect.render.views.check import check_lines, check_view
from oci_inspect.rules.model import Check, Item


def test_lines_name_the_archive_where_there_are_several():
    one, two = judged(TOO_LARGE, archive="a/1.tar"), judged(TOO_LARGE, archive="a/\udcff.tar")
    line = "example/app:1.2.3: max-size: FAILED: 67.7MB are more than 50MB."
    assert check_lines(Check((one,))) == [line]
    assert check_lines(Check((one, one))) == [line, line]
    assert check_lines(Check((one, two))) == [f"a/1.tar: {line}", f"a/\\xff.tar: {line}"]


@pytest.mark.parametrize(("length", "cut"), [(200, False), (201, True)])
def test_paths_in_lines_are_cut(length, cut):
    path = b"x" * (length - 1)
    shown = "/" + path.decode()
    # The one is the beginning of the other, and comes first.
    items = (Item("", path), Item("", path + b"yz"))
    verdict = replace(TOO_LARGE, message=f"{shown}yz and {shown} are there", items=items)
    (line,) = check_lines(Check((judged(verdict),)))
    mark = f"{'/' + 'x' * 199}… ({{}} characters)"
    long, short = mark.format(length + 2), mark.format(length) if cut else shown
    assert line == f"example/app:1.2.3: max-size: FAILED: {long} and {short} are there"


def test_names_of_images_in_lines_are_cut():
    (line,) = check_lines(Check((judged(TOO_LARGE, reference="r" * 4_000),)))
    assert line.startswith(f"{'r' * 200}… (4,000 characters): max-size: ")


@pytest.mark.parametrize(
    ("advice", "shown"),
    [
        ("put the rm there", "Put the rm there"),
        ("merge.", "Merge."),
        ("docs/findings.md says what each means", "docs/findings.md says"),
        ("setup.py: is not needed", "setup.py: is not"),
        ("/etc/x says", "/etc/x says"),
        ("", ""),
    ],
)
def test_a_sentence_begins_with_a_capital_and_a_path_stays_itself(advice, shown):
    text = render(check_view(Check((judged(replace(TOO_LARGE, advice=advice)),))), "table")
    assert not shown or any(line.strip().startswith(shown) for line in text.splitlines())
