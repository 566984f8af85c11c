"""Data sets: simulated motor imagery, and loaders of public recordings."""

from ._bci_iii_iiib import load_bci_iii_iiib
from ._bci_iv_2b import load_bci_iv_2b
from ._simulation import make_motor_imagery

__all__ = ["load_bci_iii_iiib", "load_bci_iv_2b", "make_motor_imagery"]
