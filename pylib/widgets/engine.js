// @ts-check
// What widgets that compute in the page share. engine.py has the other side, and makes one module of this and a widget.

/**
 * What anywidget gives a widget: its traits and news of their changes.
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(name: string, value: any) => void} set
 * @property {() => void} save_changes
 * @property {(event: string, callback: () => void) => void} on
 * @property {(event: string, callback: () => void) => void} off
 */

/**
 * The kernel has a row for each unit. With `skip`, a layer gets the row that the first one got after what comes from the
 * layer before it.
 * @typedef {{ kernel: Float32Array, bias: Float32Array, activate: (x: number) => number, skip: boolean }} Layer
 */

/** @param {number} x */
const sigmoid = (x) => 1 / (1 + Math.exp(-x));

/** @type {Record<string, (x: number) => number>} */
const ACTIVATIONS = {
  linear: (x) => x,
  relu: (x) => (x > 0 ? x : 0),
  silu: (x) => x * sigmoid(x),
  tanh: Math.tanh,
  sigmoid,
};

/**
 * The binary data of a trait, copied: it may start at any byte, which typed arrays don't allow.
 * @param {DataView} view
 */
export function bytes(view) {
  return /** @type {ArrayBuffer} */ (view.buffer).slice(view.byteOffset, view.byteOffset + view.byteLength);
}

/**
 * Not every browser has a Float16Array yet.
 * @param {Uint16Array} halves
 */
function floatsOfHalves(halves) {
  const powers = Array.from({ length: 32 }, (_, exponent) => 2 ** (Math.max(exponent, 1) - 15));
  const floats = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) {
    const exponent = (halves[i] >> 10) & 31;
    const size = powers[exponent] * ((exponent ? 1 : 0) + (halves[i] & 1023) / 1024);
    floats[i] = halves[i] & 0x8000 ? -size : size;
  }
  return floats;
}

/**
 * A network as `engine.network` of Python sends it, with kernels row after row: `inputs` rows of `units` numbers.
 * @param {{
 *   layers: { inputs: number, units: number, activation: string, skip: boolean }[],
 *   half: boolean,
 *   weights: DataView,
 * }} network
 * @returns {Layer[]}
 */
export function readNetwork({ layers, half, weights }) {
  const buffer = bytes(weights);
  const numbers = half ? floatsOfHalves(new Uint16Array(buffer)) : new Float32Array(buffer);
  let read = 0;
  return layers.map(({ inputs, units, activation, skip }) => {
    const sent = numbers.subarray(read, read += inputs * units);
    const kernel = Float32Array.from(sent, (_, i) => sent[(i % inputs) * units + Math.floor(i / inputs)]);
    const bias = numbers.subarray(read, read += units);
    return { kernel, bias, activate: ACTIVATIONS[activation], skip };
  });
}

/**
 * Four units at a time, whose sums stay in registers: that takes half the time of one input after the other.
 * @param {Layer[]} layers
 * @param {Iterable<number>} input
 */
export function compute(layers, input) {
  const row = Float64Array.from(input);
  let h = row;
  for (const { kernel, bias, activate, skip } of layers) {
    if (skip) h = Float64Array.of(...h, ...row);
    const [inputs, units] = [h.length, bias.length];
    const sums = Float64Array.from(bias);
    let j = 0;
    for (; j + 3 < units; j += 4) {
      let [a, b, c, d] = sums.subarray(j, j + 4);
      for (let i = 0, k = j * inputs; i < inputs; i++, k++) {
        const x = h[i];
        a += x * kernel[k];
        b += x * kernel[k + inputs];
        c += x * kernel[k + 2 * inputs];
        d += x * kernel[k + 3 * inputs];
      }
      sums.set([a, b, c, d], j);
    }
    for (; j < units; j++) {
      for (let i = 0; i < inputs; i++) sums[j] += h[i] * kernel[j * inputs + i];
    }
    h = sums.map((x) => activate(x));
  }
  return h;
}

/**
 * A picture's height and width; notebooks may be older than other sizes than MNIST's.
 * @type {(model: Model) => [number, number]}
 */
export const readPixels = (model) => model.get("_pixels") ?? [28, 28];

/**
 * A canvas for pictures as large as the model's.
 * @type {(parent: Element, model: Model, attributes?: Record<string, unknown>) => HTMLCanvasElement}
 */
export function addPicture(parent, model, attributes = {}) {
  const [height, width] = readPixels(model);
  return addElement(parent, "canvas", { width, height, role: "img", ...attributes });
}

/**
 * Dark on light in every theme, as the lessons print digits.
 * @param {HTMLCanvasElement} canvas with a pixel for each number
 * @param {Float64Array} picture numbers in [0, 1]
 */
export function paintDigit(canvas, picture) {
  const context = context2d(canvas);
  const image = context.createImageData(canvas.width, canvas.height);
  picture.forEach((p, i) => {
    const grey = 255 - Math.round(255 * p);
    image.data.set([grey, grey, grey, 255], 4 * i);
  });
  context.putImageData(image, 0, 0);
}

/** @param {HTMLCanvasElement} canvas */
export function context2d(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Element} parent
 * @param {Tag} tag
 * @param {Record<string, unknown>} attributes
 */
export function addElement(parent, tag, attributes = {}, text = "") {
  return append(parent, document.createElement(tag), attributes, text);
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Element} parent
 * @param {Tag} tag
 * @param {Record<string, unknown>} attributes
 */
export function addSvg(parent, tag, attributes = {}, text = "") {
  return append(parent, document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, text);
}

/**
 * @template {Element} Child
 * @param {Element} parent
 * @param {Child} child
 * @param {Record<string, unknown>} attributes
 * @param {string} text
 */
function append(parent, child, attributes, text) {
  for (const [name, value] of Object.entries(attributes)) child.setAttribute(name, String(value));
  child.textContent = text;
  parent.append(child);
  return child;
}

/**
 * What the classes are called. Of the ten digits no names are sent, and notebooks may be older than names.
 * @param {Model} model
 */
export function readNames(model) {
  const names = model.get("_names") ?? [];
  return {
    areDigits: !names.length,
    /** @param {unknown} label */
    of: (label) => String(names[Number(label)] ?? label),
  };
}

/**
 * A menu of options, each shown as it is `written`.
 * @type {(
 *   parent: Element,
 *   label: string,
 *   options: unknown[],
 *   chosen: unknown,
 *   written?: (option: unknown) => string,
 * ) => HTMLSelectElement}
 */
export function addMenu(parent, label, options, chosen, written = String) {
  const menu = addElement(addElement(parent, "label", {}, label), "select");
  for (const option of options) addElement(menu, "option", { value: option }, written(option));
  menu.value = String(chosen);
  return menu;
}

/**
 * Keys with these are the browser's or JupyterLab's.
 * @param {KeyboardEvent} event
 */
export function hasModifier(event) {
  return event.ctrlKey || event.altKey || event.metaKey;
}

const SIZE = 400; // of the plane in its own units; CSS makes it larger or smaller
const MARGIN = 44; // left and below, for the axes
const TOP = 8;
const INNER = SIZE - MARGIN - TOP;

/**
 * From latent numbers to places in the plane, `x` and `y`, and back, `first` and `second`.
 * @typedef {ReturnType<typeof scaleOf>} Scale
 */

/** @param {number} limit of the axes, which go from -limit to limit */
function scaleOf(limit) {
  return {
    limit,
    size: SIZE,
    x: (/** @type {number} */ value) => MARGIN + ((value + limit) / (2 * limit)) * INNER,
    y: (/** @type {number} */ value) => TOP + ((limit - value) / (2 * limit)) * INNER,
    first: (/** @type {number} */ x) => ((x - MARGIN) / INNER) * 2 * limit - limit,
    second: (/** @type {number} */ y) => limit - ((y - TOP) / INNER) * 2 * limit,
  };
}

/**
 * The plane of codes: dots, axes, and a circle of radius 2, two standard deviations of the prior.
 * @param {Element} parent
 * @param {Model} model has `_points`, `_digits`, `_colors` and `_limit`
 * @param {Record<string, unknown>} attributes
 */
export function addPlane(parent, model, attributes) {
  const scale = scaleOf(model.get("_limit"));
  const plane = addElement(parent, "div", { class: "plane", ...attributes });
  paintCodes(addElement(plane, "canvas", { width: 2 * SIZE, height: 2 * SIZE, "aria-hidden": true }), model, scale);
  drawAxes(addSvg(plane, "svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, "aria-hidden": true }), scale);
  return { plane, scale };
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

/** @type {(parent: Element, model: Model) => void} */
export function addLegend(parent, model) {
  const [colors, names] = [model.get("_colors"), readNames(model)];
  if (colors.length === 1) return; // nothing to tell apart
  const legend = addElement(parent, "div", { class: "legend" });
  colors.forEach((/** @type {string} */ color, /** @type {number} */ label) => {
    const entry = addElement(legend, "span");
    addElement(entry, "i", { style: `background: ${color}` });
    entry.append(names.of(label));
  });
}

/**
 * A slider with its name before it and its value behind it. `show` gets the value also as a text.
 * @type {(parent: Element, name: string, limits: object, onInput: (value: number) => void) => {
 *   title: HTMLElement,
 *   range: HTMLInputElement,
 *   output: HTMLElement,
 *   show: (value: number, text: string) => void,
 * }}
 */
export function addSlider(parent, name, limits, onInput) {
  const label = addElement(parent, "label", { class: "slider" });
  const title = addElement(label, "span", {}, name);
  const range = addElement(label, "input", { type: "range", ...limits });
  const output = addElement(label, "span", { "aria-hidden": true }); // screen readers have it from the range
  range.addEventListener("input", () => onInput(range.valueAsNumber));
  return {
    title,
    range,
    output,
    show(value, text) {
      range.value = String(value);
      range.setAttribute("aria-valuetext", text);
      output.textContent = text;
    },
  };
}

/**
 * JupyterLab in command mode would take these keys for its own.
 * @param {Element} root
 */
export function keepKeys(root) {
  root.addEventListener("keydown", (event) => {
    if (!hasModifier(/** @type {KeyboardEvent} */ (event))) event.stopPropagation();
  });
}

/**
 * Shows at once, and again when one of these traits has changed: at most once a frame, however many changes came in
 * between. Returns what asks for that where something else has changed, and what ends it all.
 * @type {(model: Model, names: string[], show: () => void) => { showSoon: () => void, stop: () => void }}
 */
export function showTraits(model, names, show) {
  /** @type {number | null} */
  let frame = null;
  const showSoon = () => {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      show();
    });
  };
  for (const name of names) model.on(`change:${name}`, showSoon);
  show();
  return {
    showSoon,
    stop() {
      if (frame !== null) cancelAnimationFrame(frame);
      for (const name of names) model.off(`change:${name}`, showSoon);
    },
  };
}
