"""The model as golfcheck asks it for logits, in a sandbox; golfcheck's docs/predictor.md describes the interface."""

from pathlib import Path

import artifact
import torch
from model import GPT, GPTConfig
from torch import Tensor

ACTIVATIONS = "bf16"  # or "fp32", if the claimed score was computed in that


class Predictor:
    """The model of a folder's artifact, the only one that is there while one seed is scored."""

    def __init__(self, folder: Path, device: str) -> None:
        obj = artifact.unpack(next(folder.glob("*.ptz")).read_bytes())
        gpt = GPT(GPTConfig(**obj["model_config"]))
        gpt.load_state_dict(artifact.dequantize(obj))
        if ACTIVATIONS == "fp32":
            gpt.float()  # the embedding keeps its bf16 values
        for module in gpt.modules():
            if ACTIVATIONS == "bf16" and isinstance(module, torch.nn.Linear):
                module.bfloat16()  # what autocast would do again in every call; the same bits
        self.gpt = gpt.to(device).eval().requires_grad_(False)
        self.vocab_size = gpt.config.vocab_size
        self.seq_len = obj.get("eval_seq_len", gpt.config.train_seq_len)  # what the final evaluation had

    def logits(self, ids: Tensor) -> Tensor:
        """Return logits [B, T, V] of token ids [B, T]: position t is the guess of ids[t + 1], from ids[..t] alone."""
        with torch.inference_mode(), torch.autocast(ids.device.type, torch.bfloat16, enabled=ACTIVATIONS == "bf16"):
            return self.gpt.logits(*self.gpt.hidden(ids))  # [B, T, V]


load = Predictor  # the name by which golfcheck asks for one
