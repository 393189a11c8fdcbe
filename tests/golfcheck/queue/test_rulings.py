"""What maintainers ruled in the base's decisions.json holds in the queue: in the replay, and on pull requests."""

import json
from pathlib import Path
from typing import Any

import pytest

from golfcheck.core.errors import UsageError
from golfcheck.queue import build
from golfcheck.queue.build import QueueRequest
from golfcheck.queue.pulls import Pull, Triage
from golfcheck.render import queue_data, queue_text
from golfcheck.render.page import Page
from tests.golfcheck.repositories import TRACK, Files, Repo, record
from tests.golfcheck.valid_record import SCRIPT, Draft

README = {"README.md": "the contest"}
FIRST, BETTER = "2026-06-01_First", "2026-06-02_Better"


def ruling(folder: str, kind: str, **values: Any) -> dict[str, Any]:
    track = TRACK.removeprefix("records/")
    return {
        "record": f"{track}/{folder}",
        "ruling": kind,
        "by": "maintainer",
        "on": "2026-06-20",
        "why": "seen",
    } | values


def decisions(*rulings: dict[str, Any]) -> Files:
    return {"records/decisions.json": json.dumps({"decisions": list(rulings)})}


def doubted() -> Files:
    """A record that imports a network module: a warning that needs review."""
    return record(BETTER, draft=Draft(folder=BETTER, bpb_shift=-0.02, script=SCRIPT + b"import requests\n"))


def pulled(tmp_path: Path, pull: Files, *rulings: dict[str, Any], base: Files | None = None) -> tuple[Pull, str]:
    """Return pull request 12 of a base with one record and some rulings, and the queue as text."""
    repo = Repo(tmp_path / "golf.git")
    files = README | record(FIRST) | (base or {})
    ruled = files | (decisions(*rulings) if rulings else {})
    start = repo.commit(ruled, subject="First")
    repo.ref("refs/heads/main", start)
    repo.pull(12, ruled | pull, start)
    queue = build.build_queue(QueueRequest(repo.path, jobs=1))
    json.loads(queue_data.render_json(queue))
    return queue.pulls[0], queue_text.render(queue, Page(verbose=True))


def test_a_waived_finding_no_longer_needs_review_and_the_ruling_is_shown(tmp_path: Path) -> None:
    before, _ = pulled(tmp_path / "before", doubted())
    assert before.triage is Triage.REVIEW and [reason.kind for reason in before.reasons] == ["network-import"]
    pull, text = pulled(tmp_path / "after", doubted(), ruling(BETTER, "waived", rules=["network-import"]))
    assert pull.triage is Triage.READY
    assert {reason.kind for reason in pull.reasons} == {"network-import", "ruling"}
    assert "ruled waived (network-import): seen (maintainer, 2026-06-20)" in " ".join(text.split())


def test_an_included_record_is_ready_whatever_was_found(tmp_path: Path) -> None:
    pull, _ = pulled(tmp_path, doubted(), ruling(BETTER, "included"))
    assert pull.triage is Triage.READY and pull.reasons[-1].kind == "ruling"


def test_a_removed_record_is_not_ready(tmp_path: Path) -> None:
    pull, _ = pulled(tmp_path, record(BETTER, -0.02), ruling(BETTER, "removed"))
    assert pull.triage is Triage.REVIEW and [reason.kind for reason in pull.reasons] == ["ruling"]


@pytest.mark.parametrize(("rulings", "moved"), [((), -0.02), ((ruling(FIRST, "removed"),), None)])
def test_a_removed_record_of_the_base_need_not_be_beaten(rulings: Any, moved: float | None, tmp_path: Path) -> None:
    pull, _ = pulled(tmp_path, record(BETTER, -0.02), *rulings)
    assert pull.verdict is not None
    to_beat = pull.verdict.to_beat
    assert (to_beat and round(to_beat.delta_bpb, 4)) == moved


def test_a_score_of_the_maintainers_is_the_one_to_beat(tmp_path: Path) -> None:
    rescored = ruling(FIRST, "re-scored", val_bpb=1.0, report_sha256="0" * 64)
    pull, _ = pulled(tmp_path, record(BETTER, -0.02), rescored)
    assert pull.verdict and pull.verdict.to_beat and pull.verdict.to_beat.bpb == 1.0


def test_a_ruling_that_comes_with_the_pull_request_does_not_hold(tmp_path: Path) -> None:
    own = decisions(ruling(BETTER, "waived", rules=["network-import"]))
    pull, _ = pulled(tmp_path, doubted() | own)
    assert pull.triage is Triage.REVIEW and "ruling" not in [reason.kind for reason in pull.reasons]
    assert "outside-files" in [reason.kind for reason in pull.reasons]


def test_a_ruling_dated_in_the_future_does_not_hold_yet(tmp_path: Path) -> None:
    pull, _ = pulled(tmp_path, doubted(), ruling(BETTER, "waived", rules=["network-import"], on="2999-01-01"))
    assert pull.triage is Triage.REVIEW


def test_a_broken_file_of_the_base_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"main:records/decisions\.json: /decisions/0: "):
        pulled(tmp_path, doubted(), base={"records/decisions.json": '{"decisions": [1]}'})
