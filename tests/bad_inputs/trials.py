"""Bad trials."""

import mne
import numpy as np
import pandas as pd
import scipy.sparse
import torch

from .case import cut_memory_map, make_epochs, with_value

# For every estimator: fit, partial_fit and predict.
TRIALS = {
    "NaN": (
        lambda c: with_value(c.X, np.nan),
        "NAME: X contains NaN in 2 of 24 trials, first in trial 3, channel 1, time point 7; "
        "interpolate or drop them.",
    ),
    "infinity": (
        lambda c: with_value(c.X, np.inf),
        "NAME: X contains infinity (inf) in 2 of 24 trials, first in trial 3, channel 1, time "
        "point 7; interpolate or drop them.",
    ),
    "minus infinity": (
        lambda c: with_value(c.X, -np.inf),
        "NAME: X contains infinity (inf) in 2 of 24 trials, first in trial 3, channel 1, time "
        "point 7; interpolate or drop them.",
    ),
    "too large for single precision": (
        lambda c: with_value(c.X, 1e300),
        "NAME: X contains infinity (inf) in 2 of 24 trials, first in trial 3, channel 1, time "
        "point 7; interpolate or drop them.",
    ),
    "None among numbers": (
        lambda c: with_value(c.X, None),
        "NAME: X contains NaN in 2 of 24 trials, first in trial 3, channel 1, time point 7; "
        "interpolate or drop them.",
    ),
    "NaN in a tensor": (
        lambda c: torch.tensor(with_value(c.X, np.nan)),
        "NAME: X contains NaN in 2 of 24 trials, first in trial 3, channel 1, time point 7; "
        "interpolate or drop them.",
    ),
    "no trials": (
        lambda c: c.X[:0],
        "Found array with 0 sample(s) (shape=(0, 3, 48)) while a minimum of 1 is required by NAME.",
    ),
    "no channels": (
        lambda c: c.X[:, :0],
        "NAME: X has shape (24, 0, 48); trials need at least one channel and one time point.",
    ),
    "no time points": (
        lambda c: c.X[:, :, :0],
        "NAME: X has shape (24, 3, 0); trials need at least one channel and one time point.",
    ),
    "one dimension": (
        lambda c: c.X[:, 0, 0],
        "NAME: X has shape (24,); it should be (n_trials, n_chans, n_times), or (n_trials, "
        "n_times) for one channel. Reshape your data.",
    ),
    "four dimensions": (
        lambda c: c.X[:, None],
        "NAME: X has shape (24, 1, 3, 48); it should be (n_trials, n_chans, n_times), or "
        "(n_trials, n_times) for one channel. Reshape your data.",
    ),
    "a number": (
        lambda c: 3.0,
        "NAME: X is of type float; it should be an array of shape (n_trials, n_chans, "
        "n_times), or mne.Epochs.",
    ),
    "None": (
        lambda c: None,
        "NAME: X is of type NoneType; it should be an array of shape (n_trials, n_chans, "
        "n_times), or mne.Epochs.",
    ),
    "a string": (
        lambda c: "trials.fif",
        "NAME: X is of type str; it should be an array of shape (n_trials, n_chans, n_times), "
        "or mne.Epochs.",
    ),
    "a dictionary": (
        lambda c: {"X": c.X},
        "NAME: X is of type dict; it should be an array of shape (n_trials, n_chans, n_times), "
        "or mne.Epochs.",
    ),
    "a generator": (
        lambda c: iter(c.X),
        "NAME: X is of type iterator; it should be an array of shape (n_trials, n_chans, "
        "n_times), or mne.Epochs.",
    ),
    "an empty list": (
        lambda c: [],
        "NAME: X has shape (0,); it should be (n_trials, n_chans, n_times), or (n_trials, "
        "n_times) for one channel. Reshape your data.",
    ),
    "complex numbers": (
        lambda c: c.X * 1j,
        "NAME: Complex data not supported; use the real part of X or its absolute value.",
    ),
    "complex tensor": (
        lambda c: torch.tensor(c.X) * 1j,
        "NAME: Complex data not supported; use the real part of X or its absolute value.",
    ),
    "strings": (
        lambda c: np.full(c.X.shape, "volts"),
        "NAME: X contains strings, e.g. 'volts'; convert them to numbers, e.g. with astype(float).",
    ),
    "numbers as strings": (
        lambda c: c.X.astype(str),
        "NAME: X contains strings, e.g. '0.12573022'; convert them to numbers, e.g. with "
        "astype(float).",
    ),
    "numbers as strings in objects": (
        lambda c: c.X.astype(str).astype(object),
        "NAME: X contains strings, e.g. '0.12573022'; convert them to numbers, e.g. with "
        "astype(float).",
    ),
    "a string among numbers": (
        lambda c: with_value(c.X, "volts"),
        "NAME: X contains strings, e.g. 'volts'; convert them to numbers, e.g. with astype(float).",
    ),
    "bytes": (
        lambda c: np.full(c.X.shape, b"1.5"),
        "NAME: X contains strings, e.g. b'1.5'; convert them to numbers, e.g. with astype(float).",
    ),
    "a dictionary among numbers": (
        lambda c: with_value(c.X, {}),
        "NAME: X should contain numbers; float() argument must be a string or a real number, "
        "not 'dict'.",
    ),
    "dates": (
        lambda c: c.X.astype("datetime64[s]"),
        "NAME: X contains dates or durations, e.g. 1970-01-01T00:00:00; convert them to "
        "numbers, e.g. seconds: (dates - dates[0]) / np.timedelta64(1, 's').",
    ),
    "durations": (
        lambda c: c.X.astype("timedelta64[s]"),
        "NAME: X contains dates or durations, e.g. 0 seconds; convert them to numbers, e.g. "
        "seconds: (dates - dates[0]) / np.timedelta64(1, 's').",
    ),
    "a date among numbers": (
        lambda c: with_value(c.X, np.datetime64("2020-01-01")),
        "NAME: X contains dates or durations, e.g. 2020-01-01; convert them to numbers, e.g. "
        "seconds: (dates - dates[0]) / np.timedelta64(1, 's').",
    ),
    "masked array": (
        lambda c: np.ma.masked_greater(c.X, 1),
        "NAME: X is a masked array; fill or drop the masked values.",
    ),
    "different lengths": (
        lambda c: [x[:, : 40 + i] for i, x in enumerate(c.X)],
        "NAME: the trials in X differ in shape; crop or pad them to the same shape.",
    ),
    "different channels": (
        lambda c: [x[: 1 + i % 3] for i, x in enumerate(c.X)],
        "NAME: the trials in X differ in shape; crop or pad them to the same shape.",
    ),
    "sparse": (
        lambda c: scipy.sparse.csr_array(c.X[:, 0]),
        "NAME: X is a sparse array; pass X.toarray().",
    ),
    "data frame of strings": (
        lambda c: pd.DataFrame(c.X[:, 0]).astype(str),
        "NAME: X contains strings, e.g. '0.12573022'; convert them to numbers, e.g. with "
        "astype(float).",
    ),
    "data frame with a column of names": (
        lambda c: pd.DataFrame(c.X[:, 0]).assign(subject="s1"),
        "NAME: X contains strings, e.g. 's1'; convert them to numbers, e.g. with astype(float).",
    ),
    "data frame of dates": (
        lambda c: pd.DataFrame(c.X[:, 0].astype("datetime64[s]")),
        "NAME: X contains dates or durations, e.g. 1970-01-01T00:00:00; convert them to "
        "numbers, e.g. seconds: (dates - dates[0]) / np.timedelta64(1, 's').",
    ),
    "memory map of a cut file": (
        lambda c: cut_memory_map(c.X, c.folder),
        "NAME: X is a memory map of 13824 bytes, but its file has only 6912 bytes; write the "
        "file again, or wait until it is complete.",
    ),
    "view of a memory map of a cut file": (
        lambda c: np.asarray(cut_memory_map(c.X, c.folder))[::2],
        "NAME: X is a memory map of 13824 bytes, but its file has only 6912 bytes; write the "
        "file again, or wait until it is complete.",
    ),
    "Raw": (
        lambda c: mne.io.RawArray(c.X[0], c.epochs.info, verbose="error"),
        "NAME: X is RawArray, which has no trials; pass mne.Epochs instead.",
    ),
    "Evoked": (
        lambda c: c.epochs.average(),
        "NAME: X is EvokedArray, which has no trials; pass mne.Epochs instead.",
    ),
    "list of Evoked": (
        lambda c: [c.epochs.average(), c.epochs.average()],
        "NAME: X is a list of EvokedArray, which has no trials; pass mne.Epochs instead.",
    ),
    "spectrum of Epochs": (
        lambda c: c.epochs.compute_psd(verbose="error"),
        "NAME: X is EpochsSpectrum, but the networks take channels and time points; pass "
        "mne.Epochs instead.",
    ),
    "spectrum of Evoked": (
        lambda c: c.epochs.average().compute_psd(verbose="error"),
        "NAME: X is Spectrum, but the networks take channels and time points; pass mne.Epochs "
        "instead.",
    ),
    "time-frequency power": (
        lambda c: c.epochs.compute_tfr(
            "morlet", freqs=np.array([20.0]), n_cycles=2, verbose="error"
        ),
        "NAME: X is EpochsTFR, but the networks take channels and time points; pass mne.Epochs "
        "instead.",
    ),
    "Epochs without good channels": (
        lambda c: c.epochs.copy().set_channel_types(
            dict.fromkeys(c.epochs.ch_names, "misc"), verbose="error"
        ),
        "NAME: The Epochs have no good data channel (EEG, MEG, ...); check info['bads'] and "
        "the channel types, epochs.get_channel_types().",
    ),
    "list of Epochs and arrays": (
        lambda c: [c.epochs, c.X],
        "NAME: X is a list of Epochs and of ndarray; pass one kind.",
    ),
    "list of Epochs with other channels": (
        lambda c: [c.epochs, make_epochs(c.X, c.y, ["C3", "Cz", "Pz"])],
        "NAME: The good channels of the Epochs differ from those of the first Epochs in the "
        "list: missing C4, additional Pz; select the same channels and interpolate bad ones.",
    ),
    "list of Epochs with another rate": (
        lambda c: [c.epochs, make_epochs(c.X, c.y, sfreq=128.0)],
        "NAME: The Epochs are sampled at 128 Hz, but those of the first Epochs in the list at "
        "100 Hz; use epochs.resample(100).",
    ),
    "list of Epochs of another length": (
        lambda c: [c.epochs, make_epochs(c.X[:, :, :40], c.y)],
        "NAME: The Epochs have 40 time points, but those of the first Epochs in the list have "
        "48; crop them to the same length.",
    ),
}

# For every estimator: predict and partial_fit.
TRIALS_THAT_DIFFER_FROM_FIT = {
    "too few channels": (
        lambda c: c.X[:, :2],
        "NAME: X has 2 channels, but the trials of fit had 3; select the same channels.",
    ),
    "too many channels": (
        lambda c: c.X[:, [0, 1, 2, 0]],
        "NAME: X has 4 channels, but the trials of fit had 3; select the same channels.",
    ),
    "too few time points": (
        lambda c: c.X[:, :, :40],
        "NAME: X has 40 time points, but the trials of fit had 48; crop or resample the trials.",
    ),
    "too many time points": (
        lambda c: np.concatenate([c.X, c.X], axis=2),
        "NAME: X has 96 time points, but the trials of fit had 48; crop or resample the trials.",
    ),
    "channels and time points exchanged": (
        lambda c: c.X.transpose(0, 2, 1),
        "NAME: X has 48 channels, but the trials of fit had 3; select the same channels.",
    ),
    "one trial without its axis": (
        lambda c: c.X[0],
        "NAME: X has shape (3, 48), but the trials of fit had 3 channels and 48 time points; "
        "for a single trial, pass X[np.newaxis].",
    ),
    "Epochs of another length than the arrays of fit": (
        lambda c: make_epochs(c.X[:, :, :40]),
        "NAME: X has 40 time points, but the trials of fit had 48; crop or resample the trials.",
    ),
    "Epochs with fewer channels than the arrays of fit": (
        lambda c: make_epochs(c.X[:, :2], ch_names=["C3", "Cz"]),
        "NAME: X has 2 channels, but the trials of fit had 3; select the same channels.",
    ),
}


def make_bad(epochs, names):
    """Return Epochs with bad channels."""
    epochs = epochs.copy()
    epochs.info["bads"] = names
    return epochs


# After a fit to Epochs, for every estimator: predict and partial_fit.
EPOCHS_THAT_DIFFER_FROM_FIT = {
    "missing channel": (
        lambda c: c.epochs.copy().drop_channels(["Cz"]),
        "NAME: The good channels of the Epochs differ from those of fit: missing Cz; select "
        "the same channels and interpolate bad ones.",
    ),
    "bad channel": (
        lambda c: make_bad(c.epochs, ["Cz", "C4"]),
        "NAME: The good channels of the Epochs differ from those of fit: missing Cz, C4; "
        "select the same channels and interpolate bad ones.",
    ),
    "additional channel": (
        lambda c: make_epochs(c.X[:, [0, 1, 2, 0]], c.y, ["C3", "Cz", "C4", "Pz"]),
        "NAME: The good channels of the Epochs differ from those of fit: additional Pz; select "
        "the same channels and interpolate bad ones.",
    ),
    "other names": (
        lambda c: make_epochs(c.X, c.y, ["F3", "Fz", "F4"]),
        "NAME: The good channels of the Epochs differ from those of fit: missing C3, Cz, C4, "
        "additional F3, Fz, F4; select the same channels and interpolate bad ones.",
    ),
    "other case": (
        lambda c: make_epochs(c.X, c.y, ["c3", "CZ", "C4"]),
        "NAME: The good channels of the Epochs differ from those of fit: missing C3, Cz, "
        "additional c3, CZ; select the same channels and interpolate bad ones.",
    ),
    "another sampling rate": (
        lambda c: make_epochs(c.X, c.y, sfreq=128.0),
        "NAME: The Epochs are sampled at 128 Hz, but those of fit at 100 Hz; use "
        "epochs.resample(100).",
    ),
    "another length": (
        lambda c: c.epochs.copy().crop(0.0, 0.3),
        "NAME: The Epochs have 31 time points, but those of fit have 48; crop them to the same "
        "length.",
    ),
    "array with another number of channels": (
        lambda c: c.X[:, :2],
        "NAME: X has 2 channels, but the trials of fit had 3; select the same channels.",
    ),
}
