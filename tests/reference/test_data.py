"""Token shards and the stream of them."""

import hashlib
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from golfcheck.data.shardwriter import shard_bytes, shard_header
from golfcheck.reference.data import (
    HEADER_BYTES,
    MAGIC,
    TokenStream,
    digest,
    read_shard,
    read_validation,
    shard_paths,
    shard_tokens,
)

TOKENS = hnp.arrays(np.uint16, st.integers(1, 300), elements=st.integers(0, 65535))
anywhere = settings(max_examples=80)


def write(folder: Path, tokens: list[np.ndarray], split: str = "train") -> list[Path]:
    for i, part in enumerate(tokens):
        (folder / f"fineweb_{split}_{i:06d}.bin").write_bytes(shard_bytes(part))
    return shard_paths(folder, split)


# The format


@anywhere
@given(tokens=TOKENS)
def test_a_shard_reads_back_as_it_was_written(tmp_path: Path, tokens: np.ndarray) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(shard_bytes(tokens))
    assert shard_tokens(path) == tokens.size
    np.testing.assert_array_equal(read_shard(path, 65536), tokens)


def test_a_shard_is_256_little_endian_words_and_then_16_bits_a_token() -> None:
    data = shard_bytes([1, 256, 65535])
    assert data[:12] == (20240520).to_bytes(4, "little") + (1).to_bytes(4, "little") + (3).to_bytes(4, "little")
    assert data[12:1024] == bytes(1012)
    assert data[1024:] == b"\x01\x00" + b"\x00\x01" + b"\xff\xff"
    assert data[:1024] == shard_header(3)


@pytest.mark.parametrize("tokens", [[-1], [65536], [3, 70000, 4]])
def test_a_token_that_16_bits_cannot_hold_is_not_written(tokens: list[int]) -> None:
    with pytest.raises(ValueError, match=r"token ids must be in 0\.\.65535"):
        shard_bytes(tokens)


def header(magic: int = MAGIC, version: int = 1, count: int = 4) -> bytes:
    return np.array([magic, version, count, *[0] * 253], "<i4").tobytes()


BODY = b"\1\0" * 4
HOSTILE = {
    "empty": (b"", "not a token shard: magic 0 version 0, not 20240520 and 1"),
    "short": (header()[:-1], "1,023 bytes, but 4 tokens make 1,032"),
    "magic": (header(magic=1) + BODY, "not a token shard: magic 1 version 1"),
    "big_endian": (np.array([MAGIC, 1, 4, *[0] * 253], ">i4").tobytes() + BODY, "not a token shard"),
    "version": (header(version=2) + BODY, "version 2, not 20240520 and 1"),
    "count_one_more": (header(count=5) + BODY, "1,032 bytes, but 5 tokens make 1,034"),
    "count_one_less": (header(count=3) + BODY, "1,032 bytes, but 3 tokens make 1,030"),
    "odd_byte": (header() + BODY + b"\0", "1,033 bytes, but 4 tokens make 1,032"),
    "negative": (header(count=-4) + BODY, "its header announces -4 tokens"),
    "zero": (header(count=0), "its header announces 0 tokens"),
    "huge": (header(count=2**31 - 1) + BODY, "2,147,483,647 tokens"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_header_is_refused_in_one_line_with_file_and_numbers(tmp_path: Path, name: str) -> None:
    data, message = HOSTILE[name]
    path = tmp_path / "x.bin"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        read_shard(path, 65536)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_token_outside_the_vocabulary_is_reported_with_its_position(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(shard_bytes([5, 1023, 1024, 7]))
    with pytest.raises(ValueError, match="token 1024 at position 2, but the vocabulary has 1024 pieces"):
        read_shard(path, 1024)
    assert read_shard(path, 1025).tolist() == [5, 1023, 1024, 7]


def test_a_git_lfs_pointer_is_named_in_words(tmp_path: Path) -> None:
    path = tmp_path / "fineweb_val_000000.bin"
    path.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 200001024\n")
    with pytest.raises(ValueError, match=r"fineweb_val_000000.bin: a Git LFS pointer, .*: git lfs pull"):
        shard_tokens(path)


def test_missing_shards_say_how_to_make_some(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no shards .*fineweb_val_\*\.bin: set DATA_PATH, .*data demo"):
        shard_paths(tmp_path, "val")


# Validation tokens


@anywhere
@given(tokens=TOKENS, seq_len=st.integers(1, 50), at=st.integers(0, 300))
def test_validation_is_all_shards_in_order_cut_to_whole_sequences(
    tmp_path_factory: pytest.TempPathFactory, tokens: np.ndarray, seq_len: int, at: int
) -> None:
    parts = [part for part in np.split(tokens, [min(at, tokens.size)]) if part.size]
    paths = write(tmp_path_factory.mktemp("val"), parts, "val")
    if tokens.size - 1 < seq_len:
        with pytest.raises(ValueError, match=f"make fewer than 1 sequences of {seq_len}"):
            read_validation(paths, seq_len, 65536)
        return
    cut = read_validation(paths, seq_len, 65536)
    assert cut.size == seq_len * ((tokens.size - 1) // seq_len) + 1
    np.testing.assert_array_equal(cut, tokens[: cut.size])


# The training stream


@anywhere
@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=4),
    takes=st.lists(st.integers(0, 90), min_size=1, max_size=8),
)
def test_the_stream_is_its_shards_repeated_for_ever(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], takes: list[int]
) -> None:
    all_tokens = np.arange(sum(sizes), dtype=np.uint16)
    stream = TokenStream(write(tmp_path_factory.mktemp("stream"), np.split(all_tokens, np.cumsum(sizes)[:-1])), 65536)
    taken = np.concatenate([stream.take(count) for count in takes if count] or [np.empty(0, np.uint16)])
    np.testing.assert_array_equal(taken, np.resize(all_tokens, taken.size))


def test_the_next_shard_is_read_ahead_so_that_crossing_into_it_does_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write(tmp_path, np.split(np.arange(30, dtype=np.uint16), [10, 20]))
    threads: dict[str, str] = {}

    def noted(path: Path, vocab_size: int) -> np.ndarray:
        threads.setdefault(path.name, threading.current_thread().name)
        return read_shard(path, vocab_size)

    monkeypatch.setattr("golfcheck.reference.data.recent_shard", noted)
    stream = TokenStream(paths, 65536)
    np.testing.assert_array_equal(stream.take(45), np.resize(np.arange(30), 45))
    here = threading.current_thread().name
    assert [threads[path.name] == here for path in paths] == [True, False, False]


@anywhere
@given(before=st.integers(1, 60), after=st.integers(1, 60))
def test_the_stream_continues_from_a_saved_position(
    tmp_path_factory: pytest.TempPathFactory, before: int, after: int
) -> None:
    paths = write(tmp_path_factory.mktemp("seek"), np.split(np.arange(25, dtype=np.uint16), [10, 11]))
    stream = TokenStream(paths, 65536)
    stream.take(before)
    other = TokenStream(paths, 65536, stream.position)
    np.testing.assert_array_equal(other.take(after), stream.take(after))


# The digest of a split


def test_the_digest_is_that_of_what_sha256sum_prints(tmp_path: Path) -> None:
    paths = write(tmp_path, [np.arange(10), np.arange(20), np.arange(5)])
    listing = subprocess.run(
        ["sha256sum", *(path.name for path in paths)], cwd=tmp_path, capture_output=True, check=True
    ).stdout
    assert digest(paths) == hashlib.sha256(listing).hexdigest()
    write(tmp_path, [np.arange(10), np.arange(20), np.arange(1, 6)])
    assert digest(paths) != hashlib.sha256(listing).hexdigest()


def test_the_shared_shards_are_read_whole(shared_data: Path) -> None:
    train, val = (shard_paths(shared_data / "fineweb", split)[0] for split in ("train", "val"))
    assert read_shard(train, 1024).size == 1_048_576
    assert read_shard(val, 1024).size == 131_073
    assert val.stat().st_size == HEADER_BYTES + 2 * 131_073
