"""Momentum contrast on pairs (MoCo v2; Temporal Positives where the pairs are two dates)."""

import warnings
from pathlib import Path
from typing import Literal, cast

import torch
import torch.nn.functional as F
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn
from torchgeo.datasets.utils import Sample
from torchvision.models import WeightsEnum

from geo_noisy.datamodules.pairs import PairDataModule
from geo_noisy.losses.functional import check_rince
from geo_noisy.losses.modules import RINCE, InfoNCE
from geo_noisy.models.batch_norm import SplitBatchNorm2d
from geo_noisy.models.encoder import last_features
from geo_noisy.models.heads import image_projection, momentum_copy
from geo_noisy.models.queue import KeyQueue
from geo_noisy.tasks.pretraining import SHUFFLE_STREAM, Optimizer, PairTask, Query
from geo_noisy.tasks.retrieval import log_retrieval
from geo_noisy.transforms.draws import split, uniforms
from geo_noisy.transforms.views import Views


class MomentumContrast(PairTask):
    """MoCo v2 on temporal pairs (paper, section III-A).

    The order of a step is that of the released code: momentum update, keys, loss with the positive beside the
    queue, enqueue. Only parameters follow the momentum rule: the key encoder's batch norm statistics are its own.

    If you use this task in your research, please cite:

    * https://arxiv.org/abs/2003.04297 (MoCo v2)
    * https://arxiv.org/abs/2011.09980 (Temporal Positives)
    * https://arxiv.org/abs/2201.04309 (RINCE, where you use it)
    """

    def __init__(
        self,
        model: str = 'resnet18',
        weights: WeightsEnum | bool | str | Path | None = None,
        in_channels: int = 3,
        output_stride: int = 32,
        views: Views | None = None,
        loss: Literal['info_nce', 'rince'] = 'info_nce',
        rince_q: float = 0.6,
        rince_lam: float = 0.01,
        criterion: nn.Module | None = None,
        query: Query = 'coin',
        projection_dim: int = 128,
        queue_size: int = 4096,
        temperature: float = 0.2,
        key_momentum: float = 0.999,
        batch_norm_splits: int = 1,
        optimizer: Optimizer = 'sgd',
        lr: float = 0.03,
        momentum: float = 0.9,
        weight_decay: float = 1e-4,
        warmup_steps: int = 0,
        band_mean: list[float] | None = None,
        band_std: list[float] | None = None,
    ) -> None:
        """Initialise a new MomentumContrast.

        Args:
            model: Name of an encoder of segmentation-models-pytorch.
            weights: Initial weights: path of a checkpoint, a TorchGeo weight or its name, True for ImageNet, False
                or None for random ones.
            in_channels: Number of bands.
            output_stride: Image side over feature map side: 32, 16 or 8.
            views: Random views of the two dates; MoCo v2's by default.
            loss: ``info_nce`` (paper, equation 1), or ``rince``, which false positives harm less. Validation is by
                InfoNCE with either.
            rince_q: Robustness of RINCE, in [0, 1].
            rince_lam: Weight of the negatives in RINCE, above 0.
            criterion: A loss of your own in place of ``loss``, called as :class:`~geo_noisy.losses.InfoNCE` is: queries
                [B, D], keys [B, D], queue [K, D], entries that are no negatives [B, K].
            query: Which date is the query: a seeded ``coin`` for each pair, ``earlier``, ``later``, or
                ``symmetric`` for both in turn.
            projection_dim: Length of the features that the loss compares.
            queue_size: Number of negatives; keep it below the number of places.
            temperature: Softmax temperature; 0.2 in MoCo v2, 0.02 in Temporal Positives.
            key_momentum: Share of the key encoder's parameters that stays at each step, in [0, 1].
            batch_norm_splits: Parts of a batch with batch norm of their own, in place of ShuffleBN; 1 is plain.
            optimizer: ``sgd`` (as in the papers) or ``adamw``.
            lr: Learning rate.
            momentum: Momentum of SGD; AdamW has its own.
            weight_decay: Weight decay.
            warmup_steps: Steps of linear warm-up.
            band_mean: Mean of each band in [0, 1] units; the data module's by default.
            band_std: Standard deviation of each band in [0, 1] units; the data module's by default.

        Raises:
            ValueError: If an argument lies outside its range.

        Warns:
            UserWarning: If the queue exceeds the number of training places, or does not divide by the batch.
        """
        if loss not in ('info_nce', 'rince'):
            raise ValueError(f"loss is {loss!r}; choose 'info_nce' or 'rince'.")
        if loss == 'rince':
            check_rince(rince_q, rince_lam, temperature, queue_size)
        if not 0 <= key_momentum <= 1:
            raise ValueError(f'key_momentum is {key_momentum}; it must lie in [0, 1].')
        self.weights = weights
        super().__init__()
        self.set_views(views)
        self.set_criterion(criterion)

    def configure_models(self) -> None:
        """Build the encoder, its head, their momentum copies and the queue."""
        super().configure_models()
        SplitBatchNorm2d.replace_in(self.model, self.hparams['batch_norm_splits'])
        self.head = image_projection(self.channels, self.hparams['projection_dim'])
        # No name of these may hold "model.": TorchGeo takes every such tensor of a checkpoint for the encoder.
        self.key_encoder = momentum_copy(self.model)
        self.key_head = momentum_copy(self.head)
        self.queue = KeyQueue(self.hparams['queue_size'], self.hparams['projection_dim'])
        self._validation: list[tuple[Tensor, Tensor, Tensor]] = []

    def configure_losses(self) -> None:
        """Build the loss."""
        temperature = self.hparams['temperature']
        self.criterion: InfoNCE | RINCE = InfoNCE(temperature)
        if self.hparams['loss'] == 'rince':
            self.criterion = RINCE(temperature, self.hparams['rince_q'], self.hparams['rince_lam'])

    def on_fit_start(self) -> None:
        """Warn of a queue that would hold stale keys of the query itself."""
        super().on_fit_start()
        datamodule = getattr(self.trainer, 'datamodule', None)
        if not isinstance(datamodule, PairDataModule):
            return
        size, places = self.hparams['queue_size'], datamodule.training_places()
        if size > places:
            warnings.warn(
                f'queue_size is {size}, more than the {places} training places: it holds older keys of the '
                f'query itself. They are left out as negatives; choose queue_size below {places}.',
                stacklevel=2,
            )
        step = datamodule.batch_size * self.trainer.world_size * (2 if self.hparams['query'] == 'symmetric' else 1)
        if size % step:
            warnings.warn(
                f'queue_size is {size}, no multiple of the {step} keys of a step: the queue is replaced in uneven '
                f'parts. Training is right; {size // step * step or step} would be even.',
                stacklevel=2,
            )

    def encode_query(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Projected unit vectors [B, projection_dim] and pooled features [B, C] of standardised images."""
        pooled = last_features(self.model, image).mean(dim=(2, 3))
        return F.normalize(self.head(pooled), dim=1), pooled

    @torch.no_grad()
    def encode_key(self, image: Tensor) -> Tensor:
        """Projected unit vectors [B, projection_dim] by the momentum encoder."""
        pooled = last_features(self.key_encoder, image).mean(dim=(2, 3))
        return F.normalize(self.key_head(pooled), dim=1)

    def encode_shuffled_key(self, image: Tensor, draw: Tensor) -> Tensor:
        """Keys from a shuffled batch, so that split batch norm cannot tell which key belongs to a query."""
        if self.hparams['batch_norm_splits'] == 1:
            return self.encode_key(image)
        order = uniforms(split(draw, SHUFFLE_STREAM), 1)[:, 0].argsort(stable=True)
        return self.encode_key(image[order])[order.argsort()]

    def pair_loss(self, batch: Sample, *, train: bool) -> tuple[Tensor, Tensor]:
        """InfoNCE of a training batch against the queue, which then takes its keys."""
        directions = self.directions(batch)
        self.check_cells(len(batch['image']), batch['image'].shape[-2:])
        self._update_key_encoder()
        places = batch['place']
        excluded = self.queue.same_place(places)
        losses, keys, pooled = [], [], []
        for query, key in directions:
            q, features = self.encode_query(query['image'])
            k = self.encode_shuffled_key(key['image'], batch['draw'])
            losses.append(self.criterion(q, k, self.queue.features.clone(), excluded))
            keys.append(k)
            pooled.append(features)
        self._enqueue(torch.cat(keys), places.repeat(len(keys)))
        return torch.stack(losses).mean(), torch.cat(pooled)

    @torch.no_grad()
    def _update_key_encoder(self) -> None:
        average = get_ema_multi_avg_fn(self.hparams['key_momentum'])  # type: ignore[no-untyped-call]
        keys = [*self.key_encoder.parameters(), *self.key_head.parameters()]
        average(keys, [*self.model.parameters(), *self.head.parameters()], None)

    def _enqueue(self, keys: Tensor, places: Tensor) -> None:
        if self.trainer.world_size > 1:
            keys, places = (self._gather(value) for value in (keys, places))
        self.queue.enqueue(keys, places)

    def _gather(self, value: Tensor) -> Tensor:
        """Rows of all ranks, one after the other."""
        return cast(Tensor, self.all_gather(value)).flatten(0, 1)

    def validation_step(self, batch: Sample, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Encode a batch of fixed views, for the loss at the end of the epoch.

        Args:
            batch: A pair batch.
            batch_idx: Number of the batch.
            dataloader_idx: Number of the loader.
        """
        query, key = self.directions(batch)[0]
        q, pooled = self.encode_query(query['image'])
        self.log_spread('val_spread', pooled)
        self._validation.append((q, self.encode_key(key['image']), batch['place']))

    def on_validation_epoch_end(self) -> None:
        """Log loss, top-1 and rank of the positive against the other validation keys.

        The negatives are keys of the present key encoder, never the training queue, so that the loss can be
        compared over time, from the first epoch on.

        Warns:
            UserWarning: If nothing could be measured; then the scores are NaN.
        """
        parts = [torch.cat(part) for part in zip(*self._validation, strict=True)]
        self._validation.clear()
        if self.trainer.sanity_checking:
            return
        if self.trainer.world_size > 1:
            parts = [self._gather(part) for part in parts]
        log_retrieval(self, *parts, temperature=self.hparams['temperature'])

    def on_fit_end(self) -> None:
        """Say so when the queue was never filled."""
        if not self.queue.filled:
            rank_zero_warn(
                f'Training saw {int(self.queue.seen)} keys, fewer than queue_size {self.hparams["queue_size"]}: random '
                'negatives stayed in it to the end. Train longer, or lower queue_size.'
            )
