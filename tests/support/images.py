"""Whole image archives in memory: as engines write them, and as nobody should.

:class:`ImageBuilder` is one image. Functions such as :func:`docker_archive` and :func:`oci_layout`
make an :class:`Archive` of some: an ordered list of members that can be damaged at will (after all
digests were computed) and written as a tar, compressed as a whole, or as a folder.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import random
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import zstandard

from support.tars import END, TarBuilder, header, padded, pax

Json = dict[str, Any]

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
IN_TOTO = "application/vnd.in-toto+json"
COSIGN = "application/vnd.dev.cosign.simplesigning.v1+json"
REF_NAME = "org.opencontainers.image.ref.name"
IMAGE_NAME = "io.containerd.image.name"

COMPRESSIONS = (
    "none",
    "gzip",
    "gzip-members",
    "gzip-padded",
    "zstd",
    "zstd-frames",
    "zstd-no-size",
    "xz",
    "bzip2",
)
"""What :func:`compress` knows."""


def sha256(data: bytes) -> str:
    """The digest of ``data``."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def hex_of(digest: str) -> str:
    """A digest without its algorithm."""
    return digest.partition(":")[2]


def to_json(value: object) -> bytes:
    """A document as Go writes it: no spaces; a lone surrogate stays an escape."""
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def pieces(data: bytes, count: int = 3) -> list[bytes]:
    """``data`` in ``count`` parts of about the same size."""
    step = max(1, -(-len(data) // count))
    return [data[start : start + step] for start in range(0, len(data), step)] or [b""]


def skippable(content: bytes) -> bytes:
    """A skippable frame of zstd."""
    return struct.pack("<II", 0x184D2A50, len(content)) + content


def compress(data: bytes, how: str) -> bytes:
    """``data`` compressed in one of :data:`COMPRESSIONS`."""
    if how == "none":
        return data
    if how == "gzip":
        return gzip.compress(data, mtime=0)
    if how == "gzip-members":
        return b"".join(gzip.compress(part, mtime=0) for part in pieces(data))
    if how == "gzip-padded":
        return gzip.compress(data, mtime=0) + bytes(700)
    if how == "zstd":
        return zstandard.ZstdCompressor().compress(data)
    if how == "zstd-frames":
        frames = [
            zstandard.ZstdCompressor(write_checksum=i % 2 == 0).compress(part)
            for i, part in enumerate(pieces(data))
        ]
        return skippable(b"first") + skippable(b"between").join(frames) + skippable(b"table")
    if how == "zstd-no-size":
        compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
        return compressor.compress(data) + compressor.flush()
    if how == "xz":
        return lzma.compress(data)
    if how == "bzip2":
        return bz2.compress(data)
    raise ValueError(how)


@dataclass(frozen=True)
class BuiltLayer:
    """A layer with all that is claimed of it."""

    tar: bytes = field(repr=False)
    blob: bytes = field(repr=False)
    media_type: str
    created_by: str

    @property
    def diff_id(self) -> str:
        """The digest of the tar."""
        return sha256(self.tar)

    @property
    def digest(self) -> str:
        """The digest of the blob."""
        return sha256(self.blob)


class ImageBuilder:
    """One image: references, layers, history, config. Documents are made when they are asked for.

    >>> image = ImageBuilder("example/app:1").layer(TarBuilder().file("a", b"1"))
    """

    def __init__(
        self,
        *references: str,
        os: str = "linux",
        architecture: str = "amd64",
        variant: str | None = None,
        created: str = "2024-02-03T04:05:06Z",
        run: Json | None = None,
    ) -> None:
        self.references = references
        self.platform: Json = {"architecture": architecture, "os": os}
        if variant:
            self.platform["variant"] = variant
        self.layers: list[BuiltLayer] = []
        self.history: list[Json] = []
        self._created = created
        self._run = run or {}
        self._with_history = True
        self._config_patches: list[Callable[[Json], Any]] = []
        self._manifest_patches: list[Callable[[Json], Any]] = []

    def layer(
        self,
        tar: TarBuilder | bytes,
        *,
        compression: str = "none",
        created_by: str = "COPY . / # buildkit",
        media_type: str | None = None,
    ) -> Self:
        """Add a layer and the history entry that owns it."""
        data = tar if isinstance(tar, bytes) else tar.build()
        if media_type is None:
            kind = compression.partition("-")[0]
            media_type = OCI_LAYER + ("" if kind == "none" else f"+{kind}")
        self.layers.append(BuiltLayer(data, compress(data, compression), media_type, created_by))
        self.history.append({"created": self._created, "created_by": created_by})
        return self

    def empty(self, created_by: str, *, flag: bool = True, comment: str = "") -> Self:
        """Add a history entry that owns no layer; ``flag`` is whether it says so."""
        entry: Json = {"created": self._created, "created_by": created_by}
        if comment:
            entry["comment"] = comment
        if flag:
            entry["empty_layer"] = True
        self.history.append(entry)
        return self

    def without_history(self) -> Self:
        """Leave the history out of the config."""
        self._with_history = False
        return self

    def patch_config(self, change: Callable[[Json], Any]) -> Self:
        """Change the config before it is digested."""
        self._config_patches.append(change)
        return self

    def patch_manifest(self, change: Callable[[Json], Any]) -> Self:
        """Change the OCI manifest before it is digested."""
        self._manifest_patches.append(change)
        return self

    @property
    def config(self) -> bytes:
        """The image config."""
        value: Json = {
            **self.platform,
            "config": self._run,
            "created": self._created,
            "rootfs": {"type": "layers", "diff_ids": [one.diff_id for one in self.layers]},
        }
        if self._with_history:
            value["history"] = self.history
        for change in self._config_patches:
            change(value)
        return to_json(value)

    @property
    def image_id(self) -> str:
        """The digest of the config."""
        return sha256(self.config)

    @property
    def manifest(self) -> bytes:
        """The OCI manifest."""
        value: Json = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(OCI_CONFIG, self.config),
            "layers": [descriptor(one.media_type, one.blob) for one in self.layers],
        }
        for change in self._manifest_patches:
            change(value)
        return to_json(value)

    @property
    def manifest_digest(self) -> str:
        """The digest of the OCI manifest."""
        return sha256(self.manifest)


def descriptor(media_type: str, data: bytes, **more: object) -> Json:
    """A descriptor of ``data``."""
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data), **more}


@dataclass
class Member:
    """A member of the outer archive; ``kind`` is the type flag of a tar."""

    name: str
    data: bytes = b""
    kind: bytes = b"0"
    linkname: str = ""


class Archive:
    """Members in order. Whatever changes them changes no digest: that is how damage is made."""

    def __init__(self, members: Iterable[Member] = ()) -> None:
        self.members = list(members)

    # What is in it

    def names(self) -> list[str]:
        """The names, in order."""
        return [member.name for member in self.members]

    def __getitem__(self, name: str) -> bytes:
        return self._member(name).data

    def json(self, name: str) -> Any:
        """A document, parsed."""
        return json.loads(self[name])

    def _member(self, name: str) -> Member:
        return next(member for member in self.members if member.name == name)

    # Putting things in, and damage

    def add(self, name: str, data: bytes) -> Self:
        """Add a file at the end; one of the same name and bytes is added once."""
        if not any(one.name == name and one.data == data for one in self.members):
            self.members.append(Member(name, data))
        return self

    def add_blob(self, data: bytes) -> Self:
        """Add a file where an OCI layout keeps it."""
        return self.add(blob_name(data), data)

    def add_json(self, name: str, value: object) -> Self:
        """Add a document."""
        return self.add(name, to_json(value))

    def add_folder(self, name: str) -> Self:
        """Add a folder's own entry."""
        self.members.append(Member(name.rstrip("/") + "/", kind=b"5"))
        return self

    def add_link(self, name: str, target: str, *, hard: bool = False) -> Self:
        """Add a symbolic link, or a hard one."""
        self.members.append(Member(name, kind=b"1" if hard else b"2", linkname=target))
        return self

    def add_special(self, name: str, kind: bytes) -> Self:
        """Add a FIFO (``6``), a device (``3``, ``4``) or whatever the type flag says."""
        self.members.append(Member(name, kind=kind))
        return self

    def replace(self, name: str, data: bytes) -> Self:
        """Give a member other bytes."""
        self._member(name).data = data
        return self

    def replace_link(self, name: str, target: str, *, hard: bool = False) -> Self:
        """Make a member a link."""
        self.members[self.names().index(name)] = Member(
            name, kind=b"1" if hard else b"2", linkname=target
        )
        return self

    def edit(self, name: str, change: Callable[[Any], Any]) -> Self:
        """Change a document in place; what ``change`` returns is taken unless it is None."""
        value = self.json(name)
        changed = change(value)
        return self.replace(name, to_json(value if changed is None else changed))

    def flip_bit(self, name: str, position: int = 0) -> Self:
        """Change one bit of a member."""
        data = bytearray(self[name])
        data[position] ^= 1
        return self.replace(name, bytes(data))

    def drop(self, *names: str) -> Self:
        """Leave members out."""
        self.members = [member for member in self.members if member.name not in names]
        return self

    def rename(self, old: str, new: str) -> Self:
        """Give a member another name."""
        self._member(old).name = new
        return self

    def swap(self, one: str, other: str) -> Self:
        """Exchange the bytes of two members."""
        first, second = self._member(one), self._member(other)
        first.data, second.data = second.data, first.data
        return self

    def duplicate(self, name: str, data: bytes | None = None, *, first: bool = False) -> Self:
        """Add a second member of a name, behind (or before) all others."""
        copy = Member(name, self[name] if data is None else data)
        self.members.insert(0 if first else len(self.members), copy)
        return self

    def reverse(self) -> Self:
        """Turn the order of the members around."""
        self.members.reverse()
        return self

    def shuffle(self, seed: int) -> Self:
        """Put the members into another order, the same for the same seed."""
        random.Random(seed).shuffle(self.members)
        return self

    def prefixed(self, prefix: str) -> Archive:
        """The same with something in front of every name: ``./``, ``/``, ``folder/``."""
        return Archive(
            Member(
                prefix + member.name,
                member.data,
                member.kind,
                prefix + member.linkname if member.kind == b"1" else member.linkname,
            )
            for member in self.members
        )

    # Writing

    def tar(self, end: bytes = END) -> bytes:
        """The archive as a tar."""
        parts = []
        for member in self.members:
            name, link = member.name.encode(), member.linkname.encode()
            records = {}
            if len(name) > 100:
                records[b"path"] = name
            if len(link) > 100:
                records[b"linkpath"] = link
            if records:
                parts.append(pax(records))
            parts.append(
                header(name[:100], type=member.kind, size=len(member.data), linkname=link[:100])
                + padded(member.data)
            )
        return b"".join(parts) + end

    def write_file(self, path: Path, compression: str = "none") -> Path:
        """Write the tar, compressed as a whole."""
        path.write_bytes(compress(self.tar(), compression))
        return path

    def write_folder(self, path: Path) -> Path:
        """Write the members as files below a new folder; special files are left out."""
        path.mkdir(parents=True)
        for member in self.members:
            target = path / member.name.removeprefix("./").lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            if member.kind == b"5":
                target.mkdir(exist_ok=True)
            elif member.kind == b"2":
                target.symlink_to(member.linkname)
            elif member.kind == b"1":
                target.write_bytes(self[member.linkname])
            elif member.kind == b"0":
                target.write_bytes(member.data)
        return path


def blob_name(data: bytes) -> str:
    """Where an OCI layout keeps a blob."""
    return f"blobs/sha256/{hex_of(sha256(data))}"


# What engines write


def docker_archive(*images: ImageBuilder, style: str = "docker") -> Archive:
    """A ``docker save`` archive.

    ``style``: ``docker`` (before 25: ``<id>/layer.tar``, ``VERSION``, ``json``, ``repositories``),
    ``podman`` (links to ``<diff_id>.tar``), ``skopeo`` (``<diff_id>.tar`` alone), ``kaniko``
    (``sha256:<hex>`` and ``<hex>.tar.gz``), ``jib`` (keys in lower case), ``backslash`` (old
    Windows daemons).
    """
    archive = Archive()
    entries: list[Json] = []
    repositories: dict[str, dict[str, str]] = {}
    for image in images:
        config_name = f"{hex_of(image.image_id)}.json"
        if style == "kaniko":
            config_name = image.image_id
        elif style == "jib":
            config_name = "config.json"
        paths = []
        for i, layer in enumerate(image.layers):
            folder = hex_of(sha256(f"{image.image_id} {i}".encode()))
            if style in ("docker", "backslash"):
                paths.append(f"{folder}/layer.tar")
                archive.add_folder(folder).add(f"{folder}/VERSION", b"1.0")
                archive.add_json(f"{folder}/json", {"id": folder, "os": "linux"})
                archive.add(paths[-1], layer.blob)
            elif style == "podman":
                paths.append(f"{hex_of(layer.diff_id)}.tar")
                archive.add(paths[-1], layer.blob)
                archive.add_link(f"{folder}/layer.tar", f"../{paths[-1]}")
            elif style == "skopeo":
                paths.append(f"{hex_of(layer.diff_id)}.tar")
                archive.add(paths[-1], layer.blob)
            else:
                paths.append(f"{hex_of(layer.digest)}.tar.gz")
                archive.add(paths[-1], layer.blob)
            if i == len(image.layers) - 1:
                for reference in image.references:
                    name, _, tag = reference.rpartition(":")
                    repositories.setdefault(name, {})[tag] = folder
        archive.add(config_name, image.config)
        if style == "backslash":
            paths = [path.replace("/", "\\") for path in paths]
        entries.append(
            {"Config": config_name, "RepoTags": list(image.references) or None, "Layers": paths}
        )
    if style == "jib":
        entries = [
            {"config": one["Config"], "repoTags": one["RepoTags"] or [], "layers": one["Layers"]}
            for one in entries
        ]
    archive.add_json("manifest.json", entries)
    if style in ("docker", "podman") and repositories:
        archive.add_json("repositories", repositories)
    return archive


def oci_layout(
    *images: ImageBuilder,
    nested: bool = False,
    platforms: bool = False,
    attestations: bool = False,
    more: Sequence[Json] = (),
    index: Json | None = None,
) -> Archive:
    """An OCI layout.

    ``nested`` puts all images into one index below ``index.json`` (named after the first image's
    reference), ``platforms`` names each one's platform, ``attestations`` gives each an attestation,
    ``more`` are further descriptors for the innermost index. ``index`` patches ``index.json``.
    """
    archive = Archive().add("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    manifests: list[Json] = []
    for image in images:
        add_image(archive, image)
        one = descriptor(OCI_MANIFEST, image.manifest)
        if platforms or nested:
            one["platform"] = image.platform
        if image.references and not nested:
            one["annotations"] = {REF_NAME: image.references[0]}
        manifests.append(one)
        if attestations:
            manifests.append(add_attestation(archive, image.manifest_digest))
    manifests.extend(more)
    if nested:
        inner = to_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests})
        archive.add_blob(inner)
        outer = descriptor(OCI_INDEX, inner)
        if images and images[0].references:
            name = images[0].references[0]
            outer["annotations"] = {
                IMAGE_NAME: f"docker.io/{name}",
                REF_NAME: name.rpartition(":")[2],
            }
        manifests = [outer]
    value = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests, **(index or {})}
    return archive.add_json("index.json", value)


def add_image(archive: Archive, image: ImageBuilder) -> None:
    """Put an image's layers, config and manifest among the blobs."""
    for layer in image.layers:
        archive.add_blob(layer.blob)
    archive.add_blob(image.config).add_blob(image.manifest)


def add_attestation(archive: Archive, target: str) -> Json:
    """Put BuildKit's attestation of ``target`` among the blobs; return its descriptor."""
    statement = to_json({"_type": "https://in-toto.io/Statement/v0.1", "subject": [target]})
    config = to_json(
        {
            "architecture": "unknown",
            "os": "unknown",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [sha256(statement)]},
        }
    )
    manifest = add_manifest(
        archive, OCI_CONFIG, config, [(IN_TOTO, statement)], {"schemaVersion": 2}
    )
    return descriptor(
        OCI_MANIFEST,
        manifest,
        platform={"architecture": "unknown", "os": "unknown"},
        annotations={
            "vnd.docker.reference.digest": target,
            "vnd.docker.reference.type": "attestation-manifest",
        },
    )


def add_manifest(
    archive: Archive,
    config_type: str,
    config: bytes,
    layers: Sequence[tuple[str, bytes]],
    more: Json | None = None,
) -> bytes:
    """Put a manifest of anything and its blobs into an archive; return the manifest."""
    manifest = to_json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(config_type, config),
            "layers": [descriptor(kind, data) for kind, data in layers],
            **(more or {}),
        }
    )
    for _, data in layers:
        archive.add_blob(data)
    archive.add_blob(config).add_blob(manifest)
    return manifest


def hybrid(*images: ImageBuilder, nested: bool = False) -> Archive:
    """What docker 25 and newer save: an OCI layout and ``manifest.json`` in one."""
    archive = oci_layout(*images, nested=nested)
    if not nested:
        # index.json names each tag: docker.io/<name> and the bare tag
        def rename(index: Json) -> None:
            described = []
            for one, image in zip(index["manifests"], images, strict=True):
                for reference in image.references or (None,):
                    copy = {key: value for key, value in one.items() if key != "annotations"}
                    if reference:
                        copy["annotations"] = {
                            IMAGE_NAME: f"docker.io/{reference}",
                            REF_NAME: reference.rpartition(":")[2],
                        }
                    described.append(copy)
            index["manifests"] = described

        archive.edit("index.json", rename)
    return archive.add_json(
        "manifest.json",
        [
            {
                "Config": blob_name(image.config),
                "RepoTags": list(image.references) or None,
                "Layers": [blob_name(layer.blob) for layer in image.layers],
                "LayerSources": {
                    layer.diff_id: descriptor(layer.media_type, layer.blob)
                    for layer in image.layers
                },
            }
            for image in images
        ],
    )


def skopeo_dir(image: ImageBuilder) -> Archive:
    """What ``skopeo copy ... dir:`` writes."""
    archive = Archive().add("version", b"Directory Transport Version: 1.1\n")
    for layer in image.layers:
        archive.add(hex_of(layer.digest), layer.blob)
    archive.add(hex_of(image.image_id), image.config)
    return archive.add("manifest.json", image.manifest)


def v1_chain(image: ImageBuilder, *, repositories: bool = True) -> Archive:
    """What docker before 1.10 saved: a chain of ``<id>/json`` with ``parent``, nothing else."""
    archive = Archive()
    parent = None
    for i, layer in enumerate(image.layers):
        folder = hex_of(sha256(f"v1 {i} {layer.diff_id}".encode()))
        value: Json = {
            "id": folder,
            "created": "2015-01-02T03:04:05Z",
            "container_config": {"Cmd": ["/bin/sh", "-c", layer.created_by]},
            **image.platform,
        }
        if parent:
            value["parent"] = parent
        archive.add_folder(folder).add(f"{folder}/VERSION", b"1.0")
        archive.add_json(f"{folder}/json", value).add(f"{folder}/layer.tar", layer.blob)
        parent = folder
    if repositories:
        tags: dict[str, dict[str, str | None]] = {}
        for reference in image.references:
            name, _, tag = reference.rpartition(":")
            tags.setdefault(name, {})[tag] = parent
        archive.add_json("repositories", tags)
    return archive
