"""Features of the same ground: where the cells of a feature map lie, in another view, and what lies there.

Places in an image run from -1 to 1 over it, x to the right and y down, whatever its size; the centre of a cell of a
feature map is that of the pixels it stands for.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def cell_centres(size: tuple[int, int], *, device: torch.device | None = None) -> Tensor:
    """Places of the cells of a feature map, row by row.

    Args:
        size: Height h and width w of the map.
        device: Where to make them.

    Returns:
        x and y, [h * w, 2] float32.
    """
    y, x = (2 * (torch.arange(side, device=device, dtype=torch.float32) + 0.5) / side - 1 for side in size)
    return torch.stack(torch.meshgrid(x, y, indexing='xy'), dim=-1).flatten(0, 1)


def transformed(points: Tensor, matrix: Tensor) -> Tensor:
    """Take places to where matrices put them.

    Args:
        points: x and y, [B, P, 2] or [P, 2].
        matrix: Affine matrices, [B, 3, 3].

    Returns:
        x and y, [B, P, 2].
    """
    return points @ matrix[:, :2, :2].mT + matrix[:, None, :2, 2]


def is_inside(points: Tensor) -> Tensor:
    """Which places lie in the image: [..., 2] to [...] bool."""
    return (points.abs() <= 1).all(dim=-1)


def features_at(features: Tensor, points: Tensor) -> Tensor:
    """Features at some places, bilinear between the cells; nearer the edge than its cells, those of the cell.

    Args:
        features: Feature maps, [B, D, h, w].
        points: x and y, [B, P, 2].

    Returns:
        Features in float32 at least, [B, P, D].
    """
    features = features.to(torch.promote_types(features.dtype, torch.float32))
    grid = points[:, None].to(features.dtype)
    return F.grid_sample(features, grid, padding_mode='border', align_corners=False)[:, :, 0].mT


def best_match_distance(features: Tensor, others: Tensor, *, reach: int = 1) -> Tensor:
    """How far each cell is from the most alike cell near the same place of another map.

    A misregistration of up to ``reach`` cells makes no distance; change does, unless what is new lies near as well.

    Args:
        features: Feature maps, [B, D, h, w].
        others: Feature maps of the same ground, [B, D, h, w].
        reach: Cells to look around, 0 for the same place alone.

    Returns:
        One minus the highest cosine, in [0, 2], [B, h, w].

    Raises:
        ValueError: If shapes do not fit or the reach is negative.
    """
    if features.shape != others.shape or features.ndim != 4:
        raise ValueError(f'Feature maps {tuple(features.shape)} and {tuple(others.shape)} must both be [B, D, h, w].')
    if reach < 0:
        raise ValueError(f'reach is {reach}; it counts cells, 0 or more.')
    high = torch.promote_types(features.dtype, torch.float32)
    here, there = (F.normalize(each.to(high), dim=1) for each in (features, others))
    height, width = here.shape[-2:]
    around = F.pad(there, [reach] * 4)
    near = F.pad(there.new_ones(1, 1, height, width), [reach] * 4)
    best = here.new_full((len(here), height, width), torch.inf)
    for row in range(2 * reach + 1):
        for col in range(2 * reach + 1):
            window = (..., slice(row, row + height), slice(col, col + width))
            # Half the squared distance of unit vectors is one minus their cosine, but keeps its digits near 0.
            distance = (here - around[window]).square().sum(dim=1) / 2
            best = torch.minimum(best, distance.masked_fill(near[window][0] == 0, torch.inf))
    return best
