"""Every command on every archive that a real engine wrote, in every format."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from oci_inspect.cli import ARCHIVE_COMMANDS as COMMANDS
from oci_inspect.cli import cli

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
ARCHIVES = sorted(
    path.name for path in REAL.glob("*.tar*") if not path.name.endswith(".rootfs.tar")
)
FORMATS = {
    "analyze": ("table", "json", "markdown"),
    "images": ("table", "json", "markdown", "csv"),
    "inspect": ("table", "json", "docker"),
    "history": ("table", "json", "markdown", "csv"),
    "dockerfile": ("table", "json"),
    "layers": ("table", "json", "markdown", "csv"),
    "verify": ("table", "json", "markdown"),
    "waste": ("table", "json", "markdown", "csv"),
}
ALL_IMAGES = {"analyze", "images", "verify"}
"""Commands that take every image of an archive; the others want one."""


def test_these_are_all_commands_and_formats():
    assert tuple(FORMATS) == COMMANDS
    for name, formats in FORMATS.items():
        command = cli.get_command(None, name)
        (option,) = (one for one in command.params if one.name == "format")
        assert tuple(option.type.choices) == formats
        assert option.default == "table"


@pytest.mark.parametrize("archive", ARCHIVES)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_reads_every_archive(run, command, archive):
    chosen = () if command in ALL_IMAGES else ("--image", "@0")
    for format in FORMATS[command]:
        result = run(command, REAL / archive, "--format", format, *chosen)
        assert (result.code, result.err) == (0, "")
        assert result.out.endswith(b"\n")
        if format in ("json", "docker"):
            json.loads(result.out)
        elif format == "csv":
            assert len({len(row) for row in csv.reader(io.StringIO(result.text)) if row}) == 1


@pytest.mark.parametrize("command", COMMANDS)
def test_json_names_its_schema_and_the_archive(run, command, app):
    document = run(command, app, "--format", "json").json
    schema = "analysis" if command == "analyze" else command
    assert document["schema"] == f"oci-inspect/{schema}"
    assert document["archive"] == {
        "path": str(app),
        "kind": "hybrid",
        "compression": None,
        "size": app.stat().st_size,
    }
    assert [image["references"] for image in document["images"]] == [["example/app:1.2.3"]]


def test_verify_says_no_by_its_exit_code_and_analyze_only_in_words(run, corrupt):
    """Exit 1 belongs to the commands that were asked a question with a yes or no."""
    result = run("verify", corrupt)
    assert result.code == 1
    assert "NOT VERIFIED" in result.text and "mismatch" in result.text
    assert run("verify", corrupt, "--format", "json").json["verified"] is False
    assert run("verify", corrupt, "--quiet").out == b""
    assert run("verify", corrupt, "--quiet").code == 1
    for command in COMMANDS:
        if command != "verify":
            assert run(command, corrupt).code == 0, command
    assert "NOT VERIFIED" in run("analyze", corrupt).text


def test_verify_says_yes(run, app):
    assert run("verify", app).code == 0
    assert run("verify", app, "--quiet") == run("verify", app, "-q")
    assert run("verify", app, "--quiet").out == b""
    assert run("verify", app, "--format", "json").json["verified"] is True


def test_inspect_gives_documents_byte_for_byte(run, app):
    import hashlib
    import tarfile

    with tarfile.open(app) as tar:
        members = {one.name: tar.extractfile(one).read() for one in tar if one.isreg()}
    config = run("inspect", app, "--config").out
    assert config == members["blobs/sha256/" + hashlib.sha256(config).hexdigest()]
    manifest = run("inspect", app, "--raw").out
    assert manifest == members["blobs/sha256/" + hashlib.sha256(manifest).hexdigest()]
    assert json.loads(manifest)["config"]["size"] == len(config)
    assert run("inspect", app, "--index").out == members["index.json"]
    assert run("inspect", app, "--index", "--raw").code == 2


def test_inspect_in_dockers_keys_says_what_docker_said(run):
    for stem in ("docker20-app", "docker26-app"):
        (told,) = json.loads((REAL / f"{stem}.inspect.json").read_text())
        (ours,) = run("inspect", REAL / f"{stem}.tar", "--format", "docker").json
        for key in ("Id", "Created", "Architecture", "Os", "RootFS", "Author"):
            assert ours[key] == told[key], key
        assert set(ours) <= set(told) | {"Variant"}


def test_dockerfile_without_comments(run, app):
    text = run("dockerfile", app, "--quiet").text
    assert text.startswith("FROM scratch\n")
    assert "\n#" not in text
    assert "\n# step 5, layer 2: 66.7kB\n" in run("dockerfile", app).text


def test_waste_lists_the_worst_or_all(run, app):
    def groups(*options):
        return len(run("waste", app, "--format", "csv", *options).text.splitlines()) - 1

    assert groups("--top", "3") == 3
    assert groups() == groups("--all") == 8
    assert "5 more, " in run("waste", app, "--top", "3").text


def test_quiet_is_for_scripts(run, app, two_images):
    app_id = "24733d2f94bcc8679abc5c48bdcd732f31e4666ace8a2500b25c555a5d7cd004"
    assert run("images", two_images, "-q").text == f"4916d13f80e2\n{app_id[:12]}\n"
    assert run("images", app, "-q", "--no-trunc").text == f"sha256:{app_id}\n"
    assert run("history", app, "-q").text.split("\n")[0] == app_id[:12]
    assert run("history", app, "-q", "--no-trunc").text.split("\n")[0] == f"sha256:{app_id}"
    digests = run("layers", app, "-q").text.split()
    assert len(digests) == 11 and all(one.startswith("sha256:") for one in digests)


def test_verbose_tells_what_is_merely_worth_knowing(run, app):
    assert "setuid" not in run("verify", app).text.replace("listed", "")
    assert "setuid" in run("verify", app, "--verbose").text
    assert "setuid" in run("analyze", app, "-v").text
