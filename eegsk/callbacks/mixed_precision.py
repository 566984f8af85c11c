"""Mixed-precision training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import torch

from ..training import TrainingCallback


class MixedPrecision(TrainingCallback):
    """Mixed-precision callback.

    The outputs and gradients of training batches are computed in half precision by
    :class:`torch.autocast`. Weights, losses, batch statistics, the steps of the optimizer,
    validation and predictions stay in single precision. With ``"float16"``, the loss is multiplied
    by a scale, so that small gradients do not vanish, and the gradients are divided by it. A step
    with infinite gradients is skipped, and the scale is lowered.

    Parameters
    ----------
    dtype : {"bfloat16", "float16"}, default="bfloat16"
        Half-precision type: ``"bfloat16"`` on CPUs and GPUs, ``"float16"`` on CUDA GPUs only.

    References
    ----------
    .. [1] Micikevicius, P., et al. (2018). Mixed precision training. ICLR.
       https://doi.org/10.48550/arXiv.1710.03740

    Examples
    --------
    >>> from eegsk import EEGNetClassifier
    >>> from eegsk.callbacks import MixedPrecision
    >>> EEGNetClassifier(callbacks=[MixedPrecision()]).callbacks
    [MixedPrecision(dtype='bfloat16')]
    """

    controls: ClassVar = "the precision"

    dtype: Literal["bfloat16", "float16"] = "bfloat16"

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Check that the device supports the type; see :meth:`TrainingCallback.on_train_begin`."""
        super().on_train_begin(net)
        is_scaled = self.dtype == "float16"
        if is_scaled and torch.device(net.device).type != "cuda":
            raise ValueError(
                "MixedPrecision: dtype='float16' needs a CUDA GPU, but the device is "
                f"{net.device!r}; use dtype='bfloat16'."
            )
        if not hasattr(self, "scaler_"):
            self.scaler_ = torch.amp.GradScaler("cuda", enabled=is_scaled)

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the gradient scaler."""
        return {"scaler": self.scaler_.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the gradient scaler.

        Parameters
        ----------
        state : dict
            The return value of :meth:`state_dict`.
        """
        if state["scaler"]:
            self.scaler_.load_state_dict(state["scaler"])

    def autocast(self, net: Any) -> torch.autocast:
        """Return :class:`torch.autocast` for the device and the half-precision type."""
        return torch.autocast(torch.device(net.device).type, getattr(torch, self.dtype))

    def differentiate(
        self, net: Any, loss: torch.Tensor, backward: Callable[[torch.Tensor], None]
    ) -> None:
        """Compute gradients with a scaled loss; see :meth:`TrainingCallback.differentiate`."""
        scale = self.scaler_.get_scale()
        backward(self.scaler_.scale(loss))
        self.scaler_.unscale_(net.optimizer_)
        self.scaler_.update()
        if self.scaler_.get_scale() < scale:
            # The gradients are infinite. Without gradients, the optimizer skips the step.
            net.optimizer_.zero_grad(set_to_none=True)
