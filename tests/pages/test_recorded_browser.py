"""In a browser: a recording opened while its loop writes it is drawn anew as it grows, ends as a result and is held."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[2]

LOOP = """
import sys
import jax.numpy as jnp, numpy as np, engine as kd
random = np.random.default_rng(3)
x = random.standard_normal((40, 5))
w, v = random.standard_normal((5, 30)), random.standard_normal((30, 1)) / 5
step = 0
with kd.watch("seen growing", lambda p, x: jnp.tanh(x @ p["w"]) @ p["v"], x, x[:, :1], held_out=20) as watch:
    for line in sys.stdin:  # so many steps more
        for _ in range(int(line)):
            watch(step, {"w": w + 0.01 * step, "v": v}, loss=1 / (1 + step))
            step += 1
        watch._write()
        print(watch._file._loop.id, flush=True)
"""


TWO = """
import jax.numpy as jnp, numpy as np, engine as kd
from engine import jobs
random = np.random.default_rng(5)
x = random.standard_normal((40, 5))
w, v = random.standard_normal((5, 30)), random.standard_normal((30, 1)) / 5
for name, pace in (("held slow", 0.01), ("shown quick", 0.03)):
    with kd.watch(name, lambda p, x: jnp.tanh(x @ p["w"]) @ p["v"], x, x[:, :1], held_out=20, loss="mean") as watch:
        for step in range(20):
            watch(step, {"w": w + pace * step, "v": v}, t=0.1 * step, loss=1 / (1 + pace * step))
    print(jobs.key("recording", watch.result.recording))
"""


@pytest.fixture
def environment(server: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of a loop that records into the cache of the server."""
    (folder,) = [one for one in tmp_path_factory.getbasetemp().glob("server*") if not one.is_symlink()]
    return {**os.environ, "KERNEL_DRIFT_CACHE": str(folder), "PYTHONPATH": str(ROOT)}


@pytest.fixture
def loop(environment: dict[str, str]):
    """A loop that takes as many steps as it is told."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", LOOP], env=environment, cwd=ROOT, **pipes) as running:
        yield running
        running.kill()


def on(loop: subprocess.Popen, steps: int) -> str:
    """So many steps on; gives the recording's own name."""
    assert loop.stdin is not None
    assert loop.stdout is not None
    loop.stdin.write(f"{steps}\n")
    loop.stdin.flush()
    return loop.stdout.readline().strip()


def test_it_follows_a_loop_and_ends_with_it(visit: Callable[..., Page], loop: subprocess.Popen) -> None:
    name = on(loop, 5)
    page = visit("/evolution", recording=name)
    expect(page.get_by_text("step 4 so far")).to_be_visible()
    expect(page.get_by_text("So far", exact=False).first).to_be_visible()
    drawn = page.locator("[data-testid=stVegaLiteChart]").first
    expect(drawn).to_be_visible()
    expect(page.get_by_text(re.compile(r"1 / 5$"))).to_be_visible()
    on(loop, 20)
    expect(page.get_by_text(re.compile(r"step 2\d so far"))).to_be_visible()
    expect(page.get_by_text(re.compile(r"1 / 1\d$"))).to_be_visible()
    assert loop.stdin is not None
    loop.stdin.close()
    loop.wait(60)
    expect(page.get_by_text("Its loop ended.")).to_be_visible()
    expect(page.get_by_role("button", name="Bundle (zip)")).to_be_visible()
    assert page.url.endswith(f"recording={name}")
    page.get_by_role("link", name="Norms").click()
    expect(page.get_by_text("On held-out points the target costs")).to_be_visible()
    expect(page.get_by_text("Not recorded, and not shown")).to_be_visible()


@pytest.mark.long
def test_a_recording_is_held_beneath_another_one(visit: Callable[..., Page], environment: dict[str, str]) -> None:
    command = [sys.executable, "-c", TWO]
    made = subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True, timeout=200)
    first, second = made.stdout.split()[-2:]
    page = visit("/evolution", recording=first)
    page.get_by_role("button", name="Hold", exact=True).click()
    expect(page.get_by_text("This recording is held")).to_be_visible()
    page.wait_for_url("**held=*")
    page.goto(page.url.replace(f"recording={first}", f"recording={second}"))
    expect(page.get_by_text("this recording, shown quick")).to_be_visible()
    expect(page.get_by_text("held slow → shown quick")).to_be_visible()
    expect(page.get_by_text("is drawn at equal t")).to_be_visible()
    expect(page.get_by_text("has moved by")).to_have_count(2)
    legends = page.locator("[data-testid=stVegaLiteChart] svg .role-legend-label text")
    named = legends.filter(has_text="held: held slow")
    expect(named).to_have_count(4)
    page.get_by_role("link", name="Norms").click()
    expect(page.get_by_text("this recording, shown quick")).to_be_visible()
    expect(named.first).to_be_attached()  # the link starts what costs little, the held one's part of this page too
    page.get_by_role("button", name="Release held slow").click()
    expect(page.get_by_text("this recording, shown quick")).to_have_count(0)
    page.wait_for_function("() => !location.search.includes('held=')")
