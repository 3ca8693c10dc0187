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
 * With `skip`, it gets the row that the first layer got after what comes from the layer before it.
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
    const kernel = numbers.subarray(read, read += inputs * units);
    const bias = numbers.subarray(read, read += units);
    return { kernel, bias, activate: ACTIVATIONS[activation], skip };
  });
}

/**
 * @param {Layer[]} layers
 * @param {Iterable<number>} input
 */
export function compute(layers, input) {
  const row = Float64Array.from(input);
  let h = row;
  for (const { kernel, bias, activate, skip } of layers) {
    if (skip) h = Float64Array.of(...h, ...row);
    const sums = Float64Array.from(bias);
    for (let i = 0; i < h.length; i++) {
      if (h[i] === 0) continue; // after a relu, every second one
      for (let j = 0, k = i * sums.length; j < sums.length; j++, k++) sums[j] += h[i] * kernel[k];
    }
    h = sums.map((x) => activate(x));
  }
  return h;
}

/**
 * Dark on light in every theme, as the lessons print digits.
 * @param {HTMLCanvasElement} canvas of 28 x 28 pixels
 * @param {Float64Array} picture 784 numbers in [0, 1]
 */
export function paintDigit(canvas, picture) {
  const context = context2d(canvas);
  const image = context.createImageData(28, 28);
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

/** @type {(parent: Element, label: string, options: unknown[], chosen: unknown) => HTMLSelectElement} */
export function addMenu(parent, label, options, chosen) {
  const menu = addElement(addElement(parent, "label", {}, label), "select");
  for (const option of options) addElement(menu, "option", {}, String(option));
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
