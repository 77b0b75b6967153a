"""The site: sphinx-build -W -b html docs site. Offline; what needs minutes is committed (docs/gallery_output/)."""
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE / "_ext")]
os.environ["COLUMNS"] = "100"      # of the help of the command line

import refapprox  # noqa: E402

project, author = "refapprox", "the refapprox developers"
copyright = "2026, the refapprox developers"
version = release = refapprox.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "plain_docstrings", "numpydoc",
              "sphinx.ext.mathjax", "sphinx-mathjax-offline", "sphinx.ext.viewcode", "sphinxcontrib.bibtex",
              "sphinx_gallery.gen_gallery", "sphinx_copybutton", "reference_pages", "gallery_outputs", "api_links",
              "lesson_pages", "search_words"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
exclude_patterns = ["_ext", "gallery_output", "gallery_sources", "site", "README.md", "lessons/*.ipynb"]
templates_path = ["_templates"]

myst_enable_extensions = ["dollarmath", "amsmath", "deflist"]
myst_heading_anchors = 4
myst_dmath_double_inline = True
suppress_warnings = ["myst.header", "config.cache", "ref.python"]      # ref.python: compat has the same names

autosummary_generate = True
autodoc_typehints = "none"      # the docstrings say kind, shape and unit
autodoc_member_order = "bysource"
default_role = "code"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
bibtex_bibfiles = ["references.bib"]
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"

sphinx_gallery_conf = {
    "examples_dirs": ["gallery_sources"],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"/(minimal_cnn|one_neuron)\.py$",      # for the others see gallery_outputs
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "matplotlib_animations": False,
    "write_computation_times": False,
    "show_signature": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "refapprox"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": True,
    "show_toc_level": 2,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "header_links_before_dropdown": 6,
    "icon_links": [],
    "use_edit_page_button": False,
}
mathjax3_config = {"tex": {"tags": "none"}}
