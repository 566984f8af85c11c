"""``save`` of the estimators, and ``load``."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from torch import nn

from ..alignment import AlignedEstimator, AlignedVotingClassifier
from ..training import atomic_file
from ._aligned import describe_aligned, rebuild_aligned
from ._aligned_voting import describe_aligned_voting, rebuild_aligned_voting
from ._container import pack, read_bytes, unpack
from ._model import describe, rebuild
from ._values import Encoder

PathLike = str | os.PathLike[str]
Network = Callable[..., nn.Module]

# Functions for classes that contain networks; other estimators are networks themselves.
_DESCRIBE: dict[str, Callable[..., dict[str, Any]]] = {
    AlignedEstimator.__name__: describe_aligned,
    AlignedVotingClassifier.__name__: describe_aligned_voting,
}
_REBUILD: dict[Any, Callable[..., Any]] = {
    AlignedEstimator.__name__: rebuild_aligned,
    AlignedVotingClassifier.__name__: rebuild_aligned_voting,
}

# Whether pickle, and not skops, asks an estimator for its state. skops calls __getstate__ itself,
# and stores the state without running code only if it consists of plain data.
_is_pickling: ContextVar[bool] = ContextVar("_is_pickling", default=False)


def load(path: PathLike, *, network: Network | None = None) -> Any:
    """Load a fitted estimator from a file that its method ``save`` wrote.

    No code in the file is run. The file contains names of classes, e.g.
    ``"eegsk.callbacks.EarlyStopping"``, and only classes of eegsk and selected classes of torch,
    skorch and scikit-learn are accepted. A damaged file raises an error.

    Parameters
    ----------
    path : str or path-like
        The file.
    network : callable or None, default=None
        Network of an ``EEGClassifier`` or ``EEGRegressor``, whose code is not in the file. Its
        weights must have the names and shapes of those in the file.

    Returns
    -------
    estimator : EEGEstimator, AlignedEstimator or AlignedVotingClassifier
        The fitted estimator. It is on the device of its parameter ``device``, or on the CPU if this
        machine does not have that device. ``n_threads`` is at most the number of cores.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, of another kind, or of a later version of eegsk; or if ``network``
        is missing or does not fit.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import eegsk
    >>> from eegsk.datasets import make_motor_imagery
    >>> X, y, _ = make_motor_imagery(n_subjects=1, n_trials=20, random_state=0)
    >>> classifier = eegsk.EEGNetClassifier(max_epochs=2, random_state=0).fit(X, y)
    >>> with TemporaryDirectory() as folder:
    ...     classifier.save(f"{folder}/model.eegsk")
    ...     loaded = eegsk.load(f"{folder}/model.eegsk")
    >>> bool((loaded.predict_proba(X) == classifier.predict_proba(X)).all())
    True
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise FileNotFoundError(f"eegsk.load: there is no file {str(path)!r}.")
    try:
        data = read_bytes(file)
    except ValueError as error:
        raise ValueError(f"eegsk.load: {str(path)!r} cannot be read: {_reason(error)}.") from error
    return _load_bytes(data, repr(str(path)), network)


def _load_bytes(data: bytes, name: str, network: Network | None) -> Any:
    """Return the estimator in the content of a file; the name of the file is for error messages."""
    try:
        description, tensors = unpack(data)
    except ValueError as error:
        raise ValueError(f"eegsk.load: {name} cannot be read: {_reason(error)}.") from error
    if network is not None and description.get("network") is None:
        raise ValueError(
            f"eegsk.load: {name} contains a {description.get('estimator')}, which has its "
            "own network; do not pass network."
        )
    try:
        function = _REBUILD.get(description.get("estimator"), rebuild)
        return function(description, tensors, network)
    except Exception as error:  # invalid descriptions raise errors of many classes
        version = description.get("versions", {}).get("eegsk", "unknown")
        raise ValueError(
            f"eegsk.load: {name}, saved with eegsk {version}, cannot be loaded: {_reason(error)}."
        ) from error


def _reason(error: Exception) -> str:
    """Return the first line of an error without its full stop."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _path_to_network(source: Any) -> str:
    """Return the attribute that contains the first network of an aligned estimator or ensemble."""
    if isinstance(source, AlignedVotingClassifier):
        return f"estimators_[0].{_path_to_network(source.estimators_[0])}"
    return "estimator_" + (".estimators_[0]" if hasattr(source.estimator_, "estimators_") else "")


class SavingMixin:
    """Mixin class of estimators that can be saved, and fine-tuned from a file."""

    pretrained: Any

    def save(self, path: PathLike) -> None:
        """Save the fitted estimator to a file, which :func:`eegsk.load` reads without running code.

        The file contains the parameters, the weights, the signal, the labels, the history, and the
        states of optimizer and callbacks, so that ``partial_fit`` continues as if the estimator had
        not been saved. It contains no trials. An existing file is replaced as a whole.

        Parameters
        ----------
        path : str or path-like
            The file, e.g. ``"model.eegsk"``, in an existing folder.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If a parameter cannot be stored without code, e.g. a lambda.
        ValueError
            If a parameter of the network was changed after ``fit``.
        OSError
            If the file cannot be written, e.g. because there is no such folder.
        """
        self._save_as(path, self)

    def _save_as(self, path: PathLike, saved: Any) -> None:
        """Save an estimator: this one, or the aligned estimator or ensemble that contains it."""
        owner, file = f"{type(saved).__name__}.save", Path(path).expanduser()
        if not file.parent.is_dir():
            raise FileNotFoundError(f"{owner}: there is no folder {str(file.parent)!r}; create it.")
        if file.is_dir():
            raise IsADirectoryError(f"{owner}: {str(path)!r} is a folder; pass the path of a file.")
        data = self._to_bytes(owner, saved)
        with atomic_file(file) as stream:
            stream.write(data)

    def _to_bytes(self, owner: str, saved: Any) -> bytes:
        """Return the content of a file."""
        encoder = Encoder(lambda item, where: describe(item, encoder, where))
        function = _DESCRIBE.get(type(saved).__name__, describe)
        try:
            return pack(function(saved, encoder), encoder.tensors)
        except TypeError as error:
            raise TypeError(f"{owner}: {_reason(error)}.") from error

    def __reduce_ex__(self, protocol: Any) -> Any:
        token = _is_pickling.set(True)
        try:
            return super().__reduce_ex__(protocol)
        finally:
            _is_pickling.reset(token)

    def __getstate__(self) -> Any:
        """Return the state for pickle or, if skops calls this method, the content of a file."""
        if _is_pickling.get() or not hasattr(self, "net_"):
            return super().__getstate__()
        state = {"eegsk": self._to_bytes(f"{type(self).__name__} in skops", self)}
        return state | {name: getattr(self, name) for name in ("network",) if hasattr(self, name)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "eegsk" in state:
            loaded = _load_bytes(state["eegsk"], "the file of skops", state.get("network"))
            state = dict(vars(loaded))
        super().__setstate__(state)  # type: ignore[misc]

    @property
    def _source(self) -> Any:
        """The pretrained estimator; that in a file if ``pretrained`` is a path."""
        if isinstance(self.pretrained, str | os.PathLike):
            source = load(self.pretrained, network=getattr(self, "network", None))
            if isinstance(source, AlignedEstimator | AlignedVotingClassifier):
                raise ValueError(
                    f"{type(self).__name__}: pretrained={str(self.pretrained)!r} contains an "
                    f"{type(source).__name__}; align the trials as its aligner_ does, and pass "
                    f"pretrained=eegsk.load(path).{_path_to_network(source)}, the network."
                )
            return source
        return super()._source  # type: ignore[misc]
