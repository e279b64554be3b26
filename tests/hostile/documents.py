"""JSON that misleads or exhausts, digests that are none, indexes that lead around."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from hostile.cases import Archive, Theme, below, docker, oci
from support.images import (
    OCI_INDEX,
    OCI_MANIFEST,
    ImageBuilder,
    blob_name,
    descriptor,
    oci_layout,
    to_json,
)
from support.tars import TarBuilder

add = Theme("documents")

LIMIT = 4 << 20
DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "bom": lambda data: b"\xef\xbb\xbf" + data,
    "utf-16": lambda data: data.decode().encode("utf-16"),
    "latin-1": lambda data: data.replace(b'"', b'"\xe9', 1),
    "two-values": lambda data: data + b"{}",
    "cut": lambda data: data[:-1],
    "number": lambda data: b"5",
    "null": lambda data: b"null",
    "text": lambda data: b'"\\u001b[2J"',
    "brackets": lambda data: b"[" * 100_000,
    "braces": lambda data: b'{"a":' * 50_000,
    "deep": lambda data: b'{"a":' + b"[" * 70 + b"]" * 70 + b"," + data.lstrip(b"[")[1:],
    "5000-digits": lambda data: data.replace(b"{", b'{"n":' + b"9" * 5000 + b",", 1),
    "nan": lambda data: data.replace(b"{", b'{"n":NaN,', 1),
    "1e400": lambda data: data.replace(b"{", b'{"n":1e400,', 1),
    "zeros-behind": lambda data: data + bytes(10),
    "over-the-limit": lambda data: data + b" " * (LIMIT + 1 - len(data)),
}


def config_name() -> str:
    return blob_name(below().config)


def manifest_name() -> str:
    return blob_name(below().manifest)


for what, damage in DAMAGE.items():
    rule = "limit-exceeded" if what == "over-the-limit" else "json-invalid"
    add(
        f"manifest.json-{what}",
        lambda damage=damage: docker(lambda one: swap(one, "manifest.json", damage)),
        says="manifest.json",
    )
    add(
        f"index.json-{what}",
        lambda damage=damage: oci(lambda one: swap(one, "index.json", damage)),
        says="index.json",
    )
    add(
        f"manifest-{what}",
        lambda damage=damage: oci(lambda one: swap(one, manifest_name(), damage)),
        code=(1, 3),
        says="",
    )
    add(
        f"config-{what}",
        lambda damage=damage: oci(lambda one: swap(one, config_name(), damage)),
        rule,
        code=3 if what in ("brackets", "braces", "deep", "over-the-limit") else 1,
    )


def swap(archive: Archive, name: str, damage: Callable[[bytes], bytes]) -> None:
    archive.replace(name, damage(archive[name]))


# Keys that readers take differently


def patched(change: Callable[[dict[str, Any]], Any]) -> Archive:
    return oci_layout(below().patch_manifest(change))


def twice() -> Archive:
    return docker(
        lambda one: swap(
            one,
            "manifest.json",
            lambda data: data.replace(b'"Config"', b'"RepoTags":["evil:1"],"Config"', 1),
        )
    )


add("key-twice", twice, "json-key-ambiguous", code=0)
add(
    "layers-beside-Layers",
    lambda: docker(
        lambda one: one.edit("manifest.json", lambda all_: all_[0].update(layers=["evil"]))
    ),
    "json-key-ambiguous",
    code=0,
)
add(
    "long-s",
    lambda: patched(lambda one: one.update({"layer\u017f": []})),
    "json-key-ambiguous",
    code=0,
)
add(
    "manifests-and-layers",
    lambda: patched(lambda one: one.update(manifests=[])),
    "manifest-ambiguous",
)
add(
    "index-with-layers",
    lambda: oci(lambda one: one.edit("index.json", lambda value: value.update(layers=[]))),
    "manifest-ambiguous",
)
add("schema-version-1", lambda: patched(lambda one: one.update(schemaVersion=1)), "schema-version")
add(
    "layout-version",
    lambda: oci(lambda one: one.replace("oci-layout", b'{"imageLayoutVersion":"9"}')),
    "layout-version",
)
add(
    "surrogate-in-a-label",
    lambda: oci_layout(
        below().patch_config(lambda one: one.update(config={"Labels": {"\ud800": "\udfff"}}))
    ),
    code=0,
)

# Wrong types, everywhere

WRONG: tuple[Any, ...] = (
    5,
    -1,
    1.5,
    "x",
    "\x1b[2J",
    True,
    None,
    [],
    [5],
    [None],
    [[]],
    {},
    {"a": 5},
)
for key in ("Config", "RepoTags", "Layers", "LayerSources"):
    for i, value in enumerate(WRONG):
        add(
            f"manifest.json-{key}-{i}",
            lambda key=key, value=value: docker(
                lambda one: one.edit("manifest.json", lambda all_: all_[0].update({key: value}))
            ),
            code=(0, 1, 3),
        )
MANIFEST_KEYS = (
    "manifests",
    "mediaType",
    "annotations",
    "subject",
    "artifactType",
    "config",
    "layers",
)
for key in MANIFEST_KEYS:
    for i, value in enumerate(WRONG):
        add(
            f"manifest-{key}-{i}",
            lambda key=key, value=value: patched(lambda one: one.update({key: value})),
            code=(0, 1, 3),
        )
        add(
            f"index-{key}-{i}",
            lambda key=key, value=value: oci(
                lambda one: one.edit("index.json", lambda all_: all_.update({key: value}))
            ),
            code=(0, 1, 3),
        )
CONFIG_KEYS = ("rootfs", "history", "config", "created", "author", "os", "architecture", "variant")
for key in CONFIG_KEYS:
    for i, value in enumerate(WRONG):
        add(
            f"config-{key}-{i}",
            lambda key=key, value=value: oci_layout(
                below().patch_config(lambda one: one.update({key: value}))
            ),
            code=(0, 1),
        )
RUN_KEYS = ("Env", "Cmd", "Labels", "ExposedPorts", "Healthcheck", "User", "StopSignal")
for key in RUN_KEYS:
    for i, value in enumerate(WRONG):
        add(
            f"run-{key}-{i}",
            lambda key=key, value=value: oci_layout(
                below().patch_config(lambda one: one.update(config={key: value}))
            ),
            code=(0, 1),
        )
for key in ("created", "created_by", "comment", "author", "empty_layer"):
    for i, value in enumerate(WRONG):
        add(
            f"history-{key}-{i}",
            lambda key=key, value=value: oci_layout(
                below().patch_config(lambda one: one["history"][0].update({key: value}))
            ),
            code=(0, 1),
        )

# Descriptors

DIGESTS = {
    "path": "sha256:../../etc/passwd",
    "upper": "sha256:" + "A" * 64,
    "short": "sha256:" + "a" * 63,
    "long": "sha256:" + "a" * 65,
    "bare": "sha256",
    "nothing": "",
    "newline": "sha256:" + "a" * 64 + "\n",
    "slash": "sha256:" + "/" * 64,
    "absolute": "/etc/passwd",
    "md5": "md5:" + "a" * 32,
    "huge": "sha256:" + "a" * 100_000,
}
for what, digest in DIGESTS.items():
    rule = "digest-unsupported" if what == "md5" else "digest-invalid"
    for where in ("layer", "config", "manifest"):
        add(
            f"digest-{what}-of-a-{where}",
            lambda where=where, digest=digest: claimed(where, digest),
            rule,
            code=(0, 1, 3),
            hides="root:x:0:0",
        )


def claimed(where: str, digest: str) -> Archive:
    image = below()
    if where == "layer":
        image.patch_manifest(lambda one: one["layers"][0].update(digest=digest))
    elif where == "config":
        image.patch_manifest(lambda one: one["config"].update(digest=digest))
    archive = oci_layout(image, ImageBuilder("other:1").layer(TarBuilder().file("b", b"")))
    if where == "manifest":
        archive.edit("index.json", lambda one: one["manifests"][0].update(digest=digest))
    return archive


def blake3() -> Archive:
    """Bytes under an algorithm that nobody here can compute: never "ok"."""
    image = below()
    image.patch_manifest(lambda one: one["layers"][0].update(digest="blake3:" + "1" * 64))
    return oci_layout(image).rename(blob_name(image.layers[0].blob), "blobs/blake3/" + "1" * 64)


add("blake3", blake3, "digest-unsupported", code=(0, 1), shows="unverifiable")
for by in (-1, 1, 10**9):
    add(
        f"layer-size-{by}",
        lambda by=by: patched(
            lambda one: one["layers"][0].update(size=one["layers"][0]["size"] + by)
        ),
        "blob-size-mismatch",
    )
for i, size in enumerate(("5", -1, 1.5, True, None, [1], 2**63, 2**64 - 1, 1e300)):
    add(
        f"layer-size-of-type-{i}",
        lambda size=size: patched(lambda one: one["layers"][0].update(size=size)),
        code=(0, 1),
    )
add(
    "data-of-another",
    lambda: patched(lambda one: one["config"].update(data="e30=")),
    "data-mismatch",
)
add(
    "data-that-is-no-base64",
    lambda: patched(lambda one: one["config"].update(data="\x1b!")),
    code=(0, 1),
)
add(
    "data-of-4-MB",
    lambda: patched(
        lambda one: one["config"].update(data=base64.b64encode(bytes(3_000_000)).decode())
    ),
    code=(0, 1),
)

# Indexes


def nested(*tops: dict[str, Any], more: dict[str, Any] | None = None) -> Archive:
    archive = oci()
    for digest, value in (more or {}).items():
        archive.add_json(f"blobs/sha256/{digest}", value)
    honest = descriptor(OCI_MANIFEST, below().manifest)
    return archive.edit("index.json", lambda one: one.update(manifests=[*tops, honest]))


def pointer(digit: str) -> dict[str, Any]:
    return {"mediaType": OCI_INDEX, "digest": "sha256:" + digit * 64, "size": 100}


def graph(nodes: int, paths: int = 2) -> Archive:
    archive, under = oci(), descriptor(OCI_MANIFEST, below().manifest)
    for _ in range(nodes):
        index = to_json({"schemaVersion": 2, "manifests": [under] * paths})
        archive.add_blob(index)
        under = descriptor(OCI_INDEX, index)
    return archive.edit("index.json", lambda one: one.update(manifests=[under]))


def own(digit: str, *below_it: dict[str, Any]) -> dict[str, Any]:
    return {digit * 64: {"schemaVersion": 2, "manifests": list(below_it)}}


add("index-in-itself", lambda: nested(pointer("1"), more=own("1", pointer("1"))), "index-cycle")
add(
    "indexes-in-a-ring",
    lambda: nested(pointer("1"), more=own("1", pointer("2")) | own("2", pointer("1"))),
    "index-cycle",
)
add("2-to-the-20-paths", lambda: graph(20), code=(0, 3), options=("--limit", "index_depth=64"))
add("2-to-the-20-paths-too-deep", lambda: graph(20), code=3)
add("1000-times-the-same", lambda: graph(7, 1000), code=(0, 1))
add("nine-indexes", lambda: graph(9), code=3)
add(
    "2000-manifests",
    lambda: nested(*({**pointer("1"), "digest": f"sha256:{i:064x}"} for i in range(2000))),
    "limit-exceeded",
)
add(
    "a-thousand-of-everything",
    lambda: patched(lambda one: one.update(layers=one["layers"] * 1000)),
    "limit-exceeded",
)
add(
    "20000-steps",
    lambda: oci_layout(
        below().patch_config(lambda one: one.update(history=one["history"] * 20_000))
    ),
    code=(0, 1),
)
add(
    "keys-by-the-thousand",
    lambda: oci_layout(
        below().patch_config(
            lambda one: one.update(config={"Labels": {f"k{i}": "v" * 20 for i in range(20_000)}})
        )
    ),
    code=0,
)
add(
    "twins-by-the-thousand",
    lambda: patched(lambda one: one.update({case(i): 0 for i in range(20_000)})),
    "json-key-ambiguous",
    code=0,
)


def case(number: int) -> str:
    """The letters of ``manifestsandlayers`` in another mixture of cases for each number."""
    return "".join(
        one.upper() if number >> i & 1 else one for i, one in enumerate("manifestsandlayers")
    )


add(
    "escapes",
    lambda: oci(
        lambda one: swap(
            one, config_name(), lambda data: json.dumps(json.loads(data), indent=9).encode()
        )
    ),
    "blob-digest-mismatch",
)
