"""xBD pairs as any other region: tiles and polygons go through the command, and come back with the same noise."""

import numpy as np
import pandas as pd
import pytest

from geo_noisy.datasets.xbd.labels import CLASSES
from geo_noisy.main import main
from geo_noisy.pairs import PairIndex
from tests.data.xbd_region import LEFT, RES, STEP, TOP, write_region, xbd_table

TILE_PX = 512


@pytest.mark.shared
@pytest.mark.parametrize('method', ['area', 'raster'])
def test_noise_of_xbd_comes_back(tmp_path, shared, method):
    table = xbd_table(shared / 'xbd')
    (tmp_path / 'images').mkdir()
    buildings = write_region(tmp_path / 'images', table)
    buildings.to_file(tmp_path / 'buildings.gpkg')
    damaged = [name for name in CLASSES[2:] if name in set(buildings['damage'])]
    words = ['index', tmp_path / 'images', '--size-px', TILE_PX, '--polygons', tmp_path / 'buildings.gpkg']
    words += ['--class-column', 'damage', '--noisy-classes', *damaged, '--noise', method, '--statistics', 0]
    assert main([str(word) for word in (*words, '-o', tmp_path / 'pairs.parquet')]) == 0
    index = PairIndex.read(tmp_path / 'pairs.parquet')
    assert len(index) == len(table) == 100
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
