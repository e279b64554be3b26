"""Headers, extensions and the outer tar: numbers, checksums and records held against a twin."""

from __future__ import annotations

from collections.abc import Iterable

from support import reference_scanner as twin

from fuzz.mutate_tar import mutate_tar
from fuzz.seed_tars import seed_tars
from fuzz.target import Target, check, same
from oci_inspect.archive.outer_tar import OuterTar, StreamCursor
from oci_inspect.findings import FindingCollector
from oci_inspect.limits import DEFAULT_LIMITS
from oci_inspect.stream.pax import parse_pax, pax_number, pax_time, pax_xattrs
from oci_inspect.stream.source import BytesSource
from oci_inspect.stream.tar import (
    BLOCK,
    LARGEST_SIZE,
    HeaderReader,
    TarHeader,
    TarHeaderError,
    checksum_matches,
    parse_number,
)


def run(data: bytes) -> None:
    """Every block as a header, every payload as pax records, then the whole as an archive."""
    reader = HeaderReader()
    position = 0
    while position < len(data):
        block = data[position : position + BLOCK].ljust(BLOCK, b"\0")
        position += BLOCK
        same(checksum_matches(block, block[148:156]), twin.checksum_holds(block), "checksum")
        for start, end in ((100, 108), (124, 136), (136, 148), (329, 337)):
            same(parse_number(block[start:end]), twin.number(block[start:end]), "number")
        try:
            step: TarHeader | int | None = reader.header(block)
            while isinstance(step, int):
                check(0 <= step <= DEFAULT_LIMITS.header_bytes, f"it wants {step} bytes")
                payload = data[position : position + step]
                position += step + -step % BLOCK
                if len(payload) < step:
                    break
                _records(payload)
                step = reader.payload(payload)
        except TarHeaderError:
            continue
        if isinstance(step, TarHeader):
            check(0 <= step.stored_size <= LARGEST_SIZE, f"{step.stored_size} bytes stored")
            check(0 <= step.size <= LARGEST_SIZE, f"{step.size} bytes")
            check(not reader.pending, "something waits behind an entry")
            position += min(step.stored_size, len(data)) + -step.stored_size % BLOCK


def _records(payload: bytes) -> None:
    records, problem = parse_pax(payload)
    theirs, good = twin.pax_records(payload)
    same((records, problem is None), (theirs, good), "pax records")
    same(pax_xattrs(records), twin.xattrs(records), "xattrs")
    for value in records.values():
        same(pax_time(value), twin.pax_time(value), "pax time")
        number = pax_number(value)
        same(
            None if number is None or number > LARGEST_SIZE else number, twin.decimal(value), "pax"
        )


def run_outer(data: bytes) -> None:
    """The tar as the archive itself: it ends, and says so where it is cut."""
    findings = FindingCollector()
    cursor = StreamCursor(BytesSource(data))
    tar = OuterTar(cursor, findings)
    for header in tar.entries():
        content = tar.read(min(header.stored_size, 1 << 20))
        check(len(content) <= header.stored_size, "more than there is of an entry")
    told = {one.rule for one in findings}
    check(not tar.truncated or "tar-truncated" in told, "cut short, and nobody says so")
    check(cursor.position <= len(data), "beyond the end")


def seeds() -> Iterable[bytes]:
    """Small tars."""
    return seed_tars()


TARGETS = (
    Target("tar_headers", run, seeds, mutate_tar, most=8192),
    Target("outer_tar", run_outer, seeds, mutate_tar, most=8192),
)
