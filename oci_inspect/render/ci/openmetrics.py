"""The sizes of judged images, and what came of their rules, as an OpenMetrics text file.

Source: OpenMetrics 1.0, section "Text format". All are gauges: Prometheus' node_exporter reads
such a file (its textfile collector), GitLab compares it in a merge request (metrics reports).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from oci_inspect.render.ci.naming import image_names, platform_of, rule_names
from oci_inspect.render.escape import openmetrics_label
from oci_inspect.rules.model import Check, ImageCheck, Level

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Family:
    """A gauge. ``unit`` is the end of ``name`` where there is one."""

    name: str
    help: str
    unit: str = ""


_CHECK = _Family("check_passed", "Whether there are images and no rule of level error is broken.")
_PASSED = _Family("image_passed", "Whether no rule of level error is broken.")
_RULE = _Family("rule_passed", "Whether a rule was kept; 0 also where it was not judged.")
_JUDGED = _Family("rule_judged", "Whether a rule could be judged.")
_LAYER = _Family("layer_size_bytes", "Bytes of a layer as it is stored, from the bottom.", "bytes")
_IMAGE = (
    _Family("image_size_bytes", "Bytes of all layers as they are stored.", "bytes"),
    _Family("image_uncompressed_size_bytes", "Bytes of all layers as plain tars.", "bytes"),
    _Family("image_file_bytes", "Bytes of content in files, dead ones too.", "bytes"),
    _Family("image_wasted_bytes", "Bytes of content that no container can reach.", "bytes"),
    _Family("image_duplicate_bytes", "Bytes of content that lies at several paths.", "bytes"),
    _Family("image_efficiency_ratio", "1 - wasted / file bytes.", "ratio"),
    _Family("image_files", "Paths of regular files in the merged tree."),
    _Family("image_layers", "Layers."),
    _Family("image_verified", "Whether every digest matches."),
    _Family("image_complete", "Whether no damage and no limit cut the reading: sizes are whole."),
)


def render_check_openmetrics(check: Check, *, layers: bool = False) -> str:
    """The file, with a line per layer where ``layers`` is True.

    Labels are ``image`` and ``platform``, then ``rule`` and ``level`` (rules that are off are left
    out) or ``layer``. No two samples have the same.
    """
    samples: dict[_Family, dict[Labels, int | float]] = {_CHECK: {(): int(check.ok)}}
    for image, name in zip(check.images, image_names(check), strict=True):
        own: Labels = (("image", name), ("platform", platform_of(image)))
        for family, labels, value in _samples(image, own, layers):
            samples.setdefault(family, {})[labels] = value
    lines = []
    for family in sorted(samples, key=lambda one: one.name):
        full = f"oci_inspect_{family.name}"
        lines.append(f"# TYPE {full} gauge")
        if family.unit:
            lines.append(f"# UNIT {full} {family.unit}")
        lines.append(f"# HELP {full} {family.help}")
        told = ((_labels(labels), value) for labels, value in samples[family].items())
        lines += [f"{full}{labels} {value}" for labels, value in sorted(told)]
    return "\n".join((*lines, "# EOF", ""))


def _samples(
    image: ImageCheck, own: Labels, layers: bool
) -> Iterator[tuple[_Family, Labels, int | float]]:
    found = image.image
    totals = found.totals
    values = (
        totals.size,
        totals.uncompressed_size,
        totals.file_bytes,
        totals.wasted_bytes,
        totals.duplicate_bytes,
        totals.efficiency,
        totals.files,
        len(found.layers),
        int(found.verified),
        int(found.complete),
    )
    yield from ((family, own, value) for family, value in zip(_IMAGE, values, strict=True))
    yield _PASSED, own, int(image.ok)
    for verdict, name in zip(image.verdicts, rule_names(image), strict=True):
        if verdict.level is not Level.OFF:
            labels = (*own, ("level", verdict.level.value), ("rule", name))
            yield _RULE, labels, int(verdict.passed is True)
            yield _JUDGED, labels, int(verdict.passed is not None)
    for layer in found.layers if layers else ():
        if layer.size is not None:
            yield _LAYER, (*own, ("layer", str(layer.index))), layer.size


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    told = ",".join(f'{name}="{openmetrics_label(value)}"' for name, value in labels)
    return f"{{{told}}}"
