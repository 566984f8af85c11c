"""Descriptions of runs: what differs is told apart, and the same is the same in every process."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import skorch.callbacks
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from torch import nn

from eegsk import EEGNetClassifier
from eegsk.augmentation import GaussianNoise, TimeShift
from eegsk.callbacks import Checkpoint
from eegsk.losses import FocalBalancedLoss
from eegsk.training.run import Run, describe

from . import described, killed
from .networks import small


@pytest.fixture(scope="module")
def trials():
    return killed.data()


@pytest.fixture(scope="module")
def elsewhere():
    """Return the descriptions that a process with other hashes and addresses makes."""
    code = (
        "import json; from torch import nn; from tests import described; nn.LazyLinear(1); "
        "print(json.dumps(described.words()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "4711"},
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", described.MAKERS)
def test_what_differs_is_told_apart_and_the_same_is_the_same(name, elsewhere):
    one, other = (describe(described.MAKERS[name](number), inside=True) for number in (1, 2))
    assert one != other
    assert [one, other] == elsewhere[name]
    assert " at 0x" not in one
    assert "\n" not in one


def params_of(**params):
    run = Run("EEGNetClassifier", small(EEGNetClassifier, **params).get_params, 0)
    return run._describe_params()


@pytest.mark.parametrize("name", ["closure", "object", "pairs", "method"])
def test_copies_are_described_alike(name):
    value = described.MAKERS[name](1)
    assert describe(clone(value, safe=False), inside=True) == describe(value, inside=True)


def test_neither_file_nor_line_matters():
    source = "def make():\n    def inner(x):\n        return x + 1\n    return inner"
    words = []
    for start, file in (("", "a.py"), ("\n\n# more\n", "b.py")):
        there = {"__name__": "there"}
        exec(compile(start + source, file, "exec"), there)
        words += [describe(there["make"])]
    assert words[0] == words[1]


def test_a_closure_with_a_cell_that_is_empty():
    def make():
        return later

    assert describe(make) == describe(make)
    later = 1
    assert describe(make) != describe(described.closure(1))
    assert later == 1


def test_contents_that_refer_to_one_another_many_times_take_no_time():
    ring = [SimpleNamespace() for _ in range(40)]
    for item in ring:
        item.others = ring
    assert len(describe(described.Slim(ring), inside=True)) < 200


# Parameters of callbacks


class Writes(skorch.callbacks.Callback):
    """Hold what a process writes to, and a function."""

    def __init__(self, writer=None, function=None):
        self.writer, self.function = writer, function


def test_what_a_callback_writes_to_does_not_matter(tmp_path):
    def told(name):
        with (tmp_path / name).open("w") as file:
            writers = [Writes(described.Slim(name)), Writes([file, described.Scale(name)])]
            writers.append(Writes(function=described.Scale(name)._apply))
            log = {"callbacks__print_log__sink": described.Scale(name)}
            return params_of(callbacks=writers, net_params=log)

    assert told("one") == told("other")
    assert told("one")["callbacks__writes-2__writer"] == "[TextIOWrapper, Scale]"


def test_what_a_callback_computes_does():
    told = [params_of(callbacks=[Writes(None, described.closure(a))]) for a in (1, 2)]
    assert told[0] != told[1]


@pytest.mark.parametrize("field", ["augmentation", "callbacks"])
def test_the_order_of_a_list_matters(field):
    items = {
        "augmentation": [TimeShift(), GaussianNoise()],
        "callbacks": [Writes(), skorch.callbacks.Freezer("head")],
    }[field]
    assert params_of(**{field: items}) != params_of(**{field: items[::-1]})


def test_classes_that_functions_make():
    def made(number):
        class Own(GaussianNoise):
            def _transform(self, X, chosen):
                return X + number

        return Own()

    told = [params_of(augmentation=[made(number)]) for number in (1, 1, 2)]
    assert told[0] == told[1]
    assert told[0] != told[2]


# Files of their own


GRIDS = {
    "lambdas": {"activation": [lambda: nn.ELU(0.1), lambda: nn.Tanh()]},
    "closures": {"activation": [described.closure(0.1), described.closure(3.0)]},
    "classes": {"activation": [described.class_of(0.1), described.class_of(3.0)]},
    "transforms": {"augmentation": [[described.Scale(1.0)], [described.Scale(30.0)]]},
    "focal": {"criterion": [FocalBalancedLoss(weight=[1.0, w], reduction="none") for w in (1, 9)]},
    "weights": {
        "criterion": [nn.CrossEntropyLoss(torch.tensor([1.0, w]), reduction="none") for w in (1, 9)]
    },
}


@pytest.mark.parametrize("name", GRIDS)
def test_candidates_of_a_search_have_a_file_each(name, trials, tmp_path):
    grid = {key: clone(values, safe=False) for key, values in GRIDS[name].items()}
    fields = {"callbacks": [Checkpoint(tmp_path / "{run}", resume=True)], "lr": 0.02}
    search = GridSearchCV(small(EEGNetClassifier, **fields), grid, cv=2, scoring="neg_log_loss")
    search.fit(*trials)
    assert len(list(tmp_path.iterdir())) == 2 * 2 + 1
    plain = GridSearchCV(small(EEGNetClassifier, lr=0.02), grid, cv=2, scoring="neg_log_loss")
    plain.fit(*trials)
    scores = [each.cv_results_["mean_test_score"] for each in (search, plain)]
    np.testing.assert_array_equal(*scores)
    assert scores[0][0] != scores[0][1]


def test_workers_that_are_sent_the_code_find_the_same_files(trials, tmp_path):
    values = [*GRIDS["lambdas"]["activation"], *GRIDS["classes"]["activation"]]
    fields = {"callbacks": [Checkpoint(tmp_path / "{run}", resume=True)], "max_epochs": 1}
    for n_jobs in (2, 1):
        search = GridSearchCV(
            small(EEGNetClassifier, **fields), {"activation": values}, cv=2, n_jobs=n_jobs
        )
        search.fit(*trials)
        assert len(list(tmp_path.iterdir())) == 4 * 2 + 1


@pytest.mark.parametrize("name", GRIDS)
def test_a_file_of_another_run_is_not_taken(name, trials, tmp_path):
    ((field, values),) = GRIDS[name].items()
    callbacks = [Checkpoint(tmp_path / "best", resume=True)]
    one, other, again = (
        small(EEGNetClassifier, callbacks=callbacks, **{field: clone(value, safe=False)})
        for value in (*values, values[0])
    )
    one.fit(*trials)
    before = (tmp_path / "best").read_bytes()
    with pytest.raises(ValueError, match=f"of another run, {field}.* was .*, now is ") as caught:
        other.fit(*trials)
    was, now = str(caught.value).split(" was ")[1].split(", now is ")
    assert was != now.partition(";")[0]
    assert "\n" not in str(caught.value)
    again.fit(*trials)
    assert (tmp_path / "best").read_bytes() == before
