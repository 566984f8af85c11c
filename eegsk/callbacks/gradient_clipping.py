"""Gradient clipping."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from torch.nn.utils import clip_grad_norm_

from .._fields import Positive, Range
from ..training import TrainingCallback


class GradientClipping(TrainingCallback):
    """Gradient clipping callback.

    Before each step, the gradient is scaled down if its norm is larger than ``max_norm``. The
    callback clips the gradient that the optimizer uses, for any order of the callbacks: the second
    gradient of :class:`~eegsk.callbacks.SAM`, and the unscaled gradient of
    :class:`~eegsk.callbacks.MixedPrecision`.

    Parameters
    ----------
    max_norm : float, default=1.0
        Maximum norm of the gradient of all weights together.
    norm_type : float or "inf", default=2.0
        Order of the norm; ``"inf"`` or ``float("inf")`` for the largest absolute value.

    References
    ----------
    .. [1] Pascanu, R., Mikolov, T., & Bengio, Y. (2013). On the difficulty of training recurrent
       neural networks. ICML. https://doi.org/10.48550/arXiv.1211.5063

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.callbacks import GradientClipping
    >>> EEGNetClassifier(callbacks=[GradientClipping(max_norm=0.5)]).callbacks
    [GradientClipping(max_norm=0.5, norm_type=2.0)]
    """

    max_norm: Positive = 1.0
    norm_type: Annotated[float, Range(0, closed=False, finite=False)] | Literal["inf"] = 2.0

    def on_grad_computed(self, net: Any, named_parameters: Any, **kwargs: Any) -> None:
        """Clip the gradient, like skorch's GradientNormClipping, with checked parameters."""
        weights = [parameter for _, parameter in named_parameters]
        clip_grad_norm_(weights, self.max_norm, float(self.norm_type))
