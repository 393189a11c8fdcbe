"""Lines that all three dialects print in the same way: sizes, scores, the machine, durations."""

import re

from golfcheck.trainlog.events import Fact, Phase, Size
from golfcheck.trainlog.pairs import NUMBER
from golfcheck.trainlog.runs import Runs

_SIZE = re.compile(
    r"(Code size|Serialized model|Total submission size|Total submission)(?: \(([^()]{1,40})\)| ([^:]{1,60}))?: "
    r"([0-9][0-9,]{0,24}) bytes"
)
_SIZE_OF_FILE = re.compile(r"(Serialized model) ([^:]{1,60}):[^\s:]{1,80} bytes:([0-9]{1,19})")
_SIZE_OF_MODULE = re.compile(  # a script that printed a Python module instead of its name
    r"(Serialized model|Total submission size) ([^<:]{1,40}<module '[^']{1,20}' from '[^']{1,200}'>): "
    r"([0-9]{1,19}) bytes"
)
_KEYED_TOTAL = re.compile(
    r"(?:^|[\s\]])(?:total(?:_artifact)?(?:_bytes)?|artifact(?:[ _](?:size|bytes|in total|total))?)(?:_bytes)?"
    r"\s{0,2}[:=]\s{0,16}([0-9][0-9,]{5,24})(?: bytes)?(?![\w.])",
    re.IGNORECASE,
)
_TOTAL_OF_PARTS = re.compile(r"\bartifact\S{0,20}:[0-9]{6,19}\b.{0,80}\btotal(?:_bytes)?:([0-9]{6,19})(?![\w.])")
_KEYED_MODEL = re.compile(
    r"(?:(?:^|\s)(?:compressed_model|compressed_blob|serialized_artifact_\w{1,20})|\(model)(?:_bytes)?:\s?"
    r"([0-9]{6,19})(?: bytes)?(?!\w)"
)
_MLX_SIZE = re.compile(r"serialized_model_([A-Za-z0-9_+-]{1,40}):([0-9]{1,19}) bytes")  # the contest's script for Macs
_GPU = re.compile(r"\| {1,4}([0-9]{1,3}) {1,4}(\S.{0,38}?) +(?:On|Off|N/A) +\|")
_LISTED_GPU = re.compile(r"GPU ([0-9]{1,3}): ([^(]{1,60}) \(UUID:")
_DURATION = re.compile(rf"(.{{1,160}}?)(?: in | took | \(|_time:)({NUMBER})(m?)s(?:\)| total)?$")
# Part of an evaluation in several passes: `pass 1 eval_time: 312.5s`, `second pass took 5.1 min`.
_PASS = re.compile(
    r"(?P<name>.{0,80}?(?<![a-z])(?:pass[ _#-]{0,2}[1-9](?![0-9.])|(?:first|second|third) pass\b))"
    r"(?:\s?(?:/|of)\s?[1-9])?(?P<rest>.{0,80}?)"
    r"(?:(?:[_ ]time|elapsed|took|\bin\b|\bt(?==)|[:(])\s?[:=]?\s{0,4}"
    rf"(?P<number>{NUMBER})\s?(?P<unit>ms|s|secs?|seconds|m|mins?|minutes)\b"
    rf"|[_ ](?P<key_unit>ms|s|secs?|seconds|minutes)\s?[:=]\s{{0,4}}(?P<key_number>{NUMBER})(?![\w.]))",
    re.IGNORECASE,
)
_UNIT_IN_KEY = re.compile(  # `final_eval_time_seconds:105.4`, `evaluation time (s): 105.4`
    rf"(.{{1,160}}?)[_ ]time(?:_|\s?\(|\sin\s)(ms|s|secs?|seconds|minutes)\)?\s?[:=]\s{{0,4}}({NUMBER})s?$"
)
_LIMIT = re.compile(r"max|limit|budget|cap(?![a-z])|target|reserve|allow", re.IGNORECASE)
_OTHER_PASS = re.compile(
    r"hessian|calib|gptq|quant|train|warm|compil|compress|search|prun|chunk|batch|[0-9]%", re.IGNORECASE
)
_EVALUATES = re.compile(r"eval|ttt|score|gram|slid", re.IGNORECASE)
_PEAK_MEMORY = re.compile(r"peak[ _]memory(?: allocated)?: ?([0-9]{1,9}) ?MiB")
_PASS_CHARS = 240
_MAX_KEPT = 64  # sizes of one kind, and GPUs
_MAX_CALIBRATION = 1_000
_MAX_ARTIFACT_BYTES = 5 * 10**7  # larger sizes are of the raw model, or of the text
_PART = re.compile(
    r"([A-Za-z][^:]{3,60}): ([0-9][0-9,]{3,12}) bytes$|(?<![\w])([a-z]\w{2,40})_bytes:([0-9]{4,12})(?!\w)"
)


def size(runs: Runs, line: int, text: str) -> bool:
    """Read `Code size: N bytes`, `Serialized model LABEL: N bytes`, `Total submission size LABEL: N bytes`."""
    if match := _SIZE_OF_FILE.match(text) or _SIZE_OF_MODULE.match(text):
        kind, label, number = match[1], match[2], match[3]
    elif match := _SIZE.match(text):
        kind, label, number = match[1], match[2] or match[3] or "", match[4]
    else:
        return False
    run = runs.now
    sizes = {"C": run.code_bytes, "S": run.model_bytes, "T": run.total_bytes}[kind[0]]
    if len(sizes) < _MAX_KEPT:
        sizes.append(Size(line, label.strip(), int(number.replace(",", ""))))
    return True


def other_size(runs: Runs, line: int, text: str) -> bool:
    """Read a total or a model's size under another name, or the size of another part: `Paid prefix blob: N bytes`."""
    run = runs.now
    runs.searched_chars += len(text)
    total, model = _KEYED_TOTAL.search(text), _KEYED_MODEL.search(text)
    if total and not model and (whole := _TOTAL_OF_PARTS.search(text)):
        total, model = whole, total  # `artifact_bytes:N code_bytes:N total:N`: the artifact is the model
    if total or model:
        for match, sizes in ((total, run.total_bytes), (model, run.model_bytes)):
            _keep_size(sizes, line, "artifact", match[1] if match else "0")
        return True
    if match := _PART.search(text):
        _keep_size(run.part_bytes, line, (match[1] or match[3]).strip(), match[2] or match[4])
    return False  # a line of settings may state it


def _keep_size(sizes: list[Size], line: int, label: str, number: str) -> None:
    num_bytes = int(number.replace(",", ""))
    is_new = all(size.size_bytes != num_bytes for size in sizes)  # a number is often repeated under another name
    if is_new and 0 < num_bytes <= _MAX_ARTIFACT_BYTES and len(sizes) < _MAX_KEPT:
        sizes.append(Size(line, label, num_bytes))


def mlx_size(runs: Runs, line: int, text: str) -> bool:
    """Read `serialized_model_LABEL:N bytes`."""
    if not (match := _MLX_SIZE.match(text)):
        return False
    if len(runs.now.model_bytes) < _MAX_KEPT:
        runs.now.model_bytes.append(Size(line, match[1], int(match[2])))
    return True


def machine(runs: Runs, line: int, text: str) -> bool:
    """Read a GPU from the table or the list that nvidia-smi prints."""
    match = _GPU.match(text) or _LISTED_GPU.match(text)
    if match:
        gpus = runs.header().gpus
        if match[1] not in runs.gpu_rows and len(gpus) < _MAX_KEPT:  # the table may be printed again
            runs.gpu_rows.add(match[1])
            gpus.append(Fact(match[2].strip(), line))
    return match is not None


def peak_memory(runs: Runs, line: int, text: str) -> bool:
    """Read `peak memory allocated: N MiB reserved: M MiB`."""
    if match := _PEAK_MEMORY.match(text):
        runs.now.peak_memory_mib = Fact(int(match[1]), line)
    return match is not None


def duration(runs: Runs, line: int, text: str) -> bool:
    """Read `collected 67 Hessians in 12.7s`, `compile warmup done (98.0s)`, `total_eval_time:237.7s`."""
    if not (" in " in text or " took " in text or " (" in text or "_time:" in text) or not (
        match := _DURATION.match(text)
    ):
        return False
    runs.now.phases.append(Phase(line, match[1].strip(), float(match[2]) / (1000 if match[3] else 1)))
    return True


def evaluation_pass(runs: Runs, line: int, text: str) -> bool:
    """Read how long a pass of an evaluation took; passes of training, calibration and compression do not count."""
    text = text[:_PASS_CHARS]
    runs.searched_chars += len(text)
    match = _PASS.match(text)
    words = match["name"] + match["rest"] if match else ""
    if match is None or _OTHER_PASS.search(words) or not (runs.started() or _EVALUATES.search(words)):
        return False
    seconds = _seconds(match["number"] or match["key_number"], match["unit"] or match["key_unit"])
    runs.now.phases.append(Phase(line, match["name"].strip(), seconds))
    return True


def duration_by_key(runs: Runs, line: int, text: str) -> bool:
    """Read `final_eval_time_seconds:105.4`, whose key has the unit; a setting that limits a time does not count."""
    text = text[:_PASS_CHARS]
    runs.searched_chars += len(text)
    match = _UNIT_IN_KEY.match(text) if runs.started() else None
    if match is None or _LIMIT.search(match[1]):
        return False
    runs.now.phases.append(Phase(line, match[1].strip(), _seconds(match[3], match[2])))
    return True


def _seconds(number: str, unit: str) -> float:
    unit = unit.lower()
    return float(number) * (1e-3 if unit == "ms" else 60.0 if unit.startswith("m") else 1.0)


def calibration(runs: Runs, line: int, text: str) -> None:
    """Keep a line about Hessians or calibration: work that may not be timed."""
    if len(runs.now.calibration) < _MAX_CALIBRATION:
        runs.now.calibration.append(Fact(text.strip()[:400], line))
