"""Sharpness-aware minimisation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import nn

from .._fields import NonNegative
from ._technique import Technique

# Keeps a gradient of zero from being divided by zero.
_TINY = 1e-16


class SAM(Technique):
    """Step with the gradient at the worst weights nearby, towards flat minima.

    Each step computes two gradients: at the weights, and where going up the first leads within a
    radius ``rho``. Any optimizer then steps from the weights with the second. Both passes have the
    same dropout masks, as those of the authors' implementation have; running statistics of batch
    normalisation, and loss and outputs in the history, are those of the first.

    Parameters
    ----------
    rho : float, default=0.05
        Radius of the neighbourhood; for the adaptive form usually ten times as large.
    adaptive : bool, default=False
        Whether the neighbourhood is wider for larger weights, so that their scale makes no
        difference.
    eta : float, default=0.01
        What is added to the absolute weights that the adaptive form scales by.

    References
    ----------
    .. [1] Foret, P., Kleiner, A., Mobahi, H., & Neyshabur, B. (2021). Sharpness-aware minimization
       for efficiently improving generalization. ICLR. https://doi.org/10.48550/arXiv.2010.01412
    .. [2] Kwon, J., Kim, J., Park, H., & Choi, I. K. (2021). ASAM: adaptive sharpness-aware
       minimization for scale-invariant learning of deep neural networks. ICML.
       https://doi.org/10.48550/arXiv.2102.11600

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.callbacks import SAM
    >>> estimator = EEGNetClassifier(callbacks=[SAM(rho=0.05)])
    >>> estimator.set_params(callbacks__sam__rho=0.1).callbacks
    [SAM(rho=0.1, adaptive=False, eta=0.01)]
    """

    charge: ClassVar = "the gradients"

    rho: NonNegative = 0.05
    adaptive: bool = False
    eta: NonNegative = 0.01

    def compute_gradients(self, net: Any, batch: Any) -> dict[str, Any]:
        """Compute the loss of a batch, and its gradients at the ascended weights.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        batch : tuple
            Inputs and targets.

        Returns
        -------
        step : dict
            Loss and outputs at the weights themselves.
        """
        device = torch.device(net.device)
        generators = _generators(device)
        step = net.compute_gradients(batch)
        weights = [p for _, p in net.get_all_learnable_params() if p.grad is not None]
        if weights:  # there are none if mixed precision has seen an overflow
            with _buffers_kept(net.module_), _moved(weights, self._ascent(weights)):
                _seed_again(generators, device)
                for weight in weights:
                    weight.grad = None
                net.compute_gradients(batch)
        return step

    @torch.no_grad()
    def _ascent(self, weights: list[nn.Parameter]) -> list[torch.Tensor]:
        """Return by how much each weight is moved."""
        gradients: list[Any] = [weight.grad for weight in weights]
        scales: list[Any] = [1.0] * len(weights)
        if self.adaptive:
            scales = [weight.abs() + self.eta for weight in weights]
        scaled = [gradient * scale for gradient, scale in zip(gradients, scales, strict=True)]
        norm = torch.stack([gradient.norm() for gradient in scaled]).norm()
        factor = self.rho / (norm + _TINY)
        return [gradient * scale * factor for gradient, scale in zip(scaled, scales, strict=True)]


@contextmanager
def _moved(weights: list[nn.Parameter], by: list[torch.Tensor]) -> Iterator[None]:
    """Move weights, and put them back to the last bit."""
    before = [weight.detach().clone() for weight in weights]
    try:
        with torch.no_grad():
            for weight, distance in zip(weights, by, strict=True):
                weight.add_(distance)
        yield
    finally:
        with torch.no_grad():
            for weight, value in zip(weights, before, strict=True):
                weight.copy_(value)


@contextmanager
def _buffers_kept(module: nn.Module) -> Iterator[None]:
    """Undo what a pass does to running statistics, however the module keeps them."""
    before = {name: buffer.clone() for name, buffer in module.named_buffers()}
    try:
        yield
    finally:
        with torch.no_grad():
            for name, buffer in module.named_buffers():
                buffer.copy_(before[name])


def _generators(device: torch.device) -> list[torch.Tensor]:
    on_gpu = [torch.cuda.get_rng_state(device)] if device.type == "cuda" else []
    return [torch.get_rng_state(), *on_gpu]


def _seed_again(states: list[torch.Tensor], device: torch.device) -> None:
    """Have generators draw again what they drew from these states on."""
    torch.set_rng_state(states[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[1], device)
