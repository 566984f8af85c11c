"""What every estimator does: check, encode, build, train, decode."""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import Callback
from skorch.history import History
from torch import nn

from ._fields import (
    Count,
    CriterionFactory,
    Fraction,
    NestedParams,
    NonNegative,
    OptimizerFactory,
    Positive,
    Seed,
    Splitter,
    check_fields,
    check_names,
    clone_callback,
    first_link,
    named_items,
)
from ._validation import check_groups, check_trials, check_unit, check_weight, spread
from .augmentation.transform import clone_transforms
from .callbacks.checkpoint import resumed_seed
from .model_selection import split_for_validation
from .networks import Architecture, build_network
from .signals import Signal, read_trials
from .training import (
    Run,
    TrialNet,
    Trials,
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
    lr : float, default=3e-3
        Learning rate.
    max_epochs : int, default=100
        How many times training goes through the trials.
    batch_size : int, default=64
        The largest number of trials in a training step; the trials of an epoch are dealt out
        evenly, so that each is used.
    optimizer : str or callable, default="adamw"
        Name of a torch optimizer, its class, or a partial of it. ``lr`` and ``weight_decay`` are
        the estimator's.
    weight_decay : float, default=0.01
        Weight decay that the optimizer is given.
    standardize : {"channel", "global", "spectrum"} or None, default="channel"
        What a layer before the network divides the trials by: each electrode's standard deviation
        over the training trials, one for all electrodes, or nothing. It subtracts each
        electrode's mean. With ``"spectrum"`` the layer also flattens the spectrum that the
        electrodes have in common: samples become what those before them, 20 or an eighth of a
        trial, do not predict, and the first ones zero. It brings out rhythms that are weak, or
        that a filter has weakened, and noise where there is nothing else. Strong trials tell the
        spectrum most: reject artefacts, and filter out the power line, beforehand.
    valid_split : float, splitter or None, default=None
        The fraction of the trials, or of the ``groups`` given to ``fit``, to validate on, or a
        splitter of scikit-learn whose first split is used; None to train on all.
    callbacks : list or None, default=None
        Callbacks of skorch or :mod:`eegsk.callbacks`, or pairs of a name and a callback. One
        without a name goes by that of its class in lower case, so that its parameters are
        ``callbacks__name__parameter``. Each fit trains with copies, which hold what was learned:
        ``dict(estimator.net_.callbacks_)["earlystopping"].best_epoch_``. What cannot be copied,
        such as an open file or a TensorBoard writer, they are handed.
    augmentation : list or None, default=None
        Transforms of :mod:`eegsk.augmentation`, or functions that take and return ``(X, y)``, or
        pairs of a name and one of them. Training applies them to each batch of standardised
        trials, one after the other; validation and predictions see the trials as they are. Names
        are those of classes, as of callbacks: ``augmentation__timeshift__max_shift``.
    device : str or torch.device, default="auto"
        Where to compute; ``"auto"`` for CUDA, else MPS, else the CPU.
    n_threads : int, default=1
        How many threads of the CPU to compute with. Sums depend on it in their last digits, so it
        is held, and the same seed gives the same weights whatever ``n_jobs`` is.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the last ``fit``, with a new optimizer and a
        new history.
    random_state : int, RandomState or None, default=None
        Seed of initial weights, order of trials, dropout and validation split; None for a new one
        each time. The global generators of torch, numpy and random are neither used nor changed.
    verbose : int, default=0
        0 for silence; 1 for a progress bar over the epochs, with losses, score and time left, on
        the standard error; 2 for a line for each epoch.
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
        Number of epochs trained; one that Ctrl-C or a callback cut short does not count.
    """

    lr: Positive = 3e-3
    max_epochs: Count = 100
    batch_size: Count = 64
    optimizer: OptimizerFactory = "adamw"
    weight_decay: NonNegative = 0.01
    standardize: Literal["channel", "global", "spectrum"] | None = "channel"
    valid_split: Fraction | Splitter | None = None
    callbacks: list[Any] | tuple[Any, ...] | None = None
    augmentation: list[Any] | tuple[Any, ...] | None = None
    device: str | torch.device = "auto"
    n_threads: Count = 1
    warm_start: bool = False
    random_state: Seed | np.random.RandomState | None = None
    verbose: int | bool = 0
    net_params: dict[str, Any] | None = None

    if TYPE_CHECKING:  # a field of each task
        criterion: CriterionFactory = ""

    _net_class: ClassVar[type[TrialNet]]
    _stratify: ClassVar[bool]

    # In notebooks scikit-learn documents the parameters of an estimator that has a page to link to.
    _doc_link_module: ClassVar[str] = "eegsk"

    @property
    def _doc_link_template(self) -> str:
        return first_link(self.__doc__)

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
        """Number of whole epochs trained."""
        return len(self.net_.history)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

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
        partial: bool = False,
        **learning: Any,
    ) -> Self:
        """Check, encode, build and train; ``partial`` for one more epoch of what there is."""
        check_fields(self)
        goes_on = hasattr(self, "net_") and (partial or self.warm_start)
        if goes_on:
            self._check_unchanged()
        seed = self._choose_seed(goes_on and partial)
        device = find_device(self.device)
        with reproducible(seed, self.n_threads, device), _undone_on_error(self, goes_on):
            X, y = self._read(X, y, reset=not goes_on)
            weight = self._weigh(y, check_weight(sample_weight, len(X)))
            groups = check_groups(groups, len(X))
            train, valid = self._split(y, weight, groups, seed)
            if not goes_on:
                self._target = self._learn_target(y, weight, train, **learning)
            trials = split_trials(X, self._target.encode(y), weight, train, valid, device)
            if goes_on and partial:
                self.net_.set_params(lr=self.lr, batch_size=int(self.batch_size))
            else:
                self._make_net(trials.train, goes_on)
            run = Run(type(self).__name__, self.get_params, seed, partial)
            self.net_.partial_fit(trials, epochs=1 if partial else self.max_epochs, run=run)
        self.module_.eval()
        return self

    def _network_fields(self) -> dict[str, Any]:
        """Return the fields that the module is built from."""
        bases = [base for base in type(self).__mro__ if is_dataclass(base)]
        networks = [base for base in bases if not issubclass(base, BaseEstimator)]
        names = {field.name for network in networks for field in fields(network)}
        return {name: getattr(self, name) for name in sorted({"standardize", *names})}

    def _check_unchanged(self) -> None:
        """See that the module to go on with is still the one that the fields describe."""
        for name, value in self._network_fields().items():
            if value != self._built_from[name]:
                raise ValueError(
                    f"{type(self).__name__}: the network to go on with was built with "
                    f"{name}={self._built_from[name]!r}, which now is {value!r}; set it back, or "
                    "fit anew, without warm_start."
                )

    def _required(self, y: Any) -> Any:
        if y is None:
            name = type(self).__name__
            raise ValueError(f"{name} requires y to be passed, but the target y is None.")
        return y

    def _choose_seed(self, goes_on: bool) -> int:
        """Return the seed of a fit, that of the run to resume if none is asked for."""
        drawn = self._draw_seed(goes_on)
        resumed = resumed_seed(self.callbacks) if self.random_state is None else None
        return drawn if resumed is None else resumed

    def _draw_seed(self, goes_on: bool) -> int:
        """Draw the seed of a fit, one that no global generator gave if none is asked for."""
        if not goes_on:
            fresh = np.random.SeedSequence().generate_state(1)[0]
            seed = fresh if self.random_state is None else self.random_state
            self._random_state = check_random_state(seed)
        return self._random_state.randint(np.iinfo(np.int32).max)

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
            hint = " that epochs.drop_bad() leaves" if signal else ""
            raise ValueError(
                f"X has {len(X)} trials, but y has {len(y)} targets; give one for each{hint}."
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
        # A fraction is one of the trials that are there, the indices of a splitter are of all.
        split = there if isinstance(self.valid_split, Real) else np.arange(len(y))
        sides = split_for_validation(
            self.valid_split,
            y[split],
            None if groups is None else groups[split],
            stratify=self._stratify,
            random_state=seed,
        )
        train, valid = (np.intersect1d(split[side], there) for side in sides)
        if len(train) == 0 or len(valid) == 0:
            raise ValueError(
                f"valid_split={self.valid_split!r} leaves a side without a trial that has a "
                "weight; both sides need some."
            )
        return train, valid

    def _make_net(self, trials: Trials, goes_on: bool) -> None:
        """Make the net that trains the module, a new one or that of the last fit."""
        transforms = clone_transforms(self.augmentation, type(self).__name__)
        module = self.module_ if goes_on else self._make_module(trials)
        self.net_ = make_net(
            self._net_class,
            module,
            self.criterion,
            self.optimizer,
            self.weight_decay,
            lr=self.lr,
            max_epochs=int(self.max_epochs),
            batch_size=int(self.batch_size),
            device=str(trials.X.device),
            verbose=int(self.verbose),
            callbacks=self._own_callbacks(),
            **self._task_params(),
            **self._further_params(),
        )
        self.net_.augmentation_ = transforms

    def _make_module(self, trials: Trials) -> nn.Module:
        """Build the module for the signal: standardisation, then the network."""
        network = build_network(
            self.build, self.signal_, self._target.n_outputs, type(self).__name__
        )
        layers = OrderedDict(standardize=standardizer(trials, self.standardize), network=network)
        self._built_from = self._network_fields()
        self._spread = spread(trials.X)
        return nn.Sequential(layers)

    def _further_params(self) -> dict[str, Any]:
        """Return ``net_params``, which must not say again what a field says."""
        further = self.net_params or {}
        hidden = sorted({field.name for field in fields(self)} & set(further))
        if hidden:
            raise ValueError(
                f"{type(self).__name__}: net_params has {', '.join(hidden)}; set the estimator's "
                "own parameters of that name."
            )
        return further

    def _task_params(self) -> dict[str, Any]:
        """Return what the net must know of the task."""
        return {}

    def _own_callbacks(self) -> list[tuple[str, Any]]:
        """Make the callbacks anew, so that nothing they learn flows back into the parameters."""
        check_names(type(self).__name__, "callbacks", self.callbacks)
        named = [item for item in named_items(self.callbacks) if item[1] is not None]
        for name, callback in named:
            kind = callback if isinstance(callback, type) else type(callback)
            if not issubclass(kind, Callback):
                raise TypeError(
                    f"{type(self).__name__}: callback {name!r} is {callback!r}; it should be a "
                    "skorch callback, an instance or a class."
                )
        return [(name, clone_callback(callback)) for name, callback in named]

    def _output(self, X: Any) -> np.ndarray:
        """Return what the module makes of trials, of shape (n_trials, n_outputs)."""
        check_is_fitted(self)
        X, _ = read_trials(X, self.signal_)
        X = check_trials(self, X, reset=False)
        check_unit(type(self).__name__, X, self._spread)
        with held_threads(min(self.n_threads, len(X))):
            dtype = finest_dtype(self.module_, X[:2])
            return apply_network(self.module_, X, dtype, self.batch_size).numpy()


@contextmanager
def _undone_on_error(estimator: EEGEstimator, goes_on: bool) -> Iterator[None]:
    """Leave an estimator as it was if a fit fails; Ctrl-C keeps what was trained until then."""
    before = dict(vars(estimator))
    net: Any = before.get("net_")
    state = net.snapshot() if goes_on else None
    try:
        yield
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and (
            goes_on or vars(estimator).get("net_") is not net
        ):
            raise
        vars(estimator).clear()
        vars(estimator).update(before)
        if state is not None:
            net.restore(state)
        raise
