"""Whether a record ships the model that is evaluated here: definitions in normal form, compared and never executed.

Known are today's reference, its past versions and the contest's own scripts. What counts are the definitions that an
evaluation reaches, however they are spelled (`normalform`). Where they differ, a missed score says nothing about the
claim.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import golfcheck.reference.bpb
from golfcheck.rescore import contest, normalform, versions
from golfcheck.source.reach import Source

_SEVERAL = "several"  # the form of a definition that several files have, each in another way
_MODULES = [Path(golfcheck.reference.bpb.__file__).with_name(name) for name in ("model.py", "bpb.py")]
_SHOWN = 6


def difference(sources: Sequence[Source]) -> str | None:
    """Return how the model and the evaluation in a record's sources differ from ours; None where they do not.

    A record that ships no source has none that differs, nor has one whose script is the contest's own, or whose model
    is a past version of ours. Ours are looked for in files of the same name, else in all.
    """
    if not sources or contest.is_unmodified(sources):
        return None
    every = {name: form for path in _MODULES for name, form in normalform.definitions(path.read_bytes()).items()}
    ours, theirs = normalform.reached(every), normalform.reached(_definitions(sources))
    if theirs == ours or normalform.digest(theirs) in versions.DIGESTS:
        return None
    differ = [name for name in sorted(ours.keys() | theirs.keys()) if ours.get(name) != theirs.get(name)]
    if not ours.keys() & theirs.keys():
        return f"{sources[0].path} has a model of its own: none of the {len(ours)} definitions that are evaluated here"
    names = ", ".join(differ[:_SHOWN]) + (f" and {len(differ) - _SHOWN} more" if len(differ) > _SHOWN else "")
    return f"{len(differ)} of the {len(ours)} definitions that are evaluated here are other or missing: {names}"


def _definitions(sources: Sequence[Source]) -> dict[str, str]:
    """Return what a record defines, module by module of ours; a definition of several files counts where all agree."""
    out: dict[str, str] = {}
    for path in _MODULES:
        named = [source for source in sources if PurePosixPath(source.path).name == path.name]
        for source in named or sources:
            for name, form in normalform.definitions(source.unwrapped or source.text).items():
                out[name] = form if out.get(name, form) == form else _SEVERAL
    return out
