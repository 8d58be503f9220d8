"""Gates, primary tests, claims and resampling, on rows with effects that are known."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from geo_noisy.experiments.judging.claims import CLAIMS
from geo_noisy.experiments.judging.contrasts import FEW_WORLDS, contrast
from geo_noisy.experiments.judging.findings import Finding, gates_of, measure_claims
from geo_noisy.experiments.judging.primary import PrimaryTest, fix_primary, judge, kept_primary, read_primary
from geo_noisy.experiments.judging.resampling import Resampler
from geo_noisy.experiments.judging.statistics import accuracy, holm, macro_f1
from geo_noisy.experiments.results import prepare
from geo_noisy.experiments.table import stack_rows
from tests.experiments.grids import tiny_grid
from tests.experiments.rows import SPREAD, row, table

HELP = 'Noisy pairs help on VTS, MoCo, r_img < 1'
EXPOSURE = 'Noisy pairs do better than mere exposure on VTS, MoCo'
NAMES = {
    'clean': 'VTS, MoCo, 0.0, None, False',
    'noisy': 'VTS, MoCo, 1.0, 0.5, False',
    'false': 'VTS, MoCo, 1.0, 1.0, False',
    'exposure': 'VTS, MoCo, 1.0, 0.5, True',
}


def primary(kind: str, *, first: str = 'noisy', second: str = 'clean', margin: float = 1.0) -> PrimaryTest:
    return PrimaryTest('it', (NAMES[first],), (NAMES[second],), kind, NAMES['clean'], margin)  # type: ignore[arg-type]


def verdict(frame: pd.DataFrame, test: PrimaryTest) -> str:
    return judge(prepare(frame), [test])[0].verdict


def find(frame: pd.DataFrame, text: str) -> Finding:
    return next(finding for finding in measure_claims(prepare(frame)) if finding.claim.text == text)


class TestGate:
    def test_the_better_random_encoder_counts(self) -> None:
        gate = gates_of(prepare(table()))['VTS', 'MoCo']
        assert gate.random.startswith('VTS, random encoder, uncalibrated')  # 42, 43, 44 against 40
        assert gate.passed
        assert gate.found is not None
        assert gate.found.interval.mean == pytest.approx(10.0)  # 50, 53, 56 minus 42, 43, 44

    def test_a_loss_that_learns_nothing_is_not_judged(self) -> None:
        frame = table(random=60.0)
        assert not gates_of(prepare(frame))['VTS', 'MoCo'].passed
        assert verdict(frame, primary('gain')) == 'uninformative'
        assert find(frame, HELP).status == 'uninformative'
        assert find(table(), HELP).status == 'interval'

    def test_both_random_encoders_are_needed(self) -> None:
        frame = table()[lambda rows: rows['loss'] != 'random encoder, uncalibrated']
        gate = gates_of(prepare(frame))['VTS', 'MoCo']
        assert not gate.passed
        assert 'a random encoder is missing' in str(gate)
        assert verdict(frame, primary('gain')) == 'uninformative'

    def test_an_interval_that_holds_zero_is_no_gain(self) -> None:
        frame = table()
        frame.loc[frame['loss'] == 'random encoder, uncalibrated', 'test_f1_macro'] = [0.30, 0.50, 0.70]
        gate = gates_of(prepare(frame))['VTS', 'MoCo']
        assert gate.found is not None
        assert gate.found.interval.mean > 0
        assert not gate.passed


class TestPrimary:
    @pytest.mark.parametrize(
        ('kind', 'shift', 'expected'),
        [
            ('gain', 5.0, 'seen'),
            ('gain', -5.0, 'contradicted'),
            ('gain', 0.0, 'not seen'),
            ('gain', 0.6, 'open'),
            ('harm', -5.0, 'seen'),
            ('harm', 5.0, 'contradicted'),
            ('no harm', 0.5, 'seen'),
            ('no harm', -0.9, 'open'),
            ('no harm', -5.0, 'contradicted'),
            ('no gain', -0.5, 'seen'),
            ('no gain', 0.9, 'open'),
            ('no gain', 5.0, 'contradicted'),
        ],
    )
    def test_verdicts(self, kind: str, shift: float, expected: str) -> None:
        assert verdict(table(noisy=shift), primary(kind)) == expected

    def test_the_margin_is_the_tests_own(self) -> None:
        frame = table(noisy=-1.2)
        assert verdict(frame, primary('no harm', margin=2.0)) == 'seen'
        assert verdict(frame, primary('no harm', margin=1.0)) != 'seen'

    def test_holm_runs_over_all_of_them_tested_or_not(self) -> None:
        frame = table(noisy=2.0)
        missing = PrimaryTest('later', ('nobody',), (NAMES['clean'],), 'gain', NAMES['clean'])
        tests = [primary('gain'), primary('harm', first='false'), missing]
        found = judge(prepare(frame), tests)
        assert [finding.verdict for finding in found] == ['seen', 'seen', 'not tested']
        raw = [finding.found.interval.p_value() for finding in found[:2] if finding.found]
        assert [finding.p_value for finding in found] == pytest.approx(holm([*raw, 1.0]).tolist())
        alone = judge(prepare(frame), tests[:1])[0]
        assert alone.p_value < found[0].p_value

    def test_several_cells_on_a_side_are_averaged(self) -> None:
        test = PrimaryTest('x', (NAMES['noisy'], NAMES['false']), (NAMES['clean'],), 'gain', NAMES['clean'])
        found = judge(prepare(table(noisy=6.0, false=-2.0)), [test])[0].found
        assert found is not None
        assert found.interval.mean == pytest.approx(2.0)
        assert found.cells == 2

    def test_only_worlds_with_all_cells_count(self) -> None:
        frame = table()
        frame = frame[~((frame['name'] == NAMES['noisy']) & (frame['seed'] == 2))]
        found = judge(prepare(frame), [primary('gain')])[0].found
        assert found is not None
        assert found.worlds == (0, 1)

    def test_one_world_concludes_nothing(self) -> None:
        frame = table()
        (finding,) = judge(prepare(frame[frame['seed'] == 0]), [primary('gain')])
        assert finding.verdict == 'uninformative'  # not even the gate
        assert finding.p_value == 1.0

    def test_two_settings_of_one_name_are_not_tested(self) -> None:
        frame = table()
        other = frame[frame['name'] == NAMES['noisy']].assign(encoder='resnet50', key=lambda rows: rows['key'] + ' 50')
        assert verdict(stack_rows([frame, other]), primary('gain')) == 'not tested'

    def test_from_the_grid_file(self, tmp_path: Path) -> None:
        cells = [
            {'name': 'clean', 'pretrain': 'moco'},
            {'name': 'noisy', 'pretrain': 'moco', 'axes': {'pretrain.data.init_args.policy.rate': [0.5, 1.0]}},
        ]
        test = {
            'text': 'noise helps',
            'first': 'noisy',
            'second': ['clean'],
            'kind': 'gain',
            'gate': 'clean',
            'margin': 2,
        }
        (read,) = read_primary(tiny_grid(tmp_path, cells=cells, compare=[], primary=[test]))
        assert read == PrimaryTest('noise helps', ('noisy',), ('clean',), 'gain', 'clean', 2)
        for change, message in (
            ({'first': 'nobody'}, r"'noise helps' names \['nobody'\], which are no cells"),
            ({'first': 'clean'}, r"has \['clean'\] on both sides"),
            ({'kind': 'better'}, r"primary\[0\]\.kind is 'better'; give one of gain, harm, no gain, no harm"),
            ({'margin': -1}, r'primary\[0\]\.margin is -1; give points, 0 or more'),
        ):
            grid = tiny_grid(tmp_path, cells=cells, compare=[], primary=[test | change])
            with pytest.raises(ValueError, match=message):
                read_primary(grid)

    def test_they_are_fixed_before_the_first_cell(self, tmp_path: Path) -> None:
        tests = [primary('gain')]
        fix_primary(tmp_path, tests)
        assert kept_primary(tmp_path) == tests
        fix_primary(tmp_path, tests)
        with pytest.raises(ValueError, match='began with other primary tests'):
            fix_primary(tmp_path, [primary('harm')])
        (tmp_path / 'begun').mkdir()
        (tmp_path / 'begun' / 'results.parquet').touch()
        with pytest.raises(ValueError, match='began with other primary tests'):
            fix_primary(tmp_path / 'begun', tests)
        fix_primary(tmp_path / 'begun', [])


class TestContrasts:
    def test_many_worlds_are_a_paired_t_test(self) -> None:
        rng = np.random.default_rng(0)
        scores = rng.normal(50, 3, (FEW_WORLDS, 2))
        rows = [
            row(seed, value, r_pairs=rate)
            for seed, pair in enumerate(scores)
            for rate, value in zip((0.0, 1.0), pair, strict=True)
        ]
        frame = prepare(pd.DataFrame(rows))
        first, second = frame['name'].unique()
        found = contrast(frame, {second: 1.0, first: -1.0})
        assert found is not None
        expected = stats.ttest_rel(scores[:, 1], scores[:, 0]).confidence_interval(0.95)
        assert (found.interval.low, found.interval.high) == pytest.approx((expected.low, expected.high))
        assert not found.interval.pooled

    def test_few_worlds_pool_the_variance_of_the_loss(self) -> None:
        """Against the two-way analysis of variance by least squares."""
        rng = np.random.default_rng(1)
        worlds, cells = 4, 5
        scores = rng.normal(50, 2, (worlds, cells)) + rng.normal(0, 5, (worlds, 1))
        rates = [0.0, 0.25, 0.5, 0.75, 1.0]
        rows = [row(w, scores[w, c], r_pairs=rate, r_img=0.5) for w in range(worlds) for c, rate in enumerate(rates)]
        rows += [row(w, float(rng.normal(40, 9)), loss='RINCE', r_pairs=0.0) for w in range(worlds)]
        frame = prepare(pd.DataFrame(rows))
        names = frame.loc[frame['loss'] == 'MoCo', 'name'].unique()
        found = contrast(frame, {names[4]: 0.5, names[3]: 0.5, names[0]: -1.0})
        assert found is not None
        design = np.array([[*np.eye(cells)[c], *np.eye(worlds)[w][1:]] for w in range(worlds) for c in range(cells)])
        fitted, _, rank, _ = np.linalg.lstsq(design, scores.ravel(), rcond=None)
        freedom = scores.size - rank
        variance = ((scores.ravel() - design @ fitted) ** 2).sum() / freedom
        weights = np.array([-1, 0, 0, 0.5, 0.5, *np.zeros(worlds - 1)])
        error = np.sqrt(variance * weights @ np.linalg.pinv(design.T @ design) @ weights)
        assert found.interval.pooled
        assert found.interval.freedom == freedom == 12
        assert found.interval.error == pytest.approx(error)
        assert found.interval.mean == pytest.approx(weights @ fitted)

    def test_names_that_are_not_there(self) -> None:
        assert contrast(prepare(table()), {'nobody': 1.0}) is None


class TestClaims:
    def test_every_claim_reads_the_rows(self) -> None:
        """Each claim is tested where all cells are there, for its loss and data."""
        grid = [(0.0, None, False)]
        grid += [(rate, r_img, flag) for rate in (0.25, 1.0) for r_img in (0.5, 1.0) for flag in (False, True)]
        rows = [
            row(seed, 50.0 + seed, data=data, loss=loss, r_pairs=rate, r_img=r_img, mere_exposure=flag)
            for data in ('VTS', 'xBD', 'CIFAR-10')
            for loss in ('MoCo', 'within-image', 'cross-image')
            for rate, r_img, flag in grid
            for seed in range(2)
        ]
        rows += [
            row(seed, 30.0, data=data, loss=loss, r_pairs=None)
            for data in ('VTS', 'xBD', 'CIFAR-10')
            for loss in ('random encoder', 'random encoder, uncalibrated', 'ImageNet')
            for seed in range(2)
        ]
        findings = measure_claims(prepare(pd.DataFrame(rows)))
        assert len(findings) == len(CLAIMS)
        assert {finding.status for finding in findings} == {'interval'}

    def test_the_difference_of_each(self) -> None:
        frame = table(noisy=5.0, exposure=2.0)
        for text, expected in (
            (HELP, 5.0),
            (EXPOSURE, 3.0),
            ('Mere exposure alone helps on VTS, MoCo, r_img < 1: a part of the gain', 2.0),
        ):
            found = find(frame, text).found
            assert found is not None
            assert found.interval.mean == pytest.approx(expected, abs=0.01)

    def test_mocos_gap_beside_the_dense_ones(self) -> None:
        dense = table(noisy=1.0).replace({'loss': {'MoCo': 'within-image'}})
        dense = dense[dense['loss'] == 'within-image'].assign(
            key=lambda rows: rows['key'] + ' dense', name=lambda rows: rows['name'] + ' dense'
        )
        frame = stack_rows([table(noisy=5.0), dense])
        finding = find(frame, "MoCo's gap between noisy pairs and mere exposure is above that of within-image on VTS")
        assert finding.found is not None
        assert finding.found.interval.mean == pytest.approx(4.0)
        assert finding.status == 'interval'

    def test_mere_exposure_is_paired_at_equal_noise(self) -> None:
        frame = table()
        extra = [row(seed, 99.0, r_pairs=0.5, r_img=0.25, mere_exposure=True) for seed in range(3)]  # has no partner
        both = [find(stack_rows([frame, pd.DataFrame(more)]), EXPOSURE).found for more in ([], extra)]
        assert all(found is not None and found.interval.mean == pytest.approx(5.0) for found in both)

    def test_other_rates_of_mere_exposure_do_not_count(self) -> None:
        frame = table()
        frame.loc[frame['mere_exposure'].eq(True), 'r_pairs'] = 0.5
        assert find(frame, EXPOSURE).status == 'not tested'

    @pytest.mark.parametrize('loss', ['MoCo', 'within-image', 'cross-image'])
    def test_more_noisy_pairs_are_compared_at_equal_noise(self, loss: str) -> None:
        rows = [
            row(seed, 50 + 20 * r_img + 4 * rate + noise * rate, loss=loss, r_pairs=rate, r_img=r_img)
            for seed, noise in enumerate(SPREAD)
            for rate, r_img in ((0.0, 0.0), (0.25, 0.5), (1.0, 0.5), (0.25, 0.25), (1.0, 0.25), (1.0, 0.75))
        ]
        (finding,) = [
            finding
            for finding in measure_claims(prepare(pd.DataFrame(rows)))
            if 'r_pairs 1 against 0.25' in finding.claim.text and finding.found
        ]
        assert finding.claim.loss == loss
        assert finding.found is not None
        assert finding.found.cells == 2  # the last cell is alone
        assert finding.found.interval.mean == pytest.approx(3.0)

    def test_every_world_averages_over_the_same_cells(self) -> None:
        more = [row(seed, 90.0, r_pairs=0.25, r_img=0.25) for seed in (0, 1)]  # the third is not there yet
        found = find(stack_rows([table(), pd.DataFrame(more)]), HELP).found
        assert found is not None
        assert (found.cells, found.interval.seeds) == (1, 3)
        assert found.interval.mean == pytest.approx(5.0)


def outcomes_table(outcomes: np.ndarray, sources: np.ndarray | None = None, **factors: Any) -> pd.DataFrame:
    """Two cells and as many worlds as there are outcomes, [2, worlds, images, classes ** 2]."""
    rows = []
    for rate, of_cell in zip((0.0, 1.0), outcomes, strict=True):
        for seed, cells in enumerate(of_cell):
            line = row(seed, 50.0, r_pairs=rate, **factors) | {'test_outcomes': list(cells)}
            rows.append(line if sources is None else line | {'test_sources': list(sources)})
    return prepare(pd.DataFrame(rows))


class TestResampling:
    def test_over_images_against_a_loop(self) -> None:
        rng = np.random.default_rng(2)
        targets = rng.integers(5, 20, (30, 3))  # the same images in both worlds
        outcomes = np.stack([[rng.multinomial(targets, np.full(3, 1 / 3)) for _ in range(2)] for _ in range(2)])
        frame = outcomes_table(outcomes.reshape(2, 2, 30, 9))
        first, second = frame['name'].unique()
        found = Resampler(frame, resamples=4000).interval('VTS', {second: 1.0, first: -1.0}, [0, 1], 'images')
        differences = []
        for _ in range(4000):
            chosen = rng.integers(30, size=30)
            sides = [macro_f1(side[:, chosen].sum(axis=1)).mean() for side in outcomes]
            differences.append(100 * (sides[1] - sides[0]))
        assert found == pytest.approx(np.quantile(differences, [0.025, 0.975]), abs=0.3)

    def test_over_sources_against_a_loop(self) -> None:
        """Textures are drawn for each class: a class's pixels have the weight of the texture that they come from."""
        rng = np.random.default_rng(3)
        outcomes = rng.integers(0, 20, (2, 1, 40, 3, 3))
        sources = rng.integers(0, 6, (40, 3)) + np.array([0, 10, 20])
        frame = outcomes_table(outcomes.reshape(2, 1, 40, 9), sources)
        first, second = frame['name'].unique()
        found = Resampler(frame, resamples=4000).interval('VTS', {second: 1.0, first: -1.0}, [0], 'sources')
        differences = []
        for _ in range(4000):
            pooled = np.zeros((2, 3, 3))
            for number in range(3):
                kinds = np.unique(sources[:, number])
                for kind in rng.choice(kinds, len(kinds)):
                    pooled[:, number] += outcomes[:, 0, sources[:, number] == kind, number].sum(axis=1)
            scores = macro_f1(pooled)
            differences.append(100 * (scores[1] - scores[0]))
        assert found == pytest.approx(np.quantile(differences, [0.025, 0.975]), abs=0.5)

    def test_images_of_one_origin_are_drawn_together(self) -> None:
        outcomes = np.random.default_rng(4).integers(0, 20, (2, 1, 40, 3, 3))
        outcomes = np.repeat(outcomes[:, :, :4], 10, axis=2)  # four origins of ten like tiles
        frame = outcomes_table(outcomes.reshape(2, 1, 40, 9), np.repeat(np.arange(4), 10)[:, None].repeat(3, axis=1))
        first, second = frame['name'].unique()
        resampler = Resampler(frame)
        ends = [resampler.interval('VTS', {second: 1.0, first: -1.0}, [0], unit) for unit in ('images', 'sources')]
        assert ends[0] is not None
        assert ends[1] is not None
        assert ends[1][1] - ends[1][0] > 1.5 * (ends[0][1] - ends[0][0])

    def test_it_is_paired(self) -> None:
        outcomes = np.random.default_rng(5).integers(0, 20, (1, 1, 30, 9)).repeat(2, axis=0)
        frame = outcomes_table(outcomes)
        first, second = frame['name'].unique()
        assert Resampler(frame).interval('VTS', {second: 1.0, first: -1.0}, [0], 'images') == (0.0, 0.0)
        assert Resampler(frame).interval('VTS', {second: 1.0, first: -1.0}, [0], 'sources') is None

    def test_cifar10_is_of_accuracy(self) -> None:
        right, wrong = [1, 0, 0, 0], [0, 1, 0, 0]
        outcomes = np.array([[[right] * 8 + [wrong] * 2], [[wrong] * 10]])
        frame = outcomes_table(outcomes, data='CIFAR-10')
        first, second = frame['name'].unique()
        found = Resampler(frame).interval('CIFAR-10', {first: 1.0, second: -1.0}, [0], 'images')
        assert found is not None
        assert 40 < found[0] < 80 < found[1] <= 100
        assert accuracy(np.array([right, wrong]).sum(axis=0).reshape(2, 2)) == 0.5
