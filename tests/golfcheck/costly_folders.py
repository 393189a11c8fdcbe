# ruff: noqa: E501 - one line a case is read more easily
"""The folders that cost a reader the most: kinds that once took verify minutes or gigabytes, each as large as allowed.

`CASES` maps a name to a function that writes the files of such a record into an empty folder. They are valid records
in all but the one thing that is grown. tests/bench/bench_hostile.py prints what each takes; the suite holds the limits
of docs/security.md on all of them.
"""

import json
from collections.abc import Callable
from pathlib import Path

from tests.golfcheck.hostile_files import packed
from tests.golfcheck.valid_record import Draft

MIB = 2**20


def _repeat(line: bytes, total_bytes: int) -> bytes:
    return line * (total_bytes // len(line))


def _numbered(template: str, count: int) -> bytes:
    return "".join(template.replace("#", str(number)) for number in range(count)).encode()


def _script(text: bytes) -> Callable[[], dict[str, bytes]]:
    return lambda: Draft(script=text).files


def _logs(lines: bytes, *, at: str = "stopping_early:", seeds: tuple[int, ...] = (1337, 42, 2025)) -> dict[str, bytes]:
    """Return the files of a record with these lines in each of its logs, before the line that begins with `at`."""
    files = Draft(seeds=seeds).files
    for path in files:
        if path.endswith(".log"):
            head, mark, tail = files[path].partition(at.encode())
            files[path] = head + lines + mark + tail
    return files


def _first_log(lines: bytes, at: str = "stopping_early:") -> dict[str, bytes]:
    files = Draft().files
    head, mark, tail = files["train_seed1337.log"].partition(at.encode())
    files["train_seed1337.log"] = head + lines + mark + tail
    return files


def _json(**values: object) -> dict[str, bytes]:
    draft = Draft()
    document = json.loads(draft.files["submission.json"]) | values
    draft.files["submission.json"] = json.dumps(document, ensure_ascii=False).encode()[: 256 * 2**10]
    return draft.files


def _dump(body: str, encoding: str = "utf-8", megabytes: int = 60) -> dict[str, bytes]:
    """Return a record whose first log begins with a dump of source of that size, in some encoding."""
    files = Draft().files
    rest = files["train_seed1337.log"].partition(b"=" * 100)
    line = f"x = '{body * 200}'\n".encode(encoding).removeprefix(b"\xff\xfe")
    head = "import torch\n".encode(encoding)
    tail = ("=" * 100 + rest[2].decode() + "=" * 100 + "\n").encode(encoding).removeprefix(b"\xff\xfe")
    return files | {"train_seed1337.log": head + line * (megabytes * MIB // len(line)) + tail}


def _many_scripts() -> dict[str, bytes]:
    files = Draft(script=_numbered("import m#\n", 60) + b"x = 1\n").files
    files |= {
        f"m{number}.py": _repeat(b"# a comment of a source that is not small at all\n", 60_000) for number in range(60)
    }
    head = files["train_seed1337.log"]
    files["train_seed1337.log"] = _repeat(b"x = 'a line of a dump'\n", 40 * MIB) + head
    return files


def _sources(text: bytes) -> dict[str, bytes]:
    return Draft(script=_numbered("import m#\n", 60)).files | {f"m{i}.py": text + b"y = %d\n" % i for i in range(60)}


def _of_runs(count: int, log: Callable[[int], str], readme: str = "", **claims: object) -> dict[str, bytes]:
    """Return a record with this many logs instead of its own, and perhaps another README and other claims."""
    files = {path: data for path, data in _json(**claims).items() if not path.endswith(".log")}
    files |= {"README.md": readme.encode()} if readme else {}
    return files | {f"{number}.log": log(number).encode() for number in range(count)}


def _runs(number: int, count: int, steps: int, *, scored: bool = False, more: str = "") -> str:
    """Return a log of several runs, each with a seed, losses and, if `scored`, a score."""
    lines = []
    for seed in range(number * count, (number + 1) * count):
        lines.append(f"seed:{seed}\n{more}")
        lines += [
            STEP.replace("#", str(k)).replace("6.9", f"{6 + (seed * 7919 + k * 104729) % 99991 / 1e5:.5f}")
            for k in range(1, steps)
        ]
        lines += [f"final_exact val_loss:2.1{seed} val_bpb:1.3{seed:05}\n"] if scored else []
    return "".join(lines)


def _table(line: str) -> dict[str, bytes]:
    """Return a record with 16 tables, each one line of claims."""
    return Draft().files | {f"{number}.md": line.encode() * (2**18 // len(line)) for number in range(16)}


def _many_logs() -> dict[str, bytes]:
    seeds = tuple(range(200))
    draft = Draft(seeds=(1337, 42, 2025))
    log = draft.files["train_seed1337.log"]
    files = {path: data for path, data in draft.files.items() if not path.endswith(".log")}
    return files | {f"train_seed{seed}.log": log.replace(b"seed:1337", b"seed:%d" % seed) for seed in seeds}


SLOW = (
    b"x\\\n",
    b"x += if x:\n  ",
    b"a<b ",
    b"type x[ = ",
    b"class A(",
    b"b'\\x",
    b"x) ",
    b"exec ",
    b"f'{",
    b"# c\n(x x\n",
)
CALLS = b"g(" * 100 + b"len(val_tokens)" + b")" * 100 + b"\n"
STEP = "step:#/99999999 train_loss:2.# train_time:#ms step_avg:80.00ms\n"

CASES: dict[str, Callable[[], dict[str, bytes]]] = {
    "code: nested calls around validation tokens": _script(_repeat(CALLS, 500_000)),
    "code: the same inside a function that trains": _script(
        b"def f(val_tokens):\n" + _repeat(b"  " + CALLS, 500_000) + b"  loss.backward()\nf(val_tokens)\n"
    ),
    "code: one call of 25,000 arguments": _script(
        b"def f(" + _numbered("a#, ", 25_000) + b"): pass\nf(" + b"val_tokens, " * 25_000 + b")\n"
    ),
    "code: 12,000 loops that train": _script(_repeat(b"for a in b: loss.backward()\n", 336_000)),
    "code: 10,000 functions of one name": _script(_repeat(b"def f(x): f(val_tokens)\n", 240_000)),
    "code: names assigned one from the other": _script(b"a0 = val_tokens\n" + _numbered("b# = a0; a0 = b#\n", 15_000)),
    "code: started and unfinished": _script(_repeat(b"x += if x:\n  ", 2 * MIB)),
    "code: line continuations": _script(_repeat(b"\\\n", 2 * MIB)),
    "code: named characters": _script(_repeat(b'"\\N{', 2 * MIB)),
    "code: brackets never closed": _script(_repeat(b"f([{", 2 * MIB)),
    "code: comments": _script(_repeat(b"# nothing but a comment\n", 2 * MIB)),
    "code: programs started through functions": _script(
        _numbered("def run#(command): subprocess.run(command)\n", 3) + _numbered("run0('gcc #')\n", 20_000)
    ),
    "code: exec of computed values": _script(_repeat(b"exec(x)\n", 400_000)),
    "code: imports of the network": _script(_repeat(b"import requests\n", MIB)),
    "code: many sources": _many_scripts,
    "code: many sources of comments in a row": lambda: _sources(b"x\n" + b"#\n" * 3_000),
    "code: many sources of continued lines": lambda: _sources(b"x = (\n" + b"\\\n" * 4_000 + b"1)\n"),
    "code: many sources with comments after mistakes": lambda: _sources(b"{" + b"x:#\n" * 2_000),
    "log: settings blocks, wide": lambda: _logs(b"Hyperparameters:\n" + _numbered("  name_#: value #\n", 90_000), at="model_params"),
    "log: settings blocks, long values": lambda: _logs(
        b"Hyperparameters:\n" + _repeat(b"  name: [" + b"1, " * 130 + b"]\n", 15 * MIB), at="model_params"
    ),
    "log: settings in one line": lambda: _logs(_numbered("k#:v# ", 200_000) + b"\n", at="model_params"),
    "log: settings, nested": lambda: _logs(b"Hyperparameters:\n  x: " + b"{'a': " * 5_000 + b"\n", at="model_params"),
    "log: long score names": lambda: _logs(_numbered("name_of_a_score_that_is_long_#_" + "x" * 60 + " val_loss:2.1 val_bpb:1.2\n", 90_000)),
    "log: scores that are no numbers": lambda: _logs(_repeat(b"final_exact val_loss:nan val_bpb:nan\n", 4 * MIB)),
    "log: scores of other names": lambda: _logs(_numbered("a# val_loss:2.1# val_bpb:1.2#\n", 90_000)),
    "log: scores that differ by rounding": lambda: _logs(
        _numbered("final_exact val_loss:1.87654# val_bpb:1.11508#\n", 90_000)
    ),
    "log: validations": lambda: _logs(_numbered("step:#/99999999 val_loss:2.1000 val_bpb:1.2437 train_time:#ms step_avg:1ms\n", 90_000)),
    "log: steps": lambda: _logs(_numbered(STEP, 99_000)),
    "log: seeds": lambda: _logs(_numbered("seed:#\nstep:1/2 train_loss:6.9 train_time:1ms step_avg:1ms\n", 45_000)),
    "log: sizes": lambda: _logs(_numbered("Code size: # bytes\nTotal submission size: # bytes\n", 45_000)),
    "log: durations": lambda: _logs(_numbered("phase #: 12.#s\nsomething took 1.5s\n", 45_000)),
    "log: machines": lambda: _first_log(_repeat(b"|   9  NVIDIA H100 80GB HBM3          On  |   00000000:19:00.0 Off |\n", 10 * MIB)),
    "log: one line of 60 MB": lambda: _first_log(b"x" * (60 * MIB) + b"\n"),
    "log: one line of 60 MB, folded": lambda: _first_log(_repeat(b"step:1/2 train_loss:1.0 train_time:1ms step_avg:1ms ", 60 * MIB)),
    "log: carriage returns": lambda: _first_log(_repeat(b"step:1/2 loss\r", 60 * MIB)),
    "log: 200 logs": _many_logs,
    "dump: UTF-16": lambda: _dump("é", "utf-16"),
    "dump: UTF-16, astral": lambda: _dump("\U0001f600", "utf-16"),
    "dump: Latin-1": lambda: _dump("é", "latin-1"),
    "dump: control characters": lambda: _dump("\x01"),
    "dump: plain": lambda: _dump("y"),
    "dump: before many scripts": lambda: _many_scripts() | {"train_seed42.log": _dump("y", megabytes=50)["train_seed1337.log"]},
    "JSON: unknown keys": lambda: _json(**{f"k{number}": 1 for number in range(20_000)}),
    "JSON: astral keys": lambda: _json(**{f"{chr(0x1F600)}{number}": chr(0x1F600) for number in range(10_000)}),
    "JSON: waivers": lambda: _json(golfcheck={"ignore": {f"rule-{number}": "because" for number in range(8_000)}}),
    "JSON: seeds": lambda: _json(seed_results={str(number): {"val_bpb": 1.1} for number in range(8_000)}),
    "JSON: one long string": lambda: _json(blurb="\x01" * 40_000),
    "runs: 64 in each of 480 logs": lambda: _of_runs(480, lambda number: _runs(number, 64, 3)),
    "runs: 64 with a score in each of 480 logs": lambda: _of_runs(480, lambda number: _runs(number, 64, 3, scored=True)),
    "runs: 200 of 700 steps": lambda: _of_runs(200, lambda number: _runs(number, 1, 700, scored=True)),
    "runs: that inherit 1,900 settings": lambda: _of_runs(
        480, lambda _: _numbered("k#:1\n", 1_900).decode() + STEP.replace("#", "1") * 130
    ),
    "runs: with 1,900 settings each": lambda: _of_runs(480, lambda _: _numbered("k#:1\n", 1_900).decode()),
    "runs: seeds that no log has, beside other numbers": lambda: _of_runs(
        20, lambda number: _runs(number, 50, 3, scored=True, more="the bpb is about 1.777 or 1.888 or 2.1 or 3.1\n" * 18),
        seed_results={str(seed): {"val_bpb": 3 + seed / 1000} for seed in range(1_000)},
    ),
    "runs: 30 of 1,000 scores, half no numbers": lambda: _of_runs(
        30, lambda number: _runs(number, 1, 3) + "final_nan val_loss:nan val_bpb:nan\n" * 500
        + _numbered("final_# val_loss:2.1 val_bpb:1.2#\n", 499).decode(),
    ),
    "README: scores, beside as many in logs": lambda: _logs(_numbered("a# val_loss:2.1# val_bpb:1.2#\n", 990)) | {
        "README.md": _repeat(b"bpb " + b" 2.3456" * 140 + b"\n", MIB)
    },
    "README: sizes, beside as many in submission.json": lambda: _json(blob=list(range(14_000_000, 14_020_000))) | {
        "README.md": _repeat(b"artifact" + b" 15,000,001 bytes" * 50 + b"\n", MIB)
    },
    "README: GPUs, beside as many in logs": lambda: _of_runs(
        300, lambda number: f"|   0  NVIDIA Z{number}           On  |   00000000:19:00.0 Off |\n" + _runs(number, 1, 3),
        readme=("4xA100 gpu 7 gpus " * 50 + "\n") * 1_000,
    ),
    "tables: one line of claims": lambda: _table("1.1147 "),
    "tables: one line of claims after losses": lambda: _table("loss:1.1147 "),
    "log: lines about passes": lambda: _first_log(_repeat(b"pass 1 " * 33 + b"\n", 40 * MIB)),
    "log: values of settings full of brackets": lambda: _logs(
        _numbered("k#:[" + " ".join(["<" * 60] * 250) + "]\n", 7), at="model_params"
    ),
    "README: a megabyte": lambda: {**Draft().files, "README.md": _repeat(b"| [x](y) 1.1150 `z` **w**", MIB)},
    "folder: 512 empty logs": lambda: Draft().files | {f"{number}.log": b"" for number in range(500)},
}  # fmt: skip


def _together(*names: str) -> dict[str, bytes]:
    """Return the files of several cases in one folder: the logs of the first are 1337's, those of the second 42's."""
    files = Draft().files
    plain = dict(files)
    for name in names:
        for path, data in CASES[name]().items():
            if files.get(path) == plain.get(path):
                files[path] = data
    return files


def _mixed_log(steps: int, scores: int, megabytes: int) -> bytes:
    return (
        _numbered(STEP, steps)
        + _numbered("a# val_loss:2.1# val_bpb:1.2#\n", scores)
        + _repeat(b"\x1b[31mx\x1b[0m y ", megabytes * MIB)
        + b"\n"
    )


CASES |= {
    "all: JSON, code, README, and a log of each kind": lambda: _together(
        "JSON: unknown keys", "README: a megabyte", "code: names assigned one from the other", "log: steps"
    ) | {"train_seed42.log": CASES["log: long score names"]()["train_seed42.log"], "run.log": _dump("é", "utf-16", 30)["train_seed1337.log"]},
    "all: each a little below the budget": lambda: _together("JSON: seeds", "README: a megabyte", "code: one call of 25,000 arguments")
    | {f"train_seed{seed}.log": _first_log(_mixed_log(20_000, 3_000, 4))["train_seed1337.log"] for seed in (1337, 42, 2025)},
    "all: many scripts that parse slowly, and a dump": lambda: Draft(script=_numbered("import m#\n", 60)).files
    | {f"m{number}.py": _repeat(piece, 100_000) for number, piece in enumerate(SLOW * 6)}
    | {"run.log": _dump("\U0001f600", "utf-16", 60)["train_seed1337.log"]},
    "all: packed scripts that unpack to as much as they may": lambda: Draft(script=_numbered("import m#\n", 30)).files
    | {f"m{number}.py": packed(b"#" * 15_000_000) for number in range(30)}
    | {"README.md": _repeat(b"1.1150 ", MIB), "run.log": _repeat(b"x" * 900 + b"\r", 50 * MIB)},
    "all: 400 logs and 100 scripts": lambda: Draft(script=_numbered("import m#\n", 100)).files
    | {f"{number}.log": _numbered(STEP, 500) for number in range(400)}
    | {f"m{number}.py": CALLS * 20 for number in range(100)},
}  # fmt: skip


def write(name: str, folder: Path) -> Path:
    """Write the record of a case, and return its folder."""
    record = folder / "2026-06-01_Costly"
    record.mkdir(parents=True)
    for path, data in CASES[name]().items():
        (record / path).write_bytes(data)
    return record
