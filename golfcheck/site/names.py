"""Untrusted names → file names that no system reads as anything else: `a-z`, `0-9` and dashes."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

_OTHER = re.compile(r"[^a-z0-9]+")
_DIGESTED = re.compile(r".*-[0-9a-f]{16}")
_LENGTH = 64


def slugs(names: Sequence[str], spare: str) -> list[str]:
    """Return a slug for each name, all different if the names are; `spare` stands for a name of which nothing is left.

    A slug that another name has as well, or that looks as if it had, ends with sixteen digits of the name's sha256: so
    it depends on no order, and no record can be named so that its page replaces another's.
    """
    plain = [_OTHER.sub("-", name.lower()).strip("-")[:_LENGTH].rstrip("-") or spare for name in names]
    count = Counter(plain)
    return [
        slug if count[slug] == 1 and not _DIGESTED.fullmatch(slug) else f"{slug}-{_digest(name)}"
        for slug, name in zip(plain, names, strict=True)
    ]


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
