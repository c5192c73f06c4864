"""Frames a second, slider latency and payload of the animated charts, in a real browser.

Run with `python -m benchmarks.animation`. A synthetic run of 200 checkpoints and 512 eigenvalues is shown twice: its
spectrum alone, and the whole of `evolution_chart`. Numbers depend on the machine and on what else it does.
"""

import os
import statistics
from typing import Any

import numpy as np

from benchmarks.serving import ARGUMENTS, CHROMIUM, served_script
from engine.config import RunConfig
from engine.training.result import RunResult, SeedResult

FRAMES, SIZE = 200, 512
MOVES = 20
"""Slider moves that are timed."""

PLAY = """async ([key, fps, seconds]) => {
  const root = document.querySelector(`.st-key-${key}`);
  const deep = (node) => node.shadowRoot ? [node, ...all(node.shadowRoot)] : [node];
  const all = (node) => [...node.querySelectorAll('*')].flatMap(deep);
  const find = (name) => all(root).find((element) => element.classList?.contains(name));
  const bound = root.querySelector('.vega-bind input[name="frame"]');
  find('speed').value = fps;
  find('slider').value = 0;
  find('slider').dispatchEvent(new Event('input'));
  let frames = 0;
  const count = () => { frames += 1; };
  bound.addEventListener('input', count);
  const start = performance.now();
  find('play').click();
  await new Promise((done) => setTimeout(done, 1000 * seconds));
  const elapsed = performance.now() - start;
  find('play').click();
  bound.removeEventListener('input', count);
  return 1000 * frames / elapsed;
}"""
"""Plays for some seconds and gives the frames a second that Vega was handed; each is drawn before the next is due."""

MOVE = """async ([key, to]) => {
  const root = document.querySelector(`.st-key-${key}`);
  const deep = (node) => node.shadowRoot ? [node, ...all(node.shadowRoot)] : [node];
  const all = (node) => [...node.querySelectorAll('*')].flatMap(deep);
  const slider = all(root).find((element) => element.classList?.contains('slider'));
  const canvas = root.querySelector('canvas');
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
  const picture = () => {
    copy.clearRect(0, 0, canvas.width, canvas.height);
    copy.drawImage(canvas, 0, 0);
    return new Uint32Array(copy.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
  };
  const before = picture();
  const start = performance.now();
  slider.value = to;
  slider.dispatchEvent(new Event('input'));
  while (performance.now() - start < 3000) {
    await new Promise(requestAnimationFrame);
    const drawn = performance.now();
    if (picture().some((pixel, index) => pixel !== before[index])) return drawn - start;
  }
  return Infinity;
}"""
"""Moves the slider and gives the milliseconds until the picture is another one."""


def synthetic_result(frames: int = FRAMES, size: int = SIZE, seeds: tuple[int, ...] = (0,)) -> RunResult:
    """A run on the circle in closed form: lambda_i(t) = size i^-2 (1 + t/3), modes that decay as exp(-lambda_i t)."""
    config = RunConfig.from_dict({"data": {"name": "circle", "size": size, "test_size": 256}, "seeds": list(seeds)})
    i, angle = np.arange(1, size + 1), 2 * np.pi * np.arange(128) / 128
    limit = {"limit/eigenvalues": size / i**2, "limit/profile": 1 + np.cos(angle) ** 2}
    found = tuple(_synthetic_seed(seed, frames, size, config) for seed in seeds)
    return RunResult(limit, config, {"config_hash": "synthetic"}, found)


def _synthetic_seed(seed: int, frames: int, size: int, config: RunConfig) -> SeedResult:
    step = np.append(0, np.geomspace(1, 1000, max(frames - 1, 0))) if frames > 1 else np.zeros(1)
    t, i = step / 1000, np.arange(1, size + 1)
    angle = {count: 2 * np.pi * np.arange(count) / count for count in (size, 256, 128)}
    eigenvalues = size / i**2.0 * (1 + t[:, None] / 3)
    modes = np.exp(-t[:, None] * size / i**2.0) / np.sqrt(size)
    residual = np.linalg.norm(modes, axis=1)
    fall = (1 - np.exp(-5 * t))[:, None, None]
    scalars = dict.fromkeys(("train_error", "test_error"), residual**2) | dict.fromkeys(("drift", "shape_drift"), t / 3)
    alignments = dict.fromkeys(("cka", "alignment_train", "alignment_test"), 1 - t / 3)
    arrays = {
        "step": step,
        "t": t,
        "loss": 0.5 * residual**2,
        "residual": residual,
        "lambda_max": eigenvalues[:, 0],
        **scalars,
        **alignments,
        "eigenvalues": eigenvalues,
        "mode_residual": modes,
        "overlap": np.ones((frames, 6)),
        "layer_share": np.ones((frames, 4)) / 4,
        "layer_drift": t[:, None] * np.arange(1, 5) / 3,
        "profile": np.exp(t[:, None]) * (1 + np.cos(angle[128]) ** 2),
        "kernel_shown": np.ones((frames, 32, 32)) * (1 + t[:, None, None]),
        "f_train": (fall * np.cos(2 * angle[size])[None, :, None]).astype(np.float32),
        "f_test": (fall * np.cos(2 * angle[256])[None, :, None]).astype(np.float32),
    }
    rate = float(t[1]) if frames > 1 else 1e-3
    return SeedResult(arrays, seed, "max_steps", rate, rate * size, int(step[-1]), float(t[-1]))


def page() -> None:
    """The page that is measured."""
    from functools import partial

    import streamlit as st

    from engine.data import generate
    from pages.charts.animated import animated
    from pages.charts.evolution import SPECTRUM, evolution_chart, evolution_tables
    from pages.charts.kernel import spectrum_panel, spectrum_table
    from pages.charts.panels import panels
    from pages.charts.theme import ask
    from pages.shell import player
    from pages.shell.figure import draw_chart

    st.set_page_config(layout="wide")
    result = synthetic_result()
    tables = evolution_tables(result, generate(result.config.data))
    spectrum = ask(SPECTRUM, spectrum_panel(spectrum_table(result).frame))
    for key, chart in (
        ("spectrum", animated(spectrum, FRAMES)),
        ("evolution", evolution_chart(tables)),
    ):
        player.show(partial(draw_chart, panels(chart)), tables.labels, key=key)
    st.button("Run again")


def frames_per_second(browser_page: Any, key: str, fps: int = 30, seconds: float = 4) -> float:
    return browser_page.evaluate(PLAY, [key, fps, seconds])


def slider_latency(browser_page: Any, key: str, moves: int = MOVES, frames: int = FRAMES) -> list[float]:
    """Milliseconds from the slider's event to another picture, sorted."""
    targets = [(37 * (move + 1)) % frames for move in range(moves)]
    return sorted(browser_page.evaluate(MOVE, [key, to]) for to in targets)


def main() -> None:
    """Measures and prints."""
    from playwright.sync_api import sync_playwright

    with served_script("from benchmarks.animation import page\npage()") as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        shown = browser.new_page(viewport={"width": 1280, "height": 900})
        received = []
        shown.on("websocket", lambda socket: socket.on("framereceived", lambda data: received.append(len(data))))
        shown.goto(address)
        shown.wait_for_selector(".st-key-evolution canvas", timeout=60_000)
        shown.wait_for_timeout(1500)
        load = os.getloadavg()[0]
        print(
            f"{FRAMES} frames x {SIZE} eigenvalues, Chromium {browser.version}, {os.cpu_count()} cores, load {load:.1f}"
        )
        print(f"payload of the page: {sum(received) / 1e3:,.0f} kB")
        for key in ("spectrum", "evolution"):
            latency = slider_latency(shown, key)
            rate = frames_per_second(shown, key)
            print(
                f"{key}: {rate:.1f} frames/s of 30 asked; slider answers in {statistics.median(latency):.0f} ms "
                f"(median), {latency[-1]:.0f} ms (worst of {len(latency)})"
            )
        browser.close()


if __name__ == "__main__":
    main()
