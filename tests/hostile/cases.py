"""What a case of the corpus is: a name, how it is made, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.images import Archive, ImageBuilder, docker_archive, oci_layout
from support.tars import TarBuilder

Made = bytes | Archive | Path
"""The bytes of a file, an archive to be written as a tar, or something that is there already."""
Make = Callable[[], Made] | Callable[[Path], Made]


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile input and what ``verify`` must say of it.

    ``finds`` are rules of which each must be told (others may be); ``says`` are words of the one
    line on standard error where there is nothing to report on; ``codes`` the exit codes that are
    right. ``shows`` must stand in what ``analyze --verbose`` or ``ls`` prints, ``hides`` nowhere.
    ``fresh`` is what has to be made anew for each run: a FIFO gives its bytes once.
    """

    name: str
    make: Callable[[], Made] | Callable[[Path], Made] | None
    finds: frozenset[str] = frozenset()
    says: str = ""
    codes: tuple[int, ...] = (1,)
    shows: str = ""
    hides: str = ""
    options: tuple[str, ...] = ()
    fresh: Callable[[Path], AbstractContextManager[str]] | None = None

    @contextmanager
    def ready(self, folder: Path) -> Iterator[str]:
        """The input, made in an empty folder: what to write behind the command's name."""
        if self.fresh is not None:
            with self.fresh(folder) as path:
                yield path
            return
        yield str(self.write(folder))

    def write(self, folder: Path) -> Path:
        """Make the input in a folder and return its path."""
        assert self.make is not None
        code, given = self.make.__code__, self.make.__defaults__ or ()  # type: ignore[union-attr]
        wants_folder = code.co_argcount > len(given)
        made = self.make(folder) if wants_folder else self.make()  # type: ignore[call-arg]
        if isinstance(made, Path):
            return made
        path = folder / "image.tar"
        path.write_bytes(made if isinstance(made, bytes) else made.tar())
        return path


class Theme:
    """A list of cases that is filled line by line."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cases: list[Case] = []

    def __call__(
        self,
        name: str,
        make: Make | None = None,
        finds: str = "",
        *,
        says: str = "",
        code: int | tuple[int, ...] | None = None,
        shows: str = "",
        hides: str = "",
        options: tuple[str, ...] = (),
        fresh: Callable[[Path], AbstractContextManager[str]] | None = None,
    ) -> None:
        """Add a case. ``finds`` are rules with blanks between them.

        Without ``code`` it is 3 for what cannot be read and for limits, 1 for other findings, and
        0 where nothing is expected to be found.
        """
        rules = frozenset(finds.split())
        if code is None:
            code = 3 if says or "limit-exceeded" in rules else 1 if rules else 0
        codes = code if isinstance(code, tuple) else (code,)
        name = f"{self.name}/{name}"
        self.cases.append(Case(name, make, rules, says, codes, shows, hides, options, fresh))


def below() -> ImageBuilder:
    """An image with one honest layer, for a hostile one to be put on."""
    image = ImageBuilder("example/app:1")
    return image.layer(TarBuilder().dir("d").file("d/honest", b"1" * 900).file("a", b"22"))


def layer(tar: TarBuilder | bytes, **more: str) -> Archive:
    """An OCI layout in which a hostile layer lies on an honest one."""
    return oci_layout(below().layer(tar, **more))


def docker(*changes: Callable[[Archive], object]) -> Archive:
    """A ``docker save`` archive of an honest image, with something changed in it."""
    archive = docker_archive(below(), style="skopeo")
    for change in changes:
        change(archive)
    return archive


def oci(*changes: Callable[[Archive], object]) -> Archive:
    """An OCI layout of an honest image, with something changed in it."""
    archive = oci_layout(below())
    for change in changes:
        change(archive)
    return archive
