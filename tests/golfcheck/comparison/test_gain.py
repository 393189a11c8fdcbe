"""A gain in both units, under every ruleset: the published numbers, scipy's, and what cannot be tested."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats as oracle

from golfcheck import cli
from golfcheck.comparison.gain import Gain, SeedScores, gain_over, pooled
from golfcheck.core import schema, stats
from golfcheck.core.errors import UsageError
from golfcheck.core.text import width
from golfcheck.render.page import Page
from golfcheck.render.stats_text import render, render_json, render_markdown, table
from tests.golfcheck.core.test_stats import LEAKY_BPB, LEAKY_NATS, VALCALIB_BPB, VALCALIB_NATS
from tests.golfcheck.hostile_text import PAYLOADS
from tests.golfcheck.valid_record import Draft

LN2 = math.log(2)


def sample(*bpb: float, ratio: float = 2.43592, name: str = "a record") -> SeedScores:
    return SeedScores(name, f"records/{name}", tuple(range(len(bpb))), bpb, tuple(x * LN2 * ratio for x in bpb))


OURS = SeedScores("ValCalib", "a", (314, 42, 999), tuple(VALCALIB_BPB), tuple(VALCALIB_NATS))
THEIRS = SeedScores("LeakyReLU", "b", (1337, 2025, 42), tuple(LEAKY_BPB), tuple(LEAKY_NATS))


def test_the_published_gain_has_its_published_numbers_in_both_units() -> None:
    result = gain_over(OURS, THEIRS)
    assert result.nats.outcome and result.bpb.outcome
    assert result.nats.outcome.t == pytest.approx(-11.834, abs=5e-4)
    assert result.nats.outcome.df == pytest.approx(3.306, abs=5e-4)
    assert result.nats.outcome.p == pytest.approx(4.0e-4, abs=5e-6)
    assert result.nats.p_margin == pytest.approx(9.6e-3, abs=1e-4)
    assert result.bpb.p_margin == pytest.approx(0.787, abs=5e-4)
    audit, written = result.ruled
    assert (audit.p, written.p) == (result.bpb.outcome.p, result.nats.p_margin)
    assert audit.shown and written.shown


def test_the_real_records_give_the_same_from_their_logs(shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = shared_data / "records" / "track_10min_16mb"
    ours, theirs = "2026-03-25_ValCalib_GPTQ_XSA_BigramHash3072", "2026-03-23_LeakyReLU_LegalTTT_ParallelMuon"
    assert cli.main(["stats", str(tree / ours), str(tree / theirs)]) == 0
    words = capsys.readouterr().out.split()
    assert {"-11.83", "3.3", "4.0e-04", "0.787", "0.0095"} <= set(words)
    last, before = (next(tree.glob(f"{day}_*")) for day in ("2026-04-22", "2026-04-19"))
    assert cli.main(["stats", str(last), str(before), "--format", "json"]) == 0
    audit, written = json.loads(capsys.readouterr().out)["ruled"]
    assert audit["p"] == pytest.approx(0.063, abs=5e-4)
    assert audit["shown"] and not written["shown"]


def test_a_bar_is_a_one_sample_test_in_both_units() -> None:
    result = gain_over(OURS, None, bar_bpb=1.11938)
    per_bpb = LN2 * OURS.bytes_per_token
    for tested, values, bar in ((result.bpb, VALCALIB_BPB, 1.11938), (result.nats, VALCALIB_NATS, 1.11938 * per_bpb)):
        expected = oracle.ttest_1samp(values, bar, alternative="less")
        assert tested.outcome
        assert tested.outcome.p == pytest.approx(expected.pvalue, rel=1e-9)
        assert tested.outcome.t == pytest.approx(expected.statistic, rel=1e-9)


def test_a_known_spread_is_a_z_test_for_one_seed_in_both_units() -> None:
    result = gain_over(sample(1.114), sample(1.119), sigma_bpb=0.002)
    expected = oracle.norm.sf(0.005 / (0.002 * math.sqrt(2)))
    for tested in (result.bpb, result.nats):
        assert tested.outcome
        assert tested.outcome.p == pytest.approx(expected, rel=1e-6)
    over_bar = gain_over(sample(1.114), None, bar_bpb=1.119, sigma_bpb=0.002)
    assert over_bar.bpb.outcome
    assert over_bar.bpb.outcome.p == pytest.approx(oracle.norm.sf(0.005 / 0.002), rel=1e-9)


def test_another_tokenizers_losses_are_restated_per_token_of_ours_and_this_is_shown() -> None:
    ours, theirs = sample(1.09, 1.091, 1.092, ratio=3.72663), sample(1.10, 1.101, 1.102)
    result = gain_over(ours, theirs)
    assert result.nats.delta == pytest.approx(-0.01 * LN2 * 3.72663)
    assert "the tokenizers or the validation texts differ (sp8192, sp1024)" in result.notes[0]
    assert gain_over(ours, replace(ours, seeds=(7, 8, 9))).notes == ()


def test_runs_on_both_sides_are_reported() -> None:
    ours = sample(1.09, 1.091, 1.092)
    assert "3 of A's runs are also in B" in gain_over(ours, ours).notes[0]


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        (sample(1.1), sample(1.2, 1.21), "A has one seed"),
        (sample(1.1, 1.11), sample(1.2), "B has one seed"),
        (sample(1.1), sample(1.2), "A and B have one seed each"),
        (sample(1.1), None, "A has one seed"),
        (sample(1.1, 1.1), sample(1.2, 1.2), "the seeds' scores are all equal"),
    ],
)
def test_without_a_spread_there_is_no_p_value_and_the_reason_is_shown(
    ours: SeedScores, theirs: SeedScores, reason: str
) -> None:
    result = gain_over(ours, theirs, bar_bpb=None if theirs else 1.2)
    assert result.reason and result.reason.startswith(reason)
    assert not any(ruled.shown or ruled.p is not None for ruled in result.ruled)
    assert f"no test: {result.reason}" in render(result, Page(200))


def test_the_seeds_needed_are_the_fewest_with_the_wanted_power() -> None:
    ours, theirs = sample(1.0990, 1.0996, 1.1002), sample(1.1035, 1.1041, 1.1047, 1.1041)
    written = gain_over(ours, theirs).ruled[1]
    assert written.seeds and written.seeds > 3 and written.power and written.power < 0.8
    sds = [stats.variance(side.nats) ** 0.5 for side in (ours, theirs)]
    gain = stats.mean(theirs.nats) - stats.mean(ours.nats)
    assert written.seeds == stats.seeds_needed(gain, *sds, 4, margin=0.005, alpha=0.01)


def test_reproductions_count_as_ours_and_a_run_that_is_in_both_counts_once() -> None:
    ours, again = sample(1.10, 1.101), sample(1.10, 1.1015, 1.1005, name="again")
    result, notes = pooled(ours, [again])
    assert result.bpb == (1.10, 1.101, 1.1015, 1.1005)
    assert notes == ["2 seeds of again (records/again) count as A's; 1 that A has already, not again"]
    with pytest.raises(UsageError, match="not a reproduction"):
        pooled(ours, [sample(1.1, ratio=3.7)])


@pytest.mark.parametrize(
    "arguments",
    [[], ["A"], ["A", "A", "--bar", "1.1"], ["A", "--bar", "nan"], ["A", "A", "--sigma", "0"], ["A", "none"]],
    ids=" ".join,
)
def test_invalid_arguments_give_one_line(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = str(Draft().write(tmp_path))
    assert cli.main(["stats", *(record if word == "A" else word for word in arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1


def test_a_record_without_a_score_is_reported_as_having_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = Draft()
    for seed in draft.seeds:
        del draft.files[f"train_seed{seed}.log"]
    assert cli.main(["stats", str(draft.write(tmp_path)), "--bar", "1.1"]) == 2
    assert "no score in its logs" in capsys.readouterr().err


@pytest.mark.parametrize(
    "gain",
    [
        gain_over(OURS, THEIRS, notes=["a note"]),
        gain_over(OURS, None, bar_bpb=1.1),
        gain_over(sample(1.1), sample(1.2), sigma_bpb=0.001),
        gain_over(sample(1.1), sample(1.2)),
    ],
    ids=["welch", "bar", "sigma", "no test"],
)
def test_the_json_format_fulfils_its_schema(gain: Gain) -> None:
    assert schema.violations("stats", json.loads(render_json(gain))) == []


@pytest.mark.parametrize("columns", [60, 68, 80])
@pytest.mark.parametrize(
    "gain",
    [gain_over(OURS, THEIRS), gain_over(OURS, None, bar_bpb=1.11938), gain_over(OURS, THEIRS, sigma_bpb=0.0004)],
    ids=["welch", "bar", "sigma"],
)
def test_no_line_is_wider_than_the_page_and_no_number_is_cut(gain: Gain, columns: int) -> None:
    out = render(gain, Page(columns))
    assert max(map(width, out.splitlines())) <= columns
    for _, one, other in table(gain):
        assert f"{one} " in out and f"{other}\n" in out


@pytest.mark.parametrize("label", PAYLOADS)
def test_a_name_changes_nothing_but_itself(label: str) -> None:
    plain, hostile = (gain_over(sample(1.1, 1.11, name=name), sample(1.2, 1.21)) for name in ("x", PAYLOADS[label]))
    for draw in (lambda gain: render(gain, Page(100)), render_markdown, render_json):
        text = draw(hostile)
        assert all(character == "\n" or character.isprintable() for character in text)
    assert render(hostile, Page(100)).splitlines()[-12:] == render(plain, Page(100)).splitlines()[-12:]
    assert render_markdown(hostile).splitlines()[3:] == render_markdown(plain).splitlines()[3:]
