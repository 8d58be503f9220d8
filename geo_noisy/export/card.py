"""The model card: what an encoder is, what it saw, how it is loaded, and what is not known of it."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from geo_noisy import __version__
from geo_noisy.errors import InputError
from geo_noisy.export.round_trips import EQUAL, RoundTrip
from geo_noisy.models.encoder import PretrainedEncoder
from geo_noisy.regions.files.read_table import read_table

_UNKNOWN = 'not stated'


def read_scores(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read scores for a card.

    Args:
        path: CSV or Parquet with columns ``score`` and ``value``, perhaps ``low``, ``high`` and ``what``.

    Raises:
        FileNotFoundError: If it is not there.
        InputError: If it is no table, a column is missing, or a value is no finite number.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'The scores (--scores) {path} are not there.')
    table = read_table(path)
    missing = [name for name in ('score', 'value') if name not in table.columns]
    if missing:
        raise InputError(f'Scores {path} lack the column {" and ".join(missing)}; they have {list(table.columns)}.')
    for name in {'value', 'low', 'high'} & set(table.columns):
        numbers = pd.to_numeric(table[name], errors='coerce')
        wrong = ~np.isfinite(numbers) if name == 'value' else table[name].notna() & ~np.isfinite(numbers)
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise InputError(f'Scores {path}: {name} is {table[name].iloc[row]!r} in row {row}; give a number.')
    return table


def card_text(
    encoder: PretrainedEncoder,
    trips: Sequence[RoundTrip],
    *,
    scores: pd.DataFrame | None,
    checkpoint: str,
    folder: str,
    data: str | None,
    data_license: str | None,
    weights_license: str | None,
) -> str:
    """The card as Markdown with the YAML header that model hubs read.

    Args:
        encoder: The encoder.
        trips: What came of loading it.
        scores: A table of :func:`read_scores`.
        checkpoint: Where it comes from.
        folder: Name of the folder that it is exported to.
        data: What the images are, in words.
        data_license: Their licence.
        weights_license: Licence of the weights.
    """
    header: dict[str, Any] = {
        'license': weights_license or 'other',
        'library_name': 'geo-noisy',
        'pipeline_tag': 'image-feature-extraction',
    }
    header |= {'tags': ['remote-sensing', 'self-supervised', 'contrastive-learning', 'geo-noisy']}
    parts = [
        f'---\n{yaml.safe_dump(header, sort_keys=False)}---',
        f'# {folder}',
        '\n'.join(_summary(encoder, checkpoint)),
        f'## Bands\n\n{_bands(encoder)}',
        '## Data\n\n' + '\n'.join(_data(encoder.images, data, data_license)),
        '## Pairs\n\n' + '\n'.join(_pairs(encoder.images)),
        f'## Scores\n\n{_scores(scores)}',
        '## Loading\n\n' + '\n\n'.join(_loading(trips, folder)),
        f'## Licence\n\nWeights: {weights_license or _UNKNOWN}. Images: {data_license or _UNKNOWN}.',
    ]
    return '\n\n'.join(parts) + '\n'


def _summary(encoder: PretrainedEncoder, checkpoint: str) -> Iterator[str]:
    parameters = sum(value.numel() for value in encoder.encoder.parameters())
    yield f'An encoder of satellite images, written by geo-noisy {__version__} from `{Path(checkpoint).name}`.'
    yield ''
    yield f'- Network: `{encoder.name}`, {parameters:,} parameters, output stride {encoder.output_stride}, '
    yield f'  features of {encoder.channels} channels'
    yield f'- Digest: `{encoder.digest}`'


def _bands(encoder: PretrainedEncoder) -> str:
    statistics, scale = encoder.statistics, encoder.images.get('scale')
    names = encoder.images.get('bands') or [str(number + 1) for number in range(encoder.in_channels)]
    said = (
        f'Sensor values are divided by {scale:g}, then standardised.'
        if scale
        else 'Which sensor value becomes 1 is not stated in the checkpoint.'
    )
    if statistics is None:
        return f'{said} Means and deviations of the bands are not stated: {", ".join(names)}.'
    rows = ['| band | mean | deviation |', '|---|---|---|']
    rows += [f'| {name} | {mean:.5g} | {std:.5g} |' for name, mean, std in zip(names, *statistics, strict=True)]
    return '\n'.join([said, '', *rows])


def _data(images: Mapping[str, Any], data: str | None, data_license: str | None) -> Iterator[str]:
    yield f'- Images: {data or _UNKNOWN}'
    yield f'- Licence of the images, as stated by who exported: {data_license or _UNKNOWN}'
    if 'res' in images:
        dates = ' to '.join(images['dates'])
        yield f'- Pixel size: {" x ".join(f"{value:g}" for value in images["res"])} units of {images["crs"]}'
        yield f'- Windows: {images["locations"]:,} of {images["size_px"]} px, {images["captures"]} captures, {dates}'
    if images.get('product'):
        yield f'- Product: {images["product"]}'


def _pairs(images: Mapping[str, Any]) -> Iterator[str]:
    """The policy and the audit of the noise."""
    if 'policy' not in images:
        yield 'Not stated in the checkpoint.'
        return
    policy, pairs = images['policy'], images.get('pairs') or {}
    rate = policy['rate']
    yield f'- Data set: `{images.get("data_set", _UNKNOWN)}`'
    if pairs:
        known = pairs['clean'] + pairs['noisy']
        share = f', {pairs["noisy"] / known:.1%} of the known ones noisy' if known else ''
        counts = ', '.join(f'{number:,} {stratum}' for stratum, number in pairs.items())
        yield f'- To choose from: {counts}{share}'
    yield f'- Noise measured by: {images.get("noise", _UNKNOWN)}'
    yield f'- Noisy pairs rate: {"every pair once" if rate is None else f"{rate:g} ({policy['match']})"}'
    yield f'- Mere exposure: {"yes" if policy["mere_exposure"] else "no"}; unknown pairs: {policy["unknown"]}'


def _scores(scores: pd.DataFrame | None) -> str:
    if scores is None:
        return 'None stated.'
    rows = ['| score | value | 95 % interval | of |', '|---|---|---|---|']
    for row in scores.to_dict('records'):
        low, high = (float(row.get(end, math.nan)) for end in ('low', 'high'))
        interval = 'not measured' if math.isnan(low) or math.isnan(high) else f'{low:.3g} to {high:.3g}'
        rows.append(f'| {row["score"]} | {row["value"]:.3g} | {interval} | {row.get("what", "")} |')
    return '\n'.join(rows)


def _loading(trips: Sequence[RoundTrip], folder: str) -> Iterator[str]:
    yield (
        'Each way below was tried when this folder was written; the number is the largest difference of features over '
        f'the largest feature (equal: at most {EQUAL:g}). Where nothing else is said, images are standardised as above.'
    )
    for trip in trips:
        if trip.holds:
            code = trip.code.replace('FOLDER', folder)
            yield f'**{trip.library}**: equal ({trip.difference:.1g}).\n\n```python\n{code}\n```'
        else:
            measured = '' if math.isnan(trip.difference) else f' ({trip.difference:.2g})'
            yield f'**{trip.library}**: not equal, or not loadable: {trip.why}{measured}.'
