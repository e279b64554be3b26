"""What is counted in the merged tree: one finding an image, with the number and some examples."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.images import oci_layout
from support.tars import TarBuilder
from test_findings import Built, Cases, Make, check, fires, quiet, stack

cases = Cases()


def told(*layers: TarBuilder, first: str, also: str = "") -> Built:
    return fires(oci_layout(stack(*layers)), first, also=also)


def fine(*layers: TarBuilder, also: str = "") -> Built:
    return quiet(oci_layout(stack(*layers)), also=also)


def tar() -> TarBuilder:
    return TarBuilder()


@cases("setuid")
def programs_of_another_owner_and_of_another_group() -> Built:
    return told(tar().file("bin/su", mode=0o4755).file("bin/wall", mode=0o2755), first="bin/su")


@cases("setuid")
def a_program_that_gets_the_bit_in_a_later_layer() -> Built:
    return told(tar().file("a", b"1"), tar().file("a", b"1", mode=0o4711), first="a")


@cases("setuid")
def a_program_that_is_gone_again() -> Built:
    return fine(tar().file("su", mode=0o4755).dir("d"), tar().whiteout("su"))


@cases("setuid")
def a_folder_that_gives_its_group_and_a_sticky_file() -> Built:
    return fine(tar().dir("var/mail", mode=0o2775).file("f", mode=0o1644))


@cases("world-writable")
def a_file_and_a_folder_that_everyone_may_write() -> Built:
    return told(tar().dir("drop", mode=0o777).file("log", mode=0o666), first="drop")


@cases("world-writable")
def a_folder_of_temporary_files_and_a_symbolic_link() -> Built:
    return fine(tar().dir("tmp", mode=0o1777).symlink("s", "tmp").file("f", mode=0o664))


@cases("world-writable")
def a_file_that_is_mended_by_a_later_layer() -> Built:
    return fine(tar().file("log", b"1", mode=0o666), tar().file("log", b"1", mode=0o644))


@cases("device-node")
def a_disk_and_a_console() -> Built:
    return told(tar().block("dev/sda", 8, 0).char("dev/console", 5, 1), first="dev/console")


@cases("device-node")
def a_fifo() -> Built:
    return fine(tar().fifo("run/pipe"))


@cases("path-collision")
def names_that_differ_by_case() -> Built:
    return told(tar().file("d/Readme").file("d/README"), first="d/README")


@cases("path-collision")
def names_that_differ_by_unicode_form() -> Built:
    return told(tar().file("caf\u00e9").file("cafe\u0301"), first="cafe\u0301")


@cases("path-collision")
def names_that_windows_cannot_have() -> Built:
    layer = tar().file("aux.c").file("a:b").file("dot.").file("COM1").file("q?")
    return told(layer, first="COM1")


@cases("path-collision")
def one_name_in_two_folders_and_names_like_windows_devices() -> Built:
    return fine(tar().file("d/README").file("e/readme").file("console").file("com10").file("a.b"))


@cases("path-collision")
def a_name_that_was_deleted_before_the_other_came() -> Built:
    return fine(tar().file("Readme"), tar().whiteout("Readme").file("README"))


@pytest.mark.parametrize(("rule", "make"), cases.parameters())
def test_rule(rule: str, make: Make, tmp_path: Path) -> None:
    check(rule, make, tmp_path)
