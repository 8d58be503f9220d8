"""What sets a cell apart, read from its resolved configuration: the columns that reports group by."""

from collections.abc import Mapping
from typing import Any

Config = Mapping[str, Any]

FACTORS = (
    'data',
    'loss',
    'r_pairs',
    'r_img',
    'mere_exposure',
    'match',
    'changed',
    'encoder',
    'fine_tuned',
    'label_fraction',
    'downstream_noise',
    'checkpoint',
)


def describe(pretrain: Config | None, probe: Config, *, checkpoint: str = 'best') -> dict[str, Any]:
    """Factors of a cell.

    Args:
        pretrain: Configuration of the pretraining as it ran, with every default; None where there is none.
        probe: Configuration of the probe, likewise.
        checkpoint: Which checkpoint is probed.

    Returns:
        A value for each of ``FACTORS``. ``r_pairs``, ``r_img``, ``mere_exposure``, ``match`` and ``changed`` (what
        GroundContrast does about changed ground) are None without pretraining; ``r_img`` is None where the data have
        noise of their own. At r_pairs = 0 no pair is noisy, so ``r_img`` and ``changed`` are None and
        ``mere_exposure`` False whatever the configuration says.
    """
    model, data = probe['model']['init_args'], probe['data']['init_args']
    found: dict[str, Any] = dict.fromkeys(FACTORS)
    found |= {
        'data': _data_name(probe),
        'loss': _baseline(model) if pretrain is None else _loss(pretrain),
        'encoder': model.get('model'),
        'fine_tuned': not model['freeze'],
        'label_fraction': data.get('label_fraction'),
        'downstream_noise': data.get('noise'),
    }
    if pretrain is not None:
        source = pretrain['data']['init_args']
        policy: Config = source['policy']
        rate = policy['rate']
        found |= {
            'r_pairs': rate,
            'r_img': source.get('r_img') if rate != 0 else None,
            'mere_exposure': policy['mere_exposure'] and rate != 0,
            'match': policy['match'],
            'changed': pretrain['model']['init_args'].get('changed') if rate != 0 else None,
            'checkpoint': checkpoint,
        }
    return found


def _loss(pretrain: Config) -> str:
    name = pretrain['model']['class_path'].rsplit('.', 1)[-1]
    loss = pretrain['model']['init_args'].get('loss')
    if name == 'DenseContrast':
        return f'{loss}-image'
    if name == 'GroundContrast':
        return 'ground'
    if name == 'MomentumContrast':
        return 'RINCE' if loss == 'rince' else 'MoCo'
    return str(name)


def _baseline(model: Config) -> str:
    frozen = model['freeze']
    if model.get('weights') is True:
        return 'ImageNet' if frozen else 'ImageNet, fine-tuned'
    if model.get('weights'):
        return str(model['weights'])
    if not frozen:
        return 'supervised'
    return 'random encoder' if model.get('calibrate_batch_norm') else 'random encoder, uncalibrated'


def _data_name(config: Config) -> str:
    name = config['data']['class_path'].rsplit('.', 1)[-1]
    for known in ('VTS', 'XBD', 'CIFAR10'):
        if name.startswith(known):
            return {'XBD': 'xBD', 'CIFAR10': 'CIFAR-10'}.get(known, known)
    return str(name)
