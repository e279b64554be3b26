"""Merging layers, against a merge that is plainly right; and finding paths in what came out."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from support.naive_merge import NaiveMerge, Op
from support.random_layers import tar_of
from support.scans import Stack, table_of

from fuzz.choices import Choices
from fuzz.target import Target, check, same
from oci_inspect.errors import PathError
from oci_inspect.filesystem.tree import Folder
from oci_inspect.layer.entries import EntryTable

NAMES = ("a", "b", "c")
TARGETS_OF_LINKS = ("/", ".", "..", "../b", "/a/b", "b/..", "../../c", "a", "b", "a/b", "c/a/b")
CONTENTS = ("", "x", "yy", "zz", "12345")
KINDS = ("file", "file", "dir", "symlink", "hardlink", "fifo", "whiteout", "whiteout", "opaque")


def layers_of(choices: Choices) -> list[list[Op]]:
    """A stack of layers, of entries with few names."""
    layers: list[list[Op]] = []
    for _ in range(1 + choices.below(4)):
        layer = []
        for _ in range(choices.below(9)):
            if not choices.left:
                break
            kind = choices.one_of(KINDS)
            path = _path(choices)
            text = ""
            if kind == "file":
                text = choices.one_of(CONTENTS)
            elif kind == "symlink":
                text = choices.one_of(TARGETS_OF_LINKS)
            elif kind == "hardlink":
                text = _path(choices)
            elif kind == "opaque" and choices.below(4) == 0:
                path = ""
            layer.append(Op(kind, path, text))
        layers.append(layer)
    return layers


def _path(choices: Choices) -> str:
    return "/".join(choices.one_of(NAMES) for _ in range(1 + choices.below(3)))


@lru_cache(maxsize=20_000)
def _table(layer: tuple[Op, ...]) -> EntryTable:
    """The rows of a layer: nothing changes them, and most inputs share layers with others."""
    return table_of(tar_of(list(layer)))


def run(data: bytes) -> None:
    """Merge the same layers twice, and look for paths in the result."""
    choices = Choices(data)
    layers = layers_of(choices)
    stack = Stack(*(_table(tuple(layer)) for layer in layers))
    naive = NaiveMerge()
    for layer in layers:
        naive.apply(layer)
    shown = {"directory": "dir", "implied": "dir"}
    ours = {path: shown.get(kind, kind) for path, kind in stack.tree.items()}
    same(ours, {path: inode.kind for path, inode in naive.paths.items()}, "the tree")
    same(list(stack.merged.added_bytes), naive.added, "bytes added")
    same(
        sorted(
            (
                sorted(set(map(bytes.decode, one.paths))),
                one.layer_index,
                one.removed_in,
                one.size,
                one.reason,
            )
            for one in stack.merged.dead
        ),
        sorted(
            (sorted(one.names), one.layer, one.removed_in, one.size, one.reason)
            for one in naive.dead
        ),
        "the dead",
    )
    same(stack.live_bytes + stack.dead_bytes, stack.added_bytes, "live and dead bytes")
    _find(stack, naive, choices)


def _find(stack: Stack, naive: NaiveMerge, choices: Choices) -> None:
    tree = stack.merged.tree
    for _ in range(min(4, choices.left)):
        parts = [choices.one_of((*NAMES, "..", ".", "", "..")) for _ in range(1 + choices.below(5))]
        follow = choices.below(2) == 0
        expected = _resolve(naive, parts, follow=follow)
        try:
            found = tree.resolve("/".join(parts), follow=follow)
        except PathError:
            same(None, expected, f"{parts} leads nowhere")
            continue
        same(found.path.decode(), expected, f"{parts}, follow={follow}")
        node = tree.lookup(found.path)
        check(node is found.node or (isinstance(node, int) and node == found.node), f"{parts}")
        check(isinstance(node, Folder) == (not expected or naive.paths[expected].kind == "dir"), "")


def _resolve(naive: NaiveMerge, parts: list[str], *, follow: bool) -> str | None:
    """Where a path leads in the naive tree, as path_resolution(7) has it in a chroot."""
    here: list[str] = []
    ahead = list(parts)
    links = 0
    while ahead:
        part = ahead.pop(0)
        if here and naive.paths["/".join(here)].kind != "dir":
            return None
        if part in ("", "."):
            continue
        if part == "..":
            here = here[:-1]
            continue
        inode = naive.paths.get("/".join([*here, part]))
        if inode is None:
            return None
        if inode.kind == "symlink" and (ahead or follow):
            links += 1
            if links > 40 or not inode.text:
                return None
            if inode.text.startswith("/"):
                here = []
            ahead = inode.text.split("/") + ahead
        else:
            here.append(part)
    return "/".join(here)


def seeds() -> Iterable[bytes]:
    """Bytes that make some layers each."""
    yield bytes(range(60))
    yield bytes(range(200, 20, -3))
    yield b"\x03\x05\x03\x00\x00\x00\x01\x00\x01\x00\x01\x01\x02\x02\x06\x01\x02\x07" * 4


TARGETS = (Target("merging", run, seeds, most=200),)
