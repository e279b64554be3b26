"""What two entries differ in: of one tree before and after a layer, or of two images.

Both have nothing to do with where an entry lies: the same rows are the same wherever they are.
"""

from __future__ import annotations

from oci_inspect.errors import CorruptStreamError, LimitExceededError
from oci_inspect.filesystem.tree import IMPLIED, UnionTree
from oci_inspect.layer.content import same_bytes
from oci_inspect.layer.entries import FILE, SYMLINK


def differences(one: UnionTree, before: int, other: UnionTree, after: int) -> tuple[str, ...]:
    """What an entry of one tree's layers and an entry of another's differ in.

    The words are ``type``, ``content``, ``target``, ``device``, ``mode``, ``owner``, ``time``,
    ``xattrs``, and ``metadata`` where only one of two folders has an entry at all. The mode of a
    symbolic link is never looked at.
    """
    if IMPLIED in (before, after):
        if before == after:
            return ()
        same = one.kind_of(before) == other.kind_of(after)
        return ("metadata",) if same else ("type", "metadata")
    (old, i), (new, j) = one.locate(before), other.locate(after)
    a, b = one.tables[old], other.tables[new]
    if a is b and i == j:
        return ()
    kind = b.types[j]
    why = []
    if a.types[i] != kind:
        why.append("type")
    elif kind == FILE and not _same_content(one, old, i, other, new, j):
        why.append("content")
    elif kind == SYMLINK and a.linknames.get(i) != b.linknames.get(j):
        why.append("target")
    elif a.devices.get(i) != b.devices.get(j):
        why.append("device")
    if a.modes[i] != b.modes[j] and SYMLINK not in (a.types[i], kind):
        why.append("mode")
    if (a.uids[i], a.gids[i]) != (b.uids[j], b.gids[j]):
        why.append("owner")
    if (a.mtimes[i], a.mtime_ns.get(i, 0)) != (b.mtimes[j], b.mtime_ns.get(j, 0)):
        why.append("time")
    if a.xattrs.get(i, ()) != b.xattrs.get(j, ()):
        why.append("xattrs")
    return tuple(why)


def _same_content(one: UnionTree, old: int, i: int, other: UnionTree, new: int, j: int) -> bool:
    """Whether two regular files, rows of layers, have the same content, as far as is told.

    Sizes and fingerprints tell. Where one was listed without its content the files are read. So are
    sparse files, whose holes no fingerprint tells of; in compressed layers, where each would take a
    pass, those count as different, and so do those whose maps lead nowhere.
    """
    a, b = one.tables[old], other.tables[new]
    if a.sizes[i] != b.sizes[j] or not a.sizes[i]:
        return a.sizes[i] == b.sizes[j]
    known = a.fingerprinted and b.fingerprinted
    sparse = i in a.stored_sizes or j in b.stored_sizes
    if known and not sparse:
        return a.fingerprints[i] == b.fingerprints[j]
    if one.files is None or other.files is None:
        return False
    if known and not (one.files.plain(old) and other.files.plain(new)):
        return False
    try:
        first, second = one.files.layer(old).data(i), other.files.layer(new).data(j)
        return same_bytes(first, second)
    except (CorruptStreamError, LimitExceededError):
        if known:
            return False
        raise
