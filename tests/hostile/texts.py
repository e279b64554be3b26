"""Text that speaks to a terminal, a page, a spreadsheet or a CI; HOSTILE.md, "Output".

The tricks and the places in which each stands are those of tests/render/test_hostile_text.py.
"""

from __future__ import annotations

from hostile.cases import Archive, Theme, below, docker
from render.test_hostile_text import TRICKS, archives_that_say
from support.images import ImageBuilder, oci_layout
from support.tars import TarBuilder

add = Theme("texts")

MORE = {
    "osc without an end": "\x1b]0;title",
    "dcs": "\x1bP$q\x1b\\",
    "carriage return": "good\revil",
    "backspaces": "evil" + "\b" * 4 + "good",
    "nul": "a\0b",
    "cdata": "]]>&amp;<!--",
    "attributes": "\" onmouseover=alert(1) x='",
    "style": "</style><svg onload=alert(1)>",
    "template": "{{ 7 * 7 }}{% raw %}${7*7}#{7}",
    "dde": "=cmd|' /C calc'!A0",
    "tab formula": "\t=1+1",
    "line of azure": "##vso[task.setvariable variable=x]y",
    "line of gitlab": "section_start:1:x[collapsed=true]\r\x1b[0K",
    "line of teamcity": "##teamcity[buildStop]",
    "exposition": 'x{a="b"} 1 # HELP\n# EOF',
    "url": "javascript:alert(1)//http://evil.example/?a=b&c",
    "percents": "%s%n%x {0} {} %(x)s",
    "noncharacters": "\ufffe\uffff\U0010ffff",
    "long line": "y" * 70_000,
}


ALL = TRICKS | MORE


def every_trick() -> Archive:
    """One image, good but for what it says: each trick is a label with its name, a variable, a
    step of the history, a file that stays, one that is replaced and one that is deleted."""
    names = {
        one: text.encode("utf-8", "replace").replace(b"\0", b"")[:200] for one, text in ALL.items()
    }
    run = {"Labels": {f"{one} {text}": text for one, text in ALL.items()}, "Env": [*ALL.values()]}
    image = ImageBuilder("example/tricks:1", run=run)
    lower = TarBuilder().dir("d").file("d/honest", b"1" * 900).file("a", b"22")
    upper = TarBuilder()
    for number, name in enumerate(names.values()):
        for folder in (b"stays", b"replaced", b"gone"):
            lower.file(b"%s/%d" % (folder, number) + b"-" + name, b"1" * 4000)
        upper.file(b"replaced/%d" % number + b"-" + name, b"22", mode=0o4755)
        upper.symlink(b"links/%d" % number, name or b"x")
    image.layer(lower, created_by="ADD tricks")
    image.layer(upper.whiteout("gone"), created_by="RUN tricks")
    for text in ALL.values():
        image.empty(f"RUN {text}", comment=text)
    return oci_layout(image)


def encodable(archive: Archive) -> bytes:
    for member in archive.members:
        member.name = member.name.encode("utf-8", "replace").decode()
    return archive.tar()


for name, text in ALL.items():
    for which, kind in enumerate(("oci", "docker")):
        add(
            f"{name.replace(' ', '-')}-{kind}",
            lambda which=which, text=text: encodable(archives_that_say(text)[which]),
            code=(1, 3),
        )

add(
    "name-with-an-escape",
    lambda: oci_layout(below().layer(TarBuilder().file("\x1b[31mred"))),
    code=0,
    shows=r"\x1b[31mred",
)
add(
    "name-of-another-direction",
    lambda: oci_layout(below().layer(TarBuilder().file("\u202egnp.exe"))),
    code=0,
    shows=r"\u202egnp.exe",
)
add(
    "name-of-bytes",
    lambda: oci_layout(below().layer(TarBuilder().file(b"\xff\x9b31m"))),
    code=0,
    shows=r"\xff\x9b31m",
)
add("label-that-sets-the-clipboard", lambda: docker_label("\x1b]52;c;eA==\x07"), code=0)


def docker_label(text: str) -> Archive:
    return oci_layout(below().patch_config(lambda one: one.update(config={"Labels": {text: text}})))


add(
    "tag-of-a-command",
    lambda: docker(
        lambda one: one.edit(
            "manifest.json",
            lambda all_: all_[0].update(RepoTags=["\n::error::x:1", "%0A::error::y:2"]),
        )
    ),
    code=(0, 1),
    shows=r"\n::error::x:1",
)
