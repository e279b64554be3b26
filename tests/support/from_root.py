"""What lies beside the tests and is in no installed package: ``fuzz``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

ROOT = str(Path(__file__).parent.parent.parent)


def beside(name: str) -> ModuleType:
    """Import a module from the top of the repository."""
    if ROOT in sys.path:
        return importlib.import_module(name)
    sys.path.append(ROOT)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(ROOT)
