"""Members of the outer archive: links, names that lead out, two of one name, damage."""

import os
from pathlib import Path

import pytest
from support.archives import open_archive, open_path
from support.images import ImageBuilder, docker_archive, oci_layout, to_json
from support.tars import END, ZERO, TarBuilder, entry, header, padded, pax

from oci_inspect.archive.members import Member, MemberKind, MemberTable
from oci_inspect.archive.opening import open_store
from oci_inspect.errors import ArchiveError, LimitExceededError
from oci_inspect.findings import FindingCollector
from oci_inspect.limits import Limits


def app(*references: str, content: bytes = b"one") -> ImageBuilder:
    return ImageBuilder(*references).layer(TarBuilder().file("a", content))


def layer_name(names: list[str]) -> str:
    return next(name for name in names if name.endswith("layer.tar"))


# Links inside


@pytest.mark.parametrize("hard", [False, True], ids=["symbolic", "hard"])
@pytest.mark.parametrize("form", ["file", "gzip"])
def test_layer_may_be_a_link_to_another_member(hard: bool, form: str, tmp_path: Path) -> None:
    archive = docker_archive(app("a:1"))
    name = layer_name(archive.names())
    archive.rename(name, "kept.tar").add_link(
        name, "kept.tar" if hard else "../kept.tar", hard=hard
    )
    archive.edit("manifest.json", lambda value: value[0].update(Layers=[name]))
    opened = open_archive(archive, tmp_path, form)
    assert opened.image.layers[0].member == "kept.tar"
    assert opened.rules == set()


def test_hard_link_is_first_from_the_root_then_from_its_folder(tmp_path: Path) -> None:
    members = table(
        ("d/x", MemberKind.FILE, ""), ("x", MemberKind.FILE, ""), ("d/l", MemberKind.HARDLINK, "x")
    )
    assert resolved(members, "d/l") == "x"
    beside = table(("d/x", MemberKind.FILE, ""), ("d/l", MemberKind.HARDLINK, "x"))
    assert resolved(beside, "d/l") == "d/x"


def test_symbolic_link_is_from_its_folder_only() -> None:
    members = table(("x", MemberKind.FILE, ""), ("d/l", MemberKind.SYMLINK, "x"))
    assert resolved(members, "d/l") is None


def table(*rows: tuple[str, MemberKind, str]) -> MemberTable:
    members = MemberTable(FindingCollector())
    for name, kind, link in rows:
        members.add(Member(name, kind, linkname=link))
    return members


def resolved(members: MemberTable, name: str) -> str | None:
    found = members.resolve(name)
    return found.name if found else None


@pytest.mark.parametrize(
    "target",
    ["../../x", "../d/../../x", "/x", "/etc/passwd", "..", ".", "", "no", "l", "../d/l", "./l"],
)
@pytest.mark.parametrize("kind", [MemberKind.SYMLINK, MemberKind.HARDLINK])
def test_link_out_of_the_archive_to_itself_or_to_nothing_leads_nowhere(
    target: str, kind: MemberKind
) -> None:
    members = table(("y", MemberKind.FILE, ""), ("d/l", kind, target))
    assert resolved(members, "d/l") is None


def test_ring_of_links_leads_nowhere() -> None:
    members = table(
        ("a", MemberKind.SYMLINK, "b"),
        ("b", MemberKind.HARDLINK, "c"),
        ("c", MemberKind.SYMLINK, "a"),
    )
    assert resolved(members, "a") is None


def test_chain_of_links_is_followed_up_to_the_limit() -> None:
    chain = [(f"l{i}", MemberKind.SYMLINK, f"l{i + 1}") for i in range(39)]
    assert resolved(table(*chain, ("l39", MemberKind.FILE, "")), "l0") == "l39"
    longer = [(f"l{i}", MemberKind.SYMLINK, f"l{i + 1}") for i in range(41)]
    assert resolved(table(*longer, ("l41", MemberKind.FILE, "")), "l0") is None


@pytest.mark.parametrize("kind", [b"6", b"3", b"4"])
def test_layer_that_is_a_fifo_or_device_is_missing(kind: bytes, tmp_path: Path) -> None:
    archive = docker_archive(app("a:1"))
    name = layer_name(archive.names())
    archive.drop(name).add_special(name, kind)
    opened = open_archive(archive, tmp_path)
    assert opened.image.layers[0].member is None
    assert "blob-missing" in opened.errors


@pytest.mark.parametrize("target", ["../../../../etc/passwd", "/etc/passwd", "layer.tar", "gone"])
def test_layer_that_is_a_bad_link_is_missing(target: str, tmp_path: Path) -> None:
    archive = docker_archive(app("a:1"))
    archive.replace_link(layer_name(archive.names()), target)
    opened = open_archive(archive, tmp_path)
    assert opened.image.layers[0].member is None
    assert "blob-missing" in opened.errors


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "a/../../x", "", "..", "\0"])
def test_layers_that_name_something_outside_are_missing(path: str, tmp_path: Path) -> None:
    for form in ("file", "folder"):
        archive = docker_archive(app("a:1"))
        archive.edit("manifest.json", lambda value: value[0].update(Layers=[path]))
        opened = open_archive(archive, tmp_path, form)
        assert opened.image.layers[0].member is None
        assert "blob-missing" in opened.errors


# A folder never leads out


def outside(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "outside"
    path.write_bytes(data)
    return path


def test_index_of_a_folder_that_is_a_link_to_a_file_outside_is_refused(tmp_path: Path) -> None:
    folder = oci_layout(app("a:1")).write_folder(tmp_path / "layout")
    index = outside(tmp_path, (folder / "index.json").read_bytes())
    (folder / "index.json").unlink()
    (folder / "index.json").symlink_to(index)
    with pytest.raises(ArchiveError):
        open_path(folder)


@pytest.mark.parametrize("target", ["absolute", "relative"])
def test_blob_of_a_folder_that_is_a_link_to_a_file_outside_is_missing(
    target: str, tmp_path: Path
) -> None:
    image = app("a:1")
    folder = oci_layout(image).write_folder(tmp_path / "layout")
    blob = folder / "blobs" / "sha256" / image.layers[0].digest[7:]
    real = outside(tmp_path, blob.read_bytes())
    blob.unlink()
    blob.symlink_to(real if target == "absolute" else "../../../outside")
    opened = open_path(folder)
    assert opened.image.layers[0].member is None
    assert "blob-missing" in opened.errors


def test_blobs_folder_that_is_a_link_outside_is_not_entered(tmp_path: Path) -> None:
    folder = oci_layout(app("a:1")).write_folder(tmp_path / "layout")
    (folder / "blobs").rename(tmp_path / "elsewhere")
    (folder / "blobs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArchiveError):
        open_path(folder)


def test_folder_with_a_fifo_in_it_does_not_wait_for_it(tmp_path: Path) -> None:
    folder = oci_layout(app("a:1")).write_folder(tmp_path / "layout")
    os.mkfifo(folder / "pipe")
    assert open_path(folder).image.references == ("a:1",)


def test_file_of_a_folder_that_becomes_a_link_before_it_is_opened_is_refused(
    tmp_path: Path,
) -> None:
    folder = oci_layout(app("a:1")).write_folder(tmp_path / "layout")
    store = open_store(str(folder))
    member = store.find("oci-layout")
    assert member is not None
    (folder / "oci-layout").unlink()
    (folder / "oci-layout").symlink_to(outside(tmp_path, b"x" * member.size))
    with pytest.raises(ArchiveError):
        store.open(member)
    store.close()


# Names that lead out


@pytest.mark.parametrize("name", ["../index.json", "a/../../index.json", "..", "x/.."])
def test_member_with_a_dotdot_names_nothing_and_is_told(name: str, tmp_path: Path) -> None:
    archive = oci_layout(app("a:1")).add(name, b"evil")
    opened = open_archive(archive, tmp_path)
    assert opened.image.references == ("a:1",)
    assert opened.subjects("path-unsafe") == [name]


# Two members of one name


@pytest.mark.parametrize("form", ["file", "gzip", "fifo"])
def test_last_of_two_members_of_one_name_counts_and_is_told(form: str, tmp_path: Path) -> None:
    archive = docker_archive(app("a:1"))
    other = archive.json("manifest.json")
    other[0]["RepoTags"] = ["evil:1"]
    opened = open_archive(archive.duplicate("manifest.json", to_json(other)), tmp_path, form)
    assert opened.image.references == ("evil:1",)
    assert opened.subjects("archive-duplicate-member") == ["manifest.json"]


def test_first_of_two_members_of_one_name_does_not_count(tmp_path: Path) -> None:
    archive = docker_archive(app("a:1"))
    other = archive.json("manifest.json")
    other[0]["RepoTags"] = ["evil:1"]
    archive.duplicate("manifest.json", to_json(other), first=True)
    opened = open_archive(archive, tmp_path)
    assert opened.image.references == ("a:1",)
    assert opened.subjects("archive-duplicate-member") == ["manifest.json"]


def test_second_name_in_another_spelling_is_the_same_member(tmp_path: Path) -> None:
    archive = docker_archive(app("a:1"))
    opened = open_archive(archive.add(".//manifest.json", archive["manifest.json"]), tmp_path)
    assert opened.subjects("archive-duplicate-member") == ["manifest.json"]


def test_visitor_keeps_what_it_made_of_the_last_of_two(tmp_path: Path) -> None:
    archive = oci_layout(app("a:1"))
    archive.add("big", b"1" * 100_000).duplicate("big", b"2" * 100_000)
    path = archive.write_file(tmp_path / "a.gz", "gzip")
    store = open_store(str(path), lambda source, member: source.read(1))
    assert store.visited == {"big": b"2"}
    store.close()


def test_file_and_then_a_special_member_of_one_name_is_told(tmp_path: Path) -> None:
    """The last counts, and the last is a FIFO: what other readers take for index.json is gone."""
    archive = oci_layout(app("a:1")).add("extra", b"1").add_special("extra", b"6")
    opened = open_archive(archive, tmp_path)
    assert opened.subjects("archive-duplicate-member") == ["extra"]


# Damage of the outer tar


def test_bytes_behind_the_end_are_told(tmp_path: Path) -> None:
    data = docker_archive(app("a:1")).tar() + b"hidden".ljust(512, b"\0")
    for form in ("file", "gzip"):
        opened = open_archive(data, tmp_path, form)
        assert opened.subjects("archive-trailing-data") == ["archive"]


def test_zeros_behind_the_end_are_blocking_and_no_finding(tmp_path: Path) -> None:
    data = docker_archive(app("a:1")).tar(END + ZERO * 18)
    assert open_archive(data, tmp_path).findings == ()


@pytest.mark.parametrize("end", [b"", ZERO])
def test_missing_end_mark_is_a_warning(end: bytes, tmp_path: Path) -> None:
    opened = open_archive(docker_archive(app("a:1")).tar(end), tmp_path)
    assert "tar-no-end-mark" in opened.rules
    assert opened.errors == set()


def test_garbage_header_in_the_middle_is_an_error_and_what_follows_is_read(tmp_path: Path) -> None:
    data = entry(b"first", b"1") + b"\xff" * 512 + docker_archive(app("a:1")).tar()
    for form in ("file", "gzip"):
        opened = open_archive(data, tmp_path, form)
        assert opened.image.references == ("a:1",)
        assert "tar-header-checksum" in opened.errors


def test_member_of_negative_size_does_not_turn_back(tmp_path: Path) -> None:
    """CVE-2025-8194: tarfile loops for ever on this."""
    bad = header(b"bad", size=b"\xff" * 10 + b"\xfe\x00")
    data = entry(b"first", b"1") + bad + docker_archive(app("a:1")).tar()
    opened = open_archive(data, tmp_path)
    assert opened.image.references == ("a:1",)
    assert "tar-header-invalid" in opened.errors


@pytest.mark.parametrize("size", [2**62, 2**63 - 1, 2**63, 2**64])
@pytest.mark.parametrize("form", ["file", "fifo", "gzip"])
def test_member_of_huge_size_ends_the_archive_and_is_told(
    size: int, form: str, tmp_path: Path
) -> None:
    tar = docker_archive(app("a:1")).tar(b"")
    opened = open_archive(tar + header(b"huge", size=size) + b"some", tmp_path, form)
    assert opened.image.references == ("a:1",)
    assert opened.errors & {"tar-truncated", "tar-header-invalid"}


@pytest.mark.parametrize("form", ["file", "gzip"])
def test_archive_cut_at_every_block_is_an_answer(form: str, tmp_path: Path) -> None:
    """A result with findings, or one line of error: nothing else, wherever it is cut."""
    data = docker_archive(app("a:1")).tar()
    for size in [*range(0, len(data) - 1024, 512), *range(100, len(data) - 1024, 1000)]:
        try:
            opened = open_archive(data[:size], tmp_path, form)
        except ArchiveError as error:
            assert "\n" not in str(error)
        else:
            assert opened.rules, size


@pytest.mark.parametrize("form", ["file", "gzip"])
def test_cut_inside_an_extension_behind_damage_is_told_as_a_cut(form: str, tmp_path: Path) -> None:
    """The damage is told once, but that the rest is missing is another thing."""
    tar = docker_archive(app("a:1")).tar(b"")
    cut = header(b"damaged", checksum=b"0000000\0") + pax({b"path": b"x" * 2000})[:1024]
    opened = open_archive(tar + cut, tmp_path, form)
    assert opened.errors == {"tar-header-checksum", "tar-truncated"}


def test_cut_of_the_compression_is_told(tmp_path: Path) -> None:
    archive = oci_layout(app("a:1", content=os.urandom(100_000)))
    archive.members.reverse()
    path = archive.write_file(tmp_path / "a.tar.gz", "gzip")
    path.write_bytes(path.read_bytes()[:-2000])
    try:
        opened = open_path(path)
    except ArchiveError as error:
        assert "\n" not in str(error)
    else:
        assert "tar-truncated" in opened.errors


@pytest.mark.parametrize("form", ["file", "fifo"])
def test_too_many_members_meet_the_limit(form: str, tmp_path: Path) -> None:
    data = b"".join(entry(b"%d" % i) for i in range(20)) + docker_archive(app("a:1")).tar()
    with pytest.raises(LimitExceededError) as caught:
        open_archive(data, tmp_path, form, Limits(members=20))
    assert caught.value.limit == "members"


def test_long_names_in_gnu_and_pax_form_are_read(tmp_path: Path) -> None:
    image = app("a:1")
    deep = "/".join(["a" * 60] * 3)
    archive = docker_archive(image)
    name = layer_name(archive.names())
    archive.rename(name, f"{deep}/layer.tar")
    archive.edit("manifest.json", lambda value: value[0].update(Layers=[f"{deep}/layer.tar"]))
    assert open_archive(archive, tmp_path).image.layers[0].member == f"{deep}/layer.tar"


def test_pax_size_over_the_header_is_used_for_a_member(tmp_path: Path) -> None:
    archive = oci_layout(app("a:1"))
    index = archive["index.json"]
    archive.drop("index.json")
    member = pax({b"size": b"%d" % len(index)}) + header(b"index.json", size=0) + padded(index)
    assert open_archive(archive.tar(b"") + member + END, tmp_path).image.references == ("a:1",)


def test_file_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = docker_archive(app("a:1")).write_file(tmp_path / "a.tar")
    store = open_store(str(path))
    store.check_unchanged()
    with path.open("ab") as file:
        file.write(b"more")
    with pytest.raises(ArchiveError):
        store.check_unchanged()
    store.close()


def test_stream_keeps_small_documents_within_its_budget(tmp_path: Path) -> None:
    archive = oci_layout(app("a:1"))
    for i in range(20):
        archive.add(f"junk{i}", b"j" * 60_000)
    archive.members = archive.members[-20:] + archive.members[:-20]
    opened = open_archive(archive, tmp_path, "gzip", Limits(kept_bytes=20 * 60_000 + 20_000))
    assert opened.image.references == ("a:1",)
