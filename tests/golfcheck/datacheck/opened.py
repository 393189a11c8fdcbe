"""Shards and tokenizers checked in this process, without the child that `golfcheck data check` starts."""

from pathlib import Path

from golfcheck.datacheck import ShardReport, TokenizerReport
from golfcheck.datacheck.shards import check_opened, open_shard
from golfcheck.datacheck.tokenizer import TokenDecoder, read_tokenizer, tokenizer_of


def check_shard(path: Path, vocab_size: int, decoder: TokenDecoder | None) -> ShardReport:
    with open_shard(path) as file:
        return check_opened(file, path, vocab_size, decoder)


def load_tokenizer(path: Path, vocab_size: int | None) -> tuple[TokenDecoder, TokenizerReport]:
    return tokenizer_of(read_tokenizer(path), path, vocab_size)
