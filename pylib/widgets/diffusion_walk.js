// @ts-check
// The page's side of DiffusionWalk. Whatever the learner does sets traits, and what is shown follows the traits, so that
// the hand, the walk, Python and a second view of the widget all go one way.

import {
  addElement,
  addMenu,
  addPicture,
  addSlider,
  compute,
  keepKeys,
  paintDigit,
  readNames,
  readNetwork,
  showTraits,
} from "./engine.js";

/** @typedef {import("./engine.js").Model} Model */
/** @typedef {import("./engine.js").Layer} Layer */
/** @typedef {ReturnType<typeof newWalk>} Walk */
/** @typedef {(path: number[][], isNew: boolean) => void} Show what belongs to the path, anew where it is a new one */

const WALK = 2000; // milliseconds from noise to a digit
const LONGEST = 300; // of them for one step, or few steps would take their time, too
const MOST_STEPS = 40; // as Python has it
const MOST_GUIDANCE = 4;
const FRAMES = 9;

/** By Box and Muller; the logarithm never gets a 0. */
const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());

/** @type {(step: number, steps: number) => string} */
const written = (step, steps) => `step ${step} of ${steps}`;

/**
 * The codes from the noise on, by the midpoint rule, as `Diffusion.path` of Python has them.
 * @type {(model: Model, velocity: Layer[]) => number[][]}
 */
function computePath(model, velocity) {
  const [digit, steps, w] = ["digit", "steps", "guidance"].map(model.get.bind(model));
  const waves = Array.from({ length: model.get("_waves") }, (_, i) => i + 1);

  /** @type {(z: number[], theta: number, label: number | null) => number[]} */
  function ofLabel(z, theta, label) {
    const place = label === null ? 0 : label + 1; // the first is for no label
    const oneHot = Array.from({ length: model.get("_n_classes") + 1 }, (_, i) => (i === place ? 1 : 0));
    const row = [...z, ...waves.map((k) => Math.cos(k * theta)), ...waves.map((k) => Math.sin(k * theta)), ...oneHot];
    return [...compute(velocity, row)];
  }
  /** @type {(z: number[], theta: number) => number[]} */
  function guided(z, theta) {
    const asked = ofLabel(z, theta, digit);
    if (digit === null || w === 0) return asked;
    const any = ofLabel(z, theta, null);
    return asked.map((v, i) => (1 + w) * v - w * any[i]);
  }
  /** @type {(z: number[], by: number, v: number[]) => number[]} */
  const moved = (z, by, v) => z.map((value, i) => value + by * v[i]);

  const [mean, scale] = [model.get("_mean"), model.get("_scale")];
  const turn = -Math.PI / 2 / steps;
  /** @type {number[]} */
  let z = model.get("noise");
  const path = [z];
  for (let i = 0; i < steps; i++) {
    const theta = Math.PI / 2 + i * turn;
    const halfWay = moved(z, turn / 2, guided(z, theta));
    z = moved(z, turn, guided(halfWay, theta + turn / 2));
    path.push(z);
  }
  return path.map((point) => point.map((value, i) => mean[i] + scale[i] * value));
}

/**
 * What sets traits. They are saved at once: an answer of Python to something earlier would undo what is set and not yet
 * saved.
 * @param {Model} model
 */
function newWalk(model) {
  let walking = 0;

  /** @param {Record<string, unknown>} values */
  function set(values) {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  }

  function stop() {
    cancelAnimationFrame(walking);
    walking = 0;
  }

  function start() {
    stop();
    const noise = model.get("noise").map(normal);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return set({ noise, step: model.get("steps") });
    set({ noise, step: 0 });
    const began = performance.now();
    /** @param {number} now */
    function advance(now) {
      const steps = model.get("steps");
      const part = Math.min(1, Math.max(0, (now - began) / Math.min(WALK, LONGEST * steps)));
      const step = Math.floor(part * steps);
      walking = part < 1 ? requestAnimationFrame(advance) : 0;
      if (step !== model.get("step")) set({ step });
    }
    walking = requestAnimationFrame(advance);
  }

  return {
    set,
    start,
    stop,
    isWalking: () => walking !== 0,

    /** @param {number} step */
    goTo(step) {
      stop();
      set({ step });
    },

    /** @param {number} steps */
    setSteps(steps) { // who looks at the digit goes on looking at it
      const step = model.get("step");
      set({ steps, step: step === model.get("steps") ? steps : Math.min(step, steps) });
    },
  };
}

/** @type {(parent: Element, model: Model, walk: Walk) => () => void} */
function addPicker(parent, model, walk) {
  const classes = model.get("_n_classes");
  if (!classes) return () => {};
  const names = readNames(model);
  const any = names.areDigits ? "any digit" : "any class";
  const picker = addMenu(parent, "ask for ", [any, ...Array(classes).keys()], any, names.of);
  picker.addEventListener("change", () => walk.set({ digit: picker.value === any ? null : Number(picker.value) }));
  return function show() {
    picker.value = String(model.get("digit") ?? any);
  };
}

/** @type {(parent: Element, model: Model, walk: Walk) => () => void} */
function addSliders(parent, model, walk) {
  const steps = addSlider(parent, "steps", { min: 1, max: MOST_STEPS, step: 1 }, walk.setSteps);
  const ofGuidance = { min: 0, max: MOST_GUIDANCE, step: 0.5 };
  const guidance = model.get("_n_classes")
    ? addSlider(parent, "guidance w", ofGuidance, (w) => walk.set({ guidance: w }))
    : null;

  return function show() {
    steps.show(model.get("steps"), String(model.get("steps")));
    if (!guidance) return;
    guidance.show(model.get("guidance"), String(model.get("guidance")));
    guidance.range.disabled = model.get("digit") === null; // it leads away from no digit in particular
  };
}

/** @type {(parent: Element, model: Model, decoder: Layer[]) => Show} */
function addDigit(parent, model, decoder) {
  const canvas = addPicture(parent, model, { class: "digit" });

  return function show(path) {
    const step = Math.min(model.get("step"), path.length - 1); // Python may send fewer steps first, and then the step
    paintDigit(canvas, compute(decoder, path[step]));
    canvas.setAttribute("aria-label", `the code decoded at ${written(step, path.length - 1)}`);
  };
}

/** @type {(parent: Element, model: Model, walk: Walk) => Show} */
function addWay(parent, model, walk) {
  const way = addElement(parent, "div", { class: "way" });
  const range = addElement(addElement(way, "label", {}, "along the way"), "input", { type: "range", min: 0, step: 1 });
  const position = addElement(way, "output");
  range.addEventListener("input", () => walk.goTo(range.valueAsNumber));

  return function show(path) {
    const [step, steps] = [model.get("step"), path.length - 1];
    range.max = String(steps);
    range.value = String(step);
    range.setAttribute("aria-valuetext", written(step, steps));
    // Or a screen reader would read each step of a walk, and those that the slider says itself.
    position.setAttribute("aria-live", walk.isWalking() || range.matches(":focus") ? "off" : "polite");
    position.textContent = written(step, steps);
  };
}

/** @type {(parent: Element, model: Model, walk: Walk, decoder: Layer[]) => Show} */
function addFrames(parent, model, walk, decoder) {
  const row = addElement(parent, "div", { class: "frames" });
  const end = readNames(model).areDigits ? "digit" : "picture";
  /** @type {{ at: number, frame: HTMLElement }[]} */
  let frames = [];

  /** @param {number[][]} path */
  function build(path) {
    row.replaceChildren();
    const [steps, last] = [path.length - 1, Math.min(FRAMES, path.length) - 1];
    frames = Array.from({ length: last + 1 }, (_, i) => {
      const at = Math.round((i * steps) / last);
      const frame = addElement(row, "div");
      paintDigit(addPicture(frame, model, { "aria-label": written(at, steps) }), compute(decoder, path[at]));
      addElement(frame, "span", { "aria-hidden": true }, at === 0 ? "noise" : at === steps ? end : String(at));
      return { at, frame };
    });
  }

  return function show(path, isNew) {
    if (isNew) build(path);
    const here = frames.findLast(({ at }) => at <= model.get("step"));
    for (const each of frames) {
      each.frame.classList.toggle("ahead", walk.isWalking() && each.at > model.get("step"));
      each.frame.classList.toggle("here", each === here);
    }
  };
}

/** @param {{ model: Model, el: HTMLElement }} view */
function render({ model, el }) {
  const root = addElement(el, "div", { class: "vae-widget diffusion-walk" });
  keepKeys(root);
  const [velocity, decoder] = [readNetwork(model.get("_velocity")), readNetwork(model.get("_decoder"))];
  const walk = newWalk(model);
  const showDigit = addDigit(root, model, decoder);
  const side = addElement(root, "div", { class: "side" });
  addElement(side, "button", { type: "button" }, "New noise").addEventListener("click", walk.start);
  const showPicker = addPicker(side, model, walk);
  const showSliders = addSliders(side, model, walk);
  const showWay = addWay(root, model, walk);
  const showFrames = addFrames(root, model, walk, decoder);

  /** @type {number[][]} */
  let path = [];
  let pathOf = "";
  const { stop } = showTraits(model, ["noise", "digit", "steps", "guidance", "step"], () => {
    const now = JSON.stringify(["noise", "digit", "steps", "guidance"].map(model.get.bind(model)));
    const isNew = now !== pathOf;
    if (isNew) [path, pathOf] = [computePath(model, velocity), now];
    for (const part of [showPicker, showSliders]) part();
    for (const part of [showDigit, showWay, showFrames]) part(path, isNew);
  });
  return () => {
    walk.stop();
    stop();
  };
}

export default { render };
