"""Base class of all objects with parameters: estimators, networks, callbacks and transforms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, dataclass_transform

from .docstrings import merged_docstring


@dataclass_transform(eq_default=False, field_specifiers=(field,))
class Fields:
    """Base class whose annotated attributes are the parameters of the constructor.

    A subclass declares each parameter once, as ``name: type = default``, and documents it in its
    *Parameters* section. The constructor stores its arguments and does nothing else, so that
    :func:`sklearn.base.clone` and ``GridSearchCV`` work; :func:`check_fields` compares the values
    with the annotations. The docstring of a subclass includes the parameters of its bases.

    Parameters are keyword-only by default. A class that is defined with ``kw_only=False``, and its
    subclasses, also accept positional arguments.

    Examples
    --------
    >>> from eegsk._fields import Fields, check_fields
    >>> class Pool(Fields, kw_only=False):
    ...     size: int = 4
    >>> Pool(8).size
    8
    >>> check_fields(Pool(0.5))
    Traceback (most recent call last):
    TypeError: Pool: size=0.5 should be an integer.
    """

    _kw_only: ClassVar[bool] = True
    _unmerged_doc: ClassVar[str]

    def __init_subclass__(cls, kw_only: bool | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if kw_only is not None:
            cls._kw_only = kw_only
        cls._unmerged_doc = cls.__doc__ or ""
        dataclass(cls, kw_only=cls._kw_only, eq=False, repr=False)
        cls.__doc__ = merged_docstring(cls)
