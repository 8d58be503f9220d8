"""Supervised dense contrast on pairs: the within-image and the cross-image loss."""

from pathlib import Path
from typing import Literal, cast

import torch
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor, nn
from torchgeo.datasets.utils import Sample
from torchvision.models import WeightsEnum

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.losses.labels import LabelPooling, compares, plateau, pool_labels
from geo_noisy.losses.modules import CrossImageLoss, WithinImageLoss
from geo_noisy.models.encoder import last_features
from geo_noisy.models.heads import HeadNorm, pixel_projection
from geo_noisy.tasks.finite import warn_unmeasured
from geo_noisy.tasks.plateau import PlateauWatch
from geo_noisy.tasks.pretraining import PARTNER_STREAM, Optimizer, PairTask, Query
from geo_noisy.transforms.draws import split, uniforms
from geo_noisy.transforms.views import Views

_NO_CELL = (
    'has a cell with a partner of its class and another to tell it from: give larger images or a smaller output_stride'
)


class DenseContrast(PairTask):
    """Pixels of the two dates are pulled together by class (paper, section III-B; Zhao et al. 2021).

    If you use this task in your research, please cite https://arxiv.org/abs/2012.06985.
    """

    def __init__(
        self,
        model: str = 'resnet18',
        weights: WeightsEnum | bool | str | Path | None = None,
        in_channels: int = 3,
        output_stride: int = 32,
        views: Views | None = None,
        loss: Literal['within', 'cross'] = 'within',
        criterion: nn.Module | None = None,
        query: Query = 'coin',
        projection_dim: int = 256,
        head_norm: HeadNorm = 'batch',
        label_pooling: LabelPooling = 'nearest',
        ignore_index: int = IGNORE_INDEX,
        temperature: float = 0.07,
        optimizer: Optimizer = 'sgd',
        lr: float = 0.03,
        momentum: float = 0.9,
        weight_decay: float = 1e-4,
        warmup_steps: int = 0,
        band_mean: list[float] | None = None,
        band_std: list[float] | None = None,
    ) -> None:
        """Initialise a new DenseContrast.

        Args:
            model: Name of an encoder of segmentation-models-pytorch.
            weights: Initial weights: path of a checkpoint, a TorchGeo weight or its name, True for ImageNet, False
                or None for random ones.
            in_channels: Number of bands.
            output_stride: Image side over feature map side: 32, 16 or 8.
            views: Random views of the two dates; MoCo v2's by default.
            loss: ``within`` (equation 2) or ``cross`` (equation 3).
            criterion: A loss of your own, called as the one that ``loss`` names: feature maps [B, D, h, w] of anchors
                and partners (and of another place for ``cross``), then the labels [B, h, w] of each.
            query: Which date holds the anchors: a seeded ``coin`` for each pair, ``earlier``, ``later``, or
                ``symmetric`` for both in turn.
            projection_dim: Channels of the projection.
            head_norm: ``batch`` norm in the projection, as in the released code of Zhao et al., or ``none``, as in
                their text: without it the loss stays longer on the plateau of equal features.
            label_pooling: How labels go down to the feature map: ``nearest``, ``majority`` or ``any``.
            ignore_index: Label of pixels that are no anchors, positives or negatives.
            temperature: Softmax temperature.
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
            UserWarning: If the loss is still on the plateau of equal features after 200 steps.
        """
        if loss not in ('within', 'cross'):
            raise ValueError(f"loss is {loss!r}; choose 'within' or 'cross'.")
        self.weights = weights
        super().__init__()
        self.set_views(views)
        self.set_criterion(criterion)

    _compared = _measured = False
    _plateaus: list[Tensor]
    _finite = True
    _told_idle = False

    def configure_models(self) -> None:
        """Build the encoder and its head."""
        super().configure_models()
        self.head = pixel_projection(self.channels, self.hparams['projection_dim'], norm=self.hparams['head_norm'])
        self._watch = PlateauWatch(
            f'head_norm: batch (now {self.hparams["head_norm"]}), a higher lr (now {self.hparams["lr"]:g}), or another '
            f'optimizer (now {self.hparams["optimizer"]})'
        )

    def configure_losses(self) -> None:
        """Build the loss."""
        loss = WithinImageLoss if self.hparams['loss'] == 'within' else CrossImageLoss
        self.criterion = loss(self.hparams['temperature'], self.hparams['ignore_index'])

    def pair_loss(self, batch: Sample, *, train: bool) -> tuple[Tensor, Tensor]:
        """Dense loss of a batch."""
        if 'mask' not in batch:
            raise ValueError("The dense losses need labels: the data set gives no 'mask' with its pairs.")
        losses, pooled = [], []
        self._compared, self._plateaus = False, []
        for anchor, partner in self.directions(batch):
            images = torch.cat([anchor['image'], partner['image']])
            features = last_features(self.model, images)
            projected = self.head(features)
            labels = pool_labels(
                torch.cat([anchor['mask'], partner['mask']]),
                (projected.shape[-2], projected.shape[-1]),
                self.hparams['label_pooling'],
                self.hparams['ignore_index'],
            )
            losses.append(self._loss(projected, labels, batch))
            pooled.append(features[: len(projected) // 2].mean(dim=(2, 3)))
            if train:
                self._log_labels(labels)
        if self._plateaus:
            equal = torch.stack(self._plateaus).mean().item()
            self._watch.note(self.global_step, torch.stack(losses).mean().item(), equal)
        return torch.stack(losses).mean(), torch.cat(pooled)

    def _loss(self, projected: Tensor, labels: Tensor, batch: Sample) -> Tensor:
        ignore_index = self.hparams['ignore_index']
        (features_a, features_b), (labels_a, labels_b) = projected.chunk(2), labels.chunk(2)
        if self.hparams['loss'] == 'within':
            if not self._note(labels_a, labels_b):
                return projected.sum() * 0
            return cast(Tensor, self.criterion(features_a, features_b, labels_a, labels_b))
        other, found = other_places(batch['place'], batch['draw'])
        labels_other = labels_b[other].masked_fill(~found[:, None, None], ignore_index)
        if not self._note(labels_a, labels_b, labels_other):
            return projected.sum() * 0
        loss = self.criterion(features_a, features_b, features_b[other], labels_a, labels_b, labels_other)
        return cast(Tensor, loss)

    def _note(self, labels_a: Tensor, labels_b: Tensor, labels_other: Tensor | None = None) -> bool:
        """Note whether a loss compares anything, which it returns, and for a while the loss of equal features."""
        ignore_index = self.hparams['ignore_index']
        compared = compares(labels_a, labels_b, labels_other, ignore_index=ignore_index)
        self._compared |= compared
        if self.training and self._watch.looks_at(self.global_step):
            self._plateaus.append(plateau(labels_a, labels_b, labels_other, ignore_index=ignore_index))
        return compared

    def _log_labels(self, labels: Tensor) -> None:
        known = labels != self.hparams['ignore_index']
        share = ((labels > 0) & known).sum() / known.sum().clamp(min=1)
        self.log('train_foreground_cells', share.float(), batch_size=len(labels))

    def measured(self, loss: Tensor) -> Tensor:
        """NaN where no cell of the batch has another to be told from: the loss is a zero then, and teaches nothing.

        Warns:
            UserWarning: Once, if so.
        """
        if self._compared:
            return loss
        if not self._told_idle:
            self._told_idle = True
            rank_zero_warn(
                f'The loss of step {self.global_step} measures nothing, is logged as NaN and teaches nothing: no image '
                f'pair of the batch {_NO_CELL}, and pairs with labels at both dates.'
            )
        return loss.new_tensor(torch.nan)

    def validation_step(self, batch: Sample, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Log the loss on clean pairs with fixed views.

        Args:
            batch: A pair batch.
            batch_idx: Number of the batch.
            dataloader_idx: Number of the loader.
        """
        loss, features = self.pair_loss(batch, train=False)
        self.log_spread('val_spread', features)
        if self._compared:  # without a cell to compare with, the loss of a batch is a zero that says nothing
            self._measured = True
            self._finite &= bool(torch.isfinite(loss))
            self.log('val_loss', loss, batch_size=len(features), prog_bar=True, sync_dist=True)

    def on_validation_epoch_start(self) -> None:
        """Begin to note what is measured."""
        self._measured, self._finite = False, True

    def on_validation_epoch_end(self) -> None:
        """Log NaN where nothing was measured.

        Warns:
            UserWarning: If so, or if the loss is not finite; says why.
        """
        if self.trainer.sanity_checking:
            return
        if not self._finite:
            warn_unmeasured('the features hold NaN')
        if not self._measured:
            warn_unmeasured(f'no image pair of validation {_NO_CELL}, and validation pairs with labels at both dates')
            self.log('val_loss', torch.nan)


def other_places(place: Tensor, draw: Tensor) -> tuple[Tensor, Tensor]:
    """Choose for each image of a batch another one, at random, never from its own place.

    Args:
        place: Place of each image, [B].
        draw: Seed of each sample, [B].

    Returns:
        Position of the chosen image, [B], and whether there is any, [B] bool.
    """
    size = len(place)
    allowed = place[:, None] != place[None]
    # A fixed score for each (anchor, candidate), from the draws alone.
    scores = uniforms(split(draw, PARTNER_STREAM), size).masked_fill(~allowed, -1.0)
    return scores.argmax(dim=1), allowed.any(dim=1)
