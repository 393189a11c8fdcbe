"""People edit the model: a table of edits, each of which trains, falls in loss and exports what scores the same."""

import subprocess
import sys
from pathlib import Path

import pytest

from golfcheck.data.shardwriter import shard_bytes
from golfcheck.data.stdlib_text import documents
from golfcheck.data.tokenizing import make_dataset
from golfcheck.trainlog import linekinds
from tests.clock import HANG_SECONDS
from tests.conftest import ROOT
from tests.reference import trainer
from tests.reference.trainer import Data

Edit = tuple[str, str, str]
MLP = 'hidden = F.relu(self.mlp["fc"](rms(x))).square()  # [B, T, mlp_mult·D]'
EMBEDDED = "x = x0 = rms(self.tok_emb(ids))"
CREATED = "        self.tok_emb = nn.Embedding(config.vocab_size, config.model_dim)\n"
MADE = "        self.attn = Attention(config)\n"

EDITS: dict[str, tuple[list[Edit], dict[str, str]]] = {
    "untied": ([], {"TIE_EMBEDDINGS": "0"}),
    "one layer": ([], {"NUM_LAYERS": "1"}),
    "odd shapes": ([], {"NUM_LAYERS": "3", "MODEL_DIM": "42", "NUM_HEADS": "3", "NUM_KV_HEADS": "1", "MLP_MULT": "5"}),
    "another activation": ([("model.py", MLP, 'hidden = F.gelu(self.mlp["fc"](rms(x)))')], {}),
    "a parameter of the whole model": (
        [
            ("model.py", CREATED, CREATED + "        self.gain = nn.Parameter(torch.ones(config.model_dim))\n"),
            ("model.py", EMBEDDED, "x = x0 = rms(self.tok_emb(ids)) * self.gain.bfloat16()"),
        ],
        {},
    ),
    "a second table": (
        [
            ("model.py", CREATED, CREATED + "        self.pairs = nn.Embedding(4096, config.model_dim)\n"),
            ("model.py", EMBEDDED, "x = x0 = rms(self.tok_emb(ids) + self.pairs(ids * 37 % 4096))"),
        ],
        {},
    ),
    "a parameter that nothing uses": (
        [("model.py", MADE, MADE + "        self.unused = nn.Parameter(torch.zeros(D, 3))\n")],
        {},
    ),
    "a convolution's three dimensions": (
        [
            ("model.py", MADE, MADE + "        self.taps = nn.Parameter(torch.ones(D, 1, 2) / 2)\n"),
            ("model.py", MLP, MLP.replace("rms(x)", "rms(x) * self.taps.bfloat16().sum((1, 2))")),
        ],
        {},
    ),
    "averaged weights that decay, scored in windows": (
        [],
        {"EMA_DECAY": "0.9", "MUON_WEIGHT_DECAY": "0.1", "EVAL_SEQ_LEN": "64", "EVAL_STRIDE": "16"},
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_model_trains_and_exports(data: Data, tmp_path: Path, out: Path, name: str) -> None:
    edits, settings = EDITS[name]
    folder = trainer.copy_of_reference(tmp_path / "mine")
    for file, old, new in edits:
        text = (folder / file).read_text()
        assert text.count(old) == 1, old
        (folder / file).write_text(text.replace(old, new))
    done = trainer.train(out, data, folder=folder, **settings)
    assert done.code == 0, done.output
    assert done.losses[-1] < done.losses[0]
    assert len(done.lines(linekinds.FinalExact)) == 1


@pytest.mark.parametrize("pieces", [4096, 8192])
def test_another_vocabulary_needs_settings_alone(tmp_path: Path, out: Path, pieces: int) -> None:
    """As the contest's sp4096 and sp8192, on the demonstration text: its tokenizer, shards, and three variables."""
    tokenizer, tokens = make_dataset(documents()[::4], pieces, 0.01, 1337)
    (tmp_path / "x.model").write_bytes(tokenizer)
    for split, ids in tokens.items():
        (tmp_path / f"fineweb_{split}_000000.bin").write_bytes(shard_bytes(ids[:40_000]))
    done = trainer.train(out, Data(tmp_path, tmp_path / "x.model"), VOCAB_SIZE=str(pieces))
    assert done.code == 0, done.output
    assert done.losses[-1] < done.losses[0]
    (file,) = done.lines(linekinds.TokenizerFile)
    assert file.pieces == pieces
    assert len(done.lines(linekinds.FinalExact)) == 1


NINE_SHAPES = """
import torch
from reference.muon import Muon
params = [torch.nn.Parameter(torch.randn(8 + 8 * i, 16)) for i in range(11)]
optimizer = Muon(params, 0.02, 0.95, 5, 0.0, compile=True)
optimizer.orthogonalize = torch.compile(lambda u, steps: u.bfloat16() * steps, dynamic=False, fullgraph=True,
                                        backend="eager")  # what recompiles is the same, and takes no compiler
for p in params:
    p.grad = torch.randn_like(p)
optimizer.step()
"""


def test_more_matrix_shapes_than_the_compilers_limit_train_compiled() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NINE_SHAPES], cwd=ROOT, capture_output=True, text=True, timeout=HANG_SECONDS
    )
    assert done.returncode == 0, done.stderr
    edited = NINE_SHAPES.replace("optimizer.step()", "torch._dynamo.config.recompile_limit = 8; optimizer.step()")
    without = subprocess.run(
        [sys.executable, "-c", edited], cwd=ROOT, capture_output=True, text=True, timeout=HANG_SECONDS
    )
    assert without.returncode != 0  # so the limit is what the test is about
    assert "recompile" in without.stderr.lower()
