"""Layers over layers: whiteouts, links, folders over links."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.images import oci_layout
from support.tars import TarBuilder
from test_findings import Built, Cases, Make, check, fires, quiet, stack

cases = Cases()


def told(*layers: TarBuilder, subjects: tuple[str, ...], also: str = "") -> Built:
    return fires(oci_layout(stack(*layers)), *subjects, also=also)


def fine(*layers: TarBuilder, also: str = "") -> Built:
    return quiet(oci_layout(stack(*layers)), also=also)


def tar() -> TarBuilder:
    return TarBuilder()


# Whiteouts


@cases("whiteout-dangling")
def a_whiteout_of_what_never_was() -> Built:
    return told(tar().file("d/a"), tar().whiteout("d/b"), subjects=("d/.wh.b",))


@cases("whiteout-dangling")
def a_whiteout_of_what_its_own_layer_brings() -> Built:
    return told(tar().file("z"), tar().file("a").whiteout("a"), subjects=(".wh.a",))


@cases("whiteout-dangling")
def an_opaque_whiteout_of_a_folder_that_is_new() -> Built:
    return told(tar().file("z"), tar().dir("d").opaque("d"), subjects=("d/.wh..wh..opq",))


@cases("whiteout-dangling")
def whiteouts_of_a_file_and_of_an_implied_folder() -> Built:
    return fine(tar().file("a").file("d/e/f"), tar().whiteout("a").whiteout("d/e").file("a"))


@cases("whiteout-dangling")
def an_opaque_whiteout_of_a_folder_with_something_in_it() -> Built:
    return fine(tar().file("d/e/f"), tar().opaque("d").file("d/g"))


@cases("whiteout-not-empty")
def a_whiteout_with_bytes() -> Built:
    return told(tar().file("a"), tar().file(".wh.a", b"x"), subjects=(".wh.a",))


@cases("whiteout-not-empty")
def a_whiteout_that_is_a_symbolic_link() -> Built:
    return told(tar().file("a"), tar().symlink(".wh.a", "b"), subjects=(".wh.a",))


@cases("whiteout-not-empty")
def a_folder_with_the_name_of_a_whiteout() -> Built:
    return told(tar().file("a"), tar().dir(".wh.a"), subjects=(".wh.a",))


@cases("whiteout-not-empty")
def an_opaque_whiteout_with_bytes() -> Built:
    return told(tar().file("d/a"), tar().file("d/.wh..wh..opq", b"x"), subjects=("d/.wh..wh..opq",))


@cases("whiteout-not-empty")
def names_that_are_only_like_a_whiteout_s() -> Built:
    return fine(tar().file("a"), tar().file("x.wh.a", b"x").file(".wha", b"x").file(".WH.a", b"x"))


@cases("whiteout-invalid")
def whiteouts_that_name_nothing() -> Built:
    layer = tar().file("d/.wh.").file("d/.wh..").file("d/.wh...")
    return told(tar().file("d/a"), layer, subjects=("d/.wh.", "d/.wh..", "d/.wh..."))


@cases("whiteout-invalid")
def whiteouts_of_names_that_begin_with_dots() -> Built:
    return fine(tar().file("...").file(".a"), tar().whiteout("...").whiteout(".a"))


@cases("aufs-metadata")
def what_aufs_left_behind() -> Built:
    layer = tar().file(".wh..wh.aufs").dir(".wh..wh.orph").file(".wh..wh.orph/x")
    subjects = (".wh..wh.aufs", ".wh..wh.orph", ".wh..wh.orph/x")
    return told(layer, subjects=subjects)


@cases("aufs-metadata")
def an_opaque_whiteout_and_one_of_a_name_like_aufs_s() -> Built:
    return fine(tar().file("d/a").file(".whx"), tar().opaque("d").whiteout(".whx"))


# Links


@cases("hardlink-dangling")
def a_hard_link_to_nothing() -> Built:
    return told(tar().hardlink("a", "gone"), subjects=("a",))


@cases("hardlink-dangling")
def a_hard_link_to_a_folder() -> Built:
    return told(tar().dir("d").hardlink("a", "d"), subjects=("a",))


@cases("hardlink-dangling")
def a_hard_link_to_what_its_layer_deletes() -> Built:
    return told(tar().file("f"), tar().whiteout("f").hardlink("a", "f"), subjects=("a",))


@cases("hardlink-dangling")
def a_hard_link_to_a_symbolic_link_to_nothing() -> Built:
    return fine(tar().symlink("s", "gone").hardlink("a", "s"))


@cases("hardlink-dangling")
def a_hard_link_into_the_metadata_of_aufs() -> Built:
    layer = tar().file(".wh..wh.plnk/12.34", b"x").hardlink("a", ".wh..wh.plnk/12.34")
    return fine(layer, also="aufs-metadata")


@cases("hardlink-across-layers")
def a_hard_link_to_a_file_of_the_layer_below() -> Built:
    return told(tar().file("f", b"1"), tar().hardlink("a", "/f"), subjects=("a",))


@cases("hardlink-across-layers")
def a_hard_link_to_a_file_that_its_layer_writes_anew() -> Built:
    return fine(tar().file("f", b"1"), tar().file("f", b"2").hardlink("a", "f"))


@cases("path-through-symlink")
def a_file_behind_a_link_of_the_layer_below() -> Built:
    base = tar().file("usr/lib/a").symlink("lib", "usr/lib")
    return told(base, tar().file("lib/x.so").file("lib/y.so"), subjects=("lib",))


@cases("path-through-symlink")
def a_file_behind_a_link_of_its_own_layer() -> Built:
    return fine(tar().dir("usr/lib").symlink("lib", "usr/lib").file("lib/x.so"))


@cases("path-through-symlink")
def a_file_beside_a_link_of_the_layer_below() -> Built:
    base = tar().file("usr/lib/a").symlink("lib", "usr/lib")
    return fine(base, tar().file("usr/lib/x.so").file("lib64/y.so"))


@cases("directory-replaces-symlink")
def a_folder_over_a_link_to_a_folder() -> Built:
    base = tar().file("usr/lib/a").symlink("lib", "usr/lib")
    return told(base, tar().dir("lib").file("lib/x.so"), subjects=("lib",))


@cases("directory-replaces-symlink")
def a_folder_over_a_link_to_a_link_to_a_folder() -> Built:
    base = tar().file("usr/lib/a").symlink("lib", "usr/lib").symlink("l", "/lib")
    return told(base, tar().dir("l"), subjects=("l",))


@cases("directory-replaces-symlink")
def a_folder_over_a_link_to_a_file_and_over_one_to_nothing() -> Built:
    base = tar().file("f").symlink("a", "f").symlink("b", "gone").symlink("ring", "ring")
    return fine(base, tar().dir("a").dir("b").dir("ring"))


@cases("directory-replaces-symlink")
def a_folder_where_the_link_was_deleted_by_name() -> Built:
    base = tar().file("usr/lib/a").symlink("lib", "usr/lib")
    return fine(base, tar().dir("lib").whiteout("lib"))


@cases("directory-replaces-symlink")
def a_link_over_a_folder() -> Built:
    return fine(tar().file("usr/lib/a").dir("lib"), tar().symlink("lib", "usr/lib"))


@pytest.mark.parametrize(("rule", "make"), cases.parameters())
def test_rule(rule: str, make: Make, tmp_path: Path) -> None:
    check(rule, make, tmp_path)
