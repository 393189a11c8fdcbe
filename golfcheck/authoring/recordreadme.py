"""Write a record's README.md: the results, the settings, and how to check them."""

import shlex
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from golfcheck.core.numbers import bpb_text, bytes_text, counted, headroom_text, nats_text, seconds_text
from golfcheck.core.ruleset import SIZE_CAP_BYTES
from golfcheck.core.text import safe

PLACEHOLDER = "TODO: say what is new in this record, and why it scores better."

# Paths and names that are of no use to others, and the preset, whose settings are listed one by one.
_LOCAL = {"DATA_PATH", "TOKENIZER_PATH", "OUT", "RUN_ID", "SEED", "SEEDS", "RESUME", "SAVE_EVERY", "PRESET"}


def render(
    submission: Mapping[str, Any],
    changed: Mapping[str, Any] | None,
    code: Sequence[str],
    logs: Sequence[str],
    names: Sequence[str],
) -> str:
    """Return the README of a new record. It contains what the logs say; the author adds what is new.

    `submission` is the contents of submission.json. `changed` has the settings that differ from the defaults, or is
    None for logs of other trainers, which do not contain the command line. `code`, `logs` and `names` are the names of
    source files, logs, and all files.
    """
    results = submission.get("seed_results", {})
    scores = [result["val_bpb"] for result in results.values()]
    spread = f" (sd {bpb_text(statistics.stdev(scores))})" if len(scores) > 1 else ""
    over = f" over {counted(len(results), 'seed') if results else counted(len(logs), 'log')}"
    hardware = f", on {safe(submission['hardware'])}" if "hardware" in submission else ""
    ranks = f" with {counted(submission['world_size'], 'rank')}" if "world_size" in submission else ""
    artifacts = [name for name in names if name not in (*code, *logs, "submission.json", "README.md")]
    sections = [
        f"# {safe(submission['name'])}",
        safe(submission["blurb"], 4000) or PLACEHOLDER,
        f"**{bpb_text(submission['val_bpb'])} bits per byte**{spread}{over}{hardware}{ranks}, "
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
            "## Reproduce",
            "Set DATA_PATH and TOKENIZER_PATH to the data whose sha256 digests are in the logs, then run:",
            _fenced(_command(submission, changed)),
        ]
    sections += [
        "## Verify",
        _fenced("golfcheck verify .", "golfcheck rescore . --data SHARDS --tokenizer MODEL" if artifacts else ""),
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def _sizes(submission: Mapping[str, Any]) -> str:
    """Return a sentence about the size."""
    code = bytes_text(submission["bytes_code"])
    if "bytes_total" not in submission:
        return f"{code} bytes of code; the logs do not state the size of the compressed model."
    total_bytes = submission["bytes_total"]
    of = f"{bytes_text(total_bytes)} of {bytes_text(SIZE_CAP_BYTES)} bytes, {code} of them code"
    return f"The largest seed takes {of}: {headroom_text(SIZE_CAP_BYTES - total_bytes)}."


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


# The columns of the table of seeds: key in submission.json, heading, number format.
_COLUMNS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("val_bpb", "val_bpb", bpb_text),
    ("val_loss", "val_loss", nats_text),
    ("steps", "steps", "{:,}".format),
    ("train_time_ms", "training, s", seconds_text),
    ("eval_time_ms", "evaluation, s", seconds_text),
    ("bytes_total", "bytes", bytes_text),
)


def _table(results: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [["seed", *(heading for _, heading, _ in _COLUMNS)], ["---:"] * (len(_COLUMNS) + 1)]
    for seed, result in results.items():
        rows.append([seed, *(text(result[key]) if key in result else "–" for key, _, text in _COLUMNS)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _command(submission: Mapping[str, Any], changed: Mapping[str, Any]) -> str:
    """Return the command that trains all seeds with these settings of the reference trainer."""
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
