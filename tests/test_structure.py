"""The house: which way imports run, how long things may be, who computes, what is needed."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

import eegsk

ROOT = Path(eegsk.__file__).parent
MODULES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}

# A module imports from its own layer and those above it in this list, never from one below.
LAYERS = [
    "_registry metrics",
    "_fields",
    "_targets _validation augmentation datasets losses model_selection signals",
    "blocks",
    "networks",
    "training",
    "callbacks",
    "base",
    "tasks",
    "any_network estimators",
    "display recipes",
    "eegsk",
]
LAYER_OF = {unit: number for number, units in enumerate(LAYERS) for unit in units.split()}
OPTIONAL = [
    "braindecode",
    "dask",
    "hypothesis",
    "matplotlib",
    "moabb",
    "numpydoc",
    "onnx",
    "pandas",
]


def tree_of(module):
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


def unit_of(module):
    """Return the module or package in ``eegsk`` that a module belongs to."""
    return [*module.split("."), "eegsk"][1]


def imports_of(module):
    """Return the modules of eegsk that a module imports, anywhere in it."""
    is_package = MODULES[module].name == "__init__.py"
    found = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            home = module.split(".")[: len(module.split(".")) - node.level + is_package]
            source = ".".join([*home * bool(node.level), *(node.module or "").split(".")])
            source = source.rstrip(".")
            members = {f"{source}.{alias.name}" for alias in node.names}
            found |= (members & MODULES.keys()) or {source}
    return found & MODULES.keys()


def functions_of(module):
    """Return the functions of a module, by name, with how many lines of code each has."""
    found = {}
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = node.body[0] if ast.get_docstring(node) is not None else None
            n_doc = doc.end_lineno - doc.lineno + 1 if doc else 0
            found[f"{node.name}, line {node.lineno}"] = node.end_lineno - node.lineno + 1 - n_doc
    return found


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_one_way(module):
    """A new module fails here until it has a place in LAYERS."""
    for imported in imports_of(module):
        assert LAYER_OF[unit_of(imported)] <= LAYER_OF[unit_of(module)], imported


def test_no_import_cycle():
    graph = {module: imports_of(module) - {module} for module in MODULES}
    assert len(list(graphlib.TopologicalSorter(graph).static_order())) == len(MODULES)
    assert {"eegsk.signals", "eegsk.blocks"} <= graph["eegsk.networks.eegnet"]
    assert "eegsk.networks" in graph["eegsk.base"]


@pytest.mark.parametrize("module", MODULES)
def test_modules_and_functions_are_short(module):
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= 400
    assert {name: n for name, n in functions_of(module).items() if n > 45} == {}


def test_nine_functions_in_ten_are_under_25_lines():
    lengths = sorted(n for module in MODULES for n in functions_of(module).values())
    assert lengths[int(0.9 * len(lengths))] < 25


@pytest.mark.parametrize("module", [m for m in MODULES if unit_of(m) not in {"blocks", "losses"}])
def test_only_blocks_and_losses_compute(module):
    names = {name.split(",")[0] for name in functions_of(module)}
    assert not names & {"forward", "backward"}


@pytest.mark.parametrize("module", MODULES)
def test_modules_say_what_they_are_for(module):
    summary = ast.get_docstring(tree_of(module)).splitlines()[0]
    assert summary.endswith((".", "?"))


@pytest.mark.parametrize("module", [m for m in MODULES if MODULES[m].name == "__init__.py"])
def test_exports_are_explicit_and_sorted(module):
    (names,) = (
        ast.literal_eval(node.value)
        for node in tree_of(module).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
    )
    assert names == sorted(names)


PROGRAM = f"""
import importlib.machinery, sys

class Finder(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, *args):
        return None if name.partition(".")[0] in {OPTIONAL} else super().find_spec(name, *args)

sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = Finder
for name in {list(MODULES)}:
    importlib.import_module(name)
import eegsk, numpy as np
X, y = np.random.default_rng(0).standard_normal((8, 3, 48)), np.arange(8) % 2
print(eegsk.EEGNetClassifier(max_epochs=1).fit(X, y).predict(X).shape)
"""


def test_optional_packages_are_not_needed():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("(8,)\n", "")
