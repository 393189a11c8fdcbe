"""Every invalid value in an artifact is refused, with its kind of defect, before it is used."""

from typing import Any

import pytest
import torch

from golfcheck.reference import artifact
from golfcheck.reference.artifact import quantize
from golfcheck.rescore import sound as values
from golfcheck.rescore.sound import ArtifactError, check
from tests.golfcheck.rescore_fixture import arrays


def sound() -> dict[str, Any]:
    state = {"w": torch.randn(300, 257), "cube": torch.randn(60, 60, 60), "small": torch.randn(4, 4)}
    return quantize(state, [])


def put(section: str, name: str, value: Any) -> Any:
    def edit(obj: dict[str, Any]) -> None:
        obj[section][name] = value

    return edit


def drop(section: str, name: str | None = None) -> Any:
    def edit(obj: dict[str, Any]) -> None:
        if name is None:
            del obj[section]
        else:
            del obj[section][name]

    return edit


def poison(section: str, name: str, value: float) -> Any:
    def edit(obj: dict[str, Any]) -> None:
        obj[section][name].view(-1)[2 if obj[section][name].numel() > 2 else 0] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda obj: obj.update(__quant_format__="int6"), "ART_QFORMAT"),
        (drop("__quant_format__"), "ART_QFORMAT"),
        (drop("scales"), "ART_MISSING"),
        (lambda obj: obj.update(passthrough=[]), "ART_MISSING"),
        (lambda obj: obj.update(qmeta=3), "ART_MISSING"),
        (drop("scales", "w"), "ART_MISSING"),
        (drop("dtypes", "cube"), "ART_MISSING"),
        (put("scales", "other", torch.ones(3)), "ART_MISSING"),
        (put("qmeta", "other", {"scheme": "per_row", "axis": 0}), "ART_MISSING"),
        (put("passthrough_orig_dtypes", "other", "float32"), "ART_MISSING"),
        (put("passthrough", "w", torch.ones(3)), "ART_DUP_NAME"),
        (put("dtypes", "w", "load"), "ART_DTYPE_NAME"),
        (put("dtypes", "w", "complex64"), "ART_DTYPE_NAME"),
        (put("dtypes", "w", 5), "ART_DTYPE_NAME"),
        (put("dtypes", "w", []), "ART_DTYPE_NAME"),
        (put("passthrough_orig_dtypes", "small", "eval"), "ART_DTYPE_NAME"),
        (poison("scales", "w", float("nan")), "ART_NONFINITE"),
        (poison("scales", "cube", float("inf")), "ART_NONFINITE"),
        (poison("passthrough", "small", float("-inf")), "ART_NONFINITE"),
        (put("scales", "w", torch.ones(5).half()), "ART_SCALE_SHAPE"),
        (put("scales", "w", torch.tensor(1.0)), "ART_SCALE_SHAPE"),
        (put("scales", "cube", torch.ones(60, 60)), "ART_SCALE_SHAPE"),
        (put("quantized", "w", torch.zeros(300, 257)), "ART_Q_DTYPE"),
        (put("quantized", "w", torch.zeros(300, 257, dtype=torch.int64)), "ART_Q_DTYPE"),
        (put("quantized", "w", torch.zeros(300, 257, dtype=torch.bool)), "ART_Q_DTYPE"),
        (put("scales", "w", torch.ones(300, dtype=torch.float64)), "ART_Q_DTYPE"),
        (put("qmeta", "w", {"scheme": "per_column", "axis": 1}), "ART_QMETA"),
        (put("quantized", "w", [1, 2]), "ART_TYPE"),
        (put("passthrough", "small", "text"), "ART_TYPE"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_its_kind(edit: Any, code: str) -> None:
    obj = sound()
    check(arrays(obj))
    edit(obj)
    with pytest.raises(ArtifactError) as refused:
        check(arrays(obj))
    assert refused.value.code == code
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_found_in_bf16_too(value: float) -> None:
    obj = sound()
    obj["passthrough"]["small"] = torch.full((4, 4), 3e38, dtype=torch.bfloat16)
    check(arrays(obj))
    obj["passthrough"]["small"][2, 1] = value
    with pytest.raises(ArtifactError, match=r"passthrough\['small'\] is not finite at \[2, 1\]"):
        check(arrays(obj))


def test_the_format_is_the_one_that_the_trainer_writes() -> None:
    ours = (values.FORMAT, values.SECTIONS, values.DTYPES, values.PER_ROW)
    assert ours == (artifact.FORMAT, artifact.SECTIONS, tuple(artifact.DTYPES), artifact.PER_ROW)
