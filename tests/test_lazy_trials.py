"""Lazy array of trials: indexing, files, pickling and scikit-learn's tools."""

import pickle

import mne
import numpy as np
import pytest
import torch
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import _safe_indexing

from eegsk import EEGNetClassifier
from eegsk.alignment import EuclideanAlignment
from eegsk.callbacks.checkpoint._identity import describe
from eegsk.recordings import LazyTrials
from eegsk.recordings._cache import parse_bytes

from .networks import small

CH_NAMES = ["C3", "Cz", "C4"]


@pytest.fixture
def path(X, tmp_path):
    """Return a file with all trials."""
    np.save(tmp_path / "trials.npy", X)
    return tmp_path / "trials.npy"


@pytest.fixture
def trials(path, y, groups):
    return LazyTrials(path, {"label": y, "subject": groups})


def no_reading(monkeypatch):
    """Let each attempt to read a trial fail."""

    def read(self, trials, keep=True):
        raise AssertionError("Trials were read.")

    monkeypatch.setattr(LazyTrials, "read", read)


def chunked(X, folder, kind):
    """Write the trials to an HDF5 file or a zarr array, and return the open array."""
    package = pytest.importorskip(kind)
    if kind == "h5py":
        with package.File(folder / "trials.h5", "w") as file:
            file.create_dataset("eeg/trials", data=X, chunks=(1, *X.shape[1:]))
        return package.File(folder / "trials.h5", "r")["eeg/trials"]
    array = package.create_array(
        str(folder / "a.zarr"), shape=X.shape, dtype=X.dtype, chunks=X.shape
    )
    array[:] = X
    return package.open_array(str(folder / "a.zarr"), mode="r")


def saved_epochs(X, folder, kind):
    """Return Epochs that are not preloaded, from a file or from Raw."""
    info = mne.create_info(CH_NAMES, 100.0, "eeg")
    events = np.column_stack([X.shape[2] * np.arange(len(X)), [0] * len(X), [1] * len(X)])
    if kind == "epochs file":
        epochs = mne.EpochsArray(X, info, events, verbose="error")
        epochs.save(folder / "trials-epo.fif", fmt="double", verbose="error")
        return folder / "trials-epo.fif"
    raw = mne.io.RawArray(np.concatenate([*X], axis=1), info, verbose="error")
    raw.save(folder / "trials_raw.fif", fmt="double", verbose="error")
    raw = mne.io.read_raw(folder / "trials_raw.fif", verbose="error")
    tmax = (X.shape[2] - 1) / 100
    return mne.Epochs(raw, events, tmin=0, tmax=tmax, baseline=None, verbose="error")


SOURCES = {
    "path": lambda X, folder: np.save(folder / "a.npy", X) or folder / "a.npy",
    "big-endian": lambda X, folder: np.save(folder / "a.npy", X.astype(">f8")) or folder / "a.npy",
    "memory map": lambda X, folder: (
        np.save(folder / "a.npy", X) or np.load(folder / "a.npy", mmap_mode="r")
    ),
    "part of a memory map": lambda X, folder: (
        np.save(folder / "a.npy", np.concatenate([X, X]))
        or np.load(folder / "a.npy", mmap_mode="r")[len(X) :]
    ),
    "array": lambda X, folder: X.astype(float),
    "h5py": lambda X, folder: chunked(X, folder, "h5py"),
    "zarr": lambda X, folder: chunked(X, folder, "zarr"),
    "epochs file": lambda X, folder: saved_epochs(X, folder, "epochs file"),
    "epochs of raw": lambda X, folder: saved_epochs(X, folder, "epochs of raw"),
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
@pytest.mark.parametrize("cache", [None, 2000, "1GB"])
def test_all_kinds_of_files_have_the_same_trials(X, tmp_path, source, cache):
    trials = LazyTrials(source(X, tmp_path), cache=cache)
    assert (trials.shape, trials.dtype, trials.ndim, len(trials)) == (X.shape, np.float32, 3, 24)
    order = np.random.default_rng(0).permutation(24)
    for _ in range(2):  # the second time, some trials are in the cache
        np.testing.assert_array_equal(np.asarray(trials[order]), X[order])
        np.testing.assert_array_equal(np.asarray(trials), X)
    copy = pickle.loads(pickle.dumps(trials[order]))
    np.testing.assert_array_equal(copy, X[order])


# Indexing

KEYS = {
    "slice": slice(2, 20, 3),
    "reversed": slice(None, None, -1),
    "list": [5, 0, -1, 5],
    "empty list": [],
    "array": np.array([3, 1]),
    "mask": np.arange(24) % 3 == 0,
    "list of booleans": [True, False] * 12,
    "with ellipsis": ([4, 2], ...),
    "with slices": (slice(3), slice(None), slice(None)),
    "ellipsis": ...,
    "channels": (slice(None), [2, 0]),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_indices_are_those_of_numpy_and_read_nothing(X, trials, key, monkeypatch):
    with monkeypatch.context() as context:
        no_reading(context)
        view = trials[key]
        assert view.shape == X[key].shape
        nested = view[:2][::-1] if len(view) else view
    np.testing.assert_array_equal(view, X[key])
    np.testing.assert_array_equal(nested, X[key][:2][::-1])


@pytest.mark.parametrize("index", [0, -1, np.int64(5), np.array(7)])
def test_integer_reads_a_trial(X, trials, index):
    np.testing.assert_array_equal(trials[::2][index % 12], X[::2][index % 12])
    np.testing.assert_array_equal(trials[index], X[index])


def test_iteration_and_conversion(X, trials):
    np.testing.assert_array_equal(list(trials[:3]), X[:3])
    assert np.asarray(trials, dtype=float).dtype == np.float64
    assert (trials.size, trials.nbytes) == (X.size, X.nbytes)
    assert "(24, 3, 48) in 1 recording" in repr(trials)
    with pytest.raises(ValueError, match="the trials are not in memory"):
        np.array(trials, copy=False)


@pytest.mark.parametrize("key", [24, [0, 24], (0, 1), (slice(None), slice(None), slice(5))])
def test_invalid_index(trials, key):
    with pytest.raises(IndexError):
        trials[key]


# Table


def test_columns_of_recordings(X):
    y = np.repeat(["left", "right"], 2)
    columns = {"subject": ["S1", "S2"], "label": [y, y[::-1]], "session": ["a", list("0123")]}
    trials = LazyTrials([X[:4], X[4:8]], columns)
    assert trials.groups("subject").tolist() == ["S1"] * 4 + ["S2"] * 4
    assert trials[[0, 7, 3]].labels.tolist() == ["left", "left", "right"]
    assert trials[5:].groups("subject", "session").tolist() == ["S2/1", "S2/2", "S2/3"]
    assert trials[::4].table.to_dict("list") == {
        "recording": ["the ndarray (recordings[0])", "the ndarray (recordings[1])"],
        "subject": ["S1", "S2"],
        "label": ["left", "right"],
        "session": ["a", "0"],
    }
    with pytest.raises(ValueError, match="no column 'run'; the columns are recording, subject, la"):
        trials.groups("run")


def test_columns_of_epochs(saved, y):
    saved.metadata = saved.metadata or None
    trials = LazyTrials([saved, saved], {"subject": ["S1", "S2"]})
    assert trials.labels.tolist() == ["left", "right"] * 24
    assert trials.signal.ch_names == tuple(CH_NAMES)
    assert trials.signal.sfreq == 100
    assert trials.groups("recording")[0].endswith("trials-epo.fif")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"subject": ["S1"]}, "column 'subject' has 1 entries for 2 recordings; give one for each"),
        ({"subject": "S1"}, "column 'subject' has 1 entries for 2 recordings; give one for each"),
        ({"run": 3}, "column 'run' has 1 entries for 2 recordings; give one for each"),
        (
            {"label": [[0, 1], [0]]},
            r"'label' has values of shape \(2,\) for the ndarray \(recordings\[0\]\), which has",
        ),
    ],
)
def test_columns_of_other_lengths(X, columns, message):
    with pytest.raises(ValueError, match=message):
        LazyTrials([X, X], columns)


def test_invalid_columns_and_rates(X):
    with pytest.raises(TypeError, match="LazyTrials: columns is of type list; it should be a dict"):
        LazyTrials(X, ["subject"])
    with pytest.raises(ValueError, match="column 'label' has numbers .int64. for the ndarray"):
        LazyTrials([X, X, X[:1]], {"label": ["left", 1, 2]})
    with pytest.raises(TypeError, match="LazyTrials.groups needs the name of a column, e.g. "):
        LazyTrials(X).groups()
    with pytest.raises(ValueError, match="LazyTrials: sfreq=-1 should be a number above 0"):
        LazyTrials(X, sfreq=-1)
    assert LazyTrials([X], {"subject": "S1"}).groups("subject").tolist() == ["S1"] * len(X)


@pytest.mark.parametrize("kind", ["array", "epochs", "saved epochs", "joined"])
def test_fingerprints_of_other_trials_differ(X, kind, epochs, saved):
    def fingerprint(X, selected):
        data = {"array": X, "epochs": epochs, "saved epochs": saved, "joined": LazyTrials(X)}[kind]
        return describe(LazyTrials(data)[selected].fingerprint())

    assert fingerprint(X, [1, 2]) == fingerprint(X.copy(), [1, 2])
    assert fingerprint(X, [1, 2]) != fingerprint(X, [2, 1])
    if kind in ("array", "joined"):
        assert fingerprint(X, [1, 2]) != fingerprint(X + 1, [1, 2])


def test_lazy_trials_can_be_joined(X, tmp_path, y):
    first = LazyTrials(with_names(X, tmp_path / "a-epo.fif", CH_NAMES), {"subject": "S1"})
    second = LazyTrials(
        [X[:, ::-1]], {"subject": ["S2"], "label": [y.astype(str)]}, ch_names=CH_NAMES[::-1]
    )
    trials = LazyTrials([first[10:], second[::2]])
    np.testing.assert_array_equal(trials, np.concatenate([X[10:], X[::2]]))
    assert trials.groups("subject").tolist() == ["S1"] * 14 + ["S2"] * 12
    assert trials.signal.ch_names == tuple(CH_NAMES)
    assert trials.groups("recording")[[0, -1]].tolist() == [
        str(tmp_path / "a-epo.fif"),
        "the ndarray",
    ]


def test_positions_are_kept(epochs, tmp_path):
    trials = LazyTrials(epochs.set_montage("biosemi64"), {"subject": "S1"})
    assert trials.signal.ch_positions is not None
    assert LazyTrials([trials, trials]).signal == trials.signal
    assert trials.save(tmp_path / "trials.npy").signal == trials.signal


def test_number_of_labels(X, y):
    with pytest.raises(ValueError, match=r"y has 9 targets; give one target for each trial\."):
        small(EEGNetClassifier).fit(LazyTrials(X, sfreq=100.0), y[:9])


def test_recordings_in_memory_have_different_names(X):
    trials = LazyTrials([X[:10], X[10:]])
    assert np.unique(trials.groups("recording"), return_counts=True)[1].tolist() == [10, 14]


# Recordings that differ


def with_names(X, path, ch_names, sfreq=100.0):
    """Write trials to an Epochs file."""
    info = mne.create_info(list(ch_names), sfreq, "eeg")
    mne.EpochsArray(X, info, verbose="error").save(path, fmt="double", verbose="error")
    return path


def test_channels_are_matched_by_name(X, tmp_path):
    first = with_names(X, tmp_path / "a-epo.fif", CH_NAMES)
    second = with_names(X[:, ::-1], tmp_path / "b-epo.fif", CH_NAMES[::-1])
    trials = LazyTrials([first, second])
    np.testing.assert_array_equal(trials, np.concatenate([X, X]))
    np.testing.assert_array_equal(trials[[30, 1]], X[[6, 1]])


def test_predict_matches_channels_by_name(X, y, tmp_path):
    trials = LazyTrials(with_names(X, tmp_path / "a-epo.fif", CH_NAMES))
    order = LazyTrials(with_names(X[:, ::-1], tmp_path / "b-epo.fif", CH_NAMES[::-1]))
    classifier = small(EEGNetClassifier).fit(trials, y)
    np.testing.assert_array_equal(classifier.predict_proba(order), classifier.predict_proba(trials))
    np.testing.assert_array_equal(classifier.predict_proba(X), classifier.predict_proba(trials))
    other = LazyTrials(with_names(X, tmp_path / "c-epo.fif", ["C3", "Cz", "Pz"]))
    with pytest.raises(
        ValueError, match="^EEGNetClassifier: X differs from the data of fit: it la"
    ):
        classifier.predict(other)
    continued = classifier.set_params(warm_start=True, max_epochs=1)
    assert continued.fit(order, y).signal_.ch_names == tuple(CH_NAMES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda X: (X[:, :2], ["C3", "Cz"], 100),
            "b-epo.fif differs from .*a-epo.fif: it lacks the",
        ),
        (lambda X: (X, ["C3", "Cz", "Pz"], 100), r"it lacks the channels C4 \(1 in all\)"),
        (lambda X: (X, CH_NAMES, 50), "b-epo.fif has 50 Hz, but .*a-epo.fif has 100; resample"),
        (lambda X: (X[:, :, ::2], CH_NAMES, 50), "has 50 Hz, but .* has 100; resample the"),
        (lambda X: (X[:, :, :40], CH_NAMES, 100), "has 40 time points, but .* has 48; crop them"),
    ],
)
def test_first_recording_that_differs_is_named(X, tmp_path, change, message):
    X_other, ch_names, sfreq = change(X)
    first = with_names(X, tmp_path / "a-epo.fif", CH_NAMES)
    second = with_names(X_other, tmp_path / "b-epo.fif", ch_names, sfreq)
    with pytest.raises(ValueError, match=message):
        LazyTrials([first, first, second, tmp_path / "a-epo.fif"])


def test_arrays_with_names(X, path):
    trials = LazyTrials(path, sfreq=250, ch_names=CH_NAMES)
    assert trials[:, [2, 0]].signal.ch_names == ("C4", "C3")
    with pytest.raises(ValueError, match="has 3 channels, but ch_names has 2 names"):
        LazyTrials(path, ch_names=CH_NAMES[:2])
    with pytest.raises(TypeError, match="ch_names='C3Cz' should be a list of names"):
        LazyTrials(path, ch_names="C3Cz")
    with pytest.raises(ValueError, match="ch_names has the same name twice; names should be uniq"):
        LazyTrials(path, ch_names=["C3", "C3", "Cz"])
    message = r"the ndarray \(recordings\[2\]\) has 2 channels, but the ndarray \(recordings\[0\]\)"
    with pytest.raises(ValueError, match=message + " has 3; select the same channels"):
        LazyTrials([X, X, X[:, :2]])


@pytest.mark.parametrize(
    ("recordings", "error", "message"),
    [
        ([], ValueError, "the list of recordings is empty"),
        (5, TypeError, "a recording is of type int; it should be a path, mne.Epochs, or an array"),
        ("a.mat", ValueError, "a.mat is of an unknown kind; use .npy, -epo.fif"),
        (np.zeros((4, 3)), ValueError, r"has shape \(4, 3\); it should be \(n_trials, n_chans"),
        (np.zeros((4, 3, 2), complex), TypeError, "the ndarray has the type complex128"),
        (mne.io.RawArray(np.zeros((1, 9)), mne.create_info(1, 1.0, "eeg"), verbose="error"),
         TypeError, "Raw has no trials; use eegsk.recordings.trials_from_raw"),
    ],
)  # fmt: skip
def test_invalid_recordings(recordings, error, message):
    with pytest.raises(error, match=message):
        LazyTrials(recordings)


def test_tensors(X):
    np.testing.assert_array_equal(LazyTrials(torch.from_numpy(X)), X)
    X = torch.from_numpy(X).to(torch.bfloat16)
    np.testing.assert_array_equal(LazyTrials(X), X.float())


def test_memory_maps_without_a_file_of_their_own(X, path):
    copy = np.load(path, mmap_mode="r").copy().reshape(12, 6, -1)
    np.testing.assert_array_equal(LazyTrials(copy), X.reshape(12, 6, -1))


def test_file_of_h5py_is_not_a_dataset(X, tmp_path):
    with chunked(X, tmp_path, "h5py").file as file:
        with pytest.raises(TypeError, match="a recording is of type File; it should be a path"):
            LazyTrials(file)
        with pytest.raises(TypeError, match="a recording is of type Group; it should be a path"):
            LazyTrials(file["eeg"])


def test_fortran_order_and_several_datasets(X, tmp_path):
    np.save(tmp_path / "a.npy", np.asfortranarray(X))
    with pytest.raises(ValueError, match="a.npy is in Fortran order"):
        LazyTrials(tmp_path / "a.npy")
    chunked(X, tmp_path, "h5py").file.close()
    np.testing.assert_array_equal(LazyTrials(tmp_path / "trials.h5"), X)
    with pytest.importorskip("h5py").File(tmp_path / "trials.h5", "a") as file:
        file["more"] = X
    with pytest.raises(
        ValueError, match=r"has 2 datasets of three dimensions \(eeg/trials, more\)"
    ):
        LazyTrials(tmp_path / "trials.h5")


@pytest.mark.parametrize("cache", ["2 apples", -1, True])
def test_invalid_cache(X, cache):
    with pytest.raises(ValueError, match="is not an amount of memory; use e.g. '500MB'"):
        LazyTrials(X, cache=cache)


def test_units_of_the_cache():
    sizes = [parse_bytes("cache", size) for size in ("2GB", "1.5 MiB", 10, None)]
    assert sizes == [2_000_000_000, 1_572_864, 10, 0]


def test_save_replaces_the_file_that_is_read(X, path, trials, y):
    copy = trials[5:15].save(path)
    np.testing.assert_array_equal(copy, X[5:15])
    np.testing.assert_array_equal(np.load(path), X[5:15])
    assert copy.labels.tolist() == list(y[5:15])
    assert [file.name for file in path.parent.iterdir()] == ["trials.npy"]


def test_save_that_fails_keeps_the_file(X, path, trials, monkeypatch):
    no_reading(monkeypatch)
    with pytest.raises(AssertionError, match="Trials were read"):
        trials.save(path)
    np.testing.assert_array_equal(np.load(path), X)
    assert [file.name for file in path.parent.iterdir()] == ["trials.npy"]
    with pytest.raises(ValueError, match=r"LazyTrials.save: path='copy' should end with '\.npy'"):
        trials.save("copy")


def test_save(X, tmp_path, groups):
    trials = LazyTrials([X, X], {"subject": [groups, 9]}, sfreq=100.0, ch_names=CH_NAMES)[10:30]
    copy = trials.save(tmp_path / "copy.npy")
    np.testing.assert_array_equal(copy, trials)
    np.testing.assert_array_equal(copy.groups("subject"), trials.groups("subject"))
    assert copy.signal == trials.signal


# scikit-learn


def test_selection_by_scikit_learn_reads_nothing(X, trials, y, monkeypatch):
    no_reading(monkeypatch)
    for key in (np.arange(5), [1, 2], slice(3), np.arange(24) < 7):
        assert isinstance(_safe_indexing(trials, key), LazyTrials)
    train, test, y_train, _ = train_test_split(trials, y, stratify=y, random_state=0)
    assert (len(train), len(test)) == (18, 6)
    assert train.labels.tolist() == y_train.tolist()


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_cross_validation(X, y, groups, trials, n_jobs):
    classifier = small(EEGNetClassifier)
    options = {"groups": groups, "cv": GroupKFold(2)}
    expected = cross_val_score(classifier, X, y, **options)
    scores = cross_val_score(classifier, trials, y, **options, n_jobs=n_jobs, error_score="raise")
    np.testing.assert_array_equal(scores, expected)


def test_search_and_pipeline(X, y, trials):
    steps = make_pipeline(FunctionTransformer(), small(EEGNetClassifier))
    search = GridSearchCV(steps, {"eegnetclassifier__lr": [1e-3, 1e-2]}, cv=2, error_score="raise")
    expected = search.fit(X, y).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(search.fit(trials, y).cv_results_["mean_test_score"], expected)
    aligned = make_pipeline(EuclideanAlignment(), small(EEGNetClassifier)).fit(trials, y)
    assert aligned.predict(trials).shape == (24,)


def test_labels_of_the_table(trials, y):
    classifier = small(EEGNetClassifier).fit(trials)
    assert classifier.classes_.tolist() == [0, 1]
    assert 0 <= classifier.score(trials[:10]) <= 1
    with pytest.raises(
        ValueError, match="EEGNetClassifier: LazyTrials: there is no column 'label'"
    ):
        small(EEGNetClassifier).fit(LazyTrials(np.zeros((4, 3, 48))))


def test_validation_that_mixes_subjects_warns(trials, y):
    classifier = small(EEGNetClassifier, valid_split=0.25)
    with pytest.warns(UserWarning, match=r"mixes .* subject .* pass groups=X.groups\('subject'\)"):
        classifier.fit(trials, y)
    classifier.fit(trials, y, groups=trials.groups("subject"))
