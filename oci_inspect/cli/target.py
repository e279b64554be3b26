"""What ``ARCHIVE`` may be: a path, ``-``, or a transport as skopeo and podman write it."""

from __future__ import annotations

import os

TRANSPORTS = ("docker-archive:", "oci-archive:", "oci:", "dir:")


def split_target(argument: str) -> tuple[str, str | None]:
    """The path and the reference of an argument.

    ``docker-archive:PATH[:REF]``, ``oci-archive:PATH[:REF]``, ``oci:DIR[:REF]``, ``dir:DIR`` or
    just ``PATH[:REF]``; a path that exists as it is written is that path. Both PATH and REF may
    hold colons: the longest PATH that exists is taken.
    """
    if argument == "-" or os.path.lexists(argument):
        return argument, None
    transport = next((one for one in TRANSPORTS if argument.startswith(one)), None)
    rest = argument if transport is None else argument[len(transport) :]
    if transport == "dir:":
        return rest, None
    pieces = rest.split(":")
    for count in range(len(pieces), 0, -1):
        path = ":".join(pieces[:count])
        if path == "-" or os.path.lexists(path):
            return path, ":".join(pieces[count:]) or None
    if transport is None:
        return argument, None
    return pieces[0], ":".join(pieces[1:]) or None
