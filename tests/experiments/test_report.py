"""Claims, figures and the report, on tables with effects that are known."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from geo_noisy.datasets import VTSPairs
from geo_noisy.experiments.claims import CLAIMS, Claim, judge
from geo_noisy.experiments.figures import paper_figures, plot_changes, plot_exposure, plot_noise_grid
from geo_noisy.experiments.method_figures import plot_noisy_and_exposure, plot_vts_generation
from geo_noisy.experiments.report import write_report
from geo_noisy.experiments.results import SCORE, outcomes_of, prepare, settings
from geo_noisy.experiments.statistics import Interval, accuracy, bootstrap_difference, holm, macro_f1
from geo_noisy.main import main
from tests.data.textures import write_textures


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    plt.close('all')


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
        rows += [
            row(seed, 40.0, loss='random encoder', r_pairs=None, match=None, checkpoint=None, mere_exposure=None),
            row(seed, 50.0 + 3 * seed),
            row(seed, 50.0 + 3 * seed + effects.get('noisy', 5.0) + noise, r_pairs=1.0, r_img=0.5),
            row(seed, 50.0 + 3 * seed + effects.get('false', -5.0) + noise, r_pairs=1.0, r_img=1.0),
            row(
                seed, 50.0 + 3 * seed + effects.get('exposure', 0.0) - noise, r_pairs=1.0, r_img=0.5, mere_exposure=True
            ),
        ]
    return pd.DataFrame(rows)


def verdicts(frame: pd.DataFrame) -> dict[str, str]:
    return {f'{f.claim.text} [{f.claim.data}]': f.verdict for f in judge(prepare(frame))}


HELP = 'Noisy pairs help on VTS, MoCo, r_img < 1 [VTS]'
FALSE = 'False positives do not help MoCo on VTS (r_pairs = r_img = 1) [VTS]'
EXPOSURE = 'Noisy pairs do better than mere exposure on VTS, MoCo [VTS]'


class TestClaims:
    def test_seen(self) -> None:
        found = verdicts(table())
        assert (found[HELP], found[FALSE], found[EXPOSURE]) == ('seen', 'seen', 'seen')
        assert sum(verdict != 'not tested' for verdict in found.values()) == 3

    def test_the_opposite(self) -> None:
        found = verdicts(table(noisy=-5.0, false=5.0))
        assert (found[HELP], found[FALSE], found[EXPOSURE]) == ('contradicted', 'contradicted', 'contradicted')

    def test_within_a_point_is_not_seen_and_in_between_is_open(self) -> None:
        assert verdicts(table(noisy=0.0))[HELP] == 'not seen'
        assert verdicts(table(noisy=0.6))[HELP] == 'open'

    def test_one_seed_concludes_nothing(self) -> None:
        frame = table()
        assert verdicts(frame[frame['seed'] == 0])[HELP] == 'open'

    def test_the_interval_is_that_of_the_paired_test(self) -> None:
        finding = next(f for f in judge(prepare(table())) if f.claim.text in HELP)
        expected = stats.ttest_1samp([5 + noise for noise in SPREAD], 0)
        interval = expected.confidence_interval(0.95)
        assert finding.interval is not None
        assert (finding.interval.low, finding.interval.high) == pytest.approx((interval.low, interval.high))
        assert finding.p_value >= expected.pvalue  # adjusted
        assert finding.cells == 1

    def test_mere_exposure_is_paired_at_equal_noise(self) -> None:
        frame = table()
        extra = [row(seed, 99.0, r_pairs=0.5, r_img=0.25, mere_exposure=True) for seed in range(3)]  # has no partner
        both = [judge(prepare(pd.concat([frame, pd.DataFrame(more)], ignore_index=True))) for more in ([], extra)]
        means = [next(f.interval.mean for f in found if f.claim.text in EXPOSURE) for found in both]
        assert means[0] == pytest.approx(means[1]) == pytest.approx(5.0)

    def test_other_rates_of_mere_exposure_do_not_count(self) -> None:
        frame = table()
        frame.loc[frame['mere_exposure'].eq(True), 'r_pairs'] = 0.5
        assert verdicts(frame)[EXPOSURE] == 'not tested'

    @pytest.mark.parametrize('loss', ['MoCo', 'within-image', 'cross-image'])
    def test_more_noisy_pairs_are_compared_at_equal_noise(self, loss: str) -> None:
        rows = [
            row(seed, 50 + 20 * r_img + 4 * rate + noise * rate, loss=loss, r_pairs=rate, r_img=r_img)
            for seed, noise in enumerate(SPREAD)
            for rate, r_img in ((0.25, 0.5), (1.0, 0.5), (0.25, 0.25), (1.0, 0.25), (1.0, 0.75))  # the last is alone
        ]
        finding = next(
            f for f in judge(prepare(pd.DataFrame(rows))) if 'r_pairs 1 against 0.25' in f.claim.text and f.interval
        )
        assert finding.claim.loss == loss
        assert finding.cells == 2
        assert finding.interval.mean == pytest.approx(3.0)

    def test_every_seed_averages_over_the_same_cells(self) -> None:
        more = [row(seed, 90.0, r_pairs=0.25, r_img=0.25) for seed in (0, 1)]  # the third is not there yet
        finding = next(f for f in judge(prepare(pd.concat([table(), pd.DataFrame(more)]))) if f.claim.text in HELP)
        assert finding.cells == 1
        assert finding.interval is not None
        assert finding.interval.mean == pytest.approx(5.0)

    def test_repeated_rows_count_once(self) -> None:
        twice = pd.concat([table(), table()], ignore_index=True)
        assert len(prepare(twice)) == len(table())

    def test_false_pairs_of_cifar10_use_accuracy(self) -> None:
        rows = [
            row(seed, score + noise, data='CIFAR-10', r_pairs=rate)
            for seed, noise in enumerate(SPREAD)
            for rate, score in ((0.0, 60 - noise), (1.0, 30))
        ]
        assert (
            verdicts(pd.DataFrame(rows))['False positive pairs harm classification (all pairs false) [CIFAR-10]']
            == 'seen'
        )

    def test_no_harm_needs_the_margin(self) -> None:
        claim = next(claim for claim in CLAIMS if claim.kind == 'no harm' and claim.loss == 'MoCo')
        for shift, expected in ((0.5, 'seen'), (-0.9, 'open'), (-5.0, 'contradicted')):
            rows = [
                row(seed, 50 + (shift + noise if rate else 0), data='xBD', r_pairs=rate)
                for seed, noise in enumerate(SPREAD)
                for rate in (0.0, 0.5)
            ]
            assert judge(prepare(pd.DataFrame(rows)), [claim])[0].verdict == expected

    def test_no_gain_needs_the_margin(self) -> None:
        claim = next(claim for claim in CLAIMS if claim.text in FALSE)
        for shift, expected in ((-0.5, 'seen'), (0.9, 'open'), (5.0, 'contradicted')):
            rows = [
                row(seed, 50 + (shift + noise if rate else 0), r_pairs=rate, r_img=rate or None)
                for seed, noise in enumerate(SPREAD)
                for rate in (0.0, 1.0)
            ]
            assert judge(prepare(pd.DataFrame(rows)), [claim])[0].verdict == expected

    def test_holm_over_the_claims(self) -> None:
        """A difference that is significant alone is not so beside many others."""
        claim = next(claim for claim in CLAIMS if claim.text in HELP)
        frame = prepare(table(noisy=1.2))
        alone = judge(frame, [claim])[0]
        others = [Claim('x', 'VTS', 'MoCo', claim.first, claim.second, 'gain', '') for _ in range(30)]
        among = judge(frame, [claim, *others])[0]
        assert alone.verdict == 'seen'
        assert among.verdict == 'open'

    def test_bootstrap_over_images_is_in_the_finding(self) -> None:
        frame = table()
        rng = np.random.default_rng(0)
        frame['test_outcomes'] = [list(rng.integers(1, 9, (40, 9))) for _ in range(len(frame))]
        finding = next(f for f in judge(prepare(frame)) if f.claim.text in HELP)
        assert set(finding.by_seed) == {0, 1, 2}
        assert all(low < high for low, high in finding.by_seed.values())

    def test_bootstrap_of_cifar10_is_of_accuracy(self) -> None:
        rows = [
            row(seed, score, data='CIFAR-10', r_pairs=rate, test_outcomes=[np.array(answers)] * 8)
            for seed in range(2)
            for rate, score, answers in ((0.0, 100.0, [1, 0, 0, 0]), (1.0, 0.0, [0, 1, 0, 0]))
        ]
        finding = next(f for f in judge(prepare(pd.DataFrame(rows))) if f.interval)
        assert finding.by_seed == {0: (-100.0, -100.0), 1: (-100.0, -100.0)}


class TestStatistics:
    def test_holm(self) -> None:
        assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
        assert holm([0.5, 0.9]).tolist() == [1.0, 1.0]

    def test_interval_of_one_seed(self) -> None:
        assert str(Interval.of([1.0])) == 'one seed'
        assert Interval.of([1.0]).verdict == 'too short to conclude'

    def test_macro_f1_against_the_metric(self) -> None:
        import torch

        from geo_noisy.metrics.pooled import class_scores

        confusion = np.random.default_rng(1).integers(0, 50, (4, 4))
        assert macro_f1(confusion) == pytest.approx(float(class_scores(torch.from_numpy(confusion))['f1'].mean()))

    def test_bootstrap_against_a_loop(self) -> None:
        rng = np.random.default_rng(2)
        first, second = rng.integers(0, 20, (2, 2, 30, 3, 3))  # two probes on each side
        low, high = bootstrap_difference(first, second, resamples=4000)
        differences = []
        for _ in range(4000):
            chosen = rng.integers(30, size=30)
            sides = [macro_f1(side[:, chosen].sum(axis=1)).mean() for side in (first, second)]
            differences.append(100 * (sides[0] - sides[1]))
        assert (low, high) == pytest.approx(np.quantile(differences, [0.025, 0.975]), abs=0.25)

    def test_bootstrap_is_paired(self) -> None:
        outcomes = np.random.default_rng(3).integers(0, 20, (1, 30, 3, 3))
        assert bootstrap_difference(outcomes, outcomes) == (0.0, 0.0)
        with pytest.raises(ValueError, match='different test images'):
            bootstrap_difference(outcomes, outcomes[:, :5])

    def test_bootstrap_of_accuracy(self) -> None:
        right, wrong = np.array([[1, 0], [0, 0]]), np.array([[0, 1], [0, 0]])
        first, second = np.stack([right] * 8 + [wrong] * 2)[None], np.stack([wrong] * 10)[None]
        low, high = bootstrap_difference(first, second, score=accuracy)
        assert 40 < low < 80 < high <= 100


class TestResults:
    def test_settings_are_never_mixed(self) -> None:
        other = table().assign(encoder='resnet50', key=lambda frame: frame['key'] + ' 50')
        frame = pd.concat([table(), other], ignore_index=True)
        parts = dict(settings(prepare(frame)))
        assert set(parts) == {'encoder resnet18', 'encoder resnet50'}
        assert all(set(part['loss']) == {'random encoder', 'MoCo'} for part in parts.values())
        assert [label for label, _ in settings(prepare(table()))] == ['']

    @pytest.mark.parametrize(
        ('column', 'value'),
        [
            ('label_fraction', 0.1),
            ('downstream_noise', 'none'),
            ('fine_tuned', True),
            ('match', 'fixed-size'),
            ('checkpoint', 'last'),
        ],
    )
    def test_each_option_is_a_setting_of_its_own(self, column: str, value: Any) -> None:
        pretrained = table()[lambda frame: frame['loss'] == 'MoCo']
        other = pretrained.assign(**{column: value}, key=lambda frame: frame['key'] + ' other')
        parts = dict(settings(prepare(pd.concat([pretrained, other], ignore_index=True))))
        assert len(parts) == 2
        assert f'{column} {value}' in parts
        assert all(len(part) == len(pretrained) and part[column].nunique() == 1 for part in parts.values())

    def test_other_options_make_variants(self) -> None:
        def config(lr: float, rate: float) -> str:
            model = {'class_path': 'm', 'init_args': {'lr': lr}}
            data = {'class_path': 'd', 'init_args': {'policy': {'rate': rate}, 'seed': 3}}
            return json.dumps({'pretrain': {'model': model, 'data': data}, 'probe': None})

        slow, fast = (table().assign(config=[config(lr, n) for n in range(15)]) for lr in (0.1, 0.2))
        fast['key'] += ' fast'
        assert [label for label, _ in settings(prepare(slow))] == ['']  # rates and seeds make none
        parts = dict(settings(prepare(pd.concat([slow, fast], ignore_index=True))))
        assert set(parts) == {'pretrain.model.init_args.lr=0.1', 'pretrain.model.init_args.lr=0.2'}
        assert all(len(part) == 12 + 6 for part in parts.values())

    def test_data_sets_of_one_setting_stand_together(self) -> None:
        cifar = [row(seed, 60.0 - 30 * rate, data='CIFAR-10', r_pairs=rate) for seed in range(3) for rate in (0.0, 1.0)]
        ((label, part),) = settings(prepare(pd.concat([table(), pd.DataFrame(cifar)], ignore_index=True)))
        assert label == ''
        figure = plot_changes(part)
        assert figure is not None
        labels = [str(line.get_label()) for line in figure.axes[0].get_lines()]
        assert labels[:2] == ['CIFAR-10: false pairs, MoCo', 'VTS: noisy pairs, MoCo']

    def test_failed_rows_do_not_count(self) -> None:
        frame = table()
        frame.loc[0, 'error'] = 'ValueError: no'
        assert len(prepare(frame)) == len(frame) - 1

    def test_the_same_from_csv(self, tmp_path: Path) -> None:
        table().to_csv(tmp_path / 'table.csv', index=False)
        again = prepare(pd.read_csv(tmp_path / 'table.csv'))
        columns = ['seed', 'loss', 'r_pairs', 'r_img', 'mere_exposure', 'match', SCORE]
        pd.testing.assert_frame_equal(prepare(table())[columns], again[columns], check_dtype=False)

    def test_older_table(self) -> None:
        with pytest.raises(ValueError, match=r"no columns \['data'\]"):
            prepare(table().drop(columns='data'))

    def test_no_outcomes(self) -> None:
        assert outcomes_of(table().iloc[0]) is None


class TestFigures:
    def test_lines_of_figure_4(self) -> None:
        axes = plot_noise_grid(prepare(table()), ['MoCo']).axes[0]
        lines = {str(line.get_label()): line for line in axes.get_lines()}
        half = lines['per-image noise $r_{img}$ = 0.5']
        assert list(half.get_xdata()) == [0.0, 1.0]
        assert list(half.get_ydata()) == pytest.approx([53.0, 58.0])
        assert 'random encoder' in lines
        assert axes.get_xlabel() == 'noisy pairs rate $r_{pairs}$'

    def test_a_level_of_noise_has_one_colour_in_all_panels(self) -> None:
        other = table().replace({'loss': {'MoCo': 'RINCE'}})
        other = other[~(other['r_img'] == 0.5)]
        panels = plot_noise_grid(
            prepare(pd.concat([table(), other]).assign(key=lambda frame: range(len(frame)))), ['MoCo', 'RINCE']
        ).axes
        colours = [{str(line.get_label()): line.get_color() for line in axes.get_lines()} for axes in panels[:2]]
        assert colours[0]['per-image noise $r_{img}$ = 1'] == colours[1]['per-image noise $r_{img}$ = 1']
        assert 'per-image noise $r_{img}$ = 0.5' not in colours[1]

    def test_a_line_has_the_same_seeds_at_every_rate(self) -> None:
        more = pd.DataFrame([row(seed, 90.0) for seed in (7, 8)])
        axes = plot_noise_grid(prepare(pd.concat([table(), more])), ['MoCo']).axes[0]
        assert next(iter(axes.get_lines()[0].get_ydata())) == pytest.approx(53.0)

    def test_exposure_differences(self) -> None:
        axes = plot_exposure(prepare(table()), ['MoCo']).axes[0]
        assert list(axes.get_lines()[0].get_ydata()) == pytest.approx([5.0])

    def test_figure_1_takes_changes_from_the_clean_seed(self) -> None:
        figure = plot_changes(prepare(table()))
        assert figure is not None
        assert list(figure.axes[0].get_lines()[0].get_ydata()) == pytest.approx([0.0, 5.0])
        assert plot_changes(prepare(table()[lambda frame: frame['r_pairs'] != 1])) is None

    def test_only_figures_with_data(self) -> None:
        names = [name for name, _ in paper_figures(prepare(table()))]
        assert names == ['figure_1_false_and_noisy_pairs', 'figure_4_vts_scores', 'figure_8_vts_noisy_minus_exposure']
        dense = [name for name, _ in paper_figures(prepare(table().replace({'loss': {'MoCo': 'within-image'}})))]
        assert dense[1:] == ['figure_5_vts_scores', 'figure_9_vts_noisy_minus_exposure']
        xbd = prepare(table().replace({'data': {'VTS': 'xBD'}}))
        assert [name for name, _ in paper_figures(xbd)][1:] == ['image_xbd_scores', 'figure_7_xbd_noisy_minus_exposure']

    def test_method_figures(self) -> None:
        vts = VTSPairs(size_px=32, cells=4, count=3, r_img=0.5)
        cells = plot_vts_generation(vts).axes
        changed = cells[2].images[0].get_array()
        assert changed is not None
        assert float(np.mean(changed)) == pytest.approx(vts.index['noise'][0], abs=0.05)
        axes = plot_noisy_and_exposure(vts).axes
        before, after, exposed = (axes[number].images[0].get_array() for number in (0, 1, 4))
        assert not np.array_equal(before, after)
        assert np.array_equal(exposed, after)  # the later image twice

    def test_nothing_noisy_to_draw(self) -> None:
        with pytest.raises(ValueError, match='No pair is noisy'):
            plot_noisy_and_exposure(VTSPairs(size_px=16, cells=4, count=2, r_img=0.0))


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
        assert main(words) == 0
        text = (tmp_path / 'report.md').read_text()
        assert '| Noisy pairs help on VTS, MoCo, r_img < 1 | gain (Fig. 4 and 5, no number printed) | +5.0 |' in text
        assert '**seen**' in text
        assert 'not tested' in text
        assert 'mean +6.8, sd 4.1' in text
        for name in ('figure_1_false_and_noisy_pairs', 'figure_4_vts_scores', 'scores_vts', 'scores_cifar-10'):
            assert (tmp_path / 'figures' / f'{name}.png').stat().st_size > 5000
        for name in ('figure_3_vts_generation', 'figure_6_noisy_and_mere_exposure'):
            assert (tmp_path / 'figures' / f'{name}.jpg').exists()
        assert not plt.get_fignums()
        assert 'Report:' in capsys.readouterr().out

    def test_no_seed_in_common(self, tmp_path: Path) -> None:
        frame = table()
        frame.loc[frame['loss'] == 'random encoder', 'seed'] += 50
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
        write_report(tmp_path, pd.concat([frame, twice], ignore_index=True), command='x')
        text = (tmp_path / 'report.md').read_text()
        assert 'Shared pretrainings saved 3 minutes' in text
        assert '12 pretrainings 12' in text

    @pytest.mark.parametrize(
        ('content', 'status', 'message'),
        [(None, 2, 'no table of results'), ('a,b\n1,2\n', 2, 'has no column')],
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
