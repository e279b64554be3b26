"""Patterns for paths: tables by hand, a naive twin, and patterns that are made to take long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scans import Stack
from support.tars import TarBuilder

from oci_inspect.errors import LimitExceededError, PathError
from oci_inspect.filesystem.globs import Glob, expand, has_magic


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("etc/passwd", ["etc/passwd"], ["etc", "etc/passwd-", "x/etc/passwd", "etc/passwd/x"]),
        ("/etc/./passwd", ["etc/passwd"], ["etc/./passwd"]),
        ("*", ["a", ".a", "a b", "\n"], ["", "a/b"]),
        ("a*", ["a", "ab", "a\nb"], ["ba", "a/b"]),
        ("*a", ["a", "ba"], ["ab"]),
        ("a?c", ["abc", "aéc"], ["ac", "abbc", "a/c"]),
        ("[ab-d]x", ["ax", "bx", "cx", "dx"], ["ex", "x", "-x"]),
        ("[!ab]x", ["cx", "éx"], ["ax", "bx", "x", "/x"]),
        ("[*]", ["*"], ["a"]),
        ("[", ["["], ["a"]),
        ("[]]", ["]"], ["["]),
        ("a[", ["a["], ["a"]),
        ("a.c", ["a.c"], ["abc"]),
        ("(a|b)+*", ["(a|b)+"], ["a", "b"]),
        ("A*", ["Ab"], ["ab"]),
        ("**", ["a", "a/b", "a/b/c"], [""]),
        ("**/c", ["c", "a/c", "a/b/c"], ["cc", "c/a"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "b/a"]),
        ("a/**/c", ["a/c", "a/b/c", "a/b/b/c", "a/c/c"], ["a", "c", "a/cc", "b/a/c"]),
        ("**/**/**/c", ["c", "a/c"], ["a"]),
        ("**/b/**/d", ["b/d", "a/b/c/d", "b/b/d/d"], ["d", "b", "a/d"]),
        ("a**c", ["ac", "abc"], ["a/c"]),
        ("*/*", ["a/b"], ["a", "a/b/c"]),
        (r"a\*", [r"a\b", "a\\"], ["a*", "a"]),
        ("", [""], ["a"]),
        ("/", [""], ["a"]),
    ],
)
def test_what_a_pattern_matches(pattern, yes, no):
    glob = Glob(pattern.encode())
    assert [one for one in yes if not glob.matches(one.encode())] == []
    assert [one for one in no if glob.matches(one.encode())] == []


def test_a_byte_that_is_no_character_is_one():
    assert Glob(b"a?c").matches(b"a\xffc")
    assert Glob(b"a[\xfe\xff]c").matches(b"a\xffc")
    assert not Glob(b"a?c").matches(b"a\xff\xffc")
    assert Glob(b"\xff*").matches(b"\xffabc")
    assert not Glob(b"\xff*").matches(b"\xc3\xbf")


def naive(pattern: list[str], path: list[str]) -> bool:
    """Parts against parts, by trying everything."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        least = 1 if len(pattern) == 1 else 0
        return any(naive(pattern[1:], path[i:]) for i in range(least, len(path) + 1))
    return bool(path) and naive_part(pattern[0], path[0]) and naive(pattern[1:], path[1:])


def naive_part(pattern: str, name: str) -> bool:
    if not pattern:
        return not name
    if pattern[0] == "*":
        return any(naive_part(pattern[1:], name[i:]) for i in range(len(name) + 1))
    return bool(name) and pattern[0] in ("?", name[0]) and naive_part(pattern[1:], name[1:])


part = st.text("ab*?", min_size=1, max_size=4)
name = st.text("ab", min_size=1, max_size=4)


@given(st.lists(part | st.just("**"), min_size=1, max_size=5), st.lists(name, max_size=5))
def test_it_is_the_naive_matcher(pattern, path):
    collapsed = [
        one for i, one in enumerate(pattern) if one != "**" or pattern[i - 1 : i] != ["**"]
    ]
    collapsed = ["*" if len(one) > 2 and set(one) == {"*"} else one for one in collapsed]
    found = Glob("/".join(pattern).encode()).matches("/".join(path).encode())
    assert found == naive(collapsed, path)


@given(st.lists(part | st.just("**"), min_size=1, max_size=4), st.sets(name, max_size=6))
def test_a_walk_finds_what_matches_and_nothing_else(pattern, names):
    layer = TarBuilder()
    for one in sorted(names):
        layer.file(f"{one}/{one[::-1]}/{one}a").file(f"{one}/x")
    tree = Stack(layer).merged.tree
    glob = Glob("/".join(pattern).encode())
    found = sorted(path for path, _ in glob.below(b"", tree.root))
    assert found == [one.path for one in tree.walk() if glob.matches(one.path)]


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        (b"*a" * 120 + b"b", b"a" * 255),
        (b"**/a/" * 60 + b"b", b"a/" * 1000 + b"a"),
        (b"*?" * 120 + b"b", b"a" * 255),
        (b"[!b]*" * 50 + b"b", b"a" * 255),
    ],
)
def test_no_pattern_takes_long(pattern, path):
    begun = time.process_time()
    assert not Glob(pattern).matches(path)
    assert time.process_time() - begun < 1


LAYER = (
    TarBuilder()
    .dir("usr/lib")
    .file("usr/lib/a.so")
    .file("usr/lib/b.so")
    .file("usr/lib/deep/c.so")
    .symlink("lib", "usr/lib")
    .symlink("usr/lib/l.so", "a.so")
    .symlink("ring", "ring")
    .file("we*ird")
    .file("weird")
)


def paths(pattern: str, **more) -> list[str]:
    found = expand(Stack(LAYER).merged.tree, pattern.encode(), **more)
    return [one.path.decode() for one in found]


def test_a_path_or_a_pattern_in_a_tree():
    assert paths("usr/lib/a.so") == ["usr/lib/a.so"]
    assert paths("/usr//lib/./a.so") == ["usr/lib/a.so"]
    assert paths("lib/*.so") == ["usr/lib/a.so", "usr/lib/b.so", "usr/lib/l.so"]
    assert paths("lib/**/*.so")[-1] == "usr/lib/l.so"
    assert "usr/lib/deep/c.so" in paths("**/*.so")
    assert paths("lib") == ["lib"]
    assert paths("lib/") == ["usr/lib"]
    assert paths("l*") == ["lib"]
    assert paths("*/") == ["usr"]
    assert paths("we*ird") == ["we*ird"]  # as it is written, before it is a pattern
    assert paths("/") == [""]


def test_links_at_the_end_are_followed_if_asked():
    assert paths("lib", follow=True) == ["usr/lib"]
    assert paths("usr/lib/l.so", follow=True) == ["usr/lib/a.so"]
    assert paths("usr/lib/*.so", follow=True) == ["usr/lib/a.so", "usr/lib/b.so"]


@pytest.mark.parametrize(
    "pattern", ["nope", "*.nope", "nope/*", "weird/*", "usr/*/a.so/*", "weird*/"]
)
def test_what_stands_for_nothing_is_an_error(pattern):
    with pytest.raises(PathError) as caught:
        paths(pattern)
    assert str(caught.value).startswith(f"/{pattern}: ")


def test_a_pattern_behind_a_ring_of_links_meets_the_limit_on_links():
    with pytest.raises(LimitExceededError, match=r"/ring/\*: 41 is over the limit of 40 for links"):
        paths("ring/*")


def test_which_paths_are_patterns():
    assert all(map(has_magic, (b"*", b"a?", b"[", b"**/a")))
    assert not any(map(has_magic, (b"", b"a/b", rb"C:..\x", b"{a,b}", b"!a")))
