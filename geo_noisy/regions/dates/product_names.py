"""Products whose file names tell when they were taken: which of their dates that is, and how it is written.

The patterns agree with those of TorchGeo's data sets where it has one (``filename_regex`` and ``date_format`` of
``Sentinel2``, ``Sentinel1``, ``Landsat``, ``NAIP``, ``EnMAP``, ``PRISMA``), but also know folders and other bands.
"""

import re
from typing import NamedTuple


class ProductName(NamedTuple):
    """Names of one product.

    Attributes:
        product: What it is.
        pattern: Regular expression that finds the date of acquisition in a name, in a group ``date``.
        date_format: How that date is written, as in ``datetime.strptime``.
    """

    product: str
    pattern: re.Pattern[str]
    date_format: str


def _product(product: str, date_format: str, *parts: str) -> ProductName:
    return ProductName(product, re.compile(''.join(parts), re.ASCII), date_format)


_SECONDS = '%Y%m%dT%H%M%S'
_START = r'(?<![A-Za-z0-9])'
_END = r'(?![A-Za-z0-9])'
_DAY = r'(?P<date>\d{8})'
_TIME = r'(?P<date>\d{8}T\d{6})'
_OTHER_TIME = r'\d{8}T\d{6}'
_TILE = r'T\d{2}[A-Z]{3}'

PRODUCT_NAMES = (
    # The first time is that of the sensing, the last of the processing. SAFE folders, and files named after them.
    _product('Sentinel-2', _SECONDS, _START, r'S2[A-D]_MSIL[12][AC]_', _TIME, r'_N\d{4}_R\d{3}_', _TILE),
    # Bands in a SAFE folder, those of early L2A with a prefix.
    _product('Sentinel-2', _SECONDS, r'^(?:L[12][AC]_)?', _TILE, '_', _TIME, r'_[A-Z0-9]{3}(?:_\d\dm)?', _END),
    # Exports of Google Earth Engine: sensing, processing, tile.
    _product('Sentinel-2', _SECONDS, _START, _TIME, '_', _OTHER_TIME, '_', _TILE, _END),
    # Products before December 2016: the sensing stands after V.
    _product('Sentinel-2', _SECONDS, _START, r'S2[A-D]_[A-Z]{4}_PRD_MSIL[12][AC]_.*_V', _TIME, '_', _OTHER_TIME),
    # Acquisition, then processing; exports of Google Earth Engine hold the acquisition alone.
    _product('Landsat', '%Y%m%d', _START, r'L[COTEM]\d{2}_[A-Z0-9]{4}_\d{6}_', _DAY, r'_\d{8}_\d{2}_[A-Z0-9]{2}', _END),
    _product('Landsat', '%Y%m%d', _START, r'L[COTEM]\d{2}_(?:CU|AK|HI)_\d{6}_', _DAY, r'_\d{8}_\d{2}', _END),
    _product('Landsat', '%Y%m%d', _START, r'L[COTEM]\d{2}_\d{6}_', _DAY, _END),
    _product('Landsat', '%Y%j', _START, r'L[COTEM]\d\d{6}(?P<date>\d{7})[A-Z]{3}\d{2}', _END),
    _product('HLS', '%Y%jT%H%M%S', _START, r'HLS[._][SL]30[._]', _TILE, r'[._](?P<date>\d{7}T\d{6})(?!\d)'),
    # Acquisition, then publication.
    _product('NAIP', '%Y%m%d', r'^m_\d+_[a-z]+_\d+_\w+?_', _DAY, r'(?:_\d{8})?', _END),
    # PlanetScope (perhaps with hundredths of seconds), SkySat and RapidEye.
    _product(
        'Planet', '%Y%m%d_%H%M%S',
        r'^(?P<date>\d{8}_\d{6})_(?:(?:\d{2}_)?[0-9a-f]{4}|ssc?\d+\w*?|\d{7}_RapidEye-\d)', _END,
    ),
    # Start, then stop; bands in a SAFE folder are in lower case.
    _product(
        'Sentinel-1', _SECONDS,
        _START, r'S1[A-D]_(?:S[M1-6]|[IE]W|WV)_(?:RAW|SLC|GRD|OCN)[FHM_]_\d[SA][SD][HV]_', _TIME, '_', _OTHER_TIME,
    ),
    _product(
        'Sentinel-1', '%Y%m%dt%H%M%S',
        r'^s1[a-d]-[a-z0-9]+-[a-z]+-[hv]{2}-(?P<date>\d{8}t\d{6})-\d{8}t\d{6}', _END,
    ),
    # Terrain-corrected by ASF, and by OPERA (acquisition, then processing).
    _product('Sentinel-1', _SECONDS, _START, r'S1[A-D]_(?:SM|IW|EW|WV)_', _TIME, r'_[DS][HV][PRO]_RTC\d{2}'),
    _product(
        'Sentinel-1', '%Y%m%dT%H%M%S%z',
        r'^OPERA_L2_(?:RTC|CSLC)-S1_T\d{3}-\d{6}-IW\d_(?P<date>\d{8}T\d{6}Z)_\d{8}T\d{6}Z',
    ),
    # Start, then stop and processing.
    _product('Sentinel-3', _SECONDS, r'^S3[A-D]_[A-Z]{2}_[012]_\w{6}_', _TIME, '_', _OTHER_TIME, '_', _OTHER_TIME),
    # Exports of the Copernicus and EO Browsers: from the first to the last minute of one day.
    _product('Copernicus Browser', '%Y-%m-%d', r'^(?P<date>\d{4}-\d\d-\d\d)-00[_:]00_(?P=date)-23[_:]59_'),
    # Day of the year, then tile, version and processing.
    _product('MODIS', '%Y%j', r'^M[OYC]D\w+\.A(?P<date>\d{7})\.'),
    _product('VIIRS', '%Y%j', r'^V(?:NP|J1|J2)\w+\.A(?P<date>\d{7})\.'),
    # Month and day before the year, then the processing.
    _product('ASTER', '%m%d%Y%H%M%S', r'^AST_\w{2,5}_\d{3}(?P<date>\d{14})_\d+_\d+'),
    _product('Maxar', '%y%b%d%H%M%S', r'^(?P<date>\d\d[A-Z]{3}\d{8})-[A-Z0-9]{4}[-_]'),
    # Tenths of a second follow.
    _product('Airbus', '%Y%m%d%H%M%S', r'_(?:PHR1[AB]|SPOT[67]|PNEO[3-6])_[A-Z-]+_(?P<date>\d{14})\d_'),
    # Start, then stop.
    _product('Capella', '%Y%m%d%H%M%S', r'^CAPELLA_C\d{2}_\w+?_(?P<date>\d{14})_\d{14}', _END),
    _product('EnMAP', _SECONDS, r'^ENMAP\d{2}-____L[12][ABC]-DT\d{10}_', _TIME, 'Z'),
    _product('PRISMA', '%Y%m%d%H%M%S', r'^PRS_[A-Z\d]+_[A-Z_]+_(?P<date>\d{14})_\d{14}_\d{4}'),
)  # fmt: skip
UNDATED_NAMES = (_product('Sentinel-2 before December 2016', '', r'^S2[A-D]_[A-Z]{4}_(?:MSI|USER)_L[12][AC]_'),)
"""Products whose names hold the date of the processing alone."""
