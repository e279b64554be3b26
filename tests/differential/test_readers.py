"""The same tars to tarfile, libarchive (bsdtar's own) and GNU tar: the same entries, or it is told.

Names, types, sizes, targets and contents of generated tars are the same. Where readers differ on a
changed one, either a finding says that they may, or the reason is one of a short list.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from differential.comparing import REASONS, TOLD, Case, contents_of, differences, ours
from differential.tars_at_random import changed, well_formed
from differential.witnesses import Listing, ReaderProcess, by_gnu_tar, is_gnu_tar
from layer.agreement import agreed
from support.tars import END, entry, header

SLOW = os.environ.get("OCI_INSPECT_SLOW") == "1"
WELL_FORMED, CHANGED = (500, 3000) if SLOW else (60, 150)
READERS = ["tarfile", "libarchive", "GNU tar"]


@pytest.fixture
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Listing]]:
    """A function from a tar to what a reader makes of it."""
    name = request.param
    if name == "GNU tar":
        if not is_gnu_tar():
            pytest.skip("the tar of this machine is not GNU's")
        yield lambda tar: by_gnu_tar(tar, tmp_path)
        return
    process = ReaderProcess(name)
    if not process.here:
        pytest.skip(f"no {name} on this machine")
    yield process.read
    process.close()


@pytest.mark.parametrize("reader", READERS, indirect=True)
def test_well_formed_tars_are_read_alike(reader: Callable[..., Listing]) -> None:
    for number in range(WELL_FORMED):
        tar = well_formed(number)
        mine, rules = ours(tar)
        theirs = reader(tar)
        assert not rules & TOLD, number
        # A name that is not UTF-8 is a warning of libarchive's, and the same name.
        assert theirs.complaint is None or "converted from UTF-8" in theirs.complaint, number
        assert list(differences(mine, theirs)) == [], number
        assert theirs.contents in (None, contents_of(tar)), number


@pytest.mark.parametrize("reader", READERS, indirect=True)
def test_changed_tars_are_read_alike_or_it_is_told(
    reader: Callable[..., Listing], request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.params["reader"]
    counts: Counter[str] = Counter()
    unexplained = []
    for number in range(CHANGED):
        tar = changed(number)
        mine, rules = ours(tar)
        theirs = reader(tar)
        found = list(differences(mine, theirs))
        if not found and theirs.contents and theirs.complaint is None:
            together = contents_of(tar)
            found = ["other contents"] if together not in (None, theirs.contents) else []
        case = Case(tar, rules, name, mine, theirs)
        if not found:
            counts["alike"] += 1
        elif rules & TOLD:
            counts["a finding tells"] += 1
        elif reason := next((one for one in REASONS if one(case)), None):
            counts[reason.__name__] += 1
        else:
            unexplained.append((number, found[:2], theirs.complaint))
    sys.stdout.write(f"\n{name}: {CHANGED} changed tars, {dict(counts)}\n")  # seen with -s
    assert not unexplained, f"{len(unexplained)}: {unexplained[:5]}"
    assert counts["alike"] > CHANGED // 4
    assert counts["a finding tells"]


def test_tar_that_makes_tarfile_loop_is_no_trouble_here() -> None:
    """A size of -512 (CVE-2025-8194); a Python that is mended says that it is no tar."""
    tar = entry(b"a", b"1") + header(b"b", size=b"\xff" * 10 + b"\xfe\0") + END
    _, rules = ours(tar)
    assert rules == {"tar-header-invalid"}
    process = ReaderProcess("tarfile")
    try:
        theirs = process.read(tar)
    finally:
        process.close()
    assert theirs.complaint or len(theirs.entries) == 1


@pytest.mark.skipif(shutil.which("bsdtar") is None, reason="no bsdtar on this machine")
@pytest.mark.parametrize("form", ["ustar", "pax", "gnutar", "v7"])
def test_what_bsdtar_writes_is_read(form: str, tmp_path: Path) -> None:
    """A tree with links and, where the form has them, long names."""
    tree = tmp_path / "tree"
    (tree / "d").mkdir(parents=True)
    (tree / "d" / "f").write_bytes(b"content" * 300)
    (tree / "d" / "s").symlink_to("f")
    (tree / "h").hardlink_to(tree / "d" / "f")
    if form in ("pax", "gnutar"):
        (tree / ("n" * 180)).write_bytes(b"long")
    path = tmp_path / "out.tar"
    command = ["bsdtar", "--format", form, "-C", tree, "-cf", path, "."]
    subprocess.run(command, check=True, timeout=20)
    seen = agreed(path.read_bytes())
    assert seen.rules == set()
    by_path = {row.path: row for row in seen.rows}
    first, second = sorted((b"d/f", b"h"), key=list(by_path).index)
    assert by_path[first].size == 2100
    assert (chr(by_path[second].type), by_path[second].linkname) == ("h", first)
    assert by_path[b"d/s"].linkname == b"f"
    if form in ("pax", "gnutar"):
        assert by_path[b"n" * 180].size == 4
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as archive:
        assert len(archive.getmembers()) == len(seen.rows)
