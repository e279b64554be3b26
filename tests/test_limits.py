"""Every limit, by one table: what just fits is read, what is one over is told with its flag.

Each case is an archive that needs exactly ``enough`` of one limit, counted by hand. With that much
nothing is said of limits; with one less every way in says so: the number that was met, the limit,
the flag that raises it, exit code 3, and nothing calls itself complete or verified.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import pytest
import zstandard
from support.images import (
    OCI_INDEX,
    OCI_LAYER,
    Archive,
    BuiltLayer,
    ImageBuilder,
    compress,
    descriptor,
    docker_archive,
    oci_layout,
    to_json,
)
from support.tars import TarBuilder, entry, gnu_long, gnu_sparse, pax, pax_record

from oci_inspect import LimitExceededError, Limits, OciInspectError, analyze
from oci_inspect.cli import run as run_command_line
from oci_inspect.limits import MIB
from oci_inspect.spec.weight import json_weight, value_weight

NAMES = [field.name for field in fields(Limits)]
DOCS = Path(__file__).parent.parent / "docs" / "limits.md"


@dataclass(frozen=True)
class Case:
    """An archive that needs ``enough`` of a limit, and the command that looks (``FILE`` is it).

    ``told`` is the number that is named when ``less`` (one less, unless said) is allowed, ``flag``
    the limit that is named, where that is another. ``more`` are further limits to set.
    """

    make: Callable[[], Archive]
    enough: int
    command: tuple[str, ...] = ("analyze", "FILE", "--format", "json")
    told: int | None = None
    less: int | None = None
    flag: str | None = None
    compression: str = "none"
    more: tuple[str, ...] = ()


def image(*layers: TarBuilder | bytes, compression: str = "none") -> Archive:
    made = ImageBuilder("a:1")
    for layer in layers:
        made.layer(layer, compression=compression)
    return docker_archive(made)


def one_file() -> ImageBuilder:
    return ImageBuilder("a:1").layer(TarBuilder().file("a", b"1"))


def labelled() -> ImageBuilder:
    return ImageBuilder("a:1", run={"Labels": {"a": "x" * 5_000}}).layer(TarBuilder().file("a"))


def nested(depth: int) -> Archive:
    value: list = []
    for _ in range(depth - 2):  # itself and the config around it are a level each
        value = [value]
    return docker_archive(one_file().patch_config(lambda config: config.update(x=value)))


def index_in_an_index() -> Archive:
    archive = oci_layout(one_file(), nested=True)
    inner = archive.json("index.json")["manifests"]
    outer = to_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": inner})
    archive.add_blob(outer)
    told = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor(OCI_INDEX, outer)]}
    return archive.drop("index.json").add_json("index.json", told)


def three_images() -> Archive:
    return oci_layout(*(ImageBuilder(f"a:{i}").layer(TarBuilder().file(str(i))) for i in range(3)))


def wide_window() -> Archive:
    made = one_file()
    packer = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(window_log=24)
    ).compressobj()
    blob = packer.compress(made.layers[0].tar) + packer.flush()
    made.layers[0] = BuiltLayer(made.layers[0].tar, blob, OCI_LAYER + "+zstd", "")
    return oci_layout(made)


def zeros() -> TarBuilder:
    return TarBuilder().file("zeros", bytes(200_000))


def links() -> TarBuilder:
    layer = TarBuilder().file("l0", b"end")
    for i in range(5):
        layer.symlink(f"l{i + 1}", f"l{i}")
    return layer


def read_before(archive: Archive) -> int:
    """What the documents beside the config take: their text and their values."""
    documents = [archive[name] for name in ("manifest.json", "repositories")]
    return sum(len(data) + value_weight(json.loads(data)) for data in documents)


ATTRIBUTE = b"x" * 94  # with user.a in front of it a hundred bytes
COMMENT = pax_record(b"comment", b"c" * 3_000)
REGIONS = [(i * 4_096, 1) for i in range(25)]  # four in the header, 21 in the block behind it
LAYER = TarBuilder().file("a", b"1" * 3_000)
PACKED = image(zeros(), compression="gzip")
RATIO = -(-len(zeros().build()) // len(compress(zeros().build(), "gzip")))

CASES: dict[str, Case] = {
    "json_bytes": Case(lambda: docker_archive(labelled()), len(labelled().config)),
    "json_depth": Case(lambda: nested(20), 20),
    "json_memory": Case(
        lambda: docker_archive(one_file()),
        # The last document as it is foretold, those before it and a layer as they are.
        json_weight(one_file().config) + 2 * 500 + read_before(docker_archive(one_file())),
    ),
    "kept_bytes": Case(
        lambda: docker_archive(one_file()),
        # Documents, and empty members; the layer and the like are kept beside them.
        sum(len(o.data) for o in docker_archive(one_file()).members if o.data[:1] in b"{["),
        compression="gzip",
    ),
    "members": Case(lambda: docker_archive(one_file()), len(docker_archive(one_file()).members)),
    "index_nodes": Case(three_images, 3),
    "index_depth": Case(index_in_an_index, 3),  # index.json is the first
    "header_bytes": Case(
        lambda: image(pax(COMMENT) + TarBuilder().file("a").build()), len(COMMENT)
    ),
    "headers_in_row": Case(
        lambda: image(
            pax({b"comment": b"1"}, type=b"g")
            + gnu_long(b"K", b"l")
            + gnu_long(b"L", b"n")
            + pax({b"comment": b"1"})
            + TarBuilder().file("n").build()
        ),
        4,
    ),
    "xattr_bytes": Case(
        lambda: image(pax({b"SCHILY.xattr.user.a": ATTRIBUTE}) + TarBuilder().file("a").build()),
        100,
    ),
    "metadata_bytes": Case(
        # Of each entry what is kept of its path, its target and its attributes; a hundred are free.
        lambda: image(
            # a folder of 59 bytes and a name of 240; a name of 1 and a target of 400
            TarBuilder().file("a/" * 30 + "b" * 240).symlink("s", "t/" * 200).file("short"),
            # a name of 1 and an attribute, which takes 200 more than its hundred; an equal one
            (pax({b"SCHILY.xattr.user.a": ATTRIBUTE}) + entry(b"a"))
            + (pax({b"SCHILY.xattr.user.a": ATTRIBUTE}) + entry(b"b"))
            + TarBuilder().file("d").build(),
        ),
        199 + 301 + 201,
    ),
    "sparse_regions": Case(
        lambda: image(
            gnu_sparse(b"s", REGIONS, b"x" * 25, 25 * 4_096) + TarBuilder().file("c").build()
        ),
        25,
    ),
    "path_bytes": Case(lambda: image(TarBuilder().file("/".join(["x" * 99] * 3))), 299),
    "path_part_bytes": Case(lambda: image(TarBuilder().file("a/" + "x" * 99)), 99),
    "path_depth": Case(lambda: image(TarBuilder().file("a/" * 9 + "f")), 10),
    "entries": Case(
        lambda: image(TarBuilder().file("a").file("b"), TarBuilder().file("c").file("d").file("e")),
        5,
    ),
    "implied_folders": Case(lambda: image(TarBuilder().file("a/b/f").file("a/c/f")), 3),
    "layers": Case(lambda: image(*(TarBuilder().file(str(i)) for i in range(4))), 4),
    "layer_bytes": Case(lambda: image(LAYER), len(LAYER.build())),
    "expansion_ratio": Case(lambda: PACKED, RATIO, more=("expansion_floor=1000",)),
    "expansion_floor": Case(
        lambda: PACKED,
        len(zeros().build()),
        told=RATIO,
        flag="expansion_ratio",
        more=("expansion_ratio=9",),
    ),
    "zstd_window": Case(wide_window, 1 << 24),
    "xz_memory": Case(
        lambda: image(LAYER, compression="xz"), 16 * MIB, less=1_000_000, told=1_000_001
    ),
    "links": Case(lambda: image(links()), 5, command=("cat", "FILE", "l5")),
    "link_bytes": Case(
        # 50 for the text of the link, 49 for the path that is as much longer
        lambda: image(TarBuilder().dir("x" * 50).symlink("s", "x" * 50).file("s/f")),
        99,
    ),
    "extracted_file_bytes": Case(
        lambda: image(TarBuilder().file("a", bytes(1_234))),
        1_234,
        command=("extract", "FILE", "-C", "OUT"),
    ),
    "extracted_bytes": Case(
        lambda: image(TarBuilder().file("a", bytes(1_000)).file("b", bytes(234))),
        1_234,
        command=("extract", "FILE", "-C", "OUT"),
    ),
}


def test_every_limit_has_a_case_and_a_line_in_the_docs():
    assert list(CASES) == NAMES
    told = re.findall(r"^\| `(\w+)` \|", DOCS.read_text("utf-8"), re.MULTILINE)
    assert told == NAMES


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    """A sentence that is looked for must not be wrapped."""
    monkeypatch.setenv("COLUMNS", "400")


@pytest.fixture(name="run")
def _run(tmp_path, capsysbinary):
    def run(name: str, value: int, *command: str) -> tuple[int, str, str]:
        case = CASES[name]
        path = tmp_path / "image.tar"
        case.make().write_file(path, case.compression)
        places = {"FILE": str(path), "OUT": str(tmp_path / f"out{value}")}
        words = [places.get(one, one) for one in command or case.command]
        settings = [*case.more, f"{name}={value}"]
        words += [word for one in settings for word in ("--limit", one)]
        code = run_command_line([*words, "--no-cache"])
        done = capsysbinary.readouterr()
        return code, done.out.decode(), done.err.decode()

    return run


@pytest.mark.parametrize("name", NAMES)
def test_as_much_as_the_limit_is_read(name, run):
    case = CASES[name]
    code, out, err = run(name, case.enough)
    assert (code, err) == (0, "")
    assert "limit-exceeded" not in out and "--limit" not in out
    if case.command[0] == "analyze":
        assert all(one["complete"] for one in json.loads(out)["images"])


@pytest.mark.parametrize("name", NAMES)
def test_one_more_is_told_with_the_number_the_limit_and_the_flag(name, run):
    case = CASES[name]
    less = case.enough - 1 if case.less is None else case.less
    code, out, err = run(name, less)
    assert code == 3
    assert "Traceback" not in err
    flag = case.flag or name
    met = case.enough if case.told is None else case.told
    most = less if case.flag is None else 9
    words = f"{met:,} is over the limit of {most:,}"
    if out and case.command[0] == "analyze":
        document = json.loads(out)
        everything = [
            *document["findings"],
            *(f for i in document["images"] for f in i["findings"]),
        ]
        told = [one for one in everything if one["rule"] == "limit-exceeded"]
        assert told and {one["severity"] for one in told} == {"error"}
        text = " ".join(one["message"] for one in told)
        assert document["complete"] is False
        assert not any(one["verified"] and not one["complete"] for one in document["images"])
    else:
        assert out == "" and err.count("\n") == 1
        text = err
    assert words in text
    assert f"--limit {flag}=N" in text


@pytest.mark.parametrize(
    "name",
    [one for one in NAMES if CASES[one].command[0] == "analyze" and CASES[one].less is None],
)
def test_the_library_and_the_verdict_know_it_as_well(name, run, tmp_path):
    case = CASES[name]
    code, out, err = run(name, case.enough - 1, "verify", "FILE")
    assert code == 3
    assert f"--limit {case.flag or name}=N" in " ".join((out + err).split())  # it may be wrapped
    settings = dict(one.split("=") for one in case.more) | {name: case.enough - 1}
    limits = Limits(**{key: int(value) for key, value in settings.items()})
    try:
        found = analyze(tmp_path / "image.tar", limits=limits)
    except OciInspectError as error:
        assert f"{case.enough:,} is over the limit of {case.enough - 1:,}" in str(error)
        if isinstance(error, LimitExceededError):
            assert (error.limit, error.maximum) == (name, case.enough - 1)
            assert error.actual == case.enough
    else:
        assert found.limit_exceeded and not found.ok
    settings[name] = case.enough
    assert analyze(
        tmp_path / "image.tar", limits=Limits(**{k: int(v) for k, v in settings.items()})
    ).ok


@pytest.mark.parametrize(
    "words",
    [
        *(["analyze"], ["analyze", "-q"], ["verify"], ["verify", "-q"], ["waste"], ["waste", "-q"]),
        *(["layers"], ["layers", "--format", "csv"], ["history"], ["dockerfile"], ["images"]),
        *(["report"], ["report", "--format", "svg"], ["check", "--no-config", "--max-layers", "9"]),
        *(["compare", "FILE"], ["compare", "FILE", "--format", "html"], ["ls"], ["df"]),
    ],
    ids=" ".join,
)
def test_every_command_names_the_limit_that_it_met(tmp_path, capsysbinary, words):
    path = tmp_path / "image.tar"
    image(TarBuilder().file("a").file("b").file("c")).write_file(path)
    more = [str(path) if one == "FILE" else one for one in words[1:]]
    code = run_command_line([words[0], str(path), *more, "--limit", "entries=2", "--no-cache"])
    done = capsysbinary.readouterr()
    assert code == 3
    told = b" ".join((done.out + done.err).split())  # it may be wrapped
    assert b"3 is over the limit of 2 for entries" in told
    assert b"--limit entries=N" in told
