"""How well keys are found among those of other places: what the validation of contrastive pretraining measures."""

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from geo_noisy.losses.functional import info_nce_logits
from geo_noisy.tasks.finite import warn_unmeasured

TIE = 1e-5  # logits this close are equal: the positive and the negatives are summed in different orders


def log_retrieval(task: LightningModule, query: Tensor, key: Tensor, place: Tensor, *, temperature: float) -> None:
    """Log ``val_loss``, ``val_rank`` and ``val_top1``; see :func:`retrieval_scores`.

    Warns:
        UserWarning: If nothing could be measured; then the scores are NaN.
    """
    if len(query) == 0:
        warn_unmeasured('no ground of the validation pairs is seen in both of their views')
        loss = rank = top1 = query.new_tensor(torch.nan)
    else:
        loss, rank, top1 = _measured(query, key, place, temperature)
    task.log('val_loss', loss, prog_bar=True)
    task.log('val_rank', rank, prog_bar=True)
    task.log('val_top1', top1)


def _measured(query: Tensor, key: Tensor, place: Tensor, temperature: float) -> tuple[Tensor, Tensor, Tensor]:
    """The scores, with a warning where they are not numbers."""
    loss, rank, top1 = retrieval_scores(query, key, place, temperature)
    if not torch.isfinite(loss):
        why = 'the features hold NaN' if query.isnan().any() or key.isnan().any() else _no_negatives(place)
        warn_unmeasured(why)
    return loss, rank, top1


def retrieval_scores(
    query: Tensor, key: Tensor, place: Tensor, temperature: float, *, rows: int = 1024
) -> tuple[Tensor, Tensor, Tensor]:
    """InfoNCE and rank of each query's own key among the keys of all other places.

    Args:
        query: Unit vectors, [N, D].
        key: Unit vectors, [N, D].
        place: Place of each pair, [N].
        temperature: Softmax temperature.
        rows: Queries compared at once, to bound memory.

    Returns:
        Mean loss; mean rank as a share of the negatives that beat the positive (0 best, 0.5 chance); share of
        queries whose own key comes first. Queries without a negative are left out; NaN where none has any, or where
        features hold NaN.
    """
    losses, ranks = [], []
    for start in range(0, len(query), rows):
        part = slice(start, start + rows)
        same = place[part, None] == place[None]
        logits = info_nce_logits(query[part], key[part], key, temperature, excluded=same)
        negatives = (~same).sum(dim=1)
        unmeasured = (negatives == 0) | logits.isnan().any(dim=1)
        losses.append((logits.logsumexp(dim=1) - logits[:, 0])[negatives > 0])
        # A tie counts half, so that features which are all the same are at chance, and not perfect.
        beaten = (logits[:, 1:] > logits[:, :1] + TIE).sum(dim=1) + (logits[:, 1:] >= logits[:, :1] - TIE).sum(dim=1)
        rank = (beaten / 2 / negatives.clamp(min=1)).masked_fill(unmeasured, torch.nan)
        ranks.append(rank[negatives > 0])
    rank = torch.cat(ranks)
    return torch.cat(losses).mean(), rank.mean(), (rank == 0).float().masked_fill(rank.isnan(), torch.nan).mean()


def _no_negatives(place: Tensor) -> str:
    if len(place) < 2:
        return f'validation has {len(place)} pair, and a pair needs others for negatives: give it more'
    return (
        f'all {len(place)} validation pairs show one place ({int(place[0])}), so that none has a negative: give '
        'validation more places'
    )
