"""The shape of the source: who imports whom, what is loaded when, and that no cell's name stands below the language."""

import ast
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

import conveyor as cv
from conveyor import backends
from conveyor.backends.cpu.codegen import emit
from conveyor.backends.reference import evaluate
from conveyor.ir.ops import OPS

ROOT = Path(cv.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# Data moves down this list; a module may import what stands above it, and its own package.
LAYERS = [
    ["errors", "moved"],
    ["scalars"],
    ["atomic_write", "ir"],
    ["views"],
    ["frontend"],
    ["cells", "operators"],
    ["backends"],
    ["runtime"],
    ["states"],
    ["torch_ops"],
    ["layers"],
    ["sequences"],
    ["interop"],
    ["inspect"],
    ["testing"],
    ["tasks"],
    ["forecast"],
    ["build"],
    ["doctor"],
    ["bench"],
    ["cli"],
    ["__main__"],
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
# The same within these packages.
INNER = {
    "ir": ["ops", "types", "printer", "verify", "program", "parser", "canonical", "transforms"],
    "backends": ["param_layout", "interface", "lowering", "reference", "cpu"],
    "backends.cpu": ["codegen", "runtime"],
}
NO_TORCH = ("ir", "views", "frontend", "cells", "operators", "backends/lowering", "backends/cpu/codegen", "runtime")


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """The modules of conveyor that a file imports, wherever in it, type checking aside."""
    tree = ast.parse(path.read_text())
    checking = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in checking:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "conveyor":
            base = node.module.split(".")[1:]
            found |= {".".join([*base, alias.name]) if not base else ".".join(base) for alias in node.names}
            found |= {".".join([*base, a.name]) for a in node.names if (ROOT.joinpath(*base, a.name + ".py")).exists()}
        elif isinstance(node, ast.Import):
            found |= {a.name.removeprefix("conveyor.") for a in node.names if a.name.startswith("conveyor.")}
    return found


def foreign(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    named = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module and n.level == 0}
    named |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    return {name.split(".")[0] for name in named}


def test_imports_are_written_in_full() -> None:
    """A relative import would escape the reading above."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_one_way(path: Path) -> None:
    module = module_of(path)
    top = module.split(".")[0]
    if not module:
        return  # the package itself names everything, lazily
    assert top in RANK, f"say in LAYERS where {top} stands"
    for imported in imports(path):
        above = imported.split(".")[0]
        assert above == top or RANK[above] < RANK[top], f"{module} imports {imported}"


@pytest.mark.parametrize("package", INNER)
def test_imports_point_one_way_within_a_package(package: str) -> None:
    rank = {f"{package}.{name}": k for k, name in enumerate(INNER[package])}
    seen = set()
    for path in FILES:
        own = next((name for name in rank if f"{module_of(path)}.".startswith(f"{name}.")), None)
        seen.add(own)
        for imported in imports(path) if own else ():
            other = next((name for name in rank if f"{imported}.".startswith(f"{name}.")), own)
            assert rank[other] <= rank[own], f"{module_of(path)} imports {imported}"
    assert seen > rank.keys()


def test_backends_do_not_import_each_other_or_cells() -> None:
    for path in (ROOT / "backends").rglob("*.py"):
        module = module_of(path)
        own = module.split(".")[1] if "." in module else ""
        for imported in imports(path):
            parts = imported.split(".")
            assert parts[0] not in ("cells", "frontend", "layers"), f"{module} imports {imported}"
            if own and parts[0] == "backends" and len(parts) > 1:
                assert parts[1] == own or parts[1] not in backends.NAMES, f"{module} imports {imported}"


def test_the_compiler_imports_no_torch() -> None:
    free = [p for name in NO_TORCH for p in (ROOT / name).rglob("*.py")]
    assert len(free) > 50
    for path in free:
        assert "torch" not in foreign(path), path


WORDS = {*cv.cells, "gru", "lstm", "rnn", "peephole", "xlstm", "elman"}


def test_no_cells_name_stands_below_the_language() -> None:
    # The pictures, too, are made from the program alone.
    folders = ("ir", "views", "backends", "torch_ops", "inspect")
    paths = [path for name in folders for path in sorted((ROOT / name).rglob("*.py"))]
    pattern = re.compile(rf"(?<![a-z])({'|'.join(sorted(WORDS, key=len, reverse=True))})(?![a-z])", re.IGNORECASE)
    for path in paths:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            # torch keeps its packed sequences in a module of that name.
            said = line.replace("torch.nn.utils.rnn", "")
            assert not pattern.search(said), f"{path.name}:{number}: {line.strip()}"


@pytest.mark.parametrize("table", [evaluate, emit], ids=["torch", "llvm"])
def test_every_backends_table_covers_every_operation(table) -> None:
    inline = {"broadcast"} if table is evaluate else set()
    assert {*table.POINTWISE, *table.READERS} | inline == set(OPS)
    assert not set(table.POINTWISE) & set(table.READERS)


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    "use",
    [
        "",
        "cv.cells['lstm'].program.text",
        "cv.cells['gru'].latex(); cv.cells['mgu'].parameters(3, 4)",
        "cv.cell(lambda x, h: cv.tanh(cv.affine('a', x, h))).program.verify()",
    ],
)
def test_import_is_light(use: str) -> None:
    heavy = ("torch", "llvmlite", "numpy", "typer", "rich")
    code = f"import sys, conveyor as cv\n{use}\nprint([m for m in {heavy} if m in sys.modules])"
    assert run(code).strip() == "[]"


def test_public_names_are_there_and_documented() -> None:
    assert cv.__version__
    for name in cv.__all__:
        value = getattr(cv, name)
        assert name == "__version__" or value.__doc__, name
    with pytest.raises(AttributeError, match="'conveyor' has no attribute 'lstm'"):
        cv.lstm  # noqa: B018


def test_type_checkers_see_the_same_public_names() -> None:
    tree = ast.parse((ROOT / "__init__.py").read_text())
    block = next(n for n in tree.body if isinstance(n, ast.If))
    seen = {alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == set(cv.__all__) - {"__version__"}


def test_files_are_small_and_finished() -> None:
    for path in FILES:
        text = path.read_text()
        assert len(text.splitlines()) <= 500, f"{path} is long"
        assert not re.search(
            r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError$|except.*:\s*pass$", text, re.MULTILINE
        ), path


def test_cells_is_a_mapping_however_it_is_reached() -> None:
    code = "import conveyor.layers, conveyor as cv; import conveyor.cells.lstm; print(cv.cells['lstm'].name, len(cv.cells), 'gru' in cv.cells)"
    assert run(code).split() == ["lstm", str(len(cv.cells)), "True"]


def test_every_folder_of_tests_is_collected(pytestconfig: pytest.Config) -> None:
    """A test is run by the folder's name alone: none of ours is among those that pytest leaves out."""
    left_out = pytestconfig.getini("norecursedirs")
    folders = {path.parent.name for path in Path(__file__).parent.rglob("test_*.py")}
    assert {"build", "cpu", "layers"} <= folders
    for name in folders:
        assert not any(fnmatch(name, pattern) for pattern in left_out), name
