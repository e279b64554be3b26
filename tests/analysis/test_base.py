"""Where a base image ends: what is judged by what, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.images import Archive, ImageBuilder, docker_archive, oci_layout
from support.tars import TarBuilder

from oci_inspect import ArchiveError, Base, HistoryStep, SelectionError, analyze, open_archive
from oci_inspect.analysis.base import DIGEST, NAME, Candidates
from oci_inspect.analysis.base_history import Place, find_place

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
OTHER = "sha256:" + "5" * 64

Told = tuple[str, float] | tuple[str, float, str]


def steps(*told: Told) -> list[HistoryStep]:
    """Steps of (line, minutes since the beginning, comment): COPY, ADD and RUN make layers."""
    made = []
    layer = 0
    for index, (line, minutes, *comment) in enumerate(told):
        keyword = line.split(" ")[0]
        makes = keyword in ("COPY", "ADD", "RUN")
        time = (BEGIN + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
        made.append(
            HistoryStep(
                index=index,
                created=time,
                created_by=line,
                instruction=line,
                comment="".join(comment),
                author=None,
                empty_layer=not makes,
                layer_index=layer if makes else None,
                size=0,
                keyword=keyword,
            )
        )
        layer += makes
    return made


def place(*told: Told) -> tuple[int, bool] | None:
    """The layers below the place that is found, and whether it is likely."""
    history = steps(*told)
    found = find_place(history, sum(one.layer_index is not None for one in history))
    return None if found is None else (found.layers, found.likely)


BUILDKIT = "buildkit.dockerfile.v0"
DEBIAN: list[Told] = [("ADD rootfs /", 0), ("CMD bash", 0)]
"""A base of one layer that ends with CMD."""


# Signs of the history


def test_a_cmd_that_layers_follow_is_possible() -> None:
    assert place(*DEBIAN, ("ENV a=b", 0.5), ("COPY . /", 0.5)) == (1, False)
    assert place(("ADD r /", 0), ("ENTRYPOINT x", 0), ("RUN x", 0)) == (1, False)


def test_a_cmd_at_the_end_is_no_sign() -> None:
    assert place(("ADD r /", 0), ("COPY . /", 0), ("CMD sh", 0), ("ENV a=b", 0)) is None


def test_a_minute_behind_the_cmd_makes_it_likely() -> None:
    assert place(*DEBIAN, ("COPY . /", 0.9)) == (1, False)
    assert place(*DEBIAN, ("COPY . /", 1)) == (1, True)
    assert place(*DEBIAN, ("ENV a=b", 90), ("COPY . /", 90)) == (1, True)


def test_a_break_before_the_cmd_does_not_count() -> None:
    """BuildKit gives a CMD that begins a Dockerfile the time of its first layer."""
    assert place(("ADD rootfs /", 0), ("CMD bash", 5_000), ("COPY . /", 5_000)) == (1, False)


def test_a_break_by_itself_is_possible_from_an_hour_on() -> None:
    assert place(("ADD r /", 0), ("RUN a", 59), ("RUN b", 60)) is None
    assert place(("ADD r /", 0), ("RUN a", 59), ("RUN b", 119)) == (2, False)


def test_of_several_breaks_the_longest_counts() -> None:
    assert place(("ADD r /", 0), ("RUN a", 500), ("RUN b", 600)) == (1, False)
    assert place(("ADD r /", 0), ("RUN a", 100), ("RUN b", 600)) == (2, False)


def test_a_long_break_is_surer_than_a_late_layer() -> None:
    """FROM a base without CMD, and then CMD before COPY."""
    late: list[Told] = [("ADD r /", 0), ("RUN a", 6_000), ("CMD x", 6_001), ("COPY . /", 6_001)]
    assert place(*late) == (1, False)


def test_the_uppermost_likely_place_counts() -> None:
    """A base that has a base: bookworm, python on it, the user's own on that."""
    python: list[Told] = [*DEBIAN, ("RUN make", 9_000), ("CMD python3", 9_000)]
    assert place(*python, ("COPY . /", 20_000), ("RUN pip install", 20_001)) == (2, True)


def test_another_builder_is_possible_and_with_a_break_likely() -> None:
    made: Told = ("ADD file:1 in / #(nop)", 0)
    assert place(made, ("COPY . / # buildkit", 0)) == (1, False)
    assert place(made, ("COPY . /", 60, BUILDKIT)) == (1, True)
    assert place(made, ("CMD sh", 0), ("COPY . /", 0, BUILDKIT)) == (1, True)


def test_another_builder_is_surer_than_a_break_or_a_cmd() -> None:
    """jib's layers on an image that a Dockerfile made, all within a minute."""
    image: list[Told] = [("ADD file:1 in / #(nop)", 0), ("CMD sh", 0), ("RUN a #(nop)", 0)]
    assert place(*image, ("COPY classes", 0, BUILDKIT)) == (2, False)
    cached: list[Told] = [("ADD file:1 in / #(nop)", 0), ("RUN a #(nop)", 9_000)]
    assert place(*cached, ("COPY classes", 9_000, BUILDKIT)) == (2, False)


@pytest.mark.parametrize("year", [1, 1970, 1980])
def test_times_of_reproducible_builds_are_no_times(year: int) -> None:
    made = steps(*DEBIAN, ("COPY . /", 0))
    made[0] = replace(made[0], created=f"{year:04}-01-01T00:00:01Z")
    made[1] = replace(made[1], created=f"{year:04}-01-01T00:00:01Z")
    found = find_place(made, 2)
    assert found is not None and not found.likely


def test_times_that_are_none_do_no_harm() -> None:
    for created in (None, "", "yesterday", "2024-13-99T00:00:00Z"):
        made = [replace(one, created=created) for one in steps(*DEBIAN, ("COPY . /", 900))]
        found = find_place(made, 2)
        assert found is not None and found.layers == 1 and not found.likely


def test_from_in_a_comment_is_likely_and_has_the_name() -> None:
    history = steps(("ADD r /", 0), ("RUN a", 0), ("RUN b", 0, "FROM localhost/a:1"), ("RUN c", 0))
    found = find_place(history, 4)
    assert found == Place(2, "localhost/a:1", history[2])
    assert found is not None and found.likely
    assert list(found.signs()) == ["step 3 says FROM localhost/a:1"]


def test_the_last_from_counts() -> None:
    assert place(("ADD r /", 0), ("RUN a", 0, "FROM a"), ("RUN b", 0, "FROM b")) == (2, True)


def test_from_on_a_step_without_a_layer() -> None:
    assert place(("ADD r /", 0), ("ENV a=b", 0, "FROM a"), ("RUN b", 0)) == (1, True)
    assert place(("ADD r /", 0), ("ENV a=b", 0, "FROM a")) == (1, True)


def test_from_counts_more_than_a_cmd_above_it() -> None:
    own: list[Told] = [("RUN a", 9, "FROM a"), ("CMD x", 9), ("COPY . /", 99)]
    assert place(*DEBIAN, *own) == (1, True)


def test_from_gives_way_to_another_builder_above_it() -> None:
    """docker's build on an image of buildah's."""
    base: list[Told] = [*DEBIAN, ("RUN a #(nop)", 9, "FROM a"), ("CMD x #(nop)", 9)]
    assert place(*base, ("COPY . /", 99, BUILDKIT)) == (2, True)


def test_from_scratch_is_no_base() -> None:
    assert place(("RUN a", 0, "FROM scratch"), ("CMD x", 0), ("COPY . /", 0)) is None


@pytest.mark.parametrize("comment", ["FROM", "FROM ", "FROM \t", "FROMa", "from a", "x FROM a"])
def test_other_comments_are_no_from(comment: str) -> None:
    assert place(("ADD r /", 0), ("RUN a", 0, comment)) is None


def test_a_history_that_does_not_fit_the_layers_tells_nothing() -> None:
    history = steps(*DEBIAN, ("COPY . /", 900))
    assert find_place(history, 2) is not None
    assert find_place(history, 3) is None
    assert find_place(history, 1) is None
    assert find_place([], 0) is None
    assert find_place([], 3) is None


# Documents


def layers_of(count: int) -> list[TarBuilder]:
    return [TarBuilder().file(f"f{i}", b"x" * (i + 1)) for i in range(count)]


def image_of(
    count: int, *references: str, own: Sequence[TarBuilder] = (), **more: Any
) -> ImageBuilder:
    image = ImageBuilder(*references, **more)
    for layer in (*layers_of(count), *own):
        image.layer(layer, created_by="RUN x")
    return image


def base_of(archive: Archive, folder: Path, image: str | None = None, **more: Any) -> Base | None:
    path = archive.write_file(folder / "image.tar")
    return analyze(path, image=image, **more).images[0].base


def test_an_image_without_signs_has_no_base(tmp_path: Path) -> None:
    assert base_of(docker_archive(image_of(3, "a:1")), tmp_path) is None
    assert base_of(docker_archive(ImageBuilder("a:1")), tmp_path) is None


def test_diff_ids_of_a_named_base_make_it_certain(tmp_path: Path) -> None:
    lower = oci_layout(image_of(2, "base:1")).write_file(tmp_path / "base.tar")
    base = base_of(oci_layout(image_of(4, "a:1")), tmp_path, base=lower)
    digest = image_of(2, "base:1").manifest_digest
    signs = ("the lowest 2 layers are those of base:1",)
    assert base == Base(2, "base:1", digest, "certain", signs)  # type: ignore[arg-type]


def test_an_image_is_its_own_base(tmp_path: Path) -> None:
    path = docker_archive(image_of(2, "a:1")).write_file(tmp_path / "image.tar")
    (image,) = analyze(path, base=path).images
    assert image.base is not None and image.base.layers == 2
    assert image.own is not None
    assert (image.own.file_bytes, image.own.wasted_bytes) == (0, 0)


@pytest.mark.parametrize(
    ("lower", "said"),
    [
        (
            image_of(1, "b:1", own=[TarBuilder().file("z", b"z")]),
            "only the first of its 2 layers is",
        ),
        (
            image_of(2, "b:1", own=[TarBuilder().file("z", b"z")]),
            "only the first 2 of its 3 layers are",
        ),
        (image_of(0, "b:1", own=[TarBuilder().file("z", b"z")]), "its only layer is not"),
        (image_of(0, "b:1", own=layers_of(3)[1:]), "none of its 2 layers is"),
        (image_of(4, "b:1"), "only the first 3 of its 4 layers are"),
    ],
)
def test_an_image_that_is_not_built_on_the_named_one(
    lower: ImageBuilder, said: str, tmp_path: Path
) -> None:
    below = docker_archive(lower).write_file(tmp_path / "base.tar")
    path = docker_archive(image_of(3, "a:1")).write_file(tmp_path / "image.tar")
    (image,) = analyze(path, base=below).images
    assert image.not_built_on == f"not built on b:1: {said} shared"
    assert image.base is None


def test_the_other_signs_count_where_the_named_base_is_none(tmp_path: Path) -> None:
    """docker26-containerd-base.tar was built anew by another engine: it shares no layer."""
    below = REAL / "docker26-containerd-base.tar"
    (image,) = analyze(REAL / "docker26-app.tar", base=below).images
    assert image.not_built_on == "not built on example/base:1: none of its 3 layers is shared"
    assert image.base is not None
    assert (image.base.layers, image.base.confidence) == (3, "possible")


def test_a_named_base_without_layers_tells_nothing(tmp_path: Path) -> None:
    below = docker_archive(ImageBuilder("empty:1")).write_file(tmp_path / "base.tar")
    path = docker_archive(image_of(3, "a:1")).write_file(tmp_path / "image.tar")
    (image,) = analyze(path, base=below).images
    assert image.not_built_on == "not built on empty:1: it has no layers to compare"
    assert image.base is None


def test_an_image_of_the_same_archive_makes_it_certain(tmp_path: Path) -> None:
    archive = oci_layout(image_of(4, "a:1"), image_of(1, "c:1"), image_of(2, "b:1"))
    base = base_of(archive, tmp_path, "a:1")
    assert base is not None
    assert (base.layers, base.name, base.confidence) == (2, "b:1", "certain")
    assert base.signs == ("the lowest 2 layers are those of b:1, in the same archive",)


def test_of_bases_with_the_same_layers_one_with_a_name_is_told(tmp_path: Path) -> None:
    nameless, named = image_of(2), image_of(2, "b:1", run={"User": "x"})
    base = base_of(oci_layout(nameless, named, image_of(3, "a:1")), tmp_path, "a:1")
    assert base is not None and base.name == "b:1"


def test_an_image_with_the_same_layers_is_no_base(tmp_path: Path) -> None:
    archive = oci_layout(image_of(2, "a:1"), image_of(2, "b:1", run={"User": "x"}))
    assert base_of(archive, tmp_path, "a:1") is None


def test_an_image_for_another_platform_is_no_base(tmp_path: Path) -> None:
    archive = oci_layout(image_of(2, "a:1"), image_of(1, "b:1", architecture="arm64"))
    assert base_of(archive, tmp_path, "a:1") is None


def test_the_layers_as_they_are_count_and_not_as_they_are_claimed(tmp_path: Path) -> None:
    """A config that claims the base's layers for others."""
    claimed = [one.diff_id for one in image_of(2).layers]
    liar = image_of(0, "a:1", own=[*layers_of(4)[2:], TarBuilder().file("own", b"1")])
    liar.patch_config(lambda config: config["rootfs"]["diff_ids"].__setitem__(slice(2), claimed))
    base = base_of(docker_archive(liar, image_of(2, "b:1")), tmp_path, "a:1")
    assert base is None


def test_many_images_are_not_compared_with_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand of them in one archive: each image looks up its own layers."""
    with open_archive(REAL / "docker26-two-images.tar") as archive:
        (base, app) = archive.images
    asked = 0

    class Counting(dict[Any, Any]):
        def get(self, key: Any, default: Any = None) -> Any:
            nonlocal asked
            asked += 1
            return super().get(key, default)

    candidates = Candidates([base] * 1_000)
    candidates._by_chain = Counting(candidates._by_chain)
    assert app.config is not None
    assert candidates.longest(app, app.config.diff_ids) is base
    assert asked <= len(app.layers)


# Annotations and labels


def annotated(image: ImageBuilder, annotations: object) -> ImageBuilder:
    return image.patch_manifest(lambda manifest: manifest.update(annotations=annotations))


def test_an_annotation_names_a_base_and_not_where_it_ends(tmp_path: Path) -> None:
    image = annotated(image_of(2, "a:1"), {NAME: "docker.io/library/x:1", DIGEST: OTHER})
    assert base_of(oci_layout(image), tmp_path) == Base(
        None,
        "docker.io/library/x:1",
        OTHER,
        "likely",  # type: ignore[arg-type]
        ("the annotation names docker.io/library/x:1",),
    )


def with_cmd(**more: Any) -> ImageBuilder:
    image = ImageBuilder("a:1", **more).layer(TarBuilder().file("a", b"1"), created_by="RUN a")
    return image.empty("CMD sh").layer(TarBuilder().file("b", b"1"), created_by="RUN b")


def test_an_annotation_makes_a_possible_place_likely(tmp_path: Path) -> None:
    base = base_of(oci_layout(annotated(with_cmd(), {NAME: "x:1"})), tmp_path)
    assert base is not None
    assert (base.layers, base.name, base.confidence) == (1, "x:1", "likely")
    plain = base_of(oci_layout(with_cmd()), tmp_path)
    assert plain is not None and plain.confidence == "possible"


def test_a_label_gives_a_name_and_makes_nothing_surer(tmp_path: Path) -> None:
    """It may be the base's own, handed down."""
    base = base_of(oci_layout(with_cmd(run={"Labels": {NAME: "x:1", DIGEST: OTHER}})), tmp_path)
    assert base is not None
    assert (base.layers, base.name, base.digest, base.confidence) == (1, "x:1", OTHER, "possible")


def test_an_annotation_goes_before_a_label(tmp_path: Path) -> None:
    image = with_cmd(run={"Labels": {NAME: "label:1"}})
    base = base_of(oci_layout(annotated(image, {NAME: "annotation:1"})), tmp_path)
    assert base is not None and base.name == "annotation:1"


def test_an_annotation_about_another_base_than_the_history_s_is_left_alone(tmp_path: Path) -> None:
    """podman commit hands the annotations of its base down."""
    image = image_of(1, "a:1").layer(TarBuilder().file("b", b"1"), created_by="RUN b")
    image.history[-1]["comment"] = "FROM real:1"
    base = base_of(oci_layout(annotated(image, {NAME: "old:1", DIGEST: OTHER})), tmp_path)
    assert base is not None
    assert (base.layers, base.name, base.digest) == (1, "real:1", None)


@pytest.mark.parametrize(
    "values",
    [
        {NAME: "", DIGEST: ""},  # buildah, from scratch
        {NAME: "  "},
        {DIGEST: "sha256:12"},
        {DIGEST: "no digest"},
        {NAME: "x" * 2_000},
        {NAME: 5, DIGEST: ["a"]},
        {NAME: None},
        ["a"],
        "text",
        None,
    ],
    ids=str,
)
def test_annotations_and_labels_that_say_nothing(values: object, tmp_path: Path) -> None:
    image = annotated(image_of(2, "a:1", run={"Labels": values}), values)
    assert base_of(oci_layout(image), tmp_path) is None


def test_a_config_that_is_no_object_inside(tmp_path: Path) -> None:
    image = image_of(2, "a:1").patch_config(lambda config: config.update(config=[1]))
    assert base_of(oci_layout(image), tmp_path) is None


# Own shares


def test_whose_the_dead_bytes_are(tmp_path: Path) -> None:
    """Base: a 10, b 200, c 3,000, d stays; it overwrites a itself. Own: removes b; e, removed."""
    base = (
        ImageBuilder("base:1")
        .layer(TarBuilder().file("a", b"1" * 10).file("b", b"1" * 200).file("d", b"1" * 7))
        .layer(TarBuilder().file("a", b"2" * 20))
    )
    lower = docker_archive(base).write_file(tmp_path / "base.tar")
    app = ImageBuilder("app:1")
    app.layers, app.history = [*base.layers], [*base.history]
    app.layer(TarBuilder().whiteout("b").file("e", b"1" * 3_000).file("g", b"1" * 5))
    app.layer(TarBuilder().whiteout("e"))
    path = docker_archive(app).write_file(tmp_path / "image.tar")
    (image,) = analyze(path, base=lower).images
    assert image.own is not None
    assert image.own.file_bytes == 3_005
    assert image.own.wasted_bytes == 3_000
    assert image.own.base_bytes_removed == 200
    assert image.totals.wasted_bytes == 3_000 + 200 + 10
    assert analyze(path).images[0].own is None


# Archives by real engines


TWO = ["docker20-two-images.tar", "docker26-two-images.tar", "podman-docker-multi.tar"]


@pytest.mark.parametrize("name", TWO)
def test_base_and_app_in_one_archive(name: str) -> None:
    """context/Dockerfile.base makes three layers: COPY, COPY, RUN."""
    found = {one.references[0].split("/")[-1]: one for one in analyze(REAL / name).images}
    base = found["app:1.2.3"].base
    assert base is not None
    assert (base.layers, base.confidence) == (3, "certain")
    assert base.name is not None and base.name.endswith("example/base:1")
    assert found["base:1"].base is None


@pytest.mark.parametrize(
    "name",
    [
        "docker20-app.tar",
        "docker26-app.tar",
        "podman-oci.tar",
        "skopeo-docker.tar",
        "skopeo-dir.tar",
        "docker26-containerd-app.tar",
    ],
)
def test_the_app_alone_has_its_base_s_cmd(name: str) -> None:
    """Base and app were built within a second: nothing but the CMD of step 6 tells."""
    (image,) = analyze(REAL / name).images
    assert image.base is not None and image.own is not None
    assert (image.base.layers, image.base.confidence) == (3, "possible")
    assert image.base.signs == ("step 6 is a CMD, and layers follow",)
    # put secret.key 1,675 and a file of 5 in one layer, copies of 700 and 15 in others, all dead
    assert image.own.wasted_bytes == 1_675 + 5 + 700 + 15
    # data/big, the three of cache, data/keep, etc/app.conf
    assert image.own.base_bytes_removed == 60_000 + 6_000 + 700 + 14


def test_a_base_in_an_archive_of_its_own() -> None:
    lower = REAL / "docker26-containerd-base.tar"
    (image,) = analyze(REAL / "docker26-containerd-app.tar", base=lower).images
    assert image.base is not None and image.not_built_on is None
    assert (image.base.layers, image.base.name) == (3, "example/base:1")
    assert image.base.confidence == "certain"


@pytest.mark.parametrize("name", ["docker20-untagged.tar", "buildx-multi.oci.tar"])
def test_images_from_scratch_have_no_base(name: str) -> None:
    assert {one.base for one in analyze(REAL / name).images} == {None}


def test_what_cannot_be_the_base() -> None:
    app = REAL / "docker26-app.tar"
    with pytest.raises(SelectionError) as error:
        analyze(app, base=REAL / "docker26-two-images.tar")
    assert len(error.value.choices) == 2
    assert "PATH:REF" in str(error.value)
    with pytest.raises(ArchiveError):
        analyze(app, base=REAL / "nothing")
