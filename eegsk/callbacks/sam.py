"""Sharpness-aware minimization."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import nn

from .._fields import NonNegative
from ..training import TrainingCallback

# Added to the norm of the gradient, which may be zero.
_TINY = 1e-16


class SAM(TrainingCallback):
    """Sharpness-aware minimization callback.

    Each step computes two gradients: the first at the weights, the second at the weights moved by
    ``rho`` along the first, where the loss is higher. The optimizer then applies the second
    gradient to the original weights, which leads to flat minima. Both passes use the same dropout
    masks, as in the implementation of the authors. The running statistics of batch normalisation
    and the loss in the history are those of the first pass.

    Parameters
    ----------
    rho : float, default=0.05
        Distance by which the weights are moved. With ``adaptive=True``, it is usually ten times as
        large.
    adaptive : bool, default=False
        Whether larger weights are moved further, so that the scale of the weights makes no
        difference.
    eta : float, default=0.01
        Constant added to the absolute values of the weights with ``adaptive=True``.

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

    controls: ClassVar = "the gradients"

    rho: NonNegative = 0.05
    adaptive: bool = False
    eta: NonNegative = 0.01

    def compute_gradients(
        self, net: Any, batch: Any, compute: Callable[[Any], dict[str, Any]]
    ) -> dict[str, Any]:
        """Compute the gradients of a batch at the moved weights.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        batch : tuple
            Inputs and targets.
        compute : callable
            Computes the gradients at the present weights.

        Returns
        -------
        step : dict
            Loss and outputs at the original weights.
        """
        device = torch.device(net.device)
        states = _generator_states(device)
        step = compute(batch)
        weights = [p for _, p in net.get_all_learnable_params() if p.grad is not None]
        if weights:  # after an overflow in mixed precision, no weight has a gradient
            with _restored_buffers(net.module_), _moved(weights, self._distances(weights)):
                _restore_generators(states, device)
                for weight in weights:
                    weight.grad = None
                compute(batch)
        return step

    @torch.no_grad()
    def _distances(self, weights: list[nn.Parameter]) -> list[torch.Tensor]:
        """Return the distances by which to move the weights, equation (2) of [1], (7) of [2]."""
        gradients: list[Any] = [weight.grad for weight in weights]
        scales: list[Any] = [1.0] * len(weights)
        if self.adaptive:
            scales = [weight.abs() + self.eta for weight in weights]
        scaled = [gradient * scale for gradient, scale in zip(gradients, scales, strict=True)]
        norm = torch.stack([gradient.norm() for gradient in scaled]).norm()
        factor = self.rho / (norm + _TINY)
        return [gradient * scale * factor for gradient, scale in zip(scaled, scales, strict=True)]


@contextmanager
def _moved(weights: list[nn.Parameter], distances: list[torch.Tensor]) -> Iterator[None]:
    """Move weights within a context, and restore their exact values at its end."""
    originals = [weight.detach().clone() for weight in weights]
    try:
        with torch.no_grad():
            for weight, distance in zip(weights, distances, strict=True):
                weight.add_(distance)
        yield
    finally:
        with torch.no_grad():
            for weight, original in zip(weights, originals, strict=True):
                weight.copy_(original)


@contextmanager
def _restored_buffers(module: nn.Module) -> Iterator[None]:
    """Restore the buffers of a module, e.g. running statistics, at the end of a context."""
    originals = {name: buffer.clone() for name, buffer in module.named_buffers()}
    try:
        yield
    finally:
        with torch.no_grad():
            for name, buffer in module.named_buffers():
                buffer.copy_(originals[name])


def _generator_states(device: torch.device) -> list[torch.Tensor]:
    gpu = [torch.cuda.get_rng_state(device)] if device.type == "cuda" else []
    return [torch.get_rng_state(), *gpu]


def _restore_generators(states: list[torch.Tensor], device: torch.device) -> None:
    torch.set_rng_state(states[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states[1], device)
