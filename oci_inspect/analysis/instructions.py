"""Turning `created_by`, as each builder writes it, back into Dockerfile instructions.

Pure functions over text.  Docker's classic builder and BuildKit write what they understood
(variables expanded, quotes gone, lists as Go prints them), buildah and kaniko the line as it
stood, and other tools only their names.  What cannot be told is kept word for word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from . import golang_values as golang

_LAYERED = frozenset(("ADD", "COPY", "RUN"))
_METADATA = ("ARG", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "VOLUME")
_LAYERLESS = frozenset((*_METADATA, "CMD", "ENTRYPOINT", "SHELL", "STOPSIGNAL", "USER"))
_KEYWORDS = _LAYERLESS | _LAYERED | {"WORKDIR"}

_BUILDKIT = " # buildkit"
_NOP = "#(nop) "
# The last ones are what Windows Dockerfiles set by hand before SHELL existed.
_DEFAULT_SHELLS = (
    "/bin/sh -c",
    "cmd /S /C",
    "cmd.exe /S /C",
    "powershell -Command",
    "powershell.exe -Command",
    "pwsh -Command",
)

# Possessive throughout: no pattern may go over the same text twice.
_LINE = re.compile(r"([A-Za-z]++)(?:\s++|\Z)")
_SHELL_LIKE = re.compile(r"\S++(?: (?:-\S++|/[A-Za-z](?!\S)|pipefail(?!\S)))++")
_ARGUMENT_COUNT = re.compile(r"\|(\d{1,4}) ")
_NAME = re.compile(r"(?:(?<=\s)|\A)[A-Za-z_]\w*+=", re.ASCII)
_SUMMARY = re.compile(r"(file|dir|multi):([0-9a-f]{8,}+)\s++in\s++")
_SCRIPT = re.compile(r" (-command) (?=\S)", re.IGNORECASE)
_HEREDOC = re.compile(r"(?:(?<=\s)|\A)\d*+<<(-?)([\"']?)([\w.]++)\2(?!\S)")
_COPY_HEREDOC = re.compile(r"<<-?[\"']?([^\s\"'<]++)[\"']?")

_EXEC_LOST = "exec form: its words were joined by spaces, so the quoting is lost"
_SOURCE_LOST = "the source is lost: only its checksum was recorded"
_BODY_LOST = "the heredoc's body is lost: only its name was recorded"
_SCRIPT_LOST = "the heredoc's body is lost: only the script's path was recorded"
_ARGS_GUESSED = "where each build argument ends is a guess"
_BREAK = "it holds a line break, which this instruction cannot write"


class _Source(Enum):
    """How far a line can be trusted to be Dockerfile syntax."""

    PRINTED = 1  # by Docker's classic builder or BuildKit: expanded and without quotes
    UNSURE = 2  # `#(nop) ` and one space: Docker before 1.11, or buildah's untouched line
    WRITTEN = 3  # as it stood in the Dockerfile (kaniko)


@dataclass(frozen=True, slots=True)
class Instruction:
    """One history entry as a Dockerfile would say it."""

    keyword: str | None
    """The instruction in upper case; None when the entry is raw."""
    text: str
    """Dockerfile syntax, of several lines for a heredoc; for a raw entry, what was recorded."""
    raw: bool
    """True when no Dockerfile instruction could be told."""
    note: str | None
    """What the history cannot tell, as one short phrase."""
    build_args: tuple[str, ...]
    """The `NAME=value` pairs recorded in front of a RUN."""


def from_comment(comment: str) -> str | None:
    """Return the base image's name where buildah left it, `FROM name` in a comment."""
    words = comment[:1000].split()
    if len(words) < 2 or words[0] != "FROM" or not words[1].isprintable():
        return None
    return words[1]


def makes_no_layer(created_by: str) -> bool | None:
    """Tell whether an entry is of a kind that never makes a layer; None where it depends.

    WORKDIR depends: it makes a layer only where the directory was not there.
    """
    keyword = InstructionParser().parse(created_by).keyword
    if keyword in _LAYERLESS:
        return True
    return False if keyword in _LAYERED else None


class InstructionParser:
    """Reads `created_by` values oldest first; remembers SHELL between them.

    One parser reads one image's history, for a SHELL changes how later entries begin.
    """

    def __init__(self) -> None:
        self._shells: tuple[str, ...] = _DEFAULT_SHELLS

    def parse(
        self, created_by: str, *, comment: str = "", empty_layer: bool = False
    ) -> Instruction:
        """Read one entry.

        `comment` tells BuildKit's entries from lines kept as they were written; no builder's
        form depends on `empty_layer`.
        """
        nop = self._after_nop(created_by)
        if nop is not None:
            line, source = nop
            keyword, rest = _split_line(line)
            return self._instruction(created_by, keyword, rest, source)
        keyword, rest = _split_line(created_by)
        # Without `#(nop)`, only upper case is safe to call an instruction ("user x", "env").
        if keyword is not None and created_by.startswith(keyword):
            printed = comment.startswith("buildkit")
            if keyword in _LAYERED and rest.endswith(_BUILDKIT):
                rest = rest.removesuffix(_BUILDKIT)
                printed = True
            source = _Source.PRINTED if printed else _Source.WRITTEN
            return self._instruction(created_by, keyword, rest, source)
        return self._bare(created_by)

    def _after_nop(self, text: str) -> tuple[str, _Source] | None:
        """Return what follows `<shell> #(nop) `, the mark of an instruction that runs nothing."""
        at = text.find(_NOP)
        if at < 1 or text[at - 1] != " ":
            return None
        shell, line = text[: at - 1], text[at + len(_NOP) :]
        source = _Source.UNSURE
        if line.startswith(" "):
            line, source = line[1:], _Source.PRINTED
        keyword, rest = _split_line(line)
        if not (
            shell in self._shells
            or shell in _DEFAULT_SHELLS
            or _SHELL_LIKE.fullmatch(shell)
            # SHELL itself is already written behind the shell it sets.
            or (keyword == "SHELL" and golang.bracketed(rest) == shell)
        ):
            return None
        if shell not in _DEFAULT_SHELLS:
            # buildah always writes /bin/sh; another one is what the image has set.
            self._shells = (shell,)
        return line, source

    def _bare(self, created_by: str) -> Instruction:
        """Read an entry that names no instruction: a classic or buildah RUN, or anything."""
        if created_by.startswith("|"):
            return self._run(created_by, created_by, _Source.UNSURE)
        command = self._command(created_by)
        if command is not None:
            if command.lstrip().startswith(_NOP.rstrip()):
                return _raw(created_by)
            return _finish("RUN", _run_lines(command, cut=True), None)
        # `docker commit` leaves a lone program ("/bin/bash"); tools give a name without a path.
        if created_by.startswith("/") and len(created_by.split(None, 1)) == 2:
            return _finish("RUN", _exec_form(created_by), _EXEC_LOST)
        return _raw(created_by)

    def _instruction(
        self, created_by: str, keyword: str | None, rest: str, source: _Source
    ) -> Instruction:
        if keyword is None:
            return _raw(created_by)
        if keyword == "RUN":
            return self._run(created_by, rest, source)
        text: str | None = None
        note: str | None = None
        if keyword in ("COPY", "ADD"):
            text, note = _copy(rest)
        elif keyword in ("ENV", "LABEL"):
            printed = source is _Source.PRINTED
            text, note = golang.pairs(rest, labels=keyword == "LABEL", printed=printed)
        elif keyword == "ARG" and source is _Source.PRINTED:
            text, note = golang.arguments(rest)
        elif keyword == "EXPOSE":
            text = golang.ports(rest)
        elif keyword in ("CMD", "ENTRYPOINT"):
            text, note = self._words(rest, source)
        elif keyword == "VOLUME":
            text, note = golang.volumes(rest)
        elif keyword == "SHELL":
            text, note = self._shell(rest)
        elif keyword == "HEALTHCHECK":
            text, note = golang.healthcheck(rest)
        text = rest if text is None else text
        return _finish(keyword, f"{keyword} {text}" if text else keyword, note)

    def _command(self, text: str) -> str | None:
        """Return what was given to the shell in force; None where it is not at the front."""
        for shell in self._shells:
            if text.startswith(shell + " "):
                return text[len(shell) + 1 :]
        return None

    def _run(self, created_by: str, rest: str, source: _Source) -> Instruction:
        build_args: tuple[str, ...] = ()
        notes: list[str] = []
        if rest.startswith("|"):
            split = self._build_args(rest)
            if split is None and rest == created_by:
                return _raw(created_by)
            if split is None:
                return _finish("RUN", f"RUN {rest}", _ARGS_GUESSED)
            build_args, rest, sure = split
            if not sure:
                notes.append(_ARGS_GUESSED)
        elif source is not _Source.PRINTED:
            # A line that stands as it was written: its first words are no prefix.
            return _finish("RUN", f"RUN {rest}" if rest else "RUN", None)
        command = self._command(rest)
        if command is not None:
            text = _run_lines(command, cut=source is _Source.UNSURE)
        else:
            notes.append(_SCRIPT_LOST if rest.startswith("/dev/pipes/") else _EXEC_LOST)
            text = _exec_form(rest)
        return _finish("RUN", text, "; ".join(notes) or None, build_args)

    def _build_args(self, text: str) -> tuple[tuple[str, ...], str, bool] | None:
        """Split `|N A=1 B=two words <command>`: the pairs, the command, and whether it is sure.

        The classic builder sorts the pairs, BuildKit leaves them as declared; neither quotes.
        buildah counts words instead of pairs, so fewer names than N may be there.
        """
        head = _ARGUMENT_COUNT.match(text)
        if head is None:
            return None
        count, text = int(head[1]), text[head.end() :]
        if count == 0:
            return (), text, True
        names = [match.start() for match in islice(_NAME.finditer(text), count + 1)]
        if not names or names[0] != 0:
            return None
        # A value may hold the shell's prefix, but not before the last of the N names.
        floor = names[count - 1] if len(names) >= count else names[-1]
        end = self._shell_at(text, floor)
        if end is None:
            end = self._shell_at(text, 0)
        if end is None:  # exec form: only a value without spaces can be told from the command
            end = text.find(" ", floor)
            if end < 0:
                return None
        starts = [start for start in names if start < end]
        sure = len(starts) == count
        starts = starts[:count]
        stops = [start - 1 for start in starts[1:]] + [end]
        pairs = (text[start:stop] for start, stop in zip(starts, stops, strict=True))
        return tuple(pairs), text[end + 1 :], sure

    def _shell_at(self, text: str, start: int) -> int | None:
        """Return where the space before the shell's prefix is."""
        found = (text.find(f" {shell} ", start) for shell in self._shells)
        return min((at for at in found if at >= 0), default=None)

    def _words(self, rest: str, source: _Source) -> tuple[str | None, str | None]:
        """Read CMD's and ENTRYPOINT's list."""
        if source is not _Source.WRITTEN and rest.startswith("&{[") and rest.endswith("]}"):
            rest = rest[2:-1]  # how Docker 1.8 and 1.9 printed ENTRYPOINT
        words = golang.quoted_list(rest)
        if words is not None:
            return golang.json_list(words), None
        inner = golang.bracketed(rest)
        if source is _Source.WRITTEN or inner is None or '"' in inner:
            return None, None
        command = self._command(inner)  # Docker before 1.3 printed the list without quotes
        if command is not None:
            return command, None
        return golang.json_list(inner.split()), _EXEC_LOST

    def _shell(self, rest: str) -> tuple[str | None, str | None]:
        words = golang.quoted_list(rest)
        if words:
            # As it was written, so by buildah or kaniko: buildah goes on to write /bin/sh.
            self._shells = (" ".join(words), *_DEFAULT_SHELLS)
            return golang.json_list(words), None
        inner = golang.bracketed(rest)
        if not inner or not inner.strip():
            return None, None
        self._shells = (inner,)
        script = _SCRIPT.search(inner)
        if script is None:
            return golang.json_list(inner.split()), None
        # Whatever follows -Command is one script, and one word in Windows images.
        words = [*inner[: script.start()].split(), script[1], inner[script.end() :]]
        return golang.json_list(words), golang.WORDS_GUESSED if " " in words[-1] else None


def _split_line(line: str) -> tuple[str | None, str]:
    """Split a line into its instruction, in upper case, and the rest; None without one."""
    match = _LINE.match(line)
    keyword = match[1].upper() if match else None
    if match is None or keyword not in _KEYWORDS:
        return None, line
    return keyword, line[match.end() :]


def _raw(created_by: str) -> Instruction:
    return Instruction(None, created_by, True, None, ())


def _finish(
    keyword: str, text: str, note: str | None, build_args: tuple[str, ...] = ()
) -> Instruction:
    if "\n" in text and keyword not in _LAYERED and keyword != "ONBUILD":
        note = f"{note}; {_BREAK}" if note else _BREAK
    return Instruction(keyword, text, False, note, build_args)


def _exec_form(command: str) -> str:
    """Write an exec form RUN of which only the joined words are left."""
    if command.startswith("/bin/sh -c "):
        # Another shell is in force, or this would have been a shell form.
        return "RUN " + golang.json_list(["/bin/sh", "-c", command[len("/bin/sh -c ") :]])
    return _run_lines(command)


def _run_lines(command: str, *, cut: bool = False) -> str:
    """Write a shell command as RUN, with a heredoc where it has several lines.

    Several lines can only come from a heredoc: continued lines are joined before they run.
    BuildKit hands `RUN <<EOF` to the shell as the bare body, and writes any other heredoc out
    in full; buildah leaves out its last line (`cut`).
    """
    first, *lines = command.split("\n")
    markers = [(dash, name) for dash, _, name in _HEREDOC.findall(first)]
    if not lines and not markers and not command.endswith("\\"):
        return f"RUN {command}"
    if lines and markers:
        if _closed(markers, lines):
            return "RUN " + command.rstrip("\n")
        name = markers[0][1]
        if cut and len(markers) == 1 and name not in lines:
            return f"RUN {command}\n{name}"
    taken = {first, *lines}
    end = next(name for name in _delimiters() if name not in taken)
    return f"RUN <<{end}\n{command.removesuffix(chr(10))}\n{end}"


def _delimiters() -> Iterable[str]:
    yield "EOF"
    number = 1
    while True:
        yield f"EOF{number}"
        number += 1


def _closed(markers: list[tuple[str, str]], lines: list[str]) -> bool:
    """Tell whether the heredocs end one after the other and nothing comes behind them."""
    rest = iter(lines)
    for dash, name in markers:
        if not any((line.lstrip("\t") if dash else line) == name for line in rest):
            return False
    return not any(rest)


def _copy(rest: str) -> tuple[str | None, str | None]:
    """Read what follows COPY or ADD; classic builders wrote a checksum for the source."""
    # The classic builder prints --chown=user with no space behind it: no \b can be asked for.
    summary = _SUMMARY.search(rest)
    if summary is not None:
        flags = rest[: summary.start()].split()
        target = rest[summary.end() :].strip()
        if target and all(flag.startswith("--") for flag in flags):
            source = f"<{summary[1]}:{summary[2][:12]}>"
            plain = len(target.split()) == 1
            names = f"{source} {target}" if plain else golang.json_list([source, target])
            return " ".join((*flags, names)), _SOURCE_LOST
    if "\n" not in rest and "<<" in rest:
        found = (_COPY_HEREDOC.fullmatch(word) for word in rest.split())
        ends = [match[1] for match in found if match]
        if ends:
            return "\n".join((rest, *ends)), _BODY_LOST
    return None, None
