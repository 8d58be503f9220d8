"""``geo-noisy fit`` and its like: what is wrong in one paragraph, and why a run ended by the exit status."""

import contextlib
import http.server
import os
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from geo_noisy.commands.parsing.config_words import written_out
from geo_noisy.main import main
from tests.experiments.grids import tiny_grid
from tests.tasks.test_torchgeo import ROOT, cli_arguments, small

MOCO = str(ROOT / 'configs' / 'vts' / 'moco.yaml')
PROBE = str(ROOT / 'configs' / 'vts' / 'probe.yaml')
REGION = str(ROOT / 'configs' / 'regions' / 'vts.yaml')

pytestmark = cli_arguments


@pytest.mark.parametrize(
    ('words', 'status', 'message'),
    [
        (['fit', '--config', 'nowhere.yaml'], 2, 'The config nowhere.yaml is not a file'),
        (['fit', '--config', 'text.yaml'], 2, 'The config text.yaml is not YAML: '),
        (['fit', '--config', 'list.yaml'], 2, 'The config list.yaml holds no keys with values'),
        (['fit', '--config', MOCO, '--model.init_args.lrr=1'], 2, "model: Option 'lrr' is not accepted (of "),
        (['sweep', 'nowhere.yaml', '--output', 'x'], 2, 'The grid nowhere.yaml is not a file; `geo-noisy configs`'),
        (['fit', '--config', MOCO, '--model.init_args.lr=abc'], 2, 'model.lr: expected float, got abc (of '),
        (
            ['fit', '--config', MOCO, '--data.init_args.policy.rate=x'],
            2,
            'data.policy.rate: expected float, got x (of ',
        ),
        (['fit', '--config', MOCO, '--data.init_args.policy.rate=7'], 2, 'PairPolicy.rate is 7.0; the noisy pairs'),
        (['fit', '--config', MOCO, '--model.class_path=geo_noisy.tasks.Nope'], 2, 'model: No geo_noisy.tasks attr'),
        (['fit', '--config', MOCO, '--model.init_args.model=resnet1'], 2, "model is 'resnet1': choose an encoder"),
        (['fit', '--config', MOCO, '--trainer.accelerator=x'], 2, 'You selected an invalid accelerator name'),
        (['fit', '--config', REGION, '--data.init_args.index=nowhere.parquet'], 2, 'nowhere.parquet'),
        (['fit', '--config', REGION, '--data.init_args.index=cut.ckpt'], 1, 'cut.ckpt is not a Parquet file'),
        (['fit', '--config', MOCO, '--seed_everything=-1'], 2, '-1 is not in bounds, numpy accepts from 0 to'),
        (['fit', '--config', MOCO, '--trainer.callbacks=x'], 2, 'trainer.callbacks: Expected a path but x either not'),
        (['fit', 'x.yaml'], 2, 'unrecognized arguments: x.yaml; did you mean --config x.yaml?'),
        (['fit', '--config', MOCO, '--trainer.max_epoch=2'], 2, 'unrecognized arguments: --trainer.max_epoch=2'),
        (['fit', '--wrong'], 2, 'unrecognized arguments: --wrong; `geo-noisy fit --help`'),
        (['fit'], 2, 'the following arguments are required'),
        (['fit', '--config', PROBE, '--model.init_args.weights=nowhere.ckpt'], 2, "weights is 'nowhere.ckpt', which"),
        (['fit', '--config', PROBE, '--model.init_args.weights=text.yaml'], 1, 'weights text.yaml cannot be read'),
        (['fit', '--config', PROBE, '--model.init_args.weights='], 2, 'weights is empty: give a file'),
        (
            ['fit', '--config', PROBE, '--model.init_args.weights=https://x.y/z.pth'],
            2,
            'weights is https://x.y/z.pth, an',
        ),
        (['fit', '--config', PROBE, '--model.init_args.weights=whole.ckpt'], 1, 'weights whole.ckpt hold no tensor'),
        (
            ['test', '--config', PROBE, '--ckpt_path', 'whole.ckpt'],
            1,
            'The checkpoint (--ckpt_path whole.ckpt) cannot be',
        ),
        (['test', '--config', PROBE, '--ckpt_path=nowhere.ckpt'], 2, 'Checkpoint file not found: nowhere.ckpt'),
        (['test', '--config', PROBE, '--ckpt_path=text.yaml'], 1, 'The checkpoint (--ckpt_path=text.yaml) cannot be'),
        (['test', '--config', PROBE, '--ckpt_path=cut.ckpt'], 1, 'The checkpoint (--ckpt_path=cut.ckpt) cannot be'),
        (['test', '--config', PROBE, '--ckpt_path=empty.ckpt'], 1, 'The checkpoint (--ckpt_path=empty.ckpt) cannot b'),
    ],
)
def test_what_is_wrong_takes_one_paragraph(
    words: list[str], status: int, message: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path('text.yaml').write_text('a: b: c\n')
    Path('list.yaml').write_text('- a\n')
    torch.save({'state_dict': {}}, 'whole.ckpt')
    Path('cut.ckpt').write_bytes(Path('whole.ckpt').read_bytes()[:-100])
    Path('empty.ckpt').touch()
    assert main(words) == status
    err = [line for line in capsys.readouterr().err.splitlines() if line]
    assert len(err) == 1
    assert err[0].startswith(f'geo-noisy: {message}')


@pytest.mark.parametrize(
    ('word', 'meant'),
    [
        ('--data.init_args.polcy.rate=1', 'policy'),
        ('--trainer.max_epoch=1', '--trainer.max_epochs'),
        ('--model=geo_noisy.tasks.GroundContrst', 'geo_noisy.tasks.GroundContrast'),
    ],
)
def test_what_may_have_been_meant(word: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['fit', '--config', MOCO, word]) == 2
    assert f'; did you mean {meant}? `geo-noisy fit' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('end', 'status', 'message'),
    [
        ({'class_path': 'tests.commands.stopping.Signalled'}, 143, None),
        ({'class_path': 'tests.commands.stopping.Signalled', 'init_args': {'number': 2}}, 130, 'stopped by SIGINT.'),
        ({'class_path': 'tests.commands.stopping.Failing'}, 1, 'this is unexpected: TypeError: object of type'),
    ],
)
def test_how_a_run_ended(
    end: dict[str, object], status: int, message: str | None, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    path = small('within_image.yaml', tmp_path, 'dense')
    config = yaml.safe_load(path.read_text())
    config['trainer']['callbacks'] = [end]
    path.write_text(yaml.safe_dump(config))
    assert main(['fit', '--config', str(path)]) == status
    err = capsys.readouterr().err
    assert 'Traceback' not in err
    assert message is None or f'geo-noisy: {message}' in err


class Touch:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_code_in_a_checkpoint_at_an_address_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'hub'))
    monkeypatch.setenv('no_proxy', '127.0.0.1')
    torch.save({'state_dict': {}, 'code': Touch(tmp_path / 'ran')}, tmp_path / 'evil.ckpt')
    folder = partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), folder) as serving:
        threading.Thread(target=serving.serve_forever).start()
        config = small('moco.yaml', tmp_path, 'moco')
        address = f'http://127.0.0.1:{serving.server_port}/evil.ckpt'
        status = main(['fit', '--config', str(config), f'--ckpt_path={address}'])
        serving.shutdown()
    assert (tmp_path / 'hub').exists()  # it was fetched
    assert not (tmp_path / 'ran').exists()
    assert status == 1
    assert f'--ckpt_path={address}) cannot be read' in capsys.readouterr().err


def test_where_a_checkpoint_stands_in_place_of_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    config = ['fit', '--config', str(small('moco.yaml', tmp_path, 'moco'))]
    assert main(config) == 0
    (checkpoint,) = tmp_path.rglob('last.ckpt')
    capsys.readouterr()
    assert main([*config, f'--ckpt_path={checkpoint}']) == 0
    assert 'geo-noisy' not in capsys.readouterr().err
    assert main([*config, f'--ckpt_path={checkpoint}', '--model.init_args.lr=0.5']) == 0
    told = f'geo-noisy: arguments of the model are those of the checkpoint {checkpoint}: lr '
    assert any(
        line.startswith(told) and line.endswith(' (config: 0.5).') for line in capsys.readouterr().err.splitlines()
    )
    other = ['fit', '--config', str(small('within_image.yaml', tmp_path, 'dense')), f'--ckpt_path={checkpoint}']
    assert main(other) == 2
    assert 'is of a MomentumContrast, the config of a DenseContrast: go on with' in capsys.readouterr().err


def test_side_files_and_private_buckets_are_seen() -> None:
    assert main(['fit', '--config', 'absent.yaml']) == 2
    assert not {'GDAL_DISABLE_READDIR_ON_OPEN', 'AWS_NO_SIGN_REQUEST'} & os.environ.keys()


def test_nested_nulls(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (['--data.init_args.policy.rate=null'], ['--data.init_args.policy.rate', 'null']):
        with contextlib.suppress(SystemExit):
            assert main(['fit', '--config', MOCO, '--data.init_args.policy.seed=3', *words, '--print_config']) == 0
        policy = yaml.safe_load(capsys.readouterr().out)['data']['init_args']['policy']
        assert (policy['rate'], policy['seed']) == (None, 3)


def test_other_words_stay() -> None:
    words = ['--config', 'x.yaml', '--model.init_args.weights=null', '--data.init_args.root', '~x', '--trainer.a=null']
    assert written_out(words) == words


@pytest.mark.parametrize(('number', 'status'), [(15, 143), (2, 130)])
def test_a_signal_ends_a_sweep_and_no_cell_fails_by_it(number: int, status: int, tmp_path: Path) -> None:
    signalled = {'class_path': 'tests.commands.stopping.Signalled', 'init_args': {'number': number}}
    cell = {'name': 'w', 'pretrain': 'within-image', 'set': {'pretrain.trainer.callbacks': [signalled]}}
    grid = tiny_grid(tmp_path, cells=[cell, {'name': 'next', 'pretrain': None}], seeds=[0], compare=[])
    assert main(['sweep', str(grid), '--output', str(tmp_path / 'run')]) == status
    assert not (tmp_path / 'run' / 'results.parquet').exists()
