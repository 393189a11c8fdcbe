"""Read a SentencePiece model and check that both ways to count bytes agree. Runs in the child process."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sentencepiece as spm

from golfcheck.core.errors import Refused
from golfcheck.core.gitlfs import pointer
from golfcheck.datacheck import MAX_PIECES, MAX_TOKENIZER_BYTES, TokenizerReport
from golfcheck.reference.bpb import ByteTable
from golfcheck.reference.data import Tokens


class TokenDecoder:
    """A tokenizer's two ways to count the bytes of tokens: the byte table, and the text that they decode to."""

    def __init__(self, tokenizer: Any, table: ByteTable) -> None:
        self.tokenizer, self.table = tokenizer, table
        self.byte_of = np.full(table.num_bytes.size, -1, np.int16)  # the byte of a byte piece
        for i in range(table.num_bytes.size):
            if tokenizer.is_byte(i):
                self.byte_of[i] = int(tokenizer.id_to_piece(i)[3:5], 16)
        # Only control pieces separate documents; an unknown piece is a boundary as well, but stands for text.
        self.is_control = np.array([tokenizer.is_control(i) for i in range(table.num_bytes.size)], np.bool_)
        self.begin_id, self.unknown_id = tokenizer.bos_id(), tokenizer.unk_id()  # -1 if there is none
        # A score does not count a space at the beginning of a text. Some tokenizers decode it, others drop it.
        marked = np.flatnonzero(table.leading_space & (table.num_bytes > 0))
        self.keeps_space = bool(marked.size) and tokenizer.decode([int(marked[0])]).startswith(" ")

    def counted(self, tokens: Tokens) -> npt.NDArray[np.int64]:
        """Return the bytes of each token by the table, as if a boundary stood before the first [n] -> [n]."""
        after_boundary = np.concatenate([[True], self.table.boundary[tokens[:-1]]])
        size_bytes = self.table.num_bytes[tokens].astype(np.int64)
        size_bytes += self.table.leading_space[tokens] & ~after_boundary
        return size_bytes

    def encoded(self, text: str) -> list[int]:
        """Return the tokens of a text, without begin and end markers."""
        tokens: list[int] = self.tokenizer.encode(text)
        return tokens

    def decoded(self, fragments: list[Tokens]) -> list[int]:
        """Return the number of bytes of each fragment's text, without a space at its beginning."""
        # One at a time: for a list, SentencePiece starts threads, which the sandbox does not allow.
        texts = [self.tokenizer.decode(fragment.tolist()) for fragment in fragments]
        spaces = [
            self.keeps_space and fragment.size > 0 and bool(self.table.leading_space[fragment[0]])
            for fragment in fragments
        ]
        return [len(text.encode()) - space for text, space in zip(texts, spaces, strict=True)]


def read_tokenizer(path: Path) -> bytes:
    """Return the bytes of a SentencePiece model; Refused unless it is a regular file of the right size."""
    if not path.is_file():
        raise Refused("FILE_TYPE", "expected a SentencePiece model, not a regular file")
    with path.open("rb") as file:
        data = file.read(MAX_TOKENIZER_BYTES + 1)
    if not data:
        raise Refused("TOK_EMPTY", "expected a SentencePiece model, found an empty file")
    if problem := pointer(data):
        raise Refused("TOK_LFS", problem)
    if len(data) > MAX_TOKENIZER_BYTES:
        raise Refused("FILE_TOO_BIG", f"more than the {MAX_TOKENIZER_BYTES:,} bytes that a tokenizer may have")
    return data


def tokenizer_of(data: bytes, path: Path, vocab_size: int | None) -> tuple[TokenDecoder, TokenizerReport]:
    """Load a SentencePiece model; Refused unless every piece decodes to the bytes that the table says."""
    try:
        tokenizer = spm.SentencePieceProcessor(model_proto=data)
        size = tokenizer.vocab_size()
    except (RuntimeError, ValueError, OSError, MemoryError) as error:
        reason = " ".join(str(error).split())[:200]
        raise Refused("TOK_PARSE", f"not a usable SentencePiece model: {reason}") from None
    if size > MAX_PIECES:
        raise Refused("TOK_VOCAB", f"{size:,} pieces, but tokens of 16 bits name at most {MAX_PIECES:,}")
    if vocab_size is not None and size != vocab_size:
        raise Refused("TOK_VOCAB", f"expected {vocab_size:,} pieces, as the dataset's name says, found {size:,}")
    for i in range(size):
        try:
            tokenizer.id_to_piece(i)
        except UnicodeDecodeError:
            raise Refused("TOK_PIECE", f"piece {i} is not UTF-8") from None
        if not np.isfinite(tokenizer.get_score(i)):
            raise Refused("TOK_PARSE", f"piece {i} has the score {tokenizer.get_score(i)}")
    table = ByteTable.from_tokenizer(tokenizer)
    if not table.boundary.any() or not table.num_bytes.any():
        raise Refused("TOK_PIECE", "expected a control or unknown piece and pieces of text, found only one kind")
    decoder = TokenDecoder(tokenizer, table)
    _check_pieces(decoder)
    return decoder, TokenizerReport(str(path), hashlib.sha256(data).hexdigest(), size)


def _check_pieces(decoder: TokenDecoder) -> None:
    """Decode every piece of text after another one; Refused if the table's count differs from the decoded bytes."""
    plain = np.flatnonzero((decoder.table.num_bytes > 0) & (decoder.byte_of < 0))
    if not plain.size:
        return  # only bytes: only shards can tell
    pairs = [np.array([plain[0], i], np.uint16) for i in plain]
    alone = decoder.decoded([np.array([plain[0]], np.uint16)])[0]
    expected = decoder.table.num_bytes + decoder.table.leading_space
    for i, size_bytes in zip(plain.tolist(), decoder.decoded(pairs), strict=True):
        if size_bytes - alone != expected[i]:
            piece = decoder.tokenizer.id_to_piece(i)
            problem = f"decodes to {size_bytes - alone} bytes, but a score counts {expected[i]}"
            raise Refused("TOK_BYTES", f"piece {i} {piece!r} {problem}")
