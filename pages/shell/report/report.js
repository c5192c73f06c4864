"use strict";
const dark = matchMedia("(prefers-color-scheme: dark)");
const kept = new Map();
const LIGHT = "#ffffff", DARK = "#171614";

function onEither(light, dark) {
  return { expr: `luminance(background) > 0.4 ? '${light}' : '${dark}'` };
}

function coloured(spec) {
  const [grid, axis] = [onEither("#e6e6ea", "#34332f"), onEither("#b0b0b8", "#6d6c68")];
  const given = spec.config || {};
  const own = {
    ...given,
    background: dark.matches ? DARK : LIGHT,
    font: '"Source Sans Pro", system-ui, Helvetica, Arial, sans-serif',
    view: { stroke: null },
    axis: { ...given.axis, gridColor: grid, domainColor: axis, tickColor: axis, titleFontWeight: "normal" },
    legend: { ...given.legend, titleFontWeight: "normal" },
  };
  const room = { width: "container", autosize: { type: "fit", contains: "padding" } };
  return { ...spec, config: own, ...("width" in spec ? {} : room) };
}

// On a telephone the names of a legend one under another, and titles of axes in lines.
const NARROW = 480, LINE = 36;

function fitting(text, width) {
  if (width >= NARROW) return text;
  return JSON.stringify(JSON.parse(text, (key, value) => {
    if (key === "legend" && value?.columns) return { ...value, columns: 1 };
    if (key === "title" && typeof value === "string" && value.length > LINE) return inLines(value);
    return value;
  }));
}

function inLines(text) {
  return text.split(" ").reduce((lines, word) => {
    const longer = `${lines.at(-1)} ${word}`.trim();
    return longer.length > LINE ? [...lines, word] : [...lines.slice(0, -1), longer];
  }, [""]);
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
      const spec = alone(coloured(JSON.parse(fitting(text.textContent, place.clientWidth))), text === texts.at(-1));
      kept.set(place, await vegaEmbed(place, spec, { actions }));
    }
    together(texts.map((text) => kept.get(document.getElementById(text.dataset.chart)).view));
  }
}

// Paper is white: text and axes of a chart take the colours that its ground asks for.
function onGround(colour) {
  for (const { view } of kept.values()) view.background(colour).run();
}
addEventListener("beforeprint", () => onGround(LIGHT));
addEventListener("afterprint", () => onGround(dark.matches ? DARK : LIGHT));

let last = draw();
dark.addEventListener("change", () => { last = last.then(draw); });
