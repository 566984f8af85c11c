"""Simulated motor imagery and loaders of recordings."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from scipy.signal import butter, sosfiltfilt, welch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_score

from eegsk.datasets import load_bci_iv_2b, make_motor_imagery

SFREQ = 128.0
C3, CZ, C4 = 0, 1, 2  # indices for any n_chans


@pytest.fixture(scope="module")
def simulated():
    return make_motor_imagery(random_state=0)


@pytest.fixture(scope="module")
def many():
    """Return enough trials for tests of the physics."""
    classes = ("left_hand", "right_hand", "feet")
    return make_motor_imagery(n_subjects=20, n_trials=60, classes=classes, random_state=0)


def band_pass(X, low, high, sfreq=SFREQ):
    return sosfiltfilt(butter(4, (low, high), "bandpass", fs=sfreq, output="sos"), X)


def log_variance(X, sfreq=SFREQ):
    return np.log(band_pass(X, 8, 30, sfreq).var(axis=-1))


def accuracy_within(X, y, groups):
    """Return the accuracy of a linear classifier within each subject."""
    features, cv = log_variance(X)[:, [C3, C4]], StratifiedKFold(5, shuffle=True, random_state=0)
    masks = [groups == subject for subject in np.unique(groups)]
    lda = LinearDiscriminantAnalysis()
    return np.array([cross_val_score(lda, features[m], y[m], cv=cv).mean() for m in masks])


def accuracy_across(X, y, groups):
    """Return the accuracy of a linear classifier for each subject, trained on other subjects."""
    cv = GroupKFold(len(np.unique(groups)))
    lda = LinearDiscriminantAnalysis()
    return cross_val_score(lda, log_variance(X)[:, [C3, C4]], y, groups=groups, cv=cv)


# make_motor_imagery: arrays


@pytest.mark.parametrize(
    ("sizes", "shape"),
    [
        ({}, (480, 16, 256)),
        ({"n_subjects": 1, "n_trials": 2, "n_chans": 1, "n_times": 1}, (2, 1, 1)),
        ({"n_subjects": 2, "n_trials": 5, "n_chans": 64, "n_times": 99}, (10, 64, 99)),
        ({"n_subjects": 3, "n_trials": 4, "n_chans": 3, "sfreq": 250.5}, (12, 3, 256)),
    ],
)
def test_shapes(sizes, shape):
    X, y, groups = make_motor_imagery(random_state=0, **sizes)
    assert X.shape == shape
    assert X.dtype == np.float64
    assert X.flags.c_contiguous
    assert np.isfinite(X).all()
    assert y.shape == groups.shape == shape[:1]


def test_amplitude_is_that_of_scalp_eeg_in_volts(simulated):
    X, _, groups = simulated
    rms = [X[groups == subject].std() for subject in np.unique(groups)]
    assert 3e-6 < min(rms) < max(rms) < 3e-5
    assert np.abs(X).max() < 2e-4


def test_groups_are_the_subjects(simulated):
    _, _, groups = simulated
    np.testing.assert_array_equal(groups, np.repeat([1, 2, 3, 4, 5, 6], 80))


@pytest.mark.parametrize("classes", [("right_hand", "left_hand"), ("rest", "feet", "left_hand")])
def test_labels_are_balanced_within_subjects(classes):
    _, y, groups = make_motor_imagery(
        n_subjects=3, n_trials=20, n_chans=1, n_times=1, classes=classes, random_state=0
    )
    for subject in np.unique(groups):
        labels, counts = np.unique(y[groups == subject], return_counts=True)
        assert set(labels) == set(classes)
        assert np.ptp(counts) <= 1


def test_labels_are_shuffled(simulated):
    _, y, groups = simulated
    assert 20 < (y[:-1] != y[1:])[:79].sum() < 60
    assert not np.array_equal(y[groups == 1], y[groups == 2])


@pytest.mark.parametrize("make_seed", [lambda: 7, lambda: np.random.RandomState(7)])
def test_same_seed_gives_the_same_trials(make_seed):
    first = make_motor_imagery(n_subjects=2, n_trials=4, random_state=make_seed())
    second = make_motor_imagery(n_subjects=2, n_trials=4, random_state=make_seed())
    for array, repeated in zip(first, second, strict=True):
        np.testing.assert_array_equal(array, repeated)


def test_another_seed_gives_other_trials(simulated):
    X, _, _ = make_motor_imagery(random_state=1)
    assert np.abs(np.corrcoef(X[0].ravel(), simulated[0][0].ravel())[0, 1]) < 0.1


def test_global_generator_is_not_used():
    state, position = np.random.get_state()[1:3]  # type: ignore[index]
    make_motor_imagery(n_subjects=1, n_trials=4, random_state=0)
    new_state, new_position = np.random.get_state()[1:3]  # type: ignore[index]
    np.testing.assert_array_equal(state, new_state)
    assert position == new_position


# make_motor_imagery: Epochs


def test_epochs_contain_the_same_trials(simulated):
    X, y, groups = simulated
    epochs, y_epochs, groups_epochs = make_motor_imagery(random_state=0, as_epochs=True)
    np.testing.assert_array_equal(epochs.get_data(), X)
    np.testing.assert_array_equal(y_epochs, y)
    np.testing.assert_array_equal(groups_epochs, groups)
    assert epochs.info["sfreq"] == SFREQ
    assert epochs.tmin == 0


def test_event_names_are_the_classes(simulated):
    _, y, _ = simulated
    epochs, _, _ = make_motor_imagery(random_state=0, as_epochs=True)
    assert epochs.event_id == {"left_hand": 1, "right_hand": 2}
    np.testing.assert_array_equal(epochs.events[:, 2] == 1, y == "left_hand")
    assert len(np.unique(epochs.events[:, 0])) == len(y)


@pytest.mark.parametrize("n_chans", [3, 64])
def test_epochs_have_channel_positions(n_chans):
    epochs, _, _ = make_motor_imagery(
        n_subjects=1, n_trials=4, n_chans=n_chans, as_epochs=True, random_state=0
    )
    assert epochs.ch_names[:3] == ["C3", "Cz", "C4"]
    assert set(epochs.get_channel_types()) == {"eeg"}
    positions = np.array([channel["loc"][:3] for channel in epochs.info["chs"]])
    assert len(np.unique(positions.round(4), axis=0)) == n_chans
    distance = np.linalg.norm(positions, axis=1)
    assert 0.05 < distance.min() < distance.max() < 0.15
    assert positions[C3, 0] < -0.03 < 0.03 < positions[C4, 0]


# make_motor_imagery: physics


@pytest.mark.parametrize(
    ("channel", "movement", "band"),
    [
        (C3, "right_hand", (8, 13)),
        (C3, "right_hand", (16, 26)),
        (C4, "left_hand", (8, 13)),
        (C4, "left_hand", (16, 26)),
        (CZ, "feet", (8, 13)),
    ],
)
def test_rhythms_decrease_opposite_to_the_movement(many, channel, movement, band):
    X, y, _ = many
    power = np.log(band_pass(X[:, channel], *band)[:, 96:].var(axis=-1))
    for label in set(y) - {movement}:
        difference = power[y == label] - power[y == movement]
        standard_error = np.sqrt(2 * power.var() / (y == movement).sum())
        assert difference.mean() > 3 * standard_error


def test_erd_begins_after_the_cue(many):
    X, y, _ = many
    power = band_pass(X, 8, 13) ** 2
    ratio = power[y == "right_hand", C3].mean(axis=0) / power[y == "left_hand", C3].mean(axis=0)
    at_cue, later = ratio[:16].mean(), ratio[96:].mean()
    assert 0.85 < at_cue < 1.15
    assert later < 0.75


def test_trials_are_not_phase_locked(many):
    X, y, _ = many
    for label in np.unique(y):
        trials = X[y == label]
        expected = trials.std() / np.sqrt(len(trials))
        assert 0.8 < trials.mean(axis=0).std() / expected < 1.2


def test_background_falls_with_frequency():
    X, _, _ = make_motor_imagery(snr=0, n_chans=1, random_state=0)
    freqs, power = welch(X[:, 0], fs=SFREQ, nperseg=256)
    keep = (freqs >= 2) & (freqs <= 30)
    slope, _ = np.polyfit(np.log(freqs[keep]), np.log(power.mean(axis=0)[keep]), 1)
    assert -1.3 < slope < -0.6


def test_near_channels_are_more_correlated_than_distant_channels(simulated):
    X, _, _ = simulated
    epochs, _, _ = make_motor_imagery(n_subjects=1, n_trials=2, as_epochs=True, random_state=0)
    positions = np.array([channel["loc"][:3] for channel in epochs.info["chs"]])
    distance = np.linalg.norm(positions[:, None] - positions, axis=-1)
    correlation = np.corrcoef(X.transpose(1, 0, 2).reshape(16, -1))
    near, far = (distance > 0) & (distance < 0.05), distance > 0.1
    assert correlation[near].min() > correlation[far].max()
    assert correlation[near].max() < 0.95
    assert np.abs(correlation[far]).max() < 0.4


def test_alpha_is_occipital(many):
    X, _, _ = many
    epochs, _, _ = make_motor_imagery(n_subjects=1, n_trials=2, as_epochs=True, random_state=0)
    power = dict(zip(epochs.ch_names, band_pass(X, 8, 13).var(axis=(0, 2)), strict=True))
    assert min(power["O1"], power["O2"]) > 2 * power["Fz"]


def test_frequencies_of_rhythms_differ_between_subjects():
    X, _, groups = make_motor_imagery(snr=30, n_chans=1, n_times=512, random_state=0)
    freqs, power = welch(X[:, 0], fs=SFREQ, nperseg=512)
    peaks = [freqs[power[groups == subject].mean(axis=0).argmax()] for subject in range(1, 7)]
    assert 8 <= min(peaks) < max(peaks) <= 13
    assert len(set(peaks)) >= 3


# make_motor_imagery: difficulty


def test_accuracy_within_subjects_is_between_chance_and_perfect(simulated):
    accuracy = accuracy_within(*simulated)
    assert 0.72 < accuracy.mean() < 0.88
    assert accuracy.min() < 0.75
    assert accuracy.max() > 0.85


@pytest.mark.parametrize("random_state", [0, 1, 2])
def test_accuracy_across_subjects_is_lower_but_above_chance(random_state):
    X, y, groups = make_motor_imagery(random_state=random_state)
    accuracy = accuracy_across(X, y, groups)
    assert 0.62 < accuracy.mean() < 0.85
    assert accuracy.mean() < accuracy_within(X, y, groups).mean()


def test_snr_sets_the_difficulty():
    means = []
    for snr in (0, 0.5, 10):
        accuracy = accuracy_within(*make_motor_imagery(n_chans=3, snr=snr, random_state=0))
        means.append(accuracy.mean())
    assert 0.42 < means[0] < 0.58
    assert means[0] + 0.05 < means[1] < means[2] - 0.05


# make_motor_imagery: errors


TWO_CLASSES = "two or more of left_hand, right_hand, feet, rest, each at most once."


@pytest.mark.parametrize(
    ("argument", "value", "expected"),
    [
        ("n_subjects", 0, "an integer of at least 1."),
        ("n_subjects", True, "an integer of at least 1."),
        ("n_trials", 1, "an integer of at least 2."),
        ("n_chans", 65, "an integer from 1 to 64."),
        ("n_chans", 3.0, "an integer from 1 to 64."),
        ("n_times", -1, "an integer of at least 1."),
        ("sfreq", 60.0, "a finite number above 60."),
        ("sfreq", "128", "a finite number above 60."),
        ("snr", -0.1, "a finite number of at least 0."),
        ("snr", float("nan"), "a finite number of at least 0."),
        ("snr", float("inf"), "a finite number of at least 0."),
        ("classes", "left_hand", TWO_CLASSES),
        ("classes", ("left_hand",), TWO_CLASSES),
        ("classes", ("left_hand", "left_hand"), TWO_CLASSES),
        ("classes", ("left_hand", "tongue"), TWO_CLASSES),
    ],
)
def test_bad_arguments_of_make_motor_imagery(argument, value, expected):
    message = re.escape(f"make_motor_imagery: {argument}={value!r} should be {expected}")
    with pytest.raises(ValueError, match=f"^{message}$"):
        make_motor_imagery(**{argument: value})


# load_bci_iv_2b: simulated files


def write_session(root, name, n_trials=4, **replaced):
    rng = np.random.default_rng(len(name))
    data = 10 * rng.standard_normal((20, 3, n_trials))
    label = np.resize(np.array([[2], [1]], dtype=np.uint8), (n_trials, 1))
    content = {"data": data, "label": label} | replaced
    folder = Path(root) / "bci_iv_2b"
    folder.mkdir(exist_ok=True)
    savemat(folder / f"{name}.mat", {key: value for key, value in content.items() if len(value)})
    return data


@pytest.fixture
def data_dir(tmp_path, monkeypatch):
    """Return a folder with two sessions of subject 1, one of subject 3 and an unrelated file."""
    monkeypatch.delenv("EEGSK_DATA", raising=False)
    for name, n_trials in {"B0102T": 6, "B0101T": 4, "B0304E": 4}.items():
        write_session(tmp_path, name, n_trials)
    (tmp_path / "bci_iv_2b" / "notes.txt").touch()
    return tmp_path


def test_trials_are_in_volts_with_labels_and_sessions(data_dir):
    data = write_session(data_dir, "B0304E")
    X, y, session = load_bci_iv_2b(3, data_dir=data_dir)
    np.testing.assert_allclose(X, data.transpose(2, 1, 0) * 1e-6)
    assert X.flags.c_contiguous
    assert y.tolist() == ["right_hand", "left_hand"] * 2
    assert session.tolist() == ["04E"] * 4


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        (None, ["01T"] * 4 + ["02T"] * 6),
        ("02T", ["02T"] * 6),
        (["02T", "01T"], ["02T"] * 6 + ["01T"] * 4),
    ],
)
def test_sessions_are_selected_in_order(data_dir, sessions, expected):
    X, y, session = load_bci_iv_2b(1, sessions, data_dir=str(data_dir))
    assert session.tolist() == expected
    assert len(X) == len(y) == len(expected)


def test_folder_is_read_from_the_environment(data_dir, monkeypatch):
    monkeypatch.setenv("EEGSK_DATA", str(data_dir))
    assert load_bci_iv_2b(1)[0].shape == (10, 3, 20)


def test_recordings_as_epochs(data_dir):
    X, y, session = load_bci_iv_2b(1, data_dir=data_dir)
    epochs, y_epochs, session_epochs = load_bci_iv_2b(1, data_dir=data_dir, as_epochs=True)
    np.testing.assert_array_equal(epochs.get_data(), X)
    np.testing.assert_array_equal(y_epochs, y)
    np.testing.assert_array_equal(session_epochs, session)
    assert epochs.ch_names == ["C3", "Cz", "C4"]
    assert epochs.info["sfreq"] == 250
    assert epochs.event_id == {"left_hand": 1, "right_hand": 2}
    assert len(epochs["left_hand"]) == 5
    assert epochs.get_montage() is not None


@pytest.mark.parametrize("variable", ["", None])
def test_folder_is_not_set(monkeypatch, variable):
    monkeypatch.delenv("EEGSK_DATA", raising=False)
    if variable is not None:
        monkeypatch.setenv("EEGSK_DATA", variable)
    with pytest.raises(
        FileNotFoundError,
        match="^load_bci_iv_2b: data_dir is None and the .* EEGSK_DATA is not set; set one",
    ):
        load_bci_iv_2b(1)


def test_folder_does_not_exist(tmp_path):
    with pytest.raises(
        FileNotFoundError, match="^load_bci_iv_2b: there is no folder .*bci_iv_2b; data_dir, or the"
    ):
        load_bci_iv_2b(1, data_dir=tmp_path)


@pytest.mark.parametrize("subject", [2, 99, "1"])
def test_unknown_subject(data_dir, subject):
    message = f"^load_bci_iv_2b: subject={subject!r} has no file in .*; the subjects are 1, 3\\.$"
    with pytest.raises(ValueError, match=message):
        load_bci_iv_2b(subject, data_dir=data_dir)


@pytest.mark.parametrize("sessions", ["03T", ["01T", "05E"], [], ["01T", "01T"]])
def test_unknown_session(data_dir, sessions):
    message = re.escape(f"sessions={sessions!r} for subject 1 should be one or several of 01T, 02T")
    with pytest.raises(ValueError, match=f"^load_bci_iv_2b: {message}"):
        load_bci_iv_2b(1, sessions, data_dir=data_dir)


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"label": []}, ".*B0101T.mat should contain `data` of shape"),
        ({"data": np.ones((20, 5, 4))}, ".*B0101T.mat should contain `data` of shape"),
        ({"label": np.ones((3, 1))}, ".*B0101T.mat should contain `data` of shape"),
        (
            {"label": np.arange(4)[:, None]},
            "all values of `label` in .*B0101T.mat should be 1 or 2",
        ),
    ],
)
def test_file_with_other_variables(tmp_path, replaced, message):
    write_session(tmp_path, "B0101T", **replaced)
    with pytest.raises(ValueError, match=f"^load_bci_iv_2b: {message}"):
        load_bci_iv_2b(1, data_dir=tmp_path)


# load_bci_iv_2b: recordings


@pytest.fixture
def recordings():
    root = os.environ.get("EEGSK_DATA")
    if not root or not (Path(root) / "bci_iv_2b").is_dir():
        pytest.skip("needs the recordings of BCI Competition IV 2b: set EEGSK_DATA")
    return Path(root)


def test_recordings(recordings):
    X, y, session = load_bci_iv_2b(4, data_dir=recordings)
    assert X.shape == (600, 3, 1000)
    assert 1e-6 < X.std() < 2e-5
    assert np.unique(session).tolist() == ["01T", "02T", "03T", "04E", "05E"]
    for name in np.unique(session):
        assert (y[session == name] == "left_hand").sum() == 60


def test_recordings_are_decoded(recordings):
    X, y, session = load_bci_iv_2b(4, data_dir=recordings)
    features, train = np.log(X.var(axis=-1)), np.char.endswith(session, "T")
    lda = LinearDiscriminantAnalysis().fit(features[train], y[train])
    assert lda.score(features[~train], y[~train]) > 0.9
