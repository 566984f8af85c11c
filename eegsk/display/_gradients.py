"""Gradients of trained networks, and the effects of sources that follow from them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.ndimage import uniform_filter1d
from torch import nn

from ..base import EEGEstimator
from ..tasks import Classifier
from ..training import finest_dtype
from ._network import to_numpy

# Bytes of trials whose gradients are computed at once.
_BYTES = 2**24


def as_sources(output: torch.Tensor, layer: str) -> torch.Tensor:
    """Drop axes of length one, e.g. that of the channels after a spatial convolution."""
    is_tensor = isinstance(output, torch.Tensor)
    shape = tuple(output.shape) if is_tensor else type(output).__name__
    n_long = sum(size > 1 for size in output.shape[2:]) if is_tensor else 0
    if not is_tensor or output.ndim < 3 or n_long != 1:
        raise ValueError(
            f"PatternDisplay: layer {layer!r} has outputs of shape {shape}; it should be "
            "(n_trials, n_sources, n_times), with axes of length 1 allowed. Choose a layer after "
            "the spatial filters and before the pooling over all time points."
        )
    return output.flatten(2)


Reshape = Callable[[torch.Tensor, str], torch.Tensor]


class TrainedModule:
    """Copy of the trained module, from which gradients are computed.

    It computes the same outputs as the estimator: in evaluation mode and, on a CPU, in double
    precision. The module of the estimator is not changed, and no gradients are left in it.

    Parameters
    ----------
    network : EEGEstimator
        The fitted estimator.
    X : torch.Tensor of shape (n_trials, n_chans, n_times)
        A few trials, by which the precision is chosen.
    """

    def __init__(self, network: EEGEstimator, X: torch.Tensor) -> None:
        self.dtype = finest_dtype(network.module_, X[:2])
        self.module = copy.deepcopy(network.module_).to(self.dtype).eval().requires_grad_(False)
        self.network = network
        parameter = next(self.module.parameters(), X)
        self.device = parameter.device

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs, of shape (n_trials, n_outputs)."""
        # The recurrent layers of cuDNN have no gradient in evaluation mode.
        with torch.backends.cudnn.flags(enabled=False):
            return self.module(x)

    def convert(self, x: torch.Tensor) -> torch.Tensor:
        """Copy trials to the device and precision of the module."""
        return x.to(self.device, self.dtype, copy=True)

    def batch_length(self, X: torch.Tensor, n_copies: int = 1) -> int:
        """Return the number of trials, with ``n_copies`` of each, that fit into limited memory."""
        return max(1, _BYTES // (X[0].numel() * self.dtype.itemsize * n_copies))

    def contrast(self, output: torch.Tensor, index: int) -> torch.Tensor:
        """Return the quantity that is high for a class, or the prediction of a target.

        Parameters
        ----------
        output : torch.Tensor of shape (n_trials, n_outputs)
            Outputs of the module.
        index : int
            Index of the class or of the target.

        Returns
        -------
        contrast : torch.Tensor of shape (n_trials,)
            Of a class, its logit minus the mean of the other logits, e.g. the decision function
            for two classes; of a regression, the target in its unit, without the constant.
        """
        if isinstance(self.network, Classifier):
            n_outputs = output.shape[1]
            return (output[:, index] - output.mean(1)) * (n_outputs / (n_outputs - 1))
        return output[:, index] * float(self.network._target.scale[index])

    def sources(
        self, layer: str, x: torch.Tensor, reshape: Reshape = as_sources
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the outputs of a layer and those of the module.

        Parameters
        ----------
        layer : str
            Name of the layer, as in ``module_.named_modules()``.
        x : torch.Tensor of shape (n_trials, n_chans, n_times)
            Trials. If they do not require a gradient, the outputs of the layer do.
        reshape : callable, default=as_sources
            Function of the outputs of the layer and its name, which returns the sources.

        Returns
        -------
        sources : torch.Tensor of shape (n_trials, n_sources, n_times)
            Outputs of the layer.
        output : torch.Tensor of shape (n_trials, n_outputs)
            Outputs of the module, computed from the sources.
        """
        captured: list[torch.Tensor] = []

        def capture(module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor:
            sources = reshape(output, layer)
            captured.append(sources if x.requires_grad else sources.detach().requires_grad_())
            # A copy, because the next layer may change its input in place.
            return captured[0].clone().reshape(output.shape)

        handle = self.module.get_submodule(layer).register_forward_hook(capture)
        try:
            output = self(self.convert(x) if not x.requires_grad else x)
        finally:
            handle.remove()
        return captured[0], output

    def effects(self, layer: str, X: torch.Tensor, reshape: Reshape = as_sources) -> np.ndarray:
        """Compute the effect of each source on each class or target, by frequency.

        Parameters
        ----------
        layer : str
            Name of the layer whose outputs are the sources.
        X : torch.Tensor of shape (n_trials, n_chans, n_times)
            Trials.
        reshape : callable, default=as_sources
            See :meth:`sources`.

        Returns
        -------
        effects : array of shape (n_sources, n_classes, n_freqs)
            Gradient of the contrast times the source without its mean, averaged over trials, at
            each frequency of the discrete Fourier transform. The sum over frequencies is the sum
            over time points of the product, by Parseval's theorem.
        """
        totals = np.zeros(())
        for batch in X.split(self.batch_length(X)):
            sources, output = self.sources(layer, batch, reshape)
            spectrum = torch.fft.rfft(sources.detach())
            spectrum[..., 0] = 0  # the mean over time
            effects = []
            for index in range(output.shape[1]):
                contrast = self.contrast(output, index).sum()
                (gradient,) = torch.autograd.grad(contrast, sources, retain_graph=True)
                effects.append(spectral_product(spectrum, gradient).sum(0))
            totals = totals + to_numpy(torch.stack(effects, dim=1))
        return totals / len(X)


def spectral_product(spectrum: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """Decompose the sum over time of a signal times a gradient into frequencies.

    Parameters
    ----------
    spectrum : torch.Tensor of shape (..., n_freqs)
        Fourier transform of the signal, ``torch.fft.rfft(signal)``.
    gradient : torch.Tensor of shape (..., n_times)
        The gradient.

    Returns
    -------
    product : torch.Tensor of shape (..., n_freqs)
        Contributions of the frequencies, whose sum is ``(signal * gradient).sum(-1)``.
    """
    n_times = gradient.shape[-1]
    product = (spectrum * torch.fft.rfft(gradient).conj()).real / n_times
    # A real signal has each frequency twice, except zero and half of the sampling rate.
    product[..., 1 : (n_times + 1) // 2] *= 2
    return product


def strongest_freqs(effects: np.ndarray, sfreq: float | None) -> np.ndarray:
    """Return the frequency at which each source has the largest effect.

    Parameters
    ----------
    effects : array of shape (n_sources, n_freqs)
        Effects by frequency.
    sfreq : float or None
        Sampling rate in Hz.

    Returns
    -------
    freqs : array of shape (n_sources,)
        In Hz, or in cycles per sample if the sampling rate is unknown.
    """
    # The mean of three neighbours, because the effect at a single frequency is noisy.
    smooth = np.abs(uniform_filter1d(effects, 3, axis=1, mode="constant"))
    n_freqs = effects.shape[1]
    return np.linspace(0.0, (sfreq or 1.0) / 2, n_freqs)[smooth.argmax(axis=1)]
