"""Parameters as typed class attributes, shared by estimators, callbacks and transforms."""

from .base import Fields
from .checks import check_fields, check_value, short_repr
from .docstrings import first_link
from .nested import NestedParams, check_names, check_net_params, clone_callback, named_items
from .types import (
    Activation,
    BelowOne,
    Count,
    CriterionFactory,
    Fraction,
    NonNegative,
    OptimizerFactory,
    Positive,
    Probability,
    Proportion,
    Range,
    Seed,
    Splitter,
    ThreadCount,
)

__all__ = [
    "Activation",
    "BelowOne",
    "Count",
    "CriterionFactory",
    "Fields",
    "Fraction",
    "NestedParams",
    "NonNegative",
    "OptimizerFactory",
    "Positive",
    "Probability",
    "Proportion",
    "Range",
    "Seed",
    "Splitter",
    "ThreadCount",
    "check_fields",
    "check_names",
    "check_net_params",
    "check_value",
    "clone_callback",
    "first_link",
    "named_items",
    "short_repr",
]
