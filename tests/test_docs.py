"""Documentation: derived pages, code in the user guide, links and examples.

The site itself is built by ``.ci/run``, where a warning, e.g. of a missing page, is an error.
"""

import importlib
import inspect
import re
import sys
import warnings
from pathlib import Path

import pytest

import eegsk
from eegsk.datasets import make_motor_imagery

DOCS = Path(__file__).parents[1] / "docs"
GUIDE = sorted((DOCS / "user_guide").glob("*.md"))
PAGES = sorted(path for path in DOCS.rglob("*.md") if "_" not in path.relative_to(DOCS).parts[0][0])
EXAMPLES = sorted((DOCS.parent / "examples").glob("plot_*.py"))


def import_from(folder, name):
    """Import a module of the documentation."""
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def site_pages():
    return import_from(DOCS / "_ext", "site_pages")


@pytest.fixture(scope="module")
def check_links():
    return import_from(DOCS, "check_links")


def test_api_page_has_all_public_names(site_pages):
    page = site_pages.api_page()
    rows = [line.strip() for line in page.splitlines()]
    for names in site_pages.public_names().values():
        assert set(names) <= set(rows)
    assert {*eegsk.__all__, "SAM", "TimeShift", "make_motor_imagery"} <= set(rows)
    assert len(rows) > 150


def test_groups_of_the_api_page_exist(site_pages):
    public = site_pages.public_names()
    for module, groups in site_pages.GROUPS.items():
        assert {name for group in groups.values() for name in group} <= set(public[module])


def test_every_public_name_has_related_names(site_pages):
    related_names = import_from(DOCS / "_ext", "related_names")
    modules = {module: names for module, names in site_pages.public_names().items() if names[1:]}
    for module, names in modules.items():
        for name in names:
            text = inspect.getdoc(getattr(importlib.import_module(module), name))
            assert "See Also" in text or related_names.related_names(f"{module}.{name}"), name
    assert related_names.see_also("eegsk.callbacks.SWA")[3].startswith("eegsk.callbacks.EMA : ")
    assert related_names.see_also("eegsk.EEGNetClassifier")[3:] == [
        "eegsk.EEGNetRegressor : EEGNet for regression.",
        "eegsk.networks.EEGNet : EEGNet: a compact network of temporal, spatial and separable "
        "convolutions.",
    ]


def test_names_of_families_exist():
    related_names = import_from(DOCS / "_ext", "related_names")
    for module, families in related_names.FAMILIES.items():
        for family in families:
            assert all(related_names._full_name(module, short) for short in family)


def test_glossary_has_all_hyper_parameters(site_pages):
    page = site_pages.glossary_page()
    for name in eegsk.EEGNetClassifier().get_params(deep=False):
        assert f"\n{name}\n~" in page
    assert "EEGNet: *int, default=64*" in page


def test_links_of_copied_pages_are_relative_to_the_page(site_pages):
    text = "[a](docs/user_guide/front_end.md#b) [c](pyproject.toml) [d](CHANGELOG.md) [e](#f)"
    expected = "[a](../user_guide/front_end.md#b) `pyproject.toml` [d](../whats_new.md) [e](#f)"
    assert site_pages.with_links(text, DOCS.parent, DOCS / "development") == expected


def test_results_contain_the_tables_of_the_benchmarks(site_pages):
    page = site_pages.copied_page("_generated/benchmarks.md", "benchmarks/README.md", "")
    assert "| `fit`, EEGNet, 22 x 1000 |" in page
    assert "_generated/benchmarks.md" in (DOCS / "results.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_linked_examples_exist(page):
    names = re.findall(r"auto_examples/(plot_\w+)", page.read_text(encoding="utf-8"))
    assert {*names} <= {path.stem for path in EXAMPLES}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_with_jobs_run_alone_in_the_gallery(example):
    """The gallery runs two examples at once, in processes whose own jobs would be threads."""
    text = example.read_text(encoding="utf-8")
    assert ("n_jobs=" in text) == ("\n# sphinx_gallery_parallel = False\n" in text)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_in_the_order_of_the_gallery(site_pages, example):
    assert example.stem.removeprefix("plot_") in site_pages.EXAMPLES


def test_broken_links_of_a_site_are_reported(check_links, tmp_path, capsys):
    (tmp_path / "guide").mkdir()
    (tmp_path / "guide" / "index.html").write_text('<h1 id="top"></h1><a href="../"></a>')
    links = ["guide/#top", "guide/index.html", "#here", "https://a.org/b", "guide/index.html#end"]
    page = "".join(f'<a href="{link}"></a>' for link in links) + '<img id="here" src="a.png">'
    (tmp_path / "index.html").write_text(page)
    assert check_links.main(str(tmp_path)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "index.html: a.png",
        "index.html: guide/index.html#end",
        "2 pages, 2 broken links",
    ]
    (tmp_path / "a.png").touch()
    (tmp_path / "guide" / "index.html").write_text('<h1 id="top"></h1><h2 id="end"></h2>')
    check_links.read_page.cache_clear()
    assert check_links.main(str(tmp_path)) == 0


def test_a_folder_without_a_site_is_an_error(check_links, tmp_path, capsys):
    assert check_links.main(str(tmp_path)) == 1
    assert "build the site first" in capsys.readouterr().err


# Pages whose code needs files or other variables, with the tests that cover it.
TESTED_ELSEWHERE = {
    "alignment": "test_alignment.py",
    "transfer": "test_transfer.py",
    "weights": "test_loading.py",
}


# Pages whose code needs packages that pytest does not install by itself. Warnings that these
# packages cause in others are ignored.
PACKAGES = {
    "clusters": ["distributed"],
    "moabb": ["moabb"],
    "other_libraries": ["captum", "dask", "mne_bids", "optuna", "pandas", "pyriemann"],
    "scikit_learn_tools": ["imblearn"],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in GUIDE if page.stem not in TESTED_ELSEWHERE],
    ids=lambda path: path.stem,
)
def test_code_of_the_user_guide_runs(page, tmp_path, monkeypatch):
    """Run the blocks of a page in order, with the variables that index.md defines."""
    monkeypatch.chdir(tmp_path)
    if page.stem in PACKAGES:
        warnings.simplefilter("ignore")
    for package in PACKAGES.get(page.stem, ()):
        pytest.importorskip(package, reason="requires the extra ecosystem")
    blocks = re.findall(
        r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    epochs, y, subjects = make_motor_imagery(
        n_subjects=3, n_trials=16, n_chans=6, as_epochs=True, random_state=0
    )
    session = {"epochs": epochs, "y": y, "subjects": subjects, "X": epochs.get_data()}
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"{page.name}, python block {number}", "exec"), session)


def test_table_of_networks_has_means_of_complete_scores_only(site_pages, tmp_path):
    rows = ["data,library,method,trials,seed,part,score,seconds,n_parameters,device,machine"]
    for part in (1, 3):
        rows += [
            f"bci_iv_2b,eegsk,EEGNet,aligned,0,{part},0.{6 + part},10,2146,cpu,x",
            f"bci_iv_2b,braindecode,EEGNet,aligned,0,{part},0.5,10,2146,cpu,x",
        ]
    rows += ["bci_iv_2b,pyRiemann,tangent space,aligned,0,1,0.9,2,,cpu,x"]
    path = tmp_path / "networks.csv"
    path.write_text("\n".join(rows))
    section = site_pages.network_section(path).splitlines()
    table = [line for line in section if line.startswith("|")]
    assert table[2:] == [
        "| `EEGNet` | 2,146 | 10 s | 0.800 |",
        "| tangent space (pyRiemann) | - | 2 s |  |",
    ]
    assert not any("eegmmidb" in line for line in section)
    rows += [f"eegmmidb,eegsk,EEGNet,raw,0,{part},0.6,20,2610,cuda,x" for part in range(5)]
    path.write_text("\n".join(rows))
    assert "| `EEGNet` | 2,146 / 2,610 | 10 s / - | - / 20 s | 0.800 | 0.600 |" in (
        site_pages.network_section(path).splitlines()
    )
    assert site_pages.network_section(tmp_path / "missing.csv") == ""
