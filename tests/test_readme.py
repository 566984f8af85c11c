"""README.md: commands, links, tables and code blocks."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    """Return the code blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_readme_has_two_commands():
    """``.ci/run`` runs the first as "try it" and the second as "test it"."""
    assert [block.count("\n") for block in blocks("bash")] == [1, 1]


def test_links_of_readme_exist():
    """Files and headings; pages of the internet are not opened."""
    targets = [name for name in re.findall(r"\]\(([^)\s]+)\)", README) if "://" not in name]
    headings = re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    anchors = {f"#{heading.lower().replace(' ', '-')}" for heading in headings}
    assert "docs/_static/readme.png" in targets
    assert [name for name in targets if name not in anchors and not (ROOT / name).exists()] == []


def test_badges_say_what_pyproject_says():
    with open(ROOT / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    assert read_badge("python") == f"python: {project['requires-python'].removeprefix('>=')}+"
    assert read_badge("licence") == f"licence: {project['license']}"


def read_badge(name):
    """Return the title of a badge."""
    text = (ROOT / "docs" / "_static" / f"badge-{name}.svg").read_text(encoding="utf-8")
    return re.search("<title>(.*)</title>", text).group(1)


@pytest.mark.slow
def test_readme_code_runs(tmp_path, monkeypatch):
    """Run the blocks in order in one session, as a reader does."""
    monkeypatch.chdir(tmp_path)
    session = {"__name__": "__main__"}
    for number, block in enumerate(blocks("python"), start=1):
        exec(compile(block, f"README.md, python block {number}", "exec"), session)
    assert session["scores"].mean() > 0.7
    assert session["search"].best_params_["activation"] in ("relu", "leaky_relu", "elu")
    assert len(session["stopped"].history_) <= session["stopped"].max_epochs
