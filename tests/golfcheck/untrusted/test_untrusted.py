"""The strict reader loads what torch writes, and refuses everything else with a label."""

import argparse
import ast
import dataclasses
import gzip
import io
import random
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golfcheck import untrusted
from golfcheck.core import sandbox
from golfcheck.core.errors import Refused
from golfcheck.reference.artifact import dequantize, quantize
from golfcheck.rescore import shape, sound, weights
from golfcheck.untrusted import artifacts, containers, inflate, picklesubset, tensors, zipread
from golfcheck.untrusted.readlimits import PROCESS, Limits
from tests.conftest import ROOT
from tests.golfcheck import artifact_corpus as corpus
from tests.golfcheck.saved_by_torch import make as saved_by_torch

CASES = corpus.cases()
LIMITS = Limits()
FOLDER = Path(untrusted.__file__).parent
BYTES_800_MB = 800 << 20


def refusal(data: bytes, limits: Limits = LIMITS) -> Refused:
    with pytest.raises(Refused) as caught:
        tensors.parse(data, limits)
    return caught.value


@pytest.mark.parametrize("case", CASES, ids=[f"{case.number or 'more'}-{case.title}" for case in CASES])
def test_every_hostile_file_is_refused_with_its_label_in_a_child_that_does_not_die(case: corpus.Case) -> None:
    with pytest.raises(Refused) as caught:
        artifacts.load(case.build())
    assert caught.value.code == case.code
    assert case.words in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "title", ["4 GiB bomb", "20 x 100 MB from one storage", "200,003 entries", "as large as may be"]
)
def test_reading_what_is_large_takes_no_more_than_800_mb_in_either_process(tmp_path: Path, title: str) -> None:
    size = LIMITS.tensor_bytes // 4
    store = corpus.storage(cls="torch.CharStorage", numel=corpus.integer(size))
    largest = corpus.mapping({"w": corpus.tensor((size,), (1,), store=store)})
    path = tmp_path / "a.ptz"
    is_sound = title == "as large as may be"
    sound = corpus.artifact(largest, bytes(size)) if is_sound else b""
    path.write_bytes(sound or next(case for case in CASES if case.title == title).build())
    code = (
        "import resource, sys; sys.path.insert(0, sys.argv[2])\n"
        "from golfcheck.core.errors import Refused; from golfcheck.untrusted.artifacts import load\n"
        "try: load(open(sys.argv[1], 'rb').read()); print('loaded')\n"
        "except Refused as error: print(error.code)\n"
        "print(max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))"
    )
    command = [sys.executable, "-c", code, str(path), str(FOLDER.parents[1])]
    # A shell between: a process keeps the peak of the one that started it, and that of a test process may be large.
    command = ["sh", "-c", '"$@"; exit $?', "sh", *command]
    outcome, kib = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert (outcome == "loaded") is is_sound
    assert int(kib) * (1 if sys.platform == "darwin" else 1024) < BYTES_800_MB


def test_the_corpus_has_every_number_of_the_container_the_pickle_and_the_tensors() -> None:
    assert {case.number for case in CASES if case.number} == set(range(1, 89))
    assert len(CASES) >= 110


def test_every_refusal_in_the_source_is_reached_by_a_case() -> None:
    sites = {
        (path.name, node.lineno)
        for path in FOLDER.glob("*.py")
        if path.name not in ("readprocess.py", "artifacts.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Raise)
    }
    reached = set()
    for case in CASES:
        trace = refusal(case.build()).__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        assert trace is not None
        reached.add((Path(trace.tb_frame.f_code.co_filename).name, trace.tb_lineno))
    assert sites - reached == set()


# Each limit, and the case that passes (or fails elsewhere) without it.
GUARDED = {
    "file_bytes": "one byte over the cap",
    "pickle_bytes": "5M keys",
    "keys": "20,001 keys",
    "depth": "nine levels",
    "string_bytes": "4 GB string",
    "int_bytes": "255-byte integer",
    "rank": "nine dimensions",
    "tensor_bytes": "20 x 100 MB from one storage",
}
# Those of the corpus are large: these are small enough to go off.
SMALLER = {
    "inflated_bytes": ("ART_INFLATE_LIMIT", lambda: corpus.bomb(300 << 20)),
    "zip_entries": ("ZIP_ENTRIES", lambda: corpus.many_entries(4_097)),
    "pickle_ops": ("PKL_OPS", lambda: corpus.artifact(b"})" + b"\x85" * 200_000 + b"K\1s")),
}


@pytest.mark.parametrize("limit", [f.name for f in dataclasses.fields(Limits)])
def test_without_any_single_limit_a_case_is_no_longer_refused_with_its_label(limit: str) -> None:
    code, build = SMALLER.get(limit) or next((c.code, c.build) for c in CASES if c.title == GUARDED[limit])
    data = build()
    assert refusal(data).code == code
    try:
        tensors.parse(data, dataclasses.replace(LIMITS, **{limit: 1 << 62}))
    except Refused as error:
        assert error.code != code


def arrays(tree: Any) -> Any:
    """The tree with torch tensors in place of arrays."""
    if isinstance(tree, dict):
        return {key: arrays(value) for key, value in tree.items()}
    if isinstance(tree, tuple):
        return tuple(arrays(value) for value in tree)
    if not isinstance(tree, artifacts.Array):
        return tree
    tensor = torch.from_numpy(tree.data)
    return tensor.view(torch.bfloat16) if tree.dtype == "bfloat16" else tensor


def saved(obj: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(obj, buffer)
    return zlib.compress(buffer.getvalue(), 1)


def same(left: Any, right: Any) -> bool:
    if isinstance(left, torch.Tensor):
        return bool(left.dtype == right.dtype and torch.equal(left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, tuple):  # lists are read as tuples
        return isinstance(right, tuple | list) and len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and (left == right or repr(left) == repr(right) == "nan")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({1, 2}, "a set"),
        (b"raw", "raw bytes"),
        (1 + 2j, "a complex number"),
        (np.float32(3), "a numpy array or number"),
        (np.arange(3), "a numpy array or number"),
        (torch.float32, "a dtype ('float32')"),
        (argparse.Namespace(layers=2), "an object or a function of 'argparse.Namespace'"),
    ],
)
def test_a_refusal_is_explained_in_words_with_its_key(value: object, words: str) -> None:
    error = refusal(saved({"model_config": {"odd": value}}))
    assert error.message.startswith(f"it contains {words} under the key ")
    assert "opcode" not in error.message


DTYPES = [torch.float32, torch.float16, torch.bfloat16, torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64]
plain = st.text(max_size=8) | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.booleans() | st.none()
shapes = st.lists(st.integers(0, 4), max_size=4)
any_tensor = st.builds(
    lambda shape, dtype, seed: torch.from_numpy(np.random.default_rng(seed).integers(0, 100, shape)).to(dtype),
    shapes, st.sampled_from(DTYPES), st.integers(0, 99),
) | st.builds(lambda shape: torch.zeros(shape, dtype=torch.bool), shapes)  # fmt: skip
trees = st.recursive(
    plain | any_tensor,
    lambda child: (
        st.dictionaries(st.text(max_size=6), child, max_size=3) | st.tuples(child, child) | st.lists(child, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=60)
@given(st.dictionaries(st.text(max_size=6), trees, max_size=4))
def test_what_torch_saves_is_read_as_torch_reads_it(obj: dict[str, Any]) -> None:
    try:
        tree = in_process(saved(obj))
    except Refused as error:
        assert error.code == "PKL_DEPTH"
        return
    assert same(arrays(tree), obj)


@pytest.mark.parametrize("quality", [1, 5, 9])
def test_weights_in_brotli_are_named_and_noise_is_not(quality: int) -> None:
    brotli = pytest.importorskip("brotli")
    draw = random.Random(quality)
    weights = bytes(round(draw.gauss(0, 25)) % 256 for _ in range(300_000))
    assert containers.name_of(brotli.compress(weights, quality=quality)) == "brotli"
    noise = [random.Random(100 * quality + seed).randbytes(70_000) for seed in range(100)]
    assert {containers.name_of(each) for each in noise} == {None}


def test_brotli_is_named_where_the_package_is_there() -> None:
    brotli = pytest.importorskip("brotli")
    error = refusal(brotli.compress(corpus.archive(corpus.records()) * 20))
    assert error.code == "ART_FORMAT_OWN"
    assert "unsupported container: brotli" in str(error)


def in_process(data: bytes) -> dict[str, Any]:
    """What `artifacts.load` does, without the child process."""
    from golfcheck.untrusted import readprocess

    out = io.BytesIO()
    readprocess.answer(data, LIMITS, True, out)
    out.seek(0)
    return artifacts._decode_answer(out, LIMITS).tree


@pytest.mark.parametrize("name", ["one_rank", "public_7L384"])
def test_real_artifacts_load_as_torch_loads_them(shared_data: Path, name: str) -> None:
    data = (shared_data / "golden" / f"{name}.int8.ptz").read_bytes()
    theirs = torch.load(io.BytesIO(zlib.decompress(data)), weights_only=True)
    assert same(arrays(artifacts.load(data)), theirs)


SAVED = sorted(saved_by_torch.FOLDER.glob("*.int8.ptz"))  # each by the version in its name


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.name.removesuffix(".int8.ptz"))
def test_what_other_versions_of_torch_saved_loads_bit_by_bit(path: Path) -> None:
    state = saved_by_torch.state()
    tree = artifacts.load(path.read_bytes())
    assert same(arrays(tree), quantize(state, saved_by_torch.KEEP))
    raw = artifacts.load(gzip.decompress(path.with_suffix("").with_suffix(".pt.gz").read_bytes()), zipped=False)
    assert same(arrays(raw), dict(state))
    assert weights.differences(tree, raw, saved_by_torch.KEEP) == (len(state), ())
    shapes = sound.shapes_of(tree)
    assert same(weights.state_of(tree), dequantize(quantize(state, saved_by_torch.KEEP)))
    options = {"train_seq_len": saved_by_torch.CONFIG.train_seq_len}
    assert weights.config_of(shape.infer(shapes), options) == saved_by_torch.CONFIG


def test_the_page_names_the_versions_of_torch_whose_files_were_tried() -> None:
    named = re.search(r"Files saved by torch\s([0-9.,\sand]+)\sare", (ROOT / "docs" / "rescore.md").read_text())
    assert named is not None
    assert re.findall(r"[0-9.]*[0-9]", named[1]) == sorted(
        (path.name.removeprefix("torch-").removesuffix(".int8.ptz") for path in SAVED),
        key=lambda version: [int(part) for part in version.split(".")],
    )


def test_a_raw_state_dict_loads_with_the_metadata_that_modules_add() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
    buffer = io.BytesIO()
    torch.save(module.state_dict(), buffer)
    assert same(arrays(artifacts.load(buffer.getvalue(), zipped=False)), dict(module.state_dict()))


def test_tensors_that_share_a_record_share_memory() -> None:
    base = torch.arange(12.0)
    tree = artifacts.load(saved({"a": base[:4], "b": base[4:].view(2, 4), "whole": base}))
    assert np.shares_memory(tree["whole"].data, tree["b"].data)
    assert same(arrays(tree), {"a": base[:4], "b": base[4:].view(2, 4), "whole": base})


def test_unused_bytes_are_reported_and_an_honest_file_has_none() -> None:
    honest = saved({"a": torch.arange(4.0), "b": torch.arange(8).view(2, 4)})
    assert artifacts.read(honest).notes == ()
    assert artifacts.read(saved({"part": torch.arange(12.0)[2:6]})).notes == (
        "32 bytes of 1 storages belong to no tensor",
    )
    base = torch.arange(12.0)
    assert artifacts.read(saved({"a": base[:8], "b": base[4:]})).notes == ()


@pytest.mark.parametrize("level", [0, 1, 6, 9])
@pytest.mark.parametrize("blocks", [0, 1, 2, 1000])
def test_empty_blocks_at_the_end_of_a_stream_are_counted(level: int, blocks: int) -> None:
    stream = zlib.compressobj(level)
    content = np.random.default_rng(level).normal(size=20_000).astype(np.float16).tobytes()
    data = stream.compress(content) + stream.flush(zlib.Z_SYNC_FLUSH if blocks else zlib.Z_FINISH)
    if blocks:
        data += b"\0\0\0\xff\xff" * (blocks - 1) + stream.flush(zlib.Z_FINISH)
    assert zlib.decompress(data) == content
    assert (inflate.idle_bytes(data) > inflate.END_BYTES) == (blocks > 0)
    assert 5 * blocks <= inflate.idle_bytes(data) <= 5 * blocks + inflate.END_BYTES


# What the versions of torch write beside data.pkl, version and the storages.
EXTRAS = {
    "2.4": ["byteorder", ".data/serialization_id"],
    "2.7": [".format_version", "byteorder", ".data/serialization_id"],
    "2.15": [".format_version", ".storage_alignment", "byteorder", ".data/serialization_id"],
    "before 2.1": [],
}


@pytest.mark.parametrize("version", EXTRAS)
@pytest.mark.parametrize("root", ["archive", "final_model", "my model-v2.int8", "a[1]~&#'$"])
def test_the_records_of_every_torch_version_are_known(version: str, root: str) -> None:
    keep = ["data.pkl", "version", "data/0", *EXTRAS[version]]
    rows = [row for row in corpus.records(root=root) if row.name.removeprefix(f"{root}/") in keep]
    parsed = tensors.parse(corpus.pack(corpus.archive(rows)), LIMITS)
    assert parsed.tree == {"w": tensors.StorageSpan("float32", (2, 2), "0", 0)}


# --- mutations: never anything but a refusal or a tree inside its records ---------------------------------------------

CI_MUTATIONS = 20_000
CI_RANDOM = 10_000
INTERESTING = [0, 1, 2, 4, 7, 8, 0x7F, 0x80, 0xFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


def mutate(rng: random.Random, raw: bytes, donor: bytes) -> bytes:
    """One to three edits: a bit, a byte, an interesting integer, a cut, a repetition, a piece of another file."""
    out = bytearray(raw)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(out) + 1)
        kind = rng.randrange(6)
        if kind == 0 and at < len(out):
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(out):
            out[at] = rng.choice(b"().0123GJKMQRXbchjqrstu}\x85\x86\x87\x88\x89\x8a")
        elif kind == 2:
            width = rng.choice([1, 2, 4, 8])
            value = rng.choice(INTERESTING) & ((1 << 8 * width) - 1)
            out[at : at + width] = value.to_bytes(width, "little")
        elif kind == 3:
            del out[at : at + rng.randint(1, 12)]
        elif kind == 4:
            out[at:at] = out[at : at + rng.randint(1, 40)]
        else:
            begin = rng.randrange(len(donor))
            out[at:at] = donor[begin : begin + rng.randint(1, 60)]
    return bytes(out)


def check(data: bytes) -> bool:
    """Parse; True if it loads, and then everything in the tree is inside the records."""
    try:
        parsed = tensors.parse(data, LIMITS)
    except Refused as error:
        assert str(error).isprintable(), error
        return False
    stack: list[Any] = [parsed.tree]
    while stack:
        value = stack.pop()
        if isinstance(value, tensors.StorageSpan):
            numel = int(np.prod(value.shape, dtype=object)) if value.shape else 1
            assert value.start >= 0
            assert value.start + numel * tensors.ITEM_BYTES[value.dtype] <= len(parsed.records[value.key])
        else:
            assert isinstance(value, dict | tuple | str | int | float | None)
            stack += value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else []
    return True


@pytest.mark.parametrize("layer", ["zlib", "zip", "pickle", "storage"])
def test_mutations_of_every_layer_are_refused_or_stay_inside(layer: str) -> None:
    seed = int(np.random.SeedSequence().entropy) % 2**32
    print(f"seed {seed}")
    rng = random.Random(seed)
    torch.manual_seed(0)
    obj = {"__quant_format__": "x", "quantized": {"w": torch.ones(3, 2).to(torch.int8)}, "s": {"w": torch.ones(3)}}
    real = zlib.decompress(saved(obj))
    named = zipread.records(real, LIMITS)
    pickled, stores = bytes(named["data.pkl"]), [bytes(named[f"data/{i}"]) for i in range(2)]
    archive = corpus.archive(corpus.records(pickled, *stores))
    loaded = 0
    for _ in range(CI_MUTATIONS // 4):
        if layer == "zlib":
            data = mutate(rng, zlib.compress(archive, 1), corpus.GOOD)
        elif layer == "zip":
            data = zlib.compress(mutate(rng, rng.choice([archive, real]), archive), 1)
        elif layer == "pickle":  # in an archive that is right
            data = zlib.compress(corpus.archive(corpus.records(mutate(rng, pickled, corpus.GOOD_PICKLE), *stores)), 1)
        else:
            data = zlib.compress(corpus.archive(corpus.records(pickled, mutate(rng, stores[0], pickled), stores[1])), 1)
        loaded += check(data)
    assert loaded < CI_MUTATIONS // 4


def test_random_bytes_are_refused_by_every_layer() -> None:
    seed = int(np.random.SeedSequence().entropy) % 2**32
    print(f"seed {seed}")
    rng = random.Random(seed)
    for i in range(CI_RANDOM):
        noise = rng.randbytes(rng.randrange(200))
        with pytest.raises(Refused):
            if i % 3 == 0:
                inflate.inflate(noise, LIMITS)
            elif i % 3 == 1:
                zipread.records(b"PK\x03\x04" + noise, LIMITS)
            else:
                picklesubset.parse(b"\x80\x02" + noise, LIMITS)


# --- the process ------------------------------------------------------------------------------------------------------


def runs(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Make the reading process run other code."""
    command = [sys.executable, "-c", code, str(ROOT)]
    monkeypatch.setattr(sandbox, "command", lambda *_arguments: command)


def test_a_child_that_dies_by_a_signal_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    runs(monkeypatch, "import os; os.abort()")
    with pytest.raises(Refused, match="died of SIGABRT") as caught:
        artifacts.load(corpus.GOOD)
    assert caught.value.code == "ART_CRASH"


@pytest.mark.parametrize(
    "answer",
    [
        b"\x7f" * 100,
        (2).to_bytes(8, "little") + b"{}",
        (1).to_bytes(8, "little") + b"{",
        (40).to_bytes(8, "little") + b'{"records": [["0", 999999999999]]}'.ljust(40),
        (60).to_bytes(8, "little") + b'{"records": [], "tree": {"tensor": ["x", [1], "0", 0]}}'.ljust(60),
    ],
)
def test_a_child_that_gives_no_sound_answer_is_a_refusal(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    runs(monkeypatch, f"import sys; sys.stdout.buffer.write({answer!r})")
    with pytest.raises(Refused) as caught:
        artifacts.load(corpus.GOOD)
    assert caught.value.code == "ART_CRASH"


def test_a_child_that_needs_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    runs(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(Refused) as caught:
        artifacts.load(corpus.GOOD, wall_seconds=0.3)
    assert caught.value.code == "SBX_WALL"


def test_a_child_that_loops_is_ended_by_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = "import sys; sys.path.insert(0, sys.argv[1]); from golfcheck.core import sandbox; "
    loop += "sandbox.confine(sandbox.SandboxLimits(800 << 20, cpu_seconds=1))\nwhile True: pass"
    runs(monkeypatch, loop)
    with pytest.raises(Refused) as caught:
        artifacts.load(corpus.GOOD)
    assert caught.value.code == "SBX_CPU"


def test_a_child_without_memory_says_so() -> None:
    with pytest.raises(Refused) as caught:
        artifacts.load(corpus.bomb(250 << 20), process=dataclasses.replace(PROCESS, address_space_bytes=200 << 20))
    assert caught.value.code == "SBX_MEM"


def test_loading_needs_neither_torch_nor_numpy_in_the_child() -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import golfcheck.untrusted.readprocess; "
    code += "print([name for name in ('torch', 'numpy', 'pickle') if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-I", "-c", code, str(FOLDER.parents[1])], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
