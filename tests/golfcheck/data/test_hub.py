"""`golfcheck data get` against a small server that speaks the hub's protocol."""

import contextlib
import gzip
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("huggingface_hub", reason="needs the train extra: huggingface_hub")

import huggingface_hub

from golfcheck.core.errors import GolfcheckError, UsageError
from golfcheck.data import hub as hub_module
from golfcheck.data import throughput as pace_module
from golfcheck.data.hub import download
from golfcheck.data.shardwriter import shard_bytes
from golfcheck.data.throughput import Throughput
from golfcheck.data.variants import MAX_SHARDS, select_by_manifest
from golfcheck.reference.data import shard_tokens
from tests.clock import HANG_SECONDS
from tests.golfcheck.hub_server import Hub, serving

REPO = "willdepueoai/parameter-golf"
SHARDS = "datasets/datasets/fineweb10B_sp1024"
MANIFEST = {
    "datasets": [
        {
            "name": "fineweb10B_sp1024",
            "tokenizer_name": "sp_bpe_1024",
            "path": "datasets/fineweb10B_sp1024",
            "stats": {"files_train": 3, "files_val": 1},
        }
    ],
    "tokenizers": [
        {
            "name": "sp_bpe_1024",
            "model_path": "tokenizers/fineweb_1024_bpe.model",
            "vocab_path": "tokenizers/fineweb_1024_bpe.vocab",
        }
    ],
}


def shard(seed: int, tokens: int = 20_000) -> bytes:
    return shard_bytes(np.random.default_rng(seed).integers(0, 1024, tokens))


class Clock:
    """A stand-in clock, which the server advances."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def tick(self) -> None:
        self.now += 10.0


def sleep_with(monkeypatch: pytest.MonkeyPatch, sleep: Callable[[float], object]) -> None:
    """Make the hub's library call `sleep` between two attempts."""
    for module in (huggingface_hub.file_download, huggingface_hub.utils._http):
        monkeypatch.setattr(module, "time", SimpleNamespace(**{**vars(time), "sleep": sleep}))


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock of the pace, so that a busy machine is no slow hub; do not wait between attempts."""
    monkeypatch.setattr(hub_module, "Throughput", lambda most_bytes: Throughput(most_bytes, Clock()))
    sleep_with(monkeypatch, lambda _seconds: None)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    files = {
        "README.md": b"a dataset",
        "datasets/manifest.json": json.dumps(MANIFEST).encode(),
        "datasets/tokenizers/fineweb_1024_bpe.model": b"m" * 3000,
        "datasets/tokenizers/fineweb_1024_bpe.vocab": b"v" * 300,  # small: known by its git name, not by sha256
        f"{SHARDS}/fineweb_val_000000.bin": shard(0, 3000),
        **{f"{SHARDS}/fineweb_train_{i:06d}.bin": shard(i + 1) for i in range(3)},
    }
    with serving(Hub(REPO, files)) as hub:
        constants = huggingface_hub.constants  # read from HF_ENDPOINT when they are imported
        template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, hub.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1024)
        yield hub


def get(out: Path, train_shards: int = 1, variant: str = "sp1024", repo: str = REPO) -> tuple[Path, Path]:
    return download(repo, variant, train_shards, out, lambda _line: None)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def expected_tree(hub: Hub, train_shards: int) -> dict[str, bytes]:
    """The output folder as the trainer expects it: the repository's `datasets/`, without manifest and later shards."""
    last = f"{SHARDS}/fineweb_train_{train_shards:06d}.bin"
    wanted = {path: data for path, data in hub.files.items() if path.startswith("datasets/") and "manifest" not in path}
    return {
        path.removeprefix("datasets/"): data
        for path, data in wanted.items()
        if not path.startswith(f"{SHARDS}/fineweb_train") or path < last
    }


def content_requests(hub: Hub) -> list[str]:
    return [line for line in hub.asked if "/resolve/" in line and "manifest" not in line]


@pytest.mark.parametrize("train_shards", [0, 2])
def test_every_wanted_file_lands_where_the_trainer_looks_for_it(server: Hub, tmp_path: Path, train_shards: int) -> None:
    data_path, tokenizer_path = get(tmp_path / "data", train_shards)
    assert tree(tmp_path / "data") == expected_tree(server, train_shards)
    assert data_path == tmp_path / "data/datasets/fineweb10B_sp1024"
    assert tokenizer_path == tmp_path / "data/tokenizers/fineweb_1024_bpe.model"


def test_a_second_run_downloads_nothing(server: Hub, tmp_path: Path) -> None:
    get(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    server.asked.clear()
    get(tmp_path)
    assert content_requests(server) == []
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}


def test_more_shards_later_download_only_those(server: Hub, tmp_path: Path) -> None:
    get(tmp_path, 1)
    server.asked.clear()
    get(tmp_path, 3)
    names = {line.rpartition("/")[2] for line in content_requests(server)}
    assert names == {"fineweb_train_000001.bin", "fineweb_train_000002.bin"}
    assert tree(tmp_path) == expected_tree(server, 3)


def test_a_repository_without_manifest_is_read_by_its_file_names(server: Hub, tmp_path: Path) -> None:
    del server.files["datasets/manifest.json"]
    get(tmp_path, 2)
    assert tree(tmp_path) == expected_tree(server, 2)


def test_a_dropped_connection_is_continued_where_it_ended(server: Hub, tmp_path: Path) -> None:
    name = f"{SHARDS}/fineweb_train_000000.bin"
    server.cut_at[name] = 30_000
    get(tmp_path)
    assert any(line.startswith("GET /store/") and line.endswith(" range") for line in server.asked)
    assert tree(tmp_path) == expected_tree(server, 1)


def test_after_an_interrupted_download_only_the_missing_part_is_fetched(server: Hub, tmp_path: Path) -> None:
    name = f"{SHARDS}/fineweb_train_000000.bin"
    server.cut_at[name], server.after_cut = 30_000, 410
    with pytest.raises(GolfcheckError, match=r"HTTP status 410 from .*; run the same command"):
        get(tmp_path)
    assert not (tmp_path / "datasets/fineweb10B_sp1024/fineweb_train_000000.bin").exists()
    arrived = {path.name for path in (tmp_path / ".download/datasets").rglob("*") if path.is_file()}
    assert len(arrived) < 4
    server.status.clear()
    server.asked.clear()
    get(tmp_path)
    fetched = {line.rpartition("/")[2] for line in content_requests(server)}
    assert path_name(name) in fetched
    assert fetched.isdisjoint(arrived)
    assert tree(tmp_path) == expected_tree(server, 1)


def path_name(path: str) -> str:
    return path.rpartition("/")[2]


def test_leftovers_of_a_killed_download_are_never_used_as_the_file(server: Hub, tmp_path: Path) -> None:
    """A killed process leaves a partial file of any length in the staging folder: here it is written by hand."""
    path = tmp_path / "datasets/fineweb10B_sp1024/fineweb_train_000000.bin"
    staged = tmp_path / ".download" / SHARDS / path.name
    data = server.files[f"{SHARDS}/{path.name}"]
    for left in (b"", data[:1], data[:-1], data, data + b"too long", bytes(len(data))):
        path.unlink(missing_ok=True)
        staged.parent.mkdir(parents=True)
        staged.write_bytes(left)
        with contextlib.suppress(GolfcheckError):  # other content of the same size: removed, and fetched the next time
            get(tmp_path)
        get(tmp_path)
        assert tree(tmp_path) == expected_tree(server, 1)


@pytest.mark.parametrize(
    "name", ["tokenizers/fineweb_1024_bpe.vocab", "datasets/fineweb10B_sp1024/fineweb_train_000000.bin"]
)
def test_content_that_is_not_what_the_hub_promises_is_refused_and_leaves_nothing(
    server: Hub, tmp_path: Path, name: str
) -> None:
    good = server.files[f"datasets/{name}"]
    server.served_instead[f"datasets/{name}"] = good[:-1] + bytes([good[-1] ^ 1])
    with pytest.raises(GolfcheckError, match=r"the hub's digest is .* it was removed"):
        get(tmp_path)
    assert not (tmp_path / name).exists()
    server.served_instead.clear()
    get(tmp_path)
    assert tree(tmp_path) == expected_tree(server, 1)


def test_content_of_another_size_is_refused(server: Hub, tmp_path: Path) -> None:
    name = f"{SHARDS}/fineweb_train_000000.bin"
    server.served_instead[name] = server.files[name] + b"more"
    with pytest.raises(GolfcheckError):
        get(tmp_path)
    assert not (tmp_path / "datasets/fineweb10B_sp1024/fineweb_train_000000.bin").exists()


def test_a_bad_shard_is_refused_however_faithfully_it_arrived(server: Hub, tmp_path: Path) -> None:
    name = f"{SHARDS}/fineweb_val_000000.bin"
    server.files[name] = server.files[name] + b"\0"
    with pytest.raises(GolfcheckError, match=r"the hub's file is bad: .* 7,025 bytes, but 3,000 tokens make 7,024"):
        get(tmp_path)
    assert list(tmp_path.rglob("fineweb_val*.bin")) == []


def test_a_disk_that_is_too_small_is_reported_before_anything_is_written(
    server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(total=1, used=1, free=50_000))
    need_bytes = sum(map(len, expected_tree(server, 2).values()))
    with pytest.raises(UsageError, match=rf"disk too small: 5 files need {need_bytes:,} bytes, .* has 50,000 free"):
        get(tmp_path / "data", 2)
    assert not (tmp_path / "data").exists()
    assert content_requests(server) == []


def test_a_local_file_with_other_content_is_never_overwritten(server: Hub, tmp_path: Path) -> None:
    path = tmp_path / "tokenizers/fineweb_1024_bpe.model"
    path.parent.mkdir()
    path.write_bytes(b"mine")
    with pytest.raises(UsageError, match="differs from the hub's file of that name"):
        get(tmp_path)
    assert tree(tmp_path) == {"tokenizers/fineweb_1024_bpe.model": b"mine"}


def test_a_second_download_into_the_same_folder_waits_for_the_first(server: Hub, tmp_path: Path) -> None:
    with hub_module._only_download(tmp_path), pytest.raises(GolfcheckError, match="another process is downloading"):
        get(tmp_path)
    get(tmp_path)
    assert tree(tmp_path) == expected_tree(server, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "sp1042"}, "unknown variant 'sp1042': the repository has sp1024 - did you mean 'sp1024'"),
        ({"train_shards": 4}, "has 3 training shards of sp1024, not 4"),
        ({"repo": "nobody/nothing"}, "HTTP status 404 .* there is no such dataset"),
        ({"repo": "not a name"}, "--repo not a name"),
    ],
)
def test_an_impossible_request_is_one_line(
    server: Hub, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(GolfcheckError, match=message) as caught:
        get(tmp_path, **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert tree(tmp_path) == {}


def test_an_unknown_variant_of_a_repository_without_manifest_is_named(server: Hub, tmp_path: Path) -> None:
    del server.files["datasets/manifest.json"]
    with pytest.raises(UsageError, match="unknown variant 'sp8192': the repository has sp1024"):
        get(tmp_path, variant="sp8192")


def test_a_file_that_the_manifest_promises_and_the_repository_lacks_is_named(server: Hub, tmp_path: Path) -> None:
    del server.files[f"{SHARDS}/fineweb_train_000002.bin"]
    with pytest.raises(GolfcheckError, match=rf"lacks {SHARDS}/fineweb_train_000002.bin"):
        get(tmp_path, 3)


def test_a_manifest_cannot_promise_shards_without_end() -> None:
    stats = {"files_train": 10**12, "files_val": 1}
    manifest = MANIFEST | {"datasets": [MANIFEST["datasets"][0] | {"stats": stats}]}
    assert len(select_by_manifest("fineweb10B_sp1024", json.dumps(manifest).encode()).train) == MAX_SHARDS


def test_a_page_that_is_not_a_hub_gives_one_line(server: Hub, tmp_path: Path) -> None:
    server.page = b"<html>Please log in to this network</html>"
    with pytest.raises(GolfcheckError, match="not a hub, or a proxy answers for it") as caught:
        get(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_server_that_is_down_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{port}")
    with pytest.raises(GolfcheckError, match=r"Connect.*; run the same command again") as caught:
        get(tmp_path)
    assert "\n" not in str(caught.value)


def test_the_hubs_offline_mode_is_one_line(server: Hub, tmp_path: Path) -> None:
    completed = command(server, tmp_path, HF_HUB_OFFLINE="1")
    assert completed.returncode == 2
    assert completed.stderr.count("\n") == 1
    assert "offline" in completed.stderr.lower()


def test_the_command_prints_what_the_trainer_needs(server: Hub, tmp_path: Path) -> None:
    completed = command(server, tmp_path)
    assert completed.returncode == 0, completed.stderr
    assert completed.stdout.splitlines() == [
        "DATA_PATH=data/datasets/fineweb10B_sp1024",
        "TOKENIZER_PATH=data/tokenizers/fineweb_1024_bpe.model",
    ]
    assert completed.stderr.endswith("next: golfcheck data check data/datasets/fineweb10B_sp1024\n")
    assert shard_tokens(tmp_path / "data/datasets/fineweb10B_sp1024/fineweb_train_000000.bin") == 20_000


def command(server: Hub, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[3]
    return subprocess.run(
        [sys.executable, "-m", "golfcheck", "data", "get", "--variant", "sp1024", "--train-shards", "1"],
        cwd=cwd,
        env=os.environ | {"HF_ENDPOINT": server.url, "PYTHONPATH": str(root)} | environment,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )


HOSTILE_MANIFESTS = [
    b"",
    b"[]",
    b"{}",
    b"\xff",
    b"[" * 1_000_000,
    b'{"datasets": 5}',
    json.dumps(MANIFEST | {"tokenizers": []}).encode(),
    json.dumps(MANIFEST | {"tokenizers": [{"name": "sp_bpe_1024"}]}).encode(),
    json.dumps(MANIFEST).replace("tokenizers/fineweb_1024_bpe.model", "../../.bashrc").encode(),
    json.dumps(MANIFEST).replace("tokenizers/fineweb_1024_bpe.model", "tokenizers/..\\\\x").encode(),
    json.dumps(MANIFEST).replace('"files_val": 1', '"files_val": "many"').encode(),
    json.dumps(MANIFEST).replace('"files_val": 1', '"files_val": 0').encode(),
]


@pytest.mark.parametrize("data", HOSTILE_MANIFESTS, ids=range(len(HOSTILE_MANIFESTS)))
def test_an_invalid_manifest_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(GolfcheckError) as caught:
        select_by_manifest("fineweb10B_sp1024", data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["datasets/tokenizers/fineweb_1024_bpe.model", "datasets/manifest.json"])
def test_a_body_without_end_is_cut_off_where_the_file_should_end(path: str, server: Hub, tmp_path: Path) -> None:
    if "manifest" in path:
        server.files[path] = b"{}"
    server.endless = b"x" * 2**16
    with pytest.raises(GolfcheckError, match=r"^data get: .*sends more than a file's stated size"):
        get(tmp_path)
    assert server.sent_bytes < 64 * 2**20
    assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) < 2**20


def test_a_compressed_answer_is_refused_and_not_unpacked(server: Hub, tmp_path: Path) -> None:
    model = "datasets/tokenizers/fineweb_1024_bpe.model"
    server.headers["Content-Encoding"] = "gzip"
    server.served_instead = dict.fromkeys(server.files, gzip.compress(bytes(20 * 2**20)))
    assert len(server.served_instead[model]) < 2**18
    with pytest.raises(GolfcheckError, match=r"^data get: the hub compresses its answers \('gzip'\)"):
        get(tmp_path)
    assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) < 2**20


def test_a_list_of_files_without_end_is_refused(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "MAX_FILES", 50)
    server.files |= {f"more/{number}.bin": b"" for number in range(60)}
    server.endless_tree = True
    with pytest.raises(GolfcheckError, match="more than 50 files"):
        get(tmp_path)
    assert sum("/tree/" in line for line in server.asked) < 60


@pytest.mark.parametrize("page", [b"[" * 100_000, b'{"sha": ' * 50_000, b"{}", b"[]", b"null", b'{"sha": 5}', b"\xff"])
def test_an_answer_that_is_not_from_a_hub_gives_one_line(page: bytes, server: Hub, tmp_path: Path) -> None:
    server.page = page
    with pytest.raises(GolfcheckError) as refused:
        get(tmp_path)
    assert "\n" not in str(refused.value)


def test_a_path_with_control_characters_is_refused(server: Hub, tmp_path: Path) -> None:
    server.files.pop("datasets/manifest.json", None)  # its files are known by their names
    server.files[f"{SHARDS}/fineweb_train_\x1b]0;x\x07.bin"] = shard(1)
    with pytest.raises(GolfcheckError, match="is refused"):
        get(tmp_path)


@pytest.mark.parametrize("location", [".download", ".download/datasets"])
def test_no_download_is_written_where_a_link_leads(location: str, server: Hub, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    out = tmp_path / "out"
    (out / location).parent.mkdir(parents=True)
    (out / location).symlink_to(outside)
    with pytest.raises(UsageError, match="is a link"):
        get(out)
    assert list(outside.iterdir()) == []


def test_the_caps_end_with_the_download(server: Hub, tmp_path: Path) -> None:
    before = [resource.getrlimit(kind) for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_AS)]
    get(tmp_path)
    assert [resource.getrlimit(kind) for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_AS)] == before


@pytest.mark.parametrize("drips_in", ["/tree/", "manifest.json"])
@pytest.mark.parametrize("drip", ["body", "head", "hang up"])
def test_a_hub_that_sends_a_byte_now_and_then_is_given_up(
    drip: str, drips_in: str, server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(hub_module, "Throughput", lambda most_bytes: Throughput(most_bytes, clock))
    monkeypatch.setattr(pace_module, "WATCH_SECONDS", 0.01)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DOWNLOAD_TIMEOUT", HANG_SECONDS)
    sleep_with(monkeypatch, lambda _seconds: clock.tick())
    server.drip, server.drips_in, server.tick = drip, drips_in, clock.tick
    wrong = r"^data get: the hub sent [\d,]+ bytes in \d+ seconds, less than 10,000 per second"
    if drip == "hang up" and drips_in == "/tree/":
        wrong = r"^data get: "  # it is asked a few times only
    with pytest.raises(GolfcheckError, match=wrong) as refused:
        get(tmp_path)
    assert "\n" not in str(refused.value)
    assert server.sent_bytes < 100 and not any(tmp_path.rglob("*.bin"))


def test_a_slow_line_that_moves_is_not_given_up_and_one_that_stops_is() -> None:
    clock = Clock()
    pace = Throughput(10_000_000, clock)
    for _ in range(50):
        clock.tick()
        pace.arrived(110_000)
    for _ in range(3):
        clock.tick()
        pace.arrived(10)
    assert not pace.is_broken
    for _ in range(6):
        clock.tick()
    assert pace.is_broken


def test_more_than_a_few_attempts_can_bring_is_refused() -> None:
    pace = Throughput(1_000, Clock())
    pace.arrived(1_000)
    with pytest.raises(GolfcheckError, match="more than the 1,000 bytes"):
        pace.arrived(1)
    assert pace.is_broken  # for every other connection too


def test_a_list_of_empty_pages_without_end_is_refused(
    server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "_LISTING_BYTES", 200)
    server.files.clear()
    server.endless_tree = True
    with pytest.raises(GolfcheckError, match="the hub sends more than the 200 bytes expected"):
        get(tmp_path)


def test_the_hubs_library_is_left_as_it_was(server: Hub, tmp_path: Path) -> None:
    before = huggingface_hub.constants.HF_HUB_DISABLE_XET
    get(tmp_path)
    assert before == huggingface_hub.constants.HF_HUB_DISABLE_XET
    client = huggingface_hub.get_session()
    assert [hook for hook in client.event_hooks["response"] if "golfcheck" in hook.__module__] == []
