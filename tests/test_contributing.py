"""CONTRIBUTING.md: its example network and callback pass the tests that find them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# The class that each package has to export, and the module that defines it.
EXPORTS = {
    "eegsk/networks/__init__.py": ("log_power_net", ["LogPowerNet"]),
    "eegsk/__init__.py": ("estimators", ["LogPowerNetClassifier", "LogPowerNetRegressor"]),
    "eegsk/callbacks/__init__.py": ("gradient_noise", ["GradientNoise"]),
}
FOUND_BY = ["test_contract", "test_fast_paths", "test_docstrings", "test_checkpoint"]
NAMES = "LogPowerNet or log_power_net or GradientNoise or gradient_noise"


def blocks():
    """Return the Python code by the path in its first line."""
    code = re.findall(r"^```python\n# (\S+)\n(.*?)^```", CONTRIBUTING, re.MULTILINE | re.DOTALL)
    return dict(code)


def add_files(folder):
    """Write the code to its files; code for an existing file is added at its end."""
    for path, code in blocks().items():
        file = folder / path
        if path == "eegsk/estimators.py":
            code = f"from .networks import LogPowerNet\n\n\n{code}"
        with file.open("a", encoding="utf-8") as stream:
            stream.write(code)


def add_exports(folder):
    """Import the classes in the packages, and add them to ``__all__``."""
    for path, (module, names) in EXPORTS.items():
        file = folder / path
        text = file.read_text(encoding="utf-8")
        text += f"\nfrom .{module} import {', '.join(names)}  # noqa: E402\n\n__all__ += {names}\n"
        file.write_text(text, encoding="utf-8")


def test_files_in_tables_exist():
    """All files except the new ones."""
    names = re.findall(r"`((?:eegsk|tests|docs|examples|benchmarks|\.ci)/\S*?)`", CONTRIBUTING)
    missing = {name for name in names if "_build" not in name and not (ROOT / name).exists()}
    assert missing == blocks().keys() - {"eegsk/estimators.py"}


@pytest.mark.slow
def test_example_network_and_callback(tmp_path):
    for name in ("eegsk", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    add_files(tmp_path)
    add_exports(tmp_path)
    new = [path for path in blocks() if path.startswith("tests/")]
    tests = [*(f"tests/{name}.py" for name in FOUND_BY), *new]
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-m", "slow or not slow", "-k", NAMES]
    command += tests
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:]
    n_passed = int(re.search(r"(\d+) passed", done.stdout).group(1))
    assert n_passed > 50, done.stdout
