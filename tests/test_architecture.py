"""The rooms and who may import whom: docs/architecture.md, held against the imports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "oci_inspect"
BASE = {"errors", "findings", "lanes", "lazy", "limits", "paths", "progress", "_version"}
BASE |= {"quantities"}

ALLOWED: dict[str, set[str]] = {
    "spec": {"errors"},
    "stream": {"errors", "limits"},
    "layer": BASE | {"stream"},
    "archive": BASE | {"stream", "spec"},
    "filesystem": BASE | {"layer"},
    "picture": BASE | {"analysis", "comparison", "filesystem", "layer.entries"},
    "rules": BASE | {"analysis", "archive.contents", "filesystem", "layer", "spec"},
    "comparison": BASE | {"analysis", "archive.contents", "filesystem", "layer", "spec"},
    "analysis": BASE | {"filesystem", "layer", "spec", "archive.contents"},
    "extraction": BASE | {"filesystem", "layer", "looking", "stream"},
    "render": BASE
    | {"analysis", "archive.contents", "comparison", "extraction", "filesystem", "spec"}
    | {"layer.entries", "picture", "rules"},
    "cli": BASE
    | {"render", "analysis", "archive", "spec", "inspection", "looking", "exporting", "reuse"}
    | {"storing", "checking", "__main__"}
    | {"comparing", "rules", "comparison"}
    | {"extraction", "filesystem", "layer"},
}
"""What each room may import beside itself."""

THIRD_PARTY = {
    "click": {"cli"},
    "tabulate": {"render/grid.py"},
    "zstandard": {"stream/compression.py"},
    "isal": {"stream/compression.py"},
    "platformdirs": {"cli/cache_folder.py"},
    "yaml": {"rules/dive_yaml.py"},
    "jinja2": {"render/html/templating.py"},
    "markupsafe": {"render/html/templating.py"},
}


def imports(path: Path) -> set[str]:
    found = set()
    package = ("oci_inspect", *path.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            found.add(module)
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


SOURCES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_downwards_only(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0]
    if room not in ALLOWED:
        return
    allowed = ALLOWED[room] | {room}
    for name in imports(path):
        if not name.startswith("oci_inspect."):
            continue
        inner = name.removeprefix("oci_inspect.")
        fits = any(inner == one or inner.startswith(one + ".") for one in allowed)
        above = any(one.startswith(inner + ".") for one in allowed)
        assert fits or above, f"{room} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_third_party_packages_have_one_home(path: Path) -> None:
    place = path.relative_to(PACKAGE).as_posix()
    for name in imports(path):
        homes = THIRD_PARTY.get(name.partition(".")[0])
        if homes is not None:
            assert place in homes or place.partition("/")[0] in homes, f"{place} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_library_never_prints_exits_or_reads_the_environment(path: Path) -> None:
    if path.relative_to(PACKAGE).parts[0] in ("cli", "__main__.py"):
        return
    text = path.read_text()
    for word in ("os.environ", "getenv(", "sys.exit", "print("):
        assert word not in text, f"{path.name} has {word}"


def test_every_room_is_in_the_picture() -> None:
    picture = (PACKAGE.parent / "docs" / "architecture.md").read_text()
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    for room in rooms:
        assert f"`{room}`" in picture, room
