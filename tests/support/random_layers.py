"""Random stacks of layers, for the real merge and for the naive one."""

from __future__ import annotations

from hypothesis import strategies as st

from support.naive_merge import Op
from support.tars import TarBuilder

NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
CONTENTS = st.sampled_from(["", "x", "yy", "zz", "12345"])
TARGETS = st.one_of(PATHS, st.sampled_from(["/", ".", "..", "../b", "/a/b", "b/..", "../../c"]))

OPS = st.one_of(
    st.builds(Op, st.just("file"), PATHS, CONTENTS),
    st.builds(Op, st.just("dir"), PATHS),
    st.builds(Op, st.just("symlink"), PATHS, TARGETS),
    st.builds(Op, st.just("hardlink"), PATHS, PATHS),
    st.builds(Op, st.just("fifo"), PATHS),
    st.builds(Op, st.just("whiteout"), PATHS),
    st.builds(Op, st.just("opaque"), st.one_of(PATHS, st.just(""))),
)
PLAIN_OPS = OPS.filter(lambda op: op.kind != "symlink")
LAYERS = st.lists(st.lists(OPS, max_size=8), max_size=5)
"""Stacks of layers, with everything that a layer may have."""
PLAIN_LAYERS = st.lists(st.lists(PLAIN_OPS, max_size=8), max_size=5)
"""The same without symbolic links."""


def tar_of(layer: list[Op]) -> TarBuilder:
    """A layer of the naive merge as a tar."""
    tar = TarBuilder()
    for op in layer:
        if op.kind == "file":
            tar.file(op.path, op.text.encode())
        elif op.kind == "dir":
            tar.dir(op.path)
        elif op.kind == "symlink":
            tar.symlink(op.path, op.text)
        elif op.kind == "hardlink":
            tar.hardlink(op.path, op.text)
        elif op.kind == "fifo":
            tar.fifo(op.path)
        elif op.kind == "whiteout":
            tar.whiteout(op.path)
        else:
            tar.opaque(op.path)
    return tar
