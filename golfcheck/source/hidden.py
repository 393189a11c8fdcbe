"""Where a source runs code that no Python source shows: compiled libraries, unpickled functions, other import paths."""

from collections.abc import Collection, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from golfcheck.source import syntax
from golfcheck.source.bindings import BindingKind
from golfcheck.source.handedon import MAX_USES
from golfcheck.source.nodes import argument_of, literal, name_text, shown
from golfcheck.source.scope import Scope

if TYPE_CHECKING:
    from tree_sitter import Node

_LIBRARY = "loads a compiled library"
_COMPILES = "compiles code of another language, which is not read"
_TEXT = "runs a text that is not read"
_RUNS = {
    **dict.fromkeys(("ctypes.CDLL", "ctypes.PyDLL", "ctypes.WinDLL", "ctypes.cdll.LoadLibrary"), _LIBRARY),
    **dict.fromkeys(("torch.ops.load_library", "torch.classes.load_library", "cffi.FFI"), _LIBRARY),
    "importlib.machinery.ExtensionFileLoader": _LIBRARY,
    **dict.fromkeys(("torch.utils.cpp_extension.load", "torch.utils.cpp_extension.load_inline"), _COMPILES),
    **dict.fromkeys(("torch.jit.load", "torch.export.load", "torch.package.PackageImporter"), "loads a saved program"),
    "torch.hub.load": "loads code from elsewhere",
    **dict.fromkeys(("timeit.timeit", "timeit.repeat", "timeit.Timer", "cProfile.run", "profile.run"), _TEXT),
    **dict.fromkeys(("cProfile.runctx", "pdb.run", "pdb.runeval", "doctest.testfile"), _TEXT),
    **dict.fromkeys(
        ("yaml.unsafe_load", "yaml.unsafe_load_all", "pkgutil.resolve_name"), "makes objects that a text names"
    ),
    **dict.fromkeys(("site.addsitedir", "site.addpackage"), "changes where modules are imported from"),
}
# What is unpickled may be a function, and unpickling may run one: a model is only data, and to call it is not.
_UNPICKLERS = frozenset(
    "pickle.load pickle.loads _pickle.load _pickle.loads pickle.Unpickler dill.load dill.loads cloudpickle.load "
    "cloudpickle.loads joblib.load torch.load numpy.load pandas.read_pickle shelve.open".split()
)
_TIMERS = frozenset(("timeit.timeit", "timeit.repeat", "timeit.Timer"))
_TIMED = ("stmt", "setup")  # a text, or a function; without one, nothing runs
# Loaders of YAML that make only plain values; any other makes objects that the text names.
_YAML = ("yaml.load", "yaml.load_all")
_SAFE_LOADERS = frozenset(f"yaml.{c}{kind}Loader" for c in ("", "C") for kind in ("Safe", "Base", "Full"))
# Variables by which a process that is started runs other code.
_VARIABLES = frozenset(("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "LD_PRELOAD"))
_ENDS = frozenset(name[-4:].encode() for name in _VARIABLES)
_MAX_KEY_BYTES = 32
_SETTERS = frozenset(("setdefault", "putenv", "__setitem__"))
_IMPORT_STATE = {"path": "sys.path", "meta_path": "sys.meta_path", "path_hooks": "sys.path_hooks"}
_ADD = ("append", "insert", "extend")
_OF_OWN_FOLDER = frozenset(
    "__file__ os path dirname abspath realpath join str Path pathlib resolve parent parents sys insert".split()
)
_MAX_CHAIN = 16
_MAX_PARTS = 256


def hidden_code(scope: Scope, shipped: Collection[str]) -> Iterator[tuple["Node", str]]:
    """Yield each place where code may run that no source shows, and what it does."""
    for call, name in scope.calls:
        if name in _TIMERS and all(_is_function(argument_of(call, at, key), scope) for at, key in enumerate(_TIMED)):
            continue
        if name in _RUNS:
            yield call, f"{name}() {_RUNS[name]}"
        elif name in ("pickle.loads", "_pickle.loads") and _is_constant(call, scope):
            yield call, "unpickles a constant, which may name any function"
        elif name in _YAML and scope.dotted(argument_of(call, 1, "Loader")) not in _SAFE_LOADERS:
            yield call, f"{name}() makes objects that a text names"
        elif name == "" and (maker := _maker(call.child_by_field_name("function"), scope)):
            yield call, f"calls what {maker}() returns"
    uses = scope.uses(_IMPORT_STATE) if b"sys" in scope.source else []
    if len(uses) > MAX_USES:
        yield uses[0], f"uses the name path, or its like, more than {MAX_USES} times"
    for use in uses[:MAX_USES]:
        if reason := _import_path(use, scope, shipped):
            yield use, reason
    for node, variable in _variables(scope):
        yield node, f"sets {variable}, by which a process that it starts runs other code"


def _variables(scope: Scope) -> Iterator[tuple["Node", str]]:
    """Yield where a variable of the environment is set, as a key or a keyword; reading one is harmless."""
    if not any(name.encode() in scope.source for name in _VARIABLES):
        return
    strings = syntax.captures(scope.source).get("string", ())
    short = (node for node in strings if node.end_byte - node.start_byte <= _MAX_KEY_BYTES)
    keys = islice((node for node in short if scope.source[node.start_byte : node.end_byte][-5:-1] in _ENDS), MAX_USES)
    for node in [*scope.uses(_VARIABLES)[:MAX_USES], *(key for key in keys if literal(key) in _VARIABLES)]:
        parent = node.parent
        around = parent.parent if parent is not None else None
        if parent is None or around is None:
            continue
        if node.type == "identifier":
            is_set = parent.type == "keyword_argument" and parent.child_by_field_name("name") == node
        elif parent.type == "argument_list":
            function = around.child_by_field_name("function")
            member = function.child_by_field_name("attribute") if function is not None else None
            is_set = (member or function) is not None and name_text(member or function) in _SETTERS
        elif parent.type == "subscript":
            is_set = around.type == "assignment" and around.child_by_field_name("left") == parent
        else:
            is_set = parent.type == "pair" and parent.child_by_field_name("key") == node
        if is_set:
            yield node, name_text(node).strip("'\"")


def _is_function(node: "Node | None", scope: Scope) -> bool:
    """Tell whether an argument is a function of the source, or is not given."""
    if node is not None and node.type == "identifier":
        binding = scope.bound(node)
        if binding is not None and binding.node.type == "function_definition":
            return True
        node = binding.value if binding is not None and binding.kind is BindingKind.VALUE else node
    return node is None or node.type == "lambda" or (node.type == "call" and _is_partial(node, scope))


def _is_partial(call: "Node", scope: Scope) -> bool:
    return scope.dotted(call.child_by_field_name("function")) == "functools.partial"


def _is_constant(call: "Node", scope: Scope) -> bool:
    node = argument_of(call)
    if node is not None and node.type == "identifier":
        node = scope.assigned(node)
    return node is not None and literal(node) is not None


def _maker(node: "Node | None", scope: Scope) -> str:
    """Return the function that unpickles what is called, `pickle.loads(data)()`, `made["run"]()`; "" for any other."""
    for _ in range(_MAX_CHAIN):
        if node is None:
            return ""
        if node.type == "identifier":
            node = scope.assigned(node)
            if node is None or node.type == "identifier":
                return ""
        elif node.type == "parenthesized_expression":
            node = node.named_children[0] if len(node.named_children) == 1 else None
        elif node.type == "subscript":
            node = node.child_by_field_name("value")
        elif node.type == "call":
            function = node.child_by_field_name("function")
            name = scope.dotted(function)
            if name in _UNPICKLERS:
                return name
            is_method = function is not None and function.type == "attribute"  # `np.load(path).item()`
            node = function.child_by_field_name("object") if function is not None and is_method else None
        else:
            return ""
    return ""


def _import_path(use: "Node", scope: Scope, shipped: Collection[str]) -> str:
    """Say how a use of sys.path changes where modules are imported from; "" for one that reads it, or adds a folder."""
    around = use.parent
    is_member = around is not None and around.type == "attribute" and around.child_by_field_name("attribute") == use
    whole = around if around is not None and is_member else use
    if scope.dotted(whole) not in _IMPORT_STATE.values():
        return ""
    name, parent = scope.dotted(whole), whole.parent
    if parent is not None and parent.type == "subscript" and parent.child_by_field_name("value") == whole:
        whole, parent = parent, parent.parent
    if parent is None:
        return ""
    if parent.type in ("assignment", "augmented_assignment") and parent.child_by_field_name("left") == whole:
        value = parent.child_by_field_name("right")
    elif parent.type == "attribute" and name_text(parent.child_by_field_name("attribute")) in _ADD:
        call = parent.parent
        value = call.child_by_field_name("arguments") if call is not None and call.type == "call" else None
    else:
        return ""
    if name == "sys.path" and value is not None and _is_shipped_folder(value, shipped):
        return ""
    return f"changes {name}, from which modules are imported: {shown(value if value is not None else whole)}"


def _is_shipped_folder(value: "Node", shipped: Collection[str]) -> bool:
    """Tell whether an expression can only be the folder of the source, or one of shipped sources in it."""
    names: set[str] = set()
    pending = [value]
    for _ in range(_MAX_PARTS):
        if not pending:
            break
        node = pending.pop()
        if node.type == "string":
            folder = literal(node)
            if not isinstance(folder, str):
                return False
            if folder not in ("", ".", "..") and not any(path.startswith(f"{folder}/") for path in shipped):
                return False
        elif node.type == "identifier":
            names.add(name_text(node))
        pending += node.named_children if node.type != "string" else []
    return not pending and bool("__file__" in names or not names) and names <= _OF_OWN_FOLDER
