"""The ZIP archive that `torch.save` writes → its records, read so strictly that no two readers could disagree.

Layout (PKWARE APPNOTE 6.3, as torch 2.4 to 2.15 use it): entries back to back from byte 0, each a local header, an
extra field `FB` that aligns the data, stored data, and a data descriptor; then the central directory, a ZIP64 end
record with its locator, and the end record, which ends the file. Names are `ROOT/data.pkl`, `ROOT/data/N` and a few
more.
"""

import re
import struct
import zlib
from dataclasses import dataclass

from golfcheck.core.errors import Refused
from golfcheck.untrusted import containers
from golfcheck.untrusted.readlimits import Limits

_LOCAL = struct.Struct("<4s5H3I2H")  # signature, version, flags, method, time, date, crc, packed, size, name, extra
_CENTRAL = struct.Struct("<4s6H3I5H2I")  # …, comment, disk, internal, external attributes, offset
_DESCRIPTOR = struct.Struct("<4s3I")  # signature, crc, packed, size
_END = struct.Struct("<4s4H2IH")  # signature, disk, disk, entries here, entries, size, offset, comment
_END64 = struct.Struct("<4sQ2H2I4Q")  # signature, size of the rest, versions, disks, entries twice, size, offset
_LOCATOR = struct.Struct("<4sIQI")  # signature, disk, offset of the ZIP64 end record, disks
_DESCRIPTOR_FLAG = 0x0008
_UTF8_FLAG = 0x0800
_SATURATED = {2: 0xFFFF, 4: 0xFFFF_FFFF}  # "see the ZIP64 record", by the field's bytes

# ROOT is "archive", or the stem of the saved file's name: printable ASCII without slashes. It is never used as a path.
_NAME = re.compile(r"[ -.0-\[\]-~]{1,255}/(?:[A-Za-z0-9_.]{1,64}/)?[A-Za-z0-9_.]{1,64}")
_EXPECTED = {
    "version": ("ZIP_VERSION", b"3"),
    "byteorder": ("ZIP_BYTEORDER", b"little"),
    ".format_version": ("ZIP_VERSION", b"1"),
}
_KNOWN = {"data.pkl", *_EXPECTED, ".storage_alignment", ".data/serialization_id"}
_STORAGE = re.compile(r"data/(?:0|[1-9][0-9]{0,5})")


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    crc: int
    size: int
    flags: int
    offset: int


def records(data: bytes | bytearray, limits: Limits) -> dict[str, memoryview]:
    """Return the records of an archive without their common root: `data.pkl`, and `data/N` for every storage.

    Refuses with ZIP_ and the error: NOT_ZIP, EOCD, ENTRIES, METHOD, FLAGS, SIZE, NAME, LOCAL, RANGE, CRC, DUP,
    OVERLAP, LAYOUT, UNKNOWN_RECORD, VERSION, BYTEORDER.
    """
    view = memoryview(data).toreadonly()
    if not _at(view, 0, b"PK\x03\x04"):
        container = containers.name_of(view)
        raise Refused(
            "ZIP_NOT_ZIP", f"no local header at 0: {f'unsupported: {container}' if container else 'not a torch file'}"
        )
    count, start, stop = _end_record(view)
    if count > limits.zip_entries:
        raise Refused("ZIP_ENTRIES", f"{count} entries > {limits.zip_entries}")
    out: dict[str, memoryview] = {}
    extents = [(start, stop, "the central directory")]
    for entry in _directory(view, count, start, stop):
        begin, end = _extent(view, entry, start)
        extents.append((entry.offset, end, entry.name))
        if entry.name in out:
            raise Refused("ZIP_DUP", f"two records {entry.name}")
        out[entry.name] = view[begin : begin + entry.size]
        if zlib.crc32(out[entry.name]) != entry.crc:
            raise Refused("ZIP_CRC", f"{entry.name}: the checksum is wrong")
    _check_tiling(extents)
    return _without_root(out)


def _at(view: memoryview, at: int, signature: bytes) -> bool:
    return bytes(view[at : at + 4]) == signature


def _end_record(view: memoryview) -> tuple[int, int, int]:
    """Return the number of entries, and where the central directory starts and stops."""
    at = len(view) - _END.size
    if at < 0 or not _at(view, at, b"PK\x05\x06"):
        raise Refused("ZIP_EOCD", "the end record is not at the end of the file")
    _, disk, start_disk, here, count, size, offset, comment = _END.unpack_from(view, at)
    if (disk, start_disk, comment) != (0, 0, 0) or here != count:
        raise Refused("ZIP_EOCD", "the end record mentions other disks or has a comment")
    stop = at
    locator_at = at - _LOCATOR.size
    if locator_at >= 0 and _at(view, locator_at, b"PK\x06\x07"):
        stop = at64 = locator_at - _END64.size
        _, disk, named, disks = _LOCATOR.unpack_from(view, locator_at)
        if at64 < 0 or (disk, named, disks) != (0, at64, 1) or not _at(view, at64, b"PK\x06\x06"):
            raise Refused("ZIP_EOCD", "the ZIP64 end record is not where it should be")
        _, rest, _, _, disk, start_disk, here64, count64, size64, offset64 = _END64.unpack_from(view, at64)
        pairs = ((count, count64, 2), (size, size64, 4), (offset, offset64, 4))
        agree = all(short in (long, _SATURATED[width]) for short, long, width in pairs)
        if rest != _END64.size - 12 or (disk, start_disk) != (0, 0) or here64 != count64 or not agree:
            raise Refused("ZIP_EOCD", "the two end records disagree")
        count, size, offset = count64, size64, offset64
    if offset + size != stop:
        raise Refused("ZIP_EOCD", f"the central directory ends at {offset + size}, the end record begins at {stop}")
    return count, offset, stop


def _directory(view: memoryview, count: int, at: int, stop: int) -> list[_Entry]:
    """Read `count` headers of the central directory, which must fill it."""
    entries = []
    for _ in range(count):
        if stop - at < _CENTRAL.size or not _at(view, at, b"PK\x01\x02"):
            raise Refused("ZIP_RANGE", f"no header of the central directory at {at}")
        (_, _, _, flags, method, _, _, crc, packed, size, name_len, extra_len, comment_len, disk, _, _, offset) = (
            _CENTRAL.unpack_from(view, at)
        )
        raw_name = bytes(view[at + _CENTRAL.size : at + _CENTRAL.size + name_len])
        name = raw_name.decode("ascii", "backslashreplace")
        if not _NAME.fullmatch(name):
            raise Refused("ZIP_NAME", f"{name[:80]!r} is not the name of a record")
        if method != 0:
            raise Refused("ZIP_METHOD", f"{name} is compressed (method {method}); torch stores")
        if flags & ~(_DESCRIPTOR_FLAG | _UTF8_FLAG):
            raise Refused("ZIP_FLAGS", f"{name}: flags {flags:#x}")
        if packed != size:
            raise Refused("ZIP_SIZE", f"{name}: stored size {packed} is not its size {size}")
        if extra_len or comment_len or disk:
            raise Refused("ZIP_LAYOUT", f"{name}: extra fields, a comment or another disk in the central directory")
        entries.append(_Entry(name, crc, size, flags, offset))
        at += _CENTRAL.size + name_len
    if at != stop:
        raise Refused("ZIP_RANGE", f"{stop - at} bytes between the central directory and the end record")
    return entries


def _extent(view: memoryview, entry: _Entry, limit: int) -> tuple[int, int]:
    """Check an entry's local header and descriptor; return where its data begins and where the entry ends."""
    at = entry.offset
    if at + _LOCAL.size > limit or not _at(view, at, b"PK\x03\x04"):
        raise Refused("ZIP_RANGE", f"{entry.name}: no local header at {at}")
    _, _, flags, method, _, _, crc, packed, size, name_len, extra_len = _LOCAL.unpack_from(view, at)
    begin = at + _LOCAL.size + name_len + extra_len
    end = begin + entry.size
    name = bytes(view[at + _LOCAL.size : at + _LOCAL.size + name_len])
    extra = bytes(view[at + _LOCAL.size + name_len : begin])
    if name != entry.name.encode() or (flags, method) != (entry.flags, 0):
        raise Refused("ZIP_LOCAL", f"{entry.name}: its local header has a different name, method or flags")
    if extra_len and (extra_len < 4 or extra[:2] != b"FB" or int.from_bytes(extra[2:4], "little") != extra_len - 4):
        raise Refused("ZIP_LOCAL", f"{entry.name}: an extra field that is not torch's padding")
    stated = [(crc, packed, size)]
    if flags & _DESCRIPTOR_FLAG:
        stated = [(crc, packed, size)] if (crc, packed, size) != (0, 0, 0) else []
        end += _DESCRIPTOR.size
    if end > limit:
        raise Refused("ZIP_RANGE", f"{entry.name}: {entry.size} bytes reach past the central directory")
    if flags & _DESCRIPTOR_FLAG:
        signature, *values = _DESCRIPTOR.unpack_from(view, end - _DESCRIPTOR.size)
        if signature != b"PK\x07\x08":
            raise Refused("ZIP_LOCAL", f"{entry.name}: no data descriptor after its data")
        stated.append((values[0], values[1], values[2]))
    if any(values != (entry.crc, entry.size, entry.size) for values in stated):
        raise Refused("ZIP_LOCAL", f"{entry.name}: its local header or descriptor has a different size or checksum")
    return begin, end


def _check_tiling(extents: list[tuple[int, int, str]]) -> None:
    """Refuse entries that overlap, or that leave gaps which no reader would see."""
    at = 0
    for begin, end, name in sorted(extents):
        if begin < at:
            raise Refused("ZIP_OVERLAP", f"{name} begins at {begin}, inside the entry before it")
        if begin > at:
            raise Refused("ZIP_RANGE", f"{begin - at} bytes before {name} belong to no record")
        at = end


def _without_root(named: dict[str, memoryview]) -> dict[str, memoryview]:
    """Check that all records share one root folder and are known, and that the file's version is."""
    roots = sorted({name.split("/")[0] for name in named})
    if len(roots) != 1 or f"{roots[0]}/data.pkl" not in named:
        raise Refused("ZIP_LAYOUT", f"expected one folder with a data.pkl, found {', '.join(roots[:4]) or 'none'}")
    out = {name.split("/", 1)[1]: view for name, view in named.items()}
    for name in out:
        if name not in _KNOWN and not _STORAGE.fullmatch(name):
            raise Refused("ZIP_UNKNOWN_RECORD", f"{name} is not a record of a saved dict of tensors")
    if "version" not in out:
        raise Refused("ZIP_VERSION", "no record `version`")
    for name, (code, expected) in _EXPECTED.items():
        if name in out and bytes(out[name][:16]).rstrip(b"\n") != expected:
            raise Refused(code, f"{name} is {bytes(out[name][:16])!r}, not {expected.decode()}")
    return out
