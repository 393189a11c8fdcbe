"""README.md and docs/: links are valid, pages named in sources exist, and commands shown have valid arguments."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from golfcheck.commands import COMMANDS
from golfcheck.commands.parser import parser_of
from tests.conftest import ROOT

PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / ".github").rglob("*.md")),
    ROOT / "records" / "README.md",
]
REPOSITORY = "https://github.com/golfcheck/golfcheck/blob/main/"
PICTURES = "https://raw.githubusercontent.com/golfcheck/golfcheck/main/"
_LINK = re.compile(r"\]\(([^)\s]+)\)")
# The part of a line that is not arguments: a comment or an explanation after two spaces.
_TAIL = re.compile(r"\s+#.*|\s{2,}.*")


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_link_leads_to_a_file_of_the_repository_or_to_the_web(page: Path):
    for target in _LINK.findall(page.read_text()):
        for base in (REPOSITORY, PICTURES):
            if target.startswith(base):
                assert (ROOT / target.removeprefix(base).partition("#")[0]).exists(), target
        if not target.startswith(("http://", "https://", "#", "mailto:")):
            assert (page.parent / target.partition("#")[0]).exists(), target


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_every_link_to_a_section_leads_to_one_of_its_headings(page: Path):
    for target in _LINK.findall(page.read_text()):
        address, _, anchor = target.removeprefix(REPOSITORY).partition("#")
        if anchor and not address.startswith(("http://", "https://")):
            other = ROOT if target.startswith(REPOSITORY) else page.parent
            assert anchor in anchors(other / address if address else page), target


def test_every_page_that_a_source_names_is_in_the_repository():
    sources = [path for folder in ("golfcheck", "reference", "tests") for path in (ROOT / folder).rglob("*.py")]
    named = {
        (page, names(path)) for path in sources for page in re.findall(r"docs/[a-z-]+[.]md", path.read_text("utf-8"))
    }
    assert {(page, path) for page, path in named if not (ROOT / page).is_file()} == set()


def commands(page: Path) -> Iterator[str]:
    """Yield the lines of fenced blocks that begin with golfcheck, with or without a prompt."""
    for block in re.findall(r"^```[a-z]*\n(.*?)^```", page.read_text(), flags=re.M | re.S):
        for line in block.splitlines():
            text = line.strip().removeprefix("$ ").removeprefix(".venv/bin/")
            if text.startswith("golfcheck ") and text.split()[1] in COMMANDS:
                yield _TAIL.sub("", text)


SHOWN = [(page, line) for page in PAGES for line in commands(page)]


def test_the_pages_show_every_command():
    assert {line.split()[1] for _, line in SHOWN} >= set(COMMANDS) - {"completion"}


@pytest.mark.parametrize(("page", "line"), SHOWN, ids=[f"{page.stem}: {line}" for page, line in SHOWN])
def test_every_command_that_a_page_shows_has_arguments_that_golfcheck_takes(page: Path, line: str):
    words = shlex.split(line.replace("[", "").replace("]", ""))
    parser_of(words[1]).parse_args(words[2:])
