"""Weights of an encoder, out of whatever file holds them."""

import json
import os
import pickle
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor
from torchvision.models import WeightsEnum

from geo_noisy.errors import InputError
from geo_noisy.regions.files.paths import is_far

IMAGES = 'geo_noisy_images'
"""In checkpoints: what the images of the training were, see :meth:`GeoNoisyDataModule.describe`."""

EXPORTED, HEADER = 'model.safetensors', 'geo_noisy'
"""File of tensors in a folder of ``geo-noisy export``, and the entry of its header that holds the rest, as JSON."""

WRAPPERS = ('state_dict', 'model_state_dict', 'model')
"""Where a file of nested dicts keeps its tensors."""

TWINS = ('momentum', 'target', 'teacher', 'ema', 'key_encoder', 'encoder_k')
"""In names of modules that follow the encoder, and are not taken for it."""

UNREADABLE = (
    SafetensorError,
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OSError,  # of a file cut near its start
    struct.error,  # of a number cut in its middle
)
"""What readers raise of files that are not theirs: torch takes any bytes for a pickle."""

NUMBERED = {'0': 'conv1', '1': 'bn1', '4': 'layer1', '5': 'layer2', '6': 'layer3', '7': 'layer4'}
"""Names of a ResNet's parts where they were put into an ``nn.Sequential``, as lightly's examples do."""


@dataclass(frozen=True, eq=False)
class StoredWeights:
    """What was read from a file, once.

    Attributes:
        source: Where it comes from, for messages.
        state: Every tensor by its name there.
        settings: Hyper-parameters of the task, where the file keeps them.
        images: What the images of the training were (``scale``, ``bands``, ``policy``), where the file keeps it.
    """

    source: str
    state: Mapping[str, Tensor]
    settings: Mapping[str, Any] = field(default_factory=dict)
    images: Mapping[str, Any] = field(default_factory=dict)

    @property
    def statistics(self) -> tuple[list[float], list[float]] | None:
        """Mean and standard deviation of each band that the encoder was trained with, in [0, 1] units, where known."""
        if 'band_mean' in self.state and 'band_std' in self.state:
            return self.state['band_mean'].flatten().tolist(), self.state['band_std'].flatten().tolist()
        given = self.settings.get('band_mean'), self.settings.get('band_std')
        return None if given[0] is None or given[1] is None else (list(given[0]), list(given[1]))

    @property
    def network(self) -> str | None:
        """Name of the encoder, where the file says it."""
        name = self.settings.get('backbone') or self.settings.get('model')
        return name if isinstance(name, str) else None

    def encoder_state(self, own: Mapping[str, Tensor], *, network: str) -> dict[str, Tensor]:
        """The tensors of an encoder under the encoder's names.

        Read are the layouts of geo-noisy, TorchGeo (also MoCo, SimCLR, BYOL and segmentation), torchvision, timm,
        segmentation-models-pytorch and lightly: whatever stands before the names of a network. A classifier, a decoder
        or a projection beside the encoder is left out.

        Args:
            own: State of the encoder that is to be filled.
            network: Its name, for messages.

        Raises:
            ValueError: If the file holds no such encoder, with what to change.
        """
        names = _bare_names(own)
        found = _best_layout(self.state, names)
        if not self.state:
            raise InputError(f'weights {self.source} hold no tensor: save module.state_dict(), or give another file.')
        if not found:
            some = ', '.join(sorted(self.state)[:3])
            raise ValueError(
                f'weights {self.source} hold no {network}: {len(self.state)} tensors, such as {some}, and none is '
                f'called like {next(iter(names))}. {self._remedy(network)}'
            )
        self._check(found, own, names, network=network)
        self._check_finite(found)
        return {key: found.get(name, own[key]) for name, key in names.items()}

    def layout(self, own: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The tensors that lie where most of an encoder's names are, by the names of the network; empty if none do."""
        return _best_layout(self.state, _bare_names(own))

    def _check(
        self, found: Mapping[str, Tensor], own: Mapping[str, Tensor], names: Mapping[str, str], *, network: str
    ) -> None:
        parts = {name.split('.')[0] for name in names}
        # Old files lack the counters of batch norm.
        missing = sorted(name for name in names.keys() - found.keys() if not name.endswith('num_batches_tracked'))
        unknown = sorted(name for name in found.keys() - names.keys() if name.split('.')[0] in parts)
        if missing or unknown:
            raise ValueError(
                f'weights {self.source} are of another network than {network}: {len(missing)} tensors missing there '
                f'{missing[:3]}, {len(unknown)} unknown here {unknown[:3]}. {self._remedy(network)}'
            )
        for name, key in names.items():
            if name in found and found[name].shape != own[key].shape:
                there, here = tuple(found[name].shape), tuple(own[key].shape)
                bands = len(there) == len(here) == 4 and there[:1] + there[2:] == here[:1] + here[2:]
                remedy = f'Set in_channels to {there[1]}, or give other weights.' if bands else self._remedy(network)
                raise ValueError(f'weights {self.source} do not fit: {name} is {there} there and {here} here. {remedy}')

    def _check_finite(self, found: Mapping[str, Tensor]) -> None:
        for name, values in found.items():
            if values.is_floating_point() and not values.isfinite().all():
                raise InputError(
                    f'weights {self.source} hold NaN or infinite values, first in {name}: the training behind them '
                    'diverged. Give others, such as an earlier checkpoint.'
                )

    def _remedy(self, network: str) -> str:
        if self.network and self.network != network.removeprefix('tu-'):
            return f'They were trained with {self.network!r}: set model to that, or give other weights.'
        return 'Set model to the network that they hold, or give other weights.'


def read_weights(weights: WeightsEnum | str | os.PathLike[str]) -> StoredWeights:
    """Read a checkpoint, a file of tensors, a folder of ``geo-noisy export``, a TorchGeo weight or one by its name.

    Raises:
        FileNotFoundError: If it is none of these.
        ValueError: If it is empty.
        InputError: If the file is empty, cut, or no file of tensors.
    """
    if isinstance(weights, WeightsEnum):
        return _from_enum(weights)
    if not str(weights):
        raise ValueError('weights is empty: give a file, the name of a TorchGeo weight, true or null.')
    path = Path(weights)
    if (path / EXPORTED).is_file():
        path = path / EXPORTED
    if path.is_file():
        content = _read_file(path)
        settings, images = (content.get(key) for key in ('hyper_parameters', IMAGES))
        return StoredWeights(
            str(path),
            _tensors(content),
            settings if isinstance(settings, Mapping) else {},
            images if isinstance(images, Mapping) else {},
        )
    from torchgeo.models import get_weight  # takes seconds to import

    try:
        return _from_enum(get_weight(str(weights)))
    except (KeyError, ValueError) as error:
        if is_far(str(weights)):
            raise FileNotFoundError(f'weights is {weights}, an address: fetch the file, and give its path.') from error
        raise FileNotFoundError(
            f"weights is '{weights}', which is neither a file nor the name of a TorchGeo weight such as "
            'ResNet18_Weights.SENTINEL2_ALL_MOCO.'
        ) from error


def _from_enum(weights: WeightsEnum) -> StoredWeights:
    meta = weights.value.meta
    settings = {'model': meta.get('model'), 'in_channels': meta.get('in_chans')}
    return StoredWeights(
        str(weights), dict(weights.get_state_dict(progress=True, check_hash=True, weights_only=True)), settings
    )


def _read_file(path: Path) -> Mapping[str, Any]:
    """Contents of a file of tensors; a file that is none is told."""
    if path.stat().st_size == 0:
        raise InputError(f'weights {path} is an empty file: copy or download it again.')
    try:
        if path.suffix == '.safetensors':
            return load_file(path) | _told_beside(path)
        content = torch.load(path, map_location='cpu', weights_only=True)
    except UNREADABLE as error:
        raise InputError(f'weights {path} cannot be read: {_reason(path)}') from error
    if not isinstance(content, Mapping):
        raise InputError(
            f'weights {path} hold a {type(content).__name__}, not tensors by name: save module.state_dict() instead.'
        )
    return content


def _told_beside(path: Path) -> dict[str, Any]:
    """What the header of a file of tensors tells of them, as ``geo-noisy export`` writes it."""
    with safe_open(path, framework='pt') as file:
        told = (file.metadata() or {}).get(HEADER)
    return json.loads(told) if told else {}


def _reason(path: Path) -> str:
    with path.open('rb') as file:
        start = file.read(64)
    if start.startswith(b'PK'):
        if not zipfile.is_zipfile(path):
            return 'the end of the file is missing. Copy or download it again.'
        return (
            'it holds Python objects beside tensors, and those could run code. Save the tensors alone: '
            'torch.save(module.state_dict(), path).'
        )
    if start.isascii() and b'\0' not in start:
        return f'it is a text file that starts with {start[:20].decode()!r}. Give a checkpoint (.ckpt, .pth, .pt).'
    return 'it is cut, or no checkpoint. Copy or download it again, or give a .ckpt, .pth, .pt or .safetensors file.'


def _tensors(content: Mapping[str, Any]) -> dict[str, Tensor]:
    for wrapper in WRAPPERS:
        inner = content.get(wrapper)
        if isinstance(inner, Mapping) and any(isinstance(value, Tensor) for value in inner.values()):
            content = inner
            break
    return {str(key): value for key, value in content.items() if isinstance(value, Tensor)}


def _bare_names(own: Mapping[str, Tensor]) -> dict[str, str]:
    """The names of a network by those of the encoder: encoders of timm hold theirs in a ``model``."""
    wrapped = all(key.startswith('model.') for key in own)
    return {key.removeprefix('model.') if wrapped else key: key for key in own}


def _best_layout(state: Mapping[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    """Tensors under the names of the network, from the place in the file that holds the most of them."""

    def _rank(layout: tuple[str, dict[str, Tensor]]) -> tuple[int, bool, int]:
        prefix, tensors = layout
        return len(tensors.keys() & names.keys()), not any(twin in prefix for twin in TWINS), -len(prefix)

    layouts = [*_prefixed(state, next(iter(names))), *_numbered(state)]
    return max(layouts, key=_rank)[1] if layouts else {}


def _prefixed(state: Mapping[str, Tensor], first: str) -> Iterator[tuple[str, dict[str, Tensor]]]:
    for prefix in {key.removesuffix(first) for key in state if f'.{key}'.endswith(f'.{first}')}:
        yield prefix, {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def _numbered(state: Mapping[str, Tensor]) -> Iterator[tuple[str, dict[str, Tensor]]]:
    block = '4.0.conv1.weight'
    for prefix in {key.removesuffix(block) for key in state if f'.{key}'.endswith(f'.{block}')}:
        tensors = {}
        for key, value in state.items():
            number, _, rest = key.removeprefix(prefix).partition('.')
            if key.startswith(prefix) and number in NUMBERED:
                tensors[f'{NUMBERED[number]}.{rest}'] = value
        yield prefix, tensors
