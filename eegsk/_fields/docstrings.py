"""Merging of the docstring of a class with those of its bases."""

from __future__ import annotations

import inspect
import re

from sklearn.base import BaseEstimator

_HEADING = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}\n", re.MULTILINE)
# Beginning of an entry, e.g. "lr : float, default=3e-3".
_ENTRY = re.compile(r"^(?=\w+ : )", re.MULTILINE)
_ORDER = ("Parameters", "Attributes", "See Also", "Notes", "References", "Examples")
_MERGED = ("Parameters", "Attributes")


def merged_docstring(cls: type) -> str:
    """Merge the docstrings of a class and its bases into one numpydoc docstring.

    The introduction of the class comes first, then that of the network among its bases.
    *Parameters* and *Attributes* are collected from all classes; an entry of a subclass replaces
    the entry of its base. Other sections are taken from the nearest class that has them.

    Parameters
    ----------
    cls : type
        A class; each base that is a :class:`Fields` keeps its docstring in ``_unmerged_doc``.

    Returns
    -------
    doc : str
        The merged docstring.
    """
    pages = {base: split_sections(base.__dict__["_unmerged_doc"]) for base in _documented(cls)}
    networks = [base for base in pages if _is_network(base)]
    introductions = [pages[base][""] for base in [*pages][:1] + networks[:1]]
    sections = {"": "\n\n".join(dict.fromkeys(introductions))}
    for name in _ORDER:
        if name in _MERGED:
            texts = [pages[base].get(name, "") for base in reversed(cls.__mro__) if base in pages]
            sections[name] = _merge_entries(texts, [*inspect.signature(cls).parameters])
        else:
            sections[name] = next((page[name] for page in pages.values() if name in page), "")
    return "\n\n".join(_render(name, text) for name, text in sections.items() if text) + "\n"


def split_sections(doc: str) -> dict[str, str]:
    """Split a numpydoc docstring into its sections; the introduction has the empty name."""
    parts = _HEADING.split(inspect.cleandoc(doc))
    texts = (text.strip("\n") for text in parts[2::2])
    return {"": parts[0].strip(), **dict(zip(parts[1::2], texts, strict=True))}


def first_link(doc: str | None) -> str:
    """Return the first link in the references of a docstring, or an empty string."""
    link = re.search(r"https://\S+", split_sections(doc or "").get("References", ""))
    return link.group() if link else ""


def _merge_entries(texts: list[str], order: list[str]) -> str:
    """Merge the entries of several sections; those in ``order`` come in that order."""
    entries = {
        entry.split(" : ")[0]: entry.strip("\n")
        for text in texts
        for entry in _ENTRY.split(text)
        if entry.strip()
    }
    names = [name for name in order if name in entries]
    return "\n".join(entries[name] for name in dict.fromkeys([*names, *entries]))


def _documented(cls: type) -> list[type]:
    """Return the class, then the networks among its bases, then its other bases."""
    bases = [base for base in cls.__mro__ if base.__dict__.get("_unmerged_doc")]
    return sorted(bases, key=lambda base: (base is not cls, not _is_network(base)))


def _is_network(base: type) -> bool:
    """Return whether a base of an estimator is a network, i.e. not an estimator itself."""
    return not issubclass(base, BaseEstimator)


def _render(name: str, text: str) -> str:
    return f"{name}\n{'-' * len(name)}\n{text}" if name else text
