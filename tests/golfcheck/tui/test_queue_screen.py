"""The queue on the screen: the list that `golfcheck queue` prints, its filter, and the record behind each line."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from golfcheck.judging.config import JudgingSettings
from golfcheck.queue.build import QueueRequest
from golfcheck.tui.app import GolfcheckApp
from golfcheck.tui.screens.detail import DetailScreen
from golfcheck.tui.screens.queue import QueueScreen
from golfcheck.tui.widgets.filterbar import FilterBar
from golfcheck.tui.widgets.logview import LogView
from tests.golfcheck.boards import lines, play, text
from tests.golfcheck.render.test_queue_formats import a_queue
from tests.golfcheck.repositories import Repo

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("queue")
    a_queue(folder)
    return folder / "golf.git"


def app_of(repository: Path) -> GolfcheckApp:
    return GolfcheckApp(repository, JudgingSettings(), queue=QueueRequest(repository, jobs=1))


async def judged(app: GolfcheckApp, pilot: Pilot[None]) -> QueueScreen:
    """Return the screen once everything is judged."""
    await app.workers.wait_for_complete()
    await pilot.pause()
    screen = app.screen
    assert isinstance(screen, QueueScreen)
    return screen


def numbers(screen: QueueScreen) -> list[int]:
    return [row.pull.number for row in screen.table.rows]  # type: ignore[attr-defined]


def test_the_queue_is_in_its_own_order_and_gives_reasons(repository: Path):
    async def steps(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, GolfcheckApp)
        screen = await judged(app, pilot)
        assert numbers(screen) == [10, 12, 11, 13]
        shown = "\n".join(lines(app))
        assert "4 pull requests  1 ready  1 review  1 refuted  1 none" in shown
        assert "score-not-in-lo" in shown
        await pilot.press("j")
        assert "touches 1 file outside its folder" in text(app)
        assert "\x1b" not in text(app)

    play(app_of(repository), steps)


def test_enter_opens_the_record_and_its_logs_from_git_objects(repository: Path):
    async def steps(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, GolfcheckApp)
        await judged(app, pilot)
        await pilot.press("enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, DetailScreen)
        await pilot.press("4")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert len(screen.query_one(LogView).log_text) > 20
        await pilot.press("escape")
        assert isinstance(app.screen, QueueScreen)

    play(app_of(repository), steps)


def test_a_pull_request_without_a_record_says_so_instead_of_opening(repository: Path):
    async def steps(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, GolfcheckApp)
        screen = await judged(app, pilot)
        await pilot.press("G", "enter")
        await pilot.pause()
        assert app.screen is screen

    play(app_of(repository), steps)


def test_the_filter_and_the_orders_are_those_of_a_queue(repository: Path):
    async def steps(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, GolfcheckApp)
        screen = await judged(app, pilot)
        await pilot.press("slash", *"triage:refuted")
        await pilot.pause()
        assert numbers(screen) == [11]
        assert screen.query_one(FilterBar).text == "triage:refuted"
        await pilot.press("escape")
        await pilot.pause()
        await pilot.press("s")
        assert (screen.sort, numbers(screen)) == ("pull", [10, 11, 12, 13])
        await pilot.press("S")
        assert numbers(screen) == [13, 12, 11, 10]
        await pilot.press("escape")
        assert numbers(screen) == [10, 12, 11, 13]

    play(app_of(repository), steps)


def test_a_repository_without_heads_says_how_to_fetch_them(tmp_path: Path):
    repo = Repo(tmp_path / "empty.git")

    async def steps(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, GolfcheckApp)
        await judged(app, pilot)
        assert "fetch the heads" in text(app)

    play(app_of(repo.path), steps)
