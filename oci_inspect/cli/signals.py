"""Signals that end the program, while something half done would stay behind."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from oci_inspect.errors import interrupt_behind


class Ended(KeyboardInterrupt):
    """A signal other than Ctrl-C that ends the program; ``number`` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def ended_like_interrupted() -> Iterator[None]:
    """Make SIGTERM and SIGHUP what Ctrl-C is: what is half written goes.

    They raise :class:`Ended`. Outside of the main thread, where no signal comes, nothing is done.
    An interrupt that Python 3.11 made a RuntimeError of is raised as what it was.
    """

    def end(number: int, frame: object) -> None:
        raise Ended(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    changed = []
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:  # under nohup it stays ignored
                try:
                    signal.signal(number, end)
                except ValueError:
                    break
                changed.append(number)
        yield
    except RuntimeError as error:
        interrupt = interrupt_behind(error)
        if interrupt is None:
            raise
        raise interrupt from None
    finally:
        for number in changed:
            signal.signal(number, before[number])
