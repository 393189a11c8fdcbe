"""Sources of two records are paired by their contents, and minified code is compared by its syntax tree."""

from pathlib import Path

from golfcheck.authoring.pack import pack
from golfcheck.comparison.codediff import code_diffs
from golfcheck.submission.record import Record, load

CODE = "".join(f"def layer_{i}(x):\n    # layer {i}\n    y = x * {i}\n    return y + {i}\n\n\n" for i in range(60))
HELPERS = "".join(f"class Helper{i}:\n    size = {i * i}\n\n\n" for i in range(40))


def record(folder: Path, **files: str | bytes) -> Record:
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(folder)


def paired(first: Record, second: Record) -> list[tuple[str | None, str | None, int]]:
    return [(diff.first, diff.second, diff.added + diff.removed) for diff in code_diffs(first, second)]


def test_a_renamed_file_is_compared_with_its_former_self(tmp_path: Path):
    one = record(tmp_path / "a", train_gpt="import helpers\n" + CODE, helpers=HELPERS)
    two = record(tmp_path / "b", train_gpt="import parts\n" + CODE, parts=HELPERS)
    assert paired(one, two) == [("train_gpt.py", "train_gpt.py", 2), ("helpers.py", "parts.py", 0)]


def test_a_script_is_compared_with_the_code_that_a_stub_runs(tmp_path: Path):
    one = record(tmp_path / "a", train_gpt=CODE)
    two = record(tmp_path / "b", train_gpt='exec(open("train_gpt_decode.py").read())\n', train_gpt_decode=CODE)
    assert paired(one, two) == [("train_gpt.py", "train_gpt_decode.py", 0), (None, "train_gpt.py", 1)]


def test_files_of_one_path_belong_together_however_much_was_changed(tmp_path: Path):
    one = record(tmp_path / "a", train_gpt=CODE)
    two = record(tmp_path / "b", train_gpt=HELPERS)
    assert [pair[:2] for pair in paired(one, two)] == [("train_gpt.py", "train_gpt.py")]


def test_unrelated_files_stand_alone(tmp_path: Path):
    one = record(tmp_path / "a", train_gpt="import helpers\n" + CODE, helpers=HELPERS)
    two = record(tmp_path / "b", train_gpt="import other\n" + CODE, other="print('nothing like it')\n" * 9)
    assert [pair[:2] for pair in paired(one, two)][1:] == [("helpers.py", None), (None, "other.py")]


def test_minified_code_differs_from_its_source_only_in_what_it_does(tmp_path: Path):
    one = record(tmp_path / "a", train_gpt=CODE)
    packed = pack({"train_gpt.py": CODE.replace("x * 7\n", "x * 8\n").encode()}).best.packed
    two = record(tmp_path / "b", train_gpt=packed)
    (diff,) = code_diffs(one, two)
    assert (diff.added, diff.removed) == (1, 1)
    assert any("layout, comments, docstrings and type annotations are ignored" in note for note in diff.notes)


def test_annotations_and_docstrings_that_packing_removes_are_no_difference(tmp_path: Path):
    source = (
        '"""A trainer."""\nimport dataclasses\n\n\n@dataclasses.dataclass\nclass Config:\n    """Settings."""\n\n'
        "    layers: int = 9\n    width: int = 512\n\n    def size(self) -> int:\n        return self.layers\n\n\n"
        'class Stop(Exception):\n    """Ends a run."""\n\n\n'
    )
    source += CODE.replace("(x):", "(x: float, *rest: int, **named: str) -> float:").replace("y = x", "y: float = x")
    source += "@triton.jit\ndef kernel(x, BLOCK: tl.constexpr):\n    return x\n"
    packed = pack({"train_gpt.py": source.encode()}).best.packed
    one = record(tmp_path / "a", train_gpt=source)
    two = record(tmp_path / "b", train_gpt=packed)
    assert [count for *_, count in paired(one, two)] == [0]
    other = source.replace("layers: int = 9", "layers: int = 10").replace("BLOCK: tl.constexpr", "BLOCK: int")
    three = record(tmp_path / "c", train_gpt=other)
    assert [count for *_, count in paired(three, two)] == [4]


def test_code_of_one_layout_is_compared_as_it_is_written(tmp_path: Path):
    one = record(tmp_path / "a", train_gpt=CODE)
    two = record(tmp_path / "b", train_gpt=CODE.replace("# layer 3\n", "# the third layer\n"))
    (diff,) = code_diffs(one, two)
    assert (diff.added, diff.removed, diff.notes) == (1, 1, ())
