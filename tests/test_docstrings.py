"""Docstrings: numpydoc pages that agree with the code."""

import ast
import inspect
import pydoc
import re
import warnings

import numpydoc.docscrape
import pytest
from numpydoc.validate import validate

import eegsk
from eegsk import (
    alignment,
    augmentation,
    blocks,
    callbacks,
    datasets,
    display,
    losses,
    model_selection,
    networks,
    recipes,
    training,
)
from eegsk.networks import Architecture

from .networks import ESTIMATORS, small

# Errors of numpydoc's validation that are allowed; examples are checked below.
ALLOWED = {
    "ES01",  # an extended summary
    "SA01",  # see also
    "EX01",  # examples
    "RT02",  # results without names
}
PUBLIC = sorted(
    {
        f"{module.__name__}.{name}"
        for module in (
            eegsk,
            alignment,
            augmentation,
            callbacks,
            datasets,
            display,
            losses,
            networks,
            blocks,
            recipes,
        )
        for name in module.__all__
    }
    | {f"eegsk.model_selection.{name}" for name in model_selection.__all__}
    | {"eegsk.metrics.nrmse", "eegsk.compose.TrialReshaper"}
)
WITH_EXAMPLES = sorted(
    set(PUBLIC)
    - {"eegsk.networks.Architecture", "eegsk.networks.build_network"}
    - {"eegsk.callbacks.StopTraining"}
)
INTERNAL = sorted(f"eegsk.training.{name}" for name in training.__all__)
TRANSFORMS = [getattr(augmentation, name) for name in augmentation.__all__]
NETWORKS = [
    item
    for item in (*vars(networks).values(), *ESTIMATORS)
    if inspect.isclass(item) and issubclass(item, Architecture) and item is not Architecture
]
TECHNIQUES = [getattr(callbacks, name) for name in callbacks.__all__ if name != "StopTraining"]
TECHNIQUES += [getattr(losses, name) for name in losses.__all__]
ALIGNERS = [getattr(alignment, name) for name in alignment.__all__]


def find(path):
    return pydoc.locate(path)


def page_of(item):
    """Parse a docstring; a warning of numpydoc is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return numpydoc.docscrape.NumpyDocString(inspect.getdoc(item))


def methods_of(cls):
    """Return the public methods and properties of a class that are defined in eegsk."""
    return [
        name
        for name, item in inspect.getmembers(cls)
        if not name.startswith("_")
        and (inspect.isfunction(item) or isinstance(item, property))
        and getattr(item, "__module__", "eegsk").startswith("eegsk")
    ]


def errors_of(path):
    """Return the errors of numpydoc; a page may refer to another method for its parameters."""
    referred = {"PR01", "RT01"} if "see :meth:" in inspect.getdoc(find(path)) else set()
    return {code: text for code, text in validate(path)["errors"] if code not in ALLOWED | referred}


# Pages


@pytest.mark.parametrize("path", PUBLIC)
def test_public_names_have_a_page(path):
    assert errors_of(path) == {}
    page_of(find(path))


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_methods_of_estimators_have_a_page(estimator_class):
    for name in methods_of(estimator_class):
        assert errors_of(f"eegsk.{estimator_class.__name__}.{name}") == {}
        page_of(getattr(estimator_class, name))


@pytest.mark.parametrize("aligner", ALIGNERS)
def test_methods_of_aligners_have_a_page(aligner):
    for name in methods_of(aligner):
        assert errors_of(f"eegsk.alignment.{aligner.__name__}.{name}") == {}
        page_of(getattr(aligner, name))


@pytest.mark.parametrize("path", [*PUBLIC, *INTERNAL])
def test_summary_is_one_sentence(path):
    (summary,) = page_of(find(path))["Summary"]
    assert summary.endswith(".")
    assert len(summary) < 100


@pytest.mark.parametrize("path", WITH_EXAMPLES)
def test_public_names_have_an_example(path):
    examples = page_of(find(path))["Examples"]
    assert any(line.startswith(">>> ") for line in examples)
    assert any(not line.startswith((">>> ", "... ")) for line in examples if line)


@pytest.mark.parametrize(
    "network", [item for item in NETWORKS if "network" not in inspect.signature(item).parameters]
)
def test_networks_cite_a_paper(network):
    assert re.search(r"https://doi\.org/10\.\d{4,}/\S+", "".join(page_of(network)["References"]))


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_transforms_cite_a_paper(transform):
    assert re.search(r"https://\S+", "".join(page_of(transform)["References"]))


@pytest.mark.parametrize("name", recipes.__all__)
def test_recipes_cite_a_paper(name):
    page = page_of(getattr(recipes, name))
    assert re.search(r"https://doi\.org/10\.\d{4,}/\S+", "".join(page["References"]))


# Parameters and attributes


def documented_default(parameter):
    """Return the default in the docstring, or ``inspect.Parameter.empty`` if there is none."""
    match = re.search(r"default=(.+)$", parameter.type)
    return ast.literal_eval(match.group(1)) if match else inspect.Parameter.empty


@pytest.mark.parametrize("item", [*ESTIMATORS, *NETWORKS, *TRANSFORMS, *TECHNIQUES, *ALIGNERS])
def test_documented_parameters_are_those_of_the_constructor(item):
    parameters = inspect.signature(item).parameters
    page = {parameter.name: parameter for parameter in page_of(item)["Parameters"]}
    assert list(page) == list(parameters)
    for name, parameter in parameters.items():
        if not callable(parameter.default) or parameter.default is parameter.empty:
            assert documented_default(page[name]) == parameter.default, name
        assert page[name].desc


@pytest.mark.parametrize("estimator_class", ESTIMATORS)
def test_documented_attributes_are_those_of_a_fitted_estimator(estimator_class, X, y):
    estimator = small(estimator_class).fit(X, y)
    documented = {attribute.name for attribute in page_of(estimator_class)["Attributes"]}
    for name in documented:
        assert not hasattr(small(estimator_class), name)
        assert getattr(estimator, name) is not None
    attributes = {name for name in vars(estimator) if name.endswith("_") and name[0] != "_"}
    properties = {name for name in methods_of(estimator_class) if name.endswith("_")}
    assert attributes | properties == documented


# Merged docstrings


def test_subclass_without_a_docstring_has_that_of_its_network():
    class Mine(eegsk.EEGNetClassifier):
        pass

    assert page_of(Mine)["Summary"] == page_of(networks.EEGNet)["Summary"]
    assert [p.name for p in page_of(Mine)["Parameters"]] == list(inspect.signature(Mine).parameters)


def test_sections_of_a_subclass_replace_those_of_its_bases():
    class Mine(eegsk.EEGNetClassifier):
        """My network.

        Parameters
        ----------
        note : str, default=""
            A note.

        Attributes
        ----------
        noted_ : str
            The note.

        References
        ----------
        .. [1] Mine.

        Examples
        --------
        >>> 1 + 1
        2
        """

        note: str = ""

    page = page_of(Mine)
    assert page["Summary"] == ["My network."]
    assert page["Extended Summary"][0] == page_of(networks.EEGNet)["Summary"][0]
    assert page["Parameters"][-1].name == "note"
    assert {"noted_", "classes_"} <= {attribute.name for attribute in page["Attributes"]}
    assert page["References"] == [".. [1] Mine."]
    assert page["Examples"] == [">>> 1 + 1", "2"]


def test_model_selection_is_documented():
    assert page_of(model_selection)["Summary"]
