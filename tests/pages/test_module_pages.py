"""A network of one's own on the pages: chosen among those that are listed, refused at its field otherwise."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pretend_engine import RUNS, SMALL, texts
from small_runs import seed

from engine import jobs
from engine.config import RunConfig
from engine.initialisation.spread import MEASURED_BETA
from engine.networks.module import listed
from engine.schema import ConfigError
from engine.training.result import RunResult
from pages.charts.evolution import LAYERS_DRAWN, layer_table, shortened
from pages.run.presets import shortest
from pages.run.settings import choices, config_of, draft_of
from pages.shell import result as shell_result
from pages.shell.bundle import readme
from pages.shell.recipe import of_result
from pages.shell.shown import Shown
from pages.views import latex_conventions, network_words

NAME = RUNS["module"]["network"]["name"]
QUERY = {"network": "module", "size": "8", "test_size": "8", "frequencies": "1", "amplitudes": ""}


@pytest.fixture(autouse=True)
def _server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "_serving", True)


@pytest.fixture
def marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that a module which nobody listed would write."""
    (tmp_path / "trap.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\nnet = None\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path / "sprung"


def module_widget(app):
    (widget,) = [widget for widget in app.selectbox if widget.label == "module"]
    return widget


def test_one_that_is_listed_is_chosen_and_asked_for(pretend, opened):
    app = opened("evolution", **QUERY, module=NAME, arguments="{width: 6}")
    assert not app.exception
    assert not app.error
    assert module_widget(app).options == [NAME]
    app.button(key="run").click().run()
    (job,) = pretend.jobs.values()
    assert job.config.network.name == NAME
    assert job.config.network.arguments == {"width": 6}
    assert list(job.config.network.sources) == ["tests/pages/module_net.py"]


def test_another_kind_of_network_has_no_module(pretend, opened):
    app = opened("evolution", size="8")
    assert not [widget for widget in app.selectbox if widget.label == "module"]
    (network,) = [widget for widget in app.selectbox if widget.label == "network"]
    network.set_value("module").run()
    assert not app.exception
    assert "module: is missing" in texts(app)
    module_widget(app).set_value(NAME).run()
    assert not app.error


@pytest.mark.parametrize("name", ["trap:net", "os:system", "subprocess:run", "tests.pages.module_net:other"])
def test_a_link_to_one_that_is_not_listed_is_refused_at_its_field(name, marker, pretend, opened):
    app = opened("evolution", **QUERY, module=name, arguments="{command: touch}")
    assert not app.exception
    said = [error.value for error in app.error]
    assert any("is not among the modules that this server runs" in one for one in said)
    assert f"{name} (not allowed)" in module_widget(app).options
    assert not pretend.asked
    assert not marker.exists()


def test_a_link_that_says_what_an_unlisted_one_is_made_of_is_refused_too(marker, pretend, opened):
    sources, versions = json.dumps({"trap.py": "0" * 64}), json.dumps({"jax": "0.10.2"})
    app = opened("evolution", **QUERY, module="trap:net", sources=sources, versions=versions)
    assert any("is not among the modules" in error.value for error in app.error)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("{width: [1, 2]}", "a number, a text, true or false is needed"),
        ("width=6", "a table of settings is needed"),
        ("{width: {a: 1}}", "a number, a text, true or false is needed"),
        ("{__class__ x: 1}", "no name of an argument"),
    ],
)
def test_arguments_are_refused_at_their_field(arguments, said, pretend, opened):
    app = opened("evolution", **QUERY, module=NAME, arguments=arguments)
    assert not app.exception
    assert any(error.value.startswith("arguments: ") and said in error.value for error in app.error)


def test_a_file_with_one_that_is_not_listed_is_refused(marker):
    values = {**RUNS["module"], "network": {"kind": "module", "name": "trap:net"}}
    draft, problems = draft_of(values)
    assert not problems
    with pytest.raises(ConfigError, match="is not among the modules"):
        config_of(draft)
    assert not marker.exists()


def test_the_form_offers_what_the_operator_lists(monkeypatch):
    from pages.run.settings import BY_NAME

    monkeypatch.setenv("KERNEL_DRIFT_MODULES", "a:b, c.d:E")
    assert list(choices(BY_NAME["module"], "circle", "module")) == ["a:b", "c.d:E"]


def test_a_stored_run_keeps_what_it_was_made_of_only_where_that_has_changed(monkeypatch):
    now = RunConfig.from_dict(RUNS["module"])
    assert "sources" not in shortest(draft_of(now.to_dict())[0])
    network = {**now.network.to_dict(), "sources": {"tests/pages/module_net.py": "0" * 64}}
    before = RunConfig.from_dict({**now.to_dict(), "network": network})
    draft = shortest(draft_of(before.to_dict())[0])
    assert config_of(draft) == before != now


def test_its_result_is_shown_where_its_files_are_gone(finished, opened, monkeypatch):
    """`finished` has the runs of `RUNS` in its cache."""
    config = RunConfig.from_dict(RUNS["module"])
    monkeypatch.setenv("KERNEL_DRIFT_MODULES", "another:net")
    app = opened("evolution", run=jobs.key("run", config))
    assert not app.exception
    assert not app.error
    assert "Of a user's own network β is not defined" in texts(app)


def test_what_it_takes_is_not_told_where_nobody_knows(pretend, opened):
    """Nor is it begun by a link that begins what is cheap."""
    for page in ("evolution", "norms", "perturbation"):
        app = opened(page, **QUERY | {"test_size": "16"}, module=NAME, start="yes")
        assert not app.exception
        assert "What it takes is known when it runs" in texts(app)
        assert "so no link starts it" in texts(app)
        assert "of computing" not in texts(app)
        assert not pretend.asked


def test_of_one_whose_depth_is_not_given_no_beta_is_measured():
    config = RunConfig.from_dict(RUNS["module"])
    (said,) = network_words.measured_beta(RunResult({}, config, {}, (seed(),)))
    assert (said.value, said.beside) == ("—", "depth not given")
    given = RunConfig.from_dict({**config.to_dict(), "network": {**config.network.to_dict(), "counted_depth": 1}})
    assert network_words.measured_beta(RunResult({}, given, {}, (seed(),))) == []  # of another kernel, or of before
    arrays = {name: np.array(value) for name, value in zip(MEASURED_BETA, (0.1, 0.05, 0.2), strict=True)}
    (said,) = network_words.measured_beta(RunResult(arrays | {"initial_cv2": np.array(0.3)}, given, {}, (seed(),)))
    assert (said.value, said.beside) == ("0.1", "0.05 to 0.2")


def test_the_depth_that_is_counted_is_a_setting():
    assert config_of({**QUERY, "data": "circle", "module": NAME, "counted_depth": "2"}).network.counted_depth == 2
    assert config_of({**QUERY, "data": "circle", "module": NAME, "depth": "2"}).network.counted_depth is None


def test_what_is_noted_of_a_network_is_not_said_of_the_data(monkeypatch):
    said = []
    monkeypatch.setattr(shell_result.st, "info", lambda text, icon: said.append(text))
    result = RunResult({}, RunConfig.from_dict(RUNS["module"]), {"notes": ["w does nothing"]}, (seed(),))
    shell_result.say_notes(result.data_notes, result.network_notes)
    assert said == ["**The network**\n\n- w does nothing"]
    assert result.notes == ("w does nothing",)


def test_a_bundle_says_which_files_it_has_not_got(finished):
    config = RunConfig.from_dict(RUNS["module"])
    recipe = of_result(config, finished.lookup("run", config))
    assert recipe is not None
    said = readme(Shown("Evolution"), recipe, [], [], [])
    (digest,) = config.network.to_dict()["sources"].values()
    assert f"not here:\n- tests/pages/module_net.py (SHA-256 {digest})\n" in said
    other = RunConfig.from_dict(SMALL)
    recipe = of_result(other, finished.lookup("run", other))
    assert recipe is not None
    assert "PYTHONPATH" not in readme(Shown("Evolution"), recipe, [], [], [])


def test_words_of_it_are_text_whatever_its_arguments_are():
    network = RunConfig.from_dict(
        {**RUNS["module"], "network": {"kind": "module", "name": NAME, "arguments": {"a_b": "50% of $x_1$ {\\"}}}
    ).network
    assert network_words.called(network) == "net(a_b='50% of $x_1$ {\\\\'), of tests.pages.module_net"
    said = latex_conventions.of_run(RunConfig.from_dict({**RUNS["module"], "network": network.to_dict()}))
    assert r"; its $\beta$ is not defined." in said
    assert r"net(a\_b='50\% of \$x\_1\$ \{\textbackslash{}\textbackslash{}'), of tests.pages.module\_net" in said


def test_the_parts_that_carry_most_are_drawn_by_the_ends_of_their_paths():
    paths = [*(f"Block_{i}/MultiHeadAttention/key" for i in range(9)), "Dense_0"]
    share = np.tile([0.02, 0.3, 0.01, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.22], (2, 1))
    one = seed()
    arrays = {**one.arrays, "layer_share": share, "layer_drift": 0 * share}
    config = RunConfig.from_dict(RUNS["module"])
    result = RunResult({}, config, {"layers": paths}, (replace(one, arrays=arrays),))
    table = layer_table(result, "layer_share")
    drawn = list(dict.fromkeys(table.frame["series"]))
    assert len(drawn) == LAYERS_DRAWN < 10
    assert {"Block_1/MultiHeadAttention/key", "Dense_0"} <= set(drawn)  # the ends of the first nine are alike
    assert "Block_2/MultiHeadAttention/key" not in drawn
    assert table.notes[0] == f"{LAYERS_DRAWN} of 10 parts are drawn, which carry most at the start."
    assert shortened(["a/MultiHeadDotProductAttention_0/key", "short"]) == ["…ductAttention_0/key", "short"]
