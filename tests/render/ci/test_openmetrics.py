from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from support.checks import ALL, KEPT, OFF, app, judged, mixed

from oci_inspect.render.ci.openmetrics import render_check_openmetrics
from oci_inspect.rules.model import Check, ImageCheck
from oci_inspect.spec.platform import Platform


def families(text: str) -> dict:
    """What Prometheus' own parser reads; it refuses a name twice, a wrong unit, a missing end."""
    found = list(text_string_to_metric_families(text))
    samples = [(one.name, *sorted(one.labels.items())) for each in found for one in each.samples]
    assert len(set(samples)) == len(samples)
    assert [one.name for one in found] == sorted(one.name for one in found)
    assert text.endswith("# EOF\n")
    return {one.name: one for one in found}


def values(found: dict, name: str) -> list[tuple[dict, float]]:
    return [(one.labels, one.value) for one in found[f"oci_inspect_{name}"].samples]


def test_sizes_are_those_of_the_analysis():
    analysis = app()
    image = analysis.images[0]
    found = families(
        render_check_openmetrics(Check((ImageCheck(analysis.archive, image, (KEPT,)),)))
    )
    own = {"image": "example/app:1.2.3", "platform": "linux/amd64"}
    wanted = {
        "image_size_bytes": sum(layer.size for layer in image.layers),
        "image_uncompressed_size_bytes": sum(layer.uncompressed_size for layer in image.layers),
        "image_file_bytes": sum(layer.file_bytes for layer in image.layers),
        "image_wasted_bytes": sum(dead.size for dead in image.waste),
        "image_layers": len(image.layers),
        "image_verified": 1,
        "image_complete": 1,
        "image_passed": 1,
    }
    for name, value in wanted.items():
        assert values(found, name) == [(own, value)], name
    assert values(found, "check_passed") == [({}, 1)]
    ratio = found["oci_inspect_image_efficiency_ratio"]
    assert (ratio.unit, ratio.type) == ("ratio", "gauge")
    assert ratio.samples[0].value == pytest.approx(
        1 - wanted["image_wasted_bytes"] / wanted["image_file_bytes"]
    )


def test_layers_come_where_they_are_asked_for():
    check = Check((judged(KEPT),))
    assert "layer_size" not in render_check_openmetrics(check)
    found = values(families(render_check_openmetrics(check, layers=True)), "layer_size_bytes")
    sizes = {labels["layer"]: value for labels, value in found}
    assert sizes == {str(one.index): one.size for one in check.images[0].image.layers}


def test_each_rule_says_whether_it_was_kept_and_whether_it_was_judged():
    found = families(render_check_openmetrics(mixed()))
    passed, judged_ = (
        {
            (labels["rule"], labels["level"]): value
            for labels, value in values(found, name)
            if labels["image"] == "example/app:1.2.3"
        }
        for name in ("rule_passed", "rule_judged")
    )
    assert passed == {
        ("max-layers", "error"): 1,
        ("max-waste", "warning"): 0,
        ("max-growth", "error"): 0,
        ("max-size", "error"): 0,
        ("base-age", "warning"): 0,
    }
    assert [key[0] for key, value in judged_.items() if not value] == ["max-growth", "base-age"]
    assert values(found, "check_passed") == [({}, 0)]


def test_the_same_image_twice_and_a_rule_twice_are_samples_of_their_own():
    image = judged(*ALL, *ALL)
    found = families(render_check_openmetrics(Check((image, image)), layers=True))
    assert len(values(found, "rule_passed")) == 20


def test_units_are_the_ends_of_names():
    for name, family in families(render_check_openmetrics(mixed(), layers=True)).items():
        assert family.unit == ("bytes" if name.endswith("_bytes") else family.unit)
        assert not family.unit or name.endswith(f"_{family.unit}")
        assert family.documentation


def test_labels_come_back():
    platform = Platform('a"b\\', "c\\n")
    check = Check((judged(KEPT, reference='x"\\y\\n{},=#', platform=platform),))
    ((labels, _),) = values(families(render_check_openmetrics(check)), "image_passed")
    assert labels == {"image": 'x"\\y\\n{},=#', "platform": 'a"b\\/c\\n'}


def test_no_image_is_no_pass():
    assert values(families(render_check_openmetrics(Check(()))), "check_passed") == [({}, 0)]


def test_rules_that_are_off_are_left_out():
    text = render_check_openmetrics(Check((judged(OFF),)))
    assert "rule_passed" not in text
    assert families(text)


def test_a_size_that_is_not_known_is_no_sample():
    image = judged(KEPT)
    layers = (replace(image.image.layers[0], size=None), *image.image.layers[1:])
    check = Check((replace(image, image=replace(image.image, layers=layers)),))
    found = values(families(render_check_openmetrics(check, layers=True)), "layer_size_bytes")
    assert "0" not in {labels["layer"] for labels, _ in found}
