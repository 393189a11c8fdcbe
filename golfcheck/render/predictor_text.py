"""The lines of the page about a submission's own predictor.py: what it was shown, and the result of the twin test."""

from golfcheck.core.numbers import delta_text, memory_text, nats_text, percent_text, took_text
from golfcheck.core.ruleset import SIZE_CAP_BYTES
from golfcheck.core.text import safe
from golfcheck.render.page import Page
from golfcheck.rescore.report import Challenges, PredictorReport

_SHOWN = 4


def rows(predictor: PredictorReport, page: Page) -> list[str]:
    """Return the lines that say what was asked, and how far the score can be trusted."""
    left = SIZE_CAP_BYTES - predictor.visible_bytes
    size = f"{predictor.visible_bytes:,} bytes visible to it"
    spare = (
        f"{left:,} left of {SIZE_CAP_BYTES:,}" if left >= 0 else f"{-left:,} OVER THE CAP",
        "" if left >= 0 else "error",
    )
    if predictor.sandbox is None:
        where = [("predictor.py of the submission, WITHOUT A SANDBOX (--no-sandbox)", "error")]
    else:
        where = [(f"predictor.py of the submission, in a sandbox ({predictor.sandbox})", "")]
        where += [("no network, no validation text", "")]
    adapts = "adapts to what was scored" if predictor.adaptive else "does not adapt"
    lines = page.flow("model", [*where, (size, ""), spare, (adapts, "")])
    lines += page.flow("causal", _causal(predictor))
    lines += page.flow("validity", [("normalized and scored before adapting: by construction", "")])
    challenges = predictor.challenges
    if challenges is not None:
        lines += page.flow("repeats", _repeats(challenges))
        lines += page.flow("", [(f"challenge seed {challenges.seed}", "dim")])
    if predictor.not_shown:
        names = ", ".join(safe(name, 80) for name in predictor.not_shown[:_SHOWN])
        more = len(predictor.not_shown) - _SHOWN
        lines += page.flow("not shown", [(names + (f" and {more} more" if more > 0 else ""), "dim")])
    memory = memory_text(predictor.peak_bytes)
    took = [f"loading {took_text(predictor.load_seconds)}", f"answers {took_text(predictor.answer_seconds)}"]
    took += [f"adapting {took_text(predictor.adapt_seconds)}"] * predictor.adaptive
    boxes = f"{predictor.boxes} box{'es' * (predictor.boxes > 1)} of at most {memory}"
    return lines + page.flow("box", [(boxes, ""), *((text, "") for text in took)])


def _causal(predictor: PredictorReport) -> list[tuple[str, str]]:
    """Return the result of the look-ahead test."""
    challenges = predictor.challenges
    if predictor.strict:
        return [("by construction: asked token by token, each answer before the next token was in the box", "")]
    if challenges is None:
        return [("not tested (--challenges 0)", "warning")]
    if not challenges.cuts:
        return [("by construction: no call had anything after its scored tokens", "")]
    gained = f"looking ahead gained {delta_text(challenges.gained_nats)}"
    if challenges.gained_half_width_nats is not None:
        gained += f" \N{PLUS-MINUS SIGN} {nats_text(challenges.gained_half_width_nats)}"
    gained += f" nats per token ({percent_text(challenges.level)})"
    if not challenges.is_steady:
        why = f"the answers vary ({challenges.uncut_differ} of {challenges.uncut} uncut ones differ): no cut proves it"
        return [(gained, "error" if any("ahead" in text for text in challenges.failures()) else ""), (why, "")]
    counted = f"{challenges.differ} of {challenges.cuts} cuts changed an answer"
    if challenges.differ:
        return [(counted, "error"), (gained, "error")]
    share = challenges.most_that_look_ahead or 0.0
    return [
        (counted, ""),
        (f"at most {percent_text(share, 1)} of positions can look ahead ({percent_text(challenges.level)})", ""),
    ]


def _repeats(challenges: Challenges) -> list[tuple[str, str]]:
    """Return whether the same sequence got the same answer again, and in other company."""
    asked = (
        ("sequences asked again", challenges.repeated, challenges.repeated_differ),
        ("in another order", challenges.reordered, challenges.reordered_differ),
        ("among unrelated sequences", challenges.unrelated, challenges.unrelated_differ),
    )
    words = [
        (f"{differ} of {count} differ {how}" if differ else f"{count} {how}", "error" if differ else "")
        for how, count, differ in asked
        if count
    ]
    if not challenges.reordered:
        words.append(("one a call", ""))
    if not any(differ for _, _, differ in asked):
        words.append(("all alike", ""))
    if challenges.uncut_differ:
        style = "" if challenges.may_vary else "error"
        words.append((f"two boxes answer {challenges.uncut_differ} of {challenges.uncut} differently", style))
    return words


def what_to_do(predictor: PredictorReport) -> str:
    """Return what to look at if a claim was missed or the twin test failed."""
    challenges = predictor.challenges
    if challenges is not None and not challenges.is_steady:
        return (
            "call model.eval(), use neither the clock nor randomness, and let logits() change nothing that later "
            "answers depend on: docs/predictor.md"
        )
    if challenges is not None and challenges.failures():
        return "for position t, logits(ids) may use ids[: t + 1] and what adapt() was given, no more: docs/predictor.md"
    return "was the claim made with a sliding window or other text? --stride, --val-tokens, --seq-len, --data"
