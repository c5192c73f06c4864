"""Plays an animated chart in the browser: no server call per frame, no iframe.

Vega binds the chart's `frame` parameter to a range input. The player finds that input through the class that
Streamlit gives to the container of a key, hides it, and steps it from `requestAnimationFrame`.
"""

from collections.abc import Callable, Sequence
from functools import cache

import altair as alt
import streamlit as st
from streamlit.components.v2 import component

SPEEDS = (5, 10, 20, 30)
"""Frames a second to choose from."""

PLAY_SECONDS = 7
"""The speed at first is the one that plays the whole in about this time."""


def show(
    chart: alt.Chart | alt.LayerChart | alt.VConcatChart | alt.HConcatChart,
    labels: Sequence[str],
    key: str,
    start: int = 0,
    autoplay: bool = False,
    description: str = "A chart that moves with the checkpoints of training.",
) -> None:
    """The chart under its player, in a container of this key.

    Args:
        chart: with a `frame` parameter (`pages.charts.animated`, `pages.charts.evolution_chart`).
        labels: one line per frame, read out by screen readers.
        key: unique on the page.
        start: frame shown first, and again when `labels` change.
        autoplay: plays as soon as the chart is there, unless the reader prefers reduced motion.
        description: what the chart shows, for screen readers.
    """
    with st.container(key=key):
        controls(key, labels, start, autoplay)
        st.altair_chart(chart, theme="streamlit", width="content", key=f"{key}-chart", alt=description)


def controls(key: str, labels: Sequence[str], start: int = 0, autoplay: bool = False) -> None:
    """The player alone: it moves every animated chart in the container of this key."""
    data = {"container": key, "labels": list(labels), "start": start, "autoplay": autoplay, "speed": speed(len(labels))}
    _component()(data=data, key=f"{key}-player")


def speed(frames: int) -> int:
    """Of `SPEEDS`, the one that comes nearest to playing this many frames in `PLAY_SECONDS`."""
    return min(SPEEDS, key=lambda fps: abs(fps - frames / PLAY_SECONDS))


@cache
def _component() -> Callable[..., object]:
    return component("kernel_drift_player", html=HTML, css=CSS, js=JS)


def _icon(path: str) -> str:
    return f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{path}"/></svg>'


HTML = f"""
<div class="player" role="group" aria-label="Animation over training">
  <button class="play" aria-label="Play" title="Play (space)">
    <span class="to-play">{_icon("M8 5v14l11-7z")}</span>
    <span class="to-pause">{_icon("M6 5h4v14H6zM14 5h4v14h-4z")}</span>
  </button>
  <button class="back" aria-label="One checkpoint back" title="One checkpoint back">
    {_icon("M6 5h3v14H6zM19 5v14l-9-7z")}
  </button>
  <button class="forward" aria-label="One checkpoint on" title="One checkpoint on">
    {_icon("M15 5h3v14h-3zM5 5v14l9-7z")}
  </button>
  <input class="slider" type="range" min="0" max="0" step="1" value="0" aria-label="Checkpoint">
  <output class="count"></output>
  <button class="loop" aria-label="Loop" title="Loop" aria-pressed="false">
    {_icon("M7 7h10v3l4-4-4-4v3H5v6h2zM17 17H7v-3l-4 4 4 4v-3h12v-6h-2z")}
  </button>
  <select class="speed" aria-label="Frames a second">
    {"".join(f'<option value="{fps}">{fps} frames/s</option>' for fps in SPEEDS)}
  </select>
</div>
"""

CSS = """
.player { display: flex; align-items: center; gap: 0.35rem; max-width: 52rem; color: var(--st-text-color);
  font-family: var(--st-font); font-size: 0.875rem; }
button, select { height: 2rem; border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, 0.5rem);
  background: var(--st-background-color); color: inherit; font: inherit; cursor: pointer; }
button { display: inline-flex; align-items: center; justify-content: center; width: 2.25rem; padding: 0; flex: none; }
button:hover:not(:disabled), select:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button[aria-pressed="true"] { border-color: var(--st-primary-color); color: var(--st-primary-color); }
:disabled { opacity: 0.4; cursor: default; }
:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
svg { display: block; width: 1.15rem; height: 1.15rem; fill: currentColor; }
.playing .to-play, .player:not(.playing) .to-pause { display: none; }
.slider { flex: 1; min-width: 5rem; height: 1.5rem; margin: 0 0.35rem; cursor: pointer; appearance: none;
  background: none; --ground: linear-gradient(
    to right, var(--st-primary-color) var(--done, 0%), var(--st-border-color) var(--done, 0%)); }
.slider:focus { outline: none; }
.slider::-webkit-slider-runnable-track { height: 0.25rem; border-radius: 0.125rem; background: var(--ground); }
.slider::-moz-range-track { height: 0.25rem; border-radius: 0.125rem; background: var(--ground); }
.slider::-webkit-slider-thumb { appearance: none; width: 0.9rem; height: 0.9rem; margin-top: -0.325rem; border: none;
  border-radius: 50%; background: var(--st-primary-color); }
.slider::-moz-range-thumb { width: 0.9rem; height: 0.9rem; border: none; border-radius: 50%;
  background: var(--st-primary-color); }
.slider:focus-visible::-webkit-slider-thumb { outline: 2px solid var(--st-text-color); outline-offset: 2px; }
.slider:focus-visible::-moz-range-thumb { outline: 2px solid var(--st-text-color); outline-offset: 2px; }
.count { min-width: 4.5rem; text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
"""

JS = r"""
const players = new WeakMap();

export default function ({ data, parentElement }) {
  let player = players.get(parentElement);
  const fresh = !player || !parentElement.contains(player.root);
  if (fresh) {
    player?.stop();
    player = create(parentElement.querySelector(".player"));
    players.set(parentElement, player);
  }
  player.update(data, fresh);
  return () => player.leave();
}

function create(root) {
  const part = (name) => root.querySelector("." + name);
  const [play, slider, count, speed, loop] = ["play", "slider", "count", "speed", "loop"].map(part);
  const reduced = window.matchMedia("(prefers-reduced-motion: reduce)");
  let data = null, labels = "", frame = 0, last = 0, request = 0, due = 0, waiting = false, observer = null;

  // The inputs that Vega binds to `frame` in this container; new ones appear whenever a chart is drawn anew.
  const inputs = () => document.querySelectorAll(
    ".st-key-" + CSS.escape(data.container) + ' .vega-bind input[type="range"][name="frame"]');

  function send(input) {
    if (Number(input.value) === frame && input.dataset.frame === String(frame)) return;
    input.value = frame;
    input.dataset.frame = frame;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function draw() {
    slider.value = frame;
    slider.style.setProperty("--done", (last > 0 ? (100 * frame) / last : 0) + "%");
    slider.setAttribute("aria-valuetext", data.labels[frame] ?? "");
    count.textContent = (last < 0 ? 0 : frame + 1) + " / " + (last + 1);
    part("back").disabled = frame <= 0;
    part("forward").disabled = frame >= last;
  }

  function go(to) {
    frame = Math.min(Math.max(to, 0), Math.max(last, 0));
    draw();
    inputs().forEach(send);
  }

  function tick(now) {
    request = requestAnimationFrame(tick);
    if (now < due) return;
    const wait = 1000 / Number(speed.value);
    // A late frame does not make the next ones hurry, beyond the one that is due.
    due = Math.max(due + wait, now);
    if (frame < last) go(frame + 1);
    else if (loop.getAttribute("aria-pressed") === "true") go(0);
    else stop();
  }

  function start() {
    if (request || last < 1) return;
    waiting = false;
    if (frame >= last) go(0);
    root.classList.add("playing");
    play.setAttribute("aria-label", "Pause");
    play.title = "Pause (space)";
    due = performance.now() + 1000 / Number(speed.value);
    request = requestAnimationFrame(tick);
  }

  function stop() {
    cancelAnimationFrame(request);
    request = 0;
    root.classList.remove("playing");
    play.setAttribute("aria-label", "Play");
    play.title = "Play (space)";
  }

  const toggle = () => (request ? stop() : start());

  function attach() {
    const found = inputs();
    found.forEach((input) => {
      input.closest(".vega-bind").style.display = "none";
      if (input.dataset.frame === undefined) send(input);
    });
    if (found.length && waiting) start();
  }

  play.onclick = toggle;
  part("back").onclick = () => { stop(); go(frame - 1); };
  part("forward").onclick = () => { stop(); go(frame + 1); };
  slider.oninput = () => { stop(); go(Number(slider.value)); };
  slider.onkeydown = (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    toggle();
  };
  loop.onclick = () => loop.setAttribute("aria-pressed", String(loop.getAttribute("aria-pressed") !== "true"));

  return {
    root,
    stop,
    update(given, fresh) {
      const changed = JSON.stringify(given.labels) !== labels;
      data = given;
      labels = JSON.stringify(given.labels);
      last = given.labels.length - 1;
      slider.max = Math.max(last, 0);
      [play, slider, speed, loop].forEach((element) => { element.disabled = last < 1; });
      if (fresh) speed.value = given.speed;
      if (changed) {
        stop();
        frame = Math.min(Math.max(given.start, 0), Math.max(last, 0));
        waiting = given.autoplay && !reduced.matches;
      }
      draw();
      observer?.disconnect();
      observer = new MutationObserver(attach);
      const container = document.querySelector(".st-key-" + CSS.escape(given.container));
      if (container) observer.observe(container, { childList: true, subtree: true });
      attach();
      if (changed) inputs().forEach(send);
    },
    leave() {
      observer?.disconnect();
      if (!root.isConnected) stop();
    },
  };
}
"""
