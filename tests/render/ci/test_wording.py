from __future__ import annotations

import pytest
from support.checks import ALL, KEPT, OFF, TOO_LARGE, judged, mixed, named

from oci_inspect.render.ci.naming import fingerprints, full_name, image_names, relative, rule_names
from oci_inspect.render.ci.wording import (
    cut,
    cut_path,
    figures,
    item_sentence,
    message,
    outcome,
    state,
    summary,
    worst_first,
)
from oci_inspect.rules.model import Check, Level, Unit, Verdict
from oci_inspect.spec.platform import Platform


def figure(unit: Unit, actual: float | None, limit: float | None) -> Verdict:
    return Verdict("r", Level.ERROR, False, "m", unit, actual, limit)


@pytest.mark.parametrize(
    ("unit", "actual", "limit", "shown"),
    [
        (Unit.BYTES, 67_700_000, 50_000_000, ("67.7MB", "50MB")),
        (Unit.BYTES, 50_000_001, 50_000_000, ("50,000,001 bytes", "50,000,000 bytes")),
        (Unit.BYTES, 50_000_000, 50_000_000, ("50MB", "50MB")),
        (Unit.BYTES, 5, None, ("5B", "")),
        (Unit.BYTES, -2_000, 0, ("-2kB", "0B")),
        (Unit.RATIO, 0.06, 0.05, ("6.0%", "5.0%")),
        (Unit.RATIO, 0.05001, 0.05, ("5.001%", "5%")),
        (Unit.COUNT, 1204, 20, ("1,204", "20")),
        (Unit.NONE, None, None, ("", "")),
        (Unit.RATIO, float("nan"), 0.5, ("", "50.0%")),
        (Unit.BYTES, float("inf"), 1, ("", "1B")),
    ],
)
def test_figures_are_as_docker_prints_them_unless_they_would_look_the_same(
    unit, actual, limit, shown
):
    assert figures(figure(unit, actual, limit)) == shown


def test_what_came_of_a_rule_and_what_is_worst():
    assert {one.rule: state(one) for one in ALL} == {
        "max-layers": "passed",
        "max-waste": "warning",
        "user": "off",
        "max-growth": "not judged",
        "max-size": "failed",
        "base-age": "not judged",
    }
    assert [one.rule for one in worst_first(ALL)] == [
        "max-size",
        "max-growth",
        "max-waste",
        "base-age",
        "max-layers",
        "user",
    ]


def test_an_image_in_a_few_words():
    assert summary(judged(*ALL)) == "4 of 5 rules broken, 2 of them only warnings"
    assert summary(judged(KEPT, OFF)) == "1 rule passed"
    assert summary(judged(OFF)) == "no rules"


def test_a_check_in_a_few_words():
    assert outcome(mixed()) == "failed: 1 of 2 images fails"
    assert outcome(Check((judged(KEPT),))) == "passed: 1 image"
    assert outcome(Check(())) == "failed: no image was checked"


def test_long_text_is_cut_and_says_how_long_it_was():
    assert cut("x" * 600) == "x" * 600
    assert cut("x" * 1_000_000, 10) == "xxxxxxxxxx… (1,000,000 characters)"
    path = b"start/" + b"x" * 1_000_000 + b"/end\xff"
    shown = cut_path(path)
    assert len(shown) < 1_000
    assert shown.startswith("/start/xxx") and shown.endswith("/end\\xff (1,000,011 bytes)")


def test_things_that_broke_a_rule_say_where_they_are():
    assert [item_sentence(item) for item in TOO_LARGE.items] == [
        "/usr/share/doc (60MB, layer 0): deleted by step 4",
        "no file at all (7MB, layer 2)",
        "a label",
    ]


def test_a_message_is_never_empty():
    assert message(Verdict("r", Level.ERROR, None, "")) == "r: not judged"


def test_no_two_images_of_a_platform_have_the_same_name():
    arm = Platform("linux", "arm64", "v8")
    check = Check(
        (
            judged(reference="a:1"),
            judged(reference="a:1", platform=arm),
            judged(reference="b:1", archive="x.tar"),
            judged(reference="b:1", archive="y.tar"),
            judged(reference="b:1", archive="y.tar"),
            judged(reference="b\n:1"),
            judged(reference="b\\n:1"),
            judged(reference=None),
        )
    )
    assert image_names(check) == (
        "a:1",
        "a:1",
        "b:1 in x.tar",
        "b:1 in y.tar",
        "b:1 in y.tar #2",
        "b\\n:1 in image.tar",
        "b\\n:1 in image.tar #2",
        f"image {named(None).manifest_digest[7:19]}",
    )


def test_a_platform_cannot_make_two_names_the_same():
    check = Check(
        (
            judged(reference="a", platform=Platform("b) (c", "d")),
            judged(reference="a (b)", platform=Platform("c", "d")),
        )
    )
    names = image_names(check)
    platforms = [str(one.image.platform) for one in check.images]
    assert len(set(map(full_name, names, platforms))) == 2


def test_rules_that_come_twice_are_numbered():
    assert rule_names(judged(KEPT, TOO_LARGE, KEPT)) == (
        "max-layers",
        "max-size",
        "max-layers #2",
    )


def rebuilt(reference: str, archive: str = "image.tar", **more) -> str:
    verdict = Verdict("max-size", Level.ERROR, False, **{"message": "m", **more})
    return fingerprints(Check((judged(verdict, reference=reference, archive=archive),)))[0][0]


def test_a_fingerprint_is_the_same_in_the_next_build():
    first = rebuilt("example/app:1.2.3", message="67MB", actual=67e6)
    assert rebuilt("example/app:1.2.4", message="68MB", actual=68e6) == first
    assert rebuilt("example/app@sha256:" + "a" * 64, archive="elsewhere/b.tar") == first
    assert rebuilt("example/other:1.2.3") != first
    assert rebuilt("1.2.3", "a/image.tar") == rebuilt("1.2.4", "b/image.tar")
    assert rebuilt("1.2.3", "a/image.tar") != rebuilt("1.2.3", "a/other.tar")


def test_no_two_verdicts_have_the_same_fingerprint():
    image = judged(*ALL, *ALL)
    prints = fingerprints(Check((image, image, judged(*ALL, platform=Platform("linux", "arm64")))))
    flat = [one for own in prints for one in own]
    assert len(set(flat)) == len(flat) == 30
    assert all(len(one) == 64 and int(one, 16) >= 0 for one in flat)


@pytest.mark.parametrize(
    ("path", "shown"),
    [("./a/b", "a/b"), (".//./a", "a"), ("a", "a"), ("/a", "/a"), ("../a", "../a"), ("./", ".")],
)
def test_paths_are_as_ci_systems_want_them(path, shown):
    assert relative(path) == shown
