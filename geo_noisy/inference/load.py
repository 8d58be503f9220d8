"""Encoders and probes from files, ready to run over scenes."""

import os

from geo_noisy.errors import InputError
from geo_noisy.inference.network import Prepared, prepare
from geo_noisy.models.encoder import PretrainedEncoder, load_encoder
from geo_noisy.models.weights import StoredWeights, read_weights
from geo_noisy.tasks.segmentation_probe import SegmentationProbe


def prepare_encoder(
    weights: str | os.PathLike[str],
    *,
    model: str | None = None,
    output_stride: int | None = None,
    scale: float | None = None,
    device: str = 'auto',
) -> tuple[PretrainedEncoder, Prepared]:
    """Load an encoder and make it ready.

    Args:
        weights: A checkpoint, an exported folder or a file of tensors, see
            :func:`~geo_noisy.models.weights.read_weights`.
        model: Name of the encoder, where the file does not say it.
        output_stride: Pixels of a cell: 32, 16 or 8; as in the file, by default. Below it the last stages are dilated.
        scale: Sensor value that becomes 1; as in training, by default.
        device: ``cpu``, ``cuda`` or another of torch; ``auto`` takes a GPU where there is one.
    """
    encoder = load_encoder(weights, model=model, output_stride=output_stride)
    stride = encoder.output_stride
    prepared = prepare(
        encoder,
        encoder.forward,
        stride=stride,
        cell_px=stride,
        channels=encoder.in_channels,
        scale=scale if scale is not None else encoder.images.get('scale'),
        statistics=encoder.statistics,
        digest=encoder.digest,
        device=device,
    )
    return encoder, prepared


def prepare_probe(
    checkpoint: str | os.PathLike[str], *, scale: float | None = None, device: str = 'auto'
) -> tuple[SegmentationProbe, StoredWeights, Prepared]:
    """Load a segmentation probe and make it ready; its maps are class probabilities, a pixel a cell.

    Args:
        checkpoint: A checkpoint of a :class:`~geo_noisy.tasks.SegmentationProbe`.
        scale: Sensor value that becomes 1; as in training, by default.
        device: ``cpu``, ``cuda`` or another of torch; ``auto`` takes a GPU where there is one.

    Raises:
        InputError: If the file holds no probe.
    """
    stored = read_weights(checkpoint)
    if 'classes' not in stored.settings or not any(name.startswith('head.') for name in stored.state):
        raise InputError(
            f'{checkpoint} holds no segmentation probe, which has classes and a head: train one with `geo-noisy fit` '
            '(model: SegmentationProbe, model.init_args.weights: PATH).'
        )
    known = {name: stored.settings[name] for name in ('model', 'in_channels', 'output_stride', 'classes')}
    probe = SegmentationProbe(**known)
    own = probe.state_dict()
    probe.load_state_dict({name: stored.state[name] for name in own})
    prepared = prepare(
        probe,
        lambda image: probe(image).softmax(dim=1),
        stride=max(int(known['output_stride']), 32),
        cell_px=1,
        channels=int(known['in_channels']),
        scale=scale if scale is not None else stored.images.get('scale'),
        statistics=stored.statistics,
        digest=PretrainedEncoder(probe, name='probe', in_channels=0, output_stride=0).digest,
        device=device,
    )
    return probe, stored, prepared
