"""Description of a fitted `AlignedVotingClassifier`, and the ensemble rebuilt from it."""

from __future__ import annotations

from functools import partial
from typing import Any

from sklearn.utils.validation import check_is_fitted

from ..alignment import AlignedVotingClassifier
from ._aligned import describe_aligned, describe_aligned_params, new_aligned, rebuild_aligned
from ._ensemble import check_unchanged, only_network, set_members
from ._model import Network, Tensors, rebuild, versions
from ._values import Decoder, Encoder


def describe_aligned_voting(voting: AlignedVotingClassifier, encoder: Encoder) -> dict[str, Any]:
    """Describe a fitted ensemble of estimators of aligned trials.

    Parameters
    ----------
    voting : AlignedVotingClassifier
        The ensemble.
    encoder : Encoder
        Converter of values, which collects the tensors.

    Returns
    -------
    description : dict
        The description in types of JSON.

    Raises
    ------
    TypeError
        If a member is not of eegsk, the members have different networks of other packages, or
        something cannot be stored without code.
    ValueError
        If names, weights or a parameter of a network were changed after ``fit``.
    """
    check_is_fitted(voting)
    check_unchanged(voting)
    fitted = [describe_aligned(member, encoder) for member in voting.estimators_]
    params = voting.get_params(deep=False)
    members = params.pop("estimators")
    return {
        "estimator": type(voting).__name__,
        "network": only_network(fitted, type(voting).__name__),
        "members": [[name, describe_aligned_params(member, encoder)] for name, member in members],
        "params": {name: encoder.encode(value, name) for name, value in params.items()},
        "fitted": fitted,
        "classes": encoder.encode(voting.classes_, "classes_"),
        "versions": versions(),
    }


def rebuild_aligned_voting(description: Any, tensors: Tensors, network: Network | None) -> Any:
    """Rebuild an ensemble of estimators of aligned trials.

    Parameters
    ----------
    description : dict
        The return value of :func:`describe_aligned_voting`.
    tensors : dict of torch.Tensor
        The tensors that the encoder has collected.
    network : callable or None
        The network, if a member has an ``EEGClassifier``.

    Returns
    -------
    voting : AlignedVotingClassifier
        The fitted ensemble.

    Raises
    ------
    ValueError
        If the description is invalid, or does not fit to the tensors or to the network.
    """
    decode = Decoder(partial(rebuild, tensors=tensors, network=network), tensors).decode
    members = [
        (decode(name), new_aligned(params, decode, network))
        for name, params in description["members"]
    ]
    params = {name: decode(value) for name, value in description["params"].items()}
    voting = AlignedVotingClassifier(members, **params)
    fitted = [rebuild_aligned(member, tensors, network) for member in description["fitted"]]
    set_members(voting, fitted, decode(description["classes"]))
    return voting
