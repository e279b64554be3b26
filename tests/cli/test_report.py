"""``report`` and ``compare --format html``: where a page goes, and what is said where it cannot."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support.terminals import open_terminal

from .conftest import REAL

PAGE = b"<!DOCTYPE html>\n"


def test_a_page_goes_to_a_file_or_to_a_pipe(run, app, tmp_path):
    path = tmp_path / "report.html"
    written = run("report", app, "-o", path)
    assert (written.code, written.out, written.err) == (0, b"", "")
    printed = run("report", app)
    assert printed.code == 0 and printed.err == ""
    assert printed.out == path.read_bytes()
    assert printed.out.startswith(PAGE) and printed.out.endswith(b"</html>\n")
    assert run("report", app, "--quiet").out == printed.out
    assert run("report", app, "--format", "html", "--no-cache", "--jobs", "2").out == printed.out


def test_a_still_picture_needs_no_jinja(run, app, tmp_path, monkeypatch):
    from xml.etree import ElementTree

    monkeypatch.setitem(sys.modules, "jinja2", None)
    path = tmp_path / "report.svg"
    assert run("report", app, "--format", "svg", "-o", path).code == 0
    printed = run("report", app, "--format", "svg")
    assert path.read_bytes() == printed.out
    assert (printed.code, printed.err) == (0, "")
    root = ElementTree.fromstring(printed.out)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "example/app:1.2.3" in "".join(root.itertext())


def in_a_terminal(*arguments: object) -> tuple[int, bytes]:
    """The exit code and what stands on standard error where someone watches standard output."""
    leader, follower = open_terminal()
    done = subprocess.run(
        [sys.executable, "-m", "oci_inspect", *map(str, arguments)],
        stdout=follower,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    os.close(follower)
    os.close(leader)
    return done.returncode, done.stderr


def test_nothing_is_poured_over_a_terminal(app, tmp_path):
    """And the archive is not even opened: this one is none."""
    nothing = tmp_path / "nothing.tar"
    told = b"oci-inspect: this is not for a terminal: give --output %s, or pipe it (see"
    for arguments, name in (
        (("report", nothing), b"report.html"),
        (("report", nothing, "--format", "svg"), b"report.svg"),
        (("compare", nothing, app, "--format", "html"), b"compare.html"),
    ):
        code, err = in_a_terminal(*arguments)
        assert code == 2
        assert err.startswith(told % name) and err.count(b"\n") == 1


def test_without_jinja_one_line_before_anything_is_read(run, app, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    nothing = tmp_path / "nothing.tar"
    result = run("report", nothing)
    assert result.code == 2
    assert result.problem == "the HTML report needs Jinja2: pip install 'oci-inspect[html]'"
    result = run("compare", nothing, app, "--format", "html")
    assert result.code == 2
    assert result.problem == "the HTML report needs Jinja2: pip install 'oci-inspect[html]'"
    assert run("compare", app, app).code == 0
    assert run("analyze", app).code == 0


def test_one_image_must_be_meant(run, two_images):
    result = run("report", two_images)
    assert (result.code, result.out) == (2, b"")
    assert "example/base:1" in result.err
    assert b"<h1>example/base:1</h1>" in run("report", f"{two_images}:example/base:1").out
    assert b"<h1>example/app:1.2.3</h1>" in run("report", two_images, "--image", "app:1.2.3").out


def test_a_base_that_is_named(run, app, two_images):
    page = run("report", app, "--base", f"{two_images}:example/base:1").out.decode()
    assert "example/base:1, the lowest 3 of 11 layers (certain" in page
    refused = run("report", app, "--base", REAL.parent / "compare" / "base-env.a.tar")
    assert refused.code == 0 and refused.err.count("\n") == 1


def test_a_corrupt_image_has_a_page_and_a_limit_is_exit_3(run, app, corrupt):
    result = run("report", corrupt)
    assert result.code == 0
    assert b"NOT VERIFIED" in result.out
    limited = run("report", app, "--limit", "entries=3")
    assert limited.code == 3
    assert b"INCOMPLETE" in limited.out and b"at least: not all was read" in limited.out


@pytest.mark.parametrize("data", [b"", b"no archive"], ids=["empty", "text"])
def test_what_is_no_archive_is_one_line_and_leaves_no_page(run, tmp_path, data):
    path, page = tmp_path / "x.tar", tmp_path / "report.html"
    path.write_bytes(data)
    result = run("report", path, "-o", page)
    assert result.code == 3 and result.problem
    assert not page.exists()


def test_a_stream_gives_the_same_figures(app, spawn):
    with app.open("rb") as stream:
        piped = spawn("report", "-", stdin=stream)
    assert piped.code == 0
    assert b">92.5kB<" in piped.out and b"<h1>example/app:1.2.3</h1>" in piped.out


def test_a_comparison_as_a_page(run, app, tmp_path):
    path = tmp_path / "compare.html"
    old = REAL / "docker20-app.tar"
    result = run("compare", old, app, "--format", "html", "-o", path)
    assert (result.code, result.out, result.err) == (0, b"", "")
    assert path.read_bytes().startswith(PAGE)
    assert run("compare", old, app, "--format", "html").out == path.read_bytes()
    asked = run("compare", old, app, "--format", "html", "--exit-code")
    assert asked.out == path.read_bytes()
    assert asked.code == run("compare", old, app, "--exit-code").code


def test_quiet_changes_nothing_in_a_page(run, app, tmp_path):
    """A page is data, as JSON is: -q is about what is said beside it."""
    path = tmp_path / "compare.html"
    assert run("compare", "-q", app, app, "--format", "html", "-o", path).code == 0
    assert path.read_bytes().startswith(PAGE)
