"""Rules on paths: what must not be in the image or in a layer, and who may be setuid.

Patterns are those of ``extract`` (:class:`~oci_inspect.filesystem.globs.Glob`), links in front of
them followed (:mod:`oci_inspect.rules.patterns`). What lies in a folder that matches belongs to it:
the folder is told, with the bytes in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from oci_inspect.analysis.results import ImageAnalysis
from oci_inspect.errors import LimitExceededError
from oci_inspect.filesystem.journal import Losses
from oci_inspect.filesystem.masks import both, octet, rows_of, selector
from oci_inspect.filesystem.merge import merge
from oci_inspect.filesystem.reasons import Reason
from oci_inspect.filesystem.symlinks import LinkFollower
from oci_inspect.filesystem.tree import Folder, Node, UnionTree, reference_of
from oci_inspect.findings import FindingCollector
from oci_inspect.layer.entries import DIRECTORY, FILE, HARDLINK
from oci_inspect.limits import DEFAULT_LIMITS, Limits
from oci_inspect.paths import shown_path
from oci_inspect.quantities import plural
from oci_inspect.rules.case import ITEMS, Case
from oci_inspect.rules.model import Item, Unit, Verdict
from oci_inspect.rules.patterns import Patterns, patterns_in
from oci_inspect.rules.words import one_line, step_line, step_name

_FILES = selector((FILE,))
_HARDLINKS = selector((HARDLINK,))
_SETUID = selector({high for high in range(256) if high << 8 & 0o6000})
_WORDS = {
    Reason.DELETED: "deleted in",
    Reason.OPAQUE: "its folder was emptied in",
    Reason.OVERWRITTEN: "overwritten in",
    Reason.REWRITTEN: "written again in",
    Reason.REPLACED: "replaced in",
}


@dataclass(slots=True)
class _Found:
    """A path that matches, by one layer and by who took it away (None: it is still there).

    ``size`` is in bytes of content, ``count`` the files and other things in a folder.
    """

    path: bytes
    layer_index: int
    removed_in: int | None = None
    reason: Reason | None = None
    folder: bool = False
    size: int = 0
    count: int = 0


def judge_paths(case: Case) -> Verdict:
    """Nothing in the merged tree matches."""
    patterns = patterns_in(case.image.tree, case.texts, case.limits)
    return _judge(case, list(_live(case.image.tree, patterns)), "in the image")


def judge_paths_in_layers(case: Case) -> Verdict:
    """Nothing in any layer matches, deleted or not."""
    tree = case.image.tree
    patterns = patterns_in(tree, case.texts, case.limits)
    if not tree.tables:
        return _judge(case, [], "in any layer")
    losses = _Matching(patterns)
    merged = merge(tree.tables, FindingCollector(), case.limits, losses)
    found = [*_live(merged.tree, patterns), *losses.found(merged.tree)]
    return _judge(case, found, "in any layer")


def _judge(case: Case, found: list[_Found], where: str) -> Verdict:
    image = case.image
    paths = len({one.path for one in found})
    more: dict[str, Any] = {"unit": Unit.COUNT, "limit": 0}
    if not found:
        if not image.complete:
            return case.unread("such a path may be in what is missing", **more)
        return case.verdict(True, f"no such path {where}", actual=0, **more)
    found.sort(key=lambda one: (-one.size, one.path, one.layer_index))
    worst = found[0]
    first = _item(image, worst)
    told = f"{plural(paths, 'path')} that must not be {where}: {shown_path(worst.path)}"
    message = f"{told} and others" if paths > 1 else f"{told}: {first.text}"
    items = tuple(_item(image, one) for one in found[:ITEMS])
    advice = f"leave it out of {step_line(image, worst.layer_index)}"
    return case.verdict(False, message, items, actual=paths, advice=advice, **more)


def _item(image: ImageAnalysis, found: _Found) -> Item:
    inside = f" with {plural(found.count, 'entry')}" if found.folder and found.count else ""
    text = f"it lies in layer {found.layer_index} ({step_name(image, found.layer_index)}){inside}"
    if found.removed_in is not None and found.reason is not None:
        who = f"layer {found.removed_in} ({step_name(image, found.removed_in)})"
        if found.reason is Reason.SHADOWED:
            text += ", which holds it twice"
        else:
            text += f", {_WORDS[found.reason]} {who}, and still is in the archive"
    path = found.path + b"/" if found.folder else found.path
    return Item(one_line(text, 400), path, found.layer_index, found.size)


def _live(tree: UnionTree, patterns: Patterns) -> Iterator[_Found]:
    """What of a tree matches; what is in a folder that does is added up by layer."""
    stack: list[tuple[bytes, Folder, int]] = [(b"", tree.root, patterns.start)]
    while stack:
        prefix, folder, states = stack.pop()
        for name, node in folder.items():
            after = patterns.step(states, name)
            if not after:
                continue
            inside = isinstance(node, Folder)
            if patterns.accept(after, folder=inside):
                yield from _add_up(tree, prefix + name, node)
            elif isinstance(node, Folder):
                stack.append((prefix + name + b"/", node, after))


def _add_up(tree: UnionTree, path: bytes, top: Node) -> Iterator[_Found]:
    found: dict[int, _Found] = {}
    seen: set[int] = set()
    folder = isinstance(top, Folder)
    stack: list[tuple[Node, bool]] = [(top, True)]
    while stack:
        node, first = stack.pop()
        if isinstance(node, Folder):
            stack += ((child, False) for child in node.values())
        reference = reference_of(node)
        if reference < 0 or reference in seen:
            continue
        if reference in tree.names:
            seen.add(reference)
        layer, row = tree.locate(reference)
        one = found.setdefault(layer, _Found(path, layer, folder=folder))
        one.count += not first
        if tree.tables[layer].types[row] == FILE:
            one.size += tree.tables[layer].sizes[row]
    # A folder that nothing describes and nothing is in was made by whatever needed it.
    yield from found.values() if found else [_Found(path, 0, folder=folder)]


class _Matching(Losses):
    """Keeps only what was lost that matches."""

    def __init__(self, patterns: Patterns) -> None:
        super().__init__()
        self._patterns = patterns

    def lose(self, path: bytes, reference: int, reason: Reason, unit: bytes | None) -> None:
        """Keep what was lost, where it matches or lies in a folder that does."""
        if self._patterns.prefix(path, folder=True) is not None:
            super().lose(path, reference, reason, unit)

    def found(self, tree: UnionTree) -> Iterator[_Found]:
        """What was lost, each path added up by its layer and by who took it away."""
        found: dict[tuple[bytes, int, int], _Found] = {}
        seen: set[int] = set()
        for lost in self:
            if lost.reference < 0:
                continue  # no entry of a layer: what is in it tells where it was
            layer, row = tree.locate(lost.reference)
            table = tree.tables[layer]
            kind = table.types[row]
            path = self._patterns.prefix(lost.path, folder=kind == DIRECTORY)
            if path is None:
                continue
            key = (path, layer, lost.removed_in)
            one = found.get(key)
            if one is None:
                one = _Found(path, layer, lost.removed_in, lost.reason)
                found[key] = one
            one.folder = one.folder or path != lost.path or kind == DIRECTORY
            one.count += path != lost.path
            if kind == FILE and lost.reference not in seen:
                seen.add(lost.reference)
                one.size += table.sizes[row]
        yield from found.values()


def judge_setuid(case: Case) -> Verdict:
    """No regular file of the merged tree is setuid or setgid but those that are listed."""
    image = case.image
    patterns = patterns_in(image.tree, case.texts, case.limits)
    more: dict[str, Any] = {"unit": Unit.COUNT, "limit": 0}
    try:
        found = [
            one
            for one in setuid_files(image.tree, case.limits)
            if patterns.prefix(one[0], folder=False) is None
        ]
    except LimitExceededError as error:
        return case.unread(one_line(str(error)), **more)
    if not found:
        if not image.complete:
            return case.unread("such a file may be in what is missing", **more)
        return case.verdict(True, "no other setuid or setgid file", actual=0, **more)
    items = []
    for path, reference, told_by in sorted(found)[:ITEMS]:
        layer, row = image.tree.locate(told_by)
        table = image.tree.tables[layer]
        mode = f"{table.modes[row] & 0o7777:04o}"
        how = "" if told_by == reference else " by a hard link to it"
        owner = f"{table.uids[row]}:{table.gids[row]}"
        text = f"mode {mode}{how}, owner {owner}, from layer {layer} ({step_name(image, layer)})"
        own, own_row = image.tree.locate(reference)
        items.append(Item(text, path, layer, image.tree.tables[own].sizes[own_row]))
    first = items[0]
    assert first.path is not None and first.layer_index is not None
    told = shown_path(first.path) + (" and others" if len(found) > 1 else "")
    message = f"{plural(len(found), 'setuid or setgid file')} not on the list: {told}"
    line = step_line(image, first.layer_index)
    advice = f"take the bits away (chmod ug-s) in {line}, or put it on the list"
    return case.verdict(False, message, tuple(items), actual=len(found), advice=advice, **more)


def setuid_files(
    tree: UnionTree, limits: Limits = DEFAULT_LIMITS
) -> Iterator[tuple[bytes, int, int]]:
    """The paths of all setuid and setgid files, in no order.

    Each with its reference, and with that of the entry whose mode says so: its own, or that of a
    hard link to it. Engines set the mode of a hard link's header on what it leads to (containerd's
    and moby's archive packages). Raises :class:`LimitExceededError` where links in front of hard
    links stand for too much.
    """
    strays: dict[int, int] = {}
    for layer, table in enumerate(tree.tables):
        bits = octet(table.modes, 1).translate(_SETUID)
        mask = both(tree.live[layer], table.types.translate(_FILES), bits)
        for row in rows_of(mask):
            reference = tree.bases[layer] + row
            if tree.stray[layer][row]:
                strays[reference] = reference
            else:
                yield table.paths[row], reference, reference
    links = _InFront(tree, limits)
    for layer, table in enumerate(tree.tables):
        bits = octet(table.modes, 1).translate(_SETUID)
        for row in rows_of(both(table.types.translate(_HARDLINKS), bits)):
            link = tree.bases[layer] + row
            for path in (table.paths[row], table.linknames.get(row, b"")):
                node = links.lookup(path)
                # An inode with one name, or a later one, is not what the link led to.
                if not isinstance(node, int) or node not in tree.names or node > link:
                    continue
                if tree.kind(node) == FILE:
                    strays.setdefault(node, link)
    if strays:
        for path, reference in tree.paths_of(strays):
            yield path, reference, strays[reference]


class _InFront:
    """What lies at a path of an entry: links in front of it followed, each folder found once."""

    def __init__(self, tree: UnionTree, limits: Limits) -> None:
        self._tree = tree
        self._follower = LinkFollower(tree, limits)
        self._folders: dict[bytes, Node | None] = {}

    def lookup(self, path: bytes) -> Node | None:
        """What lies there, None for nothing. Raises :class:`LimitExceededError`."""
        above, _, name = path.rpartition(b"/")
        if above not in self._folders:
            real = self._follower.follow(above, 0)
            self._folders[above] = None if real is None else self._tree.lookup(real)
        folder = self._folders[above]
        return folder.get(name) if isinstance(folder, Folder) else None
