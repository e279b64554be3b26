"""Write the corpus to a folder: ``python -m tests.hostile FOLDER``, from the root of the project.

Each case gets a folder of its own, numbered, below that of its theme; ``cases.json`` beside them
says what each is and what ``oci-inspect verify`` must come to. The same bytes every time.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))


def main() -> None:
    """Write it."""
    from hostile.corpus import CASES, write

    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a new folder")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True)
    print(f"{write(arguments.folder)} of {len(CASES)} cases written")  # noqa: T201


main()
