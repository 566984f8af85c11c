"""Augmentation by Fourier surrogates: random phases, same amplitude spectrum."""

from __future__ import annotations

import math
from dataclasses import field

import torch

from .._fields import Probability, Proportion
from .transform import Transform


class FourierSurrogate(Transform):
    """Replacement of trials by surrogates with the same amplitude spectrum and random phases.

    The phase of each frequency is shifted by a random angle that is the same for all channels, so
    that amplitude spectra and phase differences between channels stay the same [1]_, [2]_. The
    transform suits tasks in which power differs between classes, e.g. motor imagery, but not evoked
    responses.

    Parameters
    ----------
    phase_noise : float, default=1.0
        The angle has a uniform distribution from ``-phase_noise * pi`` to ``phase_noise * pi``;
        with 1 the phases are entirely random.
    probability : float, default=0.5
        Probability that a trial is replaced by its surrogate.

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

    def _transform(self, X: torch.Tensor, is_chosen: torch.Tensor) -> torch.Tensor:
        surrogates, n_times = X.clone(), X.shape[-1]
        (index,) = is_chosen.nonzero(as_tuple=True)
        if len(index) == 0:  # torch.fft raises an error for an empty tensor
            return surrogates
        # Only the chosen trials are transformed, because Fourier transforms take most of the time.
        spectrum = torch.fft.rfft(X[index])
        n_chosen, _, n_freqs = spectrum.shape
        shift = 2 * torch.rand(n_chosen, 1, n_freqs, device=X.device, dtype=X.dtype) - 1
        # Coefficients without phase: the mean and, if n_times is even, the Nyquist frequency.
        shift[..., 0] = 0
        if n_times % 2 == 0:
            shift[..., -1] = 0
        rotation = torch.polar(torch.ones_like(shift), math.pi * self.phase_noise * shift)
        surrogates[index] = torch.fft.irfft(spectrum * rotation, n_times)
        return surrogates
