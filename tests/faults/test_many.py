"""Many at once: archives in one process, processes on one archive, and few descriptors for them."""

from __future__ import annotations

import gc
import gzip
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from faults.conftest import SLOW
from support.commands import APP, READERS, words_of
from support.images import ImageBuilder, docker_archive, oci_layout
from support.tars import TarBuilder

from oci_inspect import (
    ArchiveError,
    Limits,
    OciInspectError,
    ScanCache,
    analyze,
    compare,
    disk_usage,
    export_tar,
    extract,
    open_archive,
)

MANY = 1_000


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="nothing counts them")


@contextmanager
def at_most(count: int) -> Iterator[None]:
    """So many descriptors, the numbers that are free; those that are in use stay so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(int(one.name) for one in Path("/proc/self/fd").iterdir())
    fillers = [os.dup(0)]
    while fillers[-1] < used:
        fillers.append(os.dup(0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (fillers[-1] + 1 + count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for one in fillers:
            os.close(one)


def small() -> ImageBuilder:
    layer = TarBuilder().file("site/index.html", b"1").file("data/a", b"2" * 9_000)
    return ImageBuilder("a:1").layer(layer, compression="gzip").layer(layer)


@pytest.fixture(name="forms")
def _forms(tmp_path: Path) -> dict[str, Path]:
    """One image as a file, a folder, a compressed file; and archives that are wrong."""
    good = docker_archive(small())
    forms = {
        "file": good.write_file(tmp_path / "image.tar"),
        "gzip": good.write_file(tmp_path / "image.tar.gz", "gzip"),
        "folder": oci_layout(small()).write_folder(tmp_path / "layout"),
        "oci": oci_layout(small()).write_file(tmp_path / "oci.tar"),
    }
    data = forms["file"].read_bytes()
    for name, bad in (
        ("empty", b""),
        ("cut", data[: len(data) // 2]),
        ("zeros", bytes(10_240)),
        ("no image", TarBuilder().file("a").build()),
        ("cut gzip", gzip.compress(data)[:-700]),
        ("no tar in gzip", gzip.compress(b"nothing")),
    ):
        forms[name] = tmp_path / name
        forms[name].write_bytes(bad)
    broken = oci_layout(small()).flip_bit("index.json", 3)
    forms["broken folder"] = broken.write_folder(tmp_path / "broken")
    missing = oci_layout(small())
    missing.drop(max(missing.names(), key=lambda one: len(missing[one]) if "blobs" in one else 0))
    forms["missing"] = missing.write_folder(tmp_path / "missing")
    return forms


def test_a_thousand_archives_open_in_one_process(forms):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < MANY + 200:
        pytest.skip("the system allows too few files")
    gc.collect()  # what earlier tests left open goes now, not meanwhile
    before = descriptors()
    resource.setrlimit(resource.RLIMIT_NOFILE, (MANY + 200, hard))
    try:
        with ExitStack() as stack:
            for i in range(MANY):
                path = forms[("file", "folder", "gzip", "oci")[i % 4]]
                archive = stack.enter_context(open_archive(path))
                assert archive.images[0].references == ("a:1",)
            assert before < descriptors() <= before + MANY
            assert archive.analyze().ok
        assert descriptors() == before
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def uses(path: Path, out: Path) -> list[Callable[[], object]]:
    def look() -> None:
        with open_archive(path, keep=True) as archive:
            tree = archive.look().tree()
            export_tar(tree, lambda data: None)
            extract(tree, out, force=True)
            with tree.open(b"data/a") as content:
                content.read(3)

    def leave() -> None:
        with open_archive(path) as archive:
            archive.analyze()
            raise OciInspectError("left early")

    return [
        lambda: analyze(path),
        lambda: analyze(path, jobs=1, cache=ScanCache(out.parent / "cache")),
        lambda: analyze(path, limits=Limits(json_bytes=100)),
        lambda: analyze(path, limits=Limits(entries=1)),
        lambda: compare(path, path),
        lambda: disk_usage([path, APP]),
        lambda: disk_usage([APP, path]),
        look,
        leave,
    ]


def test_nothing_stays_open_whatever_came_of_it(forms, tmp_path):
    for path in forms.values():  # what is imported at first use may keep something
        for use in uses(path, tmp_path / "out"):
            with suppress(OciInspectError):
                use()
    before = descriptors()
    for name, path in forms.items():
        for i, use in enumerate(uses(path, tmp_path / "out")):
            with suppress(OciInspectError):
                use()
            assert descriptors() == before, (name, i)


@pytest.mark.parametrize("form", ["file", "gzip", "folder"])
def test_few_descriptors_are_enough_or_told(forms, tmp_path, form):
    """With each number from none on: one clear error, or the whole answer; and nothing leaks."""
    whole = [analyze(forms[form]).ok, None]
    assert whole[0]
    before = descriptors()
    met = set()
    for count in range(16):
        with at_most(count):
            for use in uses(forms[form], tmp_path / "out")[:1]:
                try:
                    met.add(use().ok)
                except OciInspectError as error:
                    met.add("told")
                    assert "Too many open files" in str(error)
                    assert isinstance(error, ArchiveError)
        assert descriptors() == before
    assert met == {True, "told"}


@pytest.mark.parametrize("command", READERS if SLOW else ("analyze", "cat", "export", "df"))
def test_commands_with_few_descriptors_answer_or_say_so(forks, tmp_path, command):
    usual = forks.run(*words_of(command, APP, out=tmp_path / "usual"), "--no-cache")
    seen = set()
    for count in (3, 4, 5, 6, 8, 12, 20):
        words = [*words_of(command, APP, out=tmp_path / f"out{count}"), "--no-cache"]
        done = forks.run(*words, limits={"RLIMIT_NOFILE": count})
        seen.add(done.code)
        assert "Traceback" not in done.err
        if done.code == 0:
            assert command == "extract" or done.out == usual.out
        elif command == "extract" and done.code == 1:  # files that could not be made are listed
            assert b"Too many open files" in done.out
            assert done.err == ""
        else:
            assert done.out == b"" or command in ("cat", "export")
            assert "Too many open files" in done.problem
    assert 0 in seen


def test_eight_at_once_of_all_kinds_give_the_bytes_of_one(tmp_path):
    """One archive, one cache that is empty at first; each asks something else."""
    environment = {**os.environ, "OCI_INSPECT_CACHE_DIR": str(tmp_path / "cache")}
    program = [sys.executable, "-m", "oci_inspect"]
    asked = ("analyze", "verify", "layers", "ls", "find", "waste", "export", "diff")
    wanted = {}
    for command in asked:
        words = [*program, *words_of(command, APP), "--no-cache"]
        wanted[command] = subprocess.run(words, capture_output=True, env=environment, check=True)
    for _ in range(4 if SLOW else 1):
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        running = [
            subprocess.Popen(
                [*program, *words_of(command, APP)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
            )
            for command in asked
        ]
        for command, process in zip(asked, running, strict=True):
            out, err = process.communicate(timeout=60)
            assert (process.returncode, err) == (0, b""), command
            assert out == wanted[command].stdout, command
        assert not list((tmp_path / "cache").glob(".*"))
