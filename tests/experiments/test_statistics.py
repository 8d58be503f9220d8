"""Differences and their intervals, against scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from geo_noisy.experiments.judging.statistics import Interval, holm, macro_f1, paired_points
from geo_noisy.experiments.reporting.figures import plot_scores


class TestStatistics:
    def table(self) -> pd.DataFrame:
        rows = [('a', s, v) for s, v in enumerate([0.5, 0.6, 0.55])] + [
            ('b', s, v) for s, v in enumerate([0.4, 0.45, 0.5])
        ]
        return pd.DataFrame(rows, columns=['name', 'seed', 'test_f1_macro'])

    def test_against_scipy(self) -> None:
        points = paired_points(self.table(), 'a', 'b', metric='test_f1_macro')
        difference = Interval.of(points.to_numpy())
        expected = stats.ttest_rel([50, 60, 55], [40, 45, 50]).confidence_interval(0.95)
        assert (difference.low, difference.high) == pytest.approx((expected.low, expected.high))
        assert difference.mean == pytest.approx(10)
        assert difference.verdict == 'too short to conclude'
        assert Interval.of(points.to_numpy(), confidence=0.8).verdict == 'better'
        assert Interval.of(-points.to_numpy(), confidence=0.8).verdict == 'worse'

    def test_only_shared_seeds_count(self) -> None:
        table = self.table()
        part = table[~((table['name'] == 'b') & (table['seed'] == 0))]
        assert list(paired_points(part, 'a', 'b', metric='test_f1_macro').index) == [1, 2]

    def test_no_shared_seed(self) -> None:
        with pytest.raises(ValueError, match="'a' and 'c' share no seed"):
            paired_points(self.table(), 'a', 'c', metric='test_f1_macro')

    def test_figure_holds_every_score(self) -> None:
        axes = plot_scores(self.table()).axes[0]
        drawn = np.concatenate([collection.get_offsets()[:, 0] for collection in axes.collections])
        assert sorted(drawn) == pytest.approx([40, 45, 50, 50, 55, 60])

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

    def test_p_values_against_scipy(self) -> None:
        points = [1.0, 2.5, 0.5, 3.0]
        interval = Interval.of(points)
        assert interval.p_value() == pytest.approx(stats.ttest_1samp(points, 0).pvalue)
        less = stats.ttest_1samp(points, 4, alternative='less').pvalue
        assert interval.p_value(null=4, alternative='less') == pytest.approx(less)
        greater = stats.ttest_1samp(points, -1, alternative='greater').pvalue
        assert interval.p_value(null=-1, alternative='greater') == pytest.approx(greater)
        assert np.isnan(Interval.of([1.0]).p_value())
        assert Interval.of([1.0, 1.0]).p_value() == 1.0  # no spread to test against
