"""Displays: figures of trained networks and of scores, in the style of scikit-learn.

Displays need matplotlib, which ``pip install 'eegsk[plot]'`` installs. A class method such as
``from_estimator`` computes numbers, plots them and returns a display. The numbers are attributes of
the display, and its method ``plot`` plots them again. No figure is shown or closed.
"""

from .filters import FilterDisplay
from .history import HistoryDisplay
from .history_scorer import HistoryScorer
from .importance import ImportanceDisplay
from .patterns import PatternDisplay
from .saliency import SaliencyDisplay
from .subjects import SubjectDisplay

__all__ = [
    "FilterDisplay",
    "HistoryDisplay",
    "HistoryScorer",
    "ImportanceDisplay",
    "PatternDisplay",
    "SaliencyDisplay",
    "SubjectDisplay",
]
