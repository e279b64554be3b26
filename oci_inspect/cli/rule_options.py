"""Rules as options of the command line, made of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from oci_inspect.rules.catalogue import CATALOGUE, Kind, Rule

if TYPE_CHECKING:
    from oci_inspect.rules.dive_ci import DiveRules
    from oci_inspect.rules.model import Level, Setting

F = TypeVar("F", bound=Callable[..., Any])

_METAVARS = {
    Kind.SIZE: "SIZE",
    Kind.COUNT: "N",
    Kind.SHARE: "PERCENT",
    Kind.GROWTH: "SIZE|PERCENT",
    Kind.GLOBS: "PATTERN",
    Kind.LABELS: "NAME[=VALUE]",
    Kind.FINDINGS: "FINDING",
    Kind.NAMES: "NAME",
}


def rule_options(function: F) -> F:
    """Give a command an option for every rule; their values go to :func:`settings_of`."""
    for rule in reversed(CATALOGUE.values()):
        function = _option(rule)(function)
    return function


def _option(rule: Rule) -> Callable[[F], F]:
    if rule.kind is Kind.FLAG:
        return click.option(f"--{rule.name}", is_flag=True, help=rule.help)
    more = "  May be given several times." if rule.several else ""
    return click.option(
        f"--{rule.name}", multiple=True, metavar=_METAVARS[rule.kind], help=rule.help + more
    )


def settings_of(arguments: Mapping[str, Any]) -> list[Setting]:
    """What the options ask for. Raises :class:`click.BadParameter`."""
    from oci_inspect.rules.model import Setting
    from oci_inspect.rules.values import ValueProblem, parse_value

    settings = []
    for rule in CATALOGUE.values():
        given = arguments[rule.name.replace("-", "_")]
        if rule.kind is Kind.FLAG:
            if given:
                settings.append(Setting(rule.name, True))
            continue
        if not given:
            continue
        if not rule.several and len(given) > 1:
            raise click.BadParameter("it is given twice", param_hint=f"--{rule.name}")
        value: Any = list(given) if rule.several else given[0]
        if rule.name == "allow-setuid":  # --allow-setuid '' allows none
            value = [one for one in value if one]
        try:
            settings.append(Setting(rule.name, parse_value(rule, value)))
        except ValueProblem as problem:
            raise click.BadParameter(str(problem), param_hint=f"--{rule.name}") from problem
    return settings


def parse_levels(texts: Iterable[str]) -> dict[str, Level]:
    """What ``--level RULE=LEVEL`` says, by rule. Raises :class:`click.BadParameter`."""
    from oci_inspect.rules.dive_ci import DESCRIPTIONS
    from oci_inspect.rules.values import ValueProblem, close_to, parse_level

    levels: dict[str, Level] = {}
    for text in texts:
        name, equals, word = text.partition("=")
        if not (name in CATALOGUE or name in DESCRIPTIONS) or not equals:
            near = close_to(name, CATALOGUE)
            raise _bad(f"{text!r} is not RULE=LEVEL, as in max-size=warning{near}")
        if name in levels:
            raise _bad(f"{name} is given twice")
        try:
            levels[name] = parse_level(word)
        except ValueProblem as problem:
            raise _bad(str(problem)) from problem
    return levels


def with_levels(
    settings: Iterable[Setting], dive: DiveRules | None, levels: Mapping[str, Level]
) -> tuple[list[Setting], DiveRules | None]:
    """The settings, and dive's rules, with their levels. Raises :class:`click.BadParameter`."""
    from oci_inspect.rules.effective import DEFAULT
    from oci_inspect.rules.model import Level

    result = list(settings)
    of_dive = {name: level for name, level in levels.items() if name not in CATALOGUE}
    if of_dive and dive is None:
        raise _bad(f"no rule {next(iter(of_dive))} is asked for: --dive-ci names a file of them")
    for name, level in levels.items():
        if name in of_dive:
            continue
        if name == DEFAULT.rule and not any(
            one.rule == name and one.images is None for one in result
        ):
            result.insert(0, DEFAULT)
        if not any(one.rule == name for one in result):
            raise _bad(f"no rule {name} is asked for")
        for i, one in enumerate(result):
            if one.rule == name:
                if one.value is None and level is not Level.OFF:
                    raise _bad(f"{name} has no value: it is switched off in {one.source.path}")
                result[i] = replace(one, level=level)
    return result, None if dive is None else dive.with_levels(of_dive)


def check_conflicts(settings: list[Setting]) -> None:
    """Raise :class:`RulesError` where the file and the command line contradict each other."""
    from oci_inspect.errors import RulesError
    from oci_inspect.rules.conflicts import conflicts

    patterns = [None, *dict.fromkeys(one.images for one in settings if one.images is not None)]
    told = []
    for one, text in conflicts(settings, patterns):
        source = one.source
        place = f"{source.path}:{source.line}" if source.path else f"--{one.rule}"
        told.append(f"{place}: {text}")
    if told:
        raise RulesError(tuple(told))


def _bad(text: str) -> click.BadParameter:
    return click.BadParameter(text, param_hint="--level")
