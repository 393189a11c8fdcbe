"""500 inputs of `make fuzz`: none raises, none exceeds its budget of time and memory."""

from tests.fuzz import LIMIT_SECONDS, run


def test_500_mutated_folders_and_artifacts_are_read_and_judged() -> None:
    costs = list(run(500, seed=7))
    assert [cost.error for cost in costs if cost.error] == []
    assert max(cost.seconds for cost in costs) < LIMIT_SECONDS
    assert {cost.kind for cost in costs} == {"folder", "artifact"}
