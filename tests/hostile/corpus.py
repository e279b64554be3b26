"""The whole corpus, by name."""

from __future__ import annotations

import json
import os
from itertools import chain
from pathlib import Path

from hostile import (
    compression,
    containers,
    documents,
    links,
    surroundings,
    tars,
    texts,
)
from hostile.cases import Case

THEMES = (containers, documents, compression, tars, links, texts, surroundings)
_ALL = list(chain.from_iterable(theme.add.cases for theme in THEMES))
CASES: dict[str, Case] = {case.name: case for case in _ALL}
assert len(CASES) == len(_ALL), "two cases of one name"


def write(folder: Path) -> int:
    """Write every case that stays where it is written into a folder of its own; return how many."""
    written: list[dict[str, object]] = []
    for number, case in enumerate(CASES.values()):
        if case.make is None:  # a FIFO or a socket
            continue
        theme = case.name.partition("/")[0]
        place = folder / theme / f"{number:04d}"
        place.mkdir(parents=True)
        path = case.write(place)
        if path.is_relative_to(folder):
            told = {"rules": sorted(case.finds), "says": case.says, "exit_codes": case.codes}
            name = os.fsencode(path.relative_to(folder)).decode("ascii", "backslashreplace")
            written.append({"name": case.name, "path": name, **told, "options": case.options})
    (folder / "cases.json").write_text(json.dumps(written, indent=1))
    return len(written)
