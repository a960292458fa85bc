"""Ranges lie around defaults, inside what is legal, and are widened once around the same middle."""

import pytest

from mlcore.comparison.plan import Comparison, Tuning
from mlcore.comparison.search_space import SearchRange, freed, rate_range, search_range
from mlcore.comparison.tuning_state import LEARNING_RATE, PROXY_RATE
from mlcore.losses import LOSSES
from mlcore.losses.spec import Parameter
from tests.mlcore.tiny import head_protocol


def comparison(loss: str, design: int = 2) -> Comparison:
    tuning = Tuning(trials=2, folds=2, design=design)
    return Comparison(name="x", protocol=head_protocol(), losses={loss: {}}, seeds=(0,), tuning=tuning)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_parameter_is_searched_around_its_default_and_where_it_is_legal(loss: str) -> None:
    for name, parameter in LOSSES[loss].parameters.items():
        found = search_range(parameter)
        assert found.low <= parameter.default <= found.high and found.low < found.high, name
        assert not found.log or found.low > 0, name
        for one in (found, found.widened()):
            for value in one.ends:
                parameter.checked(name, value)
        assert found.widened().low <= found.low and found.high <= found.widened().high


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_may_change_the_learning_rate_and_those_with_proxies_their_factor(loss: str) -> None:
    protocol = head_protocol()
    found = freed(comparison(loss), loss)
    assert found[LEARNING_RATE].ends == pytest.approx([protocol.learning_rate / 10, protocol.learning_rate * 10])
    assert (PROXY_RATE in found) == LOSSES[loss].has_proxies and found[LEARNING_RATE].log
    before = freed(comparison(loss, design=1), loss)
    assert before == {name: one for name, one in found.items() if name != LEARNING_RATE}


def test_a_factor_of_four_becomes_sixteen_and_of_ten_a_hundred() -> None:
    assert search_range(Parameter(8.0)).ends == [2.0, 32.0]
    assert search_range(Parameter(8.0)).widened().ends == [0.5, 128.0]
    assert search_range(Parameter(8.0, high=40)).widened().ends == [0.5, 40]
    assert search_range(Parameter(10)).widened().ends == [1, 160]
    assert rate_range(LEARNING_RATE, 1e-3).widened().ends == pytest.approx([1e-5, 0.1])
    assert search_range(Parameter(0.5, low=-1, high=1, search=(0.1, 0.9))).widened().ends == pytest.approx([-0.7, 1])


def test_five_percent_of_a_range_at_each_end_is_its_edge_unless_nothing_legal_lies_beyond() -> None:
    log = SearchRange(1.0, 100.0, log=True, whole=False)
    assert [log.is_at_edge(value) for value in (1.0, 1.25, 1.27, 79.0, 80.0, 100.0)] == [
        True, True, False, False, True, True,
    ]  # fmt: skip
    linear = SearchRange(0.0, 1.0, log=False, whole=False, least=0.0)
    assert [linear.is_at_edge(value) for value in (0.0, 0.5, 0.94, 0.96)] == [False, False, False, True]
    assert log.is_at_edge(0.0) and log.is_at_edge(1000.0), "what a person chose may lie outside"
