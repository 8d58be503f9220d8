"""Files of polygons: which of their layers, and in which CRS."""

import os
import re
import zipfile
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import Transformer
from pyproj.exceptions import CRSError, ProjError

from geo_noisy.errors import InputError
from geo_noisy.regions.files.paths import is_local, located
from geo_noisy.regions.noise.polygon_tables import read_polygon_table

_PARQUET = ('.parquet', '.geoparquet')
_FEATHER = ('.feather', '.arrow')
_TABLES = ('.csv', '.tsv')
_VECTORS = ('.shp', '.gpkg', '.geojson', '.json', '.kml', '.gml', '.fgb')
_JSON = ('.geojson', '.json')
VECTOR_FILES = (*_PARQUET, *_VECTORS, '.zip')
"""How names of files of polygons end."""

# XML that leads elsewhere
_ELSEWHERE = re.compile(rb'<(OGRVRT|OGRWFS|GDAL_WM|VRTDataset|WMT|WCS|Capabilities|!DOCTYPE)')
_NO_AREA = ('Point', 'Line')  # in the names of geometry types


def read_polygons(
    polygons: str | os.PathLike[str] | gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    layer: str | None = None,
    crs: str | None = None,
    layer_option: str = '--layer',
    crs_option: str = '--polygons-crs',
) -> gpd.GeoDataFrame:
    """Read one layer of a file.

    Args:
        polygons: A file that geopandas reads, or a frame.
        layer: Name of the layer; needed where several may hold polygons.
        crs: CRS of files that state none, as GeoJSON.
        layer_option: The option that chooses the layer, for messages.
        crs_option: The option that states the CRS, for messages.

    Raises:
        ValueError: If the file cannot be read, has several layers and none is chosen, or has no CRS.
    """
    if isinstance(polygons, gpd.GeoSeries):
        polygons = polygons.to_frame('geometry')
    if isinstance(polygons, gpd.GeoDataFrame):
        if polygons.active_geometry_name is None:
            raise ValueError('The frame of polygons has no active geometry; choose its column with set_geometry.')
        if layer is not None:
            raise ValueError(f'A frame has no layers, so {layer!r} cannot be chosen.')
        return _with_crs(polygons, crs, crs_option)
    path = located(str(polygons))
    frame = _read(path, layer, layer_option)
    if crs is not None and path.lower().endswith(_JSON):  # GeoJSON states none; readers take it for degrees
        frame = frame.set_crs(None, allow_override=True)
    return _placed(_with_crs(frame, crs, crs_option), path)


def _read(path: str, layer: str | None, layer_option: str) -> gpd.GeoDataFrame:
    _check_file(path)
    path, suffix = _in_only_folder(path), os.path.splitext(path)[1].lower()
    if suffix in (*_PARQUET, *_FEATHER):
        if layer is not None:
            raise ValueError(f'{path} is Parquet or Feather, which has no layers; leave {layer_option} away.')
        return _not_empty(_columnar(path, suffix), path)
    if suffix in _TABLES and layer is None and not _geometry_types(path):
        return _not_empty(read_polygon_table(path), path)
    found = {str(name): kind for name, kind in _try(pyogrio.list_layers, path)}
    return _not_empty(_try(gpd.read_file, path, layer=_layer(path, found, layer, layer_option)), path)


def _columnar(path: str, suffix: str) -> gpd.GeoDataFrame:
    """A Parquet or Feather file, with geographic metadata or a column of outlines."""
    if suffix in _FEATHER:
        return _try(gpd.read_feather, path)
    schema = _try(pq.read_schema, path)
    return _try(gpd.read_parquet, path) if b'geo' in (schema.metadata or {}) else read_polygon_table(path)


def _geometry_types(path: str) -> list[str]:
    return [kind for _, kind in _try(pyogrio.list_layers, path) if kind]


def _in_only_folder(path: str) -> str:
    """The one file of polygons in a zip archive that holds it in a folder, where GDAL does not look."""
    if not path.lower().endswith('.zip') or not zipfile.is_zipfile(path):
        return path
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.lower().endswith(_VECTORS)]
    return f'/vsizip/{os.path.abspath(path)}/{names[0]}' if len(names) == 1 and '/' in names[0] else path


def _not_empty(frame: gpd.GeoDataFrame, path: str) -> gpd.GeoDataFrame:
    if frame.empty:
        raise InputError(f'{path} holds no polygons: it is empty. Give a file with some, or leave it away.')
    return frame


def _check_file(path: str) -> None:
    """Make sure that a path on this machine is a file (a pipe would wait for ever) that leads nowhere else."""
    place = located(path)
    if not is_local(path):
        return
    if not os.path.exists(place):
        raise FileNotFoundError(f'The polygons {path} are not there.')
    if os.path.isdir(place) and place.endswith('.gdb'):
        return
    if not os.path.isfile(place):
        raise InputError(f'{path} is no file of polygons but a pipe, device or folder; name a file.')
    with open(place, 'rb') as file:
        if _ELSEWHERE.search(file.read(4096)):
            raise InputError(f'{path} is XML that leads to other files or to the network, a format that is not read.')


def _try(read: Callable[..., Any], path: str, **options: Any) -> Any:
    try:
        return read(path, **options)
    except (DataSourceError, DataLayerError, ValueError, pa.ArrowException) as error:
        raise InputError(f'{path} holds no polygons that can be read: {error}{_inside_archive(path)}') from error


def _layer(path: str, types: dict[str, str | None], layer: str | None, layer_option: str) -> str:
    """The stated layer, or the only one that may hold polygons."""
    told = f'it has {", ".join(f"{name} ({kind or 'no geometry'})" for name, kind in types.items())}'
    if layer is not None:
        if not types.get(layer):
            raise ValueError(f'{path} has no layer {layer!r} with polygons; {told}.')
        return layer
    able = [name for name, kind in types.items() if kind and not any(word in kind for word in _NO_AREA)]
    if not able:
        raise InputError(f'{path} has no layer with polygons; {told}.')
    if len(able) > 1:
        raise ValueError(f'{path} has several layers; choose one with {layer_option}: {told}.')
    return able[0]


def _inside_archive(path: str) -> str:
    """Where the files in a zip archive would be found, as GDAL itself looks only at its root."""
    if not zipfile.is_zipfile(path):
        return ''
    with zipfile.ZipFile(path) as archive:
        inside = [name for name in archive.namelist() if name.lower().endswith(_VECTORS)]
    found = ', '.join(f'/vsizip/{path}/{name}' for name in inside)
    return f'. In the archive: {found}' if inside else '. The archive holds no such file'


def _placed(frame: gpd.GeoDataFrame, path: str) -> gpd.GeoDataFrame:
    """A frame whose CRS says where it lies, which a local one does not."""
    try:
        Transformer.from_crs(frame.crs, 'EPSG:4326')
    except ProjError as error:
        raise InputError(
            f'The CRS {frame.crs.name} of {path} lies nowhere on the ground; transform it first.'
        ) from error
    return frame


def _with_crs(frame: gpd.GeoDataFrame, crs: str | None, option: str) -> gpd.GeoDataFrame:
    if frame.crs is not None:
        return frame
    if crs is None:
        raise ValueError(f'The polygons have no CRS, so where they lie is unknown; state it ({option}).')
    try:
        return frame.set_crs(crs)
    except CRSError as error:
        raise ValueError(f'The CRS {crs!r} of the polygons is unknown: {error}') from error
