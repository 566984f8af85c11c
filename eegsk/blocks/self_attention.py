"""Self-attention over time."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from ._tracing import is_traced, unfold_traced
from .dropout import Dropout


class SelfAttention(nn.Module):
    """Multi-head self-attention.

    Linear layers compute a query, a key and a value from each token of a trial. The output for a
    token is the weighted mean of the values of all tokens. The weights are the softmax of the
    scalar products of its query with the keys [1]_.

    Parameters
    ----------
    n_features : int
        Number of values of a token.
    n_heads : int
        Number of attention heads; it must divide ``n_features``.
    n_key_heads : int or None, default=None
        Number of heads of keys and values, each shared by ``n_heads / n_key_heads`` heads of
        queries (grouped-query attention [2]_); None for ``n_heads``.
    scale : float or None, default=None
        Factor of the scalar products; None for the inverse square root of the number of features
        of a head.
    bias : bool, default=True
        Whether the linear layers have biases.
    dropout : float, default=0.0
        Probability of setting an attention weight to zero.
    rotary : bool, default=False
        Whether queries and keys are rotated by angles that increase with the position of the token,
        so that the scalar products depend on relative positions [3]_; see Notes.

    Notes
    -----
    There are two common conventions for rotary embeddings of ``n`` features: pairs of the features
    ``2 * i`` and ``2 * i + 1``, or of ``i`` and ``i + n / 2``. With ``rotary=True`` the features
    are paired in the first way, but their angles are arranged in the second way, as in the code of
    the authors of TCFormer. Weights that were trained with one form are not valid for another.

    References
    ----------
    .. [1] Vaswani, A., et al. (2017). Attention is all you need. NeurIPS.
       https://doi.org/10.48550/arXiv.1706.03762
    .. [2] Ainslie, J., et al. (2023). GQA: training generalized multi-query transformer models from
       multi-head checkpoints. EMNLP. https://doi.org/10.18653/v1/2023.emnlp-main.298
    .. [3] Su, J., et al. (2024). RoFormer: enhanced transformer with rotary position embedding.
       Neurocomputing, 568, 127063. https://doi.org/10.1016/j.neucom.2023.127063

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import SelfAttention
    >>> SelfAttention(n_features=48, n_heads=4, n_key_heads=2)(torch.zeros(2, 17, 48)).shape
    torch.Size([2, 17, 48])
    """

    def __init__(
        self,
        n_features: int,
        n_heads: int,
        n_key_heads: int | None = None,
        scale: float | None = None,
        bias: bool = True,
        dropout: float = 0.0,
        rotary: bool = False,
    ) -> None:
        super().__init__()
        self.n_key_heads = n_heads if n_key_heads is None else n_key_heads
        self.head_size = n_features // n_heads
        self.scale = self.head_size**-0.5 if scale is None else scale
        self.rotary = rotary
        self.query = nn.Linear(n_features, n_features, bias=bias)
        self.key_value = nn.Linear(n_features, 2 * self.n_key_heads * self.head_size, bias=bias)
        self.dropout = Dropout(dropout)
        self.output = nn.Linear(n_features, n_features, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply attention to tokens, (n_trials, n_tokens, n_features)."""
        # Query heads that share a key head are treated as additional queries of one head.
        query = self.query(x).unflatten(2, (self.n_key_heads, -1, self.head_size)).movedim(1, 3)
        key_value = self.key_value(x).unflatten(2, (2, self.n_key_heads, self.head_size))
        key, value = key_value.permute(2, 0, 3, 1, 4)
        if self.rotary:
            query, key = rotate(query), rotate(key)
        context = attend(self.scale * query.flatten(2, 3), key, value, self.dropout)
        context = context.unflatten(2, query.shape[2:4]).movedim(3, 1)
        return self.output(context.flatten(2))

    def extra_repr(self) -> str:
        """Return the text shown for the layer."""
        n_key_heads, head_size = self.n_key_heads, self.head_size
        return f"{n_key_heads=}, {head_size=}, scale={self.scale:.3g}, rotary={self.rotary}"


class WindowedSelfAttention(nn.Module):
    """Multi-head self-attention in overlapping windows, with residual connections.

    Consecutive windows start one sample apart, and all have ``n_times - n_windows + 1`` samples.
    Each window has its own weights. Layer normalisation of the signals at each time point is
    followed by self-attention between the time points of the window [1]_ and by dropout; then the
    input is added.

    Parameters
    ----------
    n_signals : int
        Number of signals.
    n_windows : int
        Number of windows.
    n_heads : int
        Number of attention heads.
    head_size : int
        Number of features of the queries, keys and values of a head.
    attention_dropout : float, default=0.0
        Probability of setting an attention weight to zero.
    dropout : float, default=0.0
        Probability of setting an output of the attention to zero.

    Notes
    -----
    All windows are computed together, by batched matrix products.

    References
    ----------
    .. [1] Altaheri, H., Muhammad, G., & Alsulaiman, M. (2023). Physics-informed attention temporal
       convolutional network for EEG-based motor imagery classification. IEEE Transactions on
       Industrial Informatics, 19(2), 2249-2258. https://doi.org/10.1109/TII.2022.3197419

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import WindowedSelfAttention
    >>> attention = WindowedSelfAttention(n_signals=32, n_windows=5, n_heads=2, head_size=8)
    >>> attention(torch.zeros(4, 32, 17)).shape
    torch.Size([4, 160, 13])
    """

    def __init__(
        self,
        n_signals: int,
        n_windows: int,
        n_heads: int,
        head_size: int,
        attention_dropout: float = 0.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.n_signals = n_signals
        self.n_windows = n_windows
        self.n_heads = n_heads
        self.norm_weight = nn.Parameter(torch.ones(n_windows, 1, n_signals))
        self.norm_bias = nn.Parameter(torch.zeros(n_windows, 1, n_signals))
        self.query_key_value = StackedLinear(n_windows, n_signals, 3 * n_heads * head_size)
        self.attention_dropout = Dropout(attention_dropout)
        self.output = StackedLinear(n_windows, n_heads * head_size, n_signals)
        self.dropout = Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply attention to ``x`` of shape (n_trials, n_signals, n_times)."""
        n_trials, n_signals, n_times = x.shape
        size = n_times - self.n_windows + 1
        if size < 1:
            raise RuntimeError(f"n_times={n_times} is too short for {self.n_windows} windows.")
        windows = unfold_traced(x, self.n_windows) if is_traced() else x.unfold(2, size, 1)
        tokens = windows.permute(2, 0, 3, 1).reshape(self.n_windows, -1, n_signals)
        normalized = F.layer_norm(tokens, (self.n_signals,), eps=1e-6)
        normalized = torch.addcmul(self.norm_bias, normalized, self.norm_weight)
        heads = self.query_key_value(normalized).view(
            self.n_windows * n_trials, size, 3, self.n_heads, -1
        )
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        context = attend(query.shape[-1] ** -0.5 * query, key, value, self.attention_dropout)
        context = context.transpose(1, 2).reshape(self.n_windows, n_trials * size, -1)
        tokens = tokens + self.dropout(self.output(context))
        tokens = tokens.view(self.n_windows, n_trials, size, n_signals)
        return tokens.permute(1, 0, 3, 2).reshape(n_trials, -1, size)

    def extra_repr(self) -> str:
        """Return the text shown for the layer."""
        return f"n_windows={self.n_windows}, n_heads={self.n_heads}"


class StackedLinear(nn.Module):
    """Dense layers of the same size, each for a part of the input, computed together.

    Parameters
    ----------
    n_layers : int
        Number of layers.
    in_features : int
        Number of input values of a layer.
    out_features : int
        Number of output values of a layer.

    Examples
    --------
    >>> import torch
    >>> from eegsk.blocks import StackedLinear
    >>> StackedLinear(5, 32, 48)(torch.zeros(5, 100, 32)).shape
    torch.Size([5, 100, 48])
    """

    def __init__(self, n_layers: int, in_features: int, out_features: int) -> None:
        super().__init__()
        limit = in_features**-0.5  # as in torch.nn.Linear
        self.weight = nn.Parameter(
            torch.empty(n_layers, out_features, in_features).uniform_(-limit, limit)
        )
        self.bias = nn.Parameter(torch.empty(n_layers, 1, out_features).uniform_(-limit, limit))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map ``x`` of shape (n_layers, n_rows, in_features)."""
        return torch.baddbmm(self.bias, x, self.weight.transpose(1, 2))

    def extra_repr(self) -> str:
        """Return the text shown for the layer."""
        n_layers, out_features, in_features = self.weight.shape
        return f"{n_layers=}, {in_features=}, {out_features=}"


def attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, dropout: nn.Module
) -> torch.Tensor:
    """Compute scaled dot-product attention.

    Parameters
    ----------
    query : torch.Tensor of shape (..., n_queries, n_features)
        Queries, already multiplied by the scale.
    key, value : torch.Tensor of shape (..., n_tokens, n_features)
        Keys and values.
    dropout : torch.nn.Module
        Layer that is applied to the weights.

    Returns
    -------
    means : torch.Tensor of shape (..., n_queries, n_features)
        Means of the values, weighted by the softmax of the scalar products.
    """
    return dropout((query @ key.transpose(-2, -1)).softmax(-1)) @ value


def rotate(x: torch.Tensor) -> torch.Tensor:
    """Apply the rotary embedding to features of shape (..., n_tokens, n_features)."""
    n_tokens, n_features = x.shape[-2:]
    exponents = torch.arange(0, n_features, 2, device=x.device) / n_features
    angles = torch.arange(n_tokens, device=x.device)[:, None] * 10_000.0**-exponents
    angles = angles.repeat(1, 2)
    # Rotation of the pairs (x[2 i], x[2 i + 1]) by 90 degrees.
    quarter_turn = torch.stack([-x[..., 1::2], x[..., ::2]], dim=-1).flatten(-2)
    return x * angles.cos().to(x.dtype) + quarter_turn * angles.sin().to(x.dtype)
