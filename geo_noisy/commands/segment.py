"""``geo-noisy segment``: classes of each pixel, and their probabilities, by a probe."""

from collections.abc import Sequence

from geo_noisy.commands.parsing.options import Chosen, Options
from geo_noisy.commands.parsing.scene_options import chosen_scenes, output_folder, take_scenes
from geo_noisy.inference.load import prepare_probe
from geo_noisy.inference.segment import segment_scenes
from geo_noisy.regions.files.remote import Remote


def run(command: str, words: Sequence[str]) -> int:
    """Write the maps and say where."""
    options = Options(command, __doc__)
    options.add('-o', '--output', required=True, text='folder to write')
    take_scenes(options)
    options.take(prepare_probe, 'probe')
    options.take(segment_scenes, 'maps', skip=('scenes', 'network', 'folder', 'classes'))
    chosen = options.parse(words)
    with chosen.call(Remote).applied():
        return _segment(chosen)


def _segment(chosen: Chosen) -> int:
    probe, stored, network = chosen.call(prepare_probe)
    scenes = chosen_scenes(chosen, trained=stored.images, channels=network.channels)
    classes = list(probe.hparams['classes'])
    paths = chosen.call(segment_scenes, scenes, network, output_folder(chosen['output']), classes=classes)
    print(f'{len(scenes)} scenes, classes {", ".join(classes)}:')
    print('\n'.join(f'  {path}' for path in paths))
    return 0
