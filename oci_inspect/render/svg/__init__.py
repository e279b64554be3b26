"""Still pictures as SVG: a card of an image for READMEs and pull requests, and a map for a page.

They have no script, nothing from outside, and no font but the reader's; text from an archive is
escaped as for a terminal and then by the XML writer, and is text and nothing else.
"""

from oci_inspect.render.svg.card import report_svg as report_svg
from oci_inspect.render.svg.still import still_map as still_map
