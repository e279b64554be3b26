"""The one home of Jinja2: templates, what they say made safe, and the page's own security policy.

Whatever a template puts out goes through :class:`_Cut` first (control characters and marks of
direction become visible escapes, long text is cut) and then through Jinja2's autoescape. Nothing
has to be remembered in a template for that, and nothing of an archive gets around it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from oci_inspect.errors import MissingPackageError
from oci_inspect.render.escape import terminal

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup as Markup

LENGTHS = (2_000, 400, 80, 30)
"""Characters of one text of an archive that are shown; fewer where the page would be too large."""
PLAIN = 160
"""Characters that are never cut in a page of the usual size: digests, our own sentences."""

STYLES = ("page.css", "map.css")
SCRIPTS = (
    *("squarify.js", "map_data.js", "map_layout.js", "map_panels.js", "map_tiles.js"),
    *("map.js", "search.js", "tables.js", "page.js"),
)
"""In the order in which they stand in the page."""


def need_jinja() -> None:
    """Raise :class:`MissingPackageError` where Jinja2 is not installed."""
    try:
        import jinja2  # noqa: F401
    except ImportError:
        raise MissingPackageError("Jinja2", "html", "the HTML report") from None


def render_page(template: str, css: str, longest: int = LENGTHS[0], **names: Any) -> str:
    """A whole page: a template, its style with the rules of ``css`` behind, its script, its policy.

    ``names`` are what the template may use. No text is shown beyond ``longest`` characters. Raises
    :class:`MissingPackageError`.
    """
    need_jinja()
    from markupsafe import Markup

    style = f"{_style()}{css}"
    script = _script()
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    )
    page = (
        _environment(_Cut(longest))
        .get_template(template)
        # What is ours goes in as it is: the hashes are of these very bytes.
        .render(style=Markup(style), script=Markup(script), policy=Markup(policy), **names)
    )
    return f"{page.rstrip()}\n"


def json_element(document: Any) -> Markup:
    r"""JSON for a ``<script type="application/json">``: nothing in it can end the element.

    ``<``, ``>``, ``&`` and the line separators of JavaScript are ``\u`` escapes.
    """
    from markupsafe import Markup

    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_JSON))


_JSON = {ord(one): f"\\u{ord(one):04x}" for one in "<>&\u2028\u2029"}


def trusted(markup: str) -> Markup:
    """Markup that another renderer of ours made, in which every text is safe already."""
    from markupsafe import Markup

    return Markup(markup)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("assets", name).read_text("utf-8")


@cache
def _style() -> str:
    return "\n".join(map(_asset, STYLES))


@cache
def _script() -> str:
    return "\n".join(map(_asset, SCRIPTS))


class _Cut:
    """Makes text of an archive safe to see, and cuts it so that no page grows without end."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._plain = max(longest, PLAIN) if longest >= LENGTHS[1] else longest

    def __call__(self, value: Any) -> Any:
        """What stands for a value in a page; markup of ours stays as it is."""
        if hasattr(value, "__html__") or not isinstance(value, str):
            return value
        if len(value) <= self._plain:
            return terminal(value)
        left = len(value) - self._longest
        return f"{terminal(value[: self._longest])} … {left:,} more characters"

    def lines(self, text: str) -> list[str]:
        """The lines of a text, of which no more is shown than of any other."""
        lines = text[: self._longest].split("\n")
        left = len(text) - self._longest
        return [*lines, f"… {left:,} more characters"] if left > 0 else lines


def _environment(cut: _Cut) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("oci_inspect.render.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=cut,
    )
    made.globals["lines"] = cut.lines
    return made
