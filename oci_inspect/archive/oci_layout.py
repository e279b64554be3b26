"""OCI layouts, and skopeo's ``dir``: from an index or one manifest to images and other things.

image-spec, image-layout.md and image-index.md. Whether a manifest is an image is decided by the
types of its layers: a cosign signature carries an image config as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from oci_inspect.archive.contents import Image, LayerRef, Other
from oci_inspect.archive.documents import Documents, missing, read_config, tell
from oci_inspect.errors import LimitExceededError
from oci_inspect.findings import FindingCollector, Severity
from oci_inspect.spec import media_types
from oci_inspect.spec.descriptor import Descriptor
from oci_inspect.spec.digest import Digest, compute_digest
from oci_inspect.spec.document import JsonObject, Problem
from oci_inspect.spec.manifest import (
    Manifest,
    looks_like_index,
    parse_index,
    parse_manifest,
)
from oci_inspect.spec.platform import Platform
from oci_inspect.spec.reference import familiar, is_ref_name, is_reference

Locate = Callable[[Digest], str]
"""The name of the member that holds the blob of a digest."""

CONTAINERD_NAME = "io.containerd.image.name"
REF_NAME = "org.opencontainers.image.ref.name"
_REFERENCE_TYPE = "vnd.docker.reference.type"
_REFERENCE_DIGEST = "vnd.docker.reference.digest"


def blobs_path(digest: Digest) -> str:
    """Where a layout keeps a blob."""
    return f"blobs/{digest.algorithm}/{digest.encoded}"


def check_layout_file(documents: Documents, findings: FindingCollector) -> None:
    """``oci-layout`` must be there and say 1.0.0."""
    loaded = documents.load_object("oci-layout", "oci-layout", findings)
    if loaded is None:
        findings.add("layout-version", "oci-layout", "the file is missing")
        return
    version = loaded.value.get("imageLayoutVersion") if loaded.value else None
    if version != "1.0.0":
        shown = "missing" if version is None else repr(version)[:40]
        findings.add(
            "layout-version", "oci-layout", f"imageLayoutVersion is {shown}, it must be 1.0.0"
        )


class LayoutReader:
    """Walks from an index or a manifest down to the images, each digest visited once."""

    def __init__(self, documents: Documents, locate: Locate, findings: FindingCollector) -> None:
        self._documents = documents
        self._locate = locate
        self._findings = findings
        self._limits = documents.store.limits
        self._images: dict[str, Image] = {}
        self._other: dict[str, Other] = {}
        self._nodes: set[str] = set()
        self._below: dict[str, list[str]] = {}
        # Images that an index lists as one of its platforms.
        self._platforms: set[str] = set()
        self._attested: list[tuple[str, str]] = []
        self._subjects: list[tuple[str, str]] = []

    @property
    def images(self) -> list[Image]:
        """The images found, in the order of the index."""
        return list(self._images.values())

    @property
    def other(self) -> list[Other]:
        """What else was found."""
        return list(self._other.values())

    def read_index(self, value: JsonObject, subject: str, data: bytes) -> None:
        """Read an index and all below it."""
        problems: list[Problem] = []
        index = parse_index(value, problems)
        tell(problems, subject, self._findings)
        self._walk(index.manifests, (), (compute_digest(data),))
        self._check_pointers()

    def read_manifest(self, value: JsonObject, data: bytes) -> None:
        """Read the one manifest of a ``dir``."""
        digest = compute_digest(data)
        if looks_like_index(value):
            self.read_index(value, "manifest.json", data)
            return
        findings = FindingCollector()
        problems: list[Problem] = []
        manifest = parse_manifest(value, problems)
        tell(problems, "manifest.json", findings)
        descriptor = Descriptor(manifest.media_type, None, None, digest)
        self._image(manifest, data, digest, descriptor, (), findings)

    def _walk(
        self, descriptors: tuple[Descriptor, ...], names: tuple[str, ...], above: tuple[str, ...]
    ) -> None:
        here: list[str] = []
        for descriptor in descriptors:
            key = self._visit(descriptor, names, above)
            if key is not None:
                here.append(key)
        self._set_aside_absent(here)

    def _visit(
        self, descriptor: Descriptor, names: tuple[str, ...], above: tuple[str, ...]
    ) -> str | None:
        """Visit one descriptor; return the key of the image it led to, if it did."""
        own = names_of(descriptor, self._findings)
        names = own or names
        if descriptor.digest is None:
            self._add_other(descriptor, "unreadable", names)
            return None
        key = str(descriptor.digest)
        if key in above:
            self._findings.add("index-cycle", key, "this index leads back to itself")
            return None
        if key in self._nodes:
            for image in (key, *self._below.get(key, ())):
                self._name_again(image, names)
            return key if key in self._images else None
        if len(self._nodes) >= self._limits.index_nodes:
            error = LimitExceededError(
                "index_nodes", self._limits.index_nodes, len(self._nodes) + 1, "index.json"
            )
            self._findings.add("limit-exceeded", key, str(error))
            return None
        self._nodes.add(key)
        known = descriptor.media_type in media_types.INDEXES | media_types.MANIFESTS
        if descriptor.media_type and not known:
            reason = "layer" if media_types.is_layer(descriptor.media_type) else "unknown"
            if descriptor.media_type == media_types.BUILDKIT_CACHE:
                reason = "cache"
            if reason == "unknown":
                self._ask_document(descriptor.digest, descriptor.media_type)
            self._use(descriptor.digest)
            self._add_other(descriptor, reason, names)
            return None
        self._read_node(descriptor, key, names, above)
        return key if key in self._images else None

    def _ask_document(self, digest: Digest, declared: str) -> None:
        """Tell where something of no known type says of itself that it is of another."""
        loaded = self._documents.load_object(self._locate(digest), str(digest), FindingCollector())
        value = loaded.value if loaded is not None else None
        own = value.get("mediaType") if value else None
        if isinstance(own, str) and own != declared:
            self._findings.add(
                "media-type-mismatch",
                str(digest),
                f"the descriptor says {declared}, the document {own}",
            )

    def _read_node(
        self,
        descriptor: Descriptor,
        key: str,
        names: tuple[str, ...],
        above: tuple[str, ...],
    ) -> None:
        assert descriptor.digest is not None
        findings = FindingCollector()
        member = self._locate(descriptor.digest)
        loaded = self._documents.blob(member, descriptor, findings)
        if loaded is None or loaded.value is None:
            gone = loaded is None and self._documents.store.find(member) is None
            self._findings.extend(findings)
            self._add_other(descriptor, "missing" if gone else "unreadable", names)
            return
        declared = loaded.value.get("mediaType")
        if descriptor.media_type and declared and declared != descriptor.media_type:
            findings.add(
                "media-type-mismatch",
                key,
                f"the descriptor says {descriptor.media_type}, the document {declared}",
            )
        is_index = descriptor.media_type in media_types.INDEXES or (
            not descriptor.media_type and looks_like_index(loaded.value)
        )
        problems: list[Problem] = []
        if is_index:
            index = parse_index(loaded.value, problems)
            tell(problems, key, findings)
            self._findings.extend(findings)
            if len(above) >= self._limits.index_depth:
                error = LimitExceededError(
                    "index_depth", self._limits.index_depth, len(above) + 1, "index.json"
                )
                self._findings.add("limit-exceeded", key, str(error))
                return
            before = set(self._images)
            self._walk(index.manifests, names, (*above, key))
            self._below[key] = [image for image in self._images if image not in before]
            return
        manifest = parse_manifest(loaded.value, problems)
        tell(problems, key, findings)
        if not self._documents.hold(len(manifest.layers), key, findings):
            self._findings.extend(findings)
            self._add_other(descriptor, "unreadable", names)
            return
        if manifest.subject is not None and manifest.subject.digest is not None:
            self._subjects.append((key, str(manifest.subject.digest)))
        reason = _not_an_image(manifest, descriptor)
        if reason is not None:
            if reason == "attestation":
                target = descriptor.annotations.get(_REFERENCE_DIGEST)
                if target:
                    self._attested.append((key, target))
            self._findings.extend(findings)
            for part in (manifest.config, *manifest.layers):
                if part is not None and part.digest is not None:
                    self._use(part.digest)
            self._add_other(descriptor, reason, names, manifest.artifact_type)
            return
        self._image(manifest, loaded.data, key, descriptor, names, findings)

    def _image(
        self,
        manifest: Manifest,
        data: bytes,
        key: str,
        descriptor: Descriptor,
        names: tuple[str, ...],
        findings: FindingCollector,
    ) -> None:
        config_descriptor = manifest.config
        config = None
        config_data = None
        image_id = None
        if config_descriptor is None:
            old = manifest.raw.get("schemaVersion") == 1
            hint = ": Docker's schema 1, convert it with skopeo copy --format v2s2" if old else ""
            findings.add("json-invalid", key, f"the manifest names no config{hint}")
        elif config_descriptor.digest is not None:
            image_id = str(config_descriptor.digest)
            loaded = self._documents.blob(
                self._locate(config_descriptor.digest), config_descriptor, findings
            )
            if loaded is not None:
                config_data = loaded.data
                image_id = compute_digest(loaded.data)
                config = read_config(loaded.value, image_id, findings)
            elif self._documents.store.find(self._locate(config_descriptor.digest)) is None:
                missing(image_id, "the config", findings)
        if descriptor.platform is not None:
            self._platforms.add(key)
        platform = config.platform if config else Platform("", "")
        if descriptor.platform is not None:
            _compare_platforms(descriptor.platform, config and config.platform, key, findings)
            if not platform.os:
                platform = descriptor.platform
        layers = [self._layer(layer, findings) for layer in manifest.layers]
        self._images[key] = Image(
            references=names,
            image_id=image_id,
            manifest_digest=compute_digest(data),
            manifest=manifest,
            manifest_data=data,
            config=config,
            config_data=config_data,
            platform=platform,
            layers=tuple(layers),
            findings=findings.result(),
            unverifiable=any(
                one is not None and one.digest is not None and not one.digest.supported
                for one in (descriptor, config_descriptor)
            ),
        )

    def _layer(self, layer: Descriptor, findings: FindingCollector) -> LayerRef:
        member = None
        if layer.digest is not None:
            found = self._documents.store.find(self._locate(layer.digest))
            member = found.name if found else None
        reference = LayerRef(
            member=member,
            path=self._locate(layer.digest) if layer.digest else "",
            digest=layer.digest,
            claimed_digest=layer.claimed_digest,
            size=layer.size,
            media_type=layer.media_type,
            urls=layer.urls,
        )
        if member is None and layer.digest is not None:
            if media_types.is_foreign(layer.media_type) or layer.urls:
                missing(reference.subject, "a foreign layer", findings, Severity.INFO)
            else:
                missing(reference.subject, "a layer", findings)
        if layer.media_type and not media_types.is_layer(layer.media_type):
            findings.add(
                "media-type-unknown",
                reference.subject,
                f"a layer of type {layer.media_type}, which this program cannot open",
            )
        return reference

    def _set_aside_absent(self, keys: list[str]) -> None:
        """Images of other platforms of one index that are not in the archive at all.

        docker on the containerd store saves such indexes by design (moby 49473).
        """

        def absent(image: Image) -> bool:
            return image.config is None and all(layer.member is None for layer in image.layers)

        here = {key: self._images[key] for key in keys if key in self._images}
        if all(absent(image) for image in here.values()):
            return
        for key, image in here.items():
            # What has a name of its own was meant to be here.
            if absent(image) and key in self._platforms:
                del self._images[key]
                self._other[key] = Other(
                    key,
                    image.manifest.media_type if image.manifest else "",
                    None,
                    "missing",
                    len(image.manifest_data or b""),
                    image.platform,
                    image.references,
                )
                missing(key, f"the image for {image.platform}", self._findings, Severity.INFO)

    def _name_again(self, key: str, names: tuple[str, ...]) -> None:
        image = self._images.get(key)
        if image is not None:
            fresh = tuple(name for name in names if name not in image.references)
            self._images[key] = replace(image, references=image.references + fresh)

    def _add_other(
        self,
        descriptor: Descriptor,
        reason: str,
        names: tuple[str, ...],
        artifact_type: str | None = None,
    ) -> None:
        key = str(descriptor.digest) if descriptor.digest else descriptor.claimed_digest
        if reason == "missing":
            about = (
                f"the manifest for {descriptor.platform}" if descriptor.platform else "a manifest"
            )
            severity = Severity.INFO if descriptor.platform else None
            missing(key, about, self._findings, severity)
        self._other[key] = Other(
            key,
            descriptor.media_type,
            artifact_type or descriptor.artifact_type,
            reason,
            descriptor.size,
            descriptor.platform,
            names,
        )

    def _use(self, digest: Digest) -> None:
        member = self._documents.store.find(self._locate(digest))
        if member is not None:
            self._documents.used.add(member.name)

    def _check_pointers(self) -> None:
        here = self._nodes | self._images.keys()
        for key, target in self._attested:
            if target not in here:
                self._findings.add(
                    "attestation-target-missing", key, f"it attests {target}, which is not here"
                )
        for key, target in self._subjects:
            if target not in here:
                self._findings.add(
                    "subject-dangling", key, f"its subject {target} is not in the archive"
                )


def names_of(descriptor: Descriptor, findings: FindingCollector) -> tuple[str, ...]:
    """The reference that a descriptor's annotations give, at most one."""
    full = descriptor.annotations.get(CONTAINERD_NAME)
    short = descriptor.annotations.get(REF_NAME)
    name = full or short
    if not name:
        return ()
    if (full and not is_reference(full)) or (short and not is_ref_name(short)):
        bad = full if full and not is_reference(full) else short
        findings.add("reference-invalid", str(bad), "a ref name outside the grammar")
    return (familiar(name),)


def _not_an_image(manifest: Manifest, descriptor: Descriptor) -> str | None:
    """Why a manifest is no image, None where it is one."""
    kind = descriptor.annotations.get(_REFERENCE_TYPE)
    if kind == "attestation-manifest":
        return "attestation"
    config_type = manifest.config.media_type if manifest.config else ""
    image_config = config_type in media_types.CONFIGS | {""}
    if image_config and any(media_types.is_layer(one.media_type) for one in manifest.layers):
        return None
    if config_type == media_types.BUILDKIT_CACHE:
        return "cache"
    types = [layer.media_type for layer in manifest.layers]
    if any("simplesigning" in one or "cosign" in one or "sigstore" in one for one in types):
        return "signature"
    if descriptor.platform is not None and descriptor.platform.unknown:
        return "attestation"
    if manifest.artifact_type or not image_config:
        return "artifact"
    return "artifact" if any(types) else None


def _compare_platforms(
    descriptor: Platform, config: Any, key: str, findings: FindingCollector
) -> None:
    if not isinstance(config, Platform) or not config.os:
        return
    same = (descriptor.os, descriptor.architecture) == (config.os, config.architecture)
    variants = {descriptor.variant, config.variant}
    if not same or (None not in variants and len(variants) > 1):
        findings.add("platform-mismatch", key, f"the index says {descriptor}, the config {config}")
