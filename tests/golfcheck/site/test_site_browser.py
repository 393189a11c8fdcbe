"""The site in a real browser, from the disk: Debian's chromium, without a window."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from golfcheck import site
from golfcheck.board.query import parse
from golfcheck.core.errors import UsageError
from golfcheck.core.text import safe
from tests.golfcheck import sites

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install 'golfcheck[dev]'")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install chromium, or set CHROMIUM")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("site")
    site.write(sites.board_of(sites.write_records(tmp_path_factory.mktemp("records"))), folder)
    return f"{folder.as_uri()}/index.html"


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    with playwright.sync_playwright() as driver:
        # Root has no sandbox to enter. The pages are ours, or hostile ones that a probe watches.
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: "playwright.Browser") -> Iterator["playwright.Page"]:
    """A page whose console must be empty when the test ends: no error, and nothing that the policy blocked."""
    page = browser.new_page(viewport={"width": 1400, "height": 900}, color_scheme="light")
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None)
    yield page
    page.close()
    assert said == []


def column(page: "playwright.Page", key: str) -> list[str]:
    """Return what the rows that are shown have in a column."""
    return page.evaluate(
        """key => {
            const place = [...document.querySelectorAll("#board thead th")].findIndex(head => head.dataset.key === key);
            return [...document.querySelectorAll("#board tbody tr")].filter(row => !row.hidden)
                .map(row => row.cells[place].firstChild.textContent.trim());
        }""",
        key,
    )


def sort(page: "playwright.Page", key: str) -> None:
    page.click(f"th[data-key={key}] button")


def test_a_heading_sorts_by_its_column_and_a_second_click_reverses(page, home: str):
    page.goto(home)
    before = column(page, "bpb")
    sort(page, "bpb")
    assert column(page, "bpb") == sorted(before)
    assert page.get_attribute("th[data-key=bpb]", "aria-sort") == "ascending"
    assert page.get_attribute("th[data-key=rank]", "aria-sort") is None
    sort(page, "bpb")
    assert column(page, "bpb") == sorted(before, reverse=True)
    assert page.get_attribute("th[data-key=bpb]", "aria-sort") == "descending"


@pytest.mark.parametrize("times", [1, 2])
def test_a_missing_value_comes_last_in_both_directions(page, home: str, times: int):
    page.goto(home)
    for _ in range(times):
        sort(page, "p")
    shown = column(page, "p")
    stated = [text for text in shown if text != "–"]
    assert 1 < len(stated) < len(shown) and shown[: len(stated)] == stated
    assert list(map(float, stated)) == sorted(map(float, stated), reverse=times == 2)


def test_the_keyboard_can_sort_by_a_heading(page, home: str):
    page.goto(home)
    page.focus("th[data-key=author] button")
    page.keyboard.press("Enter")
    authors = column(page, "author")
    assert authors == sorted(authors, key=str.casefold)


def test_words_status_verdict_and_the_frontier_filter_together(page, home: str):
    page.goto(home)
    everything = column(page, "name")
    page.fill("#q", "ANN")
    assert set(column(page, "author")) == {"ann"}
    page.fill("#q", "")
    page.select_option("#f-status", "claimed")
    assert column(page, "name") == ["Claimed only"]
    assert page.inner_text("#count") == f"1 of {len(everything)}"
    page.check("#f-held")
    assert column(page, "name") == [] and page.is_visible("#none")
    page.click("#clear")
    assert column(page, "name") == everything and not page.is_visible("#none")
    page.check("#f-held")
    assert sorted(column(page, "name")) == sorted(sites.NAMES)


def test_the_address_restores_filter_and_order_after_a_reload(page, home: str):
    page.goto(home)
    page.fill("#q", "e")
    page.check("#f-held")
    sort(page, "date")
    sort(page, "date")
    shown, address = column(page, "name"), page.url
    assert shown == ["Quantized", "Deeper", "Wider", "Baseline"]
    page.reload()
    assert column(page, "name") == shown and page.url == address
    assert page.input_value("#q") == "e" and page.is_checked("#f-held")
    page.goto("about:blank")
    page.goto(address)
    assert column(page, "name") == shown


def test_an_invalid_address_shows_the_board(page, home: str):
    page.goto(f"{home}#sort=constructor&dir=up&status=%3Cscript%3E&q=%00")
    page.goto(f"{home}#sort=constructor&dir=%F0%9F%8F%8C")
    assert len(column(page, "name")) == len(sites.NAMES) + 2


def test_a_record_opens_and_a_number_leads_to_its_line(page, home: str):
    page.goto(home)
    page.click("#board a:text-is('Quantized')")
    assert page.inner_text("h1") == "Quantized"
    link = page.locator("table td a.cite", has_text="1.05").first
    score = link.inner_text()
    link.click()
    line = page.locator("span:target")
    assert line.count() == 1 and f"val_bpb:{score[:6]}" in line.inner_text()
    assert line.evaluate("element => element.getBoundingClientRect().height") < 30
    page.click("nav a >> nth=0")
    assert page.url.endswith("/index.html") and page.locator("#board").count() == 1


def test_a_dot_of_a_chart_opens_its_record(page, home: str):
    page.goto(home)
    page.locator("#progress a", has_text="Quantized").first.locator("circle").click()
    assert page.inner_text("h1") == "Quantized"


def test_no_page_runs_untrusted_script(page, home: str):
    folder = Path(home.removeprefix("file://")).parent
    for path in sorted(folder.rglob("*.html")):
        page.goto(path.as_uri())
        assert page.evaluate("window.owned") is None
        assert page.locator("img").count() == 0


def test_the_policy_refuses_a_script_that_is_not_ours(browser, home: str):
    page = browser.new_page()
    page.goto(home)
    page.evaluate(f"""() => {{
        const script = document.createElement("script");
        script.textContent = "{sites.OWNED}";
        document.body.append(script);
        document.body.insertAdjacentHTML("beforeend", '<img src=x onerror="{sites.OWNED}"><b style="color: red">x</b>');
    }}""")
    page.wait_for_timeout(100)
    assert page.evaluate("window.owned") is None
    assert page.locator("b").evaluate("b => getComputedStyle(b).color") != "rgb(255, 0, 0)"
    page.close()


def background(page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_page_follows_the_color_scheme_and_the_button_switches_it(page, home: str):
    page.goto(home)
    light = background(page)
    page.click("#theme")
    dark = background(page)
    assert light != dark
    page.reload()
    assert background(page) == dark
    page.click("#theme")
    assert background(page) == light
    page.evaluate("localStorage.clear()")
    page.emulate_media(color_scheme="dark")
    page.reload()
    assert background(page) == dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(page, home: str, scheme: str):
    page.emulate_media(color_scheme=scheme)
    page.goto(home)
    ratios = page.evaluate("""() => {
        const style = getComputedStyle(document.documentElement);
        const light = name => {
            const hex = style.getPropertyValue(name).trim();
            const part = at => { const v = parseInt(hex.slice(at, at + 2), 16) / 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
            return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
        };
        const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const out = {};
        for (const name of ["--ink", "--dim", "--accent", "--bad", "--doubt"])
            for (const ground of ["--paper", "--wash"]) out[name + ground] = ratio(light(name), light(ground));
        return out;
    }""")  # noqa: E501
    assert {name: ratio for name, ratio in ratios.items() if ratio < 4.5} == {}  # WCAG 2.2, 1.4.3


@pytest.mark.parametrize("name", ["index.html", "records/2026-06-04-quantized/index.html"])
def test_no_page_is_wider_than_a_phone(page, home: str, name: str):
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(home.removesuffix("index.html") + name)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_on_a_phone_a_record_is_a_card_with_its_score_first(page, home: str):
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(home)
    top = {key: page.locator(f"#board tbody .c-{key}").first.bounding_box() for key in ("bpb", "name", "verdict")}
    assert all(box and box["x"] + box["width"] <= 390 for box in top.values())
    assert top["bpb"]["y"] < top["name"]["y"] and top["bpb"]["height"] > 20
    page.select_option("#f-sort", "bpb desc")
    assert column(page, "bpb") == sorted(column(page, "bpb"), reverse=True)


@pytest.mark.parametrize("width", [820, 1400])
def test_verdict_and_score_are_on_the_screen_without_scrolling(page, home: str, width: int):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(home)
    for key in ("bpb", "delta", "p", "verdict", "date"):
        box = page.locator(f"#board thead .c-{key}").bounding_box()
        assert box and box["x"] + box["width"] <= width, key


@pytest.mark.parametrize("name", ["index.html", "records/2026-06-04-quantized/index.html"])
def test_landmarks_have_names_of_their_own(page, home: str, name: str):
    page.goto(home.removesuffix("index.html") + name)
    names = page.evaluate("""() => [...document.querySelectorAll("section, [role=region], nav, form")].map(each =>
        each.getAttribute("aria-label")
            ?? document.getElementById(each.getAttribute("aria-labelledby"))?.textContent)""")
    assert None not in names and len(set(names)) == len(names)


def test_the_keyboard_reaches_the_filter_before_any_mark_of_a_chart(page, home: str):
    page.goto(home)
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "q":
            break
        assert page.evaluate("document.activeElement.closest('svg') === null")
    assert page.evaluate("document.activeElement.id") == "q"


FILTERS = """
    ann; ANN -wider; "claimed only"; author:bo; -author:bo; name:quant; path:2026-06-0; track:10min; bpb:<1.06;
    bpb:1.07; bpb:>=1.0532; bpb:1.06..1.08; delta:<0; p:<0.01; rank:1; seeds:>=3; seeds:3; size:>14.9m; size:15m;
    size:>15,000,001; size:.5m..20m; train:<600; held:yes; -held:yes; verdict:invalid; verdict:human; verdict:review;
    status:claimed; status:LOGGED; date:2026; date:2026-06; date:2026-06-02; after:2026-06-03; before:2026-06-03; zzz;
    after:2026-07; rule:score; ruling:waived; bytes-per-token:>2; nats:1e0..9; -bpb:<1.06 author:ann; author:"ann";
"""
REFUSED = ("autor:x", "bpb:<", "bpb:x", "bpb<1", "verdict:humna", "after:yesterday", "date:2026-02-30", "size:1g", '""')


def test_the_page_filters_as_the_grammar_of_the_board_does(page, home: str, tmp_path: Path):
    board = sites.board_of(sites.write_records(tmp_path))
    page.goto(home)
    for text in map(str.strip, FILTERS.split(";")):
        page.fill("#q", text)
        wanted = [safe(row.verdict.name or "")[:40] for row in board.rows if parse(text).matches(row)]
        assert [name[:40] for name in column(page, "name")] == wanted, text
        assert page.inner_text("#problem") == "", text
    for text in REFUSED:
        page.fill("#q", text)
        with pytest.raises(UsageError):
            parse(text)
        assert page.inner_text("#problem").startswith(text), text


def test_without_javascript_the_board_is_there_in_its_order(browser, home: str):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(home)
    assert page.locator("#board tbody tr").count() == len(sites.NAMES) + 2
    assert not page.is_visible("#filter") and page.locator("th button:enabled").count() == 0
    context.close()
