"""Make the pictures of README and docs from fixtures: ``python docs/build_pictures.py``.

The SVGs are the same bytes every time, and a test holds the ones in ``docs/pictures`` to it. With
``--screenshots`` the report is opened in a browser as well, and photographed at the widths and in
the colours that people have; that needs playwright and Debian's chromium, and what comes out
depends on the fonts of the machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path

from oci_inspect import analyze
from oci_inspect.render.svg import report_svg

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
REAL = ROOT / "fixtures" / "real"

CARDS = {"docker26-app.svg": REAL / "docker26-app.tar"}
"""Cards, and the archives they are of."""

REPORT_OF = REAL / "docker26-app.tar"
SCREENS = {360: (360, 1480), 1280: (1280, 900), 2560: (2560, 1440)}
"""What is photographed: widths and heights in pixels; of the narrow one the first two screens."""

BROWSER = "/usr/bin/chromium"


def cards() -> dict[str, str]:
    """The SVGs by the names of their files."""
    found = {}
    for name, path in CARDS.items():
        analysis = analyze(path)
        found[name] = report_svg(analysis.images[0], analysis.archive)
    return found


def screenshots(folder: Path) -> list[Path]:
    """Photographs of the report, light and dark; the paths of the files that were written."""
    from playwright.sync_api import sync_playwright

    written = []
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        page = Path(temporary) / "report.html"
        command = [sys.executable, "-m", "oci_inspect", "report", str(REPORT_OF), "-o", str(page)]
        subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            for width, (across, down) in SCREENS.items():
                context = browser.new_context(
                    viewport={"width": across, "height": down},
                    color_scheme=scheme,
                    reduced_motion="reduce",
                    offline=True,
                )
                tab = context.new_page()
                tab.goto(page.as_uri())
                tab.wait_for_load_state("load")
                path = folder / f"report-{width}-{scheme}.png"
                tab.screenshot(path=path, animations="disabled")
                _smaller(path)
                written.append(path)
                context.close()
        browser.close()
    return written


def _smaller(path: Path) -> None:
    """Write a PNG again with a palette: a page has few colours, and a third of the bytes will do.

    Where there is no Pillow it stays as it is.
    """
    try:
        from PIL import Image
    except ImportError:
        return
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(192, dither=Image.Dither.NONE)
        few.save(path, optimize=True)


def main() -> None:
    """Write the pictures, and say which."""
    parser = ArgumentParser(description="Make the pictures of README and docs from fixtures.")
    parser.add_argument("--screenshots", action="store_true", help="photograph the report as well")
    options = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    written = []
    for name, svg in cards().items():
        path = PICTURES / name
        path.write_text(svg, encoding="ascii")
        written.append(path)
    if options.screenshots:
        written += screenshots(PICTURES)
    for path in written:
        sys.stdout.write(f"{path.relative_to(ROOT)} {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
