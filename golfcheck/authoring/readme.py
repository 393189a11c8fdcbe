"""A record's README.md: what was measured, with which settings, and how to check it."""

import shlex
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from golfcheck.core.ruleset import SIZE_CAP_BYTES
from golfcheck.core.text import safe

# Where a run found and left its files is of no use to whoever runs it again; what a preset sets is listed anyway.
_LOCAL = {"DATA_PATH", "TOKENIZER_PATH", "OUT", "RUN_ID", "SEED", "SEEDS", "RESUME", "SAVE_EVERY", "PRESET"}


def render(submission: Mapping[str, Any], changed: Mapping[str, Any], artifacts: Sequence[str]) -> str:
    """Return the README of a new record; what is new about it is for its author to add.

    `submission` is its submission.json, `changed` the settings that are not the default (empty where no log says),
    `artifacts` the files of compressed weights in the folder.
    """
    results = submission["seed_results"]
    scores = [result["val_bpb"] for result in results.values()]
    spread = f" (sd {statistics.stdev(scores):.5f})" if len(scores) > 1 else ""
    seeds, ranks = _count(len(scores), "seed"), _count(submission["world_size"], "rank")
    total, code = submission["bytes_total"], submission["bytes_code"]
    sections = [
        f"# {safe(submission['name'])}",
        safe(submission["blurb"], 4000) or "Trained with golfcheck's reference trainer.",
        f"**{submission['val_bpb']:.5f} bits per byte**{spread} over {seeds}, on {safe(submission['hardware'])} "
        f"with {ranks}, for the track `{submission['track']}`.",
        _table(results),
        f"The largest seed takes {total:,} of {SIZE_CAP_BYTES:,} bytes, {code:,} of them code: "
        f"{SIZE_CAP_BYTES - total:,} are left.",
        "## To run it again",
        "With the data that the logs name by sha256, at DATA_PATH and TOKENIZER_PATH:",
        _fenced(_command(submission, changed)),
        "## To check it",
        _fenced("golfcheck verify .", "golfcheck rescore . --data SHARDS --tokenizer MODEL" if artifacts else ""),
    ]
    return "\n\n".join(sections) + "\n"


def _table(results: Mapping[str, Mapping[str, Any]]) -> str:
    columns = {
        "val_bpb": ".8f",
        "val_loss": ".8f",
        "steps": ",",
        "train_time_ms": ",.0f",
        "eval_time_ms": ",.0f",
        "bytes_total": ",",
    }
    lines = ["| seed | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for seed, result in results.items():
        cells = (format(result[key], spec) if key in result else "–" for key, spec in columns.items())
        lines.append(f"| {seed} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _command(submission: Mapping[str, Any], changed: Mapping[str, Any]) -> str:
    """Return the command that trains every seed again with these settings."""
    world_size = submission["world_size"]
    start = f"torchrun --standalone --nproc_per_node={world_size} train.py" if world_size > 1 else "python train.py"
    flags = {name: value for name, value in changed.items() if name not in _LOCAL}
    words = [f"--{name.lower().replace('_', '-')} {shlex.quote(safe(_text(value)))}" for name, value in flags.items()]
    seeds = ",".join(map(str, submission["seeds"]))
    words.append(f"--seeds {seeds}" if len(submission["seeds"]) > 1 else f"--seed {seeds}")
    return " ".join([start, *words])


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _fenced(*lines: str) -> str:
    return "\n".join(["```", *filter(None, lines), "```"])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("s" if number != 1 else "")
