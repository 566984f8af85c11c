"""Sphinx configuration; see CONTRIBUTING.md for the command."""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"
os.environ.pop("EEGSK_DATA", None)  # the gallery shows simulated recordings on every machine

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS.parent), str(DOCS / "_ext")]

import eegsk  # noqa: E402

project = "eegsk"
author = copyright = "eegsk developers"
release = version = eegsk.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "site_pages",
]
root_doc = "index"
exclude_patterns = ["_build", "_ext", "_generated", "_templates"]
templates_path = ["_templates"]
default_role = "code"

# References: those to other libraries have no link, because their pages are not read here.
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(mne|skorch|sklearn|torch)\..*"),
    ("py:obj", r"\w+_"),  # attributes of fitted estimators
    # Methods of base classes that have no page.
    ("py:meth", r"(Architecture|FrontEnd|Schedule)\..*"),
]

# Markdown
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
myst_dmath_double_inline = True

# Formulas: a copy of MathJax in the site, which therefore needs no network.
spec = importlib.util.find_spec("sphinx-mathjax-offline")
MATHJAX = Path(spec.origin).parent / "static" / "mathjax" / "tex-svg.js"
mathjax_path = MATHJAX.name

# Pages of classes and functions
autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False

# Gallery
warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive")
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"[\\/]plot_",
    "within_subsection_order": "site_pages.ExampleOrder",
    "backreferences_dir": "api/backreferences",
    "doc_module": ("eegsk",),
    "inspect_global_variables": False,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "abort_on_example_error": False,
    "parallel": 2,  # without the examples that use n_jobs
    "reset_modules": ("matplotlib",),
    "matplotlib_animations": False,
    "min_reported_time": 1,
    "show_api_usage": False,
}

# Appearance
html_theme = "pydata_sphinx_theme"
html_title = "eegsk"
html_static_path = ["_static", str(MATHJAX)]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "eegsk"},
    "navbar_align": "left",
    "navbar_persistent": [],
    "navbar_end": ["search-button", "theme-switcher"],
    "header_links_before_dropdown": 8,
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "results": [], "whats_new": []}
