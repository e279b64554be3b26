"""``docker save`` archives: ``manifest.json`` is a list of ``{Config, RepoTags, Layers}``.

Sources: moby ``image/tarexport``, containers/image ``docker/archive``, and the archives of kaniko,
jib, nix and bazel, which write the same with names of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import Any

from oci_inspect.archive.contents import Image, LayerRef
from oci_inspect.archive.documents import Documents, Loaded, missing, read_config, tell
from oci_inspect.findings import FindingCollector
from oci_inspect.spec.digest import Digest, compute_digest
from oci_inspect.spec.document import MOST_ITEMS, Fields, JsonObject, Problem
from oci_inspect.spec.platform import Platform
from oci_inspect.spec.reference import familiar, is_reference

_DIGEST_IN_PATH = re.compile(
    r"(?:blobs/(?P<algorithm>sha256|sha384|sha512)/|(?:sha256[:-])?)"
    r"(?P<hex>[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})(?:\.json|\.tar(?:\.gz|\.gzip|\.zst)?)?"
)


@dataclass(frozen=True, slots=True)
class DockerEntry:
    """One element of ``manifest.json``, as it stands there."""

    config: str
    repo_tags: tuple[str, ...]
    layers: tuple[str, ...]


def parse_entries(value: Any, findings: FindingCollector) -> list[DockerEntry]:
    """Read ``manifest.json``; keys in any case, as Go's readers take them."""
    problems: list[Problem] = []
    found = []
    for where, one in Fields({"": value}, "manifest.json", problems).objects(""):
        fields = Fields(one, where.replace("manifest.json.", "manifest.json"), problems)
        found.append(
            DockerEntry(
                fields.text("Config") or "",
                fields.texts("RepoTags", MOST_ITEMS),
                fields.texts("Layers", MOST_ITEMS),
            )
        )
    tell(problems, "manifest.json", findings)
    return found


def digest_in_path(path: str) -> Digest | None:
    """The digest that a member's name is, None where it is no digest."""
    match = _DIGEST_IN_PATH.fullmatch(path.removeprefix("./"))
    if match is None:
        return None
    lengths = {64: "sha256", 96: "sha384", 128: "sha512"}
    algorithm = lengths[len(match["hex"])]
    if match["algorithm"] not in (None, algorithm):
        return None
    return Digest(algorithm, match["hex"])


class DockerReader:
    """Reads the images that ``manifest.json`` lists."""

    def __init__(self, documents: Documents, findings: FindingCollector) -> None:
        self._documents = documents
        self._store = documents.store
        self._findings = findings
        self._repositories = self._read_repositories()

    def read(self, entries: list[DockerEntry]) -> list[Image]:
        """Make an image of each entry, as far as there is memory for their layers."""
        images: list[Image] = []
        for entry in entries:
            listed = len(entry.layers) + 1
            if not self._documents.hold(listed, "manifest.json", self._findings):
                break
            images.append(self.image(entry))
        return images

    def image(self, entry: DockerEntry) -> Image:
        """Make an image of one entry."""
        findings = FindingCollector()
        config = None
        config_data = None
        claimed = digest_in_path(entry.config)
        image_id = str(claimed) if claimed else None
        subject = image_id or entry.config or "manifest.json"
        loaded = self._load_config(entry.config, subject, findings)
        if loaded is not None:
            config_data = loaded.data
            image_id = compute_digest(loaded.data)
            config = read_config(loaded.value, image_id, findings)
            if claimed and claimed.supported:
                computed = compute_digest(loaded.data, claimed.algorithm)
                if computed != str(claimed):
                    findings.add(
                        "image-id-mismatch",
                        str(claimed),
                        f"the config hashes to {computed}, its name says otherwise",
                    )
        return Image(
            references=self._references(entry, findings),
            image_id=image_id,
            manifest_digest=None,
            manifest=None,
            manifest_data=None,
            config=config,
            config_data=config_data,
            platform=config.platform if config else Platform("", ""),
            layers=tuple(self._layer(path, findings) for path in entry.layers),
            findings=findings.result(),
        )

    def _load_config(self, name: str, subject: str, findings: FindingCollector) -> Loaded | None:
        if not name:
            findings.add("json-invalid", subject, "an image without a Config")
            return None
        if self._store.find(name) is None:
            missing(subject, f"the config {name}", findings)
            return None
        return self._documents.load_object(name, subject, findings)

    def _layer(self, path: str, findings: FindingCollector) -> LayerRef:
        found = self._store.find(path)
        if found is None and "\\" in path:  # old Windows daemons wrote their own separator
            path = path.replace("\\", "/")
            found = self._store.find(path)
        digest = digest_in_path(path)
        reference = LayerRef(
            member=found.name if found else None,
            path=path,
            digest=digest,
            claimed_digest=str(digest) if digest else "",
            size=None,
            media_type="",
            named=True,
        )
        if found is None:
            missing(reference.subject, f"the layer {path}", findings)
        return reference

    def _references(self, entry: DockerEntry, findings: FindingCollector) -> tuple[str, ...]:
        tags = entry.repo_tags
        if not tags and entry.layers:
            top = entry.layers[-1].partition("/")[0]
            tags = tuple(self._repositories.get(top, ()))
        for tag in tags:
            if not is_reference(tag):
                findings.add("reference-invalid", tag, "a tag outside the grammar")
        return tuple(dict.fromkeys(familiar(tag) for tag in tags))

    def _read_repositories(self) -> dict[str, list[str]]:
        """The references of each top layer in ``repositories``, older than RepoTags."""
        loaded = self._documents.load_object("repositories", "repositories", self._findings)
        names: dict[str, list[str]] = {}
        for name, layer in repository_pairs(loaded.value) if loaded and loaded.value else ():
            names.setdefault(layer, []).append(name)
        return names


def repository_pairs(value: JsonObject) -> list[tuple[str, str]]:
    """``{"name": {"tag": "layer"}}`` as pairs of ``name:tag`` and layer, the first of them."""
    pairs = (
        (f"{name}:{tag}", layer)
        for name, tags in value.items()
        if isinstance(tags, dict)
        for tag, layer in tags.items()
        if isinstance(layer, str)
    )
    return list(islice(pairs, MOST_ITEMS))
