"""How many bytes a token stands for: against the UTF-8 length of the text, and by hand."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentencepiece as spm
from hypothesis import given
from hypothesis import strategies as st

from golfcheck.data.tokenizing import make_dataset, tokenize
from golfcheck.reference.bpb import ByteTable
from tests.golfcheck.tokenizer_models import CONTROL, PIECES, SPECIAL, model, piece

WORDS = "the of and to in is that it for was on are as with his they at be this have from or had by word".split()


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """A tokenizer of our own kind: byte fallback, spaces kept as they are."""
    random = np.random.default_rng(0)
    documents = [" ".join(random.choice(WORDS, 30)) + ".\n" + "ünique café" for _ in range(40)]
    data, _tokens = make_dataset(documents, 360, 0.1, 0)
    return spm.SentencePieceProcessor(model_proto=data)


@pytest.fixture(scope="module")
def contest_like() -> Any:
    """A tokenizer of the contest's kind: a space is put in front of each text, and dropped again when decoding."""
    data = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter([" ".join(WORDS), "ünique café naïve", "the word that was " * 5] * 20),
        model_writer=data,
        vocab_size=340,
        model_type="bpe",
        byte_fallback=True,
        minloglevel=2,
    )
    return spm.SentencePieceProcessor(model_proto=data.getvalue())


def counted(tokenizer: Any, texts: list[str]) -> int:
    """The bytes of all texts as a score counts them: each begun by the begin-of-sequence piece."""
    tokens = tokenize(texts, tokenizer)
    return int(ByteTable.from_tokenizer(tokenizer).count(tokens).sum())


# Against the text

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="▁\0"), max_size=60)


@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=6))
def test_the_count_is_the_length_of_the_text_in_utf8(tokenizer: Any, texts: list[str]) -> None:
    leading = sum(text.startswith(" ") for text in texts)  # after a boundary a space is not counted
    assert counted(tokenizer, texts) == sum(len(text.encode()) for text in texts) - leading


@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=6))
def test_with_a_space_put_in_front_the_count_is_the_length_of_the_decoded_text(
    contest_like: Any, texts: list[str]
) -> None:
    decoded = [contest_like.decode(contest_like.encode(text)) for text in texts]
    assert counted(contest_like, texts) == sum(len(text.encode()) for text in decoded)


# By hand


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("a", 1),
        ("the word", 8),
        ("café", 5),  # é is 2
        ("ünique", 7),
        ("Größe", 7),  # ö, ß: 2 each, by byte fallback
        ("🙂", 4),
        ("👩‍💻", 11),  # 4 + a joiner of 3 + 4
        ("日本", 6),
        ("日 本", 7),
        ("a\n\tb", 4),
        ("two  spaces", 11),
        ("trailing ", 9),
        ("e\u0301", 3),  # a letter and a combining accent stay two
        ("\ufeffx", 4),
        (" the", 3),  # the space that a document begins with is not counted
        ("  the", 4),
        (" ", 0),
        ("", 0),
    ],
)
def test_hand_counted_strings(tokenizer: Any, text: str, size_bytes: int) -> None:
    assert counted(tokenizer, [text]) == size_bytes
    assert counted(tokenizer, ["x", text, "the"]) == 1 + size_bytes + 3


def test_a_control_piece_in_the_middle_stands_for_nothing_and_swallows_the_space_behind_it() -> None:
    tiny = spm.SentencePieceProcessor(model_proto=model([*PIECES, piece("<sep>", 0.0, CONTROL), piece("▁é")]))
    ids = {name: tiny.piece_to_id(name) for name in ("<s>", "</s>", "<unk>", "a", "▁a", "b", "<sep>", "▁é")}
    table = ByteTable.from_tokenizer(tiny)

    def count(*names: str) -> list[int]:
        return table.count(np.array([ids[name] for name in names], np.uint16)).tolist()

    assert count("<s>", "a", "▁a", "b") == [1, 2, 1]
    assert count("<s>", "▁a", "▁a") == [1, 2]
    assert count("a", "<sep>", "▁a", "▁é") == [0, 1, 3]
    assert count("a", "<unk>", "▁é", "</s>", "a") == [0, 2, 0, 1]
    assert count("<s>", "<s>", "▁a") == [0, 1]


def test_the_tables_columns_by_hand() -> None:
    tiny = spm.SentencePieceProcessor(model_proto=model([*PIECES, piece("▁"), piece("▁日本")]))
    table = ByteTable.from_tokenizer(tiny)
    assert table.num_bytes.tolist() == [0, 0, 0, 0, 1, 1, 1, 0, 6]
    assert table.leading_space.tolist() == [False] * 5 + [True, False, True, True]
    assert table.boundary.tolist() == [True] * 4 + [False] * 5


def test_a_byte_piece_stands_for_one_byte(tokenizer: Any) -> None:
    table = ByteTable.from_tokenizer(tokenizer)
    pieces = [tokenizer.piece_to_id(f"<0x{byte:02X}>") for byte in range(256)]
    assert table.num_bytes[pieces].tolist() == [1] * 256
    assert not table.boundary[pieces].any() and not table.leading_space[pieces].any()


def test_each_document_begins_with_the_begin_of_sequence_piece(tokenizer: Any) -> None:
    tokens = tokenize(["the", "", "of"], tokenizer)
    assert np.flatnonzero(tokens == tokenizer.bos_id()).tolist() == [
        0,
        1 + len(tokenizer.encode("the")),
        2 + len(tokenizer.encode("the")),
    ]


# Loading


def test_a_tokenizer_of_another_size_is_refused_with_both_numbers(tmp_path: Path) -> None:
    (tmp_path / "x.model").write_bytes(model(PIECES))
    assert ByteTable.load(tmp_path / "x.model", 7).num_bytes.size == 7
    with pytest.raises(ValueError, match=r"x\.model: 7 pieces, but VOCAB_SIZE is 1024"):
        ByteTable.load(tmp_path / "x.model", 1024)


@pytest.mark.parametrize("data", [b"", b"garbage", model(PIECES, special=SPECIAL[:3])])
def test_an_invalid_tokenizer_is_refused_in_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.model").write_bytes(data)
    with pytest.raises(ValueError, match=r"x\.model: ") as caught:
        ByteTable.load(tmp_path / "x.model", 1024)
    assert "\n" not in str(caught.value)


def test_the_contests_validation_text_has_the_bytes_that_it_decodes_to(shared_data: Path) -> None:
    folder = shared_data / "fineweb"
    tokenizer = spm.SentencePieceProcessor(model_file=str(folder / "fineweb_1024_bpe.model"))
    tokens = np.fromfile(folder / "fineweb_val_000000.bin", "<u2", offset=1024)
    documents = np.split(tokens, np.flatnonzero(tokens == tokenizer.bos_id()))[1:-1]  # the last one is cut
    texts = tokenizer.decode([document[1:].tolist() for document in documents])
    whole = np.concatenate(documents)
    table = ByteTable.load(folder / "fineweb_1024_bpe.model", 1024)
    assert int(table.count(whole).sum()) == sum(len(text.encode()) for text in texts)
