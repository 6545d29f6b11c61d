"use strict";
// Histograms of the units of the chosen network: whole numbers, packed as those of lines are (gradsim/report/spreads.py). It
// stands before page.js in one script, and uses what is there when it is called.

const HEAD = 5, FAR = 100;  // of a histogram: numbers before its bars; scales that are so far apart are not shared
const WIDE = 220, HIGH = 128, FLOOR = 106, TOP = 20, EDGE = 8, LETTER = 4.2;  // of the picture of one; half a letter of it

const within = [];  // of each network and quantity: where its numbers begin
let units;

function locateUnits() {
  let at = 0;
  for (const cell of data.spreads.counted.keys()) {
    within[cell] = data.spreads.quantities.map(() => {
      const start = at;
      at += 2 + units[at] * (HEAD + data.spreads.bars);
      return start;
    });
  }
}

// {all: [{layer, low, high, power, notes, heights}], there}: ends in 10^power, 0 where numbers are of a usual size.
function histograms(cell, quantity) {
  const start = within[cell][quantity], size = HEAD + data.spreads.bars;
  const all = Array.from({ length: units[start] }, (_, k) => {
    const part = units.subarray(start + 2 + k * size, start + 2 + (k + 1) * size);
    const [layer, decades, low, high, note] = part, power = decades >= -2 && decades < 3 ? 0 : decades;
    const factor = 10 ** (decades - data.spreads.digits - power), notes = data.spreads.notes[note].split("\n");
    return { layer, power, low: low * factor, high: high * factor, notes, heights: part.subarray(HEAD) };
  });
  return { all, there: units[start + 1] };
}

// The ends of a scale for all, in 10^power; null where some would be a line.
function together(all) {
  const power = Math.max(...all.filter((one) => one.high > one.low).map((one) => one.power));
  const ends = all.map(({ low, high, power: own }) => [low * 10 ** (own - power), high * 10 ** (own - power)]);
  const sizes = ends.map(([low, high]) => high - low).filter((size) => size > 0);
  if (!sizes.length || Math.max(...sizes) > FAR * Math.min(...sizes)) return null;
  return { low: Math.min(...ends.map((pair) => pair[0])), high: Math.max(...ends.map((pair) => pair[1])), power };
}

function ticks(low, high) {
  const raw = (high - low) / 4, power = 10 ** Math.floor(Math.log10(raw));
  const every = [1, 2, 2.5, 5, 10].find((one) => one * power >= raw * 0.999) * power, found = [];
  for (let k = Math.ceil(low / every - 1e-9); k * every <= high + 1e-9 * every; k++) {
    found.push(Number((k * every).toPrecision(6)));
  }
  return found;
}

function bars(one, { low, high, power }) {
  const at = (value) => EDGE + (value - low) / (high - low) * (WIDE - 2 * EDGE), factor = 10 ** (one.power - power);
  const place = (k) => at((one.low + k / data.spreads.bars * (one.high - one.low)) * factor).toFixed(2);
  const top = (height) => (FLOOR - height / data.spreads.highest * (FLOOR - TOP)).toFixed(2);
  const steps = Array.from(one.heights, (height, k) => `V${top(height)}H${place(k + 1)}`);
  const marks = ticks(low, high).flatMap((value) => {
    const text = `${value}`.replace("-", "−"), half = LETTER * text.length, x = Math.min(Math.max(at(value), half), WIDE - half);
    return [drawing("path", { d: `M${at(value)} ${FLOOR}v4`, stroke: "#444" }),
      drawing("text", { x, y: HIGH - 4, "text-anchor": "middle" }, text)];
  });
  const all = drawing("path", { d: `M${place(0)} ${FLOOR}${steps.join("")}V${FLOOR}Z`, fill: data.colours[0], "fill-opacity": 0.75 });
  return [
    ...(one.high > one.low ? [all] : []),
    drawing("path", { d: `M${EDGE} ${FLOOR}H${WIDE - EDGE}`, stroke: "#444" }),
    ...marks,
  ];
}

function histogram(one, shared, unit) {
  const scale = shared ?? one, seen = shared || one.heights.some((height) => height > 0);
  const words = [`${unit} ${one.layer}`];
  if (seen && scale.power) words.push(", in 10", element("sup", `${scale.power}`.replace("-", "−")));
  const notes = one.notes.map((text, line) => drawing("text", { x: WIDE - EDGE, y: TOP - 7 + 15 * line, "text-anchor": "end" }, text));
  const name = [`${unit} ${one.layer}`, ...one.notes].filter((text) => text).join(", ");
  const look = { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "font-size": 14, fill: "#333", "aria-label": name };
  const svg = drawing("svg", look, ...(seen ? bars(one, scale) : []), ...notes);
  return element("figure", [element("figcaption", words), svg]);
}

// Whether blocks of the chosen network have more than one place of what is shown.
function several() {
  const { name } = data.spreads.quantities[Number(by("counted").value)];
  return quantities.has(name) && here(name, state.cell).filter((place) => place !== "input").length > 1;
}

function drawHistograms() {
  if (!data.spreads?.numbers) return;
  const { all, there } = histograms(state.cell, Number(by("counted").value));
  const shared = by("alike").checked ? together(all) : null;
  const count = data.spreads.counted[state.cell], some = all.some((one) => one.high > one.low);
  by("spreads").replaceChildren(...all.map((one) => histogram(one, shared, data.verdicts[state.cell].unit)));
  by("spread").replaceChildren(...(all.length ? [
    `all units of the first ${count === 1 ? "network" : `${count} networks`} drawn, for all inputs; exact zeros are in no bar`,
    `${data.spreads.bars} bars from end to end, with at most 0.1 % of the units beyond either end (infinities among them) ` +
      "unless it says so; heights are each layer's own",
    ...(several() ? ["where a block has several of these, the last one is shown"] : []),
    ...(all.length < there ? [`${all.length} of ${there} layers are shown`] : []),
    ...(by("alike").checked && some && !shared ? ["layers are too far apart for one scale: each has its own"] : []),
  ] : ["the units of this network were not counted"]).map((text) => element("li", text)));
}

async function startHistograms() {
  by("histograms").hidden = false;
  if (!data.spreads.numbers) {
    document.querySelector(".choice").hidden = true;
    by("spread").append(element("li", "they have no room on a page of so many networks: choose some of these with --select"));
    return;
  }
  units = await unpacked(data.spreads.numbers);
  locateUnits();
  by("counted").append(...data.spreads.quantities.map((one, k) => element("option", one.title, { value: k })));
  by("counted").value = Math.max(0, data.spreads.quantities.findIndex((one) => one.name === "activation"));
}
