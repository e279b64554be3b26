"""Large stacks of layers as entry tables, without a tar: in an ordinary shape, and to hurt.

Everything is arithmetic on row numbers: the same tables on every machine. A case is a function of
how many entries to make, which yields the tables bottom to top.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from oci_inspect.layer.entries import DIRECTORY, FILE, HARDLINK, SYMLINK, EntryTable
from oci_inspect.layer.tar_scanner import EMPTY_FINGERPRINT

LAYERS = 50
WHITEOUT = b".wh."
OPAQUE = b".wh..wh..opq"

Case = Callable[[int], Iterator[EntryTable]]


class Rows:
    """Fills a table row by row. ``seed`` tells the contents of one layer from those of another."""

    def __init__(self, seed: int = 0) -> None:
        self.table = EntryTable()
        self._seed = seed

    def __len__(self) -> int:
        return len(self.table)

    def _row(self, path: bytes, kind: int, mode: int, size: int, fingerprint: int) -> None:
        table = self.table
        table.paths.add(path)
        table.types.append(kind)
        table.sizes.append(size)
        table.modes.append(mode)
        table.uids.append(0)
        table.gids.append(0)
        table.mtimes.append(1_700_000_000 + len(table) % 977)
        table.fingerprints.append(fingerprint)
        table.offsets.append(512 * len(table))

    def file(self, path: bytes, content: int | None = None, mode: int = 0o644) -> None:
        """A file; two with the same ``content`` are equal."""
        number = (self._seed << 32) + len(self) if content is None else content
        self._row(path, FILE, mode, 100 + number % 20_000, number * 0x9E3779B97F4A7C15 % 2**64)

    def folder(self, path: bytes, mode: int = 0o755) -> None:
        """A folder."""
        self._row(path, DIRECTORY, mode, 0, EMPTY_FINGERPRINT)

    def symlink(self, path: bytes, target: bytes) -> None:
        """A symbolic link."""
        self.table.linknames[len(self)] = target
        self._row(path, SYMLINK, 0o777, 0, EMPTY_FINGERPRINT)

    def hardlink(self, path: bytes, target: bytes) -> None:
        """One more name of the file at ``target``."""
        self.table.linknames[len(self)] = target
        self._row(path, HARDLINK, 0o644, 0, EMPTY_FINGERPRINT)

    def whiteout(self, path: bytes) -> None:
        """What deletes ``path``."""
        folder, slash, name = path.rpartition(b"/")
        self._row(folder + slash + WHITEOUT + name, FILE, 0o644, 0, EMPTY_FINGERPRINT)

    def opaque(self, folder: bytes) -> None:
        """What empties ``folder``; the root is ``b""``."""
        path = folder + b"/" + OPAQUE if folder else OPAQUE
        self._row(path, FILE, 0o644, 0, EMPTY_FINGERPRINT)


def standard(entries: int) -> Iterator[EntryTable]:
    """Packages of ten files; each layer takes from the one below, a tenth of all are whiteouts.

    Of the whiteouts, half delete a file, a quarter a folder, a quarter are opaque.
    """
    share = entries // LAYERS
    below = 0
    for layer in range(LAYERS):
        rows = Rows(layer)
        packages = (share - (share * 18 // 100 if layer else 0)) // 11
        if layer:
            lower = [b"usr/share/pkg-%02d-%04d" % (layer - 1, i) for i in range(below)]
            quarter = share // 39  # of all the whiteouts: the lowest layer has none
            for path in lower[:quarter]:
                rows.whiteout(path)
            for path in lower[quarter : 2 * quarter]:
                rows.opaque(path)
                rows.file(path + b"/fresh.dat")
            rest = lower[2 * quarter :]
            for path in rest[: quarter // 5]:
                for i in range(10):
                    rows.whiteout(path + b"/file-%d.dat" % i)
            for path in rest[quarter // 5 : quarter // 3]:
                rows.folder(path)
                for i in range(10):
                    rows.file(path + b"/file-%d.dat" % i)
        for i in range(packages):
            path = b"usr/share/pkg-%02d-%04d" % (layer, i)
            rows.folder(path)
            for number in range(10):
                rows.file(path + b"/file-%d.dat" % number)
        below = packages
        yield rows.table


def plain(entries: int) -> Iterator[EntryTable]:
    """Files that all stay, ten to a folder."""
    for layer in range(LAYERS):
        rows = Rows(layer)
        while len(rows) < entries // LAYERS:
            rows.folder(b"usr/share/pkg-%02d-%04d" % (layer, len(rows) // 11))
            for number in range(10):
                rows.file(rows.table.paths[-1 - number] + b"/file-%d.dat" % number)
        yield rows.table


def whole(entries: int) -> Iterator[EntryTable]:
    """One whiteout takes all the rest, half of it from one folder."""
    lower, upper = Rows(0), Rows(1)
    for i in range(entries // 2):
        lower.file(b"srv/data/%d" % i)
        lower.file(b"srv/%d/%d" % (i // 10, i))
    upper.whiteout(b"srv")
    yield lower.table
    yield upper.table


def opaque(entries: int) -> Iterator[EntryTable]:
    """Opaque whiteouts, each over a folder of two files: 50,000 of them over 100,000 files."""
    lower, upper = Rows(0), Rows(1)
    for i in range(entries // 4):
        lower.folder(b"srv/%d" % i)
        lower.file(b"srv/%d/a" % i)
        lower.file(b"srv/%d/b" % i)
        upper.opaque(b"srv/%d" % i)
    yield lower.table
    yield upper.table


def root(entries: int) -> Iterator[EntryTable]:
    """Every layer empties the root and fills it again."""
    for layer in range(LAYERS):
        rows = Rows(layer)
        rows.opaque(b"")
        while len(rows) < entries // LAYERS:
            rows.file(b"d-%d/%d/f-%d" % (layer % 3, len(rows) // 100, len(rows)))
        yield rows.table


def again(entries: int) -> Iterator[EntryTable]:
    """Every layer deletes one folder and makes it again."""
    for layer in range(LAYERS):
        rows = Rows(layer)
        rows.whiteout(b"opt/app")
        rows.folder(b"opt/app")
        while len(rows) < entries // LAYERS:
            rows.file(b"opt/app/%d/f-%d" % (len(rows) // 50, len(rows)))
        yield rows.table


def links(entries: int) -> Iterator[EntryTable]:
    """Five files with a tenth of all entries as names each, and their whiteouts one by one."""
    lower, upper = Rows(0), Rows(1)
    for group in range(5):
        lower.file(b"l%d/0" % group)
        upper.whiteout(b"l%d/0" % group)
        for i in range(1, entries // 10):
            lower.hardlink(b"l%d/%d" % (group, i), b"l%d/%d" % (group, i - 1))
            upper.whiteout(b"l%d/%d" % (group, i))
    yield lower.table
    yield upper.table


def behind(entries: int) -> Iterator[EntryTable]:
    """Every layer writes below a symbolic link of its own."""
    for layer in range(LAYERS):
        rows = Rows(layer)
        rows.symlink(b"lib%d" % layer, b"usr/lib/x%d" % (layer % 4))
        while len(rows) < entries // LAYERS:
            rows.file(b"lib%d/%d/f-%d" % (layer, len(rows) // 20, len(rows)))
        yield rows.table


def hidden(entries: int) -> Iterator[EntryTable]:
    """Every layer writes below symbolic links of the layer under it, and makes others."""
    for layer in range(LAYERS):
        rows = Rows(layer)
        for i in range(entries // LAYERS // 2):
            rows.symlink(b"s/%d-%d" % (layer, i), b"../t/%d" % i)
            rows.file(b"s/%d-%d/f" % (layer - 1, i))
        yield rows.table


def deep(entries: int) -> Iterator[EntryTable]:
    """Chains of 200 folders; half of them are deleted from the top, half from the bottom."""
    lower, upper = Rows(0), Rows(1)
    for i in range(entries // 202):
        path = b"%d" % i
        for _ in range(200):
            lower.folder(path)
            path += b"/d"
        lower.file(path)
        upper.whiteout(b"%d" % i if i % 2 else path)
    yield lower.table
    yield upper.table


def children(entries: int) -> Iterator[EntryTable]:
    """One folder with half of all entries in it, deleted one by one."""
    lower, upper = Rows(0), Rows(1)
    for i in range(entries // 2):
        lower.file(b"var/cache/%d" % i)
        upper.whiteout(b"var/cache/%d" % i)
    yield lower.table
    yield upper.table


def forget(entries: int) -> Iterator[EntryTable]:
    """Folders are deleted in turn with files far down in another one."""
    lower, upper = Rows(0), Rows(1)
    far = b"/".join(b"d%d" % i for i in range(40))
    for i in range(entries // 5):
        lower.folder(b"x/%d" % i)
        lower.file(b"x/%d/f" % i)
        lower.file(far + b"/%d" % i)
        upper.whiteout(b"x/%d" % i)
        upper.whiteout(far + b"/%d" % i)
    yield lower.table
    yield upper.table


def displaced(entries: int) -> Iterator[EntryTable]:
    """In one layer: a link is made and replaced in turn with files behind another link."""
    rows = Rows()
    rows.symlink(b"l", b"/".join(b"d%d" % i for i in range(40)))
    for i in range(entries // 3):
        rows.symlink(b"s", b"t%d" % i)
        rows.folder(b"s")
        rows.file(b"l/%d/f" % (i % 1000))
    yield rows.table


def chains(entries: int) -> Iterator[EntryTable]:
    """Every file is in a folder of its own, behind forty links to the ends of long paths."""
    rows = Rows()
    for i in range(39):
        rows.symlink(b"l%d" % i, b"l%d" % (i + 1) + b"/d" * 500)
    for i in range(entries - 39):
        rows.file(b"l0/%d/f" % i)
    yield rows.table


def dangling(entries: int) -> Iterator[EntryTable]:
    """Nothing but whiteouts that hide nothing."""
    yield Rows().table
    rows = Rows(1)
    for i in range(entries):
        rows.whiteout(b"no/%d/where" % i)
    yield rows.table


def twice(entries: int) -> Iterator[EntryTable]:
    """One path over and over in one layer."""
    rows = Rows()
    for _ in range(entries):
        rows.file(b"etc/passwd")
    yield rows.table


def rewritten(entries: int) -> Iterator[EntryTable]:
    """Every layer has the same files again, every other time with the same content."""
    for layer in range(LAYERS):
        rows = Rows(layer // 2)
        while len(rows) < entries // LAYERS:
            rows.file(b"var/lib/%d/f-%d" % (len(rows) // 30, len(rows)))
        yield rows.table


def odd(entries: int) -> Iterator[EntryTable]:
    """Names that differ by case only and that Windows cannot have, setuid, writable by all."""
    for layer in range(LAYERS):
        rows = Rows(layer)
        for i in range(entries // LAYERS // 2):
            rows.file(b"d%d/%d/Read:me%d" % (layer, i // 50, i), 7, 0o6777)
            rows.file(b"d%d/%d/READ:ME%d" % (layer, i // 50, i), 7, 0o6777)
        yield rows.table


def lone(entries: int) -> Iterator[EntryTable]:
    """A path of 500 folders, and files at its end that every layer above takes one of."""
    far = b"/".join([b"d"] * 500)
    for layer in range(LAYERS):
        rows = Rows(layer)
        for below in range(layer):
            rows.whiteout(far + b"/%d-%d" % (below, layer))
        for above in range(layer + 1, LAYERS):
            rows.file(far + b"/%d-%d" % (layer, above))
        while len(rows) < entries // LAYERS:
            rows.file(b"e%d/%d/%d" % (layer, len(rows) // 50, len(rows)))
        yield rows.table


CASES: dict[str, Case] = {
    case.__name__: case
    for case in (
        standard,
        plain,
        whole,
        opaque,
        root,
        again,
        links,
        behind,
        hidden,
        deep,
        children,
        forget,
        displaced,
        chains,
        dangling,
        twice,
        rewritten,
        odd,
        lone,
    )
}
"""Every case by its name: a function of how many entries to make."""
