"""The shifts that remain between the dates of a region, as measured on the images.

Run: python tests/benchmarks/report_alignment.py NAIP_FOLDER
"""

import argparse

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_gradient_magnitude

from geo_noisy.datasets import TemporalPairs
from geo_noisy.pairs import build_index, scan_rasters

REACH_PX = 6


def shift_px(first: NDArray, second: NDArray) -> tuple[NDArray[np.float64], float]:
    """Shift (rows, columns) of the second picture by cross-correlation of edges, and its height in deviations."""
    edges = [gaussian_gradient_magnitude(picture.astype(float), 1) for picture in (first, second)]
    edges = [(edge - edge.mean()) / edge.std() * np.outer(*[np.hanning(side) for side in edge.shape]) for edge in edges]
    whole = np.fft.fftshift(np.fft.ifft2(np.conj(np.fft.fft2(edges[0])) * np.fft.fft2(edges[1])).real)
    middle = np.array(whole.shape) // 2
    near = whole[tuple(slice(m - REACH_PX, m + REACH_PX + 1) for m in middle)]
    peak = np.array(np.unravel_index(near.argmax(), near.shape))
    inner = np.clip(peak, 1, 2 * REACH_PX - 1)
    fine = []
    for axis in range(2):
        low, top, high = (near[tuple(inner + step * np.eye(2, dtype=int)[axis])] for step in (-1, 0, 1))
        fine.append((low - high) / (2 * (low - 2 * top + high)))
    return inner + fine - REACH_PX, float((near.max() - whole.mean()) / whole.std())


def main() -> None:
    """Print the median shift of each date against the first of the most common grid."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('folder')
    parser.add_argument('--size-px', type=int, default=200)
    args = parser.parse_args()
    index = build_index(scan_rasters([args.folder]), size_px=args.size_px)
    reference = int(index.files['shift_px'].argmin())
    for align in ('snap', 'resample'):
        dataset = TemporalPairs(index, align=align)
        print(f'{align}: median shift (rows, columns) in pixels, over windows with a clear peak')
        for date in range(len(index.files)):
            found = []
            for location in range(len(index)):
                pictures = [dataset.read(location, number)[0].mean(axis=0) for number in (reference, date)]
                shift, height = shift_px(*pictures)
                if height > 8:
                    found.append(shift)
            median = np.median(found, axis=0) if found else np.full(2, np.nan)
            snapped = float(index.files['shift_px'].iloc[date])
            print(
                f'  date {date}: {median[0]:+.2f} {median[1]:+.2f}  ({len(found)} windows; grid off by {snapped:.2f})'
            )


if __name__ == '__main__':
    main()
