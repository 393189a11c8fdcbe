"""`golfcheck leaderboard`: formats, filters, markers, an author's standing, and strings that have no effect."""

import csv
import io
import json
import re
import unicodedata
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from golfcheck import cli
from golfcheck.board.model import Board, Row, Status, ranked
from golfcheck.core import schema
from golfcheck.core.markers import BEGIN, END
from golfcheck.core.text import width
from golfcheck.judging.decisions import Ruling, RulingKind
from golfcheck.render import board_data, board_markdown, board_text
from golfcheck.render.board_columns import COLUMNS
from golfcheck.render.page import Page
from tests.golfcheck import hostile_records
from tests.golfcheck.hostile_text import PAYLOADS
from tests.golfcheck.valid_record import write
from tests.golfcheck.verdicts import a_verdict

Capture = pytest.CaptureFixture[str]
DAY = date(2026, 6, 1)


pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def run(capsys: Capture, *arguments: object, code: int = 0) -> str:
    assert cli.main(["leaderboard", *map(str, arguments)]) == code
    return capsys.readouterr().out


def names(out: str) -> list[str]:
    """Return the records of a text table, from top to bottom."""
    return re.findall(r"\b(First|Better|Worse)$", out, re.MULTILINE)


# What is shown


def test_the_board_is_ranked_and_marks_who_was_the_record(tree: Path, capsys: Capture) -> None:
    out = run(capsys, tree)
    assert names(out) == ["Better", "Worse", "First"]
    first, *rest = out.splitlines()
    assert first.split()[:4] == ["#", "val_bpb", "Δ", "bpb"]
    assert rest[0].split()[:3] == ["1*", "1.09474", "-0.02000"] and "15,800,101" in rest[0]
    assert rest[1].startswith("2 ") and "+0.01000" in rest[1]
    assert "3 records; * was the record (2)" in out


def test_rows_are_filtered_and_sorted(tree: Path, capsys: Capture) -> None:
    assert names(run(capsys, tree, "--filter", "held:yes")) == ["Better", "First"]
    assert names(run(capsys, tree, "--sort", "date")) == ["First", "Better", "Worse"]
    assert names(run(capsys, tree, "--sort", "bpb", "--reverse")) == ["First", "Worse", "Better"]
    assert "1 of 3 records" in run(capsys, tree, "--filter", "after:2026-06-03")


def test_the_frontier_is_listed_by_date_with_reasons(tree: Path, capsys: Capture) -> None:
    out = run(capsys, tree, "--frontier")
    assert names(out) == ["First", "Better"]
    assert "there was no record to beat" in out
    assert names(run(capsys, tree, "--frontier", "--as-of", "2026-06-01")) == ["First"]


def test_why_says_what_each_lacked(tree: Path, capsys: Capture) -> None:
    assert "no gain over Better" in run(capsys, tree, "--why")
    assert "no gain over Better" in run(capsys, tree, "--why", "--format", "markdown")
    assert "no gain over Better" not in run(capsys, tree)


def test_an_author_sees_rank_gap_and_the_score_that_the_next_record_needs(tree: Path, capsys: Capture) -> None:
    out = run(capsys, tree, "--me", "a. golfer")
    assert "A. Golfer: rank 1 of 3 with 1.09474 bpb (Better); 2 more on the board" in out
    # 0.005 nats per token are 0.00296 bpb for sp1024
    assert "the next record: below 1.09177 bpb with p < 0.01" in out and "0.00296 bpb" in out
    assert "no record with a score is by that author - did you mean" in error(capsys, tree, "--me", "A. Golfr")


def test_the_gap_to_the_first_is_shown_in_both_units(tree: Path, capsys: Capture) -> None:
    path = tree / "track_10min_16mb" / "2026-06-03_Worse" / "submission.json"
    path.write_text(path.read_text().replace("A. Golfer", "Ann").replace('"golfer"', '"ann"'))
    assert "to rank 1: +0.01000 bpb, +0.01688 nats per token of yours behind Better" in run(capsys, tree, "--me", "ann")


def test_records_of_one_login_are_one_authors_however_the_name_is_written(tree: Path, capsys: Capture) -> None:
    path = tree / "track_10min_16mb" / "2026-06-03_Worse" / "submission.json"
    path.write_text(path.read_text().replace("A. Golfer", "Anna Golfer"))
    for author in ("anna golfer", "A. Golfer", "GOLFER"):
        assert "rank 1 of 3 with 1.09474 bpb (Better); 2 more on the board" in run(capsys, tree, "--me", author)
    for text in ("author:golfer", "author:anna", 'author:"a. golfer"', "anna"):
        assert len(names(run(capsys, tree, "--filter", text))) == 3, text
    assert len(names(run(capsys, tree, "--filter", "bpb:>0 -author:anna"))) == 0
    assert {row["github_id"] for row in json.loads(run(capsys, tree, "--format", "json"))["rows"]} == {"golfer"}


def test_against_a_record_all_differences_are_to_it(tree: Path, capsys: Capture) -> None:
    baseline = tree / "track_10min_16mb" / "2026-06-03_Worse"
    rows = {
        row["name"]: row for row in json.loads(run(capsys, tree, "--against", baseline, "--format", "json"))["rows"]
    }
    assert rows["Better"]["delta_bpb"] == pytest.approx(-0.01) and rows["Better"]["p"] < 1e-3
    assert rows["First"]["delta_bpb"] == pytest.approx(+0.01) and rows["First"]["p"] > 0.99
    assert rows["Worse"]["delta_bpb"] is None


def error(capsys: Capture, *arguments: object) -> str:
    assert cli.main(["leaderboard", *map(str, arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    "arguments",
    [
        ["none"],
        ["--filter", "bpb:<x"],
        ["--sort", "bbp"],
        ["--as-of", "today"],
        ["--check"],
        ["--format", "html"],
        ["--format", "json", "--me", "ann"],
        ["--write", "board.md", "--me", "ann"],
        ["--write", "board.md", "--format", "csv"],
        ["--write", "board.md", "-o", "board.txt"],
        ["--against", "none"],
        ["--ignore", "no-such-rule"],
        ["--write", "none.md"],
    ],
    ids=" ".join,
)
def test_invalid_arguments_give_one_line(arguments: list[str], tree: Path, capsys: Capture) -> None:
    error(capsys, tree, *arguments)


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 120, 160, 200])
def test_columns_fall_away_on_a_narrow_terminal_the_least_important_first(columns: int) -> None:
    board = a_board(a_row(), a_row(path="records/x", name="y" * 300, author="z" * 90))
    lines = board_text.render(board, board.rows, Page(columns)).splitlines()
    assert max(map(width, lines)) <= max(columns, 52)  # rank, score and name stay
    titles = lines[0]
    shown = set(re.split(r" {2,}", titles.strip()))
    falls = {column.title: column.falls for column in COLUMNS}
    remaining, gone = (max(falls[t] for t in shown), min((falls[t] for t in falls.keys() - shown), default=99))
    assert remaining < gone and {"#", "val_bpb", "record"} <= shown


# Formats


def test_the_json_format_fulfils_its_schema(tree: Path, capsys: Capture) -> None:
    ruling = {"record": "track_10min_16mb/2026-06-02_Better", "ruling": "waived", "by": "m", "on": "2026-06-09"}
    (tree / "decisions.json").write_text(json.dumps({"decisions": [{**ruling, "why": "w", "rules": ["thin-margin"]}]}))
    document = json.loads(run(capsys, tree, "--format", "json", "--as-of", "2026-06-09"))
    assert schema.violations("board", document) == []
    assert [row["rank"] for row in document["rows"]] == [1, 2, 3]
    assert [Path(path).name for path in document["frontier"]] == ["2026-06-01_First", "2026-06-02_Better"]
    assert document["rows"][0]["rulings"][0]["rules"] == ["thin-margin"]
    assert set(board_data.FIELDS) | {"rulings"} == set(schema.load("board")["$defs"]["row"]["properties"])


def test_the_csv_format_has_a_line_for_each_row_and_no_formula(tree: Path, capsys: Capture) -> None:
    rows = list(csv.DictReader(io.StringIO(run(capsys, tree, "--format", "csv"))))
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    assert float(rows[0]["delta_bpb"]) == pytest.approx(-0.02)  # a number is not taken for a formula
    for attack in ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", " =1", "＝1+1", "\t=1", "\r=1"):
        (row,) = csv.DictReader(io.StringIO(board_data.render_csv([a_row(name=attack)])))
        assert row["name"].startswith("'") or not row["name"].lstrip().startswith(tuple("=+-@＝"))


@pytest.mark.parametrize("label", PAYLOADS)
def test_no_string_of_a_stranger_changes_the_form_of_a_board(label: str) -> None:
    payload = PAYLOADS[label]
    ruling = Ruling("x", RulingKind.INCLUDED, payload, DAY, payload)
    plain = a_board(a_row(rulings=(replace(ruling, by="m", why="w"),), reason="r"), a_row(path="p"))
    changed, path = {"name": payload, "author": payload}, payload.encode("utf-8", "replace").decode()
    hostile = a_board(a_row(rulings=(ruling,), reason=payload, **changed), a_row(path=path, **changed))
    for draw in (
        lambda board: board_text.render(board, board.rows, Page(120), why=True),
        lambda board: board_markdown.render(board, board.rows, why=True, from_file=Path("/x/README.md")),
        lambda board: board_data.render_csv(board.rows),
        lambda board: board_data.render_json(board, board.rows),
    ):
        drawn = draw(hostile)
        assert hostile_records.obeyed(drawn) == set()
    lines = board_markdown.render(hostile, hostile.rows, why=True, from_file=Path("/x/README.md")).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(lines) == len(board_markdown.render(plain, plain.rows, why=True).splitlines())
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table} == {len(COLUMNS) + 2}
    assert not re.search(r"<(img|script|http)", re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", "\n".join(lines)))
    rows = list(csv.reader(io.StringIO(board_data.render_csv(hostile.rows))))
    assert {len(row) for row in rows} == {len(board_data.FIELDS) + 1} and len(rows) == 3
    first, *rest = board_text.render(hostile, hostile.rows, Page(120)).splitlines()
    assert first.split()[0] == "#" and sum(line.lstrip()[:1] in "1-" for line in rest if line.strip()) >= 2


def test_hostile_records_on_the_disk_are_ranked_and_printed_in_every_format(tmp_path: Path, capsys: Capture) -> None:
    hostile_records.write_all(tmp_path / "records")
    for form in ("text", "markdown", "csv", "json"):
        out = run(capsys, tmp_path / "records", "--format", form, "--why", "--no-cache")
        assert hostile_records.obeyed(out) == set()
        assert not {c for c in out if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c != "\n"}


def test_lines_of_the_terminal_are_ascii_where_it_has_no_more() -> None:
    board = a_board(a_row(name="é"))
    assert board_text.render(board, board.rows, Page(200, ascii=True)).isascii()


# Markers


def test_the_table_is_written_between_markers_and_check_says_when_it_is_stale(tree: Path, capsys: Capture) -> None:
    page = tree / "README.md"
    page.write_text(f"# Mine\n\n{BEGIN}\nold\n{END}\n\nby hand é\n")
    stale = run(capsys, tree, "--write", page, "--check", code=1)
    assert stale == "" and "old" in page.read_text()
    run(capsys, tree, "--write", page)
    written = page.read_text()
    assert written.startswith(f"# Mine\n\n{BEGIN}\n| # |") and written.endswith(f"\n{END}\n\nby hand é\n")
    assert "[`Better`](track_10min_16mb/2026-06-02_Better)" in written
    run(capsys, tree, "--write", page, "--check")
    run(capsys, tree, "--write", page, "--no-cache")
    assert page.read_text() == written
    write(tree, "2026-06-04_New", -0.03)
    run(capsys, tree, "--write", page, "--check", code=1)


@pytest.mark.parametrize(
    "content", ["", BEGIN, f"{END}\n{BEGIN}", f"{BEGIN}\n{BEGIN}\n{END}", f"{BEGIN}\n{END}\n{END}"]
)
def test_a_file_without_its_markers_once_in_their_order_is_left_alone(
    content: str, tree: Path, capsys: Capture
) -> None:
    page = tree / "README.md"
    page.write_text(content)
    assert "expected the line" in error(capsys, tree, "--write", page)
    assert page.read_text() == content


def test_a_hostile_record_cannot_end_the_generated_part(tmp_path: Path, capsys: Capture) -> None:
    draft_name = f"x {END} y"
    folder = write(tmp_path / "records", "2026-06-01_First", 0.0)
    path = folder / "submission.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"name": draft_name}))
    page = tmp_path / "README.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    run(capsys, tmp_path / "records", "--write", page)
    run(capsys, tmp_path / "records", "--write", page, "--check")


def a_row(*, rulings: tuple[Ruling, ...] = (), reason: str = "", **changes: object) -> Row:
    verdict = a_verdict(**changes)
    return Row(
        verdict, None, 1.1, Status.LOGGED, (1.1, 1.1), (2.0, 2.0), reason=reason, rulings=rulings, p=0.1, delta_bpb=-0.1
    )


def a_board(*rows: Row) -> Board:
    return Board("written", None, ranked(rows))


def test_a_filter_that_begins_with_a_dash_says_how_to_write_it(tree: Path, capsys: Capture) -> None:
    said = error(capsys, tree, "--filter", "-author:golfer")
    assert "expected one argument (if it begins with a dash: --filter=-...)" in said
    assert len(names(run(capsys, tree, "--filter=-author:ann"))) == 3
