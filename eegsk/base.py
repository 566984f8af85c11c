"""Base class of the estimators: validation, target encoding, training, prediction."""

from __future__ import annotations

from abc import abstractmethod
from collections import OrderedDict
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from skorch.history import History
from torch import nn

from ._arguments import check_groups, check_weight, names_errors
from ._epochs import is_epochs
from ._fields import (
    Count,
    CriterionFactory,
    Fraction,
    NestedParams,
    NonNegative,
    OptimizerFactory,
    Positive,
    Range,
    Seed,
    Splitter,
    ThreadCount,
    check_fields,
    check_net_params,
    first_link,
    named_items,
)
from ._validation import check_content, check_lengths, check_unit, spread
from .augmentation.transform import clone_transforms
from .blocks import set_batch_norm
from .model_selection.group_warning import warn_about_groups
from .model_selection.validation_split import split_weighted
from .networks import Architecture, build_network
from .recordings import check_input
from .signals import Signal, read_trials
from .training import (
    FitInfo,
    TrainingCallback,
    TrialNet,
    Trials,
    apply_network,
    clone_callbacks,
    find_blocks,
    find_device,
    find_pretrained,
    finest_dtype,
    in_pretrained_order,
    load_pretrained,
    make_net,
    reproducible,
    restored_on_error,
    split_trials,
    standardizer,
    torch_threads,
)


class EEGEstimator(Architecture, NestedParams):
    """Base class of classifiers and regressors, which train a network on trials.

    Parameters
    ----------
    lr : float, default=3e-3
        Learning rate.
    max_epochs : int, default=100
        Number of epochs, each of which uses every training trial once.
    batch_size : int, default=64
        Maximum number of trials in a training step; batch sizes differ by at most one.
    optimizer : str or callable, default="adamw"
        Name of a torch optimizer, its class, or a ``functools.partial`` of it. The learning rate
        and weight decay are set by ``lr`` and ``weight_decay``.
    weight_decay : float, default=0.01
        Weight decay of the optimizer.
    standardize : {"channel", "global", "spectrum"} or None, default="channel"
        Standardisation of the trials, in a layer before the network. ``"channel"`` subtracts the
        mean of each channel over the training trials and divides by its standard deviation.
        ``"global"`` subtracts the same means, but divides all channels by one standard deviation.
        ``"spectrum"`` is ``"channel"`` with whitening of the spectrum: a linear filter, learned
        from the training trials, predicts each sample from the 20 previous samples (at most an
        eighth of the trial), and the prediction is subtracted. Weak rhythms, e.g. outside the pass
        band of a filter, then contribute more, but so does noise. High-amplitude trials dominate
        this filter, so reject artefacts and remove line noise first. None for no standardisation.
    norm_eps : float or None, default=None
        Constant that batch normalisation adds to the variance; None for that of the network.
    norm_momentum : float or None, default=None
        Weight of the latest batch in its running statistics; None for that of the network.
    valid_split : float, splitter or None, default=None
        Fraction of the trials used for validation, or of the groups if ``fit`` receives ``groups``;
        or a scikit-learn splitter, whose first split is used, e.g. ``PredefinedSplit`` for
        validation trials of your own, which ``X`` contains and whose fold is 0 (training: -1).
    callbacks : list or None, default=None
        Callbacks of :mod:`eegsk.callbacks` or skorch, or pairs ``(name, callback)``. The default
        name is the class name in lower case, e.g. ``callbacks__earlystopping__patience``. Each fit
        uses copies, which have the learned attributes, e.g.
        ``dict(estimator.net_.callbacks_)["earlystopping"].best_epoch_``. Parameters that cannot be
        copied, e.g. an open file, are shared with the copies. For cross-validation, instead pass a
        function that creates the callback; each fit calls it.
    augmentation : list or None, default=None
        Transforms of :mod:`eegsk.augmentation`, functions that take and return ``(X, y)``, or
        pairs ``(name, transform)``. They are applied in this order to each training batch, after
        standardisation. Validation and prediction use the original trials. Default names are as
        for callbacks, e.g. ``augmentation__timeshift__max_shift``.
    device : str or torch.device, default="auto"
        Device, e.g. ``"cuda:0"``. ``"auto"`` is CUDA if available, else Apple's MPS, else the CPU.
    pretrained : FrozenEstimator, path or None, default=None
        Fitted estimator whose weights are the initial weights: a file that ``save`` wrote, or the
        estimator inside :class:`sklearn.frozen.FrozenEstimator`, so that cross-validation keeps it.
        It must have the same network; the last layer is new if the targets differ. Trials are
        standardised by their own mean and scale, not by those of the pretrained estimator. If its
        classes include all labels, ``classes_`` are these classes.
    pretrained_channels : {"same", "match"}, default="same"
        ``"same"`` if the trials must have the channels of ``pretrained``, in any order. With
        ``"match"``, channels are matched by name: spatial filters keep the weights of common
        channels, and additional channels initially have zero weights.
    freeze : str, list of str or None, default=None
        Blocks of the network that are not trained, e.g. ``"front"`` for temporal and spatial
        filters, or ``"trunk"`` for all but the head. They are in evaluation mode: without dropout,
        and with the running statistics of batch normalisation unchanged.
    n_threads : int, default=1
        Number of CPU threads, at most the number of cores. The last digits of sums depend on it;
        with a fixed number, the same seed gives the same weights for every ``n_jobs``.
    warm_start : bool, default=False
        Whether ``fit`` continues from the weights of the previous ``fit``, with a new optimizer and
        a new history.
    random_state : int, RandomState or None, default=None
        Seed of weights, order of trials, dropout, augmentation and validation split; None for a
        different seed in each fit. Global random generators are not changed.
    verbose : int, default=0
        0 for no output, 1 for a progress bar, 2 for a line for each epoch.
    net_params : dict or None, default=None
        Further parameters of the skorch net, e.g. ``{"optimizer__momentum": 0.9}``.

    Attributes
    ----------
    signal_ : Signal
        Number of channels and samples, sampling rate and channel names of the training trials.
    n_features_in_ : int
        Number of channels; if ``fit`` received two-dimensional trials, number of samples.
    net_ : skorch.NeuralNet
        The trained skorch net.
    module_ : torch.nn.Module
        The trained module: standardisation, then the network.
    history_ : skorch.history.History
        Losses and scores of each epoch, e.g. ``history_[:, "train_loss"]``.
    n_iter_ : int
        Number of complete epochs.
    """

    lr: Positive = 3e-3
    max_epochs: Count = 100
    batch_size: Count = 64
    optimizer: OptimizerFactory = "adamw"
    weight_decay: NonNegative = 0.01
    standardize: Literal["channel", "global", "spectrum"] | None = "channel"
    norm_eps: Positive | None = None
    norm_momentum: Fraction | None = None
    valid_split: Fraction | Splitter | None = None
    callbacks: list[Any] | tuple[Any, ...] | None = None
    augmentation: list[Any] | tuple[Any, ...] | None = None
    device: str | torch.device = "auto"
    pretrained: Any = None
    pretrained_channels: Literal["same", "match"] = "same"
    freeze: str | list[str] | tuple[str, ...] | None = None
    n_threads: ThreadCount = 1
    warm_start: bool = False
    random_state: Seed | np.random.RandomState | None = None
    verbose: Annotated[int, Range(0)] | bool = 0
    net_params: dict[str, Any] | None = None

    if TYPE_CHECKING:  # a field that Classifier and Regressor declare
        criterion: CriterionFactory = ""

    _net_class: ClassVar[type[TrialNet]]
    _stratify: ClassVar[bool]

    # scikit-learn shows docstrings of parameters in notebooks only if there is a link to a page.
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
        """Losses and scores of each epoch."""
        return self.net_.history

    @property
    def n_iter_(self) -> int:
        """Number of complete epochs."""
        return len(self.net_.history)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    @abstractmethod
    def _read_target(self, X: Any, y: Any) -> np.ndarray:
        """Validate the target, or read it from Epochs if ``y`` is None."""

    @abstractmethod
    def _learn_target(self, y: np.ndarray, weight: np.ndarray, train: np.ndarray) -> Any:
        """Return the encoder of the target; ``train`` are the indices of the training trials."""

    def _weigh(self, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Return the weights of the trials; a classifier multiplies them by the class weights."""
        return weight

    @names_errors
    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        groups: Any = None,
        *,
        partial: bool = False,
        **target_params: Any,
    ) -> Self:
        """Validate the input, encode the target and train; with ``partial``, for one epoch."""
        check_fields(self)
        is_continued = hasattr(self, "net_") and (partial or self.warm_start)
        if is_continued:
            self._check_unchanged()
        seed = self._choose_seed(is_continued and partial)
        device = find_device(self.device)
        with reproducible(seed, self.n_threads, device), restored_on_error(self, is_continued):
            original, (X, y) = X, self._read(X, y, reset=not is_continued)
            weight = self._weigh(y, check_weight(sample_weight, len(X)))
            groups = check_groups(groups, len(X))
            train, valid = split_weighted(
                self.valid_split, y, weight, groups, stratify=self._stratify, random_state=seed
            )
            if groups is None and len(valid):
                warn_about_groups(type(self).__name__, original, train, valid)
            if not is_continued:
                self._target = self._learn_target(y, weight, train, **target_params)
            trials = split_trials(X, self._target.encode(y), weight, groups, train, valid, device)
            if is_continued and partial:
                self.net_.set_params(lr=self.lr, batch_size=int(self.batch_size))
            else:
                module = self.module_ if is_continued else self._make_module(trials.train)
                self._make_net(module, device)
            info = FitInfo(type(self).__name__, self.get_params, seed, partial)
            self.net_.partial_fit(trials, epochs=1 if partial else self.max_epochs, fit_info=info)
        self.module_.eval()
        return self

    def _network_fields(self) -> dict[str, Any]:
        """Return the parameters on which the module depends."""
        bases = [base for base in type(self).__mro__ if is_dataclass(base)]
        networks = [base for base in bases if not issubclass(base, BaseEstimator)]
        names = {field.name for network in networks for field in fields(network)}
        names |= {"standardize", "norm_eps", "norm_momentum"}
        return {name: getattr(self, name) for name in sorted(names)}

    def _check_unchanged(self) -> None:
        """Raise an error if a parameter of the module has changed since it was built."""
        for name, value in self._network_fields().items():
            if value != self._built_from[name]:
                raise ValueError(
                    f"{type(self).__name__}: the network was built with "
                    f"{name}={self._built_from[name]!r}, but {name} is now {value!r}; restore the "
                    "value, or set warm_start=False and fit again."
                )

    def _required(self, y: Any) -> Any:
        """Return ``y``; raise an error if it is None."""
        if y is None:
            name = type(self).__name__
            raise ValueError(f"{name} requires y to be passed, but the target y is None.")
        return y

    @property
    def _source(self) -> Any:
        """The pretrained estimator, None if there is none."""
        return find_pretrained(type(self).__name__, self.pretrained)

    def _choose_seed(self, is_continued: bool) -> int:
        """Return the seed of a fit; without ``random_state``, that of a fit to resume, if any."""
        seed = self._draw_seed(is_continued)
        if self.random_state is not None:
            return seed
        callbacks = [item for _, item in named_items(self.callbacks)]
        seeds = [item.seed_to_resume() for item in callbacks if isinstance(item, TrainingCallback)]
        return next((stored for stored in seeds if stored is not None), seed)

    def _draw_seed(self, is_continued: bool) -> int:
        """Draw the seed of a fit; if ``random_state`` is None, from the operating system."""
        if not is_continued:
            fresh = np.random.SeedSequence().generate_state(1)[0]
            seed = fresh if self.random_state is None else self.random_state
            self._random_state = check_random_state(seed)
        return self._random_state.randint(np.iinfo(np.int32).max)

    def _read(self, X: Any, y: Any, reset: bool) -> tuple[Any, np.ndarray]:
        """Validate trials and target, and set ``signal_``."""
        y, has_epochs = self._read_target(X, y), is_epochs(X)
        X, signal = read_trials(X, None if reset else self.signal_)
        if reset:
            X, signal = in_pretrained_order(X, signal, self._source)
        X = check_input(self, X, reset)
        check_lengths(X, y, is_epochs=has_epochs, reset=reset)
        if reset:
            check_content(type(self).__name__, X, has_names=bool(signal and signal.ch_names))
            self.signal_ = signal or Signal(n_chans=X.shape[1], n_times=X.shape[2])
        return X, y

    def _make_net(self, module: nn.Module, device: torch.device) -> None:
        """Set ``net_``, with a new optimizer and copies of the callbacks and transforms."""
        name, classes = type(self).__name__, getattr(self, "classes_", None)
        transforms = clone_transforms(self.augmentation, name, self.signal_.ch_names, classes)
        self.net_ = make_net(
            self._net_class,
            module,
            self.criterion,
            self.optimizer,
            self.weight_decay,
            check_net_params(self),
            lr=self.lr,
            max_epochs=int(self.max_epochs),
            batch_size=int(self.batch_size),
            device=str(device),
            verbose=int(self.verbose),
            callbacks=clone_callbacks(self.callbacks, name),
            **self._task_params(),
        )
        self.net_.augmentation_ = transforms
        self.net_.frozen_ = find_blocks(name, module.get_submodule("network"), self.freeze)

    def _make_module(self, trials: Trials) -> nn.Module:
        """Build the module: standardisation, then the network."""
        network = self._make_network()
        self._spread = spread(trials.X)
        layers = OrderedDict(standardize=standardizer(trials, self.standardize), network=network)
        return nn.Sequential(layers)

    def _make_network(self) -> nn.Module:
        """Build the network without the standardisation."""
        name, n_outputs = type(self).__name__, self._target.n_outputs
        network = build_network(self.build, self.signal_, n_outputs, name)
        if (source := self._source) is not None:
            load_pretrained(self, network, source)
        self._built_from = self._network_fields()
        return set_batch_norm(network, self.norm_eps, self.norm_momentum)

    def _task_params(self) -> dict[str, Any]:
        """Return parameters of the net that depend on the task."""
        return {}

    @names_errors
    def _output(self, X: Any) -> np.ndarray:
        """Return the outputs of the module, of shape (n_trials, n_outputs)."""
        check_is_fitted(self)
        X, _ = read_trials(X, self.signal_)
        X = check_input(self, X, reset=False)
        check_unit(type(self).__name__, X, self._spread)
        with torch_threads(min(self.n_threads, len(X))):
            dtype = finest_dtype(self.module_, X[:2])
            return apply_network(self.module_, X, dtype, self.batch_size).numpy()
