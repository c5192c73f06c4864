"""The check of pinned dependencies: what it says, and what it does not claim."""

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "advisories"


@pytest.fixture(scope="module")
def advisories() -> ModuleType:
    loader = SourceFileLoader("advisories", str(SCRIPT))
    spec = importlib.util.spec_from_loader("advisories", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def project(folder: Path, pin: str, accepted: str = "", looked_up: str = "2999-01-01") -> Path:
    (folder / ".ci").mkdir()
    (folder / "requirements.txt").write_text(f"# runtime\n{pin}  # why\n\n")
    reason = f'accepted = "{accepted}"' if accepted else ""
    (folder / ".ci" / "advisories.toml").write_text(
        f'looked_up = {looked_up}\n[[advisory]]\npackage = "some-kit"\nid = "X-1"\naffected = "<2.1"\nwhat = "a hole"\n'
        + reason
    )
    return folder


@pytest.mark.parametrize("pin", ["some-kit==2.0", "Some_Kit[extra]==2.0"])
def test_an_affected_pin_fails(advisories, tmp_path, capsys, pin):
    assert advisories.main(project(tmp_path, pin)) == 1
    assert "AFFECTED: some-kit 2." in capsys.readouterr().out


def test_a_reason_is_said_and_accepted(advisories, tmp_path, capsys):
    assert advisories.main(project(tmp_path, "some-kit==2.0", accepted="never called")) == 0
    assert "some-kit 2.0: X-1: a hole. Accepted: never called." in capsys.readouterr().out


def test_a_fixed_pin_passes_and_what_was_not_checked_is_said(advisories, tmp_path, capsys):
    assert advisories.main(project(tmp_path, "some-kit==2.1", looked_up="2026-01-01")) == 0
    said = capsys.readouterr().out
    assert "X-1" not in said
    assert "no database was asked" in said
    assert "nothing published after 2026-01-01" in said
    assert "look the advisories up again" in said


def test_this_project_has_no_affected_pin_without_a_reason(advisories, capsys):
    assert advisories.main(SCRIPT.parents[1]) == 0
    assert "diskcache 5.6.3: CVE-2025-69872" in capsys.readouterr().out
