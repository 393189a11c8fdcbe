"""Settings that tensors do not show: rotary base and tables, softcap, sequence length. Each states its source."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from golfcheck.core.errors import Refused, UsageError
from golfcheck.rescore.report import Sourced

MAX_SEQ_LEN = 1 << 16  # of the user: the rotary tables grow with it
_MAX_STATED_SEQ_LEN = (
    8192  # of an artifact or a log, whose one sequence could take minutes; the contest's longest is 4,096
)
DEFAULT_SOURCE = "the contest's default"
EAGER_TABLES, COMPILED_TABLES = "bf16", "bf16_frequencies"  # of the contest's script: on a CPU, and compiled for a GPU
# The tables to try when a claim is missed with others.
OTHER_TABLES = {
    EAGER_TABLES: (COMPILED_TABLES, "fp32"),
    COMPILED_TABLES: ("fp32", EAGER_TABLES),
    "fp32": (COMPILED_TABLES, EAGER_TABLES),
}


@dataclass(frozen=True, slots=True)
class _Setting:
    """A setting: its type, the contest's default, its range or choices, and its other names in artifacts and logs."""

    kind: type
    default: Any
    low: float = 0.0
    high: float = math.inf
    choices: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


_SETTINGS = {
    "rope_tables": _Setting(str, EAGER_TABLES, choices=(EAGER_TABLES, COMPILED_TABLES, "fp32")),
    "rope_base": _Setting(float, 10_000.0, low=1.0, high=1e12),
    "logit_softcap": _Setting(float, 30.0, low=1e-3, high=1e6),
    "seq_len": _Setting(int, 4096, low=1, high=MAX_SEQ_LEN, names=("train_seq_len",)),
}


def resolve(
    flags: Mapping[str, Any], config: Mapping[str, Any], log: Mapping[str, str], *, on_gpu: bool = False
) -> dict[str, Sourced]:
    """Return each setting from the first of: a flag, the artifact's `model_config`, the record's log, the default.

    The default rotary tables are those of the contest's script on the device of the log: a GPU (`on_gpu`) or a CPU.
    `config` and `log` are untrusted: raises Refused (ART_CONFIG) for an impossible value, UsageError for such a flag.
    """
    sources = (("the artifact", config), ("the log", log))
    out = {}
    for name, setting in _SETTINGS.items():
        if flags.get(name) is not None:
            value = _read(setting, flags[name])
            if value is None:
                raise UsageError(f"rescore: --{name.replace('_', '-')} must be {_expected(setting)}, not {flags[name]}")
            out[name] = Sourced(value, f"--{name.replace('_', '-')}")
            continue
        is_compiled = name == "rope_tables" and on_gpu
        out[name] = Sourced(COMPILED_TABLES if is_compiled else setting.default, DEFAULT_SOURCE)
        for source, values in sources:
            stated = next((values[key] for key in (name, *setting.names) if key in values), None)
            if stated is None:
                continue
            value = _read(setting, stated)
            if value is None:
                raise Refused("ART_CONFIG", f"{source} says {name} {str(stated)[:40]!a}, not {_expected(setting)}")
            if name == "seq_len" and value > _MAX_STATED_SEQ_LEN:
                limit = f"more than {_MAX_STATED_SEQ_LEN}: if it is meant, give --seq-len"
                raise Refused("ART_CONFIG", f"{source} says seq_len {value}, {limit}")
            out[name] = Sourced(value, source)
            break
    return out


def disagreements(config: Mapping[str, Any], sizes: Mapping[str, int | float | bool]) -> list[str]:
    """Return where the artifact's `model_config` contradicts its own tensors; the tensors' sizes are used."""
    return [
        f"the artifact says {name} {str(config[name])[:40]!a}, its tensors {sizes[name]}"
        for name in sizes
        if name in config and config[name] != sizes[name]
    ]


def _read(setting: _Setting, stated: Any) -> Any:
    """Return a stated value as the setting's type, or None if it is not valid."""
    if setting.choices:
        return stated if stated in setting.choices else None
    try:
        value = setting.kind(stated)
    except (TypeError, ValueError, OverflowError):
        return None
    is_exact = isinstance(stated, str) or (value == stated and not isinstance(stated, bool))
    return value if is_exact and setting.low <= value <= setting.high else None


def _expected(setting: _Setting) -> str:
    if setting.choices:
        return " or ".join(setting.choices)
    return f"a number from {setting.low:g} to {setting.high:g}"
