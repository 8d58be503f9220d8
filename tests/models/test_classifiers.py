import numpy as np
import pytest
import torch
import torch.nn.functional as F

from geo_noisy.models.classifiers import TEMPERATURE, LinearClassifier, NearestNeighbours


def blobs(count: int, *, seed: int = 0, spread: float = 0.3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    centres = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
    return centres[labels] + spread * torch.randn(count, 3, generator=generator), labels


def test_neighbours_vote_by_similarity() -> None:
    (bank, known), (features, _) = blobs(60), blobs(30, seed=1)
    found = NearestNeighbours(bank, known, classes=3, neighbours=5)(features, rows=7)
    for feature, label in zip(features, found, strict=True):
        similarity = F.cosine_similarity(feature[None], bank)
        nearest = similarity.topk(5).indices
        votes = np.bincount(known[nearest], (similarity[nearest] / TEMPERATURE).exp(), minlength=3)
        assert votes.argmax() == label


def test_the_number_of_neighbours_acts() -> None:
    bank, known = torch.tensor([[1.0, 0.0], [0.99, 0.1], [0.99, -0.1]]), torch.tensor([0, 1, 1])
    query = torch.tensor([[1.0, 0.0]])
    assert NearestNeighbours(bank, known, classes=2, neighbours=1)(query).tolist() == [0]
    assert NearestNeighbours(bank, known, classes=2, neighbours=50)(query).tolist() == [1]
    with pytest.raises(ValueError, match='neighbours is 0'):
        NearestNeighbours(bank, known, classes=2, neighbours=0)
    with pytest.raises(ValueError, match='all of them are ignored'):
        NearestNeighbours(bank[:0], known[:0], classes=2)


def test_linear_is_the_minimum_of_its_loss() -> None:
    features, labels = blobs(90, spread=0.6)
    found = LinearClassifier(features, labels, classes=3, weight_decay=0.1, steps=200)
    standard = (features - features.mean(0)) / features.std(0, correction=0)
    weight, bias = (value.clone().requires_grad_() for value in (found.weight, found.bias))
    loss = F.cross_entropy(F.linear(standard, weight, bias), labels) + 0.05 * weight.square().sum()
    gradients = torch.autograd.grad(loss, (weight, bias))
    assert max(float(gradient.abs().max()) for gradient in gradients) < 1e-3
    assert (found(features) == labels).float().mean() > 0.8


def test_linear_weighs_classes_alike_and_works_in_inference_mode() -> None:
    features, labels = blobs(300, spread=1.0)
    rare = (labels != 0) | (torch.arange(300) < 30)
    features, labels = features[rare], labels[rare]
    with torch.inference_mode():
        found = LinearClassifier(features.clone(), labels, classes=4)(features)
    recalls = [float((found[labels == label] == label).float().mean()) for label in range(3)]
    assert min(recalls) > 0.5  # the rare class is not given up
    assert not (found == 3).any()  # a class that was never seen
