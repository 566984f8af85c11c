"""Bad labels, regression targets, weights and groups."""

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut, PredefinedSplit

from .case import cut_memory_map

# For every classifier: fit, partial_fit and score.
LABELS = {
    "None": (
        lambda c: None,
        "NAME requires y to be passed, but the target y is None.",
    ),
    "three dimensions": (
        lambda c: np.zeros((24, 2, 2)),
        "NAME: y has shape (24, 2, 2); it should be (n_trials,).",
    ),
    "a number": (
        lambda c: 3,
        "NAME: y should be a 1d array, got an array of shape () instead.",
    ),
    "too few": (
        lambda c: c.y[:20],
        "NAME: X has 24 trials, but y has 20 targets; give one target for each trial.",
    ),
    "too many": (
        lambda c: np.append(c.y, 1),
        "NAME: X has 24 trials, but y has 25 targets; give one target for each trial.",
    ),
    "different lengths": (
        lambda c: [[1], [1, 2]] * 12,
        "NAME: y has entries of different lengths; it should be (n_trials,) or (n_trials, "
        "n_outputs).",
    ),
    "complex numbers": (
        lambda c: c.y * 1j,
        "NAME: y: Complex data not supported; use names, integers or booleans.",
    ),
    "infinity": (
        lambda c: np.where(c.y, np.inf, 0),
        "NAME: Input y contains infinity or a value too large for dtype('float64'); drop these "
        "trials or replace the values.",
    ),
    "NaN": (
        lambda c: np.where(c.y, np.nan, 0),
        "NAME: Input y contains NaN; drop these trials or replace the values.",
    ),
    "NaT": (
        lambda c: np.array(["NaT", "2020-01-01"] * 12, "datetime64[D]"),
        "NAME: y contains NaT in 12 of 24 trials, first in trial 0; drop the trials that have "
        "no label.",
    ),
    "dictionaries": (
        lambda c: [{}] * 24,
        "NAME: y has labels that cannot be sorted, e.g. numbers and names together; use labels "
        "of one type.",
    ),
    "names and NaN": (
        lambda c: np.array(["a", "b", np.nan] * 8, dtype=object),
        "NAME: y contains NaN in 8 of 24 trials, first in trial 2; drop the trials that have "
        "no label.",
    ),
    "names and None": (
        lambda c: np.array(["a", "b", None] * 8, dtype=object),
        "NAME: y contains None in 8 of 24 trials, first in trial 2; drop the trials that have "
        "no label.",
    ),
    "names and numbers": (
        lambda c: np.array(["a", 1] * 12, dtype=object),
        "NAME: y has labels that cannot be sorted, e.g. numbers and names together; use labels "
        "of one type.",
    ),
    "NA of pandas": (
        lambda c: pd.Series([1, 0, None] * 8, dtype="Int64"),
        "NAME: Input y contains NaN; drop these trials or replace the values.",
    ),
    "memory map of a cut file": (
        lambda c: cut_memory_map(c.y, c.folder),
        "NAME: y is a memory map of 192 bytes, but its file has only 96 bytes; write the file "
        "again, or wait until it is complete.",
    ),
    "two columns": (
        lambda c: np.column_stack([c.y, c.y]),
        "NAME: y should be a 1d array, got an array of shape (24, 2) instead.",
    ),
    "continuous": (
        lambda c: np.linspace(0, 1, 24),
        "NAME: Unknown label type: continuous. Maybe you are trying to fit a classifier, which "
        "expects discrete classes on a regression target with continuous values.",
    ),
}

# For every classifier: fit.
LABELS_OF_FIT = {
    "one class": (
        lambda c: np.zeros(24),
        "NAME: all trials with non-zero weight are of one class, 0.0; at least two classes are "
        "needed.",
    ),
    "one name": (
        lambda c: ["left"] * 24,
        "NAME: all trials with non-zero weight are of one class, 'left'; at least two classes "
        "are needed.",
    ),
}

# For every regressor: fit, partial_fit and score.
TARGETS = {
    "None": (
        lambda c: None,
        "NAME requires y to be passed, but the target y is None.",
    ),
    "three dimensions": (
        lambda c: np.zeros((24, 2, 2)),
        "NAME: y has shape (24, 2, 2); it should be (n_trials,) or (n_trials, n_outputs).",
    ),
    "a number": (
        lambda c: 3,
        "NAME: y has shape (); it should be (n_trials,) or (n_trials, n_outputs).",
    ),
    "too few": (
        lambda c: c.y[:20],
        "NAME: X has 24 trials, but y has 20 targets; give one target for each trial.",
    ),
    "too many": (
        lambda c: np.append(c.y, 1),
        "NAME: X has 24 trials, but y has 25 targets; give one target for each trial.",
    ),
    "different lengths": (
        lambda c: [[1], [1, 2]] * 12,
        "NAME: y has entries of different lengths; it should be (n_trials,) or (n_trials, "
        "n_outputs).",
    ),
    "complex numbers": (
        lambda c: c.y * 1j,
        "NAME: y: Complex data not supported; use the real part or the absolute value.",
    ),
    "infinity": (
        lambda c: np.where(c.y, np.inf, 0),
        "NAME: Input y contains infinity or a value too large for dtype('float64'); drop these "
        "trials or replace the values.",
    ),
    "NaN": (
        lambda c: np.where(c.y, np.nan, 0),
        "NAME: Input y contains NaN; drop these trials or replace the values.",
    ),
    "NaT": (
        lambda c: np.array(["NaT", "2020-01-01"] * 12, "datetime64[D]"),
        "NAME: y contains dates or durations, e.g. NaT; convert them to numbers, e.g. seconds: "
        "(dates - dates[0]) / np.timedelta64(1, 's').",
    ),
    "dictionaries": (
        lambda c: [{}] * 24,
        "NAME: y should contain numbers; float() argument must be a string or a real number, "
        "not 'dict'.",
    ),
    "names and NaN": (
        lambda c: np.array(["a", "b", np.nan] * 8, dtype=object),
        "NAME: y contains strings, e.g. 'a'; convert them to numbers, e.g. with astype(float).",
    ),
    "names and None": (
        lambda c: np.array(["a", "b", None] * 8, dtype=object),
        "NAME: y contains strings, e.g. 'a'; convert them to numbers, e.g. with astype(float).",
    ),
    "names and numbers": (
        lambda c: np.array(["a", 1] * 12, dtype=object),
        "NAME: y contains strings, e.g. 'a'; convert them to numbers, e.g. with astype(float).",
    ),
    "NA of pandas": (
        lambda c: pd.Series([1, 0, None] * 8, dtype="Int64"),
        "NAME: Input y contains NaN; drop these trials or replace the values.",
    ),
    "memory map of a cut file": (
        lambda c: cut_memory_map(c.y, c.folder),
        "NAME: y is a memory map of 192 bytes, but its file has only 96 bytes; write the file "
        "again, or wait until it is complete.",
    ),
    "names": (
        lambda c: ["left", "right"] * 12,
        "NAME: y contains strings, e.g. 'left'; convert them to numbers, e.g. with astype(float).",
    ),
    "numbers as strings": (
        lambda c: c.y.astype(str),
        "NAME: y contains strings, e.g. '0'; convert them to numbers, e.g. with astype(float).",
    ),
    "dates": (
        lambda c: c.y.astype("datetime64[D]"),
        "NAME: y contains dates or durations, e.g. 1970-01-01; convert them to numbers, e.g. "
        "seconds: (dates - dates[0]) / np.timedelta64(1, 's').",
    ),
    "durations": (
        lambda c: c.y.astype("timedelta64[s]"),
        "NAME: y contains dates or durations, e.g. 0 seconds; convert them to numbers, e.g. "
        "seconds: (dates - dates[0]) / np.timedelta64(1, 's').",
    ),
    "dates of pandas": (
        lambda c: pd.Series(pd.date_range("2020-01-01", periods=24)),
        "NAME: y contains dates or durations, e.g. 2020-01-01T00:00:00.000000; convert them to "
        "numbers, e.g. seconds: (dates - dates[0]) / np.timedelta64(1, 's').",
    ),
    "dates with a time zone": (
        lambda c: pd.Series(pd.date_range("2020-01-01", periods=24, tz="UTC")),
        "NAME: y contains dates or durations, e.g. 2020-01-01 00:00:00+00:00; convert them to "
        "numbers, e.g. seconds: (dates - dates[0]) / np.timedelta64(1, 's').",
    ),
    "no number among numbers": (
        lambda c: [None] * 24,
        "NAME: Input y contains NaN; drop these trials or replace the values.",
    ),
}

# For every classifier.
CLASSES = {
    "missing in the first call": (
        lambda c: c.make().partial_fit(c.X, c.y),
        "NAME: classes must be passed on the first call to partial_fit.",
    ),
    "NaN": (
        lambda c: c.make().partial_fit(c.X, c.y, classes=[0, np.nan]),
        "NAME: Input classes contains NaN; drop these trials or replace the values.",
    ),
    "names and numbers": (
        lambda c: c.make().partial_fit(c.X, c.y, classes=np.array(["a", 1], object)),
        "NAME: classes has labels that cannot be sorted, e.g. numbers and names together; use "
        "labels of one type.",
    ),
    "two dimensions": (
        lambda c: c.make().partial_fit(c.X, c.y, classes=[[0, 1], [0, 1]]),
        "NAME: y should be a 1d array, got an array of shape (2, 2) instead.",
    ),
    "a label is missing": (
        lambda c: c.make().partial_fit(c.X, c.y + 1, classes=[0, 1]),
        "NAME: y has labels that are not in classes: [2].",
    ),
    "names instead of numbers": (
        lambda c: c.make().partial_fit(c.X, c.y, classes=["left", "right"]),
        "NAME: y has labels that are not in classes: [0, 1].",
    ),
    "other classes than in the first call": (
        lambda c: c.fitted.partial_fit(c.X, c.y, classes=[0, 1, 2]),
        "NAME: classes differ from those of the first call, [0 1].",
    ),
    "another label than in the first call": (
        lambda c: c.fitted.partial_fit(c.X, c.y + 1),
        "NAME: y has labels that are not in classes: [2].",
    ),
    "score with numbers after a fit with names": (
        lambda c: c.make().fit(c.epochs).score(c.epochs, c.y),
        "NAME: y has the labels 0, 1, but the labels of fit were 'left', 'right'; use the same "
        "labels, or no y for the events of Epochs.",
    ),
    "score with names after a fit with numbers": (
        lambda c: c.fitted.score(c.X, ["left", "right"] * 12),
        "NAME: y has the labels 'left', 'right', but the labels of fit were 0, 1; use the same "
        "labels, or no y for the events of Epochs.",
    ),
    "score with too few labels": (
        lambda c: c.fitted.score(c.X, c.y[:20]),
        "NAME: Found input variables with inconsistent numbers of samples: [20, 24]",
    ),
    "score with too few weights": (
        lambda c: c.fitted.score(c.X, c.y, sample_weight=np.ones(5)),
        "NAME: Found input variables with inconsistent numbers of samples: [24, 24, 5]",
    ),
    "score of arrays without labels": (
        lambda c: c.fitted.score(c.X),
        "NAME requires y to be passed, but the target y is None.",
    ),
    "balanced class weights in partial_fit": (
        lambda c: c.make(class_weight="balanced").partial_fit(c.X, c.y),
        "NAME: class_weight='balanced' needs all trials at once; for partial_fit, use a "
        "dictionary of weights.",
    ),
}

# For every regressor.
NUMBERS_OF_TARGETS = {
    "another number of targets than in the first call": (
        lambda c: c.fitted.partial_fit(c.X, np.column_stack([c.y, c.y])),
        "NAME: y has 2 targets, but y of the first call had 1.",
    ),
    "score with too few targets": (
        lambda c: c.fitted.score(c.X, c.y[:20]),
        "NAME: Found input variables with inconsistent numbers of samples: [20, 24]",
    ),
}

# For every estimator: sample_weight of fit and partial_fit.
WEIGHTS = {
    "negative": (
        lambda c: -np.ones(24),
        "NAME: sample_weight has negative values; weights should be zero or positive.",
    ),
    "all zero": (
        lambda c: np.zeros(24),
        "NAME: sample_weight is zero for every trial; at least one should be positive.",
    ),
    "too few": (
        lambda c: np.ones(5),
        "NAME: sample_weight has shape (5,); it should be (24,), one weight for each trial.",
    ),
    "two dimensions": (
        lambda c: np.ones((24, 1)),
        "NAME: sample_weight has shape (24, 1); it should be (24,), one weight for each trial.",
    ),
    "a number": (
        lambda c: 2.0,
        "NAME: sample_weight has shape (); it should be (24,), one weight for each trial.",
    ),
    "NaN": (
        lambda c: np.full(24, np.nan),
        "NAME: Input sample_weight contains NaN; drop these trials or replace the values.",
    ),
    "infinity": (
        lambda c: np.full(24, np.inf),
        "NAME: Input sample_weight contains infinity or a value too large for "
        "dtype('float64'); drop these trials or replace the values.",
    ),
    "names": (
        lambda c: ["high"] * 24,
        "NAME: sample_weight contains strings, e.g. 'high'; convert them to numbers, e.g. with "
        "astype(float).",
    ),
    "None among numbers": (
        lambda c: [1.0, None] * 12,
        "NAME: Input sample_weight contains NaN; drop these trials or replace the values.",
    ),
    "complex numbers": (
        lambda c: np.full(24, 1j),
        "NAME: sample_weight: Complex data not supported; use the real part or the absolute value.",
    ),
    "durations": (
        lambda c: c.y.astype("timedelta64[s]"),
        "NAME: sample_weight contains dates or durations, e.g. 0 seconds; convert them to "
        "numbers, e.g. seconds: (dates - dates[0]) / np.timedelta64(1, 's').",
    ),
    "different lengths": (
        lambda c: [[1.0], [1.0, 2.0]] * 12,
        "NAME: sample_weight has entries of different lengths; it should be an array of one "
        "value for each trial.",
    ),
    "dictionaries": (
        lambda c: [{}] * 24,
        "NAME: sample_weight should contain numbers; float() argument must be a string or a "
        "real number, not 'dict'.",
    ),
}

# For every classifier: fit.
CLASS_WEIGHTS = {
    "a label is missing": (
        lambda c: {5: 2.0},
        "NAME: The classes, [0, 1], are not in class_weight",
    ),
    "negative": (
        lambda c: {0: -1.0, 1: 1.0},
        "NAME: class_weight has negative values; weights should be zero or positive.",
    ),
    "all zero": (
        lambda c: {0: 0.0, 1: 0.0},
        "NAME: class_weight is zero for every trial; at least one should be positive.",
    ),
    "NaN": (
        lambda c: {0: np.nan, 1: 1.0},
        "NAME: Input class_weight contains NaN; drop these trials or replace the values.",
    ),
    "a name as weight": (
        lambda c: {0: "high", 1: 1.0},
        "NAME: class_weight contains strings, e.g. 'high'; convert them to numbers, e.g. with "
        "astype(float).",
    ),
    "names of other labels": (
        lambda c: {"left": 1.0, "right": 2.0},
        "NAME: The classes, [0, 1], are not in class_weight",
    ),
    "one class has weight": (
        lambda c: {0: 0.0, 1: 1.0},
        "NAME: all trials with non-zero weight are of one class, 1; at least two classes are "
        "needed.",
    ),
    "unknown name": (
        lambda c: "even",
        "NAME: class_weight='even' should be a dict, 'balanced' or None.",
    ),
    "a list": (
        lambda c: [1.0, 2.0],
        "NAME: class_weight=[1.0, 2.0] should be a dict, 'balanced' or None.",
    ),
}

# For every estimator: groups of fit and partial_fit.
GROUPS = {
    "too few": (
        lambda c: np.zeros(5),
        "NAME: groups has shape (5,); it should be (24,), one for each trial.",
    ),
    "two dimensions": (
        lambda c: np.zeros((24, 1)),
        "NAME: groups has shape (24, 1); it should be (24,), one for each trial.",
    ),
    "a number": (
        lambda c: 3,
        "NAME: groups has shape (); it should be (24,), one for each trial.",
    ),
    "a name": (
        lambda c: "subject",
        "NAME: groups has shape (); it should be (24,), one for each trial.",
    ),
    "NaN": (
        lambda c: np.full(24, np.nan),
        "NAME: groups is nan for trial 0; give each trial the name of its subject or session.",
    ),
    "None": (
        lambda c: ["s1", None] * 12,
        "NAME: groups is None for trial 1; give each trial the name of its subject or session.",
    ),
    "NaT": (
        lambda c: np.array(["NaT"] * 24, "datetime64[D]"),
        "NAME: groups is None for trial 0; give each trial the name of its subject or session.",
    ),
    "names and numbers": (
        lambda c: np.array(["a", 1] * 12, dtype=object),
        "NAME: groups cannot be sorted: '<' not supported between instances of 'int' and "
        "'str'; use labels of one type, e.g. names.",
    ),
    "different lengths": (
        lambda c: [[1], [1, 2]] * 12,
        "NAME: groups has entries of different lengths; it should be an array of one value for "
        "each trial.",
    ),
}

# For every estimator: valid_split and groups of fit.
SPLITS = {
    "one group": (
        lambda c: (0.25, ["s1"] * 24),
        "NAME: valid_split=0.25: all trials belong to one group, 's1'; pass trials of at least "
        "two groups, or no groups.",
    ),
    "one group for a splitter": (
        lambda c: (KFold(2), [7] * 24),
        "NAME: valid_split=KFold(n_splits=2, random_state=None, shuffle=False): all trials "
        "belong to one group, 7; pass trials of at least two groups, or no groups.",
    ),
    "a splitter of groups without groups": (
        lambda c: (GroupKFold(2), None),
        "NAME: valid_split=GroupKFold(n_splits=2, random_state=None, shuffle=False): The "
        "'groups' parameter should not be None.",
    ),
    "too few groups for a splitter": (
        lambda c: (GroupKFold(7), c.groups),
        "NAME: valid_split=GroupKFold(n_splits=7, random_state=None, shuffle=False): Cannot "
        "have number of splits n_splits=7 greater than the number of groups: 6.",
    ),
    "a splitter that mixes groups": (
        lambda c: (KFold(5), c.groups),
        "NAME: valid_split=KFold(n_splits=5, random_state=None, shuffle=False): group 1 has "
        "training and validation trials; use a fraction, or a splitter that keeps groups "
        "together, e.g. GroupKFold.",
    ),
    "a splitter that leaves no trials": (
        lambda c: (PredefinedSplit([-1] * 24), None),
        "NAME: valid_split=PredefinedSplit(test_fold=array([-1, -1, -1, -1, -1, -1, -1, -1, "
        "-1, -1, -1, -1,...: the splitter yields no split.",
    ),
    "a splitter of other trials": (
        lambda c: (PredefinedSplit([0] * 5), None),
        "NAME: valid_split=PredefinedSplit(test_fold=array([0, 0, 0, 0, 0])): the split has 0 "
        "training and 5 validation trials; both need at least one.",
    ),
    "a class instead of a splitter": (
        lambda c: (LeaveOneGroupOut, c.groups),
        "NAME: valid_split=<class 'sklearn.model_selection._split.LeaveOneGroupOut'> should be "
        "a number strictly between 0 and 1, a Splitter or None.",
    ),
    "the whole": (
        lambda c: (1.0, None),
        "NAME: valid_split=1.0 should be a number strictly between 0 and 1, a Splitter or None.",
    ),
    "negative": (
        lambda c: (-0.25, None),
        "NAME: valid_split=-0.25 should be a number strictly between 0 and 1, a Splitter or None.",
    ),
    "all trials for validation": (
        lambda c: (0.999, None),
        "NAME: valid_split=0.999: With n_samples=24, test_size=0.999 and train_size=None, the "
        "resulting train set will be empty. Adjust any of the aforementioned parameters.",
    ),
}
