"""Description of fitted voting ensembles of networks, and the ensembles rebuilt from it.

A voting ensemble is the estimator of an `AlignedEstimator`, e.g. in recipes with several seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import Bunch
from sklearn.utils.validation import check_is_fitted

from ._model import Network, Tensors, describe, describe_params, new_estimator, rebuild
from ._values import Decoder, Encoder, join

_ENSEMBLES = {cls.__name__: cls for cls in (VotingClassifier, VotingRegressor)}


def describe_networks(estimator: Any, encoder: Encoder, where: str) -> dict[str, Any]:
    """Describe a fitted network, or a fitted voting ensemble of networks.

    Parameters
    ----------
    estimator : EEGEstimator, VotingClassifier or VotingRegressor
        The estimator.
    encoder : Encoder
        Converter of values, which collects the tensors.
    where : str
        Name of the attribute that contains the estimator.

    Returns
    -------
    description : dict
        The description in types of JSON.

    Raises
    ------
    TypeError
        If a member is not of eegsk, or the members have different networks of other packages.
    """
    if not _is_ensemble(estimator):
        return describe(estimator, encoder, where)
    check_is_fitted(estimator)
    check_unchanged(estimator)
    description = describe_networks_params(estimator, encoder, where)
    names = [name for name, _ in estimator.estimators]
    fitted = [
        describe(member, encoder, join(where, name))
        for name, member in zip(names, estimator.estimators_, strict=True)
    ]
    classes = estimator.le_.classes_ if hasattr(estimator, "le_") else None
    return {
        **description,
        "network": only_network(fitted, where),
        "fitted": fitted,
        "classes": encoder.encode(classes, join(where, "classes_")),
    }


def check_unchanged(ensemble: Any) -> None:
    """Check that the members and weights of a fitted ensemble were not changed after ``fit``.

    Parameters
    ----------
    ensemble : VotingClassifier, VotingRegressor or AlignedVotingClassifier
        The fitted ensemble.

    Raises
    ------
    ValueError
        If they were changed, so that :func:`eegsk.load` could not read the file.
    """
    try:
        check_members(ensemble, ensemble.estimators_)
    except ValueError as error:
        raise ValueError(
            f"{type(ensemble).__name__}: estimators or weights were changed after fit; fit again "
            "before saving."
        ) from error


def only_network(fitted: list[dict[str, Any]], where: str) -> str | None:
    """Return the network of another package that members of an ensemble have, if any.

    Parameters
    ----------
    fitted : list of dict
        Descriptions of the fitted members.
    where : str
        Name of the attribute that contains the ensemble.

    Returns
    -------
    network : str or None
        Name of the network.

    Raises
    ------
    TypeError
        If there are several.
    """
    networks = sorted({member["network"] for member in fitted if member["network"] is not None})
    if len(networks) > 1:
        raise TypeError(
            f"{where} has the networks {networks[0]} and {networks[1]}, but eegsk.load takes one; "
            "save each member, or save this estimator with joblib, whose files can contain code"
        )
    return networks[0] if networks else None


def describe_networks_params(estimator: Any, encoder: Encoder, where: str) -> dict[str, Any]:
    """Describe the class and the parameters of a network or a voting ensemble, fitted or not.

    Parameters
    ----------
    estimator : EEGEstimator, VotingClassifier or VotingRegressor
        The estimator.
    encoder : Encoder
        Converter of values, which collects the tensors.
    where : str
        Name of the parameter that contains the estimator.

    Returns
    -------
    description : dict
        The description in types of JSON.
    """
    if not _is_ensemble(estimator):
        return describe_params(estimator, encoder, where)
    params = estimator.get_params(deep=False)
    members = params.pop("estimators")
    return {
        "estimator": type(estimator).__name__,
        "members": [
            [name, describe_params(member, encoder, join(where, name))] for name, member in members
        ],
        "params": {key: encoder.encode(value, join(where, key)) for key, value in params.items()},
    }


def rebuild_networks(description: Any, tensors: Tensors, network: Network | None) -> Any:
    """Rebuild a network or a voting ensemble of networks.

    Parameters
    ----------
    description : dict
        The return value of :func:`describe_networks`.
    tensors : dict of torch.Tensor
        The tensors that the encoder has collected.
    network : callable or None
        The network of ``EEGClassifier`` or ``EEGRegressor``.

    Returns
    -------
    estimator : EEGEstimator, VotingClassifier or VotingRegressor
        The fitted estimator.

    Raises
    ------
    ValueError
        If the description is invalid.
    """
    if description["estimator"] not in _ENSEMBLES:
        return rebuild(description, tensors, network)
    decode = Decoder(partial(rebuild, tensors=tensors, network=network), tensors).decode
    ensemble = new_networks(description, decode, network)
    members = [rebuild(member, tensors, network) for member in description["fitted"]]
    set_members(ensemble, members, decode(description["classes"]))
    return ensemble


def set_members(ensemble: Any, fitted: list[Any], classes: Any) -> None:
    """Set the attributes of a fitted ensemble.

    Parameters
    ----------
    ensemble : VotingClassifier, VotingRegressor or AlignedVotingClassifier
        The ensemble, which is changed in place.
    fitted : list of estimator
        The trained members.
    classes : array or None
        Labels of the classes; None for a regressor.

    Raises
    ------
    ValueError
        If parameters, names or the number of members are invalid.
    """
    check_members(ensemble, fitted)
    names = [name for name, _ in ensemble.estimators]
    ensemble.estimators_ = fitted
    ensemble.named_estimators_ = Bunch(**dict(zip(names, fitted, strict=True)))
    if isinstance(ensemble, VotingClassifier):
        ensemble.le_ = LabelEncoder()
        ensemble.le_.classes_ = ensemble.classes_ = classes


def new_networks(description: Any, decode: Callable[[Any], Any], network: Network | None) -> Any:
    """Create a network or a voting ensemble of networks that is not fitted.

    Parameters
    ----------
    description : dict
        The return value of :func:`describe_networks_params`.
    decode : callable
        Function that converts values.
    network : callable or None
        The network of ``EEGClassifier`` or ``EEGRegressor``.

    Returns
    -------
    estimator : EEGEstimator, VotingClassifier or VotingRegressor
        The estimator.

    Raises
    ------
    ValueError
        If the description is invalid.
    """
    if description["estimator"] not in _ENSEMBLES:
        return new_estimator(description, decode, network)
    members = [
        (decode(name), new_estimator(member, decode, network))
        for name, member in description["members"]
    ]
    params = {key: decode(value) for key, value in description["params"].items()}
    ensemble = _ENSEMBLES[description["estimator"]](members, **params)
    check_members(ensemble, members)
    return ensemble


def check_members(ensemble: Any, fitted: list[Any]) -> None:
    """Check parameters and names of an ensemble, and the number of its trained members.

    Parameters
    ----------
    ensemble : VotingClassifier, VotingRegressor or AlignedVotingClassifier
        The ensemble.
    fitted : list of estimator
        The trained members.

    Raises
    ------
    ValueError
        If they are invalid.
    """
    ensemble._validate_params()
    names = [name for name, _ in ensemble.estimators]
    if not names or len(set(names)) < len(names) or not all(isinstance(n, str) for n in names):
        raise ValueError(f"its ensemble has the invalid names {names}")
    if ensemble.weights is not None and len(ensemble.weights) != len(names):
        raise ValueError(
            f"its ensemble of {len(names)} networks has {len(ensemble.weights)} weights"
        )
    if len(fitted) != len(names):
        raise ValueError(f"its ensemble of {len(names)} networks has {len(fitted)} trained ones")


def _is_ensemble(estimator: Any) -> bool:
    return type(estimator) in _ENSEMBLES.values()
