"""`golfcheck explain`: what a rule checks, why, and how to fix it; alone, a line for every rule."""

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from golfcheck.render.page import Page
    from golfcheck.rules.rule import Rule

HELP = "say what a rule checks, why, and how to fix it, or list all rules"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the rule."""
    parser.add_argument(
        "rule", nargs="?", metavar="RULE", help="a rule, a family, a verdict or a ruleset; default: all"
    )


def run(args: argparse.Namespace) -> int:
    """Print one rule, one family, one verdict or ruleset, or everything."""
    from golfcheck.core.errors import UsageError
    from golfcheck.core.suggest import suggestion
    from golfcheck.core.terminal import columns, only_ascii, wants_color
    from golfcheck.render.page import Page
    from golfcheck.rules import RULES

    page = Page(columns(sys.stdout), wants_color(sys.stdout), only_ascii(sys.stdout))
    families = {rule.family: [other for other in RULES if other.family == rule.family] for rule in RULES}
    rules = {rule.name: rule for rule in RULES}
    words = {**_verdicts(), **_rulesets()}
    if args.rule in rules:
        lines = _one(rules[args.rule], page)
    elif args.rule in families:
        lines = [line for rule in families[args.rule] for line in (*_one(rule, page), "", "")]
    elif args.rule in words:
        lines = page.prose(words[args.rule], f"{page.paint(args.rule, 'bold')}   ", "  ")
    elif args.rule is None:
        lines = _all(families, page)
    else:
        hint = suggestion(args.rule, [*rules, *families, *words])
        raise UsageError(
            f"explain: no rule, family, verdict or ruleset {args.rule!r}{hint}; golfcheck explain lists them"
        )
    sys.stdout.write(page.text(lines))
    return 0


def _verdicts() -> dict[str, str]:
    """Return what each verdict means."""
    from golfcheck.core.outcome import MEANINGS

    return {str(outcome): meaning for outcome, meaning in MEANINGS.items()}


def _rulesets() -> dict[str, str]:
    """Return what each ruleset requires of a record's gain."""
    from golfcheck.core.ruleset import RULESETS

    meanings = {}
    for ruleset in RULESETS.values():
        gain = f"a gain above {ruleset.margin_nats:g} nats per token" if ruleset.margin_nats else "a gain above 0"
        meanings[ruleset.name] = f"{gain} at p < {ruleset.alpha:g} ({ruleset.source})"
    return meanings


def _one(rule: "Rule", page: "Page") -> list[str]:
    from golfcheck.rules.seen import seen

    head = f"{page.paint(rule.name, 'bold')}   {page.paint(rule.severity.label, rule.severity.label)}   {rule.family}"
    lines = [head]
    for paragraph in rule.doc.split("\n\n"):
        lines += ["", *page.prose(" ".join(paragraph.split()), "  ", "  ")]
    waiver = f'"golfcheck": {{"ignore": {{"{rule.name}": "why it does not apply"}}}}'
    return [
        *lines,
        "",
        *page.prose(rule.example, "  example ", " " * 10),
        *page.prose(rule.hint, "  fix     ", " " * 10),
        f"  seen    {seen(rule.name)}",
        page.paint(f"  skip    golfcheck verify --ignore {rule.name}", "dim"),
        page.paint(f"  waive   {waiver} in submission.json", "dim"),
    ]


def _all(families: "dict[str, list[Rule]]", page: "Page") -> list[str]:
    """Return every rule with the first line of its documentation; then verdicts, rulesets, formats and filters."""
    from golfcheck.core.text import fit
    from golfcheck.judging.config import FORMATS

    names = max(len(rule.name) for rules in families.values() for rule in rules)
    lines = []
    for family, rules in families.items():
        lines.append(page.paint(family, "bold"))
        for rule in rules:
            about = fit(rule.doc.partition("\n")[0], max(20, page.columns - names - 14))
            word = page.paint(f"{rule.severity.label:<7}", rule.severity.label)
            lines.append(f"  {rule.name:<{names}}  {word}  {about}")
        lines.append("")
    lines.append(page.paint("verdicts", "bold"))
    lines += [f"  {word:<{names}}  {meaning}" for word, meaning in _verdicts().items()]
    lines += ["", page.paint("rulesets (--ruleset)", "bold")]
    lines += [f"  {name:<{names}}  {meaning}" for name, meaning in _rulesets().items()]
    lines += ["", page.paint("formats (--format)", "bold")]
    lines += [f"  {name:<{names}}  {about}" for name, about in FORMATS.items()]
    lines += ["", page.paint("filters (leaderboard --filter, / in tui); all terms must match", "bold")]
    for example, about in _terms():
        lines += page.prose(about, f"  {example:<{names}}  ", " " * (names + 4))
    return [*lines, "", f"{sum(map(len, families.values()))} rules; golfcheck explain RULE says more"]


def _terms() -> "Iterator[tuple[str, str]]":
    """Yield an example of each term of a filter, and what it means."""
    from golfcheck.board.keys import KEYS

    yield 'gptq "sliding window"', "in name, author or path; case is ignored"
    yield "-verdict:invalid", "everything that the term does not match"
    yield "bpb:1.07..1.08", "a range, including both ends; a single number matches what rounds to it"
    for key in KEYS.values():
        yield key.example, f"{key.meaning}: {', '.join(key.words)}" if key.words else key.meaning
