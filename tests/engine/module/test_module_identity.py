"""Which network a result is of: said by its sources, without running any, alike on every machine."""

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from engine import jobs
from engine.config import RunConfig
from engine.networks.kinds import of_kind
from engine.networks.module import listed
from engine.networks.module.config import ModuleConfig
from engine.networks.module.source_files import found
from engine.perturbation.config import StudyConfig
from engine.problems import ConfigError
from engine.regimes.config import SweepConfig
from engine.texts import read

ROOT = Path(__file__).parents[3]

TREE = {
    "lab/__init__.py": "",
    "lab/nets.py": """
        import os, json
        import numpy as np
        from flax import linen as nn
        from . import blocks
        from lab.deep.below import thing

        raise SystemExit("nobody runs this")

        class Net(nn.Module):
            class Inner: pass
            def __call__(self, x):
                import late
                return x

        if os.name:
            other = plain, more = 1, 2
    """,
    "lab/blocks.py": "from .wide import *\nimport nowhere",
    "lab/wide.py": "import lab.nets",
    "lab/deep/below.py": "import sklearn.linear_model",  # a package without __init__
    "lab/unused.py": "",
    "late.py": "import engine",
}


def plant(folder: Path, tree: dict[str, str]) -> None:
    for path, text in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(dedent(text))


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project on Python's path."""
    plant(tmp_path, TREE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def net(**more: object) -> ModuleConfig:
    return ModuleConfig.from_dict({"name": "lab.nets:Net", **more})


def refused(**settings: object) -> dict[str, str]:
    with pytest.raises(ConfigError) as error:
        of_kind({"kind": "module", **settings})
    return {problem.field.removeprefix("network."): problem.message for problem in error.value.problems}


def test_all_that_it_imports_below_the_project_is_a_source(lab: Path) -> None:
    network = net()
    assert set(network.sources) == {
        "lab/__init__.py", "lab/nets.py", "lab/blocks.py", "lab/wide.py", "lab/deep/below.py", "late.py",
    }  # fmt: skip
    assert set(network.versions) == {"jax", "flax", "numpy", "scikit-learn"}


SHOW = """
import sys
from engine.networks.kinds import of_kind

print(of_kind({"kind": "module", "name": sys.argv[1]}).canonical(), "jax" in sys.modules)
"""


def test_two_processes_in_two_folders_say_the_same_and_run_nothing(lab: Path, tmp_path: Path) -> None:
    plant(tmp_path / "elsewhere", TREE)
    said = [
        subprocess.run(
            [sys.executable, "-c", SHOW, "lab.nets:Net"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *path]), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for folder, path, seed in ((lab, [], "1"), (ROOT, [str(tmp_path / "elsewhere")], "2"))
    ]
    assert said[0] == said[1] == f"{net().canonical()} False\n"
    assert "lab.nets" not in sys.modules


@pytest.mark.parametrize(("path", "same"), [("lab/wide.py", False), ("late.py", False), ("lab/unused.py", True)])
def test_another_source_is_another_network(lab: Path, path: str, same: bool) -> None:
    before = net()
    with (lab / path).open("a") as file:
        file.write("\n# another\n")
    assert (net() == before) is same
    assert (net().hash == before.hash) is same


def run_of(network: object, **more: object) -> RunConfig:
    data = {"name": "circle", "size": 8, "test_size": 8}
    return RunConfig.from_dict({"data": data, "network": network, **more})


def test_arguments_alpha_and_shape(lab: Path) -> None:
    one, other = (run_of(net(arguments={"width": width, "a": 1}).to_dict()) for width in (8, 16))
    assert jobs.key("run", one) != jobs.key("run", other)
    assert one.network.to_dict()["arguments"] == {"a": 1, "width": 8}
    assert net(arguments={"a": 1, "b": 2}).hash == net(arguments={"b": 2, "a": 1}).hash
    assert len({net(arguments={"a": value}) for value in (1, 1.0, True, "1")}) == 4
    assert len({net(arguments={"a": value}).hash for value in (1, 1.0, True, "1")}) == 4
    assert RunConfig.from_dict(read(one.to_yaml())) == one


def test_what_is_gone_is_read_and_not_computed(lab: Path) -> None:
    config = run_of(net().to_dict())
    written = config.canonical()
    for path in TREE:
        (lab / path).unlink()
    again = RunConfig.from_dict(json.loads(written))
    assert again == config
    assert jobs.key("run", again) == jobs.key("run", config)
    (problem,) = again.lacking
    assert problem.field == "network.name"
    assert problem.message.startswith("no module lab.nets in a folder of Python's path")


def test_what_has_changed_is_not_computed(lab: Path) -> None:
    network = net()
    assert network.lacking == []
    (lab / "lab/wide.py").write_text("import own_nets_2")
    (lab / "own_nets_2.py").write_text("")
    (lab / "late.py").write_text("")
    (problem,) = network.lacking
    for said in ("lab/wide.py is ", "late.py is ", "own_nets_2.py is new", "leave sources and versions out"):
        assert said in problem.message
    older = net(sources=dict(network.sources), versions={**network.versions, "jax": "0.1"})
    assert "jax is " in older.lacking[0].message
    assert "not 0.1" in older.lacking[0].message


@pytest.mark.parametrize(
    "name",
    [
        "lab.nets", "lab.nets:", ":Net", "../lab:Net", "lab/nets:Net", "/lab:Net", "lab..nets:Net", ".lab:Net",
        "lab.nets:Net()", "lab.nets:Net;x", "lab.nets:Net\n", "läb:Net", "lab.nets:Net:x", "lab.nets: Net", "", 3, None,
        "a" * 199 + ":b", ["lab.nets:Net"],
    ],
)  # fmt: skip
def test_what_is_no_name(lab: Path, name: object) -> None:
    assert set(refused(name=name)) == {"name"}


def test_what_is_not_there(lab: Path) -> None:
    assert refused(name="lab.mets:Net")["name"].startswith("no module lab.mets in a folder")
    assert refused(name="lab.nets:Nett") == {"name": "no Nett in nets.py. Did you mean 'Net'?"}
    assert refused(name="lab.nets:plan") == {"name": "no plan in nets.py. Did you mean 'plain'?"}
    assert net(name="lab.nets:more").name == "lab.nets:more"
    assert net(name="lab.blocks:what_a_star_gives").name == "lab.blocks:what_a_star_gives"
    (lab / "lab/wide.py").write_text("def f(:")
    assert refused(name="lab.nets:Net") == {"name": "lab/wide.py is not Python, line 1: invalid syntax"}
    (lab / "lab/wide.py").write_bytes(b"\0")
    assert "lab/wide.py is not Python" in refused(name="lab.nets:Net")["name"]


@pytest.mark.parametrize(
    ("kernel", "said"), [("conjugate", "is not known of a network"), ("infinite_ntk", "choose ntk")]
)
def test_a_kernel_that_is_not_known_of_it(lab: Path, kernel: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        run_of(net().to_dict(), kernel=kernel)
    assert {problem.field for problem in error.value.problems} == {"kernel"}
    assert said in str(error.value)


def test_maps_and_studies_do_not_take_it(lab: Path) -> None:
    run = run_of(net().to_dict()).to_dict()
    with pytest.raises(ConfigError, match="a map has no networks of one's own"):
        SweepConfig.from_dict({"base": run, "grid": {"network.alpha": [1, 2]}})
    with pytest.raises(ConfigError, match=r"a study is of fully connected networks.*: set it to mlp(?!,)"):
        StudyConfig.from_dict({"run": run, "alphas": [1, 2]})


def test_arguments_are_scalars(lab: Path) -> None:
    given = {"layers": [1, 2], "table": {"a": 1}, "nothing": None, "far": float("inf"), "long": "x" * 201, "big": 2**63}
    given |= {"class": 1, "a b": 1}
    problems = refused(name="lab.nets:Net", arguments=given, alpha=0)
    assert set(problems) == {*(f"arguments.{name}" for name in given), "alpha"}
    assert problems["arguments.layers"] == "[1, 2] given; a number, a text, true or false is needed"
    assert problems["arguments.class"] == "no name of an argument"
    assert set(refused(name="lab.nets:Net", arguments={f"a{i}": 1 for i in range(51)})) == {"arguments"}
    assert set(refused(name="lab.nets:Net", arguments=3)) == {"arguments"}


@pytest.mark.parametrize("path", ["../x.py", "/etc/passwd", "a/../b.py", "a//b.py", ".x.py", "a/.b.py", "", "a\\b.py"])
def test_a_source_lies_below_the_project(lab: Path, path: str) -> None:
    assert any(name.startswith("sources") for name in refused(name="lab.nets:Net", sources={path: "0" * 64}))


def test_a_table_of_a_config_stays_as_it_is(lab: Path) -> None:
    with pytest.raises(TypeError, match="cannot be changed"):
        net(arguments={"a": 1}).arguments["a"] = 2


def test_an_installed_module_has_a_version_and_no_sources() -> None:
    here = found("flax.linen")
    assert here.sources == {}
    assert set(here.versions) == {"jax", "flax"}


# A server.


@pytest.fixture
def server(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "_serving", True)
    monkeypatch.setenv("KERNEL_DRIFT_MODULES", "lab.nets:plain, lab.nets:more lab.nets:plain")


def test_a_server_looks_for_what_is_listed_alone(server: None, lab: Path) -> None:
    assert listed.listed() == ("lab.nets:plain", "lab.nets:more")
    assert net(name="lab.nets:more").sources
    assert set(refused(name="lab.nets:Net")) == {"name"}
    assert "is not among the modules that this server runs" in refused(name="os:system")["name"]
    (lab / "lab/secret.py").write_text("password = (")
    assert "secret.py" not in refused(name="lab.secret:password")["name"]  # not even looked at


def test_what_was_computed_elsewhere_is_read_on_a_server_and_not_computed(server: None) -> None:
    stored = net(name="lab.nets:Net", sources={"lab/nets.py": "0" * 64})
    assert "is not among the modules" in stored.lacking[0].message
    run = run_of(stored.to_dict()).to_dict()
    assert "lab.nets:Net is not among" in listed.refused_in({"run": run, "options": {"a": [1, "b"]}})
    assert listed.refused_in({"run": run_of(net(name="lab.nets:more").to_dict()).to_dict()}) == ""


@pytest.mark.parametrize("names", ["lab.nets", "lab.nets:*", "*", "../x:y"])
def test_a_list_that_is_none(names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERNEL_DRIFT_MODULES", names)
    with pytest.raises(ValueError, match=r"write package\.module:Name"):
        listed.listed()
