"""The base image: where it ends and the user's own layers begin, and how sure that is.

docs/base.md has the rules for people. Only diff_ids that were compared make it certain. The
``org.opencontainers.image.base.*`` annotations (image-spec, annotations.md) name a base and say
nothing of its layers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import takewhile

from oci_inspect.analysis.base_history import Place, find_place
from oci_inspect.analysis.results import Base, Confidence, HistoryStep, LayerResult, OwnShare
from oci_inspect.archive.contents import Image
from oci_inspect.filesystem.deaths import Dead
from oci_inspect.spec.digest import DigestError, chain_ids, parse_digest
from oci_inspect.spec.document import Fields

NAME = "org.opencontainers.image.base.name"
DIGEST = "org.opencontainers.image.base.digest"
_LONGEST_NAME = 1024


class Candidates:
    """Images that others may be built on: one that the user named, and those beside them.

    They are found by the chain_id of their uppermost layer, which stands for all of their
    diff_ids: an archive of many images costs one look-up a layer and not one an image. Of several
    with the same layers the first is kept, of those with a reference if there are any.
    """

    def __init__(self, images: Iterable[Image] = (), given: Image | None = None) -> None:
        self.given = given
        self._by_chain: dict[tuple[str, str, str], Image] = {}
        for image in images:
            diff_ids = _diff_ids(image)
            if diff_ids:
                key = (chain_ids(list(diff_ids))[-1], *_runs_on(image))
                known = self._by_chain.setdefault(key, image)
                if image.references and not known.references:
                    self._by_chain[key] = image

    def longest(self, image: Image, chain: Sequence[str]) -> Image | None:
        """The image with the most layers that are the lowest of this one, but not all of them.

        It has the same operating system and architecture. ``chain`` has the diff_ids of the image,
        as far as they are known from the bottom.
        """
        chains = chain_ids(list(chain))
        for count in range(min(len(chains), len(image.layers) - 1), 0, -1):
            found = self._by_chain.get((chains[count - 1], *_runs_on(image)))
            if found is not None and _diff_ids(found) == tuple(chain[:count]):
                return found
        return None


def find_base(
    image: Image,
    chain: Sequence[str | None],
    steps: Sequence[HistoryStep],
    candidates: Candidates | None = None,
) -> Base | None:
    """The base of an image, None where nothing tells of one.

    ``chain`` has the diff_id of each layer, None where it is not known. In this order: the image
    that was named as the base, another image of the same archive, the history, annotations, labels.
    """
    candidates = candidates or Candidates()
    known = _known(chain)
    named = _named(image)
    given = candidates.given
    if given is not None and (diff_ids := _diff_ids(given)) and _starts(chain, diff_ids):
        return _certain(given, named, "")
    beside = candidates.longest(image, known)
    if beside is not None:
        return _certain(beside, named, ", in the same archive")
    place = find_place(steps, len(image.layers))
    if place is None and named is None:
        return None
    if place is None or not place.layers:
        return _without_end(place, named)
    base = Base(
        layers=place.layers,
        name=place.name,
        digest=None,
        confidence=Confidence.LIKELY if place.likely else Confidence.POSSIBLE,
        signs=tuple(place.signs()),
    )
    return base if named is None else _joined(base, named)


def not_built_on(given: Image, chain: Sequence[str | None]) -> str | None:
    """One sentence on why ``given`` is not the base of an image with this chain; None where it is.

    ``chain`` as in :func:`find_base`.
    """
    diff_ids = _diff_ids(given)
    if not diff_ids:
        return f"not built on {given.name}: it has no layers to compare"
    if _starts(chain, diff_ids):
        return None
    pairs = zip(chain, diff_ids, strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    count = len(diff_ids)
    if not shared:
        what = "its only layer is not" if count == 1 else f"none of its {count} layers is"
    elif shared == 1:
        what = f"only the first of its {count} layers is"
    else:
        what = f"only the first {shared} of its {count} layers are"
    return f"not built on {given.name}: {what} shared"


def own_share(
    base: Base | None, layers: Sequence[LayerResult], dead: Iterable[Dead]
) -> OwnShare | None:
    """What of an image is the user's own; None where it is not known where the base ends."""
    if base is None or base.layers is None:
        return None
    first = base.layers
    own = removed = 0
    for one in dead:
        if one.layer_index >= first:
            own += one.size
        elif one.removed_in >= first:
            removed += one.size
    return OwnShare(sum(layer.file_bytes for layer in layers[first:]), own, removed)


def _diff_ids(image: Image) -> tuple[str, ...]:
    """What the config claims, where there is one for each layer."""
    diff_ids = image.config.diff_ids if image.config else ()
    return diff_ids if len(diff_ids) == len(image.layers) else ()


def _runs_on(image: Image) -> tuple[str, str]:
    return image.platform.os, image.platform.architecture


def _known(chain: Sequence[str | None]) -> list[str]:
    """The chain up to the first layer of which nothing is known."""
    return [one for one in takewhile(lambda one: one is not None, chain) if one is not None]


def _starts(chain: Sequence[str | None], diff_ids: Sequence[str]) -> bool:
    return len(diff_ids) <= len(chain) and tuple(chain[: len(diff_ids)]) == tuple(diff_ids)


def _certain(found: Image, named: Base | None, where: str) -> Base:
    count = len(found.layers)
    what = f"the lowest {count} layers are those" if count > 1 else "the lowest layer is that"
    base = Base(
        layers=count,
        name=found.references[0] if found.references else None,
        digest=found.manifest_digest,
        confidence=Confidence.CERTAIN,
        signs=(f"{what} of {found.name}{where}",),
    )
    return base if named is None else _joined(base, named)


def _joined(base: Base, named: Base) -> Base:
    """A base with what annotations or labels say of it, where they speak of the same."""
    if base.name is not None and named.name not in (None, base.name):
        return base
    confidence = base.confidence
    if confidence is Confidence.POSSIBLE and named.confidence is Confidence.LIKELY:
        confidence = Confidence.LIKELY
    return Base(
        layers=base.layers,
        name=base.name or named.name,
        digest=base.digest or named.digest,
        confidence=confidence,
        signs=(*base.signs, *named.signs),
    )


def _without_end(place: Place | None, named: Base | None) -> Base | None:
    """A base that is told of, though not where it ends."""
    if place is None:
        return named
    signs = (*place.signs(), "no layer lies below that step: the base was squashed in")
    base = Base(None, place.name, None, Confidence.LIKELY, signs)
    return base if named is None else _joined(base, named)


def _named(image: Image) -> Base | None:
    """What annotations, else labels, say; a base may hand its labels down to what is built on it.

    So a label may name the base of the base, and makes nothing surer.
    """
    annotations = image.manifest.annotations if image.manifest else {}
    found = _told(annotations, "annotation")
    if found is not None:
        return found
    raw = image.config.raw if image.config else {}
    run = Fields(raw, "", []).object("config") or {}
    found = _told(Fields(run, "", []).strings("Labels"), "label")
    return None if found is None else replace(found, confidence=Confidence.POSSIBLE)


def _told(values: dict[str, str], kind: str) -> Base | None:
    name: str | None = values.get(NAME, "").strip()
    if not name or len(name) > _LONGEST_NAME:
        name = None
    digest: str | None = values.get(DIGEST, "")
    try:
        parse_digest(digest or "")
    except DigestError:
        digest = None
    if name is None and digest is None:
        return None
    what = name or digest
    more = " (labels are inherited: it may be the base of the base)" if kind == "label" else ""
    return Base(None, name, digest, Confidence.LIKELY, (f"the {kind} names {what}{more}",))
