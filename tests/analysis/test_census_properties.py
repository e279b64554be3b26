"""Random trees: the census by columns, and a plain one as its witness."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from support.naive_census import count
from support.scans import Stack
from support.tars import TarBuilder

from oci_inspect.analysis.census import take_census
from oci_inspect.findings import FindingCollector

NAMES = st.sampled_from(
    ["a", "A", "b", "con", "Con.x", "x.", "x ", "a:b", "\u00e9", "e\u0301", "com1"]
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
MODES = st.sampled_from([0o644, 0o666, 0o777, 0o4755, 0o2711, 0o1777, 0o6006])
ENTRIES = st.tuples(
    st.sampled_from(["file", "file", "dir", "symlink", "hardlink", "char", "fifo", "whiteout"]),
    PATHS,
    MODES,
    st.sampled_from(["", "x", "yy", "zz"]),
    PATHS,
)
LAYERS = st.lists(st.lists(ENTRIES, max_size=9), max_size=4)


def tar_of(entries: list[tuple[str, str, int, str, str]]) -> TarBuilder:
    tar = TarBuilder()
    for kind, path, mode, text, target in entries:
        if kind == "file":
            tar.file(path, text.encode(), mode=mode)
        elif kind == "dir":
            tar.dir(path, mode=mode)
        elif kind == "symlink":
            tar.symlink(path, target, mode=0o777)
        elif kind == "hardlink":
            tar.hardlink(path, target)
        elif kind == "char":
            tar.char(path, 1, 3, mode=mode)
        elif kind == "fifo":
            tar.fifo(path, mode=mode)
        else:
            tar.whiteout(path)
    return tar


@given(LAYERS)
@settings(max_examples=500)
def test_census_agrees_with_a_plain_one(
    layers: list[list[tuple[str, str, int, str, str]]],
) -> None:
    tree = Stack(*map(tar_of, layers)).merged.tree
    findings = FindingCollector()
    census = take_census(tree, findings)
    plain = count(tree)
    assert (census.files, census.duplicate_bytes) == (plain.files, plain.duplicate_bytes)
    told = {found.rule: found for found in findings.result()}
    assert told.keys() == plain.odd.keys()
    for rule, found in told.items():
        paths = sorted(plain.odd[rule])
        assert found.message.startswith(f"{len(paths):,} ")
        if rule != "path-collision":  # of two that are alike, it is the one that came later
            assert found.subject.encode() == paths[0]
            assert found.message.endswith(
                ", ".join(path.decode() for path in paths[:3]) + (", ..." if paths[3:] else "")
            )
