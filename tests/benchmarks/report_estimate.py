"""How well the label-free estimate agrees with the real damage flags of xBD, beside baselines.

Run: python tests/benchmarks/report_estimate.py XBD_FOLDER [--checkpoint FILE ...] [--size-px 128] [--region FOLDER]
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from segmentation_models_pytorch.encoders import get_encoder
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[2]))

from geo_noisy.audit import agreement, estimate_noise
from geo_noisy.audit.estimate import pixel_distances, relative_scores
from geo_noisy.datasets import TemporalPairs
from geo_noisy.datasets.xbd.labels import CLASSES
from geo_noisy.pairs import PairIndex, PairKey, build_index, change_polygons, scan_rasters
from tests.data.xbd_region import write_region, xbd_table


def region(xbd: Path, folder: Path, *, size_px: int) -> PairIndex:
    """Write the real pairs as a region and index it."""
    folder.mkdir(parents=True, exist_ok=True)
    buildings = write_region(folder, xbd_table(xbd))
    damaged = [name for name in CLASSES[2:] if name in set(buildings['damage'])]
    noise = change_polygons(buildings, class_column='damage', noisy_classes=damaged)
    return build_index(scan_rasters([folder]), size_px=size_px).with_noise(noise).with_statistics()


def dense_encoder(index: PairIndex, state: dict[str, Tensor] | None, *, level: int) -> Callable[[Tensor], Tensor]:
    """ResNet18's features at one level, of standardised images."""
    encoder: nn.Module = get_encoder('resnet18', in_channels=3, weights=None)
    if state is not None:
        encoder.load_state_dict(state)
    mean, std = (
        torch.tensor(values).float().view(1, 3, 1, 1) for values in (index.statistics.mean, index.statistics.std)
    )
    if state is None:  # a network that saw no data must at least know the statistics of its batch norm
        dataset = TemporalPairs(index)
        with torch.no_grad():
            for first in range(0, len(dataset), max(1, len(dataset) // 16)):
                encoder.train()((dataset[first]['image'] - mean) / std)
    encoder.eval()
    return lambda image: encoder((image - mean) / std)[level]


def encoder_state(path: str) -> dict[str, Tensor]:
    """Encoder of a pretraining checkpoint."""
    state = torch.load(path, weights_only=True, map_location='cpu')['state_dict']
    return {name.removeprefix('model.'): value for name, value in state.items() if name.startswith('model.')}


def main() -> None:
    """Print an AUC with its interval for each way to score pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('xbd', type=Path)
    parser.add_argument('--checkpoint', nargs='*', default=[])
    parser.add_argument('--size-px', type=int, default=128)
    parser.add_argument('--level', type=int, default=4, help='feature level: 4 is a sixteenth of the side')
    parser.add_argument('--region', type=Path, help='folder for the region; a temporary one by default')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        index = region(args.xbd, args.region or Path(temporary) / 'region', size_px=args.size_px)
        dataset, scene = TemporalPairs(index), index.locations.site
        keys = [PairKey(location, 0, 1) for location in range(len(index))]
        flags = index.flags(np.array([key[:3] for key in keys]))
        torch.manual_seed(0)
        ways = {'random ResNet18': dense_encoder(index, None, level=args.level)}
        ways |= {path: dense_encoder(index, encoder_state(path), level=args.level) for path in args.checkpoint}
        pixels = pixel_distances(dataset, keys)
        scores = {
            'pixel difference': pixels,
            'pixel difference, by scene': relative_scores(pixels, index.locations.place, scene),
        }
        for name, encode in ways.items():
            found = estimate_noise(dataset, keys, encode, scenes=scene)
            scores |= {name: found['distance'].to_numpy(), f'{name}, by scene': found['score'].to_numpy()}
        print(f'{len(keys)} windows of {args.size_px} px in {len(np.unique(scene))} scenes')
        for name, score in scores.items():
            auc = agreement(score, flags, scene)
            print(f'{name:<60}AUC {auc.auc:.3f} [{auc.low:.3f}, {auc.high:.3f}]  {auc.noisy} noisy, {auc.clean} clean')


if __name__ == '__main__':
    main()
