"""Lines of the speed table, with their target ratios."""

from __future__ import annotations

from .libraries import (
    ATCNET,
    DEEP4NET,
    DEEP_CONV_NET,
    EEGCONFORMER,
    EEGNET,
    EEGNEX,
    EEGTCNET,
    SHALLOW_CONV_NET,
    TCFORMER,
    Network,
)
from .tasks import N_FITS, Line, fit, many_fits, memory, predict, predict_one, search


def _fit_lines(
    network: Network,
    n_trials: int,
    counts: tuple[int, ...],
    targets: tuple[float, ...],
    **fields,
) -> list[Line]:
    """Return a line for each of the first shapes, as many as there are counts and targets."""
    shapes = ((22, 1000, 4), (64, 480, 2), (129, 200, 2))[: len(counts)]
    return [
        Line(
            name=f"fit_{network.name.lower()}_{n_chans}x{n_times}",
            label=f"`fit`, {network.name}, {n_chans} x {n_times}",
            task=fit,
            network=network,
            shape=(n_trials, n_chans, n_times),
            n_classes=n_classes,
            n_parameters=(count, count),
            target=target,
            **fields,
        )
        for (n_chans, n_times, n_classes), count, target in zip(
            shapes, counts, targets, strict=True
        )
    ]


LINES = [
    *_fit_lines(EEGNET, 512, (3444, 2610, 3362), (10, 15, 15), epochs=4),
    *_fit_lines(EEGNEX, 256, (56452, 58386, 62402), (20, 40, 40), epochs=2, repeats=5),
    *_fit_lines(EEGTCNET, 256, (4304, 4950), (4, 8), epochs=2, repeats=5),
    *_fit_lines(ATCNET, 256, (113732, 60070), (2, 4), epochs=2, repeats=5),
    *_fit_lines(TCFORMER, 128, (77820, 85748), (1.5, 3), epochs=1, repeats=3),
    *_fit_lines(EEGCONFORMER, 256, (789572, 498306), (1.5, 3), epochs=1, repeats=5),
    Line(
        "fit_eegnet_2x750",
        "`fit`, EEGNet, 2 x 750 (1080 trials)",
        fit,
        EEGNET,
        (1080, 2, 750),
        (1874, 1874),
        target=1.5,
    ),
    # Deep4Net has no biases before batch normalisation, i.e. 375 parameters fewer.
    Line(
        "fit_deepconvnet_2x750",
        "`fit`, DeepConvNet, 2 x 750 (1080 trials)",
        fit,
        DEEP_CONV_NET,
        (1080, 2, 750),
        (150977, 150602),
        target=1.5,
    ),
    Line(
        "fit_deep4net_64x480",
        "`fit`, Deep4Net form, 64 x 480",
        fit,
        DEEP4NET,
        (512, 64, 480),
        (304302, 303927),
        target=1.5,
        epochs=4,
    ),
    Line(
        "fit_shallowconvnet_64x480",
        "`fit`, ShallowConvNet, 64 x 480",
        fit,
        SHALLOW_CONV_NET,
        (512, 64, 480),
        (105602, 105602),
        target=1.5,
        epochs=4,
    ),
    Line(
        "predict_1000",
        "`predict_proba` on 1,000 trials, EEGNet, 64 x 480",
        predict,
        EEGNET,
        (1000, 64, 480),
        (2610, 2610),
        target=20,
    ),
    Line(
        "predict_one",
        "`predict_proba` on one trial, EEGNet, 64 x 480",
        predict_one,
        EEGNET,
        (64, 64, 480),
        (2610, 2610),
        target=5,
        repeats=15,
        limit=1e-3,
        unit="ms",
    ),
    Line(
        "fit_small",
        "`fit` on 40 trials of 8 x 128, EEGNet",
        fit,
        EEGNET,
        (40, 8, 128),
        (1362, 1362),
        target=3,
        epochs=20,
        repeats=15,
    ),
    Line(
        "memory",
        "peak memory of `fit` beyond the data, EEGNet, 64 x 480, batch 256",
        memory,
        EEGNET,
        (512, 64, 480),
        (2610, 2610),
        target=8,
        epochs=2,
        batch_size=256,
        repeats=3,
        unit="MiB",
    ),
    Line(
        "search",
        "GridSearchCV, EEGNet, 3 activations x 5 folds, 22 x 1000, n_jobs=2",
        search,
        EEGNET,
        (320, 22, 1000),
        (3444, 3444),
        target=10,
        n_classes=4,
        epochs=2,
        repeats=3,
    ),
    Line(
        "many_fits",
        f"one of {N_FITS} fits: nested cross-validation, EEGNet, 72 trials of 22 x 250, n_jobs=2",
        many_fits,
        EEGNET,
        (72, 22, 250),
        (1682, 1682),
        target=5,
        epochs=10,
        repeats=3,
        unit="ms",
    ),
]
