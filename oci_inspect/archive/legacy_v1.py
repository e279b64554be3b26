"""Archives older than ``manifest.json`` (docker before 1.10): chains of ``<id>/json``.

moby's image specification v1: each layer has a folder with ``json`` (its ``parent``, its command)
and ``layer.tar``; ``repositories`` names the tips. Nothing is digested in them.
"""

from __future__ import annotations

from typing import Any

from oci_inspect.archive.contents import Image, LayerRef
from oci_inspect.archive.docker_archive import repository_pairs
from oci_inspect.archive.documents import Documents, missing, tell
from oci_inspect.findings import FindingCollector
from oci_inspect.spec.config import HistoryEntry, ImageConfig
from oci_inspect.spec.document import Fields, JsonObject, Problem
from oci_inspect.spec.platform import Platform, platform_of
from oci_inspect.spec.reference import familiar

_LISTED = 10
"""Each layer may be an image of its own: it counts as so many that a manifest lists."""


def read_v1_chains(documents: Documents, findings: FindingCollector) -> list[Image]:
    """Make an image of every tip; each carries ``archive-legacy``."""
    layers = _layers(documents, findings)
    loaded = documents.load_object("repositories", "repositories", findings)
    pairs = repository_pairs(loaded.value) if loaded and loaded.value else []
    tips = list(dict.fromkeys(tip for _, tip in pairs if tip in layers))
    if not tips:
        parents = {one for value in layers.values() if isinstance(one := value.get("parent"), str)}
        tips = [name for name in layers if name not in parents]
    names = {tip: tuple(familiar(name) for name, layer in pairs if layer == tip) for tip in tips}
    return [_image(documents, layers, tip, names[tip]) for tip in tips]


def _layers(documents: Documents, findings: FindingCollector) -> dict[str, JsonObject]:
    found: dict[str, JsonObject] = {}
    for name in documents.store.members.names():
        folder, _, last = name.partition("/")
        if last == "json":
            if not documents.hold(_LISTED, name, findings):
                break
            loaded = documents.load_object(name, name, findings)
            if loaded is not None and loaded.value is not None:
                found[folder] = loaded.value
    return found


def _image(
    documents: Documents, layers: dict[str, JsonObject], tip: str, names: tuple[str, ...]
) -> Image:
    findings = FindingCollector()
    findings.add(
        "archive-legacy",
        names[0] if names else tip,
        "a chain of layers without manifest and digests (docker before 1.10): nothing to verify",
    )
    chain: list[str] = []
    step: Any = tip
    while isinstance(step, str) and step and len(chain) <= documents.store.limits.layers:
        if step in chain:
            findings.add("index-cycle", step, "a layer that is its own ancestor")
            break
        if step not in layers:
            missing(step, "a parent layer", findings)
            break
        chain.append(step)
        step = layers[step].get("parent")
    chain.reverse()
    problems: list[Problem] = []
    top = Fields(layers[tip], "", problems, "config-invalid")
    history = tuple(_history(layers[name], problems) for name in chain)
    config = ImageConfig(
        created=top.text("created"),
        author=top.text("author"),
        platform=platform_of(top),
        diff_ids=(),
        history=history,
        raw=layers[tip],
    )
    tell(problems, names[0] if names else tip, findings)
    refs = []
    for name in chain:
        path = f"{name}/layer.tar"
        found = documents.store.find(path)
        if found is None:
            missing(path, "the layer", findings)
        refs.append(LayerRef(found.name if found else None, path, None, "", None, "", named=True))
    return Image(
        references=names,
        image_id=None,
        manifest_digest=None,
        manifest=None,
        manifest_data=None,
        config=config,
        config_data=None,
        platform=config.platform if config.platform.os else Platform("linux", ""),
        layers=tuple(refs),
        findings=findings.result(),
    )


def _history(value: JsonObject, problems: list[Problem]) -> HistoryEntry:
    fields = Fields(value, "", problems, "config-invalid")
    container = fields.object("container_config") or {}
    command = Fields(container, "container_config", problems, "config-invalid").texts("Cmd")
    return HistoryEntry(
        created=fields.text("created"),
        created_by=" ".join(command),
        comment=fields.text("comment") or "",
        author=fields.text("author"),
        empty_layer=False,
    )
