"""The submission's model as golfcheck asks it, in a sandbox: for token ids the logits of the next one.

The interface is `load(folder, device)`, `vocab_size`, `seq_len` and `logits(ids)`; a model that learns while it is
scored has `adapt(ids)` as well. golfcheck's docs/predictor.md describes it.
"""

from pathlib import Path

import artifact
import torch
from model import GPT, GPTConfig
from torch import Tensor

ACTIVATIONS = "bf16"  # or fp32: what a claim of four decimals was made with


class Predictor:
    """A loaded model."""

    def __init__(self, gpt: GPT, seq_len: int, device: str) -> None:
        self.gpt, self.device = gpt, torch.device(device)
        self.vocab_size, self.seq_len = gpt.config.vocab_size, seq_len

    def logits(self, ids: Tensor) -> Tensor:
        """Return logits [B, T, V] of token ids [B, T]: position t is the guess of ids[t + 1], from ids[..t] alone."""
        is_mixed = ACTIVATIONS == "bf16"
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, enabled=is_mixed):
            return self.gpt.logits(*self.gpt.hidden(ids))  # [B, T, V]


def load(folder: Path, device: str) -> Predictor:
    """Read the artifact of this folder: the only one that is there while one seed is scored."""
    obj = artifact.unpack(next(folder.glob("*.ptz")).read_bytes())
    gpt = GPT(GPTConfig(**obj["model_config"]))
    gpt.load_state_dict(artifact.dequantize(obj))
    if ACTIVATIONS == "fp32":
        gpt.float()  # the embedding keeps its bf16 values
    for module in gpt.modules():
        if ACTIVATIONS == "bf16" and isinstance(module, torch.nn.Linear):
            module.bfloat16()  # what autocast would do again in every call; the same bits
    seq_len = obj.get("eval_seq_len", gpt.config.train_seq_len)  # what the final evaluation had
    return Predictor(gpt.to(device).eval().requires_grad_(False), seq_len, device)
