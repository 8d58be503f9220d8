"""A loader that goes on in mid-epoch after a stop."""

import warnings
from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, Dataset, Sampler
from torchgeo.datasets.utils import Sample

LONGEST_WAIT_S = 600
"""Seconds after which a worker that gives no batch has stopped."""


@runtime_checkable
class ResumableSampler(Protocol):
    """A sampler whose order is a function of (seed, epoch), and that can leave out what was consumed."""

    epoch: int

    def set_epoch(self, epoch: int, /) -> None:
        """Choose the epoch of the next iteration."""

    def skip(self, samples: int, /) -> None:
        """Leave out the first samples of the next iteration."""


class ResumableLoader(DataLoader[Sample]):
    """A ``DataLoader`` whose state is the epoch and the batch that come next.

    It takes ``DataLoader``'s own arguments, as Lightning makes such loaders anew for some options;
    :func:`build_loader` gives the rest. In a plain loop each new iteration is the next epoch::

        loader.load_state_dict(state)  # of a run that stopped
        for batch in loader:  # what was left of its epoch
            state = loader.state_dict()
    """

    trainer: pl.Trainer | None = None
    """The trainer that the batches are for, where there is one: it knows how many it trained on, of how many."""

    _epoch: int | None = None  # of the present iteration; None before the first one
    _handed_out = 0  # batches of it, not those that workers have prefetched
    _next: tuple[int, int] | None = None  # epoch and batch of the next iteration, once a state was loaded

    def __iter__(self) -> Iterator[Sample]:  # type: ignore[override]  # a generator serves as the iterator
        """Iterate over the batches of the next epoch, or from where a restored state says."""
        # A generator: Lightning makes an iterator early, to count the steps of a schedule, and others that it never
        # asks for a batch. An epoch begins with its first batch.
        first = 0
        if self._next is not None:
            epoch, first = self._next
            self._next = epoch + 1, 0  # Lightning's own number of the epoch is one too high after some restarts
            self._sampler.set_epoch(epoch)
            self._sampler.skip(first * (self.batch_size or 1))
        self._epoch, self._handed_out = getattr(self.sampler, 'epoch', 0), first
        for batch in super().__iter__():
            self._handed_out += 1
            yield batch

    @property
    def _sampler(self) -> ResumableSampler:
        if not isinstance(self.sampler, ResumableSampler):
            raise TypeError(
                f'A {type(self.sampler).__name__} cannot go on in mid-epoch: the sampler needs epoch, set_epoch and '
                'skip, as geo_noisy.samplers.PairSampler has.'
            )
        return self.sampler

    def state_dict(self) -> dict[str, int]:
        """Epoch and batch that come next, and what a batch is: ``batch_size``, and the ``samples`` of an epoch.

        Both count over all ranks: a run goes on with another number of processes where their batches together are as
        large.
        """
        epoch, batch = self._place()
        ranks = getattr(self.sampler, 'num_replicas', 1)
        size = len(self.sampler) * ranks  # type: ignore[arg-type]  # samplers of this package have a length
        return {'epoch': epoch, 'batch': batch, 'batch_size': (self.batch_size or 1) * ranks, 'samples': size}

    def _place(self) -> tuple[int, int]:
        if self._epoch is None:
            return self._next or (getattr(self.sampler, 'epoch', 0), 0)
        done, of = self._handed_out, float(len(self))
        if self.trainer is not None:
            done = batches_trained(self.trainer)
            of = self.trainer.num_training_batches  # limit_train_batches counts
        return (self._epoch + 1, 0) if done >= of else (self._epoch, done)

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on where a state was taken; from there on the loader counts its epochs itself.

        Raises:
            ValueError: If batches or epochs are of another size, and the state lies in mid-epoch.

        Warns:
            UserWarning: If they are, and the next epoch is whole.
        """
        if self._epoch is None and self._next == (state['epoch'], state['batch']):
            return  # Lightning loads what the data module has loaded already
        now = self.state_dict()
        for name, what in (('batch_size', 'a batch size of'), ('samples', 'as samples of an epoch')):
            if state[name] != now[name]:
                message = f'The checkpoint was made with {what} {state[name]}, and this run has {now[name]} ({name})'
                if state['batch']:
                    raise ValueError(
                        f'{message}: it stopped after batch {state["batch"]} of an epoch, whose end lies elsewhere '
                        'now. Resume with the same, or start anew from the weights.'
                    )
                warnings.warn(f'{message}.', stacklevel=2)
        self._next, self._epoch = (state['epoch'], state['batch']), None


def batches_trained(trainer: pl.Trainer) -> int:
    """Batches of the present epoch that were trained on."""
    progress: Any = trainer.fit_loop.epoch_loop.batch_progress.current
    return int(progress.processed)


def build_loader(
    dataset: Dataset[Sample],
    *,
    sampler: Sampler[Any],
    batch_size: int,
    num_workers: int = 0,
    drop_last: bool = False,
) -> ResumableLoader:
    """Build a loader with the options that all data modules share.

    Args:
        dataset: Data set that the sampler's keys belong to.
        sampler: Order of an epoch; a :class:`ResumableSampler` where the loader is to be resumed.
        batch_size: Samples in a batch.
        num_workers: Number of worker processes.
        drop_last: Whether to leave out a last batch that is not full.

    Raises:
        ValueError: If an epoch would hold no batch.
    """
    loader = ResumableLoader(
        dataset,
        sampler=sampler,
        batch_size=batch_size,
        num_workers=num_workers,
        drop_last=drop_last,
        persistent_workers=num_workers > 0,
        timeout=LONGEST_WAIT_S if num_workers else 0,
        pin_memory=torch.cuda.is_available(),
        generator=torch.Generator(),  # of its own: worker seeds must not move the global generator
    )
    if len(loader) == 0:
        raise ValueError(
            f'batch_size is {batch_size}, but an epoch holds only {len(sampler)} samples.'  # type: ignore[arg-type]
            ' Choose a smaller batch, or more pairs.'
        )
    return loader
