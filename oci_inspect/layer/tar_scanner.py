"""The rows of a layer's tar, from its bytes as they pass by in pieces of any size.

Headers that need nothing special come as columns from :mod:`~oci_inspect.layer.plain_headers`;
all others go to :class:`~oci_inspect.stream.tar.HeaderReader`. Contents are fingerprinted,
never kept. A damaged header does not end the listing: the scanner says so and goes on at the next
block that is a header (GNU tar and bsdtar do; Python's tarfile ends in silence).
"""

from __future__ import annotations

from oci_inspect.errors import LimitExceededError
from oci_inspect.findings import FindingCollector
from oci_inspect.layer.entries import (
    BLOCK_DEVICE,
    CHAR,
    DIRECTORY,
    FIFO,
    FILE,
    HARDLINK,
    SYMLINK,
    EntryTable,
)
from oci_inspect.layer.metadata import MetadataCount
from oci_inspect.layer.names import FIELD, EntryNames
from oci_inspect.layer.plain_headers import Headers, PlainHeaders
from oci_inspect.limits import DEFAULT_LIMITS, FREE_METADATA, Allowance, Limits
from oci_inspect.paths import path_text
from oci_inspect.stream.compression import adler32, crc32
from oci_inspect.stream.tar import (
    BLOCK,
    ZERO_BLOCK,
    HeaderReader,
    TarHeader,
    TarHeaderError,
)

EMPTY_FINGERPRINT = 1 << 32
"""The fingerprint of no bytes: Adler-32 begins at 1, CRC-32 at 0."""

SMALL = 5 * 1024
"""Bytes up to which contents have both sums: the calls then keep the interpreter's lock."""

EXAMPLES_PER_LAYER = 20
"""Findings of one rule that are listed for one layer."""

_TYPES = {
    0x30: FILE,
    0x31: HARDLINK,
    0x32: SYMLINK,
    0x33: CHAR,
    0x34: BLOCK_DEVICE,
    0x35: DIRECTORY,
    0x36: FIFO,
}
_TOC_NAMES = (b"stargz.index.json",)


class TarScanner:
    """Feed it the tar, then :meth:`close` it; the rows are in ``table``.

    Without ``contents`` nothing is known of them, every fingerprint but that of no bytes is 0, and
    they may be passed over with :meth:`skip`.
    """

    def __init__(
        self,
        limits: Limits = DEFAULT_LIMITS,
        allowance: Allowance | None = None,
        *,
        contents: bool = True,
    ) -> None:
        self.table = EntryTable(fingerprinted=contents)
        self._contents = contents
        self.findings = FindingCollector(EXAMPLES_PER_LAYER)
        self._limits = limits
        self._names = EntryNames(limits, self.findings)
        self._headers = HeaderReader(limits)
        self._plain = PlainHeaders()
        self._carry = b""
        self._content = 0  # bytes of the current file still to come
        self._padding = 0  # bytes to pass over behind it
        self._crc = 0
        self._adler = 1
        self._small = True
        self._payload_left = 0
        self._payload: list[bytes] = []
        self._zero_seen = False
        self._lost = False
        self.listed = True
        """False once entries may have been missed: behind a damaged header, or a cut."""
        self._metadata = MetadataCount(self.table, allowance or Allowance(limits))
        self._header_at = 0  # of the tar: where the last header taken by the slow way begins
        self._ended = False
        self._behind_end = False
        self._position = 0  # of the tar, at the start of the piece being fed

    def feed(self, data: bytes) -> None:
        """Go on by ``data``. Raises :class:`LimitExceededError`; then feed no more."""
        position = 0
        size = len(data)
        while position < size:
            if self._content:
                position = self._take_content(data, position)
            elif self._padding:
                step = min(self._padding, size - position)
                self._padding -= step
                position += step
            elif self._payload_left:
                step = min(self._payload_left, size - position)
                self._payload.append(data[position : position + step])
                self._payload_left -= step
                position += step
                if not self._payload_left:
                    self._payload_done(position)
            elif self._carry or size - position < BLOCK:
                missing = BLOCK - len(self._carry)
                self._carry += data[position : position + missing]
                position = min(size, position + missing)
                if len(self._carry) == BLOCK:
                    block, self._carry = self._carry, b""
                    if self._ended:
                        self._look_behind_end(block)
                    else:
                        self._block(block, position)
            elif self._ended:
                whole = position + (size - position) // BLOCK * BLOCK
                self._look_behind_end(data[position:whole])
                position = whole
            else:
                position = self._run(data, position)
        self._position += size

    def take_blocks(
        self, blocks: list[bytes], starts: list[int], sizes: list[int], end: int
    ) -> bool:
        """Go on by headers whose contents were not read, from ``starts`` in what comes to ``end``.

        False where one of them must be looked at by itself: then nothing was taken. Raises
        :class:`LimitExceededError`.
        """
        waiting = self._content or self._padding or self._payload_left or self._carry
        if self._contents or waiting or self._ended or self._lost or self._zero_seen:
            return False
        if not self._headers.plain or len(self.table) + len(blocks) > self._limits.entries:
            return False
        headers = self._plain.columns(blocks, starts, sizes, end)
        if headers is None:
            return False
        self._rows(b"", headers, end)
        self._position += end
        return True

    @property
    def excess(self) -> int:
        """Bytes of metadata that count (``metadata_bytes``)."""
        return self._metadata.excess

    @property
    def ahead(self) -> int:
        """Bytes of content and padding that come next, as far as they were not fed."""
        return self._content + self._padding

    def skip(self, left: int) -> int:
        """How many of the ``left`` bytes ahead are nothing but content: they are passed over."""
        content = min(self._content, left)
        padding = min(self._padding, left - content)
        self._content -= content
        self._padding -= padding
        self._position += content + padding
        return content + padding

    def close(self) -> None:
        """Say what an early end leaves open."""
        add = self.findings.add
        self.table.paths.settle()
        if self._content:
            name = path_text(self.table.paths[-1])
            add("tar-truncated", name, f"the tar ends {self._content:,} bytes before this file")
            self.cut()
        elif self._payload_left or (self._carry.strip(b"\0") and not self._ended):
            add("tar-truncated", "", "the tar ends in the middle of a header")
            self.cut()
        elif self._headers.pending:
            add("tar-header-invalid", "", "an extension header with no entry behind it")
            self.cut()
        elif not self._ended:
            add("tar-no-end-mark", "", "the tar ends without two zero blocks")

    def cut(self) -> None:
        """Leave the file that was being read with the bytes that came, whatever it claims."""
        self.listed = False
        self.table.paths.settle()
        if self._content:
            table, row = self.table, len(self.table) - 1
            stored = table.stored_sizes.get(row, table.sizes[row]) - self._content
            table.sizes[row] = stored
            if row in table.stored_sizes:
                table.stored_sizes[row] = stored

    def _run(self, data: bytes, position: int) -> int:
        """Take headers whose block lies whole in ``data``, as many as there are."""
        last = len(data) - BLOCK
        while position <= last:
            headers = None
            if self._headers.plain and not self._lost and not self._zero_seen:
                most = max(1, self._limits.entries + 1 - len(self.table))
                headers = self._plain.take(data, position, most)
            if headers is not None:
                position = self._rows(data, headers, len(data))
                if self._content or self._padding:
                    return position
            else:
                block = data[position : position + BLOCK]
                position += BLOCK
                self._block(block, position)
                if self._content or self._padding or self._payload_left or self._ended:
                    return position
        return position

    def _rows(self, data: bytes, headers: Headers, size: int) -> int:
        """Keep the rows of plain headers; return the position behind what was taken.

        ``size`` is that of the piece, of which ``data`` may be empty where contents are not asked
        for.
        """
        headers, error = self._tidy(headers)
        table = self.table
        row = len(table)
        new = table.paths.extend(headers.names)
        table.types += headers.kinds
        table.sizes.fromlist(headers.sizes)
        modes, uids, gids = zip(*headers.owners, strict=True) if headers.owners else ((), (), ())
        table.modes.extend(modes)
        table.uids.extend(uids)
        table.gids.extend(gids)
        table.mtimes.fromlist(headers.times)
        if headers.targets or max(map(len, headers.names), default=0) > FREE_METADATA:
            self._metadata.add_rows(row, headers.names, new)
        base = self._position + BLOCK
        table.offsets.fromlist([base + start for start in headers.starts])
        whole = list(zip(headers.starts, headers.sizes, strict=True))
        over = len(table) > self._limits.entries
        cut = not over and bool(whole) and sum(whole[-1]) + BLOCK > size
        if over or cut:
            whole.pop()
        table.fingerprints.fromlist(
            _fingerprints(data, whole)
            if self._contents
            else [0 if size else EMPTY_FINGERPRINT for _, size in whole]
        )
        if over:
            table.fingerprints.append(EMPTY_FINGERPRINT)
            self._check_entries()
        if error is not None:
            raise error
        self._metadata.check()
        if cut:
            table.fingerprints.append(0)
            self._begin_content(headers.sizes[-1])
            return headers.starts[-1] + BLOCK
        self._padding = max(0, headers.end - size)
        return min(headers.end, size)

    def _tidy(self, headers: Headers) -> tuple[Headers, LimitExceededError | None]:
        """Make paths of the names and keep the targets of links.

        In the order of the rows: a path that breaks a limit ends the listing in front of it.
        """
        names, targets = headers.names, headers.targets
        tidy = headers.tidy and self._names.longest >= FIELD
        odd = set() if tidy else self._names.odd(names)
        row = len(self.table)
        for i in sorted({*odd, *targets}):
            try:
                if i in odd:
                    names[i] = self._names.clean(names[i])
                if i in targets:
                    self.table.linknames[row + i] = self._names.target(
                        names[i], targets[i], hard=headers.kinds[i] == HARDLINK
                    )
            except LimitExceededError as error:
                return headers.first(i), error
        return headers, None

    def _block(self, block: bytes, position: int) -> None:
        """Take one block by the slow way; ``position`` is behind it in the current piece."""
        if block == ZERO_BLOCK:
            if self._zero_seen:
                self._ended = True
            self._zero_seen = True
            return
        if self._zero_seen:
            self._zero_seen = False
            if not self._lost:
                self.findings.add(
                    "tar-ambiguous", "", "entries behind a lone zero block: some readers end there"
                )
        self._header_at = self._position + position - BLOCK
        try:
            result = self._headers.header(block)
        except TarHeaderError as error:
            self._bad_header(error)
            return
        except LimitExceededError:
            self._tell_notes()
            raise
        self._lost = False
        if isinstance(result, int):
            self._want(result)
            if not result:
                self._payload_done(position)
        else:
            self._entry(result, position)

    def _bad_header(self, error: TarHeaderError) -> None:
        self._tell_notes()
        if not self._lost:
            self.findings.add(error.rule, f"byte {self._header_at:,}", error.problem)
        self._lost = True
        self.listed = False

    def _want(self, payload: int) -> None:
        self._payload = []
        self._payload_left = payload

    def _payload_done(self, position: int) -> None:
        data = b"".join(self._payload)
        self._payload = []
        self._padding = -len(data) % BLOCK
        try:
            result = self._headers.payload(data)
        except TarHeaderError as error:  # a sparse file's header, read when its map was there
            self._bad_header(error)
            return
        except LimitExceededError:
            self._tell_notes()
            raise
        self._tell_notes()
        if isinstance(result, int):
            self._want(result)
        elif result is not None:
            self._entry(result, position)

    def _entry(self, header: TarHeader, position: int) -> None:
        self._tell_notes()
        table = self.table
        name = header.name
        kind = _TYPES.get(header.type, FILE)
        path = self._names.clean(name)
        row = len(table)
        kept = 0
        if kind in (SYMLINK, HARDLINK):
            target = self._names.target(path, header.linkname, hard=kind == HARDLINK)
            table.linknames[row] = target
            kept += len(target)
        kept += table.paths.add(path) + len(table.paths.names[row])
        table.types.append(kind)
        table.sizes.append(header.size)
        table.modes.append(header.mode & 0o7777)
        table.uids.append(header.uid)
        table.gids.append(header.gid)
        table.mtimes.append(header.mtime)
        table.offsets.append(self._position + position)
        table.fingerprints.append(EMPTY_FINGERPRINT)
        if header.mtime_ns:
            table.mtime_ns[row] = header.mtime_ns
        if header.xattrs:
            kept += self._metadata.keep_xattrs(row, header.xattrs)
        if kind in (CHAR, BLOCK_DEVICE):
            table.devices[row] = header.device
        if header.stored_size != header.size or header.mapped:
            table.stored_sizes[row] = header.stored_size
        self._metadata.add(kept, len(path))
        if row >= self._limits.entries:
            self._check_entries()
        self._metadata.check()
        if header.stored_size:
            table.fingerprints[row] = 0
            self._begin_content(header.stored_size)

    def _begin_content(self, size: int) -> None:
        self._content = size
        self._padding = -size % BLOCK
        self._crc = 0
        self._adler = 1
        self._small = size <= SMALL

    def _take_content(self, data: bytes, position: int) -> int:
        step = min(self._content, len(data) - position)
        if not self._contents:
            self._content -= step
            return position + step
        view = memoryview(data)[position : position + step]
        self._crc = crc32(view, self._crc)
        if self._small:
            self._adler = adler32(view, self._adler)
        self._content -= step
        if not self._content:
            self.table.fingerprints[-1] = (
                self._adler << 32 | self._crc if self._small else self._crc
            )
        return position + step

    def _check_entries(self) -> None:
        self.table.sizes[-1] = 0  # its bytes were not looked for
        self.table.stored_sizes.discard(len(self.table) - 1)
        raise LimitExceededError(
            "entries", self._limits.entries, len(self.table), "entries of the layer"
        )

    def _tell_notes(self) -> None:
        notes = self._headers.notes
        if notes:
            for note in notes:
                self.findings.add(note.rule, path_text(note.name), note.message)
            notes.clear()

    def _look_behind_end(self, data: bytes) -> None:
        """Whether another reader, one that goes on behind the end mark, would find entries."""
        if self._behind_end or not data.strip(b"\0"):
            return
        reader = HeaderReader(self._limits)
        for start in range(0, len(data), BLOCK):
            block = data[start : start + BLOCK]
            if block == ZERO_BLOCK:
                continue
            header: TarHeader | int | None = None
            try:
                header = reader.header(block)
            except TarHeaderError as error:
                if error.rule == "tar-header-checksum":
                    continue
            except LimitExceededError:
                pass  # a header it is, whatever it asks for
            if isinstance(header, TarHeader) and header.name in _TOC_NAMES:
                continue  # estargz puts its table of contents there, by its specification
            name = path_text(header.name) if isinstance(header, TarHeader) else ""
            self.findings.add("tar-ambiguous", name, "entries behind the end mark")
            self._behind_end = True
            return


def _fingerprints(data: bytes, extents: list[tuple[int, int]]) -> list[int]:
    """The fingerprints of contents that lie whole in ``data``, of (header, size)."""
    view = memoryview(data)
    return [
        (
            crc32(view[start + BLOCK : start + BLOCK + size])
            if size > SMALL
            else adler32(content := view[start + BLOCK : start + BLOCK + size]) << 32
            | crc32(content)
        )
        if size
        else EMPTY_FINGERPRINT
        for start, size in extents
    ]
