"""Names in files, Markdown, figures and CSV."""

import matplotlib.pyplot as plt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_noisy.experiments.names import csv_text, figure_text, file_name, from_csv, markdown, plain


@given(st.text())
def test_file_names_are_safe(text: str) -> None:
    name = file_name(text)
    assert len(name) <= 80
    assert set(name) <= set('abcdefghijklmnopqrstuvwxyz0123456789._-')


def test_long_file_names_stay_apart() -> None:
    assert file_name('a' * 100 + 'b') != file_name('a' * 100 + 'c')
    assert file_name('../../etc/passwd') == '.._.._etc_passwd'


@given(st.text())
def test_csv_text_comes_back(text: str) -> None:
    assert not csv_text(text).startswith(('=', '+', '-', '@'))
    if not text.startswith(("'=", "'+", "'-", "'@")):
        assert from_csv(csv_text(text)) == text


def test_markdown_and_terminals() -> None:
    assert markdown('a|b\n<script>$x$ `c` *d* [e](f) & r_img') == (
        'a\\|b &lt;script>\\$x\\$ \\`c\\` \\*d\\* \\[e\\](f) &amp; r_img'
    )
    assert plain('red \x1b[31m\r\u202e text') == 'red [31m text'


@pytest.mark.parametrize('text', ['$x$', 'cost $5 and $_', '$\\frac$'])
def test_figures_show_text_and_no_formula(text: str) -> None:
    figure = plt.figure()
    drawn = figure.text(0, 0, figure_text(text)).get_window_extent()
    as_it_is = figure.text(0, 0, text, parse_math=False).get_window_extent()
    assert drawn.bounds == as_it_is.bounds
    plt.close(figure)
