"""Dates in names: each with its time written by hand, or refused with the remedy."""

from datetime import UTC, datetime

import pytest
import torchgeo.datasets
from torchgeo.datasets.utils import disambiguate_timestamp

from geo_noisy.regions.dates.names import date_in_name, formats_in_names


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


PRODUCTS = {
    'S2A_MSIL1C_20150711T101112_N0204_R122_T33UUP_20160711T101112.SAFE': '2015-07-11T10:11:12',
    'S2B_MSIL2A_20200815T100559_N0214_R022_T33UUP_20200815T130000.tif': '2020-08-15T10:05:59',
    'T33UUP_20150711T101112_B02_10m.jp2': '2015-07-11T10:11:12',
    'T33UUP_20150711T101112_B8A.jp2': '2015-07-11T10:11:12',
    'L2A_T33UUP_20170105T013442_TCI_10m.jp2': '2017-01-05T01:34:42',
    '20150711T101112_20160711T101113_T33UUP.tif': '2015-07-11T10:11:12',  # Google Earth Engine
    '20150711T101112_20160711T101113_T33UUP.B2.tif': '2015-07-11T10:11:12',
    'S2A_OPER_PRD_MSIL1C_PDMC_20160318T145513_R022_V20160317T095352_20160317T095352.SAFE': '2016-03-17T09:53:52',
    'S2B_36QWD_20200701_0_L2A.tif': '2020-07-01T00:00:00',
    'LC08_L2SP_193024_20200815_20200822_02_T1_SR_B4.TIF': '2020-08-15T00:00:00',
    'LE07_L1TP_193024_20000815_20200918_02_T1.tar': '2000-08-15T00:00:00',
    'LC08_193024_20200815.tif': '2020-08-15T00:00:00',
    'LC81930242020228LGN00_B4.TIF': '2020-08-15T00:00:00',
    'HLS.S30.T33UUP.2020228T101559.v2.0.B04.tif': '2020-08-15T10:15:59',
    'HLS.L30.T33UUP.2020366T101559.v2.0.Fmask.tif': '2020-12-31T10:15:59',
    'm_4709963_se_14_1_20090818.tif': '2009-08-18T00:00:00',
    'm_3807511_se_18_060_20181104_20190211.tif': '2018-11-04T00:00:00',
    '20200815_101112_1024_3B_AnalyticMS_SR_udm2.tif': '2020-08-15T10:11:12',
    '20200815_101112_34_2403_3B_AnalyticMS.tif': '2020-08-15T10:11:12',
    '20200815_101112_ssc1_u0001_visual.tif': '2020-08-15T10:11:12',
    '20160811_181504_2939321_RapidEye-1_3A_Analytic.tif': '2016-08-11T18:15:04',
    'S1A_IW_GRDH_1SDV_20200815T101112_20200815T101137_033900_03EDDB_9C8F.SAFE': '2020-08-15T10:11:12',
    's1a-iw-grd-vv-20200815t101112-20200815t101137-033900-03eddb-001.tiff': '2020-08-15T10:11:12',
    'S1A_IW_20200815T101112_DVP_RTC30_G_gpuned_9C8F_VV.tif': '2020-08-15T10:11:12',
    'OPERA_L2_RTC-S1_T123-456789-IW1_20200815T101112Z_20200816T003000Z_S1A_30_v1.0_VV.tif': '2020-08-15T10:11:12',
    'ENMAP01-____L2A-DT0000001053_20220611T072305Z_002_V010303_20220830T000000Z-QL.TIF': '2022-06-11T07:23:05',
    'PRS_L2D_STD_20200815101112_20200815101116_0001.tif': '2020-08-15T10:11:12',
    '2020-08-15-00_00_2020-08-15-23_59_Sentinel-2_L2A_B04_(Raw).tiff': '2020-08-15T00:00:00',
    '2020-08-15-00:00_2020-08-15-23:59_Sentinel-2_L2A_True_color.tiff': '2020-08-15T00:00:00',
    'MOD09GA.A2020228.h10v05.006.2020230054321.tif': '2020-08-15T00:00:00',
    'MCD43A4.A2020366.tif': '2020-12-31T00:00:00',
    'VNP46A1.A2021032.h10v05.001.tif': '2021-02-01T00:00:00',
    'AST_L1T_00308152020101112_20201016130000_12345.tif': '2020-08-15T10:11:12',
    '20AUG15101112-M2AS-012345678010_01_P001.TIF': '2020-08-15T10:11:12',
    'IMG_PHR1A_P_202008151011123_SEN_1234567101-1_R1C1.TIF': '2020-08-15T10:11:12',
    'DIM_SPOT7_MS_202008151011123_ORT.tif': '2020-08-15T10:11:12',
    'CAPELLA_C02_SM_GEO_HH_20200815101112_20200815101116.tif': '2020-08-15T10:11:12',
    'S3A_OL_2_LFR____20200815T101112_20200815T101412_20200816T143012_0179_033_122_2160_LN1_O_NT_002.tif': (
        '2020-08-15T10:11:12'
    ),
}
WRITTEN = {
    's2_l1c_2015-07-11.tif': '2015-07-11T00:00:00',
    'x_2015_07_11.tif': '2015-07-11T00:00:00',
    'x.2015.07.11.tif': '2015-07-11T00:00:00',
    'x_20150711T101112_y.tif': '2015-07-11T10:11:12',
    'x_20150711T101112.345Z.tif': '2015-07-11T10:11:12',
    'x_2015-07-11T10-11-12Z.tif': '2015-07-11T10:11:12',
    'x_2015-07-11T10:11.tif': '2015-07-11T10:11:00',
    '2023-06-24-11-41-27_UMBRA-04_GEC.tif': '2023-06-24T11:41:27',
    'x_20150711_101112.tif': '2015-07-11T10:11:12',
    'x_20150711101112.tif': '2015-07-11T10:11:12',
    'x_201507111011.tif': '2015-07-11T10:11:00',
    'x_20150711_0400Z.tif': '2015-07-11T04:00:00',
    'x_20150711T101112+0200.tif': '2015-07-11T08:11:12',
    'x_20150711T101112-08:00.tif': '2015-07-11T18:11:12',
    'x_20150711T33UUP.tif': '2015-07-11T00:00:00',  # a tile, no time
    'x_20150711_12_3.tif': '2015-07-11T00:00:00',
    'x_20150711_2015-07-11.tif': '2015-07-11T00:00:00',
    '123456789_20150711_b12.tif': '2015-07-11T00:00:00',
}
TIME = 'may be a time or a number; give --date-regex'
NO_TIME = 'a time after the date that does not exist; give --date-regex'
ZONE = 'may be a zone.*give --date-regex'
REFUSED = {
    'x_20150711_0400.tif': TIME,
    'x_2015-07-11-0400.tif': TIME,
    'x_20150711T10.tif': TIME,
    'x_20150711T10111.tif': TIME,
    'x_20150711_10_11_12.tif': TIME,
    'x_20150711_10h11.tif': TIME,
    'x_20150711_101112PM.tif': TIME,
    'x_20150711_993012.tif': NO_TIME,
    'x_20150711T251112.tif': NO_TIME,
    'x_20150711T101112EST.tif': ZONE,
    'x_20150711T101112_PST.tif': ZONE,
    'x_20150711T101112-0800.tif': ZONE,
    'x_20150711T101112+0007.tif': ZONE,
    'x_20150711T2016-07-11.tif': 'two dates in the name',  # no date with a time
    'x_20150711_20150712.tif': 'two dates in the name; give --date-regex with a group named "date"',
    'S2A_20150711T101112_N0500_20230101T000000.tif': 'two dates in the name; give --date-regex',
    'S2A_OPER_MSI_L1C_TL_SGS__20160318T145513_A003854_T33UUP_B02.jp2': 'date of its processing.*--date-tag',
    'HLS.S30.T33UUP.2021366T101559.v2.0.B04.tif': 'HLS with a date that does not exist',
    'x_2018.tif': 'no date in the name; give --date-format .such as %Y or %d%m%Y., --date-regex, --date-tag or a table',
    'x_2018-11.tif': 'no date in the name',
    'x_11072015.tif': 'no date in the name',
    'x_201507119.tif': 'no date in the name',
    'x_20150231.tif': 'no date in the name',
    'x_20991231.tif': 'in the future; give --date-regex',
}


@pytest.mark.parametrize(('name', 'time'), [*PRODUCTS.items(), *WRITTEN.items()])
def test_a_name_is_read(name, time):
    assert date_in_name(name) == utc(time)


@pytest.mark.parametrize(('name', 'remedy'), REFUSED.items())
def test_a_name_is_refused_with_the_remedy(name, remedy):
    with pytest.raises(ValueError, match=remedy):
        date_in_name(name)


@pytest.mark.parametrize(
    ('name', 'stated', 'time'),
    [
        (
            'S2A_20150711T101112_N0500_20230101T000000.tif',
            {'regex': r'S2A_(?P<date>\d{8}T\d{6})'},
            '2015-07-11T10:11:12',
        ),
        ('x_20150711_0400.tif', {'regex': r'x_(\d{8}_\d{4})'}, '2015-07-11T04:00:00'),
        ('x_20150711_0400.tif', {'regex': r'x_(\d{8})'}, '2015-07-11T00:00:00'),
        ('x_2015_07_11.tif', {'regex': r'x_(.*)\.tif'}, '2015-07-11T00:00:00'),
        ('x_11.07.15.tif', {'regex': r'_(.{8})\.', 'date_format': '%d.%m.%y'}, '2015-07-11T00:00:00'),
        ('x_11072015_b.tif', {'date_format': '%d%m%Y'}, '2015-07-11T00:00:00'),
        ('x_11Jul2015_b.tif', {'date_format': ['%d%m%Y', '%d%b%Y']}, '2015-07-11T00:00:00'),
        ('x_201507.tif', {'date_format': '%Y%m'}, '2015-07-01T00:00:00'),
        ('x_2015.tif', {'date_format': '%Y'}, '2015-01-01T00:00:00'),
        ('x_20150711.tif', {'date_format': '%d%m%Y'}, '2015-07-11T00:00:00'),  # not written so: read as without
    ],
)
def test_what_is_stated_comes_first(name, stated, time):
    assert date_in_name(name, **stated) == utc(time)


@pytest.mark.parametrize(
    ('name', 'stated', 'message'),
    [
        ('x_2015.tif', {'regex': r'x_(\d{4})'}, r'a year, a month or an interval; state --date-format \(e.g. %Y\)'),
        ('x_11.07.2015.tif', {'regex': r'x_(.*)\.tif'}, 'cannot be read; give --date-regex and --date-format'),
        ('x_11072015.tif', {'regex': r'x_(\d+)', 'date_format': '%Y%m%d'}, 'cannot be read'),
        ('x_20150711.tif', {'regex': 'y'}, 'no date in the name'),
        ('x_20150711.tif', {'date_format': '%Y%Q'}, 'has %Q; supported are'),
    ],
)
def test_what_is_stated_and_does_not_fit_is_told(name, stated, message):
    with pytest.raises(ValueError, match=message):
        date_in_name(name, **stated)


def test_formats_that_act_in_names_are_known():
    names = ['x_11072015.tif', 'x_20150711.tif']
    assert formats_in_names(names, date_format=['%d%m%Y', '%Y-%m-%d']) == {'%d%m%Y'}
    assert formats_in_names(names, regex=r'x_(\d+)', date_format='%Y%j') == frozenset()


@pytest.mark.parametrize(
    ('dataset', 'name'),
    [
        ('Sentinel2', 'T33UUP_20150711T101112_B02_10m.jp2'),
        ('Sentinel1', 'S1A_IW_20200815T101112_DVP_RTC30_G_gpuned_9C8F_VV.tif'),
        ('Landsat8', 'LC08_L2SP_193024_20200815_20200822_02_T1_SR_B4.TIF'),
        ('NAIP', 'm_3807511_se_18_060_20181104_20190211.tif'),
        ('EnMAP', 'ENMAP01-____L2A-DT0000001053_20220611T072305Z_002_V010303_20220830T000000Z-SPECTRAL_IMAGE.TIF'),
    ],
)
def test_names_that_torchgeo_knows_have_the_same_date(dataset, name):
    import re

    known = getattr(torchgeo.datasets, dataset)
    pattern = known.filename_regex.format('10m') if dataset == 'Sentinel2' else known.filename_regex
    match = re.match(pattern, name, re.VERBOSE)
    assert date_in_name(name) == disambiguate_timestamp(match['date'], known.date_format)[0].timestamp()
