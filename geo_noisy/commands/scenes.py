"""``geo-noisy scenes``: write synthetic scenes at several dates, with polygons of change and labels."""

from collections.abc import Sequence

from geo_noisy.commands.parsing.options import Options
from geo_noisy.datasets.vts.scenes import LABELS, POLYGONS, write_scenes


def run(command: str, words: Sequence[str]) -> int:
    """Write scenes and say what was written."""
    options = Options(command, __doc__)
    options.take(write_scenes, 'scenes', names={'res_m': 'res'}, positional='folder')
    chosen = options.parse(words)
    written = chosen.call(write_scenes)
    dates, events = chosen['dates'], sum(bool(scene.event) for scene in written)
    see = f', see {POLYGONS}' if events else ''
    print(
        f'{len(written)} scenes of {dates} dates in {chosen["folder"]}; {events} with an event{see}. '
        f'What they show: {LABELS}.'
    )
    return 0
