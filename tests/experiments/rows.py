"""Rows of results with effects that are known."""

import json
from typing import Any

import pandas as pd

SPREAD = (-0.4, 0.1, 0.3)  # of three seeds, in points


def row(seed: int, score: float, **changes: Any) -> dict[str, Any]:
    """A row as a sweep writes it, with a score in points."""
    factors = {'data': 'VTS', 'loss': 'MoCo', 'r_pairs': 0.0, 'r_img': None, 'mere_exposure': False, **changes}
    metric = 'test_accuracy' if factors['data'] == 'CIFAR-10' else 'test_f1_macro'
    name = ', '.join(str(value) for value in factors.values())
    return {
        'key': f'{name}, {seed}',
        'name': name,
        'seed': seed,
        'error': None,
        'hardware': 'x86_64',
        'code': '0.1.0+abc',
        'versions': json.dumps({'torch': '2'}),
        'pretrain_key': name + str(seed) if factors['r_pairs'] is not None else None,
        'pretrain_seconds': 60.0,
        'probe_seconds': 30.0,
        'encoder': 'resnet18',
        'label_fraction': 1.0,
        'downstream_noise': 'half' if factors['data'] == 'VTS' else None,
        'fine_tuned': False,
        'match': 'draw',
        'checkpoint': 'best',
        metric: score / 100,
        **factors,
    }


def table(**effects: float) -> pd.DataFrame:
    """MoCo on VTS: clean at 50 points, noisy pairs, false positives and mere exposure by so many points above."""
    rows = []
    for seed, noise in enumerate(SPREAD):
        nothing = {'r_pairs': None, 'match': None, 'checkpoint': None, 'mere_exposure': None}
        rows += [
            row(seed, 40.0, loss='random encoder', **nothing),
            row(seed, effects.get('random', 42.0) + seed, loss='random encoder, uncalibrated', **nothing),
            row(seed, 50.0 + 3 * seed),
            row(seed, 50.0 + 3 * seed + effects.get('noisy', 5.0) + noise, r_pairs=1.0, r_img=0.5),
            row(seed, 50.0 + 3 * seed + effects.get('false', -5.0) + noise, r_pairs=1.0, r_img=1.0),
            row(
                seed, 50.0 + 3 * seed + effects.get('exposure', 0.0) - noise, r_pairs=1.0, r_img=0.5, mere_exposure=True
            ),
        ]
    return pd.DataFrame(rows)
