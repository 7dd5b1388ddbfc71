// Two lines over the last minutes, drawn as inline SVG.

import { count, rate, time } from "./text.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const HEIGHT = 190;
const EDGE = { top: 8, right: 8, bottom: 22, left: 48 };

function element(name, attributes, text) {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function roof(value) {
  const scale = 10 ** Math.floor(Math.log10(Math.max(value, 10)));
  return [1, 2, 4, 5, 10].map((step) => step * scale).find((step) => step >= value);
}

function runs(values) {
  const found = [];
  values.forEach((value, index) => {
    if (value == null) return;
    const last = found.at(-1);
    if (last && last.at(-1)[0] === index - 1) last.push([index, value]);
    else found.push([[index, value]]);
  });
  return found;
}

export class Chart {
  constructor(svg, readout) {
    this.svg = svg;
    this.readout = readout;
    this.quiet = readout.textContent;
    this.history = null;
    this.pointed = null;
    svg.addEventListener("pointermove", (event) => this.point(event.offsetX));
    svg.addEventListener("pointerleave", () => this.point(null));
    new ResizeObserver(() => this.draw()).observe(svg);
  }

  show(history) {
    this.history = history;
    this.draw();
  }

  point(x) {
    this.pointed = x;
    this.draw();
  }

  draw() {
    const width = this.svg.clientWidth;
    if (!this.history || !width) return;
    const { accepted, settled } = this.history;
    const top = roof(Math.max(...accepted, ...settled, 1) * 1.05);
    const inner = width - EDGE.left - EDGE.right;
    const x = (index) => EDGE.left + (inner * index) / (accepted.length - 1);
    const y = (value) => EDGE.top + (HEIGHT - EDGE.top - EDGE.bottom) * (1 - value / top);
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.svg.replaceChildren(...this.grid(width, top, x, y), ...this.lines(accepted, settled, x, y));
    this.svg.setAttribute("aria-label", this.label(accepted, settled));
    this.readPointed(x, inner);
  }

  grid(width, top, x, y) {
    const parts = [0, top / 2, top].flatMap((value) => [
      element("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) }),
      element("text", { x: EDGE.left - 8, y: y(value) + 4, "text-anchor": "end" }, count(value)),
    ]);
    const last = this.history.accepted.length - 1;
    const words = ["5 min ago", "now"];
    [0, last].forEach((index, end) => {
      const anchor = end ? "end" : "start";
      parts.push(element("text", { x: x(index), y: HEIGHT - 4, "text-anchor": anchor }, words[end]));
    });
    return parts;
  }

  lines(accepted, settled, x, y) {
    const path = (run) => run.map(([index, value], at) => `${at ? "L" : "M"}${x(index)},${y(value)}`).join("");
    const areas = runs(settled).map((run) => {
      const d = `${path(run)}L${x(run.at(-1)[0])},${y(0)}L${x(run[0][0])},${y(0)}Z`;
      return element("path", { class: "area", d });
    });
    const lines = [["settled", settled], ["accepted", accepted]].flatMap(([name, values]) =>
      runs(values).map((run) => element("path", { class: `line ${name}`, d: path(run) })),
    );
    return [...areas, ...lines];
  }

  label(accepted, settled) {
    return `Orders per second over the last 5 minutes: accepted now ${rate(accepted.at(-1))}, settled now ${rate(settled.at(-1))}`;
  }

  readPointed(x, inner) {
    const { accepted, settled, bin_seconds: bin, end_ms: end } = this.history;
    if (this.pointed === null) {
      this.readout.textContent = this.quiet;
      return;
    }
    const last = accepted.length - 1;
    const index = Math.min(Math.max(Math.round(((this.pointed - EDGE.left) / inner) * last), 0), last);
    const at = end - (last - index) * bin * 1000;
    this.readout.textContent = `${time(at)}: ${rate(accepted[index])} accepted, ${rate(settled[index])} settled`;
    const line = { class: "cursor", x1: x(index), x2: x(index), y1: EDGE.top, y2: HEIGHT - EDGE.bottom };
    this.svg.append(element("line", line));
  }
}
