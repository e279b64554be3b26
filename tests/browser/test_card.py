"""Pictures in a real browser: nothing runs, nothing is asked for, text stays in its tile."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.images import ImageBuilder, docker_archive
from support.tars import TarBuilder

from oci_inspect import analyze
from oci_inspect.render.svg import report_svg

REAL = Path(__file__).parent.parent.parent / "fixtures" / "real"
SCRIPT = "</text></svg><script>alert(1)</script><img src=x onerror=alert(2)>"
NAMES = {
    "narrow": "il.tjf" * 20,
    "wide": "WM@mw%" * 20,
    "east asian": "日本語の名前" * 20,
    "hebrew": "שלום" * 30,
    "script": SCRIPT,
}

OUTSIDE = """() => {
  const found = [];
  for (const text of document.querySelectorAll('text')) {
    const box = text.getBBox();
    const tile = text.parentNode.querySelector(':scope > title + rect');
    const root = document.documentElement.viewBox.baseVal;
    const x = tile ? tile.x.baseVal.value : 0;
    const width = tile ? tile.width.baseVal.value : root.width;
    if (box.x < x - 0.5 || box.x + box.width > x + width + 0.5)
      found.push([text.textContent, box.x, box.width, x, width]);
  }
  return found;
}"""

ON_EACH_OTHER = """() => {
  const found = [], boxes = [...document.querySelectorAll('text')].map(one => one.getBBox());
  boxes.forEach((a, i) => boxes.slice(0, i).forEach(b => {
    const wide = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
    const high = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
    if (wide > 1 && high > 4) found.push([a.x, a.y, b.x, b.y]);
  }));
  return found;
}"""


def hostile(tmp_path: Path, name: str) -> Path:
    raw = name.replace("/", "|").encode()[:180].decode("utf-8", "ignore").encode()
    first = TarBuilder().file(raw, b"x" * 5000).file(b"d/" + raw + b"/" + raw, b"y" * 9000)
    for i in range(12):
        first.file(b"e/%d" % i + raw, b"e" * (200 * i + 1))
    image = ImageBuilder(name, os=name, architecture=name).layer(first, created_by=name * 9)
    image.layer(TarBuilder().whiteout(b"d/" + raw), created_by=f"RUN rm {name}")
    return docker_archive(image).write_file(tmp_path / "image.tar")


@pytest.mark.parametrize("name", ["", *NAMES])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_card_is_still_and_its_text_stays_where_it_belongs(open_page, tmp_path, name, scheme):
    analysis = analyze(hostile(tmp_path, NAMES[name]) if name else REAL / "docker26-app.tar")
    path = tmp_path / "card.svg"
    path.write_text(report_svg(analysis.images[0], analysis.archive))
    page = open_page(path, color_scheme=scheme)
    assert page.evaluate("document.querySelectorAll('script, img').length") == 0
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(ON_EACH_OTHER) == []
    ground = page.evaluate("getComputedStyle(document.querySelector('.ground')).fill")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]
