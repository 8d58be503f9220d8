"""What a figure shows."""

from matplotlib.axes import Axes


def outlined(axis: Axes) -> list[tuple[float, ...]]:
    """Left, top, right and bottom of each outline of an image, in pixels."""
    paths = [path for lines in axis.collections for path in lines.get_paths() if len(path.vertices)]
    return [tuple(float(value) for value in path.get_extents().extents) for path in paths]
