"""The import-layering test: which folder of golfcheck may import which, and what a fresh `golfcheck --help` loads.

The table lists the folders as in docs/architecture.md. A folder imports only folders below it, and of these only the
ones in its row. Imports inside functions and under TYPE_CHECKING count too, and so do modules named in strings.
"""

import ast
import functools
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from golfcheck.core.ruleset import SCRIPT_LINES
from tests.clock import HANG_SECONDS
from tests.conftest import ROOT

LAYERS = """
    cli            ← commands core
    commands       ← tui site render authoring queue board rescore box judging rules comparison submission trainlog
                     untrusted datacheck data reference core
    tui            ← tui.screens tui.widgets tui.drawing queue board judging submission core
    tui.screens    ← tui.widgets tui.drawing render live queue board judging comparison submission reference core
    tui.widgets    ← tui.drawing live board judging submission core
    tui.drawing    ← render live queue board rules comparison submission core
    site           ← render live queue board rules submission trainlog source reference core
    render         ← queue board rescore judging rules comparison core
    authoring      ← submission trainlog source core
    live           ← board submission trainlog core
    queue          ← board judging comparison submission trainlog source core
    board          ← judging comparison submission core
    rescore        ← box judging submission trainlog source untrusted datacheck reference core
    box            ← core
    judging        ← rules comparison submission trainlog source core
    rules          ← comparison submission trainlog source core
    comparison     ← submission source core
    submission     ← trainlog source core
    trainlog       ← reference core
    source         ← core
    untrusted      ← core
    datacheck      ← reference core
    data           ← reference core
    reference      ←
    core           ←
"""

# Third-party packages that are slow to import or used in one place: who may import them, at the top or in a function.
OTHERS = {
    "torch": {
        *(
            f"rescore.{name}"
            for name in ("activations", "attention", "devices", "measure", "probes", "sound", "weights")
        ),
        *("rescore.boxed", "rescore.boxes", "rescore.twin", "box.kernel"),
        "commands.doctor",
    },
    "git": {"core.gitprocess"},
    "jsonschema": {"core.schema"},
    "textual": {"tui"},
    "huggingface_hub": {"data.hub", "data.throughput"},
    "httpx2": {"data.throughput"},
    "scipy": set(),
    "matplotlib": set(),
    "jinja2": {"site.template"},
}
HEAVY = ("torch", "numpy", "textual", "git", "jsonschema", "scipy", "rich")


@functools.cache
def layers() -> dict[str, list[str]]:
    """Return the table above as folder → folders it may import, in the order of the table."""
    rows = " ".join(LAYERS.split()).replace(" ←", "←").split("←")
    table: dict[str, list[str]] = {}
    for row, after in pairwise(rows):
        name, is_last = row.split()[-1], after is rows[-1]
        table[name] = after.split() if is_last else after.split()[:-1]
    return table


def modules(package: str) -> Iterator[tuple[str, Path]]:
    """Yield (dotted name inside the package, file) for each of its sources."""
    for path in sorted((ROOT / package).rglob("*.py")):
        parts = path.relative_to(ROOT / package).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts), path


@functools.cache
def imports(path: Path) -> frozenset[str]:
    """Return the dotted names that a source imports, wherever in it; `from a import b` is a.b."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names}
    return frozenset(names)


_MODULE = re.compile(rf"golfcheck\.(?:{'|'.join(map(re.escape, layers()))})\.\w*")


@functools.cache
def uses(path: Path) -> frozenset[str]:
    """Return the modules of golfcheck that a source imports, and those that it names in a string.

    Such a string, or the beginning of one, is for `import_module` or for a child process that runs the module.
    """
    constants = {
        node.value for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Constant)
    }
    strings = {value for value in constants if isinstance(value, str) and _MODULE.fullmatch(value)}
    return frozenset({name for name in imports(path) if name.startswith("golfcheck.")} | strings)


@functools.cache
def folder_of(name: str) -> str:
    """Return the row of the table that a dotted name inside golfcheck falls under: the longest that begins it."""
    rows = [row for row in layers() if name == row or name.startswith(f"{row}.")]
    return max(rows, key=len, default=name.partition(".")[0])


GOLFCHECK = {name: path for name, path in modules("golfcheck") if not name.startswith("reference")}


@pytest.mark.parametrize("name", [name for name in GOLFCHECK if name not in ("__init__", "__main__")])
def test_a_module_imports_only_what_the_row_of_its_folder_allows(name: str):
    table, own = layers(), folder_of(name)
    assert own in table, f"{own} has no row in the table of {Path(__file__).name}: add what it may import"
    ours = {other.removeprefix("golfcheck.") for other in uses(GOLFCHECK[name])}
    foreign = {other for other in ours if folder_of(other) != own and other != "__version__"}
    assert {other for other in foreign if folder_of(other) not in table[own]} == set()


def test_a_folder_imports_only_folders_below_it():
    table = layers()
    order = list(table)
    for position, (folder, below) in enumerate(table.items()):
        assert [other for other in below if order.index(other) <= position] == [], folder


def test_every_row_is_an_existing_folder_and_lists_only_what_it_imports():
    used: dict[str, set[str]] = {}
    for name, path in GOLFCHECK.items():
        others = {other.removeprefix("golfcheck.") for other in uses(path)}
        used.setdefault(folder_of(name), set()).update(map(folder_of, others))
    for folder, below in layers().items():
        assert folder == "reference" or folder in used, f"there is no golfcheck/{folder}"
        assert set(below) - used.get(folder, set()) == set(), f"{folder} no longer imports these"


def test_there_are_no_import_cycles():
    module_names = set(GOLFCHECK)
    graph = {
        name: {
            next(module for module in (inner, inner.rpartition(".")[0]) if module in module_names)
            for other in imports(path)
            if (inner := other.removeprefix("golfcheck.")) in module_names or inner.rpartition(".")[0] in module_names
        }
        - {name}
        for name, path in GOLFCHECK.items()
    }
    while leaves := {name for name, below in graph.items() if not below & graph.keys()}:
        graph = {name: below for name, below in graph.items() if name not in leaves}
    assert graph == {}


def test_few_modules_are_at_the_top_level_and_none_exceeds_300_lines():
    assert {name for name in GOLFCHECK if "." not in name and GOLFCHECK[name].parent == ROOT / "golfcheck"} == {
        "__init__",
        "__main__",
        "cli",
    }
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for base in ("golfcheck", "reference")
        for _, path in modules(base)
    }
    assert {path: count for path, count in lines.items() if count > 300} == {}
    assert lines["reference/train.py"] <= SCRIPT_LINES  # the contest's limit for a script


def test_the_judge_never_imports_the_scripts_that_compose_the_trainer():
    for name, path in GOLFCHECK.items():
        forbidden = ("golfcheck.reference.train", "golfcheck.reference.run")
        assert not {other for other in imports(path) if other.startswith(forbidden)}, name


@pytest.mark.parametrize("package", OTHERS)
def test_third_party_packages_are_imported_only_where_allowed(package: str):
    importers = {
        name for name, path in GOLFCHECK.items() for other in imports(path) if other.partition(".")[0] == package
    }
    allowed = OTHERS[package]
    assert {name for name in importers if name not in allowed and name.partition(".")[0] not in allowed} == set()


def test_one_module_starts_git():
    def starts_git(node: ast.AST) -> bool:
        first = node.elts[0] if isinstance(node, ast.List | ast.Tuple) and node.elts else None
        return isinstance(first, ast.Constant) and first.value == "git"

    starters = {name for name, path in GOLFCHECK.items() if any(map(starts_git, ast.walk(ast.parse(path.read_text()))))}
    assert starters == {"core.gitprocess"}


def test_golfcheck_imports_itself_by_full_names():
    for name, path in GOLFCHECK.items():
        assert not {other for other in imports(path) if other.startswith((".", "reference"))}, name


# The trainer, a folder that can be copied.


def test_the_trainers_modules_are_leaves_that_only_run_and_train_combine():
    files = dict(modules("reference"))
    siblings = {name: {other.strip(".").partition(".")[0] for other in imports(path)} for name, path in files.items()}
    leaves = files.keys() - {"__init__", "run", "train", "predictor"}
    for name in leaves:
        assert not siblings[name] & files.keys(), name
    assert siblings["run"] & files.keys() <= leaves
    assert siblings["train"] & files.keys() <= leaves | {"run"}
    assert siblings["predictor"] & files.keys() == {"artifact", "model"}  # what golfcheck starts, not the trainer
    assert siblings["run"] | siblings["train"] >= leaves | {"run"}, "no run uses the others"


def test_the_trainer_knows_neither_its_package_nor_the_judge():
    for name, path in modules("reference"):
        imported = imports(path)
        assert not {other for other in imported if other.startswith((".", "reference", "golfcheck"))}, name


def test_no_module_of_the_trainer_hides_one_of_the_standard_library():
    assert {name for name, _ in modules("reference")} & sys.stdlib_module_names == set()


# What is actually loaded.


def loaded_by(*arguments: str) -> set[str]:
    """Run golfcheck in a fresh interpreter; return the top-level modules that it has loaded."""
    program = (
        "import sys; from golfcheck.cli import main; code = main(sys.argv[1:]); "
        "print(code, *{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, *arguments]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANG_SECONDS)
    code, *names = completed.stderr.split()
    assert code == "0", completed.stderr
    return set(names)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]], ids=" ".join)
def test_the_first_page_loads_nothing_heavy(arguments: list[str]):
    assert loaded_by(*arguments) & set(HEAVY) == set()


def test_verify_loads_only_what_the_core_installs(tmp_path: Path):
    from tests.golfcheck import folders

    folders.make(tmp_path)
    assert loaded_by("verify", "--no-cache", str(tmp_path)) & {"torch", "numpy", "textual", "scipy"} == set()
