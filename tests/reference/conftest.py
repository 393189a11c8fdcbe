"""Fixtures of the trainer's tests: torch with one thread, data, and runs that several tests look at."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.reference import trainer


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Several test processes share the cores; spinning threads would slow all of them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session", autouse=True)
def forks() -> Iterator[None]:
    """End what forks for runs of the trainer."""
    yield
    trainer.FORKS.end()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> trainer.Data:
    """A small dataset."""
    return trainer.make_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def tiny(data: trainer.Data, tmp_path_factory: pytest.TempPathFactory) -> trainer.Finished:
    """A finished run of six steps on one rank."""
    return trainer.train(tmp_path_factory.mktemp("tiny"), data)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder for a run's files."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder
