"""What all tasks share: an encoder, standardised bands, and a random state that survives a stop."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torchgeo.tasks import BaseTask
from torchvision.models import WeightsEnum

from geo_noisy.datamodules.base import GeoNoisyDataModule
from geo_noisy.datamodules.settings import warn_of_changes
from geo_noisy.models.encoder import build_encoder
from geo_noisy.models.weights import IMAGES, read_weights
from geo_noisy.tasks.finite import check_weights
from geo_noisy.tasks.hardware import channels_last_pays
from geo_noisy.tasks.resuming import RESUME, check_shapes, mend_epoch_count, plain_hparams, restore, resume_state
from geo_noisy.tasks.scale import check_means, check_scale, scale_of
from geo_noisy.tasks.schedule import Unit, cosine_schedule, warn_of_length

_AT_LEAST = {'lr': 1e-12, 'weight_decay': 0, 'projection_dim': 1, 'warmup_steps': 0, 'in_channels': 1}
"""Smallest values of arguments of tasks."""


class EncoderTask(BaseTask):
    """A task around an encoder at ``self.model``, where TorchGeo's tasks look for it in checkpoints.

    Images come in [0, 1] and are standardised by ``band_mean`` and ``band_std``: from the arguments, else from
    the data module, else as they were in the checkpoint given as ``weights``. Both are kept in checkpoints.
    """

    weights: WeightsEnum | bool | str | Path | None
    band_mean: Tensor
    band_std: Tensor
    schedule_length: float = math.inf
    """Steps or epochs of the schedule of the learning rate."""

    _restored: dict[str, Any] | None = None
    _images_checked = False
    layout_by_size = False
    """Whether the first images of a training decide how images and weights lie in memory."""

    _channels_last: bool | None = None

    def configure_models(self) -> None:
        """Build the encoder and the statistics of its bands."""
        for name, low in _AT_LEAST.items():
            if name in self.hparams and not low <= self.hparams[name] < math.inf:
                raise ValueError(f'{name} is {self.hparams[name]}; give a number from {low:g}.')
        channels = self.hparams['in_channels']
        weights = self.weights
        read = None if weights is None or isinstance(weights, bool) else read_weights(weights)
        self.model: nn.Module = build_encoder(
            self.hparams['model'],
            in_channels=channels,
            weights=read or weights,
            output_stride=self.hparams['output_stride'],
        )
        stored = read.statistics if read else None
        given = (self.hparams['band_mean'], self.hparams['band_std'])
        if (given[0] is None) != (given[1] is None):
            raise ValueError(f'band_mean is {given[0]} and band_std is {given[1]}: give both, or neither.')
        self._statistics_known = given[0] is not None or stored is not None
        mean, std = given if given[0] is not None else stored or ([0.0] * channels, [1.0] * channels)
        self.register_buffer('band_mean', _band_column(mean, channels, 'band_mean'))
        self.register_buffer('band_std', _band_column(std, channels, 'band_std'))

    @property
    def channels(self) -> int:
        """Channels of the encoder's last feature map."""
        return int(cast(Any, self.model).out_channels[-1])

    def setup(self, stage: str) -> None:
        """Lay the weights out, and take the statistics of the bands from the data module where nothing else gives them.

        Before a strategy wraps the task: ``DistributedDataParallel`` would scramble the gradients of its first step
        otherwise. One process alone may lay them out anew when it sees its images, see :meth:`standardise`.
        """
        self._channels_last = True if stage == 'fit' and self.trainer.world_size > 1 else None
        if stage == 'fit':
            self.to(memory_format=torch.channels_last)
        datamodule = getattr(self.trainer, 'datamodule', None)
        if self._statistics_known or not isinstance(datamodule, GeoNoisyDataModule):
            return
        statistics = datamodule.band_statistics()
        if statistics is not None:
            check_means(statistics[0], scale=scale_of(datamodule), of='the bands of the training split')
            channels = self.hparams['in_channels']
            self.band_mean.copy_(_band_column(statistics[0], channels, 'band_mean'))
            self.band_std.copy_(_band_column(statistics[1], channels, 'band_std'))

    def check_first_images(self, image: Tensor) -> None:
        """Check once that images [..., C, H, W] come in [0, 1], see :func:`~geo_noisy.tasks.scale.check_scale`."""
        if self._images_checked or image.shape[-3] != self.band_mean.shape[0]:
            return
        self._images_checked = True
        datamodule = getattr(self._trainer, 'datamodule', None)
        known = bool((self.band_std != 1).any())
        check_scale(image, self.band_mean, self.band_std, known=known, scale=scale_of(datamodule))

    def standardise(self, image: Tensor) -> Tensor:
        """Standardise the bands of images [..., C, H, W] in [0, 1].

        The first images of a training decide how images and weights lie in memory from then on: as convolutions of this
        size are fastest.
        """
        image = ((image - self.band_mean) / self.band_std).to(next(self.model.parameters()).dtype)
        if self.layout_by_size and self.training and self._channels_last is None and image.ndim >= 4:
            self._lay_out(channels_last=channels_last_pays(image))
        return image.contiguous(memory_format=self._layout()) if image.ndim == 4 else image

    def _lay_out(self, *, channels_last: bool) -> None:
        self._channels_last = channels_last
        self.to(memory_format=self._layout())

    def _layout(self) -> torch.memory_format:
        return torch.contiguous_format if self._channels_last is False else torch.channels_last

    def follow_cosine(self, optimizer: Optimizer, *, length: float, unit: Unit, warmup: int = 0) -> dict[str, Any]:
        """The optimiser with a cosine schedule, as Lightning takes them.

        Args:
            optimizer: The optimiser.
            length: Steps or epochs of the run; infinite for a rate that stays.
            unit: What ``length`` and ``warmup`` count.
            warmup: Linear rise.

        Warns:
            UserWarning: If the run is of another length than that of the checkpoint that it goes on from.
        """
        if self.trainer.ckpt_path and self._restored is not None:
            warn_of_length(self._restored.get('length', length), length, unit=unit)
        self.schedule_length = length
        scheduler = cosine_schedule(optimizer, length=length, warmup=warmup)
        return {'optimizer': optimizer, 'lr_scheduler': {'scheduler': scheduler, 'interval': unit}}

    def check_cells(self, images: int, size: Sequence[int]) -> None:
        """Check that a training batch holds more than one cell of the last feature map, as batch norm needs.

        Args:
            images: Images in the batch.
            size: Height and width of an image.

        Raises:
            ValueError: If it does not.
        """
        stride = self.hparams['output_stride']
        if images * math.ceil(size[0] / stride) * math.ceil(size[1] / stride) == 1:
            raise ValueError(
                f'A training batch is one image of {size[0]} x {size[1]} px, one cell at output_stride {stride}; batch '
                'norm needs more: raise batch_size, or lower output_stride.'
            )

    def on_fit_start(self) -> None:
        """Warn of hyper-parameters that differ from those of the checkpoint that the run goes on from."""
        if self.trainer.ckpt_path and self._restored is not None:
            warn_of_changes(self._restored['settings'], plain_hparams(self.hparams), of='task')

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what Lightning does not: random numbers, gradients that wait, the schedule, what the images are."""
        checkpoint[RESUME] = resume_state(self) | {'length': self.schedule_length, 'channels_last': self._channels_last}
        datamodule = getattr(self._trainer, 'datamodule', None)
        if isinstance(datamodule, GeoNoisyDataModule):
            checkpoint[IMAGES] = datamodule.describe()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep that state until training goes on.

        Raises:
            ValueError: If tensors of the checkpoint are of other shapes than those of this task.
        """
        self._statistics_known = True
        settings = plain_hparams(checkpoint.get(self.CHECKPOINT_HYPER_PARAMS_KEY, {}))
        check_shapes(self, checkpoint['state_dict'], settings)
        self._restored = checkpoint.get(RESUME, {}) | {'settings': settings}
        before = self._restored.get('channels_last')
        if self._channels_last is None and before is not None:
            self._lay_out(channels_last=before)

    def on_train_start(self) -> None:
        """Go on with the random numbers and the gradients of a restored run.

        Here, and not at the start of an epoch: Lightning leaves that out when training goes on in mid-epoch.
        """
        if self.trainer.ckpt_path and self._restored is not None:
            restore(self, self._restored)
            mend_epoch_count(self.trainer)
        self._restored = None

    def on_train_end(self) -> None:
        """Check that the last steps left weights that are numbers.

        Raises:
            FloatingPointError: If they did not.
        """
        check_weights(self)


def _band_column(values: Sequence[float], channels: int, name: str) -> Tensor:
    column = torch.tensor(list(values), dtype=torch.float32)
    if column.numel() != channels:
        raise ValueError(f'{name} has {column.numel()} values, but in_channels is {channels}: give one for each band.')
    if name == 'band_std' and not (column > 0).all():
        raise ValueError(f'band_std is {list(values)}; each value must be above 0.')
    return column.view(channels, 1, 1)
