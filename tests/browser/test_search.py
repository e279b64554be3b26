"""The search for paths, in a browser."""

from __future__ import annotations

import fnmatch
import random

import pytest
from support.browsing import until
from support.map_page import data_of, file, map_page

from oci_inspect.quantities import human_size

TREE = [
    file("usr/lib/python3/os.py", 5000),
    file("usr/lib/python3/Readme.TXT", 3000, 1),
    file("usr/bin/python", 70_000, 1),
    file("usr/bin/python", 60_000, 0, 3),
    file("opt/usr/lib.so", 900),
    file("opt/libx.so.1", 800),
    file("var/[x]/a+b.py", 7),
]


def look(page, text):
    """Type, and wait for the answer to it: its paths, as they stand there."""
    page.evaluate("document.getElementById('search-count').textContent = ''")
    page.fill("#search-text", text)
    until(page, "document.getElementById('search-count').textContent !== ''")
    return page.locator(".search-hits li a").all_inner_texts()


@pytest.fixture
def page(open_page):
    return open_page(map_page(data_of(TREE)), viewport={"width": 1000, "height": 900})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("os.py", {"/usr/lib/python3/os.py"}),
        ("README", {"/usr/lib/python3/Readme.TXT"}),
        ("python os", {"/usr/lib/python3/os.py"}),
        ("n3/o", {"/usr/lib/python3/os.py"}),
        ("usr/lib", {"/usr/lib/", "/usr/lib/python3/", "/opt/usr/lib.so"}),
        ("/usr/lib", {"/usr/lib/", "/usr/lib/python3/"}),
        ("*.so", {"/opt/usr/lib.so"}),
        ("lib*.so*", {"/opt/usr/lib.so", "/opt/libx.so.1"}),
        ("/opt/*", {"/opt/usr/", "/opt/libx.so.1"}),
        ("??.py", {"/usr/lib/python3/os.py"}),
        ("/*/*/python", {"/usr/bin/python"}),
        ("[x]", {"/var/[x]/", "/var/[x]/a+b.py"}),
        ("a+b", {"/var/[x]/a+b.py"}),
        ("no-such", set()),
    ],
)
def test_words_and_globs_find(page, text, expected):
    found = set(look(page, text))
    below = {"/usr/lib/python3/os.py", "/usr/lib/python3/Readme.TXT"}
    assert found == (expected | below if "/usr/lib/python3/" in expected else expected)


def test_a_hit_tells_what_it_is(page):
    look(page, "bin/python")
    hits = page.locator(".search-hits li").all_inner_texts()
    assert [hit.split("\n")[1] for hit in hits] == [
        "70kB · live · layer 1: RUN step 1",
        "60kB · overwritten with other content · layer 0: RUN step 0",
    ]
    assert page.locator(".search-hits mark").all_inner_texts() == ["bin/python", "bin/python"]
    assert page.locator(".search-count").inner_text() == "2 paths."


def test_what_is_named_so_comes_before_what_lies_in_it(page):
    found = look(page, "python")
    assert found[0] == "/usr/bin/python"
    assert found.index("/usr/lib/python3/") < found.index("/usr/lib/python3/os.py")


def test_a_hit_opens_its_folder_and_is_chosen(page):
    look(page, "os.py")
    page.locator(".search-hits a").click()
    assert page.url.endswith("#map=/usr/lib/python3/os.py")
    crumbs = page.locator(".map-crumbs li").all_inner_texts()
    assert crumbs == ["/", "usr", "lib", "python3"]
    chosen = page.locator('.map-tile[aria-selected="true"]').get_attribute("aria-label")
    assert chosen.startswith("/usr/lib/python3/os.py,")
    assert page.locator(".map-path").inner_text() == "/usr/lib/python3/os.py"


def test_one_that_is_too_small_to_be_seen_is_chosen_in_the_table(open_page):
    kept = [file("large", 10**9), *(file(f"small{i:03}", 200 - i) for i in range(200))]
    page = open_page(map_page(data_of(kept)))
    look(page, "small199")
    page.locator(".search-hits a").click()
    assert page.locator('.map-tile[aria-selected="true"]').count() == 0
    row = page.locator(".map-table tr.map-chosen")
    assert row.inner_text().split("\t")[0].strip() == "small199"
    assert page.evaluate("document.activeElement.textContent") == "small199"


def test_a_folder_is_opened(page):
    look(page, "python3")
    page.locator(".search-hits a", has_text="/usr/lib/python3/").first.click()
    assert page.url.endswith("#map=/usr/lib/python3")


def test_the_keyboard_is_enough(page):
    page.keyboard.press("/")  # nowhere but in the map
    assert page.evaluate("document.activeElement.id") != "search-text"
    page.locator('.map-tile[tabindex="0"]').focus()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search-text"
    page.keyboard.type("a/b")
    assert page.input_value("#search-text") == "a/b"
    look(page, "os.py")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator(".map-path").inner_text() == "/usr/lib/python3/os.py"


def test_an_empty_box_finds_nothing(page):
    look(page, "python")
    page.fill("#search-text", "  ")
    until(page, "!document.querySelector('.search-hits li')")
    assert page.locator(".search-count").inner_text() == ""


def test_files_without_a_name_are_told_of(open_page):
    kept = [file(f"{i:05}", 5) for i in range(2000)]
    page = open_page(map_page(data_of(kept, room=4000)))
    named = page.evaluate("document.getElementById('map').ociMap.leafCount")
    assert 0 < named < 2000
    look(page, "nothing")
    text = page.locator(".search-count").inner_text()
    assert f"{2000 - named:,} smaller files are folded and have no name in this page." in text


def test_names_are_text(open_page):
    names = ("<img src=x onerror=alert(1)>", "__proto__", "constructor", "a&amp;b", 'x"y')
    page = open_page(map_page(data_of(file(name, 10 + i) for i, name in enumerate(names))))
    for name in names:
        assert look(page, name.split()[0]) == ["/" + name]
    assert page.locator(".search-hits img").count() == 0


def naive(paths, text):
    """Every path that has all words, each tried on the whole of it."""
    found = []
    for path in paths:
        lower = path.lower()
        for word in text.lower().split():
            if "*" in word or "?" in word:
                parts = lower.strip("/").split("/")
                wanted = word.removeprefix("/").split("/")
                if word.startswith("/") and len(parts) != len(wanted):
                    break
                tail = parts[-len(wanted) :]
                if len(tail) < len(wanted):
                    break
                if not all(map(fnmatch.fnmatchcase, tail, wanted)):
                    break
            elif not (lower.startswith(word) if word.startswith("/") else word in lower):
                break
        else:
            found.append(path)
    return found


def test_it_finds_what_a_naive_search_finds(open_page):
    chance = random.Random(11)
    parts = ("a", "ab", "B", "lib", "libc", "x.so", "y.py")

    def part():
        return chance.choice(parts)

    paths = {"/".join(part() for _ in range(chance.randint(1, 5))) + f"/f{i}" for i in range(400)}
    page = open_page(map_page(data_of(file(path, 5) for path in paths)))
    shown = ["/" + path for path in paths]
    pieces = (
        "a",
        "b/",
        "/a",
        "lib",
        "/lib/",
        "*.so/f1*",
        "f?",
        "c/x",
        "/a*/*/f*",
        "b/lib/x.so",
        "f12",
    )
    for _ in range(40):
        text = " ".join(chance.sample(pieces, chance.randint(1, 2)))
        look(page, text)
        while page.locator("#search > .map-button").is_visible():
            page.locator("#search > .map-button").click()
        found = page.locator(".search-hits li a").all_inner_texts()
        files = sorted(path for path in found if not path.endswith("/"))
        assert files == sorted(naive(shown, text)), text


def test_hits_come_a_hundred_at_a_time_the_largest_first(open_page):
    chance = random.Random(2)
    sizes = [chance.randint(1, 10**6) for _ in range(20_000)]
    page = open_page(map_page(data_of(file(f"d{i % 97}/f{i}", s) for i, s in enumerate(sizes))))
    look(page, "f")
    assert page.locator(".search-count").inner_text() == "20,000 paths, the first 100 are shown."
    page.get_by_role("button", name="Show 100 more").click()
    shown = page.locator(".search-about").all_inner_texts()
    expected = sorted(sizes, reverse=True)[:200]
    assert [text.split(" · ")[0] for text in shown] == [human_size(size) for size in expected]
