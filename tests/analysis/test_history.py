"""Which history entry owns which layer: FORMATS, "History"; image-spec, config.md."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.images import ImageBuilder, docker_archive
from support.tars import TarBuilder

from oci_inspect import analyze
from oci_inspect.analysis.history import Matching, build_steps, match_history
from oci_inspect.spec.config import HistoryEntry

NOP = "/bin/sh -c #(nop) "
ADD = NOP + "ADD file:" + "0" * 64 + " in / "
CMD = NOP + ' CMD ["sh"]'
ENV = NOP + " ENV A=1"
RUN = "/bin/sh -c make"
WORKDIR = NOP + "WORKDIR /work"


def entry(created_by: str, empty: bool | None = None) -> HistoryEntry:
    return HistoryEntry("2024-01-01T00:00:00Z", created_by, "", None, empty)


def match(*entries: HistoryEntry, layers: int) -> Matching:
    return match_history(entries, layers, "sha256:image")


def test_the_entries_that_are_not_empty_own_the_layers_in_order() -> None:
    found = match(entry(ADD), entry(CMD, True), entry(RUN), entry(ENV, True), layers=2)
    assert found.layer_of_entry == (0, None, 1, None)
    assert found.entry_of_layer == (0, 2)
    assert found.empty == (False, True, False, True)
    assert found.findings == ()


def test_an_empty_entry_owns_no_layer_whatever_its_instruction() -> None:
    found = match(entry(RUN, True), entry(CMD), layers=1)
    assert found.layer_of_entry == (None, 0)
    assert found.findings == ()


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_none_leaves_every_layer_without_one(layers: int) -> None:
    found = match(layers=layers)
    assert found.layer_of_entry == ()
    assert found.entry_of_layer == (None,) * layers
    assert [(one.rule, one.severity, one.subject) for one in found.findings] == [
        ("history-mismatch", "warning", "sha256:image")
    ]


def test_none_for_no_layers_is_nothing_to_tell() -> None:
    assert match(layers=0) == Matching((), (), (), ())


def test_too_few_are_matched_from_the_bottom() -> None:
    found = match(entry(ADD), entry(CMD, True), entry(RUN), layers=4)
    assert found.layer_of_entry == (0, None, 1)
    assert found.entry_of_layer == (0, 2, None, None)
    assert [one.rule for one in found.findings] == ["history-mismatch"]
    assert "2" in found.findings[0].message and "4" in found.findings[0].message


def test_too_many_with_flags_are_matched_from_the_bottom_and_the_rest_stands_alone() -> None:
    found = match(entry(ADD), entry(CMD, True), entry(RUN), entry(RUN), layers=2)
    assert found.layer_of_entry == (0, None, 1, None)
    assert found.entry_of_layer == (0, 2)
    assert found.empty == (False, True, False, False)
    assert [one.rule for one in found.findings] == ["history-mismatch"]


def test_where_there_are_flags_they_are_believed_against_the_instructions() -> None:
    found = match(entry(ADD), entry(ENV), entry(CMD, True), entry(RUN), layers=2)
    assert found.layer_of_entry == (0, 1, None, None)


def test_where_flags_are_missing_instructions_that_make_no_layer_are_empty() -> None:
    found = match(entry(ADD), entry(CMD), entry(RUN), entry(ENV), entry(RUN), layers=3)
    assert found.layer_of_entry == (0, None, 1, None, 2)
    assert found.empty == (False, True, False, True, False)


def test_where_flags_are_missing_the_surplus_later_ones_are_empty() -> None:
    """BuildKit's rule."""
    found = match(entry(RUN), entry(RUN), entry(RUN), entry(RUN), layers=2)
    assert found.layer_of_entry == (0, 1, None, None)
    assert found.empty == (False, False, True, True)


def test_instructions_that_make_no_layer_go_before_the_surplus_later_ones() -> None:
    found = match(entry(ADD), entry(CMD), entry(WORKDIR), entry(RUN), entry(RUN), layers=3)
    assert found.layer_of_entry == (0, None, 1, 2, None)


def test_as_many_as_layers_are_matched_whatever_their_instructions() -> None:
    found = match(entry(ENV), entry(CMD), layers=2)
    assert found.layer_of_entry == (0, 1)
    assert found.findings == ()


@given(
    st.lists(
        st.tuples(st.sampled_from([ADD, CMD, RUN, ENV, WORKDIR]), st.sampled_from([None, True]))
    ),
    st.integers(0, 8),
)
def test_matching_is_one_to_one_and_in_order(
    told: list[tuple[str, bool | None]], layers: int
) -> None:
    entries = [entry(text, empty) for text, empty in told]
    found = match(*entries, layers=layers)
    owned = [layer for layer in found.layer_of_entry if layer is not None]
    assert owned == list(range(len(owned)))  # from the bottom, none left out
    filled = [i for i, empty in enumerate(found.empty) if not empty]
    assert len(owned) == min(len(filled), layers)
    for n, i in enumerate(filled[:layers]):  # the n-th that is not empty owns the n-th layer
        assert found.layer_of_entry[i] == n
        assert found.entry_of_layer[n] == i
    assert found.entry_of_layer[len(owned) :] == (None,) * (layers - len(owned))
    for one, empty in zip(entries, found.empty, strict=True):
        assert empty or not one.empty_layer
    claimed = sum(not empty for _, empty in told)
    assert bool(found.findings) == (claimed != layers)


def test_steps_have_what_the_history_says_and_the_size_of_their_layer() -> None:
    entries = (
        HistoryEntry("2024-01-01T00:00:00Z", ADD, "first", "someone", None),
        HistoryEntry(None, CMD, "", None, True),
        HistoryEntry("2024-01-02T00:00:00Z", RUN, "", None, None),
        HistoryEntry(None, "umoci repack", "", None, None),
    )
    steps = build_steps(entries, match_history(entries, 2, ""), [4_000, 70])
    assert [step.index for step in steps] == [0, 1, 2, 3]
    assert [step.created_by for step in steps] == [ADD, CMD, RUN, "umoci repack"]
    assert [step.size for step in steps] == [4_000, 0, 70, 0]
    assert [step.layer_index for step in steps] == [0, None, 1, None]
    assert [step.empty_layer for step in steps] == [False, True, False, False]
    assert [step.keyword for step in steps] == ["ADD", "CMD", "RUN", None]
    assert [step.raw for step in steps] == [False, False, False, True]
    assert (steps[0].comment, steps[0].author) == ("first", "someone")
    assert steps[1].created is None


def test_layers_and_steps_of_an_image_name_each_other(tmp_path: Path) -> None:
    image = (
        ImageBuilder("a:1")
        .empty(NOP + " ARG A")
        .layer(TarBuilder().file("a", b"12345"), created_by=ADD)
        .empty(CMD)
        .layer(TarBuilder().file("b", b"123").hardlink("c", "b"), created_by=RUN)
        .layer(TarBuilder().file("d", b"1"), created_by=RUN)
        .patch_config(lambda config: config.update(history=config["history"][:4]))
    )
    (found,) = analyze(docker_archive(image).write_file(tmp_path / "image.tar")).images
    assert [layer.history_index for layer in found.layers] == [1, 3, None]
    assert [layer.created_by for layer in found.layers] == [ADD, RUN, None]
    assert [(step.layer_index, step.size) for step in found.history] == [
        (None, 0),
        (0, 5),
        (None, 0),
        (1, 3),
    ]
    assert [one.rule for one in found.findings] == ["history-mismatch"]
    assert found.verified
