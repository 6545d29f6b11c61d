"use strict";
// What lies in the page as data is text from a file: it becomes text of elements, never markup (docs/report.md).

const data = JSON.parse(document.getElementById("data").textContent);
const ALL = "all of them", NONE = "–";
const MOST = 40;  // lines along an axis
const NAMED = 8;  // lines that have a colour of their own, and a band; more have a scale
const LEAST_HIGH = 2, BEYOND = 8;  // decades
const APART = 0.05;  // of the height of a picture: labels that are closer would lie on one another
const SCALE = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#a5d635"];  // viridis
const PLACES = ["solid", "dash", "dashdot", "dot", "longdash", "longdashdot"];
const THEORIES = {
  exact: { dash: "6px,3px", words: "theory: exact law (mean of the log)" },
  mean_field: { dash: "2px,3px", words: "theory: mean field (infinite width)" },
};
const SHADES = { stable: "#068A59", vanishing: "#FA980B", exploding: "#C74A00", split: "#A8649A", "non-finite": "#7C0009" };
const SVG = "http://www.w3.org/2000/svg";
const POWERS = { tickprefix: "10<sup>", ticksuffix: "</sup>" };
const CONFIG = {
  displaylogo: false, responsive: true,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
};

const by = (id) => document.getElementById(id);

function element(name, content = "", attributes = {}) {
  const made = document.createElement(name);
  made.append(...[content].flat());
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function drawing(name, attributes, ...content) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

// Text inside a picture, where the library knows some markup.
const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

// ---- numbers: differences of int32, the sign behind, byte plane by byte plane, zlib, base64 (gradsim/report/lines.py)

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const count = planes.length / 4, found = new Int32Array(count);
  for (let k = 0, sum = 0; k < count; k++) {
    const signed = planes[k] | planes[count + k] << 8 | planes[2 * count + k] << 16 | planes[3 * count + k] << 24;
    sum = (sum + ((signed >>> 1) ^ -(signed & 1))) | 0;
    found[k] = sum;
  }
  return found;
}

const lines = data.lines, special = lines.special, quantities = new Map();
let numbers;

function locate() {
  let start = 0;
  for (const quantity of lines.quantities) {
    quantities.set(quantity.name, Object.assign(quantity, { start }));
    start += data.layers.length * quantity.places.length * quantity.kinds.length * lines.points;
  }
}

// Over the layers of a network: NaN where there is nothing, infinities where it is exactly zero or is not finite.
function along(cell, quantity, place, kind) {
  const k = quantity.kinds.indexOf(kind), count = lines.layers[data.layers[cell]].length, found = new Float64Array(count);
  if (k < 0) return found.fill(NaN);
  const first = quantity.start + ((cell * quantity.places.length + place) * quantity.kinds.length + k) * lines.points;
  const step = quantity.steps[quantity.steps.length > 1 ? cell : 0];
  for (let n = 0; n < count; n++) {
    const value = numbers[first + n];
    found[n] = value === special.undefined ? NaN : value === special.zero ? -Infinity
      : value === special.broken ? Infinity : value * step;
  }
  return found;
}

// ---- the choice

const state = { cell: 0, panels: data.start.map((value) => ({ value })) };
const known = new Map(data.layers.map((_, cell) => [key(cell), cell]));

const everything = {
  words: data.axes.map((axis) => axis.words).join(", "),
  levels: data.layers.map((_, cell) => data.axes.map((axis) => axis.levels[axis.of[cell]]).filter((text) => text !== NONE).join(", ")),
};

function key(cell, axis = null, level = null) {
  return data.axes.map((one) => (one === axis ? level : one.of[cell])).join();
}

// The network of a level that is most like the chosen one: in as many axes as can be, then in the nearest levels.
function nearest(axis, level) {
  const exactly = known.get(key(state.cell, axis, level));
  if (exactly !== undefined) return exactly;
  let best = state.cell, least = Infinity;
  axis.of.forEach((own, cell) => {
    if (own !== level) return;
    const far = data.axes.reduce((sum, one) => {
      const gap = Math.abs(one.of[cell] - one.of[state.cell]);
      return one === axis || gap === 0 ? sum : sum + 1 + gap / (one.levels.length * data.axes.length * 2);
    }, 0);
    if (far < least) [best, least] = [cell, far];
  });
  return best;
}

// The networks that are drawn: [{cell, level}]; those along an axis differ in it alone, the chosen one among them.
function compared() {
  if (by("along").value === ALL) return { axis: everything, cells: data.layers.map((_, cell) => ({ cell, level: cell })) };
  const axis = data.axes.find((one) => one.name === by("along").value);
  if (!axis) return { axis: null, cells: [{ cell: state.cell, level: 0 }] };
  const found = axis.levels.map((_, level) => ({ cell: known.get(key(state.cell, axis, level)), level }))
    .filter((one) => one.cell !== undefined);
  const every = Math.ceil(found.length / MOST);
  return { axis, cells: found.filter((one, k) => k % every === 0 || one.cell === state.cell) };
}

// ---- pictures

function colour(level, levels) {
  if (levels <= NAMED) return data.colours[level];
  const at = level / (levels - 1) * (SCALE.length - 1), k = Math.min(Math.floor(at), SCALE.length - 2);
  const part = (text, n) => parseInt(text.slice(1 + 2 * n, 3 + 2 * n), 16);
  return `rgb(${[0, 1, 2].map((n) => Math.round(part(SCALE[k], n) + (at - k) * (part(SCALE[k + 1], n) - part(SCALE[k], n))))})`;
}

// The lines of a picture: [{label, colour, dash, chosen, layers, low, middle, high, theory: {...}, unit}].
function found(entry) {
  const { axis, cells } = compared(), result = [];
  const several = cells.length > 1;
  const kept = new Set(cells.flatMap(({ cell }) => places(entry, cell)));
  const names = [...kept];
  for (const { cell, level } of cells) {
    const quantity = quantities.get(held(entry, cell));
    for (const place of quantity ? places(entry, cell) : []) {
      const k = quantity.places.indexOf(place), n = names.indexOf(place);
      result.push({
        quantity, cell, place, chosen: cell === state.cell,
        label: [several ? axis.levels[level] : "", place].filter((text) => text !== "").join(", "),
        colour: several ? colour(level, axis.levels.length) : colour(n, names.length),
        dash: several ? PLACES[n % PLACES.length] : "solid",
        layers: lines.layers[data.layers[cell]],
        ...Object.fromEntries(quantity.kinds.map((kind) => [kind, along(cell, quantity, k, kind)])),
      });
    }
  }
  return { axis: several ? axis : null, all: result };
}

const defined = new Map();  // of (quantity, cell): the places that the network has

function here(name, cell) {
  const label = `${name} ${cell}`, quantity = quantities.get(name);
  if (!defined.has(label)) {
    defined.set(label, quantity.places.filter((_, k) => along(cell, quantity, k, "middle").some((value) => !isNaN(value))));
  }
  return defined.get(label);
}

function held(entry, cell) {
  return entry.names.find((name) => here(name, cell).length);
}

function places(entry, cell) {
  const name = held(entry, cell);
  return name ? here(name, cell) : [];
}

// [lowest, highest] of some kinds of lines, where the median is a number or anywhere.
function extent(all, kinds, anywhere) {
  let low = Infinity, high = -Infinity;
  for (const line of all) {
    for (const kind of kinds.filter((one) => line[one])) {
      line[kind].forEach((value, n) => {
        if (!isFinite(value) || !(anywhere || isFinite(line.middle[n]))) return;
        low = Math.min(low, value);
        high = Math.max(high, value);
      });
    }
  }
  return [low, high];
}

// The medians, and of bands and theory what lies within as much again, or BEYOND decades of it.
function range(all, entry, kinds) {
  let [low, high] = extent(all, kinds, false);
  const [bottom, top] = extent(all, ["middle"], false), room = Math.max(top - bottom, BEYOND);
  if (entry.log && bottom <= top) [low, high] = [Math.max(low, bottom - room), Math.min(high, top + room)];
  if (low > high) [low, high] = extent(all, kinds, true);
  if (low > high) [low, high] = [-1, 1];
  const least = entry.log ? LEAST_HIGH : Math.max(Math.abs(low), Math.abs(high)) * 1e-3 || 1;
  const more = Math.max(0, least - (high - low)) / 2 + 0.05 * (high - low);
  return [low - more, high + more];
}

// Where the median is a number: polygons between the quantiles, cut off at the ends of the picture.
function band(line, [bottom, top]) {
  const x = [], y = [];
  const cut = (value) => Math.min(top, Math.max(bottom, value));
  for (let from = 0; from < line.layers.length; from++) {
    if (!isFinite(line.middle[from])) continue;
    let to = from;
    while (to + 1 < line.layers.length && isFinite(line.middle[to + 1])) to++;
    for (let n = from; n <= to; n++) x.push(line.layers[n]), y.push(cut(line.high[n]));
    for (let n = to; n >= from; n--) x.push(line.layers[n]), y.push(cut(line.low[n]));
    x.push(null), y.push(null);
    from = to;
  }
  return {
    x, y, fill: "toself", mode: "lines", line: { width: 0, color: line.colour }, fillcolor: line.colour, hoverinfo: "skip",
    opacity: line.chosen ? 0.22 : 0.12, showlegend: false,
  };
}

const finite = (values) => Array.from(values, (value) => (isFinite(value) ? value : null));

function curve(line, entry, many) {
  const size = entry.log ? "10<sup>%{y:.2f}</sup>" : "%{y:.4g}";
  const alone = line.middle.reduce((sum, value) => sum + isFinite(value), 0) < 2;
  return {
    x: line.layers, y: finite(line.middle), mode: alone ? "markers" : "lines", marker: { color: line.colour, size: 8 },
    line: { color: line.colour, width: line.chosen ? 3.5 : many ? 1.3 : 2, dash: line.dash },
    hovertemplate: `${line.label ? `${plain(line.label)}: ` : ""}${size}<extra></extra>`,
  };
}

// A darker shade for theory over its curve.
function shade(line, all) {
  if (all.length === 1 || all.length > NAMED) return "#000";
  return `rgb(${[1, 3, 5].map((n) => Math.round(0.6 * parseInt(line.colour.slice(n, n + 2), 16)))})`;
}

function predicted(line, theory, all) {
  return {
    x: line.layers, y: finite(line[theory]), mode: "lines", hoverinfo: "skip",
    line: { color: shade(line, all), width: line.chosen ? 2.6 : 1.2, dash: THEORIES[theory].dash },
  };
}

// Lines at the ends of float types that lie within the picture, with what they are.
function limits([bottom, top]) {
  const inside = data.limits.filter((limit) => bottom < limit.decades && limit.decades < top);
  const alone = (limit) => inside.every((one) => one === limit || Math.abs(one.decades - limit.decades) > APART * (top - bottom));
  return {
    shapes: inside.map((limit) => ({
      type: "line", xref: "paper", x0: 0, x1: 1, y0: limit.decades, y1: limit.decades, line: { color: "#777", width: 1.5 },
    })),
    annotations: inside.filter(alone).map((limit) => ({
      xref: "paper", x: 1, y: limit.decades, xanchor: "right", yanchor: beside(limit, (limit.decades - bottom) / (top - bottom)),
      text: `${limit.which} ${limit.names.join(", ")}`, showarrow: false, font: { size: 13, color: "#444" },
    })),
  };
}

// Above what is large and below what is small, but within the picture.
function beside(limit, height) {
  return height < 0.1 || (limit.which === "largest" && height < 0.9) ? "bottom" : "top";
}

function step(span) {
  const raw = span / 8, power = 10 ** Math.floor(Math.log10(raw));
  return Math.max(1, [1, 2, 5, 10].find((one) => one * power >= raw) * power);
}

function draw(panel) {
  const entry = data.menu.find((one) => one.value === panel.value);
  const { axis, all } = found(entry), many = all.length > NAMED;
  const theories = by("theory").checked ? Object.keys(THEORIES).filter((one) => all.some((l) => l[one]?.some(isFinite))) : [];
  const bands = by("bands").checked ? all.filter((line) => line.chosen || !many) : [];
  if (!by("hold").checked || !panel.range || panel.held !== entry.value) {
    panel.range = range(all, entry, ["middle", ...(bands.length ? ["low", "high"] : []), ...(entry.log ? theories : [])]);
    panel.held = entry.value;
  }
  const order = [...all].sort((one, other) => one.chosen - other.chosen);
  const traces = [
    ...bands.map((line) => band(line, panel.range)),
    ...order.map((line) => curve(line, entry, many)),
    ...theories.flatMap((theory) => order.filter((line) => line[theory]?.some(isFinite) && (line.chosen || !many))
      .map((line) => predicted(line, theory, all))),
  ];
  const units = [...new Set(all.map((line) => data.verdicts[line.cell].unit))].sort().reverse();
  const last = Math.max(1, ...all.map((line) => line.layers.at(-1)));
  const layout = {
    showlegend: false, hovermode: many ? "closest" : "x unified", font: { size: 16, color: "#111" }, margin: { l: 86, r: 26, t: 12, b: 52 },
    uirevision: `${entry.value} ${last}`,
    xaxis: { title: { text: units.join(", or ") || "layer" }, range: [-0.01 * last, 1.01 * last], zeroline: false, gridcolor: "#ddd" },
    yaxis: {
      title: { text: entry.log ? "root mean square" : "mean over the networks" }, range: panel.range, zeroline: false,
      gridcolor: "#ddd", ...(entry.log ? { ...POWERS, tickformat: "d", dtick: step(panel.range[1] - panel.range[0]), tick0: 0 } : {}),
    },
    ...(by("limits").checked && entry.log ? limits(panel.range) : {}),
  };
  Plotly.react(panel.plot, traces, layout, CONFIG);
  panel.legend.replaceChildren(...legend(axis, all, theories, many));
  panel.notes.replaceChildren(...notes(entry, all, theories).map((text) => element("li", text)));
}

// ---- words around the pictures

function swatch(colour, dash, width) {
  const dashes = { solid: "", dash: "9 9", dashdot: "9 5 3 5", dot: "3 3", longdash: "14 6", longdashdot: "12 4 3 4" };
  const path = drawing("path", { d: "M0 6H36", stroke: colour, "stroke-width": width, fill: "none",
    "stroke-dasharray": dashes[dash] ?? dash.replaceAll("px", "") });
  return drawing("svg", { viewBox: "0 0 36 12", "aria-hidden": "true" }, path);
}

function legend(axis, all, theories, many) {
  const every = many ? Math.ceil(all.length / NAMED) : 1;
  const shown = all.length > 1 ? all.filter((line, k) => line.chosen || k % every === 0 || k === all.length - 1) : [];
  return [
    ...(axis && shown.length ? [element("li", `${axis.words}:`)] : []),
    ...shown.map((line) => element("li", [swatch(line.colour, line.dash, line.chosen ? 4 : 2), line.label || NONE],
      { class: line.chosen && axis ? "chosen" : "" })),
    ...theories.map((theory) => element("li", [swatch("#000", THEORIES[theory].dash, 2), THEORIES[theory].words])),
  ];
}

function where(values, layers, wanted) {
  const at = layers.filter((_, n) => values[n] === wanted);
  if (!at.length) return "";
  const there = layers.filter((_, n) => !isNaN(values[n]));
  if (at.length === there.length) return "at every layer";
  return at.length === 1 ? `at layer ${at[0]}` : `at layers ${at[0]}–${at.at(-1)}`;
}

// What a picture cannot show of the chosen network.
function notes(entry, all, theories) {
  const result = [], chosen = all.filter((line) => line.chosen);
  if (!chosen.length) result.push("the chosen network has no such quantity");
  for (const line of chosen) {
    const name = line.place ? `${line.place}: ` : "";
    for (const [value, words] of [[-Infinity, "exactly zero in half of the networks"], [Infinity, "inf or NaN in half of the networks"]]) {
      const text = where(line.middle, line.layers, value);
      if (text) result.push(`${name}${words} ${text}`);
    }
  }
  if (chosen.length && data.theory && by("theory").checked && !theories.some((one) => chosen.some((l) => l[one]?.some(isFinite)))) {
    result.push("theory says nothing of this quantity here");
  }
  const layers = chosen.length ? data.layers[chosen[0].cell] : 0;
  if (layers && chosen[0].layers.length < layers) {
    result.push(`${chosen[0].layers.length} of ${layers} layers are drawn`);
  }
  return result;
}

function tell() {
  const verdict = data.verdicts[state.cell];
  by("word").textContent = verdict.word;
  by("word").title = data.meanings[verdict.word] ?? "";
  by("sentence").textContent = verdict.sentence;
  by("verdict").style.borderColor = SHADES[verdict.word] ?? "#555";
  by("more").replaceChildren(...verdict.more.map((text) => element("li", text)));
  const silent = by("theory").checked ? data.silent[state.cell] : [];
  by("silences").replaceChildren(...silent.map((k) => element("li", data.silences[k])));
  document.querySelector("tr.chosen")?.classList.remove("chosen");
  const row = by("table").tBodies[0].rows[state.cell];
  row.classList.add("chosen");
  const box = by("scroll"), head = by("table").tHead.offsetHeight;
  if (row.offsetTop < box.scrollTop + head) box.scrollTop = row.offsetTop - head;
  if (row.offsetTop + row.offsetHeight > box.scrollTop + box.clientHeight) box.scrollTop = row.offsetTop + row.offsetHeight - box.clientHeight;
  for (const axis of data.axes) {
    axis.input.value = axis.of[state.cell];
    axis.input.setAttribute("aria-valuetext", axis.levels[axis.of[state.cell]]);
    if (axis.output) axis.output.textContent = axis.levels[axis.of[state.cell]];
  }
}

// ---- the page

let waiting = false;

function show() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    tell();
    state.panels.forEach(draw);
    drawHistograms();
  });
}

function choose(cell) {
  state.cell = cell;
  show();
}

function control(axis, number) {
  const id = `axis${number}`, slides = axis.numeric && axis.levels.length > 2;
  axis.input = slides
    ? element("input", "", { type: "range", min: 0, max: axis.levels.length - 1, step: 1, id })
    : element("select", axis.levels.map((level, k) => element("option", level, { value: k })), { id });
  axis.input.addEventListener("input", () => choose(nearest(axis, Number(axis.input.value))));
  const label = element("label", axis.words, { for: id, title: axis.meaning });
  axis.output = slides ? element("output", "", { for: id }) : null;
  return element("div", [label, axis.output ?? "", axis.input], { class: "axis" });
}

function picture(panel, number) {
  const menu = element("select", "", { "aria-label": `What picture ${number + 1} shows` });
  for (const [label, log] of [["sizes (root mean square)", true], ["others (mean, standard deviation)", false]]) {
    const entries = data.menu.filter((entry) => entry.log === log);
    if (entries.length) {
      menu.append(element("optgroup", entries.map((entry) => element("option", entry.title, { value: entry.value })), { label }));
    }
  }
  menu.value = panel.value;
  const about = () => { menu.title = data.menu.find((entry) => entry.value === panel.value).meaning; };
  menu.addEventListener("input", () => { panel.value = menu.value; about(); show(); });
  about();
  Object.assign(panel, {
    plot: element("div", "", { class: "plot" }),
    legend: element("ul", "", { class: "legend" }),
    notes: element("ul", "", { class: "notes" }),
  });
  return element("section", [menu, panel.plot, panel.legend, panel.notes], { class: "panel", "aria-label": `Picture ${number + 1}` });
}

function table() {
  const number = { class: "number" };
  const heads = [["", {}], ...data.axes.map((axis) => [axis.words, axis.numeric ? number : {}]), ["verdict", {}],
    ["decades/100 layers", number], ["spread", number]];
  const rows = data.verdicts.map((verdict, cell) => {
    const button = element("button", `${cell + 1}`, { "aria-label": `show network ${cell + 1}` });
    button.addEventListener("click", () => choose(cell));
    const values = data.axes.map((axis) => [axis.levels[axis.of[cell]], axis.numeric ? number : {}]);
    const texts = [[button, {}], ...values, [verdict.word, {}], [verdict.rate, number], [verdict.spread, number]];
    return element("tr", texts.map(([content, look]) => element("td", content, look)));
  });
  by("table").append(
    element("thead", element("tr", heads.map(([text, look]) => element("th", text, { ...look, scope: "col" })))),
    element("tbody", rows),
  );
}

async function start() {
  numbers = await unpacked(lines.numbers);
  locate();
  by("common").textContent = data.common.map(([words, value]) => `${words} ${value}`).join(" · ");
  by("axes").append(...data.axes.map(control));
  by("along").append(element("option", "nothing: one network", { value: "" }),
    ...data.axes.map((axis) => element("option", axis.words, { value: axis.name })),
    ...(data.axes.length > 1 && data.layers.length <= MOST ? [element("option", ALL, { value: ALL })] : []));
  by("along").parentElement.hidden = !data.axes.length;
  by("theory").parentElement.hidden = !data.theory;
  by("panels").append(...state.panels.map(picture));
  by("made").textContent = `gradsim ${data.version}: lines are medians of the networks drawn with their 5–95 % band (of what is no size: ` +
    "mean and standard deviation). decades/100 layers: powers of ten that the gradient gains on its way back; " +
    "spread: those between the 5 % and the 95 % quantile at layer 1.";
  table();
  if (data.spreads) await startHistograms();
  for (const id of ["along", "theory", "bands", "limits", "hold", "counted", "alike"]) by(id).addEventListener("input", show);
  tell();
  state.panels.forEach(draw);
  drawHistograms();
  document.body.dataset.ready = "yes";
}

start().catch((error) => {
  document.body.prepend(element("p", `This page cannot be shown in this browser: ${error}`));
  throw error;
});
