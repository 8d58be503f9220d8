"""The documentation site: `make docs` builds it into docs/_build/html."""

import os
import sys
from pathlib import Path

import geo_noisy

sys.path.insert(0, str(Path(__file__).parent))
# Commands that a page runs to show their help do so without colours, at one width on every machine, that of a page.
os.environ |= {'NO_COLOR': '1', 'COLUMNS': '72'}

project = 'geo-noisy'
author = 'the geo-noisy authors'
release = version = geo_noisy.__version__

extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.napoleon',
    'sphinx-mathjax-offline',  # formulas without a network
    'sphinx_copybutton',
    'sphinxcontrib.programoutput',
    'package_pages',
]
exclude_patterns = ['_build']

myst_enable_extensions = ['colon_fence', 'dollarmath', 'deflist']
myst_heading_anchors = 3
# A bare block of code is what a program prints.
highlight_language = 'none'

autodoc_default_options = {'members': True, 'show-inheritance': True, 'member-order': 'groupwise'}
autodoc_typehints = 'description'
autodoc_typehints_description_target = 'documented'
autodoc_class_signature = 'separated'
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # attributes of data classes are documented once

copybutton_prompt_text = '$ '
copybutton_only_copy_prompt_lines = False

html_theme = 'pydata_sphinx_theme'
html_title = f'geo-noisy {release}'
html_theme_options = {
    'show_toc_level': 2,
    'navigation_with_keys': False,
    'secondary_sidebar_items': ['page-toc'],
    'navbar_end': ['theme-switcher'],
    'navbar_persistent': ['search-button'],
    'footer_start': ['copyright'],
    'footer_end': [],
    'header_links_before_dropdown': 7,
}
html_show_sourcelink = False
html_static_path = ['_static']
html_css_files = ['site.css']
# Pages without pages below them have nothing to list on the left.
html_sidebars = {name: [] for name in ('index', 'quickstart', 'concepts', 'glossary', 'troubleshooting')}
