"""Who may know whom (design: architecture.md, Laws), read from the sources; and what a fresh `golfcheck --help` loads.

A row says what a module, or a package with all in it, may import of ours: `render ← verdict` lets every file in
`golfcheck/render/` import `golfcheck/verdict.py`. Imports inside functions count like those at the top.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

ARROWS = """
The vocabulary knows nothing of ours.
    verdict          ←
    errors           ←
    ruleset          ←
    stats            ←
    text             ←
    terminal         ←
    suggest          ←
    textfiles        ← errors
    stdlib_text      ←

Reading what was submitted: bytes → facts. No rule is known here.
    bounded          ← verdict
    strictjson       ←
    schema           ←
    submission       ←
    trainlog         ← reference.loglines
    decoders         ←
    syntax           ←
    static           ← decoders
    unwrap           ← decoders static syntax
    wrap             ← syntax
    nodes            ←
    program          ← nodes syntax
    validation_path  ← nodes program
    code             ← decoders static syntax unwrap verdict
    discover         ← errors
    history          ← discover errors
    record           ← bounded code errors schema strictjson submission trainlog verdict
    cache            ← bounded record schema

Judging: facts → verdict.
    results          ← record stats trainlog
    frontier         ← record results ruleset stats verdict
    rules            ← code frontier history nodes program record results ruleset stats submission trainlog
                       validation_path verdict wrap
    summary          ← record results ruleset stats trainlog verdict
    verify           ← errors frontier history record results rules ruleset summary trainlog verdict
    outcome          ← verdict
    gain             ← errors record results ruleset stats
    calibrated       ←
    config           ← discover errors render ruleset suggest
    decisions        ← discover errors schema strictjson
    judged           ← cache frontier history record results ruleset verdict verify
    processes        ← errors judged
    batch            ← cache config decisions discover errors frontier history judged processes ruleset suggest
                       verdict verify
    leaderboard      ← decisions outcome verdict
    rows             ← batch decisions frontier gain judged leaderboard ruleset verdict
    board            ← batch config discover leaderboard rows ruleset
    curves           ← record results trainlog
    series           ← curves
    logtext          ← bounded trainlog
    follow           ←
    pace             ← leaderboard record results trainlog
    watch            ← curves follow pace results trainlog
    query            ← decisions errors leaderboard outcome suggest
    patience         ←
    codediff         ← code patience record
    diff             ← codediff frontier record results verdict
    fix              ← jsonedit record results strictjson submission
    jsonedit         ← strictjson

Printing: data types → text.
    markers          ← errors
    progress         ← text
    render           ← __version__ codediff decisions diff gain leaderboard outcome rescore.report ruleset text verdict
    site             ← bounded curves errors gain leaderboard logtext outcome record render results rules ruleset
                       stats text trainlog verdict reference.files

Data, and making records.
    shardwriter      ← reference.data
    tokenizing       ← reference.data
    dataset          ← errors shardwriter stdlib_text textfiles tokenizing
                       reference.bpb reference.data reference.files
    datacheck        ← errors reference.bpb reference.data
    hub              ← errors reference.data
    newrecord        ← errors render results ruleset text trainlog reference.loglines

Other people's artifacts.
    untrusted        ← errors ruleset
    rescore          ← bounded cache code datacheck discover errors record schema strictjson submission syntax trainlog
                       untrusted
                       reference.artifact reference.bpb reference.data reference.files reference.model reference.ranks
                       reference.settings

The screens: they show what others return.
    tui              ← board bounded cache calibrated codediff config curves diff errors leaderboard logtext outcome
                       pace query record render results rules series text verdict watch reference.files

The front: commands may know everything, and nobody knows them.
    cli              ← __version__ errors parser suggest terminal text
    parser           ← errors suggest
    __main__         ← cli
    __init__         ←
    commands         ← *
"""

# Packages of others that are slow to load or kept in one place: who may import them, at the top or in a function.
OTHERS = {
    "torch": {
        *(f"rescore.{name}" for name in ("attention", "devices", "measure", "probes", "sound", "weights")),
        "commands.doctor",
    },
    "git": {"history"},
    "jsonschema": {"schema"},
    "textual": {"tui"},
    "huggingface_hub": {"hub"},
    "scipy": set(),
    "matplotlib": {"site.svg", "site.charts"},
    "jinja2": {"site.template"},
}
HEAVY = ("torch", "numpy", "textual", "git", "jsonschema", "scipy", "rich")


def arrows() -> dict[str, set[str]]:
    """Return the table above as module → what it may import."""
    table: dict[str, set[str]] = {}
    for match in re.finditer(r"^    (\w+) +←((?: .*)?(?:\n {20,}.*)*)$", ARROWS, re.MULTILINE):
        table[match[1]] = set(match[2].split())
    return table


def modules(package: str) -> Iterator[tuple[str, Path]]:
    """Yield (dotted name inside the package, file) for each of its sources."""
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT / package).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts), path


def imports(path: Path) -> set[str]:
    """Return the dotted names that a source imports, wherever in it; `from a import b` is a.b."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names}
    return found


def allows(row: set[str], name: str) -> bool:
    """Whether a row lets `name` be imported; `render` lets golfcheck.render.page be."""
    inside = name.removeprefix("golfcheck.")
    return "*" in row or any(inside == known or inside.startswith(f"{known}.") for known in row)


@pytest.mark.parametrize("name", [name for name, _ in modules("golfcheck")])
def test_a_module_imports_only_what_its_row_allows(name: str):
    path = dict(modules("golfcheck"))[name]
    own = name.partition(".")[0]
    assert own in arrows(), f"{own} has no row in the table of {Path(__file__).name}: say what it may import"
    ours = {found for found in imports(path) if found.startswith(("golfcheck.", "reference."))}
    foreign = {found for found in ours if not found.startswith(f"golfcheck.{own}.") and found != f"golfcheck.{own}"}
    assert {found for found in foreign if not allows(arrows()[own], found)} == set()


def test_every_row_is_of_a_module_that_exists():
    existing = {name.partition(".")[0] for name, _ in modules("golfcheck")}
    assert set(arrows()) - existing == set()


def test_nobody_imports_the_commands_or_the_terminal_interface():
    front = ("golfcheck.commands", "golfcheck.tui")
    for name, path in modules("golfcheck"):
        if not name.startswith(("commands", "tui")):
            assert not {found for found in imports(path) if found.startswith(front)}, name


def test_the_judge_never_imports_the_composer_of_the_trainer():
    for name, path in modules("golfcheck"):
        assert not {found for found in imports(path) if found.startswith("reference.train")}, name


@pytest.mark.parametrize("package", OTHERS)
def test_a_package_of_others_is_imported_only_where_it_may_be(package: str):
    found = {
        name for name, path in modules("golfcheck") for known in imports(path) if known.partition(".")[0] == package
    }
    assert {
        name for name in found if name not in OTHERS[package] and name.partition(".")[0] not in OTHERS[package]
    } == set()


def test_golfcheck_imports_itself_by_full_names():
    for name, path in modules("golfcheck"):
        assert not {found for found in imports(path) if found.startswith(".")}, name


# The trainer: a folder that can be copied.


def test_the_trainers_modules_are_leaves_that_only_train_composes():
    leaves = {name for name, _ in modules("reference")} - {"__init__", "train"}
    for name, path in modules("reference"):
        found = {known.strip(".").partition(".")[0] for known in imports(path)}
        if name == "train":
            assert found >= leaves, f"train.py does not compose {leaves - found}"
        else:
            assert not found & (leaves | {"train"}), name


def test_the_trainer_knows_neither_its_package_nor_the_judge():
    for name, path in modules("reference"):
        found = imports(path)
        assert not {known for known in found if known.startswith((".", "reference", "golfcheck"))}, name


def test_no_module_of_the_trainer_hides_one_of_the_standard_library():
    assert {name for name, _ in modules("reference")} & sys.stdlib_module_names == set()


# What is loaded in the end.


def loaded_by(*arguments: str) -> set[str]:
    """Run golfcheck in a fresh interpreter; return the top-level modules that it has loaded."""
    program = (
        "import sys; from golfcheck.cli import main; code = main(sys.argv[1:]); "
        "print(code, *{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    code, *names = done.stderr.split()
    assert code == "0", done.stderr
    return set(names)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]], ids=" ".join)
def test_the_first_page_loads_nothing_heavy(arguments: list[str]):
    assert loaded_by(*arguments) & set(HEAVY) == set()


def test_verify_loads_only_what_the_core_installs(tmp_path: Path):
    from tests.golfcheck import folders

    folders.make(tmp_path)
    assert loaded_by("verify", "--no-cache", str(tmp_path)) & {"torch", "numpy", "textual", "scipy"} == set()
