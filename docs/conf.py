"""Settings of the documentation site; `make docs` builds it without network."""

import re

from evenhand import __version__

project = "evenhand"
author = "the evenhand authors"
copyright = "2026, the evenhand authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "sphinx.ext.viewcode"]
exclude_patterns = ["decisions/_*"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

# Docstrings write names in single backticks.
default_role = "code"
autodoc_member_order = "bysource"
# A method explained by its interface is explained there, and only there.
autodoc_inherit_docstrings = False
autodoc_typehints = "signature"
autodoc_default_options = {
    "members": True,
    "undoc-members": False,
    "show-inheritance": False,
    # scikit-learn writes these; their texts refer to its own documentation.
    "exclude-members": "set_fit_request,set_score_request",
}

html_theme = "furo"
html_title = "evenhand"
html_show_sourcelink = False
html_static_path = ["static"]
html_css_files = ["page.css"]


def readable_maths(app, what, name, obj, options, lines):
    """Docstrings write |x| for an absolute value, and equations as indented lines."""
    shown, literal = [], False
    for before, line in zip(["", *lines], lines, strict=False):
        indented = line.startswith("    ")
        if indented and not before.strip() and not literal:
            literal = True
            shown += ["::", ""]
        elif line.strip() and not indented:
            literal = False
        parts = re.split(r"(`[^`]*`)", line)
        plain = "".join(p if p.startswith("`") else p.replace("|", r"\|") for p in parts)
        shown.append(line if literal else plain)
    lines[:] = shown


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", readable_maths)
