"""Compare a record's model with the one evaluated here: definitions in normal form, never executed.

A record's code is compared with today's reference, its past versions and the contest's own scripts. Only definitions
reachable from an evaluation count, and their formatting does not matter (`normalform`). If they differ, missing the
claimed score says nothing about the claim.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import golfcheck.reference.bpb
from golfcheck.rescore import contest, normalform, versions
from golfcheck.rescore.normalform import Forms
from golfcheck.source.reach import Source

# Entry points of our evaluation, and the definitions that only training uses.
_ROOTS = {
    *("GPT", "GPTConfig", "ByteTable", "ByteTable.count", "ByteTable.from_tokenizer", "ByteTable.load"),
    *("Score", "Score.val_bpb", "evaluate", normalform.TOP),
}
_TRAINING = {"_Causal", "_Loss", "QUERY_BLOCK", "MOST_SCORES", "LOSS_TOKENS", "FLASH"}
_TRAINING |= {"GPTConfig.qk_gain_init", "GPTConfig.tied_embed_init_std", "GPTConfig.__post_init__"}
_SEVERAL = "several"  # the form of a name that several files define differently
_MODULES = [Path(golfcheck.reference.bpb.__file__).with_name(name) for name in ("model.py", "bpb.py")]
_SHOWN, _NAME_CHARS = 6, 60


def difference(sources: Sequence[Source]) -> str | None:
    """Describe how a record's model and evaluation differ from every version we know; None if they match one.

    A record without sources never differs, nor does one with the contest's own script or a past version of our model.
    The difference described is from our code or from the contest's script, whichever is closer.
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
    from_ours = _differences(ours, theirs, "that are evaluated here")
    from_script = _differences(contest.DEFINITIONS, script, "of the contest's script")
    share, description = min((from_ours, from_script), key=lambda pair: pair[0])
    return description if share < 1 else f"{sources[0].path} has a model of its own: it shares no definition with ours"


def reached(texts: Sequence[bytes]) -> Forms:
    """Return the definitions in one version of our modules that an evaluation can reach."""
    definitions = {name: form for text in texts for name, form in normalform.definitions(text).items()}
    return normalform.reached(definitions, _ROOTS, _TRAINING)


def _differences(expected: Mapping[str, str], theirs: Mapping[str, str], which: str) -> tuple[float, str]:
    """Return the share of the expected definitions that differ, and a description that names some of them."""
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
    """Return a record's definitions; where several files define a name differently, its form is `_SEVERAL`.

    For each of our modules, the files of the same name are read, or all files if there are none.
    """
    forms: Forms = {}
    for path in _MODULES:
        named = [source for source in sources if PurePosixPath(source.path).name == path.name]
        for source in named or sources:
            for name, form in normalform.definitions(_text(source)).items():
                forms[name] = form if forms.get(name, form) == form else _SEVERAL
    return forms
