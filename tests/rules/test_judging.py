"""Each rule on archives of real engines: one case that passes, one at the limit, one that fails.

What is expected is worked out here with tarfile and json, from the archive and from what docker
export gave; figures by hand stand in comments.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from support.images import ImageBuilder, docker_archive
from support.tars import TarBuilder

from oci_inspect import Analysis, Limits, analyze
from oci_inspect.findings import Finding, Severity
from oci_inspect.rules.baseline import BaselineImage, BaselineLayer
from oci_inspect.rules.catalogue import CATALOGUE
from oci_inspect.rules.judging import judge
from oci_inspect.rules.model import Level, Setting, Unit, Value, Verdict
from oci_inspect.rules.values import parse_value

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
APPS = ("docker20-app.tar", "docker26-app.tar")


@cache
def analysed(name: str) -> Analysis:
    return analyze(REAL / name)


def verdict(name: str, rule: str, value: Value, **more: object) -> Verdict:
    """The verdict on the first image of a real archive."""
    return judged(name, [Setting(rule, value)], rule, **more)


def judged(name: str, settings: Sequence[Setting], rule: str, **more: object) -> Verdict:
    analysis = analysed(name)
    check = judge(analysis.images[0], settings, analysis.archive, **more)  # type: ignore[arg-type]
    (found,) = [one for one in check.verdicts if one.rule == rule]
    return found


@dataclass(frozen=True)
class Facts:
    """What tarfile says of an archive, with the file system that docker export gave of it."""

    layers: list[bytes]
    exported: Path

    @property
    def stored(self) -> int:
        return sum(map(len, self.layers))

    @property
    def contents(self) -> list[int]:
        return [
            sum(
                one.size
                for one in tarfile.open(fileobj=io.BytesIO(layer))
                if one.isreg() and not one.name.rpartition("/")[2].startswith(".wh.")
            )
            for layer in self.layers
        ]

    @property
    def live(self) -> int:
        # /.dockerenv and the like are empty
        with tarfile.open(self.exported) as tar:
            return sum(one.size for one in tar if one.isreg())


def facts(name: str) -> Facts:
    with tarfile.open(REAL / name) as outer:
        manifest = json.load(outer.extractfile("manifest.json"))
        layers = [outer.extractfile(one).read() for one in manifest[0]["Layers"]]
    return Facts(layers, REAL / name.replace(".tar", ".rootfs.tar"))


def test_the_facts_are_those_that_were_worked_out_by_hand() -> None:
    """92,499 bytes of content in 11 layers, 23,390 of them live (fixtures/real/make.sh)."""
    for name in APPS:
        known = facts(name)
        assert (sum(known.contents), len(known.layers), max(known.contents)) == (92_499, 11, 66_700)
        assert known.live == 92_499 - 69_109


# Figures


def figure(name: str, rule: str) -> int | Fraction:
    known = facts(name)
    content, live = sum(known.contents), known.live
    return {
        "max-size": content,
        "max-stored-size": known.stored,
        "max-unpacked-size": known.stored,  # docker stores tars as they are
        "max-layer-size": max(known.contents),
        "max-layers": len(known.layers),
        "max-waste": content - live,
    }[rule]


@pytest.mark.parametrize(
    "rule",
    [
        *("max-size", "max-stored-size", "max-unpacked-size", "max-layer-size", "max-layers"),
        "max-waste",
    ],
)
@pytest.mark.parametrize("name", APPS)
def test_figures_below_at_and_above_their_limit(name: str, rule: str) -> None:
    actual = figure(name, rule)
    for limit, passed in ((actual + 1, True), (actual, True), (actual - 1, False)):
        found = verdict(name, rule, int(limit))
        assert found.passed is passed
        assert (found.actual, found.limit) == (actual, limit)
        assert found.fails is not passed
        assert bool(found.items) is bool(found.advice) is not passed
        unit = Unit.COUNT if rule == "max-layers" else Unit.BYTES
        assert found.unit is unit
    # 92,499 and 92,498 bytes are both 92.5kB
    assert f"{actual:,}" in found.message and f"{actual - 1:,}" in found.message


@pytest.mark.parametrize("name", APPS)
def test_shares_are_held_to_what_is_written(name: str) -> None:
    share = Fraction(69_109, 92_499)  # 0.74713...
    for text, passed in (("74.8%", True), ("74.71%", False), ("0.7471", False), ("100%", True)):
        value = parse_value(CATALOGUE["max-waste-percent"], text)
        found = verdict(name, "max-waste-percent", value)
        assert found.passed is passed and found.actual == pytest.approx(float(share))
    for text, passed in (("25.2%", True), ("25.29%", False), ("0%", True)):
        value = parse_value(CATALOGUE["min-efficiency"], text)
        found = verdict(name, "min-efficiency", value)
        assert found.passed is passed and found.actual == pytest.approx(1 - float(share))


def test_shares_at_their_limit_pass_though_floats_are_not_exact(tmp_path: Path) -> None:
    """90 bytes of 100 are dead. As floats 1 - 0.9 is less than 0.1."""
    image = ImageBuilder("a:1").layer(TarBuilder().file("a", bytes(90)).file("b", bytes(10)))
    image.layer(TarBuilder().whiteout("a"))
    analysis = analyze(docker_archive(image).write_file(tmp_path / "a.tar"))
    for rule, value, passed in (
        ("min-efficiency", 0.1, True),
        ("min-efficiency", 0.1000001, False),
        ("max-waste-percent", 0.9, True),
        ("max-waste-percent", 0.8999999, False),
    ):
        check = judge(analysis.images[0], [Setting(rule, value)], analysis.archive)
        assert check.verdicts[-1].passed is passed


def test_own_waste_is_that_above_the_base() -> None:
    """Layer 3 is the first above a base of three layers.

    Dead of layers 3 to 10: 15 of layer 4, 700 of 6, 1,675 + 5 of 8 (2,395); their content is
    92,499 - 21,904 - 38 - 66,700 = 3,857 bytes.
    """
    for value, passed in ((2396, True), (2395, True), (2394, False)):
        found = verdict("docker26-app.tar", "max-own-waste", value)
        assert (found.passed, found.actual) == (passed, 2395)
    assert "guess" in found.message
    assert found.items[0].path == b"site/secret.key"
    assert all((item.layer_index or 0) >= 3 for item in found.items)
    share = 2395 / 3857  # 0.6209489...
    for ratio, passed in ((0.621, True), (share + 1e-15, True), (0.6209, False)):
        found = verdict("docker26-app.tar", "max-own-waste-percent", ratio)
        assert found.passed is passed and found.actual == pytest.approx(share)
    unknown = verdict("umoci-oci-layout-tree.tar", "max-own-waste", 0)
    assert analysed("umoci-oci-layout-tree.tar").images[0].own is None
    assert unknown.passed is None and unknown.fails


def test_the_worst_is_told_first_with_the_line_to_change() -> None:
    waste = verdict("docker26-app.tar", "max-waste", 0)
    assert (waste.items[0].path, waste.items[0].size) == (b"data/big", 60_000)
    assert waste.advice == "deleted by step 12: put the rm into the RUN of step 5"
    layer = verdict("docker26-app.tar", "max-layer-size", 60_000)
    assert [item.layer_index for item in layer.items] == [2]
    assert "step 5: RUN /bin/step mkdir /data" in layer.advice
    layers = verdict("docker26-app.tar", "max-layers", 10)
    assert layers.advice == "steps 12 to 17 have 6 RUN lines in a row: join some of them"


# Growth


def before(content: int, *diff_ids: str) -> BaselineImage:
    layers = tuple(BaselineLayer(one, 1) for one in diff_ids)
    return BaselineImage(("example/app:1",), "linux/amd64", 0, 0, content, 0, layers)


def test_growth_in_bytes_and_in_percent() -> None:
    now = 92_499
    for old, value, passed in (
        (now - 1001, 1000, False),
        (now - 1000, 1000, True),
        (now - 999, 1000, True),
        (now + 5, 0, True),
        (74_000, 0.25, True),  # 18,499 of 74,000 is less than a quarter
        (73_999, 0.25, False),  # 18,500 of 73,999 is more
        (46_249, 1.0, False),
        (46_250, 1.0, True),
        (0, 0.5, False),
    ):
        found = verdict("docker26-app.tar", "max-growth", value, baseline=before(old))
        assert found.passed is passed, (old, value)
        assert found.unit is (Unit.RATIO if isinstance(value, float) else Unit.BYTES)
    assert verdict("docker26-app.tar", "max-growth", 1000, baseline=before(now + 5)).actual == -5


def test_growth_in_bytes_stands_beside_that_in_percent() -> None:
    """92,499 bytes against 92,000: 499 more, half a percent."""
    analysis = analyze(REAL / "docker26-app.tar")
    for limit, passed in ((499, True), (498, False)):
        asked = [Setting("max-growth", 0.01), Setting("max-growth-bytes", limit)]
        check = judge(analysis.images[0], asked, analysis.archive, baseline=before(92_000))
        assert [one.passed for one in check.verdicts[1:]] == [True, passed]


def test_growth_tells_which_layers_are_new() -> None:
    with tarfile.open(REAL / "docker26-app.tar") as outer:
        manifest = json.load(outer.extractfile("manifest.json"))
        diff_ids = json.load(outer.extractfile(manifest[0]["Config"]))["rootfs"]["diff_ids"]
    old = before(1, *(one for i, one in enumerate(diff_ids) if i not in (8, 10)))
    found = verdict("docker26-app.tar", "max-growth", 0, baseline=old)
    assert [item.layer_index for item in found.items] == [8, 10]
    assert found.advice.startswith("the largest layer that is new is 8, from step 15: RUN")


def test_growth_without_a_baseline_does_not_pass() -> None:
    found = verdict("docker26-app.tar", "max-growth", 0.5)
    assert found.passed is None and found.fails and "--baseline" in found.message


# Findings and verification


def test_an_image_is_verified_unless_it_is_switched_off() -> None:
    analysis = analysed("docker26-app.tar")
    check = judge(analysis.images[0], [], analysis.archive)
    assert [(one.rule, one.passed) for one in check.verdicts] == [("require-verified", True)]
    wrong = Finding("archive-trailing-data", Severity.ERROR, "x", "it is wrong")
    check = judge(analysis.images[0], [], analysis.archive, findings=(wrong,))
    assert not check.ok and check.verdicts[0].items[0].text.endswith("it is wrong")
    for image in (
        replace(analysis.images[0], verified=False),  # a digest that cannot be computed
        replace(analysis.images[0], complete=False),
    ):
        found = judge(image, [], analysis.archive).verdicts[0]
        assert found.passed is False and found.fails
    off = [Setting("require-verified", False, Level.OFF)]
    check = judge(analysis.images[0], off, analysis.archive, findings=(wrong,))
    assert check.ok and not check.verdicts[0].broken


def test_findings_by_severity_and_by_name() -> None:
    """The image has one setuid file, which is information."""
    for value, passed in ((("error", "warning"), True), (("info",), False), (("setuid",), False)):
        found = verdict("docker26-app.tar", "forbid-findings", value)
        assert (found.passed, found.actual) == (passed, 0 if passed else 1)
    many = Finding("setuid", Severity.INFO, "", "12 more", 12)
    found = verdict("docker26-app.tar", "forbid-findings", ("setuid",), findings=(many,))
    assert found.actual == 13


# Paths


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("/etc/passwd", [b"etc/passwd"]),
        ("**/passwd", [b"etc/passwd"]),
        ("passwd", []),
        ("**/bin", [b"bin/"]),
        ("bin", [b"bin/"]),
        ("**/bin/", [b"bin/"]),
        ("etc/passwd/", []),
        ("/site/secret.key", []),  # deleted
        ("**/*.html", [b"site/hard.html", b"site/index.html", b"site/soft.html"]),
        ("**/four", [b"cache/four"]),
    ],
)
def test_paths_that_must_not_be_in_the_image(pattern: str, paths: list[bytes]) -> None:
    found = verdict("docker26-app.tar", "forbid-paths", (pattern,))
    assert sorted({item.path for item in found.items}) == paths
    assert (found.passed, found.actual) == (not paths, len(paths))


def test_deleted_ones_are_still_in_their_layers() -> None:
    found = verdict("docker26-app.tar", "forbid-paths-in-layers", ("**/*.key",))
    (item,) = found.items
    assert (item.path, item.layer_index, item.size) == (b"site/secret.key", 8, 1675)
    assert "layer 8 (step 15), deleted in layer 9 (step 16)" in item.text
    assert item.text in found.message
    assert found.advice.startswith("leave it out of step 15: RUN /bin/step put /site/secret.key")
    assert verdict("docker26-app.tar", "forbid-paths-in-layers", ("**/.git",)).passed is True


def test_a_folder_is_told_once_with_what_is_in_it_by_layer() -> None:
    """/cache: 1,000 + 2,000 + 3,000 bytes of layer 2, emptied in 7, which has 400 of its own."""
    found = verdict("docker26-app.tar", "forbid-paths-in-layers", ("/cache",))
    assert found.actual == 1
    assert [(item.path, item.layer_index, item.size) for item in found.items] == [
        (b"cache/", 2, 6000),
        (b"cache/", 7, 400),
    ]
    assert "3 entries, its folder was emptied in layer 7" in found.items[0].text


def test_layers_hold_each_version_of_a_file() -> None:
    found = verdict("docker26-app.tar", "forbid-paths-in-layers", ("/data/keep",))
    assert sorted((item.layer_index, item.size) for item in found.items) == [
        (2, 700),
        (6, 700),
        (10, 800),
    ]


def test_setuid_files_beyond_a_list() -> None:
    name = "docker26-app.tar"
    for value, passed in (((), False), (("/site/with space",), True), (("**/with*",), True)):
        found = verdict(name, "allow-setuid", value)
        assert (found.passed, found.actual) == (passed, 0 if passed else 1)
    found = verdict(name, "allow-setuid", ("/usr/bin/*",))
    (item,) = found.items
    assert (item.path, item.layer_index) == (b"site/with space", 9)
    assert item.text == "mode 4755, owner 0:0, from layer 9 (step 16)"


# The config


def test_the_user_of_real_images() -> None:
    config = json.loads((REAL / "docker26-app.inspect.json").read_text())
    config = config[0] if isinstance(config, list) else config
    assert config["Config"]["User"] == "33"
    assert verdict("docker26-app.tar", "forbid-root", True).passed is True
    base = verdict("docker26-containerd-base.tar", "forbid-root", True)
    assert base.passed is False and "names no user" in base.message


@pytest.mark.parametrize(
    ("user", "passed"),
    [(" root", False), ("root :x", False), (" 0 ", False), (" ", False), ("rooty", True)],
)
def test_blanks_around_the_user_hide_no_root(tmp_path: Path, user: str, passed: bool) -> None:
    image = ImageBuilder("a:1", run={"User": user}).layer(TarBuilder().file("a"))
    analysis = analyze(docker_archive(image).write_file(tmp_path / "a.tar"))
    check = judge(analysis.images[0], [Setting("forbid-root", True)], analysis.archive)
    assert check.verdicts[-1].passed is passed


def test_labels_of_a_real_image() -> None:
    config = json.loads((REAL / "docker26-app.inspect.json").read_text())
    config = config[0] if isinstance(config, list) else config
    labels = config["Config"]["Labels"]
    assert labels
    name, value = next(iter(labels.items()))
    for wanted, missing in (
        ((name,), 0),
        ((f"{name}={value}",), 0),
        ((f"{name}={value[:1]}*",), 0),
        ((f"{name}={value}x",), 1),
        ((name, "none", "none=x"), 2),
    ):
        found = verdict("docker26-app.tar", "require-labels", wanted)
        assert (found.passed, found.actual) == (missing == 0, missing)


def test_the_base_of_real_images() -> None:
    analysis = analysed("docker26-two-images.tar")
    (image,) = [one for one in analysis.images if one.name.startswith("example/app")]
    assert image.base is not None and image.base.name == "example/base:1"
    for patterns, passed in (
        (("example/base:*",), True),
        (("docker.io/example/base:1",), True),
        (("example/base:1.0", "debian:*"), False),
    ):
        check = judge(image, [Setting("allow-base", patterns)], analysis.archive)
        assert check.verdicts[-1].passed is passed
    pinned = replace(image.base, name="docker.io/library/debian:12@sha256:" + "a" * 64)
    for pattern, passed in (
        ("debian:12", True),
        ("docker.io/library/debian:12", True),
        ("debian:12@sha256:" + "a" * 64, True),
        ("debian:1", False),
        ("debian:12@sha256:" + "b" * 64, False),
    ):
        moved = replace(image, base=pinned)
        check = judge(moved, [Setting("allow-base", (pattern,))], analysis.archive)
        assert check.verdicts[-1].passed is passed
    unknown = verdict("umoci-oci-layout-tree.tar", "allow-base", ("*",))
    assert unknown.passed is None and unknown.fails


# Levels, images, what could not be read


def test_levels_and_images() -> None:
    name = "docker26-app.tar"
    early = Setting("max-size", 1)
    for settings, level in (
        ([early], Level.ERROR),
        ([early, Setting("max-size", 1, Level.WARNING)], Level.WARNING),
        ([early, Setting("max-size", 1, Level.WARNING, images="example/*")], Level.WARNING),
        ([early, Setting("max-size", 1, Level.WARNING, images="*:1.2.4")], Level.ERROR),
        ([early, Setting("max-size", None, Level.OFF, images="*")], Level.OFF),
    ):
        found = judged(name, settings, "max-size")
        assert found.level is level
        assert found.fails is (level is Level.ERROR)
        assert found.broken is (level is not Level.OFF)


def test_verdicts_are_in_the_order_of_the_catalogue() -> None:
    analysis = analysed("docker26-app.tar")
    settings = [Setting(name, 1 if "max" in name else ("x",)) for name in reversed(CATALOGUE)]
    settings = [one for one in settings if CATALOGUE[one.rule].kind != "share"]
    check = judge(analysis.images[0], settings, analysis.archive)
    assert [one.rule for one in check.verdicts] == [
        name for name in CATALOGUE if CATALOGUE[name].kind != "share"
    ]


def test_an_image_that_could_not_be_read_to_its_end_does_not_pass() -> None:
    analysis = analyze(REAL / "docker26-app.tar", limits=Limits(layers=4))
    asked: dict[str, Value] = {
        "max-size": 10**9,
        "max-waste": 10**9,
        "min-efficiency": 0.0,
        "max-growth": 10**9,
        "max-growth-bytes": 10**9,
        "forbid-findings": ("setuid",),
        "forbid-paths": ("/none",),
        "forbid-paths-in-layers": ("/none",),
        "allow-setuid": ("**",),
    }
    settings = [Setting(rule, value) for rule, value in asked.items()]
    check = judge(analysis.images[0], settings, analysis.archive, baseline=before(1))
    assert {one.rule: one.passed for one in check.verdicts} == {
        "require-verified": False,
        **dict.fromkeys(asked),
    }
    # What is found is found all the same.
    found = judge(analysis.images[0], [Setting("forbid-paths", ("/bin",))], analysis.archive)
    assert found.verdicts[-1].passed is False
    # How many layers there are is known without reading them.
    found = judge(analysis.images[0], [Setting("max-layers", 10)], analysis.archive)
    assert (found.verdicts[-1].passed, found.verdicts[-1].actual) == (False, 11)
