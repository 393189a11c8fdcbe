"""The lines that our own trainer adds to dialect A, read by the templates that wrote them."""

import json

from golfcheck.trainlog import linekinds
from golfcheck.trainlog.dialect_a import keep_setting
from golfcheck.trainlog.events import Fact, Phase
from golfcheck.trainlog.runs import Runs
from golfcheck.trainlog.templates import parse


def extra(runs: Runs, line: int, text: str) -> bool:
    """Read data, code, settings, phases and resumption."""
    match parsed := parse(text):
        case linekinds.ValText():
            run = runs.header()
            run.val_tokens = run.val_tokens or Fact(parsed.tokens, line)
            run.val_bytes = run.val_bytes or Fact(parsed.size_bytes, line)
        case linekinds.Phase():
            runs.now.phases.append(Phase(line, parsed.name, parsed.seconds))
        case linekinds.ChangedSettings():
            _changed(runs, line, parsed.json)
        case linekinds.Numerics():
            for name in ("rope_tables", "activations", "device", "compiled"):
                keep_setting(runs, line, name, str(getattr(parsed, name)))
        case linekinds.DataFiles():
            keep_setting(runs, line, f"{parsed.split}_shards_sha256", parsed.sha256)
        case linekinds.TokenizerFile():
            keep_setting(runs, line, "tokenizer_sha256", parsed.sha256)
        case linekinds.GitCommit():
            keep_setting(runs, line, "git_commit", parsed.commit + (" (changed)" if parsed.changed else ""))
        case linekinds.Resumed():
            keep_setting(runs, line, "resumed_from_step", str(parsed.step))
        case _:
            return False
    return True


def _changed(runs: Runs, line: int, text: str) -> None:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(values, dict):
        for name, value in values.items():
            keep_setting(runs, line, name.lower()[:64], value if isinstance(value, str) else json.dumps(value))
