"""What every estimator does: check, encode, build, train, decode."""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import torch
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from skorch.history import History
from torch import nn

from ._nested import NestedParams, named_callbacks
from ._params import check_fields
from ._types import (
    Count,
    CriterionFactory,
    Fraction,
    NonNegative,
    OptimizerFactory,
    Positive,
    Seed,
    Splitter,
)
from ._validation import check_groups, check_trials, check_weight
from .model_selection import split_for_validation
from .networks import Architecture, build_network
from .signals import Signal, read_trials
from .training import (
    TrialNet,
    Trials,
    TrialSplit,
    apply_network,
    find_device,
    finest_dtype,
    held_threads,
    make_net,
    reproducible,
    split_trials,
    standardizer,
)


class EEGEstimator(Architecture, NestedParams):
    """What classifiers and regressors share: the training of a network on trials.

    Parameters
    ----------
    lr : float, default=1e-3
        Learning rate.
    max_epochs : int, default=150
        How many times training goes through the trials.
    batch_size : int, default=64
        The largest number of trials in a training step; the trials of an epoch are dealt out
        evenly, so that each is used.
    optimizer : str or callable, default="adamw"
        Name of a torch optimizer, its class, or a partial of it. ``lr`` and ``weight_decay`` are
        the estimator's.
    weight_decay : float, default=0.01
        Weight decay that the optimizer is given.
    standardize : {"channel", "global"} or None, default="channel"
        What a layer before the network divides the trials by: each electrode's standard deviation
        over the training trials, one for all electrodes, or nothing. It subtracts each
        electrode's mean.
    valid_split : float, splitter or None, default=None
        The fraction of the trials, or of the ``groups`` given to ``fit``, to validate on, or a
        splitter of scikit-learn whose first split is used; None to train on all.
    callbacks : list or None, default=None
        Callbacks of skorch or :mod:`eegsk.callbacks`, or pairs of a name and a callback. One
        without a name goes by that of its class in lower case, so that its parameters are
        ``callbacks__name__parameter``.
    device : str or torch.device, default="auto"
        Where to compute; ``"auto"`` for CUDA, else MPS, else the CPU.
    n_threads : int, default=1
        How many threads of the CPU to compute with. Sums depend on it in their last digits, so it
        is held, and the same seed gives the same weights whatever ``n_jobs`` is.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the last ``fit``.
    random_state : int, RandomState or None, default=None
        Seed of initial weights, order of trials, dropout and validation split; None for a new one
        each time. The global generators of torch, numpy and random are neither used nor changed.
    verbose : int, default=0
        Whether to print a line for each epoch.
    net_params : dict or None, default=None
        Further parameters of the skorch net, such as ``{"optimizer__momentum": 0.9}``.

    Attributes
    ----------
    signal_ : Signal
        Electrodes, times and sampling rate that the network was built for.
    n_features_in_ : int
        Number of electrodes; of times, if ``fit`` was given two-dimensional trials.
    net_ : skorch.NeuralNet
        The trained skorch net.
    module_ : torch.nn.Module
        The trained module: standardisation, then the network.
    history_ : skorch.history.History
        A row for each epoch, with train and validation loss and score.
    n_iter_ : int
        Number of epochs trained.
    """

    lr: Positive = 1e-3
    max_epochs: Count = 150
    batch_size: Count = 64
    optimizer: OptimizerFactory = "adamw"
    weight_decay: NonNegative = 0.01
    standardize: Literal["channel", "global"] | None = "channel"
    valid_split: Fraction | Splitter | None = None
    callbacks: list[Any] | tuple[Any, ...] | None = None
    device: str | torch.device = "auto"
    n_threads: Count = 1
    warm_start: bool = False
    random_state: Seed | np.random.RandomState | None = None
    verbose: int | bool = 0
    net_params: dict[str, Any] | None = None

    if TYPE_CHECKING:  # a field of each task
        criterion: CriterionFactory

    _net_class: ClassVar[type[TrialNet]]
    _stratify: ClassVar[bool]

    @property
    def module_(self) -> nn.Module:
        """The trained module."""
        return self.net_.module_

    @property
    def history_(self) -> History:
        """What was recorded of each epoch."""
        return self.net_.history

    @property
    def n_iter_(self) -> int:
        """Number of epochs trained."""
        return len(self.net_.history)

    @abstractmethod
    def _read_target(self, X: Any, y: Any) -> np.ndarray:
        """Check targets, or take them from the trials if there are none."""

    @abstractmethod
    def _learn_target(self, y: np.ndarray, weight: np.ndarray, train: np.ndarray) -> Any:
        """Learn from the targets, of which ``train`` are trained on, how to encode them."""

    def _weigh(self, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Combine the weights of trials with those of their targets."""
        return weight

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        groups: Any = None,
        *,
        max_epochs: int,
        goes_on: bool,
        **learning: Any,
    ) -> Self:
        """Check, encode, build and train; ``goes_on`` from the present weights, if any."""
        check_fields(self)
        new = not (goes_on and hasattr(self, "net_"))
        X, y = self._read(X, y, reset=new)
        weight = self._weigh(y, check_weight(sample_weight, len(X)))
        if new:
            self._random_state = check_random_state(self._seed())
        seed = self._random_state.randint(np.iinfo(np.int32).max)
        train, valid = self._split(y, weight, check_groups(groups, len(X)), seed)
        if new:
            self._target = self._learn_target(y, weight, train, **learning)
        target, device = self._target.encode(y), find_device(self.device)
        with reproducible(seed, self.n_threads):
            trials = split_trials(X, target, weight, train, valid, device)
            self._train(trials, max_epochs, new)
        return self

    def _required(self, y: Any) -> Any:
        if y is None:
            name = type(self).__name__
            raise ValueError(f"{name} requires y to be passed, but the target y is None.")
        return y

    def _seed(self) -> Any:
        """Return the seed asked for; where there is none, one that no global generator gave."""
        if self.random_state is None:
            return np.random.SeedSequence().generate_state(1)[0]
        return self.random_state

    def _read(self, X: Any, y: Any, reset: bool) -> tuple[torch.Tensor, np.ndarray]:
        """Check trials and targets, and describe the signal."""
        y = self._read_target(X, y)
        X, signal = read_trials(X, None if reset else self.signal_)
        X = check_trials(self, X, reset)
        if len(X) < 2 and reset:
            raise ValueError(
                f"{type(self).__name__}: X has 1 sample; it takes two trials to learn."
            )
        if len(X) != len(y):
            raise ValueError(
                f"X has {len(X)} trials, but y has {len(y)} targets; give one for each."
            )
        if reset:
            self.signal_ = signal or Signal(n_chans=X.shape[1], n_times=X.shape[2])
        return X, y

    def _split(
        self, y: np.ndarray, weight: np.ndarray, groups: np.ndarray | None, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Choose trials to train on and to validate on; a trial of no weight is not there."""
        there = np.flatnonzero(weight)
        if self.valid_split is None:
            return there, there[:0]
        train, valid = split_for_validation(
            self.valid_split,
            y[there],
            None if groups is None else groups[there],
            stratify=self._stratify,
            random_state=seed,
        )
        return there[train], there[valid]

    def _train(self, trials: TrialSplit, max_epochs: int, new: bool) -> None:
        """Train the net, a new one or that of the last fit."""
        if new:
            self.net_ = self._make_net(trials.train)
            self._dtype = finest_dtype(self.module_, trials.train.X[:2])
        self.net_.partial_fit(trials, epochs=max_epochs)
        self.module_.eval()

    def _make_net(self, trials: Trials) -> TrialNet:
        """Make a net of a module for the signal and the fields of training."""
        network = build_network(
            self.build, self.signal_, self._target.n_outputs, type(self).__name__
        )
        layers = OrderedDict(standardize=standardizer(trials, self.standardize), network=network)
        return make_net(
            self._net_class,
            nn.Sequential(layers),
            self.criterion,
            self.optimizer,
            self.weight_decay,
            lr=self.lr,
            batch_size=self.batch_size,
            device=str(trials.X.device),
            verbose=int(self.verbose),
            callbacks=self._own_callbacks(),
            **(self.net_params or {}),
        )

    def _own_callbacks(self) -> list[tuple[str, Any]]:
        """Clone the callbacks, so that nothing they learn flows back into the parameters."""
        named = named_callbacks(self.callbacks)
        return [(name, clone(item, safe=False)) for name, item in named if item is not None]

    def _output(self, X: Any) -> np.ndarray:
        """Return what the module makes of trials, of shape (n_trials, n_outputs)."""
        check_is_fitted(self)
        X, _ = read_trials(X, self.signal_)
        X = check_trials(self, X, reset=False)
        with held_threads(self.n_threads):
            return apply_network(self.module_, X, self._dtype, self.batch_size).numpy()
