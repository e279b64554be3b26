"""From a store to its contents: which kind it is, and the reader that fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from oci_inspect.archive import hybrid
from oci_inspect.archive.contents import Contents, Image, Other
from oci_inspect.archive.docker_archive import DockerReader, parse_entries
from oci_inspect.archive.documents import Documents, Loaded
from oci_inspect.archive.legacy_v1 import read_v1_chains
from oci_inspect.archive.oci_layout import LayoutReader, blobs_path, check_layout_file
from oci_inspect.archive.store import MARKERS, Store
from oci_inspect.errors import ArchiveError
from oci_inspect.findings import FindingCollector
from oci_inspect.paths import path_text
from oci_inspect.spec.digest import Digest, computable

_COMPANIONS = frozenset({"json", "VERSION"})


def read_contents(store: Store[Any]) -> Contents:
    """Read the documents of an archive. Raises :class:`ArchiveError` where no image is in them."""
    findings = FindingCollector()
    documents = Documents(store)
    manifest = documents.load("manifest.json", "manifest.json", findings)
    index = documents.load_object("index.json", "index.json", findings)
    is_list = manifest is not None and isinstance(manifest.value, list)
    is_layout = index is not None or store.find("oci-layout") is not None
    images: list[Image]
    other: list[Other] = []
    head = manifest
    if manifest is not None and isinstance(manifest.value, dict) and not is_layout:
        kind = "dir"
        images, other = _read_dir(documents, manifest, findings)
    elif is_list and manifest is not None:
        docker = DockerReader(documents, findings).read(parse_entries(manifest.value, findings))
        kind = "hybrid" if is_layout else "docker-archive"
        oci: list[Image] = []
        if is_layout:
            head = index or manifest
            oci, other = _read_layout(documents, index, findings)
        images = hybrid.merge(oci, docker) if is_layout else docker
    elif is_layout:
        kind = "oci-layout" if store.is_folder else "oci-archive"
        images, other = _read_layout(documents, index, findings)
        head = index
    elif manifest is None or manifest.value is None:
        kind = "docker-archive"
        images = read_v1_chains(documents, findings)
    else:
        raise ArchiveError(
            store.path, "its manifest.json is neither a list nor an object", "save the image again"
        )
    if not images and not any(one.reason != "missing" for one in other):
        raise _nothing(store, findings, other)
    images = _as_one(images)
    _check_references(images, findings)
    return Contents(
        kind=kind,
        images=tuple(images),
        other=tuple(other),
        findings=findings.result(),
        index_data=head.data if head else None,
        used_members=frozenset(documents.used),
    )


def find_unreferenced(store: Store[Any], contents: Contents, findings: FindingCollector) -> None:
    """Tell of the bytes in an archive that no image needs."""
    needed = set(contents.used_members)
    for image in contents.images:
        needed.update(layer.member for layer in image.layers if layer.member)
    needed.update(MARKERS)
    first = ""
    count = size = 0
    for name, member in store.members.files():
        folder, _, last = name.partition("/")
        if name in needed or (last in _COMPANIONS and len(folder) == 64):
            continue
        first = first or name
        count += 1
        size += member.size
    if count:
        what = "file" if count == 1 else "files"
        findings.add(
            "blob-unreferenced",
            path_text(first.encode("utf-8", "surrogateescape")),
            f"{count:,} {what} of {size:,} bytes in the archive that no image needs",
        )


def named_blobs(store: Store[Any], contents: Contents) -> Iterator[tuple[str, Digest]]:
    """Members that go by their digest and are no layer of an image, with that digest.

    One by one: there may be a million of them.
    """
    layers = {layer.member for image in contents.images for layer in image.layers}
    for name, _ in store.members.files():
        if name not in layers and (digest := _named_by(name, contents.kind)):
            yield name, digest


def _named_by(name: str, kind: str) -> Digest | None:
    """The digest that a path promises: ``blobs/sha256/<hex>``; in a ``dir`` the bare hex."""
    parts = name.split("/")
    if kind == "dir" and len(parts) == 1:
        parts = ["blobs", "sha256", name.removesuffix(".manifest.json")]
    if len(parts) != 3 or parts[0] != "blobs":
        return None
    return computable(f"{parts[1]}:{parts[2]}")


def _read_layout(
    documents: Documents, index: Loaded | None, findings: FindingCollector
) -> tuple[list[Image], list[Other]]:
    check_layout_file(documents, findings)
    if index is None or index.value is None:
        if index is None:
            findings.add("blob-missing", "index.json", "index.json is not in the archive")
        return [], []
    reader = LayoutReader(documents, blobs_path, findings)
    reader.read_index(index.value, "index.json", index.data)
    return reader.images, reader.other


def _read_dir(
    documents: Documents, manifest: Loaded, findings: FindingCollector
) -> tuple[list[Image], list[Other]]:
    """Skopeo's ``dir``: blobs named by their bare hex, nested manifests ``<hex>.manifest.json``."""

    def locate(digest: Digest) -> str:
        nested = f"{digest.encoded}.manifest.json"
        return nested if documents.store.find(nested) else digest.encoded

    version = documents.store.document("version")
    text = (version.data or b"").decode("ascii", "replace") if version else ""
    if not text.startswith("Directory Transport Version:"):
        findings.add(
            "layout-version", "version", "no 'Directory Transport Version:' beside manifest.json"
        )
    reader = LayoutReader(documents, locate, findings)
    reader.read_manifest(manifest.value, manifest.data)
    return reader.images, reader.other


def _as_one(images: list[Image]) -> list[Image]:
    """Images with the same config, layers and manifest, told several times, become one."""
    seen: dict[tuple[object, ...], Image] = {}
    for image in images:
        key = (image.image_id, image.manifest_digest, tuple(one.path for one in image.layers))
        if image.image_id is None or key not in seen:
            seen[key if image.image_id else (id(image),)] = image
            continue
        first = seen[key]
        names = tuple(dict.fromkeys(first.references + image.references))
        seen[key] = replace(first, references=names)
    return list(seen.values())


def _check_references(images: list[Image], findings: FindingCollector) -> None:
    """One name must not mean two images; the platforms of one index share theirs."""
    owners: Counter[tuple[str, str]] = Counter()
    for image in images:
        owners.update((name, str(image.platform)) for name in set(image.references))
    for (name, _), count in owners.items():
        if count > 1:
            findings.add("reference-duplicate", name, f"this name is given to {count} images")


def _nothing(store: Store[Any], findings: FindingCollector, other: list[Other]) -> ArchiveError:
    if other:
        platforms = ", ".join(str(one.platform) for one in other if one.platform)
        count = "one manifest" if len(other) == 1 else f"{len(other):,} manifests"
        return ArchiveError(
            store.path,
            f"its index names {count}{f' ({platforms[:120]})' if platforms else ''}"
            f" that {'is' if len(other) == 1 else 'are'} not in it",
            "save the image with its layers, for one platform or with --all",
        )
    for found in (*findings.result(), *store.findings):
        if found.severity == "error":
            told = found.message
            if not told.startswith(found.subject):
                told = f"{found.subject}: {told}"
            return ArchiveError(store.path, f"no image can be read: {told}")
    return ArchiveError(store.path, "it holds no image: its manifest list is empty")
