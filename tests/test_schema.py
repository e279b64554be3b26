"""Every JSON document that the commands print, held against docs/schema.

The schemas allow keys that they do not know, so that keys may be added within a version. The tests
do not: what is printed and not described is a mistake here.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.images import ImageBuilder, docker_archive
from support.tars import TarBuilder

from oci_inspect.cli import ARCHIVE_COMMANDS, run
from oci_inspect.cli import COMMANDS as ALL_COMMANDS
from oci_inspect.rules.catalogue import CATALOGUE

ROOT = Path(__file__).parent.parent
REAL = sorted(
    path.name
    for path in (ROOT / "fixtures" / "real").glob("*.tar*")
    if not path.name.endswith(".rootfs.tar")
)
COMMANDS = tuple(one for one in ALL_COMMANDS if one not in ("cat", "export", "report"))
"""All but those that give bytes of the image, or a page."""
NAMES = {"analyze": "analysis"}
"""Commands whose document is called otherwise."""
ONE_IMAGE = ("inspect", "history", "dockerfile", "layers", "waste")
"""Commands that want one image."""


def schema_of(command: str) -> Any:
    name = NAMES.get(command, command)
    return json.loads((ROOT / "docs" / "schema" / f"{name}.schema.json").read_bytes())


def strict(schema: Any) -> Any:
    """The schema with no room for keys that it does not describe."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict):
        # the names of properties are no keywords, whatever they are called
        result["properties"] = {name: strict(value) for name, value in schema["properties"].items()}
        result.setdefault("additionalProperties", False)
    return result


VALIDATORS = {command: Draft202012Validator(strict(schema_of(command))) for command in COMMANDS}


class Printed:
    """Runs a command in this process and reads what it printed."""

    def __init__(self, capture: pytest.CaptureFixture[bytes]) -> None:
        self._capture = capture
        self.code = 0

    def __call__(self, command: str, path: Path | str, *more: str) -> Any:
        self._capture.readouterr()
        self.code = run([command, str(path), "--format", "json", *more])
        out, err = self._capture.readouterr()
        assert self.code in (0, 1, 3), err
        assert out, err
        return json.loads(out.decode("utf-8"))


@pytest.fixture
def printed(capsysbinary: pytest.CaptureFixture[bytes]) -> Printed:
    return Printed(capsysbinary)


def choose(command: str) -> tuple[str, ...]:
    return ("--image", "@0") if command in ONE_IMAGE else ()


# The schemas


@pytest.mark.parametrize("command", COMMANDS)
def test_schema_is_one(command: str) -> None:
    schema = schema_of(command)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    name = NAMES.get(command, command)
    assert schema["properties"]["schema"] == {"const": f"oci-inspect/{name}"}


def test_every_schema_is_a_command_s() -> None:
    there = {path.name for path in (ROOT / "docs" / "schema").iterdir()}
    named = {f"{NAMES.get(command, command)}.schema.json" for command in COMMANDS}
    assert there == named | {"baseline.schema.json"}  # check --write-baseline


@pytest.mark.parametrize("command", COMMANDS)
def test_every_reference_of_a_schema_is_kept_in_it_and_every_definition_used(command: str) -> None:
    schema = schema_of(command)
    used = {one["$ref"] for one in objects(schema) if "$ref" in one}
    assert used == {f"#/$defs/{name}" for name in schema["$defs"]}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_required_is_described(command: str) -> None:
    for one in objects(schema_of(command)):
        if isinstance(one.get("required"), list):
            assert set(one["required"]) <= one["properties"].keys()


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from objects(one)


# Archives that engines wrote


@pytest.mark.parametrize("command", ARCHIVE_COMMANDS)
@pytest.mark.parametrize("name", REAL)
def test_documents_of_real_archives(name: str, command: str, printed: Printed) -> None:
    document = printed(command, ROOT / "fixtures" / "real" / name, *choose(command))
    VALIDATORS[command].validate(document)
    assert printed.code == 0
    assert document["images"]


@pytest.mark.parametrize("name", REAL)
def test_documents_of_images_together(name: str, printed: Printed) -> None:
    several = [str(ROOT / "fixtures" / "real" / one) for one in (name, *REAL)]
    for more in ((), several):
        document = printed("df", several[0], *more)
        VALIDATORS["df"].validate(document)
        assert printed.code == 0
        assert document["images"] and document["layers"] and document["complete"] is True


@pytest.mark.parametrize("name", REAL)
def test_documents_of_checks(name: str, printed: Printed) -> None:
    path = ROOT / "fixtures" / "real" / name
    document = printed("check", path, "--no-config")
    VALIDATORS["check"].validate(document)
    assert (printed.code, document["ok"]) == (0, True)
    asked = [f"--{name}=0" for name, one in CATALOGUE.items() if one.kind in ("size", "count")]
    asked += ["--max-waste-percent=0%", "--max-growth=1%", "--forbid-paths=**", "--forbid-root"]
    asked += ["--forbid-paths-in-layers=**", "--allow-setuid=", "--require-labels=x"]
    asked += ["--allow-base=x", "--forbid-findings=info", "--level=max-size=off"]
    document = printed("check", path, "--no-config", *asked)
    VALIDATORS["check"].validate(document)
    assert (printed.code, document["ok"]) == (1, False)
    assert all(len(one["verdicts"]) > 15 for one in document["images"])


LOOKS = (
    ("ls",),
    ("ls", "--deleted"),
    ("ls", "--layer", "-1"),
    ("ls", "--up-to", "0"),
    ("find", "--type", "f,l"),
    ("tree",),
    ("tree", "--deleted", "--depth", "9"),
    ("diff",),
    ("diff", "--layers", "0..-1"),
    ("log", "bin/step"),
)


@pytest.mark.parametrize("arguments", LOOKS, ids=" ".join)
@pytest.mark.parametrize("name", REAL)
def test_documents_of_the_file_systems_of_real_archives(
    name: str, arguments: tuple[str, ...], printed: Printed
) -> None:
    command, *more = arguments
    document = printed(
        command,
        ROOT / "fixtures" / "real" / name,
        *more,
        "--image",
        "@1" if name.startswith("umoci") else "@0",
    )
    VALIDATORS[command].validate(document)
    assert printed.code == 0
    assert document["complete"] is True
    listed = document.get("entries") or document.get("changes") or document.get("events")
    assert listed or command == "tree" or more == ["--deleted"]


@pytest.mark.parametrize("arguments", LOOKS[:-1], ids=" ".join)
def test_documents_of_a_file_system_with_everything_in_it(
    arguments: tuple[str, ...], printed: Printed, tmp_path: Path
) -> None:
    image = (
        ImageBuilder("example/all:1")
        .layer(
            TarBuilder()
            .file("implied/f", b"x")
            .file(b"\xff\xfe", b"12", xattrs={b"user.a": b"1"})
            .symlink("s", b"\xfd")
            .char("c", 1, 3)
            .fifo("p")
            .file("late", b"", mtime=2**60)
        )
        .layer(TarBuilder().whiteout(b"\xff\xfe").opaque("implied").hardlink("h", "late"))
    )
    path = docker_archive(image).write_file(tmp_path / "image.tar")
    command, *more = arguments
    document = printed(command, path, *more)
    VALIDATORS[command].validate(document)
    assert printed.code == 0


PAIRS = (
    ("docker20-app.tar", "docker26-app.tar"),
    ("docker26-containerd-base.tar", "docker26-containerd-app.tar"),
    ("skopeo-oci-gzip.tar", "skopeo-oci-zstd.tar"),
    ("docker26-app.tar", "docker20-untagged.tar"),
)


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_documents_of_comparisons(pair: tuple[str, str], printed: Printed) -> None:
    one, other = (str(ROOT / "fixtures" / "real" / name) for name in pair)
    document = printed("compare", one, other)
    VALIDATORS["compare"].validate(document)
    assert printed.code == 0


def test_document_of_a_comparison_of_odd_paths(printed: Printed, tmp_path: Path) -> None:
    images = [
        ImageBuilder("a:1").layer(TarBuilder().file(b"\xff", b"1").file("x", b"", uid=1)),
        ImageBuilder("a:2").layer(TarBuilder().file(b"\xfe/y", b"22").symlink("x", b"\xfd")),
    ]
    paths = [
        str(docker_archive(image).write_file(tmp_path / f"{i}.tar"))
        for i, image in enumerate(images)
    ]
    document = printed("compare", *paths)
    VALIDATORS["compare"].validate(document)
    encoded = [one["path_bytes"] for one in document["differences"] if "path_bytes" in one]
    assert [base64.b64decode(one) for one in encoded] == [b"\xfe", b"\xfe/y", b"\xff"]


# The cache


@pytest.mark.parametrize("folder", ["scans", "sc\udcffans", "", "no/folder"])
def test_documents_of_the_cache(
    folder: str, capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path, monkeypatch: Any
) -> None:
    named = folder and str(tmp_path / folder)
    (tmp_path / "no").write_bytes(b"a file")
    monkeypatch.setenv("OCI_INSPECT_CACHE_DIR", named)
    assert run(["analyze", str(ROOT / "fixtures" / "real" / REAL[0]), "-o", "/dev/null"]) == 0
    assert run(["cache", "info", "--format", "json"]) == 0
    document = json.loads(capsysbinary.readouterr()[0])
    VALIDATORS["cache"].validate(document)
    assert document["schema"] == "oci-inspect/cache"
    assert (document["folder"] is None) == (not named)
    assert ("folder_bytes" in document) == ("\udcff" in folder)
    if "scans" in folder.replace("\udcff", ""):
        assert document["problem"] is None
        assert document["entries"] > 0
        assert document["bytes"] >= 4096 * document["entries"]
        assert document["most_bytes"] == 512 * 1024 * 1024
    else:
        assert document["problem"]
        assert document["entries"] == document["bytes"] == 0


# What was promised


# fmt: off
TOP = {"schema", "schema_version", "tool", "archive", "images"}
ARCHIVE = {"path", "kind", "compression", "size"}
IDENTITY = {"references", "image_id", "manifest_digest", "platform"}
IMAGE = IDENTITY | {"created", "verified", "complete", "findings", "layers", "history", "waste",
                    "totals"}
PLATFORM = {"os", "architecture", "variant"}
FINDING = {"rule", "severity", "subject", "message"}
LAYER = {"index", "digest", "diff_id", "chain_id", "media_type", "compression", "status", "size",
         "uncompressed_size", "entries", "files", "file_bytes", "wasted_bytes", "history_index",
         "created_by"}
STEP = {"index", "created", "created_by", "instruction", "comment", "author", "empty_layer",
        "layer_index", "size"}
DEAD = {"paths", "layer_index", "removed_in", "bytes", "reason"}
TOTALS = {"size", "uncompressed_size", "file_bytes", "wasted_bytes", "efficiency", "files"}
OTHER = {"digest", "media_type", "artifact_type", "reason"}
# fmt: on

SHORTER = ("images", "history", "layers", "verify", "waste")
"""Commands whose documents have the keys of analyze's, fewer of them."""


def image_of_everything() -> ImageBuilder:
    """Something for every key: a finding, two layers, steps with and without one, waste."""
    return (
        ImageBuilder("example/app:1.2.3")
        .layer(TarBuilder().file("data/big", bytes(60_000)), created_by="RUN make")
        .empty("CMD sh", comment="by hand")
        .layer(TarBuilder().whiteout("data/big").whiteout("gone"), created_by="RUN rm /data/big")
    )


def buildx() -> Path:
    """It has attestations."""
    return ROOT / "fixtures" / "real" / "buildx-multi.oci.tar"


def test_every_key_that_was_promised_of_analyze_is_there(printed: Printed, tmp_path: Path) -> None:
    archive = docker_archive(image_of_everything())
    document = printed("analyze", archive.write_file(tmp_path / "image.tar"))
    assert document.keys() >= TOP | {"other"}
    assert document["schema"] == "oci-inspect/analysis"
    assert document["schema_version"] == "1.0"
    assert document["tool"].keys() >= {"name", "version"}
    assert document["tool"]["name"] == "oci-inspect"
    assert document["archive"].keys() >= ARCHIVE
    (image,) = document["images"]
    assert image.keys() >= IMAGE
    assert image["platform"].keys() >= PLATFORM
    assert image["totals"].keys() >= TOTALS
    for key, promised, count in (
        ("findings", FINDING, 1),
        ("layers", LAYER, 2),
        ("history", STEP, 3),
        ("waste", DEAD, 1),
    ):
        assert len(image[key]) == count
        for one in image[key]:
            assert one.keys() >= promised
    (waste,) = image["waste"]
    assert waste == {
        "paths": ["data/big"],
        "layer_index": 0,
        "removed_in": 1,
        "bytes": 60_000,
        "reason": "deleted",
    }
    attested = printed("analyze", buildx())
    assert [one["reason"] for one in attested["other"]] == ["attestation"] * 2
    for one in attested["other"]:
        assert one.keys() >= OTHER


@pytest.mark.parametrize("command", SHORTER)
def test_shorter_documents_have_the_same_keys_with_the_same_values(
    command: str, printed: Printed, tmp_path: Path
) -> None:
    path = docker_archive(image_of_everything()).write_file(tmp_path / "image.tar")
    whole, part = printed("analyze", path), printed(command, path)
    assert part.keys() >= TOP
    assert part["schema"] == f"oci-inspect/{command}"
    for key in ("schema_version", "tool", "archive"):
        assert part[key] == whole[key]
    (all_of_it,), (some_of_it,) = whole["images"], part["images"]
    assert some_of_it.keys() >= IDENTITY
    shared = some_of_it.keys() & all_of_it.keys()
    for key in shared:
        assert_part(some_of_it[key], all_of_it[key])
    about = {"history": "history", "layers": "layers", "verify": "verified", "waste": "waste"}
    assert about.get(command, "totals") in shared


def assert_part(some: Any, whole: Any) -> None:
    """Equal, but for keys that the shorter one leaves out."""
    if isinstance(some, dict):
        assert some.keys() <= whole.keys()
        for key, value in some.items():
            assert_part(value, whole[key])
    elif isinstance(some, list):
        assert len(some) == len(whole)
        for one, other in zip(some, whole, strict=True):
            assert_part(one, other)
    else:
        assert some == whole


def test_a_key_that_is_not_described_is_found_anywhere(printed: Printed, tmp_path: Path) -> None:
    path = docker_archive(image_of_everything()).write_file(tmp_path / "image.tar")
    document = printed("analyze", path)
    check = VALIDATORS["analyze"].is_valid
    assert check(document)
    image = document["images"][0]
    places = [document, document["tool"], document["archive"], image, image["platform"]]
    places += [image[key][0] for key in ("findings", "layers", "history", "waste")]
    for place in places:
        place["undescribed"] = 1
        assert not check(document)
        del place["undescribed"]
    assert check(document)


# Paths that are no text


@pytest.mark.parametrize("command", ["analyze", "waste"])
def test_a_path_that_is_not_utf_8_is_shown_and_added_in_base64(
    command: str, printed: Printed, tmp_path: Path
) -> None:
    base = TarBuilder().file(b"caf\xe9/\xff", b"333").file("café/a\\xff", b"22").file("x", b"1")
    base.hardlink(b"\x80", "x")
    above = TarBuilder().whiteout(b"caf\xe9/\xff").whiteout("café/a\\xff")
    above.whiteout("x").whiteout(b"\x80")
    image = ImageBuilder("a:1").layer(base).layer(above)
    document = printed(command, docker_archive(image).write_file(tmp_path / "image.tar"))
    VALIDATORS[command].validate(document)
    first, second, third = document["images"][0]["waste"]
    assert first["paths"] == [r"caf\xe9/\xff"]
    assert first["path_bytes"] == [base64.b64encode(b"caf\xe9/\xff").decode()]
    assert second["paths"] == ["café/a\\xff"]
    assert "path_bytes" not in second
    assert sorted(third["paths"]) == [r"\x80", "x"]
    assert sorted(map(base64.b64decode, third["path_bytes"])) == [b"x", b"\x80"]
    if command == "waste":
        groups = document["images"][0]["groups"]
        assert groups[0]["path"] == r"caf\xe9/\xff"
        assert base64.b64decode(groups[0]["path_bytes"]) == b"caf\xe9/\xff"
        assert "path_bytes" not in groups[1]
