"""Motor imagery of MOABB: ``python benchmarks/moabb_motor_imagery.py --datasets BNCI2014_001``.

Networks of eegsk with their defaults, Riemannian classifiers and CSP with the settings of MOABB's
benchmark, and networks of braindecode if it is installed, on left against right hand. MOABB reads
the data sets from the folder of its setting MNE_DATA, and downloads missing ones; a data set that
cannot be read is reported and left out. Scores are stored in the folder of ``--results``, so that a
run that was interrupted continues.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from recordings.networks import EQUALS, EQUALS_EPOCHS
from recordings.table import table
from side_by_side import libraries
from side_by_side.report import describe
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC
from speed import silence_imports

import eegsk

NETWORKS = ["EEGNet", "EEGNeX", "ShallowConvNet", "DeepConvNet", "EEGTCNet", "ATCNet"]
EVALUATIONS = ("WithinSession", "CrossSession", "CrossSubject")


class ChannelScaler(TransformerMixin, BaseEstimator):
    """Standardisation of the channels, which braindecode's networks do not have."""

    def fit(self, X: np.ndarray, y: Any = None) -> ChannelScaler:
        """Compute mean and standard deviation of each channel."""
        self.mean_, self.std_ = (f(X, axis=(0, 2), keepdims=True) for f in (np.mean, np.std))
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Standardise trials, in single precision."""
        return ((X - self.mean_) / self.std_).astype(np.float32)


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--datasets", nargs="+", metavar="NAME", help="classes of moabb.datasets (default all)")
    add("--fake", action="store_true", help="MOABB's fake data set, whose scores mean nothing")
    add("--evaluation", choices=EVALUATIONS, default="CrossSession")
    add("--networks", nargs="+", choices=NETWORKS, default=NETWORKS, metavar="NETWORK",
        help=", ".join(NETWORKS))  # fmt: skip
    add("--subjects", type=int, help="number of subjects of each data set (default all)")
    add("--max-epochs", type=int, help="epochs of each network, for a quick try")
    add("--resample", type=float, default=128.0, help="sampling rate in Hz (default 128)")
    add("--n-jobs", type=int, default=1, help="parallel fits, with one thread each")
    add("--seed", type=int, default=0)
    add("--results", type=Path, default=Path("moabb_results"), help="folder of the scores")
    return parser.parse_args(argv)


def classical_pipelines() -> dict[str, Any]:
    """Make common spatial patterns and the Riemannian classifiers of MOABB's benchmark."""
    from moabb.pipelines.features import AugmentedDataset
    from pyriemann.classification import MDM
    from pyriemann.estimation import Covariances
    from pyriemann.spatialfilters import CSP
    from pyriemann.tangentspace import TangentSpace

    oas, tangent = Covariances("oas"), TangentSpace()
    svm = SVC(kernel="linear", probability=False)
    return {
        "CSP, linear discriminant analysis": make_pipeline(
            oas, CSP(nfilter=6), LinearDiscriminantAnalysis()
        ),
        "minimum distance to mean": make_pipeline(clone(oas), MDM()),
        "tangent space, logistic regression": make_pipeline(
            clone(oas), clone(tangent), LogisticRegression(max_iter=1000)
        ),
        "augmented covariance, support vector machine": make_pipeline(
            AugmentedDataset(order=4, lag=8), clone(oas), clone(tangent), svm
        ),
    }


def network_pipelines(arguments: argparse.Namespace) -> dict[str, Any]:
    """Make a pipeline of each network of eegsk."""
    quick = {} if arguments.max_epochs is None else {"max_epochs": arguments.max_epochs}
    return {
        f"{name} (eegsk)": make_pipeline(
            getattr(eegsk, f"{name}Classifier")(random_state=arguments.seed, **quick)
        )
        for name in arguments.networks
    }


def braindecode_pipelines(arguments: argparse.Namespace) -> dict[str, Any]:
    """Make a pipeline of each network of braindecode; none if it cannot be imported."""
    silence_imports()
    try:
        import braindecode  # noqa: F401
    except (ImportError, OSError) as error:
        reason = str(error).partition("\n")[0]
        print(f"braindecode cannot be imported ({reason}) and is left out")
        return {}
    epochs = arguments.max_epochs or EQUALS_EPOCHS
    training = libraries.Training(epochs, batch_size=64, threads=1, device="cpu")
    return {
        f"{name} (braindecode)": make_pipeline(
            ChannelScaler(), libraries.make_braindecode(EQUALS[name], training)
        )
        for name in arguments.networks
    }


def data_sets(arguments: argparse.Namespace, paradigm: Any) -> Iterator[Any]:
    """Return the data sets that can be read; print a line for each of the others."""
    from moabb import datasets

    if arguments.fake:
        from moabb.datasets.fake import FakeDataset

        hands = ["left_hand", "right_hand"]
        yield FakeDataset(hands, n_subjects=2, n_runs=1, n_events=16, duration=60, seed=0)
        return
    chosen = arguments.datasets
    found = [getattr(datasets, name)() for name in chosen] if chosen else paradigm.datasets
    for data_set in found:
        data_set.subject_list = data_set.subject_list[: arguments.subjects]
        try:
            paradigm.get_data(data_set, subjects=data_set.subject_list[:1])
        except Exception as error:  # each reader of MOABB raises errors of its own
            reason = str(error).partition("\n")[0]
            print(f"{data_set.code} cannot be read ({reason}) and is left out")
        else:
            yield data_set


def results_table(results: Any) -> str:
    """Format mean and standard deviation over subjects, and the median time of ``fit``."""
    lines = []
    for (data_set, pipeline), rows in results.groupby(["dataset", "pipeline"], sort=False):
        scores = rows.groupby("subject")["score"].mean()
        spread = f"{scores.mean():.3f} ± {scores.std():.3f}"
        lines.append([data_set, pipeline, spread, f"{rows['time'].median():.2f} s"])
    return table(["data set", "pipeline", "score, mean ± SD over subjects", "`fit`"], lines)


def main(argv: list[str] | None = None) -> None:
    """Evaluate all pipelines, and print the table."""
    arguments = parse_arguments(argv)
    warnings.filterwarnings("ignore", module=r"moabb|optuna")
    try:
        import moabb
        from moabb import evaluations
        from moabb.paradigms import LeftRightImagery
    except ImportError as error:
        sys.exit(f"{error}; install the extra: pip install 'eegsk[moabb]'")
    moabb.set_log_level("error")
    paradigm = LeftRightImagery(resample=arguments.resample)
    chosen = list(data_sets(arguments, paradigm))
    if not chosen:
        sys.exit("No data set can be read; set MNE_DATA to the folder of MOABB's data sets.")
    pipelines = {
        **network_pipelines(arguments),
        **braindecode_pipelines(arguments),
        **classical_pipelines(),
    }
    evaluation = getattr(evaluations, f"{arguments.evaluation}Evaluation")(
        paradigm=paradigm,
        datasets=chosen,
        random_state=arguments.seed,
        n_jobs=arguments.n_jobs,
        hdf5_path=str(arguments.results),
    )
    results = evaluation.process(pipelines)
    score = "accuracy" if paradigm.scoring == "accuracy" else "area under the ROC curve"
    print(f"{describe([], 'cpu', 1)}; {arguments.evaluation}, {score}\n\n{results_table(results)}")


if __name__ == "__main__":
    main()
