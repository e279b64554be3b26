"""Every kind of archive, in every form it can come in; FORMATS.md section 1."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.archives import FORMS, Opened, delivered, open_archive, open_path
from support.images import (
    Archive,
    ImageBuilder,
    docker_archive,
    hex_of,
    hybrid,
    oci_layout,
    skopeo_dir,
    v1_chain,
)
from support.tars import TarBuilder

from oci_inspect.archive.members import Member

BIG = bytes(range(256)) * 1000  # more than a stream keeps of what is no document


def app(*references: str, compression: str = "none", architecture: str = "amd64") -> ImageBuilder:
    return (
        ImageBuilder(*references, architecture=architecture)
        .empty("ENV A=1")
        .layer(TarBuilder().dir("etc").file("etc/conf", b"one"), compression=compression)
        .layer(TarBuilder().file("big", BIG + architecture.encode()), compression=compression)
        .empty('CMD ["/app"]')
    )


KINDS: dict[str, tuple[str, Callable[[], Archive]]] = {
    "docker": ("docker-archive", lambda: docker_archive(app("example/app:1", "example/app:2"))),
    "docker-two": (
        "docker-archive",
        lambda: docker_archive(app("a:1"), app("b:1", architecture="arm64")),
    ),
    "docker-untagged": ("docker-archive", lambda: docker_archive(app())),
    "podman": ("docker-archive", lambda: docker_archive(app("localhost/app:1"), style="podman")),
    "skopeo": ("docker-archive", lambda: docker_archive(app("example/app:1"), style="skopeo")),
    "kaniko": (
        "docker-archive",
        lambda: docker_archive(app("a:1", compression="gzip"), style="kaniko"),
    ),
    "jib": ("docker-archive", lambda: docker_archive(app("a:1", compression="gzip"), style="jib")),
    "hybrid": ("hybrid", lambda: hybrid(app("example/app:1", "example/app:2"))),
    "hybrid-gzip": (
        "hybrid",
        lambda: hybrid(app("example/app:1", compression="gzip"), nested=True),
    ),
    "oci": ("oci", lambda: oci_layout(app("1.0", compression="gzip"))),
    "oci-zstd": ("oci", lambda: oci_layout(app("1.0", compression="zstd-frames"))),
    "oci-nested": (
        "oci",
        lambda: oci_layout(
            app("e/a:1"), app("e/a:1", architecture="arm64"), nested=True, attestations=True
        ),
    ),
    "dir": ("dir", lambda: skopeo_dir(app(compression="gzip"))),
    "v1": ("docker-archive", lambda: v1_chain(app("old/app:1"))),
    "v1-by-id": ("docker-archive", lambda: v1_chain(app(), repositories=False)),
}


def comparable(opened: Opened) -> object:
    """What must be equal however the archive came."""
    return replace(opened.contents, kind=""), set(opened.unreferenced)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_archive_gives_equal_contents(
    kind: str, form: str, tmp_path: Path
) -> None:
    name, make = KINDS[kind]
    from_file = open_archive(make(), tmp_path, "file")
    if form == "file":
        (tmp_path / "archive.file").unlink()
    opened = open_archive(make(), tmp_path, form)
    assert comparable(opened) == comparable(from_file)
    wanted = name
    if name == "oci":
        wanted = "oci-layout" if form == "folder" else "oci-archive"
    assert opened.contents.kind == wanted
    assert opened.outer == ()
    compressed = form in ("gzip", "gzip-members", "zstd", "xz", "bzip2")
    assert opened.compression == (form.partition("-")[0] if compressed else None)


@pytest.mark.parametrize("kind", KINDS)
def test_order_of_members_does_not_matter(kind: str, tmp_path: Path) -> None:
    make = KINDS[kind][1]
    wanted = comparable(open_archive(make(), tmp_path))
    assert comparable(open_archive(make().reverse(), tmp_path)) == wanted
    for seed in range(4):
        assert comparable(open_archive(make().shuffle(seed), tmp_path)) == wanted
        assert comparable(open_archive(make().shuffle(seed), tmp_path, "gzip")) == wanted


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prefix", ["./", "/", "image/", "./a-folder/", "//"])
def test_names_may_begin_with_anything(kind: str, prefix: str, tmp_path: Path) -> None:
    make = KINDS[kind][1]
    if kind == "v1-by-id" and "a" in prefix:
        pytest.skip("nothing at the top tells where the root is")
    wanted = comparable(open_archive(make(), tmp_path))
    assert comparable(open_archive(make().prefixed(prefix), tmp_path)) == wanted
    assert comparable(open_archive(make().prefixed(prefix), tmp_path, "zstd")) == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_folders_entries_may_be_missing_or_there(kind: str, tmp_path: Path) -> None:
    make = KINDS[kind][1]
    wanted = comparable(open_archive(make(), tmp_path))
    bare = make()
    bare.members = [member for member in bare.members if member.kind != b"5"]
    assert comparable(open_archive(bare, tmp_path)) == wanted
    full = make().add_folder("blobs").add_folder("blobs/sha256").add_folder("./")
    assert comparable(open_archive(full, tmp_path)) == wanted


@pytest.mark.parametrize("kind", [name for name in KINDS if not name.startswith("v1")])
def test_image_is_what_its_documents_say(kind: str, tmp_path: Path) -> None:
    opened = open_archive(KINDS[kind][1](), tmp_path)
    for image in opened.images:
        assert image.config is not None
        assert [step.created_by for step in image.config.history] == [
            "ENV A=1",
            "COPY . / # buildkit",
            "COPY . / # buildkit",
            'CMD ["/app"]',
        ]
        assert [step.empty_layer for step in image.config.history] == [True, None, None, True]
        assert len(image.layers) == len(image.config.diff_ids) == 2
        assert all(layer.member for layer in image.layers)
        assert str(image.platform) in ("linux/amd64", "linux/arm64")
        assert image.findings == ()
    assert opened.contents.findings == ()


@pytest.mark.parametrize("kind", [name for name in KINDS if not name.startswith("v1")])
def test_sound_archive_has_no_bytes_that_nobody_needs(kind: str, tmp_path: Path) -> None:
    assert open_archive(KINDS[kind][1](), tmp_path).unreferenced == ()


def test_image_id_and_manifest_digest_are_those_of_the_documents(tmp_path: Path) -> None:
    image = app("example/app:1")
    found = open_archive(oci_layout(image), tmp_path).image
    assert found.image_id == image.image_id
    assert found.manifest_digest == image.manifest_digest
    assert found.config_data == image.config
    assert found.manifest_data == image.manifest
    assert [str(layer.digest) for layer in found.layers] == [one.digest for one in image.layers]
    assert [layer.size for layer in found.layers] == [len(one.blob) for one in image.layers]


def test_docker_archive_has_no_manifest_digest(tmp_path: Path) -> None:
    found = open_archive(docker_archive(app("example/app:1")), tmp_path).image
    assert found.manifest_digest is None
    assert found.references == ("example/app:1",)


def test_podmans_links_lead_to_the_layers(tmp_path: Path) -> None:
    image = app("localhost/app:1")
    archive = docker_archive(image, style="podman")
    links = [one.name for one in archive.members if one.kind == b"2"]
    archive.edit("manifest.json", lambda value: value[0].update(Layers=links))
    found = open_archive(archive, tmp_path).image
    assert [layer.member for layer in found.layers] == [
        f"{hex_of(one.diff_id)}.tar" for one in image.layers
    ]


def test_kanikos_config_name_is_its_digest(tmp_path: Path) -> None:
    image = app("a:1", compression="gzip")
    opened = open_archive(docker_archive(image, style="kaniko"), tmp_path)
    assert opened.image.image_id == image.image_id
    assert "image-id-mismatch" not in opened.rules
    bad = docker_archive(image, style="kaniko").edit(
        image.image_id, lambda value: value.update(author="somebody")
    )
    assert "image-id-mismatch" in open_archive(bad, tmp_path).errors


def test_jibs_config_name_is_no_digest(tmp_path: Path) -> None:
    image = app("a:1", compression="gzip")
    opened = open_archive(docker_archive(image, style="jib"), tmp_path)
    assert opened.image.references == ("a:1",)
    assert opened.image.image_id == image.image_id


@pytest.mark.parametrize(
    "keys", [("CONFIG", "REPOTAGS", "LAYERS"), ("config", "repotags", "layers")]
)
def test_keys_of_manifest_json_in_any_case(keys: tuple[str, str, str], tmp_path: Path) -> None:
    archive = docker_archive(app("a:1"))
    archive.edit(
        "manifest.json",
        lambda value: [dict(zip(keys, list(value[0].values()), strict=True))],
    )
    assert open_archive(archive, tmp_path).image.references == ("a:1",)
    assert len(open_archive(archive, tmp_path).image.layers) == 2


def test_backslashes_in_layers_of_old_windows_daemons(tmp_path: Path) -> None:
    archive = docker_archive(app("a:1"), style="backslash")
    assert "\\" in archive.json("manifest.json")[0]["Layers"][0]
    found = open_archive(archive, tmp_path).image
    assert [layer.member for layer in found.layers] == [
        name for name in archive.names() if name.endswith("layer.tar")
    ]
    assert found.findings == ()


def test_v1_chain_is_put_in_order_with_a_warning(tmp_path: Path) -> None:
    archive = v1_chain(app("old/app:1")).reverse()
    opened = open_archive(archive, tmp_path)
    assert opened.image.references == ("old/app:1",)
    layers = [name for name in archive.names() if name.endswith("layer.tar")]
    assert [layer.member for layer in opened.image.layers] == layers[::-1]
    assert opened.subjects("archive-legacy") != []
    assert opened.errors == set()
    assert opened.image.config is not None
    assert [step.created_by for step in opened.image.config.history] == [
        "/bin/sh -c COPY . / # buildkit"
    ] * 2


def test_v1_chain_saved_by_id_has_no_name(tmp_path: Path) -> None:
    opened = open_archive(v1_chain(app(), repositories=False), tmp_path)
    assert opened.image.references == ()
    assert len(opened.image.layers) == 2


def test_v1_chain_in_a_ring_ends(tmp_path: Path) -> None:
    archive = v1_chain(app("old/app:1"))
    first, second = [name for name in archive.names() if name.endswith("/json")]
    archive.edit(first, lambda value: value.update(parent=second.partition("/")[0]))
    opened = open_archive(archive, tmp_path)
    assert opened.errors != set()


def test_v1_chain_without_its_parent_says_so(tmp_path: Path) -> None:
    archive = v1_chain(app("old/app:1"))
    archive.drop(next(name for name in archive.names() if name.endswith("/json")))
    opened = open_archive(archive, tmp_path)
    assert "blob-missing" in opened.errors


def test_file_cannot_be_told_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(docker_archive(app("a:1")).tar())
    assert open_path(path).image.references == ("a:1",)


def test_visitor_sees_the_members_of_a_stream_that_are_not_kept(tmp_path: Path) -> None:
    image = app("a:1")
    seen: dict[str, bytes] = {}

    def visit(source: object, member: Member) -> object:
        data = b""
        while piece := source.read(7777):  # type: ignore[attr-defined]
            data += piece
        seen[member.name] = data
        return len(data)

    with delivered(docker_archive(image, style="skopeo"), "fifo", tmp_path) as path:
        open_path(path, visitor=visit)
    assert seen[f"{hex_of(image.layers[1].diff_id)}.tar"] == image.layers[1].blob


def test_visitor_that_reads_nothing_does_not_lose_the_place(tmp_path: Path) -> None:
    with delivered(docker_archive(app("a:1")), "gzip", tmp_path) as path:
        opened = open_path(path, visitor=lambda source, member: None)
    assert opened.image.references == ("a:1",)
