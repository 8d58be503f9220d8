"""Pairs for contrastive pretraining; a data set is one method in a subclass."""

from dataclasses import asdict
from typing import Any

from geo_noisy.datamodules.base import GeoNoisyDataModule
from geo_noisy.datamodules.loader import ResumableLoader
from geo_noisy.errors import check_kind
from geo_noisy.pairs.keys import PairKey
from geo_noisy.pairs.policy import PairPolicy
from geo_noisy.pairs.source import STRATA
from geo_noisy.samplers.pairs import PairSampler


def noise_free(location: int) -> PairKey:
    """Key of a location's first date beside itself."""
    return PairKey(location, 0, 0)


class PairDataModule(GeoNoisyDataModule):
    """Pairs for contrastive pretraining, chosen by a policy; validation on clean pairs with fixed views.

    ``build_dataset`` gives a :class:`~geo_noisy.datasets.PairDataset`, or what offers the same look-up and ``pairs()``.
    """

    def __init__(
        self,
        dataset_class: type[Any],
        *,
        batch_size: int = 256,
        eval_batch_size: int | None = None,
        num_workers: int = 0,
        policy: PairPolicy | None = None,
        scale: float = 255.0,
        seed: int | None = None,
        stack_dates: bool = False,
        predict_split: str = 'val',
    ) -> None:
        """Initialise a new PairDataModule.

        Args:
            dataset_class: Class of the pair data set.
            batch_size: Pairs in a training batch.
            eval_batch_size: Pairs in a validation batch; ``batch_size`` by default.
            num_workers: Worker processes for loading.
            policy: The noisy pairs rate and how it is met.
            scale: Sensor value that becomes 1.
            seed: Seed of order, views and query roles; ``seed_everything`` by default.
            stack_dates: Whether to give the two dates as [B, 2C, H, W], as TorchGeo's own tasks want them.
            predict_split: Split that ``predict`` goes over: ``train``, ``val`` or what else the data set has.
        """
        super().__init__(
            dataset_class,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            num_workers=num_workers,
            scale=scale,
            seed=seed,
            stack_dates=stack_dates,
        )
        self.policy, self.predict_split = policy or PairPolicy(), predict_split
        check_kind(self.policy, PairPolicy, 'policy')

    def setup(self, stage: str) -> None:
        """Build the data sets of a stage: 'fit', 'validate' or 'predict'."""
        self._restored = None
        if stage == 'fit':
            self.train_dataset = self.build_dataset('train')
        if stage in ('fit', 'validate'):
            self.val_dataset = self.build_dataset('val')
        if stage == 'predict':
            self.predict_dataset = self.build_dataset(self.predict_split)

    def train_dataloader(self) -> ResumableLoader:
        """Pairs in the order of the policy."""
        dataset = self._valid_attribute('train_dataset')
        return self.resumed(self._loader(dataset, self.policy, self.batch_size, train=True))

    def val_dataloader(self) -> ResumableLoader:
        """The clean pairs of the validation split, in fixed order with fixed draws."""
        return self._loader(
            self._valid_attribute('val_dataset'), self.validation_policy(), self.eval_batch_size, train=False
        )

    def predict_dataloader(self) -> ResumableLoader:
        """Every pair of the split that is predicted on once, in fixed order."""
        dataset = self._valid_attribute('predict_dataset')
        return self._loader(dataset, PairPolicy(), self.eval_batch_size, train=False)

    def training_places(self) -> int:
        """Number of places that an epoch of training can show."""
        dataset = self._valid_attribute('train_dataset')
        return min(len(dataset), len(PairSampler(dataset.pairs(), policy=self.policy, rank=0, world_size=1)))

    def describe(self) -> dict[str, Any]:
        """What a checkpoint keeps: also the policy, and how many pairs of each stratum there were to choose from."""
        train: Any = self.train_dataset
        pairs = None if train is None else train.pairs()
        return super().describe() | {
            'data_set': self.dataset_class.__name__,
            'policy': asdict(self.policy),
            'pairs': {} if pairs is None else {stratum: int(pairs.count(stratum)) for stratum in STRATA},
        }

    def validation_policy(self) -> PairPolicy:
        """Clean pairs alone, the same at every training rate."""
        return PairPolicy(rate=0.0, unknown='drop')

    def sampler_options(self, dataset: Any, *, train: bool) -> dict[str, Any]:
        """More arguments of the sampler of a data set, for training or validation."""
        return {}

    def _loader(self, dataset: Any, policy: PairPolicy, batch_size: int, *, train: bool) -> ResumableLoader:
        if not hasattr(dataset, 'pairs'):
            raise TypeError(
                f'{type(dataset).__name__} has no pairs(), which say what there is to choose from; a Subset or a '
                'ConcatDataset of torch knows none. Choose in the data set itself (PairIndex.select takes locations), '
                'or subclass geo_noisy.datasets.PairDataset.'
            )
        rank, world_size = self.ranks()
        sampler = PairSampler(
            dataset.pairs(),
            policy=policy,
            seed=self.seed,
            shuffle=train,
            rank=rank,
            world_size=world_size,
            **self.sampler_options(dataset, train=train),
        )
        return self.keyed_loader(dataset, sampler, batch_size=batch_size, num_workers=self.num_workers, train=train)
