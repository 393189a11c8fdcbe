"""Record folders whose every submitted string is a payload of `hostile_text`, for whatever shows records to a person.

Each is a record of three seeds with a score, sizes and times: it is read, judged and ranked like any other. The payload
is its folder's name, its name, author, login, blurb, date, a key, a waiver and its reason in submission.json, the
README, names of files (of logs, artifact, source, and notes), and in the logs plain lines, settings, the machine, the
score's name, a phase, and the label of the size; and the source has it in a comment and a string.

    folders = hostile_records.write_all(tmp_path)     # label of the payload → folder
    tree = tmp_path                                   # what `golfcheck leaderboard` or the board opens
    assert not hostile_records.obeyed(painted_text)   # what a terminal would obey, or an eye be deceived by
"""

import json
import os
import unicodedata
from pathlib import Path

from tests.golfcheck.hostile_text import PAYLOADS
from tests.golfcheck.valid_record import Draft

_NAME_BYTES = 180  # of a part of a file's name: 255 is the most there is
_JSON_CHARS = 8_000  # of every string but the name: a submission.json has 256 KiB
_SCORE_CHARS = 80
_CODE_CHARS = 20_000  # code counts: the record must stay under the cap


def draft(label: str, index: int = 0) -> Draft:
    """Return the files of the record with this payload; `place` tells equal scores apart."""
    payload = PAYLOADS[label]
    flat = _flat(payload)
    name = _file_name(payload)
    # A file whose name is not printable is reported and not read: the logs of such a record have plain names.
    shown = f" {name}" if name.isprintable() else ""
    record = Draft(bpb_shift=index * 1e-4, folder=f"2026-04-{1 + index % 28:02}_{name}")
    code = flat[:_CODE_CHARS]
    record.script = f"# {code}\nNAME = {payload[:_CODE_CHARS]!a}\nprint('{code}')  # {code}\n".encode(
        "utf-8", "replace"
    )
    record.files = {
        "README.md": f"# {payload}\n\n{payload}\n\n![{flat}]({flat})\n\n```\n{payload}\n```\n".encode(
            "utf-8", "replace"
        ),
        "train_gpt.py": record.script,
        f"final_model {name}.ptz": b"no artifact",
        f"{name}.txt": b"no log",
        **{f"train_seed{seed}{shown}.log": _with_payload(record.log(seed), payload) for seed in record.seeds},
    }
    text = payload.encode("utf-8", "replace").decode()
    short = text[:_JSON_CHARS]
    document = {
        **record.submission(),
        "name": text,
        "author": short,
        "github_id": short,
        "blurb": short,
        "date": short,
        f"{short} (a key)": short,
        "golfcheck": {"ignore": {short: short, "unexpected-file": short}},
    }
    record.files["submission.json"] = json.dumps(document, indent=1, ensure_ascii=False).encode()
    return record


def write_all(root: Path) -> dict[str, Path]:
    """Write a record for each payload into a tree, and return their folders by the payloads' labels."""
    return {label: draft(label, index).write(root) for index, label in enumerate(PAYLOADS)}


def obeyed(text: str) -> set[str]:
    """Return the characters of `text` that a terminal would obey or not show; line feeds are the reader's own.

    `text` is what was drawn, without the escape sequences of whoever draws.
    """
    return {character for character in text if character != "\n" and unicodedata.category(character)[0] == "C"}


def _flat(payload: str) -> str:
    """Return the payload without the characters that would end a line of a log or of a source."""
    return payload.replace("\n", " ").replace("\r", " ")


def _file_name(payload: str) -> str:
    """Return as much of the payload as fits into a file's name: no slash, no NUL, few bytes."""
    name = payload.replace("/", "∕").replace("\0", "␀")
    data = name.encode("utf-8", "surrogatepass")[:_NAME_BYTES]
    return os.fsdecode(data)


def _with_payload(log: bytes, payload: str) -> bytes:
    """Put the payload wherever a line of a log may contain free text."""
    flat = _flat(payload)
    word = "".join(flat.split())[:300]
    name = "final " + flat[:_SCORE_CHARS].strip().replace("/", "-")
    lines = log.decode().split("\n")
    start = next(index for index, line in enumerate(lines) if line.startswith("val_bpb:enabled"))
    lines[start:start] = [
        payload,
        f"|   9  {flat[:38]}          On  |   00000000:19:00.0 Off |                    0 |",
        f"calibration data: {flat}",
        "Hyperparameters:",
        f"  blurb: {flat[:390]}",
        f"  notes: [{flat[:380]}]",
    ]
    text = "\n".join(lines)
    text = text.replace("tokenizer_kind=sentencepiece", f"tokenizer_kind={word}")
    text = text.replace("final_int8_zlib_roundtrip", name)
    text = text.replace("int8+zlib:", f"{flat[:40].replace(':', ';').strip() or 'x'}:")
    text = text.replace("stopping_early:", f"{payload}\nstopping_early:", 1)
    return (text + f"{flat[:150]} in 12.5s\n{payload}\n").encode("utf-8", "surrogatepass")
