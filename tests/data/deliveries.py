"""Folders as data centres deliver them: real names, pixel sizes, masks and tags, with pixels drawn at random.

Each product comes at three dates. At the second one nothing is seen left of column ``EDGE_PX``, as the product says so:
by its mask, or by its value without data. At the third one the upper ``CLOUD_PX`` rows are cloud where it has a mask.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

ORIGIN = (399_960.0, 5_000_040.0)
CRS = 'EPSG:32633'
SIZE_PX, EDGE_PX, CLOUD_PX = 240, 96, 48
RGB_ALPHA = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)


@dataclass
class Delivered:
    """One capture as it was written.

    Attributes:
        time: When it was taken, in ISO 8601.
        bands: File and number of each band, by name.
        masks: File and number of each mask, by name.
    """

    time: str
    bands: dict[str, tuple[Path, int]] = field(default_factory=dict)
    masks: dict[str, tuple[Path, int]] = field(default_factory=dict)


def write(path: Path, pixels: NDArray, *, res: float, nodata: float | None = None, tags: dict | None = None,
          colors: tuple | None = None, scale: float | None = None) -> Path:  # fmt: skip
    """Write a raster whose upper left corner is the origin; JPEG 2000 without loss where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {'driver': 'GTiff', 'tiled': True, 'blockxsize': 256, 'blockysize': 256}
    if path.suffix == '.jp2':
        options = {'driver': 'JP2OpenJPEG', 'QUALITY': '100', 'REVERSIBLE': 'YES', 'RESOLUTIONS': '1'}
    with rasterio.open(
        path, 'w', count=len(pixels), height=pixels.shape[1], width=pixels.shape[2], dtype=pixels.dtype.name, crs=CRS,
        transform=from_origin(*ORIGIN, res, res), nodata=nodata, **options,
    ) as file:  # fmt: skip
        file.write(pixels)
        if colors:
            file.colorinterp = colors
        if scale:
            file.scales = (scale,) * len(pixels)
        if tags:
            file.update_tags(**tags)
    return path


def drawn(
    seed: int, *, bands: int = 1, step: int = 1, dtype: str = 'uint16', low: int = 200, high: int = 3000
) -> NDArray:
    """Random pixels, ``step`` times coarser than the finest."""
    side = SIZE_PX // step
    return np.random.default_rng(seed).integers(low, high, (bands, side, side)).astype(dtype)


def unseen(pixels: NDArray, date: int, value: float, step: int = 1) -> NDArray:
    """Put a value left of the edge at the second date."""
    if date == 1:
        pixels[:, :, : EDGE_PX // step] = value
    return pixels


def mask(date: int, *, clear: int, nodata: int, cloud: int, step: int = 1, dtype: str = 'uint8') -> NDArray:
    """A mask: clear, without data left of the edge at the second date, cloud at the top of the third."""
    side = SIZE_PX // step
    values = unseen(np.full((1, side, side), clear, dtype), date, nodata, step)
    if date == 2:
        values[:, : CLOUD_PX // step] = cloud
    return values


SENTINEL2_RES = {
    'B01': 60, 'B02': 10, 'B03': 10, 'B04': 10, 'B05': 20, 'B06': 20, 'B07': 20, 'B08': 10, 'B8A': 20, 'B09': 60,
    'B10': 60, 'B11': 20, 'B12': 20,
}  # fmt: skip


def sentinel2_l1c(root: Path) -> list[Delivered]:
    """SAFE folders of level 1C: JPEG 2000, a file a band, no value without data declared."""
    found = []
    for date, stamp in enumerate(('20220613T100601', '20220723T100611', '20230613T100601')):
        name = f'S2A_MSIL1C_{stamp}_N0400_R022_T33TVM_20230101T120000.SAFE'
        folder = root / name / 'GRANULE' / f'L1C_T33TVM_A036000_{stamp}' / 'IMG_DATA'
        capture = Delivered(f'{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[9:11]}:{stamp[11:13]}:{stamp[13:]}')
        for k, (band, res) in enumerate(SENTINEL2_RES.items()):
            pixels = unseen(drawn(100 * date + k, step=res // 10), date, 0, res // 10)
            capture.bands[band] = (write(folder / f'T33TVM_{stamp}_{band}.jp2', pixels, res=res), 1)
        write(folder / f'T33TVM_{stamp}_TCI.jp2', drawn(date, bands=3, step=6, dtype='uint8', low=1, high=255), res=60)
        found.append(capture)
    return found


def sentinel2_l2a(root: Path) -> list[Delivered]:
    """SAFE folders of level 2A: a file for each band and pixel size, with the scene classification."""
    found = []
    for date, stamp in enumerate(('20220613T100601', '20220723T100611', '20230613T100601')):
        name = f'S2B_MSIL2A_{stamp}_N0509_R022_T33TVM_20230101T120000.SAFE'
        folder = root / name / 'GRANULE' / f'L2A_T33TVM_A036000_{stamp}' / 'IMG_DATA'
        capture = Delivered(f'{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[9:11]}:{stamp[11:13]}:{stamp[13:]}')
        for k, (band, finest) in enumerate(SENTINEL2_RES.items()):
            for res in (10, 20, 60):
                if band != 'B10' and (res == finest or (band == 'B02' and res > finest)):
                    path = folder / f'R{res}m' / f'T33TVM_{stamp}_{band}_{res}m.jp2'
                    write(path, drawn(100 * date + k, step=res // 10), res=res)
                    capture.bands.setdefault(band, (path, 1))
        for res in (20, 60):
            path = folder / f'R{res}m' / f'T33TVM_{stamp}_SCL_{res}m.jp2'
            write(path, mask(date, clear=4, nodata=0, cloud=9, step=res // 10), res=res)
            capture.masks.setdefault('SCL', (path, 1))
        for extra, bands in (('AOT', 1), ('TCI', 3)):
            pixels = drawn(date, bands=bands, step=6, dtype='uint8', low=1, high=255)
            write(folder / 'R60m' / f'T33TVM_{stamp}_{extra}_60m.jp2', pixels, res=60)
        found.append(capture)
    return found


def hls(root: Path) -> list[Delivered]:
    """Harmonised Landsat and Sentinel-2: the same bands under other names, scale and offset in the files."""
    shared = {
        'S30': {'B01': 'B01', 'B02': 'B02', 'B03': 'B03', 'B04': 'B04', 'nir08': 'B8A', 'cirrus': 'B10',
                'swir16': 'B11', 'swir22': 'B12'},
        'L30': {'B01': 'B01', 'B02': 'B02', 'B03': 'B03', 'B04': 'B04', 'nir08': 'B05', 'cirrus': 'B09',
                'swir16': 'B06', 'swir22': 'B07'},
    }  # fmt: skip
    others = {'S30': ('B05', 'B06', 'B07', 'B08', 'B09'), 'L30': ('B10', 'B11')}
    found = []
    for date, (sensor, stamp, time) in enumerate(
        (('S30', '2022237T100601', '2022-08-25T10:06:01'), ('L30', '2022245T095402', '2022-09-02T09:54:02'),
         ('S30', '2023237T100601', '2023-08-25T10:06:01'))
    ):  # fmt: skip
        folder, name = root / f'HLS.{sensor}.T33TVM.{stamp}.v2.0', f'HLS.{sensor}.T33TVM.{stamp}.v2.0'
        capture = Delivered(time)
        for k, band in enumerate((*shared[sensor].values(), *others[sensor])):
            pixels = unseen(drawn(100 * date + k, dtype='int16'), date, -9999)
            write(folder / f'{name}.{band}.tif', pixels, res=30, nodata=-9999, scale=0.0001)
        capture.bands = {called: (folder / f'{name}.{band}.tif', 1) for called, band in shared[sensor].items()}
        values = mask(date, clear=64, nodata=255, cloud=64 + 2)
        capture.masks['Fmask'] = (write(folder / f'{name}.Fmask.tif', values, res=30, nodata=255), 1)
        write(folder / f'{name}.SZA.tif', drawn(date), res=30)
        found.append(capture)
    return found


def landsat_c2(root: Path) -> list[Delivered]:
    """Landsat collection 2, level 2: surface reflectance, quality, and layers that are no bands."""
    found = []
    for date, (sensor, day) in enumerate((('LC08', '20200715'), ('LC08', '20200731'), ('LC09', '20220714'))):
        name = f'{sensor}_L2SP_190028_{day}_20230101_02_T1'
        capture = Delivered(f'{day[:4]}-{day[4:6]}-{day[6:]}')
        for k in range(1, 8):
            path = root / name / f'{name}_SR_B{k}.TIF'
            capture.bands[f'SR_B{k}'] = (write(path, unseen(drawn(100 * date + k), date, 0), res=30, nodata=0), 1)
        values = mask(date, clear=64, nodata=1, cloud=8, dtype='uint16')
        capture.masks['QA_PIXEL'] = (write(root / name / f'{name}_QA_PIXEL.TIF', values, res=30, nodata=1), 1)
        for extra in ('QA_RADSAT', 'ST_B10', 'SR_QA_AEROSOL'):
            write(root / name / f'{name}_{extra}.TIF', drawn(date), res=30)
        found.append(capture)
    return found


def naip(root: Path) -> list[Delivered]:
    """NAIP: four bands of bytes, near infrared flagged as alpha."""
    found = []
    for date, day in enumerate(('20160616', '20180712_20190211', '20200705_20201101')):
        pixels = drawn(date, bands=4, dtype='uint8', low=10, high=250)
        path = write(root / f'm_4612039_nw_33_060_{day}.tif', pixels, res=0.6, colors=RGB_ALPHA)
        bands = {name: (path, number) for number, name in enumerate(('R', 'G', 'B', 'NIR'), start=1)}
        found.append(Delivered(f'{day[:4]}-{day[4:6]}-{day[6:8]}', bands))
    return found


PLANET = ('coastal_blue', 'blue', 'green_i', 'green', 'yellow', 'red', 'rededge', 'nir')


def planet_sr(root: Path) -> list[Delivered]:
    """PlanetScope surface reflectance of eight bands, with the usable data mask beside it."""
    found = []
    for date, stamp in enumerate(('20230315_092339_39_24c2', '20230415_093201_71_2486', '20230620_092512_08_24c2')):
        pixels = write(
            root / 'PSScene' / f'{stamp}_3B_AnalyticMS_SR_8b_clip.tif', drawn(date, bands=8), res=3, nodata=0
        )
        usable = np.zeros((8, SIZE_PX, SIZE_PX), np.uint8)
        usable[0] = mask(date, clear=1, nodata=0, cloud=0)[0]
        usable[5] = mask(date, clear=0, nodata=0, cloud=1)[0]
        usable[7] = mask(date, clear=0, nodata=1, cloud=0)[0]
        udm2 = write(root / 'PSScene' / f'{stamp}_3B_udm2_clip.tif', usable, res=3)
        day, time = stamp[:8], stamp[9:15]
        capture = Delivered(f'{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}')
        capture.bands = {name: (pixels, number) for number, name in enumerate(PLANET, start=1)}
        capture.masks = {'udm2_cloud': (udm2, 6), 'udm2_unusable': (udm2, 8)}
        found.append(capture)
    return found


def sentinel1_rtc(root: Path) -> list[Delivered]:
    """Sentinel-1, terrain-corrected by ASF: a file a polarization, layers of the correction beside them."""
    found = []
    for date, stamp in enumerate(('20221204T164107', '20221216T164106', '20231211T164113')):
        name = f'S1A_IW_{stamp}_DVP_RTC30_G_gpuned_{date}B2C'
        capture = Delivered(f'{stamp[:4]}-{stamp[4:6]}-{stamp[6:8]}T{stamp[9:11]}:{stamp[11:13]}:{stamp[13:]}')
        for k, band in enumerate(('VV', 'VH')):
            pixels = drawn(100 * date + k).astype('float32') / 3000
            capture.bands[band] = (write(root / name / f'{name}_{band}.tif', pixels, res=30, nodata=0), 1)
        values = mask(date, clear=1, nodata=(0, 5, 17)[date], cloud=3)  # 3: a slope, sound
        capture.masks['ls_map'] = (write(root / name / f'{name}_ls_map.tif', values, res=30), 1)
        write(root / name / f'{name}_inc_map.tif', drawn(date).astype('float32'), res=30)
        write(root / name / f'{name}_dem.tif', drawn(date, dtype='int16'), res=30)
        found.append(capture)
    return found


PRODUCTS = {
    'sentinel2-l1c': sentinel2_l1c, 'sentinel2-l2a': sentinel2_l2a, 'hls': hls, 'landsat-c2': landsat_c2, 'naip': naip,
    'planet-sr': planet_sr, 'sentinel1-rtc': sentinel1_rtc,
}  # fmt: skip
