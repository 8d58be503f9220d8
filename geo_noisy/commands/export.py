"""``geo-noisy export``: write an encoder for torch, timm, TorchGeo or ONNX, with a model card."""

import math
from collections.abc import Sequence
from pathlib import Path

from geo_noisy.commands.parsing.options import Options
from geo_noisy.export.folder import export_encoder
from geo_noisy.export.hub import push_folder


def run(command: str, words: Sequence[str]) -> int:
    """Write the folder, say what loads it, and push it where that was asked for."""
    options = Options(command, __doc__)
    options.take(export_encoder, 'what to write', positional='checkpoint')
    options.take(push_folder, 'push to a model hub, when asked', names={'to': 'push'}, skip=('folder',), needs='push')
    chosen = options.parse(words)
    trips = chosen.call(export_encoder)
    for trip in trips:
        measured = '' if math.isnan(trip.difference) else f' (difference {trip.difference:.1g})'
        told = 'equal' if trip.holds else trip.why
        print(f'{trip.library + ":":<40}{told}{measured}')
    print(f'Written: {chosen["output"]}')
    if chosen['push']:
        print(f'Pushed:  {chosen.call(push_folder, Path(chosen["output"]))}')
    return 0
