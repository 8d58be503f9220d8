"""Steps of a task that gives class scores for images: its loss, and scores pooled over each epoch."""

from abc import abstractmethod
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torchgeo.datasets.utils import Sample

from geo_noisy.metrics.pooled import PooledScores, check_targets, confusion_matrices
from geo_noisy.tasks.base import EncoderTask
from geo_noisy.tasks.finite import check_finite, warn_unmeasured
from geo_noisy.transforms.views import Views


class ScoredTask(EncoderTask):
    """A task whose answers are scored over the whole set; a subclass says how it comes to them."""

    monitor = 'val_f1_macro'
    mode = 'max'
    target: str
    """Key of the targets in a batch."""

    scores_class: ClassVar[type[PooledScores]] = PooledScores
    """What is scored."""
    views: Views | None
    loss_weights: Tensor
    train_scores: PooledScores
    val_scores: PooledScores
    test_scores: PooledScores
    _finite = True
    test_outcomes: Tensor | None = None
    """After a test: confusion matrix of each test image, [N, classes, classes] int32, of this process alone."""

    @abstractmethod
    def logits(self, batch: Sample) -> Tensor:
        """Class scores of a batch, [B, classes, ...]."""

    def configure_metrics(self) -> None:
        """Build the scores of training, validation and test."""
        classes, ignore_index = list(self.hparams['classes']), self.hparams['ignore_index']
        self.train_scores = self.scores_class(classes, ignore_index)
        self.val_scores = self.scores_class(classes, ignore_index)
        self.test_scores = self.scores_class(classes, ignore_index)

    def on_test_start(self) -> None:
        """Forget the outcomes of an earlier test."""
        super().on_test_start()
        self.test_outcomes = None
        self._outcomes: list[Tensor] = []

    def _loss(self, logits: Tensor, target: Tensor) -> Tensor:
        ignore_index = self.hparams['ignore_index']
        check_targets(target, classes=len(self.loss_weights), ignore_index=ignore_index)
        loss = F.cross_entropy(logits, target, self.loss_weights, ignore_index=ignore_index, reduction='sum')
        # The mean over weighted targets, and a zero rather than NaN where all of them are ignored.
        weight = self.loss_weights[target[target != ignore_index]].sum()
        return loss / weight.clamp(min=torch.finfo(weight.dtype).tiny)

    def training_step(self, batch: Sample, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        """Compute the training loss.

        Args:
            batch: Images or features with targets.
            batch_idx: Number of the batch.
            dataloader_idx: Number of the loader.

        Returns:
            The loss.
        """
        if self.views is not None and 'image' in batch:  # cached features are of views
            with torch.no_grad():
                batch = self.views(batch)
        target = batch[self.target]
        logits = self.logits(batch)
        loss = self._loss(logits, target)
        check_finite(self, loss, batch, batch_idx=batch_idx)
        self.log('train_loss', loss, batch_size=len(target), prog_bar=True)
        self.train_scores.update(logits.detach().argmax(dim=1), target)
        return loss

    def on_train_epoch_end(self) -> None:
        """Log the pooled scores of the epoch's training steps, to be read beside those of validation and test."""
        self._log_scores('train', self.train_scores)

    def validation_step(self, batch: Sample, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Log the loss and gather the scores of a validation batch.

        Args:
            batch: Images or features with targets.
            batch_idx: Number of the batch.
            dataloader_idx: Number of the loader.
        """
        self._evaluate('val', self.val_scores, batch)

    def on_validation_epoch_end(self) -> None:
        """Log the pooled scores of the validation set."""
        self._log_scores('val', self.val_scores)

    def test_step(self, batch: Sample, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Log the loss, and gather the scores and the outcome of each image of a test batch.

        Args:
            batch: Images or features with targets.
            batch_idx: Number of the batch.
            dataloader_idx: Number of the loader.
        """
        predicted = self._evaluate('test', self.test_scores, batch)
        classes = len(self.hparams['classes'])
        self._outcomes.append(
            confusion_matrices(
                predicted, batch[self.target], classes=classes, ignore_index=self.hparams['ignore_index']
            ).cpu()
        )

    def on_test_epoch_end(self) -> None:
        """Log the pooled scores of the test set, and keep the outcome of each image."""
        self._log_scores('test', self.test_scores)
        self.test_outcomes = torch.cat(self._outcomes)

    def _evaluate(self, stage: str, scores: PooledScores, batch: Sample) -> Tensor:
        logits = self.logits(batch)
        self._finite &= bool(torch.isfinite(logits).all())
        self.log(f'{stage}_loss', self._loss(logits, batch[self.target]), batch_size=len(logits), sync_dist=True)
        predicted = logits.argmax(dim=1)
        scores.update(predicted, batch[self.target])
        return predicted

    def _log_scores(self, stage: str, scores: PooledScores) -> None:
        computed = scores.compute()
        scores.reset()
        finite, self._finite = self._finite, True
        if self.trainer.sanity_checking:
            return
        if not finite or computed['f1_macro'].isnan():
            warn_unmeasured(
                f'all targets of {stage} are ignored'
                if finite
                else f'the encoder or the head gives NaN for images of {stage}'
            )
        nan = torch.tensor(torch.nan)
        self.log_dict({f'{stage}_{name}': score.float() if finite else nan for name, score in computed.items()})

    def predict_step(self, batch: Sample, batch_idx: int, dataloader_idx: int = 0) -> dict[str, Tensor | None]:
        """Class probabilities, as TorchGeo's own tasks give them.

        Args:
            batch: Images.
            batch_idx: Number of the batch.
            dataloader_idx: Number of the loader.

        Returns:
            ``probabilities`` [B, classes, ...], ``bounds`` and ``transform`` where the batch has them.
        """
        return {
            'probabilities': self(batch['image']).softmax(dim=1),
            'bounds': batch.get('bounds'),
            'transform': batch.get('transform'),
        }
