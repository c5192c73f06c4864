"""The conventions of a run: what they say follows its numbers, what another one changes has a closed form, and each
warning stands only where it is called for."""

import numpy as np
import pytest
from pretend_engine import SMALL_QUERY, look, texts
from small_runs import result, seed

from engine.config import RunConfig
from engine.data import generate
from engine.networks import infinite
from engine.quantities import QUANTITIES
from engine.regimes.config import SweepConfig
from engine.training.result import RunResult
from pages.views import convention_words, evolution_words
from pages.views.convention_words import SWITCHES, conventions, switched, table, warnings
from pages.views.evolution import PANEL
from pages.views.latex_conventions import of_map, of_run


def here(found: RunResult) -> dict[str, str]:
    return {name: value for name, _, value in conventions(found)[1:]}


def test_every_convention_has_a_formula_and_its_number() -> None:
    found = result(seed())
    said = here(found)
    assert set(said) == {"network", "initialisation", "loss", "step", "time", "beta", "kernel", "stability"}
    assert "hidden layers L = 3, widths 3 × 256" in said["network"]
    assert "M = 4, half_mean" in said["loss"]
    assert said["step"].startswith("0.5; ")
    assert "stops at t = 2" in said["time"]
    assert said["beta"] == "0.0117"
    assert said["stability"] == "0.5 at the start"
    assert "1.414" in said["initialisation"]
    formulas = {name: formula for name, formula, _ in conventions(found)[1:]}
    assert r"\eta/M" in formulas["step"]
    assert r"\frac{\sigma_l}{\sqrt{n_{l-1}}}W_l" in formulas["network"]
    other = {name: formula for name, formula, _ in conventions(result(seed(), loss="half_sum", integrator="rk4"))[1:]}
    assert r"=\eta$" in other["step"]
    assert "<2.79$" in other["stability"]
    written = table(conventions(found))
    assert len({line.count(" | ") for line in written.splitlines() if line.startswith("| ")}) == 1


def test_the_output_scale_is_said_with_its_width() -> None:
    """alpha n^{-s/2}: 2/4 at width 16, s = 1; without s alpha stands alone."""
    values = {"data": {"name": "circle"}, "network": {"width": 16, "alpha": 2.0, "alpha_exponent": 1.0}}
    config = RunConfig.from_dict(values)
    _, formula, said = conventions(RunResult({}, config, {}, (seed(),)))[1]
    assert r"$f=\alpha n_L^{-s/2} h$" in formula
    assert said.endswith("α = 2, s = 1: α n_L^(-s/2) = 0.5")
    assert r"$f = \alpha n_L^{-s/2} h$ with $\alpha = 2$, $s = 1$" in of_run(config)
    sweep = SweepConfig.from_dict({"base": values, "grid": {"network.depth": [1, 2]}})
    assert r", $\alpha n_L^{-s/2}$ with $s = 1$ in place of $\alpha$;" in of_map(sweep)
    digits = {"data": {"name": "digits"}}
    network = {"kind": "resnet", "width": 16, "alpha": 2.0, "alpha_exponent": 1.0, "train": "hidden"}
    config = RunConfig.from_dict({**digits, "network": network})
    _, formula, said = conventions(RunResult({}, config, {}, (seed(),)))[1]
    assert r"$f=\alpha n^{-s_\alpha/2} h$" in formula, "s is the scale of a branch"
    assert said.endswith("α = 2, s_α = 1: α n^(-s_α/2) = 0.5")
    assert r"$f = \alpha n^{-s_\alpha/2} h$ with $\alpha = 2$, $s_\alpha = 1$; the hidden layers alone" in of_run(
        config
    )
    network = {"kind": "conv", "width": 16, "pooling": "flatten", "alpha_exponent": 1.0}
    config = RunConfig.from_dict({**digits, "network": network})
    _, formula, said = conventions(RunResult({}, config, {}, (seed(),)))[1]
    assert r"$f=\alpha C^{-s/2} h$" in formula
    assert said.endswith("α = 1, s = 1: α C^(-s/2) = 0.25"), "channels, however many positions there are"
    plain = RunConfig.from_dict({"data": {"name": "circle"}})
    assert "n_L" not in conventions(RunResult({}, plain, {}, (seed(),)))[1][1] + of_run(plain)


@pytest.mark.parametrize(
    ("train", "kernel", "counted"),
    [
        ("all", "float64", "33 parameters"),
        ("readout", "float64; of the readout alone", "9 parameters that train, of 33"),
        ("hidden", "float64; of the hidden layers alone", "24 parameters that train, of 33"),
    ],
)
def test_what_trains_is_said(train: str, kernel: str, counted: str) -> None:
    """Width 8 on two inputs: 16 + 8 hidden parameters and 8 + 1 of the readout, biases included."""
    config = RunConfig.from_dict({"data": {"name": "circle"}, "network": {"depth": 1, "width": 8, "train": train}})
    said = {name: here for name, _, here in conventions(RunResult({}, config, {}, (seed(),)))[1:]}
    assert said["kernel"].endswith(kernel)
    assert ("alone train" in of_run(config)) == (train != "all")
    assert evolution_words.parameters(RunResult({}, config, {}, (seed(),))) == counted


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "start at zero, also on the output; trained"),
        ({"train_bias": False}, "start at zero, also on the output; not trained"),
        ({"train": "hidden"}, "start at zero, also on the output; trained in the hidden layers alone"),
        ({"train": "readout", "train_bias": False}, "start at zero, also on the output; not trained"),
        ({"train": "readout"}, "start at zero, also on the output; trained in the readout alone"),
        ({"train": "readout", "output_bias": False}, "start at zero, not on the output; not trained"),
    ],
)
def test_of_which_layers_biases_train_is_said(more: dict[str, object], words: str) -> None:
    config = RunConfig.from_dict({"data": {"name": "circle"}, "network": {"width": 16, **more}})
    _, said, _ = conventions(RunResult({}, config, {}, (seed(),)))[2]
    assert said.endswith(f"biases {words}")


def test_a_readout_that_stays_may_start_outside() -> None:
    config = RunConfig.from_dict({"data": {"name": "circle"}, "network": {"train": "hidden"}})
    cures = {one.said: one.cure for one in warnings(RunResult({}, config, {}, (seed(),)))}
    assert cures["The readout does not train: $f_0$ need not lie in $H_0$."].endswith("or train the readout")


def test_formulas_are_such_as_the_page_can_draw() -> None:
    r"""KaTeX draws no operator as a bare subscript: \lambda_\max stands there in red."""
    found = result(seed())
    said = [definition.definition for definition in QUANTITIES.values()]
    said += [" ".join(row) for row in conventions(found)]
    for switch in SWITCHES:
        rows, stays = switched(found, switch)
        said += [stays, *(" ".join(row) for row in rows)]
    assert not [text for text in said if r"_\max" in text or r"_\min" in text]


def test_the_loss_changes_eta_and_its_own_value_only() -> None:
    """Closed form: eta_eff = eta/M, 2 eta/M or eta; the run itself is the same (tests/engine/test_training.py)."""
    one = seed(effective_rate=0.5)
    found = result(
        type(one)(
            {**one.arrays, "loss": np.array([3.0, 1.0])}, 0, "residual", 0.5, 2.0, 4, 2.0
        )
    )  # fmt: skip
    rows = {row[0]: row[1:] for row in switched(found, "loss")[0]}
    assert rows["η of this run"] == ("2", "1", "0.5")
    assert rows["its loss at t = 0"] == ("3", "6", "12")
    assert rows["$\\eta_\\mathrm{eff}/\\eta$"] == ("0.25", "0.5", "1")


def test_the_kernel_s_terms_of_the_other_parameterization() -> None:
    """One hidden layer without biases: the factors shown are the ratios of the two kernels' terms (closed form of the
    linear network: every layer's term is sigma^4 x.x'/n_0)."""
    network = {"depth": 1, "width": 50, "activation": "linear", "sigma_w": 1.3, "train_bias": False}
    values = {"data": {"name": "circle", "size": 6, "test_size": 6, "frequencies": [1]}, "network": network}
    config = RunConfig.from_dict(values)
    rows, _ = switched(RunResult({}, config, {}, (seed(),)), "parameterization")
    shown = [float(one) for one in rows[2][2].split(": ")[1].split(", ")]
    np.testing.assert_allclose(shown, [2 / 1.3**2, 50 / 1.3**2], rtol=5e-3)
    x = generate(config.data).x_train
    other = RunConfig.from_dict({**values, "network": {**network, "parameterization": "standard"}})
    term = 1.3**4 * x @ x.T / 2
    np.testing.assert_allclose(infinite.ntk(config.network, x), 2 * term, atol=1e-12)
    np.testing.assert_allclose(infinite.ntk(other.network, x), (2 + 50) / 1.3**2 * term, atol=1e-12)


def test_counting_weight_layers_changes_the_name_only() -> None:
    rows, stays = switched(result(seed()), "layers counted")
    assert rows[1] == ("depth", "L = 3", "d = L + 1 = 4")
    assert rows[2][1:] == ("β = 0.01172", "0.01562")
    assert "the network, its kernel and its run are the same" in stays


FIXED_BIASES = {"bias_init": "normal", "train_bias": False, "sigma_b": 0.3, "centred": False}


def kinds(found: RunResult) -> list[str]:
    return [one.cure for one in warnings(found)]


def network(found: RunResult, **changes: object) -> RunResult:
    values = found.config.to_dict()
    config = RunConfig.from_dict({**values, "network": {**values["network"], **changes}})
    return RunResult(found.arrays, config, found.meta, found.seeds)


def test_a_run_that_is_in_order_has_no_warning() -> None:
    assert warnings(result(seed())) == []


@pytest.mark.parametrize(
    ("found", "words", "cure"),
    [
        (network(result(seed()), sigma_w=1.0), "Per layer the factor is 0.7071.", "critical"),
        (result(seed(effective_rate=1.75)), "it reached the edge of stability, 2", "lower the step"),
        (result(seed(effective_rate=4.0)), "beyond the limit 2 throughout", "lower the step"),
        (result(seed(noise=0.6)), "under what float32 resolves, 60% of that at the start", "float64"),
        (result(seed(), seed(1, t_stop=2.2)), "t = 2 to 2.2: what is said of the stop is not at equal t", "at one t"),
        (result(seed(), seed(1), seed(2)), "one more seed falls inside with probability 0.5", "8 seeds"),
        (network(result(seed()), **FIXED_BIASES), "f_0$ lies outside $H_0$", "centre"),
        (result(seed(kernel_rounding=0.15)), "1 of 4 eigenvalues lie under the noise floor", "ridge"),
    ],
)
def test_each_warning_has_its_condition_and_a_cure(found: RunResult, words: str, cure: str) -> None:
    matching = [one for one in warnings(found) if words in one.said]
    assert len(matching) == 1
    assert cure in matching[0].cure


def test_what_is_no_reason_to_warn() -> None:
    assert kinds(network(result(seed()), **FIXED_BIASES | {"centred": True})) == []
    assert kinds(network(result(seed()), **FIXED_BIASES | {"output_bias": False})) == []
    assert kinds(result(seed(effective_rate=1.7))) == []  # 1.87 is not within 5% of 2
    assert kinds(result(seed(effective_rate=4.0, stop_reason="diverged"))) == []
    assert kinds(result(seed(effective_rate=4.0), batch_size=2)) == []
    assert kinds(result(seed(noise=0.6, precision="float64"))) == []
    assert kinds(result(*(seed(number) for number in range(8)))) == []


def test_the_panel_opens_with_a_link_that_looked_into_it(finished, opened):
    app = opened("evolution", **SMALL_QUERY, v_switch=SWITCHES[-1])
    assert "harmonic mean" in texts(app)
    app.session_state[PANEL] = False
    assert "harmonic mean" not in texts(app.run())


def test_the_panel_stands_on_the_page(finished, opened):
    app = opened("evolution", **SMALL_QUERY)
    assert not app.exception
    labels = [expander.label for expander in app.expander if expander.label.startswith("Conventions")]
    assert len(labels) == 1
    assert "hidden layers L = " not in texts(app), "no formula is sent before it is opened"
    app.session_state[PANEL] = True
    app.run()
    assert "hidden layers L = " in texts(app)
    for switch in SWITCHES:
        look(app, switch=switch)
        assert not app.exception
    assert "harmonic mean" in texts(app)
    assert convention_words.ENOUGH == 8
