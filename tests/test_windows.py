"""From continuous recordings to trials: windows, BIDS folders, MOABB's data."""

import os
from pathlib import Path

import mne
import numpy as np
import pytest
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, cross_val_score

from eegsk import EEGNetClassifier
from eegsk.recordings import LazyTrials, trials_from_bids, trials_from_moabb, trials_from_raw

from .networks import small

SFREQ = 100.0


def make_raw(seed=0, n_times=3000, ch_names=("C3", "Cz", "C4")):
    """Return a recording of 30 s with five annotations."""
    X = 1e-5 * np.random.default_rng(seed).standard_normal((len(ch_names), n_times))
    raw = mne.io.RawArray(X, mne.create_info(list(ch_names), SFREQ, "eeg"), verbose="error")
    raw.set_meas_date(0)
    annotations = mne.Annotations(
        [2, 8, 12.005, 18, 24], [4, 3, 4, 4, 1], ["left", "right", "left", "bad muscle", "right"]
    )
    return raw.set_annotations(annotations)


@pytest.fixture
def paths(tmp_path):
    """Return the files of two recordings; the second has its channels in reverse order."""
    paths = [tmp_path / f"s{number}_raw.fif" for number in (1, 2)]
    for number, path in enumerate(paths):
        raw = make_raw(seed=number)
        raw = raw.reorder_channels(raw.ch_names[::-1]) if number else raw
        raw.save(path, fmt="double", verbose="error")
    return paths


@pytest.mark.parametrize("has_date", [True, False])
@pytest.mark.parametrize("crop", [0, 1.5])
def test_windows_are_the_epochs_of_mne(crop, has_date):
    raw = make_raw()
    if not has_date:
        raw.set_meas_date(None)
    raw.crop(crop)
    trials = trials_from_raw(raw, {"left": "L", "right": "R"}, tmin=0.5, duration=2)
    events, event_id = mne.events_from_annotations(raw, verbose="error")
    names = {name: event_id[name] for name in ("left", "right")}
    times = {"tmin": 0.5, "tmax": 2.5 - 1 / SFREQ, "baseline": None}
    epochs = mne.Epochs(raw, events, names, **times, preload=True, verbose="error")
    np.testing.assert_allclose(trials, epochs.get_data(), rtol=1e-6)
    assert trials.labels.tolist() == ["L", "R", "L", "R"]
    assert trials.signal.sfreq == SFREQ


def test_window_after_a_bad_annotation_is_kept():
    raw = make_raw()  # the bad muscle ends at 22 s
    raw.annotations.append(21, 0, "late").append(22, 0, "late").append(17.5, 0, "late")
    trials = trials_from_raw(raw, ["late"], duration=0.5)
    events, event_id = mne.events_from_annotations(raw, regexp="late", verbose="error")
    times = {"tmin": 0, "tmax": 0.5 - 1 / SFREQ, "baseline": None}
    epochs = mne.Epochs(raw, events, event_id, **times, preload=True, verbose="error")
    np.testing.assert_allclose(trials, epochs.get_data(), rtol=1e-6)
    assert len(trials) == 2


@pytest.mark.parametrize(("tmin", "duration"), [(0.7, 0.1), (0.196, 1.196)])
def test_rounding_of_times_loses_no_window(tmin, duration):
    for tmax in (None, tmin + duration):
        trials = trials_from_raw(make_raw(), ["left"], tmin=tmin, tmax=tmax, duration=duration)
        assert len(trials) == 2


def test_windows_of_files(paths):
    columns = {"subject": ["S1", "S2"]}
    times = {"duration": 2.0, "tmax": 4.0, "step": 0.5}
    trials = trials_from_raw(paths, ["left", "right"], **times, columns=columns)
    assert trials.shape == (2 * 4 * 5, 3, 200)
    assert trials.groups("trial").tolist() == np.repeat(np.arange(8), 5).tolist()
    assert trials.groups("subject").tolist() == ["S1"] * 20 + ["S2"] * 20
    assert trials.groups("recording")[0] == str(paths[0])
    expected = make_raw(1).get_data()
    np.testing.assert_allclose(trials[20 + 5 + 2], expected[:, 900:1100], rtol=1e-6)
    options = {"groups": trials.groups("trial"), "cv": StratifiedGroupKFold(2)}
    scores = cross_val_score(small(EEGNetClassifier), trials, trials.labels, **options)
    assert np.isfinite(scores).all()


def test_whole_recordings(paths):
    trials = trials_from_raw(paths, duration=4, columns={"label": ["rest", "count"]})
    # The windows from 16 s and from 20 s overlap with the bad muscle at 18 s to 22 s.
    assert trials.shape == (2 * 5, 3, 400)
    assert trials.groups("trial").tolist() == [0] * 5 + [1] * 5
    assert trials.labels.tolist() == ["rest"] * 5 + ["count"] * 5


def test_windows_beyond_the_recording_warn(paths):
    with pytest.warns(UserWarning, match="1 of 4 windows of .*s1_raw.fif extend beyond the recor"):
        trials = trials_from_raw(paths[0], ["left", "right"], duration=7)
    assert len(trials) == 2  # the window from 12 s overlaps with the bad muscle


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"labels": ["T1"]}, "s1_raw.fif has none of the annotations T1; it has bad muscle, left"),
        ({"duration": 0}, "duration=0 should be greater than zero"),
        ({"labels": "left", "step": -1}, "step=-1 should be greater than zero"),
        ({"tmax": 0.5}, "no window of 1.0 s fits in tmin=0.0 to tmax=0.5"),
        ({"columns": {"subject": ["S1"]}}, "column 'subject' has 1 entries for 2 recordings"),
    ],
)
def test_invalid_parameters(paths, params, message):
    with pytest.raises(ValueError, match=message):
        trials_from_raw(paths, **{"duration": 1.0, **params})


def test_recording_that_differs_is_named(paths, tmp_path):
    make_raw(ch_names=("C3", "Cz")).save(tmp_path / "c_raw.fif", verbose="error")
    with pytest.raises(ValueError, match=r"c_raw.fif differs from .*s1_raw.fif: it lacks the chan"):
        trials_from_raw([*paths, tmp_path / "c_raw.fif"], duration=1)


def test_label_that_no_recording_has_warns(paths):
    with pytest.warns(UserWarning, match="no recording has the annotations feet; check their nam"):
        trials = trials_from_raw(paths, ["left", "feet"], duration=1)
    assert set(trials.labels) == {"left"}


def test_recording_shorter_than_a_window_warns(paths):
    with pytest.warns(UserWarning, match="1 of 1 windows of .*s1_raw.fif extend beyond the reco"):
        trials = trials_from_raw(paths[0], duration=60)
    assert trials.shape == (0, 3, 6000)


def test_file_of_raw_has_no_epochs(paths):
    with pytest.raises(ValueError, match="s1_raw.fif has no Epochs .*; cut .*trials_from_raw"):
        LazyTrials(paths[0])


def test_raw_file_that_vanishes_is_named(paths):
    trials = trials_from_raw(paths, ["left", "right"], duration=1, cache=None)
    os.remove(paths[1])
    assert np.asarray(trials[:4]).shape == (4, 3, 100)
    with pytest.raises(OSError, match=r"s2_raw.fif cannot be read any more"):
        small(EEGNetClassifier).fit(trials)


@pytest.mark.slow
def test_bids_folder(tmp_path):
    mne_bids = pytest.importorskip("mne_bids")
    for subject in ("01", "02"):
        raw = make_raw(int(subject))
        raw.info["line_freq"] = 50
        path = mne_bids.BIDSPath(subject=subject, task="motor", root=tmp_path, datatype="eeg")
        options = {"allow_preload": True, "format": "BrainVision", "verbose": "error"}
        mne_bids.write_raw_bids(raw, path, **options)
    trials = trials_from_bids(tmp_path, ["left", "right"], duration=2.0)
    assert trials.shape == (8, 3, 200)
    assert trials.groups("subject", "task").tolist() == ["01/motor"] * 4 + ["02/motor"] * 4
    scores = cross_val_score(small(EEGNetClassifier), trials, trials.labels, cv=2, n_jobs=2)
    assert np.isfinite(scores).all()
    with pytest.raises(ValueError, match="has no EEG recording that matches"):
        trials_from_bids(tmp_path, duration=1.0, subjects=["03"])


@pytest.mark.filterwarnings("ignore")
def test_data_of_moabb(tmp_path):
    moabb_datasets = pytest.importorskip("moabb.datasets.fake")
    from moabb.paradigms import LeftRightImagery

    dataset = moabb_datasets.FakeDataset(["left_hand", "right_hand"], n_subjects=2, seed=0)
    paradigm = LeftRightImagery(resample=128)
    trials = trials_from_moabb(dataset, paradigm, tmp_path / "trials")
    X, y, metadata = paradigm.get_data(dataset, return_epochs=True)
    np.testing.assert_allclose(trials, X.get_data(), rtol=1e-5)
    assert trials.labels.tolist() == y.tolist()
    assert trials.groups("subject").tolist() == metadata["subject"].tolist()
    assert trials.signal.ch_names == tuple(X.ch_names)


@pytest.fixture
def recordings(tmp_path):
    """Write recordings of imagined movement as continuous files, and return their paths."""
    if not os.environ.get("EEGSK_DATA"):
        pytest.skip("needs recordings: set EEGSK_DATA to their folder")
    paths = []
    files = sorted((Path(os.environ["EEGSK_DATA"]) / "eegmmidb").glob("S*.npz"))
    for file in files[::10]:
        data = np.load(file)
        X, names = 1e-6 * data["X"][:, :8], ["left" if y == 1 else "right" for y in data["y"]]
        info = mne.create_info(
            [str(name) for name in data["ch_names"][:8]], float(data["sfreq"]), "eeg"
        )
        raw = mne.io.RawArray(np.concatenate([*X], axis=1), info, verbose="error")
        raw.set_annotations(mne.Annotations(4.0 * np.arange(len(X)), 4.0, names))
        paths.append(tmp_path / f"{file.stem}_raw.fif")
        raw.save(paths[-1], verbose="error")
    return paths


def test_recordings_of_subjects(recordings, tmp_path):
    """Cross-validation over subjects on recordings, from raw files and from one file."""
    columns = {"subject": [path.stem[:4] for path in recordings]}
    trials = trials_from_raw(recordings, ["left", "right"], duration=3.0, columns=columns)
    assert trials.shape[1:] == (8, 480)
    classifier = EEGNetClassifier(max_epochs=2, random_state=0)
    options = {"groups": trials.groups("subject"), "cv": GroupKFold(2), "error_score": "raise"}
    expected = cross_val_score(classifier, np.asarray(trials), trials.labels, **options)
    copy = trials.save(tmp_path / "trials.npy")
    for data in (trials, copy, LazyTrials(copy[::1], {"label": trials.labels})):
        np.testing.assert_array_equal(
            cross_val_score(classifier, data, trials.labels, **options), expected
        )
