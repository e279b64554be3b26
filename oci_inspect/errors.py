"""What stops the work: exceptions that carry their facts.

Something wrong with the *image* is a :class:`~oci_inspect.findings.Finding`, never an exception.
Something that leaves nothing to report on is one of these. ``str()`` of each is one line that says
what is wrong, where, and what to do.
"""

from __future__ import annotations


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")


class OciInspectError(Exception):
    """The root of every exception this package raises on purpose.

    Its text is one line whatever names an archive holds: what cannot be printed is escaped.
    """

    def __init__(self, text: str = "") -> None:
        super().__init__(text if text.isprintable() else "".join(map(_visible, text)))


class ArchiveError(OciInspectError):
    """The input cannot be read as an image archive.

    ``path`` is the input as the user named it, ``problem`` what is wrong, ``hint`` what to do.
    """

    def __init__(self, path: str, problem: str, hint: str | None = None) -> None:
        self.path = path
        self.problem = problem
        self.hint = hint
        super().__init__(f"{path}: {problem}" + (f": {hint}" if hint else ""))


class TooManyFilesError(ArchiveError):
    """The system lets this process open no more files: that says nothing of the archive."""


class CorruptStreamError(OciInspectError):
    """A compressed stream is damaged, ends early, or has garbage behind its end.

    ``offset`` is the number of compressed bytes taken in when it was noticed; ``trailing`` is True
    where all was well but for what stands behind the end.
    """

    def __init__(
        self, compression: str, problem: str, offset: int, *, trailing: bool = False
    ) -> None:
        self.trailing = trailing
        self.compression = compression
        self.problem = problem
        self.offset = offset
        super().__init__(f"{compression} stream: {problem} (near byte {offset:,})")


class LimitExceededError(OciInspectError):
    """A ceiling of :class:`~oci_inspect.limits.Limits` was met.

    ``limit`` is the field's name, ``maximum`` its value, ``actual`` what was found (or the least it
    can be), ``subject`` what it was found in.
    """

    def __init__(self, limit: str, maximum: int, actual: int, subject: str) -> None:
        self.limit = limit
        self.maximum = maximum
        self.actual = actual
        self.subject = subject
        super().__init__(
            f"{subject}: {actual:,} is over the limit of {maximum:,} for {limit.replace('_', ' ')}"
            f" (raise it with --limit {limit}=N)"
        )


class SelectionError(OciInspectError):
    """The image that was asked for is not there, or one of several must be chosen.

    ``choices`` are the names to choose from, ready for ``--image``.
    """

    def __init__(self, problem: str, choices: tuple[str, ...] = ()) -> None:
        self.problem = problem
        self.choices = choices
        super().__init__(problem)


class PathError(OciInspectError):
    """A path inside an image that leads nowhere, or not to what was asked for.

    ``path`` is the path as it was given, ``problem`` what is wrong with it; ``missing`` is True
    where there simply is nothing.
    """

    def __init__(self, path: str, problem: str, *, missing: bool = False) -> None:
        self.path = path
        self.problem = problem
        self.missing = missing
        super().__init__(f"{path}: {problem}")


class TargetError(OciInspectError):
    """Nothing can be written where something should be: nothing was, or no more is.

    ``path`` is the place as the user named it, ``problem`` what is wrong, ``hint`` what to do.
    """

    def __init__(self, path: str, problem: str, hint: str | None = None) -> None:
        self.path = path
        self.problem = problem
        self.hint = hint
        super().__init__(f"{path}: {problem}" + (f": {hint}" if hint else ""))


class NoSpaceError(TargetError):
    """There is too little room for what should be written, or there is none left."""


class RulesError(OciInspectError):
    """Rules that nobody can hold an image against: a file that is wrong, or what it asks for.

    ``problems`` are sentences, each with the file and the line in front where there is one.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class MissingPackageError(OciInspectError):
    """A package that only some work needs is not installed.

    ``package`` is its name, ``extra`` the extra of ours that brings it, ``purpose`` what needs it.
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        self.package = package
        self.extra = extra
        self.purpose = purpose
        super().__init__(f"{purpose} needs {package}: pip install 'oci-inspect[{extra}]'")


def interrupt_behind(error: BaseException | None) -> KeyboardInterrupt | None:
    """The interrupt that an error is or comes of, or None.

    Python 3.11 raises a RuntimeError from whatever is raised within a ``__set_name__``, which runs
    as often as a data class is made: where a module is loaded, that is.
    """
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__
    return error
