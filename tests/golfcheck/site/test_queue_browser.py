"""The page of the queue in a real browser: it filters as the command does, sorts, and runs nothing of a submission."""

from pathlib import Path

import pytest

from golfcheck import site
from golfcheck.board.query import parse
from golfcheck.core.errors import UsageError
from golfcheck.queue.pullrows import KEYS, row_of
from golfcheck.queue.pulls import Queue
from tests.golfcheck.render.test_queue_formats import a_queue
from tests.golfcheck.site.test_site_browser import browser, page, playwright, pytestmark  # noqa: F401 - fixtures


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Queue, Path]:
    queue, folder = a_queue(tmp_path_factory.mktemp("repository")), tmp_path_factory.mktemp("site")
    site.write_queue(queue, folder)
    return queue, folder


def shown(page) -> list[int]:  # noqa: F811
    return page.evaluate(
        """() => [...document.querySelectorAll("#queue tbody tr")].filter(row => !row.hidden)
            .map(row => Number(row.cells[0].textContent))"""
    )


FILTERS = """
    ; valid; #11; 11; hostile; -valid; "a. golfer"; triage:ready; triage:none; -triage:none; rule:outside;
    rule:score-not;    pull:11; pull:>=12; pull:10..11; bpb:<1.094; bpb:1.09;
    delta:<-0.02; claimed:0.9; base:10; nearest:10; folders:2;
    folders:0; contends:yes; merged:no; merged:yes; verdict:record; verdict:human; author:golfer; path:06-02;
    track:10min;    date:2026-06-02; after:2026-06-03; before:2026-06-03; seeds:>=3; size:>15m; train:<600; eval:>1;
    -rule:outside bpb:<2
"""


def test_the_page_filters_as_the_command_does(page, written: tuple[Queue, Path]):  # noqa: F811
    queue, folder = written
    rows = [row_of(pull) for pull in queue.pulls]
    page.goto(f"{folder.as_uri()}/queue.html")
    for text in map(str.strip, FILTERS.split(";")):
        page.fill("#q", text)
        query = parse(text, keys=KEYS)
        assert shown(page) == [row.pull.number for row in rows if query.matches(row)], text
        assert page.inner_text("#problem") == "", text
    for text in ("triage:done", "pull:x", "puls:3", "bpb<1"):
        page.fill("#q", text)
        with pytest.raises(UsageError):
            parse(text, keys=KEYS)
        assert page.inner_text("#problem").startswith(text)


def test_a_heading_sorts_and_the_third_click_restores_the_order_of_the_queue(page, written: tuple[Queue, Path]):  # noqa: F811
    queue, folder = written
    page.goto(f"{folder.as_uri()}/queue.html")
    own = [pull.number for pull in queue.pulls]
    for wanted in (sorted(own), sorted(own, reverse=True), own):
        page.click("th[data-key=pull] button")
        assert shown(page) == wanted
    page.click("th[data-key=bpb] button")
    assert shown(page)[-1] == 13  # what has no score stands last


def test_the_parts_are_links_to_themselves_and_each_pull_request_has_a_page(page, written: tuple[Queue, Path]):  # noqa: F811
    _, folder = written
    page.goto(f"{folder.as_uri()}/queue.html")
    page.click("text=refuted by arithmetic >> nth=0")
    page.wait_for_function("document.getElementById('count').textContent.startsWith('1 ')")
    assert shown(page) == [11]
    page.click("#queue tbody tr:not([hidden]) a")
    assert page.url.endswith("/pulls/11.html")
    assert "score-not-in-logs" in page.inner_text("main")
    page.goto(f"{folder.as_uri()}/pulls/12.html")
    assert page.evaluate("window.owned") is None
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("width", [390, 1400])
def test_nothing_is_wider_than_the_page(page, written: tuple[Queue, Path], width: int):  # noqa: F811
    _, folder = written
    page.set_viewport_size({"width": width, "height": 900})
    for name in ("queue.html", "pulls/10.html", "pulls/12.html"):
        page.goto(f"{folder.as_uri()}/{name}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    page.goto(f"{folder.as_uri()}/queue.html")
    table = page.evaluate(
        "document.querySelector('.scroll').scrollWidth - document.querySelector('.scroll').clientWidth"
    )
    assert table <= 0


def test_a_board_and_a_queue_share_a_folder(written: tuple[Queue, Path], tmp_path: Path):
    from tests.golfcheck import sites

    queue, _ = written
    site.write(sites.board_of(sites.write_records(tmp_path / "records")), tmp_path / "site")
    before = {path.relative_to(tmp_path) for path in (tmp_path / "site").rglob("*.html")}
    site.write_queue(queue, tmp_path / "site")
    site.write(sites.board_of(tmp_path / "records"), tmp_path / "site")
    after = {path.relative_to(tmp_path) for path in (tmp_path / "site").rglob("*.html")}
    assert after - before == {Path("site/queue.html"), *(Path(f"site/pulls/{n}.html") for n in (10, 11, 12, 13))}
    site.write_queue(Queue(queue.repository, "main", "written", queue.pulls[:1], 4, 1, 0), tmp_path / "site")
    assert [path.name for path in (tmp_path / "site/pulls").iterdir()] == ["10.html"]
