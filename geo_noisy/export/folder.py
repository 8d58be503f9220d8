"""A folder that other libraries load an encoder from: tensors, a config and a card."""

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save

from geo_noisy.errors import InputError
from geo_noisy.export.card import card_text, read_scores
from geo_noisy.export.graphs import export_program, write_onnx
from geo_noisy.export.round_trips import EQUAL, ONNX, PROGRAM, RoundTrip, round_trips, timm_refusal
from geo_noisy.models.encoder import PretrainedEncoder, load_encoder
from geo_noisy.models.weights import EXPORTED, HEADER

Graph = Literal['onnx', 'pt2']
NEEDED = ('geo-noisy', 'torch and segmentation-models-pytorch', 'torch.export', 'onnxruntime')
"""What must give equal features where it is asked for; timm and TorchGeo do where they have the encoder."""


def export_encoder(
    checkpoint: str | os.PathLike[str],
    *,
    output: str | os.PathLike[str],
    model: str | None = None,
    graphs: Sequence[Graph] = (),
    data: str | None = None,
    data_license: str | None = None,
    weights_license: str | None = None,
    scores: str | os.PathLike[str] | None = None,
) -> list[RoundTrip]:
    """Write an encoder as a folder, and load it back in every way there is.

    The folder is written beside and moved into place; one of an earlier export is replaced.

    Args:
        checkpoint: A checkpoint of a pretraining or a probe, or what else
            :func:`~geo_noisy.models.weights.read_weights` reads.
        output: The folder: ``model.safetensors`` (the encoder's tensors, and band statistics in the header),
            ``config.json`` where timm has the encoder, ``README.md`` (the card), and the graphs.
        model: Name of the encoder; as the file says it, by default.
        graphs: Graphs that need no code of the encoder to be written as well: ``onnx``, and ``pt2`` of torch.export.
        data: What the images are, in words, for the card.
        data_license: Licence of the images, for the card.
        weights_license: Licence that the weights are given under, for the card.
        scores: CSV or Parquet file with columns ``score`` and ``value``, perhaps ``low`` and ``high`` (an interval) and
            ``what``, for the card.

    Returns:
        What came of each way to load it.

    Raises:
        InputError: If features differ in a way that must hold.
        FileExistsError: If there is something else at the output.
    """
    folder = Path(output)
    _check_place(folder)
    table = None if scores is None else read_scores(scores)
    encoder = load_encoder(checkpoint, model=model)
    folder.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.absolute().parent, prefix=f'.{folder.name}.') as beside:
        unfinished = Path(beside) / 'export'
        unfinished.mkdir()
        _write_tensors(encoder, unfinished)
        _write_graphs(encoder, unfinished, graphs)
        trips = round_trips(encoder, unfinished)
        _check(trips)
        told = {'data': data, 'data_license': data_license, 'weights_license': weights_license}
        text = card_text(encoder, trips, scores=table, checkpoint=str(checkpoint), folder=folder.name, **told)
        (unfinished / 'README.md').write_text(text, encoding='utf-8')
        if folder.exists():
            os.replace(folder, Path(beside) / 'before')
        os.replace(unfinished, folder)
    return trips


def _check_place(folder: Path) -> None:
    if folder.exists() and not (folder / EXPORTED).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise FileExistsError(f'{folder} is there and is no earlier export; choose another folder.')


def _write_tensors(encoder: PretrainedEncoder, folder: Path) -> None:
    inner = 'model.' if encoder.name.startswith('tu-') else ''
    state = {key.removeprefix(inner): value.contiguous() for key, value in encoder.encoder.state_dict().items()}
    header = {'hyper_parameters': _settings(encoder), 'geo_noisy_images': encoder.images}
    (folder / EXPORTED).write_bytes(save(state, metadata={'format': 'pt', HEADER: json.dumps(header)}))
    if not timm_refusal(encoder):
        (folder / 'config.json').write_text(json.dumps(_timm_config(encoder), indent=2), encoding='utf-8')


def _settings(encoder: PretrainedEncoder) -> Mapping[str, Any]:
    mean, std = encoder.statistics or (None, None)
    return {
        'model': encoder.name,
        'in_channels': encoder.in_channels,
        'output_stride': encoder.output_stride,
        'band_mean': mean,
        'band_std': std,
    }


def _timm_config(encoder: PretrainedEncoder) -> Mapping[str, Any]:
    mean, std = encoder.statistics or ([0.0] * encoder.in_channels, [1.0] * encoder.in_channels)
    return {
        'architecture': encoder.name.removeprefix('tu-'),
        'num_classes': 0,
        'model_args': {'in_chans': encoder.in_channels, 'num_classes': 0},
        'pretrained_cfg': {
            'input_size': [encoder.in_channels, 224, 224], 'mean': mean, 'std': std, 'num_classes': 0,
            'custom_load': False, 'interpolation': 'bilinear',
        },
    }  # fmt: skip


def _write_graphs(encoder: PretrainedEncoder, folder: Path, graphs: Sequence[Graph]) -> None:
    if 'pt2' in graphs:
        torch.export.save(export_program(encoder), folder / PROGRAM)
    if 'onnx' in graphs:
        write_onnx(encoder, folder / ONNX)


def _check(trips: Sequence[RoundTrip]) -> None:
    bad = [trip for trip in trips if trip.library in NEEDED and not trip.holds]
    if bad:
        told = ', '.join(f'{trip.library} {trip.difference:.2g}' for trip in bad)
        raise InputError(
            f'Features of the exported encoder differ by more than {EQUAL:g}: {told}. Nothing was written.'
        )
