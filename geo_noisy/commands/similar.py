"""``geo-noisy similar``: the windows most like one, by their embeddings."""

from collections.abc import Sequence
from pathlib import Path

from geo_noisy.commands.parsing.options import Options
from geo_noisy.commands.parsing.outputs import check_outputs
from geo_noisy.errors import UsageError
from geo_noisy.inference.similar import nearest_windows, row_at
from geo_noisy.inference.window_table import read_windows
from geo_noisy.whole_file import whole_file


def run(command: str, words: Sequence[str]) -> int:
    """Print the windows, and write them where that was asked for.

    Raises:
        UsageError: If the command line is wrong.
    """
    options = Options(command, __doc__)
    options.add('windows', text='GeoParquet file of `geo-noisy embed --by window`')
    options.add('--row', hint=int | None, default=None, text='row of the window to compare with, from 0')
    options.add('-o', '--output', default=None, text='GeoParquet file to write the windows to')
    options.take(row_at, 'the window by its place', skip=('table',), needs='at')
    options.take(nearest_windows, 'search', skip=('table', 'query'))
    chosen = options.parse(words)
    if (chosen['row'] is None) == (not chosen['at']):
        raise UsageError('give the window by --row or by --at LONGITUDE LATITUDE, one of them.')
    check_outputs({'--output': chosen['output']}, [chosen['windows']])
    table = read_windows(chosen['windows'])
    row = chosen['row'] if chosen['row'] is not None else chosen.call(row_at, table)
    found = chosen.call(nearest_windows, table, row)
    middles = found.geometry.to_crs(found.estimate_utm_crs()).centroid.to_crs('EPSG:4326')
    for middle, window in zip(middles, found.to_dict('records'), strict=True):
        place = f'{middle.x:.5f} {middle.y:.5f}'
        print(
            f'row {window["row"]:<7}{window["similarity"]:.4f}  {window["date"]:%Y-%m-%d}  {place}  {window["source"]}'
        )
    if chosen['output']:
        with whole_file(Path(chosen['output'])) as unfinished:
            found.to_parquet(unfinished)
    return 0
