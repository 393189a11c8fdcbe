"""A record's README.md: what was measured, with which settings, and how to check it."""

import shlex
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from golfcheck.core.ruleset import SIZE_CAP_BYTES
from golfcheck.core.text import safe

PLACEHOLDER = "TODO: say what is new in this record, and why it scores better."

# Where a run found and left its files is of no use to whoever runs it again; what a preset sets is listed anyway.
_LOCAL = {"DATA_PATH", "TOKENIZER_PATH", "OUT", "RUN_ID", "SEED", "SEEDS", "RESUME", "SAVE_EVERY", "PRESET"}


def render(
    submission: Mapping[str, Any],
    changed: Mapping[str, Any] | None,
    code: Sequence[str],
    logs: Sequence[str],
    names: Sequence[str],
) -> str:
    """Return the README of a new record: what its logs say; what is new about it is for its author to add.

    `submission` is its submission.json. `changed` holds the settings that are not the default, where the log is one of
    the reference trainer; None for any other log, which does not say with which command it was started. `code`, `logs`
    and `names` are the files of the folder: its source files, its logs, and all.
    """
    results = submission.get("seed_results", {})
    scores = [result["val_bpb"] for result in results.values()]
    spread = f" (sd {statistics.stdev(scores):.5f})" if len(scores) > 1 else ""
    over = f" over {_count(len(logs), 'log')}" if not results else f" over {_count(len(results), 'seed')}"
    hardware = f", on {safe(submission['hardware'])}" if "hardware" in submission else ""
    ranks = f" with {_count(submission['world_size'], 'rank')}" if "world_size" in submission else ""
    artifacts = [name for name in names if name not in (*code, *logs, "submission.json", "README.md")]
    sections = [
        f"# {safe(submission['name'])}",
        safe(submission["blurb"], 4000) or PLACEHOLDER,
        f"**{submission['val_bpb']:.5f} bits per byte**{spread}{over}{hardware}{ranks}, "
        f"for the track `{submission['track']}`.",
        _table(results) if results else "",
        _sizes(submission),
        "## Files",
        "\n".join(
            [
                f"- code: {_listed(code)}",
                f"- {'log' if len(logs) == 1 else 'logs'}: {_listed(logs)}",
                *([f"- compressed weights: {_listed(artifacts)}"] if artifacts else []),
            ]
        ),
    ]
    if changed is not None and "train.py" in code and submission.get("seeds"):
        sections += [
            "## To run it again",
            "With the data that the logs name by sha256, at DATA_PATH and TOKENIZER_PATH:",
            _fenced(_command(submission, changed)),
        ]
    sections += [
        "## To check it",
        _fenced("golfcheck verify .", "golfcheck rescore . --data SHARDS --tokenizer MODEL" if artifacts else ""),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _sizes(submission: Mapping[str, Any]) -> str:
    """Return the sentence about the size, where it is known."""
    if "bytes_total" not in submission:
        return f"{submission['bytes_code']:,} bytes of code; the logs do not say how large the compressed model is."
    total, left = submission["bytes_total"], SIZE_CAP_BYTES - submission["bytes_total"]
    room = f"{left:,} are left" if left >= 0 else f"{-left:,} too many"
    of = f"{total:,} of {SIZE_CAP_BYTES:,} bytes, {submission['bytes_code']:,} of them code"
    return f"The largest seed takes {of}: {room}."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


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
    """Return the command that trains every seed again with these settings, by the reference trainer's flags."""
    world_size = submission.get("world_size", 1)
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
