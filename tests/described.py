"""Parameters of all kinds in pairs, described here and in another process."""

import functools
import logging
import random
import threading
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.model_selection import KFold
from torch import nn

from eegsk.augmentation import GaussianNoise
from eegsk.losses import FocalBalancedLoss
from eegsk.training.run import describe


def closure(alpha):
    def make():
        return nn.ELU(alpha)

    return make


def default(alpha):
    def make(alpha=alpha):
        return nn.ELU(alpha)

    return make


def keyword(alpha):
    def make(*, alpha=alpha):
        return nn.ELU(alpha)

    return make


def attribute(alpha):
    def make():
        return nn.ELU(make.alpha)

    make.alpha = alpha
    return make


def class_of(alpha):
    class Activation(nn.ELU):
        def __init__(self):
            super().__init__(alpha)

    return Activation


def layer(alpha):
    return class_of(alpha)()


class Scale:
    """A transform without a representation, which holds itself."""

    def __init__(self, factor):
        self.factor, self.itself, self.apply = factor, self, self._apply

    def __call__(self, X, y):
        return self.apply(X), y

    def _apply(self, X):
        return X * self.factor


class Slim:
    __slots__ = ("factor",)

    def __init__(self, factor):
        self.factor = factor


@dataclass
class Spectrum:
    values: np.ndarray


class Telling(BaseEstimator):
    def __init__(self, inner=None):
        self.inner = inner


def exact(alpha):
    return nn.Sequential(nn.Identity(), nn.ELU(alpha))


def recursive(alpha):
    functions = []

    def make():
        return functions, alpha

    functions.append(make)
    return make


def large(alpha):
    return torch.arange(2000.0) + 1e-3 * alpha


# What each of the numbers 1 and 2 is made into.
MAKERS = {
    "lambda": {1: lambda: nn.ELU(0.1), 2: lambda: nn.Tanh()}.get,
    "constant": {1: lambda: nn.ELU(1), 2: lambda: nn.ELU(1.0)}.get,
    "inner lambda": {1: lambda x: lambda: x + 1, 2: lambda x: lambda: x + 2}.get,
    "set": {1: lambda x: x in {"a", "b", "c"}, 2: lambda x: x in {"a", "b", "d"}}.get,
    "closure": closure,
    "default": default,
    "keyword": keyword,
    "attribute": attribute,
    "recursive": recursive,
    "partial": lambda alpha: functools.partial(closure(0), alpha),
    "cached": lambda alpha: functools.lru_cache(closure(alpha)),
    "method": lambda alpha: Scale(alpha).__call__,
    "generator's method": lambda seed: np.random.default_rng(seed).standard_normal,
    "local class": class_of,
    "object of a local class": layer,
    "object": Scale,
    "slots": Slim,
    "dataclass": lambda alpha: Spectrum(large(alpha).numpy()),
    "parameters": lambda alpha: Telling(Scale(alpha)),
    "parameters of two classes": {1: Telling(), 2: GaussianNoise()}.get,
    "pairs": lambda alpha: [("one", Scale(alpha)), ("other", closure(alpha))],
    "strings in a set": lambda alpha: {"a", "b", "c", alpha},
    "objects in an array": lambda alpha: np.array([Scale(alpha), None]),
    "numpy": np.random.default_rng,
    "old numpy": np.random.RandomState,
    "bits": np.random.PCG64,
    "torch": lambda seed: torch.Generator().manual_seed(seed),
    "random": random.Random,
    "lock": lambda alpha: Slim([threading.Lock(), alpha]),
    "logger": lambda alpha: Slim(logging.getLogger(f"logger-{alpha}")),
    "splitter": lambda seed: KFold(3, shuffle=True, random_state=np.random.RandomState(seed)),
    "layers": exact,
    "weights": lambda alpha: nn.CrossEntropyLoss(weight=torch.tensor([1.0, alpha])),
    "smoothing": lambda alpha: nn.CrossEntropyLoss(label_smoothing=alpha / 10),
    "focal": lambda alpha: FocalBalancedLoss(weight=[1.0, alpha]),
    "no shape yet": lambda alpha: nn.LazyLinear(alpha),
    "loss by a function": lambda alpha: nn.TripletMarginWithDistanceLoss(
        distance_function=closure(alpha)
    ),
}


def words():
    """Return two descriptions for each maker."""
    return {
        name: [describe(make(number), inside=True) for number in (1, 2)]
        for name, make in MAKERS.items()
    }
