"""The process that tries inputs, with atheris where it is installed and without it elsewhere."""

from __future__ import annotations

import faulthandler
import hashlib
import importlib.util
import resource
import sys
import time
import traceback
from pathlib import Path
from random import Random

from fuzz import CORPUS, CRASHES
from fuzz.board import Board
from fuzz.mutate import havoc
from fuzz.target import Target

MEMORY = 3 << 30
"""Bytes of address space that a worker may have."""

POOL = 400


def has_atheris() -> bool:
    """Whether inputs can be guided by the coverage they bring."""
    return importlib.util.find_spec("atheris") is not None


def kept_inputs(target: Target) -> list[bytes]:
    """The inputs kept for a target: its corpus, its old crashes, its seeds."""
    found = [
        path.read_bytes()
        for home in (CORPUS, CRASHES)
        for path in sorted((home / target.name).glob("*"))
        if path.suffix != ".txt"
    ]
    return [*found, *target.seeds()]


class Worker:
    """Tries inputs on one target, counts them and keeps those that crash it, one for each place."""

    def __init__(self, target: Target, board: Board, before: tuple[int, int, int]) -> None:
        self._target = target
        self._board = board
        self._executions, self._refused, self._crashes = before
        self._places: set[str] = set()

    def one(self, data: bytes) -> bool:
        """Try one input; whether it was taken, neither refused nor a crash."""
        self._executions += 1
        self._board.begin(self._executions, self._refused, self._crashes, data)
        taken = False
        try:
            taken = self._target.attempt(data)
            self._refused += not taken
        except Exception as error:  # noqa: BLE001 - what else may come is the question
            self._keep(data, error)
        self._board.end(self._executions, self._refused, self._crashes)
        return taken

    def _keep(self, data: bytes, error: Exception) -> None:
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{type(error).__name__} {[(one.filename, one.lineno) for one in frames[-3:]]}"
        if place in self._places:
            return
        self._places.add(place)
        self._crashes += 1
        path = keep_crash(self._target, data, "".join(traceback.format_exception(error)))
        print(f"CRASH {self._target.name}: {str(error)[:300]!r} -> {path}", file=sys.stderr)

    def run_plain(self, seconds: float, seed: int) -> None:
        """Mutate kept inputs at random for some time; what is taken or new to us joins them."""
        chance = Random(seed)
        pool = [data[: self._target.most] for data in kept_inputs(self._target)] or [b""]
        for data in pool:
            self.one(data)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for _ in range(20):
                data = self.mutated(chance.choice(pool), chance, pool)
                if self.one(data) and chance.random() < 0.02:
                    if len(pool) < POOL:
                        pool.append(data)
                    else:
                        pool[chance.randrange(len(pool) // 2, len(pool))] = data

    def mutated(self, data: bytes, chance: Random, others: list[bytes]) -> bytes:
        """An input made of another."""
        target = self._target
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            if target.mutate is not None and chance.random() < 0.75:
                data = target.mutate(data, chance)
            else:
                data = havoc(data, chance, target.words, others)
        return data[: target.most]

    def run_guided(self, seconds: float, seed: int, corpus: Path) -> None:
        """Let atheris choose; it ends the process itself."""
        import atheris

        target = self._target

        def mutator(data: bytes, most: int, number: int) -> bytes:
            chance = Random(number)
            if target.mutate is not None and chance.random() < 0.6:
                data = target.mutate(data, chance)
                if chance.random() < 0.7:
                    return data[:most]
            if chance.random() < 0.4:
                return havoc(data, chance, target.words)[:most]
            mutated: bytes = atheris.Mutate(data, most)
            return mutated[:most]

        for number, data in enumerate(kept_inputs(target)):
            (corpus / f"seed{number:05}").write_bytes(data[: target.most])
        arguments = [
            "fuzz",
            f"-max_total_time={max(1, round(seconds))}",
            f"-seed={seed % 2**31 or 1}",
            f"-max_len={target.most}",
            "-timeout=3600",  # the watching process knows better
            "-rss_limit_mb=0",
            "-verbosity=0",
            "-print_final_stats=0",
            str(corpus),
        ]
        atheris.Setup(arguments, self.one, custom_mutator=mutator, internal_libfuzzer=True)
        atheris.Fuzz()


def keep_crash(target: Target, data: bytes, told: str) -> Path:
    """Write an input to ``crashes`` with what is known of it beside."""
    folder = CRASHES / target.name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(data).hexdigest()[:16]
    path.write_bytes(data)
    path.with_suffix(".txt").write_text(told[-8000:], encoding="utf-8", errors="backslashreplace")
    return path


def work(name: str, board: Path, corpus: Path, seconds: float, seed: int, *, guided: bool) -> None:
    """What the process does."""
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if guided:
        import atheris

        with atheris.instrument_imports(include=["oci_inspect"]):
            from fuzz.targets import TARGETS
    else:
        from fuzz.targets import TARGETS
    shared = Board(board)
    worker = Worker(TARGETS[name], shared, shared.counts)
    if guided:
        worker.run_guided(seconds, seed, corpus)
    else:
        worker.run_plain(seconds, seed)
