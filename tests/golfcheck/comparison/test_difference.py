"""`golfcheck diff`: what is compared, what is printed, and that no record can do harm."""

import base64
import json
import lzma
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfcheck import cli
from golfcheck.comparison.codediff import CodeDiff
from golfcheck.comparison.difference import Difference, FindingRow, Printed, SettingRow, Side, difference
from golfcheck.comparison.gain import gain_over, sample
from golfcheck.comparison.patience import hunks
from golfcheck.core import schema
from golfcheck.core.text import width
from golfcheck.judging.verify import verify
from golfcheck.render import diff_data, diff_markdown
from golfcheck.render import diff_text as text_format
from golfcheck.render.page import Page
from golfcheck.submission.discover import record_folders
from golfcheck.submission.record import load
from tests.clock import HANG_SECONDS, cpu_seconds
from tests.conftest import ROOT
from tests.golfcheck import hostile_records
from tests.golfcheck.hostile_text import PAYLOADS
from tests.golfcheck.valid_record import Draft
from tests.golfcheck.verdicts import RECORD, TIME, a_verdict

PAGE = Page(columns=100)


def compared(*folders: Path) -> Difference:
    records = [load(folder) for folder in folders]
    return difference(records, [verify(record) for record in records])


def pair(root: Path, one: Draft, other: Draft) -> Difference:
    return compared(one.write(root / "a"), other.write(root / "b"))


def printed(draft: Draft, **settings: str) -> Draft:
    """Let the logs print settings in a line of their own; a value of several words, separated by /, is one per log."""
    for index, path in enumerate(path for path in draft.files if path.endswith(".log")):
        words = [f"{name}:{value.split('/')[index % len(value.split('/'))]}" for name, value in settings.items()]
        draft.edit(path, "world_size:8", " ".join(words) + "\nworld_size:8")
    return draft


def packed(script: bytes) -> bytes:
    data = base64.b85encode(lzma.compress(script)).decode()
    return f'import base64, lzma\nexec(lzma.decompress(base64.b85decode("{data}")))\n'.encode()


# Settings.


def test_settings_that_differ_are_shown_with_both_values_and_their_lines(tmp_path: Path):
    one, other = printed(Draft(), matrix_lr="0.04", warmup="20"), printed(Draft(), matrix_lr="0.02", warmup="20")
    result = pair(tmp_path, one, other)
    (row,) = result.settings
    assert row.name == "matrix_lr"
    for side, value, draft in zip(row.printed, ("0.04", "0.02"), (one, other), strict=True):
        assert side is not None
        assert side.value == value
        assert f"matrix_lr:{value}".encode() in draft.files[side.path].split(b"\n")[side.line - 1]


def test_settings_that_only_one_prints_are_shown(tmp_path: Path):
    result = pair(tmp_path, printed(Draft(), ema="0.99"), printed(Draft(), swa="1"))
    assert [(row.name, [side and side.value for side in row.printed]) for row in result.settings] == [
        ("ema", ["0.99", None]),
        ("swa", [None, "1"]),
    ]


@pytest.mark.parametrize(
    ("one", "other"), [("0.04", "4e-2"), ("600.000", "600"), ("True", "true"), ("1e9", "1000000000")]
)
def test_one_value_written_in_two_ways_is_not_a_difference(tmp_path: Path, one: str, other: str):
    assert not pair(tmp_path, printed(Draft(), x=one), printed(Draft(), x=other)).settings


@pytest.mark.parametrize(
    ("one", "other"), [("12345678901234567", "12345678901234568"), ("nan", "0"), ("1", "True"), ("a", "b")]
)
def test_values_that_differ_at_all_are_a_difference(tmp_path: Path, one: str, other: str):
    assert pair(tmp_path, printed(Draft(), x=one), printed(Draft(), x=other)).settings


def test_settings_that_tell_the_runs_of_one_record_apart_are_not_compared(tmp_path: Path):
    result = pair(tmp_path, printed(Draft(), note="a/b/c", run_id="r1"), printed(Draft(), note="d", run_id="r2"))
    assert set(result.varying) == {"note", "run_id", "seed"}
    assert not result.settings


def test_four_records_have_one_table_of_settings(tmp_path: Path):
    values = ("0.04", "0.04", "0.02", "0.01")
    folders = [printed(Draft(), lr=value).write(tmp_path / str(index)) for index, value in enumerate(values)]
    result = compared(*folders)
    assert [[side and side.value for side in row.printed] for row in result.settings] == [list(values)]
    assert result.code == ()  # of pairs only
    assert [side.gain is None for side in result.sides] == [True, False, False, False]


# Code.


def test_packed_code_is_compared_unwrapped(tmp_path: Path):
    script = Draft().script
    result = pair(tmp_path, Draft(script=packed(script)), Draft(script=packed(script.replace(b"1337", b"42"))))
    (code,) = result.code
    assert (code.added, code.removed) == (1, 1)
    assert code.first == "train_gpt.py (lzma+base85, unwrapped)"
    signs = [line.sign + line.text for hunk in code.hunks for line in hunk.lines if line.sign != " "]
    assert signs == ["-    torch.manual_seed(1337)", "+    torch.manual_seed(42)"]


def test_a_packed_script_and_the_same_one_unpacked_are_the_same_text(tmp_path: Path):
    (code,) = pair(tmp_path, Draft(), Draft(script=packed(Draft().script))).code
    assert code.hunks == ()
    assert text_format.code_title(code).endswith("the same text")


def test_line_ends_and_a_byte_order_mark_are_no_difference(tmp_path: Path):
    script = Draft().script
    (code,) = pair(tmp_path, Draft(), Draft(script=b"\xef\xbb\xbf" + script.replace(b"\n", b"\r\n"))).code
    assert code.hunks == ()


def test_main_scripts_are_a_pair_whatever_their_names_and_other_files_by_theirs(tmp_path: Path):
    one, other = Draft(), Draft(script=b"import muon\nimport data\n")
    one.files["train_gpt.py"] = b"import muon\n"
    one.files["muon.py"] = b"lr = 1\n"
    other.files["train.py"] = other.files.pop("train_gpt.py")
    other.files["muon.py"] = b"lr = 2\n"
    other.files["data.py"] = b"shards = 3\n"
    names = [(code.first, code.second, code.added, code.removed) for code in pair(tmp_path, one, other).code]
    assert names == [("train_gpt.py", "train.py", 1, 0), ("muon.py", "muon.py", 1, 1), (None, "data.py", 1, 0)]


def test_the_source_in_a_log_stands_in_for_a_script_that_the_folder_lacks(tmp_path: Path):
    script = b'"""Train."""\n' + b"import torch\n" * 5 + b"def main():\n    return torch\n" * 20
    one, other = Draft(script=script), Draft(script=script.replace(b"return torch", b"return None", 1))
    del one.files["train_gpt.py"]
    assert load(one.write(tmp_path / "dumped")).logs[0].dumps
    (code,) = pair(tmp_path, one, other).code
    assert code.first is not None and code.first.startswith("source in train_seed")
    assert (code.added, code.removed) == (1, 1)


def test_code_that_cannot_be_unwrapped_is_reported_as_packed(tmp_path: Path):
    opaque = b"import zlib, os\nexec(zlib.decompress(os.environ['X'].encode()))\n"
    (code,) = pair(tmp_path, Draft(), Draft(script=opaque)).code
    assert code.second is not None and "still packed" in code.second
    assert any("still packed" in note for note in code.notes)


def test_two_scripts_of_80_kb_do_not_take_quadratic_time(tmp_path: Path):
    lines = [f"    x{i % 611} = layer_{i}(x{i % 97})" if i % 4 else "" for i in range(4_000)]
    one = "\n".join(lines).encode()
    other = "\n".join(
        f"{line}  # new" if i % 9 == 0 else line for i, line in enumerate(lines[200:] + lines[:200])
    ).encode()
    assert min(len(one), len(other)) > 80_000
    records = [load(Draft(script=script).write(tmp_path / str(len(script)))) for script in (one, other)]
    verdicts = [verify(record) for record in records]
    (code,) = difference(records, verdicts).code
    assert (
        cpu_seconds(partial(difference, records, verdicts), 2) < 2
    )  # 0.02 s (tests/bench/bench_diff.py); minutes where it is quadratic
    assert 400 <= code.added <= 1_000


# Scores, and findings.


def test_the_gain_is_that_of_b_over_a(tmp_path: Path):
    result = pair(tmp_path, Draft(), Draft(bpb_shift=-0.01))
    gain = result.sides[1].gain
    assert gain is not None and gain.delta_bpb == pytest.approx(-0.01)
    assert "B gains on A: Welch t -" in text_format.render(result, PAGE)


def test_a_record_without_a_score_has_no_test_and_is_still_compared(tmp_path: Path):
    without = Draft()
    for path in [path for path in without.files if path.endswith(".log")]:
        del without.files[path]
    text = text_format.render(pair(tmp_path, Draft(), without), PAGE)
    assert "no test: not both have a score in their logs" in text
    assert re.search(r"val_bpb, mean +1\.11474 +-\n", text)


@pytest.mark.parametrize(
    ("lacks", "message"), [("a", "A has no script"), ("b", "B has no script"), ("ab", "A and B have no script")]
)
def test_the_record_without_code_to_compare_is_named(tmp_path: Path, lacks: str, message: str):
    records = [load(Draft().write(tmp_path / letter)) for letter in "ab"]
    for index in ("ab".index(letter) for letter in lacks):
        logs = tuple(replace(log, dumps=()) for log in records[index].logs)
        records[index] = replace(records[index], sources=(), logs=logs)
    result = difference(records, [verify(record) for record in records])
    assert result.code == ()
    for out in (text_format.render(result, PAGE), diff_markdown.render(result)):
        assert f"not compared: {message}, and no log with its source" in out


def test_the_day_of_a_record_is_the_boards_and_where_the_json_says_another_that_is_a_finding(tmp_path: Path):
    draft = Draft(folder="2026-06-02_Late")
    draft.set(date="2026-05-30")
    result = pair(tmp_path, Draft(folder="2026-06-01_Other"), draft)
    text = text_format.render(result, PAGE)
    assert re.search(r"^A  .* 2026-06-01$", text, re.MULTILINE) and re.search(r"^B  .* 2026-06-02$", text, re.MULTILINE)
    assert "submission.json says 2026-05-30, the folder 2026-06-02" in text


@pytest.mark.parametrize("columns", [60, 65, 77, 100])
def test_no_line_of_a_table_is_wider_than_the_page(tmp_path: Path, columns: int):
    result = pair(tmp_path, Draft(), Draft(bpb_shift=-0.01, train_ms=12_345_678))
    lines = text_format.render(result, Page(columns)).splitlines()
    assert max(map(width, lines)) <= columns
    shown = "\n".join(lines)
    assert all(number in shown for number in ("599,920", "12,345,678", "+11,745,758", "15,800,101"))


def test_findings_of_only_one_record_are_shown_with_its_letter(tmp_path: Path):
    late = Draft(train_ms=700_000)
    result = pair(tmp_path, Draft(), late)
    assert "train-time-over-cap" in {row.rule for row in result.findings}
    assert re.search(r"^  B  error\[train-time-over-cap\]  train_seed", text_format.render(result, PAGE), re.MULTILINE)


def test_a_record_does_not_differ_from_itself(tmp_path: Path):
    folder = Draft().write(tmp_path)
    result = compared(folder, folder)
    assert not result.settings and not result.findings
    assert [code.hunks for code in result.code] == [()]


def test_the_real_records_give_the_numbers_of_the_design(shared_data: Path):
    tree = shared_data / "records" / "track_10min_16mb"
    one, other = next(tree.glob("2026-03-23_Leaky*")), next(tree.glob("2026-03-25_ValCalib*"))
    result = compared(one, other)
    gain = result.sides[1].gain
    assert gain is not None and gain.t == pytest.approx(-11.834, abs=5e-4)
    assert gain.p_zero == pytest.approx(4.0e-4, abs=5e-6)
    assert {row.name for row in result.settings} == {
        "tokenizer_path",
        "model_params",
        "xsa",
        "active_layers",
        "iterations",
    }
    for row in result.settings:
        for side, folder in zip(row.printed, (one, other), strict=True):
            assert side is not None
            assert side.value in (folder / side.path).read_text().split("\n")[side.line - 1]


def test_every_neighboring_pair_of_the_real_records_can_be_compared_in_every_format(shared_data: Path):
    folders = record_folders([shared_data / "records"])
    assert len(folders) == 28
    for one, other in pairwise(folders):
        result = compared(one, other)
        assert len(text_format.render(result, PAGE).splitlines()) > 10
        assert diff_markdown.render(result).startswith("### A ")
        document = json.loads(diff_data.render(result))
        assert document["alike"] == result.alike
        assert schema.violations("diff", document) == []


# Hostile records.


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return hostile_records.write_all(tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize("label", PAYLOADS)
@pytest.mark.parametrize("color", [False, True])
def test_no_payload_reaches_the_reader(hostile: dict[str, Path], tmp_path: Path, label: str, color: bool):
    plain = Draft().write(tmp_path)
    for one, other in ((plain, hostile[label]), (hostile[label], plain)):
        result = compared(one, other)
        for out in (
            text_format.render(result, Page(80, color), whole=True),
            diff_markdown.render(result, whole=True),
            diff_data.render(result),
        ):
            plain_text = re.sub(r"\x1b\[[0-9;]{1,5}m", "", out) if color else out
            assert not hostile_records.obeyed(plain_text)
            assert len(out) < 100_000


TEXTS = st.text(max_size=60) | st.sampled_from(sorted(PAYLOADS.values()))


@given(TEXTS, TEXTS, st.lists(TEXTS, max_size=4), st.integers(40, 140))
def test_no_text_of_any_kind_reaches_the_reader(name: str, value: str, lines: list[str], columns: int):
    verdict = a_verdict(name=name, author=value, path=name, date=value)
    printed = Printed(value, name, 3)
    finding = replace(TIME, message=value, path=name)
    result = Difference(
        sides=(Side(verdict, (), None, None, has_code=True), Side(RECORD, (), None, None, has_code=True)),
        settings=(SettingRow(name, (printed, None)), SettingRow(value, (printed, printed))),
        alike=0,
        varying=(name,),
        findings=(FindingRow(TIME.rule, TIME.severity, ((finding,), ())),),
        code=(CodeDiff(name, value, hunks(lines, [*lines[1:], value]), (value,)), CodeDiff(None, name, (), ())),
    )
    for out in (
        text_format.render(result, Page(columns), whole=True),
        diff_markdown.render(result, whole=True),
        diff_data.render(result),
    ):
        assert not hostile_records.obeyed(out)
        assert out.encode("utf-8")


def test_color_never_carries_meaning_alone(tmp_path: Path):
    result = pair(tmp_path, printed(Draft(), lr="1"), printed(Draft(script=b"x = 1\n"), lr="2"))
    painted = text_format.render(result, Page(100, color=True), whole=True)
    assert "\x1b[" in painted
    assert re.sub(r"\x1b\[[0-9;]{1,5}m", "", painted) == text_format.render(result, PAGE, whole=True)


def test_backticks_in_code_do_not_end_its_fence(tmp_path: Path):
    result = pair(tmp_path, Draft(), Draft(script=b"x = '````'\n```\n"))
    out = diff_markdown.render(result, whole=True)
    assert out.count("`````diff\n") == 1
    assert out.endswith("\n`````\n")


def test_a_pull_requests_comment_has_room_for_the_markdown(tmp_path: Path):
    script = "".join(f"x{i} = {i}\n" for i in range(20_000)).encode()
    out = diff_markdown.render(pair(tmp_path, Draft(), Draft(script=script)), whole=True)
    assert len(out) < 65_536
    assert re.search(r"\([0-9,]+ more lines do not fit here", out)


def test_a_long_line_is_cut_and_counted(tmp_path: Path):
    result = pair(tmp_path, Draft(), Draft(script=b"x = '" + b"\t" * 1_000_000 + b"'\n"))
    out = text_format.render(result, PAGE, whole=True)
    assert "more characters)" in out
    assert len(out) < 20_000


# The command.


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "golfcheck", "diff", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANG_SECONDS)


def test_the_command_prints_the_sections_that_are_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    a = str(printed(Draft(), lr="1").write(tmp_path / "a"))
    b = str(printed(Draft(script=b"x = 1\n"), lr="2").write(tmp_path / "b"))
    sections = {
        "scores": "val_bpb, mean",
        "settings": "settings: 1 differ",
        "code": "code, unwrapped",
        "lines": "\n+x = 1",
    }

    def shown(*options: str) -> set[str]:
        assert cli.main(["diff", a, b, *options]) == 0
        out = capsys.readouterr().out
        return {name for name, mark in sections.items() if mark in out}

    assert shown() == {"scores", "settings", "code"}
    assert shown("--settings") == {"settings"}
    assert shown("--code") == {"code", "lines"}
    assert shown("--settings", "--code") == {"settings", "code", "lines"}
    assert shown("--all") == set(sections)


def whole(verdict: dict[str, object]) -> dict[str, object]:
    """Return the document that `verify --format json` would print for one verdict."""
    summary = {"records": 1, "outcomes": {verdict["outcome"]: 1}, "counts": verdict["counts"], "rules": {}}
    return {"golfcheck": "0", "verdicts": [verdict], "summary": summary}


def test_differences_are_no_findings_and_exit_with_0(tmp_path: Path):
    a, b = Draft().write(tmp_path / "a"), Draft(bpb_shift=0.1, script=b"x = 1\n").write(tmp_path / "b")
    completed = run(str(a), str(b / "train_gpt.py"), "--format", "json")  # any file in a record leads to it
    assert completed.returncode == 0, completed.stderr
    document = json.loads(completed.stdout)
    assert schema.violations("diff", document) == []
    assert not [result for side in document["sides"] for result in schema.violations("verdict", whole(side["verdict"]))]
    assert [side["verdict"]["name"] for side in document["sides"]] == ["Valid", "Valid"]
    assert "+x = 1" in document["code"][0]["hunks"][0]["lines"]
    assert "exit code is 0" in " ".join(run("--help").stdout.split())


def test_a_path_that_leads_to_no_record_or_to_many_is_refused_in_one_line(tmp_path: Path):
    for seed in (1, 2):
        Draft(folder=f"2026-06-0{seed}_Same").write(tmp_path)
    one = str(tmp_path / "track_10min_16mb" / "2026-06-01_Same")
    for path, said in ((tmp_path, "leads to 2 records"), (tmp_path / "none", "no such file or folder")):
        completed = run(one, str(path))
        assert (completed.returncode, completed.stdout) == (2, "")
        assert said in completed.stderr and completed.stderr.count("\n") == 1


def test_nats_of_two_tokenizers_have_no_difference_and_the_gain_is_said_in_the_tokens_that_stats_says_it_in(
    tmp_path: Path,
):
    one, other = Draft().write(tmp_path / "a"), Draft(bytes_per_token=3.7, bpb_shift=-0.02).write(tmp_path / "b")
    result = compared(one, other)
    rows = dict(text_format.score_rows(result))
    assert "nats per token, mean" not in rows and rows["nats per own token, mean"][2] == ""
    delta = gain_over(sample(load(other)), sample(load(one))).nats.delta
    assert f"B - A in nats per token of B: {delta:+.5f}; B gains on A" in text_format.gain_line(result)
    alike = pair(tmp_path / "alike", Draft(), Draft(bpb_shift=-0.02))
    assert dict(text_format.score_rows(alike))["nats per token, mean"][2].startswith("-")
    assert text_format.gain_line(alike).startswith("B gains on A")
