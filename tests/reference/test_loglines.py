"""The log grammar: one template writes and reads each kind of line."""

import ast
import dataclasses
import math
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfcheck.reference import loglines as written
from golfcheck.trainlog import linekinds
from golfcheck.trainlog.linekinds import KINDS, LogLine
from golfcheck.trainlog.templates import parse, parse_as
from tests.clock import cpu_seconds
from tests.reference import trainer

HOSTILE_BYTES = 16 << 10
INT64 = st.integers(-(2**63), 2**63 - 1)
WORD = st.text(st.characters(min_codepoint=ord("!"), max_codepoint=ord("~")), min_size=1, max_size=64)
FREE = st.text(st.characters(exclude_categories=["Cs", "Zs", "Cc"]), min_size=1, max_size=30)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=60)
VALUES = {int: INT64, float: st.floats(), bool: st.booleans(), str: FREE}


def a_line(kind: type[LogLine], text: st.SearchStrategy[str] = FREE) -> st.SearchStrategy[LogLine]:
    """Any line of a kind; its fields' types are the dataclass's, and a template's `:<` is a word."""
    values = VALUES | {str: text}
    fields = {field.name: values[field.type] for field in dataclasses.fields(kind)}  # type: ignore[arg-type, index]
    words = {field: WORD for _, field, spec, _ in Formatter().parse(kind.template) if field and spec == "<"}
    return st.builds(kind, **fields | words)


LINES = st.sampled_from(KINDS).flatmap(a_line)


def test_every_template_that_the_trainer_writes_by_has_a_kind_that_reads_it() -> None:
    templates = [text for name, text in vars(written).items() if isinstance(text, str) and name[0].isupper()]
    assert [kind.template for kind in KINDS] == templates


@pytest.mark.parametrize("name", ["run", "train"])
def test_the_trainer_writes_its_log_by_these_templates_alone(name: str) -> None:
    tree = ast.parse((trainer.REFERENCE / f"{name}.py").read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    arguments = [(ast.unparse(node.func), ast.unparse(argument)) for node in calls for argument in node.args]
    lines = [text for function, text in arguments if function in ("self.write", "run.write")]
    assert len(lines) >= 8
    assert [text for text in lines if not hasattr(written, text.removeprefix("*").removeprefix("log."))] == []
    others = [text for function, text in arguments if function.startswith("self.journal.")]
    assert {quoted for text in others for quoted in re.findall("'.*?'", text)} <= {r"'\n'", "'nvidia-smi'"}


def as_printed(value: Any, spec: str) -> Any:
    """What a reader can know of a value: as many decimals as were printed."""
    return float(format(value, spec)) if spec.endswith("f") else value


def same(a: Any, b: Any) -> bool:
    return a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_every_kind_reads_back_what_it_writes(kind: type[LogLine], data: st.DataObject) -> None:
    line = data.draw(a_line(kind))
    text = str(line)
    read = parse(text)
    assert type(read) is kind
    assert str(read) == text
    specs = {field: spec for _, field, spec, _ in Formatter().parse(kind.template)}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        assert same(getattr(read, field.name), as_printed(getattr(line, field.name), specs[field.name])), field.name


@given(line=LINES)
def test_exactly_one_kind_matches_a_written_line(line: LogLine) -> None:
    assert [kind for kind in KINDS if parse_as(kind, str(line)) is not None] == [type(line)]


@given(data=st.data())
def test_free_text_never_changes_the_written_line(data: st.DataObject) -> None:
    """Whatever stands in a text, the line is read and written back the same."""
    line = data.draw(st.sampled_from(KINDS).flatmap(lambda kind: a_line(kind, TEXT)))
    assert str(parse(str(line))) == str(line)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -0.0, 5e-324, 1.7976931348623157e308, 1e-7])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if float in {f.type for f in dataclasses.fields(kind)}])  # type: ignore[arg-type]
def test_every_float_can_be_written_and_read(kind: type[LogLine], value: float) -> None:
    values = {int: 1, float: value, bool: True, str: "x"}
    line = kind(**{field.name: values[field.type] for field in dataclasses.fields(kind)})  # type: ignore[arg-type, index]
    assert type(parse(str(line))) is kind
    assert str(parse(str(line))) == str(line)


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\n"])
def test_a_text_with_a_line_break_is_not_written(text: str) -> None:
    with pytest.raises(ValueError, match="must stay one line"):
        str(linekinds.PythonVersion(version=text))


@given(
    line=LINES.filter(lambda line: str not in {field.type for field in dataclasses.fields(line)}),
    junk=st.text(st.characters(exclude_categories=["Cs", "Nd"]), min_size=1),
)  # type: ignore[arg-type]
def test_a_line_with_something_in_front_or_behind_is_another_line_or_none(line: LogLine, junk: str) -> None:
    for text in (junk + str(line), str(line) + junk):
        read = parse(text)
        assert read is None or (str(read) == text and read != line)


@given(text=st.text(max_size=200))
def test_any_text_is_a_line_that_writes_itself_or_none(text: str) -> None:
    line = parse(text)
    assert line is None or type(line) in KINDS


def hostile_texts() -> Iterator[str]:
    """For each template: cut anywhere and filled up with what might make a regular expression go back."""
    fillers = ["9", "9.", "nan", "-", " ", "a", "9e+", "True", "."]
    samples = {int: 1, float: 1.0, bool: True, str: "x"}
    for kind in KINDS:
        line = str(kind(**{field.name: samples[field.type] for field in dataclasses.fields(kind)}))  # type: ignore[arg-type, index]
        cuts = {match.end() for match in re.finditer(r"[ :=,/(]|\D(?=\d)", line)}
        yield from (line[:cut] + filler * HOSTILE_BYTES for cut in cuts for filler in fillers)
        head, *literals = [literal for literal, *_field in Formatter().parse(kind.template)]
        share = HOSTILE_BYTES // max(1, len(literals))
        yield head + "".join(literal * (share // max(1, len(literal))) for literal in literals)
        yield head + "".join(literals) * HOSTILE_BYTES
        yield head + "x".join(literals) * HOSTILE_BYTES


def test_hostile_lines_of_16_kib_are_read_in_50_ms() -> None:
    slowest = ("", 0.0)
    for text in hostile_texts():
        seconds = cpu_seconds(partial(read_as_every_kind, text[:HOSTILE_BYTES]), 0.050)
        slowest = max(slowest, (text[:80], seconds), key=lambda pair: pair[1])
    assert slowest[1] < 0.050, slowest


def read_as_every_kind(text: str) -> None:
    for kind in KINDS:  # all of them, not only those that `parse` would try
        parse_as(kind, text)


@pytest.mark.parametrize("name", ["one_rank", "two_ranks"])
def test_every_line_of_a_real_log_is_read_and_written_back(shared_data: Path, name: str) -> None:
    lines = (shared_data / "golden" / f"{name}.log").read_text("utf-8").splitlines()
    ours = [line for line in lines if line and not line.startswith("<source dump removed")]
    assert len(ours) == 65
    assert [str(parse(line)) for line in ours] == ours


def test_the_real_logs_final_score_is_read_to_the_last_digit(shared_data: Path) -> None:
    lines = (shared_data / "golden" / "one_rank.log").read_text("utf-8").splitlines()
    (exact,) = (line for text in lines if isinstance(line := parse(text), linekinds.FinalExact))
    assert (exact.val_loss, exact.val_bpb) == (4.86908488, 2.92054779)


def test_a_device_may_have_spaces_in_its_name_and_words_have_none() -> None:
    text = "settings:numerics rope_tables:bf16 activations:fp32 device:NVIDIA H100 80GB HBM3 compiled:True"
    values = {"rope_tables": "bf16", "activations": "fp32", "device": "NVIDIA H100 80GB HBM3", "compiled": True}
    assert parse(text) == linekinds.Numerics(**values)
    assert parse(text.replace("fp32", "fp 32")) is None


@pytest.mark.parametrize("number", ["1_0", "+1", "01", "١", "1 ", "0x1", "1e3"])
def test_a_number_is_read_only_in_the_form_in_which_it_is_printed(number: str) -> None:
    assert parse("seed:10") == linekinds.Seed(seed=10)
    assert parse(f"seed:{number}") is None
    assert parse(f"step:1/2 train_loss:{number}.0000 train_time:1ms step_avg:1.00ms") is None
