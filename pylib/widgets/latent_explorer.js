// @ts-check
// The page's side of LatentExplorer. The point is the model's `z`: whatever moves it sets `z`, and whatever shows it
// listens to `z`, so that the mouse, the keys, the walk, Python and a second view of the widget all go one way.

import {
  addElement,
  addMenu,
  addSvg,
  bytes,
  compute,
  context2d,
  hasModifier,
  paintDigit,
  readNetwork,
} from "./engine.js";

/** @typedef {import("./engine.js").Model} Model */
/** @typedef {ReturnType<typeof mover>} Point */
/** @typedef {{ limit: number, x: (value: number) => number, y: (value: number) => number }} Scale */

const SIZE = 400; // of the plane in its own units; CSS makes it larger or smaller
const MARGIN = 44; // left and below, for the axes
const TOP = 8;
const INNER = SIZE - MARGIN - TOP;
const WALK = 3000; // milliseconds from one digit to another

/** @type {(value: number, limit: number) => number} */
const clamp = (value, limit) => Math.min(limit, Math.max(-limit, value));

/** @param {number} value */
const written = (value) => value.toFixed(2).replace("-", "\u2212").replace(/^\u2212(0\.00)$/, "$1");

/**
 * What moves the point. Each place is saved at once: JupyterLab sends the next when Python has answered, only the last
 * of those that came meanwhile. An answer would undo a place that is set and not yet saved.
 * @param {Model} model
 */
function mover(model) {
  let walking = 0;

  /** @type {(name: string, value: unknown) => void} */
  function set(name, value) {
    model.set(name, value);
    model.save_changes();
  }

  const stop = () => cancelAnimationFrame(walking);

  /** @param {number[]} z */
  function move(z) {
    stop();
    set("z", z);
  }

  /** @type {(start: number[], end: number[]) => void} */
  function walk(start, end) {
    const began = performance.now();
    const jumps = matchMedia("(prefers-reduced-motion: reduce)").matches;
    /** @param {number} now */
    function step(now) {
      let part = Math.min(1, Math.max(0, (now - began) / WALK));
      if (jumps) part = Math.floor(6 * part) / 6;
      move(start.map((value, i) => (1 - part) * value + part * end[i]));
      if (part < 1) walking = requestAnimationFrame(step);
    }
    step(began);
  }

  return { set, move, walk, stop };
}

/** @type {(canvas: HTMLCanvasElement, model: Model, scale: Scale) => void} */
function paintCodes(canvas, model, scale) {
  const points = new Float32Array(bytes(model.get("_points")));
  const digits = new Uint8Array(bytes(model.get("_digits")));
  const colors = model.get("_colors");
  const context = context2d(canvas);
  context.scale(canvas.width / SIZE, canvas.height / SIZE);
  context.beginPath();
  context.rect(MARGIN, TOP, INNER, INNER);
  context.clip();
  digits.forEach((digit, i) => {
    context.fillStyle = colors[digit];
    context.fillRect(scale.x(points[2 * i]) - 1, scale.y(points[2 * i + 1]) - 1, 2, 2);
  });
}

/** @type {(svg: SVGSVGElement, scale: Scale) => void} */
function drawAxes(svg, { limit, x, y }) {
  const power = 10 ** Math.floor(Math.log10(limit / 4));
  const step = power * ([1, 2, 5].find((factor) => 4 * factor * power >= limit) ?? 10);
  const [left, bottom] = [x(-limit), y(-limit)];
  addSvg(svg, "path", { class: "axes", d: `M${left} ${y(limit)}V${bottom}H${x(limit)}` });
  for (let i = -Math.floor(limit / step); i <= limit / step; i++) {
    const value = i * step;
    const label = String(Number(value.toPrecision(6))).replace("-", "\u2212");
    addSvg(svg, "path", { class: "axes", d: `M${x(value)} ${bottom}v4M${left} ${y(value)}h-4` });
    addSvg(svg, "text", { x: x(value), y: bottom + 16, "text-anchor": "middle" }, label);
    addSvg(svg, "text", { x: left - 7, y: y(value) + 4, "text-anchor": "end" }, label);
  }
  const middle = { x: x(0), y: SIZE - 6, "text-anchor": "middle" };
  addSvg(svg, "text", middle, "first latent number");
  addSvg(svg, "text", { ...middle, x: -y(0), y: 12, transform: "rotate(-90)" }, "second latent number");
  const radius = x(2) - x(0); // two standard deviations of the prior
  addSvg(svg, "circle", { class: "prior", cx: x(0), cy: y(0), r: radius });
}

/** @type {(parent: Element, model: Model, point: Point) => () => void} */
function addPlane(parent, model, point) {
  const limit = model.get("_limit");
  const scale = {
    limit,
    x: (/** @type {number} */ value) => MARGIN + ((value + limit) / (2 * limit)) * INNER,
    y: (/** @type {number} */ value) => TOP + ((limit - value) / (2 * limit)) * INNER,
  };
  const plane = addElement(parent, "div", { class: "plane", tabindex: 0, role: "application" });
  paintCodes(addElement(plane, "canvas", { width: 2 * SIZE, height: 2 * SIZE, "aria-hidden": true }), model, scale);
  const svg = addSvg(plane, "svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, "aria-hidden": true });
  drawAxes(svg, scale);
  const circle = addSvg(svg, "circle", { class: "point", r: 7 });
  followHand(plane, svg, model, point);

  return function show() {
    const [a, b] = model.get("z");
    circle.setAttribute("transform", `translate(${scale.x(clamp(a, limit))} ${scale.y(clamp(b, limit))})`);
    const label = `Latent plane, point at ${written(a)}, ${
      written(b)
    }. Arrow keys move it, Home takes it to the origin.`;
    plane.setAttribute("aria-label", label);
  };
}

/** @type {Record<string, number[]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** @type {(plane: HTMLElement, svg: SVGSVGElement, model: Model, point: Point) => void} */
function followHand(plane, svg, model, point) {
  const limit = model.get("_limit");
  /** @type {(a: number, b: number) => void} */
  const moveTo = (a, b) => point.move([clamp(a, limit), clamp(b, limit), ...model.get("z").slice(2)]);

  /** @param {PointerEvent} event */
  function follow(event) {
    const box = svg.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((pixels) => (pixels * SIZE) / box.width);
    moveTo(((x - MARGIN) / INNER) * 2 * limit - limit, limit - ((y - TOP) / INNER) * 2 * limit);
  }
  plane.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    plane.setPointerCapture(event.pointerId);
    follow(event);
  });
  plane.addEventListener("pointermove", (event) => {
    if (plane.hasPointerCapture(event.pointerId)) follow(event);
  });
  plane.addEventListener("keydown", (event) => {
    if (hasModifier(event)) return;
    const [a, b] = model.get("z");
    const step = (event.shiftKey ? 5 : 1) * (limit / 40);
    if (event.key in ARROWS) moveTo(a + step * ARROWS[event.key][0], b + step * ARROWS[event.key][1]);
    else if (event.key === "Home") point.move(model.get("z").map(() => 0));
    else return;
    event.preventDefault(); // or the page would scroll
  });
}

/** @type {(parent: Element, model: Model) => void} */
function addLegend(parent, model) {
  const legend = addElement(parent, "div", { class: "legend" });
  model.get("_colors").forEach((/** @type {string} */ color, /** @type {number} */ digit) => {
    const entry = addElement(legend, "span");
    addElement(entry, "i", { style: `background: ${color}` });
    entry.append(String(digit));
  });
}

/** @type {(parent: Element, model: Model) => () => void} */
function addDigit(parent, model) {
  const layers = readNetwork(model.get("_network"));
  const canvas = addElement(parent, "canvas", { class: "digit", width: 28, height: 28, role: "img" });
  canvas.setAttribute("aria-label", "the decoded digit");
  const position = addElement(parent, "output");

  return function show() {
    const z = model.get("z");
    const label = Array.from({ length: model.get("_n_classes") }, (_, i) => (i === model.get("digit") ? 1 : 0));
    paintDigit(canvas, compute(layers, [...z, ...label]));
    position.textContent = `z = (${written(z[0])}, ${written(z[1])}${z.length > 2 ? ", \u2026" : ""})`;
  };
}

/** @type {(parent: Element, model: Model, point: Point) => () => void} */
function addPicker(parent, model, point) {
  const classes = model.get("_n_classes");
  if (!classes) return () => {};
  const picker = addMenu(parent, "draw a ", [...Array(classes).keys()], model.get("digit"));
  picker.addEventListener("change", () => point.set("digit", Number(picker.value)));
  return function show() {
    picker.value = String(model.get("digit"));
  };
}

/** @type {(parent: Element, model: Model, point: Point) => void} */
function addWalk(parent, model, point) {
  const typical = model.get("_typical"); // a code for each digit that has any
  const digits = Object.keys(typical);
  const row = addElement(parent, "div", { class: "walk" });
  const button = addElement(row, "button", { type: "button" }, "Walk");
  const from = addMenu(row, "from ", digits, digits[0]);
  const to = addMenu(row, "to ", digits, digits.at(-1));
  button.addEventListener("click", () => point.walk(typical[from.value], typical[to.value]));
}

/** @type {(parent: Element, model: Model, point: Point) => () => void} */
function addSliders(parent, model, point) {
  const limit = model.get("_limit");
  const sliders = addElement(parent, "div", { class: "sliders" });
  const further = model.get("z").slice(2).map((/** @type {number} */ _, /** @type {number} */ i) => {
    const label = addElement(sliders, "label", {}, `z${i + 3}`);
    const range = addElement(label, "input", { type: "range", min: -limit, max: limit, step: limit / 200 });
    range.addEventListener("input", () => point.move(model.get("z").with(i + 2, range.valueAsNumber)));
    return { range, number: addElement(label, "span") };
  });

  return function show() {
    for (const [i, { range, number }] of further.entries()) {
      const value = model.get("z")[i + 2];
      range.value = value;
      number.textContent = written(value);
    }
  };
}

/** @param {{ model: Model, el: HTMLElement }} view */
function render({ model, el }) {
  const root = addElement(el, "div", { class: "latent-explorer" });
  // JupyterLab in command mode would take these keys for its own.
  root.addEventListener("keydown", (event) => {
    if (!hasModifier(event)) event.stopPropagation();
  });
  const point = mover(model);
  const left = addElement(root, "div");
  const showPlane = addPlane(left, model, point);
  addLegend(left, model);
  const side = addElement(root, "div", { class: "side" });
  const showDigit = addDigit(side, model);
  const showPicker = addPicker(side, model, point);
  addWalk(side, model, point);
  const showSliders = addSliders(root, model, point);

  // At most once a frame, however many events came in between.
  /** @type {number | null} */
  let frame = null;
  function show() {
    frame = null;
    for (const part of [showDigit, showPlane, showSliders, showPicker]) part();
  }
  const showSoon = () => {
    frame ??= requestAnimationFrame(show);
  };
  model.on("change:z", showSoon);
  model.on("change:digit", showSoon);
  show();

  return () => {
    point.stop();
    if (frame !== null) cancelAnimationFrame(frame);
    model.off("change:z", showSoon);
    model.off("change:digit", showSoon);
  };
}

export default { render };
