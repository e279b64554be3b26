"""Pages taken apart as a browser does it: elements, attributes and text, by html.parser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest

VOID = {"meta", "br", "link", "img", "input", "hr"}


@dataclass
class Element:
    """An element; ``children`` are elements and texts."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, as it stands there."""
        return "".join(one if isinstance(one, str) else one.text for one in self.children)

    @property
    def words(self) -> str:
        """Its text with blanks as one sees them."""
        return " ".join(self.text.split())

    def walk(self) -> Iterator[Element]:
        stack = [self]
        while stack:
            one = stack.pop()
            yield one
            stack += [below for below in reversed(one.children) if isinstance(below, Element)]

    def all(self, tag: str = "", cls: str = "") -> list[Element]:
        return [
            one
            for one in self.walk()
            if (not tag or one.tag == tag)
            and (not cls or cls in one.attributes.get("class", "").split())
        ]

    def by_id(self, name: str) -> Element:
        (found,) = (one for one in self.walk() if one.attributes.get("id") == name)
        return found


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.stack = [self.root]

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.stack[-1].children.append(element)
        if tag not in VOID:
            self.stack.append(element)

    def handle_startendtag(self, tag, attrs):
        self.stack[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag):
        assert self.stack[-1].tag == tag, f"</{tag}> closes <{self.stack[-1].tag}>"
        self.stack.pop()

    def handle_data(self, data):
        self.stack[-1].children.append(data)


def parse(page: str) -> Element:
    """A page as a tree. What is not closed in order is an error."""
    builder = _Builder()
    builder.feed(page)
    builder.close()
    assert len(builder.stack) == 1, builder.stack[-1].tag
    return builder.root


@pytest.fixture(scope="session", name="parse")
def _parse():
    return parse
