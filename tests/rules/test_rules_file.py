"""The rules file: where it is found, what it asks for, and its errors with their lines."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from oci_inspect.errors import RulesError
from oci_inspect.rules.model import Level, Setting, Source
from oci_inspect.rules.rules_file import MOST_BYTES, RulesFile, find_rules_file, read_rules_file


def write(folder: Path, text: str, name: str = ".oci-inspect.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def read(tmp_path: Path, text: str, name: str = ".oci-inspect.toml") -> RulesFile:
    return read_rules_file(write(tmp_path, text, name), "F")


def problems(tmp_path: Path, text: str, name: str = ".oci-inspect.toml") -> tuple[str, ...]:
    with pytest.raises(RulesError) as error:
        read(tmp_path, text, name)
    return error.value.problems


# Where


def test_it_is_found_upwards_and_no_further_than_a_repository(tmp_path: Path) -> None:
    top = write(tmp_path, "")
    inner = tmp_path / "repo" / "src" / "deep"
    inner.mkdir(parents=True)
    assert find_rules_file(inner) == top
    (tmp_path / "repo" / ".git").mkdir()
    assert find_rules_file(inner) is None
    own = write(tmp_path / "repo", "")  # beside .git it is found
    assert find_rules_file(inner) == own


def test_a_project_counts_where_it_has_rules(tmp_path: Path) -> None:
    top = write(tmp_path, "")
    project = write(tmp_path / "a", "[tool.other]\nx = 1\n", "pyproject.toml")
    assert find_rules_file(tmp_path / "a") == top
    project.write_text("[tool.oci-inspect]\n")
    assert find_rules_file(tmp_path / "a") == project
    own = write(tmp_path / "a", "")
    assert find_rules_file(tmp_path / "a") == own


def test_a_file_that_cannot_be_read_is_never_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "[tool\n", "pyproject.toml")
    with pytest.raises(RulesError, match=r"pyproject.toml:1: no TOML"):
        find_rules_file(tmp_path)
    own = tmp_path / ".oci-inspect.toml"
    own.symlink_to("nowhere")
    assert find_rules_file(tmp_path) == own
    with pytest.raises(RulesError, match="No such file"):
        read_rules_file(own)
    own.unlink()
    own.mkdir()
    with pytest.raises(RulesError, match="it cannot be read"):
        read_rules_file(own)


def test_a_pipe_may_be_named_but_is_not_found(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"max-layers = 3\n")
    os.close(writer)
    with os.fdopen(reader):
        found = read_rules_file(f"/dev/fd/{reader}")
    assert [one.value for one in found.settings] == [3]


# What


def test_rules_levels_and_sections(tmp_path: Path) -> None:
    text = """
max-size = "500MB"
max-waste = { value = "1MiB", level = "warning" }
require-labels = { level = "off" }
forbid-root = { level = "warning" }
require-verified = false

[max-growth]
value = "10%"

[[images]]
match = "*/worker:*"
max-size = 7

[[images]]
match = "b"
max-layers.value = 3
"""
    found = read(tmp_path, text)

    def setting(rule: str, value: object, line: int, level: str = "error", images=None) -> Setting:
        return Setting(rule, value, Level(level), Source("F", line), images)  # type: ignore[arg-type]

    assert found.settings == (
        setting("max-size", 500_000_000, 2),
        setting("max-waste", 1_048_576, 3, "warning"),
        setting("require-labels", None, 4, "off"),
        setting("forbid-root", True, 5, "warning"),
        setting("require-verified", False, 6, "off"),
        setting("max-growth", 0.1, 8),
        setting("max-size", 7, 13, images="*/worker:*"),
        setting("max-layers", 3, 17, images="b"),
    )
    assert [(one.images, one.source.line) for one in found.sections] == [
        ("*/worker:*", 12),
        ("b", 16),
    ]


def test_a_project_has_them_in_a_table(tmp_path: Path) -> None:
    text = "[project]\nname = 'x'\n[tool.oci-inspect]\nmax-layers = 3\n"
    text += "[[tool.oci-inspect.images]]\nmatch = '*'\nmax-layers = 4\n"
    found = read(tmp_path, text, "pyproject.toml")
    assert [(one.value, one.source.line) for one in found.settings] == [(3, 4), (4, 7)]
    assert problems(tmp_path, "[tool.x]\n", "pyproject.toml") == (
        "F: it has no [tool.oci-inspect]",
    )
    assert problems(tmp_path, "[tool]\noci-inspect = 3\n", "pyproject.toml") == (
        "F:2: oci-inspect is no table",
    )


# What is wrong


def test_all_errors_are_told_each_with_its_line(tmp_path: Path) -> None:
    text = """\
max-sise = "500MB"
max-size = "500MX"
max_layers = 3
forbid-paths = [
  "**/.git",
  "../x",
]
max-waste = { value = 1, levle = "off" }
max-layers = { level = "warning" }
min-efficiency = 90

[[images]]
max-size = 1
[[images]]
match = "x"
[[images]]
match = "x"
images = 3
max-growth = { value = 1, level = "warn" }
"""
    assert problems(tmp_path, text) == (
        "F:1: unknown key 'max-sise': did you mean 'max-size'?",
        "F:2: max-size: '500MX': 'MX' is no unit: B, kB, MB, GB, TB, KiB, MiB, GiB or TiB",
        "F:3: unknown key 'max_layers': did you mean 'max-layers'?",
        "F:6: forbid-paths: '../x': no path of an image has a '..'",
        "F:8: max-waste: unknown key 'levle': did you mean 'level'?",
        "F:9: max-layers has no value",
        "F:10: min-efficiency: 90 is no share: write '90%', or 0.1 for 10%",
        "F:12: a section of images needs match, a pattern of references, as in '*/app:*'",
        "F:14: this section of images has no rules",
        "F:18: unknown key 'images'",
        "F:19: max-growth: 'warn' is no level: error, warning or off",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = \n", "F:1: no TOML: invalid value"),
        ("x = 1\nx = 2\n", "F:2: no TOML: cannot overwrite a value"),
        ("a = 1\n\n'", "F:3: no TOML: "),
        ("a = " + "9" * 5000, "F:1: no TOML: "),
        ("a = " + "[" * 5000, "F: it is nested too deep"),
        ("images = 3\n", "F:1: images is no array of tables: write [[images]]"),
        ("\n[images]\nmatch = 'x'\n", "F:2: images is no array of tables: write [[images]]"),
        ("[tool.oci-inspect]\n", "F:1: unknown key 'tool': in F rules stand at the top"),
        ("x = '" + "a" * MOST_BYTES + "'", "F: it has more than 4,194,304 bytes"),
    ],
)
def test_what_is_no_rules_file(tmp_path: Path, text: str, told: str) -> None:
    (found,) = problems(tmp_path, text)
    assert found.startswith(told) and "\n" not in found


def test_what_is_not_utf_8_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_bytes(b"a = 1\nb = '\xff'\n")
    with pytest.raises(RulesError, match=r"r\.toml:2: it is not UTF-8"):
        read_rules_file(path)


def test_a_thousand_errors_are_counted(tmp_path: Path) -> None:
    told = problems(tmp_path, "".join(f"k{i} = 1\n" for i in range(1000)))
    assert len(told) == 51 and told[-1] == "F: 950 more errors"


def test_what_is_allowed_and_forbidden_is_a_contradiction(tmp_path: Path) -> None:
    text = """\
allow-setuid = ["/usr/bin/su"]
forbid-paths = ["usr/bin/su"]
forbid-findings = ["setuid"]
"""
    assert problems(tmp_path, text) == (
        "F:2: allow-setuid and forbid-paths both name '/usr/bin/su'",
        "F:3: allow-setuid allows files that forbid-findings forbids with 'setuid'",
    )
    apart = "[[images]]\nmatch = 'a'\nallow-setuid = ['/su']\n[[images]]\nmatch = 'b'\n"
    assert read(tmp_path, apart + "forbid-paths = ['/su']\n")  # for different images
    assert problems(tmp_path, "forbid-paths = ['/su']\n" + apart + "max-layers = 3\n") == (
        "F:4: allow-setuid and forbid-paths both name '/su'",
    )
    assert read(tmp_path, text.replace('["setuid"]', '{ level = "off" }').replace("usr/", "x/", 1))


def test_a_byte_order_mark_is_named(tmp_path: Path) -> None:
    assert problems(tmp_path, "\ufeffmax-size = 1\n") == (
        "F:1: it begins with a byte order mark: save it without one",
    )


@pytest.mark.parametrize("text", ["a." * 10_000 + "b = 1", "[" + '"a" . ' * 10_000 + "b]"])
def test_a_key_of_very_many_parts_is_refused_before_it_costs_anything(
    tmp_path: Path, text: str
) -> None:
    """tomllib keeps each height of such a key: 100 kB of it would take gigabytes."""
    assert problems(tmp_path, f"max-layers = 3\n{text}\n") == ("F:2: a key of more than 64 parts",)


def test_points_in_texts_and_comments_are_no_parts_of_keys(tmp_path: Path) -> None:
    text = f"forbid-paths = [\"{'a.b/' * 100}\", '{'a.b/' * 100}']  # {'.' * 200}\n"
    assert len(read(tmp_path, text).settings) == 1


def test_sections_are_bounded(tmp_path: Path) -> None:
    some = '[[images]]\nmatch = "a"\nmax-layers = 1\n'
    assert len(read(tmp_path, some * 1_000).sections) == 1_000
    (told,) = problems(tmp_path, some * 1_001)
    assert "more than 1,000 sections of images" in told
