"""Import of optional packages."""

from __future__ import annotations

import importlib
from typing import Any


def import_optional(package: str, extra: str, caller: str) -> Any:
    """Import a package that an extra of eegsk installs.

    Parameters
    ----------
    package : str
        Name of the package or module, e.g. ``"matplotlib.pyplot"``.
    extra : str
        The extra that installs it, e.g. ``"plot"``.
    caller : str
        Class and method that need it, for the error message.

    Returns
    -------
    module : module
        The module.

    Raises
    ------
    ImportError
        If the package is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(
            f"{caller} requires {package.partition('.')[0]}; install it with "
            f"pip install 'eegsk[{extra}]'."
        ) from error
