// @ts-check
// The page's side of LatentExplorer. The point is the model's `z`: whatever moves it sets `z`, and whatever shows it
// listens to `z`, so that the mouse, the keys, the walk, Python and a second view of the widget all go one way.

import {
  addElement,
  addLegend,
  addMenu,
  addPicture,
  addPlane,
  addSlider,
  compute,
  hasModifier,
  keepKeys,
  paintDigit,
  readNames,
  readNetwork,
  showTraits,
} from "./engine.js";

/** @typedef {import("./engine.js").Model} Model */
/** @typedef {ReturnType<typeof mover>} Point */
/** @typedef {import("./engine.js").Scale} Scale */

const WALK = 3000; // milliseconds from one class to another

/** @type {(value: number, limit: number) => number} */
const clamp = (value, limit) => Math.min(limit, Math.max(-limit, value));

/** @param {number} value */
const written = (value) => value.toFixed(2).replace("-", "\u2212").replace(/^\u2212(0\.00)$/, "$1");

/**
 * The frame in which a walk goes on, of each model: a hand in one view stops the walk that another began.
 * @type {WeakMap<Model, number>}
 */
const walks = new WeakMap();

/**
 * What moves the point. Each place is saved at once: JupyterLab sends the next when Python has answered, only the last
 * of those that came meanwhile. An answer would undo a place that is set and not yet saved.
 * @param {Model} model
 */
function mover(model) {
  /** @type {(name: string, value: unknown) => void} */
  function set(name, value) {
    model.set(name, value);
    model.save_changes();
  }

  const stop = () => cancelAnimationFrame(walks.get(model) ?? 0);

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
      if (part < 1) walks.set(model, requestAnimationFrame(step));
    }
    step(began);
  }

  return { set, move, walk, stop };
}

/** @type {(parent: Element, model: Model, point: Point) => () => void} */
function addPointOnPlane(parent, model, point) {
  const { plane, scale } = addPlane(parent, model, { tabindex: 0, role: "application" });
  const handle = addElement(plane, "div", { class: "handle" });
  followHand(plane, handle, model, point, scale);

  return function show() {
    const [a, b] = model.get("z");
    handle.style.left = `${(100 * scale.x(clamp(a, scale.limit))) / scale.size}%`;
    handle.style.top = `${(100 * scale.y(clamp(b, scale.limit))) / scale.size}%`;
    const label = `Latent plane, point at ${written(a)}, ${
      written(b)
    }. Arrow keys move it, Home takes it to the origin.`;
    plane.setAttribute("aria-label", label);
  };
}

/** @type {Record<string, number[]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * A mouse moves the point wherever it is pressed. A finger takes the point by its handle, or taps where it should go; a
 * swipe that begins elsewhere scrolls the page.
 * @type {(plane: HTMLElement, handle: HTMLElement, model: Model, point: Point, scale: Scale) => void}
 */
function followHand(plane, handle, model, point, scale) {
  const { limit } = scale;
  /** @type {(a: number, b: number) => void} */
  const moveTo = (a, b) => point.move([clamp(a, limit), clamp(b, limit), ...model.get("z").slice(2)]);

  /** @param {PointerEvent} event */
  function follow(event) {
    const box = plane.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((part) => (part * scale.size) / box.width);
    moveTo(scale.first(x), scale.second(y));
  }
  plane.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    if (event.pointerType === "touch" && event.target !== handle) return;
    plane.setPointerCapture(event.pointerId);
    follow(event);
  });
  plane.addEventListener("pointermove", (event) => {
    if (plane.hasPointerCapture(event.pointerId)) follow(event);
  });
  plane.addEventListener("pointerup", (event) => {
    if (event.pointerType === "touch") follow(event); // a tap; of a swipe, the browser cancels the pointer
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

/** @type {(parent: Element, model: Model) => () => void} */
function addDigit(parent, model) {
  const layers = readNetwork(model.get("_network"));
  const canvas = addPicture(parent, model, { class: "digit" });
  canvas.setAttribute("aria-label", readNames(model).areDigits ? "the decoded digit" : "the decoded picture");
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
  const names = readNames(model);
  const label = names.areDigits ? "draw a " : "draw the class ";
  const picker = addMenu(parent, label, [...Array(classes).keys()], model.get("digit"), names.of);
  picker.addEventListener("change", () => point.set("digit", Number(picker.value)));
  return function show() {
    picker.value = String(model.get("digit"));
  };
}

/** @type {(parent: Element, model: Model, point: Point) => void} */
function addWalk(parent, model, point) {
  const typical = model.get("_typical"); // a code for each class that has any
  const [labels, names] = [Object.keys(typical), readNames(model)];
  if (labels.length === 1) return; // no way from it to itself
  const row = addElement(parent, "div", { class: "walk" });
  const button = addElement(row, "button", { type: "button" }, "Walk");
  const from = addMenu(row, "from ", labels, labels[0], names.of);
  const to = addMenu(row, "to ", labels, labels.at(-1), names.of);
  button.addEventListener("click", () => point.walk(typical[from.value], typical[to.value]));
}

/** @type {(parent: Element, model: Model, point: Point) => () => void} */
function addSliders(parent, model, point) {
  const limit = model.get("_limit");
  const sliders = addElement(parent, "div", { class: "sliders" });
  const further = model.get("z").slice(2).map((/** @type {number} */ _, /** @type {number} */ i) => {
    const limits = { min: -limit, max: limit, step: limit / 200 };
    return addSlider(sliders, `z${i + 3}`, limits, (value) => point.move(model.get("z").with(i + 2, value)));
  });

  return function show() {
    for (const [i, slider] of further.entries()) {
      const value = model.get("z")[i + 2];
      slider.show(value, written(value));
    }
  };
}

/** @param {{ model: Model, el: HTMLElement }} view */
function render({ model, el }) {
  const root = addElement(el, "div", { class: "vae-widget latent-explorer" });
  keepKeys(root);
  const point = mover(model);
  const left = addElement(root, "div");
  const showPlane = addPointOnPlane(left, model, point);
  addLegend(left, model);
  const side = addElement(root, "div", { class: "side" });
  const showDigit = addDigit(side, model);
  const showPicker = addPicker(side, model, point);
  addWalk(side, model, point);
  const showSliders = addSliders(root, model, point);

  const { stop } = showTraits(model, ["z", "digit"], () => {
    for (const part of [showDigit, showPlane, showSliders, showPicker]) part();
  });
  return () => {
    point.stop();
    stop();
  };
}

export default { render };
