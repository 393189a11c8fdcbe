"""The maintainers' rulings on records, from `decisions.json` in the base, never from a pull request."""

from golfcheck.core.errors import UsageError
from golfcheck.judging import decisions
from golfcheck.judging.decisions import Ruling, Rulings
from golfcheck.queue.changes import Reader
from golfcheck.queue.heads import Heads
from golfcheck.queue.objects import MissingObjectError, Objects
from golfcheck.submission.identity import today


def read_rulings(objects: Objects, reader: Reader, root: str, base: str, heads: Heads) -> dict[str, Rulings]:
    """Return the rulings in effect today by the paths of record folders, including those of pull requests.

    `root` is the base's tree, and `base` the user's name for it. Raises UsageError for a file with an invalid value.
    """
    paths = [record.path for record in heads.records]
    paths += [own.path for head in heads.heads for own in head.own]
    by_path: dict[str, list[Ruling]] = {}
    for tree in sorted({tree for path in paths if (tree := _tree_of(path)) is not None}):
        file = "/".join(filter(None, (tree, decisions.NAME)))
        item = reader.at(root, file)
        if item is None:
            continue
        if not item.is_file:
            raise UsageError(f"{base}:{file}: not a regular file; expected the maintainers' rulings")
        try:
            data, _ = objects.read(item.oid, decisions.MAX_BYTES + 1)
        except MissingObjectError as error:
            raise UsageError(f"{base}:{file}: {error}") from None
        for ruling in decisions.parse(data, f"{base}:{file}"):
            if ruling.on <= today():
                by_path.setdefault("/".join(filter(None, (tree, ruling.record))), []).append(ruling)
    return {path: Rulings(tuple(rulings)) for path, rulings in by_path.items()}


def _tree_of(path: str) -> str | None:
    """Return the folder of the tree of records that a path is in ("" for the root), None if it is in none."""
    above, _, _ = path.rpartition("/")
    tree, _, track = above.rpartition("/")
    if track.startswith("track_"):
        return tree
    return above if track == "records" else None
