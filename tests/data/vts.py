"""Small VTS data modules and trainers for tests."""

from pathlib import Path
from typing import Any

import lightning.pytorch as pl

from geo_noisy.datamodules import VTSPairsDataModule, VTSSegmentationDataModule
from geo_noisy.pairs import PairPolicy

SMALL: dict[str, Any] = {'size_px': 32, 'cells': 4, 'in_memory': True}


def pairs_datamodule(rate: float = 0.5, **changes: Any) -> VTSPairsDataModule:
    """32 training and 16 validation pairs of 32 px."""
    arguments = {'train_count': 32, 'val_count': 16, 'batch_size': 8, **SMALL, **changes}
    arguments.setdefault('policy', PairPolicy(rate=rate, match='draw'))
    return VTSPairsDataModule(**arguments)


def segmentation_datamodule(**changes: Any) -> VTSSegmentationDataModule:
    """24 training, 16 validation and 16 test images of 32 px."""
    return VTSSegmentationDataModule(
        **{'train_count': 24, 'val_count': 16, 'test_count': 16, 'batch_size': 8, **SMALL, **changes}
    )


def trainer(folder: Path, **changes: Any) -> pl.Trainer:
    """A silent trainer on the CPU."""
    return pl.Trainer(
        **{
            'accelerator': 'cpu',
            'default_root_dir': folder,
            'logger': False,
            'enable_checkpointing': False,
            'enable_progress_bar': False,
            'enable_model_summary': False,
            'max_epochs': 1,
            **changes,
        }
    )
