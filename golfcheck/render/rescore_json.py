"""Rescorings → the JSON report."""

import base64
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any

from golfcheck import __version__
from golfcheck.rescore.report import Mean, Measured, Rescore

_HALF_MAX = 65_504.0


def document(
    rescores: Sequence[Rescore], mean: Mean | None, code_sha256: str, versions: Mapping[str, str],
    so_far: Measured | None = None, *, is_complete: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Return the JSON report of all artifacts, as `schemas/rescore.schema.json` describes it."""
    return {
        "golfcheck": __version__,
        "code_sha256": code_sha256,
        "versions": dict(versions),
        "rescores": [_object(rescore) for rescore in rescores],
        "mean": None if mean is None else asdict(mean),
        "is_complete": is_complete,
        "so_far": None if so_far is None else _measured(so_far),
    }


def _object(rescore: Rescore) -> dict[str, Any]:
    out = asdict(rescore)
    for name in ("measured", "other_tables"):
        if (measured := getattr(rescore, name)) is not None:
            out[name] = _measured(measured)
    out["delta_bpb"] = rescore.delta_bpb
    return out


def _measured(measured: Measured) -> dict[str, Any]:
    out = asdict(measured)
    out["sequence_losses"] = _halves(measured.sequence_losses)
    if measured.estimate is not None:
        out["estimate"] |= {
            "share": measured.estimate.share,
            **{
                name: None
                for name in ("low_bpb", "high_bpb", "fixed_half_width_bpb")
                if not isfinite(out["estimate"][name])
            },
        }
    return out


def _halves(losses: Sequence[float]) -> dict[str, Any]:
    """Pack losses as half precision, 30 KB for the whole split: enough to be another score's control variate."""
    packed = struct.pack(f"<{len(losses)}e", *(min(loss, _HALF_MAX) for loss in losses))
    return {"dtype": "float16", "count": len(losses), "base64": base64.b64encode(packed).decode()}
