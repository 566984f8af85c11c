"""Networks of other libraries in the generic estimators: arguments, training and pickles."""

import copy
import functools
import inspect
import pickle
import pydoc
import subprocess
import sys
import warnings

import cloudpickle
import joblib
import mne
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from torch import nn
from torch.nn.utils.parametrizations import orthogonal, spectral_norm, weight_norm
from torch.nn.utils.parametrize import is_parametrized, register_parametrization

from eegsk import EEGClassifier, EEGRegressor
from eegsk.callbacks import EMA, SWA, EarlyStopping

from .networks import linear


class MaxNorm(nn.Module):
    """Parametrization that limits the norm of weights; its attribute is called ``max_norm``."""

    def __init__(self, max_norm):
        super().__init__()
        self.max_norm = max_norm

    def forward(self, weight):
        return weight.renorm(p=2, dim=0, maxnorm=self.max_norm)


class Parametrized(nn.Module):
    """A network with parametrized layers and attributes that the state dict does not contain."""

    def __init__(self, n_chans, n_times, n_outputs, n_filters=4, max_norm=0.5):
        super().__init__()
        self.spatial = nn.Conv1d(n_chans, n_filters, 1)
        register_parametrization(self.spatial, "weight", MaxNorm(max_norm))
        self.temporal = weight_norm(nn.Conv1d(n_filters, n_filters, 5))
        self.temporal.bias.requires_grad_(False)
        self.norm = nn.BatchNorm1d(n_filters)
        self.hidden = orthogonal(nn.Linear(n_filters, n_filters))
        self.head = spectral_norm(nn.Linear(n_filters, n_outputs))
        register_parametrization(self.head, "weight", MaxNorm(1.0))
        self.register_buffer("order", torch.randperm(n_filters), persistent=False)
        self.activation = lambda x: x.square()

    def forward(self, x):
        x = self.norm(self.temporal(self.spatial(x)))
        return self.head(self.hidden(self.activation(x).mean(2)[:, self.order]))


class Shared(nn.Module):
    """A network that holds its layers twice: as attributes, and in a sequence."""

    def __init__(self, n_chans, n_times, n_outputs):
        super().__init__()
        self.first = nn.Linear(n_times, 8)
        self.second = nn.Linear(8 * n_chans, n_outputs)
        self.third = nn.Linear(n_outputs, n_outputs)
        self.third.bias = self.second.bias
        layers = self.first, nn.ReLU(), nn.Flatten(), self.second, self.third
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)


class Unpicklable(nn.Sequential):
    """A network that holds an object that no pickle can hold."""

    def __init__(self, n_chans, n_times, n_outputs):
        super().__init__(*linear(n_chans, n_times, n_outputs))
        self.generator = (number for number in range(3))


def traced(n_chans, n_times, n_outputs):
    """Return a compiled network."""
    return torch.jit.trace(linear(n_chans, n_times, n_outputs), torch.zeros(2, n_chans, n_times))


def classifier(network=Parametrized, **fields):
    return EEGClassifier(network=network, **{"max_epochs": 2, "random_state": 0, **fields})


# Arguments


def test_attributes_called_max_norm_of_other_libraries_are_ignored(X, y):
    network = classifier(network_params={"max_norm": 1e-3}, lr=0.1).fit(X, y).module_.network
    assert network.spatial.weight.flatten(1).norm(dim=1).max() <= 1.001e-3
    assert network.spatial.parametrizations.weight.original.flatten(1).norm(dim=1).max() > 1e-2


@pytest.fixture
def montage_epochs(epochs):
    """Return Epochs with positions, a bad channel and a channel of another type."""
    X = np.concatenate([epochs.get_data(), epochs.get_data()[:, :2]], axis=1)
    types = ["eeg", "eeg", "eeg", "eog", "eeg"]
    info = mne.create_info(["C3", "Cz", "C4", "EOG", "Pz"], sfreq=100.0, ch_types=types)
    positions = {name: [0.01 * row, 0.0, 0.1] for row, name in enumerate(["C3", "Cz", "C4", "Pz"])}
    info.set_montage(mne.channels.make_dig_montage(positions, coord_frame="head"))
    info["bads"] = ["Cz"]
    return mne.EpochsArray(X, info, epochs.events, event_id=epochs.event_id, verbose="error")


def spy(calls, **parameters):
    """Return a factory that records its arguments and has the parameters of the signature."""

    def network(**arguments):
        calls.append(arguments)
        return linear(*(arguments[name] for name in ("n_chans", "n_times", "n_outputs")))

    names = ["n_chans", "n_times", "n_outputs", *parameters]
    kind = inspect.Parameter.KEYWORD_ONLY
    network.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])
    return network


def test_networks_get_the_sampling_rate_and_the_channels_of_epochs(montage_epochs):
    calls = []
    network = spy(calls, sfreq=None, ch_names=None, chs_info=None)
    estimator = classifier(network).fit(montage_epochs)
    (arguments,) = calls
    assert list(arguments) == ["n_chans", "n_times", "n_outputs", "sfreq", "ch_names", "chs_info"]
    assert (arguments["sfreq"], arguments["ch_names"]) == (100.0, ("C3", "C4", "Pz"))
    assert (arguments["n_chans"], arguments["n_times"], arguments["n_outputs"]) == (3, 48, 2)
    expected = [montage_epochs.info["chs"][number] for number in (0, 2, 4)]
    for channel, reference in zip(arguments["chs_info"], expected, strict=True):
        assert channel["ch_name"] == reference["ch_name"]
        assert channel["kind"] == reference["kind"]
        np.testing.assert_array_equal(channel["loc"][:3], reference["loc"][:3])
    signal = estimator.signal_
    assert len(signal.ch_positions) == 3
    assert pickle.loads(pickle.dumps(signal)) == copy.deepcopy(signal) == signal
    assert len(pickle.dumps(signal)) < 500


def test_epochs_without_montage_have_no_positions(epochs):
    calls = []
    estimator = classifier(spy(calls, chs_info=None)).fit(epochs)
    assert estimator.signal_.ch_positions is None
    assert [channel["ch_name"] for channel in calls[0]["chs_info"]] == ["C3", "Cz", "C4"]
    assert all(np.isnan(channel["loc"]).all() for channel in calls[0]["chs_info"])


def test_a_channel_without_position_beside_others_with_one(montage_epochs):
    calls = []
    montage_epochs.rename_channels({"Pz": "X1"}).info["chs"][4]["loc"][:] = 0
    estimator = classifier(spy(calls, chs_info=None)).fit(montage_epochs)
    assert [bool(position) for position in estimator.signal_.ch_positions] == [True, True, False]
    assert np.isnan(calls[0]["chs_info"][2]["loc"]).all()


def test_types_of_channels_reach_the_network(epochs):
    calls = []
    epochs.set_channel_types({"C3": "seeg", "Cz": "ecog"})
    classifier(spy(calls, chs_info=None)).fit(epochs)
    kinds = [channel["kind"] for channel in calls[0]["chs_info"]]
    assert kinds == [channel["kind"] for channel in epochs.info["chs"]]


def test_arrays_give_a_network_their_shape_only(X, y):
    calls = []
    classifier(spy(calls, sfreq=None, ch_names=None, chs_info=None)).fit(X, y)
    assert calls == [{"n_chans": 3, "n_times": 48, "n_outputs": 2}]


def test_network_params_and_partials_replace_arguments_of_the_signal(epochs):
    calls = []
    network = functools.partial(spy(calls, sfreq=None, chs_info=None), sfreq=50.0)
    classifier(network).fit(epochs)
    classifier(network, network_params={"sfreq": 25.0, "chs_info": None}).fit(epochs)
    assert [call["sfreq"] for call in calls] == [50.0, 25.0]
    assert calls[0]["chs_info"] is not None
    assert calls[1]["chs_info"] is None


# Predictions


def test_predicting_leaves_shared_layers_as_they_are(X, y):
    estimator = classifier(Shared, standardize=None).fit(X, y)
    before = copy.deepcopy(estimator.module_)
    with torch.no_grad():
        expected = before(torch.tensor(X)).softmax(1)
    np.testing.assert_allclose(estimator.predict_proba(X), expected, rtol=1e-4)
    for name, tensor in estimator.module_.state_dict().items():
        assert tensor.dtype == torch.float32, name
        assert torch.equal(tensor, before.state_dict()[name]), name
    estimator.partial_fit(X, y)


# Copies


def copies_of(estimator, path):
    """Return copies of an estimator made in each way that Python users know."""
    joblib.dump(estimator, path)
    return {
        "pickle": pickle.loads(pickle.dumps(estimator)),
        "old protocol": pickle.loads(pickle.dumps(estimator, protocol=2)),
        "cloudpickle": cloudpickle.loads(cloudpickle.dumps(estimator)),
        "joblib": joblib.load(path),
        "deepcopy": copy.deepcopy(estimator),
        "copy of a copy": pickle.loads(pickle.dumps(copy.deepcopy(estimator))),
    }


@pytest.mark.parametrize("estimator_class", [EEGClassifier, EEGRegressor])
@pytest.mark.parametrize("is_epochs", [False, True])
def test_copies_of_parametrized_networks(estimator_class, is_epochs, epochs, X, y, tmp_path):
    trials = epochs if is_epochs else X
    estimator = estimator_class(network=Parametrized, max_epochs=2, random_state=0)
    copies = copies_of(estimator.fit(trials, y), tmp_path / "estimator.joblib")
    expected = estimator._output(trials)
    state = estimator.module_.state_dict()
    names = [name for name, _ in estimator.module_.named_parameters()]
    for name, loaded in copies.items():
        np.testing.assert_array_equal(loaded._output(trials), expected, err_msg=name)
        assert [name for name, _ in loaded.module_.named_parameters()] == names
        assert list(loaded.module_.state_dict()) == list(state)
        network = loaded.module_.network
        assert is_parametrized(network.hidden)
        assert isinstance(network.spatial, nn.Conv1d)
        assert torch.equal(network.order, estimator.module_.network.order)
        assert not network.temporal.bias.requires_grad
        assert repr(network) == repr(estimator.module_.network)
    estimator.partial_fit(trials, y)
    for name, loaded in copies.items():
        loaded.partial_fit(trials, y)
        np.testing.assert_array_equal(
            loaded._output(trials), estimator._output(trials), err_msg=name
        )


@pytest.mark.parametrize("callback", [EMA(), SWA(), EarlyStopping(patience=1)])
def test_copies_of_parametrized_networks_with_callbacks(callback, X, y):
    fields = {"callbacks": [callback], "valid_split": 0.25}
    estimator = classifier(**fields).fit(X, y)
    loaded = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(loaded.predict_proba(X), estimator.predict_proba(X))


def test_a_pickle_of_a_parametrized_network_holds_the_weights_once(X, y):
    params = {"n_filters": 200}
    estimator = classifier(network_params=params, optimizer="sgd").fit(X, y)
    n_bytes = 4 * sum(tensor.numel() for tensor in estimator.module_.state_dict().values())
    assert n_bytes > 5e5
    assert len(pickle.dumps(estimator)) < 1.1 * n_bytes


@pytest.mark.filterwarnings("ignore::skorch.exceptions.DeviceWarning")
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_net_of_a_gpu_is_loaded_on_a_machine_without_one(X, y):
    estimator = classifier().fit(X, y)
    expected = estimator.predict_proba(X)
    estimator.net_.device = "cuda"
    loaded = pickle.loads(pickle.dumps(estimator))
    assert torch.device(loaded.net_.device).type == "cpu"
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)


def test_a_network_of_a_notebook_is_loaded_in_a_fresh_process(X, y, tmp_path):
    class Local(Parametrized):  # like a class of a notebook, it cannot be imported elsewhere
        def forward(self, x):
            return super().forward(x) + 1

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    try:
        estimator = classifier(Local).fit(X, y)
        (tmp_path / "estimator").write_bytes(cloudpickle.dumps((estimator, X)))
    finally:
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    code = (
        "import sys, joblib, numpy; estimator, X = joblib.load(sys.argv[1]); "
        "numpy.save(sys.argv[2], estimator.predict_proba(X))"
    )
    arguments = [tmp_path / "estimator", tmp_path / "proba.npy"]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, cwd=tmp_path)
    np.testing.assert_array_equal(np.load(tmp_path / "proba.npy"), estimator.predict_proba(X))


@pytest.mark.filterwarnings("ignore:.*torch.jit.*deprecated:DeprecationWarning")
@pytest.mark.parametrize("network", [Unpicklable, traced])
def test_networks_that_cannot_be_pickled(network, X, y):
    estimator = classifier(network).fit(X, y)
    with pytest.raises(
        pickle.PicklingError, match="The trained net cannot be pickled: .*; remove the object"
    ) as error:
        pickle.dumps(estimator)
    assert "\n" not in str(error.value)


# Searches


def test_clones_and_searches_of_parametrized_networks(epochs, y):
    estimator = classifier(max_epochs=1).fit(epochs, y)
    scores = cross_val_score(clone(estimator), epochs, y, cv=3, error_score="raise")
    parallel = cross_validate(estimator, epochs, y, cv=3, n_jobs=2, return_estimator=True)
    np.testing.assert_array_equal(parallel["test_score"], scores)
    assert all(is_parametrized(item.module_.network.spatial) for item in parallel["estimator"])
    grid = {"network_params__n_filters": [2, 3], "network_params__max_norm": [0.1, 1.0]}
    search = GridSearchCV(estimator, grid, cv=2, error_score="raise").fit(epochs, y)
    best = pickle.loads(pickle.dumps(search)).best_estimator_
    assert best.module_.network.spatial.out_channels == best.network_params["n_filters"]


# Networks of braindecode


CHANNELS = ("F3", "Fz", "F4", "C3", "Cz", "C4", "P3", "P4")

# Signals and parameters that differ from the defaults of `braindecode_epochs` and of the networks:
# patches of 200 samples, a fixed set of channels, or a smaller network to save time and memory.
RUN = {
    "ATCNet": {},
    "AttentionBaseNet": {},
    "AttnSleep": {"ch_names": ("Cz",), "sfreq": 100.0, "n_times": 3000},
    "BDTCN": {},
    "BENDR": {
        "params": {
            "chs_info": None,  # with it, only the 20 channels of the pretrained network are valid
            "encoder_h": 16,
            "contextualizer_hidden": 32,
            "transformer_layers": 1,
            "position_encoder_length": 5,
        }
    },
    "BIOT": {"params": {"num_layers": 1, "embed_dim": 32}},
    "BrainModule": {"params": {"hidden_dim": 16}},
    "CBraMod": {"sfreq": 200.0, "n_times": 400, "params": {"n_layer": 1}},
    "CTNet": {},
    "CodeBrain": {
        "sfreq": 200.0,
        "n_times": 400,
        "params": {"num_res_layers": 1, "codebook_size_t": 16, "codebook_size_f": 16},
    },
    "ContraWR": {},
    "DGCNN": {},
    "Deep4Net": {},
    "DeepSleepNet": {"params": {"bilstm_hidden_size": 8}},
    "EEGConformer": {},
    "EEGDINO": {"sfreq": 200.0, "n_times": 400, "params": {"n_layer": 1}},
    "EEGITNet": {},
    "EEGInceptionERP": {},
    "EEGInceptionMI": {"params": {"n_filters": 4}},
    "EEGMiner": {},
    "EEGNeX": {},
    "EEGNet": {},
    "EEGPT": {"params": {"depth": 1, "embed_dim": 32}},
    "EEGSimpleConv": {},
    "EEGSym": {},
    "EEGTCNet": {},
    "FBCNet": {},
    "FBLightConvNet": {},
    "FBMSNet": {},
    "IFNet": {},
    "LUNA": {"sfreq": 100.0, "n_times": 200, "params": {"depth": 1}},
    "Labram": {
        "ch_names": "braindecode.models.labram.LABRAM_CHANNEL_ORDER",
        "sfreq": 200.0,
        "n_times": 200,
        "params": {"num_layers": 1},
    },
    "MEDFormer": {"params": {"num_layers": 1}},
    "MSVTNet": {},
    "MVPFormer": {},
    "PBT": {},
    "SCCNet": {},
    "SPARCNet": {},
    "SSTDPN": {},
    "STEEGFormer": {"params": {"depth": 1, "embed_dim": 32}},
    "ShallowFBCSPNet": {},
    "SignalJEPA_Contextual": {},
    "SignalJEPA_PostLocal": {},
    "SignalJEPA_PreLocal": {},
    "SincShallowNet": {},
    "SleepStagerBlanco2020": {"n_times": 512},
    "SleepStagerChambon2018": {},
    "SyncNet": {},
    "TCFormer": {},
    "TIDNet": {},
    "TSception": {},
    "USleep": {},
    "ZUNA": {"params": {"dim": 32, "n_layers": 1, "multiple_of": 8}},
}

NOT_RUN = {
    "DANCE": "returns logits for each of its latent vectors, not for each trial",
    "EMG2QwertyNet": "returns a sequence of keys for EMG of 32 channels, not a class",
    "MetaNeuromotorHand": "returns a sequence of characters for EMG at 2 kHz, not a class",
    "NeuroPose": "returns joint angles for each time point of EMG, not a class",
    "REVE": "downloads the positions of its channels from the internet when it is built",
    "SensingDynamics": "returns joint angles for each time point of EMG, not a class",
    "SignalJEPA": "returns features for pretraining, and has no outputs",
    "VEMG2Pose": "returns joint angles for each time point of EMG, not a class",
}


@pytest.fixture(scope="module")
def models():
    """Return the networks of braindecode by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the packages that braindecode imports
        try:
            from braindecode.models.util import models_dict
        except (ImportError, OSError) as error:  # OSError: torchaudio for another torch
            reason = str(error).partition("\n")[0]
            pytest.skip(f"braindecode, of the extra bench, cannot be imported: {reason}")
    return models_dict


def braindecode_epochs(ch_names=CHANNELS, sfreq=128.0, n_times=256, n_trials=12):
    """Return noise at channels of the 10-20 system, in two classes."""
    names = list(pydoc.locate(ch_names) if isinstance(ch_names, str) else ch_names)
    info = mne.create_info(names, sfreq=sfreq, ch_types="eeg")
    info.set_montage("biosemi64", on_missing="ignore")
    rng = np.random.default_rng(0)
    X = 1e-5 * rng.standard_normal((n_trials, len(names), n_times))
    numbers = np.arange(n_trials)
    events = np.column_stack([n_times * numbers, np.zeros(n_trials, int), numbers % 2])
    event_id = {"left": 0, "right": 1}
    return mne.EpochsArray(X, info, events, event_id=event_id, verbose="error")


def test_each_network_of_braindecode_runs_or_has_a_reason(models):
    assert set(models) <= set(RUN) | set(NOT_RUN)
    assert not set(RUN) & set(NOT_RUN)


@pytest.mark.filterwarnings("ignore")  # those of the networks and of the packages that they use
@pytest.mark.parametrize("name", RUN)
def test_networks_of_braindecode_train_predict_and_pickle(name, models):
    if name not in models:
        pytest.skip(f"this version of braindecode has no {name}")
    signal = dict(RUN[name])
    params = signal.pop("params", None)
    epochs = braindecode_epochs(**signal)
    estimator = classifier(models[name], network_params=params, max_epochs=1).fit(epochs)
    trained = pickle.loads(pickle.dumps(estimator))
    proba = estimator.predict_proba(epochs)
    assert proba.shape == (12, 2)
    assert np.isfinite(proba).all()
    np.testing.assert_array_equal(trained.predict_proba(epochs), proba)
    with torch.no_grad():
        expected = estimator.module_(torch.tensor(epochs.get_data(), dtype=torch.float32))
    np.testing.assert_allclose(proba, expected.softmax(1), rtol=1e-3, atol=1e-5)
    copies = [pickle.loads(pickle.dumps(estimator)), copy.deepcopy(estimator)]
    estimator.partial_fit(epochs)
    for loaded in copies:
        np.testing.assert_array_equal(loaded.predict_proba(epochs), proba)
        loaded.partial_fit(epochs)
        np.testing.assert_array_equal(loaded.predict_proba(epochs), estimator.predict_proba(epochs))


@pytest.mark.filterwarnings("ignore")
def test_a_search_over_parameters_of_a_network_of_braindecode(models):
    grid = {"network_params__F1": [4, 8], "network_params__drop_prob": [0.0, 0.5]}
    estimator = classifier(models["EEGNet"], max_epochs=1)
    epochs = braindecode_epochs()
    search = GridSearchCV(estimator, grid, cv=2, error_score="raise")
    search.fit(epochs, epochs.events[:, 2])
    assert len(search.cv_results_["params"]) == 4
    network = search.best_estimator_.module_.network
    assert search.best_params_["network_params__F1"] == network.F1
