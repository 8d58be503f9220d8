"""Online probe against full probe: rank correlation over pretrainings, and its cost in per cent of them.

    python tests/benchmarks/report_online_probe.py --steps 60

Pretrains one small encoder a cell on VTS (32 px, 8 cells, stride 8), with an online probe before training and after
each of three epochs, then trains the full probe on the last encoder, and prints both.
"""

import argparse
import time
import warnings
from typing import Any

import lightning.pytorch as pl
import pandas as pd
from scipy.stats import spearmanr

from geo_noisy.datamodules import VTSPairsDataModule, VTSSegmentationDataModule
from geo_noisy.pairs import PairPolicy
from geo_noisy.tasks import DenseContrast, GroundContrast, MomentumContrast, OnlineProbe, SegmentationProbe

VTS: dict[str, Any] = {'size_px': 32, 'cells': 8, 'in_memory': True}
ENCODER: dict[str, Any] = {'model': 'tu-test_resnet', 'output_stride': 8}
ADAMW: dict[str, Any] = ENCODER | {'optimizer': 'adamw', 'weight_decay': 0.01, 'temperature': 0.1}
CELLS: dict[str, tuple[type, dict[str, Any], float, float]] = {
    'MoCo': (MomentumContrast, ADAMW | {'lr': 0.003, 'queue_size': 512, 'key_momentum': 0.99}, 0.0, 0.5),
    'MoCo, lr .0001': (MomentumContrast, ADAMW | {'lr': 0.0001, 'queue_size': 512, 'key_momentum': 0.99}, 0.0, 0.5),
    'MoCo, all pairs noise': (
        MomentumContrast,
        ADAMW | {'lr': 0.003, 'queue_size': 512, 'key_momentum': 0.99},
        1.0,
        1.0,
    ),
    'within-image': (DenseContrast, ADAMW | {'lr': 0.003}, 0.0, 0.5),
    'within-image, all pairs noisy': (DenseContrast, ADAMW | {'lr': 0.003}, 1.0, 0.5),
    'ground': (GroundContrast, ADAMW | {'lr': 0.003}, 0.0, 0.5),
    'ground, all pairs noisy': (GroundContrast, ADAMW | {'lr': 0.003}, 1.0, 0.5),
    'ground, all pairs noise': (GroundContrast, ADAMW | {'lr': 0.003}, 1.0, 1.0),
}
SCORES = ('linear_f1', 'knn_f1', 'effective_rank', 'rank', 'alignment', 'uniformity')


def labels() -> VTSSegmentationDataModule:
    return VTSSegmentationDataModule(train_count=600, val_count=300, test_count=600, **VTS)


def run(folder: str, **changes: Any) -> pl.Trainer:
    quiet = {
        'logger': False,
        'enable_checkpointing': False,
        'enable_progress_bar': False,
        'enable_model_summary': False,
    }
    return pl.Trainer(
        **{'accelerator': 'cpu', 'default_root_dir': folder, 'num_sanity_val_steps': 0, **quiet, **changes}
    )


def cell(name: str, steps: int, folder: str) -> dict[str, Any]:
    """Scores of one pretraining by the online probe and by the full one."""
    kind, options, rate, r_img = CELLS[name]
    pl.seed_everything(0, verbose=False)
    policy = PairPolicy(rate=rate, match='draw')
    pairs = VTSPairsDataModule(
        batch_size=64, policy=policy, train_count=64 * steps // 3, val_count=300, r_img=r_img, **VTS
    )
    watch = OnlineProbe(data=labels(), pairs=256)
    task = kind(**options)
    start = time.perf_counter()
    run(folder, max_epochs=3, callbacks=[watch]).fit(task, pairs)
    taken = time.perf_counter() - start
    mean, std = (band.flatten().tolist() for band in (task.band_mean, task.band_std))
    options = {'classes': ('first', 'second', 'noise'), 'cache_features': 'memory', 'lr': 0.002}
    full = SegmentationProbe(**ENCODER, **options, band_mean=mean, band_std=std)
    full.model.load_state_dict(task.model.state_dict())
    trainer = run(folder, max_epochs=30)
    data = labels()
    trainer.fit(full, data)
    (scores,) = trainer.test(full, data, verbose=False)
    seconds = sum(row['seconds'] for row in watch.history)
    row = {key: watch.history[-1][key] for key in SCORES}
    return row | {
        'full': scores['test_f1_macro'],
        'cost_%': 100 * seconds / (taken - seconds),
        'measured': len(watch.history),
    }


def main() -> None:
    warnings.simplefilter('ignore')
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--steps', type=int, default=60, help='steps of a pretraining')
    parser.add_argument('--folder', default='runs/online', help='where online_probe.png of the last cell lies')
    chosen = parser.parse_args()
    table = pd.DataFrame({name: cell(name, chosen.steps, chosen.folder) for name in CELLS}).T
    print(table.round(3).to_string())
    for name in SCORES:
        found = spearmanr(table[name].astype(float), table['full'].astype(float))
        print(f'{name:15} Spearman {found.statistic:+.2f} (p {found.pvalue:.3f}) over {len(table)} cells')


if __name__ == '__main__':
    main()
