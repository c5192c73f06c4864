"""The files for a shared server, as far as they can be checked without Docker: parsed, and held against the tree."""

import ast
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dockerfile_parse import DockerfileParser

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "kernel-drift@.service"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
GUIDE = (DEPLOY / "shared-server.md").read_text()


@pytest.fixture(scope="module")
def dockerfile() -> DockerfileParser:
    return DockerfileParser(fileobj=io.BytesIO((DEPLOY / "Dockerfile").read_bytes()))


def test_the_image_copies_what_is_there_and_what_the_server_imports(dockerfile):
    copied = []
    for step in dockerfile.structure:
        if step["instruction"] == "COPY" and not step["value"].startswith("--from"):
            *sources, _ = step["value"].split()
            copied += sources
    assert all((ROOT / source).exists() for source in copied)
    allowed = [line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"]
    assert {*copied} == {*allowed}
    imported = {name.split(".")[0] for name in _imports(ROOT / "app.py")}
    ours = {name for name in imported if (ROOT / name).is_dir()}
    assert ours <= {*copied}


def test_it_runs_as_nobody_and_installs_what_is_pinned(dockerfile):
    steps = [(step["instruction"], step["value"]) for step in dockerfile.structure]
    instructions = [name for name, _ in steps]
    assert "ADD" not in instructions
    (user,) = [value for name, value in steps if name == "USER"]
    assert user not in ("root", "0")
    assert instructions.index("USER") > max(i for i, name in enumerate(instructions) if name in ("RUN", "COPY"))
    assert any("-r /requirements.txt" in value for name, value in steps if name == "RUN")
    assert not re.search(r"(?m)^FROM\s+\S+[./]\S+/", dockerfile.content)  # a registry of one's own choice
    assert re.search(r"(?m)^ARG ACCELERATOR=$", dockerfile.content)
    assert {value.split("=")[0] for name, value in steps if name == "ARG"} == {"PYTHON", "ACCELERATOR"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little_and_finds_what_it_names(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert {*service.get("depends_on", ())} <= {*SERVICES}
    assert {*service.get("networks", ())} <= {*COMPOSE["networks"]}
    for volume in service.get("volumes", ()):
        if isinstance(volume, str):
            source = re.sub(r"^\$\{[A-Z_]+:-(\w+)\}", r"\1", volume).split(":")[0]
            assert source in COMPOSE["volumes"] or (DEPLOY / source).is_file(), volume
        else:  # the operator's, on this machine
            assert volume["read_only"] is True
            assert volume["bind"] == {"create_host_path": False}
    if name != "proxy":
        assert service["user"].split(":")[0] not in ("0", "root")
        assert "ports" not in service
        assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).resolve().is_file()
        assert {*service["build"]["args"]} <= {"ACCELERATOR", "PYTHON"}


def test_modules_are_found_by_the_worker_that_runs_them_and_by_the_web_that_offers_them(dockerfile):
    (program,) = [step["value"] for step in dockerfile.structure if step["value"].startswith("PATH=")]
    (home,) = re.findall(r"PYTHONPATH=(\S+)", program)
    for name in ("web-1", "web-2", "worker"):
        folder = SERVICES[name]["environment"]["PYTHONPATH"].removeprefix(f"{home}:")
        assert f"${{MODULE_FILES:-modules}}:{folder}:ro" in SERVICES[name]["volumes"]
    assert "KERNEL_DRIFT_MODULES" in SERVICES["web-1"]["environment"]
    assert re.search(r"export MODULES=\w+:\w+ MODULE_FILES=/", GUIDE)


def test_only_the_proxy_is_reached_from_outside():
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert [name for name in SERVICES if "outside" in SERVICES[name].get("networks", ())] == ["proxy"]
    webs = SERVICES["proxy"]["environment"]["WEBS"].split()
    assert {web.partition(":")[0] for web in webs} == {name for name in SERVICES if name.startswith("web-")}
    assert len(webs) >= 2
    assert len({str(SERVICES[web.partition(":")[0]]["volumes"]) for web in webs}) == 1  # one cache


def test_a_web_knows_who_may_enter_and_reaches_where_they_sign_in():
    (settings,) = (volume for volume in SERVICES["web-1"]["volumes"] if not isinstance(volume, str))
    for name in ("KERNEL_DRIFT_POLICY", "STREAMLIT_SECRETS_FILES"):
        assert str(Path(SERVICES["web-1"]["environment"][name]).parent) == settings["target"]
    for name, service in SERVICES.items():
        ways_out = [network for network in service.get("networks", ()) if not COMPOSE["networks"][network]]
        assert ways_out == {"proxy": ["outside"], "web-1": ["provider"], "web-2": ["provider"]}.get(name, [])


def test_the_steps_for_systemd_name_who_may_enter():
    (settings,) = re.findall(r"<<END\n(.*?)END\n", GUIDE, re.DOTALL)
    given = dict(line.split("=", 1) for line in settings.splitlines())
    web = SERVICES["web-1"]["environment"]
    for name in ("KERNEL_DRIFT_POLICY", "STREAMLIT_SECRETS_FILES"):
        assert given[name] == web[name]
    assert given.keys() >= {"KERNEL_DRIFT_HOSTS"}
    assert "EnvironmentFile=-/etc/kernel-drift.env" in UNIT.read_text()


def test_workers_have_the_settings_of_local_ones():
    from cache.processes import HELD, _environment

    local = _environment(Path("/cache"))
    given = SERVICES["worker"]["environment"]
    shared = {name for name in given if name in local} - {"PYTHONPATH"}
    assert len(shared) >= 8
    assert {name: given[name] for name in shared} == {name: local[name] for name in shared}
    command = SERVICES["worker"]["command"]
    assert command[command.index("--nthreads") + 1] == str(HELD)  # with one, a run of seconds waits for one of hours
    allowed = "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"
    assert SERVICES["scheduler"]["environment"][allowed] == local[allowed]


@pytest.mark.parametrize("name", ["shared-server.md", "compose.yaml", UNIT.name])
def test_every_setting_named_is_one_of_the_program(name):
    program = "".join(
        path.read_text() for room in ("cache", "pages", "engine", "app.py") for path in _python(ROOT / room)
    )
    for setting in re.findall(r"KERNEL_DRIFT_[A-Z_]+", (DEPLOY / name).read_text()):
        assert f'"{setting}"' in program, setting


def test_what_the_guide_names_is_there():
    for path in re.findall(r"`((?:deploy|tests|engine|cache|pages)/[\w./@-]+)`", GUIDE):
        assert (ROOT / path).exists(), path
    commands = re.findall(r"python -m engine (\w+)", GUIDE)
    program = (ROOT / "engine" / "__main__.py").read_text()
    assert {"backup", "restore", "import"} <= {*commands}
    assert all(f"def {name}(" in program or f'app.command("{name}")' in program for name in commands)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_the_unit_is_one_and_is_exposed_to_little(tmp_path):
    unit = tmp_path / UNIT.name
    text = UNIT.read_text()
    assert "[Install]" in text
    unit.write_text(text.replace("/opt/kernel-drift/.venv/bin/python", sys.executable))
    said = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")
    asked = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)]
    assert subprocess.run(asked, capture_output=True, check=False).returncode == 0


def _imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def _python(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]
