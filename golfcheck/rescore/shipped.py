"""Whether a record ships the model that is evaluated here: definitions in normal form, compared and never executed.

Known are today's reference, its past versions and the contest's own scripts. What counts are the definitions that an
evaluation reaches, however they are spelled (`normalform`). Where they differ, a missed score says nothing about the
claim.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import golfcheck.reference.bpb
from golfcheck.rescore import contest, normalform, versions
from golfcheck.rescore.normalform import Forms
from golfcheck.source.reach import Source

# Where an evaluation of ours begins, and what of it only trains.
_ROOTS = {
    *("GPT", "GPTConfig", "ByteTable", "ByteTable.count", "ByteTable.from_tokenizer", "ByteTable.load"),
    *("Score", "Score.val_bpb", "evaluate", normalform.TOP),
}
_TRAINING = {"_Causal", "_Loss", "QUERY_BLOCK", "MOST_SCORES", "LOSS_TOKENS", "FLASH"}
_TRAINING |= {"GPTConfig.qk_gain_init", "GPTConfig.tied_embed_init_std", "GPTConfig.__post_init__"}
_SEVERAL = "several"  # the form of a definition that several files have, each in another way
_MODULES = [Path(golfcheck.reference.bpb.__file__).with_name(name) for name in ("model.py", "bpb.py")]
_SHOWN, _NAME_CHARS = 6, 60


def difference(sources: Sequence[Source]) -> str | None:
    """Return how the model and the evaluation in a record's sources differ from those known; None where they do not.

    A record that ships no source has none that differs, nor has one whose script is the contest's own, or whose model
    is a past version of ours. What is said is the difference from the contest's script or from ours, by which is less.
    """
    if not sources:
        return None
    ours = reached([path.read_bytes() for path in _MODULES])
    theirs = normalform.reached(_definitions(sources), _ROOTS, _TRAINING)
    if theirs == ours or normalform.digest(theirs) in versions.DIGESTS:
        return None
    scripts = [source for source in sources if source.main]
    script = contest.digests(_text(scripts[0])) if len(scripts) == 1 else {}
    if script == contest.DEFINITIONS:
        return None
    from_ours = _said(ours, theirs, "that are evaluated here")
    from_script = _said(contest.DEFINITIONS, script, "of the contest's script")
    least = min((from_ours, from_script), key=lambda pair: pair[0])
    return least[1] if least[0] < 1 else f"{sources[0].path} has a model of its own: it shares no definition with ours"


def reached(texts: Sequence[bytes]) -> Forms:
    """Return the definitions of a version of our modules that an evaluation reaches."""
    every = {name: form for text in texts for name, form in normalform.definitions(text).items()}
    return normalform.reached(every, _ROOTS, _TRAINING)


def _said(expected: Mapping[str, str], theirs: Mapping[str, str], which: str) -> tuple[float, str]:
    """Return the share of the known definitions that differ, and names of those that do."""
    names = [name for name in sorted(expected.keys() | theirs.keys()) if expected.get(name) != theirs.get(name)]
    shown = ", ".join(name[:_NAME_CHARS] for name in names[:_SHOWN]) + (
        f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    )
    same = sum(theirs.get(name) == form for name, form in expected.items())
    share = 1 - same / len(expected)
    return share, f"{len(names)} of the {len(expected)} definitions {which} differ or are missing: {shown}"


def _text(source: Source) -> bytes:
    return source.unwrapped or source.text


def _definitions(sources: Sequence[Source]) -> Forms:
    """Return what a record defines, module by module of ours; a definition of several files counts where all agree.

    Ours are looked for in files of the same name, else in all.
    """
    out: Forms = {}
    for path in _MODULES:
        named = [source for source in sources if PurePosixPath(source.path).name == path.name]
        for source in named or sources:
            for name, form in normalform.definitions(_text(source)).items():
                out[name] = form if out.get(name, form) == form else _SEVERAL
    return out
