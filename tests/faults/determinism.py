"""What changes the weights of one config and seed: ``python -m tests.faults.determinism``."""

import os
import subprocess
import sys
import tempfile
from contextlib import chdir
from pathlib import Path

import torch

from tests.corpus.sound import make_sound

WAYS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    'again': ({}, ()),
    'two workers': ({}, ('--data.init_args.num_workers=2',)),
    'another hash seed': ({'PYTHONHASHSEED': '7'}, ()),
    'another time zone': ({'TZ': 'Pacific/Chatham'}, ()),
    'another locale': ({'LC_ALL': 'tr_TR.UTF-8', 'LANG': 'tr_TR.UTF-8'}, ()),
    'two threads': ({'OMP_NUM_THREADS': '2'}, ()),
    'another seed': ({}, ('--seed_everything=1', '--data.init_args.seed=1')),
}
"""Variables of the environment and words that differ from those of the first run; the last must change the weights."""

CONFIGS = ('vts.yaml', 'region.yaml')
SAME_WITHIN = 1e-4
"""Largest difference of a weight that other threads may make in these two steps, which sum in another order."""


def weights(config: str, environment: dict[str, str], words: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """Weights after a run of its own process."""
    command = [sys.executable, '-m', 'geo_noisy.main', 'fit', '--config', config, *words]
    settings = {'OMP_NUM_THREADS': '1', 'PYTHONHASHSEED': '0', 'TZ': 'UTC', 'LC_ALL': 'C.UTF-8'} | environment
    subprocess.run(command, env=os.environ | settings, capture_output=True, check=True)
    path = Path('runs/last.ckpt')
    state: dict[str, torch.Tensor] = torch.load(path, map_location='cpu', weights_only=True)['state_dict']
    path.unlink()
    return {name: values for name, values in state.items() if values.is_floating_point()}


def difference(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> float:
    """Largest difference of a weight."""
    return max(float((first[name] - second[name]).abs().max()) for name in first)


def main() -> int:
    """Print the table; the exit status is 1 where something changed the weights that must not."""
    bad = 0
    print('| what differs | ' + ' | '.join(CONFIGS) + ' |\n|---|' + '---|' * len(CONFIGS))
    with tempfile.TemporaryDirectory() as folder, chdir(make_sound(Path(folder, 'made'))):
        first = {config: weights(config, {}, ()) for config in CONFIGS}
        for way, (environment, words) in WAYS.items():
            found = [difference(first[config], weights(config, environment, words)) for config in CONFIGS]
            print(f'| {way} | ' + ' | '.join(f'{value:.1e}' if value else '0' for value in found) + ' |', flush=True)
            if way == 'another seed':
                bad += min(found) == 0
            else:
                bad += max(found) > (SAME_WITHIN if way == 'two threads' else 0)
    return int(bad > 0)


if __name__ == '__main__':
    raise SystemExit(main())
