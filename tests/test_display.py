"""Displays: input, figures, axes, optional packages and error messages."""

import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import mne
import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from torch import nn

from eegsk import (
    CompactCNNClassifier,
    EEGClassifier,
    EEGNetClassifier,
    EEGNetRegressor,
    ShallowConvNetClassifier,
)
from eegsk.display import (
    FilterDisplay,
    HistoryDisplay,
    ImportanceDisplay,
    PatternDisplay,
    SaliencyDisplay,
    SubjectDisplay,
)
from eegsk.display._matplotlib import make_axes

from .networks import ESTIMATORS, Recurrent, small

mpl.use("Agg")

pytestmark = pytest.mark.usefixtures("no_figures")


@pytest.fixture
def classifier(epochs, y):
    return small(EEGNetClassifier).fit(epochs, y)


def scale(X):
    return 1e6 * X


# For each display, a function that creates it from an estimator and trials.
CREATE = {
    "filters": lambda estimator, X, y, **options: FilterDisplay.from_estimator(
        estimator, X, **options
    ),
    "history": lambda estimator, X, y, **options: HistoryDisplay.from_estimator(
        estimator, **options
    ),
    "importance": lambda estimator, X, y, **options: ImportanceDisplay.from_estimator(
        estimator, X, y, n_repeats=1, random_state=0, **options
    ),
    "patterns": lambda estimator, X, y, **options: PatternDisplay.from_estimator(
        estimator, X, **options
    ),
    "saliency": lambda estimator, X, y, **options: SaliencyDisplay.from_estimator(
        estimator, X, y, **options
    ),
    "subjects": lambda estimator, X, y, **options: SubjectDisplay.from_estimator(
        estimator, X, y, groups=np.arange(len(y)) // 4, **options
    ),
}
NETWORK_DISPLAYS = sorted(set(CREATE) - {"importance", "subjects"})


def n_axes(display):
    return len(display.axes_) if hasattr(display, "axes_") else 1


# Figures and axes


@pytest.mark.parametrize("name", CREATE)
def test_a_display_creates_one_figure_and_neither_shows_nor_closes_it(
    name, classifier, epochs, y, monkeypatch
):
    for function in ("show", "close"):
        monkeypatch.setattr(plt, function, lambda *args, **kwargs: pytest.fail("called"))
    display = CREATE[name](classifier, epochs, y)
    assert plt.get_fignums() == [display.figure_.number]
    monkeypatch.undo()


@pytest.mark.parametrize("name", CREATE)
def test_a_display_can_be_drawn_on_the_axes_of_the_user(name, classifier, epochs, y):
    size = n_axes(CREATE[name](classifier, epochs, y))
    plt.close("all")
    figure, axes = plt.subplots(1, size, squeeze=False)
    display = CREATE[name](classifier, epochs, y, ax=axes[0] if size > 1 else axes[0, 0])
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    drawn = list(display.axes_) if size > 1 else [getattr(display, "ax_", axes[0, 0])]
    assert drawn == list(axes[0])
    figure.canvas.draw()


@pytest.mark.parametrize("name", ["filters", "history", "patterns", "saliency"])
def test_one_axes_is_divided(name, classifier, epochs, y):
    figure, (left, right) = plt.subplots(1, 2)
    display = CREATE[name](classifier, epochs, y, ax=right)
    assert display.figure_ is figure
    middle = left.get_position().x1
    figure.canvas.draw()
    assert all(panel.get_position().x0 > middle for panel in display.axes_)


@pytest.mark.parametrize("name", ["filters", "history", "patterns", "saliency"])
def test_a_wrong_number_of_axes_is_an_error(name, classifier, epochs, y):
    _, axes = plt.subplots(1, 7)
    with pytest.raises(ValueError, match=r"ax has 7 axes, but the plot needs \d"):
        CREATE[name](classifier, epochs, y, ax=axes)


def test_unused_axes_of_the_last_row_are_removed():
    axes = make_axes(None, 5, "Display", n_cols=4)
    assert axes.shape == (5,)
    assert len(axes[0].figure.axes) == 5


def test_axes_without_a_grid_cannot_be_divided(classifier):
    figure = plt.figure()
    free = figure.add_axes([0.1, 0.1, 0.5, 0.5])
    with pytest.raises(ValueError, match="was not created by subplots, so it cannot be divided"):
        HistoryDisplay.from_estimator(classifier, ax=free)


@pytest.mark.parametrize("name", CREATE)
def test_every_axes_has_a_label_with_a_unit_or_a_name(name, classifier, epochs, y):
    display = CREATE[name](classifier, epochs, y)
    for panel in display.axes_ if hasattr(display, "axes_") else [display.ax_]:
        if panel.images and name in ("patterns", "importance"):
            continue  # a topographic map has no axes
        assert panel.get_xlabel()


def test_plot_returns_the_display_and_can_be_repeated(classifier, epochs, y):
    display = SaliencyDisplay.from_estimator(classifier, epochs, y)
    first = display.figure_
    assert display.plot() is display
    assert display.figure_ is not first


@pytest.mark.parametrize("name", CREATE)
def test_a_missing_matplotlib_is_an_error_that_names_the_extra(
    name, classifier, epochs, y, monkeypatch
):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"requires matplotlib; install it with .*eegsk\[plot\]"):
        CREATE[name](classifier, epochs, y)


def test_a_missing_captum_is_an_error_that_names_the_extra(classifier, epochs, y, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(ImportError, match=r"requires captum; install .*eegsk\[interpret\]"):
        SaliencyDisplay.from_estimator(classifier, epochs, y, method="integrated_gradients")


# Estimators


@pytest.mark.parametrize("name", NETWORK_DISPLAYS)
def test_an_estimator_that_is_not_fitted_is_an_error(name, epochs, y):
    with pytest.raises(NotFittedError):
        CREATE[name](EEGNetClassifier(), epochs, y)


@pytest.mark.parametrize("name", NETWORK_DISPLAYS)
def test_an_estimator_of_another_library_is_an_error(name, epochs, y):
    with pytest.raises(TypeError, match="LinearDiscriminantAnalysis; it should be a fitted esti"):
        CREATE[name](LinearDiscriminantAnalysis(), epochs, y)


@pytest.mark.parametrize("name", NETWORK_DISPLAYS)
def test_a_search_without_a_best_estimator_is_an_error(name, X, y):
    grid = {"activation": ["relu", "elu"]}
    search = GridSearchCV(small(EEGNetClassifier), grid, cv=2, refit=False).fit(X, y)
    with pytest.raises(ValueError, match="GridSearchCV has no best estimator because refit=False"):
        CREATE[name](search, X, y)


@pytest.mark.parametrize("name", CREATE)
def test_pipelines_and_searches_are_accepted(name, X, y):
    pipeline = make_pipeline(FunctionTransformer(scale), small(EEGNetClassifier))
    grid = {"eegnetclassifier__activation": ["relu", "elu"]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    expected = CREATE[name](search.best_estimator_, X, y)
    display = CREATE[name](search, X, y)
    for attribute, value in vars(expected).items():
        if isinstance(value, np.ndarray) and not attribute.endswith("_"):
            np.testing.assert_array_equal(getattr(display, attribute), value)


def test_trials_are_transformed_by_the_earlier_steps_of_a_pipeline(X, y):
    pipeline = make_pipeline(FunctionTransformer(scale), small(EEGNetClassifier)).fit(X, y)
    for name in ("patterns", "saliency"):
        whole = CREATE[name](pipeline, X, y)
        last = CREATE[name](pipeline[-1], scale(X), y)
        for attribute in ("patterns", "attributions"):
            if hasattr(whole, attribute):
                np.testing.assert_array_equal(getattr(whole, attribute), getattr(last, attribute))


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_every_network_has_a_history_and_saliency(estimator_class, X, y):
    estimator = small(estimator_class).fit(X, y)
    HistoryDisplay.from_estimator(estimator)
    display = SaliencyDisplay.from_estimator(estimator, X, y)
    assert np.isfinite(display.attributions).all()
    assert display.attributions.shape[1:] == X.shape[1:]


@pytest.mark.parametrize(
    "estimator_class",
    [item for item in ESTIMATORS if not item.__name__.startswith(("EEGC", "EEGR", "CompactCNN"))],
)
def test_every_network_with_a_front_end_has_filters_and_patterns(estimator_class, X, y):
    estimator = small(estimator_class).fit(X, y)
    filters = FilterDisplay.from_estimator(estimator, X)
    assert filters.relevance.shape[0] == len(filters.filters)
    patterns = PatternDisplay.from_estimator(estimator, X, n_sources=2)
    assert np.isfinite(patterns.patterns).all()
    assert patterns.relevance.shape[0] == len(patterns.patterns)


def test_an_estimator_is_not_changed_by_its_displays(classifier, epochs, y):
    before = {name: value.clone() for name, value in classifier.module_.state_dict().items()}
    output = classifier.decision_function(epochs)
    for create in CREATE.values():
        create(classifier, epochs, y)
    for name, value in classifier.module_.state_dict().items():
        assert torch.equal(value, before[name])
    assert all(parameter.requires_grad for parameter in classifier.module_.parameters())
    assert not any(module._forward_hooks for module in classifier.module_.modules())
    np.testing.assert_array_equal(classifier.decision_function(epochs), output)


# Trials, channels and layers


@pytest.mark.parametrize("name", ["patterns", "saliency"])
def test_trials_of_another_shape_are_an_error(name, classifier, X, y):
    with pytest.raises(ValueError, match="n_times|time points|features"):
        CREATE[name](classifier, X[..., :30], y)
    with pytest.raises(ValueError, match=r"X has shape \(48,\)"):
        CREATE[name](classifier, X[0, 0], y)


def test_labels_of_another_length_are_an_error(classifier, epochs, y):
    with pytest.raises(ValueError, match=r"y has shape \(3,\); it should be \(n_trials,\) = \(24"):
        SaliencyDisplay.from_estimator(classifier, epochs, y[:3])


def test_a_class_without_trials_is_an_error(classifier, X, y):
    with pytest.raises(ValueError, match="there is no trial of class 1"):
        SaliencyDisplay.from_estimator(classifier, 1e-6 * X[y == 0], y[y == 0])


def test_attributions_and_importances_of_several_estimators(classifier, epochs, y):
    other = small(EEGNetClassifier, random_state=1).fit(epochs, y)
    both, *single = (
        SaliencyDisplay.from_estimator(item, epochs, y).attributions
        for item in ([classifier, other], classifier, other)
    )
    np.testing.assert_allclose(both, np.mean(single, axis=0))
    both, *single = (
        ImportanceDisplay.from_estimator(item, epochs, y, n_repeats=2, random_state=0).importances
        for item in ([classifier, other], classifier, other)
    )
    np.testing.assert_allclose(both, np.concatenate(single, axis=1))


def test_several_estimators_need_the_same_classes(classifier, epochs, y):
    other = small(EEGNetClassifier).fit(epochs, np.char.add("hand", y.astype(str)))
    with pytest.raises(ValueError, match=r"the estimators have different classes or targets"):
        SaliencyDisplay.from_estimator([classifier, other], epochs, y)


@pytest.mark.parametrize("name", ["filters", "patterns"])
def test_filters_and_patterns_are_those_of_one_estimator(name, classifier, epochs, y):
    with pytest.raises(TypeError, match=r"estimator is list; it should be a fitted estimator"):
        CREATE[name]([classifier, classifier], epochs, y)


@pytest.mark.parametrize("option", ["method", "domain"])
def test_unknown_options_of_saliency_are_an_error(option, classifier, epochs, y):
    with pytest.raises(ValueError, match=f"{option}='other' should be"):
        SaliencyDisplay.from_estimator(classifier, epochs, y, **{option: "other"})


def test_labels_of_epochs_are_their_events_and_of_arrays_the_predictions(epochs, X, y):
    estimator = small(EEGNetClassifier).fit(epochs)
    labels = np.where(y == 0, "left", "right")
    by_event = SaliencyDisplay.from_estimator(estimator, epochs)
    expected = SaliencyDisplay.from_estimator(estimator, epochs, labels)
    np.testing.assert_array_equal(by_event.attributions, expected.attributions)
    predicted = estimator.predict(epochs)
    if len(set(predicted)) == 2:
        display = SaliencyDisplay.from_estimator(estimator, epochs.get_data())
        expected = SaliencyDisplay.from_estimator(estimator, epochs, predicted)
        np.testing.assert_array_equal(display.attributions, expected.attributions)


def wide(X, n_chans):
    return np.tile(X, (1, 2, 1))[:, :n_chans]


@pytest.mark.parametrize(
    ("ch_names", "is_map"),
    [
        (["C3", "Cz", "C4", "Pz"], True),
        (["Fc5.", "CZ", "c4", "Pz.."], True),
        (["C3", "Cz", "C4", "E17"], False),
        (["C3", "Cz", "C4", "c3"], False),
        (["C3", "Cz", "C4"], False),
        (None, False),
    ],
)
def test_patterns_are_maps_if_all_positions_are_known(ch_names, is_map, X, y):
    X = wide(X, 4 if ch_names is None else len(ch_names))
    estimator = small(EEGNetClassifier).fit(X, y)
    display = PatternDisplay.from_estimator(estimator, X, ch_names=ch_names, n_sources=2)
    assert [bool(panel.images) for panel in display.axes_] == [is_map] * 2
    assert len(display.plot(kind="bar").axes_[0].images) == 0


def test_positions_are_those_of_the_epochs_of_fit(X, y):
    names = ["a", "b", "c", "d"]
    places = dict(zip(names, 0.09 * np.eye(3).repeat([2, 1, 1], axis=0), strict=True))
    places["b"] = np.array([0.0, -0.09, 0.0])
    info = mne.create_info(names, 100.0, "eeg")
    info.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
    epochs = mne.EpochsArray(1e-6 * wide(X, 4), info, verbose="error")
    estimator = small(EEGNetClassifier).fit(epochs, y)
    display = PatternDisplay.from_estimator(estimator, epochs, n_sources=1)
    positions = [channel["loc"][:3] for channel in display.info["chs"]]
    np.testing.assert_allclose(positions, list(places.values()))
    arrays = small(EEGNetClassifier).fit(wide(X, 4), y)
    display = PatternDisplay.from_estimator(arrays, wide(X, 4), info=info, n_sources=1)
    assert display.ch_names == ("a", "b", "c", "d")
    assert display.axes_[0].images


def test_channels_that_are_not_eeg_are_bars(X, y):
    info = mne.create_info(["C3", "Cz", "C4", "Pz"], 100.0, "mag")
    epochs = mne.EpochsArray(wide(X, 4), info, verbose="error")
    estimator = small(EEGNetClassifier).fit(epochs, y)
    assert PatternDisplay.from_estimator(estimator, epochs, n_sources=1).info is None


def test_wrong_channels_are_an_error(classifier, X, y):
    estimator = small(EEGNetClassifier).fit(X, y)
    with pytest.raises(ValueError, match="ch_names has 2 names, but the trials have 3 channels"):
        PatternDisplay.from_estimator(estimator, X, ch_names=["C3", "C4"])
    with pytest.raises(ValueError, match="kind='topomap', but the names of the channels are unk"):
        PatternDisplay.from_estimator(estimator, X, kind="topomap")
    with pytest.raises(ValueError, match="kind='topomap', but a channel position is unknown"):
        PatternDisplay.from_estimator(estimator, X, ch_names="abc", kind="topomap")
    with pytest.raises(ValueError, match="kind='map' should be 'auto', 'topomap' or 'bar'"):
        PatternDisplay.from_estimator(estimator, X, kind="map")
    info = mne.create_info(["C3", "Cz", "P4"], 100.0, "eeg")
    with pytest.raises(ValueError, match="info has no channel 'C4'"):
        PatternDisplay.from_estimator(estimator, X, ch_names=["C3", "Cz", "C4"], info=info)


def test_a_network_without_front_end_needs_the_name_of_a_layer(X, y):
    estimator = small(CompactCNNClassifier).fit(X, y)
    with pytest.raises(ValueError, match="has no front end of eegsk; set layer.*first.filters"):
        PatternDisplay.from_estimator(estimator, X)
    with pytest.raises(ValueError, match="has no layer 'conv'; set layer"):
        PatternDisplay.from_estimator(estimator, X, layer="conv")
    with pytest.raises(ValueError, match="has no temporal filters that act on single channels"):
        FilterDisplay.from_estimator(estimator)
    layer = "network.trunk.first.filters"
    display = PatternDisplay.from_estimator(estimator, X, layer=layer, n_sources=1)
    assert display.patterns.shape == (2, 3)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("network.trunk.flatten", r"has outputs of shape \(\d+, 12\); it should be"),
        ("network.trunk.second_pool", r"has outputs of 3 time points; choose an earlier layer"),
    ],
)
def test_a_layer_without_sources_is_an_error(layer, message, X, y):
    estimator = small(EEGNetClassifier, pool=4, second_pool=4).fit(X, y)
    with pytest.raises(ValueError, match=message):
        PatternDisplay.from_estimator(estimator, X, layer=layer)


class TwoDimensional(nn.Module):
    """A network of the layout (n_trials, n_filters, n_chans, n_times)."""

    def __init__(self, n_chans, n_times, n_outputs):
        super().__init__()
        self.temporal = nn.Conv2d(1, 3, (1, 5), padding="same")
        self.spatial = nn.Conv2d(3, 4, (n_chans, 1))
        self.head = nn.Linear(4, n_outputs)

    def forward(self, x):
        return self.head(self.spatial(self.temporal(x[:, None])).square().mean((2, 3)))


def test_patterns_of_a_network_of_the_user(X, y):
    estimator = EEGClassifier(network=TwoDimensional, max_epochs=1, random_state=0).fit(X, y)
    display = PatternDisplay.from_estimator(estimator, X, layer="network.spatial")
    assert display.patterns.shape == (4, 3)
    with pytest.raises(
        ValueError, match=r"'network.temporal' has outputs of shape \(\d+, 3, 3, 48"
    ):
        PatternDisplay.from_estimator(estimator, X, layer="network.temporal")


@pytest.mark.slow
def test_saliency_of_a_recurrent_network_in_single_precision(X, y):
    estimator = EEGClassifier(network=Recurrent, max_epochs=1, random_state=0).fit(X, y)
    display = SaliencyDisplay.from_estimator(estimator, X, y)
    assert np.abs(display.attributions).max() > 0


def test_saliency_of_regression_has_the_unit_of_the_target(X, y):
    estimator = small(EEGNetRegressor).fit(X, y)
    single = SaliencyDisplay.from_estimator(estimator, X)
    assert single.class_names == ["target"]
    assert single.unit == "unit of y"
    scaled = small(EEGNetRegressor).fit(X, 10.0 * y)
    np.testing.assert_allclose(
        SaliencyDisplay.from_estimator(scaled, X).attributions,
        10 * single.attributions,
        rtol=1e-3,
        atol=1e-5,
    )
    both = small(EEGNetRegressor).fit(X, np.column_stack([y, 1 - y]))
    assert SaliencyDisplay.from_estimator(both, X).class_names == ["target 0", "target 1"]


# Importance


class Recorder(LinearDiscriminantAnalysis):
    """A classifier that keeps the trials that it is asked to classify."""

    def predict(self, X):
        self.trials_ = [*getattr(self, "trials_", []), X.copy()]
        return np.zeros(len(X), int)


def flatten(X):
    return X.reshape(len(X), -1)


def test_importance_of_channels_is_that_of_scikit_learn(X, y):
    table = X[:, :, 0]
    classifier = LinearDiscriminantAnalysis().fit(table, y)
    expected = permutation_importance(classifier, table, y, n_repeats=5, random_state=0)
    pipeline = make_pipeline(FunctionTransformer(flatten), classifier)
    display = ImportanceDisplay.from_estimator(
        pipeline, X[:, :, :1], y, n_repeats=5, random_state=0
    )
    np.testing.assert_array_equal(display.importances, expected.importances)
    np.testing.assert_array_equal(display.mean, expected.importances_mean)
    assert display.names == ["0", "1", "2"]


def test_importance_of_bands_keeps_the_other_frequencies(X, y):
    estimator = Recorder().fit(flatten(X), y)
    ImportanceDisplay.from_estimator(
        estimator, X, y, by="band", bands={"low": (5, 20)}, sfreq=96.0, n_repeats=1, random_state=0
    )
    before, after = (np.fft.rfft(trials) for trials in estimator.trials_[:2])
    freqs = np.fft.rfftfreq(X.shape[2], 1 / 96)
    is_low = (freqs >= 5) & (freqs < 20)
    np.testing.assert_allclose(estimator.trials_[0], X, atol=1e-6)
    np.testing.assert_allclose(after[..., ~is_low], before[..., ~is_low], atol=1e-5)
    order = [np.abs(before[:, 0, 3] - value).argmin() for value in after[:, 0, 3]]
    assert sorted(order) == list(range(len(X)))
    assert order != sorted(order)
    np.testing.assert_allclose(after[..., is_low], before[order][..., is_low], atol=1e-5)


def test_channels_of_a_region_are_permuted_together(X, y):
    estimator = Recorder().fit(flatten(X), y)
    display = ImportanceDisplay.from_estimator(
        estimator,
        X,
        y,
        regions={"sides": ["C3", "C4"], "middle": ["Cz"]},
        ch_names=["C3", "Cz", "C4"],
        n_repeats=1,
        random_state=0,
    )
    assert display.names == ["sides", "middle"]
    _, sides, middle = estimator.trials_
    np.testing.assert_array_equal(sides[:, 1], X[:, 1])
    order = [int(np.flatnonzero((X[:, 0] == trial).all(1))[0]) for trial in sides[:, 0]]
    np.testing.assert_array_equal(sides[:, [0, 2]], X[order][:, [0, 2]])
    np.testing.assert_array_equal(middle[:, [0, 2]], X[:, [0, 2]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "time"}, "by='time' should be 'channel' or 'band'"),
        ({"by": "band"}, "needs the sampling rate, which is unknown; pass sfreq in Hz"),
        ({"by": "band", "sfreq": 10.0, "bands": {"beta": (20, 30)}}, "'beta', from 20 to 30 Hz"),
        ({"regions": {"left": ["C3"]}}, "regions need the names of the channels"),
        ({"regions": {"left": ["P3"]}, "ch_names": "abc"}, "'left' has the unknown channel 'P3'"),
        ({"regions": {"left": []}, "ch_names": "abc"}, "region 'left' has no channel; the chan"),
    ],
)
def test_wrong_options_of_importance_are_an_error(options, message, X, y):
    estimator = small(ShallowConvNetClassifier).fit(X, y)
    with pytest.raises(ValueError, match=message):
        ImportanceDisplay.from_estimator(estimator, X, y, **options)


def test_importance_of_bands_stops_at_half_of_the_sampling_rate(classifier, epochs, y):
    display = ImportanceDisplay.from_estimator(classifier, epochs, y, by="band", n_repeats=1)
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels[2] == "alpha (8–13 Hz)"  # noqa: RUF001
    short = epochs.copy().resample(50.0, verbose="error")
    estimator = small(EEGNetClassifier).fit(short, y)
    display = ImportanceDisplay.from_estimator(estimator, short, y, by="band", n_repeats=1)
    assert display.names == ["delta", "theta", "alpha", "beta"]


def test_importance_has_the_score_of_the_user(classifier, epochs, y):
    display = ImportanceDisplay.from_estimator(
        classifier, epochs, y, scoring="neg_log_loss", n_repeats=1, random_state=0
    )
    assert display.ax_.get_xlabel() == "Decrease in neg log loss"
    parallel = ImportanceDisplay.from_estimator(
        classifier, epochs, y, scoring="neg_log_loss", n_repeats=1, random_state=0, n_jobs=2
    )
    np.testing.assert_array_equal(display.importances, parallel.importances)
