"""The eight promises of HOSTILE.md, each by name.

A class for each promise. Where a promise has more tests elsewhere, the class says where, and shows
here that it holds over a part of the corpus, or over the worst of it.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hostile.bombs import (
    BOMBS,
    document,
    entries,
    gzip_of,
    keys,
    layers,
    many_members,
    numbered,
    pack_gzip,
    two_layers,
)
from hostile.cases import Case, docker
from hostile.commands import WAYS, Way
from hostile.corpus import CASES
from hostile.measure import PER_ENTRY, promised, take, words
from hostile.outputs import problems
from hostile.running import run
from hostile.test_corpus import SLOW, findings
from hostile.texts import ALL, encodable, every_trick
from support.archives import delivered
from support.counting import calls
from support.forks import Forks
from support.images import Archive, skippable
from support.moments import Place, busy_archive
from support.tars import END
from support.trees import snapshot

ROOT = Path(__file__).parent.parent.parent
REAL = ROOT / "fixtures" / "real"
LASTING = [case for case in CASES.values() if case.fresh is None]
"""Cases that stay where they are written."""


def some(count: int, seed: str) -> list[Case]:
    """A part of the corpus, some of each theme; all of it in the slow mode."""
    if SLOW:
        return LASTING
    chosen: list[Case] = []
    for theme in sorted({case.name.partition("/")[0] for case in LASTING}):
        own = [case for case in LASTING if case.name.startswith(theme + "/")]
        chosen += random.Random(seed + theme).sample(own, min(count, len(own)))
    return chosen


def written(cases: Sequence[Case], folder: Path) -> Iterator[tuple[Case, str]]:
    for number, case in enumerate(cases):
        place = folder / str(number)
        place.mkdir()
        yield case, str(case.write(place))


class TestNothingIsExecutedAndTheNetworkIsNotUsed:
    """Promise 1. Everything is looked at from the first import of the program on."""

    WATCH = """
import sys
seen = []
BAD = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system",
       "os.startfile", "pickle.", "marshal.", "ctypes.", "pty.", "shutil.unpack", "urllib.",
       "ftplib.", "http.", "smtplib.", "webbrowser.", "code.__new__", "cpython.run_")
def watch(event, arguments):
    if event.startswith(BAD) or event in ("compile", "exec"):
        if event.startswith("marshal.") or event in ("compile", "exec", "code.__new__"):
            # The import system does these for modules: is it an import?
            frame = sys._getframe(1)
            while frame is not None:
                if frame.f_code.co_filename.startswith("<frozen importlib"):
                    return
                module = frame.f_globals.get("__name__")
                if module in MADE_OF_CODE or (module == "jinja2.environment" and ours(arguments)):
                    return
                frame = frame.f_back
        seen.append(f"{event} {arguments!r:.200}")
def ours(arguments):
    # Jinja2 makes code of templates: of those of the package, and of nothing else?
    name = getattr(arguments[0], "co_filename", None) or str(arguments[-1])
    return "/oci_inspect/render/html/templates/" in name
# The standard library makes the classes of named tuples and of data classes of text.
MADE_OF_CODE = ("collections", "dataclasses", "typing", "re", "re._compiler")
sys.addaudithook(watch)
import gzip
import json
from oci_inspect.cli import run
for words in json.load(sys.stdin):
    code = run(words)
    if code not in (0, 1, 2, 3):
        seen.append(f"exit code {code}")
sys.stdout.flush()
print("SEEN", json.dumps(seen), file=sys.stderr)
"""

    def watched(self, lines: list[list[str]], script: str = "") -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", self.WATCH + script],
            input=json.dumps(lines).encode(),
            capture_output=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=ROOT,
            check=False,
        )
        told = done.stderr.decode().rpartition("SEEN ")[2]
        assert done.returncode == 0, done.stderr[-2000:]
        found = json.loads(told.splitlines()[0])
        assert isinstance(found, list)
        return found

    def lines(self, folder: Path, count: int) -> list[list[str]]:
        other = folder / "other.tar"
        other.write_bytes(docker().tar())
        found = []
        for number, (case, path) in enumerate(written(some(count, "audit"), folder)):
            way = WAYS[number % len(WAYS)]
            words = way.words(path, str(other), str(folder / f"to{number}"))
            found += [[*words, *case.options], ["verify", path]]
        return found

    def test_no_event_of_the_interpreter_tells_of_it(self, tmp_path: Path) -> None:
        assert self.watched(self.lines(tmp_path, 25)) == []

    @pytest.mark.parametrize(
        "act",
        [
            "import socket; socket.socket()",
            "import pickle; pickle.loads(b'cos\\ngetcwd\\n.')",
            "import subprocess; subprocess.run(['true'])",
            "import os; os.system('true')",
            "eval('1')",
        ],
    )
    def test_the_watch_would_see_it(self, act: str, tmp_path: Path) -> None:
        told = f"\n{act}\nprint('SEEN', json.dumps(seen), file=sys.stderr)\n"
        assert self.watched([], told) != []

    @pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace here")
    def test_no_call_of_the_system_starts_a_program_or_a_connection(self, tmp_path: Path) -> None:
        lines = self.lines(tmp_path, 8)
        script = "import json, sys\nfrom oci_inspect.cli import run\n"
        script += "for words in json.load(sys.stdin): run(words)"
        log = tmp_path / "log"
        command = ["strace", "-f", "-qq", "-o", str(log), "-e", "trace=%process,%network"]
        done = subprocess.run(
            [*command, sys.executable, "-c", script],
            input=json.dumps(lines).encode(),
            capture_output=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=False,
        )
        if b"ptrace" in done.stderr and b"not permitted" in done.stderr:
            pytest.skip("strace may not trace here")
        assert done.returncode == 0, done.stderr[-2000:]
        calls = [line.split(maxsplit=1)[1] for line in log.read_text().splitlines()]
        assert sum(call.startswith("execve(") for call in calls) == 1
        harmless = (
            "execve(",
            "exit",
            "clone",
            "wait",
            "+++",
            "---",
            "<...",
            "rt_",
            "set_",
            "futex",
        )
        assert [call for call in calls if not call.startswith(harmless)] == []
        # Threads are clones; a process would not share its memory.
        assert all("CLONE_VM" in call for call in calls if call.startswith("clone"))


class TestReadingWritesNothing:
    """Promise 2. What extraction writes, and where: tests/extraction/test_hostile.py."""

    def test_nothing_around_changes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """But the folder that ``extract`` was given, which lies elsewhere, and the cache."""
        world, elsewhere = tmp_path / "world", tmp_path / "elsewhere"
        for folder in ("inputs", "home", "work", "tmp"):
            (world / folder).mkdir(parents=True)
        elsewhere.mkdir()
        other = world / "other.tar"
        other.write_bytes(docker().tar())
        (world / "work" / "file").write_bytes(b"mine")
        (world / "work" / "link").symlink_to("file")
        inputs = list(written(some(25, "writes"), world / "inputs"))
        monkeypatch.chdir(world / "work")
        monkeypatch.setenv("HOME", str(world / "home"))
        monkeypatch.setenv("TMPDIR", str(world / "tmp"))
        monkeypatch.setenv("OCI_INSPECT_CACHE_DIR", str(elsewhere / "cache"))
        before = snapshot(world)
        for number, (case, path) in enumerate(inputs):
            for way in WAYS if SLOW else [WAYS[number % len(WAYS)], EXTRACT]:
                to = str(elsewhere / f"{number}{WAYS.index(way) if way in WAYS else ''}")
                run([*way.words(path, str(other), to), *case.options])
        assert snapshot(world) == before


VERIFY = Way("verify", "json", ())
EXTRACT = Way("extract", "json", ("-C", "FOLDER", "--force", "--special", "--image", "@0"))


class TestMemory:
    """Promise 3, by the kernel's account. Every bomb: test_bombs.py; piece by piece:
    tests/test_bounds.py."""

    def test_what_expands_to_gigabytes_takes_no_more_than_what_does_not(
        self, tmp_path: Path
    ) -> None:
        bomb = BOMBS["gzip"].write(tmp_path)
        assert bomb.stat().st_size < 8 << 20
        taken = take(words("verify", bomb, tmp_path))
        assert taken.code == 3 and "Traceback" not in taken.err, taken  # it meets a limit
        assert taken.peak < promised(0), taken

    def test_each_of_many_entries_takes_no_more_than_its_share(self, tmp_path: Path) -> None:
        """By the difference of two archives: 256 MiB are room in which much could hide."""
        peaks = []
        names = list(entries(numbered(250_000)))
        for count in (50_000, 250_000):
            path = tmp_path / f"{count}.tar"
            path.write_bytes(layers(gzip.compress(b"".join(names[-count:]), 1)).tar())
            taken = take(words("analyze", path, tmp_path))
            assert taken.code in (0, 1) and "Traceback" not in taken.err, taken
            assert taken.peak < promised(count)
            peaks.append(taken.peak)
        assert peaks[0] < peaks[1] < peaks[0] + PER_ENTRY * 200_000, peaks


GROWING: dict[str, Callable[[int], Archive | bytes]] = {
    "entries": lambda count: layers(gzip_of(entries(numbered(count)))),
    "opaque whiteouts over files": lambda count: two_layers(count, count // 2),
    "frames with nothing in them": lambda count: layers(skippable(b"") * count, kind="zstd"),
    "gzip members": lambda count: layers(pack_gzip(b"") * count),
    "members of the archive": many_members,
    "keys of a document": lambda count: document("config", keys(count)),
    "layers": lambda count: layers(*[pack_gzip(END)] * (count // 10)),
}
"""Archives by what they have many of."""


class TestEveryInputEnds:
    """Promise 4. Every case of the corpus: test_corpus.py. What comes behind the scans, step by
    step: tests/test_linear.py; each kind of tar: tests/layer/test_hostile_tars.py."""

    def test_in_an_answer_or_in_one_line_before_long(self, tmp_path: Path) -> None:
        """Ten seconds at most, no traceback, an exit code that is documented."""
        other = tmp_path / "other.tar"
        other.write_bytes(docker().tar())
        answers = refusals = 0
        for number, (case, path) in enumerate(written(some(20, "ends"), tmp_path)):
            ways = [VERIFY, *random.Random(case.name).sample(WAYS, 2)]
            for way in ways:
                to = str(tmp_path / f"to{number}")
                outcome = run([*way.words(path, str(other), to), *case.options])
                assert list(problems(way, outcome)) == [], (case.name, way)
                answers += bool(outcome.out)
                refusals += outcome.err.count("\n") == 1 and not outcome.out
        assert answers > 50 and refusals > 50

    @pytest.mark.parametrize("many", GROWING)
    def test_twice_the_input_takes_twice_the_steps(self, many: str, tmp_path: Path) -> None:
        """From the command line to its end. Counted: the same on every machine."""

        def steps(count: int) -> int:
            made = GROWING[many](count)
            path = tmp_path / "x.tar"
            path.write_bytes(made if isinstance(made, bytes) else made.tar())
            line = ["verify", str(path), "--jobs", "1", "--no-cache"]
            outcomes = []
            counted = calls(lambda: outcomes.append(run(line)))
            assert outcomes[0].code in (0, 1), outcomes
            return counted

        steps(100)  # what is imported or remembered at the first time
        few, twice = steps(2_000), steps(4_000)
        assert few < twice <= 2.3 * few


@pytest.fixture(scope="module", name="tricks")
def _tricks(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("tricks") / "tricks.tar"
    path.write_bytes(encodable(every_trick()))
    return str(path)


class TestTextIsEscaped:
    """Promise 5. Each place and each trick by itself: tests/render/test_escape_places.py and
    test_hostile_text.py."""

    @pytest.mark.parametrize("format", sorted({way.format for way in WAYS} - {""}))
    def test_an_archive_of_every_trick_is_read_back_from_every_command(
        self, format: str, tricks: str, tmp_path: Path
    ) -> None:
        """By a parser of that format, and without any character that anything obeys."""
        other = tmp_path / "other.tar"
        other.write_bytes(docker().tar())
        for number, way in enumerate(one for one in WAYS if one.format == format):
            outcome = run(way.words(tricks, str(other), str(tmp_path / str(number))))
            assert list(problems(way, outcome)) == [], way
            quiet = "--quiet" in way.behind
            assert outcome.code in (0, 1) and (outcome.out or quiet), (way, outcome.err)

    def test_the_tricks_arrive(self, tricks: str) -> None:
        """Else there would be nothing to escape: labels as they are in JSON, escaped in text."""
        line = ["inspect", tricks, "--format"]
        told = json.loads(run([*line, "json"]).out)
        (labels,) = [one["config"]["config"]["Labels"] for one in told["images"]]
        assert labels == {f"{one} {text}": text for one, text in ALL.items()}
        shown = run(["ls", "-R", tricks]).out.decode()
        for escaped in (r"\x1b[31mred", r"\u202egnp.exe", r"\x07", "=cmd|"):
            assert escaped in shown


@pytest.fixture(scope="module", name="forks")
def _forks() -> Iterator[Forks]:
    forks = Forks(REAL / "docker26-app.tar")
    yield forks
    forks.close()


@pytest.fixture(scope="module", name="busy")
def _busy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return busy_archive(tmp_path_factory.mktemp("busy"))


class TestFilesAppearWholeOrNotAtAll:
    """Promise 6. Every command and signal, several outputs, extraction: tests/faults."""

    @pytest.mark.parametrize(
        "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name
    )
    @pytest.mark.parametrize("command", ["analyze", "export"])
    def test_a_command_that_is_killed_leaves_the_old_file_or_the_new_one(
        self, number: signal.Signals, command: str, forks: Forks, busy: Path, tmp_path: Path
    ) -> None:
        place = Place(forks, tmp_path)
        path = place.out / "out"
        line = [command, str(busy), "-o", str(path)]
        lasts, done = place.undisturbed(line)
        assert (done.code, done.err) == (0, "")
        whole = path.read_bytes()
        draw = random.Random(f"{command} {number}")
        codes = []
        for moment in range(50 if SLOW else 4):
            path.write_bytes(b"before")
            # A quarter of the time for each of four moments: not all before the first byte.
            delay = lasts * (moment % 4 + draw.random()) / 4
            codes.append(place.ended_by(number, line, delay).code)
            assert path.read_bytes() in (b"before", whole)
            assert codes[-1] or path.read_bytes() == whole
            left = [one for one in place.out.iterdir() if one != path]
            assert left == [] or number == signal.SIGKILL
            for one in left:
                one.unlink()
        assert any(codes), "it was never ended"


class TestNoSilentSuccess:
    """Promise 7. The status of each layer: tests/test_findings_verdict.py."""

    def test_every_image_is_told_verified_or_why_not(self, tmp_path: Path) -> None:
        passed = 0
        for case, path in written(some(30, "silence"), tmp_path):
            outcome = run(["verify", "--format", "json", path, *case.options])
            if not outcome.out:
                assert outcome.code in (2, 3) and outcome.err
                continue
            document = json.loads(outcome.out)
            limited = any(one["rule"] == "limit-exceeded" for one in findings(document))
            for image in document["images"]:
                statuses = {one["status"] for one in image["layers"]}
                assert statuses <= {"verified", "mismatch", "unverifiable", "skipped"}
                errors = [one for one in image["findings"] if one["severity"] == "error"]
                if image["verified"]:
                    assert statuses <= {"verified"} and not errors, case.name
                met = any(one["rule"] == "limit-exceeded" for one in image["findings"])
                assert not (met and (image["complete"] or image["verified"])), case.name
            if outcome.code == 0:
                passed += 1
                assert not limited, case.name
                assert all(image["verified"] for image in document["images"]), case.name
                assert document["images"], case.name
        assert passed > 5

    def test_no_rule_passes_an_image_that_met_a_limit(self, tmp_path: Path) -> None:
        met = 0
        for case, path in written(some(30, "silence"), tmp_path):
            verified = run(["verify", "--format", "json", path, *case.options])
            if verified.code == 3:
                met += 1
                checked = run(["check", "--no-config", "--max-size=1TB", path, *case.options])
                assert checked.code == 3, (case.name, checked)
        assert met > 10


SAME = (
    ("analyze", "json"),
    ("verify", "table"),
    ("ls", "csv"),
    ("history", "markdown"),
    ("waste", "json"),
)


def outputs(paths: list[str], jobs: int = 2, **environment: str) -> bytes:
    script = "import json, sys\nfrom oci_inspect.cli import run\n"
    script += "for words in json.load(sys.stdin):\n    print(run(words), flush=True)"
    lines = [
        [command, path, "--format", form, "--jobs", str(jobs), "--no-cache"]
        + ([] if command in ("analyze", "verify") else ["--image", "@0"])
        for path in paths
        for command, form in SAME
    ]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps(lines).encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=environment.pop("cwd", None),
        env=env | environment,
        check=True,
    )
    return done.stdout


@pytest.fixture(scope="module", name="paths")
def _paths(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("same")
    hostile = [path for _, path in written(some(4, "same"), folder)]
    # Standard output is ASCII or not by the locale: what a terminal shows may differ there.
    return [*map(str, sorted(REAL.glob("docker2*-app.tar"))), *hostile]


@pytest.fixture(scope="module", name="expected")
def _expected(paths: list[str]) -> bytes:
    return outputs(paths, LC_ALL="C.UTF-8", TZ="UTC", PYTHONHASHSEED="0")


class TestTheSameBytes:
    """Promise 8."""

    @pytest.mark.parametrize(
        "other",
        [
            {"PYTHONHASHSEED": "1"},
            {"PYTHONHASHSEED": "4242", "TZ": "Pacific/Kiritimati"},
            {"TZ": "America/Caracas", "LANG": "tr_TR.UTF-8", "LC_NUMERIC": "de_DE.UTF-8"},
            {"HOME": "/nonexistent", "TMPDIR": "/tmp"},
            {"cwd": "/"},
            {"PYTHONOPTIMIZE": "2"},
        ],
        ids=lambda other: " ".join(f"{key}={value}" for key, value in other.items()),
    )
    def test_whatever_the_surroundings(
        self, other: dict[str, str], paths: list[str], expected: bytes
    ) -> None:
        own = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0"} | other
        assert outputs(paths, **own) == expected

    @pytest.mark.parametrize("jobs", [1, 3, 16])
    def test_whatever_the_number_of_threads(
        self, jobs: int, paths: list[str], expected: bytes
    ) -> None:
        own = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0"}
        assert outputs(paths, jobs, **own) == expected

    def test_from_a_file_a_folder_and_a_stream(self, tmp_path: Path) -> None:
        """But for what an archive as such tells of itself."""
        told = 0
        for case in some(30, "forms"):
            place = tmp_path / str(told)
            made = case.make() if case.make and not case.make.__code__.co_argcount else None
            if not isinstance(made, Archive) or any(
                one.kind not in (b"0", b"5") for one in made.members
            ):
                continue
            if not all(one.name.isprintable() and one.name.isascii() for one in made.members):
                continue
            place.mkdir()
            seen = set()
            for form in ("file", "folder", "fifo", "stdin", "gzip"):
                with delivered(made, form, place) as path:
                    outcome = run(["verify", "--format", "json", "--no-cache", path])
                if not outcome.out:
                    seen.add((outcome.code, ""))
                    continue
                document = json.loads(outcome.out)
                del document["archive"]
                seen.add((outcome.code, json.dumps(document)))
            assert len(seen) == 1, case.name
            told += 1
        assert told > 10
