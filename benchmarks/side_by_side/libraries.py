"""The same networks in two libraries, with the same training."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch

from eegsk import (
    ATCNetClassifier,
    DeepConvNetClassifier,
    EEGConformerClassifier,
    EEGNetClassifier,
    EEGNeXClassifier,
    EEGTCNetClassifier,
    ShallowConvNetClassifier,
    TCFormerClassifier,
)


class Training(NamedTuple):
    """Parameters of training.

    Parameters
    ----------
    epochs : int
        Number of epochs.
    batch_size : int
        Number of trials in a batch.
    threads : int
        Number of CPU threads.
    device : str
        Torch device.
    """

    epochs: int
    batch_size: int
    threads: int
    device: str


@dataclass(frozen=True)
class Network:
    """Network that both libraries provide.

    Parameters
    ----------
    name : str
        Name in tables.
    ours : type
        eegsk's classifier.
    theirs : str
        Name of the class in ``braindecode.models``.
    fields : dict
        Parameters of eegsk's classifier that differ from its defaults.
    their_fields : dict
        Parameters of braindecode's network, chosen so that both networks are the same.
    """

    name: str
    ours: type
    theirs: str
    fields: dict[str, Any] = field(default_factory=dict)
    their_fields: dict[str, Any] = field(default_factory=dict)


# By default, braindecode's EEGNet has dropout 0.25 and a max-norm for the spatial filters only.
EEGNET = Network(
    "EEGNet",
    EEGNetClassifier,
    "EEGNet",
    their_fields={"drop_prob": 0.5, "final_layer_with_constraint": True},
)
EEGNEX = Network("EEGNeX", EEGNeXClassifier, "EEGNeX")
DEEP4NET = Network(
    "Deep4Net form", DeepConvNetClassifier, "Deep4Net", fields={"kernel": 10, "pool": 3}
)
DEEP_CONV_NET = Network(
    "DeepConvNet",
    DeepConvNetClassifier,
    "Deep4Net",
    their_fields={
        "filter_time_length": 5,
        "filter_length_2": 5,
        "filter_length_3": 5,
        "filter_length_4": 5,
        "pool_time_length": 2,
        "pool_time_stride": 2,
    },
)
SHALLOW_CONV_NET = Network("ShallowConvNet", ShallowConvNetClassifier, "ShallowFBCSPNet")
# braindecode's EEGTCNet has one more activation, between temporal and spatial filters.
EEGTCNET = Network(
    "EEGTCNet",
    EEGTCNetClassifier,
    "EEGTCNet",
    their_fields={"drop_prob_eeg": 0.2, "drop_prob_tcn": 0.3},
)
ATCNET = Network("ATCNet", ATCNetClassifier, "ATCNet")
TCFORMER = Network("TCFormer", TCFormerClassifier, "TCFormer")
EEGCONFORMER = Network("EEGConformer", EEGConformerClassifier, "EEGConformer")

Maker = Callable[[Network, Training], Any]


def make_eegsk(network: Network, training: Training) -> Any:
    """Create eegsk's classifier; parameters that are not set here have their defaults."""
    return network.ours(
        **network.fields,
        lr=1e-3,
        max_epochs=training.epochs,
        batch_size=training.batch_size,
        n_threads=training.threads,
        device=training.device,
        random_state=0,
    )


def make_braindecode(network: Network, training: Training) -> Any:
    """Create braindecode's classifier, which is a skorch net.

    Its default would drop the last, incomplete batch of each epoch. eegsk uses every trial, so
    ``drop_last`` is False here.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from braindecode import EEGClassifier, models
    torch.manual_seed(0)
    return EEGClassifier(
        getattr(models, network.theirs),
        **{f"module__{name}": value for name, value in network.their_fields.items()},
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=0.01,
        lr=1e-3,
        max_epochs=training.epochs,
        batch_size=training.batch_size,
        iterator_train__drop_last=False,
        train_split=None,
        device=training.device,
        verbose=0,
    )


def find_libraries() -> dict[str, Maker]:
    """Return the installed libraries; print a message if braindecode is missing.

    Returns
    -------
    libraries : dict of str to callable
        Functions that create the classifier of each library.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import braindecode.models  # noqa: F401
    except (ImportError, OSError) as error:
        reason = str(error).partition("\n")[0]
        print(
            f"braindecode cannot be imported ({reason}), so only eegsk is measured; "
            'install braindecode with: pip install -e ".[bench]"'
        )
        return {"eegsk": make_eegsk}
    return {"eegsk": make_eegsk, "braindecode": make_braindecode}
