"""What the probes share: a head on an encoder that is frozen or fine-tuned, and features worked out once."""

import functools
import math
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torchgeo.datasets.utils import Sample
from torchvision.models import WeightsEnum

from geo_noisy.confusion import IGNORE_INDEX
from geo_noisy.datamodules.labelled import LabelledDataModule
from geo_noisy.metrics.pooled import inverse_frequency_weights
from geo_noisy.models.encoder import last_features
from geo_noisy.tasks.features import FeatureStore, Storage
from geo_noisy.tasks.scored import ScoredTask
from geo_noisy.transforms.draws import split as split_draws
from geo_noisy.transforms.views import Views


class Probe(ScoredTask):
    """A head on an encoder; a subclass says which head, and what its targets are.

    Frozen means frozen: no gradients, and batch norm in eval mode.
    """

    ignore: Sequence[str] | str | None = ('weights', 'views')

    def __init__(
        self,
        model: str = 'resnet18',
        weights: WeightsEnum | bool | str | Path | None = None,
        in_channels: int = 3,
        output_stride: int = 32,
        classes: Sequence[str] = ('background', 'foreground'),
        views: Views | None = None,
        freeze: bool = True,
        calibrate_batch_norm: bool = False,
        cache_features: Storage | None = None,
        cached_views: int | None = None,
        feature_folder: str | None = None,
        class_weights: Literal['inverse-frequency'] | Sequence[float] | None = 'inverse-frequency',
        ignore_index: int = IGNORE_INDEX,
        lr: float = 1e-3,
        weight_decay: float = 1e-4,
        band_mean: list[float] | None = None,
        band_std: list[float] | None = None,
    ) -> None:
        """Initialise a new probe.

        Args:
            model: Name of an encoder of segmentation-models-pytorch.
            weights: Weights of the encoder: path of a checkpoint, a TorchGeo weight or its name, True for ImageNet,
                False or None for random ones.
            in_channels: Number of bands.
            output_stride: Image side over feature map side: 32, 16 or 8.
            classes: Names of the classes, in order.
            views: Random views of training images (and masks); none by default.
            freeze: Whether the encoder stays as it is; False fine-tunes all of it.
            calibrate_batch_norm: Pass the training images through the encoder once, before training, to set its
                batch norm statistics (a random encoder has none).
            cache_features: Where to keep features worked out once, for a frozen encoder: ``memory`` or ``disk``; None
                encodes every batch anew.
            cached_views: How many random views of each training image to keep features of: views cost memory there,
                not time. An epoch goes over all of them.
            feature_folder: Folder to keep cached features in for other probes of the same encoder on the same data,
                and to take them from; by default they are this run's alone.
            class_weights: ``inverse-frequency`` over the training set, a weight for each class, or None.
            ignore_index: Label of pixels or images that are neither trained on nor scored.
            lr: Learning rate.
            weight_decay: Weight decay.
            band_mean: Mean of each band in [0, 1] units; by default the checkpoint's, else the data module's.
            band_std: Standard deviation of each band in [0, 1] units; likewise.

        Raises:
            ValueError: If features are to be cached of an encoder that changes or of any number of random views, or the
                number of class weights is not that of the classes.
        """
        self.weights = weights
        super().__init__()
        self.set_views(views)

    @abstractmethod
    def build_head(self) -> nn.Module:
        """The head, from features to class scores."""

    @abstractmethod
    def decode(self, feature: Tensor, size: torch.Size) -> Tensor:
        """Logits of features [B, D, h, w] of images with this size."""

    def configure_models(self) -> None:
        """Build the encoder and the head, after a check of the arguments."""
        self._check_arguments()
        super().configure_models()
        self.head = self.build_head()
        if self.hparams['freeze']:
            self.model.requires_grad_(False)
        weights = self.hparams['class_weights']
        count = len(self.hparams['classes'])
        known = torch.ones(count) if weights is None or isinstance(weights, str) else torch.tensor(list(weights))
        self.register_buffer('loss_weights', known)

    def _check_arguments(self) -> None:
        classes, class_weights = self.hparams['classes'], self.hparams['class_weights']
        twice = sorted({str(name) for name in classes if list(classes).count(name) > 1})
        if twice:
            raise ValueError(f'classes are {list(classes)}, which has {", ".join(twice)} twice: name each class once.')
        self._check_cache(not self.hparams['freeze'], 'is fine-tuned')
        if self.hparams['feature_folder'] is not None and self.hparams['cache_features'] is None:
            raise ValueError('feature_folder keeps cached features: set cache_features to memory or disk as well.')
        if isinstance(class_weights, Sequence) and not isinstance(class_weights, str):
            if len(class_weights) != len(classes):
                raise ValueError(f'class_weights has {len(class_weights)} values for {len(classes)} classes.')
        elif class_weights not in ('inverse-frequency', None):
            raise ValueError(f"class_weights is {class_weights!r}; give 'inverse-frequency', a list, or null.")

    def _check_cache(self, features_change: bool, why: str) -> None:
        storage = self.hparams['cache_features']
        if storage is not None and features_change:
            raise ValueError(
                f'cache_features is {storage!r}, but the encoder {why}, so its features change: set it to null.'
            )

    def set_views(self, views: Views | None) -> None:
        """Keep the random views of training images, where there are any.

        Raises:
            ValueError: If features are to be cached of them.
        """
        count, storage = self.hparams['cached_views'], self.hparams['cache_features']
        if count is None:
            self._check_cache(views is not None, 'sees random views; cached_views keeps some of each image')
        elif count < 1 or views is None or storage is None:
            raise ValueError(
                f'cached_views is {count!r}; it is 1 or more, and needs views and cache_features (memory or disk).'
            )
        self.views = views
        if views is not None:
            views.ignore_index = self.hparams['ignore_index']

    def train(self, mode: bool = True) -> 'Probe':
        """Switch to training, all but a frozen encoder."""
        super().train(mode)
        if self.hparams['freeze']:
            self.model.eval()
        return self

    def encode(self, image: Tensor) -> Tensor:
        """Features [B, D, h, w] of images in [0, 1]."""
        self.check_first_images(image)
        if not self.hparams['freeze'] and self.training:
            self.check_cells(len(image), image.shape[-2:])
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.hparams['freeze']):
            return last_features(self.model, self.standardise(image))

    def forward(self, image: Tensor) -> Tensor:
        """Logits of images [B, C, H, W] in [0, 1]."""
        return self.decode(self.encode(image), image.shape[-2:])

    def on_fit_start(self) -> None:
        """Set batch norm statistics, class weights and cached features from the training set."""
        super().on_fit_start()
        self.train()  # Lightning leaves modes as they are, and a new module is all in training mode
        datamodule = getattr(self.trainer, 'datamodule', None)
        if not isinstance(datamodule, LabelledDataModule):
            return
        self._check_names(datamodule)
        if self.hparams['class_weights'] == 'inverse-frequency':
            counts = torch.from_numpy(datamodule.class_counts()).clone()
            if len(counts) != len(self.loss_weights):
                raise ValueError(
                    f'classes names {len(self.loss_weights)} classes, but the data set has {len(counts)}: name each of '
                    'them in model.init_args.classes.'
                )
            if 0 <= self.hparams['ignore_index'] < len(counts):
                counts[self.hparams['ignore_index']] = 0
            self.loss_weights.copy_(inverse_frequency_weights(counts))
        if self.trainer.ckpt_path is None and self.hparams['calibrate_batch_norm']:
            self._calibrate(datamodule)
        self._cache(datamodule, ('train', 'val'))

    def on_test_start(self) -> None:
        """Cache the features of the test set."""
        super().on_test_start()
        datamodule = getattr(self.trainer, 'datamodule', None)
        if isinstance(datamodule, LabelledDataModule):
            self._check_names(datamodule)
            self._cache(datamodule, ('test',))

    def _check_names(self, datamodule: LabelledDataModule) -> None:
        names, named = datamodule.class_names(), list(self.hparams['classes'])
        if names is not None and list(names) != named:
            raise ValueError(
                f'model.init_args.classes are [{", ".join(named)}], but the labels have [{", ".join(names)}], in this '
                'order: set model.init_args.classes to these, or data.init_args.labels.classes to those.'
            )

    def _cache(self, datamodule: LabelledDataModule, splits: Sequence[str]) -> None:
        storage = self.hparams['cache_features']
        if storage is None:
            return
        folder = Path(self.hparams['feature_folder']) if self.hparams['feature_folder'] else None
        self.model.eval()
        for split in splits:
            images, views = datamodule.image_loader(split), self.views if split == 'train' else None
            with torch.no_grad():
                store = FeatureStore.build(
                    images,
                    functools.partial(self._feature, datamodule=datamodule, views=views),
                    split,
                    storage=storage,
                    visits=1 if views is None else self.hparams['cached_views'],
                    folder=folder,
                    classes=len(self.hparams['classes']),
                    ignore_index=self.hparams['ignore_index'],
                )
            datamodule.replace(split, store)

    def _feature(
        self, batch: Sample, visit: int, *, datamodule: LabelledDataModule, views: Views | None
    ) -> tuple[Tensor, Tensor]:
        """Features of a batch as it comes from the loader, and its targets; a visit is a view of its own."""
        image = datamodule.aug({'image': batch['image'].to(self.device)})['image']
        seen: Sample = {'image': image, self.target: batch[self.target].to(self.device)}
        if views is not None:
            seen = views(seen | {'draw': split_draws(batch['draw'].to(self.device), visit)})
        return self.encode(seen['image']), seen[self.target]

    @torch.no_grad()
    def _calibrate(self, datamodule: LabelledDataModule) -> None:
        """Set batch norm statistics to plain averages over the training batches."""
        layers = [layer for layer in self.model.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
        momenta = [layer.momentum for layer in layers]
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # a cumulative average
        self.model.train()
        for batch in datamodule.image_loader('train', batch_size=datamodule.batch_size):
            image = datamodule.aug({'image': batch['image'].to(self.device)})['image']
            last_features(self.model, self.standardise(image))
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        self.train()

    def logits(self, batch: Sample) -> Tensor:
        """Class scores of a batch of images, or of their features."""
        if 'feature' in batch:
            return self.decode(batch['feature'], batch[self.target].shape[-2:])
        logits: Tensor = self(batch['image'])
        return logits

    def configure_optimizers(self) -> Any:
        """AdamW with a cosine schedule over the epochs."""
        parameters = [parameter for parameter in self.parameters() if parameter.requires_grad]
        optimizer = AdamW(parameters, lr=self.hparams['lr'], weight_decay=self.hparams['weight_decay'])
        epochs = self.trainer.max_epochs or -1
        # Trained by steps, or without end: the rate stays.
        return self.follow_cosine(optimizer, length=epochs if epochs > 0 else math.inf, unit='epoch')
