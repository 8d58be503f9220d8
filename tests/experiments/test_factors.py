"""What sets a cell apart, from its configuration."""

from typing import Any

import pytest

from geo_noisy.experiments.grids.factors import describe


def resolved(class_path: str, data: str, *, freeze: bool = True, **options: Any) -> dict[str, Any]:
    """A configuration as a stage records it, with the factors' options at these values."""
    model = {'class_path': class_path, 'init_args': {'freeze': freeze} | options}
    return {'model': model, 'data': {'class_path': data, 'init_args': {}}}


class TestFactors:
    probe = staticmethod(lambda **model: resolved('x.SegmentationProbe', 'x.VTSSegmentationDataModule', **model))

    @pytest.mark.parametrize(
        ('model', 'name'),
        [
            ({'calibrate_batch_norm': True}, 'random encoder'),
            ({}, 'random encoder, uncalibrated'),
            ({'weights': True}, 'ImageNet'),
            ({'weights': True, 'freeze': False}, 'ImageNet, fine-tuned'),
            ({'freeze': False}, 'supervised'),
        ],
    )
    def test_baselines(self, model: dict[str, Any], name: str) -> None:
        assert describe(None, self.probe(**model))['loss'] == name

    def test_without_noise_there_is_no_noise_level(self) -> None:
        pretrain = resolved('x.MomentumContrast', 'x.VTSPairsDataModule', loss='rince')
        pretrain['data']['init_args'] = {
            'policy': {'rate': 0.0, 'match': 'draw', 'mere_exposure': True},
            'r_img': 0.5,
        }
        found = describe(pretrain, self.probe())
        assert (found['loss'], found['r_pairs'], found['r_img'], found['match']) == ('RINCE', 0.0, None, 'draw')
        assert found['mere_exposure'] is False

    @pytest.mark.parametrize(('rate', 'changed'), [(0.0, None), (0.5, 'drop'), (None, 'drop')])
    def test_what_is_done_about_changed_ground(self, rate: float | None, changed: str | None) -> None:
        pretrain = resolved('geo_noisy.tasks.GroundContrast', 'x.VTSPairsDataModule', changed='drop')
        pretrain['data']['init_args'] = {'policy': {'rate': rate, 'match': 'draw', 'mere_exposure': False}}
        found = describe(pretrain, self.probe())
        assert (found['loss'], found['changed']) == ('ground', changed)

    def test_options_of_a_cell(self) -> None:
        pretrain = resolved('x.DenseContrast', 'x.VTSPairsDataModule', loss='cross')
        policy = {'rate': 0.5, 'match': 'fixed-size', 'mere_exposure': True}
        pretrain['data']['init_args'] = {'policy': policy, 'r_img': 0.25}
        probe = self.probe(model='resnet50', freeze=False)
        probe['data']['init_args'] = {'label_fraction': 0.1, 'noise': 'none'}
        assert describe(pretrain, probe, checkpoint='last') == {
            'data': 'VTS',
            'loss': 'cross-image',
            'r_pairs': 0.5,
            'r_img': 0.25,
            'mere_exposure': True,
            'match': 'fixed-size',
            'changed': None,
            'encoder': 'resnet50',
            'fine_tuned': True,
            'label_fraction': 0.1,
            'downstream_noise': 'none',
            'checkpoint': 'last',
        }
