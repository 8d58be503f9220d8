"""``geo-noisy change``: maps of change between dates, and change per polygon."""

from collections.abc import Sequence

from geo_noisy.commands.parsing.options import Chosen, Options
from geo_noisy.commands.parsing.outputs import check_outputs
from geo_noisy.commands.parsing.scene_options import chosen_scenes, output_folder, take_scenes
from geo_noisy.inference.change import map_change
from geo_noisy.inference.footprints import read_footprints, score_footprints
from geo_noisy.inference.load import prepare_encoder
from geo_noisy.regions.files.remote import Remote


def run(command: str, words: Sequence[str]) -> int:
    """Write the maps and the table, and say where."""
    options = Options(command, __doc__)
    options.add('-o', '--output', required=True, text='folder to write')
    take_scenes(options)
    options.take(prepare_encoder, 'encoder')
    options.take(map_change, 'change', skip=('scenes', 'network', 'folder'))
    names = {'layer': 'footprint_layer', 'crs': 'footprint_crs'}
    options.take(read_footprints, 'per polygon', names=names, needs='footprints')
    options.take(score_footprints, 'scores of polygons', skip=('maps', 'footprints', 'output'), needs='footprints')
    chosen = options.parse(words)
    with chosen.call(Remote).applied():
        return _change(chosen)


def _change(chosen: Chosen) -> int:
    footprints = chosen.call(read_footprints) if chosen['footprints'] else None
    encoder, network = chosen.call(prepare_encoder)
    scenes = chosen_scenes(chosen, trained=encoder.images, channels=encoder.in_channels)
    folder = output_folder(chosen['output'])
    table = folder / 'footprints.parquet'
    if footprints is not None:
        check_outputs({'--output': str(table)}, [*chosen['images'], chosen['footprints']])
    maps = chosen.call(map_change, scenes, network, folder)
    print(f'{len(maps)} maps of change, cells of {network.cell_px} px:')
    print('\n'.join(f'  {change.path}' for change in maps))
    if footprints is not None:
        found = chosen.call(score_footprints, maps, footprints, table)
        scored = ', with a calibrated score' if 'score' in found.columns else ''
        print(f'{len(found):,} polygons and dates{scored}: {table}')
    return 0
