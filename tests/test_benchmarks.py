"""The benchmark measures what it says: its data is intact, its floors do all the work they stand
for, and its ratios are ratios. No time is asserted anywhere."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from oci_inspect import analyze, disk_usage

sys.path.append(str(Path(__file__).parent.parent))  # benchmarks/ is not installed

from benchmarks import before_after, floors, headers, peers, report, scripts, timing, usage
from benchmarks.clock import Clock
from benchmarks.datasets import DATASETS, Data, deletions, describe, layer_blobs
from benchmarks.huge import write_huge
from benchmarks.layers import LARGE_FILE
from benchmarks.memory import Look, Memory
from benchmarks.rows import Goal, Heading, Row, compare
from benchmarks.tars import TarWriter, header
from benchmarks.timing import RunFailedError, Sample, Series, take_turns

ARCHIVES = [
    (name, how)
    for name, dataset in DATASETS.items()
    for how in dataset.compressions
    if name != "big"  # as write_huge() below, which is tested
]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return Data(tmp_path_factory.mktemp("data"), quick=True)


@pytest.mark.parametrize(("name", "how"), ARCHIVES)
def test_every_archive_is_intact_and_nothing_is_wrong_with_it(data, name, how):
    analysis = analyze(data.archive(name, how))
    (image,) = analysis.images
    assert image.verified and image.complete
    assert not analysis.findings and not image.findings
    assert len(image.layers) == len(layer_blobs(data.archive(name, how)))


@pytest.mark.parametrize("name", sorted(DATASETS.keys() - {"big", "wide"}))
def test_tarfile_reads_the_same_entries(data, name):
    (image,) = analyze(data.archive(name, "none")).images
    answers = scripts.read_archive("plain", data.archive(name, "none"))
    assert [entries for _, _, entries in answers] == [layer.entries for layer in image.layers]


def test_the_same_bytes_are_made_every_time(data, tmp_path):
    again = Data(tmp_path, quick=True)
    for name in ("base", "whiteouts"):
        first, second = data.archive(name, "zstd"), again.archive(name, "zstd")
        assert first.read_bytes() == second.read_bytes()


def test_an_archive_is_made_once(data):
    before = data.archive("tiny", "gzip").stat().st_mtime_ns
    assert data.archive("tiny", "gzip").stat().st_mtime_ns == before


def test_what_is_left_of_an_image_with_whiteouts_is_what_its_maker_left(data):
    image, count = deletions(quick=True)
    for i in range(count):
        image.write(io.BytesIO(), i)
    living = [name for names in image.living.values() for name in names]
    (analysed,) = analyze(data.archive("whiteouts", "gzip")).images
    assert analysed.totals.files == len(living)
    assert analysed.totals.wasted_bytes > 0


def claims(archive: Path) -> list[tuple[str, str]]:
    """Digest and diff_id of each layer, as the documents of an archive claim them."""
    with tarfile.open(archive) as tar:

        def document(name: str):
            return json.load(tar.extractfile(name))

        listing = document("manifest.json")[0]
        config = document(listing["Config"])
        digests = [Path(name).name.removesuffix(".tar") for name in listing["Layers"]]
    return list(zip(digests, (one[7:] for one in config["rootfs"]["diff_ids"]), strict=True))


@pytest.mark.parametrize("kind", ["layers", "pipeline"])
@pytest.mark.parametrize("how", ["none", "gzip", "zstd"])
def test_a_floor_hashes_every_byte_of_blob_and_tar(data, kind, how):
    path = data.archive("base", how)
    with path.open("rb") as file:
        found = floors.digest_all(floors.KINDS[kind], file.fileno(), layer_blobs(path), 2)
    assert found == claims(path)


def test_the_floor_of_a_cached_run_hashes_every_blob(data):
    path = data.archive("base", "gzip")
    with path.open("rb") as file:
        found = floors.digest_all(floors.digest_blob, file.fileno(), layer_blobs(path), 2)
    assert [digest for digest, _ in found] == [digest for digest, _ in claims(path)]


@pytest.mark.parametrize("how", ["none", "gzip"])
def test_of_many_archives_nine_tenths_of_the_layers_are_shared(data, how):
    paths = sorted(data.many(how).iterdir())
    totals = disk_usage(paths).totals
    assert (len(paths), totals.images, totals.layers) == (50, 50, 1000)
    assert totals.distinct_layers == totals.distinct_digests == 18 + 50 * 2
    assert usage.digest_each(paths, 2, Clock()) == 1000


def test_floors_work_without_isal(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "isal", None)
    path = data.archive("base", "gzip")
    for kind in (floors.digest_layer, floors.digest_pipeline):
        with path.open("rb") as file:
            assert floors.digest_all(kind, file.fileno(), layer_blobs(path), 1) == claims(path)


@pytest.mark.parametrize("kind", ["plain", "careful"])
@pytest.mark.parametrize("how", ["none", "gzip", "zstd"])
def test_a_script_finds_both_digests_and_all_entries(data, kind, how):
    path = data.archive("small", how)
    answers = scripts.read_archive(kind, path)
    assert [answer[:2] for answer in answers] == claims(path)
    # 2,000 files in folders of 40, and three folders above those.
    assert [answer[2] for answer in answers] == [2_000 + 50 + 3] * 2


@pytest.mark.parametrize("size", [0, 1, 8**11 - 1, 8**11, 10**13])
def test_a_header_says_what_tarfile_reads_in_it(size):
    info = tarfile.TarInfo.frombuf(
        header(b"some/file", size, b"0", 1_700_000_000), "utf-8", "strict"
    )
    assert (info.name, info.size, info.mtime, info.mode) == (
        "some/file",
        size,
        1_700_000_000,
        0o644,
    )
    assert info.isreg()
    assert tarfile.TarInfo.frombuf(header(b"some/", 0, b"5"), "utf-8", "strict").isdir()


def test_a_writer_holds_contents_to_their_header():
    tar = TarWriter(io.BytesIO())
    tar.begin(b"a", 3)
    tar.content(b"ab")
    with pytest.raises(ValueError, match="less content"):
        tar.close()
    with pytest.raises(ValueError, match="more content"):
        tar.content(b"cd")
    with pytest.raises(ValueError, match="a name of 101 bytes"):
        header(b"n" * 101)


def test_headers_are_walked_by_both_over_the_same_entries(data):
    for tar in (headers.first_layer(data.archive("small", "none")), headers.empty_files(90)):
        entries = headers.by_tarfile(tar, Clock())
        assert headers.by_us(tar, Clock()) == entries
    assert entries == 90 + 3 + 3  # with folders of 40, and three above those


def test_a_huge_layer_is_intact(tmp_path):
    path = tmp_path / "huge.tar"
    with path.open("wb") as file:
        write_huge(file, 0.001)
    (image,) = analyze(path).images
    assert image.verified and not image.findings
    assert image.totals.file_bytes == LARGE_FILE


def test_a_data_set_is_described_by_what_it_holds(data):
    size = sum(blob.size for blob in layer_blobs(data.archive("base", "none"))) / 1e6
    assert describe(data.archive("base", "none")) == f"base none: 5 layers, {size:.1f} MB"
    assert describe(data.archive("one", "zstd")).startswith("one zstd: 1 layer, ")


def runner(log: list[str], label: str, times: list[float]):
    def run() -> Sample:
        log.append(label)
        return Sample(times.pop(0), 0.0)

    return run


def test_contestants_take_turns_there_and_back_and_the_first_run_does_not_count():
    log: list[str] = []
    runs = {"a": runner(log, "a", [9, 1, 2, 30]), "b": runner(log, "b", [9, 4, 5, 6])}
    series, failed = take_turns(runs, 3)
    assert "".join(log) == "ba" + "ab" + "ba" + "ab"
    assert (series["a"].seconds, series["b"].seconds) == (2, 5)
    assert [one.seconds for one in series["a"].samples] == [1, 2, 30]
    assert not failed


def test_who_fails_once_is_out():
    log: list[str] = []

    def fail() -> Sample:
        log.append("b")
        raise RunFailedError("no such format")

    series, failed = take_turns({"a": runner(log, "a", [1, 1, 1]), "b": fail}, 2)
    assert failed == {"b": "no such format"}
    assert list(series) == ["a"]
    assert log.count("b") == 1


def test_a_command_that_fails_says_why_in_its_last_line():
    with pytest.raises(RunFailedError, match=r"^so it is$"):
        timing.process([sys.executable, "-c", "raise SystemExit('because\\nso it is')"])()


def test_a_program_that_writes_gets_a_fresh_folder_and_leaves_nothing(tmp_path):
    seen = []

    def command(into: Path) -> list[object]:
        seen.append(into)
        return [sys.executable, "-c", "import sys; open(sys.argv[1], 'w')", into / "file"]

    run = timing.process_in(tmp_path, command)
    run()
    run()
    assert len(set(seen)) == 2
    assert not list(tmp_path.iterdir())


def test_a_ratio_is_of_medians_and_can_be_turned_round():
    ours = Series("ours", (Sample(1.0, 4.0), Sample(2.0, 5.0), Sample(9.0, 6.0)))
    other = Series("floor", (Sample(1.5, 2.0), Sample(1.6, 2.0), Sample(1.7, 2.0)))
    row = compare("x", ours, other, goal=Goal(1.25))
    assert (row.ratio, row.cpu_ratio, row.met) == (1.25, 2.5, True)
    assert compare("x", ours, other, goal=Goal(1.24)).met is False
    turned = compare("x", ours, other, goal=Goal(4, at_least=True), faster=True)
    assert (turned.ratio, turned.met) == (0.8, False)
    assert compare("x", ours, other, unit="us").ours == 2_000_000


def test_a_goal_can_be_of_our_own_figure_and_two_figures_of_one_run_have_no_ratio():
    assert Row("x", 2.4, unit="us", goal=Goal(2.5, absolute=True)).met is True
    peak = Row("x", 300.0, 20.0, "MiB", goal=Goal(256, absolute=True), compared=False)
    assert (peak.ratio, peak.met) == (None, False)
    assert Row("x", note="not installed", goal=Goal(1)).met is None
    assert Goal(4, at_least=True).met(4) and Goal(4).met(4)


def test_the_table_fits_100_columns_and_marks_its_goals():
    ours = Series("ours", (Sample(123.456, 100.0),))
    rows = [
        compare("short", ours, ours, goal=Goal(1.25)),
        compare("long " * 18, ours, ours, goal=Goal(4, at_least=True), faster=True),
        Row("missing", note="not installed, " * 20),
    ]
    over = Heading("group", "title", ("ours", "floor"))
    lines = report.heading(over)
    for row in rows:
        lines += report.lines(row)
    assert max(map(len, lines)) <= 100
    assert any(line.startswith("  short") and line.endswith("<= 1.25 met") for line in lines)
    assert any(line.endswith("1.0x   1.0x  >= 4    MISSED") for line in lines)
    text = report.summary([(over, rows)])
    assert text.startswith("1 of 2 goals met; missed:")
    table = report.markdown([(over, rows)]).splitlines()
    assert "| short | 123.456 s | 123.456 s | 1.00 | 1.00 | <= 1.25 |" in table
    assert table[-1].endswith(" | 1.0x | 1.0x | >= 4, missed |")


def test_the_document_holds_every_run():
    ours = Series("ours", (Sample(1.0, 1.5), Sample(3.0, 2.5)))
    floor = Series("floor", (Sample(1.0, 1.0), Sample(1.0, 1.0)))
    over = Heading("g", "t", ("ours", "floor"))
    document = report.document({"cores": 2}, [(over, [compare("x", ours, floor)])])
    (row,) = json.loads(json.dumps(document))["groups"][0]["rows"]
    assert row["samples"]["ours"] == {"seconds": [1.0, 3.0], "cpu": [1.5, 2.5]}
    assert (row["ours"], row["other"], row["ratio"]) == (2.0, 1.0, 2.0)


def test_memory_is_told_by_the_share_of_bytes_that_were_read():
    looks = (Look(0.1, 0, 5), Look(0.2, 40, 20), Look(0.3, 60, 30), Look(0.4, 100, 25))
    memory = Memory(1000, looks, ((0.15, "early"), (0.3, "half")))
    assert memory.anonymous == 30
    assert memory.at(0.5) == looks[2]
    assert (memory.told_at(0.3), memory.told_at(0.2), memory.told_at(0.1)) == ("half", "early", "")
    assert Memory(1000, ()).at(0.5) is None


def test_a_program_of_its_own_environment_comes_first(tmp_path, monkeypatch):
    peer = next(one for one in peers.PEERS if one.program == "container_inspector")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert peers.find(peer, tmp_path) is None
    program = tmp_path / "peers" / "bin" / peer.program
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho container version 12.3.4-debian\n")
    program.chmod(0o755)
    assert peers.find(peer, tmp_path) == str(program)
    assert peers.version(str(program)) == "12.3.4"


def test_blobs_lie_where_the_archive_says(data):
    path = data.archive("small", "zstd")
    for blob, (digest, _) in zip(layer_blobs(path), claims(path), strict=True):
        with path.open("rb") as file:
            file.seek(blob.offset)
            assert hashlib.sha256(file.read(blob.size)).hexdigest() == digest


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A repository whose package prints a word, one in the commit and one in the tree."""
    root = tmp_path_factory.mktemp("history")
    package = root / "oci_inspect"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("print('before')\n")
    (root / "other").write_text("not of the package\n")
    who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "one"]):
        try:
            subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("git makes no repository here")
    (package / "__main__.py").write_text("print('now')\n")
    return root


def test_what_was_before_is_the_package_of_the_commit_and_runs_in_its_folder(history, tmp_path):
    commit = before_after.unpack("HEAD", tmp_path / "before", history)
    assert 4 <= len(commit) <= 40
    assert sorted(one.name for one in (tmp_path / "before").iterdir()) == ["oci_inspect"]
    said = [
        timing._run([sys.executable, "-m", "oci_inspect"], subprocess.PIPE, folder)[0]
        for folder in (tmp_path / "before", history)
    ]
    assert said == [b"before\n", b"now\n"]


def test_a_revision_that_is_none_is_told(history, tmp_path):
    for wrong in ("no-such-branch", "--output=x", ""):
        with pytest.raises(ValueError, match="git knows no such commit here"):
            before_after.unpack(wrong, tmp_path, history)
    assert list(tmp_path.iterdir()) == []


def test_a_tree_that_works_longer_is_told_by_the_ratio(data, tmp_path):
    """By twenty million steps against a thousand: no clock is so wrong."""
    slow, fast = tmp_path / "slow", tmp_path / "fast"
    for folder, work in ((slow, "sum(range(20_000_000))"), (fast, "sum(range(1000))")):
        (folder / "oci_inspect").mkdir(parents=True)
        (folder / "oci_inspect" / "__init__.py").touch()
        (folder / "oci_inspect" / "__main__.py").write_text(work + "\n")
    rows = list(before_after.measure(data, ["tiny"], fast, rounds=1, jobs=1, now=slow))
    assert [row.what.partition(":")[0] for row in rows] == ["tiny none", "tiny gzip", "tiny zstd"]
    assert all(row.cpu_ratio > 2 for row in rows)
    assert [one.label for one in rows[0].series] == ["now", "before"]


def test_the_mean_of_ratios_is_the_geometric_one():
    def row(now: float, cpu: float) -> Row:
        before = Series("before", (Sample(1.0, 1.0),))
        return compare("x", Series("now", (Sample(now, cpu),)), before)

    assert before_after.together([row(2.0, 0.5), row(0.5, 0.5)]) == (
        "on average 1.000 on the clock, 0.500 of processor time"
    )
