"""Fixtures of the rescoring tests."""

import pytest
import torch

from tests.golfcheck import rescore_fixture as tiny
from tests.golfcheck.rescore_fixture import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A tiny model with its record and its data; tests must not change them, but may change a `tiny.copy`."""
    torch.set_num_threads(1)
    return tiny.make(tmp_path_factory.mktemp("world"))
