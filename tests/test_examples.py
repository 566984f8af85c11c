"""What README.md shows."""

import re
from pathlib import Path

from eegsk import EEGClassifier, EEGNetClassifier

README = Path(__file__).parents[1] / "README.md"


def blocks(language):
    return re.findall(
        rf"^```{language}\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S
    )


def test_readme_prints_two_commands():
    assert [block.count("\n") for block in blocks("bash")] == [1, 1]


def test_readme_code_runs(monkeypatch):
    for estimator in (EEGNetClassifier, EEGClassifier):
        monkeypatch.setitem(estimator.__init__.__kwdefaults__, "max_epochs", 1)
    shown = {}
    for block in blocks("python"):
        exec(block, shown)
    assert shown["search"].best_params_["activation"] in ("relu", "leaky_relu", "elu")
    assert len(shown["careful"].history_) == 1
