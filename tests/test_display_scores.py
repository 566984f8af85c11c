"""Displays of histories and of the scores of subjects."""

import matplotlib as mpl
import numpy as np
import pytest
from scipy import stats
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from eegsk import EEGNetClassifier, EEGNetRegressor
from eegsk.callbacks import EarlyStopping
from eegsk.display import HistoryDisplay, HistoryScorer, ImportanceDisplay, SubjectDisplay
from eegsk.recordings import LazyTrials

from .networks import small

mpl.use("Agg")

pytestmark = pytest.mark.usefixtures("no_figures")
GRID = {"activation": ["relu", "leaky_relu", "elu"]}
CV = StratifiedKFold(2)


def validated(**fields):
    return small(EEGNetClassifier, valid_split=0.25, **fields)


def legend_of(panel):
    return [text.get_text() for text in panel.get_legend().get_texts()]


def assert_same(histories, others):
    """Check that histories of the same curves and fits are equal, except for durations."""
    assert list(histories) == list(others)
    for name, fits in histories.items():
        for (columns, best_epoch), (other_columns, other_best_epoch) in zip(
            fits, others[name], strict=True
        ):
            assert best_epoch == other_best_epoch
            for column in ("train_loss", "valid_loss", "train_score", "valid_score"):
                np.testing.assert_array_equal(columns[column], other_columns[column])


# Histories


def test_history_has_the_curves_and_the_best_epoch_of_a_fit(X, y):
    estimator = validated(max_epochs=6, callbacks=[EarlyStopping(patience=2)]).fit(X, y)
    display = HistoryDisplay.from_estimator(estimator)
    ((columns, best_epoch),) = display.histories["EEGNetClassifier"]
    assert best_epoch == dict(estimator.net_.callbacks_)["earlystopping"].best_epoch_
    for name in ("train_loss", "valid_score"):
        assert columns[name].tolist() == estimator.history_[:, name]
    loss, score = display.axes_
    train, valid, marker = loss.lines
    np.testing.assert_array_equal(train.get_ydata(), columns["train_loss"])
    np.testing.assert_array_equal(valid.get_xdata(), 1 + np.arange(len(columns["epoch"])))
    assert marker.get_xdata() == [best_epoch]
    assert marker.get_ydata() == [columns["valid_loss"][best_epoch - 1]]
    assert loss.get_ylabel() == "Cross-entropy (nats)"
    assert (score.get_xlabel(), score.get_ylabel()) == ("Epoch", "Accuracy")
    assert legend_of(score) == ["training", "validation", "best epoch"]


def test_best_epoch_without_a_callback_is_that_of_the_lowest_validation_loss(X, y):
    estimator = validated(max_epochs=5).fit(X, y)
    ((columns, best_epoch),) = HistoryDisplay.from_estimator(estimator).histories.popitem()[1]
    assert best_epoch == columns["valid_loss"].argmin() + 1


def test_history_without_validation_has_no_best_epoch(X, y):
    display = HistoryDisplay.from_estimator(small(EEGNetRegressor).fit(X, y))
    assert display.histories["EEGNetRegressor"][0].best_epoch is None
    loss, score = display.axes_
    assert loss.get_ylabel() == "Mean squared error (standardised y)"
    assert score.get_ylabel() == "R²"
    assert legend_of(score) == ["training"]


def test_estimators_in_a_list_are_named_by_the_parameters_in_which_they_differ(X, y):
    fits = [validated(activation=name).fit(X, y) for name in ("relu", "elu")]
    display = HistoryDisplay.from_estimator(fits)
    assert list(display.histories) == ["activation=relu", "activation=elu"]
    assert list(HistoryDisplay.from_estimator([fits[0], fits[0]]).histories) == ["0", "1"]
    mixed = [fits[0], small(EEGNetRegressor).fit(X, y)]
    display = HistoryDisplay.from_estimator(mixed)
    assert list(display.histories) == ["EEGNetClassifier", "EEGNetRegressor"]
    assert list(HistoryDisplay.from_estimator({"mine": fits}).histories) == ["mine"]


def test_history_of_folds_has_their_mean_and_spread(X, y):
    results = cross_validate(validated(), X, y, cv=3, return_estimator=True)
    display = HistoryDisplay.from_cv_results(results)
    losses = np.array([fit.history_[:, "valid_loss"] for fit in results["estimator"]])
    loss = display.axes_[0]
    np.testing.assert_allclose(loss.lines[1].get_ydata(), losses.mean(0))
    heights = loss.collections[0].get_paths()[0].vertices[:, 1]
    np.testing.assert_allclose(heights.max(), (losses.mean(0) + losses.std(0)).max())
    assert "± 1 SD of 3 fits" in legend_of(display.axes_[1])
    both = HistoryDisplay.from_cv_results({"first": results, "second": results})
    assert list(both.histories) == ["first", "second"]


def test_mean_over_folds_is_that_of_the_fits_that_are_still_training():
    histories = {"net": [({"train_loss": [4.0, 2.0]}, None), ({"train_loss": [2.0]}, None)]}
    display = HistoryDisplay(histories).plot(quantities=["loss"])
    (line,) = display.axes_[0].lines[:1]
    assert line.get_ydata().tolist() == [3.0, 2.0]


def test_cross_validation_without_estimators_is_an_error(X, y):
    results = cross_validate(small(EEGNetClassifier), X, y, cv=2)
    with pytest.raises(ValueError, match="call cross_validate with return_estimator=True"):
        HistoryDisplay.from_cv_results(results)


def test_a_quantity_that_no_history_has_is_an_error(X, y):
    estimator = small(EEGNetClassifier).fit(X, y)
    with pytest.raises(ValueError, match="no quantity 'f1' in the histories; .*train_loss"):
        HistoryDisplay.from_estimator(estimator, quantities=["f1"])
    display = HistoryDisplay.from_estimator(estimator, quantities=["dur"])
    assert display.axes_[0].get_ylabel() == "Dur"


# Histories of a search


@pytest.mark.parametrize("n_jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_history_of_a_search_is_that_of_its_fits(n_jobs, X, y):
    search = GridSearchCV(
        validated(), GRID, scoring=HistoryScorer(), refit="score", cv=CV, n_jobs=n_jobs
    ).fit(X, y)
    display = HistoryDisplay.from_search(search)
    fits = {
        f"activation={name}": cross_validate(
            validated(activation=name), X, y, cv=CV, return_estimator=True
        )
        for name in GRID["activation"]
    }
    assert_same(display.histories, HistoryDisplay.from_cv_results(fits).histories)
    assert_same(HistoryDisplay.from_estimator(search).histories, display.histories)
    assert legend_of(display.axes_[1])[:3] == list(fits)


def test_a_search_that_keeps_histories_has_the_scores_of_any_other(X, y):
    options = {"estimator": validated(), "param_grid": GRID, "cv": CV}
    search = GridSearchCV(**options, scoring=HistoryScorer(), refit="score").fit(X, y)
    other = GridSearchCV(**options).fit(X, y)
    assert search.best_params_ == other.best_params_
    assert search.best_score_ == other.best_score_
    for name in ("mean_test_score", "rank_test_score", "split1_test_score"):
        np.testing.assert_array_equal(search.cv_results_[name], other.cv_results_[name])
    assert search.score(X, y) == other.score(X, y)


def test_fits_that_stop_early_keep_their_own_number_of_epochs(X, y):
    estimator = validated(max_epochs=8, lr=0.05, callbacks=[EarlyStopping(patience=1)])
    search = RandomizedSearchCV(
        make_pipeline(FunctionTransformer(), estimator),
        {"eegnetclassifier__activation": ["relu", "elu"]},
        n_iter=2,
        scoring=HistoryScorer("accuracy"),
        refit=False,
        cv=2,
        random_state=0,
    ).fit(X, y)
    histories = HistoryDisplay.from_search(search).histories
    assert sorted(histories) == ["activation=elu", "activation=relu"]
    lengths = {len(columns["train_loss"]) for fits in histories.values() for columns, _ in fits}
    assert min(lengths) < 8
    for fits in histories.values():
        for columns, best_epoch in fits:
            assert len(columns["valid_loss"]) in (best_epoch + 1, 8)


def test_a_search_over_the_number_of_epochs_needs_space_for_the_largest(X, y):
    grid = {"max_epochs": [1, 3]}
    options = {"estimator": small(EEGNetClassifier), "param_grid": grid, "cv": 2, "refit": "score"}
    search = GridSearchCV(**options, scoring=HistoryScorer(max_epochs=3)).fit(X, y)
    histories = HistoryDisplay.from_search(search).histories
    lengths = [len(fits[0].columns["train_loss"]) for fits in histories.values()]
    assert lengths == [1, 3]
    with pytest.raises(ValueError, match="history has 3 epochs, but max_epochs=2; pass max_ep"):
        HistoryScorer(max_epochs=2)(small(EEGNetClassifier, max_epochs=3).fit(X, y), X, y)


def test_a_search_without_histories_is_an_error_that_names_the_scorer(X, y):
    search = GridSearchCV(validated(), GRID, cv=2).fit(X, y)
    with pytest.raises(ValueError, match="fit it with scoring=HistoryScorer"):
        HistoryDisplay.from_search(search)
    display = HistoryDisplay.from_estimator(search)
    assert list(display.histories) == ["GridSearchCV"]
    assert not any("history" in name for name in search.cv_results_)


# Subjects


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    groups = np.repeat([3, 1, 2, 7, 5, 4, 6], 40)
    y = rng.choice(["left", "right"], len(groups))
    correct = {"good": 0.9, "poor": 0.6}
    flip = {"left": "right", "right": "left"}
    y_pred = {
        name: np.where(rng.random(len(y)) < share, y, [flip[label] for label in y])
        for name, share in correct.items()
    }
    return y, y_pred, groups


def test_scores_of_subjects_and_the_test_are_those_of_scipy(predictions):
    y, y_pred, groups = predictions
    display = SubjectDisplay.from_predictions(y, y_pred, groups=groups)
    assert list(display.subjects) == [1, 2, 3, 4, 5, 6, 7]
    for name, values in y_pred.items():
        expected = [np.mean((values == y)[groups == subject]) for subject in range(1, 8)]
        np.testing.assert_allclose(display.scores[name], expected)
        mean, low, high = display.mean_intervals[name]
        expected_interval = stats.ttest_1samp(expected, 0).confidence_interval()
        np.testing.assert_allclose((mean, low, high), (np.mean(expected), *expected_interval))
    expected = stats.wilcoxon(display.scores["good"], display.scores["poor"]).pvalue
    assert display.p_value == expected
    title = display.ax_.get_title(loc="left")
    difference = np.mean(display.scores["poor"] - display.scores["good"])
    assert f"poor minus good: {difference:+.3f}".replace("-", "\N{MINUS SIGN}") in title
    assert f"7 subjects: p = {expected:.2g}" in title


def test_intervals_and_limits_of_subjects_are_binomial(predictions):
    y, y_pred, groups = predictions
    display = SubjectDisplay.from_predictions(y, y_pred["good"], groups=groups)
    n_correct = int((y_pred["good"] == y)[groups == 1].sum())
    low, high = stats.binomtest(n_correct, 40).proportion_ci(method="wilson")
    np.testing.assert_allclose(display.intervals["estimator"][0], [low, high])
    assert display.chance == max(np.mean(y == "left"), np.mean(y == "right"))
    # A guess is above the limit in at most 5 % of cases, and not below the chance level.
    above = stats.binom.sf(np.round(40 * display.chance_limits), 40, display.chance)
    assert (above <= 0.05).all()
    assert (above > 0.02).all()


def test_subjects_are_sorted_by_score(predictions):
    y, y_pred, groups = predictions
    display = SubjectDisplay.from_predictions(y, y_pred["poor"], groups=groups)
    labels = [text.get_text() for text in display.ax_.get_xticklabels()]
    order = np.argsort(-display.scores["estimator"], kind="stable")
    scores = display.scores["estimator"]
    assert labels[-1] == "mean"
    assert [scores[int(label) - 1] for label in labels[:-1]] == scores[order].tolist()


@pytest.mark.slow
def test_a_score_of_the_user_has_a_bootstrap_interval(predictions):
    y, y_pred, groups = predictions
    display = SubjectDisplay.from_predictions(
        y, y_pred, groups=groups, metric=balanced_accuracy_score, chance=0.5
    )
    assert display.ax_.get_ylabel() == "Balanced accuracy"
    assert display.chance_limits is None
    for name, scores in display.scores.items():
        low, high = display.intervals[name].T
        assert (low <= scores).all()
        assert (scores <= high).all()
        assert (high - low < 0.4).all()


def test_the_test_needs_two_estimators(predictions):
    y, y_pred, groups = predictions
    display = SubjectDisplay.from_predictions(y, y_pred["good"], groups=groups)
    with pytest.raises(ValueError, match="compares two estimators, but there are 1"):
        _ = display.p_value
    assert display.ax_.get_title(loc="left") == ""
    three = {**y_pred, "third": y_pred["good"]}
    display = SubjectDisplay.from_predictions(y, three, groups=groups)
    assert display.ax_.get_title(loc="left") == ""


def test_equal_scores_have_a_p_value_of_one():
    assert SubjectDisplay({"a": [0.5, 0.6], "b": [0.5, 0.6]}).p_value == 1.0


def test_one_subject_has_no_interval_of_the_mean():
    display = SubjectDisplay({"a": [0.5]}).plot()
    assert np.isnan(display.mean_intervals["a"].low)


def test_predictions_of_another_length_are_an_error(predictions):
    y, y_pred, groups = predictions
    with pytest.raises(ValueError, match="good has 279 values, but y_true has 280"):
        SubjectDisplay.from_predictions(y, {"good": y_pred["good"][1:]}, groups=groups)
    with pytest.raises(ValueError, match="groups has 3 values, but y_true has 280"):
        SubjectDisplay.from_predictions(y, y_pred, groups=groups[:3])


def test_subjects_of_fitted_estimators(X, y, groups, epochs):
    fits = {"EEGNet": small(EEGNetClassifier).fit(epochs, y)}
    fits["dummy"] = DummyClassifier().fit(X[:, 0], y)
    display = SubjectDisplay.from_estimator(fits["EEGNet"], epochs, y, groups=groups)
    expected = [fits["EEGNet"].score(epochs[groups == 0], y[groups == 0])]
    assert display.scores["EEGNetClassifier"][0] == expected[0]
    regression = DummyRegressor().fit(X[:, 0], y)
    display = SubjectDisplay.from_estimator(regression, X[:, 0], y, groups=groups)
    assert display.ax_.get_ylabel() == "R²"
    assert display.chance is None


def test_subjects_of_epochs_have_the_names_of_events(epochs, groups):
    estimator = small(EEGNetClassifier).fit(epochs)
    display = SubjectDisplay.from_estimator(estimator, epochs, groups=groups)
    scores = [estimator.score(epochs[groups == group]) for group in np.unique(groups)]
    np.testing.assert_allclose(display.scores["EEGNetClassifier"], scores)
    assert display.chance == 0.5


def test_labels_of_lazy_trials(X, y, groups):
    estimator = small(EEGNetClassifier).fit(X, y)
    trials = LazyTrials(X, {"label": y})
    display = SubjectDisplay.from_estimator(estimator, trials, groups=groups)
    expected = SubjectDisplay.from_estimator(estimator, X, y, groups=groups)
    assert (
        display.scores["EEGNetClassifier"].tolist() == expected.scores["EEGNetClassifier"].tolist()
    )
    importance = ImportanceDisplay.from_estimator(estimator, trials, n_repeats=1)
    assert importance.importances.shape == (3, 1)
    with pytest.raises(ValueError, match="SubjectDisplay: y is None; pass the targets, or Epochs"):
        SubjectDisplay.from_estimator(estimator, X, groups=groups)


def test_a_scorer_with_histories_can_score_outside_of_a_search(X, y):
    estimator = small(EEGNetClassifier).fit(X, y)
    scores = HistoryScorer()(estimator, X, y)
    assert scores["score"] == estimator.score(X, y)
    assert scores["history_n_epochs"] == 2
    assert scores["history_best_epoch"] == 0
    results = cross_validate(small(EEGNetClassifier), X, y, cv=2, scoring=HistoryScorer())
    expected = cross_val_score(small(EEGNetClassifier), X, y, cv=2)
    np.testing.assert_array_equal(results["test_score"], expected)
