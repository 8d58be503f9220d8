"""Options come from signatures, with dashes, and nothing that was asked for is passed over."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest

from geo_noisy.commands.parsing.option_types import words_of
from geo_noisy.commands.parsing.options import Chosen, Options
from geo_noisy.errors import UsageError


def cut(
    *paths: str | os.PathLike[str],
    size_px: int = 8,
    res: float | tuple[float, float] | None = None,
    shares: Sequence[float] = (0.5, 0.5),
    align: Literal['snap', 'resample'] = 'snap',
    same: bool = False,
) -> dict[str, Any]:
    """Cut images.

    Args:
        paths: Images, ``.tif``.
        size_px: Side of the windows,
            at 100 %.
        res: Pixel size.
        shares: Shares, see :func:`~geo_noisy.x`.
        align: How.
        same: Both of one sensor.
    """
    return dict(locals())


@dataclass
class Rules:
    """Rules.

    Attributes:
        least: Least gap in days.
    """

    least: float = 0.0


def noise(polygons: str | os.PathLike[str], *, column: str | None = None) -> tuple[str | os.PathLike[str], str | None]:
    """Measure noise."""
    return polygons, column


def listing(date_format: str | Sequence[str] | None = None) -> str | Sequence[str] | None:
    """Take one text or several."""
    return date_format


def handing_on(name: str = 'x', **rules: Any) -> tuple[str, Rules]:
    """Hand arguments on."""
    return name, Rules(**rules)


def parse(*words: str) -> Chosen:
    options = Options('cut', 'Cut.')
    options.add('-o', '--output', text='file', required='--need' in words)
    options.take(cut, 'windows', names={'paths': 'images'}, positional='images')
    options.take(Rules, 'rules')
    options.take(handing_on, 'handing on')
    options.take(noise, 'noise', names={'column': 'class_column'}, needs='polygons')
    return options.parse([word for word in words if word != '--need'])


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        ([], {}),
        (['--size-px', '64'], {'size_px': 64}),
        (['--size-px=64'], {'size_px': 64}),
        (['--res', '2'], {'res': 2.0}),
        (['--res', '2', '3.5'], {'res': (2.0, 3.5)}),
        (['--shares', '.7', '.2', '.1'], {'shares': (0.7, 0.2, 0.1)}),
        (['--align', 'resample'], {'align': 'resample'}),
        (['--same'], {'same': True}),
    ],
)
def test_values_reach_the_function(words: list[str], expected: dict[str, Any]) -> None:
    defaults = {'size_px': 8, 'res': None, 'shares': (0.5, 0.5), 'align': 'snap', 'same': False}
    assert parse('a.tif', 'b.tif', *words).call(cut) == {'paths': ('a.tif', 'b.tif'), **defaults, **expected}


def test_a_dataclass_and_own_arguments() -> None:
    chosen = parse('a.tif', '-o', 'out', '--least', '2')
    assert chosen.call(Rules) == Rules(2.0)
    assert chosen['output'] == 'out'


def test_what_a_function_hands_on_comes_from_the_one_that_takes_it() -> None:
    chosen = parse('a.tif', '--name', 'y', '--least', '2')
    assert chosen.call(handing_on, **chosen.values(Rules)) == ('y', Rules(2.0))


def test_a_text_may_be_given_by_naming_the_option_again() -> None:
    options = Options('cut', 'Cut.')
    options.take(listing, 'list')
    assert options.parse(['--date-format', 'a', '--date-format', 'b']).call(listing) == ('a', 'b')
    assert options.parse(['--date-format', 'a', 'b']).call(listing) == ('a', 'b')
    assert options.parse([]).call(listing) is None


def test_a_function_that_needs_an_option() -> None:
    assert parse('a.tif', '--polygons', 'p.gpkg', '--class-column', 'kind').call(noise) == ('p.gpkg', 'kind')
    assert parse('a.tif')['polygons'] is None


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['--size-px', 'big'], r'^--size-px: expected int, got big; `geo-noisy cut --help` lists the options\.$'),
        (['--size_px', '3'], r'^unrecognized arguments: --size_px 3; did you mean --size-px\?'),
        (['--res', '1', '2', '3'], r'^--res takes 1 or 2 values; 3 were given: 1\.0 2\.0 3\.0\.$'),
        (['--res', 'nan'], r'^--res: expected float, got nan; '),
        (['--need'], r'^the following arguments are required: --output; '),
        (['--res', '.nan'], r'^--res is nan; give a number\.$'),
        (['--shares', '1', '1e999'], r'^--shares is inf; give a number\.$'),
        (['--align', 'no'], r"^--align: expected one of 'snap', 'resample', got no; "),
        (['--class-column', 'kind'], r'^--class-column cannot act without --polygons; give that, too\.$'),
    ],
)
def test_wrong_words_are_told_in_one_line(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse('a.tif', *words)
    assert '\n' not in str(caught.value)


def test_help_has_what_the_docstrings_say(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match='0'):
        parse('--help')
    printed = ' '.join(capsys.readouterr().out.split())
    for text in ('Side of the windows, at 100 %.', 'Images, .tif.', 'see geo_noisy.x.', 'Least gap in days.'):
        assert text in printed
    assert 'size_px' not in printed


def test_two_functions_cannot_bring_one_option() -> None:
    options = Options('cut', 'Cut.')
    options.take(Rules, 'rules')
    with pytest.raises(TypeError, match='least of Rules is an option already'):
        options.take(Rules, 'rules')
    options.take(Rules, 'rules', names={'least': 'fewest'})


def gather(*tables: Path, output: Path | None = None) -> tuple[tuple[Path, ...], Path | None]:
    """Gather tables."""
    return tables, output


def test_paths_are_paths_and_the_help_does_not_show_their_class(capsys: pytest.CaptureFixture[str]) -> None:
    options = Options('gather', 'Gather.')
    options.take(gather, 'gather', positional='tables')
    assert options.parse(['a', 'b', '--output', 'c']).call(gather) == ((Path('a'), Path('b')), Path('c'))
    assert options.parse(['a']).call(gather) == ((Path('a'),), None)
    with pytest.raises(SystemExit):
        options.parse(['--help'])
    assert '<class' not in capsys.readouterr().out


@pytest.mark.parametrize(
    ('hint', 'item', 'counts', 'scalar'),
    [
        (int | None, int, {1}, True),
        (str | os.PathLike[str], str, {1}, True),
        (str | Path, str, {1}, True),
        (tuple[float, float, float], float, {3}, False),
        (Sequence[str] | None, str, set(), False),
        (str | Sequence[str], str, set(), True),
        (float | tuple[float, float], float, {1, 2}, True),
    ],
)
def test_words_of_a_type(hint: Any, item: Any, counts: set[int], scalar: bool) -> None:
    words = words_of(hint)
    assert (words.item, words.counts, words.scalar) == (item, counts, scalar)


def test_a_type_that_words_cannot_say() -> None:
    with pytest.raises(TypeError, match='No words on a command line say'):
        words_of(dict[str, int])
