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
  const room = { width: "container", autosize: { type: "fit", contains: "padding" } };
  return { ...spec, config: own, ...("width" in spec ? {} : room) };
}

// One slider for the panels of a figure: that of the last, under them all.
function alone(spec, last) {
  if (last || !spec.params) return spec;
  return { ...spec, params: spec.params.map(({ bind, ...rest }) => rest) };
}

function together(views) {
  const leader = views.at(-1);
  const others = views.filter((view) => view !== leader && "frame" in view.getState().signals);
  if (!others.length || !("frame" in leader.getState().signals)) return;
  leader.addSignalListener("frame", (_, at) => others.forEach((view) => view.signal("frame", at).runAsync()));
}

async function draw() {
  for (const figure of document.querySelectorAll("figure")) {
    const texts = [...figure.querySelectorAll("script[data-chart]")];
    for (const text of texts) {
      const place = document.getElementById(text.dataset.chart);
      kept.get(place)?.finalize();
      const actions = { export: true, source: false, compiled: false, editor: false };
      const spec = alone(coloured(JSON.parse(text.textContent)), text === texts.at(-1));
      kept.set(place, await vegaEmbed(place, spec, { actions }));
    }
    together(texts.map((text) => kept.get(document.getElementById(text.dataset.chart)).view));
  }
}

let last = draw();
dark.addEventListener("change", () => { last = last.then(draw); });
