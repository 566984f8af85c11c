"""Surrogates of trials that keep their spectra."""

from __future__ import annotations

import math
from dataclasses import field

import torch

from .._fields import Probability, Proportion
from .transform import Transform


class FourierSurrogate(Transform):
    """Give the frequencies of each trial random phases, and leave their amplitudes.

    All electrodes have their phases turned alike, so that the spectra, and the phases between
    electrodes, remain as they were [1]_, [2]_. It suits tasks where it is power that tells trials
    apart, and not those of evoked responses.

    Parameters
    ----------
    phase_noise : float, default=1.0
        Phases are turned by up to this part of half a circle in either direction; 1 makes them
        entirely random.
    probability : float, default=0.5
        How likely a trial is to be replaced by its surrogate.

    References
    ----------
    .. [1] Schwabedal, J. T. C., Snyder, J. C., Cakmak, A., Nemati, S., & Clifford, G. D. (2018).
       Addressing class imbalance in classification problems of noisy signals by using Fourier
       transform surrogates. https://doi.org/10.48550/arXiv.1806.08675
    .. [2] Rommel, C., Paillard, J., Moreau, T., & Gramfort, A. (2022). Data augmentation for
       learning predictive models on EEG: a systematic comparison. Journal of Neural Engineering,
       19(6), 066020. https://doi.org/10.1088/1741-2552/aca220

    Examples
    --------
    >>> import torch
    >>> from eegsk.augmentation import FourierSurrogate
    >>> X = torch.sin(torch.linspace(0, 50, 100)).expand(2, 1, 100)
    >>> surrogate, y = FourierSurrogate(probability=1)(X, torch.zeros(2))
    >>> torch.allclose(torch.fft.rfft(surrogate).abs(), torch.fft.rfft(X).abs(), atol=1e-4)
    True
    """

    phase_noise: Proportion = 1.0
    probability: Probability = field(default=0.5, kw_only=True)

    def _transform(self, X: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        made, n_times = X.clone(), X.shape[-1]
        (index,) = chosen.nonzero(as_tuple=True)
        if len(index) == 0:  # there is no Fourier transform of nothing
            return made
        # It is the cost, hence of the chosen trials only.
        spectrum = torch.fft.rfft(X[index])
        n_chosen, _, n_freqs = spectrum.shape
        turn = 2 * torch.rand(n_chosen, 1, n_freqs, device=X.device, dtype=X.dtype) - 1
        turn[..., 0] = 0  # the mean, and of an even number of times the highest frequency, are real
        if n_times % 2 == 0:
            turn[..., -1] = 0
        turned = spectrum * torch.polar(torch.ones_like(turn), math.pi * self.phase_noise * turn)
        made[index] = torch.fft.irfft(turned, n_times)
        return made
