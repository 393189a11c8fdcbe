"""The blocks of a verdict: what a record's logs, files and submission.json state about score, size, time and tokens."""

from collections.abc import Sequence

from golfcheck.core import stats
from golfcheck.core.ruleset import Track, export_of, tokenizer_of
from golfcheck.core.verdict import LedgerRow, ScoreSummary, SizeSummary, TimeSummary, TokenBytes
from golfcheck.submission.record import Record
from golfcheck.submission.results import Result, step_ms, train_ms
from golfcheck.submission.selection import Selection
from golfcheck.trainlog.events import Size

_SHOWN = 20  # runs that are left out


def score_of(record: Record, selection: Selection) -> ScoreSummary | None:
    """Return the score that counts and the claim in submission.json; None if there is neither."""
    results = selection.results
    claimed = record.submission.val_bpb if record.submission else None
    if not results and claimed is None:
        return None
    bpb = [result.score.val_bpb for result in results]
    nats = [loss for result in results if (loss := result.nats) is not None]
    return ScoreSummary(
        claimed_bpb=claimed,
        name=results[0].name if results else None,
        mean_bpb=stats.mean(bpb) if results else None,
        mean_nats=stats.mean(nats) if nats and len(nats) == len(results) else None,
        sd_bpb=stats.variance(bpb) ** 0.5 if len(bpb) > 1 else None,
        seeds=tuple(result.seed for result in results),
        chosen=selection.reason,
        left_out=tuple(
            f"{result.log.path}:{result.score.line} {result.score.name} {result.score.val_bpb}"
            for result in selection.left_out[:_SHOWN]
        ),
    )


def size_of(results: Sequence[Result], track: Track) -> SizeSummary | None:
    """Return the largest logged total, or code plus compressed model if no total is logged; None without either."""
    totals = [(size_bytes, result.seed) for result in results if (size_bytes := _logged_bytes(result)) is not None]
    if not totals:
        return None
    size_bytes, seed = max(totals, key=lambda pair: pair[0])
    return SizeSummary(size_bytes, track.size_cap_bytes, seed)


def _logged_bytes(result: Result) -> int | None:
    if total := result.total_bytes:
        return total.size_bytes
    model, codes = result.model_bytes, result.run.code_bytes
    return model.size_bytes + codes[-1].size_bytes if model and codes else None


def time_of(results: Sequence[Result], track: Track) -> TimeSummary | None:
    """Return the longest training and evaluation; None if no run has a score."""
    if not results:
        return None
    longest = max(results, key=lambda result: train_ms(result.run) or 0.0)
    return TimeSummary(
        train_ms=train_ms(longest.run),
        train_cap_ms=track.train_cap_ms,
        step_ms=step_ms(longest.run),
        eval_ms=max((ms for result in results if (ms := result.eval_ms)), default=None),
        eval_cap_ms=track.eval_cap_ms,
    )


def token_bytes_of(results: Sequence[Result]) -> TokenBytes | None:
    """Return the bytes per token that the first score implies, and the tokenizer with that value."""
    if not results:
        return None
    ratio = results[0].bytes_per_token
    if ratio is None:
        return None
    tokenizer = tokenizer_of(ratio)
    tokens = results[0].run.val_tokens
    export = export_of(tokens.value) if tokens else None
    return TokenBytes(ratio, tokenizer.name if tokenizer else export.name if export else None)


def ledger_of(record: Record, results: Sequence[Result]) -> tuple[LedgerRow, ...]:
    """Return the sizes of code, model and total on disk, in the log of the largest run, and in submission.json."""
    submission = record.submission
    largest = max(results, key=lambda result: result.total_bytes.size_bytes if result.total_bytes else 0, default=None)
    code = largest.run.code_bytes[-1] if largest and largest.run.code_bytes else None
    model = largest.model_bytes if largest else None
    total = largest.total_bytes if largest else None
    main = next((source for source in record.sources if source.main), None)
    code_disk = _code_on_disk(record, _bytes(code))
    artifact = max(record.artifacts, key=lambda file: file.size_bytes, default=None)
    model_disk = artifact.size_bytes if artifact else None
    claimed_code = submission.code_bytes if submission else None
    claimed_total = submission.total_bytes if submission else None
    parts = (claimed_total, claimed_code)
    return (
        LedgerRow("code", main.path if main else None, code_disk, _bytes(code), claimed_code, _code_note(record)),
        LedgerRow("model", artifact.path if artifact else None, model_disk, _bytes(model), _difference(*parts)),
        LedgerRow("total", None, _sum(code_disk, model_disk), _bytes(total), claimed_total),
    )


def _code_on_disk(record: Record, logged: int | None) -> int | None:
    """Return the bytes of the sources that are reached, or of all Python files if the log counts those."""
    if not record.sources:
        return None
    everything = sum(file.size_bytes for file in record.files if file.path.endswith(".py"))
    return everything if everything == logged else sum(len(source.text) for source in record.sources)


def _bytes(size: Size | None) -> int | None:
    return size.size_bytes if size else None


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _difference(total: int | None, part: int | None) -> int | None:
    return None if total is None or part is None else total - part


def _code_note(record: Record) -> str:
    main = next((source for source in record.sources if source.main), None)
    if main is None:
        return ""
    if main.wrapper:
        inside = f"{len(main.unwrapped):,} raw" if main.unwrapped is not None else "contents unknown"
        return f"wrapper: {main.wrapper} -> {inside}"
    return f"{len(record.sources)} files" if len(record.sources) > 1 else ""
