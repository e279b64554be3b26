"""The tars of layers: what ends early, what two readers take differently, names that surprise."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.images import oci_layout
from support.tars import (
    END,
    GNU,
    ZERO,
    TarBuilder,
    base256,
    entry,
    gnu_long,
    header,
    padded,
    pax,
    signed_checksum_of,
)
from test_findings import Built, Cases, Make, check, fires, quiet, stack

cases = Cases()

ONE = TarBuilder().file("one", b"1")


def told(tar: TarBuilder | bytes, *subjects: str, also: str = "") -> Built:
    """The rule fires for a layer of this tar."""
    image = stack(tar)
    named = [image.layers[0].digest if subject == "layer" else subject for subject in subjects]
    return fires(oci_layout(image), *named, also=also)


def fine(tar: TarBuilder | bytes, also: str = "") -> Built:
    """It does not."""
    return quiet(oci_layout(stack(tar)), also=also)


# Where a tar ends


@cases("tar-truncated")
def a_tar_cut_in_a_file() -> Built:
    return told(TarBuilder().file("dir/big", bytes(2000)).build()[:-1500], "dir/big")


@cases("tar-truncated")
def a_tar_cut_in_a_header() -> Built:
    return told(ONE.build(b"") + header(b"two")[:300], "layer")


@cases("tar-truncated")
def a_tar_cut_in_the_padding_behind_its_last_file() -> Built:
    return fine(header(b"a", size=5) + b"whole", also="tar-no-end-mark")


@cases("tar-no-end-mark")
def a_tar_without_an_end() -> Built:
    return told(ONE.build(b""), "layer")


@cases("tar-no-end-mark")
def a_tar_with_one_zero_block() -> Built:
    return told(ONE.build(ZERO), "layer")


@cases("tar-no-end-mark")
def a_tar_of_nothing_but_its_end_mark() -> Built:
    return fine(END)


@cases("tar-no-end-mark")
def a_tar_with_a_whole_record_of_zeros() -> Built:
    return fine(ONE.build(bytes(9216)))


# Headers


@cases("tar-header-checksum")
def a_header_of_another_sum() -> Built:
    tar = ONE.build(b"") + header(b"bad", checksum=b"000001\0 ") + TarBuilder().file("b").build()
    return told(tar, "byte 1,024")


@cases("tar-header-checksum")
def a_sum_of_signed_bytes() -> Built:
    name = "één".encode()
    block = header(name, checksum=b"%06o\0 " % signed_checksum_of(header(name)))
    assert block != header(name)
    return fine(block + END)


@cases("tar-header-invalid")
def a_negative_size() -> Built:
    return told(ONE.build(b"") + header(b"n", size=base256(-512, 12)) + END, "byte 1,024")


@cases("tar-header-invalid")
def an_owner_that_is_no_number() -> Built:
    return told(header(b"dir/f", uid=b"99999z\0\0") + END, "dir/f")


@cases("tar-header-invalid")
def a_pax_header_with_nothing_behind_it() -> Built:
    return told(ONE.build(b"") + pax({b"path": b"x"}) + END, "layer")


@cases("tar-header-invalid")
def a_pax_record_that_is_longer_than_its_header() -> Built:
    return told(pax(b"99 path=x\n") + header(b"f") + END, "layer")


@cases("tar-header-invalid")
def an_extension_header_of_a_negative_size() -> Built:
    return told(pax(b"", size=base256(-1, 12)) + header(b"f") + END, "byte 0")


@cases("tar-header-invalid")
def numbers_in_every_form_that_tars_know() -> Built:
    tar = header(b"a", uid=base256(1 << 40, 8), mtime=base256(-1, 12), mode=b"    644 ")
    return fine(tar + header(b"b", uid=bytes(8), gid=b"       \0") + END)


# Tars that readers list differently


@cases("tar-ambiguous")
def a_pax_size_that_is_not_the_header_s() -> Built:
    tar = pax({b"size": b"512"}) + header(b"f", size=3) + padded(b"x" * 512) + END
    return told(tar, "f")


@cases("tar-ambiguous")
def a_pax_path_behind_a_long_name() -> Built:
    tar = gnu_long(b"L", b"long") + pax({b"path": b"pax"}) + header(b"short") + END
    return told(tar, "long")


@cases("tar-ambiguous")
def a_pax_size_in_front_of_a_long_name() -> Built:
    tar = pax({b"size": b"3"}) + gnu_long(b"L", b"long") + entry(b"short", b"abc") + END
    return told(tar, "long")


@cases("tar-ambiguous")
def links_and_a_fifo_with_a_body() -> Built:
    tar = b"".join(
        entry(name, b"body", type=kind, linkname=b"f")
        for name, kind in ((b"hard", b"1"), (b"soft", b"2"), (b"fifo", b"6"))
    )
    # who reads no body takes it for a header
    return told(entry(b"f") + tar + END, "hard", "soft", "fifo", also="tar-header-checksum")


@cases("tar-ambiguous")
def entries_behind_the_end_mark() -> Built:
    return told(ONE.build(END) + TarBuilder().file("hidden").build(), "hidden")


@cases("tar-ambiguous")
def an_entry_behind_a_lone_zero_block() -> Built:
    return told(ONE.build(ZERO) + TarBuilder().file("b").build(), "layer")


@cases("tar-ambiguous")
def a_pax_size_that_is_the_header_s() -> Built:
    return fine(pax({b"size": b"3"}) + entry(b"f", b"abc") + END)


@cases("tar-ambiguous")
def a_pax_path_and_long_names_apart() -> Built:
    tar = pax({b"path": b"pax"}) + header(b"p") + gnu_long(b"L", b"long") + header(b"l", magic=GNU)
    return fine(tar + gnu_long(b"K", b"pax") + header(b"s", type=b"2", magic=GNU) + END)


@cases("tar-ambiguous")
def the_table_of_contents_of_an_estargz_behind_the_end_mark() -> Built:
    return fine(ONE.build(END) + entry(b"stargz.index.json", b"{}") + END)


# Names


@cases("path-unsafe")
def a_path_above_the_root() -> Built:
    return told(TarBuilder().file("../etc/x"), "../etc/x")


@cases("path-unsafe")
def a_path_with_a_step_back() -> Built:
    return told(TarBuilder().file("a/../b"), "a/../b")


@cases("path-unsafe")
def a_hard_link_to_above_the_root() -> Built:
    return told(TarBuilder().file("f").hardlink("link", "../f"), "link")


@cases("path-unsafe")
def a_file_in_the_place_of_the_root() -> Built:
    return told(header(b"./.") + END, "/")


@cases("path-unsafe")
def a_folder_that_is_the_root() -> Built:
    return fine(TarBuilder().dir("./").dir("/"))


@cases("path-unsafe")
def names_of_dots_and_a_symbolic_link_to_above() -> Built:
    tar = TarBuilder().file("..a").file("./b..").file("c/...").symlink("d", "../../etc/x")
    return fine(tar.file("/rooted"), also="path-collision")  # Windows drops a dot at the end


@cases("path-encoding")
def a_name_in_latin_1() -> Built:
    return told(TarBuilder().file(b"dir/caf\xe9"), r"dir/caf\xe9")


@cases("path-encoding")
def an_escape_and_a_mark_that_turns_text_around() -> Built:
    tar = TarBuilder().file("a\x1b[2J").file("b\u202egnp.exe")
    return told(tar, r"a\x1b[2J", r"b\u202egnp.exe")


@cases("path-encoding")
def names_in_utf_8() -> Built:
    return fine(TarBuilder().file("café ☃").file("日本語").file("no\u00a0break").file("👩\u200d🚀"))


@cases("path-duplicate")
def a_file_twice_in_one_layer() -> Built:
    return told(TarBuilder().file("a", b"1").file("./a", b"2"), "a")


@cases("path-duplicate")
def a_folder_twice_in_one_layer() -> Built:
    return told(TarBuilder().dir("d").file("d/a").dir("d"), "d")


@cases("path-duplicate")
def a_folder_behind_a_file_of_its_name() -> Built:
    return told(TarBuilder().file("d").dir("d"), "d")


@cases("path-duplicate")
def a_path_once_in_each_of_two_layers() -> Built:
    layer = TarBuilder().dir("d").file("d/a", b"1")
    return quiet(oci_layout(stack(layer, layer)))


@cases("path-duplicate")
def a_folder_behind_what_is_in_it() -> Built:
    return fine(TarBuilder().file("d/a").dir("d"))


@pytest.mark.parametrize(("rule", "make"), cases.parameters())
def test_rule(rule: str, make: Make, tmp_path: Path) -> None:
    check(rule, make, tmp_path)
