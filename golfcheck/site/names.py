"""Make file names from untrusted names: only `a-z`, `0-9` and dashes."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

_OTHER = re.compile(r"[^a-z0-9]+")
_DIGESTED = re.compile(r".*-[0-9a-f]{16}")
_LENGTH = 64


def slugs(names: Sequence[str], spare: str) -> list[str]:
    """Return a unique slug for each name; `spare` replaces a name without usable characters.

    A slug shared by two names, or one that looks like such a slug, ends with sixteen digits of the name's sha256. So
    slugs do not depend on the order, and no record can choose a name that replaces another record's page.
    """
    plain = [_OTHER.sub("-", name.lower()).strip("-")[:_LENGTH].rstrip("-") or spare for name in names]
    count = Counter(plain)
    return [
        slug if count[slug] == 1 and not _DIGESTED.fullmatch(slug) else f"{slug}-{_digest(name)}"
        for slug, name in zip(plain, names, strict=True)
    ]


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
