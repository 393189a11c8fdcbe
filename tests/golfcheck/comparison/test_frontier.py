"""The record to beat: replayed by date under each ruleset, and compared with the contest's real records."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfcheck.comparison.frontier import best_before, compare, frontier, p_under
from golfcheck.core.ruleset import RULESETS, TRACKS
from golfcheck.submission.discover import record_folders
from golfcheck.submission.examined import Entry, examine
from golfcheck.submission.identity import parse_date
from golfcheck.submission.record import load

LN2 = 0.6931471805599453
WRITTEN, AUDIT = RULESETS["written"], RULESETS["audit-2026-05"]


def entry(day: int, *bpb: float, ratio: float = 2.43592, track: str = "10min_16mb") -> Entry:
    created = datetime(2026, 4, 1, tzinfo=UTC) + timedelta(days=day)
    nats = tuple(x * LN2 * ratio for x in bpb)
    return Entry(Path(f"/r/{day}-{bpb}"), f"day {day}", created, TRACKS[track], bpb, nats)


@pytest.fixture(scope="module")
def real(shared_data: Path) -> dict[str, Entry]:
    folders = record_folders([shared_data / "records"])
    return {folder.name: entry for folder in folders if (entry := examine(load(folder)).entry())}


def test_the_record_to_beat_is_the_best_significant_one_before() -> None:
    field = [entry(0, 1.20, 1.201, 1.202), entry(1, 1.15, 1.151, 1.152), entry(2, 1.10, 1.101, 1.102)]
    ours = entry(2, 1.05, 1.051, 1.052)
    assert best_before(ours, field, WRITTEN) == field[1]  # one of the same day is no predecessor
    assert best_before(entry(9, 1.0, 1.001), field, WRITTEN) == field[2]
    assert best_before(field[0], field, WRITTEN) is None


def test_a_gain_that_the_ruleset_does_not_see_does_not_move_the_frontier() -> None:
    first, second = entry(0, 1.200, 1.202, 1.204), entry(1, 1.1995, 1.2010, 1.2025)
    assert p_under(compare(second, first), AUDIT) == pytest.approx(0.24, abs=0.1)
    assert frontier([first, second], WRITTEN) == first
    clear = entry(1, 1.198, 1.199, 1.2)
    assert frontier([first, clear], AUDIT) == clear
    assert frontier([first, clear], WRITTEN) == first


def test_a_record_of_one_seed_moves_the_frontier_by_its_gain_alone() -> None:
    first = entry(0, 1.200, 1.202)
    assert frontier([first, entry(1, 1.199)], WRITTEN) == first  # 0.0034 nats
    assert frontier([first, entry(1, 1.196)], WRITTEN) != first
    assert compare(entry(1, 1.196), first).reason == "this record has one seed"
    assert compare(first, entry(1, 1.196)).reason == "day 1 has one seed"


def test_records_without_a_ranking_never_stand_at_the_frontier() -> None:
    best = entry(1, 0.9, 0.901, track="non_record_16mb")
    assert frontier([entry(0, 1.2, 1.201), best], AUDIT) == entry(0, 1.2, 1.201)


def test_another_tokenizer_is_compared_in_our_nats_by_way_of_bits_per_byte() -> None:
    theirs, ours = entry(0, 1.10, 1.101, 1.102, ratio=2.43592), entry(1, 1.09, 1.091, 1.092, ratio=3.72663)
    gain = compare(ours, theirs)
    assert gain.delta_bpb == pytest.approx(-0.01)
    assert gain.delta_nats == pytest.approx(-0.01 * LN2 * 3.72663)


@given(st.lists(st.tuples(st.integers(0, 20), st.floats(1.0, 1.3)), min_size=1, max_size=12), st.integers(0, 99))
def test_the_frontier_does_not_depend_on_the_order_it_is_given_in(created, seed) -> None:
    field = [entry(day, bpb, bpb + 0.001, bpb + 0.002) for day, bpb in created]
    shuffled = random.Random(seed).sample(field, len(field))
    assert frontier(field, AUDIT) == frontier(shuffled, AUDIT)


@given(st.lists(st.tuples(st.integers(0, 20), st.floats(1.0, 1.3)), min_size=1, max_size=12))
def test_later_records_change_nothing_for_earlier_ones(created) -> None:
    field = [entry(day, bpb, bpb + 0.001, bpb + 0.002) for day, bpb in created]
    ours = field[0]
    before = [other for other in field if other.created < ours.created]
    assert best_before(ours, field, WRITTEN) == best_before(ours, before, WRITTEN)


def test_the_best_published_gain_is_measured_against_its_published_predecessor(real) -> None:
    ours = real["2026-03-25_ValCalib_GPTQ_XSA_BigramHash3072"]
    best = best_before(ours, real.values(), WRITTEN)
    assert best.path.name == "2026-03-23_LeakyReLU_LegalTTT_ParallelMuon"
    gain = compare(ours, best)
    assert gain.bpb == pytest.approx(1.11938, abs=5e-6)
    assert gain.delta_nats == pytest.approx(-0.00784, abs=5e-6)
    assert gain.t == pytest.approx(-11.83, abs=0.01)
    assert gain.p_zero == pytest.approx(4.0e-4, abs=1e-5)
    assert gain.p_margin == pytest.approx(9.6e-3, abs=1e-4)


def test_the_last_record_passes_the_audit_and_not_the_written_rule(real) -> None:
    ours = next(e for name, e in real.items() if name.startswith("2026-04-22"))
    best = best_before(ours, real.values(), AUDIT)
    assert best.path.name.startswith("2026-04-19")
    gain = compare(ours, best)
    assert gain.p_zero == pytest.approx(0.063, abs=5e-4)
    assert gain.p_zero < AUDIT.alpha
    assert gain.p_margin > WRITTEN.alpha


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-25", datetime(2026, 3, 25, tzinfo=UTC)),
        ("2026-03-25T10:20:30Z", datetime(2026, 3, 25, 10, 20, 30, tzinfo=UTC)),
        ("2026-02-30", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_are_read_or_refused(text, expected) -> None:
    assert parse_date(text) == expected


def test_an_empty_field_has_no_frontier() -> None:
    assert frontier([], WRITTEN) is None
    assert best_before(entry(0, 1.1, 1.2), [], WRITTEN) is None
