"""`golfcheck data`: demo, tokenize, check."""

import errno
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sentencepiece as spm
from hypothesis import given, settings
from hypothesis import strategies as st

from golfcheck import cli
from golfcheck.core import sandbox
from golfcheck.core.errors import GolfcheckError, Refused, UsageError
from golfcheck.data import dataset, textfiles
from golfcheck.data.dataset import Dataset, make_demo, tokenize_files
from golfcheck.data.shardwriter import ShardWriter, shard_bytes
from golfcheck.data.stdlib_text import documents
from golfcheck.data.textfiles import read_documents
from golfcheck.datacheck import (
    BadFile,
    ShardReport,
    SplitOverlap,
    TokenizerReport,
    check,
    find_shards,
    find_tokenizer,
    vocab_of,
)
from golfcheck.reference.data import HEADER_BYTES, MAGIC, read_shard, shard_paths
from tests.golfcheck.datacheck.opened import check_shard, load_tokenizer
from tests.golfcheck.tokenizer_models import HOSTILE, PIECES, model, piece

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def english() -> Iterator[list[str]]:
    """The demonstration's documents, gathered once."""
    texts = documents()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "documents", lambda: texts)
        yield texts


@pytest.fixture(scope="module")
def demo(english: list[str], tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_demo(tmp_path_factory.mktemp("demo") / "data")


@pytest.fixture(scope="module")
def tokenizer(demo: Dataset) -> Any:
    return spm.SentencePieceProcessor(model_file=str(demo.tokenizer_path))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def texts_of(path: Path, tokenizer: Any) -> list[str]:
    """Decode a whole shard, document by document."""
    tokens = read_shard(path, tokenizer.vocab_size())
    starts = np.flatnonzero(tokens == tokenizer.bos_id())
    return [tokenizer.decode(part[1:].tolist()) for part in np.split(tokens, starts[1:])]


# The text that Python ships


def test_python_ships_megabytes_of_english_without_repetition(english: list[str]) -> None:
    assert sum(len(text.encode()) for text in english) > 1_000_000
    assert len(set(english)) == len(english)
    assert all(text and text == text.strip() for text in english)


def test_gathering_is_the_same_in_every_process_and_imports_no_module_that_it_reads(english: list[str]) -> None:
    code = (
        "import hashlib, sys; from golfcheck.data.stdlib_text import documents\n"
        "before = set(sys.modules)\n"
        "print(hashlib.sha256(repr(documents()).encode()).hexdigest(), *set(sys.modules) - before)"
    )
    completed = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    digest, *imported = completed.stdout.split()
    assert digest == hashlib.sha256(repr(english).encode()).hexdigest()
    assert set(imported) <= {"pydoc_data", "pydoc_data.topics"}


# demo


def test_the_demonstration_is_laid_out_like_the_contests_data(demo: Dataset) -> None:
    root = demo.data_path.parent.parent
    assert sorted(tree(root)) == [
        "datasets/demo_sp1024/fineweb_train_000000.bin",
        "datasets/demo_sp1024/fineweb_val_000000.bin",
        "tokenizers/demo_1024_bpe.model",
    ]
    assert demo.data_path == root / "datasets/demo_sp1024"
    assert demo.tokenizer_path == root / "tokenizers/demo_1024_bpe.model"


def test_the_demonstrations_tokenizer_has_1024_pieces_and_falls_back_to_bytes(tokenizer: Any) -> None:
    assert tokenizer.vocab_size() == 1024
    assert sum(tokenizer.is_byte(i) for i in range(1024)) == 256
    assert tokenizer.decode(tokenizer.encode("日本 🙂\n\tx  y")) == "日本 🙂\n\tx  y"


def test_the_demonstrations_splits_share_no_document(demo: Dataset, tokenizer: Any, english: list[str]) -> None:
    train, val = (
        texts_of(path, tokenizer) for split in ("train", "val") for path in shard_paths(demo.data_path, split)
    )
    assert set(train).isdisjoint(val)
    assert sorted(train + val) == sorted(english)


def test_a_second_demonstration_is_the_same_and_writes_nothing(demo: Dataset) -> None:
    root = demo.data_path.parent.parent
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    assert make_demo(root) == demo
    assert before == {path: path.stat().st_mtime_ns for path in root.rglob("*")}


def test_a_file_with_other_content_is_not_overwritten(english: list[str], tmp_path: Path) -> None:
    path = tmp_path / "tokenizers/demo_1024_bpe.model"
    path.parent.mkdir()
    path.write_bytes(b"mine")
    with pytest.raises(UsageError, match="has different contents from what would be written"):
        make_demo(tmp_path)
    assert tree(tmp_path) == {"tokenizers/demo_1024_bpe.model": b"mine"}


def test_the_demonstration_passes_its_own_check(demo: Dataset, english: list[str]) -> None:
    shards = find_shards(demo.data_path.parent.parent)
    assert list(shards) == [demo.data_path]
    assert find_tokenizer(demo.data_path) == demo.tokenizer_path
    reports = list(check(demo.tokenizer_path, shards[demo.data_path], vocab_of(demo.data_path.name)))
    assert [type(report) for report in reports] == [TokenizerReport, ShardReport, ShardReport, SplitOverlap]
    total_bytes = sum(report.text_bytes or 0 for report in reports if isinstance(report, ShardReport))
    assert total_bytes == sum(len(text.encode()) for text in english)


# tokenize

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r▁\0"), max_size=40)


@settings(max_examples=60)
@given(
    texts=st.lists(TEXT.filter(lambda text: "<|endoftext|>" not in text), min_size=1, max_size=8),
    shard_tokens=st.integers(1, 60),
)
def test_shards_decode_to_the_text_they_were_made_of(
    demo: Dataset, tokenizer: Any, tmp_path_factory: pytest.TempPathFactory, texts: list[str], shard_tokens: int
) -> None:
    folder = tmp_path_factory.mktemp("round_trip")
    plain, lines = folder / "a.txt", folder / "b.jsonl"
    plain.write_text("".join(f"{text}\n<|endoftext|>\n" for text in texts), "utf-8", newline="\n")
    lines.write_text("".join(json.dumps({"text": text, "id": 1}) + "\n" for text in texts), "utf-8")
    expected = [text for text in texts if text]
    if not expected:
        with pytest.raises(UsageError, match="no document in these files"):
            tokenize_files([plain], demo.tokenizer_path, folder / "out", "train", shard_tokens)
        return
    tokenized = tokenize_files([plain, lines], demo.tokenizer_path, folder / "out", "train", shard_tokens)
    tokens = np.concatenate([read_shard(path, 1024) for path in tokenized.shards])
    assert [read_shard(path, 1024).size for path in tokenized.shards[:-1]] == [shard_tokens] * (
        len(tokenized.shards) - 1
    )
    assert (folder / "out").is_dir() and sorted((folder / "out").iterdir()) == list(tokenized.shards)
    starts = np.flatnonzero(tokens == tokenizer.bos_id())
    assert [tokenizer.decode(part[1:].tolist()) for part in np.split(tokens, starts[1:])] == expected * 2
    assert (tokenized.documents, tokenized.tokens) == (2 * len(expected), tokens.size)
    assert tokenized.text_bytes == 2 * sum(len(text.encode()) for text in expected)
    leading = 2 * sum(text.startswith(" ") for text in expected)  # which a score does not count
    assert tokenized.counted_bytes == tokenized.text_bytes - leading


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.txt", b"good\nb\xffd\n", "a.txt:2: not UTF-8: byte 0xff at column 2"),
        ("a.txt", b"caf\xc3", "a.txt:1: not UTF-8: byte 0xc3 at column 4"),
        ("a.txt", b"", "a.txt: no document in these files"),
        ("a.jsonl", b'{"text": "x"}\n\n{"text": 5}\n', "a.jsonl:3: expected a JSON object"),
        ("a.jsonl", b'{"txt": "x"}\n', "a.jsonl:1: expected a JSON object"),
        ("a.jsonl", b'["text"]\n', "a.jsonl:1: expected a JSON object"),
        ("a.jsonl", b'{"text": "\\ud800"}\n', "a.jsonl:1: expected a JSON object"),
        ("a.jsonl", b"[" * 100_000, "a.jsonl:1: expected a JSON object"),
        ("a.jsonl", b"{", "a.jsonl:1: expected a JSON object"),
    ],
)
def test_text_that_cannot_be_read_is_one_line_and_leaves_nothing(
    demo: Dataset, tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError, match=message) as caught:
        tokenize_files([tmp_path / name], demo.tokenizer_path, tmp_path / "out", "train", 10)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_byte_order_mark_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbfhello\r\n<|endoftext|>\r\nyou\n")
    assert list(read_documents(tmp_path / "a.txt")) == ["hello\r", "you"]


def test_a_document_or_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textfiles, "MAX_DOCUMENT_BYTES", 1000)
    (tmp_path / "a.txt").write_text("x\n" * 600)
    (tmp_path / "b.jsonl").write_text(json.dumps({"text": "x" * 2000}))
    with pytest.raises(
        UsageError, match=r"a\.txt:501: a document of more than 1,000 bytes: put a line <\|endoftext\|>"
    ):
        list(read_documents(tmp_path / "a.txt"))
    with pytest.raises(UsageError, match=r"b\.jsonl:1: a line of more than 1,000 bytes"):
        list(read_documents(tmp_path / "b.jsonl"))


def test_shards_that_are_there_are_never_mixed_with_new_ones(demo: Dataset, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "fineweb_train_000007.bin").write_bytes(b"mine")
    with pytest.raises(UsageError, match="the train split has shards already"):
        tokenize_files([tmp_path / "a.txt"], demo.tokenizer_path, tmp_path, "train", 10)
    tokenize_files([tmp_path / "a.txt"], demo.tokenizer_path, tmp_path, "val", 10)
    assert (tmp_path / "fineweb_train_000007.bin").read_bytes() == b"mine"


def test_a_full_disk_says_need_and_have_and_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=5))

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    tokens = np.arange(25, dtype=np.uint16)
    with (
        pytest.raises(OSError, match=r"disk full: .* needs more than 20 bytes, has room for 1,049; nothing was kept"),
        ShardWriter(tmp_path, "train", 10) as writer,
    ):
        writer.add(tokens)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_writer_leaves_no_shard_and_the_next_one_sweeps(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; import numpy as np\n"
        "from golfcheck.data.shardwriter import ShardWriter\n"
        "with ShardWriter(Path(sys.argv[1]), 'train', 10) as writer:\n"
        "    writer.add(np.arange(25, dtype=np.uint16)); os.kill(os.getpid(), signal.SIGKILL)"
    )
    completed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT)
    assert completed.returncode == -9
    assert list(tmp_path.glob("fineweb_*")) == []
    assert len(list(tmp_path.iterdir())) == 3
    with ShardWriter(tmp_path, "train", 10) as writer:
        writer.add(np.arange(5, dtype=np.uint16))
    assert [path.name for path in tmp_path.iterdir()] == ["fineweb_train_000000.bin"]


# check: shards

GOOD = shard_bytes(np.arange(100) % 1024)


def header(magic: int = MAGIC, version: int = 1, count: int = 100) -> bytes:
    return np.array([magic, version, count, *[0] * 253], "<i4").tobytes()


BODY = GOOD[HEADER_BYTES:]
HIGH = shard_bytes([5] * 70 + [65535] + [7] * 29)
BAD_SHARDS = {
    "magic": (header(magic=20240521) + BODY, "SHARD_MAGIC", "byte 0: expected the number 20240520, found 20240521"),
    "version": (header(version=2) + BODY, "SHARD_VERSION", "byte 4: expected version 1, found 2"),
    "one_more": (header(count=101) + BODY, "SHARD_SIZE", "expected 1,226 bytes, because byte 8 announces 101"),
    "one_less": (header(count=99) + BODY, "SHARD_SIZE", "expected 1,222 bytes, .* found 1,224 bytes"),
    "odd_byte": (GOOD + b"\0", "SHARD_SIZE", "expected 1,224 bytes, .* found 1,225 bytes"),
    "short_header": (GOOD[:1000], "SHARD_HEADER", "expected a header of 1,024 bytes, found a file of 1,000"),
    "nothing": (b"", "SHARD_HEADER", "found a file of 0"),
    "negative": (header(count=-100) + BODY, "SHARD_COUNT", "byte 8: expected a number of tokens, found -100"),
    "huge": (header(count=2**31 - 1) + BODY, "SHARD_SIZE", "announces 2,147,483,647 tokens"),
    "no_tokens": (header(count=0), "SHARD_EMPTY", "byte 8: expected at least one token, found 0"),
    "range": (HIGH, "SHARD_TOKEN_RANGE", r"byte 1,164 \(token 70\): expected a token below 1,024, found 65535"),
    "big_endian": (GOOD[:HEADER_BYTES] + np.arange(100, dtype=">u2").tobytes(), "SHARD_TOKEN_RANGE", r"byte 1,032 \(t"),
}


@pytest.mark.parametrize("name", BAD_SHARDS)
def test_a_hostile_shard_is_refused_with_offset_expected_and_found(tmp_path: Path, name: str) -> None:
    data, code, message = BAD_SHARDS[name]
    (tmp_path / "x.bin").write_bytes(data)
    with pytest.raises(Refused, match=message) as caught:
        check_shard(tmp_path / "x.bin", 1024, None)
    assert caught.value.code == code


def test_one_bad_shard_does_not_hide_the_others(tmp_path: Path) -> None:
    files = []
    for name, (data, _code, _message) in BAD_SHARDS.items():
        files += [tmp_path / f"{name}.bin", tmp_path / f"{name}.good.bin"]
        files[-2].write_bytes(data)
        files[-1].write_bytes(GOOD)
    os.mkfifo(tmp_path / "fifo.bin")
    files += [tmp_path / "fifo.bin", tmp_path / "absent.bin"]
    reports = list(check(None, files, 1024))
    assert [report.path for report in reports] == [str(path) for path in files]
    codes = [report.code for report in reports if isinstance(report, BadFile)]
    assert codes == [code for _data, code, _message in BAD_SHARDS.values()] + ["SHARD_TYPE"] * 2
    assert sum(isinstance(report, ShardReport) for report in reports) == len(BAD_SHARDS)


def test_five_thousand_damaged_shards_are_read_or_refused(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    path, outcomes = tmp_path / "x.bin", set()
    for _ in range(5000):
        data = bytearray(GOOD[:12] + GOOD[HEADER_BYTES - 4 :]) if random.random() < 0.1 else bytearray(GOOD)
        for _ in range(random.integers(0, 3)):
            spot = int(random.integers(0, 16) if random.random() < 0.5 else random.integers(0, len(data)))
            data[spot] = int(random.integers(0, 256))
        path.write_bytes(data[: int(random.integers(0, len(data)))] if random.random() < 0.2 else data)
        try:
            outcomes.add(type(check_shard(path, 1024, None)).__name__)
        except Refused as refused:
            outcomes.add(refused.code)
    assert {"ShardReport", "SHARD_MAGIC", "SHARD_VERSION", "SHARD_SIZE", "SHARD_TOKEN_RANGE"} <= outcomes


# check: bytes


@pytest.fixture(scope="module")
def decoder(demo: Dataset) -> Any:
    return load_tokenizer(demo.tokenizer_path, 1024)[0]


@settings(max_examples=60)
@given(texts=st.lists(TEXT, min_size=1, max_size=8), cut=st.floats(0, 1))
def test_bytes_by_the_table_are_the_bytes_of_the_text_wherever_a_shard_is_cut(
    decoder: Any, tokenizer: Any, tmp_path_factory: pytest.TempPathFactory, texts: list[str], cut: float
) -> None:
    tokens = np.array([i for text in texts for i in [tokenizer.bos_id(), *tokenizer.encode(text)]])
    path = tmp_path_factory.mktemp("cut") / "x.bin"
    path.write_bytes(shard_bytes(tokens))
    report = check_shard(path, 1024, decoder)
    leading = sum(text.startswith(" ") for text in texts)
    assert report.text_bytes == sum(len(text.encode()) for text in texts) - leading
    assert report.documents == len(texts)
    at = round(cut * tokens.size)
    for part in (tokens[:at], tokens[at:]):
        if part.size:
            path.write_bytes(shard_bytes(part))
            check_shard(path, 1024, decoder)


@pytest.mark.parametrize("block_tokens", [1, 2, 7, 64, 1000])
def test_the_size_of_the_blocks_changes_nothing(
    demo: Dataset, decoder: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, block_tokens: int
) -> None:
    tokens = read_shard(demo.data_path / "fineweb_val_000000.bin", 1024)[:6000]
    (tmp_path / "x.bin").write_bytes(shard_bytes(tokens))
    expected = check_shard(tmp_path / "x.bin", 1024, decoder)
    monkeypatch.setattr("golfcheck.datacheck.shards._BLOCK_TOKENS", block_tokens)
    monkeypatch.setattr("golfcheck.datacheck.shards._LOOK_BACK_TOKENS", 5)
    assert check_shard(tmp_path / "x.bin", 1024, decoder) == expected


def test_a_document_whose_bytes_are_no_text_is_named(decoder: Any, tokenizer: Any, tmp_path: Path) -> None:
    bos, byte = tokenizer.bos_id(), tokenizer.piece_to_id
    good = [bos, *tokenizer.encode("good text")]
    broken = [bos, *tokenizer.encode("abc"), byte("<0xE2>"), *tokenizer.encode("x")]
    (tmp_path / "x.bin").write_bytes(shard_bytes(good + good + broken + good))
    first, last = 2 * len(good), 2 * len(good) + len(broken) - 1
    where = rf"byte {1024 + 2 * first:,}: document 3 \(tokens {first} to {last}\)"
    with pytest.raises(
        Refused, match=rf"{where}: expected the 5 bytes .* found 7 .*no valid UTF-8 from token"
    ) as caught:
        check_shard(tmp_path / "x.bin", 1024, decoder)
    assert caught.value.code == "SHARD_BYTES"


def test_the_contests_data_is_counted_byte_for_byte(shared_data: Path) -> None:
    folder = shared_data / "fineweb"
    tokenizer, val, train, overlap = check(find_tokenizer(folder), find_shards(folder)[folder], None)
    assert isinstance(tokenizer, TokenizerReport) and isinstance(train, ShardReport) and isinstance(val, ShardReport)
    assert isinstance(overlap, SplitOverlap) and (overlap.validation, overlap.training, overlap.shared) == (109, 971, 0)
    assert tokenizer.known_as == "fineweb_1024_bpe (sp1024)"
    assert (train.tokens, train.documents, train.text_bytes) == (1_048_576, 971, 2_557_436)
    assert (val.tokens, val.documents, val.text_bytes) == (131_073, 109, 315_259)


# check: tokenizers


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_tokenizer_is_refused(tmp_path: Path, name: str) -> None:
    data, code, message = HOSTILE[name]
    (tmp_path / "x.model").write_bytes(data)
    (report,) = check(tmp_path / "x.model", [tmp_path / "never_reached.bin"], None)
    assert isinstance(report, BadFile)
    assert report.code == code
    assert message in report.message
    assert "\n" not in report.message


def test_a_tokenizer_of_another_size_than_the_dataset_announces_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.model").write_bytes(model(PIECES))
    (report,) = check(tmp_path / "x.model", [], 1024)
    assert isinstance(report, BadFile)
    assert (report.code, report.message) == ("TOK_VOCAB", "expected 1,024 pieces, as the dataset's name says, found 7")


def test_a_pipe_is_refused_as_a_tokenizer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.model")
    (report,) = check(tmp_path / "x.model", [], None)
    assert isinstance(report, BadFile) and report.code == "FILE_TYPE"


def test_five_hundred_damaged_tokenizers_are_loaded_or_refused_in_one_child(demo: Dataset, tmp_path: Path) -> None:
    code = """
import sys, random
from pathlib import Path
from golfcheck.datacheck.tokenizer import read_tokenizer, tokenizer_of
from golfcheck.core.errors import Refused
good, path, outcomes = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]), {}
random.seed(11)
for _ in range(500):
    data = bytearray(good)
    for _ in range(random.randint(1, 4)):
        spot = random.randrange(len(data))
        change = random.random()
        if change < 0.6:
            data[spot] = random.randrange(256)
        elif change < 0.8:
            del data[spot : spot + random.randint(1, 40)]
        else:
            data[spot:spot] = random.randbytes(random.randint(1, 40))
    path.write_bytes(data)
    try:
        tokenizer_of(read_tokenizer(path), path, None)
        outcome = "loaded"
    except Refused as refused:
        outcome = refused.code
    outcomes[outcome] = outcomes.get(outcome, 0) + 1
print(outcomes)
"""
    completed = subprocess.run(
        [sys.executable, "-c", code, str(demo.tokenizer_path), str(tmp_path / "x.model")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert completed.returncode == 0, completed.stderr[-2000:]
    assert "'TOK_PARSE'" in completed.stdout and "'loaded'" in completed.stdout


@pytest.mark.parametrize(("signal_name", "said"), [("SEGV", "died of SIGSEGV"), ("ALRM", "it took too long")])
def test_a_child_that_dies_is_a_finding_and_never_the_tools_death(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signal_name: str, said: str
) -> None:
    dying = tmp_path / "python"
    dying.write_text(f"#!/bin/sh\nkill -{signal_name} $$\n")
    dying.chmod(dying.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sandbox.sys, "executable", str(dying))
    (report,) = check(tmp_path / "x.model", [tmp_path / "y.bin"], None)
    assert isinstance(report, BadFile)
    assert (report.path, report.code) == (str(tmp_path / "x.model"), "TOK_CRASH")
    assert said in report.message


def test_an_encoder_that_dies_is_an_error_of_the_model_and_leaves_no_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = tmp_path / "python"
    names = ("documents", "tokens", "text_bytes", "counted_bytes", "unknown", "unknown_bytes", "unknown_spaces")
    counts = json.dumps(dict.fromkeys(names, 5))
    dying.write_text(f"#!/bin/sh\necho '{counts}'\necho 12\nkill -SEGV $$\n")
    dying.chmod(dying.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sandbox.sys, "executable", str(dying))
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(GolfcheckError, match="TOK_CRASH: the process that encoded with it died of SIGSEGV"):
        tokenize_files([tmp_path / "a.txt"], tmp_path / "x.model", tmp_path / "out", "train", 10)
    assert not (tmp_path / "out").exists()


# finding what belongs together


@pytest.mark.parametrize(
    ("name", "vocab"),
    [("fineweb10B_sp1024", 1024), ("demo_sp1024", 1024), ("fineweb10B_sp8192_lossless", 8192), ("fineweb", None)],
)
def test_a_datasets_name_announces_its_vocabulary(name: str, vocab: int | None) -> None:
    assert vocab_of(name) == vocab


def test_the_tokenizer_is_the_one_that_the_datasets_name_fits(tmp_path: Path) -> None:
    tokenizers = tmp_path / "tokenizers"
    tokenizers.mkdir()
    for name in ("fineweb_1024_bpe", "fineweb_8192_bpe", "demo_1024_bpe"):
        (tokenizers / f"{name}.model").touch()
    folders = {name: tmp_path / "datasets" / name for name in ("fineweb10B_sp1024", "demo_sp1024", "mine_sp512")}
    result = {name: find_tokenizer(folder) for name, folder in folders.items()}
    assert result == {
        "fineweb10B_sp1024": tokenizers / "fineweb_1024_bpe.model",
        "demo_sp1024": tokenizers / "demo_1024_bpe.model",
        "mine_sp512": None,
    }


# the command


def test_the_command_checks_with_exit_code_1_for_a_bad_shard(
    demo: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "data"
    shutil.copytree(demo.data_path.parent.parent, root)
    assert cli.main(["data", "check", str(root)]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["ok", "ok", "ok", "ok"]
    with (root / "datasets/demo_sp1024/fineweb_train_000000.bin").open("ab") as file:
        file.write(b"\0")
    assert cli.main(["data", "check", str(root)]) == 1
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in out] == ["ok", "ok", "bad", "skipped"]
    assert "fineweb_train_000000.bin: SHARD_SIZE: expected " in out[2]


def test_a_check_without_tokenizer_says_what_was_not_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fineweb_val_000000.bin").write_bytes(GOOD)
    assert cli.main(["data", "check", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith(f"skipped  {tmp_path}: no matching tokenizer, so bytes are not counted")


@pytest.mark.parametrize("name", ["absent", "empty"])
def test_nothing_to_check_is_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    (tmp_path / "empty").mkdir()
    assert cli.main(["data", "check", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_command_tokenizes_in_another_process(
    demo: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text(" space first")
    arguments = ["data", "tokenize", "--text", str(tmp_path / "a.txt"), "--out", str(tmp_path / "out")]
    assert cli.main([*arguments, "--model", str(demo.tokenizer_path), "--split", "val"]) == 0
    streams = capsys.readouterr()
    assert streams.out == f"{tmp_path}/out/fineweb_val_000000.bin\n"
    assert "documents 1, bytes 12" in streams.err
    assert "a score counts 11 of these bytes" in streams.err
    (tmp_path / "bad.model").write_bytes(model([*PIECES, piece("▁▁")]))
    assert cli.main([*arguments, "--model", str(tmp_path / "bad.model")]) == 2
    assert "TOK_BYTES: piece 7" in capsys.readouterr().err


def test_a_missing_package_is_one_line_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("golfcheck.commands.data.find_spec", lambda name: None)
    assert cli.main(["data", "demo", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "golfcheck: data needs numpy: pip install 'golfcheck[train]'\n"


def test_no_part_of_the_data_command_imports_torch(demo: Dataset) -> None:
    code = (
        "import sys; from golfcheck import cli; from golfcheck.data import dataset, hub\n"
        "from golfcheck.datacheck import checkprocess\n"
        "assert cli.main(['data', 'check', sys.argv[1]]) == 0\n"
        "assert 'torch' not in sys.modules"
    )
    root = demo.data_path.parent.parent
    subprocess.run([sys.executable, "-c", code, str(root)], cwd=ROOT, check=True, capture_output=True)
