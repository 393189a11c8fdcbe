"""What `golfcheck data` costs: `python -m tests.bench.bench_data`.

Times are ratios against reading the same shard and counting its bytes by the table alone, in the same run.
"""

import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from golfcheck.data import dataset
from golfcheck.data.shardwriter import shard_bytes
from golfcheck.data.stdlib_text import documents
from golfcheck.reference.data import read_shard
from tests.golfcheck.datacheck.opened import check_shard, load_tokenizer

TOKENS = 10_000_000


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        demo_seconds = seconds(lambda: dataset.make_demo(folder / "data"))
        tokens = read_shard(folder / "data/datasets/demo_sp1024/fineweb_train_000000.bin", 1024)
        shard = folder / "fineweb_train_000000.bin"
        shard.write_bytes(shard_bytes(np.resize(tokens, TOKENS)))
        model = folder / "data/tokenizers/demo_1024_bpe.model"
        decoder, _report = load_tokenizer(model, 1024)
        base = seconds(lambda: decoder.table.count(read_shard(shard, 1024)).sum())
        print(f"baseline: read_shard + ByteTable.count   1.0   {TOKENS / base / 1e6:.1f} M tokens/s")
        for label, work in {
            "check_shard, headers and ranges": lambda: check_shard(shard, 1024, None),
            "check_shard, every document decoded": lambda: check_shard(shard, 1024, decoder),
        }.items():
            took = seconds(work)
            print(f"{label:<40} {took / base:.1f}   {TOKENS / took / 1e6:.1f} M tokens/s")
        text = folder / "t.txt"
        text.write_text("\n<|endoftext|>\n".join(documents() * 5))
        took = seconds(lambda: dataset.tokenize_files([text], model, folder / "out", "train", TOKENS))
        print(f"tokenize_files                           {text.stat().st_size / took / 1e6:.1f} MB of text/s")
        print(f"make_demo                                {demo_seconds:.1f} s")
        print(
            f"peak memory of it all                    {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB"
        )


if __name__ == "__main__":
    main()
