"""The archives of fixtures/, and their images."""

from __future__ import annotations

from pathlib import Path

from oci_inspect import ImageAnalysis, analyze

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
REAL = FIXTURES / "real"
ARCHIVES = sorted(
    path
    for path in (*REAL.glob("*.tar"), *REAL.glob("*.tar.gz"), *(FIXTURES / "compare").glob("*.tar"))
    if not path.name.endswith(".rootfs.tar")
)


def images_of(path: Path) -> tuple[ImageAnalysis, ...]:
    """All images of an archive, analyzed."""
    return analyze(str(path)).images
