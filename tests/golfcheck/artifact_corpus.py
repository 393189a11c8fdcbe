"""Hostile artifacts, each built from its description, with the label that it is refused with.

The numbers are those of the corpus in docs/security.md; cases without one are further ways into the same walls.
Nothing is stored: a small assembler writes pickles, archives and streams, right by default and wrong where a case says
so.
"""

import gzip
import lzma
import pickle
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

STOP = b"."
MARK = b"("


# --- pickle, protocol 2 -------------------------------------------------------------------------------------------


def text(value: str) -> bytes:
    raw = value.encode("utf-8", "surrogatepass")
    return b"X" + struct.pack("<I", len(raw)) + raw


def integer(value: int) -> bytes:
    if 0 <= value < 1 << 16:
        return b"M" + struct.pack("<H", value)
    raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(raw)]) + raw


def ints(values: Sequence[int]) -> bytes:
    return MARK + b"".join(integer(value) for value in values) + b"t"


def name(dotted: str) -> bytes:
    module, _, attribute = dotted.rpartition(".")
    return f"c{module}\n{attribute}\n".encode()


def mapping(items: dict[str, bytes]) -> bytes:
    return b"}" + MARK + b"".join(text(key) + value for key, value in items.items()) + b"u"


def call(function: str, *args: bytes) -> bytes:
    return name(function) + MARK + b"".join(args) + b"tR"


def storage(key: str = "0", cls: str = "torch.FloatStorage", numel: bytes = integer(4), location: str = "cpu") -> bytes:
    return MARK + text("storage") + name(cls) + text(key) + text(location) + numel + b"tQ"


HOOKS = call("collections.OrderedDict")
NO = b"\x89"


def tensor(  # noqa: PLR0917 - in the order in which a pickle has them
    shape: Sequence[int] = (2, 2),
    stride: Sequence[int] = (2, 1),
    offset: int = 0,
    store: bytes | None = None,
    grad: bytes = NO,
    more: bytes = b"",
) -> bytes:
    parts = [store or storage(), integer(offset), ints(shape), ints(stride), grad, HOOKS]
    return call("torch._utils._rebuild_tensor_v2", *parts, more)


def program(body: bytes) -> bytes:
    return b"\x80\x02" + body + STOP


GOOD_PICKLE = program(mapping({"w": tensor()}))
FOUR_FLOATS = struct.pack("<4f", 1.0, 2.0, 3.0, 4.0)


# --- ZIP, as torch.save writes it ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Record:
    """A ZIP entry; None means the correct value."""

    name: str
    data: bytes
    flags: int = 0x808
    method: int = 0
    local_name: str | None = None
    crc: int | None = None
    size: int | None = None  # in the central directory
    packed: int | None = None
    offset: int | None = None
    extra: bytes | None = None
    descriptor: bytes | None = None
    local_sizes: tuple[int, int, int] = (0, 0, 0)
    central_extra: bytes = b""
    gap: bytes = b""


def archive(records: Sequence[Record], *, zip64: bool = True, comment: bytes = b"", count: int | None = None) -> bytes:
    out, central = bytearray(), bytearray()
    for record in records:
        out += record.gap
        offset = len(out) if record.offset is None else record.offset
        raw_name = record.name.encode()
        local = raw_name if record.local_name is None else record.local_name.encode()
        crc = zlib.crc32(record.data) if record.crc is None else record.crc
        size = len(record.data) if record.size is None else record.size
        packed = size if record.packed is None else record.packed
        pad = -(len(out) + 30 + len(local) + 4) % 64
        extra = b"FB" + struct.pack("<H", pad) + b"Z" * pad if record.extra is None else record.extra
        sizes = record.local_sizes if record.flags & 8 else (crc, size, size)
        header = struct.pack("<HHHHH3IHH", 0, record.flags, record.method, 0, 0, *sizes, len(local), len(extra))
        out += b"PK\x03\x04" + header + local + extra + record.data
        if record.flags & 8:
            right = b"PK\x07\x08" + struct.pack("<3I", crc, size, size)
            out += right if record.descriptor is None else record.descriptor
        row = (0, 0, record.flags, record.method, 0, 0, crc, packed, size, len(raw_name), len(record.central_extra))
        central += b"PK\x01\x02" + struct.pack("<6H3I5H2I", *row, 0, 0, 0, 0, offset) + raw_name + record.central_extra
    return (
        bytes(out)
        + bytes(central)
        + end(len(records) if count is None else count, len(central), len(out), zip64, comment)
    )


def end(count: int, size: int, offset: int, zip64: bool = True, comment: bytes = b"") -> bytes:
    out = b""
    if zip64:
        out += b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 0, 45, 0, 0, count, count, size, offset)
        out += b"PK\x06\x07" + struct.pack("<IQI", 0, offset + size, 1)
    short = min(count, 0xFFFF)
    return out + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, short, short, size, offset, len(comment)) + comment


def records(pickled: bytes = GOOD_PICKLE, *data: bytes, root: str = "archive") -> list[Record]:
    stores = data or (FOUR_FLOATS,)
    return [
        Record(f"{root}/data.pkl", pickled),
        Record(f"{root}/.format_version", b"1"),
        Record(f"{root}/.storage_alignment", b"64"),
        Record(f"{root}/byteorder", b"little"),
        *(Record(f"{root}/data/{i}", raw) for i, raw in enumerate(stores)),
        Record(f"{root}/version", b"3\n"),
        Record(f"{root}/.data/serialization_id", b"0" * 40),
    ]


def pack(raw: bytes, level: int = 1) -> bytes:
    return zlib.compress(raw, level)


def artifact(body: bytes, *data: bytes) -> bytes:
    """A whole artifact around the pickle program of `body`."""
    return pack(archive(records(program(body), *data)))


def edited(which: str, **changes: object) -> bytes:
    """The good artifact with one record changed."""
    rows = [replace(r, **changes) if r.name == f"archive/{which}" else r for r in records()]  # type: ignore[arg-type]
    return pack(archive(rows))


def added(*more: Record) -> bytes:
    return pack(archive([*records(), *more]))


GOOD = pack(archive(records()))


# --- the cases ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A file, the label with which it is refused, and words that the message must contain."""

    number: int | None
    title: str
    code: str
    build: Callable[[], bytes]
    words: str = ""


def bomb(inflated: int) -> bytes:
    """A zlib stream of zeros: one flushed block, repeated, without compressing all of them."""
    packer = zlib.compressobj(9)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * (inflated >> 20) + packer.flush()


def dictionary() -> bytes:
    packer = zlib.compressobj(zdict=b"archive/data.pkl")
    return packer.compress(archive(records())) + packer.flush()


def raw_deflate() -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(archive(records())) + packer.flush()


def overlap() -> bytes:
    """Two entries; the second begins inside the data of the first, with a correct header and checksum."""
    inner_data = b"x" * 8
    inner = b"PK\x03\x04" + struct.pack("<HHHHH3IHH", 0, 0, 0, 0, 0, zlib.crc32(inner_data), 8, 8, 14, 0)
    inner += b"archive/data/1" + inner_data
    outer = Record("archive/data/0", inner, flags=0, extra=b"")
    rows = [*records()[:1], outer]
    begin = len(archive(rows[:1], zip64=False)) - len(_central(rows[:1])) - 22
    at = begin + 30 + len("archive/data/0")
    body = archive(rows, zip64=False)
    cut = len(body) - 22 - len(_central(rows))
    fake = _central(rows) + _row("archive/data/1", zlib.crc32(inner_data), 8, at, 0)
    return pack(body[:cut] + fake + end(3, len(fake), cut, zip64=False))


def _row(full_name: str, crc: int, size: int, offset: int, flags: int) -> bytes:
    raw = full_name.encode()
    return (
        b"PK\x01\x02"
        + struct.pack("<6H3I5H2I", 0, 0, flags, 0, 0, 0, crc, size, size, len(raw), *[0] * 5, offset)
        + raw
    )


def _central(rows: Sequence[Record]) -> bytes:
    body = archive(rows, zip64=False)
    size, offset = struct.unpack_from("<II", body, len(body) - 22 + 12)
    return body[offset : offset + size]


def many_entries(count: int) -> bytes:
    return pack(archive([Record(f"archive/data/{i}", b"", flags=0, extra=b"") for i in range(count)]))


def deep(levels: int) -> bytes:
    return b"}" * 1 + (MARK + text("k") + b"}") * levels + b"u" * levels


def hidden_end(change: Callable[[bytearray, int], None]) -> bytes:
    """The good archive with its ZIP64 end record edited in place; `change` gets the bytes and the record's offset."""
    raw = bytearray(archive(records()))
    change(raw, len(raw) - 22 - 20 - 56)
    return pack(bytes(raw))


def _disagree(raw: bytearray, at: int) -> None:
    struct.pack_into("<Q", raw, at + 40, 1)


def _move(raw: bytearray, at: int) -> None:
    struct.pack_into("<Q", raw, at + 56 + 8, at - 1)


def with_end(**changes: int) -> bytes:
    """The good archive without ZIP64 records, its end record's fields changed by name."""
    raw = bytearray(archive(records(), zip64=False))
    where = {"disk": 4, "here": 8, "size": 12, "offset": 16}
    for key, value in changes.items():
        struct.pack_into("<I" if key in ("size", "offset") else "<H", raw, len(raw) - 22 + where[key], value)
    return pack(bytes(raw))


def legacy() -> bytes:
    return b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."


def safetensors() -> bytes:
    header = b'{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}'
    return struct.pack("<Q", len(header)) + header + FOUR_FLOATS


REBUILD = "torch._utils._rebuild_tensor_v2"
META = mapping({"conj": b"\x88"})
BOTH = {"a": tensor((4,), (1,))}


def _tensor_case(**parts: object) -> bytes:
    return artifact(mapping({"w": tensor(**parts)}))  # type: ignore[arg-type]


def _two_views(first: bytes, second: bytes, *data: bytes) -> bytes:
    return artifact(mapping({"a": tensor((4,), (1,), store=first), "b": tensor((4,), (1,), store=second)}), *data)


def _big_view() -> bytes:
    size = 100_000_000
    store = storage(cls="torch.CharStorage", numel=integer(size))
    return artifact(mapping({f"w{i}": tensor((size,), (1,), store=store) for i in range(20)}), bytes(size))


def cases() -> list[Case]:
    """All cases of the container, the pickle and the tensors; those about the meaning need torch (test_rescore)."""
    C = Case
    evil = b"c__builtin__\n\x1b]52;c;aGk=\x07\n"
    return [
        C(1, "empty file", "ART_ZLIB_TRUNC", lambda: b""),
        C(2, "truncated zlib", "ART_ZLIB_TRUNC", lambda: GOOD[:-9], "ends early"),
        C(3, "bad adler", "ART_ZLIB", lambda: GOOD[:-1] + bytes([GOOD[-1] ^ 1]), "incorrect data check"),
        C(4, "gzip", "ART_ZLIB", lambda: gzip.compress(archive(records())), "unsupported container: gzip"),
        C(5, "raw deflate", "ART_ZLIB", raw_deflate),
        C(6, "xz", "ART_FORMAT_OWN", lambda: lzma.compress(GOOD), "xz"),
        C(6, "lzma alone", "ART_FORMAT_OWN", lambda: lzma.compress(GOOD, lzma.FORMAT_ALONE), "lzma"),
        C(6, "zstd", "ART_FORMAT_OWN", lambda: b"\x28\xb5\x2f\xfd" + GOOD, "zstd"),
        C(None, "safetensors", "ART_FORMAT_OWN", safetensors, "safetensors"),
        C(None, "torch file without zlib", "ART_FORMAT_OWN", lambda: archive(records()), "ZIP"),
        C(None, "raw pickle without zlib", "ART_FORMAT_OWN", lambda: GOOD_PICKLE, "pickle"),
        C(None, "pickle of protocol 0", "ART_FORMAT_OWN", lambda: pickle.dumps({"a": 1}, 0), "a raw pickle"),
        C(None, "pickle of protocol 1", "ART_FORMAT_OWN", lambda: pickle.dumps({"a": 1}, 1), "a raw pickle"),
        C(7, "preset dictionary", "ART_ZLIB", dictionary),
        C(8, "trailing byte", "ART_ZLIB_TRAILING", lambda: GOOD + b"\0", "1 bytes after"),
        C(9, "second stream appended", "ART_ZLIB_TRAILING", lambda: GOOD + GOOD),
        C(10, "one byte over the cap", "ART_TOO_BIG", lambda: b"\x78\x9c" + bytes(15_999_999), "more than 16000000"),
        C(11, "4 GiB bomb", "ART_INFLATE_LIMIT", lambda: bomb(4 << 30), "268435456"),
        C(12, "nested zlib", "ZIP_NOT_ZIP", lambda: pack(GOOD), "zlib"),
        C(13, "raw pickle", "ZIP_NOT_ZIP", lambda: pack(GOOD_PICKLE), "at 0: unsupported: a raw pickle"),
        C(14, "legacy torch file", "ZIP_NOT_ZIP", lambda: pack(legacy()), "legacy"),
        C(15, "tar", "ZIP_NOT_ZIP", lambda: pack(bytes(257) + b"ustar\x0000" + bytes(248)), "tar"),
        C(16, "prefix garbage", "ZIP_NOT_ZIP", lambda: pack(b"garbage" + archive(records()))),
        C(17, "suffix garbage", "ZIP_EOCD", lambda: pack(archive(records()) + b"garbage"), "not at the end"),
        C(18, "truncated archive", "ZIP_EOCD", lambda: pack(archive(records())[:-40])),
        C(None, "four bytes", "ZIP_EOCD", lambda: pack(b"PK\x03\x04")),
        C(19, "archive comment", "ZIP_EOCD", lambda: pack(archive(records(), comment=b"hello"))),
        C(None, "end record that says it has a comment", "ZIP_EOCD", lambda: pack(archive(records())[:-2] + b"\x05\0")),
        C(None, "several disks", "ZIP_EOCD", lambda: with_end(disk=1)),
        C(None, "directory moved", "ZIP_EOCD", lambda: with_end(offset=3), "ends at"),
        C(None, "end records disagree", "ZIP_EOCD", lambda: hidden_end(_disagree), "disagree"),
        C(None, "ZIP64 end record elsewhere", "ZIP_EOCD", lambda: hidden_end(_move), "should be"),
        C(20, "deflated record", "ZIP_METHOD", lambda: edited("data/0", method=8, size=16)),
        C(21, "deflated data.pkl", "ZIP_METHOD", lambda: edited("data.pkl", method=8)),
        C(22, "duplicate data.pkl", "ZIP_DUP", lambda: added(Record("archive/data.pkl", GOOD_PICKLE))),
        C(23, "duplicate data/0", "ZIP_DUP", lambda: added(Record("archive/data/0", FOUR_FLOATS))),
        C(24, "overlapping entries", "ZIP_OVERLAP", overlap),
        C(None, "room between entries", "ZIP_RANGE", lambda: edited("data/0", gap=b"payload!"), "no record"),
        C(25, "local name is another", "ZIP_LOCAL", lambda: edited("data/0", local_name="archive/data/9")),
        C(None, "extra field that is no padding", "ZIP_LOCAL", lambda: edited("data/0", extra=b"UT\x01\0Z"), "extra"),
        C(None, "no data descriptor", "ZIP_LOCAL", lambda: edited("data/0", descriptor=bytes(16)), "descriptor"),
        C(None, "descriptor of another size", "ZIP_LOCAL",
          lambda: edited("data/0", descriptor=b"PK\x07\x08" + struct.pack("<3I", zlib.crc32(FOUR_FLOATS), 15, 15))),
        C(None, "local sizes that differ", "ZIP_LOCAL", lambda: edited("data/0", local_sizes=(1, 2, 3))),
        C(26, "stored size is not its size", "ZIP_SIZE", lambda: edited("data/0", packed=15)),
        C(27, "size past the directory", "ZIP_RANGE", lambda: edited("data/0", size=10_000), "past the central"),
        C(None, "offset at no header", "ZIP_RANGE", lambda: edited("data/0", offset=2), "no local header at 2"),
        C(None, "fewer rows than entries", "ZIP_RANGE", lambda: pack(archive(records(), count=9)), "no header of"),
        C(None, "more rows than entries", "ZIP_RANGE", lambda: pack(archive(records(), count=6)), "between"),
        C(28, "encrypted", "ZIP_FLAGS", lambda: edited("data/0", flags=0x809), "0x809"),
        C(29, "200,003 entries", "ZIP_ENTRIES", lambda: many_entries(200_003), "200003"),
        C(30, "wrong checksum", "ZIP_CRC", lambda: edited("data/0", crc=1), "archive/data/0"),
        C(31, "non-ASCII name", "ZIP_NAME", lambda: added(Record("archive/dätä", b""))),
        C(None, "name that climbs", "ZIP_NAME", lambda: added(Record("archive/../../etc/x", b""))),
        C(None, "extra field in the directory", "ZIP_LAYOUT", lambda: edited("data/0", central_extra=b"UT\0\0")),
        C(32, "two roots", "ZIP_LAYOUT", lambda: added(Record("other/data.pkl", GOOD_PICKLE))),
        C(None, "no data.pkl", "ZIP_LAYOUT", lambda: pack(archive(records()[1:]))),
        C(33, "big-endian", "ZIP_BYTEORDER", lambda: edited("byteorder", data=b"big")),
        C(34, "version 4", "ZIP_VERSION", lambda: edited("version", data=b"4\n")),
        C(34, "no version", "ZIP_VERSION",
          lambda: pack(archive([r for r in records() if "/version" not in r.name]))),
        C(35, "TorchScript", "ZIP_UNKNOWN_RECORD",
          lambda: added(Record("archive/constants.pkl", b"")), "constants.pkl"),
        C(36, "hidden payload", "ZIP_UNUSED", lambda: added(Record("archive/data/1", b"payload")), "data/1"),
        C(37, "os.system", "PKL_GLOBAL", lambda: artifact(call("posix.system", text("id"))), "'posix.system'"),
        C(38, "eval", "PKL_GLOBAL", lambda: artifact(call("builtins.eval", text("1")))),
        C(39, "protocol 4", "PKL_PROTO", lambda: pack(archive(records(b"\x80\x04}.")))),
        C(40, "INST opcode", "PKL_OPCODE", lambda: artifact(MARK + b"iposix\nsystem\n")),
        C(None, "BUILD opcode", "PKL_OPCODE", lambda: artifact(b"}}b")),
        C(41, "name with ESC ]52", "PKL_GLOBAL", lambda: artifact(evil), "\\x1b]52"),
        C(None, "endless name", "PKL_GLOBAL", lambda: artifact(b"c" + b"a" * 1000), "longer than"),
        C(42, "bytearray(8e9)", "PKL_GLOBAL", lambda: artifact(call("builtins.bytearray", integer(8 * 10**9)))),
        C(43, "Counter", "PKL_GLOBAL", lambda: artifact(call("collections.Counter", integer(1)))),
        C(44, "uninitialised tensor", "PKL_GLOBAL", lambda: artifact(call("torch.Tensor", integer(4096)))),
        C(45, "UntypedStorage(1e10)", "PKL_GLOBAL",
          lambda: artifact(call("torch.storage.UntypedStorage", integer(10**10)))),
        C(46, "_codecs.encode", "PKL_GLOBAL", lambda: artifact(call("_codecs.encode", text("a"), text("punycode")))),
        C(47, "tuple hash bomb", "PKL_ALIAS",
          lambda: artifact(b"}" + b")" + b"".join(b"q%ch%ch%c\x87" % (i, i, i) for i in range(60)) + b"Ns")),
        C(48, "2M-deep tuple key", "PKL_OPS", lambda: artifact(b"})" + b"\x85" * 2_000_000 + b"K\1s")),
        C(49, "cyclic list", "PKL_ALIAS", lambda: artifact(b"]q\0h\0a"), "a list is used twice"),
        C(50, "doubling list", "PKL_ALIAS", lambda: artifact(b"]q\0" + b"]q\1h\0a" * 60)),
        C(None, "items appended to a dict", "PKL_SETITEM", lambda: artifact(b"}K\1a"), "appended to a dict"),
        C(None, "items appended to nothing", "PKL_SETITEM", lambda: artifact(MARK + b"(K\1e")),
        C(None, "deep list", "PKL_DEPTH", lambda: artifact(b"}" + text("a") + b"]" * 50 + b"a" * 49 + b"s")),
        C(None, "set", "PKL_GLOBAL",
          lambda: artifact(b"}" + text("seen") + call("__builtin__.set")), "a set under the key 'seen'"),
        C(None, "bytes", "PKL_OPCODE", lambda: artifact(b"}" + text("raw") + b"C\1a"), "raw bytes under the key 'raw'"),
        C(None, "doubling dict", "PKL_ALIAS", lambda: artifact(b"}q\0" + MARK + text("a") + b"h\0u")),
        C(51, "5M keys", "PKL_TOO_BIG", lambda: artifact(b"}" + MARK + (text("a") + b"K\1") * 5_000_000 + b"u")),
        C(52, "20,001 keys", "PKL_KEYS", lambda: artifact(mapping({f"k{i}": b"K\1" for i in range(20_001)}))),
        C(53, "duplicate key", "PKL_DUP_KEY", lambda: artifact(b"}" + MARK + (text("a") + b"K\1") * 2 + b"u"), "'a'"),
        C(54, "integer key", "PKL_KEY", lambda: artifact(b"}K\1K\2s")),
        C(55, "4 GB string", "PKL_STRLEN", lambda: artifact(b"X\xff\xff\xff\xff")),
        C(None, "string that is not UTF-8", "PKL_STR", lambda: artifact(b"X\2\0\0\0\xff\xfe")),
        C(None, "lone surrogate", "PKL_STR", lambda: artifact(text("\ud800"))),
        C(56, "255-byte integer", "PKL_INT", lambda: artifact(b"\x8a\xff" + b"\x7f" * 255)),
        C(57, "stack underflow", "PKL_STACK", lambda: artifact(b"\x85"), "nothing on the stack"),
        C(None, "no mark", "PKL_STACK", lambda: artifact(b"t"), "no mark"),
        C(None, "unset memo", "PKL_STACK", lambda: artifact(b"h\5"), "memo 5"),
        C(None, "two values left", "PKL_STACK", lambda: artifact(b"}}"), "one value"),
        C(58, "truncated pickle", "PKL_TRUNC", lambda: pack(archive(records(GOOD_PICKLE[:6])))),
        C(59, "bytes after STOP", "PKL_STOP", lambda: pack(archive(records(GOOD_PICKLE + b"N")))),
        C(60, "SETITEM on a tensor", "PKL_SETITEM", lambda: artifact(tensor() + integer(0) + integer(1) + b"s")),
        C(61, "top level integer", "ART_TYPE", lambda: artifact(integer(5)), "an int"),
        C(None, "a function as a value", "ART_TYPE", lambda: artifact(mapping({"w": name(REBUILD)}))),
        C(None, "a bare storage as a value", "ART_TYPE", lambda: artifact(mapping({"w": storage()}))),
        C(None, "nine levels", "PKL_DEPTH", lambda: artifact(deep(9))),
        C(62, "OrderedDict with BUILD", "PKL_OPCODE", lambda: artifact(HOOKS + b"}b")),
        C(None, "BUILD of a tensor", "PKL_OPCODE", lambda: artifact(tensor() + mapping({"_metadata": b"}"}) + b"b")),
        C(None, "BUILD on nothing", "PKL_OPCODE", lambda: artifact(b"}b"), "NoneType"),
        C(62, "OrderedDict of pairs", "PKL_REDUCE", lambda: artifact(call("collections.OrderedDict", ints([1])))),
        C(63, "tensor attribute shadowing", "PKL_GLOBAL",
          lambda: artifact(call("torch._tensor._rebuild_from_type_v2", name(REBUILD)))),
        C(64, "Parameter", "PKL_REDUCE",
          lambda: artifact(call("torch._utils._rebuild_parameter", tensor(), NO, HOOKS))),
        C(64, "requires_grad", "PKL_REDUCE", lambda: _tensor_case(grad=b"\x88")),
        C(65, "metadata conj", "PKL_REDUCE", lambda: _tensor_case(more=META)),
        C(66, "offset past storage", "PKL_OOB", lambda: _tensor_case(offset=1_000_000),
          "offset 1000000+4 > storage 4"),
        C(67, "size past storage", "PKL_OOB", lambda: _tensor_case(shape=(2, 3), stride=(3, 1))),
        C(68, "negative size", "PKL_TENSOR", lambda: _tensor_case(shape=(-2, 2))),
        C(68, "negative stride", "PKL_TENSOR", lambda: _tensor_case(stride=(-2, 1))),
        C(69, "negative offset", "PKL_OOB", lambda: _tensor_case(offset=-1)),
        C(70, "product overflow", "PKL_TENSOR", lambda: _tensor_case(shape=(2**62, 4), stride=(4, 1)), "too many"),
        C(71, "stride-0 expand 8 GB", "PKL_TENSOR", lambda: _tensor_case(shape=(2**31, 1), stride=(0, 1)), "too many"),
        C(72, "stride-0 expand small", "PKL_NONCONTIG", lambda: _tensor_case(shape=(2, 2), stride=(0, 1))),
        C(73, "overlapping view", "PKL_NONCONTIG", lambda: _tensor_case(shape=(3, 2), stride=(1, 1))),
        C(74, "transposed", "PKL_NONCONTIG", lambda: _tensor_case(stride=(1, 2))),
        C(75, "rank 100,000", "PKL_TENSOR", lambda: _tensor_case(shape=[1] * 50_000, stride=[1] * 50_000), "rank"),
        C(None, "nine dimensions", "PKL_TENSOR", lambda: _tensor_case(shape=[1] * 9, stride=[1] * 9), "rank 9"),
        C(76, "storage key that climbs", "PKL_PERSID", lambda: _tensor_case(store=storage(key="../data.pkl"))),
        C(None, "id that is no tuple", "PKL_PERSID", lambda: artifact(text("storage") + b"Q")),
        C(None, "id of another kind", "PKL_PERSID",
          lambda: artifact(MARK + text("module") + name("torch.FloatStorage") + text("0") * 2 + integer(4) + b"tQ")),
        C(77, "declared size is not the record's", "ZIP_STORAGE_SIZE",
          lambda: _tensor_case(store=storage(numel=integer(1_000_000))), "data/0: 16 != 4000000"),
        C(78, "numel 2^63-1", "PKL_PERSID", lambda: _tensor_case(store=storage(numel=integer(2**63 - 1)))),
        C(78, "numel -4", "PKL_PERSID", lambda: _tensor_case(store=storage(numel=integer(-4)))),
        C(78, "numel 4.0", "PKL_PERSID", lambda: _tensor_case(store=storage(numel=b"G" + struct.pack(">d", 4.0)))),
        C(79, "one key, two dtypes", "PKL_STORAGE_CONFLICT",
          lambda: _two_views(storage(), storage(cls="torch.IntStorage"))),
        C(80, "missing record", "ZIP_MISSING", lambda: _tensor_case(store=storage(key="7")), "data/7"),
        C(81, "sparse COO", "PKL_GLOBAL", lambda: artifact(call("torch._utils._rebuild_sparse_tensor"))),
        C(82, "sparse CSR", "PKL_GLOBAL", lambda: artifact(call("torch.sparse_csr"))),
        C(83, "quantised", "PKL_GLOBAL", lambda: artifact(call("torch._utils._rebuild_qtensor"))),
        C(84, "nested", "PKL_GLOBAL", lambda: artifact(call("torch._utils._rebuild_nested_tensor"))),
        C(85, "meta", "PKL_GLOBAL", lambda: artifact(call("torch._utils._rebuild_meta_tensor_no_storage"))),
        C(86, "wrapper subclass", "PKL_GLOBAL", lambda: artifact(call("torch._utils._rebuild_wrapper_subclass"))),
        C(87, "float64", "ART_DTYPE", lambda: _tensor_case(store=storage(cls="torch.DoubleStorage", numel=integer(2)))),
        C(87, "complex", "ART_DTYPE",
          lambda: _tensor_case(store=storage(cls="torch.ComplexFloatStorage", numel=integer(2)))),
        C(None, "bool that is neither", "PKL_TENSOR",
          lambda: artifact(mapping({"w": tensor(store=storage(cls="torch.BoolStorage"))}), b"\0\1\2\1"), "bool"),
        C(88, "20 x 100 MB from one storage", "ART_TOTAL", _big_view),
    ]  # fmt: skip
