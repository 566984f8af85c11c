"""Docstrings of estimators, put together from those of the classes they are made of."""

from __future__ import annotations

import inspect
import re

from sklearn.base import BaseEstimator

_HEADING = re.compile(r"^([A-Z][A-Za-z ]+)\n-{3,}\n", re.MULTILINE)
_ORDER = ("Parameters", "Attributes", "See Also", "Notes", "References", "Examples")
_JOINED = ("Parameters", "Attributes")


def merged_docstring(cls: type) -> str:
    """Merge the docstrings of a class and its bases into one numpydoc page.

    The class's own introduction comes first, then that of the network it inherits from.
    *Parameters* and *Attributes* are those of all classes, each written where it is declared, in
    the order of the constructor; of every other section the nearest class's is taken.

    Parameters
    ----------
    cls : type
        A class whose documented bases keep their own text in ``_own_doc``.

    Returns
    -------
    doc : str
        The merged docstring.
    """
    pages = {base: split_sections(base.__dict__["_own_doc"]) for base in _documented(cls)}
    networks = [base for base in pages if _is_network(base)]
    introductions = [pages[base][""] for base in [*pages][:1] + networks[:1]]
    sections = {"": "\n\n".join(dict.fromkeys(introductions))}
    for name in _ORDER:
        bases = reversed(cls.__mro__) if name in _JOINED else pages
        found = [pages[base][name] for base in bases if base in pages and name in pages[base]]
        if found:
            sections[name] = "\n".join(found) if name in _JOINED else found[0]
    return "\n\n".join(_render(name, text) for name, text in sections.items()) + "\n"


def split_sections(doc: str) -> dict[str, str]:
    """Split a numpydoc docstring into its sections; the introduction has the empty name."""
    parts = _HEADING.split(inspect.cleandoc(doc))
    texts = (text.strip("\n") for text in parts[2::2])
    return {"": parts[0].strip(), **dict(zip(parts[1::2], texts, strict=True))}


def first_link(doc: str | None) -> str:
    """Return the first link of a docstring's references, or nothing."""
    link = re.search(r"https://\S+", split_sections(doc or "").get("References", ""))
    return link.group() if link else ""


def _documented(cls: type) -> list[type]:
    """Return the class, then the networks it inherits from, then the estimators."""
    own = [base for base in cls.__mro__ if base.__dict__.get("_own_doc")]
    return sorted(own, key=lambda base: (base is not cls, not _is_network(base)))


def _is_network(base: type) -> bool:
    return not issubclass(base, BaseEstimator)


def _render(name: str, text: str) -> str:
    return f"{name}\n{'-' * len(name)}\n{text}" if name else text
