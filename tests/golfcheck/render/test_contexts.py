"""The whole hostile corpus through every format of verify: the table of outputs in docs/security.md in one test."""

import csv
import io
import json
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

import pytest

from golfcheck.core.verdict import Verdict
from golfcheck.judging.config import FORMATS
from golfcheck.judging.verify import judge
from golfcheck.render.board_data import csv_cell
from golfcheck.render.page import Page
from golfcheck.submission.examined import examine
from golfcheck.submission.record import load
from tests.golfcheck import hostile_records


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> list[Verdict]:
    folders = hostile_records.write_all(tmp_path_factory.mktemp("records"))
    return [judge(examine(load(folder)), []) for folder in folders.values()]


def _lines(text: str) -> None:
    assert not hostile_records.obeyed(text)


def _json(text: str) -> None:
    assert json.loads(text)["verdicts"]


def _jsonl(text: str) -> None:
    assert all(json.loads(line)["path"] for line in text.splitlines())


def _sarif(text: str) -> None:
    assert 0 < len(json.loads(text)["runs"][0]["results"]) <= 25_000


def _junit(text: str) -> None:
    assert list(ElementTree.fromstring(text).iter("testcase"))


def _csv(text: str) -> None:
    rows = list(csv.reader(io.StringIO(text)))
    assert len({len(row) for row in rows}) == 1
    parts = [part for row in rows for cell in row for part in cell.split(";")]
    assert not [part for part in parts if re.match(r"\s*[=+@\t\r]|\s*-(?![0-9.])", part)]


def _github(text: str) -> None:
    for line in text.splitlines():
        assert re.match(r"::(?:error|warning|notice|group|endgroup)\b", line) or not re.match(
            r"\s*(?:::|##\[)", line
        ), line


def _markdown(text: str) -> None:
    outside = re.sub(r"(`+).*?\1", "", text, flags=re.DOTALL)
    assert not re.search(r"<(?!/?(?:details|summary|br|sub|sup|b|code|!--)\b|!--)[a-zA-Z!/]", outside)
    assert not re.search(r"\]\((?:javascript|data|file):", outside, re.IGNORECASE)


CHECKS: dict[str, Callable[[str], None]] = {
    "text": _lines, "concise": _lines, "json": _json, "jsonl": _jsonl, "sarif": _sarif, "junit": _junit, "csv": _csv,
    "github": _github, "markdown": _markdown,
}  # fmt: skip


@pytest.mark.parametrize("form", FORMATS)
def test_the_hostile_corpus_is_harmless_in_every_format(form: str, verdicts: list[Verdict]) -> None:
    render = import_module(f"golfcheck.render.verdict_{form}").render
    for some in (verdicts, *([verdict] for verdict in verdicts)):
        text = render(some, Page(verbose=True))
        _lines(text.replace("\r", ""))  # CSV ends its lines with CRLF
        assert "##[" not in text  # which a runner obeys anywhere in a line of a job's log
        assert form == "github" or not re.search(r"^\s*::", text, re.MULTILINE)
        CHECKS[form](text)


def test_each_output_of_the_table_names_a_test_that_is_there() -> None:
    root = Path(__file__).parents[3]
    named = re.findall(r"`(tests/[\w/.]+\.py)`", (root / "docs" / "security.md").read_text(encoding="utf-8"))
    assert len(named) > 10 and [name for name in named if not (root / name).is_file()] == []


@pytest.mark.parametrize(
    "text", ["=1", " =1", ";=1", "a;=1", "a; @SUM(1)", "=1;=2", ";;+1", "＝1", "-2+3+cmd|' /C calc'!A0"]
)
def test_no_cell_begins_like_a_formula_wherever_a_spreadsheet_divides_it(text: str) -> None:
    shown = csv_cell(text)
    assert shown.replace("'", "") == text.replace("'", "")
    assert not any(part.lstrip().startswith(tuple("=+-@＝＋－＠")) for part in shown.split(";"))
