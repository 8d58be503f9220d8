"""``geo-noisy index``: find temporal pairs in images, and say how noisy they are."""

from collections.abc import Sequence

from geo_noisy.audit.indexed_estimates import estimate_index
from geo_noisy.audit.report import audit
from geo_noisy.commands.parsing.options import Chosen, Options
from geo_noisy.commands.parsing.outputs import check_outputs
from geo_noisy.engines import working_on
from geo_noisy.errors import UsageError, printable
from geo_noisy.regions.build import build_index
from geo_noisy.regions.dates.formats import as_formats
from geo_noisy.regions.files.file_scan import FileScan, scan_captures
from geo_noisy.regions.files.find import find_rasters
from geo_noisy.regions.files.item_tables import scan_table
from geo_noisy.regions.files.remote import Remote
from geo_noisy.regions.files.scan import scan_rasters
from geo_noisy.regions.noise.change_rasters import change_raster
from geo_noisy.regions.noise.polygons import ChangePolygons, change_polygons
from geo_noisy.regions.pair_index import PairIndex
from geo_noisy.regions.rules import PairRules
from geo_noisy.regions.windows.coverage import Limits


def run(command: str, words: Sequence[str]) -> int:
    """Index images, print the audit, write the file and the map.

    Raises:
        UsageError: If the command line is wrong.
        ValueError: If the images cannot serve, with the reasons.
        FileNotFoundError: If a path leads nowhere.
    """
    chosen = _options(command).parse(words)
    if chosen['thumbnails'] and not chosen['map']:
        raise UsageError('--thumbnails cannot act without --map; give that, too.')
    with chosen.call(Remote).applied(), chosen.call(working_on):
        return _index(chosen)


def _index(chosen: Chosen) -> int:
    scan = _scan(chosen)
    limits, rules = chosen.call(Limits), chosen.call(PairRules)
    index: PairIndex = chosen.call(build_index, scan, limits=limits, rules=rules)
    polygons = _polygons(chosen)
    _check_formats(chosen['date_format'], scan, polygons)
    if polygons is None:
        _refuse_noise_options(chosen)
    else:
        index = chosen.call(PairIndex.with_noise, index, polygons)
    chosen.call(PairIndex.check_pairs, index)
    if chosen['split']:
        index = chosen.call(PairIndex.with_splits, index)
    if chosen['statistics']:
        index = chosen.call(PairIndex.with_statistics, index)
    if chosen['estimate_noise']:
        index = chosen.call(estimate_index, index)
    index.write(chosen['output'])
    print(printable(str(audit(index))))
    print(f'Written:    {chosen["output"]}')
    if chosen['map']:
        from geo_noisy.audit.map import write_map  # here, as pictures of windows bring torch

        remote = chosen.call(Remote)
        shown = write_map(index, chosen['map'], thumbnails=chosen['thumbnails'], remote=remote)
        print(f'Map:        {chosen["map"]} ({len(index):,} locations, {shown:,} of them with pictures)')
    return 0


def _options(command: str) -> Options:
    """Options from the signatures of what makes an index; a new parameter there is a new option here."""
    options = Options(command, __doc__)
    options.add('-o', '--output', required=True, metavar='FILE', text='GeoParquet file to write')
    options.add('--map', metavar='HTML', text='also write a map: all locations, and both dates of up to 500 windows')
    text = 'also write pictures of all other windows, beside the map; needs --map'
    options.add('--thumbnails', metavar='FOLDER', text=text)
    take = options.take
    take(scan_rasters, 'images', names={'paths': 'images'}, positional='images', needs='images')
    names = {'root': 'table_root'}
    take(scan_table, 'a table in place of images', names=names, shared=('date_format',), needs='table')
    take(scan_captures, 'how files are read', skip=('captures',), shared=('bands',))
    take(Remote, 'files at addresses')
    take(working_on, 'where the work is done')
    take(build_index, 'windows', skip=('scan', 'limits', 'rules'))
    take(Limits, 'what a window must offer')
    names = {'crs': 'polygons_crs'}
    take(change_polygons, 'noise from polygons', names=names, shared=('date_format',), needs='polygons')
    names = {'paths': 'change_raster'}
    shared = ('event_date', 'date_format')
    take(change_raster, 'noise from rasters instead', names=names, shared=shared, needs='change_raster')
    take(PairIndex.with_noise, 'how noise is measured', names={'method': 'noise'}, skip=('polygons',))
    take(PairRules, 'pairs')
    take(PairIndex.check_pairs, 'doubts')
    names = {'shares': 'split', 'seed': 'split_seed'}
    take(PairIndex.with_splits, 'train, validation and test', names=names, needs='split')
    names = {'windows': 'statistics', 'seed': 'split_seed'}
    take(PairIndex.with_statistics, 'bands; --statistics 0 for none', names=names, shared=('split_seed',))
    names = {name: f'estimate_{name}' for name in ('scale', 'reach', 'worst')} | {'weights': 'estimate_noise'}
    skip = ('index', 'batch_size')
    take(estimate_index, 'an estimate without labels', names=names, skip=skip, needs='estimate_noise')
    return options


def _scan(chosen: Chosen) -> FileScan:
    reading = chosen.values(scan_captures)
    outputs = {'--output': chosen['output'], '--map': chosen['map']}
    named = [chosen[option] for option in ('table', 'polygons', 'ground', 'estimate_noise')]
    named += chosen['change_raster'] or ()
    named = [path for path in named if path is not None]
    if bool(chosen['images']) == bool(chosen['table']):
        raise UsageError('give images, or a table of them (--table), and not both.')
    if chosen['polygons'] and chosen['change_raster']:
        raise UsageError('give --polygons or --change-raster, not both.')
    if not chosen['table']:
        check_outputs(outputs, [*named, *find_rasters(chosen['images'])])
        return chosen.call(scan_rasters, **reading)
    check_outputs(outputs, named)
    scan: FileScan = chosen.call(scan_table, **reading)
    check_outputs(outputs, [path for paths in scan.files['paths'] for path in paths])
    return scan


def _polygons(chosen: Chosen) -> ChangePolygons | None:
    if chosen['polygons']:
        return chosen.call(change_polygons)
    return chosen.call(change_raster) if chosen['change_raster'] else None


def _refuse_noise_options(chosen: Chosen) -> None:
    given = [
        flag for flag, idle in (('--noise', 'area'), ('--min-noise', 0.0)) if chosen[flag[2:].replace('-', '_')] != idle
    ]
    if given:
        raise UsageError(
            f'{" and ".join(given)} cannot act where nothing tells of change; give --polygons or --change-raster, too.'
        )


def _check_formats(asked: str | tuple[str, ...] | None, scan: FileScan, polygons: ChangePolygons | None) -> None:
    idle = set(as_formats(asked)) - scan.date_formats - (polygons.date_formats if polygons else frozenset())
    if idle:
        raise UsageError(f'No date is written as {" or ".join(sorted(idle))} (--date-format).')
