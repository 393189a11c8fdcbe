"""What `golfcheck data check` finds in the shards of a dataset together: leaks, repetitions, gaps, lost text."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golfcheck import cli
from golfcheck.core.gitlfs import pointer
from golfcheck.data.dataset import tokenize_files
from golfcheck.data.shardwriter import shard_bytes
from golfcheck.datacheck.find import find_shards, find_tokenizer, missing_numbers
from golfcheck.datacheck.fingerprints import BEGINNING_TOKENS, LEAST_TOKENS, Fingerprints
from tests.golfcheck.tokenizer_models import field, model, piece

BEGIN, END, UNKNOWN, FIRST = 1, 2, 3, 4
LETTERS = "abcdefghijklmnop"
MODEL = model([piece(letter) for letter in LETTERS], normalizer=field(3, 0) + field(4, 0))
IS_START = np.arange(FIRST + len(LETTERS)) == BEGIN
Check = Callable[[], tuple[int, list[str], str]]


def documents(count: int, seed: int, size: int = 300) -> list[list[int]]:
    """Return documents of letters drawn at random, each with its begin-of-sequence piece."""
    letters = np.random.default_rng(seed).integers(FIRST, FIRST + len(LETTERS), (count, size))
    return [[BEGIN, *document] for document in letters.tolist()]


def write(folder: Path, **shards: Sequence[Sequence[int]]) -> None:
    """Write shards named as train_000000=documents, and the tokenizer of them."""
    (folder / "letters.model").write_bytes(MODEL)
    for name, texts in shards.items():
        (folder / f"fineweb_{name}.bin").write_bytes(shard_bytes(np.concatenate([np.array(text) for text in texts])))


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Return a function that runs `data check` on tmp_path: its exit code, what is not ok, its last line."""

    def run() -> tuple[int, list[str], str]:
        status = cli.main(["data", "check", str(tmp_path)])
        streams = capsys.readouterr()
        lines = [line.replace(f"{tmp_path}/", "").replace(f"{tmp_path}", "DIR") for line in streams.out.splitlines()]
        return status, [line for line in lines if not line.startswith("ok ")], streams.err.strip()

    return run


VALIDATION, TRAINING = documents(50, 1), documents(200, 2)


def test_shards_that_share_nothing_are_good(tmp_path: Path, check: Check) -> None:
    write(tmp_path, val_000000=VALIDATION, train_000000=TRAINING[:100], train_000001=TRAINING[100:])
    assert check() == (0, [], "no problems found in what was checked")


def test_validation_documents_in_the_training_shards_are_counted_and_bad(tmp_path: Path, check: Check) -> None:
    write(tmp_path, val_000000=VALIDATION, train_000000=TRAINING, train_000001=[*TRAINING[:9], *VALIDATION[:7]])
    status, lines, last = check()
    assert (status, last) == (1, "1 bad, 0 warnings")
    assert lines[0].startswith("bad      DIR: VAL_IN_TRAIN: 7 of 50 validation documents are in the training shards")


def test_one_page_in_a_hundred_that_the_web_repeats_is_a_warning(tmp_path: Path, check: Check) -> None:
    write(tmp_path, val_000000=documents(100, 3), train_000000=[*TRAINING, documents(100, 3)[42]])
    status, lines, _ = check()
    assert status == 0
    assert lines[0].startswith("warning  DIR: 1 of 100 validation documents are in the training shards")


def test_a_document_is_recognized_by_how_it_begins_where_the_last_shard_cuts_it(tmp_path: Path, check: Check) -> None:
    cut = [*TRAINING, VALIDATION[0][: BEGINNING_TOKENS + 5]]
    write(tmp_path, val_000000=VALIDATION[:10], train_000000=cut)
    assert "VAL_IN_TRAIN: 1 of 10 validation documents" in check()[1][0]


def test_documents_that_another_piece_divides_are_compared_as_well(tmp_path: Path, check: Check) -> None:
    ended = [[END, *document[1:]] for document in VALIDATION]
    write(tmp_path, val_000000=ended, train_000000=[*TRAINING, *ended])
    assert "VAL_IN_TRAIN: 50 of 50 validation documents" in check()[1][0]


def test_a_training_shard_twice_is_a_warning_and_a_validation_shard_twice_is_bad(tmp_path: Path, check: Check) -> None:
    write(tmp_path, val_000000=VALIDATION, train_000000=TRAINING, train_000001=TRAINING)
    assert check() == (
        0,
        ["warning  fineweb_train_000001.bin: has the same tokens as fineweb_train_000000.bin"],
        "0 bad, 1 warning",
    )
    write(tmp_path, val_000001=VALIDATION, train_000001=documents(3, 4))
    assert check() == (
        1,
        ["bad      fineweb_val_000001.bin: SHARD_TWICE: has the same tokens as fineweb_val_000000.bin"],
        "1 bad, 0 warnings",
    )


def test_a_missing_training_shard_is_a_warning_and_a_missing_validation_shard_is_bad(
    tmp_path: Path, check: Check
) -> None:
    write(tmp_path, val_000001=VALIDATION, train_000000=TRAINING[:9], train_000002=TRAINING[9:])
    assert check() == (
        1,
        [
            "bad      DIR: SHARD_MISSING: lacks fineweb_val_000000.bin of the validation shards",
            "warning  DIR: lacks fineweb_train_000001.bin of the training shards",
        ],
        "1 bad, 1 warning",
    )


def test_text_in_which_no_document_begins_is_a_warning(tmp_path: Path, check: Check) -> None:
    write(tmp_path, val_000000=VALIDATION, train_000000=[document[1:] for document in TRAINING])
    status, lines, _ = check()
    assert status == 0
    assert lines[1].startswith("warning  DIR: no document starts in the training shards: expected a control piece")


def test_unknown_pieces_are_counted_and_begin_no_document(
    tmp_path: Path, check: Check, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, train_000000=[[*TRAINING[0], UNKNOWN, *TRAINING[0][1:], UNKNOWN], TRAINING[1]])
    assert cli.main(["data", "check", str(tmp_path)]) == 0
    assert "  2 documents  " in capsys.readouterr().out
    assert "warning  fineweb_train_000000.bin: 2 unknown pieces (<unk>), whose text no score counts" in check()[1][1]


def test_splits_that_were_not_compared_are_named(tmp_path: Path, check: Check) -> None:
    write(tmp_path, train_000000=TRAINING)
    status, (line,), _ = check()
    assert status == 0
    assert line.startswith("skipped  DIR: splits not compared")


def test_a_git_lfs_pointer_is_named_and_says_how_large_the_file_is(tmp_path: Path, check: Check) -> None:
    write(tmp_path, train_000000=TRAINING)
    text = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 200001024\n" % (b"0" * 64)
    (tmp_path / "fineweb_val_000000.bin").write_bytes(text)
    status, lines, _ = check()
    assert status == 1
    message = "a Git LFS pointer, not the file itself (200,001,024 bytes): git lfs pull"
    assert lines[0] == f"bad      fineweb_val_000000.bin: SHARD_LFS: {message}"
    (tmp_path / "letters.model").write_bytes(text)
    assert check()[1][0] == f"bad      letters.model: TOK_LFS: {message}"


@given(st.binary(max_size=200).filter(lambda data: not data.startswith(b"version ")))
def test_only_a_pointer_is_taken_for_one(data: bytes) -> None:
    assert pointer(data) == ""
    assert pointer(b"version https://git-lfs.github.com/spec/v1\n" + data).startswith("a Git LFS pointer")


def test_files_that_macos_adds_next_to_a_tokenizer_are_ignored(tmp_path: Path) -> None:
    write(tmp_path, train_000000=TRAINING)
    (tmp_path / "._letters.model").write_bytes(b"\0\5\26\7")
    assert find_tokenizer(tmp_path) == tmp_path / "letters.model"


def test_validation_shards_are_read_first(tmp_path: Path) -> None:
    write(tmp_path, train_000000=TRAINING, val_000000=VALIDATION)
    assert [path.name for path in find_shards(tmp_path)[tmp_path]] == [
        "fineweb_val_000000.bin",
        "fineweb_train_000000.bin",
    ]


@given(numbers=st.sets(st.integers(0, 40), min_size=1))
def test_exactly_the_numbers_below_the_last_that_no_shard_has_are_missing(numbers: set[int]) -> None:
    shards = [Path(f"fineweb_train_{number:06d}.bin") for number in numbers]
    named = [int(part[14:20]) for gap in missing_numbers(shards, "train") for part in gap.split(" to ")]
    runs = sorted(set(range(max(numbers))) - numbers)
    ends = [number for number in runs if number - 1 not in runs or number + 1 not in runs]
    assert named == ends
    assert missing_numbers(shards, "val") == []


def test_a_number_of_any_size_costs_nothing() -> None:
    shards = [Path(f"fineweb_train_{10**17}.bin")]
    assert missing_numbers(shards, "train") == [f"fineweb_train_000000.bin to fineweb_train_{10**17 - 1}.bin"]


@settings(max_examples=60)
@given(st.data())
def test_two_documents_have_one_fingerprint_exactly_if_they_begin_the_same(data: st.DataObject) -> None:
    sizes = st.integers(LEAST_TOKENS, BEGINNING_TOKENS + 40)
    first = data.draw(st.lists(st.integers(FIRST, 9), min_size=(size := data.draw(sizes)), max_size=size))
    second = list(first)
    for _ in range(data.draw(st.integers(0, 2))):
        second[data.draw(st.integers(0, size - 1))] = data.draw(st.integers(FIRST, 9))
    second = second[: data.draw(st.integers(LEAST_TOKENS, size))]
    fingerprints = Fingerprints()
    one, other = (
        fingerprints.of(np.array([5, BEGIN, *document, BEGIN, 7], np.uint16), IS_START) for document in (first, second)
    )
    assert one.size == other.size == 1
    assert (one == other).all() == (first[:BEGINNING_TOKENS] == second[:BEGINNING_TOKENS])


@settings(max_examples=60)
@given(
    validation=st.lists(st.integers(0, 30), max_size=20),
    training=st.lists(st.lists(st.integers(0, 30), max_size=9), max_size=5),
)
def test_shared_documents_are_counted_as_sets_are(validation: list[int], training: list[list[int]]) -> None:
    texts = documents(31, 6, LEAST_TOKENS)
    fingerprints = Fingerprints()

    def prints(chosen: list[int]) -> np.ndarray:
        return fingerprints.of(np.array([i for k in chosen for i in texts[k]], np.uint16), IS_START)

    fingerprints.add_validation(prints(validation))
    for chosen in training:
        assert fingerprints.count_shared(prints(chosen)) == sum(k in validation for k in chosen)
    assert fingerprints.validation == len(set(validation))
    assert fingerprints.shared == len(set(validation) & {k for chosen in training for k in chosen})


def test_tokenizing_says_which_text_unknown_pieces_stand_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "letters.model").write_bytes(model([piece(c) for c in "ab▁"], normalizer=field(3, 0) + field(4, 0)))
    (tmp_path / "a.txt").write_text("ab ☃☃ ba ☃\n", "utf-8")
    tokenized = tokenize_files([tmp_path / "a.txt"], tmp_path / "letters.model", tmp_path / "out", "train", 100)
    assert (tokenized.unknown, tokenized.unknown_bytes, tokenized.unknown_spaces) == (2, 9, 1)
    assert tokenized.text_bytes == tokenized.counted_bytes + 9 + 1
    words = ["data", "tokenize", "--text", str(tmp_path / "a.txt"), "--model", str(tmp_path / "letters.model")]
    assert cli.main([*words, "--out", str(tmp_path / "again")]) == 0
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert len(notes) == 1
    assert notes[0].startswith("note: 2 unknown pieces <unk> stand for 9 bytes of text, and 1 space after them, which")
