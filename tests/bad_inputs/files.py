"""Bad model files, and estimators that a file cannot contain."""

import numpy as np
from sklearn.pipeline import make_pipeline

import eegsk
from eegsk import EEGClassifier, EEGNeXClassifier
from eegsk.alignment import AlignedEstimator, EuclideanAlignment
from eegsk.callbacks import EpochMetric

from ..networks import linear, small

_REMEDY = (
    "use a name, or a class or function of eegsk, torch, skorch or scikit-learn; remove it with "
    "set_params; or save the estimator with joblib, whose files can contain code."
)


def saved(c, estimator=None):
    """Return the path of a valid file."""
    path = c.folder / "model.eegsk"
    (estimator or c.fitted).save(path)
    return path


def written(c, data):
    """Return the path of a file with some bytes."""
    path = c.folder / "model.eegsk"
    path.write_bytes(data)
    return path


def flipped(c):
    """Return the path of a file in which one bit of the last byte is changed."""
    data = saved(c).read_bytes()
    return written(c, data[:-1] + bytes([data[-1] ^ 1]))


def custom(c):
    """Return the path of a file with a network that is not of eegsk."""
    return saved(c, small(EEGClassifier).fit(c.X, c.y))


def wider(n_chans, n_times, n_outputs):
    """Return a network with other layers than ``linear``."""
    return linear(n_chans, n_times, n_outputs).append(linear(n_outputs, 1, n_outputs)[1])


# eegsk.load.
LOADED = {
    "a missing file": (
        lambda c: eegsk.load(c.folder / "missing.eegsk"),
        "eegsk.load: there is no file 'FOLDER/missing.eegsk'.",
    ),
    "a folder": (
        lambda c: eegsk.load(c.folder),
        "eegsk.load: there is no file 'FOLDER'.",
    ),
    "an empty file": (
        lambda c: eegsk.load(written(c, b"")),
        "eegsk.load: 'FOLDER/model.eegsk' cannot be read: it does not begin with the header of a "
        "model file.",
    ),
    "a text file": (
        lambda c: eegsk.load(written(c, b"weights of the network")),
        "eegsk.load: 'FOLDER/model.eegsk' cannot be read: it does not begin with the header of a "
        "model file.",
    ),
    "a pickle": (
        lambda c: eegsk.load(written(c, b"\x80\x04\x95" + bytes(100))),
        "eegsk.load: 'FOLDER/model.eegsk' cannot be read: it does not begin with the header of a "
        "model file.",
    ),
    "a file that was cut": (
        lambda c: eegsk.load(written(c, saved(c).read_bytes()[:-100])),
        "eegsk.load: 'FOLDER/model.eegsk' cannot be read: its checksum differs, so that the file "
        "is damaged or incomplete.",
    ),
    "a file with a changed bit": (
        lambda c: eegsk.load(flipped(c)),
        "eegsk.load: 'FOLDER/model.eegsk' cannot be read: its checksum differs, so that the file "
        "is damaged or incomplete.",
    ),
    "a file with one byte more": (
        lambda c: eegsk.load(written(c, saved(c).read_bytes() + b" ")),
        "eegsk.load: 'FOLDER/model.eegsk' cannot be read: its checksum differs, so that the file "
        "is damaged or incomplete.",
    ),
    "a network that is not passed": (
        lambda c: eegsk.load(custom(c)),
        "eegsk.load: 'FOLDER/model.eegsk', saved with eegsk VERSION, cannot be loaded: it contains "
        "a EEGClassifier with the network 'linear', but not the code of this network; pass its "
        "class or function, eegsk.load(path, network=...).",
    ),
    "a network with other layers": (
        lambda c: eegsk.load(custom(c), network=wider),
        "eegsk.load: 'FOLDER/model.eegsk', saved with eegsk VERSION, cannot be loaded: the network "
        "that was passed has the weights 'network.2.bias', but it has not.",
    ),
    "a network for an estimator that has its own": (
        lambda c: eegsk.load(saved(c), network=linear),
        "eegsk.load: 'FOLDER/model.eegsk' contains a EEGNetClassifier, which has its own network; "
        "do not pass network.",
    ),
}

# The method save.
SAVED = {
    "a missing folder": (
        lambda c: c.fitted.save(c.folder / "missing" / "model.eegsk"),
        "NAME.save: there is no folder 'FOLDER/missing'; create it.",
    ),
    "the path of a folder": (
        lambda c: c.fitted.save(c.folder),
        "NAME.save: 'FOLDER' is a folder; pass the path of a file.",
    ),
    "an estimator that is not fitted": (
        lambda c: c.make().save(c.folder / "model.eegsk"),
        "This NAME instance is not fitted yet. Call 'fit' with appropriate arguments before using "
        "this estimator.",
    ),
    "a function of a user": (
        lambda c: saved(
            c,
            c.make(activation=wider)
            .set_params(activation="elu")
            .fit(c.X, c.y)
            .set_params(callbacks=[EpochMetric(wider)]),
        ),
        "NAME.save: callbacks.0.metric=<function wider at 0x...> cannot be stored without code; "
        + _REMEDY,
    ),
    "a pipeline in AlignedEstimator": (
        lambda c: saved(
            c, AlignedEstimator(EuclideanAlignment(), make_pipeline(c.make())).fit(c.X, c.y)
        ),
        "AlignedEstimator.save: estimator=Pipeline is not an estimator of eegsk; save it "
        "with skops.io.dump, whose files contain no code either, or with joblib.",
    ),
}

# Files in the parameter pretrained; the error comes from fit.
PRETRAINED = {
    "a missing file": (
        lambda c: c.make(pretrained=c.folder / "missing.eegsk").fit(c.X, c.y),
        "eegsk.load: there is no file 'FOLDER/missing.eegsk'.",
    ),
    "a damaged file": (
        lambda c: c.make(pretrained=flipped(c)).fit(c.X, c.y),
        "NAME: eegsk.load: 'FOLDER/model.eegsk' cannot be read: its checksum differs, so that the "
        "file is damaged or incomplete.",
    ),
    "an alignment and a network": (
        lambda c: c.make(
            pretrained=saved(c, AlignedEstimator(EuclideanAlignment(), c.make()).fit(c.X, c.y))
        ).fit(c.X, c.y),
        "NAME: pretrained='FOLDER/model.eegsk' contains an AlignedEstimator; align the trials as "
        "its aligner_ does, and pass pretrained=eegsk.load(path).estimator_, the network.",
    ),
    "another network": (
        lambda c: c.make(pretrained=saved(c, small(EEGNeXClassifier).fit(c.X, c.y))).fit(c.X, c.y),
        "NAME: the pretrained network has other layers, e.g. only one of the networks has "
        "trunk.fourth.weight; use the estimator and the parameters of the pretrained one.",
    ),
    "another number of time points": (
        lambda c: c.make(pretrained=saved(c)).fit(np.tile(c.X, (1, 1, 2)), c.y),
        "NAME: head.weight of the network has shape (2, 96), but (2, 48) in the pretrained "
        "network, because the trials have 96 time points instead of 48; use the same.",
    ),
}
