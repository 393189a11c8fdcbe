"""`golfcheck rescore`: evaluate an artifact again and compare its val_bpb with the claim."""

import argparse
import json
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from golfcheck.commands.progressline import progress, terminations
from golfcheck.core.errors import MissingExtra, UsageError
from golfcheck.rescore.messages import bounded
from golfcheck.untrusted.readlimits import Limits

if TYPE_CHECKING:
    from golfcheck.render.page import Page
    from golfcheck.rescore.predicted import BoxRequest
    from golfcheck.rescore.report import Claim, Mean, Rescore, RescoreOutcome

HELP = "evaluate an artifact again and compare its val_bpb with the claim"
_EPILOG = (
    "A record folder supplies the artifacts, their claims, logs and settings: `golfcheck rescore DIR`. Settings that "
    "the tensors do not show are taken from flags, else from the artifact, else from the log, else from the contest's "
    "defaults, and the report gives the source of each. The exit code is 1 if a claim is refuted, and 3 if it can be "
    "neither confirmed nor refuted. With several processes: "
    "torchrun --standalone --nproc_per_node=N -m golfcheck rescore ..."
)
UNDECIDED = 3  # exit code of a claim that is neither confirmed nor refuted
_BPB = re.compile(r"[0-9]{1,3}(?:\.([0-9]{1,32}))?")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.epilog = _EPILOG
    parser.add_argument("path", type=Path, metavar="ARTIFACT|DIR", help="final_model.int8.ptz, or a record folder")
    add = parser.add_argument_group("Claim").add_argument
    add("--claim", metavar="BPB", help="the val_bpb to compare with (default: that of the record's log or JSON)")
    add("--log", type=Path, metavar="FILE", help="the training log that states the claim and the settings")
    add(
        "--tolerance",
        type=float,
        metavar="BPB",
        help="how much the scores may differ (default: depends on device and precision)",
    )
    add("--raw", type=Path, metavar="FILE", help="final_model.pt: check that the artifact is its quantization")
    add = parser.add_argument_group("Validation text").add_argument
    add("--data", type=Path, metavar="DIR", help="folder with fineweb_val_*.bin (default: the matching one in ./data)")
    add("--tokenizer", type=Path, metavar="MODEL", help="SentencePiece model (default: the one that matches the data)")
    add("--val-tokens", type=int, metavar="N", help="score only the first N tokens, in whole sequences")
    add("--stride", type=int, metavar="N", help="slide the window by N tokens, so that each token has more context")
    group = parser.add_argument_group(
        "Deciding early", "Score sequences in a random order until the claim is refuted or confirmed at 99% confidence."
    )
    how = group.add_mutually_exclusive_group()
    how.add_argument(
        "--estimate",
        action="store_true",
        default=None,
        help="estimate (default: on a CPU, if the whole text would take more than 10 minutes)",
    )
    how.add_argument("--full", action="store_false", dest="estimate", default=None, help="score all of the text")
    add = group.add_argument
    add("--within", type=float, default=0.002, metavar="BPB", help="how close a claim must be (default: %(default)s)")
    add("--control", type=Path, metavar="REPORT", help="--json of a full rescoring of other artifacts: needs less text")
    add(
        "--order-seed",
        type=int,
        metavar="N",
        help="seed of the random order, for example from a public beacon (default: random)",
    )
    add = parser.add_argument_group("Settings that the tensors do not show").add_argument
    add("--seq-len", type=int, metavar="N", help="tokens per sequence")
    tables = ("bf16", "bf16_frequencies", "fp32")
    add("--rope-tables", choices=tables, help="how the rotary tables were rounded in training")
    add("--rope-base", type=float, metavar="X", help="base of the rotary frequencies")
    add("--logit-softcap", type=float, metavar="X", help="bound of the logits")
    add = parser.add_argument_group(
        "The submission's own predictor.py", "Used if the folder has one: it runs in a sandbox and is asked for logits."
    ).add_argument
    add("--built-in", action="store_true", help="evaluate the contest's architecture even if there is a predictor.py")
    add("--challenges", type=int, metavar="N", help="cuts of the twin test, one per sequence (default: 512; 0: none)")
    add("--strict", action="store_true", help="ask token by token: the box answers before it gets the next token")
    add("--call-seconds", type=float, metavar="S", help="time limit of an answer (default: 300)")
    add("--box-memory", type=float, metavar="GIB", help="memory limit of a box (default: 4)")
    add("--no-sandbox", action="store_true", help="run it WITHOUT a sandbox: only for code that you would run yourself")
    add("--trust-code", action="store_true", help="allow --no-sandbox in CI, too")
    add = parser.add_argument_group("How to evaluate").add_argument
    add("--precision", choices=("bf16", "fp32"), help="of the activations (default: bf16 autocast)")
    add(
        "--attention",
        choices=("auto", "torch"),
        default="auto",
        help="torch: never the compiled one, which needs AVX-512 BF16 and cc and is not used for claims made on a CPU",
    )
    add("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto", help="default: the fastest available")
    add("--max-bytes", type=int, default=Limits().file_bytes, metavar="N", help="largest artifact to read: %(default)s")
    add("--json", type=Path, metavar="FILE", help="write a report (schemas/rescore.schema.json)")


@bounded()
@terminations()
def run(args: argparse.Namespace) -> int:
    """Score every artifact. Returns 1 if a claim or a probe fails, 3 if a claim is neither confirmed nor refuted."""
    for package in ("torch", "numpy", "sentencepiece"):
        if find_spec(package) is None:
            raise MissingExtra("rescore", package, "train")
    if args.tolerance is not None and not 0 <= args.tolerance < math.inf:
        raise UsageError(f"rescore: --tolerance must be 0 or more bits per byte, not {args.tolerance}")
    if not 0 < args.max_bytes <= 1 << 30:
        raise UsageError(f"rescore: --max-bytes must be from 1 to {1 << 30}, not {args.max_bytes}")
    if not 0 < args.within < math.inf:
        raise UsageError(f"rescore: --within must be a positive number of bits per byte, not {args.within}")
    if args.json is not None and (args.json.is_dir() or not args.json.absolute().parent.is_dir()):
        raise UsageError(f"rescore: --json {args.json}: expected a file to write, in an existing folder")
    if args.order_seed is not None and args.order_seed < 0:
        raise UsageError(f"rescore: --order-seed must not be negative, not {args.order_seed}")
    if args.stride is not None and (args.estimate or args.control):
        raise UsageError("rescore: --estimate and --control score separate sequences; --stride slides a window")
    if args.estimate is False and args.control:
        raise UsageError("rescore: --control is for estimates, but --full scores the whole text")
    folder = _predictor_folder(args)
    if folder is not None and not args.no_sandbox:
        _need_sandbox()
    # On a busy machine, threads that spin while they wait make an evaluation 17 times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is loaded
    if is_helper := os.environ.get("RANK", "0") != "0":  # under torchrun, only the first rank prints
        sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - open until the process ends
    from golfcheck.rescore.prepare import Request, prepare

    names = ("data", "tokenizer", "raw", "val_tokens", "stride", "estimate", "control", "order_seed", "precision")
    more = ("attention", "max_bytes", "seq_len", "rope_tables", "rope_base", "logit_softcap")
    given = {name: getattr(args, name) for name in (*names, *more)}
    request = Request(**given, tolerance_bpb=args.tolerance, within_bpb=args.within)
    claim, first = _claim(args.claim), None
    if folder is not None:
        from golfcheck.rescore import submitted

        seeds = submitted.find(args.path, folder, claim, args.log, args.max_bytes)
        targets = [seed.target for seed in seeds]
    else:
        from golfcheck.rescore.target import find

        targets, seeds = find(args.path, claim, args.log, args.max_bytes), []
    if args.raw and len(targets) > 1:
        raise UsageError(f"rescore: {args.path} has {len(targets)} artifacts, but one --raw: name the artifact itself")
    if folder is None:
        first = prepare(targets[0], request)  # before loading torch, so that refusals come at once
    from golfcheck.rescore import rescoring
    from golfcheck.rescore.devices import join, leave
    from golfcheck.rescore.judge import mean as mean_of

    ranks = join(args.device)
    jobs: list[Callable[[], Rescore]]
    if folder is not None:
        from golfcheck.rescore import predicted

        boxes = _boxes(args)
        jobs = [partial(predicted.rescore, seed, request, boxes, ranks, progress) for seed in seeds]
    else:
        assert first is not None
        jobs = [partial(rescoring.evaluate, first, request, ranks, progress)]
        jobs += [partial(rescoring.rescore, target, request, ranks, progress) for target in targets[1:]]
    results, stopped = _work(jobs)
    mean = mean_of(targets[0].mean_claim, targets[0].seeds, results, args.tolerance, ranks.device.type)
    if len(results) > 1:
        _print_summary(results, mean)
    leave()
    if args.json and not is_helper:
        _write_report(args.json, results, mean, stopped)
    if stopped is not None:
        raise stopped
    outcomes = {rescore.outcome for rescore in results} | ({mean.outcome} if mean else set())
    return 0 if is_helper else _code(outcomes)


def _work(jobs: "Sequence[Callable[[], Rescore]]") -> "tuple[list[Rescore], KeyboardInterrupt | None]":
    """Run the jobs and print their reports; return the results, and the interruption if there was one."""
    from golfcheck.render import rescore_text as render
    from golfcheck.rescore.measure import Interrupted

    results: list[Rescore] = []
    for job in jobs:
        try:
            results.append(job())
        except KeyboardInterrupt as stop:
            if isinstance(stop, Interrupted):
                print(render.so_far(stop.so_far), file=sys.stderr)
            return results, stop
        print(render.render(results[-1], _page()), end="", flush=True)
    return results, None


def _page() -> "Page":
    from golfcheck.core.terminal import columns, only_ascii, wants_color
    from golfcheck.render.page import Page

    return Page(columns(sys.stdout), wants_color(sys.stdout), only_ascii(sys.stdout))


def _print_summary(results: "Sequence[Rescore]", mean: "Mean | None") -> None:
    from golfcheck.render import rescore_text as render

    print(render.summary(results, mean, _page()), end="")


def _write_report(
    path: Path, results: "Sequence[Rescore]", mean: "Mean | None", stopped: KeyboardInterrupt | None
) -> None:
    """Write the JSON report, including the partial result of an interrupted evaluation."""
    from golfcheck.reference.files import write_atomic
    from golfcheck.render import rescore_json
    from golfcheck.rescore.rescoring import code_digest, versions

    so_far = getattr(stopped, "so_far", None)
    document = rescore_json.document(results, mean, code_digest(), versions(), so_far, is_complete=stopped is None)
    write_atomic(path, (json.dumps(document, indent=1, allow_nan=False) + "\n").encode())


def _code(outcomes: "set[RescoreOutcome]") -> int:
    """Return the exit code of the worst verdict."""
    from golfcheck.rescore.report import RescoreOutcome

    if RescoreOutcome.REFUTED in outcomes:
        return 1
    return UNDECIDED if RescoreOutcome.INCOMPARABLE in outcomes else 0


def _predictor_folder(args: argparse.Namespace) -> Path | None:
    """Return the folder whose own predictor.py is used, or None; UsageError for incompatible options."""
    from golfcheck.rescore.submitted import folder_of

    folder = None if args.built_in else folder_of(args.path)
    own = ("challenges", "strict", "call_seconds", "box_memory", "no_sandbox", "trust_code")
    built_in = ("precision", "raw", "rope_tables", "rope_base", "logit_softcap")
    others = built_in if folder else own
    for name in others:
        if getattr(args, name) not in (None, False):
            what = "it has a predictor.py; --built-in evaluates the reference model" if folder else "no predictor.py"
            raise UsageError(f"rescore: --{name.replace('_', '-')} has no effect on {args.path}: {what}")
    if args.challenges is not None and args.challenges < 0:
        raise UsageError(f"rescore: --challenges must be 0 or more, not {args.challenges}")
    if args.strict and (args.stride is not None or args.challenges):
        raise UsageError("rescore: --strict asks token by token: do not use --stride or --challenges with it")
    if args.strict and (args.estimate or args.control):
        raise UsageError(
            "rescore: --strict proves only the tokens that it asks for, so no estimate of the others is a proof: use "
            "--val-tokens N in place of --estimate and --control"
        )
    for name in ("call_seconds", "box_memory"):
        if (value := getattr(args, name)) is not None and not 0 < value < math.inf:
            raise UsageError(f"rescore: --{name.replace('_', '-')} must be a positive number, not {value}")
    if args.no_sandbox and os.environ.get("CI") and not args.trust_code:
        raise UsageError("rescore: --no-sandbox in CI runs untrusted code with your secrets: use --trust-code as well")
    return folder


def _need_sandbox() -> None:
    """Raise NoSandbox if a submission's code cannot be confined, before spending seconds on loading torch."""
    from golfcheck.box import launch

    try:
        launch.sandbox()
    except launch.NoSandbox as missing:
        raise launch.NoSandbox(f"{missing}; or --built-in, if the model is the contest's") from None


def _boxes(args: argparse.Namespace) -> "BoxRequest":
    """Return the options of the box."""
    from dataclasses import replace

    from golfcheck.box.boxlimits import GIB, BoxLimits
    from golfcheck.rescore.predicted import BoxRequest

    limits = BoxLimits()
    if args.call_seconds is not None:
        limits = replace(limits, call_seconds=args.call_seconds, load_seconds=args.call_seconds)
    if args.box_memory is not None:
        resident = int(args.box_memory * GIB)
        limits = replace(
            limits, resident_bytes=resident, address_space_bytes=max(8 * resident, limits.address_space_bytes)
        )
    request = BoxRequest(strict=args.strict, sandboxed=not args.no_sandbox, limits=limits)
    return request if args.challenges is None else replace(request, cuts=args.challenges)


def _claim(text: str | None) -> "Claim | None":
    """Return the given claim; its precision is the number of decimals, at least four."""
    if text is None:
        return None
    from golfcheck.rescore.report import Claim
    from golfcheck.rescore.target import LEAST_DIGITS, MAX_BPB, MAX_DIGITS

    if not (match := _BPB.fullmatch(text)) or not 0 < (value := float(text)) < MAX_BPB:
        raise UsageError(f"rescore: --claim must be a number of bits per byte like 1.2032, not {text!r}")
    return Claim(value, min(max(len(match[1] or ""), LEAST_DIGITS), MAX_DIGITS), "--claim")
