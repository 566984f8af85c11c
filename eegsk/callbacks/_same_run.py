"""Whether the run that a checkpoint holds is the one at hand."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from ..training.run import describe, digest
from ..training.state import capture_callbacks, learned

_SHOWN = 60  # characters of a description in an error


def beginnings(net: Any, without: Any) -> dict[str, str]:
    """Return fingerprints of what the callbacks know when training begins.

    Parameters
    ----------
    net : skorch.NeuralNet
        A net that begins to train.
    without : skorch.callbacks.Callback
        A callback to leave out.

    Returns
    -------
    fingerprints : dict
        One for each other callback, by name.
    """
    states, callbacks = capture_callbacks(net, without), dict(net.callbacks_)
    known = {name: describe(learned(callbacks[name])) for name in states}
    return {name: digest(state, known[name]) for name, state in states.items()}


def check_run(name: str, held: dict[str, str], here: dict[str, str], hint: str) -> None:
    """See that two runs are the same, or say in what they differ.

    Parameters
    ----------
    name : str
        What is of another run, for the error message.
    held, here : dict
        Descriptions of the runs.
    hint : str
        What else can be done, for the error message.

    Raises
    ------
    ValueError
        If they differ.
    """
    differ = [key for key in {**here, **held} if held.get(key) != here.get(key)]
    if not differ:
        return
    key = differ[0]
    was, now = _where_they_differ(*(run.get(key, "not there") for run in (held, here)))
    how = "differs" if was.startswith("#") else f"was {was}, now is {now}"
    also = f", and {len(differ) - 1} more" if len(differ) > 1 else ""
    raise ValueError(
        f"{name} is of another run, {key} {how}{also}; it is left as it is. Set that back, or give "
        f"another path{hint}."
    )


def _where_they_differ(was: str, now: str) -> list[str]:
    """Return what can be shown of two descriptions, in which they are not the same."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(was, now, strict=False))
    is_long = max(len(was), len(now)) > _SHOWN
    begin = max(0, len(list(same)) - _SHOWN // 2) if is_long else 0
    parts = [words[begin : begin + _SHOWN] for words in (was, now)]
    ends = ["..." if len(words) > begin + _SHOWN else "" for words in (was, now)]
    return [f"{'...' * (begin > 0)}{part}{end}" for part, end in zip(parts, ends, strict=True)]
