// Streamlit makes a step of the history whenever it opens a page, and another one when the page writes its parameters;
// where a script opens a page, first one with the new parameters on the old page. Back would stop at each. Here a step
// that nobody did anything for takes the place of the one before, where either of the two opened a page.
const INSTALLED = Symbol.for("kernel drift: steps of the history");
const LOOK = 100, REST = 1000; // milliseconds

export default function ({ data, setTriggerValue }) {
  install();
  clearTimeout(telling);
  if (!data.ready) tell(() => setTriggerValue("ready", true));
}

// What is told while the page still takes up an early click, or Back after it, would make Streamlit forget the latter.
let telling = 0;

function tell(ready, rested = 0) {
  if (!navigator.userActivation?.hasBeenActive || rested >= REST) return ready();
  const rests = document.querySelector(".stApp")?.dataset.testScriptState === "notRunning";
  telling = setTimeout(() => tell(ready, rests ? rested + LOOK : 0), LOOK);
}

function install() {
  if (window[INSTALLED]) return;
  window[INSTALLED] = true;
  const push = history.pushState.bind(history);
  // Somebody may have clicked before this came.
  let acted = navigator.userActivation?.hasBeenActive ?? false, opened = true;

  const act = (event) => { acted ||= event.isTrusted; };
  ["pointerdown", "keydown", "input", "change", "drop"].forEach((kind) => window.addEventListener(kind, act, true));
  window.addEventListener("popstate", () => { acted = false; opened = true; }, true);

  history.pushState = (state, title, url) => {
    const opens = new URL(url ?? location.href, location.href).pathname !== location.pathname;
    const same = !acted && (opens || opened);
    if (same) history.replaceState(state, title, url);
    else push(state, title, url);
    acted = false;
    opened = opens || (same && opened);
  };
}
