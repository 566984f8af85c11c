"""Export of fitted estimators to ONNX."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
import os
import warnings
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from ._fields import short_repr
from ._steps import is_aligner, is_voting, steps_of
from .base import EEGEstimator
from .blocks.deployment import DeployedClassifier, DeployedRegressor, SpatialFilters
from .signals import Signal
from .tasks import Classifier
from .training import atomic_file

_MIN_OPSET, _DEFAULT_OPSET = 17, 18
_OWN_DOMAIN = "eegsk"
# Largest difference between the ONNX model and the estimator: of probabilities, or of predictions,
# relative to the standard deviation of the target or, if larger, the distance from its mean.
_TOLERANCE = 1e-5
_PACKAGES = "onnx", "onnxruntime", "onnxscript"


def to_onnx(
    estimator: Any,
    path: str | os.PathLike[str],
    opset: int = _DEFAULT_OPSET,
    *,
    group: Any = None,
) -> None:
    """Write a fitted estimator to an ONNX file, which runs without eegsk and torch.

    The model includes the spatial filters of an aligner, standardisation, the folded network, and
    softmax or the unit of the targets. It is compared with the estimator before the file is
    written.

    Parameters
    ----------
    estimator : estimator
        Fitted classifier or regressor of eegsk, alone, in an ``AlignedEstimator``, or in a pipeline
        of one aligner and a network. Other steps of a pipeline are not exported.
    path : str or path-like
        File to write, e.g. ``"model.onnx"``. An existing file is replaced.
    opset : int, default=18
        Version of the ONNX operators, at least 17.
    group : label or None, default=None
        Domain of ``fit``, e.g. the session of the calibration, by whose mean covariance the model
        aligns trials; None if there is no aligner, or if it was fitted without groups. New domains
        are not aligned by their own trials.

    Raises
    ------
    ImportError
        If onnx, onnxruntime or onnxscript are not installed, see the extra ``onnx``.
    TypeError
        If the estimator is neither an estimator of eegsk nor one after an aligner.
    ValueError
        If ``opset`` is out of range, ``group`` is not a domain of ``fit``, or the aligner has a
        ``band``.
    RuntimeError
        If the network cannot be exported, or if the probabilities of the ONNX model differ from
        those of the estimator by more than 1e-5; no file is written then.

    Notes
    -----
    The model has one input, ``X``, of shape (n_trials, n_chans, n_times) in single precision, with
    the unit of the trials of ``fit`` (volts for Epochs). The number of trials is arbitrary. The
    output of a classifier, ``probabilities``, has shape (n_trials, n_classes). The output of a
    regressor, ``predictions``, has the shape that ``predict`` returns, in double precision.

    The metadata of the model are texts in JSON: ``estimator``, ``eegsk_version``, ``classes`` (of
    a classifier), ``n_chans``, ``n_times``, ``sfreq`` in Hz and ``ch_names``; the last two are
    ``null`` if the estimator was fitted to an array.

    Examples
    --------
    >>> import numpy as np
    >>> from eegsk import EEGNetClassifier, to_onnx
    >>> X, y = np.random.default_rng(0).standard_normal((20, 4, 128)), ["left", "right"] * 10
    >>> classifier = EEGNetClassifier(max_epochs=1).fit(X, y)
    >>> to_onnx(classifier, "model.onnx")  # doctest: +SKIP
    >>> import onnxruntime  # doctest: +SKIP
    >>> session = onnxruntime.InferenceSession("model.onnx")  # doctest: +SKIP
    >>> (proba,) = session.run(None, {"X": X.astype(np.float32)})  # doctest: +SKIP
    >>> proba.shape  # doctest: +SKIP
    (20, 2)
    """
    *aligners, network = _check_steps(estimator)
    filters = _spatial_filters(aligners, group)
    onnx, onnxruntime = _import_packages()
    newest = onnx.defs.onnx_opset_version()
    if isinstance(opset, bool) or not isinstance(opset, int | np.integer):
        raise TypeError(f"to_onnx: opset={opset!r} should be an integer.")
    if not _MIN_OPSET <= opset <= newest:
        raise ValueError(
            f"to_onnx: opset={opset} should be between {_MIN_OPSET} and {newest}, the newest "
            "version of the installed onnx."
        )
    model = _export(network, filters, int(opset))
    model.metadata_props.clear()
    signal = (aligners or [network])[0].signal_
    onnx.helper.set_model_props(model, _metadata(network, signal))
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    _compare(network, filters, session)
    with atomic_file(Path(path)) as file:
        file.write(content)


def _check_steps(estimator: Any) -> list[Any]:
    """Return the estimator of eegsk, after its aligner if there is one."""
    *transformers, network = steps = steps_of(estimator)
    is_aligned = len(transformers) == 1 and is_aligner(transformers[0])
    if not isinstance(network, EEGEstimator) or (transformers and not is_aligned):
        names = ", ".join(type(step).__name__ for step in steps)
        if is_voting(network):
            raise TypeError(
                f"to_onnx: estimator is {names}, an ensemble; export each of its networks, after "
                "the fitted aligner if there is one: make_pipeline(aligner, "
                "ensemble.estimators_[0])."
            )
        raise TypeError(
            f"to_onnx: estimator is {names}; it should be a fitted classifier or regressor of "
            "eegsk, alone or after an aligner, e.g. the last step of a pipeline, pipeline[-1]."
        )
    check_is_fitted(network)
    return steps


def _spatial_filters(aligners: list[Any], group: Any) -> np.ndarray | None:
    """Return the spatial filters by which an aligner aligns the trials of a domain."""
    if not aligners:
        if group is not None:
            raise ValueError(f"to_onnx: group={group!r} is a domain, but there is no aligner.")
        return None
    (aligner,) = aligners
    check_is_fitted(aligner, "reference_")
    name = type(aligner).__name__
    if aligner.band is not None:
        raise ValueError(
            f"to_onnx: the filter of {name}(band={aligner.band}) cannot be exported; filter the "
            "trials before the estimator instead."
        )
    domains = list(aligner.references_)
    if not isinstance(group, Hashable) or group not in domains:
        raise ValueError(
            f"to_onnx: group={short_repr(group)} should be one domain of the fit of {name}: "
            f"{', '.join(map(repr, domains))}."
        )
    return aligner._whitening(aligner.references_[group], aligner.n_trials_[group])


def _import_packages() -> tuple[Any, Any]:
    """Import the packages of the extra, and return onnx and onnxruntime."""
    try:
        onnx, onnxruntime, _ = map(importlib.import_module, _PACKAGES)
        importlib.import_module("onnx.version_converter")
    except ImportError as error:
        raise ImportError(
            f"to_onnx needs {error.name}; install the extra, pip install 'eegsk[onnx]'."
        ) from error
    return onnx, onnxruntime


def _deployed(estimator: Any, filters: np.ndarray | None) -> nn.Module:
    """Return the module to export, on the CPU."""
    if isinstance(estimator, Classifier):
        module: nn.Module = DeployedClassifier(estimator.module_)
    else:
        target = estimator._target
        mean, scale = (torch.from_numpy(np.float64(value)) for value in (target.mean, target.scale))
        module = DeployedRegressor(estimator.module_, mean, scale, target.n_dims == 1)
    if filters is not None:
        module = nn.Sequential(SpatialFilters(torch.from_numpy(filters)), module)
    return module.eval()


@torch.no_grad()
def _export(estimator: Any, filters: np.ndarray | None, opset: int) -> Any:
    """Return the ONNX model."""
    module, X = _deployed(estimator, filters), torch.from_numpy(_example_trials(estimator, filters))
    module(X)  # computes cached weights before their computation is recorded
    output = "probabilities" if isinstance(estimator, Classifier) else "predictions"
    try:
        with _silent():
            program: Any = torch.onnx.export(
                module,
                (X,),
                dynamo=True,
                input_names=["X"],
                output_names=[output],
                dynamic_shapes=({0: torch.export.Dim("n_trials")},),
                opset_version=max(opset, _DEFAULT_OPSET),
                verbose=False,
            )
            model = program.model_proto
            if opset < _DEFAULT_OPSET:
                model = _converted(model, opset)
    except Exception as error:  # exporters raise errors of many classes
        reason = str(error).strip().partition("\n")[0]
        raise RuntimeError(
            f"to_onnx: the network of {type(estimator).__name__} cannot be exported with "
            f"opset={opset}: {type(error).__name__}: {reason}; use another opset, or a network "
            "without operations that depend on the values or the number of the trials."
        ) from error
    return model


def _converted(model: Any, opset: int) -> Any:
    """Return the model with the operators of version 17.

    The converter of onnx does not convert ``Pad``, although only its optional input ``axes`` is
    new in version 18. Nodes without this input are moved to a domain of their own meanwhile, which
    the converter leaves as it is.
    """
    onnx: Any = importlib.import_module("onnx")
    for node in model.graph.node:
        if node.op_type == "Pad" and len(node.input) < 4:
            node.domain = _OWN_DOMAIN
    model.opset_import.append(onnx.helper.make_opsetid(_OWN_DOMAIN, 1))
    model = onnx.version_converter.convert_version(model, opset)
    versions = [item for item in model.opset_import if item.domain != _OWN_DOMAIN]
    del model.opset_import[:]
    model.opset_import.extend(versions)
    for node in model.graph.node:
        if node.domain == _OWN_DOMAIN:
            node.domain = ""
        if node.op_type.startswith("Reduce") and len(node.input) == 1:
            # Version 17 does not have this attribute, and the converter leaves it.
            kept = [item for item in node.attribute if item.name != "noop_with_empty_axes"]
            del node.attribute[:]
            node.attribute.extend(kept)
    return model


@contextlib.contextmanager
def _silent() -> Any:
    """Suppress the messages and warnings of the exporter."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _example_trials(estimator: Any, filters: np.ndarray | None) -> np.ndarray:
    """Return trials of noise, of the amplitude of the trials of ``fit``, before the alignment."""
    signal, rng = estimator.signal_, np.random.default_rng(0)
    X = rng.standard_normal((3, signal.n_chans, signal.n_times))
    first = estimator.module_[0]
    scale = getattr(first, "scale", torch.tensor(estimator._spread or 1.0))
    mean = getattr(first, "mean", torch.tensor(0.0))
    X = X * scale.cpu().numpy() + mean.cpu().numpy()
    return (X if filters is None else np.linalg.pinv(filters) @ X).astype(np.float32)


def _metadata(estimator: Any, signal: Signal) -> dict[str, str]:
    values: dict[str, Any] = {
        "estimator": type(estimator).__name__,
        "eegsk_version": importlib.import_module("eegsk").__version__,
        "n_chans": signal.n_chans,
        "n_times": signal.n_times,
        "sfreq": signal.sfreq,
        "ch_names": signal.ch_names,
    }
    if isinstance(estimator, Classifier):
        values["classes"] = estimator.classes_.tolist()
    return {name: json.dumps(value, default=str) for name, value in values.items()}


def _compare(estimator: Any, filters: np.ndarray | None, session: Any) -> None:
    """Check that the model returns the predictions of the estimator, for one and three trials."""
    X, name = _example_trials(estimator, filters), type(estimator).__name__
    aligned = X if filters is None else filters @ X
    is_classifier = isinstance(estimator, Classifier)
    expected = estimator.predict_proba(aligned) if is_classifier else estimator.predict(aligned)
    scale = np.ones_like(expected)
    if not is_classifier:  # predictions far from the mean have a relative rounding error
        target = estimator._target
        distances = np.abs(expected.reshape(len(X), -1) - target.mean)
        scale = np.maximum(target.scale, distances).reshape(expected.shape)
    for n_trials in (1, len(X)):
        (output,) = session.run(None, {"X": X[:n_trials]})
        difference = float(np.max(np.abs(output - expected[:n_trials]) / scale[:n_trials]))
        if not difference <= _TOLERANCE:
            raise RuntimeError(
                f"to_onnx: the outputs of the ONNX model differ from those of {name} by "
                f"{difference:.1g}, more than {_TOLERANCE:g}; the network cannot be exported, and "
                "no file was written."
            )
