"""xBD pairs as any other region: tiles and polygons go through the index, and come back with the same noise."""

import numpy as np
import pandas as pd
import pytest

from geo_noisy.datasets.xbd_labels import CLASSES
from geo_noisy.pairs import build_index, change_polygons, scan_rasters
from tests.data.xbd_region import LEFT, RES, STEP, TOP, write_region, xbd_table

TILE_PX = 512


@pytest.mark.shared
@pytest.mark.parametrize('method', ['area', 'raster'])
def test_noise_of_xbd_comes_back(tmp_path, shared, method):
    table = xbd_table(shared / 'xbd')
    buildings = write_region(tmp_path, table)
    index = build_index(scan_rasters([tmp_path]), size_px=TILE_PX)
    assert len(index) == len(table) == 100
    damaged = [name for name in CLASSES[2:] if name in set(buildings['damage'])]
    noise = change_polygons(buildings, class_column='damage', noisy_classes=damaged)
    index = index.with_noise(noise, method=method)
    images = table.drop_duplicates('image')['image'].tolist()
    x, y = index.corners().T
    columns = {'row_px': np.round((TOP - y) / RES).astype(int), 'col_px': np.round((x - LEFT) % STEP / RES).astype(int)}
    columns |= {'image': [images[int((left - LEFT) // STEP)] for left in x]}
    columns |= {'found': index.index['noise'].to_numpy(), 'flag': index.index['noisy'].to_numpy()}
    found = pd.DataFrame(columns)
    both = table.merge(found, on=['image', 'row_px', 'col_px'])
    assert len(both) == 100
    worst = (both['noise'] - both['found']).abs().max()
    print(
        f'{method}: largest difference {worst:.5f} of a tile; flags differ in {(both.noisy != both.flag).sum()} of 100'
    )
    assert worst <= 0.005
    assert (both['noisy'] == both['flag']).all()
