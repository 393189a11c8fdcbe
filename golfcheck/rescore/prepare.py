"""The part of a rescoring that needs no torch: read the artifact, its model and its claim, and find the text.

Everything that can be refused is refused here, before spending seconds on loading torch.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from golfcheck.core.errors import GolfcheckError, Refused, UsageError
from golfcheck.reference.bpb import ByteTable
from golfcheck.reference.data import Tokens, read_validation
from golfcheck.rescore import inputs, numerics, shape, sound, submitted, wrappers
from golfcheck.rescore.report import FileDigest, Sourced
from golfcheck.rescore.target import Target
from golfcheck.untrusted.artifacts import read
from golfcheck.untrusted.readlimits import Limits

Stage = Callable[[str], Callable[..., object]]
Vector = npt.NDArray[Any]
OPTIONAL = (
    "model_config",
    "eval_seq_len",
    "qmeta",
    "passthrough_orig_dtypes",
)  # sections that an artifact need not have
# Refusals of what may be a sound artifact, of another format or architecture.
_OTHER_MODELS = {"ART_FORMAT_OWN", "ART_QFORMAT", "ART_KEYS", "ART_SHAPE"}


@dataclass(frozen=True, slots=True)
class Request:
    """The user's options; None means that the value is determined from the record, or has a default."""

    data: Path | None = None
    tokenizer: Path | None = None
    raw: Path | None = None  # the raw weights that quantize to the artifact
    val_tokens: int | None = None  # score only the first ones
    stride: int | None = None  # slide a window instead of cutting the text into sequences; None: as the claim says
    estimate: bool | None = None  # stop once precise enough; None: if the whole text takes too long on a CPU
    within_bpb: float = 0.002
    control: Path | None = None  # the report of a full rescoring of any artifacts on the same text
    order_seed: int | None = None  # of the order in which sequences are drawn; None: the system draws it
    precision: str | None = None  # of the activations; None: the claim's, else the contest's
    # "auto": the compiled one where it is faster, unless the claim was made on a CPU, and its last digits by torch's.
    attention: str = "auto"
    tolerance_bpb: float | None = None
    max_bytes: int = Limits().file_bytes
    seq_len: int | None = None
    rope_tables: str | None = None
    rope_base: float | None = None
    logit_softcap: float | None = None

    def flags(self) -> dict[str, Any]:
        """Return the user's values of the settings in `numerics`."""
        return {name: getattr(self, name) for name in ("seq_len", "rope_tables", "rope_base", "logit_softcap")}


@dataclass(frozen=True, slots=True)
class Text:
    """The validation text that a score is about."""

    inputs: inputs.Inputs
    tokenizer: FileDigest
    shards: tuple[FileDigest, ...]
    tokens: Tokens  # [n + 1], n = seqs * seq_len
    num_bytes: Vector  # of each predicted token [n]
    is_partial: bool  # only the first tokens were requested
    words: str  # which text it is, in words


@dataclass(frozen=True, slots=True)
class Prepared:
    """An artifact that may be scored, with everything that is determined before the evaluation."""

    target: Target
    artifact: FileDigest
    tree: dict[str, Any]
    sizes: dict[str, int | float | bool]  # of the model, from its tensors
    settings: dict[str, Sourced]  # the sizes, and the settings that tensors do not show
    notes: tuple[str, ...]
    text: Text
    stride: int | None

    def value(self, name: str) -> Any:
        """Return a setting's value."""
        return self.settings[name].value

    @property
    def seq_len(self) -> int:
        """Tokens per sequence."""
        return int(self.value("seq_len"))

    @property
    def options(self) -> dict[str, Any]:
        """The model settings that tensors do not show, by the names of `GPTConfig`."""
        names = ("rope_base", "rope_tables", "logit_softcap")
        return {name: self.value(name) for name in names} | {"train_seq_len": self.seq_len}


def prepare(target: Target, request: Request) -> Prepared:
    """Read an artifact and find the text to score it on.

    Raises Refused for an artifact that must not or cannot be scored, GolfcheckError if something is missing or no
    amount of work could decide the claim, and UsageError for options that cannot be combined.
    """
    if request.raw is not None and not request.raw.is_file():
        raise GolfcheckError(f"{request.raw}: No such file or directory; expected what torch.save made of a state dict")
    with named(target.path):
        loaded = read(target.data, replace(Limits(), file_bytes=request.max_bytes))
        tree, wrapped = wrappers.unwrapped(loaded.tree)
        shapes = sound.shapes_of(tree)
        stated = tree.get("model_config", {})
        if not isinstance(stated, dict):
            raise Refused("ART_CONFIG", "model_config is not a dict of settings")
        if "eval_seq_len" in tree:
            stated = stated | {"seq_len": tree["eval_seq_len"]}
        settings = _settings(target, request, stated)
        sizes = shape.infer(shapes)
        shape.check(shapes, shape.expected(sizes))
        seq_len = int(settings["seq_len"].value)
        shape.check_memory(sizes, seq_len)
    stride = _stride(target, request, seq_len)
    extra = sorted(tree.keys() - {"__quant_format__", *sound.SECTIONS, *OPTIONAL})
    notes = [
        *target.notes,
        *loaded.notes,
        *([wrapped] if wrapped else []),
        *numerics.disagreements(stated, sizes),
        *_unlike_log(target),
    ]
    notes += [f"the artifact also holds {name[:40]!a}, which no part of the model is" for name in extra[:4]]
    if (assumed := assumption(settings["seq_len"])) is not None:
        notes.append(assumed)
        if request.estimate and target.claim is not None:
            raise GolfcheckError(
                "rescore: the sequence length is stated nowhere, and without it an estimate cannot refute a claim: "
                "give --seq-len N"
            )
    return Prepared(
        target=target,
        artifact=digest_of(target.path, target.data),
        tree=tree,
        sizes=sizes,
        settings={name: Sourced(value, "the tensors") for name, value in sizes.items()} | settings,
        notes=tuple(notes),
        text=text_for(target, request, int(sizes["vocab_size"]), seq_len),
        stride=stride,
    )


@contextmanager
def named(path: str | Path) -> Iterator[None]:
    """Add the file's name to a refusal, as the readers do not know it; turn torch's errors into one line."""
    try:
        yield
    except Refused as error:
        hint = f"; any model is scored through a {submitted.NAME}: docs/predictor.md" * (error.code in _OTHER_MODELS)
        raise Refused(error.code, f"{path}: {error.message}{hint}") from None
    except (RuntimeError, MemoryError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise GolfcheckError(f"rescore: {path}: it could not be evaluated: {lines[0]}") from error


def assumption(seq_len: Sourced) -> str | None:
    """Return a reason to leave the claim open if no source states the sequence length, which changes every score."""
    if seq_len.source != numerics.DEFAULT_SOURCE:
        return None
    return f"the sequence length is stated nowhere: {seq_len.value:,} is assumed; give --seq-len N if it is another"


def text_for(target: Target, request: Request, vocab_size: int, seq_len: int) -> Text:
    """Return the text to score a target on, in sequences of `seq_len` tokens.

    Raises UsageError if no text fits or if it is inside the submission, Refused for a tokenizer that must not be
    loaded, and GolfcheckError if the log's run used other files.
    """
    files = inputs.find(request.data, request.tokenizer, target.log_settings, vocab_size, target.record)
    tokenizer, shards = inputs.verify(files, target.log_settings, vocab_size)
    tokens, num_bytes = text_of(files, seq_len, vocab_size, request.val_tokens)
    inputs.check_bytes(files, tokens, num_bytes)
    words = inputs.words(tokens, int(num_bytes.sum()), vocab_size)
    return Text(files, tokenizer, shards, tokens, num_bytes, request.val_tokens is not None, words)


def text_of(files: inputs.Inputs, seq_len: int, vocab_size: int, first: int | None) -> tuple[Tokens, Vector]:
    """Return the validation tokens [n + 1], n = seqs * seq_len, and the number of bytes of each predicted one [n]."""
    try:
        tokens = read_validation(files.shards, seq_len, vocab_size)
        table = ByteTable.load(files.tokenizer, vocab_size)
    except (ValueError, OSError) as error:
        raise GolfcheckError(str(error)) from None
    if first is not None:
        if first < seq_len:
            raise UsageError(f"rescore: --val-tokens {first} is less than one sequence of {seq_len}")
        tokens = tokens[: first // seq_len * seq_len + 1]
    return tokens, table.count(tokens)  # once, for all evaluations


def digest_of(path: str, data: bytes) -> FileDigest:
    """Return the size and sha256 of a file that was read."""
    return FileDigest(path, len(data), hashlib.sha256(data).hexdigest())


def _settings(target: Target, request: Request, stated: dict[str, Any]) -> dict[str, Sourced]:
    """Return the settings that tensors do not show, with the evaluation's own sequence length if the log states one."""
    log, claim = target.log_settings, target.claim
    if claim is not None and claim.seq_len is not None:
        log = log | {"seq_len": str(claim.seq_len)}
        stated = {name: value for name, value in stated.items() if not name.endswith("seq_len")}
    return numerics.resolve(request.flags(), stated, log, on_gpu=claim is not None and claim.device == "cuda")


def _stride(target: Target, request: Request, seq_len: int) -> int | None:
    """Return the sliding window's stride: the requested one, else the claim's; None for sequences side by side."""
    claim, stride = target.claim, request.stride
    if stride is None and claim is not None and claim.is_sliding:
        stride = claim.stride
        if stride is None:
            raise GolfcheckError(
                f"rescore: {target.path}: the claim ({claim.source}) is of a sliding window whose stride is stated "
                "nowhere: give --stride N, or another score with --claim"
            )
        if stride > seq_len:
            return None
    if stride is not None and not 0 < stride <= seq_len:
        raise UsageError(f"rescore: --stride must be from 1 to the sequence length {seq_len}")
    return stride


def _unlike_log(target: Target) -> list[str]:
    """Return a note if the log states that the run wrote a file of another size."""
    sizes = target.log_model_bytes
    if not sizes or len(target.data) in sizes:
        return []
    stated = " or ".join(f"{size:,}" for size in sizes[-2:])
    return [f"not the file of the log's run: that one wrote {stated} bytes, this one has {len(target.data):,}"]
