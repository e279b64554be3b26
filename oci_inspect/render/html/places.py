"""Where the paths of an image are in the map of its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oci_inspect.picture.plot import Plot
from oci_inspect.render.escape import uri_component
from oci_inspect.render.html.map_data import shown_name
from oci_inspect.render.html.templating import trusted

if TYPE_CHECKING:
    from oci_inspect.render.html.templating import Markup

LONGEST = 1_000
"""Characters of an address; longer ones are no links."""


class Places:
    """Addresses of what a map names: called with a path, as bytes from the root."""

    def __init__(self, plot: Plot) -> None:
        self._plot = plot
        self._names: dict[bytes, frozenset[bytes]] = {}

    def __call__(self, path: bytes) -> Markup | str:
        """``#map=/usr/lib``, as the map itself writes it; empty where the map does not name it."""
        path = path.strip(b"/")
        above, _, name = path.rpartition(b"/")
        if not name or name not in self._in(above):
            return ""
        address = "/".join(uri_component(shown_name(part)) for part in path.split(b"/"))
        return trusted(f"#map=/{address}") if len(address) <= LONGEST else ""

    def _in(self, folder: bytes) -> frozenset[bytes]:
        """The names in a folder of the map."""
        found = self._names.get(folder)
        if found is None:
            plot = self._plot.lookup(folder)
            leaves = () if plot is None else (leaf.name for leaf in plot.leaves)
            folders = () if plot is None else plot.folders
            found = self._names[folder] = frozenset((*leaves, *folders))
        return found
