"""What is imported when: a program that answers at once imports little."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    *("tabulate", "wcwidth", "zstandard", "isal", "hashlib", "ssl", "lzma", "bz2", "zlib"),
    *("tempfile", "asyncio", "concurrent.futures", "json", "csv", "tarfile", "multiprocessing"),
    *("platformdirs", "jinja2", "markupsafe"),
}


def imported(code: str) -> set[str]:
    """The modules in a new process after ``code``, without those that Python itself brings."""
    report = "import sys; sys.stderr.write(__import__('json').dumps(BEFORE))"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"{code}\nimport sys\nBEFORE = sorted(sys.modules)\n{report}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stderr))


def test_importing_the_package_imports_nothing_of_weight():
    found = imported("import oci_inspect")
    assert {one for one in found if one.startswith("oci_inspect")} == {
        "oci_inspect",
        "oci_inspect._version",
        "oci_inspect.lazy",
    }
    assert not found & (HEAVY | {"click"})


def test_one_name_of_the_api_brings_only_its_own_room():
    found = imported("from oci_inspect import Limits, OciInspectError")
    rooms = {one.split(".")[1] for one in found if one.startswith("oci_inspect.")}
    assert rooms == {"_version", "errors", "lazy", "limits"}


ANSWER = "from oci_inspect.cli import run; run({!r})"


@pytest.mark.parametrize(
    "arguments",
    [["--version"], ["--help"], ["analyze", "--help"], ["cache", "--help"], ["report", "--help"]],
)
def test_version_and_help_wait_for_nothing(arguments):
    found = imported(ANSWER.format(arguments))
    assert not (found & HEAVY) - imported("import click, shutil")
    ours = {one.split(".")[1] for one in found if one.startswith("oci_inspect.")}
    assert ours - {"rules"} == {"_version", "cli", "errors", "lazy"}
    rules = {one for one in found if one.startswith("oci_inspect.rules.")}
    assert rules <= {"oci_inspect.rules.catalogue"}  # a table that options are made of


def test_inspect_reads_no_layer_and_brings_no_scanner(app):
    found = imported(ANSWER.format(["inspect", str(app), "-o", "/dev/null", "--format", "json"]))
    assert not found & {"tabulate", "wcwidth"}


SCAN_CACHE = {"oci_inspect.layer.scan_cache", "oci_inspect.layer.scan_record"}


def test_the_cache_is_brought_by_a_scan_that_may_use_it_and_by_nothing_else(
    app, monkeypatch, tmp_path
):
    layers = ["layers", str(app), "-o", "/dev/null", "--format", "json"]
    for arguments in (["inspect", *layers[1:]], [*layers, "--no-cache"], ["cache", "--help"]):
        assert not imported(ANSWER.format(arguments)) & (SCAN_CACHE | {"platformdirs"}), arguments
    found = imported(ANSWER.format(layers))
    assert found >= SCAN_CACHE
    assert "platformdirs" not in found  # a variable names the folder
    monkeypatch.delenv("OCI_INSPECT_CACHE_DIR")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "platformdirs" in imported(ANSWER.format(layers))


@pytest.mark.parametrize("format", ["json", "csv", "markdown"])
def test_machine_formats_do_not_wait_for_tabulate(app, format):
    command = "verify" if format == "markdown" else "layers"
    found = imported(ANSWER.format([command, str(app), "-o", "/dev/null", "--format", format]))
    assert not found & {"tabulate", "wcwidth"}
    assert "oci_inspect.render.text" not in found


def test_every_public_name_can_be_imported():
    import oci_inspect

    for name in oci_inspect.__all__:
        assert getattr(oci_inspect, name) is not None
        assert name in dir(oci_inspect)
    with pytest.raises(AttributeError, match="nope"):
        oci_inspect.nope  # noqa: B018


def test_jinja_is_brought_by_a_page_alone(app):
    assert "jinja2" not in imported(ANSWER.format(["waste", str(app), "-o", "/dev/null"]))
    found = imported(ANSWER.format(["report", str(app), "-o", "/dev/null"]))
    assert {"jinja2", "markupsafe"} <= found
    assert not found & {"tabulate", "wcwidth"}
