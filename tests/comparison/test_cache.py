"""Where the build cache broke: two builds with the lines of real builders, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.images import ImageBuilder, blob_name, docker_archive, oci_layout
from support.results import analysis_of
from support.tars import TarBuilder

from oci_inspect import compare
from oci_inspect.comparison.cache import find_break
from oci_inspect.comparison.compare import compare_images
from oci_inspect.comparison.results import BreakReason, CacheBreak, LayerSum

# a line as BuildKit and as the classic builder write it down


def buildkit(line: str) -> tuple[str, str]:
    """``created_by`` and comment of a Dockerfile line; RUN in its shell form."""
    keyword, _, rest = line.partition(" ")
    if keyword == "RUN":
        arguments, shell, command = rest.rpartition("/bin/sh -c ")
        line = f"RUN {arguments}{shell or '/bin/sh -c '}{command}"
    if keyword in ("RUN", "COPY", "ADD"):
        line = f"{line} # buildkit"
    return line, "buildkit.dockerfile.v0"


def classic(line: str) -> tuple[str, str]:
    """The same by docker's classic builder; COPY with ``file:HASH in TARGET``."""
    keyword, _, rest = line.partition(" ")
    if keyword == "RUN":
        return (rest if rest.startswith("|") else f"/bin/sh -c {rest}"), ""
    space = "" if keyword in ("COPY", "ADD", "WORKDIR") else " "
    return f"/bin/sh -c #(nop) {space}{line}", ""


Step = tuple[str, str | None]
"""A line, and the content of the layer that it makes, None for none."""


def image(*steps: Step, write: object = buildkit) -> ImageBuilder:
    made = ImageBuilder("a:1")
    for number, (line, content) in enumerate(steps):
        assert callable(write)
        created_by, comment = write(line)
        if content is None:
            made.empty(created_by, comment=comment)
        else:
            made.layer(TarBuilder().file(content, content.encode() * 10), created_by=created_by)
            if comment:
                made.history[number]["comment"] = comment
    return made


def broken(folder: Path, one: ImageBuilder, other: ImageBuilder) -> CacheBreak:
    found = compare_images(analysis_of(folder, one), analysis_of(folder, other)).cache
    assert found is not None
    return found


def blamed(
    folder: Path, one: list[Step], other: list[Step], write: object = buildkit
) -> tuple[int, str, str | None, str | None]:
    """The layer, the reason and both lines."""
    found = broken(folder, image(*one, write=write), image(*other, write=write))
    return (
        found.layer_index,
        found.reason.value,
        found.instruction_before,
        found.instruction_after,
    )


BASE: Step = ("ADD root.tar /", "base")
ENV: Step = ("ENV A=1", None)
LABEL: Step = ("LABEL v=1", None)
BOTH = pytest.mark.parametrize("write", [buildkit, classic])


@BOTH
def test_no_layer_differs(tmp_path: Path, write: object) -> None:
    one = analysis_of(tmp_path, image(BASE, ("RUN a", "x"), write=write))
    other = analysis_of(tmp_path, image(BASE, ("RUN b", "x"), ENV, write=write))
    assert find_break(one, one) is find_break(one, other) is None


@BOTH
def test_changed_instruction(tmp_path: Path, write: object) -> None:
    one: list[Step] = [BASE, ENV, ("RUN make", "x"), ("RUN test", "y")]
    other: list[Step] = [BASE, ENV, ("RUN make all", "z"), ("RUN test", "y")]
    assert blamed(tmp_path, one, other, write) == (
        1,
        "instruction-changed",
        "RUN make",
        "RUN make all",
    )


@BOTH
def test_same_run_with_other_content(tmp_path: Path, write: object) -> None:
    one: list[Step] = [BASE, ENV, LABEL, ("RUN apt-get update", "monday")]
    other: list[Step] = [BASE, ENV, LABEL, ("RUN apt-get update", "tuesday")]
    line = "RUN apt-get update"
    assert blamed(tmp_path, one, other, write) == (1, "content-changed", line, line)
    assert "it ran again" in broken(tmp_path, image(*one), image(*other)).explanation


def test_same_copy_with_other_content_from_buildkit(tmp_path: Path) -> None:
    one: list[Step] = [BASE, ("COPY . /app", "x"), ("RUN make", "y")]
    other: list[Step] = [BASE, ("COPY . /app", "z"), ("RUN make", "w")]
    line = "COPY . /app"
    assert blamed(tmp_path, one, other) == (1, "content-changed", line, line)
    assert "what it copies" in broken(tmp_path, image(*one), image(*other)).explanation


HASHES = ("a379d0ef3d363574f9a38cf03a78aa10", "4a761261ee4407b613356dda7439b5c2")


def test_same_copy_of_the_classic_builder_has_another_checksum(tmp_path: Path) -> None:
    """What is written down are checksums, of what was copied: the line did not change."""
    one, other = (
        [BASE, (f"COPY dir:{checksum * 2} in /app/ ", checksum[:1])] for checksum in HASHES
    )
    found = blamed(tmp_path, one, other, classic)  # type: ignore[arg-type]
    assert found[:2] == (1, "content-changed")


def test_copy_to_another_place_by_the_classic_builder(tmp_path: Path) -> None:
    one: list[Step] = [BASE, (f"COPY file:{HASHES[0] * 2} in /app/ ", "x")]
    other: list[Step] = [BASE, (f"COPY file:{HASHES[0] * 2} in /srv/ ", "y")]
    assert blamed(tmp_path, one, other, classic)[1] == "instruction-changed"


@pytest.mark.parametrize("target", ["/app/", "/a folder/"])
def test_same_copy_by_both_builders(tmp_path: Path, target: str) -> None:
    one = image(BASE, LABEL, (f"COPY file:{HASHES[0] * 2} in {target} ", "x"), write=classic)
    other = image(BASE, LABEL, (f"COPY a.txt {target}", "y"))
    found = broken(tmp_path, one, other)
    assert found.reason is BreakReason.CONTENT
    assert found.instruction_after == f"COPY a.txt {target}"


@BOTH
def test_changed_variable_between_layers(tmp_path: Path, write: object) -> None:
    one: list[Step] = [BASE, ("ENV A=1", None), ("RUN make", "x")]
    other: list[Step] = [BASE, ("ENV A=2", None), ("RUN make", "y")]
    assert blamed(tmp_path, one, other, write) == (
        1,
        "instruction-changed",
        "ENV A=1",
        "ENV A=2",
    )


@BOTH
def test_variable_that_is_new_between_layers(tmp_path: Path, write: object) -> None:
    one: list[Step] = [BASE, ("RUN make", "x")]
    other: list[Step] = [BASE, ("ENV A=2", None), ("RUN make", "y")]
    assert blamed(tmp_path, one, other, write) == (1, "instruction-added", None, "ENV A=2")
    assert blamed(tmp_path, other, one, write) == (1, "instruction-removed", "ENV A=2", None)


def test_variable_that_was_changed_below_a_copy_breaks_the_run_above_it(tmp_path: Path) -> None:
    """The COPY came from the cache: it does not depend on the variable."""
    one: list[Step] = [BASE, ("ENV A=1", None), ("COPY a /a", "a"), ("RUN make", "x")]
    other: list[Step] = [BASE, ("ENV A=2", None), ("COPY a /a", "a"), ("RUN make", "y")]
    assert blamed(tmp_path, one, other) == (2, "instruction-changed", "ENV A=1", "ENV A=2")


def test_buildkit_copies_whatever_the_labels_and_variables(tmp_path: Path) -> None:
    """A label with the revision changes with each build; so does what is copied, and that it is."""

    def steps(label: str, content: str, copy: str) -> list[Step]:
        return [
            BASE,
            (f"LABEL revision={label}", None),
            (f"ENV REVISION={label}", None),
            (copy, content),
        ]

    line = "COPY . /app"
    assert blamed(tmp_path, steps("1", "x", line), steps("2", "y", line)) == (
        1,
        "content-changed",
        line,
        line,
    )
    run: list[Step] = [("RUN make", "x")]
    assert blamed(
        tmp_path,
        [BASE, ("LABEL v=1", None), *run],
        [BASE, LABEL, ("CMD x", None), ("RUN make", "y")],
    ) == (1, "content-changed", "RUN make", "RUN make")
    assert blamed(
        tmp_path,
        [BASE, ("WORKDIR /a", None), ("COPY . .", "x")],
        [BASE, ("WORKDIR /b", None), ("COPY . .", "y")],
    ) == (1, "instruction-changed", "WORKDIR /a", "WORKDIR /b")


def test_classic_builder_builds_again_whatever_line_changed(tmp_path: Path) -> None:
    one: list[Step] = [BASE, ("LABEL v=1", None), (f"COPY dir:{HASHES[0] * 2} in /a ", "x")]
    other: list[Step] = [BASE, ("LABEL v=2", None), (f"COPY dir:{HASHES[0] * 2} in /a ", "y")]
    assert blamed(tmp_path, one, other, classic) == (
        1,
        "instruction-changed",
        "LABEL v=1",
        "LABEL v=2",
    )


def test_changed_build_argument_of_buildkit(tmp_path: Path) -> None:
    """As docker 26 writes it: the value stands in the ARG, and in front of each RUN."""

    def steps(value: str, content: str) -> list[Step]:
        return [
            BASE,
            (f"ARG CHANNEL={value}", None),
            (f"RUN |1 CHANNEL={value} /bin/sh -c make", content),
        ]

    one, other = steps("stable", "x"), steps("two words", "y")
    found = broken(tmp_path, image(*one), image(*other))
    assert found.reason is BreakReason.ARGUMENT
    assert found.explanation == "the build argument CHANNEL is another"
    assert (found.layer_index, found.step_before, found.step_after) == (1, 1, 1)


def test_changed_build_argument_of_the_classic_builder(tmp_path: Path) -> None:
    """The ARG stands there as it was written, the value in front of the RUN."""

    def steps(value: str, content: str) -> list[Step]:
        return [
            BASE,
            ("ARG CHANNEL=stable", None),
            ("ARG OTHER", None),
            (f"RUN |2 CHANNEL={value} OTHER=1 /bin/sh -c make", content),
        ]

    one, other = steps("stable", "x"), steps("beta", "y")
    found = broken(tmp_path, image(*one, write=classic), image(*other, write=classic))
    assert found.reason is BreakReason.ARGUMENT
    assert found.explanation == "the build argument CHANNEL is another"
    assert found.instruction_before == found.instruction_after == "RUN make"


def test_build_arguments_in_another_order_are_the_same(tmp_path: Path) -> None:
    """The classic builder sorts them by name, BuildKit leaves them as they were declared."""
    one = image(BASE, ("RUN |2 A=1 B=2 /bin/sh -c make", "x"), write=classic)
    other = image(BASE, ("RUN |2 B=2 A=1 /bin/sh -c make", "y"))
    assert broken(tmp_path, one, other).reason is BreakReason.CONTENT


def test_another_argument_is_another_instruction(tmp_path: Path) -> None:
    one: list[Step] = [BASE, ("ARG A=1", None), ("RUN |1 A=1 /bin/sh -c make", "x")]
    other: list[Step] = [BASE, ("ARG B=1", None), ("RUN |1 B=1 /bin/sh -c make", "y")]
    assert blamed(tmp_path, one, other) == (1, "instruction-changed", "ARG A=1", "ARG B=1")


@BOTH
def test_inserted_layer(tmp_path: Path, write: object) -> None:
    one: list[Step] = [BASE, ("RUN a", "x"), ("RUN b", "y")]
    other: list[Step] = [BASE, ("RUN new", "n"), ("RUN a", "x"), ("RUN b", "y")]
    assert blamed(tmp_path, one, other, write) == (1, "instruction-added", None, "RUN new")
    assert blamed(tmp_path, other, one, write) == (1, "instruction-removed", "RUN new", None)


@BOTH
def test_moved_layer(tmp_path: Path, write: object) -> None:
    one: list[Step] = [BASE, ("RUN a", "x"), ("RUN b", "y")]
    other: list[Step] = [BASE, ("RUN b", "y"), ("RUN a", "x")]
    assert blamed(tmp_path, one, other, write) == (1, "instruction-moved", "RUN a", "RUN b")


@BOTH
def test_changed_line_that_stands_there_again_later_is_changed_not_new(
    tmp_path: Path, write: object
) -> None:
    one: list[Step] = [BASE, ("RUN clean", "x"), ("RUN b", "y"), ("RUN clean", "z")]
    other: list[Step] = [BASE, ("RUN fetch", "f"), ("RUN b", "y"), ("RUN clean", "z")]
    assert blamed(tmp_path, one, other, write)[1:] == (
        "instruction-changed",
        "RUN clean",
        "RUN fetch",
    )
    assert blamed(tmp_path, other, one, write)[1] == "instruction-changed"


@BOTH
def test_image_that_ends_where_the_other_goes_on(tmp_path: Path, write: object) -> None:
    one: list[Step] = [BASE, ("RUN a", "x")]
    other: list[Step] = [*one, ("RUN b", "y"), ("RUN c", "z")]
    assert blamed(tmp_path, one, other, write) == (2, "layers-added", None, "RUN b")
    assert blamed(tmp_path, other, one, write) == (2, "layers-removed", "RUN b", None)
    assert blamed(tmp_path, [], one, write)[:2] == (0, "layers-added")


DEBIAN = "# debian.sh --arch 'amd64' out/ 'bookworm' '@1715644800'"
NEWER = "# debian.sh --arch 'amd64' out/ 'bookworm' '@1726459200'"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ADD root.tar.gz /", buildkit), ("ADD root.tar.gz /", buildkit)),
        (("ADD alpine-3.19.tar.gz /", buildkit), ("ADD alpine-3.20.tar.gz /", buildkit)),
        (
            (f"ADD file:{HASHES[0] * 2} in / ", classic),
            (f"ADD file:{HASHES[1] * 2} in / ", classic),
        ),
        ((DEBIAN, None), (NEWER, None)),
        ((DEBIAN, None), ("ADD alpine-3.20.tar.gz /", buildkit)),
        ((f"ADD file:{HASHES[0] * 2} in / ", classic), (NEWER, None)),
    ],
)
def test_lowest_layers_of_two_bases(
    tmp_path: Path, one: tuple[str, object], other: tuple[str, object]
) -> None:
    images = []
    for (line, write), content in ((one, "x"), (other, "y")):
        created_by = write(line)[0] if callable(write) else line
        made = ImageBuilder("a:1").layer(TarBuilder().file(content), created_by=created_by)
        images.append(made.layer(TarBuilder().file("app"), created_by=buildkit("RUN a")[0]))
    found = broken(tmp_path, *images)
    assert (found.layer_index, found.reason) == (0, BreakReason.BASE)


def test_lowest_layers_of_two_builds_from_scratch(tmp_path: Path) -> None:
    line = "COPY app /bin/app"
    assert blamed(tmp_path, [(line, "x")], [(line, "y")])[1] == "content-changed"


def test_base_that_is_known_reaches_to_a_layer(tmp_path: Path) -> None:
    steps: list[list[Step]] = [
        [BASE, ("RUN update", content), ("RUN app", "app")] for content in "xy"
    ]
    one, other = (analysis_of(tmp_path, image(*some)) for some in steps)
    reasons = [find_break(one, other, (), base) for base in (None, 1, 2)]
    assert [found.reason.value if found else "" for found in reasons] == [
        "content-changed",
        "content-changed",
        "base-changed",
    ]


def test_image_without_history_tells_nothing(tmp_path: Path) -> None:
    one = image(BASE, ("RUN a", "x"))
    other = image(BASE, ("RUN a", "y")).without_history()
    found = broken(tmp_path, one, other)
    assert found.reason is BreakReason.UNKNOWN
    assert (found.layer_index, found.instruction_before) == (1, "RUN a")
    assert found.instruction_after is found.step_after is None


def test_history_that_is_too_short_tells_what_it_can(tmp_path: Path) -> None:
    one, other = image(BASE, ("RUN a", "x")), image(BASE, ("RUN a", "y"))
    del other.history[1]
    assert broken(tmp_path, one, other).reason is BreakReason.UNKNOWN


def test_entries_without_a_word_are_no_instruction(tmp_path: Path) -> None:
    """buildah and jib may leave ``created_by`` out: the comment has to do."""
    images = []
    for content in "xy":
        made = image(BASE)
        made.layer(TarBuilder().file(content), created_by="")
        made.history[-1]["comment"] = "jib layer"
        images.append(made)
    found = broken(tmp_path, *images)
    assert (found.reason, found.instruction_after) == (BreakReason.CONTENT, "jib layer")


def test_rebuilt_bytes_are_those_of_the_second_image_from_there_up(tmp_path: Path) -> None:
    """Files are ten times their names; a tar is a header, a block for it and two to end."""
    tar = 512 + 512 + 1024
    one = image(BASE, ("RUN a", "x"), ("RUN b", "yy"), ("RUN c", "zzz"))
    other = image(BASE, ("RUN A", "wwww"), ("RUN b", "yy"), ("RUN c", "zzz"), ("RUN d", "v"))
    found = broken(tmp_path, one, other)
    assert found.layer_index == 1
    assert found.rebuilt == LayerSum(4, 4 * tar, 40 + 20 + 30 + 10)
    assert found.same_again == LayerSum(2, 2 * tar, 20 + 30)


def test_nothing_is_rebuilt_where_layers_only_went(tmp_path: Path) -> None:
    one, other = image(BASE, ("RUN a", "x")), image(BASE)
    found = broken(tmp_path, one, other)
    assert found.rebuilt == found.same_again == LayerSum(0, 0, 0)


def test_same_files_of_the_same_instruction_are_said_to_be_so(tmp_path: Path) -> None:
    images = []
    for time in (1, 2):
        made = image(BASE)
        tar = TarBuilder().file("x", b"1", mtime=time)
        images.append(made.layer(tar, created_by=buildkit("RUN make")[0]))
    found = broken(tmp_path, *images)
    assert found.reason is BreakReason.METADATA
    assert found.explanation == "the same instruction made the same files, but for: time"


def test_bases_of_the_same_files_are_said_to_be_so(tmp_path: Path) -> None:
    """One Dockerfile built twice: ADD took the same root file system, and gave it other times."""
    images = []
    for time in (1, 2):
        tar = TarBuilder().file("x", b"1", mtime=time)
        images.append(ImageBuilder("a:1").layer(tar, created_by=buildkit("ADD r.tar /")[0]))
    found = broken(tmp_path, *images)
    assert found.reason is BreakReason.BASE
    assert found.explanation == (
        "the bases are not the same layers, though these hold the same files, but for: time"
    )


@pytest.mark.parametrize("side", [0, 1])
def test_layer_that_is_not_there_is_nobody_s_fault(tmp_path: Path, side: int) -> None:
    """One blob is missing: nothing can be said of the instruction that made it."""
    made = [image(BASE, ("RUN make", "x"), ("RUN more", "y")) for _ in range(2)]
    paths = [docker_archive(one).write_file(tmp_path / f"{i}.tar") for i, one in enumerate(made)]
    archive = oci_layout(made[0])
    archive.drop(blob_name(made[0].layers[1].blob))
    paths[side] = archive.write_file(tmp_path / "cut.tar")
    found = compare(*paths)
    assert found.cache is not None
    assert (found.cache.layer_index, found.cache.reason) == (1, BreakReason.UNVERIFIED)
    assert ("first", "second")[side] in found.cache.explanation
    assert found.push.layers == found.pull.layers == ()  # the blob goes by what is claimed of it
