"""Fuzzing: inputs nobody would write, until something breaks that must not. See README.md.

Witnesses (naive twins, builders of tars and archives) live with the tests and are shared with them.
"""

from __future__ import annotations

import sys
from pathlib import Path

HOME = Path(__file__).parent
CORPUS = HOME / "corpus"
CRASHES = HOME / "crashes"

_TESTS = str(HOME.parent / "tests")
if _TESTS not in sys.path:
    sys.path.append(_TESTS)
