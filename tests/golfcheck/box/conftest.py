"""What the tests of boxes share."""

import pytest

from tests.golfcheck import rescore_fixture as tiny
from tests.golfcheck.rescore_fixture import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return tiny.make(tmp_path_factory.mktemp("world"))
