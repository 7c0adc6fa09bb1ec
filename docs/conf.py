"""How Sphinx makes the documentation; `make docs` calls it by tools/docs.py.

The source is the whole checkout, of which `include_patterns` takes the pages: so the links of
docs/*.md to notebooks and the changelog are the same here and where the repository is read.
"""

from __future__ import annotations

import sys
from pathlib import Path

import taskkit

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "taskkit"
author = "the authors of taskkit"
version = release = taskkit.__version__
copyright = "the authors of taskkit, MIT licence"  # noqa: A001 — Sphinx' name

root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "notebooks/*.ipynb",
    "notebooks/studies/*.ipynb",
    "clients/js/README.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
]
exclude_patterns = ["**/.ipynb_checkpoints", "docs/_*"]

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "docstrings",
    "math_ml",
    "pages",
    "states",
    "tables",
]

# Text
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "html_image"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
highlight_language = "none"
suppress_warnings = [
    # IPython's magics and terminals' prompts are in blocks that are mostly Python.
    "misc.highlighting_failure",
]

# Notebooks are executed on the stack of tools/docs.py. One that fails is a warning, so an error,
# with its traceback; to raise would end the build before the others are tried, without saying why.
nb_execution_mode = "force"
nb_execution_timeout = 300
nb_execution_raise_on_error = False
nb_execution_show_tb = True
nb_merge_streams = True
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # else pages would ask a CDN for a widget manager
# What a panel leaves is HTML; the widget beside it would be nothing without a kernel.
nb_mime_priority_overrides = [("html", "text/html", 1)]

# Docstrings
nitpicky = True
nitpick_ignore_regex = [
    # Only taskkit's own public names are here; those of others would be fetched from the network.
    (r"py:.*", rf"(?!taskkit\.({'|'.join(taskkit.__all__)})$).*"),
]
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False

# Pages: all that they load is theirs
html_theme = "pydata_sphinx_theme"
html_title = "taskkit"
html_favicon = html_logo = "../taskkit/launcher/icon.svg"
html_context = {"default_mode": "auto"}
html_static_path = ["_static"]
html_extra_path = ["_root"]
html_css_files = ["taskkit.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "taskkit"},
    "navigation_with_keys": False,
    "show_prev_next": True,
    "navbar_align": "left",
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
