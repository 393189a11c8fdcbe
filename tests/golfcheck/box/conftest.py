"""Fixtures of the box tests."""

import numpy as np
import pytest

from golfcheck.reference import data
from tests.golfcheck import predictors
from tests.golfcheck import rescore_fixture as tiny
from tests.golfcheck.rescore_fixture import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return tiny.make(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def table(world: World) -> np.ndarray:
    """The bigram table of the world's training text."""
    tokens = data.read_validation(data.shard_paths(world.shards, "train"), 64, tiny.VOCAB)
    return predictors.table_of(tokens, tiny.VOCAB)
