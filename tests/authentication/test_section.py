import numpy as np
import pytest

from lineament.authentication import section
from lineament.authentication.verification import Verification


@pytest.mark.parametrize("genuine", [50.0, 0.5])
def test_a_group_whose_scores_all_lie_outside_the_bins_is_left_out_of_the_histogram(genuine):
    scores = np.linspace(0, 1, 4000)[None].repeat(2, 0)
    scores[0, 0] = genuine
    references, probes = np.array([1, 2]), np.array([1] + [3] * 3999)  # one genuine comparison, above the top bin
    drawn = str(section._histogram(Verification(scores, references, probes, np.full(3, np.nan))))
    assert "strangers" in drawn and (">owners<" in drawn) == (genuine < 1)


def test_equal_scores_still_have_a_histogram():
    section._histogram(Verification(np.full((2, 2), 1e9), np.arange(2), np.arange(2), np.full(3, np.nan)))
