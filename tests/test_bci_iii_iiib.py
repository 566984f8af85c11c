"""load_bci_iii_iiib, on files of the layout that courses distribute."""

import warnings

import numpy as np
import pytest

from eegsk.datasets import load_bci_iii_iiib


@pytest.fixture
def signal():
    return np.random.default_rng(0).standard_normal((20, 750, 2))


@pytest.fixture
def label():
    return np.tile([1, 2], 10)


def save(folder, name="S4b_train", **arrays):
    np.savez(folder / f"{name}.npz", **arrays)


@pytest.mark.parametrize("subject", ["S4b", "X11b"])
@pytest.mark.parametrize("subset", ["train", "test"])
def test_trials_and_labels_are_those_of_the_file(subject, subset, signal, label, tmp_path):
    save(tmp_path, f"{subject}_{subset}", signal=signal, label=label[:, None])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        X, y = load_bci_iii_iiib(subject, subset, data_dir=tmp_path)
    np.testing.assert_array_equal(X, signal.transpose(0, 2, 1))
    assert y.tolist() == ["left_hand", "right_hand"] * 10
    assert X.flags.c_contiguous


def test_samples_that_are_nan_are_replaced_by_the_mean(signal, label, tmp_path):
    expected = signal.copy()
    signal[3, 5:9, 1] = np.nan
    expected[3, 5:9, 1] = np.nanmean(signal)
    save(tmp_path, signal=signal, label=label)
    with pytest.warns(UserWarning, match=r"4 samples of S4b_train\.npz are NaN or infinite"):
        X, _ = load_bci_iii_iiib("S4b", data_dir=tmp_path)
    np.testing.assert_allclose(X, expected.transpose(0, 2, 1))


def test_the_folder_is_read_from_the_environment(signal, label, tmp_path, monkeypatch):
    (tmp_path / "bci_iii_iiib").mkdir()
    save(tmp_path / "bci_iii_iiib", signal=signal, label=label)
    monkeypatch.setenv("EEGSK_DATA", str(tmp_path))
    assert load_bci_iii_iiib("S4b")[0].shape == (20, 2, 750)
    with pytest.raises(FileNotFoundError, match=r"there is no file S4b_test\.npz"):
        load_bci_iii_iiib("S4b", "test")
    monkeypatch.delenv("EEGSK_DATA")
    with pytest.raises(FileNotFoundError, match="EEGSK_DATA is not set"):
        load_bci_iii_iiib("S4b")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["O3"], "subject='O3' should be 'S4b' or 'X11b'"), (["S4b", "valid"], "should be 'train'")],
)
def test_wrong_arguments_are_errors(arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        load_bci_iii_iiib(*arguments, data_dir=tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": np.tile([0, 1], 10)}, "all values of `label` in .* should be 1 or 2"),
        ({"label": np.ones(3)}, r"It has shapes \(20, 750, 2\) and \(3,\)"),
        ({"signal": np.zeros((20, 2, 750))}, r"should contain `signal` of shape"),
        ({"signal": np.full((20, 750, 2), np.nan)}, "has no finite value"),
        ({"signal": np.array([{}], dtype=object)}, "should contain `signal`"),
    ],
)
def test_files_of_other_content_are_errors(change, message, signal, label, tmp_path):
    save(tmp_path, **({"signal": signal, "label": label} | change))
    with pytest.raises(ValueError, match=message):
        load_bci_iii_iiib("S4b", data_dir=tmp_path)


def test_files_of_another_kind_are_errors(signal, tmp_path):
    save(tmp_path, data=signal)
    with pytest.raises(ValueError, match="should contain `signal`"):
        load_bci_iii_iiib("S4b", data_dir=tmp_path)
    (tmp_path / "S4b_train.npz").write_text("no archive")
    with pytest.raises(ValueError, match="should contain `signal`"):
        load_bci_iii_iiib("S4b", data_dir=tmp_path)
