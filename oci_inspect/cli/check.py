"""``oci-inspect check``."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oci_inspect.cli import EXIT_INPUT, EXIT_NO
from oci_inspect.cli.options import Common, base_option, common
from oci_inspect.cli.outputs import pair_outputs
from oci_inspect.cli.rule_options import (
    check_conflicts,
    parse_levels,
    rule_options,
    settings_of,
    with_levels,
)

if TYPE_CHECKING:
    from oci_inspect.analysis.results import Analysis
    from oci_inspect.render.ci import CheckFormat
    from oci_inspect.rules.baseline import Baseline
    from oci_inspect.rules.dive_ci import DiveRules
    from oci_inspect.rules.model import Check, Setting
    from oci_inspect.rules.rules_file import RulesFile

Renderer = Callable[[Common, "Check"], str]


def _table(common: Common, check: Check) -> str:
    from oci_inspect.cli.session import style_of
    from oci_inspect.render import render
    from oci_inspect.render.views.check import check_lines, check_view

    if common.quiet:
        from oci_inspect.render.escape import terminal

        ascii_only = not style_of(common).unicode
        lines = (terminal(line, ascii_only=ascii_only) for line in check_lines(check))
        return "".join(f"{line}\n" for line in lines)
    return render(check_view(check, verbose=common.verbose), "table", style_of(common))


def _json(common: Common, check: Check) -> str:
    from oci_inspect.render.check import check_document
    from oci_inspect.render.json import dumps

    return dumps(check_document(check))


def _for_ci(format: CheckFormat) -> Renderer:
    def text(common: Common, check: Check) -> str:
        from oci_inspect.render.ci import render_check
        from oci_inspect.rules.catalogue import CATALOGUE
        from oci_inspect.rules.dive_ci import DESCRIPTIONS

        sentences = {name: rule.help for name, rule in CATALOGUE.items()} | DESCRIPTIONS
        return render_check(check, format, sentences)

    return text


FORMATS: dict[str, Renderer] = {
    "table": _table,
    "json": _json,
    "markdown": _for_ci("markdown"),
    "github": _for_ci("github"),
    "sarif": _for_ci("sarif"),
    "junit": _for_ci("junit"),
    "gitlab": _for_ci("gitlab"),
    "openmetrics": _for_ci("openmetrics"),
}
"""What makes the text of each format; the first is the default."""


@common(
    *FORMATS,
    example="oci-inspect check --max-size 500MB --forbid-paths-in-layers '**/.git' image.tar",
    quiet="A line for each broken rule, and nothing where all are kept.",
    several="ARCHIVE...",
    repeated=True,
)
@rule_options
@click.option(
    "--level",
    "levels",
    multiple=True,
    metavar="RULE=LEVEL",
    help="How much a broken rule matters: error, warning (told, and passed) or off, as in"
    " max-size=warning.  May be given several times.",
)
@click.option(
    "--config",
    metavar="FILE",
    help="The rules file.  [default: .oci-inspect.toml, or pyproject.toml with"
    " [tool.oci-inspect], in this folder or above]",
)
@click.option("--no-config", is_flag=True, help="Take no rules from a file.")
@click.option(
    "--dive-ci",
    metavar="FILE",
    help="Judge by dive's rules too: a .dive-ci, or a dive.yaml with rules. Needs the extra"
    " oci-inspect[dive]; see docs/dive.md.",
)
@click.option(
    "--baseline",
    metavar="FILE",
    help="What the images were before, for max-growth: a file of --write-baseline or of analyze"
    " --format json, or an archive. Images are matched by name and platform.",
)
@click.option(
    "--write-baseline",
    metavar="FILE",
    help="Write what the images are now, for --baseline. Rules are checked all the same.",
)
@click.option(
    "--init",
    is_flag=True,
    help="Write a rules file with limits a little above what the images are now, to"
    " .oci-inspect.toml or --output. Nothing is checked.",
)
@click.option("--force", is_flag=True, help="Let --init and --write-baseline replace a file.")
@base_option
def command(
    common: Common,
    archives: tuple[str, ...],
    references: tuple[str, ...],
    formats: tuple[str, ...],
    outputs: tuple[str, ...],
    levels: tuple[str, ...],
    config: str | None,
    no_config: bool,
    dive_ci: str | None,
    baseline: str | None,
    write_baseline: str | None,
    init: bool,
    force: bool,
    base: str | None,
    **rules: Any,
) -> int:
    """Hold images against rules, say which line to change, and exit 1 where a rule is broken.

    Rules come from options and from a rules file; without any, every digest must match. The
    command line wins over the file. What cannot be judged does not pass. See docs/ci.md.
    """
    pairs = pair_outputs(formats, outputs, common.format)
    asked = settings_of(rules)
    if init:
        if asked or levels or config or dive_ci or baseline or write_baseline or formats:
            raise click.UsageError("--init takes archives, --output and --force, and no rules")
        return _init(common, archives, references, outputs, base, force)
    found = _rules_file(config, no_config)
    dive = _dive_rules(dive_ci)
    settings = [*(found.settings if found else ()), *asked]
    settings, dive = with_levels(settings, dive, parse_levels(levels))
    check_conflicts(settings)
    if write_baseline is not None:
        _may_write(write_baseline, force, "--write-baseline")
        if baseline is None:  # growth is what the next image is asked for
            settings = [one for one in settings if not one.rule.startswith("max-growth")]
    written = [place for place in (*(one for _, one in pairs), write_baseline) if place]
    _keep_apart(written, [found.path if found else None, dive_ci])
    analyses, before = _analyze(common, archives, references, written, base, baseline)
    return _report(common, analyses, before, settings, found, dive, pairs, write_baseline)


def _report(
    common: Common,
    analyses: Sequence[Analysis],
    before: Baseline | None,
    settings: Sequence[Setting],
    found: RulesFile | None,
    dive: DiveRules | None,
    pairs: Sequence[tuple[str, str | None]],
    write_baseline: str | None,
) -> int:
    from oci_inspect.checking import check_images
    from oci_inspect.cli import session
    from oci_inspect.cli.options import parse_limits
    from oci_inspect.rules.effective import unmatched

    check = check_images(analyses, settings, before, parse_limits(common.limits), dive)
    images = [one.image for one in check.images]
    if not settings and dive is None and not common.quiet:
        session.warn("no rules are set: only that every digest matches (see check --init)")
    for one in found.sections if found else ():
        if unmatched([one.images], images):
            place = f"{one.source.path}:{one.source.line}"
            session.warn(f"{place}: no image here fits {one.images!r}: its rules were not used")
    texts = [(replace(common, format=name, output=place), FORMATS[name]) for name, place in pairs]
    made = [(own, renderer(own, check)) for own, renderer in texts]
    unwritten = write_baseline is not None and not all(image.complete for image in images)
    # Files first: who reads standard output may go away.
    for own, text in sorted(made, key=lambda one: one[0].output is None):
        if own.output is None and write_baseline is not None and not unwritten:
            _write_baseline(write_baseline, check)
            write_baseline = None
        session.emit(own, text)
    if unwritten:
        session.warn(f"{write_baseline}: not written: not all of the images could be read")
        return EXIT_INPUT
    if write_baseline is not None:
        _write_baseline(write_baseline, check)
    if any(one.limit_exceeded for one in analyses):
        return EXIT_INPUT
    return 0 if check.ok else EXIT_NO


def _keep_apart(written: Sequence[str], read: Sequence[str | None]) -> None:
    """Refuse two outputs in one file, and an output in the place of rules."""
    places = [os.path.realpath(one) for one in written]
    for name, place in zip(written, places, strict=True):
        if places.count(place) > 1:
            raise click.UsageError(f"{name} is named for two outputs")
        if place in [os.path.realpath(one) for one in read if one is not None]:
            raise click.UsageError(f"{name} holds the rules: name another file for the output")


def _dive_rules(path: str | None) -> DiveRules | None:
    if path is None:
        return None
    from oci_inspect.rules.dive_ci import read_dive_rules

    return read_dive_rules(path)


def _rules_file(config: str | None, no_config: bool) -> RulesFile | None:
    from oci_inspect.rules.rules_file import find_rules_file, read_rules_file

    if config is not None:
        if no_config:
            raise click.UsageError("--config and --no-config exclude each other")
        return read_rules_file(config)
    if no_config:
        return None
    found = find_rules_file(Path.cwd())
    return None if found is None else read_rules_file(found, os.path.relpath(found))


def _analyze(
    common: Common,
    archives: Sequence[str],
    references: Sequence[str],
    written: Sequence[str],
    base: str | None,
    baseline: str | None = None,
) -> tuple[list[Analysis], Baseline | None]:
    """Read the baseline and the archives; a blob of several is scanned once."""
    from oci_inspect.checking import analyze_several, read_baseline
    from oci_inspect.cli import session
    from oci_inspect.cli.inputs import check_inputs
    from oci_inspect.cli.options import parse_limits
    from oci_inspect.cli.progress import progress_line
    from oci_inspect.cli.target import split_target
    from oci_inspect.reuse import ScanMemory

    targets = [split_target(one) for one in archives]
    others = [split_target(one) for one in (base, baseline) if one is not None]
    platform = session.platform_of(common)
    check_inputs([path for path, _ in (*targets, *others)], written)
    limits = parse_limits(common.limits)
    below = None if base is None else session.read_base_of(common, base, platform)
    memory = ScanMemory(beneath=session.cache_of(common))
    before = None
    with progress_line(quiet=common.quiet) as progress:
        if baseline is not None:
            before = read_baseline(
                *split_target(baseline),
                limits=limits,
                jobs=common.jobs,
                progress=progress,
                cache=memory,
            )
        analyses = analyze_several(
            targets,
            images=references,
            platform=platform,
            base=below,
            limits=limits,
            jobs=common.jobs,
            progress=progress,
            cache=memory,
        )
    for one in analyses:
        for image in one.images:
            if image.not_built_on is not None:
                session.warn(f"{image.name}: {image.not_built_on}")
    return analyses, before


def _may_write(path: str, force: bool, option: str) -> None:
    if path == "-":
        raise click.UsageError(f"{option} needs the name of a file")
    if os.path.lexists(path) and not force:
        raise click.UsageError(f"{path} is there already: --force replaces it")


def _write_baseline(path: str, check: Check) -> None:
    from oci_inspect.cli.output import write_whole
    from oci_inspect.render.check import baseline_document
    from oci_inspect.render.json import dumps

    document = baseline_document(one.image for one in check.images)
    write_whole(path, dumps(document).encode("utf-8"))


def _init(
    common: Common,
    archives: Sequence[str],
    references: Sequence[str],
    outputs: Sequence[str],
    base: str | None,
    force: bool,
) -> int:
    from oci_inspect.cli import session
    from oci_inspect.rules.rules_file import OWN, PROJECT, has_section
    from oci_inspect.rules.starting import starting_file

    place = outputs[0] if outputs else OWN
    if place != "-":
        _may_write(place, force, "--init")
    project = Path.cwd() / PROJECT
    if not outputs and not force and project.exists() and has_section(project):
        raise click.UsageError(f"{PROJECT} has rules already: --force writes {OWN} beside it")
    analyses, _ = _analyze(common, archives, references, [] if place == "-" else [place], base)
    text = starting_file([image for one in analyses for image in one.images])
    session.emit(replace(common, output=None if place == "-" else place), text)
    if place != "-" and not common.quiet:
        session.warn(f"{place}: written; 'oci-inspect check' keeps images to it")
    return 0
