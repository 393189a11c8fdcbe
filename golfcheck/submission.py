"""submission.json → Submission: a strict profile for new records, aliases normalised for existing ones."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SeedClaim:
    """What the JSON says of one seed; None where it says nothing."""

    seed: int
    val_loss_nats: float | None = None
    val_bpb: float | None = None
    total_bytes: int | None = None
    train_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """The facts of a submission file, whatever keys it uses; `raw` is the parsed JSON object itself."""

    path: str
    raw: dict[str, Any]
    name: str | None
    author: str | None
    github_id: str | None
    date: str | None  # as written
    track: str | None  # "10min_16mb" or "non_record_16mb" when it can be told
    val_loss_nats: float | None
    val_bpb: float | None
    total_bytes: int | None
    code_bytes: int | None
    seeds: tuple[SeedClaim, ...]
    unknown_keys: tuple[str, ...]
    key_of: dict[str, str]  # field of this class → the key that it was read from
    line_of: dict[str, int]  # top-level key → the line it stands on
