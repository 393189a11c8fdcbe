"""The page of a record, and the pages of the files that it links to."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from golfcheck.board.model import Row
from golfcheck.core.outcome import MEANINGS
from golfcheck.core.verdict import Finding, Verdict
from golfcheck.live.curves import curves
from golfcheck.render.board_columns import title_of
from golfcheck.rules import RULES
from golfcheck.site import charts, recordnumbers
from golfcheck.site.boardpage import STATUS_MEANINGS, line_of
from golfcheck.site.codepage import code_runs, source_texts
from golfcheck.site.names import slugs
from golfcheck.site.recordnumbers import Cited
from golfcheck.site.template import page
from golfcheck.site.textpage import Citations, Shown, shown_code, shown_lines
from golfcheck.submission import bounded
from golfcheck.submission.examined import results
from golfcheck.submission.logtext import LogText
from golfcheck.submission.record import Record
from golfcheck.submission.results import distinct_runs

_LOGS = 24  # with a page of at most 1 MB each; real records have up to nine
_RUNS = 64  # drawn and listed; real records have up to nine
_SOURCES = 24  # with one page each, two for packed ones
_BLURB_CHARS = 2_000
_ROOT = "../../"
_GITHUB_LOGIN = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}")
_RULES = {rule.name: rule for rule in RULES}


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding, its location, and the paragraphs of its rule's documentation."""

    finding: Finding
    label: str
    location: Cited | None
    doc: tuple[str, ...]


def record_pages(
    row: Row, record: Record, rival: str | None = None, pull: Cited | None = None
) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of the record's pages: `index.html` and one for each file that it links to.

    `rival` is the address, from the root of the site, of the record to beat; `pull` is the pull request.
    """
    sources = source_texts(record.sources[:_SOURCES])
    cite = Citations(_page_names(record, [title for title, _, _ in sources]))
    runs = results(record)
    drawn = curves(record)[:_RUNS]
    title = title_of(row)
    main = page(
        "record.html",
        root=_ROOT,
        title=title,
        row=row,
        line=line_of(row, ""),
        verdict=row.verdict,
        status_meaning=STATUS_MEANINGS[row.status] if row.status else "",
        outcome_meaning=MEANINGS[row.outcome],
        github=_github(record),
        pull=pull,
        blurb=_blurb(record),
        rival=rival,
        facts=recordnumbers.facts(row, record, runs, cite),
        charts=charts.losses(drawn, cite.href),
        legend=charts.legend(drawn),
        seed_columns=recordnumbers.SEED_COLUMNS,
        seeds=[
            (result.log.path, cite.href(result.log.path, None), recordnumbers.seed_row(result, cite))
            for result in runs[:_RUNS]
        ],
        more_seeds=max(len(runs) - _RUNS, 0),
        findings=[_shown(finding, cite) for finding in _sorted(row.verdict)],
        ledger=recordnumbers.ledger(row.verdict, record, runs, cite),
        settings=recordnumbers.settings(record, cite),
        files=list(cite.pages.items()),
    )
    yield "index.html", main
    texts = {title: (text, note) for title, text, note in sources}
    for path, name in cite.pages.items():
        cited = cite.cited.get(path, set())
        lines: list[Shown] = []
        text, note = texts.get(path, (None, ""))
        if text is not None:
            lines = list(shown_code(code_runs(text.decode("utf-8", "replace")), cited))
        else:
            with contextlib.suppress(OSError, bounded.UnreadableError):  # it existed when the record was read
                lines = list(shown_lines(LogText.open(record.path, path), cited))
        yield name, page("text.html", root=_ROOT, title=path, record=title, path=path, note=note, lines=lines)


def _page_names(record: Record, sources: Sequence[str]) -> dict[str, str]:
    logs = list(dict.fromkeys(log.path for log, _ in distinct_runs(record)))[:_LOGS]
    paths = [*logs, *([record.submission.path] if record.submission else []), *sources]
    paths = list(dict.fromkeys(paths))
    return {path: f"file-{slug}.html" for path, slug in zip(paths, slugs(paths, "log"), strict=True)}


def _github(record: Record) -> str:
    """Return the author's GitHub login, if submission.json states a valid one."""
    login = record.submission.github_id if record.submission else None
    return login if login and _GITHUB_LOGIN.fullmatch(login) else ""


def _blurb(record: Record) -> str:
    """Return the blurb in submission.json."""
    blurb = record.submission.raw.get("blurb") if record.submission else None
    return blurb[:_BLURB_CHARS] if isinstance(blurb, str) else ""


def _sorted(verdict: Verdict) -> list[Finding]:
    """Return the findings, most severe first, waived ones last."""
    return sorted(verdict.findings, key=lambda finding: (finding.waived is not None, -finding.severity))


def _shown(finding: Finding, cite: Citations) -> ShownFinding:
    doc = _RULES[finding.rule].doc if finding.rule in _RULES else ""
    location = f"{finding.path}:{finding.line}" if finding.line else finding.path
    return ShownFinding(
        finding,
        "waived" if finding.waived is not None else finding.severity.label,
        Cited(location, cite.href(finding.path, finding.line)) if location else None,
        tuple(" ".join(part.split()) for part in doc.split("\n\n") if part.strip()),
    )
