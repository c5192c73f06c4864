const players = new WeakMap();
const REST = 300; // milliseconds

export default function ({ data, parentElement, setTriggerValue }) {
  let player = players.get(parentElement);
  const fresh = !player || !parentElement.contains(player.root);
  if (fresh) {
    player?.stop();
    player = create(parentElement.querySelector(".player"));
    players.set(parentElement, player);
  }
  player.update(data, fresh, setTriggerValue);
  return () => player.leave();
}

function create(root) {
  const part = (name) => root.querySelector("." + name);
  const [play, slider, count, speed, loop] = ["play", "slider", "count", "speed", "loop"].map(part);
  const reduced = window.matchMedia("(prefers-reduced-motion: reduce)");
  let data = null, labels = "", frame = 0, last = 0, request = 0, due = 0, waiting = false, observer = null;
  let trigger = null, timer = 0, asked = 0, told = 0, byItself = false;

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

  // Where the reader has come to rest goes into the link, once for a burst of steps.
  function rest() {
    clearTimeout(timer);
    timer = setTimeout(tell, REST);
    ["pointerdown", "keydown"].forEach((event) => document.addEventListener(event, elsewhere, true));
  }

  // At once where a link is pressed: what comes after it is not heeded. Later where anything else is done: of two changes
  // in one moment Streamlit would draw but the part of the page that one of them is in.
  function elsewhere(event) {
    const path = event.composedPath();
    if (path.includes(root)) return;
    if (path.some((one) => one.localName === "a")) tell();
    else rest();
  }

  function tell() {
    clearTimeout(timer);
    ["pointerdown", "keydown"].forEach((event) => document.removeEventListener(event, elsewhere, true));
    if (request || !data.tells || frame === told || !root.isConnected) return;
    told = frame;
    trigger("frame", frame);
  }

  function tick(now) {
    request = requestAnimationFrame(tick);
    if (now < due) return;
    const wait = 1000 / Number(speed.value);
    // A late frame does not make the next ones hurry, beyond the one that is due.
    due = Math.max(due + wait, now);
    if (frame < last) go(frame + 1);
    else if (loop.getAttribute("aria-pressed") === "true") go(0);
    else if (byItself) stop();
    else pause();
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

  function pause() {
    stop();
    rest();
  }

  function toggle() {
    if (request) pause();
    else start();
    byItself = false;
  }

  function attach() {
    const found = inputs();
    found.forEach((input) => {
      input.closest(".vega-bind").style.display = "none";
      if (input.dataset.frame === undefined) send(input);
    });
    if (!found.length || !waiting) return;
    start();
    byItself = true;
  }

  play.onclick = toggle;
  part("back").onclick = () => { pause(); go(frame - 1); };
  part("forward").onclick = () => { pause(); go(frame + 1); };
  slider.oninput = () => { stop(); go(Number(slider.value)); };
  slider.onchange = rest;
  slider.onkeydown = (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    toggle();
  };
  loop.onclick = () => loop.setAttribute("aria-pressed", String(loop.getAttribute("aria-pressed") !== "true"));

  return {
    root,
    stop,
    update(given, fresh, setTriggerValue) {
      const changed = JSON.stringify(given.labels) !== labels;
      // Another frame than it was, and none that was told from here: the browser went back.
      const sent = !changed && given.start !== asked && given.start !== told;
      data = given;
      trigger = setTriggerValue;
      asked = given.start;
      labels = JSON.stringify(given.labels);
      last = given.labels.length - 1;
      slider.max = Math.max(last, 0);
      [play, slider, speed, loop].forEach((element) => { element.disabled = last < 1; });
      if (fresh) {
        speed.replaceChildren(...given.speeds.map((fps) => new Option(`${fps} frames/s`, fps)));
        speed.value = given.speed;
      }
      if (changed) {
        stop();
        frame = Math.min(Math.max(given.start, 0), Math.max(last, 0));
        waiting = given.autoplay && !reduced.matches;
      } else if (sent) {
        stop();
        frame = Math.min(Math.max(given.start, 0), Math.max(last, 0));
      }
      if (changed || sent) told = frame;
      draw();
      observer?.disconnect();
      observer = new MutationObserver(attach);
      const container = document.querySelector(".st-key-" + CSS.escape(given.container));
      if (container) observer.observe(container, { childList: true, subtree: true });
      attach();
      if (changed || sent) inputs().forEach(send);
    },
    leave() {
      observer?.disconnect();
      if (!root.isConnected) stop();
    },
  };
}
