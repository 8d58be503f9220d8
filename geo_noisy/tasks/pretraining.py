"""What both pretraining tasks share: views of the two dates, the query's role, and the optimiser."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD, AdamW
from torchgeo.datasets.utils import Sample

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.models.encoder import last_features
from geo_noisy.tasks.base import EncoderTask
from geo_noisy.tasks.finite import check_finite
from geo_noisy.tasks.hardware import fused_pays
from geo_noisy.transforms.draws import split, uniforms
from geo_noisy.transforms.views import MoCoViews, Views

Query = Literal['coin', 'earlier', 'later', 'symmetric']
QUERIES: tuple[Query, ...] = ('coin', 'earlier', 'later', 'symmetric')
Optimizer = Literal['sgd', 'adamw']

PAIR_KEYS = ('image', 'noisy', 'exposure', 'place', 'draw')
"""What the tasks use of a pair sample."""

VIEWED = ('image', 'mask', 'valid', 'change', 'matrix')
"""What they look at of a view."""

ROLE_STREAM, SHUFFLE_STREAM, PARTNER_STREAM = 3000, 3001, 3002


class PairTask(EncoderTask):
    """Pretraining on pairs: a subclass turns two views into a loss."""

    ignore: Sequence[str] | str | None = ('weights', 'views', 'criterion')
    views: Views
    layout_by_size = True  # a probe may never see images, where its features were kept before

    def configure_models(self) -> None:
        """Build the encoder, after a check of the arguments."""
        if self.hparams['query'] not in QUERIES:
            raise ValueError(f'query is {self.hparams["query"]!r}; choose one of {QUERIES}.')
        if self.hparams['optimizer'] not in ('sgd', 'adamw'):
            raise ValueError(f"optimizer is {self.hparams['optimizer']!r}; choose 'sgd' or 'adamw'.")
        super().configure_models()

    def set_views(self, views: Views | None) -> None:
        """Keep the views, MoCo v2's by default."""
        self.views = views if views is not None else MoCoViews()
        self.views.ignore_index = self.hparams.get('ignore_index', IGNORE_INDEX)

    def set_criterion(self, criterion: nn.Module | None) -> None:
        """Take a loss of the user's own in place of the one that ``loss`` names."""
        if criterion is not None:
            self.criterion = criterion

    def directions(self, batch: Sample) -> list[tuple[Sample, Sample]]:
        """Draw the views of a batch, and say which date is the query (the anchor).

        Args:
            batch: A pair batch of the contract with ``image`` [B, 2, C, H, W] in [0, 1].

        Returns:
            Pairs (query, key) of dicts with ``image`` [B, C, h, w], ``matrix`` [B, 3, 3] (from the view to the
            image) and, where the data set gives them, ``mask``, ``valid`` and ``change`` [B, h, w]; two pairs for
            ``symmetric``.

        Raises:
            ValueError: If the batch lacks keys of the contract, or is not scaled.
        """
        check_keys(batch)
        self.check_first_images(batch['image'])
        with torch.no_grad():
            viewed = self.views(batch)
            viewed['image'] = self.standardise(viewed['image'].flatten(0, 1)).view(-1, 2, *viewed['image'].shape[2:])
            if 'mask' in viewed and 'valid' in viewed:  # pixels without data teach nothing
                viewed['mask'] = viewed['mask'].masked_fill(~viewed['valid'], self.views.ignore_index)
            dates = [{key: viewed[key][:, date] for key in VIEWED if key in viewed} for date in (0, 1)]
            earlier, later = dates
            match self.hparams['query']:
                case 'earlier':
                    return [(earlier, later)]
                case 'later':
                    return [(later, earlier)]
                case 'symmetric':
                    return [(earlier, later), (later, earlier)]
            swap = uniforms(split(batch['draw'], ROLE_STREAM), 1)[:, 0] < 0.5
            return [(_choose(swap, later, earlier), _choose(swap, earlier, later))]

    @abstractmethod
    def pair_loss(self, batch: Sample, *, train: bool) -> tuple[Tensor, Tensor]:
        """Loss of a batch, and pooled features [B, D] of its queries."""

    def training_step(self, batch: Sample, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        """Compute the training loss.

        Args:
            batch: A pair batch.
            batch_idx: Number of the batch.
            dataloader_idx: Number of the loader.

        Returns:
            The loss.
        """
        loss, features = self.pair_loss(batch, train=True)
        check_finite(self, loss, batch, batch_idx=batch_idx)
        size = len(features)
        self.log('train_loss', self.measured(loss), batch_size=size, prog_bar=True)
        self.log_spread('train_spread', features)
        self.log('train_noisy_rate', (batch['noisy'] == 1).float().mean(), batch_size=size)
        self.log('train_exposure_rate', batch['exposure'].float().mean(), batch_size=size)
        return loss

    def measured(self, loss: Tensor) -> Tensor:
        """The loss of a training step as it is logged: NaN where it measures nothing."""
        return loss

    def setup(self, stage: str) -> None:
        """Take the statistics of the bands from the data module.

        Raises:
            ValueError: If a test was asked for, which pretraining has none of.
        """
        if stage == 'test':
            raise ValueError(
                'Pretraining has no test: measure it with `validate`, or test a probe on its checkpoint (model: '
                'SegmentationProbe, model.init_args.weights: PATH).'
            )
        super().setup(stage)

    def test_step(self, *args: Any, **kwargs: Any) -> None:
        """Never called: :meth:`setup` refuses a test."""

    def log_spread(self, name: str, features: Tensor) -> None:
        """Log how far features [B, D] spread; one alone has no spread."""
        if len(features) > 1:
            self.log(name, feature_spread(features), batch_size=len(features), sync_dist=name.startswith('val'))

    def predict_step(self, batch: Sample, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        """Pooled features of both dates, [B, 2, D], without random views."""
        image = self.standardise(batch['image'].flatten(0, 1))
        return last_features(self.model, image).mean(dim=(2, 3)).view(-1, 2, self.channels)

    def configure_optimizers(self) -> Any:
        """The optimiser with a cosine schedule over all steps, after a linear warm-up of ``warmup_steps``."""
        parameters = [parameter for parameter in self.parameters() if parameter.requires_grad]
        options = {name: self.hparams[name] for name in ('lr', 'weight_decay')} | {'fused': fused_pays(self.trainer)}
        optimizer: torch.optim.Optimizer = AdamW(parameters, **options)
        if self.hparams['optimizer'] == 'sgd':
            optimizer = SGD(parameters, momentum=self.hparams['momentum'], **options)
        steps = self.trainer.estimated_stepping_batches  # infinite with max_epochs=-1: then the rate stays
        return self.follow_cosine(optimizer, length=steps, unit='step', warmup=self.hparams['warmup_steps'])


def check_keys(batch: Sample) -> None:
    """Check that a batch is one of pairs.

    Raises:
        ValueError: With all keys that are missing.
    """
    missing = [key for key in PAIR_KEYS if key not in batch]
    if missing:
        raise ValueError(
            f'The batch lacks {", ".join(missing)} of the pair contract; it holds {", ".join(batch)}. Build samples '
            'with geo_noisy.datasets.pair_sample, or make your data set a geo_noisy.datasets.PairDataset, which does.'
        )
    if batch['image'].ndim != 5 or batch['image'].shape[1] != 2:
        raise ValueError(
            f'image of the batch is {list(batch["image"].shape)}; a batch of pairs holds [B, 2, C, H, W], the earlier '
            'date first (stack_dates is for tasks of TorchGeo).'
        )


@torch.no_grad()
def feature_spread(features: Tensor) -> Tensor:
    """Deviation of unit features over a batch: about 1 where they fill all directions, 0 where they have collapsed.

    NaN for a single one.

    Args:
        features: Shape [B, D].
    """
    if len(features) < 2:
        return features.new_tensor(torch.nan, dtype=torch.float32)
    deviation: Tensor = F.normalize(features.float(), dim=1).std(dim=0, correction=0).mean()
    return deviation.mul(features.shape[1] ** 0.5)


def _choose(swap: Tensor, swapped: Sample, kept: Sample) -> Sample:
    """Take each sample of a batch from one of two dates."""
    return {key: torch.where(swap.view(-1, *[1] * (kept[key].ndim - 1)), swapped[key], kept[key]) for key in kept}
