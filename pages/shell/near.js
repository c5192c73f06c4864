// Streamlit draws all charts of a page at once, and nothing answers meanwhile. Here a chart has no width, and Streamlit
// waits for one, until it comes near the window; those far away follow one by one when the browser has nothing to do.
const INSTALLED = Symbol.for("kernel drift: charts near the window");
const CHART = '[data-testid="stVegaLiteChart"]';
const NEAR = { rootMargin: "50% 0px", scrollMargin: "50% 0px" };
const QUIET = 700, LONGEST = 3000; // milliseconds

export default function () {
  if (window[INSTALLED]) return;
  window[INSTALLED] = true;
  const waiting = new Set();
  let timer = 0, page = location.pathname;

  const observer = new IntersectionObserver((entries) => {
    entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target));
  }, NEAR);

  function draw(chart) {
    waiting.delete(chart);
    observer.unobserve(chart);
    chart.dataset.near = "";
  }

  // A chart that goes while it is pointed at leaves the words beside the pointer: to be read aloud, and printed.
  function fallSilent() {
    const words = document.getElementById("vg-tooltip-element");
    const pointed = page === location.pathname && document.querySelector(CHART + ":hover");
    page = location.pathname;
    if (pointed || !words?.hasChildNodes()) return;
    words.className = "vg-tooltip";
    words.replaceChildren();
  }

  function look() {
    fallSilent();
    for (const chart of waiting) if (!chart.isConnected) draw(chart);
    const fresh = [...document.querySelectorAll(CHART + ":not([data-near])")].filter((chart) => !waiting.has(chart));
    for (const chart of fresh) {
      waiting.add(chart);
      observer.observe(chart);
    }
    if (fresh.length) later(QUIET);
  }

  function later(pause) {
    clearTimeout(timer);
    timer = setTimeout(() => requestIdleCallback(next, { timeout: LONGEST }), pause);
  }

  async function next() {
    await drawn(document.querySelectorAll(CHART + "[data-near]"));
    const chart = [...waiting].find((one) => one.checkVisibility());
    if (!chart) return;
    draw(chart);
    later(0);
  }

  // Charts that no tab hides have their picture, or some has none to come.
  async function drawn(charts) {
    const bare = (chart) => chart.checkVisibility() && !chart.querySelector(".marks");
    const end = performance.now() + LONGEST;
    while ([...charts].some(bare) && performance.now() < end) await new Promise((done) => setTimeout(done, 20));
  }

  async function all() {
    const charts = [...waiting];
    charts.forEach(draw);
    await drawn(charts);
  }

  const print = window.print.bind(window);
  window.print = () => void all().then(print);
  window.addEventListener("beforeprint", () => {
    document.documentElement.dataset.theme = getComputedStyle(document.querySelector(".stApp")).colorScheme;
    void all();
  });
  window.addEventListener("keydown", (event) => {
    if (event.key !== "p" || !(event.ctrlKey || event.metaKey) || !waiting.size) return;
    event.preventDefault();
    window.print();
  }, true);

  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
  look();
}
