"""Archives of docker 25 and newer: one image told twice, by ``index.json`` and ``manifest.json``.

The two must agree. Where they do not, the telling whose blobs are all there and whose layers are
the config's is taken, and ``manifests-disagree`` says so. What real engines got wrong: docker
25.0.0 wrote OCI layers in wrong order (moby 47150), 25.0.2 ``"manifests": null`` (47210), release
candidates no layers (47065), later ones only the first of several untagged images (51389).
"""

from __future__ import annotations

from dataclasses import replace

from oci_inspect.archive.contents import Image
from oci_inspect.findings import Finding, finding


def merge(oci: list[Image], docker: list[Image]) -> list[Image]:
    """Pair the images of both documents by their config and make one list of them."""
    left: dict[int, Image] = dict(enumerate(docker))
    by_config: dict[str, list[int]] = {}
    for position, image in left.items():
        if image.image_id:
            by_config.setdefault(image.image_id, []).append(position)
    merged: list[Image] = []
    for image in oci:
        for position in by_config.pop(image.image_id or "", ()):
            image = _pair(image, left.pop(position))
        merged.append(image)
    named = {name: i for i, image in reversed(list(enumerate(merged))) for name in image.references}
    for image in left.values():
        rivals = [named[name] for name in image.references if name in named]
        if not rivals:
            named.update(dict.fromkeys(image.references, len(merged)))
            merged.append(image)
        else:
            merged[min(rivals)] = _settle(merged[min(rivals)], image)
    return merged


def _pair(oci: Image, docker: Image) -> Image:
    names = tuple(dict.fromkeys(oci.references + docker.references))
    told_oci = [str(layer.digest) for layer in oci.layers]
    told_docker = [str(layer.digest) for layer in docker.layers]
    findings = oci.findings + tuple(one for one in docker.findings if one not in oci.findings)
    if told_oci == told_docker:
        return replace(oci, references=names, findings=findings)
    if not told_oci:
        detail = f"the OCI manifest lists no layers, manifest.json {len(told_docker)}"
    elif sorted(told_oci) == sorted(told_docker):
        detail = "they list the same layers in another order"
    else:
        detail = "they list different layers"
    return _choose(oci, docker, names, detail)


def _settle(oci: Image, docker: Image) -> Image:
    names = tuple(dict.fromkeys(oci.references + docker.references))
    return _choose(oci, docker, names, "under one name they tell of different configs")


def _choose(oci: Image, docker: Image, names: tuple[str, ...], detail: str) -> Image:
    taken, what = (
        (docker, "manifest.json") if _rank(docker) > _rank(oci) else (oci, "the OCI manifest")
    )
    found = finding(
        "manifests-disagree",
        oci.manifest_digest or "index.json",
        f"manifest.json and the OCI manifest disagree: {detail}; {what} is analysed",
    )
    kept: list[Finding] = [*taken.findings, found]
    return replace(
        taken,
        references=names,
        findings=tuple(kept),
        manifest_digest=oci.manifest_digest,
        manifest=oci.manifest,
        manifest_data=oci.manifest_data,
    )


def _rank(image: Image) -> tuple[bool, bool, int]:
    """How well a telling holds together: all blobs here, as many as diff_ids, in their order.

    Layers from a graph driver are uncompressed: their digests are the diff_ids.
    """
    diff_ids = image.config.diff_ids if image.config else ()
    return (
        image.config is not None and all(layer.member for layer in image.layers),
        len(image.layers) == len(diff_ids),
        sum(
            str(layer.digest) == diff_id
            for layer, diff_id in zip(image.layers, diff_ids, strict=False)
        ),
    )
