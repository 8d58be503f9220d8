"""The report, from the command to its page."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from geo_noisy.experiments.judging.primary import PrimaryTest, fix_primary
from geo_noisy.experiments.reporting.report import write_report
from geo_noisy.experiments.table import stack_rows
from geo_noisy.main import main
from tests.data.textures import write_textures
from tests.experiments.rows import row, table


class TestReport:
    def test_from_the_command(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        cifar = [row(seed, 60.0 - 30 * rate, data='CIFAR-10', r_pairs=rate) for seed in range(3) for rate in (0.0, 1.0)]
        for name, frame in (('vts', table()), ('cifar', pd.DataFrame(cifar))):
            (tmp_path / name).mkdir()
            frame.to_parquet(tmp_path / name / 'results.parquet')
        words = [
            'report',
            str(tmp_path / 'vts'),
            str(tmp_path / 'cifar' / 'results.parquet'),
            '--output',
            str(tmp_path),
        ]
        open_before = plt.get_fignums()  # of other tests
        assert main(words) == 0
        text = (tmp_path / 'report.md').read_text()
        assert '| Noisy pairs help on VTS, MoCo, r_img < 1 | gain (Fig. 4 and 5, no number printed) | +5.0 |' in text
        assert '**No primary tests were fixed beforehand**' in text
        assert '**seen**' not in text
        assert '| VTS, MoCo |  | +10.0 (' in text
        assert 'Not tested, for want of cells: ' in text
        assert 'mean +6.8, sd 4.1' in text
        for name in ('figure_1_false_and_noisy_pairs', 'figure_4_vts_scores', 'scores_vts', 'scores_cifar-10'):
            assert (tmp_path / 'figures' / f'{name}.png').stat().st_size > 5000
        for name in ('figure_3_vts_generation', 'figure_6_noisy_and_mere_exposure'):
            assert (tmp_path / 'figures' / f'{name}.jpg').exists()
        assert plt.get_fignums() == open_before
        assert 'Report:' in capsys.readouterr().out

    def test_no_seed_in_common(self, tmp_path: Path) -> None:
        frame = table()
        frame.loc[frame['loss'].str.startswith('random'), 'seed'] += 50
        write_report(tmp_path, frame, command='x')
        assert 'Paired differences' not in (tmp_path / 'report.md').read_text()

    def test_textures_of_a_folder(self, tmp_path: Path) -> None:
        write_textures(tmp_path / 'dtd', size_px=(260, 260))
        table().to_parquet(tmp_path / 'results.parquet')
        words = ['report', str(tmp_path), '--output']
        assert main([*words, str(tmp_path / 'a'), '--textures', str(tmp_path / 'dtd')]) == 0
        assert main([*words, str(tmp_path / 'b')]) == 0
        pictures = [(tmp_path / name / 'figures' / 'figure_3_vts_generation.jpg').read_bytes() for name in 'ab']
        assert pictures[0] != pictures[1]
        assert f'--textures {tmp_path / "dtd"}' in (tmp_path / 'a' / 'report.md').read_text()

    def test_no_textures(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        table().to_parquet(tmp_path / 'results.parquet')
        assert main(['report', str(tmp_path), '--textures', str(tmp_path)]) == 2
        assert 'holds no textures' in capsys.readouterr().err

    def test_what_sharing_saved(self, tmp_path: Path) -> None:
        frame = table()
        twice = frame[frame['r_pairs'] == 0].assign(key='again', name='probed again', checkpoint='last')
        write_report(tmp_path, stack_rows([frame, twice]), command='x')
        text = (tmp_path / 'report.md').read_text()
        assert 'Shared pretrainings saved 3 minutes' in text
        assert '12 pretrainings 12' in text

    @pytest.mark.parametrize(
        ('content', 'status', 'message'),
        [(None, 2, 'no table of results'), ('a,b\n1,2\n', 1, 'has no column')],
        ids=['absent', 'other'],
    )
    def test_bad_tables(
        self, content: str | None, status: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / 'results.csv'
        if content is not None:
            path.write_text(content)
        assert main(['report', str(path)]) == status
        assert message in capsys.readouterr().err

    def test_empty_folder(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(['report', str(tmp_path)]) == 1
        assert 'Run `geo-noisy sweep' in capsys.readouterr().err

    def test_primary_tests_end_in_verdicts(self, tmp_path: Path) -> None:
        names = {'clean': 'VTS, MoCo, 0.0, None, False', 'noisy': 'VTS, MoCo, 1.0, 0.5, False'}
        test = PrimaryTest('Noise helps', (names['noisy'],), (names['clean'],), 'gain', names['clean'])
        fix_primary(tmp_path, [test])
        table().to_parquet(tmp_path / 'results.parquet')
        assert main(['report', str(tmp_path)]) == 0
        text = (tmp_path / 'report.md').read_text()
        assert '**1 primary tests**, fixed before the first cell ran: 1 seen.' in text
        assert '| Noise helps | gain | +5.0 |' in text
        assert '| **seen** |' in text

    def test_runs_that_say_little_are_named(self, tmp_path: Path) -> None:
        frame = table().assign(pretrain_val_fall=0.5, late_gain=0.001, train_f1_macro=0.8)
        frame.loc[1, ['pretrain_val_fall', 'late_gain']] = 0.05
        write_report(tmp_path, frame, command='x')
        text = (tmp_path / 'report.md').read_text()
        name = frame.loc[1, 'name']
        assert f'The validation loss never fell by 0.1 (it may still be on its plateau): {name} (seeds 0).' in text
        assert f'The probe still gained 0.5 points or more at the end: {name} (seeds 0).' in text
        assert '| 80.0 | 0.1 |' in text  # training score, and late gain

    def test_names_that_are_no_markup(self, tmp_path: Path) -> None:
        name = '$x$ | <script>alert(1)</script> `a` =1'
        frame = table()
        frame['name'] = frame['name'].replace({'VTS, MoCo, 0.0, None, False': name})
        write_report(tmp_path, frame, command='x')
        text = (tmp_path / 'report.md').read_text()
        assert '<script>' not in text
        assert r'| \$x\$ \| &lt;script>alert(1)&lt;/script> \`a\` =1 |' in text
