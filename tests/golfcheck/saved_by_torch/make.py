"""Write what this version of torch saves: `python -m tests.golfcheck.saved_by_torch.make`, which needs torch and numpy.

An artifact of the contest's form and the raw state dict that it is made of, as the contest's trainer writes them: a
whole model, with matrices of fp32 and an embedding of bf16 that is large enough to be quantized. The values follow from
a formula, so a reader of these files needs no torch of that version to know what must be in them.
"""

import gzip
import sys
import tempfile
from pathlib import Path

import torch

from golfcheck.reference.artifact import pack, quantize
from golfcheck.reference.model import GPT, GPTConfig
from golfcheck.reference.settings import CONTROL_TENSORS

FOLDER = Path(__file__).parent
CONFIG = GPTConfig(
    vocab_size=1030, num_layers=2, model_dim=64, num_heads=4, num_kv_heads=2, mlp_mult=1, train_seq_len=64
)
KEEP = CONTROL_TENSORS.split(",")
_PERIOD = 67  # a prime: no row repeats the one before; and short, so that the files stay small


def state() -> dict[str, torch.Tensor]:
    """Return the state dict of a model with values that all of its types hold exactly."""
    weights = GPT(CONFIG).state_dict()
    for number, tensor in enumerate(weights.values(), 1):
        at = torch.arange(tensor.numel()).view(tensor.shape)
        tensor.copy_((at * number % _PERIOD - _PERIOD // 2) / 64)
    return weights


def main() -> None:
    name = f"torch-{torch.__version__.partition('+')[0]}"
    weights = state()
    (FOLDER / f"{name}.int8.ptz").write_bytes(pack(quantize(weights, KEEP))[0])
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder, "final_model.pt")  # to a path, as trainers do: it names the archive's root
        torch.save(weights, raw)
        (FOLDER / f"{name}.pt.gz").write_bytes(gzip.compress(raw.read_bytes(), mtime=0))
    print(name, "on Python", sys.version.split()[0])


if __name__ == "__main__":
    main()
