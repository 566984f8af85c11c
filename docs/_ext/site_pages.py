"""Sphinx extension that writes the pages derived from the code and from other files.

It writes the API page, the glossary of hyper-parameters, and the pages whose text is that of
CONTRIBUTING.md, SECURITY.md, CHANGELOG.md and benchmarks/README.md, before Sphinx reads the pages.
"""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from network_table import network_section
from numpydoc.docscrape import NumpyDocString
from related_names import see_also

import eegsk
from eegsk import networks
from eegsk.base import EEGEstimator
from eegsk.tasks import Classifier, Regressor

DOCS = Path(__file__).parents[1]

# Public modules of the API page in this order, with a title. Modules that are not in this table
# follow at the end; INTERNAL modules have no page.
TITLES = {
    "eegsk": "Estimators",
    "eegsk.recipes": "Recipes",
    "eegsk.callbacks": "Callbacks",
    "eegsk.augmentation": "Augmentation",
    "eegsk.losses": "Losses",
    "eegsk.metrics": "Metrics",
    "eegsk.model_selection": "Model selection",
    "eegsk.compose": "Composition",
    "eegsk.display": "Displays",
    "eegsk.alignment": "Alignment",
    "eegsk.streaming": "Streaming",
    "eegsk.recordings": "Trials in files",
    "eegsk.datasets": "Data sets",
    "eegsk.networks": "Networks",
    "eegsk.blocks": "Blocks",
}
INTERNAL = {
    "any_network",
    "base",
    "loading",
    "persistence",
    "weights",
    "tasks",
    "estimators",
    "exporting",
    "signals",
    "training",
}
NAMES = {
    "eegsk.metrics": ["nrmse", "nrmse_by_output"],
}
# Entries of objects that are neither classes nor functions.
DATA = {
    "eegsk.metrics": """.. py:data:: nrmse_scorer

   Scorer for ``scoring`` in cross-validation and searches: the negative of :func:`nrmse`, because a
   larger score is better for scikit-learn.""",
}
# Subsections of a module; other names of the module follow.
GROUPS = {
    "eegsk.callbacks": {
        "Optimisation": ["SAM", "GradientClipping", "MixedPrecision"],
        "Averages of weights": ["SWA", "EMA"],
        "Learning rate": ["CosineWarmRestarts", "CosineWarmup", "OneCycle"],
        "Class imbalance": ["FocalBalance"],
        "Monitoring": ["EarlyStopping", "Checkpoint", "EpochMetric"],
        "Base class": ["TrainingCallback", "StopTraining"],
    },
}
# Order of the examples in the gallery; others follow.
EXAMPLES = """
    quickstart subject_leak leaks own_network activations early_stopping baselines
    reaction_times rare_events many_classes two_electrodes augmentation calibration
    scikit_learn_displays sliding_windows large_data stream alignment transfer new_subjects
    saving learned_filters
""".split()  # noqa: SIM905
# Files outside of docs/ that become pages: page, file, title (None for that of the file).
PAGES = {
    "development/contributing.md": ("CONTRIBUTING.md", None),
    "development/security.md": ("SECURITY.md", None),
    "whats_new.md": ("CHANGELOG.md", "What's new"),
    "_generated/benchmarks.md": ("benchmarks/README.md", ""),
}
PAGE_OF = {
    "CONTRIBUTING.md": "development/contributing.md",
    "SECURITY.md": "development/security.md",
    "CHANGELOG.md": "whats_new.md",
    "benchmarks/README.md": "results.md",
}


def setup(app: Any) -> dict[str, Any]:
    """Register the extension."""
    app.connect("config-inited", write_pages)  # before Sphinx and autosummary look for pages
    app.connect("source-read", link_pages)
    app.connect("autodoc-skip-member", skip_inherited)
    app.connect("autodoc-process-docstring", add_see_also, priority=100)  # before numpydoc
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_pages(app: Any, config: Any) -> None:
    """Write all derived pages."""
    write(DOCS / "api" / "index.rst", api_page())
    write(DOCS / "api" / "glossary.rst", glossary_page())
    write(DOCS / "_generated" / "networks.md", network_section())
    for page, (file, title) in PAGES.items():
        write(DOCS / page, copied_page(page, file, title))


def write(path: Path, text: str) -> None:
    """Write a file if its text has changed, so that Sphinx reads only changed pages again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def skip_inherited(app: Any, what: str, name: str, member: Any, skip: bool, options: Any) -> bool:
    """Skip members that eegsk does not define, and properties, which are attributes."""
    defined_in = getattr(member, "__module__", None) or ""
    return skip or not defined_in.startswith("eegsk") or not inspect.isroutine(member)


def add_see_also(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Add related names to a docstring of a class or function without a section "See Also"."""
    if what in ("class", "exception", "function") and "See Also" not in lines:
        lines += see_also(name)


def public_names() -> dict[str, list[str]]:
    """Return the public names of each public module, in the order of the API page."""
    found = [f"eegsk.{info.name}" for info in pkgutil.iter_modules(eegsk.__path__)]
    public = [name for name in found if name[6] != "_" and name[6:] not in INTERNAL]
    modules = [name for name in TITLES if name in {"eegsk", *public}]
    modules += [name for name in public if name not in TITLES]
    return {module: NAMES.get(module) or names_of(module) for module in modules}


def names_of(module: str) -> list[str]:
    """Return ``__all__`` of a module."""
    return list(getattr(importlib.import_module(module), "__all__", ()))


def api_page() -> str:
    """Return the page of all public names, with a table for each module."""
    parts = [
        heading("API", "="),
        "Names by topic. :doc:`glossary` lists all hyper-parameters of the estimators.",
        ".. toctree::\n   :hidden:\n\n   glossary",
    ]
    for module, names in public_names().items():
        summary = inspect.getdoc(importlib.import_module(module)) or ""
        parts += [heading(TITLES.get(module, module), "-"), f".. module:: {module}"]
        parts += [f"``{module}``: {first_sentence(summary)}"]
        remaining = list(names)
        for title, group in GROUPS.get(module, {}).items():
            group = [name for name in group if name in remaining]
            remaining = [name for name in remaining if name not in group]
            parts += [f"**{title}**", autosummary(group)] if group else []
        parts += [autosummary(remaining)] if remaining else []
        parts += [DATA[module]] if module in DATA else []
    return "\n\n".join(parts) + "\n"


def first_sentence(text: str) -> str:
    """Return the first paragraph of a docstring in one line."""
    return " ".join(text.split("\n\n")[0].split())


def heading(title: str, character: str) -> str:
    """Return a heading of reStructuredText."""
    return f"{title}\n{character * len(title)}"


def autosummary(names: list[str]) -> str:
    """Return a table of names, each with a page."""
    rows = "\n".join(f"   {name}" for name in names)
    return f".. autosummary::\n   :toctree: generated/\n\n{rows}"


def glossary_page() -> str:
    """Return the glossary of hyper-parameters, from the fields of the estimators."""
    architectures = [
        item
        for item in vars(networks).values()
        if inspect.isclass(item)
        and issubclass(item, networks.Architecture)
        and item is not networks.Architecture
    ]
    architectures.sort(key=lambda item: item.__name__.lower())
    parts = [
        heading("Hyper-parameters", "="),
        "All hyper-parameters of the estimators, generated from the fields in the code. Each of "
        "them can be set in the constructor, changed with ``set_params``, and searched with "
        "``GridSearchCV``.",
        heading("Training", "-"),
        "These parameters have the same meaning for every network.",
        *entries([EEGEstimator, Classifier, Regressor], own_class=False),
        heading("Networks", "-"),
        "Some of these parameters have another default or another meaning in another network.",
        *entries(architectures, own_class=True),
    ]
    return "\n\n".join(parts) + "\n"


def entries(classes: list[type], own_class: bool) -> list[str]:
    """Return an entry for each field of the classes, in alphabetical order."""
    pages: dict[str, list[tuple[str, Any]]] = {}
    for cls in classes:
        documented = {item.name: item for item in NumpyDocString(cls.__doc__)["Parameters"]}
        for field in fields(cls):
            page = documented.get(field.name)
            if page and (own_class or field.name in cls.__annotations__):
                pages.setdefault(field.name, []).append((cls.__name__, page))
    return [entry(name, pages[name], own_class) for name in sorted(pages, key=str.lower)]


def entry(name: str, pages: list[tuple[str, Any]], own_class: bool) -> str:
    """Return the definition of a hyper-parameter; equal texts of classes are merged."""
    merged: dict[tuple[str, str], list[str]] = {}
    for owner, page in pages:
        merged.setdefault((page.type, "\n".join(page.desc)), []).append(owner)
    blocks = [heading(name, "~")]
    for (kind, description), owners in merged.items():
        of = f"{', '.join(owners)}: " if own_class else ""
        blocks += [f"{of}*{kind}*".replace("_", r"\_"), description]
    return "\n\n".join(blocks)


def copied_page(page: str, file: str, title: str | None) -> str:
    """Return the text of a file of the repository, with links that work in the site."""
    text = (DOCS.parent / file).read_text(encoding="utf-8")
    if title is not None:
        text = re.sub(r"\A# .*\n", f"# {title}\n" if title else "", text)
    # benchmarks.md is included in results.md, so that links are relative to docs/.
    folder = DOCS if page.startswith("_generated") else (DOCS / page).parent
    return with_links(text, (DOCS.parent / file).parent, folder)


def link_pages(app: Any, docname: str, source: list[str]) -> None:
    """Link pages instead of files of the repository, and remove folders from printed paths."""
    path = Path(app.env.doc2path(docname))
    if docname.startswith("auto_examples/"):
        source[0] = re.sub(r"(The figure was saved as ).*[\\/]", r"\1", source[0])
    if path.suffix == ".md" and f"{docname}.md" not in PAGES:
        source[0] = with_links(source[0], path.parent, path.parent)


def with_links(text: str, old: Path, new: Path) -> str:
    """Replace links relative to a folder by links of a page in another folder."""

    def replace(match: re.Match[str]) -> str:
        label, target, anchor = match.groups()
        if not target or "://" in target:
            return match.group()
        source = Path(os.path.normpath(old / target)).relative_to(DOCS.parent)
        if source.as_posix() in PAGE_OF:
            source = Path("docs", PAGE_OF[source.as_posix()])
        if not source.is_relative_to("docs"):
            return f"`{source.as_posix()}`"
        link = Path(os.path.relpath(DOCS.parent / source, new)).as_posix()
        return f"[{label}]({link}{anchor or ''})"

    return re.sub(r"(?<!!)\[([^\]]+)\]\(([^)\s#]*)(#[^)\s]*)?\)", replace, text)


class ExampleOrder:
    """Order of the examples in the gallery, from basic to special."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, filename: str) -> tuple[int, str]:
        """Return the key by which an example is sorted."""
        name = filename.removeprefix("plot_").removesuffix(".py")
        return (EXAMPLES.index(name) if name in EXAMPLES else len(EXAMPLES), name)

    def __repr__(self) -> str:
        return "ExampleOrder"
