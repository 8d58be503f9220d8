"""A map of an index as one HTML file: a click on a location shows its dates and their noise."""

import html
import math
import os
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import numpy as np
from branca.colormap import LinearColormap
from branca.element import Element, Figure
from numpy.typing import NDArray

from geo_noisy.regions.dates.read import DAY_S, from_seconds
from geo_noisy.regions.pair_index import PairIndex
from geo_noisy.regions.windows.grid import WGS84
from geo_noisy.whole_file import whole_file

_COLORS = ('#2b83ba', '#ffffbf', '#d7191c')
_UNKNOWN_COLOR = '#888888'
_PAIRS_LISTED = 45
_POPUP = '<div style="max-height:45vh;overflow-y:auto;white-space:nowrap">'  # ten dates make more lines than a screen
_STATES = {1: 'noisy', 0: 'clean', -1: 'unknown'}


def write_map(index: PairIndex, path: str | os.PathLike[str], *, most: int = 20_000, seed: int = 0) -> int:
    """Write a map that needs no network: scripts and styles are inside, and there is no background.

    Args:
        index: The index.
        path: HTML file to write.
        most: Most locations to show, for browsers draw more with delay; of more, that many at random are shown.
        seed: Seed of that choice.

    Returns:
        Number of locations shown.
    """
    rows = np.arange(len(index))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
    page = _page(_locations(index, rows))
    with whole_file(Path(path)) as unfinished:
        page.get_root().save(os.fspath(unfinished))
    return len(rows)


def describe_location(index: PairIndex, location: int) -> str:
    """Dates of a location and the noise of its pairs, as HTML."""
    start, stop = index.offsets[location], index.offsets[location + 1]
    dates = [str(date.date()) for date in from_seconds(index.times[start:stop])]
    files = [os.path.basename(paths[0]) for paths in index.files['paths'].iloc[index.dates[start:stop]]]
    rows = _pairs_of(index, location)
    listed = rows[:_PAIRS_LISTED]
    noises, flags = index.noises(listed), index.flags(listed)
    days = np.diff(index.pair_times(listed), axis=1)[:, 0] / DAY_S
    lines = [_POPUP, f'<b>location {location}</b>, place {index.locations.place[location]}<br>']
    lines += [f'{date} {html.escape(file)}<br>' for date, file in zip(dates, files, strict=True)]
    lines += ['<table style="text-align:left"><tr><th>pair</th><th>days</th><th></th><th>noise</th></tr>']
    for (_, earlier, later), gap, flag, noise in zip(listed, days, flags, noises, strict=True):
        share = '?' if math.isnan(noise) else f'{noise:.3f}'
        lines.append(
            f'<tr><td>{dates[earlier]} / {dates[later]}</td><td>{gap:.0f}</td><td>{_STATES[int(flag)]}</td>'
            f'<td>{share}</td></tr>'
        )
    more = f'and {len(rows) - len(listed)} more pairs' if len(rows) > len(listed) else ''
    return ''.join([*lines, '</table>', more, '</div>'])


def _pairs_of(index: PairIndex, location: int) -> NDArray[np.int64]:
    """All pairs of a location, sorted by date."""
    parts = []
    for stratum in index.strata:
        locations, starts = index.spans(stratum)
        at = int(np.searchsorted(locations, location))
        if at < len(locations) and locations[at] == location:
            parts.append(index.keys(stratum, np.arange(starts[at], starts[at + 1])))
    rows = np.concatenate([np.empty((0, 3), dtype=np.int64), *parts])
    return rows[np.lexsort(rows.T[::-1])]


def _locations(index: PairIndex, rows: NDArray[np.int64]) -> gpd.GeoDataFrame:
    """Windows in longitude and latitude, with the share of noisy pairs and the text of their popups."""
    noisy, clean = (index.strata[name].counts(len(index))[rows] for name in ('noisy', 'clean'))
    with np.errstate(invalid='ignore'):
        share = noisy / (noisy + clean)
    columns = {'share': share, 'text': [describe_location(index, int(row)) for row in rows]}
    return gpd.GeoDataFrame(columns, geometry=index.windows_in(WGS84)[rows], crs=WGS84)


def _page(locations: gpd.GeoDataFrame) -> folium.Map:
    page = folium.Map(tiles=None, prefer_canvas=True, control_scale=True)
    page.default_js, page.default_css = [], []  # folium would load them from the network
    figure = page.get_root()
    if not isinstance(figure, Figure):
        raise TypeError('folium has changed: a map no longer stands in a figure of branca.')
    figure.header.add_child(Element(_leaflet()), name='leaflet')
    colors = LinearColormap(_COLORS, vmin=0, vmax=1, caption='share of noisy pairs (grey: unknown)')

    def _style(feature: dict[str, Any]) -> dict[str, Any]:
        share = feature['properties']['share']
        color = _UNKNOWN_COLOR if share is None or math.isnan(share) else colors(share)
        return {'fillColor': color, 'color': '#333333', 'weight': 1, 'fillOpacity': 0.6}

    folium.GeoJson(
        locations,
        style_function=_style,
        popup=folium.GeoJsonPopup(fields=['text'], labels=False, max_width=420),
    ).add_to(page)
    figure.html.add_child(Element(_legend()))
    left, bottom, right, top = locations.total_bounds
    page.fit_bounds([[bottom, left], [top, right]])
    return page


def _leaflet() -> str:
    """Leaflet itself, from the package XStatic-Leaflet, to stand in the page."""
    package = distribution('XStatic-Leaflet')
    files = [
        Path(str(package.locate_file(f'xstatic/pkg/leaflet/data/{name}'))) for name in ('leaflet.css', 'leaflet.js')
    ]
    style, script = (file.read_text(encoding='utf-8') for file in files)
    return f'<style>{style}</style><script>{script}</script>'


def _legend() -> str:
    """Colours of the map; branca's own legend would need D3 from the network."""
    gradient = ', '.join(_COLORS)
    return (
        '<div style="position:fixed;top:10px;right:10px;z-index:1000;background:white;padding:6px 10px;'
        'font:13px sans-serif;border:1px solid #999">share of noisy pairs'
        f'<div style="height:12px;width:180px;background:linear-gradient(to right,{gradient})"></div>'
        f'0<span style="float:right">1</span><br><span style="color:{_UNKNOWN_COLOR}">&#9632;</span> unknown</div>'
    )
