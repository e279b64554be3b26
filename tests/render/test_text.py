"""The text renderer, block by block. Every expected text here was laid out by hand."""

from __future__ import annotations

import pytest

from oci_inspect.render import Style, render
from oci_inspect.render.blocks import (
    Bar,
    Column,
    Count,
    Cut,
    Digest,
    Facts,
    Fit,
    Heading,
    Lines,
    Note,
    Path,
    Role,
    Size,
    Table,
    Text,
    Time,
)
from oci_inspect.render.layout import Measured, allocate, total

DIGEST = "sha256:" + "ab" * 32


def text(*blocks, width: int | None = 80, **style) -> str:
    return render(blocks, "table", Style(width=width, **style))


def test_blocks_stand_apart_by_one_line():
    assert text(Note("one"), Note("two")) == "one\n\ntwo\n"


def test_nothing_makes_nothing():
    assert text() == "" == text(Lines(()))


def test_the_title_of_an_image_is_underlined_and_that_of_a_section_stands_right_above_it():
    blocks = (Heading("app:1", level=1), Heading("Run with"), Facts((("User", "33"),)))
    assert text(*blocks) == "app:1\n─────\n\nRun with\nUser  33\n"
    assert text(*blocks, unicode=False).startswith("app:1\n-----\n")


def test_labels_stand_in_a_column_and_values_wrap_beside_it():
    facts = Facts((("A", "one two three"), ("Long label", ("first", "second"))))
    assert text(facts, width=22) == (
        "A           one two\n"
        "            three\n"
        "Long label  first\n"
        "            second\n"
    )  # fmt: skip


def test_a_table_is_headers_and_rows_two_blanks_apart():
    table = Table(
        title="Title",
        columns=(Column("NAME"), Column("SIZE", right=True), Column("COUNT", right=True)),
        rows=(("first", Size(66_700), Count(1_204)), ("b", Size(None), Count(None))),
        footer=(Text("sum", Role.DIM), Size(66_700), None),
        caption="and no more",
    )
    assert text(table) == (
        "Title\n"
        "NAME     SIZE  COUNT\n"
        "first  66.7kB  1,204\n"
        "b           -      -\n"
        "sum    66.7kB\n"
        "and no more\n"
    )


def test_a_table_without_rows_says_so():
    assert text(Table(columns=(Column("A"),), rows=(), title="T", empty="no layers")) == (
        "T\nno layers\n"
    )


@pytest.mark.parametrize(
    ("fit", "width", "line"),
    [
        (Fit.END, 20, "1  /usr/share/doc/a…"),
        (Fit.MIDDLE, 20, "1  /usr/…doc/abc.txt"),
        (Fit.WRAP, 20, "1  /usr/share/doc/\n   abc.txt"),
        (Fit.END, 160, "1  /usr/share/doc/abc.txt"),
    ],
)
def test_a_column_that_is_too_wide_is_cut_or_wrapped(fit, width, line):
    table = Table(columns=(Column("N"), Column("PATH", fit=fit)), rows=(("1", _PATH),))
    assert text(table, width=width) == f"N  PATH\n{line}\n"


_PATH = "/usr/share/doc/abc.txt"


def test_on_a_wide_screen_a_cell_goes_on_below_for_ten_lines_then_says_how_much_is_missing():
    word = "w" * 100
    long = " ".join([word] * 30)
    table = Table(
        columns=(Column("A"), Column("B", fit=Fit.END)),
        rows=(("x" * 47, long),),
        more=": history shows all",
    )
    lines = text(table, width=160).rstrip("\n").split("\n")
    assert len(lines) == 1 + 10
    assert all(line.endswith(word) for line in lines[1:10])
    # nine words of a hundred and a blank each are shown: 3,029 - 9 * 101 = 2,120 are not
    assert lines[10].strip() == "… 2,120 more characters: history shows all"


def test_an_instruction_keeps_its_lines():
    code = Text("RUN <<EOF\n\techo\nEOF", Role.CODE)
    table = Table(columns=(Column("I", fit=Fit.END),), rows=((code,),))
    assert text(table, width=160) == "I\nRUN <<EOF\n\\techo\nEOF\n"
    assert text(table, width=40) == "I\nRUN <<EOF …\n"


def test_what_cannot_stand_side_by_side_becomes_a_list():
    table = Table(
        columns=(Column("FIRST"), Column("B"), Column("C")),
        rows=(("x" * 20, "y" * 20, ""), ("1", "2", "3")),
    )
    assert text(table, width=40) == (
        f"FIRST  {'x' * 20}\nB      {'y' * 20}\n\nFIRST  1\nB      2\nC      3\n"
    )


def test_a_digest_in_a_list_stands_whole_below_its_label():
    table = Table(columns=(Column("DIGEST"), Column("B")), rows=((Digest(DIGEST, "full"), "x"),))
    assert text(table, width=73) == f"DIGEST\n  {DIGEST}\nB       x\n"


def test_groups_of_columns_become_tables_with_the_first_column_each():
    columns = (Column("N"), *(Column(f"C{i}", group=i) for i in (1, 2, 3)))
    table = Table(columns=columns, rows=(("1", "a" * 30, "b" * 30, "c" * 9),))
    # 1+2+30+2+30+2+9 = 76; without the last 65, without the first group 44
    assert len(text(table, width=76).split("\n\n")) == 1
    assert text(table, width=75) == (
        f"N  C1{' ' * 30}C2\n1  {'a' * 30}  {'b' * 30}\n\nN  C3\n1  {'c' * 9}\n"
    )
    assert text(table, width=50) == (
        f"N  C1\n1  {'a' * 30}\n\nN  C2{' ' * 30}C3\n1  {'b' * 30}  {'c' * 9}\n"
    )


def test_a_detail_moves_below_its_row_where_it_has_no_room_beside_it():
    table = Table(
        columns=(Column("SIZE", right=True), Column("P"), Column("ADVICE", detail=True)),
        rows=(("60kB", "data/big", "put the rm into the RUN of step 5"), ("1B", "x", None)),
    )
    assert text(table, width=60).split("\n")[1] == (
        "60kB  data/big  put the rm into the RUN of step 5"
    )
    assert text(table, width=45) == (
        "SIZE  P\n60kB  data/big\n      put the rm into the RUN of step 5\n  1B  x\n"
    )


def test_cells_as_people_read_them():
    table = Table(
        columns=tuple(Column(name) for name in "ABCDEF"),
        rows=(
            (
                Digest(DIGEST),
                Digest("none of ours"),
                Cut("x" * 50, 10),
                Time("2026-11-21T03:08:02Z", "2 hours ago"),
                Path(b"a/\xff\xfe", 1),
                Path(b"usr/share/", 1204),
            ),
        ),
    )
    cells = text(table, width=159).split("\n")[1].split("  ")
    assert [cell for cell in cells if cell] == [
        "ab" * 6,
        "none of ours",
        "xxxxxxxxx…",
        "2 hours ago",
        "a/\\xff\\xfe",
        "usr/share/ (1,204 files)",
    ]


def test_a_bar_shows_the_live_part_and_the_dead_part():
    table = Table(columns=(Column("SHARE"),), rows=((Bar(1.0, 0.5),), (Bar(0.5),)))
    assert text(table) == "SHARE\n█████░░░░░\n█████\n█ live, ░ dead\n"
    assert text(table, unicode=False) == "SHARE\n#####.....\n#####\n# live, . dead\n"
    assert "dead" not in text(Table(columns=(Column("SHARE"),), rows=((Bar(1.0),),)))


def test_colour_follows_meaning():
    assert text(Note("bad", Role.ERROR), color=True) == "\x1b[1;31mbad\x1b[0m\n"
    assert text(Note("good", Role.OK), color=True) == "\x1b[32mgood\x1b[0m\n"


@pytest.mark.parametrize(
    ("natural", "least", "width", "expected"),
    [
        ((5, 5), (5, 5), 12, [5, 5]),
        ((5, 50), (5, 8), 30, [5, 23]),
        ((50, 50), (8, 8), 42, [20, 20]),
        ((10, 50), (8, 8), 42, [10, 30]),
        ((50, 50), (8, 8), 17, None),
        ((50, 50), (8, 8), None, [50, 50]),
    ],
)
def test_room_is_shared(natural, least, width, expected):
    columns = [
        Measured(Column("A", fit=Fit.END, least=small), wide)
        for wide, small in zip(natural, least, strict=True)
    ]
    assert allocate(columns, width) == expected
    if width is not None and expected is not None:
        assert total(expected) <= width


def test_weight_shares_room():
    columns = [Measured(Column("A", fit=Fit.END, weight=3), 90), Measured(_NARROW, 90)]
    widths = allocate(columns, 82)
    assert widths is not None and sum(widths) == 80
    assert widths[0] == pytest.approx(60, abs=3)


_NARROW = Column("B", fit=Fit.END)
