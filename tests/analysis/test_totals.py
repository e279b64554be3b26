"""Totals of an image, and the census of its tree: duplicates, programs with rights, devices."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.images import ImageBuilder, docker_archive
from support.scans import Stack
from support.tars import END, TarBuilder

from oci_inspect import ImageAnalysis, analyze
from oci_inspect.analysis.census import Census, take_census
from oci_inspect.findings import Finding, FindingCollector


def image_of(folder: Path, *layers: TarBuilder | bytes) -> ImageAnalysis:
    image = ImageBuilder("a:1")
    for layer in layers:
        image.layer(layer)
    (found,) = analyze(docker_archive(image).write_file(folder / "image.tar")).images
    return found


def census_of(*layers: TarBuilder) -> Census:
    return take_census(Stack(*layers).merged.tree, FindingCollector())


def counted(rule: str, *layers: TarBuilder) -> list[Finding]:
    findings = FindingCollector()
    take_census(Stack(*layers).merged.tree, findings)
    return [one for one in findings.result() if one.rule == rule]


def tar() -> TarBuilder:
    return TarBuilder()


# Efficiency


@pytest.mark.parametrize(
    "layers",
    [
        (),
        (END,),
        (TarBuilder().dir("d").symlink("s", "d"),),
        (TarBuilder().file("a"), TarBuilder().whiteout("a")),
    ],
    ids=["no layers", "an empty layer", "no files", "an empty file deleted"],
)
def test_efficiency_is_1_where_there_are_no_bytes(
    layers: tuple[TarBuilder | bytes, ...], tmp_path: Path
) -> None:
    totals = image_of(tmp_path, *layers).totals
    assert totals.file_bytes == totals.wasted_bytes == 0
    assert totals.efficiency == 1


def test_efficiency_is_what_is_not_wasted(tmp_path: Path) -> None:
    found = image_of(
        tmp_path, tar().file("a", bytes(300)).file("b", bytes(100)), tar().whiteout("a")
    )
    assert found.totals.file_bytes == 400
    assert found.totals.wasted_bytes == 300
    assert found.totals.efficiency == pytest.approx(0.25)


def test_efficiency_is_0_where_all_is_dead(tmp_path: Path) -> None:
    assert image_of(tmp_path, tar().file("a", b"1"), tar().whiteout("a")).totals.efficiency == 0


# Duplicates


def test_duplicates_are_all_copies_but_one_and_no_waste(tmp_path: Path) -> None:
    found = image_of(
        tmp_path, tar().file("a", b"same!").file("b", b"same!"), tar().file("c", b"same!")
    )
    assert found.totals.duplicate_bytes == 10
    assert found.totals.wasted_bytes == 0
    assert found.totals.efficiency == 1


def test_hard_links_are_no_duplicates() -> None:
    census = census_of(tar().file("a", b"same").hardlink("b", "a"), tar().hardlink("c", "b"))
    assert census == Census(files=3, duplicate_bytes=0)


def test_other_content_of_one_size_and_empty_files_are_no_duplicates() -> None:
    census = census_of(tar().file("a", b"one").file("b", b"two").file("c").file("d"))
    assert census == Census(files=4, duplicate_bytes=0)


@pytest.mark.parametrize("at_once", [1, 7, 100])
def test_duplicates_are_found_however_many_are_compared_at_a_time(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oci_inspect.analysis.census._AT_ONCE", at_once)
    layers = [tar(), tar()]
    for i in range(60):
        layers[i % 2].file(f"{i}", b"%d" % (i % 20)).file(f"empty-{i}")
    assert census_of(*layers) == Census(files=120, duplicate_bytes=2 * (10 * 1 + 10 * 2))


def test_a_dead_copy_is_waste_and_no_duplicate(tmp_path: Path) -> None:
    found = image_of(tmp_path, tar().file("a", b"same"), tar().file("a", b"same", mode=0o600))
    assert found.totals.duplicate_bytes == 0
    assert found.totals.wasted_bytes == 4
    copied = image_of(tmp_path, tar().file("a", b"same"), tar().whiteout("a").file("b", b"same"))
    assert copied.totals.duplicate_bytes == 0
    assert copied.totals.wasted_bytes == 4


def test_live_and_dead_bytes_are_what_the_layers_add(tmp_path: Path) -> None:
    layers = (
        tar().file("a", bytes(100)).hardlink("b", "a").file("d/e", bytes(30)),
        tar().whiteout("a").file("d/e", bytes(30)).file("x", b"1").file("x", b"22"),
        tar().opaque("d").file("d/f", b"333"),
    )
    found = image_of(tmp_path, *layers)
    # 100 live by its second name, 30 and 30 hidden, 1 shadowed, 2 and 3 live
    assert found.totals.file_bytes == 100 + 30 + 30 + 1 + 2 + 3
    assert found.totals.wasted_bytes == 30 + 30 + 1
    files = {one.node: found.tree.entry(one.node) for one in found.tree.walk() if one.path != b"d"}
    assert sum(entry.size for entry in files.values() if entry) == 100 + 2 + 3
    assert found.totals.files == len(files) == 3


# What is counted


def test_setuid_and_setgid_files_are_counted_with_three_examples() -> None:
    layer = tar()
    for i in range(1203):
        layer.file(f"bin/{i:04}", mode=0o4755 if i % 2 else 0o2755)
    (found,) = counted("setuid", layer.file("bin/plain", mode=0o755))
    assert found.subject == "bin/0000"
    assert "1,203" in found.message
    assert all(f"bin/000{i}" in found.message for i in range(3))
    assert "bin/0003" not in found.message


def test_one_and_several_are_told_in_words_that_fit() -> None:
    (one,) = counted("setuid", tar().file("su", mode=0o4755))
    (two,) = counted("setuid", tar().file("su", mode=0o4755).file("sudo", mode=0o4755))
    assert "1 setuid or setgid file:" in one.message
    assert "2 setuid or setgid files:" in two.message
    assert "sudo" in two.message and "..." not in two.message


def test_world_writable_files_folders_and_devices_are_counted() -> None:
    layer = (
        tar()
        .dir("open", mode=0o777)
        .dir("tmp", mode=0o1777)
        .file("file", mode=0o602)
        .fifo("fifo", mode=0o622)
        .char("null", 1, 3, mode=0o666)
        .symlink("link", "file", mode=0o777)
    )
    (found,) = counted("world-writable", layer)
    assert found.message.startswith("4 ")


def test_a_folder_without_an_entry_is_not_counted() -> None:
    assert counted("world-writable", tar().file("implied/f")) == []


def test_devices_of_both_kinds_are_counted() -> None:
    (found,) = counted("device-node", tar().block("sda", 8, 0).char("tty", 5, 0).fifo("pipe"))
    assert found.message.startswith("2 device nodes")


def test_each_name_of_an_inode_is_counted() -> None:
    layers = (
        tar().file("bin/su", mode=0o4755).hardlink("bin/b", "bin/su").hardlink("a", "bin/su"),
        tar().whiteout("bin/b"),
    )
    (found,) = counted("setuid", *layers)
    assert found.message == "2 setuid or setgid files: a, bin/su"


def test_what_was_written_through_a_link_is_told_where_it_lies() -> None:
    layer = tar().symlink("sbin", "usr/bin").file("sbin/su", mode=0o4755).dir("sbin/d", mode=0o777)
    assert counted("setuid", layer)[0].subject == "usr/bin/su"
    assert counted("world-writable", layer)[0].subject == "usr/bin/d"


def test_a_path_that_is_not_utf_8_is_told_as_text() -> None:
    (found,) = counted("setuid", tar().file(b"caf\xe9", mode=0o4755))
    assert found.subject == r"caf\xe9"


def test_what_a_later_layer_removed_is_not_counted() -> None:
    base = tar().file("su", mode=0o4755).char("tty", 5, 0).file("log", mode=0o666)
    layers = (base, tar().whiteout("su").whiteout("tty").whiteout("log"))
    for rule in ("setuid", "device-node", "world-writable"):
        assert counted(rule, base)
        assert counted(rule, *layers) == []


def test_collisions_are_counted_in_each_folder() -> None:
    layer = tar().file("d/a").file("d/A").file("e/a").file("e/A").file("f/a").file("F2/A")
    (found,) = counted("path-collision", layer)
    assert found.message.startswith("2 ")
