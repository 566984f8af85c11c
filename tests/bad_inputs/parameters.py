"""Bad parameters, callbacks, transforms and files of EEGNetClassifier."""

import numpy as np
import torch
from sklearn.frozen import FrozenEstimator
from torch import nn

from eegsk import EEGNeXClassifier, Signal
from eegsk.augmentation import Mixup, TimeShift
from eegsk.callbacks import (
    EMA,
    SAM,
    SWA,
    Checkpoint,
    CosineWarmup,
    EarlyStopping,
    EpochMetric,
    FocalBalance,
    GradientClipping,
    OneCycle,
)

from ..networks import small
from .case import save_state


def save_text(c):
    """Return the path of a text file."""
    path = c.folder / "text.pt"
    path.write_text("no weights")
    return path


# Fields of the constructor; the error comes from fit.
PARAMETERS = {
    "learning rate of zero": (
        lambda c: {"lr": 0},
        "NAME: lr=0 should be a number above 0.",
    ),
    "negative learning rate": (
        lambda c: {"lr": -1e-3},
        "NAME: lr=-0.001 should be a number above 0.",
    ),
    "learning rate as a string": (
        lambda c: {"lr": "1e-3"},
        "NAME: lr='1e-3' should be a number above 0.",
    ),
    "learning rate that is NaN": (
        lambda c: {"lr": np.nan},
        "NAME: lr=nan should be a number above 0.",
    ),
    "no epochs": (
        lambda c: {"max_epochs": 0},
        "NAME: max_epochs=0 should be an integer of at least 1.",
    ),
    "half an epoch": (
        lambda c: {"max_epochs": 0.5},
        "NAME: max_epochs=0.5 should be an integer of at least 1.",
    ),
    "batch size of zero": (
        lambda c: {"batch_size": 0},
        "NAME: batch_size=0 should be an integer of at least 1.",
    ),
    "negative weight decay": (
        lambda c: {"weight_decay": -0.1},
        "NAME: weight_decay=-0.1 should be a number of at least 0.",
    ),
    "unknown standardisation": (
        lambda c: {"standardize": "electrode"},
        "NAME: standardize='electrode' should be 'channel', 'global', 'spectrum' or None.",
    ),
    "negative constant of batch normalisation": (
        lambda c: {"norm_eps": -1.0},
        "NAME: norm_eps=-1.0 should be a number above 0 or None.",
    ),
    "momentum above one": (
        lambda c: {"norm_momentum": 1.5},
        "NAME: norm_momentum=1.5 should be a number strictly between 0 and 1 or None.",
    ),
    "a callback without its list": (
        lambda c: {"callbacks": EarlyStopping()},
        "NAME: callbacks=EarlyStopping(monitor='valid_loss', patience=20, threshold=0.0001, "
        "threshold_mod... should be a list, a tuple or None.",
    ),
    "a transform without its list": (
        lambda c: {"augmentation": TimeShift()},
        "NAME: augmentation=TimeShift() should be a list, a tuple or None.",
    ),
    "unknown device": (
        lambda c: {"device": "gpu"},
        "NAME: device='gpu' is not a torch device; use 'auto', 'cpu' or 'cuda'.",
    ),
    "an index as device": (
        lambda c: {"device": 0},
        "NAME: device=0 should be a name or a device.",
    ),
    "many threads": (
        lambda c: {"n_threads": 1_000_000},
        "NAME: n_threads=1000000 should be an integer between 1 and CORES, the number of cores "
        "of this machine.",
    ),
    "no threads": (
        lambda c: {"n_threads": 0},
        "NAME: n_threads=0 should be an integer between 1 and CORES, the number of cores of "
        "this machine.",
    ),
    "negative seed": (
        lambda c: {"random_state": -1},
        "NAME: random_state=-1 should be an integer between 0 and 4294967295, a RandomState or "
        "None.",
    ),
    "warm start as a number": (
        lambda c: {"warm_start": 1},
        "NAME: warm_start=1 should be a bool.",
    ),
    "negative verbosity": (
        lambda c: {"verbose": -1},
        "NAME: verbose=-1 should be an integer of at least 0 or a bool.",
    ),
    "no filters": (
        lambda c: {"n_filters": 0},
        "NAME: n_filters=0 should be an integer of at least 1.",
    ),
    "a filter of half a sample": (
        lambda c: {"kernel": 0.5},
        "NAME: kernel=0.5 should be an integer of at least 1.",
    ),
    "dropout above one": (
        lambda c: {"dropout": 1.5},
        "NAME: dropout=1.5 should be a number between 0 and 1.",
    ),
    "misspelt activation": (
        lambda c: {"activation": "rleu"},
        "NAME: activation='rleu' is not known; did you mean ReLU?",
    ),
    "a number as activation": (
        lambda c: {"activation": 3},
        "NAME: activation=3 should be a name or a callable.",
    ),
    "misspelt optimizer": (
        lambda c: {"optimizer": "adamv"},
        "NAME: optimizer='adamv' is not known; did you mean Adam or RAdam or NAdam or AdamW?",
    ),
    "misspelt criterion": (
        lambda c: {"criterion": "smoth_l1"},
        "NAME: criterion='smoth_l1' is not known; did you mean SmoothL1Loss?",
    ),
    "optimizer without weight decay": (
        lambda c: {"optimizer": "lbfgs"},
        "NAME: optimizer=<class 'torch.optim.lbfgs.LBFGS'> has no weight decay; set "
        "weight_decay=0.",
    ),
    "a filter longer than the trials": (
        lambda c: {"kernel": 500, "padding": "same", "pool": 100},
        "NAME: trials of 48 time points are too short for this network, which needs at least "
        "200; use longer trials, or shorter filters and pools.",
    ),
    "net parameters in a list": (
        lambda c: {"net_params": [("verbose", 1)]},
        "NAME: net_params=[('verbose', 1)] should be a dict or None.",
    ),
    "misspelt prefix of a net parameter": (
        lambda c: {"net_params": {"optimizr__betas": (0.9, 0.99)}},
        "NAME: net_params contains 'optimizr__betas', which the net does not have; did you "
        "mean 'optimizer__betas'?",
    ),
    "misspelt parameter of the optimizer": (
        lambda c: {"net_params": {"optimizer__betass": (0.9, 0.99)}},
        "NAME: net_params contains 'optimizer__betass', but AdamW has no parameter 'betass'; "
        "did you mean 'betas'?",
    ),
    "misspelt parameter of the criterion": (
        lambda c: {"net_params": {"criterion__label_smoothin": 0.1}},
        "NAME: net_params contains 'criterion__label_smoothin', but CrossEntropyLoss has no "
        "parameter 'label_smoothin'; did you mean 'label_smoothing'?",
    ),
    "misspelt net parameter": (
        lambda c: {"net_params": {"iterator_trian": None}},
        "NAME: net_params contains 'iterator_trian', which the net does not have; did you mean "
        "'iterator_train'?",
    ),
    "unknown net parameter": (
        lambda c: {"net_params": {"zzz": 1}},
        "NAME: net_params contains 'zzz', which the net does not have; choose from "
        "callbacks__..., criterion__..., iterator_train__..., iterator_valid__..., "
        "optimizer__....",
    ),
    "a number as net parameter": (
        lambda c: {"net_params": {1: 1}},
        "NAME: net_params contains 1, which the net does not have; choose from callbacks__..., "
        "criterion__..., iterator_train__..., iterator_valid__..., optimizer__....",
    ),
    "a parameter of the estimator in net_params": (
        lambda c: {"net_params": {"lr": 0.1}},
        "NAME: net_params contains lr; set the parameter of the estimator instead.",
    ),
    "compilation": (
        lambda c: {"net_params": {"compile": True}},
        "NAME: net_params contains 'compile': torch would compile the network for each batch "
        "size, which takes longer than the training; remove it, and call "
        "torch.compile(estimator.module_) after fit if needed.",
    ),
    "validation split of skorch": (
        lambda c: {"net_params": {"train_split": 0.2}},
        "NAME: net_params contains 'train_split': it would have no effect; set valid_split "
        "instead.",
    ),
    "unknown block to freeze": (
        lambda c: {"freeze": "tail"},
        "NAME: freeze='tail' is not a block of the network; its blocks are 'trunk', 'front', "
        "'second', 'second_norm', 'head'.",
    ),
    "a number to freeze": (
        lambda c: {"freeze": 1},
        "NAME: freeze=1 should be a name, a list, a tuple or None.",
    ),
    "pretrained without FrozenEstimator": (
        lambda c: {"pretrained": c.fitted},
        "NAME: pretrained=NAME(kernel=5, max_epochs=2, n_filters=2, pool=2, random_state=0, "
        "se... should be a fitted estimator inside FrozenEstimator, the path of a file that save "
        "wrote, or None; use sklearn.frozen.FrozenEstimator(estimator), so that clone and "
        "cross-validation keep its weights.",
    ),
    "pretrained that is not fitted": (
        lambda c: {"pretrained": FrozenEstimator(c.make())},
        "NAME: the estimator in pretrained is not fitted; call its fit first.",
    ),
    "pretrained of another network": (
        lambda c: {"pretrained": FrozenEstimator(small(EEGNeXClassifier).fit(c.X, c.y))},
        "NAME: the pretrained network has other layers, e.g. only one of the networks has "
        "trunk.fourth.weight; use the estimator and the parameters of the pretrained one.",
    ),
    "pretrained of another size": (
        lambda c: {"pretrained": FrozenEstimator(c.make(n_filters=3).fit(c.X, c.y))},
        "NAME: trunk.front.temporal.weight of the network has shape (2, 1, 1, 5), but (3, 1, "
        "1, 5) in the pretrained network, because its parameters differ; use the same.",
    ),
    "pretrained on other channels": (
        lambda c: {"pretrained": FrozenEstimator(c.make().fit(c.X[:, :2], c.y))},
        "NAME: the trials have 3 channels, but those of the pretrained estimator had 2 "
        "channels; select the same channels, or use pretrained_channels='match' with Epochs.",
    ),
    "a number as pretrained": (
        lambda c: {"pretrained": 3},
        "NAME: pretrained=3 should be a fitted estimator inside FrozenEstimator, the path of a "
        "file that save wrote, or None; use sklearn.frozen.FrozenEstimator(estimator), so that "
        "clone and cross-validation keep its weights.",
    ),
    "channels to match without names": (
        lambda c: {"pretrained": FrozenEstimator(c.fitted), "pretrained_channels": "match"},
        "NAME: pretrained_channels='match' needs the names of channels; fit both this and the "
        "pretrained estimator with Epochs.",
    ),
    "a callback that is a number": (
        lambda c: {"callbacks": [3]},
        "NAME: callbacks contains 3, which should be an instance or a subclass of "
        "skorch.callbacks.Callback.",
    ),
    "a callback that is a name": (
        lambda c: {"callbacks": ["stop"]},
        "NAME: callbacks contains 'stop', which should be an instance or a subclass of "
        "skorch.callbacks.Callback.",
    ),
    "a transform among the callbacks": (
        lambda c: {"callbacks": [TimeShift()]},
        "NAME: callbacks contains TimeShift(), which should be an instance or a subclass of "
        "skorch.callbacks.Callback. Pass transforms as augmentation.",
    ),
    "a function that creates no callback": (
        lambda c: {"callbacks": [lambda: 3]},
        "NAME: callbacks contains 3, which should be an instance or a subclass of "
        "skorch.callbacks.Callback.",
    ),
    "callbacks of one name": (
        lambda c: {"callbacks": [("a", EarlyStopping()), ("a", SWA())]},
        "NAME: several callbacks have the name 'a'; use unique names.",
    ),
    "early stopping without validation": (
        lambda c: {"callbacks": [EarlyStopping()]},
        "NAME: EarlyStopping: there is no 'valid_loss' to monitor without validation; give the "
        "estimator a valid_split, e.g. valid_split=0.2.",
    ),
    "early stopping with a negative patience": (
        lambda c: {"callbacks": [EarlyStopping(monitor="train_loss", patience=-1)]},
        "NAME: EarlyStopping: patience=-1 should be an integer of at least 1 or None.",
    ),
    "early stopping on an unknown column": (
        lambda c: {"callbacks": [EarlyStopping(monitor="auc")]},
        "NAME: EarlyStopping: the history has no column 'auc' to monitor; check its name, or "
        "put the callback that records it earlier in the list. Columns: dur, epoch, "
        "train_batch_count, train_loss, train_loss_best, train_score.",
    ),
    "average with a wrong decay": (
        lambda c: {"callbacks": [EMA(decay=1.5)]},
        "NAME: EMA: decay=1.5 should be a number between 0 and 1.",
    ),
    "average that starts at epoch 0": (
        lambda c: {"callbacks": [SWA(start=-1)]},
        "NAME: SWA: start=-1 should be an integer of at least 1 or a number between 0 and 1.",
    ),
    "two averages": (
        lambda c: {"callbacks": [SWA(), EMA()]},
        "NAME: SWA and EMA both set the weights for prediction; use only one of them.",
    ),
    "two schedules": (
        lambda c: {"callbacks": [CosineWarmup(), OneCycle()]},
        "NAME: CosineWarmup and OneCycle both set the learning rate; use only one of them.",
    ),
    "negative radius": (
        lambda c: {"callbacks": [SAM(rho=-0.1)]},
        "NAME: SAM: rho=-0.1 should be a number of at least 0.",
    ),
    "gradient norm of zero": (
        lambda c: {"callbacks": [GradientClipping(max_norm=0)]},
        "NAME: GradientClipping: max_norm=0 should be a number above 0.",
    ),
    "unknown metric": (
        lambda c: {"callbacks": [EpochMetric("acuracy", on_train=True)]},
        "NAME: EpochMetric: metric='acuracy' should be one of balanced_accuracy, roc_auc for a "
        "classifier, or a function.",
    ),
    "focal loss with another criterion": (
        lambda c: {"callbacks": [FocalBalance()], "criterion": "multi_margin"},
        "NAME: FocalBalance replaces cross-entropy, but the criterion is MultiMarginLoss(); "
        "set criterion='cross_entropy', or remove FocalBalance.",
    ),
    "a transform that is a number": (
        lambda c: {"augmentation": [3]},
        "NAME: augmentation 'int' is 3; it should be an instance of a transform, or a function "
        "that takes and returns (X, y).",
    ),
    "a callback among the transforms": (
        lambda c: {"augmentation": [EarlyStopping()]},
        "NAME: augmentation 'earlystopping' is EarlyStopping(monitor='valid_loss', "
        "patience=20, threshold=0.0001, threshold_mod...; it should be an instance of a "
        "transform, or a function that takes and returns (X, y).",
    ),
    "a shift that is too large": (
        lambda c: {"augmentation": [TimeShift(max_shift=-1)]},
        "NAME: TimeShift: max_shift=-1 should be a number between 0 and 1.",
    ),
    "mixing with a negative parameter": (
        lambda c: {"augmentation": [Mixup(alpha=-1.0)]},
        "NAME: Mixup: alpha=-1.0 should be a number above 0.",
    ),
    "checkpoint that is a folder": (
        lambda c: {"callbacks": [Checkpoint(c.folder)]},
        "Checkpoint: 'FOLDER' is a folder; give the path of a file, e.g. 'FOLDER/best'.",
    ),
    "checkpoint to resume that is another file": (
        lambda c: {"callbacks": [Checkpoint(save_text(c), resume=True)]},
        "NAME: Checkpoint: 'FOLDER/text.pt' is damaged, or not a checkpoint of this version of "
        "eegsk. The file was not changed. Move it away, or use another path.",
    ),
}


def state(c):
    """Return the state dict of the fitted module."""
    return c.fitted.module_.state_dict()


def without(c, name):
    """Return the state dict without one tensor."""
    return {key: value for key, value in state(c).items() if key != name}


# Files of weights, and calls that fail for another reason.
CALLS = {
    "missing file": (
        lambda c: c.fitted.load_weights(c.folder / "missing.pt"),
        "load_weights: there is no file FOLDER/missing.pt.",
    ),
    "text file": (
        lambda c: c.fitted.load_weights(save_text(c)),
        "NAME: load_weights: FOLDER/text.pt cannot be read without running its code, or is no "
        "file of weights; expected a state dict, a .safetensors file, or a file that "
        "torch.save wrote of a state dict. Reason: Weights only load failed.",
    ),
    "a folder": (
        lambda c: c.fitted.load_weights(c.folder),
        "load_weights: there is no file FOLDER.",
    ),
    "a number": (
        lambda c: c.fitted.load_weights(3),
        "NAME: load_weights: weights, a int, does not contain a state dict, names with "
        "tensors; expected a state dict, a .safetensors file, or a file that torch.save wrote "
        "of a state dict.",
    ),
    "an empty state dict": (
        lambda c: c.fitted.load_weights({}),
        "NAME: load_weights: weights, a dict, does not contain a state dict, names with "
        "tensors; expected a state dict, a .safetensors file, or a file that torch.save wrote "
        "of a state dict.",
    ),
    "a state dict of other names": (
        lambda c: c.fitted.load_weights({"a.weight": torch.zeros(2), "b.weight": torch.ones(3)}),
        "NAME: load_weights: the weights do not match the network, and none was loaded: the "
        "network has 8 layers with weights (trunk.front.temporal, trunk.front.temporal_norm, "
        "trunk.front.spatial, trunk.front.spatial_norm, trunk.second.depthwise, "
        "trunk.second.pointwise, trunk.second_norm, head), but the weights have 2 (a, b); "
        "a.weight of shape (2,) does not fit trunk.front.temporal.weight of shape (2, 1, 1, "
        "5); b.weight of shape (3,) does not fit trunk.front.temporal_norm.weight of shape "
        "(2,); trunk.front.temporal_norm.bias has no counterpart in b; "
        "trunk.front.temporal_norm.running_mean has no counterpart in b; "
        "trunk.front.temporal_norm.running_var has no counterpart in b.",
    ),
    "a value that is no tensor": (
        lambda c: c.fitted.load_weights({"network.head.weight": 3}),
        "NAME: load_weights: weights, a dict, does not contain a state dict, names with "
        "tensors; expected a state dict, a .safetensors file, or a file that torch.save wrote "
        "of a state dict.",
    ),
    "a missing tensor": (
        lambda c: c.fitted.load_weights(without(c, "network.head.weight")),
        "NAME: load_weights: the weights do not match the network, and none was loaded: "
        "head.weight has no counterpart in head.",
    ),
    "a tensor of another shape": (
        lambda c: c.fitted.load_weights(state(c) | {"network.head.bias": torch.zeros(5)}),
        "NAME: load_weights: the weights do not match the network, and none was loaded: "
        "head.bias has shape (5,), not (2,).",
    ),
    "a tensor that is not finite": (
        lambda c: c.fitted.load_weights(
            state(c) | {"network.head.bias": torch.full((2,), torch.nan)}
        ),
        "NAME: load_weights: the weights do not match the network, and none was loaded: "
        "head.bias is not finite.",
    ),
    "a missing tensor in a file": (
        lambda c: c.fitted.load_weights(
            save_state(without(c, "network.head.weight"), c.folder / "w.pt")
        ),
        "NAME: load_weights: the weights do not match the network, and none was loaded: "
        "head.weight has no counterpart in head.",
    ),
    "a pickled module": (
        lambda c: c.fitted.load_weights(save_state(nn.Linear(2, 2), c.folder / "m.pt")),
        "NAME: load_weights: FOLDER/m.pt cannot be read without running its code, or is no "
        "file of weights; expected a state dict, a .safetensors file, or a file that "
        "torch.save wrote of a state dict. Reason: Weights only load failed.",
    ),
    "an unfitted estimator without signal": (
        lambda c: c.make().load_weights(state(c)),
        "NAME: load_weights: the estimator is not fitted; describe the trials and targets, "
        "e.g. signal=Signal(n_chans=2, n_times=750), classes=['left', 'right'].",
    ),
    "an unfitted estimator without classes": (
        lambda c: c.make().load_weights(state(c), signal=Signal(3, 48)),
        "NAME: load_weights: the estimator is not fitted; describe the trials and targets, "
        "e.g. signal=Signal(n_chans=2, n_times=750), classes=['left', 'right'].",
    ),
    "classes that are not sorted": (
        lambda c: c.make().load_weights(state(c), signal=Signal(3, 48), classes=[1, 0]),
        "NAME: load_weights: classes=[1, 0] should be different labels in sorted order, one "
        "for each output of the network.",
    ),
    "three classes for two outputs": (
        lambda c: c.make().load_weights(state(c), signal=Signal(3, 48), classes=[0, 1, 2]),
        "NAME: load_weights: the weights do not match the network, and none was loaded: "
        "head.weight has shape (2, 48), not (3, 48); head.bias has shape (2,), not (3,).",
    ),
    "another number of channels": (
        lambda c: c.make().load_weights(state(c), signal=Signal(4, 48), classes=[0, 1]),
        "NAME: load_weights: the weights contain the standardisation ['standardize.mean', "
        "'standardize.scale'], but standardize='channel' needs ['standardize.mean', "
        "'standardize.scale'] of other shapes.",
    ),
    "a signal of a fitted estimator": (
        lambda c: c.fitted.load_weights(state(c), signal=Signal(3, 48)),
        "NAME: load_weights: the estimator is fitted and keeps its signal; do not pass signal, "
        "or use a new estimator.",
    ),
    "classes of a fitted estimator": (
        lambda c: c.fitted.load_weights(state(c), classes=[0, 1]),
        "NAME: load_weights: the estimator is fitted and keeps its classes; do not pass "
        "classes, or use a new estimator.",
    ),
    "prediction before fit": (
        lambda c: c.make().predict(c.X),
        "This NAME instance is not fitted yet. Call 'fit' with appropriate arguments before "
        "using this estimator.",
    ),
    "score before fit": (
        lambda c: c.make().score(c.X, c.y),
        "This NAME instance is not fitted yet. Call 'fit' with appropriate arguments before "
        "using this estimator.",
    ),
    "a parameter of the network changed after the first partial_fit": (
        lambda c: (
            c.make()
            .partial_fit(c.X, c.y, classes=[0, 1])
            .set_params(n_filters=3)
            .partial_fit(c.X, c.y)
        ),
        "NAME: the network was built with n_filters=2, but n_filters is now 3; restore the "
        "value, or set warm_start=False and fit again.",
    ),
    "a learning rate that diverges": (
        lambda c: c.make(lr=1e30).fit(c.X, c.y),
        "NAME: Training diverged in epoch 2: loss or weights are not finite; lower the "
        "learning rate, lr=1e+30.",
    ),
    "a learning rate that diverges in the second partial_fit": (
        lambda c: (
            c.make().partial_fit(c.X, c.y, classes=[0, 1]).set_params(lr=1e30).partial_fit(c.X, c.y)
        ),
        "NAME: Training diverged in its last step: the loss is nan; lower the learning rate, "
        "lr=1e+30.",
    ),
    "one trial": (
        lambda c: c.make().fit(c.X[:1], c.y[:1]),
        "NAME: X has 1 sample, i.e. one trial; fit needs at least two.",
    ),
    "too short trials": (
        lambda c: type(c.fitted)().fit(c.X[:, :, :20], c.y),
        "NAME: trials of 20 time points are too short for this network, which needs at least "
        "32; use longer trials, or shorter filters and pools.",
    ),
}
