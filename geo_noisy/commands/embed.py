"""``geo-noisy embed``: embeddings of scenes, by window as GeoParquet or by cell as cloud-optimised GeoTIFF."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from geo_noisy.commands.parsing.options import Chosen, Options
from geo_noisy.commands.parsing.outputs import check_outputs
from geo_noisy.commands.parsing.scene_options import chosen_scenes, output_folder, take_scenes
from geo_noisy.commands.parsing.signatures import parameters_of
from geo_noisy.errors import UsageError
from geo_noisy.inference.cells import embed_cells
from geo_noisy.inference.load import prepare_encoder
from geo_noisy.inference.scenes import INDEX_FILES
from geo_noisy.inference.windows import embed_windows
from geo_noisy.regions.files.remote import Remote
from geo_noisy.regions.pair_index import PairIndex

_FROM_ELSEWHERE = ('scenes', 'network', 'output', 'folder', 'index')


def run(command: str, words: Sequence[str]) -> int:
    """Write the embeddings and say where.

    Raises:
        UsageError: If the command line is wrong.
    """
    options = Options(command, __doc__)
    options.add('-o', '--output', required=True, text='GeoParquet file (by window) or folder (by cell) to write')
    options.add('--by', hint=Literal['window', 'cell'], default='window', text='what has an embedding')
    take_scenes(options)
    options.take(prepare_encoder, 'encoder')
    options.take(embed_windows, 'by window', skip=_FROM_ELSEWHERE)
    options.take(embed_cells, 'by cell', skip=_FROM_ELSEWHERE, shared=('max_nodata', 'progress'))
    chosen = options.parse(words)
    functions = (embed_cells, embed_windows) if chosen['by'] == 'cell' else (embed_windows, embed_cells)
    _refuse_idle(chosen, acting=functions[0], idle=functions[1])
    with chosen.call(Remote).applied():
        return _embed(chosen)


def _embed(chosen: Chosen) -> int:
    named = [path for path in (*chosen['images'], chosen['weights']) if Path(path).is_file()]
    if chosen['by'] == 'window':
        check_outputs({'--output': chosen['output']}, named)
    encoder, network = chosen.call(prepare_encoder)
    scenes = chosen_scenes(chosen, trained=encoder.images, channels=encoder.in_channels)
    if chosen['by'] == 'cell':
        paths = chosen.call(embed_cells, scenes, network, output_folder(chosen['output']))
        print(f'{len(paths)} maps of {network.features} features, cells of {network.cell_px} px:')
        print('\n'.join(f'  {path}' for path in paths))
        return 0
    index = PairIndex.read(chosen['images'][0], root=chosen['root']) if _is_index(chosen['images']) else None
    inputs = [*chosen['images'], chosen['weights'], *(path for scene in scenes for path in scene.paths)]
    check_outputs({'--output': chosen['output']}, inputs)
    count = chosen.call(embed_windows, scenes, network, Path(chosen['output']), index=index)
    print(f'{count:,} windows of {len(scenes)} scenes, {network.features} features each: {chosen["output"]}')
    return 0


def _is_index(images: Sequence[str]) -> bool:
    return len(images) == 1 and str(images[0]).lower().endswith(INDEX_FILES)


def _refuse_idle(chosen: Chosen, *, idle: Callable[..., object], acting: Callable[..., object]) -> None:
    """Refuse what was given for the other kind of embedding."""
    act = {parameter.name for parameter in parameters_of(acting)}
    given = [
        f'--{parameter.name.replace("_", "-")}'
        for parameter in parameters_of(idle)
        if parameter.name not in {*act, *_FROM_ELSEWHERE} and chosen[parameter.name] != parameter.default
    ]
    if given:
        raise UsageError(f'{", ".join(given)} cannot act with --by {chosen["by"]}.')
