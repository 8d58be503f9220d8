"""``geo-noisy search``: find the images of an area in an archive, and keep their list for ``geo-noisy index``."""

from collections.abc import Sequence

from geo_noisy.commands.parsing.options import Options
from geo_noisy.commands.parsing.outputs import check_outputs
from geo_noisy.search.snapshot import search_items


def run(command: str, words: Sequence[str]) -> int:
    """Search, write the table, and say what was found."""
    options = Options(command, __doc__)
    options.add('-o', '--output', required=True, metavar='FILE', text='STAC-GeoParquet file to write')
    options.take(search_items, 'search', positional='area', skip=('output',))
    chosen = options.parse(words)
    check_outputs({'--output': chosen['output']}, [chosen['area'], chosen['stac']])
    print(chosen.call(search_items, output=chosen['output']))
    print(f'Written:    {chosen["output"]}')
    print(f'Next:       geo-noisy index --table {chosen["output"]} --assets ... -o pairs.parquet')
    return 0
