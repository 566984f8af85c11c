"""Related names: the section "See Also" of pages whose docstring has none."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator

# Names of a module that belong together. Each of them links to the others.
FAMILIES = {
    "eegsk": [["EEGClassifier", "EEGRegressor", "Signal", "networks.build_network"]],
    "eegsk.augmentation": [
        ["TimeShift", "TimeMask", "SegmentRecombination"],
        ["ChannelDropout", "ChannelReflection"],
        ["AmplitudeScale", "GaussianNoise", "FourierSurrogate", "Mixup"],
    ],
    "eegsk.blocks": [
        [
            "TemporalSpatial",
            "TwoStageTemporalSpatial",
            "MultiKernelTemporalSpatial",
            "DenseTemporalSpatial",
            "lagged_products",
        ],
        ["Conv", "SameConv", "SeparableConv", "CausalConv", "TemporalConvNet"],
        ["Standardize", "Whiten"],
        ["MeanPool", "MaxPool", "LastSample"],
        ["FeatureAttention", "GroupAttention", "SelfAttention", "WindowedSelfAttention"],
        ["MeanOfLinear", "StackedLinear", "WeightNormLinear"],
        ["apply_max_norm", "with_max_norm", "set_batch_norm"],
        ["Dropout", "DropPath"],
        ["SafeLog", "Square", "make_activation"],
        ["Residual", "ConcatenateWithInput", "Transpose"],
    ],
    "eegsk.callbacks": [
        ["SAM", "GradientClipping", "MixedPrecision"],
        ["SWA", "EMA"],
        ["CosineWarmRestarts", "CosineWarmup", "OneCycle"],
        ["EarlyStopping", "Checkpoint", "EpochMetric"],
        ["TrainingCallback", "StopTraining"],
        ["FocalBalance", "losses.FocalBalancedLoss", "losses.class_weights"],
    ],
    "eegsk.display": [["SubjectDisplay", "HistoryDisplay", "ImportanceDisplay"]],
    "eegsk.losses": [["FocalBalancedLoss", "class_weights", "callbacks.FocalBalance"]],
    "eegsk.metrics": [["nrmse", "nrmse_by_output"]],
    "eegsk.model_selection": [["evaluate_transfer", "split_for_validation"]],
    "eegsk.networks": [["Architecture", "build_network", "EEGClassifier"]],
    "eegsk.recordings": [
        ["LazyTrials", "trials_from_raw", "trials_from_bids", "trials_from_moabb"],
    ],
    "eegsk.recipes": [
        [
            "motor_imagery",
            "cross_subject_motor_imagery",
            "motor_imagery_eegnet",
            "motor_imagery_deep_conv_net",
        ],
        ["event_related_potential", "callbacks.FocalBalance"],
        ["reaction_time_regression", "multi_output_regression"],
        ["fine_grained_classification", "AdvancedEEGNetClassifier"],
    ],
}

# Largest number of related names of a name without a family.
_MAX_OTHERS = 6


def related_names(name: str) -> list[str]:
    """Return the full names of related classes and functions.

    Parameters
    ----------
    name : str
        Full name, e.g. ``"eegsk.callbacks.SWA"``.

    Returns
    -------
    names : list of str
        The other members of its families. An estimator is related to its network, and a network to
        its estimators. A name without a family is related to others of its module.
    """
    module, _, short = name.rpartition(".")
    stem = short.removesuffix("Classifier").removesuffix("Regressor")
    of_network = [f"eegsk.{stem}Classifier", f"eegsk.{stem}Regressor", f"eegsk.networks.{stem}"]
    families = [of_network, *_families(module)]
    members = [member for family in families if name in family for member in family]
    if not any(map(_find, set(members) - {name})):
        members = [_full_name(module, other) for other in _public_names(module)[:_MAX_OTHERS]]
    return [other for other in dict.fromkeys(members) if other != name and _find(other)]


def see_also(name: str) -> list[str]:
    """Return the lines of the section "See Also" of a name; none if nothing is related."""
    lines = []
    for other in related_names(name):
        summary = (inspect.getdoc(_find(other)) or "").split("\n\n")[0]
        lines += [f"{other} : {' '.join(summary.split())}"]
    return ["", "See Also", "--------", *lines] if lines else []


def _public_names(module: str) -> list[str]:
    """Return the public classes and functions of a module."""
    loaded = importlib.import_module(module)
    names = getattr(loaded, "__all__", ())
    return [name for name in names if callable(getattr(loaded, name))]


def _families(module: str) -> Iterator[list[str]]:
    for family in FAMILIES.get(module, []):
        yield [_full_name(module, short) for short in family]


def _full_name(module: str, short: str) -> str:
    """Return the full name of a member of a module, of the package, or of another module."""
    return next(f"{prefix}.{short}" for prefix in (module, "eegsk") if _find(f"{prefix}.{short}"))


def _find(name: str) -> object:
    """Return the class or function with a full name, None if there is none."""
    module, _, short = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), short, None)
    except ModuleNotFoundError:
        return None
