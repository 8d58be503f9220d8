"""Every option of a data set is reached from YAML, and a misspelt one is refused."""

import inspect

import pytest
from jsonargparse import ArgumentError, ArgumentParser
from torchgeo.datamodules import BaseDataModule

from geo_noisy.datasets.cifar10.images import CIFAR10
from geo_noisy.datasets.temporal import TemporalPairs
from geo_noisy.datasets.vts.base import VTS
from geo_noisy.datasets.xbd.base import XBDTiles

SET_BY_THE_MODULE = {'self', 'split', 'seed', 'count', 'index'}
MODULES = {
    'VTSPairsDataModule': (VTS, {'r_img', 'min_noise', 'exposure_labels'}),
    'VTSSegmentationDataModule': (VTS, {'noise'}),
    'XBDPairsDataModule': (XBDTiles, {'min_noise'}),
    'XBDSegmentationDataModule': (XBDTiles, set()),
    'TemporalPairsDataModule': (TemporalPairs, set()),
    'CIFAR10PairsDataModule': (CIFAR10, set()),
    'CIFAR10DataModule': (CIFAR10, set()),
}


def parse(module, *options):
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(BaseDataModule, 'data')
    needed = ['--data.init_args.index=pairs.parquet'] if module == 'TemporalPairsDataModule' else []
    return parser.parse_args([f'--data=geo_noisy.datamodules.{module}', *needed, *options]).data.init_args


@pytest.mark.parametrize('module', MODULES)
def test_options_of_the_data_set_are_options_of_its_module(module):
    base, own = MODULES[module]
    parameters = inspect.signature(base.__init__).parameters
    wanted = (set(parameters) | own) - SET_BY_THE_MODULE - {'kwargs'}
    assert wanted <= set(vars(parse(module)))


@pytest.mark.parametrize('module', MODULES)
def test_a_misspelt_option_is_refused(module):
    with pytest.raises(ArgumentError, match='siz_px'):
        parse(module, '--data.init_args.siz_px=3')
