"""`golfcheck new`: a submission folder from logs alone, whole or not at all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from golfcheck.authoring.newrecord import MAX_SHIPPED_ARTIFACT_BYTES, About, build
from golfcheck.core.errors import UsageError
from golfcheck.core.schema import violations
from golfcheck.core.verdict import Severity
from golfcheck.judging.verify import verify
from golfcheck.submission.record import load

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


def test_logs_alone_make_a_record_that_verify_has_nothing_against(tmp_path: Path) -> None:
    logs = write_logs(tmp_path, log(1, 2.50), log(2, 2.52), log(3, 2.54))
    made = build(logs, [], ABOUT)
    folder = unpack(tmp_path / "2026-06-01_Mine", made.files)
    verdict = verify(load(folder))
    assert [finding for finding in verdict.findings if finding.severity > Severity.INFO] == []
    assert verdict.score is not None
    assert verdict.score.mean_bpb == pytest.approx(2.52, abs=1e-7)
    for i, seed in enumerate((1, 2, 3)):
        assert (folder / f"train_seed{seed}.log").read_bytes() == logs[i].read_bytes()
    assert {name: (folder / name).read_text() for name in SOURCES} == SOURCES


def test_submission_json_has_the_canonical_keys_and_the_logs_numbers(tmp_path: Path) -> None:
    made = build(write_logs(tmp_path, log(7, 2.5, 1000), log(8, 2.6, 1500)), [], ABOUT)
    submission = json.loads(made.files["submission.json"])
    assert violations("submission", submission) == []
    assert submission["val_bpb"] == pytest.approx(2.55)
    assert submission["bytes_code"] == sum(map(len, SOURCES.values()))
    assert submission["bytes_total"] == 1500 + submission["bytes_code"]  # the largest seed counts
    assert submission["seeds"] == [7, 8]
    assert submission["seed_results"]["8"]["steps"] == 2
    assert submission["seed_results"]["8"]["train_time_ms"] == 200
    assert submission["track"] == "non_record_16mb"
    assert submission["hardware"] == "cpu Some CPU"


def test_the_readme_tells_how_to_run_it_again_without_the_makers_paths(tmp_path: Path) -> None:
    text = build(write_logs(tmp_path, log(7), log(8)), [], ABOUT).files["README.md"].decode()
    assert "python train.py --train-seq-len 128 --tie-embeddings 0 --seeds 7,8\n" in text
    assert "/home/ann" not in text
    assert "| 7 | 2.50000000 |" in text


def test_a_small_artifact_goes_along_and_a_large_one_is_left_out_and_said(tmp_path: Path) -> None:
    small, large = tmp_path / "a.ptz", tmp_path / "b.ptz"
    small.write_bytes(bytes(1000))
    large.write_bytes(bytes(MAX_SHIPPED_ARTIFACT_BYTES + 1))
    logs = write_logs(tmp_path, log(1, model_bytes=1000), log(2, model_bytes=MAX_SHIPPED_ARTIFACT_BYTES + 1))
    made = build(logs, [small, large], ABOUT)
    assert made.files["final_model_seed1.int8.ptz"] == bytes(1000)
    assert "final_model_seed2.int8.ptz" not in made.files
    assert any(str(large) in note for note in made.notes)
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
        ([log(1), log(1, 2.6)], "seed 1 again"),
        ([log(1), log(2, sources={**SOURCES, "model.py": "WIDTH = 9\n"})], r"other code .* \(model.py\)"),
        ([log(1).partition("final_int8")[0]], "0 finished runs, expected one"),
        ([log(1).replace("seed:1\n", "")], "no line says the seed"),
        ([log(1).replace("Code size", "Size of code")], "no sizes: expected"),
        ([RULE + log(1).split(RULE, 1)[1]], "holds no source code"),
        ([log(1, sources={"../evil.py": "x = 1\n"})], "expected a plain name"),
    ],
)
def test_logs_that_make_no_record_are_one_line_with_the_file(tmp_path: Path, texts: list[str], words: str) -> None:
    logs = write_logs(tmp_path, *texts)
    if "no line says" in words:
        logs[0] = logs[0].rename(tmp_path / "run.txt")
    with pytest.raises(UsageError, match=words) as refused:
        build(logs, [], ABOUT)
    assert str(tmp_path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_artifact_of_another_size_than_logged_is_refused(tmp_path: Path) -> None:
    artifact = tmp_path / "a.ptz"
    artifact.write_bytes(bytes(999))
    with pytest.raises(UsageError, match=r"999 bytes, but log0\.txt logged 1,000"):
        build(write_logs(tmp_path, log(1)), [artifact], ABOUT)
    with pytest.raises(UsageError, match="1 artifacts for 2 logs"):
        build(write_logs(tmp_path, log(1), log(2)), [artifact], ABOUT)


def new(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "golfcheck", "new", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


def test_a_folder_that_is_there_is_never_written_into(tmp_path: Path) -> None:
    write_logs(tmp_path, log(1))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("precious")
    done = new(tmp_path, "mine", "--from", "log0.txt")
    assert done.returncode == 2
    assert "mine: is there already; nothing was written" in done.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_a_second_record_of_the_same_day_and_name_gets_a_number(tmp_path: Path) -> None:
    write_logs(tmp_path, log(1))
    for _ in range(2):
        done = new(tmp_path, "--into", "record", "--name", "run", "--from", "log0.txt", "--author", "Ann")
        assert done.returncode == 0, done.stderr
    first, second = sorted(path.name for path in (tmp_path / "record").iterdir())
    assert second == f"{first}_2"
    assert "next    golfcheck verify" in done.stdout
    assert "1 of the 3 seeds that a record needs" in done.stdout


def test_a_log_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    write_logs(tmp_path, log(1).partition("final_int8")[0])
    done = new(tmp_path, "mine", "--from", "log0.txt")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log0.txt"]
