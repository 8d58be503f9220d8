"""``geo-noisy index``: from images to a file of pairs, with an audit."""

import argparse
from pathlib import Path

from geo_noisy.audit.map import write_map
from geo_noisy.audit.report import audit
from geo_noisy.pairs.source import STRATA
from geo_noisy.regions.build import build_index
from geo_noisy.regions.files.item_tables import scan_table
from geo_noisy.regions.files.scan import FileScan, scan_rasters
from geo_noisy.regions.noise.change_rasters import change_raster
from geo_noisy.regions.noise.polygons import ChangePolygons, change_polygons
from geo_noisy.regions.pair_index import PairIndex
from geo_noisy.regions.rules import PairRules
from geo_noisy.regions.windows.coverage import Limits
from geo_noisy.regions.windows.reader import UnreadableFileError

_OF_POLYGONS = (
    'layer', 'class_column', 'noisy_classes', 'event_column', 'recovered_column', 'polygons_crs', 'ground',
    'ground_layer',
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``geo-noisy index``."""
    parser.add_argument('images', nargs='*', help='GeoTIFFs, folders of them, or patterns')
    parser.add_argument('-o', '--output', required=True, help='GeoParquet file to write')
    parser.add_argument('--map', metavar='HTML', help='also write a map; a click on a location shows its dates')
    _add_dates(parser.add_argument_group('dates and tables'))
    _add_windows(parser.add_argument_group('windows'))
    _add_limits(parser.add_argument_group('what a window must offer'))
    _add_noise(parser.add_argument_group('noise'))
    _add_pairs(parser.add_argument_group('pairs'))
    _add_splits(parser.add_argument_group('train, validation and test'))


def run(args: argparse.Namespace) -> int:
    """Index images, print the audit, write the file and the map.

    Raises:
        ValueError: If the arguments or the images cannot serve, with the reasons.
        FileNotFoundError: If a path leads nowhere.
    """
    for path in (args.output, args.map):
        if path and not Path(path).absolute().parent.is_dir():
            raise FileNotFoundError(f'The folder of {path} does not exist; make it first.')
    scan = _scan(args)
    index = _with_noise(_build(scan, args), scan, args)
    if sum(index.count(stratum) for stratum in STRATA) == 0:
        raise ValueError(f'No two dates of any of {len(index)} locations make a pair under these rules: {index.rules}.')
    if args.split is not None:
        index = index.with_splits(
            shares=args.split, block_px=args.block_px, margin_px=args.margin_px, seed=args.split_seed
        )
    if args.statistics:
        index = _with_statistics(index, args)
    index.write(args.output)
    print(audit(index))
    print(f'Written:    {args.output}')
    if args.map:
        shown = write_map(index, args.map)
        print(f'Map:        {args.map} ({shown:,} of {len(index):,} locations)')
    return 0


def _with_statistics(index: PairIndex, args: argparse.Namespace) -> PairIndex:
    try:
        return index.with_statistics(windows=args.statistics, seed=args.split_seed)
    except UnreadableFileError as error:
        raise ValueError(f'The bands have no statistics, as a file is damaged: {error}') from error


def _build(scan: FileScan, args: argparse.Namespace) -> PairIndex:
    return build_index(
        scan,
        size_px=args.size_px,
        stride_px=args.stride_px,
        crs=args.crs,
        res=_res(args.res),
        limits=Limits(
            footprint=args.footprint,
            max_nodata=args.max_nodata,
            max_cloud=args.max_cloud,
            cloud_band=args.cloud_band,
            cloud_values=tuple(args.cloud_values),
        ),
        rules=PairRules(
            min_gap_days=args.min_gap_days,
            max_gap_days=args.max_gap_days,
            same_sensor=args.same_sensor,
            same_season=args.same_season,
            single=args.single,
            min_noise=args.min_noise,
        ),
        place_px=args.place_px,
    )


def _scan(args: argparse.Namespace) -> FileScan:
    if bool(args.images) == bool(args.table):
        raise ValueError('Give images, or a table of them (--table), not both.')
    if args.table:
        return scan_table(
            args.table,
            date_column=args.date_column,
            date_format=args.date_format,
            path_column=args.path_column,
            assets=args.assets,
            cloud_column=args.cloud_column,
            sensor_column=args.sensor_column,
            root=args.table_root,
        )
    return scan_rasters(
        args.images,
        date_regex=args.date_regex,
        date_format=args.date_format,
        date_tag=args.date_tag,
        sensor_regex=args.sensor_regex,
    )


def _res(values: list[float] | None) -> float | tuple[float, float] | None:
    if values is None:
        return None
    if len(values) > 2:
        raise ValueError(f'--res takes one number, or x and y; {len(values)} were given.')
    return (values[0], values[1]) if len(values) == 2 else values[0]


def _with_noise(index: PairIndex, scan: FileScan, args: argparse.Namespace) -> PairIndex:
    _check_noise_options(args)
    polygons = _polygons(args)
    idle = set(args.date_format or ()) - scan.date_formats - (polygons.date_formats if polygons else frozenset())
    if idle:
        raise ValueError(f'No date is written as {" or ".join(sorted(idle))} (--date-format).')
    return index if polygons is None else index.with_noise(polygons, method=args.noise)


def _polygons(args: argparse.Namespace) -> ChangePolygons | None:
    if args.change_raster:
        return change_raster(*args.change_raster, event_date=args.event_date, date_format=args.date_format)
    if not args.polygons:
        return None
    return change_polygons(
        args.polygons,
        layer=args.layer,
        class_column=args.class_column,
        noisy_classes=args.noisy_classes,
        event_date=args.event_date,
        event_column=args.event_column,
        recovered_column=args.recovered_column,
        date_format=args.date_format,
        crs=args.polygons_crs,
        ground=args.ground,
        ground_layer=args.ground_layer,
    )


def _check_noise_options(args: argparse.Namespace) -> None:
    """Nothing that was asked for is passed over in silence."""
    if args.polygons and args.change_raster:
        raise ValueError('Give --polygons or --change-raster, not both.')
    idle = [] if args.polygons else [name for name in _OF_POLYGONS if getattr(args, name) is not None]
    if not (args.polygons or args.change_raster) and args.event_date is not None:
        idle.append('event_date')
    if idle:
        names = ', '.join(f'--{name.replace("_", "-")}' for name in idle)
        raise ValueError(f'{names} says something about polygons; give them too (--polygons).')


def _add_dates(group: argparse._ArgumentGroup) -> None:
    group.add_argument('--date-regex', help='finds the date in a file name, in a group named "date"')
    group.add_argument(
        '--date-format', action='append', help='how dates are written, e.g. %%d%%m%%Y; may be given several times'
    )
    group.add_argument('--date-tag', help='TIFF tag with the date, e.g. TIFFTAG_DATETIME')
    group.add_argument('--sensor-regex', help='finds the sensor in a file name')
    group.add_argument('--table', help='STAC-GeoParquet, or Parquet or CSV with paths and dates, instead of images')
    group.add_argument('--date-column', default='datetime', help='column of the table (%(default)s)')
    group.add_argument('--path-column', help='column of the table; STAC assets by default')
    group.add_argument('--assets', nargs='+', help='STAC assets in band order')
    group.add_argument('--cloud-column', default='eo:cloud_cover', help='cover in percent (%(default)s)')
    group.add_argument('--sensor-column', default='platform', help='column of the table (%(default)s)')
    group.add_argument('--table-root', default='', help='folder that relative paths start from')


def _add_windows(group: argparse._ArgumentGroup) -> None:
    group.add_argument('--size-px', type=int, default=256, help='side of a window (%(default)s)')
    group.add_argument('--stride-px', type=int, help='distance of windows; the side by default')
    group.add_argument('--place-px', type=int, help='side of a place where windows overlap; four windows')
    group.add_argument('--crs', help='projected target CRS; chosen for each site by default')
    group.add_argument('--res', type=float, nargs='+', help='target pixel size, one number or x and y')


def _add_limits(group: argparse._ArgumentGroup) -> None:
    group.add_argument('--footprint', choices=('data', 'bounds'), default='data', help='read masks, or trust bounds')
    group.add_argument('--max-nodata', type=float, default=0.1, help='largest share without data (%(default)s)')
    group.add_argument('--max-cloud', type=float, help='largest cloud cover in percent')
    group.add_argument('--cloud-band', type=int, help='band, from 1, that marks clouds')
    group.add_argument('--cloud-values', type=int, nargs='+', default=[1], help='its values that are clouds')


def _add_noise(group: argparse._ArgumentGroup) -> None:
    group.add_argument('--polygons', help='polygons of change, any file that geopandas reads')
    group.add_argument('--layer', help='layer of that file; needed where it has several')
    group.add_argument('--polygons-crs', help='CRS of polygons that state none')
    group.add_argument('--class-column', help='column with the class of a polygon')
    group.add_argument('--noisy-classes', nargs='+', help='classes that count; all by default')
    group.add_argument('--event-date', help='when it happened: a date, or two as START/STOP')
    group.add_argument('--event-column', help='column with that for each polygon')
    group.add_argument('--recovered-column', help='column with the date when it looked as before again')
    group.add_argument('--ground', help='polygons of the ground that was looked at; noise elsewhere is unknown')
    group.add_argument('--ground-layer', help='layer of that file')
    group.add_argument('--change-raster', nargs='+', help='rasters with 1 = changed, in place of polygons')
    group.add_argument(
        '--noise', choices=('area', 'raster'), default='area', help='how shares are measured (%(default)s)'
    )
    group.add_argument('--min-noise', type=float, default=0.0, help='a pair is noisy above this (%(default)s)')


def _add_pairs(group: argparse._ArgumentGroup) -> None:
    group.add_argument('--min-gap-days', type=float, default=0.0, help='smallest gap (%(default)s)')
    group.add_argument('--max-gap-days', type=float, help='largest gap')
    group.add_argument('--same-sensor', action='store_true', help='both dates from one sensor')
    group.add_argument('--same-season', action='store_true', help='both dates from one quarter, winter from December')
    group.add_argument('--single', choices=('drop', 'self'), default='drop', help='locations with one date')


def _add_splits(group: argparse._ArgumentGroup) -> None:
    group.add_argument('--split', type=float, nargs=3, metavar=('TRAIN', 'VAL', 'TEST'), help='shares of locations')
    group.add_argument('--block-px', type=int, help='side of a block; eight windows by default')
    group.add_argument('--margin-px', type=int, default=0, help='smallest distance of two splits (%(default)s)')
    group.add_argument('--split-seed', type=int, default=0, help='seed of splits and statistics (%(default)s)')
    group.add_argument('--statistics', type=int, default=256, help='windows for band means; 0 for none (%(default)s)')
