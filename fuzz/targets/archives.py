"""Whole archives of every kind, as a file, as a stream and as a folder: opened, analysed, told.

What is told must not depend on how the bytes came, and what is called good must be whole.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random
from typing import Any

from support.images import ImageBuilder, docker_archive, hybrid, oci_layout, skopeo_dir, v1_chain
from support.tars import END, TarBuilder, entry

from fuzz.members import Piece, pieces_of
from fuzz.mutate import havoc, mutate_json
from fuzz.mutate_tar import mutate_tar
from fuzz.target import Target, check, same
from oci_inspect.analysis.results import Analysis, Status
from oci_inspect.errors import OciInspectError
from oci_inspect.inspection import analyze
from oci_inspect.limits import Limits
from oci_inspect.render import render
from oci_inspect.render.json import analysis_document, dumps, verify_document
from oci_inspect.render.views import analyze_view, verify_view

LIMITS = Limits(entries=2000, layer_bytes=1 << 24, expansion_floor=1 << 24, layers=40)


CONTROLS = frozenset(map(chr, (*range(10), *range(11, 32), *range(127, 160))))
"""What stands in no output; a newline may."""
FORMS: tuple[Callable[[Analysis], str], ...] = (
    lambda analysis: dumps(analysis_document(analysis)),
    lambda analysis: dumps(verify_document(analysis)),
    *(
        lambda analysis, format=format: render(verify_view(analysis, verbose=True), format)
        for format in ("table", "markdown", "csv")
    ),
    *(
        lambda analysis, format=format: render(
            analyze_view(analysis, verbose=True, quiet=False), format
        )
        for format in ("table", "markdown")
    ),
)
"""Ways to tell of an analysis."""


def _analysed(data: bytes) -> Analysis:
    file = os.memfd_create("archive")
    try:
        os.write(file, data)
        return analyze(f"/proc/self/fd/{file}", limits=LIMITS, jobs=1)
    finally:
        os.close(file)


def _told(analysis: Analysis) -> Any:
    document = analysis_document(analysis)
    del document["archive"]
    return document


def run_file(data: bytes) -> None:
    """A tar file."""
    if data[:2] == b"\x1f\x8b":
        return
    analysis = _analysed(data)
    for one in analysis.images:
        bad = [layer for layer in one.layers if layer.status is Status.MISMATCH]
        check(not (bad and one.verified), "verified, with a layer that is not")
        errors = [found for found in one.findings if found.severity == "error"]
        check(not (errors and one.verified), f"verified, with {errors[:1]}")
    check(not analysis.ok or all(one.verified for one in analysis.images), "ok, and not verified")
    # Printing takes longer than reading: one form for an input, the same one every time.
    made = FORMS[zlib.crc32(data) % len(FORMS)](analysis)
    check(not set(made) & CONTROLS, "a control character")


def run_stream(data: bytes) -> None:
    """The same compressed, so that it passes by only once: the same is told."""
    if data[:2] == b"\x1f\x8b":
        return
    told: list[Any] = []
    for one in (data, gzip.compress(data, 0, mtime=0)):
        try:
            told.append(_told(_analysed(one)))
        except OciInspectError:
            told.append(None)
    file, stream = told
    same(stream is None, file is None, "whether a stream is refused")
    if file is not None:
        for key in file:
            same(stream[key], file[key], key)


def run_folder(data: bytes) -> None:
    """The same unpacked into a folder, as far as its names allow."""
    where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="oci-inspect-fuzz.", dir=where))
    try:
        for piece in pieces_of(data):
            _put(folder, piece)
        analysis = analyze(folder, limits=LIMITS, jobs=1)
        dumps(analysis_document(analysis))
    finally:
        shutil.rmtree(folder)


def _put(folder: Path, piece: Piece) -> None:
    parts = [one for one in piece.name.split(b"/") if one not in (b"", b".")]
    if not parts or b".." in parts or any(b"\0" in one for one in parts):
        return
    place = folder.joinpath(*(os.fsdecode(one) for one in parts))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if piece.kind == b"2":
            place.symlink_to(os.fsdecode(piece.link.replace(b"\0", b"")) or "x")
        elif piece.kind == b"6":
            os.mkfifo(place)
        elif piece.kind == b"5":
            place.mkdir(exist_ok=True)
        elif not os.path.lexists(place) or (place.is_file() and not place.is_symlink()):
            place.write_bytes(piece.data)  # into a FIFO it would wait for ever
    except OSError:
        return


def mutate(data: bytes, chance: Random) -> bytes:
    """Change members: their documents, their layers as tars, their names; mend sizes."""
    if chance.random() < 0.2:
        return mutate_tar(data, chance)
    pieces = pieces_of(data)
    if not pieces:
        return havoc(data, chance)
    for _ in range(chance.choice((1, 1, 2, 3))):
        i = chance.randrange(len(pieces))
        one = pieces[i]
        kind = chance.randrange(14)
        if kind < 8:
            pieces[i] = one._replace(data=_changed(one.data, chance))
        elif kind == 8:
            other = chance.choice(pieces).name
            pieces[i] = one._replace(name=chance.choice((other, havoc(one.name, chance)[:100])))
        elif kind == 9:
            pieces.insert(chance.randrange(len(pieces)), one)
        elif kind == 10 and len(pieces) > 1:
            del pieces[i]
        elif kind == 11:
            link = chance.choice((chance.choice(pieces).name, b"../" + one.name, one.name, b"/x"))
            pieces[i] = one._replace(kind=chance.choice((b"1", b"2")), link=link[:100], data=b"")
        elif kind == 12:
            pieces[i] = one._replace(data=chance.choice(pieces).data)
        else:
            chance.shuffle(pieces)
    tail = END if chance.random() < 0.9 else b""
    return (
        b"".join(entry(one.name, one.data, type=one.kind, linkname=one.link) for one in pieces)
        + tail
    )


def _changed(data: bytes, chance: Random) -> bytes:
    if data[:1] in (b"{", b"[") and chance.random() < 0.8:
        return mutate_json(data, chance)
    if len(data) >= 512 and chance.random() < 0.7:
        return mutate_tar(data, chance)
    return havoc(data, chance)


def _image(name: str) -> ImageBuilder:
    return (
        ImageBuilder(name)
        .layer(TarBuilder().dir("etc").file("etc/a", name.encode()).symlink("lib", "usr/lib"))
        .empty('CMD ["sh"]')
        .layer(TarBuilder().whiteout("etc/a").file("lib/x", b"22"), compression="gzip")
    )


def seeds() -> Iterable[bytes]:
    """An archive of each kind."""
    one, other = _image("a:1"), _image("b/c:2")
    plain = ImageBuilder("p:1").layer(TarBuilder().file("f", b"1"))
    for archive in (
        *(docker_archive(plain), docker_archive(one, other), oci_layout(one)),
        *(oci_layout(plain, attestations=True), hybrid(plain), skopeo_dir(plain), v1_chain(plain)),
    ):
        yield archive.tar()


MOST = 48 * 1024
TARGETS = (
    Target("archive_file", run_file, seeds, mutate, most=MOST),
    Target("archive_stream", run_stream, seeds, mutate, most=MOST),
    Target("archive_folder", run_folder, seeds, mutate, most=MOST),
)
