"""The job end to end: dynamics and errors of both integrators, the container, the configs."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from perturbation_oracles import made_path, random_kernels

from engine.config import RunConfig
from engine.networks.mlp_config import MLPConfig
from engine.perturbation.config import Options, PerturbationConfig, StudyConfig
from engine.perturbation.job import mean_width, path_arrays, perturb, study
from engine.perturbation.result import APPROXIMATIONS, CURVES, PerturbationResult, StudyResult
from engine.progress import Cancelled, Progress
from engine.regimes.job import cell
from engine.schema import ConfigError


def test_each_order_comes_closer_and_the_whole_reaches_the_floor(
    flow: PerturbationResult, descent: PerturbationResult
) -> None:
    for result in (flow, descent):
        for seed in result.seeds:
            errors = [seed.worst(name) for name in APPROXIMATIONS]
            assert errors[0] > 2 * errors[1] > 4 * errors[2] > 8 * errors[3] > 0
            near = 1.5 * seed.floor.max() + seed["quadrature_error"][3] + 1e-6
            assert seed.worst("full") < near


def test_the_quadrature_error_is_what_half_the_checkpoints_change() -> None:
    """Both expanded, of kernels on a linear path: at the checkpoints that stay, the farthest apart at any time."""
    steps, values = np.array([0, 1, 5, 9, 14, 20, 40]), np.array([3.0, 1.0, 0.5])
    kernels = random_kernels(np.random.default_rng(5), 7, 3, 2, values, 0.3)
    path = made_path(0.2 * steps, kernels, np.ones(3), descent=True)
    half, chosen = path.halved()
    (whole, _), (coarse, _) = (
        path_arrays(one, Options(interpolation="linear", predict=False, between=2), lambda fraction, what: None)
        for one in (path, half)
    )
    stay = np.flatnonzero(whole["at_checkpoint"])[chosen]
    apart = whole["residuals"][1:, stay] - coarse["residuals"][1:, coarse["at_checkpoint"]]
    sizes = np.linalg.norm(apart, axis=2) / np.sqrt(3)
    assert np.all(sizes[1:].argmax(axis=1) < len(chosen) - 1)
    np.testing.assert_allclose(whole["quadrature_error"], sizes.max(axis=1), rtol=1e-9, atol=1e-14)


@pytest.mark.long
@pytest.mark.parametrize("integrator", ["gd", "rk4"])
def test_two_checkpoints_know_the_largest_lazy_error_and_so_does_the_map(integrator: str) -> None:
    """Issue 12: with 2 checkpoints it was 13%, with 64 it was 63%. The map has the same number of the same network."""
    few, many = (RunConfig.from_dict(swift(integrator, checkpoints)) for checkpoints in (2, 64))
    seeds = [
        PerturbationResult.from_arrays(
            dict(perturb(PerturbationConfig(run=run, options=Options(predict=False)))["result"])
        ).seeds
        for run in (few, many)
    ]
    mapped = cell(few)["result"]["residual_lazy_error"]
    for (two, whole), on_map in zip(zip(*seeds, strict=True), mapped, strict=True):
        assert whole.at_checkpoints("order_0") == pytest.approx(whole.worst("order_0"), rel=0.02)
        assert two.worst("order_0") == pytest.approx(whole.worst("order_0"), rel=0.01)
        assert on_map == pytest.approx(two.worst("order_0"), rel=0.01)
        assert two.seen < 0.98 * whole.seen


def swift(integrator: str, checkpoints: int) -> dict[str, Any]:
    """Narrow networks that err most on the way."""
    training = {"integrator": integrator, "checkpoints": checkpoints, "max_steps": 400, "stop_residual": 0.02}
    return {
        "data": {"name": "circle", "size": 6, "test_size": 12, "frequencies": [1]},
        "network": {"depth": 3, "width": 6, "activation": "erf", "centred": True},
        "training": training,
        "seeds": [0, 1],
    }


def test_curvature_within_a_step_is_the_floor_of_descent(descent: PerturbationResult) -> None:
    """theory.md 4: the product of (I - eta K_k) misses descent by the curvature within a step, here predicted."""
    for seed in descent.seeds:
        at = seed.at_checkpoint
        np.testing.assert_allclose(seed.error("full")[at], seed.floor[at], atol=0.03 * seed.floor.max())
        assert 1e-4 < seed.floor.max() < 2e-2


def test_descent_and_flow_are_compared_with_their_own_lazy_network(
    flow: PerturbationResult, descent: PerturbationResult
) -> None:
    """One K_0: closed forms e^{-l t} and (1 - eta l)^k, which differ by far more than drift explains at early t."""
    a, b = flow.seeds[0], descent.seeds[0]
    np.testing.assert_allclose(a["eigenvalues"], b["eigenvalues"], rtol=1e-12)
    start = a["eigenvectors"].T @ a["residuals"][0, 0]
    np.testing.assert_allclose(a["modes"][0], np.exp(-np.outer(a["t"], a["eigenvalues"])) * start, atol=1e-12)
    rate, start = b.facts["effective_rate"], b["eigenvectors"].T @ b["residuals"][0, 0]
    expected = (1 - rate * b["eigenvalues"]) ** b["step"][:, None] * start
    np.testing.assert_allclose(b["modes"][0], expected, atol=1e-12)
    assert flow.dynamics == "gradient flow"
    assert descent.dynamics == "gradient descent"


def test_times_between_checkpoints(flow: PerturbationResult, descent: PerturbationResult) -> None:
    for seed in (flow.seeds[0], descent.seeds[0]):
        assert seed.at_checkpoint.sum() == seed.facts["checkpoints"] < len(seed["t"])
        assert np.all(np.diff(seed["t"]) > 0)
        # Interpolated outputs of the network lie on the curve: the whole path passes as close between as at.
        between = seed.error("full")[~seed.at_checkpoint]
        assert between.max() < 3 * seed.worst("full") + 1e-4
    assert np.all(descent.seeds[0]["step"] == descent.seeds[0]["step"].astype(int))


def test_modes_and_blocks(flow: PerturbationResult) -> None:
    for seed in flow.seeds:
        U = seed["eigenvectors"]
        np.testing.assert_allclose(U @ U.T, np.eye(6), atol=1e-12)
        contributions = seed.contributions
        np.testing.assert_allclose(np.linalg.norm(contributions[3], axis=1), seed.error("order_0"), atol=1e-12)
        np.testing.assert_allclose(np.linalg.norm(seed["change_eigenvalues"], axis=1) / seed["drift"].clip(1e-300),
                                   np.full(len(seed["t"]), np.linalg.norm(seed["eigenvalues"])) * (seed["drift"] > 0),
                                   rtol=1e-9)  # fmt: skip
        assert seed["change_block"].shape == seed["coupling"].shape == (len(seed["t"]), 4, 4)
        assert seed.explained(1) == pytest.approx(
            1 - seed.error("order_1")[seed.at_checkpoint][np.argmax(seed.error("order_0")[seed.at_checkpoint])]
            / seed.at_checkpoints("order_0")
        )  # fmt: skip


def test_summary_has_the_keys_asked_for(flow: PerturbationResult) -> None:
    summary = json.loads(json.dumps(flow.summary, allow_nan=False))
    for name in ("error_order_0", "error_order_1", "error_order_2", "error_full", "bound_P2"):
        assert len(summary[name]) == len(summary["seeds"]) == 2
        assert all(value > 0 for value in summary[name])
    assert summary["dynamics"] == "gradient flow"
    at_checkpoints = flow.seeds[1].error("order_0")[flow.seeds[1].at_checkpoint].max()
    assert at_checkpoints <= summary["error_order_0"][1] <= 1.01 * at_checkpoints
    frame = flow.to_frame()
    assert len(frame) == sum(len(seed["t"]) for seed in flow.seeds)
    assert {f"residual_{name}" for name in CURVES} < set(frame.columns)
    np.testing.assert_allclose(frame.loc[frame.t == 0, "residual_network"], 1.0)
    np.testing.assert_allclose(frame.loc[frame.t == 0, "test_residual_full"], 1.0)


def test_a_dead_network_is_a_result() -> None:
    network = {"depth": 60, "width": 1, "activation": "relu", "sigma_b": 0, "train_bias": False, "output_bias": False}
    run = {"data": {"name": "circle", "size": 4, "test_size": 4}, "network": network}
    result = PerturbationResult.from_arrays(dict(perturb(PerturbationConfig.from_dict({"run": run}))["result"]))
    assert result.summary["stop_reason"] == ["dead"]
    assert result.summary["error_order_0"] == [0.0]
    assert len(result.to_frame()) == 1


def test_progress_rises_and_cancels() -> None:
    run = {
        "data": {"name": "circle", "size": 4, "test_size": 4},
        "network": {"depth": 1, "width": 8, "activation": "erf"},
        "training": {"checkpoints": 4, "max_steps": 6},
    }
    config, seen = PerturbationConfig.from_dict({"run": run}), []

    def until_the_path(progress: Progress) -> None:
        seen.append(progress)
        if "kernel path" in progress.message:
            raise Cancelled

    with pytest.raises(Cancelled):
        perturb(config, until_the_path)
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] >= 0.5


DATA = {"name": "circle", "size": 8, "test_size": 8}


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ({"data": DATA, "training": {"momentum": 0.5}}, r"run\.training\.momentum: .*set it to 0"),
        ({"data": DATA, "training": {"batch_size": 4}}, r"run\.training\.batch_size: .*set it to null"),
        ({"data": {**DATA, "size": 2000}}, r"run\.data\.size: 2000 points .*lower it"),
        (
            {"data": {**DATA, "size": 1000}, "training": {"checkpoints": 200}},
            r"run\.training\.checkpoints: .*GB.*lower",
        ),
    ],
)
def test_runs_that_cannot_be_expanded(run: dict, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        PerturbationConfig.from_dict({"run": run})
    with pytest.raises(ConfigError, match=words):
        StudyConfig.from_dict({"run": run, "widths": [8, 16]})


def test_studies_are_grids() -> None:
    study = StudyConfig.from_dict({"run": {"data": DATA}, "widths": [8, 16], "depths": [1, 2], "alphas": [0.5]})
    assert [(run.network.depth, run.network.width, run.network.alpha) for run in study.cells] == [
        (1, 8, 0.5), (1, 16, 0.5), (2, 8, 0.5), (2, 16, 0.5),
    ]  # fmt: skip
    for values, words in (({}, "one cell is no study"), ({"widths": [8, 8]}, "repeats"), ({"widths": [4]}, "one cell")):
        with pytest.raises(ConfigError, match=words):
            StudyConfig.from_dict({"run": {"data": DATA}, **values})
    assert StudyConfig.from_dict(study.to_dict()) == study


def test_equal_widths_are_one_width_at_every_depth() -> None:
    """Or a study of depths would take rounding for a second axis."""
    for width in range(1, 300, 7):
        networks = [MLPConfig.from_dict({"width": width, "depth": depth}) for depth in (1, 3, 7, 49)]
        assert {mean_width(network) for network in networks} == {width}


def test_a_study_end_to_end() -> None:
    """Two widths, two seeds: the rows, the axes, the laws and the words of the summary."""
    run = {
        "data": {"name": "circle", "size": 4, "test_size": 4, "frequencies": [1]},
        "network": {"depth": 1, "width": 8, "activation": "erf"},
        "training": {"checkpoints": 6, "max_steps": 10, "stop_residual": None},
        "seeds": [0, 1],
    }
    options = {"predict": False, "held_out": 2}
    config = StudyConfig.from_dict({"run": run, "widths": [8, 64], "options": options})
    rows: list[Mapping] = []
    result = StudyResult.from_arrays(dict(study(config, lambda progress: rows.extend(progress.rows))["result"]))
    frame = result.to_frame()
    assert frame.width.tolist() == [8, 8, 64, 64]
    assert frame.seed.tolist() == [0, 1, 0, 1]
    assert frame.beta.tolist() == [1 / 8, 1 / 8, 1 / 64, 1 / 64]
    assert result.axes == ("width",)
    law = result.laws["drift"]
    assert law is not None
    assert law.exponents["width"] < 0
    # One axis: beta is 1/width, and so are the laws.
    assert result.beta_laws["drift"].exponents["beta"] == pytest.approx(-law.exponents["width"])
    summary = json.loads(json.dumps(result.summary, allow_nan=False))
    assert summary["laws"]["drift_predicted"] is None
    assert set(summary["crossings"]) == {"error_order_0", "bound_P2", "drift"}
    assert sum("drift" in row and "beta" in row for row in rows) == 4
