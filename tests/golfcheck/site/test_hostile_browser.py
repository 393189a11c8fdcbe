"""The whole hostile corpus in a real browser: a probe in each page would notice any script, and any attempt at one."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from golfcheck import site
from golfcheck.queue.build import QueueRequest, build_queue
from tests.golfcheck import hostile_records, sites
from tests.golfcheck.hostile_text import PAYLOADS
from tests.golfcheck.repositories import TRACK, Repo, record
from tests.golfcheck.site.test_site_browser import browser, playwright, pytestmark  # noqa: F401 - fixtures

# Runs before anything of a page does. What the content policy refuses is reported as well: nothing may even try.
PROBE = """
window.noticed = [];
const notice = what => window.noticed.push(what);
document.addEventListener("securitypolicyviolation", event => notice(`refused: ${event.violatedDirective}`));
window.addEventListener("error", event => notice(`error: ${event.message}`));
for (const name of ["alert", "confirm", "prompt", "open", "fetch", "setTimeout"]) {
    const real = window[name];
    window[name] = (...values) => { if (typeof values[0] === "string") notice(name); return real(...values); };
}
Object.defineProperty(window, "owned", { set: () => notice("owned"), configurable: false });
"""
# What could still run later: handlers, addresses that are scripts, elements that load or redirect.
IN_THE_TREE = """() => {
    const bad = [];
    for (const element of document.querySelectorAll("*")) {
        for (const { name, value } of element.attributes) {
            if (name.startsWith("on")) bad.push(`${element.localName} ${name}`);
            const address = ["href", "src", "action", "formaction", "data", "xlink:href"].includes(name);
            if (address && /^\\s*(?:javascript|data|vbscript):/i.test(value)) bad.push(`${element.localName} ${value}`);
        }
        if (["iframe", "object", "embed", "base", "frame", "portal"].includes(element.localName)) {
            bad.push(element.localName);
        }
        if (element.localName === "form" && element.hasAttribute("action")) bad.push("form");
        if (element.localName === "meta" && /refresh/i.test(element.httpEquiv)) bad.push("refresh");
    }
    return bad;
}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The pages of a site of all hostile records, one log of each, and of one with markup in every place."""
    records, folder = tmp_path_factory.mktemp("records"), tmp_path_factory.mktemp("site")
    hostile_records.write_all(records / "corpus")
    sites.write_records(records / "markup")
    site.write(sites.board_of(records), folder)
    # A page takes 0.2 s; the logs of a record's other seeds differ in their numbers only.
    return [path for path in sorted(folder.rglob("*.html")) if not re.search(r"seed(42|2025)\b", path.name)]


@pytest.fixture(scope="module")
def queue_pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The pages of a queue in which each pull request adds a record whose every text is one of the payloads."""
    repo = Repo(tmp_path_factory.mktemp("queue") / "golf.git")
    base = {"README.md": "the contest"} | record("2026-06-01_First")
    start = repo.commit(base)
    repo.ref("refs/heads/main", start)
    for number, label in enumerate(PAYLOADS, 10):
        draft = hostile_records.draft(label, number)
        # mktree reads one line a name: names that hold line ends are left to the payloads of the texts
        files = {
            f"{TRACK}/2026-06-02_{number}/{path}": data for path, data in draft.files.items() if path.isprintable()
        }
        repo.pull(number, base | files | {f"{label} {sites.MARKUP.replace('/', '')}": "beside the records"}, start)
    folder = tmp_path_factory.mktemp("site")
    site.write_queue(build_queue(QueueRequest(repo.path, jobs=1)), folder)
    return sorted(folder.rglob("*.html"))


def noticed(browser: "playwright.Browser", paths: list[Path]) -> dict[str, list[str]]:  # noqa: F811
    """Return what the probe noticed, by page, for pages where it noticed anything."""
    context = browser.new_context()
    context.add_init_script(PROBE)
    page = context.new_page()
    seen: list[str] = []
    page.on("dialog", lambda dialog: (seen.append("dialog"), dialog.dismiss()))
    page.on("request", lambda request: None if request.url.startswith("file:") else seen.append(request.url[:80]))
    page.on("pageerror", lambda error: seen.append(f"error: {error}"))
    page.on("popup", lambda _: seen.append("popup"))
    notices = {}
    for path in paths:
        seen.clear()
        page.goto("file://" + quote(str(path)))
        what = [*seen, *page.evaluate("() => window.noticed"), *page.evaluate(IN_THE_TREE)]
        if what:
            notices[path.name] = what
    context.close()
    return notices


def test_no_page_of_hostile_records_runs_or_tries_to_run_anything(
    browser: "playwright.Browser",  # noqa: F811
    pages: list[Path],
) -> None:
    assert len(pages) > len(hostile_records.PAYLOADS)
    assert noticed(browser, pages) == {}


def test_no_page_of_a_queue_of_hostile_records_runs_or_tries_to_run_anything(
    browser: "playwright.Browser",  # noqa: F811
    queue_pages: list[Path],
) -> None:
    assert len(queue_pages) > len(PAYLOADS)
    assert noticed(browser, queue_pages) == {}


@pytest.mark.parametrize(
    ("hole", "sign"),
    [
        ("<script>window.owned=1</script>", "refused"),
        ("<img src=x onerror='window.owned=1'>", "img onerror"),
        ("<svg onload='window.owned=1'></svg>", "svg onload"),
        ("<a href='javascript:window.owned=1'>x</a>", "a javascript"),
        ("<iframe srcdoc='<script>1</script>'></iframe>", "iframe"),
        ("<img src='http://evil.example/x'>", "refused"),
        ("<meta http-equiv=refresh content='9;url=http://evil.example/'>", "refresh"),
    ],
)
def test_the_probe_notices_a_hole(
    hole: str,
    sign: str,
    browser: "playwright.Browser",  # noqa: F811
    pages: list[Path],
    tmp_path: Path,
) -> None:
    board = next(path for path in pages if path.name == "index.html")
    text = board.read_text(encoding="utf-8")
    assert "</body>" in text
    (tmp_path / "hole.html").write_text(text.replace("</body>", f"{hole}</body>"), encoding="utf-8")
    notices = noticed(browser, [tmp_path / "hole.html"])
    assert any(what.startswith(sign) for what in notices["hole.html"]), notices
