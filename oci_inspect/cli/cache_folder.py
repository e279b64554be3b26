"""Where scans are kept, and how much of them: what the environment says of the cache.

The only module that knows platformdirs. It takes 3 ms to import, so it is imported where a scan is
about to happen, and where no variable names the folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from oci_inspect.cli.options import parse_size
from oci_inspect.layer.scan_cache import MOST_BYTES, ScanCache

FOLDER = "OCI_INSPECT_CACHE_DIR"
SIZE = "OCI_INSPECT_CACHE_SIZE"


def open_cache() -> ScanCache | None:
    """The user's cache; None where it is switched off, or where there is no place for it.

    Nothing is made or read yet. Raises :class:`click.BadParameter` for a size that is none.
    """
    size = os.environ.get(SIZE)
    most = parse_size(size, SIZE) if size else MOST_BYTES
    folder, _ = find_folder()
    return None if folder is None else ScanCache(folder, most)


def find_folder() -> tuple[Path | None, str]:
    """The folder, or None with the reason why there is none.

    On Linux ``$XDG_CACHE_HOME/oci-inspect``, by default in ``~/.cache``. A relative path there
    counts for nothing (XDG base directory specification); without HOME the user's entry in the
    password file tells where home is.
    """
    named = os.environ.get(FOLDER)
    if named == "":
        return None, f"{FOLDER} is empty"
    try:
        if named is not None:
            return Path(named).absolute(), ""
        from platformdirs import user_cache_path

        folder = user_cache_path("oci-inspect", appauthor=False)
    except OSError:
        return None, "the working folder is gone"
    except RuntimeError:
        return None, "there is no home folder"
    return (folder, "") if folder.is_absolute() else (None, "there is no home folder")
