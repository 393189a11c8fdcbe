"""SentencePiece model files, written field by field, so that any field can be wrong."""

import struct

CONTROL, UNKNOWN, NORMAL = 3, 2, 1


def field(number: int, value: bytes | int | float) -> bytes:
    """Return one field of a protocol-buffer message: bytes, a varint, or a 32-bit float."""
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def piece(text: str | bytes, score: float = 0.0, kind: int = NORMAL) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return field(1, field(1, data) + field(2, score) + field(3, kind))


SPECIAL = [piece("<pad>", 0.0, CONTROL), piece("<s>", 0.0, CONTROL), piece("</s>", 0.0, CONTROL)]
SPECIAL += [piece("<unk>", 0.0, UNKNOWN)]
PIECES = [piece("a"), piece("▁a", -1.0), piece("b", -2.0)]


def model(pieces: list[bytes], *, special: list[bytes] = SPECIAL, normalizer: bytes = b"") -> bytes:
    """Return a BPE model with pad, bos, eos and unk as ids 0 to 3, and then `pieces`."""
    trainer = field(3, 2) + field(40, 3) + field(41, 1) + field(42, 2) + field(43, 0)
    return b"".join(special + pieces) + field(2, trainer) + field(3, normalizer)


# The labels of the corpus in docs/security.md, 156-164, and what must be said of each.
HOSTILE = {
    "empty": (b"", "TOK_EMPTY", "empty file"),
    "garbage": (b"garbage, not a model", "TOK_PARSE", "not a usable SentencePiece model"),
    "cut": (model(PIECES)[:-7], "TOK_PARSE", "not a usable SentencePiece model"),
    "long_piece": (model([piece("x" * 1_000_000), *PIECES]), "TOK_PARSE", "too long"),
    "piece_of_40_000_bytes": (model([piece("x" * 40_000), *PIECES]), "TOK_PARSE", "too long"),
    "five_megabytes": (model([piece("x" * 5_000_000), *PIECES]), "FILE_TOO_BIG", "2,097,152"),
    "charsmap_size": (
        model(PIECES, normalizer=field(2, b"\xff\xff\xff\xff" + b"x" * 10)),
        "TOK_PARSE",
        "exceeds the input",
    ),
    "charsmap_out_of_bounds": (
        model(PIECES, normalizer=field(2, struct.pack("<I", 1024) + b"\xff" * 1024 + b"abc\0")),
        "TOK_PARSE",
        "charsmap",
    ),
    "nan_score": (model([piece("c", float("nan")), *PIECES]), "TOK_PARSE", "piece 4 has the score nan"),
    "infinite_score": (model([*PIECES, piece("c", float("-inf"))]), "TOK_PARSE", "piece 7 has the score -inf"),
    "many_pieces": (model([piece(f"{i:x}") for i in range(70_000)]), "TOK_VOCAB", "70,004 pieces"),
    "not_utf8": (model([piece(b"\xff\xfe"), *PIECES]), "TOK_PIECE", "piece 4 is not UTF-8"),
    "twice": (model([*PIECES, piece("a")]), "TOK_PARSE", "already defined"),
    "empty_piece": (model([*PIECES, piece("")]), "TOK_PARSE", "empty"),
    "no_unknown": (model(PIECES, special=[]), "TOK_PARSE", "unk"),
    "only_special": (model([]), "TOK_PIECE", "only one kind"),
    "two_spaces": (model([*PIECES, piece("▁▁")]), "TOK_BYTES", "piece 7 '▁▁' decodes to 2 bytes, but a score counts 4"),
    "inner_space": (model([*PIECES, piece("a▁b")]), "TOK_BYTES", "decodes to 3 bytes, but a score counts 5"),
}
