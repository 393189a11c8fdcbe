"""Bytes: the cap by each way of counting, and whether the numbers of log, folder and submission.json agree."""

from collections.abc import Iterable, Iterator, Sequence

from golfcheck.core.ruleset import THIN_MARGIN_BYTES, WRAP_TOLERANCE
from golfcheck.core.verdict import Problem
from golfcheck.rules.rule import ERROR, INFO, WARNING, Context, Skip, claim_line, is_in_doubt, rule, submission_of
from golfcheck.rules.sizes import fits_as_shipped, stated_sizes
from golfcheck.source.wrap import wrapped_bytes
from golfcheck.submission.claims import Submission
from golfcheck.submission.record import Record
from golfcheck.submission.results import Result
from golfcheck.trainlog.events import Size

_ADJACENT_LINES = 1


@rule(ERROR)
def bytes_over_cap(record: Record, ctx: Context) -> Iterator[Problem]:
    """Code and compressed model have more than 16,000,000 bytes according to a log or submission.json.

    The cap is decimal: 16 MB, not 16 MiB. The largest seed counts, not the mean. A compressed model that is larger than
    the cap is an error by itself, whatever the total. It is a warning if the log counts more code than the folder ships
    (it ran unpacked, and was packed for the submission), and the total fits with the shipped code.
    Example: train_seed1337.log:44: 16,000,101 bytes: 101 over the cap of 16,000,000
    Fix: shrink the model or the code until the largest seed fits.
    """
    cap, stated = ctx.track.size_cap_bytes, False
    is_doubtful = is_in_doubt(record, ctx)
    fitting: dict[int, str] = {}  # totals over the cap that fit with the code as shipped, and why
    for log, run in ctx.runs:
        for size, what in stated_sizes(run):
            stated = True
            if size.size_bytes > cap:
                over = f"{size.size_bytes:,} bytes{what}: {size.size_bytes - cap:,} over the cap of {cap:,}"
                fits = fits_as_shipped(record, run, size, cap) if not what else ""
                if fits:
                    fitting[size.size_bytes] = fits
                yield Problem(over + fits, log.path, size.line, WARNING if fits or is_doubtful else None)
                break
    submission = record.submission
    if submission and submission.total_bytes is not None:
        stated = True
        if submission.total_bytes > cap:
            over = f"claims {submission.total_bytes:,} bytes: {submission.total_bytes - cap:,} over the cap of {cap:,}"
            of_seed = next((claim for claim in submission.seeds if claim.total_bytes == submission.total_bytes), None)
            is_of_seed = submission.key_of.get("total_bytes") == submission.key_of.get("seeds")
            line = of_seed.line if of_seed and is_of_seed else None
            fits = fitting.get(submission.total_bytes, "")
            line = line or claim_line(submission, "total_bytes")
            yield Problem(over + fits, submission.path, line, WARNING if fits else None)
    if not stated:
        raise Skip("neither a log nor submission.json states a total")


@rule(WARNING)
def bytes_over_cap_as_shipped(record: Record, ctx: Context) -> Iterator[Problem]:
    """The files as shipped are over the cap, though the logged total is not.

    A log may count its code packed, or only one file of it. Twelve ranked records are over the cap as shipped. Their
    size when packed without comments (LZMA, base 85) is shown next to it; `golfcheck pack` packs them smaller.
    Example: train_gpt.py: 60,101 bytes of code as shipped and 15,970,000 of model make 16,030,101: 30,101 over the cap;
    packed without comments it is 15,970,172, which fits
    Fix: ship the packed script, or shrink the model until the files fit as they are.
    """
    if not record.sources:
        raise Skip("there is no source to count")
    cap = ctx.track.size_cap_bytes
    models = [(model.size_bytes, result) for result in ctx.scored() if (model := result.model_bytes)]
    if not models:
        raise Skip("no log states the size of the compressed model")
    model_bytes, result = max(models, key=lambda pair: pair[0])
    total = result.total_bytes.size_bytes if result.total_bytes else 0
    code_bytes = sum(len(source.text) for source in record.sources)
    shipped = code_bytes + model_bytes
    if shipped > cap >= total:
        packed = wrapped_bytes([source.text for source in record.sources]) + model_bytes
        fits = "which fits" if packed <= cap else "still too much, unless `golfcheck pack` packs it smaller"
        yield Problem(
            f"{code_bytes:,} bytes of code as shipped and {model_bytes:,} of model make {shipped:,}: "
            f"{shipped - cap:,} over the cap; packed without comments it is {packed:,}, {fits}",
            next(source.path for source in record.sources if source.main),
        )


@rule(ERROR)
def total_not_sum(record: Record, ctx: Context) -> Iterator[Problem]:
    """A logged total is not the sum of the logged code size and the logged size of its model.

    The sum holds in 144 of 144 real logs. A total is compared with the model of the same name in the line before it; a
    further part whose size the log states (a paid prefix) may make up the rest.
    Example: train_seed42.log:44: 15,799,102 bytes, but 101 of code and 15,799,000 of model make 15,799,101
    Fix: submit the logs as they were written.
    """
    checked = False
    for log, run in ctx.runs:
        codes = {code.size_bytes for code in run.code_bytes}
        others = {0, *(part.size_bytes for part in run.part_bytes)}
        for total in run.total_bytes:
            # Only a model of the same name belongs to the total; one that was pruned after its size was printed is
            # another.
            models = [size for size in run.model_bytes if size.label == total.label and size.line < total.line]
            if not codes or not models or not total.label or total.line - models[-1].line > _ADJACENT_LINES:
                continue
            checked = True
            model = models[-1].size_bytes
            # The total may belong to another attempt of the same name, printed before or after.
            tries = {size.size_bytes for size in run.model_bytes if size.label == total.label}
            rests = {total.size_bytes - one - code for one in tries for code in codes}
            if not rests & others:
                code = run.code_bytes[-1].size_bytes
                yield Problem(
                    f"{total.size_bytes:,} bytes, but {code:,} of code and {model:,} of model make {code + model:,}",
                    log.path,
                    total.line,
                )
    if not checked:
        raise Skip("no log has code, model and total sizes together")


def _is_compressed(code: Size) -> bool:
    """Whether a log counts its code packed, in which case its size is not that of any shipped file."""
    return "compress" in code.label.lower()


@rule(WARNING)
def code_size_drift(record: Record, ctx: Context) -> Iterator[Problem]:
    """The logged code size is not that of the shipped script, or not the one in submission.json.

    The code that counts is the code that ran.
    Example: submission.json:10: claims 102 bytes of code, the logs say 101
    Fix: ship the script that ran, and copy its logged size to submission.json.
    """
    submission = record.submission
    claimed = submission.code_bytes if submission else None
    shipped = {
        sum(len(source.text) for source in record.sources if source.main),
        sum(len(source.text) for source in record.sources),
        sum(
            file.size_bytes for file in record.files if file.path.endswith(".py")
        ),  # including files that nothing reaches
    }
    checked = False
    for result in ctx.results:
        codes = result.run.code_bytes
        if not codes or any(_is_compressed(code) for code in codes):
            continue
        code = codes[-1]
        if record.sources:
            checked = True
            if code.size_bytes not in shipped:
                files = " or ".join(f"{size:,}" for size in sorted(shipped))
                yield Problem(
                    f"logs {code.size_bytes:,} bytes of code, shipped are {files}", result.log.path, code.line
                )
    logged = [code.size_bytes for result in ctx.results for code in result.run.code_bytes]
    if submission and claimed is not None and logged:
        checked = True
        if claimed not in logged:
            line = claim_line(submission, "code_bytes")
            yield Problem(f"claims {claimed:,} bytes of code, the logs say {_list(logged)}", submission.path, line)
    elif submission and claimed is not None and record.sources and not any(source.wrapper for source in record.sources):
        checked = True
        if claimed not in shipped:
            files = " or ".join(f"{size:,}" for size in sorted(shipped))
            line = claim_line(submission, "code_bytes")
            yield Problem(f"claims {claimed:,} bytes of code, shipped are {files}", submission.path, line)
    if not checked:
        raise Skip("no logged code size to compare with a shipped script or with submission.json")


def _list(sizes: Iterable[int]) -> str:
    return ", ".join(f"{size:,}" for size in sorted(set(sizes)))


@rule(WARNING)
def total_drift(record: Record, ctx: Context) -> Iterator[Problem]:
    """The total in submission.json is not that of any run, or the total of a seed is not that of its log.

    The largest seed's total must fit the cap; the mean over seeds says too little. A claimed mean is only reported as
    info, and so is a seed that has the total of another run.
    Example: submission.json:9: claims 15,000,000 bytes, the logs say 15,798,101, 15,799,101, 15,800,101
    Fix: write the largest logged total as `bytes_total`, and under each seed the total of its own log.
    """
    submission = submission_of(record)
    claimed = submission.total_bytes
    totals = [total.size_bytes for result in ctx.scored() if (total := result.total_bytes)]
    if claimed is None or not totals:
        raise Skip("submission.json or the logs state no total")
    line = claim_line(submission, "total_bytes")
    if claimed not in totals and abs(claimed - sum(totals) / len(totals)) < 1:
        largest = f"the largest is {max(totals):,}"
        yield Problem(f"claims {claimed:,} bytes, the mean of the runs; {largest}", submission.path, line, INFO)
    elif claimed not in totals:
        yield Problem(f"claims {claimed:,} bytes, the logs say {_list(totals)}", submission.path, line)
    yield from _false_seeds(submission, ctx.results, totals)


def _false_seeds(submission: Submission, all_results: Sequence[Result], totals: Sequence[int]) -> Iterator[Problem]:
    """Yield the bytes claimed for a seed whose log states different ones."""
    for claim in submission.seeds:
        line = claim.line or claim_line(submission, "seeds")
        results = [result for result in all_results if result.seed == claim.seed]
        models = [size.size_bytes for result in results for size in result.run.model_bytes]
        own = [total.size_bytes for result in results if (total := result.total_bytes)]
        if claim.model_bytes is not None and models and claim.model_bytes not in models:
            message = f"claims {claim.model_bytes:,} bytes of model for seed {claim.seed}; its log says {_list(models)}"
            yield Problem(message, submission.path, line)
        # "Artifact" may mean the compressed model, or model and code together.
        if claim.total_bytes is None or not own or claim.total_bytes in (*own, *models):
            continue
        another = claim.total_bytes in totals
        message = f"claims {claim.total_bytes:,} bytes for seed {claim.seed}{', the total of another run' * another}"
        yield Problem(f"{message}; its log says {_list(own)}", submission.path, line, INFO if another else None)


@rule(WARNING)
def artifact_size_drift(record: Record, ctx: Context) -> Iterator[Problem]:
    """A shipped artifact does not have the size of any model that a log serialized.

    The artifact that is scored again must be the one that was measured; artifacts need not be shipped at all.
    Example: final_model.int8.ptz: 1,000 bytes, the logs say 15,798,000, 15,799,000, 15,800,000, 67,224,983
    Fix: ship the artifact that the run wrote, or none.
    """
    artifacts = [file for file in record.artifacts if "model" in file.path.lower() or file.path.endswith(".ptz")]
    logged = {size.size_bytes for _, run in ctx.runs for size in run.model_bytes}
    if not artifacts or not logged:
        raise Skip("no shipped artifact and logged model size to compare")
    for file in artifacts:
        if file.size_bytes not in logged:
            yield Problem(f"{file.size_bytes:,} bytes, the logs say {_list(logged)}", file.path)


@rule(WARNING)
def uncounted_source(record: Record, ctx: Context) -> Iterator[Problem]:
    """The script reaches source files whose bytes the log does not count.

    All code counts, whether it is imported, read and executed, or compiled.
    Example: train_seed1337.log:42: logs 115 bytes of code, without helper.py (6)
    Fix: move the code into the training script, or count every file that it reaches.
    """
    if not record.sources:
        raise Skip("there is no source to count")
    others = [source for source in record.sources if not source.main]
    main_bytes = sum(len(source.text) for source in record.sources if source.main)
    codes = [(result, result.run.code_bytes[-1]) for result in ctx.scored() if result.run.code_bytes]
    if not codes or all(_is_compressed(code) for _, code in codes):
        raise Skip("no log states the size of the code as it is")
    for result, code in codes:
        if others and code.size_bytes == main_bytes:
            names = ", ".join(f"{source.path} ({len(source.text):,})" for source in others)
            yield Problem(f"logs {code.size_bytes:,} bytes of code, without {names}", result.log.path, code.line)
            return  # all runs count the same way


@rule(WARNING)
def wrapper_unreproducible(record: Record, ctx: Context) -> Iterator[Problem]:
    """Packed code cannot be unpacked without running it, or is logged as far smaller than golfcheck packs it.

    Wrappers are unpacked as data, never executed; sizes are compared with the same packing for all records.
    Example: train_seed1337.log:41: logs 50 bytes of packed code; golfcheck packs it into 172
    Fix: use a plain wrapper (`exec(lzma.decompress(base64.b85decode("…")))`), or ship the script unpacked.
    """
    if not record.sources:
        raise Skip("there is no source")
    for source in record.sources:
        if source.wrapper and source.unwrapped is None:
            yield Problem(f"{source.wrapper}: {source.note or 'cannot be unpacked'}", source.path)
        for one in source.unfollowed:
            yield Problem(f"runs code that cannot be read: {one.reason}", source.path, one.line)
    if any(source.wrapper for source in record.sources):
        return
    packed = 0
    for log, run in ctx.runs:
        for code in run.code_bytes:
            if _is_compressed(code):
                packed = packed or wrapped_bytes([source.text for source in record.sources])
                if packed > code.size_bytes * WRAP_TOLERANCE:
                    yield Problem(
                        f"logs {code.size_bytes:,} bytes of packed code; golfcheck packs it into {packed:,}",
                        log.path,
                        code.line,
                    )


@rule(INFO)
def thin_margin(record: Record, ctx: Context) -> Iterator[Problem]:
    """The largest seed barely fits the cap.

    A different build of zlib or a different seed changes the size of the artifact by more than what is left.
    Example: train_seed1337.log:44: 100 bytes left under the cap
    Fix: leave some kilobytes, so that a rerun fits as well.
    """
    totals = [(total, result) for result in ctx.scored() if (total := result.total_bytes)]
    if not totals:
        raise Skip("no log states a total")
    total, result = max(totals, key=lambda pair: pair[0].size_bytes)
    left = ctx.track.size_cap_bytes - total.size_bytes
    if 0 <= left < THIN_MARGIN_BYTES:
        yield Problem(f"{left:,} bytes left under the cap", result.log.path, total.line)
