"""Dense contrast without labels: the same ground at two dates, which may know where it changed."""

from pathlib import Path
from typing import cast

import torch
import torch.nn.functional as F
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor, nn
from torchgeo.datasets.utils import Sample
from torchvision.models import WeightsEnum

from geo_noisy.losses.functional import info_nce
from geo_noisy.losses.ground import MOSTLY, Changed, GroundLoss, Unknown, point_weights
from geo_noisy.models.encoder import last_features
from geo_noisy.models.ground import features_at
from geo_noisy.models.heads import HeadNorm, image_projection, pixel_projection
from geo_noisy.models.queue import KeyQueue
from geo_noisy.tasks.ground_points import Points, drawn_points, ground_points
from geo_noisy.tasks.plateau import PlateauWatch
from geo_noisy.tasks.pretraining import Optimizer, PairTask, Query
from geo_noisy.tasks.retrieval import log_retrieval
from geo_noisy.transforms.views import Views

VALIDATION_POINTS = 4
"""Points of a validation pair that are ranked: all of them would be too many to compare."""


class GroundContrast(PairTask):
    """The same ground at two dates attracts, other ground repels; needs no labels.

    Positives are features at one ground point in the views of both dates: cells of the query's feature map, and the
    key's feature map read at the same ground. Points that one of the views does not show drop out. Where the data set
    says what ``changed``, points of changed ground can be kept, dropped, pushed apart or weighted.
    """

    def __init__(
        self,
        model: str = 'resnet18',
        weights: WeightsEnum | bool | str | Path | None = None,
        in_channels: int = 3,
        output_stride: int = 32,
        views: Views | None = None,
        criterion: nn.Module | None = None,
        changed: Changed = 'keep',
        unknown: Unknown = 'drop',
        radius: float | None = 0.6,
        points: int | None = None,
        queue_size: int = 0,
        image_weight: float = 0.0,
        query: Query = 'coin',
        projection_dim: int = 128,
        head_norm: HeadNorm = 'batch',
        temperature: float = 0.1,
        optimizer: Optimizer = 'adamw',
        lr: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float = 1e-2,
        warmup_steps: int = 0,
        band_mean: list[float] | None = None,
        band_std: list[float] | None = None,
    ) -> None:
        """Initialise a new GroundContrast.

        Args:
            model: Name of an encoder of segmentation-models-pytorch.
            weights: Initial weights: path of a checkpoint, a TorchGeo weight or its name, True for ImageNet, False
                or None for random ones.
            in_channels: Number of bands.
            output_stride: Image side over feature map side: 32, 16 or 8.
            views: Random views of the two dates; MoCo v2's by default.
            criterion: A loss of your own, called as :class:`~geo_noisy.losses.GroundLoss` is; it heeds ``changed``,
                ``unknown``, ``radius`` and ``temperature`` itself.
            changed: Points of which more than half has changed: ``keep`` them, ``drop`` them, or take their key for a
                ``negative``; or ``weight`` each point by its unchanged share.
            unknown: Points of which nobody knows whether they changed: ``drop`` them, or take them as ``unchanged``.
                Idle with ``keep``.
            radius: Points of the own pair farther apart than this are negatives, in half sides of the image; None for
                none.
            points: Ground points of a pair that are compared, drawn at random; all by default.
            queue_size: Number of earlier keys that are negatives besides the batch's; 0 for none. A step brings as many
                as its feature maps have cells.
            image_weight: Weight of InfoNCE on the pooled features of the images, against the batch; 0 for none.
            query: Which date is the query: a seeded ``coin`` for each pair, ``earlier``, ``later``, or
                ``symmetric`` for both in turn.
            projection_dim: Length of the features that the loss compares.
            head_norm: ``batch`` norm in the projection, or ``none``.
            temperature: Softmax temperature.
            optimizer: ``sgd`` or ``adamw``.
            lr: Learning rate.
            momentum: Momentum of SGD; AdamW has its own.
            weight_decay: Weight decay.
            warmup_steps: Steps of linear warm-up.
            band_mean: Mean of each band in [0, 1] units; the data module's by default.
            band_std: Standard deviation of each band in [0, 1] units; the data module's by default.

        Raises:
            ValueError: If an argument lies outside its range.

        Warns:
            UserWarning: If the loss is still on the plateau of equal features after 200 steps, or no point of an
                epoch counted.
        """
        point_weights(torch.zeros(1, 1), torch.ones(1, 1) > 0, changed=changed, unknown=unknown)
        for name, value, least in (('points', points, 1), ('queue_size', queue_size, 0), ('radius', radius, 0)):
            if value is not None and value < least:
                raise ValueError(f'{name} is {value}; it must be {least} or more.')
        if not image_weight >= 0:
            raise ValueError(f'image_weight is {image_weight}; it must be 0 or more.')
        self.weights = weights
        super().__init__()
        self.set_views(views)
        self.set_criterion(criterion)

    def configure_models(self) -> None:
        """Build the encoder, its heads and the queue."""
        super().configure_models()
        dim = self.hparams['projection_dim']
        self.head = pixel_projection(self.channels, dim, norm=self.hparams['head_norm'])
        self.image_head = image_projection(self.channels, dim) if self.hparams['image_weight'] else None
        self.queue = KeyQueue(self.hparams['queue_size'], dim) if self.hparams['queue_size'] else None
        self._validation: list[tuple[Tensor, Tensor, Tensor]] = []
        self._counted: Tensor | None = None
        self._watch = PlateauWatch(
            f'a higher lr (now {self.hparams["lr"]:g}), head_norm: batch (now {self.hparams["head_norm"]}), or another '
            f'optimizer (now {self.hparams["optimizer"]})'
        )

    def configure_losses(self) -> None:
        """Build the loss."""
        options = {name: self.hparams[name] for name in ('temperature', 'radius', 'changed', 'unknown')}
        self.criterion: nn.Module = GroundLoss(**options)

    def pair_loss(self, batch: Sample, *, train: bool) -> tuple[Tensor, Tensor]:
        """Loss of a training batch; the queue then takes its keys."""
        if self.hparams['changed'] != 'keep' and 'change' not in batch:
            raise ValueError(
                f"changed is {self.hparams['changed']!r}, but the data set gives no 'change' with its pairs, so that "
                'nothing says where they changed: give the index polygons or change rasters (geo-noisy index '
                '--polygons or --change-raster), or set changed: keep.'
            )
        losses, keys, pooled = [], [], []
        self._teaches = self.image_head is not None
        for query, key in self.directions(batch):
            features, projected = self._project(query, key)
            points = drawn_points(
                ground_points(query, key, projected.shape[-2:]), batch['draw'], self.hparams['points']
            )
            losses.append(self._loss(projected, points, batch['place']) + self._image_loss(features, batch['place']))
            keys.append(projected.chunk(2)[1])
            pooled.append(features.chunk(2)[0].mean(dim=(2, 3)))
            self._note(points)
        if self.queue is not None:
            self._enqueue(torch.cat(keys), batch['place'].repeat(len(keys)))
        return torch.stack(losses).mean(), torch.cat(pooled)

    def measured(self, loss: Tensor) -> Tensor:
        """NaN where no ground point of the batch counts: the loss is a zero then, and teaches nothing."""
        return loss if self._teaches else loss.new_tensor(torch.nan)

    def _project(self, query: Sample, key: Sample) -> tuple[Tensor, Tensor]:
        """Feature maps and projected maps of both dates, one after the other along the batch."""
        features = last_features(self.model, torch.cat([query['image'], key['image']]))
        return features, self.head(features)

    def _loss(self, projected: Tensor, points: Points, place: Tensor) -> Tensor:
        query, key = projected.chunk(2)
        stored = (self.queue.features.clone(), self.queue.places) if self.queue is not None else (None, None)
        at = features_at(query, points.here), features_at(key, points.there)
        arguments = (points.position, points.kept, place, points.share, *stored)
        loss = cast(Tensor, self.criterion(*at, *arguments))
        if isinstance(self.criterion, GroundLoss) and loss.isnan() and projected.isfinite().all():  # no point counts
            return projected.sum() * 0
        self._teaches = True
        if self._watch.looks_at(self.global_step) and self.training:
            equal = self.criterion(*(torch.ones_like(value) for value in at), *arguments[:-2], *_alike(*stored))
            self._watch.note(self.global_step, loss.item(), equal.item())
        return loss

    def _image_loss(self, features: Tensor, place: Tensor) -> Tensor:
        """InfoNCE between the pooled features of the two dates, against other places of the batch, times its weight."""
        if self.image_head is None:
            return features.new_zeros((), dtype=torch.float32)
        query, key = self.image_head(features.mean(dim=(2, 3))).chunk(2)
        loss = info_nce(query, key, key, self.hparams['temperature'], excluded=place[:, None] == place[None])
        return loss * cast(float, self.hparams['image_weight'])

    @torch.no_grad()
    def _enqueue(self, keys: Tensor, places: Tensor) -> None:
        """Put the cells of the key views [B, D, h, w] into the queue."""
        cells = keys[0, 0].numel()
        flat = F.normalize(keys.float().flatten(2).mT.flatten(0, 1), dim=1)
        owners = places.repeat_interleave(cells)
        if self._trainer is not None and self.trainer.world_size > 1:
            flat, owners = (cast(Tensor, self.all_gather(value)).flatten(0, 1) for value in (flat, owners))
        cast(KeyQueue, self.queue).enqueue(flat, owners)

    def _note(self, points: Points) -> None:
        """Log what the points are, and count those that teach something."""
        options = {name: self.hparams[name] for name in ('changed', 'unknown')}
        counted = point_weights(points.share, points.kept, **options)[0].sum()
        self._counted = counted if self._counted is None else self._counted + counted
        size = len(points.kept)
        kept = points.kept.sum().clamp(min=1)
        self.log('train_points', points.kept.sum(dim=1).float().mean(), batch_size=size)
        if points.share is not None:
            self.log('train_changed_points', ((points.share > MOSTLY) & points.kept).sum() / kept, batch_size=size)
            self.log('train_unknown_points', (points.share.isnan() & points.kept).sum() / kept, batch_size=size)

    def on_train_epoch_end(self) -> None:
        """Say so when no point of an epoch counted."""
        if self._counted is not None and float(self._counted) == 0:
            rank_zero_warn(
                f'No ground point of this epoch counted (changed: {self.hparams["changed"]}, unknown: '
                f'{self.hparams["unknown"]}): all that both views show has changed, or nobody knows. The loss is '
                'NaN and teaches nothing; set unknown: unchanged or changed: keep, or give clean pairs.'
            )
        self._counted = None

    def validation_step(self, batch: Sample, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Encode some ground points of a batch in fixed views, for the scores at the end of the epoch.

        Args:
            batch: A pair batch.
            batch_idx: Number of the batch.
            dataloader_idx: Number of the loader.
        """
        query, key = self.directions(batch)[0]
        features, projected = self._project(query, key)
        self.log_spread('val_spread', features.chunk(2)[0].mean(dim=(2, 3)))
        points = drawn_points(ground_points(query, key, projected.shape[-2:]), batch['draw'], VALIDATION_POINTS)
        q, k = (
            F.pad(features_at(part, where), (0, 0, 0, VALIDATION_POINTS - where.shape[1])).flatten(0, 1)
            for part, where in zip(projected.chunk(2), (points.here, points.there), strict=True)
        )
        kept = F.pad(points.kept, (0, VALIDATION_POINTS - points.kept.shape[1])).flatten()
        self._validation.append((q, k, torch.stack([kept, batch['place'].repeat_interleave(VALIDATION_POINTS)], 1)))

    def on_validation_epoch_end(self) -> None:
        """Log loss, top-1 and rank of the positive against the keys of other ground, as :class:`MomentumContrast` does.

        Warns:
            UserWarning: If nothing could be measured; then the scores are NaN.
        """
        parts = [torch.cat(part) for part in zip(*self._validation, strict=True)]
        self._validation.clear()
        if self.trainer.sanity_checking:
            return
        if self.trainer.world_size > 1:
            parts = [cast(Tensor, self.all_gather(part)).flatten(0, 1) for part in parts]
        query, key, owner = parts
        kept = owner[:, 0] == 1
        log_retrieval(self, query[kept], key[kept], owner[kept, 1], temperature=self.hparams['temperature'])


def _alike(queue: Tensor | None, places: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """A queue of features that are all equal."""
    return None if queue is None else torch.ones_like(queue), places
