"""Lines that all three dialects print alike: sizes, scores, the machine, durations."""

import re

from golfcheck.trainlog.events import Fact, Phase, ScoreLine, Size
from golfcheck.trainlog.pairs import NUMBER, milliseconds, pairs
from golfcheck.trainlog.runs import Runs

_SIZE = re.compile(
    r"(Code size|Serialized model|Total submission size)(?: \(([^()]{1,40})\)| ([^:]{1,60}))?: "
    r"([0-9][0-9,]{0,24}) bytes"
)
_MLX_SIZE = re.compile(r"serialized_model_([A-Za-z0-9_+-]{1,40}):([0-9]{1,19}) bytes")  # the contest's script for Macs
_GPU = re.compile(r"\| {1,4}[0-9]{1,3} {1,4}(\S.{0,38}?) +(?:On|Off|N/A) +\|")
_LISTED_GPU = re.compile(r"GPU [0-9]{1,3}: ([^(]{1,60}) \(UUID:")
_PEAK_MEMORY = re.compile(r"peak[ _]memory(?: allocated)?: ?([0-9]{1,9}) ?MiB")
_PROGRESS = re.compile(r"[0-9]{1,12}/[0-9]{1,12}")
_DURATION = re.compile(rf"(.{{1,160}}?)(?: in | \(|_time:)({NUMBER})s(?:\)| total)?$")
_STRIDE = re.compile(r"\bstride[:=] ?([0-9]{1,6})\b")
_NAME_CHARS = 120
_MAX_KEPT = 64  # sizes of one kind, and graphics cards
_MAX_CALIBRATION = 1_000


def size(runs: Runs, line: int, text: str) -> bool:
    """Read `Code size: N bytes`, `Serialized model LABEL: N bytes`, `Total submission size LABEL: N bytes`."""
    if not (match := _SIZE.match(text)):
        return False
    run = runs.now
    sizes = {"C": run.code_bytes, "S": run.model_bytes, "T": run.total_bytes}[text[0]]
    if len(sizes) < _MAX_KEPT:
        sizes.append(Size(line, match[2] or match[3] or "", int(match[4].replace(",", ""))))
    return True


def mlx_size(runs: Runs, line: int, text: str) -> bool:
    """Read `serialized_model_LABEL:N bytes`."""
    if not (match := _MLX_SIZE.match(text)):
        return False
    if len(runs.now.model_bytes) < _MAX_KEPT:
        runs.now.model_bytes.append(Size(line, match[1], int(match[2])))
    return True


def score(runs: Runs, line: int, text: str) -> bool:
    """Read `NAME val_loss:x val_bpb:y …`; a name with `3/10` in it is progress, not a score."""
    name, found, rest = text.partition(" val_loss:")
    if not found or not 0 < len(name) <= _NAME_CHARS or _PROGRESS.search(name):
        return False
    values = pairs("val_loss:" + rest)
    if "val_loss" not in values or "val_bpb" not in values:
        return False
    bpb = values["val_bpb"][0]
    digits = len(bpb.partition("e")[0].partition(".")[2])
    eval_ms = milliseconds(values.get("eval_time"))
    stride = _STRIDE.search(text)
    runs.now.scores.append(
        ScoreLine(
            line=line,
            name=name.strip(),
            val_loss_nats=float(values["val_loss"][0]),
            val_bpb=float(bpb),
            eval_ms=eval_ms,
            digits=digits,
            stride=int(stride[1]) if stride else None,
        )
    )
    return True


def machine(runs: Runs, line: int, text: str) -> bool:
    """Read a graphics card from the table or the list that nvidia-smi prints."""
    match = _GPU.match(text) or _LISTED_GPU.match(text)
    if match:
        gpus = runs.header().gpus
        if len(gpus) < _MAX_KEPT:
            gpus.append(Fact(match[1].strip(), line))
    return match is not None


def peak_memory(runs: Runs, line: int, text: str) -> bool:
    """Read `peak memory allocated: N MiB reserved: M MiB`."""
    if match := _PEAK_MEMORY.match(text):
        runs.now.peak_memory_mib = Fact(int(match[1]), line)
    return match is not None


def duration(runs: Runs, line: int, text: str) -> bool:
    """Read `collected 67 Hessians in 12.7s`, `compile warmup done (98.0s)`, `total_eval_time:237.7s`."""
    if not (" in " in text or " (" in text or "_time:" in text) or not (match := _DURATION.match(text)):
        return False
    runs.now.phases.append(Phase(line, match[1].strip(), float(match[2])))
    return True


def calibration(runs: Runs, line: int, text: str) -> None:
    """Keep a line that tells of Hessians or of calibration: work that may stand outside the clock."""
    if len(runs.now.calibration) < _MAX_CALIBRATION:
        runs.now.calibration.append(Fact(text.strip()[:400], line))
