"""The queue of a repository: who owns a folder, which record it must beat, what it shares with others, its triage."""

import multiprocessing
import os
import re
import signal
import tempfile
from pathlib import Path

import pytest

from golfcheck.board.query import parse
from golfcheck.core.errors import UsageError
from golfcheck.queue import build, content, gitfolder
from golfcheck.queue.build import QueueRequest, wanted_numbers
from golfcheck.queue.content import Content, FolderTask
from golfcheck.queue.objects import MissingObjectError, Objects
from golfcheck.queue.pool import Pool, PoolSettings
from golfcheck.queue.pullrows import KEYS, row_of
from golfcheck.queue.pulls import Pull, Queue, Triage
from tests.golfcheck.repositories import TRACK, Repo, record
from tests.golfcheck.valid_record import Draft

README = {"README.md": "the contest", "train_gpt.py": "print()\n"}


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """A base with one record, which came before all pull requests."""
    repository = Repo(tmp_path / "golf.git")
    repository.ref("refs/heads/main", repository.commit(README | record("2026-06-01_First"), subject="First"))
    return repository


def main(repo: Repo) -> str:
    return repo.git("rev-parse", "refs/heads/main")


def base_files() -> dict[str, bytes | str | tuple[str, str]]:
    return README | record("2026-06-01_First")


def judged(repo: Repo, **changes: object) -> Queue:
    return build.build_queue(QueueRequest(repo.path, jobs=1, **changes))  # type: ignore[arg-type]


def untimed(pulls: tuple[Pull, ...]) -> str:
    """Return everything about them except the time it took."""
    return re.sub(r"seconds=[0-9.e-]+", "", repr(pulls))


def only(queue: Queue, number: int) -> Pull:
    return next(pull for pull in queue.pulls if pull.number == number)


def kinds(pull: Pull) -> list[str]:
    return [reason.kind for reason in pull.reasons]


def test_a_better_record_alone_in_its_pull_request_is_ready(repo: Repo):
    repo.pull(12, base_files() | record("2026-06-02_Better", -0.02), main(repo))
    pull = only(judged(repo), 12)
    assert (pull.triage, str(pull.outcome), pull.contends, pull.reasons) == (Triage.READY, "record", True, ())
    assert pull.verdict and pull.verdict.to_beat and pull.verdict.to_beat.on == "#12"


def test_a_schema_for_submissions_does_not_make_its_folder_a_record(repo: Repo):
    schema = {"records/tools/submission.schema.json": "{}"}
    repo.pull(12, base_files() | schema | record("2026-06-02_Better", -0.02), main(repo))
    assert [one.own.path for one in only(judged(repo), 12).submissions] == [f"{TRACK}/2026-06-02_Better"]


def test_a_record_is_judged_against_the_frontier_of_its_number_not_of_its_merge(repo: Repo):
    first, better, middle = base_files(), record("2026-06-05_Better", -0.02), record("2026-06-09_Middle", -0.01)
    tip = repo.commit(
        first | better, main(repo), repo.pull(30, first | better, main(repo)), subject="Merge pull request #30 from a/b"
    )
    repo.pull(20, first | middle, main(repo))
    repo.pull(40, first | better | middle | record("2026-06-10_Late", -0.012), tip)
    repo.ref("refs/heads/main", tip)
    queue = judged(repo)
    to_beat = {pull.number: pull.verdict.to_beat.bpb for pull in queue.pulls if pull.verdict and pull.verdict.to_beat}
    assert to_beat[20] == pytest.approx(to_beat[30])
    assert to_beat[40] == pytest.approx(to_beat[20] - 0.02)
    assert (only(queue, 20).contends, only(queue, 40).contends) == (True, False)


def test_a_merged_pull_request_is_compared_with_what_stood_before_it(repo: Repo):
    head = repo.pull(12, base_files() | record("2026-06-02_Better", -0.02), main(repo))
    repo.ref("refs/heads/main", repo.commit(base_files() | record("2026-06-02_Better", -0.02), main(repo), head))
    pull = only(judged(repo), 12)
    assert pull.head.merged
    assert [one.own.path for one in pull.submissions] == [f"{TRACK}/2026-06-02_Better"]


def test_a_squashed_pull_request_is_known_by_the_number_in_its_subject(repo: Repo):
    files = base_files() | record("2026-06-02_Better", -0.02)
    repo.pull(12, files, main(repo))
    repo.ref("refs/heads/main", repo.commit(files, main(repo), subject="A better record (#12)"))
    pull = only(judged(repo), 12)
    assert pull.head.merged
    assert len(pull.submissions) == 1


def test_copies_of_the_base_and_of_earlier_pull_requests_are_set_apart(repo: Repo):
    start = main(repo)
    repo.ref("refs/heads/main", repo.commit(base_files() | record("2026-06-02_In", -0.001), start, subject="In (#3)"))
    parent = record("2026-06-03_Parent", -0.002)
    repo.pull(10, base_files() | parent, start)
    mine = record("2026-06-04_Mine", -0.003)
    repo.pull(11, base_files() | record("2026-06-02_In", -0.001) | parent | mine, start)
    pull = only(judged(repo), 11)
    assert [one.own.path for one in pull.submissions] == [f"{TRACK}/2026-06-04_Mine"]
    assert {(one.path, one.source, one.exact) for one in pull.head.carried} == {
        (f"{TRACK}/2026-06-02_In", None, True),
        (f"{TRACK}/2026-06-03_Parent", 10, True),
    }


def test_another_version_of_a_parents_folder_is_carried_beside_a_new_one_and_own_alone(repo: Repo):
    start = main(repo)
    repo.pull(10, base_files() | record("2026-06-03_Parent", -0.002), start)
    edited = record("2026-06-03_Parent", -0.0021)
    repo.pull(11, base_files() | edited | record("2026-06-04_Mine", -0.003), start)
    repo.pull(12, base_files() | edited, start)
    queue = judged(repo)
    assert [(one.source, one.exact) for one in only(queue, 11).head.carried] == [(10, False)]
    assert "other-version" in kinds(only(queue, 12))


def test_the_same_folder_again_is_judged_once_and_named(repo: Repo):
    files = base_files() | record("2026-06-02_Better", -0.02)
    repo.pull(12, files, main(repo))
    repo.pull(13, files | {"README.md": "changed"}, main(repo))
    queue = judged(repo)
    assert queue.num_contents == 1
    assert kinds(only(queue, 13))[0] == "same-folder"
    assert only(queue, 13).triage is Triage.REVIEW


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"README.md": "mine is best"}, "outside-files"),
        ({f"{TRACK}/2026-06-01_First/README.md": "# Changed\n"}, "changes-base-record"),
        ({"link": ("120000", "b" * 40)}, "special-file"),
        ({"module": ("160000", "c" * 40)}, "special-file"),
        (record("2026-06-03_Second"), "several-folders"),
    ],
    ids=["outside", "base record", "link", "submodule", "two folders"],
)
def test_what_a_pull_request_changes_beside_its_folder_sends_it_to_review(
    repo: Repo, change: dict[str, str], kind: str
):
    repo.pull(12, base_files() | record("2026-06-02_Better", -0.02) | change, main(repo))
    pull = only(judged(repo), 12)
    assert (pull.triage, kind in kinds(pull)) == (Triage.REVIEW, True)


def test_deleted_files_and_removed_records_are_named(repo: Repo):
    files = base_files() | record("2026-06-02_Better", -0.02)
    fewer = {path: text for path, text in files.items() if path != f"{TRACK}/2026-06-01_First/README.md"}
    repo.pull(12, fewer, main(repo))
    repo.pull(13, README | record("2026-06-02_Other", -0.02), main(repo))
    queue = judged(repo)
    assert only(queue, 12).head.changes.deleted == (f"{TRACK}/2026-06-01_First/README.md",)
    assert "removes-record" in kinds(only(queue, 13))


def test_a_pull_request_without_a_record_folder_is_not_a_submission(repo: Repo):
    repo.pull(12, base_files() | {"README.md": "a typo"}, main(repo))
    assert only(judged(repo), 12).triage is Triage.NONE


def test_a_folder_of_a_readme_alone_is_named_and_stops_nothing(repo: Repo):
    repo.pull(12, base_files() | {f"{TRACK}/2026-06-02_Words/README.md": "soon"}, main(repo))
    repo.pull(13, base_files() | record("2026-06-03_Better", -0.02), main(repo))
    queue = judged(repo)
    assert only(queue, 12).triage is Triage.REVIEW
    assert only(queue, 13).triage is Triage.READY


def test_numbers_that_contradict_each_other_are_refuted(repo: Repo):
    draft = Draft(folder="2026-06-02_Wrong", bpb_shift=-0.02)
    draft.set(val_bpb=0.9, val_loss=None)
    repo.pull(12, base_files() | record("2026-06-02_Wrong", draft=draft), main(repo))
    pull = only(judged(repo), 12)
    assert pull.triage is Triage.REFUTED
    assert pull.reasons[0].kind == "score-not-in-logs"


def test_heads_without_a_common_commit_or_with_very_many_folders_are_judged(repo: Repo):
    repo.pull(12, base_files() | record("2026-06-02_Alone", -0.02))
    many = {path: text for n in range(38) for path, text in record(f"2026-06-03_Many{n}", -0.001 * n).items()}
    repo.pull(13, base_files() | many, main(repo))
    queue = judged(repo)
    assert "no-merge-base" in kinds(only(queue, 12))
    assert [one.own.path for one in only(queue, 12).submissions] == [f"{TRACK}/2026-06-02_Alone"]
    assert len(only(queue, 13).submissions) == 38


def test_a_head_whose_commit_or_files_are_missing_is_named(repo: Repo, capsys: pytest.CaptureFixture[str]):
    path = f"{TRACK}/2026-06-02_Better/train_seed42.log"
    repo.pull(12, base_files() | record("2026-06-02_Better", -0.02) | {path: ("100644", "d" * 40)}, main(repo))
    (repo.path / "refs/pull/14").mkdir(parents=True)
    (repo.path / "refs/pull/14/head").write_text("e" * 40 + "\n")
    said: list[str] = []
    queue = build.build_queue(QueueRequest(repo.path, jobs=1), say=said.append)
    assert said == ["#14: its commit is missing, or too large to be one: left out"]
    verdict = only(queue, 12).verdict
    assert verdict
    assert [f.message for f in verdict.findings if f.path == "train_seed42.log" and "lacks its object" in f.message]


def test_a_blob_of_100_mb_is_listed_and_never_read(repo: Repo, tmp_path: Path):
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(100 * 2**20)
    oid = repo.git("hash-object", "-w", str(large))
    path = f"{TRACK}/2026-06-02_Better/final_model.int8.ptz"
    repo.pull(12, base_files() | record("2026-06-02_Better", -0.02) | {path: ("100644", oid)}, main(repo))
    pull = only(judged(repo), 12)
    assert pull.submissions[0].content.size_bytes > 100 * 2**20
    with Objects(repo.path / "objects") as objects:
        data, is_whole = objects.read(oid, 1000)
        assert (len(data), is_whole) == (1000, False)
        assert objects.read(repo.blob("after"), 1000) == (b"after", True)
        with pytest.raises(MissingObjectError, match="lacks"):
            objects.read("f" * 40, 1000)


def test_code_that_others_have_too_is_named_with_its_line(repo: Repo):
    theirs = Draft(folder="2026-06-02_Theirs", bpb_shift=-0.02)
    theirs.edit_logs(
        "step:7000/20000 train_loss",
        "step:2000/20000 train_loss:3.1000 train_time:1ms step_avg:1ms\nstep:7000/20000 train_loss",
    )
    repo.pull(12, base_files() | record("2026-06-02_Theirs", draft=theirs), main(repo))
    copied = Draft(folder="2026-06-03_Copied", bpb_shift=-0.021)
    copied.files["train_seed42.log"] = theirs.files["train_seed42.log"]
    copied.files["train_seed1337.log"] = b"renamed\n" + theirs.files["train_seed1337.log"]
    copied.set(author="Somebody else")
    repo.pull(13, base_files() | record("2026-06-03_Copied", draft=copied), main(repo))
    pull = only(judged(repo), 13)
    shared = {overlap.kind: overlap for overlap in pull.submissions[0].overlaps}
    assert shared["log"].files[0].path == "train_seed42.log"
    assert (shared["run"].files[0].path, shared["run"].number) == ("train_seed1337.log", 12)
    assert only(judged(repo), 12).submissions[0].overlaps == ()


CODE = b"""
def norm(x):
    return x / x.std()

class Block:
    def forward(self, x):
        return norm(x) + {extra}
"""


def test_lineage_is_the_stated_parent_and_the_nearest_code(repo: Repo):
    def pull(number: int, name: str, script: bytes, readme: bytes = b"# Mine\n") -> None:
        draft = Draft(folder=name, script=script, bpb_shift=-number / 1e4)
        draft.files["README.md"] = readme
        repo.pull(number, base_files() | record(name, draft=draft), main(repo))

    pull(12, "2026-06-02_A", CODE.replace(b"{extra}", b"1"))
    pull(13, "2026-06-03_B", CODE.replace(b"{extra}", b"2") + b"\ndef more():\n    return 3\n")
    nearer = CODE.replace(b"{extra}", b"2  # a comment\n") + b"\ndef more():\n    return   4\n"
    pull(14, "2026-06-04_C", nearer, b"# Mine\n\nThis is built on #12, thanks.\n")
    lineage = only(judged(repo), 14).submissions[0].lineage
    assert lineage and lineage.named and lineage.said and lineage.nearest
    assert (lineage.named.pull, lineage.named.line, lineage.said.number) == (12, 3, 12)
    assert lineage.nearest.number == 13
    assert lineage.nearest.share == pytest.approx(2 / 4)


def test_a_second_run_judges_only_what_has_changed(repo: Repo, tmp_path: Path):
    store = tmp_path / "queue.sqlite"
    repo.pull(12, base_files() | record("2026-06-02_Better", -0.02), main(repo))
    before = judged(repo, store=store)
    again = judged(repo, store=store)
    assert (before.num_judged, again.num_judged) == (2, 0)
    assert again.pulls == before.pulls
    repo.pull(13, base_files() | record("2026-06-03_New", -0.03), main(repo))
    assert judged(repo, store=store).num_judged == 1


def test_what_was_judged_before_an_interruption_is_kept(repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store, temporary = tmp_path / "queue.sqlite", tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    for number in (12, 13, 14):
        repo.pull(number, base_files() | record(f"2026-06-{number}_Better", -number / 1e3), main(repo))

    def interrupt(what: str, done: int, of: int) -> None:
        if what == "judging pull requests" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build.build_queue(QueueRequest(repo.path, jobs=1, store=store), progress=interrupt)
    assert multiprocessing.active_children() == []
    assert list(temporary.iterdir()) == []
    assert judged(repo, store=store).num_judged == 1


def test_more_folders_than_one_process_judges_are_judged_by_several(repo: Repo, tmp_path: Path):
    with Pool(PoolSettings(repo.path / "objects", 40, "written", judge=_whose), jobs=2) as workers:
        judged_folders = dict(workers.judge([FolderTask(str(index), "", 0) for index in range(100)]))
    assert [judged_folders[index].failure.split()[0] for index in range(100)] == [str(index) for index in range(100)]
    assert len({content.failure.split()[1] for content in judged_folders.values()}) >= 4


def _whose(objects: Objects, task: FolderTask, ruleset: str) -> Content:
    return Content(None, f"{task.path} {os.getpid()}", None, (), 0, 0)


def test_a_broken_store_is_made_anew(repo: Repo, tmp_path: Path):
    store = tmp_path / "queue.sqlite"
    store.write_bytes(b"not a database" * 100)
    repo.pull(12, base_files() | record("2026-06-02_Better", -0.02), main(repo))
    assert judged(repo, store=store).num_judged == 2
    assert judged(repo, store=store).num_judged == 0


def _misbehaving(objects: Objects, task: FolderTask, ruleset: str) -> Content:
    if task.path == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if task.path == "hangs":
        while True:
            pass
    if task.path == "fails":
        raise ZeroDivisionError("by zero")
    if task.path == "swells":
        bytearray(8 * 2**30)
    return Content(None, "fine", None, (), 0, 0)


def test_a_folder_that_hangs_dies_swells_or_fails_costs_itself_only(repo: Repo):
    paths = ["fine", "dies", "fails", "swells", "hangs", "fine"]
    work = PoolSettings(repo.path / "objects", 40, "written", cpu_seconds=0.3, judge=_misbehaving)
    with Pool(work, jobs=1) as workers:
        judged_folders = dict(workers.judge([FolderTask(path, "", 0) for path in paths]))
    assert [judged_folders[index].failure for index in (0, 5)] == ["fine", "fine"]
    assert "signal 9" in judged_folders[1].failure
    assert "ZeroDivisionError" in judged_folders[2].failure
    assert "memory" in judged_folders[3].failure
    assert "0.3 s" in judged_folders[4].failure
    assert all(judged_folders[index].broken for index in (1, 2, 3, 4))


def test_nothing_that_the_repository_configures_is_run(repo: Repo, tmp_path: Path):
    repo.pull(12, base_files() | record("2026-06-02_Better", -0.02), main(repo))
    path = f"{TRACK}/2026-06-03_Lacks/train_gpt.py"  # what is missing would be fetched from the promisor
    files = base_files() | record("2026-06-03_Lacks", -0.03) | {path: ("100644", "d" * 40)}
    repo.pull(13, files, main(repo))
    mark = tmp_path / "ran"
    program = tmp_path / "program.sh"
    program.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    program.chmod(0o755)
    for name in (
        "core.fsmonitor",
        "core.sshCommand",
        "diff.external",
        "core.pager",
        "credential.helper",
        "uploadpack.packObjectsHook",
    ):
        repo.git("config", name, str(program))
    repo.git("config", "filter.x.smudge", str(program))
    repo.git("config", "diff.x.textconv", str(program))
    repo.git("config", "remote.origin.url", f"ext::{program}")
    repo.git("config", "remote.origin.promisor", "true")
    repo.git("config", "remote.origin.partialclonefilter", "blob:none")
    repo.git("config", "protocol.ext.allow", "always")
    repo.git("config", "extensions.partialClone", "origin")
    (repo.path / "info").mkdir(exist_ok=True)
    (repo.path / "info/attributes").write_text("* filter=x diff=x\n")
    for hook in ("post-checkout", "reference-transaction", "fsmonitor-watchman", "post-index-change"):
        (repo.path / "hooks").mkdir(exist_ok=True)
        (repo.path / "hooks" / hook).write_text(program.read_text())
        (repo.path / "hooks" / hook).chmod(0o755)
    queue = judged(repo)
    assert {pull.number for pull in queue.pulls} == {12, 13}
    assert not mark.exists()
    repo.git("update-ref", "refs/pull/14/head", main(repo))
    assert mark.exists()  # git itself obeys: what was planted works


def test_replacements_grafts_and_the_readers_own_git_variables_change_nothing(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    head = repo.pull(12, base_files() | record("2026-06-02_Better", -0.02), main(repo))
    before = judged(repo)
    other = repo.commit(base_files() | record("2026-06-02_Better", -0.05), main(repo))
    repo.ref(f"refs/replace/{head}", other)
    (repo.path / "info").mkdir(exist_ok=True)
    (repo.path / "info/grafts").write_text(f"{head}\n")
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "nonsense")
    assert untimed(judged(repo).pulls) == untimed(before.pulls)


def test_a_path_in_the_repository_leads_to_nothing_on_the_disk(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    repo.pull(12, base_files() | record("2026-06-02_Better", -0.02), main(repo))
    before = only(judged(repo), 12)
    (tmp_path / "work" / TRACK).mkdir(parents=True)
    (tmp_path / "work" / TRACK / "2026-06-02_Better").symlink_to(tmp_path / "work" / "elsewhere_2020-01-01")
    monkeypatch.chdir(tmp_path / "work")
    assert untimed((only(judged(repo), 12),)) == untimed((before,))


def test_names_that_no_checkout_could_have_are_left_out_or_named(repo: Repo):
    inner = repo.git("mktree", stdin=f"100644 blob {repo.blob('x')}\tREADME.md\n".encode())
    raw = b"40000 ..\0" + bytes.fromhex(inner) + b"100644 a\nb\0" + bytes.fromhex(repo.blob("x"))
    tree = repo.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=raw)
    from golfcheck.queue.treefiles import TreeFiles

    with Objects(repo.path / "objects") as objects:
        listing = TreeFiles(objects, tree).walk()
    assert listing.entries == ()
    assert [problem.message for problem in listing.problems] == [r"a name that is not printable UTF-8: 'a\nb'"]


def test_a_work_tree_a_second_one_and_packed_refs_are_read_alike(repo: Repo, tmp_path: Path):
    repo.pull(12, base_files() | record("2026-06-02_Better", -0.02), main(repo))
    repo.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "second"), "main")
    loose = gitfolder.find(repo.path)
    refs = loose.refs(("refs/pull/*/head",))
    repo.git("pack-refs", "--all")
    packed = gitfolder.find(tmp_path / "second")
    assert packed.refs(("refs/pull/*/head",)) == refs != {}
    assert packed.resolve("main") == loose.resolve("refs/heads/main") == main(repo)
    assert packed.objects.resolve() == loose.objects.resolve()


@pytest.mark.parametrize("text", ["x", "12-", "40-15", "1;2", "-3"])
def test_invalid_numbers_are_refused(text: str):
    with pytest.raises(UsageError, match="12,15-40"):
        wanted_numbers(text)


def test_numbers_are_read_alone_and_as_ranges():
    assert wanted_numbers("3, 5-7,5") == {3, 5, 6, 7}


def test_missing_heads_a_missing_base_or_number_give_one_line(repo: Repo, tmp_path: Path):
    with pytest.raises(UsageError, match="fetch the heads"):
        judged(repo)
    repo.pull(12, base_files(), main(repo))
    with pytest.raises(UsageError, match="no branch, tag or ref is called 'develop'"):
        judged(repo, base="develop")
    with pytest.raises(UsageError, match="has one of the requested numbers"):
        judged(repo, only="99")
    with pytest.raises(UsageError, match="not a git repository"):
        build.build_queue(QueueRequest(tmp_path))


def test_moments_stand_in_the_order_of_the_numbers():
    assert content.at_number(2) < content.at_number(10) < content.at_number(10**6)


def test_the_filter_of_the_board_reads_what_a_pull_request_has(repo: Repo):
    draft = Draft(folder="2026-06-03_Other", bpb_shift=-0.01)
    draft.set(author="Ann", name="Sliding window")
    draft.files["README.md"] = b"# Mine\n\nbuilt on #12\n"
    repo.pull(12, base_files() | record("2026-06-02_Better", -0.02), main(repo))
    repo.pull(13, base_files() | record("2026-06-03_Other", draft=draft) | {"README.md": "x"}, main(repo))
    repo.pull(14, base_files() | {"README.md": "a typo"}, main(repo))
    rows = [row_of(pull) for pull in judged(repo).pulls]

    def matching(text: str) -> set[int]:
        return {row.pull.number for row in rows if parse(text, keys=KEYS).matches(row)}

    assert matching("") == {12, 13, 14}
    assert matching("triage:ready") == {12}
    assert matching("rule:outside-files") == {13}
    assert matching("-triage:none bpb:<1.1") == {12}
    assert matching("base:12") == matching('author:ann "sliding window"') == matching("date:2026-06-03") == {13}
    assert matching("pull:13..20 -merged:yes") == {13, 14}
    assert matching("contends:yes delta:<-0.015") == matching("folders:1 seeds:>=3 path:better") == {12}
    with pytest.raises(UsageError, match="one of ready, review, refuted, none"):
        parse("triage:done", keys=KEYS)


def test_a_claim_that_is_hard_to_believe_comes_after_those_with_lighter_reasons(repo: Repo):
    draft = Draft(folder="2026-06-02_Huge", bpb_shift=-0.4)
    repo.pull(12, base_files() | record("2026-06-02_Huge", draft=draft), main(repo))
    repo.pull(13, base_files() | record("2026-06-03_Better", -0.02) | {"README.md": "mine"}, main(repo))
    queue = judged(repo)
    assert kinds(only(queue, 12))[0] == "implausible-score"
    assert [pull.number for pull in queue.pulls] == [13, 12]
