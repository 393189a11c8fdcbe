"""Names of scores that are printed after the artifact's size and are still not the artifact's."""

import pytest

from golfcheck.trainlog.choose import artifact_scores
from golfcheck.trainlog.read import read

BEFORE = (
    "step:6900",
    "step 6900:",
    "master_weights",
    "float model",
    "fp_weights",
    "32-bit",
    "not quantized",
    "without quantization",
    "prior to quantization",
    "before int6",
    "w/o quant",
    "pre_export",
    "uncompressed",
    "averaged weights",
    "live model",
)
OF_THE_ARTIFACT = (
    "final_int8_zlib_roundtrip_exact",
    "final int6 sliding window stride:64",
    "quantized_ema",
    "legal_ttt",
    "slot",
    "[master]",
    "stride:64",
    "int8_float_scales",
    "pre-roundtrip_ttt final_int6",
)


def counting(name: str) -> list[str]:
    """Return the names of the scores that can be a result, in a log that ends with a line of that name."""
    lines = (
        "seed:1",
        "step:7000/7000 train_loss:1.9 train_time:1000ms step_avg:1.00ms",
        "Serialized model int8+zlib: 15800000 bytes",
        "Total submission size int8+zlib: 15800101 bytes",
        "final_int8_zlib_roundtrip val_loss:1.90 val_bpb:1.12",
        f"{name} val_loss:1.80 val_bpb:1.10",
    )
    log = read("train.log", "".join(f"{line}\n" for line in lines).encode())
    return [f"{score.val_bpb:.2f}" for score in artifact_scores(log.runs[0])]


@pytest.mark.parametrize("name", BEFORE)
def test_a_score_that_names_other_weights_is_not_the_artifacts(name: str) -> None:
    assert counting(name) == ["1.12"]


@pytest.mark.parametrize("name", OF_THE_ARTIFACT)
def test_another_evaluation_of_the_artifact_counts(name: str) -> None:
    assert counting(name) == ["1.12", "1.10"]
