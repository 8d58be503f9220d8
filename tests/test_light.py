"""What is imported for what is used: seconds at every start."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ('statement', 'absent'),
    [
        ('import geo_noisy, geo_noisy.transforms, geo_noisy.losses, geo_noisy.models', ('torch', 'torchgeo')),
        ('from geo_noisy.transforms import MoCoViews, XView2Views', ('torchgeo', 'geo_noisy.losses.functional')),
        ('from geo_noisy.losses import WithinImageLoss, pool_labels', ('torchgeo', 'lightning')),
        ('from geo_noisy.models import build_encoder, image_projection', ('torchgeo',)),
        ('from geo_noisy.metrics import PooledScores', ('torchgeo',)),
    ],
)
def test_import_leaves_out(statement: str, absent: tuple[str, ...]) -> None:
    question = f'import sys; print([name for name in {absent!r} if name in sys.modules])'
    words = [sys.executable, '-c', f'{statement}; {question}']
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == '[]'
