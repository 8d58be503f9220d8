"""Features of a frozen encoder, worked out once for a whole split."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchgeo.datasets.utils import Sample
from tqdm import tqdm

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.metrics.pooled import check_targets
from geo_noisy.whole_file import whole_file

Storage = Literal['memory', 'disk']


class FeatureStore(Dataset[Sample]):
    """Samples ``feature`` [D, h, w] and a target of a split, in memory or memory-mapped."""

    def __init__(self, features: Tensor, targets: Tensor) -> None:
        """Initialise a new FeatureStore.

        Args:
            features: Shape [N, D, h, w].
            targets: Masks [N, H, W] or labels [N], integers.
        """
        self.features, self.targets = features, targets
        self.target_name = target_name(targets)

    @classmethod
    def build(
        cls,
        loader: DataLoader[Sample],
        encode: Callable[[Sample, int], tuple[Tensor, Tensor]],
        name: str,
        *,
        storage: Storage,
        visits: int = 1,
        folder: Path | None = None,
        classes: int = 256,
        ignore_index: int = IGNORE_INDEX,
    ) -> 'FeatureStore':
        """Encode every sample of a loader; says how many bytes it will take before it starts.

        Args:
            loader: Batches of samples, in order.
            encode: From a batch and the number of the visit to features [B, D, h, w] and targets: a ``mask``
                [B, H, W] or a ``label`` [B].
            name: Name of the split, for messages.
            storage: 'memory', or 'disk' for files in the temporary folder, removed at exit.
            visits: How often each sample is encoded, each time in another view.
            folder: Keep the features here, and take what lies here already as it is: it is for the caller to give
                each encoder and data set a folder of its own.
            classes: Number of classes.
            ignore_index: Target label that is left out.

        Raises:
            ValueError: If the storage is unknown, or a target is neither a class nor the ignored label.
        """
        if storage not in ('memory', 'disk'):
            raise ValueError(f"feature storage is {storage!r}; choose 'memory' or 'disk'.")
        if folder is not None and cls._files(folder, name)[1].exists():
            return cls(*(torch.from_numpy(np.load(path, mmap_mode='c')) for path in cls._files(folder, name)))
        dtype = target_dtype(classes, ignore_index)
        count = visits * len(loader.dataset)  # type: ignore[arg-type]  # map-style data sets have a length
        store: FeatureStore | None = None
        start = 0
        batches = ((batch, visit) for visit in range(visits) for batch in loader)
        for batch, visit in tqdm(batches, desc=f'Encoding {name}', total=visits * len(loader), leave=False):
            feature, target = (values.cpu() for values in encode(batch, visit))
            check_targets(target, classes=classes, ignore_index=ignore_index)
            target = target.to(torch.from_numpy(np.empty(0, dtype)).dtype)
            if store is None:
                nbytes = count * (feature[0].nbytes + target[0].nbytes)
                rank_zero_info(f'Features of {name}: {count} images take {nbytes / 1e6:,.0f} MB ({storage}).')
                store = cls(
                    _allocate((count, *feature.shape[1:]), np.float32, storage),
                    _allocate((count, *target.shape[1:]), dtype, storage),
                )
            store.features[start : start + len(feature)] = feature
            store.targets[start : start + len(target)] = target
            start += len(feature)
        if store is None:
            raise ValueError(f'The {name} split holds no sample to encode.')
        if folder is not None:
            store._keep(folder, name)
        return store

    @staticmethod
    def _files(folder: Path, name: str) -> tuple[Path, Path]:
        return folder / f'{name}.features.npy', folder / f'{name}.targets.npy'

    def _keep(self, folder: Path, name: str) -> None:
        """Write features, then targets: where the targets lie, both are whole."""
        for path, values in zip(self._files(folder, name), (self.features, self.targets), strict=True):
            with whole_file(path) as part, part.open('wb') as file:
                np.save(file, values.numpy())

    @property
    def nbytes(self) -> int:
        """Size of features and targets."""
        return self.features.nbytes + self.targets.nbytes

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.features)

    def __getitem__(self, index: int) -> Sample:
        """Features and target of a sample."""
        return {'feature': self.features[index], self.target_name: self.targets[index].long()}


def target_dtype(classes: int, ignore_index: int) -> type[np.signedinteger | np.unsignedinteger]:
    """The smallest type that holds every class and the ignored label."""
    kinds = (np.uint8, np.int16, np.int32)
    return next(
        kind
        for kind in kinds
        if np.iinfo(kind).min <= min(0, ignore_index) and max(classes - 1, ignore_index) <= np.iinfo(kind).max
    )


def target_name(target: Tensor) -> str:
    """Key of a batch of targets: ``mask`` where each image has a map, ``label`` where it has one number."""
    return 'mask' if target.ndim > 1 else 'label'


def _allocate(shape: tuple[int, ...], dtype: type[np.generic], storage: Storage) -> Tensor:
    if storage == 'memory':
        return torch.from_numpy(np.empty(shape, dtype))
    # An anonymous file: the system removes it when the last reference is gone.
    with tempfile.TemporaryFile(prefix='geo-noisy-features-') as file:
        return torch.from_numpy(np.memmap(file, dtype=dtype, mode='w+', shape=shape))
