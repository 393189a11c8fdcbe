"""The grammar of our own trainer's log: one dataclass per kind of line, made from the template that writes it."""

from dataclasses import make_dataclass
from string import Formatter
from typing import Any, ClassVar

from golfcheck.reference import loglines as written

# By a field's format; all others are floats. `{word:<}` has no spaces, `{text}` may have some.
_TYPES = {"d": int, "s": bool, "": str, "<": str}


class LogLine:
    """One line of the log; each kind is a frozen dataclass made from its template."""

    template: ClassVar[str]
    types: ClassVar[dict[str, type]]

    def __str__(self) -> str:
        text = self.template.format(**{name: getattr(self, name) for name in self.types})
        if "\n" in text or "\r" in text:
            raise ValueError(f"a log line must stay one line: {text!r}")
        return text


KINDS: list[type[LogLine]] = []


def _kind(name: str, template: str) -> Any:
    """Make a kind of line from its template, which reads it as well (`templates`)."""
    parts = [(field, conversion or spec or "") for _, field, spec, conversion in Formatter().parse(template) if field]
    types = {field: _TYPES.get(form, float) for field, form in parts}
    own = {"template": template, "types": types}
    kind = make_dataclass(name, types.items(), bases=(LogLine,), namespace=own, frozen=True)
    kind.__module__ = __name__
    KINDS.append(kind)
    return kind


Separator = _kind("Separator", written.SEPARATOR)
PythonVersion = _kind("PythonVersion", written.PYTHON_VERSION)
TorchVersion = _kind("TorchVersion", written.TORCH_VERSION)
Tokenizer = _kind("Tokenizer", written.TOKENIZER)
TrainLoader = _kind("TrainLoader", written.TRAIN_LOADER)
ValLoader = _kind("ValLoader", written.VAL_LOADER)
ModelParams = _kind("ModelParams", written.MODEL_PARAMS)
World = _kind("World", written.WORLD)
Sdp = _kind("Sdp", written.SDP)
Attention = _kind("Attention", written.ATTENTION)
LearningRates = _kind("LearningRates", written.LEARNING_RATES)
Plan = _kind("Plan", written.PLAN)
Seed = _kind("Seed", written.SEED)
WarmupStep = _kind("WarmupStep", written.WARMUP_STEP)
TrainStep = _kind("TrainStep", written.TRAIN_STEP)
ValStep = _kind("ValStep", written.VAL_STEP)
Stopping = _kind("Stopping", written.STOPPING)
PeakMemory = _kind("PeakMemory", written.PEAK_MEMORY)
ModelBytes = _kind("ModelBytes", written.MODEL_BYTES)
CodeBytes = _kind("CodeBytes", written.CODE_BYTES)
TotalBytes = _kind("TotalBytes", written.TOTAL_BYTES)
Int8ModelBytes = _kind("Int8ModelBytes", written.INT8_MODEL_BYTES)
Int8TotalBytes = _kind("Int8TotalBytes", written.INT8_TOTAL_BYTES)
Final = _kind("Final", written.FINAL)
FinalExact = _kind("FinalExact", written.FINAL_EXACT)
SourceFile = _kind("SourceFile", written.SOURCE_FILE)
GitCommit = _kind("GitCommit", written.GIT_COMMIT)
AttentionKernel = _kind("AttentionKernel", written.ATTENTION_KERNEL)
Numerics = _kind("Numerics", written.NUMERICS)
ChangedSettings = _kind("ChangedSettings", written.CHANGED_SETTINGS)
DataFiles = _kind("DataFiles", written.DATA_FILES)
TokenizerFile = _kind("TokenizerFile", written.TOKENIZER_FILE)
ValText = _kind("ValText", written.VAL_TEXT)
Phase = _kind("Phase", written.PHASE)
ZlibSearch = _kind("ZlibSearch", written.ZLIB_SEARCH)
Speed = _kind("Speed", written.SPEED)
Problem = _kind("Problem", written.PROBLEM)
Resumed = _kind("Resumed", written.RESUMED)
