"""Platforms: ``os/architecture[/variant]`` (image-spec, image-index.md, platform)."""

from __future__ import annotations

from dataclasses import dataclass

from oci_inspect.spec.document import Fields


@dataclass(frozen=True, slots=True)
class Platform:
    """What an image runs on. Empty strings where the document says nothing."""

    os: str
    architecture: str
    variant: str | None = None
    os_version: str | None = None

    def __str__(self) -> str:
        parts = [self.os or "unknown", self.architecture or "unknown"]
        return "/".join([*parts, self.variant] if self.variant else parts)

    @property
    def unknown(self) -> bool:
        """True for ``unknown/unknown``, which BuildKit gives to attestations."""
        return self.os == "unknown" and self.architecture == "unknown"

    def matches(self, wanted: Platform) -> bool:
        """Whether this is what ``wanted`` asks for; a variant not asked for may be any.

        arm64 is v8 by itself (containerd's normalisation).
        """
        if (self.os, self.architecture) != (wanted.os, wanted.architecture):
            return False
        if not wanted.variant or self.variant == wanted.variant:
            return True
        return self.architecture == "arm64" and {self.variant, wanted.variant} <= {None, "v8"}


_ARCHITECTURES = {
    "x86_64": ("amd64", None),
    "x86-64": ("amd64", None),
    "aarch64": ("arm64", None),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "i386": ("386", None),
}


def parse_platform(text: str) -> Platform:
    """Parse what a user wrote. Raises :class:`ValueError`.

    The machine names that ``uname -m`` prints are understood, as containerd does.
    """
    parts = text.strip().lower().split("/")
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise ValueError(f"{text!r} is not of the form os/arch[/variant]")
    architecture, variant = _ARCHITECTURES.get(parts[1], (parts[1], None))
    return Platform(parts[0], architecture, parts[2] if len(parts) == 3 else variant)


def platform_of(fields: Fields) -> Platform:
    """The platform of a descriptor's ``platform`` object or of an image config."""
    return Platform(
        fields.text("os") or "",
        fields.text("architecture") or "",
        fields.text("variant") or None,
        fields.text("os.version") or None,
    )
