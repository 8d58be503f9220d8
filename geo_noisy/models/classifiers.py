"""Classifiers of features that need no training loop: by the nearest neighbours, and linear."""

import torch
import torch.nn.functional as F
from lightly.utils.benchmarking import knn_predict
from torch import Tensor

NEIGHBOURS, TEMPERATURE = 20, 0.07
"""Neighbours that vote, and the temperature of their weights: as in DINO (https://arxiv.org/abs/2104.14294)."""


class NearestNeighbours:
    """The class of the nearest features by cosine, each with a vote by its similarity."""

    def __init__(self, features: Tensor, labels: Tensor, *, classes: int, neighbours: int = NEIGHBOURS) -> None:
        """Initialise a new NearestNeighbours.

        Args:
            features: Features whose class is known, [N, D].
            labels: Their classes, [N] int64.
            classes: Number of classes.
            neighbours: How many vote; all where there are fewer.

        Raises:
            ValueError: If there is no feature, or no neighbour is to vote.
        """
        if neighbours < 1:
            raise ValueError(f'neighbours is {neighbours}; at least one must vote.')
        _check_some(features)
        self.bank, self.labels = F.normalize(features.float(), dim=1).T.contiguous(), labels
        self.classes, self.neighbours = classes, min(neighbours, len(features))

    def __call__(self, features: Tensor, *, rows: int = 1024) -> Tensor:
        """Classes [M] of features [M, D]; ``rows`` are compared at once, to bound memory."""
        found = [
            knn_predict(part, self.bank, self.labels, self.classes, self.neighbours, TEMPERATURE)[:, 0]
            for part in torch.split(F.normalize(features.float(), dim=1), rows)
        ]
        return torch.cat(found) if found else self.labels[:0]


class LinearClassifier:
    """Multinomial logistic regression on standardised features, each class with the same weight."""

    def __init__(
        self, features: Tensor, labels: Tensor, *, classes: int, weight_decay: float = 1e-2, steps: int = 50
    ) -> None:
        """Fit a new LinearClassifier, by L-BFGS from zeros: nothing about it is random.

        Args:
            features: Features whose class is known, [N, D].
            labels: Their classes, [N] int64.
            classes: Number of classes.
            weight_decay: Weight of half the squared weights beside the mean loss.
            steps: Most steps of L-BFGS.

        Raises:
            ValueError: If there is no feature.
        """
        _check_some(features)
        features = features.float()
        self.mean, self.std = features.mean(dim=0), features.std(dim=0, correction=0).clamp(min=1e-6)
        with torch.inference_mode(False), torch.enable_grad():
            self.weight, self.bias = self._fit(
                self._standardised(features).clone(), labels.clone(), classes, weight_decay, steps
            )

    def __call__(self, features: Tensor) -> Tensor:
        """Classes [M] of features [M, D]."""
        return F.linear(self._standardised(features.float()), self.weight, self.bias).argmax(dim=1)

    def _standardised(self, features: Tensor) -> Tensor:
        return (features - self.mean) / self.std

    @staticmethod
    def _fit(features: Tensor, labels: Tensor, classes: int, weight_decay: float, steps: int) -> tuple[Tensor, Tensor]:
        counts = torch.bincount(labels, minlength=classes)
        shares = torch.where(counts > 0, 1 / counts.clamp(min=1), 0.0)
        weight = torch.zeros(classes, features.shape[1], device=features.device, requires_grad=True)
        bias = torch.zeros(classes, device=features.device, requires_grad=True)
        optimizer = torch.optim.LBFGS([weight, bias], max_iter=steps, line_search_fn='strong_wolfe')

        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = F.cross_entropy(F.linear(features, weight, bias), labels, shares.to(features.dtype))
            loss = loss + weight_decay / 2 * weight.square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        optimizer.step(closure)  # type: ignore[no-untyped-call]
        return weight.detach(), bias.detach()


def _check_some(features: Tensor) -> None:
    if len(features) == 0:
        raise ValueError('There is no feature with a label to compare with: all of them are ignored.')
