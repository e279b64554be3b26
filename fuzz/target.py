"""What a target is, and how one input is tried on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

from oci_inspect.errors import OciInspectError

Mutator = Callable[[bytes, Random], bytes]


class Found(AssertionError):
    """A target's own complaint: two readers disagree, or a promise is broken."""


@dataclass(frozen=True)
class Target:
    """An entry point to be fuzzed.

    ``run`` takes one input; what it may raise are errors of ours and ``documented`` ones, anything
    else is a crash. ``seeds`` are inputs to begin with beside those in ``corpus/NAME``; ``mutate``
    knows their structure, so that more of them get past the first check; ``words`` are bytes worth
    putting in. ``most`` is the length of an input, in bytes.
    """

    name: str
    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]
    mutate: Mutator | None = None
    words: tuple[bytes, ...] = ()
    documented: tuple[type[BaseException], ...] = ()
    most: int = 4096
    refuses: bool = True
    """Whether errors of ours may come out of it at all."""

    def attempt(self, data: bytes) -> bool:
        """Try one input; False where it was refused in a documented way."""
        try:
            self.run(data)
        except _refusals(self.documented) as error:
            check(self.refuses, f"it raised {error!r}")
            check(str(error).isprintable(), f"an error of more than one line: {str(error)!r}")
            return False
        return True


def _refusals(documented: tuple[type[BaseException], ...]) -> tuple[type[BaseException], ...]:
    return (OciInspectError, *documented)


def check(holds: bool, complaint: str) -> None:
    """Complain unless something holds; unlike ``assert``, also under ``python -O``."""
    if not holds:
        raise Found(complaint[:2000])


def same(ours: object, theirs: object, what: str) -> None:
    """Complain where two answers to one question differ."""
    if ours != theirs:
        raise Found(f"{what}: {ours!r} here, {theirs!r} there"[:2000])
