"""Structure of the package: imports, sizes of modules, and docs/development/design.md."""

import ast
import graphlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import eegsk

ROOT = Path(eegsk.__file__).parent
DESIGN = ROOT.parent / "docs" / "development" / "design.md"
MODULES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}

# A module imports from its own layer and those above it in this list, never from one below.
LAYERS = [
    "_epochs_pickling _imports _locks _registry metrics",
    "_fields",
    "_arguments _epochs _steps _targets _validation alignment augmentation compose datasets losses "
    "model_selection recordings signals",
    "blocks",
    "networks",
    "weights",
    "training",
    "callbacks",
    "base",
    "loading persistence",
    "tasks",
    "any_network estimators",
    "display exporting recipes streaming",
    "eegsk",
]
LAYER_OF = {unit: number for number, units in enumerate(LAYERS) for unit in units.split()}

MAX_MODULE_LINES, MAX_FUNCTION_LINES, USUAL_FUNCTION_LINES = 400, 45, 25


def tree_of(module):
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def unit_of(module):
    """Return the top-level module or package that a module belongs to, e.g. "blocks"."""
    return [*module.split("."), "eegsk"][1]


def imports_of(module):
    """Return the modules of eegsk that a module imports, also inside of functions."""
    is_package = MODULES[module].name == "__init__.py"
    imported = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".")[: len(module.split(".")) - node.level + is_package]
            source = ".".join([*package * bool(node.level), *(node.module or "").split(".")])
            source = source.rstrip(".")
            members = {f"{source}.{alias.name}" for alias in node.names}
            imported |= (members & MODULES.keys()) or {source}
    return imported & MODULES.keys()


def functions_of(module):
    """Return the number of lines of each function without its docstring, by name and line."""
    n_lines = {}
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = node.body[0] if ast.get_docstring(node) is not None else None
            n_doc = doc.end_lineno - doc.lineno + 1 if doc else 0
            n_lines[f"{node.name}, line {node.lineno}"] = node.end_lineno - node.lineno + 1 - n_doc
    return n_lines


# Imports


def test_layers_contain_each_module_once():
    units = [unit for row in LAYERS for unit in row.split()]
    modules = {unit_of(module) for module in MODULES}
    assert sorted(units) == sorted(set(units)), "LAYERS contains a module twice."
    assert set(units) - modules == set(), "LAYERS contains modules that do not exist."
    assert modules - set(units) == set(), "LAYERS lacks modules; add them to their layer."


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_one_way(module):
    for imported in imports_of(module):
        assert LAYER_OF[unit_of(imported)] <= LAYER_OF[unit_of(module)], (
            f"{module} imports {imported}, which is in a later layer; see LAYERS."
        )


def test_there_is_no_import_cycle():
    graph = {module: imports_of(module) - {module} for module in MODULES}
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(MODULES)
    assert {"eegsk.signals", "eegsk.blocks"} <= graph["eegsk.networks.eegnet"]
    assert "eegsk.networks" in graph["eegsk.base"]


def optional_packages():
    """Return the import names of the packages of all extras."""
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    required = {re.match(r"[\w-]+", item).group() for item in project["dependencies"]}
    extras = {
        re.match(r"[\w-]+", item).group()
        for items in project["optional-dependencies"].values()
        for item in items
    }
    return sorted(name.replace("-", "_") for name in extras - required - {"eegsk"})


PROGRAM = f"""
import importlib.machinery, sys

class Finder(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, *args):
        is_optional = name.partition(".")[0] in {optional_packages()}
        return None if is_optional else super().find_spec(name, *args)

sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = Finder
for name in {list(MODULES)}:
    importlib.import_module(name)
import eegsk, numpy as np
X, y = np.random.default_rng(0).standard_normal((8, 3, 48)), np.arange(8) % 2
print(eegsk.EEGNetClassifier(max_epochs=1).fit(X, y).predict(X).shape)
"""


def test_optional_packages_are_optional():
    """Import all modules and fit in a process in which no package of an extra can be imported."""
    assert {"braindecode", "matplotlib", "pandas"} <= set(optional_packages())
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("(8,)\n", "")


# Modules and functions


@pytest.mark.parametrize("module", MODULES)
def test_modules_and_functions_are_short(module):
    n_lines = len(MODULES[module].read_text(encoding="utf-8").splitlines())
    assert n_lines <= MAX_MODULE_LINES, f"{module} has {n_lines} lines; divide it."
    long = {name: n for name, n in functions_of(module).items() if n > MAX_FUNCTION_LINES}
    assert long == {}, f"{module} has functions with more than {MAX_FUNCTION_LINES} lines."


def test_nine_in_ten_functions_are_under_25_lines():
    lengths = sorted(n for module in MODULES for n in functions_of(module).values())
    assert lengths[int(0.9 * len(lengths))] < USUAL_FUNCTION_LINES


@pytest.mark.parametrize("module", [m for m in MODULES if unit_of(m) not in {"blocks", "losses"}])
def test_only_blocks_and_losses_define_forward(module):
    names = {name.split(",")[0] for name in functions_of(module)}
    assert not names & {"forward", "backward"}, f"{module} computes; move the layer to blocks."


@pytest.mark.parametrize("module", MODULES)
def test_modules_have_a_summary(module):
    summary = ast.get_docstring(tree_of(module)).splitlines()[0]
    assert summary.endswith(".")


@pytest.mark.parametrize("module", [m for m in MODULES if MODULES[m].name == "__init__.py"])
def test_exports_are_explicit_and_sorted(module):
    (names,) = (
        ast.literal_eval(node.value)
        for node in tree_of(module).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
    )
    assert names == sorted(names)


# docs/development/design.md


@pytest.fixture(scope="module")
def design():
    return DESIGN.read_text(encoding="utf-8")


def paths_in(text):
    """Return the paths of modules and folders, relative to the package, e.g. "blocks/"."""
    return set(re.findall(r"(?<![\w/.`#-])`?((?:\w+/)+(?:\w+\.py)?|\w+\.py)(?![\w(/])", text))


def test_paths_in_design_exist(design):
    paths = {path for path in paths_in(design) if not path.startswith(("eegsk/", "tests/"))}
    missing = {path for path in paths if not (ROOT / path).exists()}
    assert len(paths) > 30
    assert missing == set(), f"{DESIGN.name} names modules or folders that do not exist."


def test_design_names_every_folder(design):
    folders = {f"{path.parent.relative_to(ROOT).as_posix()}/" for path in MODULES.values()}
    missing = folders - {"./"} - paths_in(design)
    assert missing == set(), f"{DESIGN.name} does not name these folders; describe them there."


def test_layers_in_design_are_those_of_the_code(design):
    table = design.partition("## Layers of imports")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    layers = [re.findall(r"`(\w+)(?:/|\.py)`", row) for row in rows]
    expected = [sorted(row.split()) for row in LAYERS[:-1]] + [["__init__"]]
    assert [sorted(row) for row in layers] == expected, f"Update the table in {DESIGN.name}."


def test_functions_in_design_exist(design):
    names = {name.rpartition(".")[2] for name in re.findall(r"([A-Za-z_.]+)\(\)", design)}
    classes = {
        node.name
        for module in MODULES
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.ClassDef)
    }
    functions = {name.split(",")[0] for module in MODULES for name in functions_of(module)}
    missing = names - functions - classes - {"backward"}  # that of torch
    assert len(names) > 20
    assert missing == set(), f"{DESIGN.name} names functions that do not exist."
