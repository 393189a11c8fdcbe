"""The site: no untrusted text is markup, numbers link to their lines, and the same board gives the same bytes."""

import base64
import hashlib
import json
import lzma
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golfcheck import site
from golfcheck.board.load import load_board
from golfcheck.board.model import Board
from golfcheck.core.errors import UsageError
from golfcheck.judging.config import JudgingSettings
from golfcheck.site.charts import progress, spread
from golfcheck.site.codepage import code_runs
from golfcheck.site.folder import SiteFolder
from golfcheck.site.names import slugs
from golfcheck.site.pages import published_paths
from golfcheck.site.textpage import MAX_CHARS, shown_lines
from golfcheck.submission.logtext import LogText
from golfcheck.submission.record import load
from tests.golfcheck import hostile_records, sites
from tests.golfcheck.submission.test_history import git
from tests.golfcheck.valid_record import Draft

ATOM = "{http://www.w3.org/2005/Atom}"
GITHUB = re.compile(r"https://github\.com/[A-Za-z0-9-]+")  # of an author: the one link that leaves a site
VOID = {"meta", "link", "input", "br", "img"}


class Page(HTMLParser):
    """What a page consists of: tags with their attributes, identifiers, the texts of style and script, all text."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.inside: list[str] = []
        self.code: dict[str, str] = {}
        self.text = ""
        self.feed(data.decode())
        self.close()
        assert self.inside == [], "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.inside.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.inside.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.inside and self.inside[-1] in ("style", "script") and not self.is_data:
            self.code[self.inside[-1]] = data
        if not self.is_data:
            self.text += data

    @property
    def is_data(self) -> bool:
        """Whether the current element is JSON for the script, which a browser does not execute."""
        return bool(self.inside) and self.inside[-1] == "script" and self.tags[-1][1].get("type") == "application/json"

    @property
    def scripts(self) -> int:
        return sum(tag == "script" and attributes.get("type") != "application/json" for tag, attributes in self.tags)

    @property
    def ids(self) -> set[str]:
        return {attributes["id"] for _, attributes in self.tags if "id" in attributes}

    @property
    def links(self) -> list[str]:
        return [attributes["href"] for _, attributes in self.tags if "href" in attributes]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sites.write_records(tmp_path_factory.mktemp("records"))


@pytest.fixture(scope="module")
def board(tree: Path) -> Board:
    return sites.board_of(tree)


@pytest.fixture(scope="module")
def built(board: Board, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("site")
    site.write(board, folder)
    return sites.files(folder)


def pages(built: dict[str, bytes]) -> dict[str, Page]:
    return {name: Page(data) for name, data in built.items() if name.endswith(".html")}


def test_every_page_allows_its_own_style_and_script_and_nothing_else(built: dict[str, bytes]):
    for page in pages(built).values():
        policies = [a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
        digest = {
            kind: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for kind, text in page.code.items()
        }
        assert policies == [
            f"default-src 'none'; style-src 'sha256-{digest['style']}'; script-src 'sha256-{digest['script']}'; "
            "base-uri 'none'; form-action 'none'"
        ]


def test_untrusted_markup_adds_no_element_and_no_attribute(built: dict[str, bytes]):
    files = pages(built)
    hostile = [page for page in files.values() if "window.owned" in page.text]
    assert len(hostile) >= 5  # the board, the record's page, and its files
    for page in files.values():
        tags = [tag for tag, _ in page.tags]
        assert page.scripts == tags.count("style") == 1
        assert "img" not in tags and "49 " not in page.text
        names = {name for _, attributes in page.tags for name in attributes}
        assert not {name for name in names if name.startswith("on")} and "style" not in names
        assert not [link for link in page.links if ":" in link.split("#")[0] and not GITHUB.fullmatch(link)]
    assert sites.MARKUP[:60] in files["index.html"].text


def test_no_page_loads_anything_from_other_sites(built: dict[str, bytes]):
    for name, data in built.items():
        text = re.sub(
            rb'<a href="https://github\.com/(?:ann|bo|cleo|golfer)"',
            b"",
            data.replace(b"http://www.w3.org/2005/Atom", b""),
        )
        assert not re.search(rb"https?:|url\((?!#)|@import|//[a-z]", text.replace(b"// ", b"")), name


def test_every_link_leads_to_a_file_and_a_line_of_the_site(built: dict[str, bytes]):
    files = pages(built)
    assert sum(link.partition("#")[2].startswith("L") for page in files.values() for link in page.links) > 100
    for name, page in files.items():
        for link in page.links:
            if GITHUB.fullmatch(link):
                continue
            path, _, anchor = link.partition("#")
            target = (Path("/") / name).parent.joinpath(path).resolve() if path else Path("/") / name
            file = str(target.relative_to("/"))
            assert file in built, (name, link)
            assert not anchor or anchor in files[file].ids, (name, link)


def test_a_score_is_linked_to_the_line_that_states_it(built: dict[str, bytes]):
    record = built["records/2026-06-04-quantized/index.html"].decode()
    for file, line, bpb in re.findall(r'href="(file-train-seed\d+-log\.html)#L(\d+)">(1\.0\d{4})<', record):
        shown = built[f"records/2026-06-04-quantized/{file}"].decode()
        stated = re.search(rf'id="L{line}"><a [^>]*>{line}</a> (.*)', shown)
        assert stated and f"val_bpb:{bpb}"[:-1] in stated[1]


def test_the_board_has_a_row_for_every_record_and_those_without_rank_last(built: dict[str, bytes], board: Board):
    rows = re.findall(r'<tr role="row" class="(held|off)">.*?data-v="(\d*)"', built["index.html"].decode(), re.DOTALL)
    assert len(rows) == len(board.rows) == len(sites.NAMES) + 2
    ranks = [int(rank) if rank else None for _, rank in rows]
    assert ranks == [row.rank for row in board.rows] and ranks[-1] is None
    assert [name == "held" for name, _ in rows] == [row.held for row in board.rows]


def test_the_same_board_gives_the_same_bytes_and_touches_no_file(board: Board, tmp_path: Path):
    site.write(board, tmp_path)
    first = sites.files(tmp_path)
    times = {name: (tmp_path / name).stat().st_mtime_ns for name in first if not name.startswith(".")}
    site.write(board, tmp_path)
    assert sites.files(tmp_path) == first
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in times} == times


def test_a_page_is_removed_with_its_record_and_other_files_are_kept(tree: Path, tmp_path: Path):
    both = sorted(tree.rglob("2026-06-0[12]_*"))
    settings = JudgingSettings(cache=False, jobs=1)
    site.write(load_board(both, settings), tmp_path)
    mine = tmp_path / "records" / "2026-06-02-wider" / "notes.html"
    mine.write_text("mine")
    site.write(load_board(both[:1], settings), tmp_path)
    assert [path.name for path in (tmp_path / "records" / "2026-06-02-wider").iterdir()] == ["notes.html"]
    assert (tmp_path / "records" / "2026-06-01-baseline" / "index.html").is_file()


def test_a_file_that_golfcheck_did_not_write_is_not_replaced(board: Board, tmp_path: Path):
    (tmp_path / "index.html").write_text("my home page")
    with pytest.raises(UsageError, match=r"index\.html: golfcheck did not write this file"):
        site.write(board, tmp_path)
    assert (tmp_path / "index.html").read_text() == "my home page"


def test_a_site_list_with_paths_outside_the_site_removes_nothing(board: Board, tmp_path: Path):
    (tmp_path / "precious.html").write_text("precious")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / ".golfcheck-site").write_text("../precious.html\nrecords/../../precious.html\n/etc/passwd\n")
    site.write(board, tmp_path / "site")
    assert (tmp_path / "precious.html").read_text() == "precious"


@pytest.mark.parametrize("link", ["records", "records/2026-06-01-baseline"])
def test_no_page_is_written_or_removed_where_a_folder_that_is_a_link_leads(link: str, board: Board, tmp_path: Path):
    outside, out = tmp_path / "outside", tmp_path / "site"
    for folder in (outside, outside / "old"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.html").write_text("precious")
    (out / link).parent.mkdir(parents=True)
    (out / link).symlink_to(outside)
    (out / ".golfcheck-site").write_text("records/old/index.html\nrecords/2026-06-01-baseline/index.html\n")
    before = sites.files(outside)
    with pytest.raises(UsageError, match="is a link, and pages would be written to its target"):
        site.write(board, out)
    with SiteFolder(out):
        pass  # removes the pages of records that are gone
    assert sites.files(outside) == before


@pytest.mark.parametrize("name", ["index.html", ".golfcheck-site"])
def test_a_file_of_the_site_that_is_a_link_is_not_written_through(name: str, board: Board, tmp_path: Path):
    outside, out = tmp_path / "outside", tmp_path / "site"
    outside.write_text("index.html\n")
    out.mkdir()
    (out / ".golfcheck-site").write_text("index.html\n")
    (out / name).unlink(missing_ok=True)
    (out / name).symlink_to(outside)
    if name == "index.html":  # listed as ours: the link is replaced
        site.write(board, out)
        assert not (out / name).is_symlink()
    else:
        with pytest.raises(UsageError, match="is a link"):
            site.write(board, out)
    assert outside.read_text() == "index.html\n"


def test_a_site_whose_own_folder_is_a_link_is_written_where_the_user_points(board: Board, tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    site.write(board, tmp_path / "link")
    assert (tmp_path / "real" / "index.html").is_file()


def test_an_interrupted_site_is_completed_by_the_next_run(board: Board, tmp_path: Path):
    calls = []

    def failing(path: Path):
        calls.append(path)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return load(path)

    with pytest.raises(KeyboardInterrupt):
        site.write(board, tmp_path, failing)
    assert not (tmp_path / "index.html").exists()
    site.write(board, tmp_path)
    assert (tmp_path / "index.html").is_file()


def test_the_feed_has_an_entry_for_each_record_that_took_the_lead_newest_first(built: dict[str, bytes], board: Board):
    root = ElementTree.fromstring(built["feed.xml"])
    entries = root.findall(f"{ATOM}entry")
    assert root.tag == f"{ATOM}feed" and len(entries) == len(board.frontier) == len(sites.NAMES)
    for element in (root, *entries):  # RFC 4287: what every feed and every entry must have, once
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{name}")) == 1
    times = [entry.findtext(f"{ATOM}updated") or "" for entry in entries]
    assert times == sorted(times, reverse=True) and root.findtext(f"{ATOM}updated") == times[0]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", time) for time in times)
    links = [link.attrib["href"] for entry in entries for link in entry.findall(f"{ATOM}link")]
    assert all(link in built for link in links)
    assert len({entry.findtext(f"{ATOM}id") for entry in entries}) == len(entries)


def test_data_json_has_every_record(built: dict[str, bytes], board: Board):
    data = json.loads(built["data.json"])
    shown = [Path(row["path"]) for row in data["rows"]]
    assert [path.name for path in shown] == [Path(row.verdict.path).name for row in board.rows]
    assert {path.parent for path in shown} == {Path("track_10min_16mb")}


def test_no_file_of_the_site_contains_local_paths(built: dict[str, bytes], tree: Path):
    assert [name for name, data in built.items() if str(tree.parent).encode() in data] == []
    assert published_paths(["records/a/b", "c"]) == ["records/a/b", "c"]
    assert published_paths(["/home/me/runs/track/one", "/home/me/runs/track/two"]) == ["track/one", "track/two"]


def test_a_chart_is_well_formed_and_has_no_styles_dates_or_colors_of_its_own(built: dict[str, bytes]):
    for name in ("index.html", "records/2026-06-04-quantized/index.html"):
        drawings = re.findall(r"<svg [^>]*role=.*?</svg>", built[name].decode(), re.DOTALL)
        assert drawings
        for drawing in drawings:
            root = ElementTree.fromstring(drawing)
            assert root.get("aria-label")
            for element in root.iter():
                assert "style" not in element.attrib and element.tag not in ("style", "metadata", "script")
                for paint in (element.get("fill"), element.get("stroke")):
                    assert paint is None or paint == "none" or paint.startswith("var(--"), (name, element.attrib)


def test_identifiers_are_unique_in_every_page(built: dict[str, bytes]):
    for name, page in pages(built).items():
        files = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(files) == len(set(files)), name


def test_headings_of_columns_name_their_scope_and_what_is_sorted_by(built: dict[str, bytes]):
    page = pages(built)["index.html"]
    heads = [attributes for tag, attributes in page.tags if tag == "th"]
    assert heads and all(attributes.get("scope") in ("row", "col") for attributes in heads)
    assert [attributes["data-key"] for attributes in heads if "aria-sort" in attributes] == ["rank"]


def test_no_page_of_hostile_records_has_an_active_or_hidden_character(tmp_path: Path):
    hostile_records.write_all(tmp_path / "records")
    built = sites.write_site(tmp_path / "records", tmp_path / "site")
    assert len([name for name in built if name.endswith("/index.html")]) == len(hostile_records.PAYLOADS)
    for name, data in built.items():
        text = data.decode()
        assert hostile_records.obeyed(text) == set(), name
        if name.endswith(".html"):
            page = Page(data)
            tags = [tag for tag, _ in page.tags]
            assert page.scripts == 1 and "img" not in tags, name
    ElementTree.fromstring(built["feed.xml"])


def test_a_name_in_another_script_is_drawn_as_it_is(tmp_path: Path):
    draft = Draft()
    draft.set(name="高速モデル 🏌 модель $α$")
    draft.write(tmp_path / "records")
    built = sites.write_site(tmp_path / "records", tmp_path / "site")
    assert "高速モデル 🏌 модель $α$</text>" in built["index.html"].decode()


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_day_beyond_every_chart_does_not_stop_a_page(tmp_path: Path, day: str):
    Draft(folder=f"{day}_Far").write(tmp_path / "records")
    Draft(folder="2026-06-01_Near", bpb_shift=0.01).write(tmp_path / "records")
    assert "index.html" in sites.write_site(tmp_path / "records", tmp_path / "site")


def test_losses_and_steps_beyond_every_chart_do_not_stop_a_page(tmp_path: Path):
    draft = Draft()
    draft.edit_logs("train_loss:", "train_loss:1e308 was:")
    draft.edit_logs("step:1000/20000 val_loss:2.1000", f"step:{10**15}/20000 val_loss:2.1000")
    draft.write(tmp_path / "records")
    assert "index.html" in sites.write_site(tmp_path / "records", tmp_path / "site")


def test_a_hundred_runs_do_not_make_an_endless_page(tmp_path: Path):
    draft = Draft()
    draft.set(seeds=None, seed_results=None)  # then every run counts
    for index in range(100):
        log = draft.log(42).replace(b"train_loss:1.9", b"train_loss:1.%d9" % index)
        draft.files[f"train_seed{10_000 + index}.log"] = log.replace(b"seed:42", b"seed:%d" % (10_000 + index))
    draft.set(val_bpb=None, val_loss=None, seeds=None, seed_results=None)  # a claim would say which runs it is of
    draft.write(tmp_path / "records")
    built = sites.write_site(tmp_path / "records", tmp_path / "site")
    page = built["records/2026-06-01-valid/index.html"]
    assert b"39 more runs have scores" in page and len(page) < 400_000
    assert len([name for name in built if "file-train-seed" in name]) == 24


def test_a_page_of_sixty_records_is_below_a_megabyte(tree: Path, tmp_path: Path):
    records = tmp_path / "records"
    for index in range(60):
        draft = Draft(bpb_shift=-0.002 * index, folder=f"2026-{1 + index // 28:02}-{1 + index % 28:02}_Record{index}")
        draft.set(name=f"Record {index} " + "with a long name that tells what is new " * 2)
        draft.write(records)
    from golfcheck.site.boardpage import board_page

    board = sites.board_of(records)
    page = board_page(board, {row.verdict.path: f"records/{index}/index.html" for index, row in enumerate(board.rows)})
    assert len(board.rows) == 60 and len(page) < 2**20


def test_a_long_log_shows_its_start_its_end_and_linked_lines():
    log = LogText("".join(f"line {number} {'x' * 90}\n" for number in range(1, 50_001)).encode())
    shown = list(shown_lines(log, {20_000, 30_000}))
    numbers = [line.number for line in shown]
    assert numbers[0] == 1 and numbers[-1] == 50_000 and {20_000, 30_000} <= set(numbers)
    assert numbers == sorted(set(numbers))
    texts = {line.number: "".join(text for _, text in line.runs) for line in shown}
    assert sum(map(len, texts.values())) < MAX_CHARS + 10_000
    assert sum(line.skipped for line in shown) + len(shown) == 50_000
    assert all(text.startswith(f"line {number} ") for number, text in texts.items())


SNIPPET = '@wrap\ndef run(x: int) -> str:\n    """Say."""\n    return f"{x:>{7}}"  # twice\n\tpass\n'


@pytest.mark.parametrize(
    "text", [SNIPPET, "", "\n\n", "x = 1", "def broken(:\n  '", "a\r\nb", "é = '\u202e'", "x" * 5_000]
)
def test_highlighted_code_is_the_text_itself_line_by_line(text: str):
    assert ["".join(part for _, part in runs) for runs in code_runs(text)] == text.replace("\r\n", "\n").expandtabs(
        4
    ).split("\n")


def test_code_is_highlighted_by_kind_of_token():
    kinds = {part.strip(): kind for runs in code_runs(SNIPPET) for kind, part in runs if part.strip()}
    assert kinds["@wrap"] == kinds["run"] == "name" and kinds["def"] == kinds["return"] == "keyword"
    assert kinds["# twice"] == "comment" and kinds["7"] in ("number", "string")


def test_a_records_page_has_its_blurb_its_author_its_code_and_the_record_it_was_compared_with(tmp_path: Path):
    for index, name in enumerate(("First", "Second")):
        draft = Draft(bpb_shift=0.02 - 0.02 * index, folder=f"2026-06-0{1 + index}_{name}")
        draft.set(name=f"{name} <try>", github_id="ann-x", blurb="Fewer & wider layers.")
        draft.write(tmp_path / "records")
    built = sites.write_site(tmp_path / "records", tmp_path / "site")
    record = Page(built["records/2026-06-02-second/index.html"])
    assert "Fewer & wider layers." in record.text and "https://github.com/ann-x" in record.links
    assert "../../records/2026-06-01-first/index.html" in record.links
    assert "file-train-gpt-py.html" in record.links
    assert '<b class="k-keyword">' in built["records/2026-06-02-second/file-train-gpt-py.html"].decode()


@pytest.mark.parametrize("login", ["../evil", "a b", "-x", "x" * 40, "javascript:x", "a--b"])
def test_an_impossible_github_login_is_not_linked(tmp_path: Path, login: str):
    draft = Draft()
    draft.set(github_id=login)
    draft.write(tmp_path / "records")
    assert (
        b"github.com"
        not in sites.write_site(tmp_path / "records", tmp_path / "site")["records/2026-06-01-valid/index.html"]
    )


def test_a_packed_script_has_a_page_of_what_it_unpacks(tmp_path: Path):
    draft = Draft()
    packed = base64.b85encode(lzma.compress(b"import torch\nprint('inside')\n")).decode()
    draft.files["train_gpt.py"] = f'import lzma, base64\nexec(lzma.decompress(base64.b85decode("{packed}")))\n'.encode()
    draft.write(tmp_path / "records")
    built = sites.write_site(tmp_path / "records", tmp_path / "site")
    page = Page(built["records/2026-06-01-valid/file-train-gpt-py-unpacked.html"])
    assert "print('inside')" in page.text and "the code that train_gpt.py unpacks and runs" in page.text


def test_a_pull_request_is_named_where_the_commit_that_brought_a_record_names_it(tmp_path: Path):
    draft = Draft()
    git(tmp_path, "init", "-q")
    git(tmp_path, "remote", "add", "origin", "https://github.com/openai/parameter-golf.git")
    draft.write(tmp_path / "records")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "Add a record (#1234)")
    built = sites.write_site(tmp_path / "records", tmp_path / "site")
    page = built["records/2026-06-01-valid/index.html"]
    assert b'href="https://github.com/openai/parameter-golf/pull/1234" rel="noopener">pull request #1234</a>' in page


def test_the_links_of_a_feed_are_absolute_if_the_address_of_the_site_is_given(board: Board, tmp_path: Path):
    site.write(board, tmp_path, url="https://example.org/golf/")
    root = ElementTree.fromstring((tmp_path / "feed.xml").read_bytes())
    links = [link.attrib["href"] for link in root.iter(f"{ATOM}link")]
    assert len(links) == 2 + len(sites.NAMES) and all(link.startswith("https://example.org/golf/") for link in links)


def test_an_outlier_does_not_squeeze_the_other_seeds(board: Board):
    ranked = [row for row in board.rows if row.takes_part]
    rows = [replace(row, seeds_bpb=(1.0, 1.0004, 1.0008)) for row in ranked * 5]
    pages = {row.verdict.path: "x" for row in rows}
    alone = spread(rows, pages)
    rows[0] = replace(rows[0], seeds_bpb=(1.0, 1.0004, 1.3))
    assert str(alone).count('<path d="M') and "farther" not in str(alone)
    drawn = str(spread(rows, pages))
    ticks = [set(re.findall(r">([+-]\d\.\d+)<", str(each))) for each in (alone, drawn)]
    assert ticks[0] == ticks[1] and "thousandths from the mean" in drawn
    two = [replace(rows[1], seeds_bpb=(1.0, 1.0003)), rows[1]]
    assert "thousandths from the mean" not in str(spread(two, pages)), "a little wider is not far outside"


def test_the_frontier_over_time_never_rises_even_if_records_share_a_day(tmp_path: Path):
    for number, shift in enumerate((0.0, -0.02, -0.04, -0.06)):
        draft = Draft(folder=f"2026-06-0{1 + (number == 3)}_Record{number}", bpb_shift=shift)
        draft.set(name=draft.folder)
        draft.write(tmp_path)
    board = load_board([tmp_path], JudgingSettings(cache=False, jobs=1))
    rows = [replace(row, held=True) for row in board.rows]
    best = replace(board, rows=tuple(row for row in rows if row.created == rows[-1].created)).frontier[-1]
    assert best.score_bpb == min(row.score_bpb or 9 for row in rows if row.created == rows[-1].created)
    assert [row.score_bpb for row in rows] == sorted(row.score_bpb or 0 for row in rows)
    drawing = ElementTree.fromstring(progress(rows, {row.verdict.path: "x" for row in rows})[0])
    line = next(path.attrib["d"] for path in drawing.iter("path") if path.attrib["stroke-width"] == "1.6")
    heights = [float(point.split()[1]) for point in line[1:].split("L")]
    assert heights == sorted(heights)  # pixels count downwards
    assert len(set(heights)) == len(rows)


def test_a_score_beyond_its_logged_seeds_is_drawn_inside_the_chart(tmp_path: Path):
    for folder, shift in (("2026-06-01_First", 0.0), ("2026-06-02_Rescored", -0.02)):
        draft = Draft(folder=folder, bpb_shift=shift)
        draft.set(name=folder)
        draft.write(tmp_path)
    rows = list(load_board([tmp_path], JudgingSettings(cache=False, jobs=1)).rows)
    rows = [replace(row, score_bpb=1.3) if "Rescored" in row.verdict.path else row for row in rows]
    drawing = ElementTree.fromstring(progress(rows, {row.verdict.path: "x" for row in rows})[0])
    height = float(drawing.attrib["viewBox"].split()[3])
    dots = [float(dot.attrib["cy"]) for dot in drawing.iter("circle")]
    assert len(dots) == 2
    assert all(30 < y < height - 30 for y in dots)


def test_a_dot_of_the_curves_is_always_a_validation(built: dict[str, bytes]):
    page = built["records/2026-06-04-quantized/index.html"].decode()
    training, validation = re.findall(r"<svg [^>]*role=.*?</svg>", page, re.DOTALL)
    assert "<circle" not in training and "<path" in training
    assert validation.count("<circle") == validation.count("<a href") > 3


@given(st.lists(st.text(max_size=90), unique=True, max_size=12))
def test_slugs_are_plain_and_unique_for_any_names(names: list[str]):
    files = slugs(names, "record")
    assert len(set(files)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) and len(slug) <= 81 for slug in files)


def test_no_name_can_take_the_slug_of_another():
    both = slugs(["A b", "a-b"], "record")
    assert len(set(slugs(["A b", "a-b", *both], "record"))) == 4


@pytest.mark.parametrize("package", ["jinja2", "markupsafe"])
def test_a_missing_package_gives_one_line_that_says_what_to_install(tree: Path, tmp_path: Path, package: str):
    program = f"import sys; sys.modules['{package}'] = None; from golfcheck.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "leaderboard", str(tree), "--no-cache", "--jobs", "1"]
    completed = subprocess.run(
        [*command, "--format", "html", "-o", str(tmp_path / "out")], capture_output=True, text=True
    )
    assert completed.returncode == 2 and not (tmp_path / "out").exists()
    assert f"leaderboard --format html needs {package}: pip install 'golfcheck[site]'" in completed.stderr
    assert "Traceback" not in completed.stderr


def test_the_command_writes_the_site(tree: Path, tmp_path: Path):
    command = [sys.executable, "-m", "golfcheck", "leaderboard", str(tree), "--no-cache", "--jobs", "1"]
    completed = subprocess.run(
        [*command, "--format", "html", "-o", str(tmp_path / "out")], capture_output=True, text=True
    )
    assert completed.returncode == 0, completed.stderr
    assert {"index.html", "data.json", "feed.xml"} <= set(sites.files(tmp_path / "out"))


def test_an_empty_board_is_a_page_too(tmp_path: Path):
    site.write(Board("written", None, ()), tmp_path)
    assert Page((tmp_path / "index.html").read_bytes()).ids >= {"board", "main"}
    ElementTree.fromstring((tmp_path / "feed.xml").read_bytes())


def test_the_pages_of_the_real_records_are_linked_throughout(shared_data: Path, tmp_path: Path):
    built = sites.write_site(shared_data / "records", tmp_path)
    files = pages(built)
    assert len([name for name in files if name.endswith("/index.html")]) == 28
    assert len(built["index.html"]) < 500_000
    record = "records/2026-03-25-valcalib-gptq-xsa-bigramhash3072"
    assert 'href="file-train-seed999-log.html#L66">600.14<' in built[f"{record}/index.html"].decode()
    assert "600137ms" in re.search(r'id="L66">.*', built[f"{record}/file-train-seed999-log.html"].decode())[0]
