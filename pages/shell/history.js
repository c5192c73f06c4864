// Streamlit makes a step of the history whenever it opens a page, and another one when the page writes its parameters;
// where a script opens a page, first one with the new parameters on the old page. Back would stop at each. Here a step
// that nobody did anything for takes the place of the one before, where either of the two opened a page.
const INSTALLED = Symbol.for("kernel drift: steps of the history");
const LOOK = 100, REST = 1000; // milliseconds

export default function ({ data, setTriggerValue }) {
  const steps = (window[INSTALLED] ??= install());
  clearTimeout(telling);
  steps.rested = 0;
  if (!data.ready) tell(steps, () => setTriggerValue("ready", true));
}

// What is told while the page still takes up an early click, or Back after it, would make Streamlit forget the latter.
let telling = 0;

function tell(steps, ready) {
  if (!navigator.userActivation?.hasBeenActive || steps.rested >= REST) return ready();
  const rests = document.querySelector(".stApp")?.dataset.testScriptState === "notRunning";
  steps.rested = rests ? steps.rested + LOOK : 0;
  telling = setTimeout(tell, LOOK, steps, ready);
}

function install() {
  const steps = { rested: 0 }; // milliseconds since anything was done or drawn
  const push = history.pushState.bind(history);
  // Somebody may have clicked before this came.
  let acted = navigator.userActivation?.hasBeenActive ?? false, opened = true;

  const act = (event) => { acted ||= event.isTrusted; steps.rested = 0; };
  ["pointerdown", "keydown", "input", "change", "drop"].forEach((kind) => window.addEventListener(kind, act, true));
  window.addEventListener("popstate", () => { acted = false; opened = true; steps.rested = 0; }, true);

  history.pushState = (state, title, url) => {
    const opens = new URL(url ?? location.href, location.href).pathname !== location.pathname;
    const same = !acted && (opens || opened);
    if (same) history.replaceState(state, title, url);
    else push(state, title, url);
    acted = false;
    opened = opens || (same && opened);
  };
  return steps;
}
