"""`golfcheck new` makes a complete submission folder from logs alone, or writes nothing."""

import contextlib
import io
import json
import re
import subprocess
from pathlib import Path

import pytest

from golfcheck.authoring.newrecord import MAX_SHIPPED_ARTIFACT_BYTES, About, build
from golfcheck.authoring.recordreadme import PLACEHOLDER
from golfcheck.cli import main
from golfcheck.core.errors import UsageError
from golfcheck.core.schema import violations
from golfcheck.core.verdict import Severity
from golfcheck.judging.verify import verify
from golfcheck.submission.record import load
from tests.conftest import ROOT

ABOUT = About(name="Mine", author="Ann", github_id="ann", date="2026-06-01")
SOURCES = {"model.py": "WIDTH = 8\n", "train.py": '"""Train."""\nimport model\n\nprint(model.WIDTH)\n'}
RULE = "=" * 100


def log(seed: int, val_bpb: float = 2.5, model_bytes: int = 1000, sources: dict[str, str] = SOURCES) -> str:
    """A log as the reference trainer writes it."""
    code_bytes = sum(len(text) for text in sources.values())
    dump = "".join(f"# file: {name}, {len(text)} bytes\n{text}" for name, text in sorted(sources.items()))
    tokens, size = 1000, 2400
    loss = val_bpb * 0.6931471805599453 * size / tokens
    return f"""{dump}{RULE}
Running Python 3.11.7 (main) [GCC 12.2.0]
Running PyTorch 2.13.0+cpu

{RULE}
val_bpb:enabled tokenizer_kind=sentencepiece tokenizer_path=t.model
train_loader:dataset:demo train_shards:1
val_loader:shards pattern=demo/fineweb_val_*.bin tokens:{tokens}
data:val_text tokens:{tokens} bytes:{size}
model_params:5000
world_size:1 grad_accum_steps:8
train_batch_tokens:2048 train_seq_len:128 iterations:2 warmup_steps:0 max_wallclock_seconds:0.000
seed:{seed}
settings:numerics rope_tables:bf16 activations:bf16 device:cpu Some CPU compiled:False
settings:changed {{"TRAIN_SEQ_LEN": 128, "TIE_EMBEDDINGS": false, "DATA_PATH": "/home/ann/data"}}
step:1/2 train_loss:{6.9 + seed / 1000:.4f} train_time:100ms step_avg:100.00ms
step:2/2 train_loss:{6.8 + seed / 1000:.4f} train_time:200ms step_avg:100.00ms
step:2/2 val_loss:{loss:.4f} val_bpb:{val_bpb:.4f} train_time:200ms step_avg:100.00ms
Serialized model: 20000 bytes
Code size: {code_bytes} bytes
Total submission size: {20000 + code_bytes} bytes
Serialized model int8+zlib: {model_bytes} bytes (payload:5000 raw_torch:6000 payload_ratio:3.91x)
Total submission size int8+zlib: {model_bytes + code_bytes} bytes
final_int8_zlib_roundtrip val_loss:{loss:.4f} val_bpb:{val_bpb:.4f} eval_time:50ms
final_int8_zlib_roundtrip_exact val_loss:{loss:.8f} val_bpb:{val_bpb:.8f}
"""


WITHOUT_CODE = RULE + log(1).split(RULE, 1)[1]


def write_logs(folder: Path, *texts: str) -> list[Path]:
    paths = [folder / f"log{i}.txt" for i in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return paths


def unpack(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def test_logs_alone_make_a_record_without_findings(tmp_path: Path) -> None:
    logs = write_logs(tmp_path, log(1, 2.50), log(2, 2.52), log(3, 2.54))
    record = build(logs, [], ABOUT)
    folder = unpack(tmp_path / "2026-06-01_Mine", record.files)
    verdict = verify(load(folder))
    assert [finding for finding in verdict.findings if finding.severity > Severity.INFO] == []
    assert verdict.score is not None
    assert verdict.score.mean_bpb == pytest.approx(2.52, abs=1e-7)
    for i, seed in enumerate((1, 2, 3)):
        assert (folder / f"train_seed{seed}.log").read_bytes() == logs[i].read_bytes()
    assert {name: (folder / name).read_text() for name in SOURCES} == SOURCES


def test_submission_json_has_the_canonical_keys_and_the_logs_numbers(tmp_path: Path) -> None:
    record = build(write_logs(tmp_path, log(7, 2.5, 1000), log(8, 2.6, 1500)), [], ABOUT)
    submission = json.loads(record.files["submission.json"])
    assert violations("submission", submission) == []
    assert submission["val_bpb"] == pytest.approx(2.55)
    assert submission["bytes_code"] == sum(map(len, SOURCES.values()))
    assert submission["bytes_total"] == 1500 + submission["bytes_code"]  # the largest seed counts
    assert submission["seeds"] == [7, 8]
    assert submission["seed_results"]["8"]["steps"] == 2
    assert submission["seed_results"]["8"]["train_time_ms"] == 200
    assert submission["track"] == "non_record_16mb"
    assert submission["hardware"] == "cpu Some CPU"


def test_the_readme_has_the_training_command_without_local_paths(tmp_path: Path) -> None:
    text = build(write_logs(tmp_path, log(7), log(8)), [], ABOUT).files["README.md"].decode()
    assert "python train.py --train-seq-len 128 --tie-embeddings 0 --seeds 7,8\n" in text
    assert "/home/ann" not in text
    assert "| 7 | 2.50000 |" in text


def test_the_readme_for_another_trainers_log_claims_only_what_the_log_says(tmp_path: Path) -> None:
    text = log(7).replace("settings:changed", "hyperparameters:")
    record = build(write_logs(tmp_path, text), [], ABOUT)
    readme = record.files["README.md"].decode()
    assert PLACEHOLDER in readme
    assert "reference trainer" not in readme
    assert "To run it again" not in readme
    named = set(re.findall(r"`([^`]+[.](?:py|log))`", readme))
    assert named == {name for name in record.files if name.endswith((".py", ".log"))}


def test_without_code_in_the_log_the_given_script_and_its_imports_are_used(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, text in {**SOURCES, "unused.py": "x = 1\n"}.items():
        (folder / name).write_text(text)
    logs = write_logs(tmp_path, WITHOUT_CODE)
    files = build(logs, [], ABOUT, folder / "train.py").files
    assert {name: data.decode() for name, data in files.items() if name.endswith(".py")} == SOURCES


@pytest.mark.parametrize("where", ["", "logs"])
def test_without_code_in_the_log_the_script_next_to_it_is_used_with_a_note(tmp_path: Path, where: str) -> None:
    (tmp_path / where).mkdir(exist_ok=True)
    (tmp_path / "train_gpt.py").write_text("x = 1\n")
    record = build(write_logs(tmp_path / where, WITHOUT_CODE), [], ABOUT)
    assert record.files["train_gpt.py"] == b"x = 1\n"
    assert f"no log contains the code: using {tmp_path / 'train_gpt.py'}" in record.notes
    assert any("bytes of code, the files here have 6" in note for note in record.notes)


def test_without_code_in_the_log_the_script_in_the_current_directory_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, logs = tmp_path / "work", tmp_path / "elsewhere"
    work.mkdir()
    logs.mkdir()
    (work / "train_gpt.py").write_text("x = 1\n")
    monkeypatch.chdir(work)
    assert build(write_logs(logs, WITHOUT_CODE), [], ABOUT).files["train_gpt.py"] == b"x = 1\n"


def test_with_different_code_in_the_logs_the_given_script_counts(tmp_path: Path) -> None:
    (tmp_path / "train_gpt.py").write_text("x = 1\n")
    logs = write_logs(tmp_path, log(1), log(2, sources={"train.py": "y = 2\n"}))
    with pytest.raises(UsageError, match=r"its code differs from that in .*--script FILE"):
        build(logs, [], ABOUT)
    assert build(logs, [], ABOUT, tmp_path / "train_gpt.py").num_runs == 2


def test_a_script_that_cannot_be_read_gives_one_line(tmp_path: Path) -> None:
    logs = write_logs(tmp_path, log(1))
    (tmp_path / "bad.py").write_text("def f(:\n")
    for name, words in (("missing.py", "expected a source file|no such file"), ("bad.py", r"bad\.py:1: not Python")):
        with pytest.raises(UsageError, match=words) as refused:
            build(logs, [], ABOUT, tmp_path / name)
        assert "\n" not in str(refused.value)


def test_sizes_missing_from_the_logs_come_from_the_artifact_or_are_omitted(tmp_path: Path) -> None:
    text = "".join(line for line in log(1).splitlines(keepends=True) if " bytes" not in line or "# file" in line)
    logs = write_logs(tmp_path, text)
    unknown = build(logs, [], ABOUT)
    code_bytes = sum(map(len, SOURCES.values()))
    submission = json.loads(unknown.files["submission.json"])
    assert (submission["bytes_code"], unknown.total_bytes) == (code_bytes, None)
    assert "bytes_total" not in submission
    assert any(note.startswith("bytes_total is missing") for note in unknown.notes)
    artifact = tmp_path / "a.int6.ptz"
    artifact.write_bytes(bytes(500))
    expected = build(logs, [artifact], ABOUT)
    assert expected.total_bytes == 500 + code_bytes
    assert expected.files["final_model.int6.ptz"] == bytes(500)


def test_of_two_logs_with_one_seed_the_last_counts_only_with_keep_last(tmp_path: Path) -> None:
    logs = write_logs(tmp_path, log(1, 2.5), log(2, 2.5), log(1, 2.7))
    with pytest.raises(UsageError, match=r"seed 1 is also in .* --keep-last"):
        build(logs, [], ABOUT)
    record = build(logs, [], ABOUT, keep_last=True)
    assert record.mean_bpb == pytest.approx(2.6)
    assert record.notes[0] == f"seed 1: using {logs[2]}, not {logs[0]}"


def test_of_runs_of_one_seed_in_a_log_the_last_counts_only_where_that_was_asked_for(tmp_path: Path) -> None:
    (path,) = write_logs(tmp_path, log(1, 2.5) + log(1, 2.7))
    with pytest.raises(UsageError, match=r"2 runs, several of them with seed 1: .* --keep-last"):
        build([path], [], ABOUT)
    record = build([path], [], ABOUT, keep_last=True)
    assert record.mean_bpb == pytest.approx(2.7)
    assert f"{path}: 2 runs, several of them with seed 1: using the last one" in record.notes


@pytest.mark.parametrize("names", [("train.log", "train_seed2.log"), ("train_seed2.log", "train.log")])
def test_a_copy_of_a_log_is_skipped_and_reported(tmp_path: Path, names: tuple[str, str]) -> None:
    logs = [*write_logs(tmp_path, log(1)), *(tmp_path / name for name in names)]
    for path in logs[1:]:
        path.write_text(log(2))
    record = build(logs, [], ABOUT)
    assert [note for note in record.notes if "copy" in note] == [
        f"{tmp_path / 'train.log'}: a copy of {tmp_path / 'train_seed2.log'}, left out"
    ]
    assert json.loads(record.files["submission.json"])["seed_results"].keys() == {"1", "2"}


def test_a_log_of_several_seeds_gives_a_result_for_each(tmp_path: Path) -> None:
    dump, rule, _ = log(1).partition(RULE)
    runs = "".join(log(seed, 2.5 + seed / 10).removeprefix(dump) for seed in (1, 2))
    record = build(write_logs(tmp_path, dump + runs), [], ABOUT)
    submission = json.loads(record.files["submission.json"])
    assert (submission["seeds"], record.mean_bpb) == ([1, 2], pytest.approx(2.65))
    assert rule


def test_a_small_artifact_is_included_and_a_large_one_gives_a_note(tmp_path: Path) -> None:
    small, large = tmp_path / "a.int8.ptz", tmp_path / "b.int8.ptz"
    small.write_bytes(bytes(1000))
    large.write_bytes(bytes(MAX_SHIPPED_ARTIFACT_BYTES + 1))
    logs = write_logs(tmp_path, log(1, model_bytes=1000), log(2, model_bytes=MAX_SHIPPED_ARTIFACT_BYTES + 1))
    record = build(logs, [small, large], ABOUT)
    assert record.files["final_model_seed1.int8.ptz"] == bytes(1000)
    assert "final_model_seed2.int8.ptz" not in record.files
    assert any(str(large) in note for note in record.notes)
    alone = build(logs[:1], [small], ABOUT)
    assert alone.files["final_model.int8.ptz"] == bytes(1000)


def test_eight_h100_within_the_cap_make_a_ranked_record(tmp_path: Path) -> None:
    gpus = "".join(f"|   {i}  NVIDIA H100 80GB HBM3          On  |   0000:1{i}:00.0 Off |  0 |\n" for i in range(8))
    alone = log(1).replace("2.13.0+cpu\n", f"2.13.0+cpu\n{gpus}")
    submission = json.loads(build(write_logs(tmp_path, alone), [], ABOUT).files["submission.json"])
    assert (submission["track"], submission["hardware"]) == ("non_record_16mb", "cpu Some CPU")  # eight were there
    text = alone.replace("world_size:1 ", "world_size:8 ").replace("cpu Some CPU", "NVIDIA H100 80GB HBM3")
    submission = json.loads(build(write_logs(tmp_path, text), [], ABOUT).files["submission.json"])
    assert submission["track"] == "10min_16mb"
    assert submission["hardware"] == "8xNVIDIA H100 80GB HBM3"
    late = text.replace("train_time:200ms", "train_time:600300ms")
    submission = json.loads(build(write_logs(tmp_path, late), [], ABOUT).files["submission.json"])
    assert submission["track"] == "non_record_16mb"


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ([log(1), log(1, 2.6)], "seed 1 is also in"),
        ([log(1), log(2, sources={**SOURCES, "model.py": "WIDTH = 9\n"})], r"its code differs .* \(model.py\)"),
        (
            [log(1).partition("final_int8")[0]],
            r"0 finished runs: it has no score.*; \d\.\d{5} bpb at step \d+ is a validation",
        ),
        ([log(1) + log(1, 2.6).partition("world_size")[1] + log(1, 2.6).partition("world_size")[2]], "reduce the log"),
        ([WITHOUT_CODE], "contains no source code, .* pass --script FILE"),
        ([log(1, sources={"../evil.py": "x = 1\n"})], "expected a file name"),
    ],
)
def test_unusable_logs_give_one_line_with_the_file(tmp_path: Path, texts: list[str], words: str) -> None:
    logs = write_logs(tmp_path, *texts)
    with pytest.raises(UsageError, match=words) as refused:
        build(logs, [], ABOUT)
    assert str(tmp_path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_artifact_whose_size_differs_from_the_log_is_refused(tmp_path: Path) -> None:
    artifact = tmp_path / "a.ptz"
    artifact.write_bytes(bytes(999))
    with pytest.raises(UsageError, match=r"999 bytes, but .*log0\.txt logged 1,000"):
        build(write_logs(tmp_path, log(1)), [artifact], ABOUT)
    with pytest.raises(UsageError, match="1 artifacts for 2 logs"):
        build(write_logs(tmp_path, log(1), log(2)), [artifact], ABOUT)


def new(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the command in a folder, in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["new", *words])
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def test_an_existing_folder_is_never_written_into(tmp_path: Path) -> None:
    write_logs(tmp_path, log(1))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("precious")
    completed = new(tmp_path, "mine", "--from", "log0.txt")
    assert completed.returncode == 2
    assert "mine: exists already; nothing was written" in completed.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_a_second_record_of_the_same_day_and_name_gets_a_number(tmp_path: Path) -> None:
    write_logs(tmp_path, log(1))
    for _ in range(2):
        completed = new(tmp_path, "--into", "record", "--name", "run", "--from", "log0.txt", "--author", "Ann")
        assert completed.returncode == 0, completed.stderr
    first, second = sorted(path.name for path in (tmp_path / "record").iterdir())
    assert second == f"{first}_2"
    assert "next    golfcheck verify" in completed.stdout
    assert "1 of the 3 seeds required for a record" in completed.stdout


def test_a_folder_that_is_named_by_a_date_gives_the_record_its_date_and_name(tmp_path: Path) -> None:
    write_logs(tmp_path, log(1))
    for folder, said in {
        "2026-03-17_Base": ("2026-03-17", "Base"),
        "2026-02-30_Base": (None, "2026-02-30_Base"),
        "2999-01-01_Later": (None, "Later"),
    }.items():
        completed = new(tmp_path, folder, "--from", "log0.txt", "--author", "Ann")
        assert completed.returncode == 0, completed.stderr
        submission = json.loads((tmp_path / folder / "submission.json").read_text())
        assert submission["name"] == said[1]
        assert submission["date"] == said[0] if said[0] else submission["date"].startswith("20")


def test_new_trainer_copies_the_trainer(tmp_path: Path) -> None:
    completed = new(tmp_path, "--trainer", "mine")
    assert completed.returncode == 0, completed.stderr
    assert "next    python mine/train.py --smoke" in completed.stdout
    source = ROOT / "reference"
    assert {path.name: path.read_bytes() for path in (tmp_path / "mine").iterdir()} == {
        path.name: path.read_bytes() for path in source.glob("*.py") if path.name != "__init__.py"
    }
    again = new(tmp_path, "--trainer", "mine")
    assert (again.returncode, again.stdout) == (2, "")
    assert "exists already; nothing was written" in again.stderr


@pytest.mark.parametrize("words", [[], ["mine"], ["--into", "x", "--from", "a.log"], ["mine", "--trainer", "other"]])
def test_an_incomplete_or_contradictory_request_gives_one_line(tmp_path: Path, words: list[str]) -> None:
    completed = new(tmp_path, *words)
    assert completed.returncode == 2
    assert completed.stderr.startswith("golfcheck: new: ")
    assert completed.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_log_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    write_logs(tmp_path, log(1).partition("final_int8")[0])
    completed = new(tmp_path, "mine", "--from", "log0.txt")
    assert completed.returncode == 2
    assert completed.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log0.txt"]
