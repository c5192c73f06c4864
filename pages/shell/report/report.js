"use strict";
const dark = matchMedia("(prefers-color-scheme: dark)");
const kept = new Map();

function coloured(spec) {
  const [ground, grid, axis] = dark.matches ? ["#171614", "#34332f", "#6d6c68"] : ["#ffffff", "#e6e6ea", "#b0b0b8"];
  const given = spec.config || {};
  const own = {
    ...given,
    background: ground,
    font: '"Source Sans Pro", system-ui, Helvetica, Arial, sans-serif',
    view: { stroke: null },
    axis: { ...given.axis, gridColor: grid, domainColor: axis, tickColor: axis, titleFontWeight: "normal" },
    legend: { ...given.legend, titleFontWeight: "normal" },
  };
  const nested = ["hconcat", "vconcat", "concat", "facet"].some((name) => name in spec);
  return { ...spec, config: own, ...(nested || "width" in spec ? {} : { width: "container" }) };
}

async function draw() {
  for (const text of document.querySelectorAll("script[data-chart]")) {
    const place = document.getElementById(text.dataset.chart);
    kept.get(place)?.finalize();
    const actions = { export: true, source: false, compiled: false, editor: false };
    kept.set(place, await vegaEmbed(place, coloured(JSON.parse(text.textContent)), { actions }));
  }
}

let last = draw();
dark.addEventListener("change", () => { last = last.then(draw); });
