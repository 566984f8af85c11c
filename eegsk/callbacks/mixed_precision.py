"""Training in mixed precision."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch

from ._technique import Technique


class MixedPrecision(Technique):
    """Compute outputs and gradients of training in half precision where that does no harm.

    Weights, losses, batch statistics and the steps of the optimizer stay in full precision, and so
    do validation and predictions. With ``"float16"`` the loss is scaled up, so that small gradients
    do not vanish, and gradients are scaled back before anything else sees them; a step whose
    gradients overflow is left out, and the scale lowered.

    Parameters
    ----------
    dtype : {"bfloat16", "float16"}, default="bfloat16"
        The half precision: ``"bfloat16"`` on CPUs and GPUs, ``"float16"`` on CUDA GPUs only.

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

    charge: ClassVar = "the precision"

    dtype: Literal["bfloat16", "float16"] = "bfloat16"

    def on_train_begin(self, net: Any, **kwargs: Any) -> None:
        """Check that the device has the precision, and begin with a large scale.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        **kwargs : dict
            Not used.

        Raises
        ------
        ValueError
            If float16 is asked for without a CUDA GPU.
        """
        super().on_train_begin(net)
        scales = self.dtype == "float16"
        if scales and torch.device(net.device).type != "cuda":
            raise ValueError(
                f"MixedPrecision: dtype='float16' needs a CUDA GPU, the device is {net.device!r}; "
                "use dtype='bfloat16'."
            )
        if not hasattr(self, "scaler_"):
            self.scaler_ = torch.amp.GradScaler("cuda", enabled=scales)

    def state_dict(self) -> dict[str, Any]:
        """Return the scale of the loss, and for how long it has been good."""
        return {"scaler": self.scaler_.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on with a scale of the loss.

        Parameters
        ----------
        state : dict
            What :meth:`state_dict` has returned.
        """
        if state["scaler"]:
            self.scaler_.load_state_dict(state["scaler"])

    def autocast(self, net: Any) -> torch.autocast:
        """Return the context in which torch computes in half precision where that does no harm.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.

        Returns
        -------
        context : torch.autocast
            The context.
        """
        return torch.autocast(torch.device(net.device).type, getattr(torch, self.dtype))

    def differentiate(self, net: Any, loss: torch.Tensor) -> None:
        """Compute gradients in their true scale, or none if they overflow.

        Parameters
        ----------
        net : skorch.NeuralNet
            The net.
        loss : torch.Tensor
            The loss of a batch.
        """
        before = self.scaler_.get_scale()
        self.scaler_.scale(loss).backward()
        self.scaler_.unscale_(net.optimizer_)
        self.scaler_.update()
        if self.scaler_.get_scale() < before:
            # Optimizers leave weights without gradient as they are.
            net.optimizer_.zero_grad(set_to_none=True)
