// @ts-check
// The page's side of NoiseExplorer. Menus and sliders set the model's traits, and what is shown follows the traits.

import {
  addElement,
  addMenu,
  addPicture,
  addSlider,
  bytes,
  compute,
  keepKeys,
  paintDigit,
  readNetwork,
  readPixels,
  showTraits,
} from "./engine.js";

/** @typedef {import("./engine.js").Model} Model */

/**
 * What the noises draw, for each pixel of ten patterns; `kept` of a block, for each amount one after the other.
 * @typedef {ReturnType<typeof readDraws>} Draws
 */

const PATTERNS = 10; // as Python has it
const PICTURES = ["input", "reconstruction", "noisy", "reconstruction of noisy"];

/** @param {Uint8Array} packed */
const bits = (packed) => (/** @type {number} */ i) => (packed[i >> 3] >> (i & 7)) & 1;

/** @param {Model} model */
function readDraws(model) {
  const sent = model.get("_draws");
  const [chances, additions, normals] = ["chances", "additions", "normals"].map((name) =>
    new Float32Array(bytes(sent[name]))
  );
  const [extremes, kept] = ["extremes", "kept"].map((name) => bits(new Uint8Array(bytes(sent[name]))));
  return { chances, additions, normals, extremes, kept };
}

/**
 * The noises of pylib/noise.py: what becomes of a pixel, the i-th of the patterns.
 * @type {Record<string, (pixel: number, amount: number, i: number, draws: Draws, step: number) => number>}
 */
const NOISES = {
  "uniform": (pixel, amount, i, { chances, additions }) =>
    chances[i] < amount ? Math.min(1, pixel + additions[i]) : pixel,
  "Gaussian": (pixel, amount, i, { normals }) => clip(pixel + amount * normals[i]),
  "salt and pepper": (pixel, amount, i, { chances, extremes }) => chances[i] < amount ? extremes(i) : pixel,
  "missing block": (pixel, amount, i, { kept, chances }, step) =>
    kept(Math.round(amount / step) * chances.length + i) ? pixel : 0,
};

/** @param {number} p */
const clip = (p) => Math.min(1, Math.max(0, p));

/** @type {(clean: Float64Array, image: Float64Array) => string} */
function decibels(clean, image) {
  const squares = clean.reduce((sum, p, i) => sum + (image[i] - p) ** 2, 0);
  return squares ? `${(-10 * Math.log10(squares / clean.length)).toFixed(1).replace("-", "\u2212")} dB` : "unspoilt";
}

/** @type {(model: Model) => () => Float64Array[]} */
function pictureMaker(model) {
  const pixels = new Uint8Array(bytes(model.get("_images")));
  const draws = readDraws(model);
  const size = draws.chances.length / PATTERNS;
  const networks = Object.fromEntries(
    Object.entries(model.get("_networks")).map(([name, network]) => [name, readNetwork(network)]),
  );

  return function make() {
    const [index, noise] = [model.get("index"), model.get("noise")];
    const [layers, amount] = [networks[model.get("network")], Math.fround(amountOf(model))];
    const first = (index % PATTERNS) * size;
    const clean = Float64Array.from({ length: size }, (_, i) => Math.fround(pixels[index * size + i] / 255));
    const noisy = clean.map((pixel, i) => NOISES[noise](pixel, amount, first + i, draws, model.get("_step")));
    return [clean, compute(layers, clean).map(clip), noisy, compute(layers, noisy).map(clip)];
  };
}

/** Python may send another noise first, and then the lower amount. @param {Model} model */
const amountOf = (model) => Math.min(model.get("amount"), model.get("_amounts")[model.get("noise")][1]);

/** @type {(parent: Element, model: Model) => () => void} */
function addControls(parent, model) {
  /** @param {Record<string, unknown>} values */
  function set(values) {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes(); // at once: an answer of Python to something earlier would undo what is set and not yet saved
  }

  const controls = addElement(parent, "div", { class: "controls" });
  const amounts = model.get("_amounts");
  const noise = addMenu(controls, "noise", Object.keys(amounts), model.get("noise"));
  noise.addEventListener("change", () => {
    set({ noise: noise.value, amount: Math.min(model.get("amount"), amounts[noise.value][1]) });
  });
  const names = Object.keys(model.get("_networks"));
  const network = names.length > 1 ? addMenu(controls, "network", names, model.get("network")) : null;
  network?.addEventListener("change", () => set({ network: network.value }));
  const [height, width] = readPixels(model);
  const last = model.get("_images").byteLength / (height * width) - 1;
  const index = addSlider(controls, "image", { min: 0, max: last, step: 1 }, (value) => set({ index: value }));
  const amount = addSlider(controls, "", { min: 0, step: model.get("_step") }, (value) => set({ amount: value }));

  return function show() {
    noise.value = model.get("noise");
    if (network) network.value = model.get("network");
    index.show(model.get("index"), String(model.get("index")));
    [amount.title.textContent, amount.range.max] = amounts[noise.value];
    amount.show(amountOf(model), amountOf(model).toFixed(2));
  };
}

/** @type {(parent: Element, model: Model) => () => void} */
function addPictures(parent, model) {
  const row = addElement(parent, "div", { class: "pictures" });
  const figures = PICTURES.map((name) => {
    const figure = addElement(row, "figure");
    const caption = addElement(figure, "figcaption", {}, name);
    const psnr = addElement(caption, "span");
    return { name, psnr, canvas: addPicture(figure, model, { class: "digit" }) };
  });
  const make = pictureMaker(model);

  return function show() {
    const pictures = make();
    for (const [i, { name, psnr, canvas }] of figures.entries()) {
      paintDigit(canvas, pictures[i]);
      psnr.textContent = decibels(pictures[0], pictures[i]);
      canvas.setAttribute("aria-label", `${name}, ${psnr.textContent}`);
    }
  };
}

/** @param {{ model: Model, el: HTMLElement }} view */
function render({ model, el }) {
  const root = addElement(el, "div", { class: "vae-widget noise-explorer" });
  keepKeys(root);
  const parts = [addControls(root, model), addPictures(root, model)];
  return showTraits(model, ["noise", "network", "index", "amount"], () => parts.forEach((show) => show())).stop;
}

export default { render };
