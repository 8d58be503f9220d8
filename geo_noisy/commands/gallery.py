"""``geo-noisy gallery``: pictures of pairs, views, losses, features and a map of change, on scenes that it makes."""

from collections.abc import Sequence

from geo_noisy.commands.parsing.options import Options
from geo_noisy.gallery.draw import draw_gallery


def run(command: str, words: Sequence[str]) -> int:
    """Draw the pictures and say where they are."""
    options = Options(command, __doc__)
    options.take(draw_gallery, 'gallery', positional='folder')
    chosen = options.parse(words)
    paths = chosen.call(draw_gallery)
    print('\n'.join(f'Written: {path}' for path in paths))
    return 0
