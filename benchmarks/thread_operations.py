"""Operations of a fit whose results depend on the number of threads.

Run it with ``python benchmarks/thread_operations.py``. Each operation of torch in a fit, forward
and backward, is computed with 1, 2, 3, 4 and 8 threads from the same input. The table has the
operations with which a number of threads gives other bits, and the networks that use them. Random
operations and those that change their input are left out.
"""

from __future__ import annotations

import argparse
import importlib.metadata
from collections import defaultdict
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import eegsk

N_THREADS = 2, 3, 4, 8
NETWORKS = [
    name.removesuffix("Classifier")
    for name in eegsk.__all__
    if name.endswith("Classifier") and name != "EEGClassifier"
]
RANDOM = {torch.Tag.nondeterministic_seeded, torch.Tag.nondeterministic_bitwise}


def tensors(values: Any) -> list[torch.Tensor]:
    """Return the tensors in nested tuples, lists and dictionaries."""
    return [leaf for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor)]


def are_equal(first: torch.Tensor, second: torch.Tensor) -> bool:
    """Return whether two tensors have the same bits; NaN is equal to NaN."""
    return first.shape == second.shape and bool(
        ((first == second) | ((first != first) & (second != second))).all()
    )


class Comparison(TorchDispatchMode):
    """Context in which each operation is repeated with several numbers of threads.

    Attributes
    ----------
    different : dict of str to set of int
        Names of operations with different results, and the numbers of threads that gave them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.different: defaultdict[str, set[int]] = defaultdict(set)

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        torch.set_num_threads(1)
        output = operation(*args, **kwargs)
        if self._is_repeatable(operation):
            for n_threads in N_THREADS:
                torch.set_num_threads(n_threads)
                repeated = operation(*args, **kwargs)
                pairs = zip(tensors(output), tensors(repeated), strict=True)
                if not all(are_equal(first, second) for first, second in pairs):
                    self.different[str(operation).split(".")[1]].add(n_threads)
            torch.set_num_threads(1)
        return output

    def _is_repeatable(self, operation: Any) -> bool:
        """Return whether an operation computes a new result from its input only."""
        has_views = any(value.alias_info for value in operation._schema.returns)
        is_empty = "empty" in str(operation)  # memory that is not initialised
        is_random = bool(RANDOM & set(operation.tags))
        return not (operation._schema.is_mutable or has_views or is_empty or is_random)


def compare(network: str, shape: tuple[int, int, int], n_classes: int = 3) -> dict[str, set[int]]:
    """Return the operations of a fit of one epoch of two batches that depend on the threads."""
    n_trials, rng = shape[0], np.random.default_rng(0)
    X = rng.standard_normal(shape, dtype=np.float32)
    y = np.arange(n_trials) % n_classes
    classifier = getattr(eegsk, f"{network}Classifier")
    estimator = classifier(max_epochs=1, batch_size=n_trials // 2 + 1, random_state=0)
    with Comparison() as comparison:
        estimator.fit(X, y)
    return dict(comparison.different)


def main(argv: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    parser.add_argument("--shape", nargs=3, type=int, default=(67, 22, 500))
    options = parser.parse_args(argv)
    users = defaultdict(list)
    counts: defaultdict[str, set[int]] = defaultdict(set)
    for network in options.networks:
        for operation, n_threads in compare(network, tuple(options.shape)).items():
            users[operation].append(network)
            counts[operation] |= n_threads
    print(f"torch {importlib.metadata.version('torch')}, trials of shape {tuple(options.shape)}\n")
    print("| operation | threads with other bits than one thread | networks |\n| --- | --- | --- |")
    for operation, names in sorted(users.items(), key=lambda item: -len(item[1])):
        n_threads = ", ".join(map(str, sorted(counts[operation])))
        print(f"| {operation} | {n_threads} | {', '.join(names)} |")
    unchanged = [name for name in options.networks if not any(name in u for u in users.values())]
    print(f"\nNetworks with no such operation: {', '.join(unchanged) or 'none'}.")


if __name__ == "__main__":
    main()
