"""What an expansion and a study may cost."""

import pytest

from engine import cost as training
from engine.cost import Limits
from engine.perturbation.config import PerturbationConfig, StudyConfig, check_cost, estimate
from engine.schema import ConfigError

RUN = {
    "data": {"name": "circle", "size": 32, "test_size": 64},
    "network": {"depth": 2, "width": 64, "activation": "erf"},
    "training": {"max_steps": 1000},
    "seeds": [0, 1],
}


def expansion(**changes: object) -> PerturbationConfig:
    return PerturbationConfig.from_dict({"run": {**RUN, **changes}})


def test_an_expansion_costs_more_than_its_training_and_grows_with_what_it_does() -> None:
    one = estimate(expansion(seeds=[0]))
    two = estimate(expansion())
    trained = training.estimate(expansion().run)
    assert two.flops > trained.flops
    assert two.seconds > trained.seconds
    assert two.flops == pytest.approx(2 * one.flops)
    wide = estimate(expansion(network={**RUN["network"], "width": 256}))
    assert wide.flops > 4 * two.flops


def test_a_study_costs_its_networks_together_and_the_memory_of_the_largest() -> None:
    study = StudyConfig.from_dict({"run": RUN, "widths": [32, 64], "options": expansion().options.to_dict()})
    found = estimate(study)
    cells = [estimate(PerturbationConfig(run=run, options=study.options)) for run in study.cells]
    assert found.flops == pytest.approx(sum(cell.flops for cell in cells))
    assert found.seconds == pytest.approx(sum(cell.seconds for cell in cells))
    assert found.memory_bytes == max(cell.memory_bytes for cell in cells)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"run": RUN, "widths": [64, 40_000], "depths": [8]}, "widths"),
        ({"run": {**RUN, "training": {"max_steps": 10_000_000}}, "widths": [64, 4096]}, "widths"),
    ],
)
def test_a_typo_cannot_eat_the_machine(values: dict, field: str) -> None:
    with pytest.raises(ConfigError) as raised:
        check_cost(StudyConfig.from_dict(values))
    assert field in {problem.field for problem in raised.value.problems}


def test_limits_are_the_callers() -> None:
    with pytest.raises(ConfigError, match=r"training\.max_steps: .* allowed: lower it"):
        check_cost(expansion(), Limits(seconds=1e-3))
    assert check_cost(expansion()) == estimate(expansion())
