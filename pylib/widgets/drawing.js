// @ts-check
// A canvas to draw a digit on, and what networks make of it while the hand moves. Strokes go to a sheet of
// `side` x `side` pixels, whose ink is sent to Python as bytes at the end of each; the canvas shows that sheet, and the
// keyboard's cursor over it.

import {
  addElement,
  addLegend,
  addMenu,
  addPicture,
  addPlane,
  addSlider,
  bytes,
  compute,
  context2d,
  hasModifier,
  keepKeys,
  paintDigit,
  readNames,
  readNetwork,
  readPixels,
  showTraits,
} from "./engine.js";

/** @typedef {import("./engine.js").Model} Model */
/** @typedef {[number, number]} Place from the top left, in pixels of the sheet */
/** @typedef {ReturnType<typeof newDrawing>} Drawing */

/** @typedef {(image: Float64Array | null) => void} Show what is made of an image; without one, of an empty sheet */

const LARGEST_SIGMA = 0.6; // as Python has it
const LABEL = "Drawing area. Draw with the mouse, a pen or a finger. Or use the arrow keys to move, " +
  "the space bar to put the pen down or lift it, and Delete to clear.";

/** @param {Model} model */
const instructions = (model) =>
  `Draw a ${readNames(model).areDigits ? "digit" : "picture"}, large and in the middle. ` +
  "Keys: arrows, space, Delete.";

/**
 * The sheet, and the pen over it.
 * @param {Model} model
 */
function newDrawing(model) {
  const side = model.get("side");
  const options = { willReadFrequently: true };
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    new OffscreenCanvas(side, side).getContext("2d", options)
  );
  Object.assign(context, { lineWidth: model.get("stroke"), lineCap: "round", lineJoin: "round" });
  /** @type {Place} */
  let pen = [side / 2, side / 2];

  return {
    image: context.canvas,
    pen: () => pen,

    /** @param {Place} place */
    moveTo(place) {
      pen = place;
    },

    /** @param {Place} place */
    lineTo(place) {
      context.beginPath();
      context.moveTo(...pen);
      context.lineTo(...place);
      context.stroke();
      pen = place;
    },

    clear() {
      context.clearRect(0, 0, side, side);
      pen = [side / 2, side / 2];
    },

    /** How dark each pixel is, from 0 to 255. */
    ink() {
      const rgba = context.getImageData(0, 0, side, side).data;
      return Uint8Array.from({ length: side * side }, (_, i) => rgba[4 * i + 3]);
    },

    /** @param {Uint8Array} ink */
    restore(ink) {
      const image = context.createImageData(side, side);
      ink.forEach((darkness, i) => image.data[4 * i + 3] = darkness);
      context.putImageData(image, 0, 0);
    },
  };
}

/** As Python's `round`: a half goes to the even neighbour. @param {number} x */
function round(x) {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 ? floor + 1 : floor;
}

/**
 * How much each old pixel counts in each new one, `weights[new][old]`; each row sums to 1.
 * @type {(old: number, count: number) => number[][]}
 */
function areaWeights(old, count) {
  const width = old / count;
  const overlap = (/** @type {number} */ start, /** @type {number} */ pixel) =>
    Math.max(0, Math.min(start + width, pixel + 1) - Math.max(start, pixel));
  return Array.from(
    { length: count },
    (_, k) => Array.from({ length: old }, (_, pixel) => overlap(k * width, pixel) / width),
  );
}

/** @type {(row: number[], weights: number[][]) => number[]} */
const averaged = (row, weights) => weights.map((w) => w.reduce((sum, weight, i) => sum + weight * row[i], 0));

/** @param {number[][]} rows */
const transposed = (rows) => rows[0].map((_, i) => rows.map((row) => row[i]));

/** @param {number[]} masses */
function centreOfMass(masses) {
  const total = masses.reduce((sum, mass) => sum + mass, 0);
  return masses.reduce((sum, mass, i) => sum + i * mass, 0) / total;
}

/**
 * As `pylib.preprocessing.centre_digit`, which says what is done and why. `pixels` are the image's height and width.
 * @type {(ink: Uint8Array, side: number, pixels: [number, number]) => Float64Array | null}
 */
function centreDigit(ink, side, pixels) {
  const lines = Array.from({ length: side }, (_, i) => [...ink.subarray(i * side, (i + 1) * side)]);
  /** @param {number[][]} lines */
  const inked = (lines) => lines.flatMap((line, i) => (Math.max(...line) / 255 > 0.05 ? [i] : []));
  const [rows, columns] = [inked(lines), inked(transposed(lines))];
  if (!rows.length) return null;

  const [top, left] = [rows[0], columns[0]];
  const box = lines.slice(top, rows[rows.length - 1] + 1).map((line) =>
    line.slice(left, columns[columns.length - 1] + 1)
  );
  const sizes = [box.length, box[0].length];
  const scale = (20 / 28) * Math.min(...sizes.map((size, axis) => pixels[axis] / size));
  const sixDigits = (/** @type {number} */ x) => Number(x.toFixed(6));
  const [down, across] = sizes.map((size) => areaWeights(size, Math.max(1, round(sixDigits(size * scale)))));
  const wide = transposed(transposed(box).map((column) => averaged(column, down)));
  const small = wide.map((row) => averaged(row, across).map((sum) => Math.min(1, sum / 255)));

  const [height, width] = pixels;
  const image = new Float64Array(height * width);
  const [y, x] = [small, transposed(small)].map((lines, axis) => {
    const middle = centreOfMass(lines.map((line) => line.reduce((sum, p) => sum + p, 0)));
    return Math.min(Math.max(round(sixDigits(pixels[axis] / 2 - middle)), 0), pixels[axis] - lines.length);
  });
  small.forEach((row, i) => row.forEach((p, j) => image[width * (y + i) + x + j] = Math.fround(p)));
  return image;
}

/**
 * What the hands may do besides moving the pen.
 * @typedef {{
 *   show: () => void,
 *   send: () => void,
 *   say: (text: string) => void,
 *   instruct: () => void,
 *   clear: () => void,
 * }} Actions
 */

/**
 * Draw with mouse, pen or finger; the first that is down has the pen.
 * @param {HTMLCanvasElement} canvas
 * @param {Drawing} drawing
 * @param {Actions} actions
 * @returns {() => boolean} whether one is down
 */
function followPointer(canvas, drawing, { show, send, instruct }) {
  /** @type {number | null} */
  let pointer = null;

  /** @type {(event: PointerEvent) => Place} */
  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * canvas.width,
      ((event.clientY - box.top) / box.height) * canvas.height,
    ];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    instruct();
    drawing.moveTo(place(event));
    drawing.lineTo(place(event));
    show();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    for (const point of event.getCoalescedEvents?.() ?? []) drawing.lineTo(place(point));
    drawing.lineTo(place(event));
    show();
  });
  for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
    canvas.addEventListener(end, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      show();
      send();
    });
  }
  return () => pointer !== null;
}

/** @type {Record<string, Place>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Draw with keys: the arrows move the pen, the space bar puts it down or lifts it.
 * @param {HTMLCanvasElement} canvas
 * @param {Drawing} drawing
 * @param {Actions} actions
 * @returns {{ isDown: () => boolean, lift: () => void }} the keyboard's pen
 */
function followKeys(canvas, drawing, { show, send, say, clear }) {
  const side = canvas.width;
  let down = false;

  /** @type {(direction: Place) => void} */
  function move(direction) {
    const [x, y] = drawing.pen().map((c, i) => Math.min(side, Math.max(0, c + (side / 28) * direction[i])));
    if (down) drawing.lineTo([x, y]);
    else drawing.moveTo([x, y]);
  }

  function putDownOrLift() {
    down = !down;
    if (down) drawing.lineTo(drawing.pen());
    else send();
    const [column, row] = drawing.pen().map((c) => Math.round((28 * c) / side));
    say(`Pen ${down ? "down" : "up"} at column ${column}, row ${row} of 28.`);
  }

  canvas.addEventListener("keydown", (event) => {
    if (hasModifier(event)) return;
    if (event.key in ARROWS) move(ARROWS[event.key]);
    else if (event.key === " ") putDownOrLift();
    else if (event.key === "Delete" || event.key === "Backspace") clear();
    else return;
    event.preventDefault();
    event.stopPropagation(); // or JupyterLab would move to another cell
    show();
  });
  canvas.addEventListener("focus", show);
  canvas.addEventListener("blur", () => {
    if (down) send();
    down = false;
    show();
  });
  return {
    isDown: () => down,
    lift() {
      down = false;
    },
  };
}

/** @type {(parent: Element, model: Model, actions: Pick<Actions, "show">) => { drawing: Drawing, paint: () => void }} */
function addSheet(parent, model, actions) {
  const [side, stroke] = [model.get("side"), model.get("stroke")];
  const sheet = addElement(parent, "div", { class: "sheet" });
  const attributes = {
    class: "drawing",
    width: side,
    height: side,
    tabindex: 0,
    role: "application",
    "aria-label": LABEL,
  };
  const canvas = addElement(sheet, "canvas", attributes);
  const button = addElement(sheet, "button", { type: "button" }, "Clear");
  const status = addElement(sheet, "span", { role: "status", "aria-live": "polite" }, instructions(model));
  const drawing = newDrawing(model);
  const hands = {
    ...actions,
    send() {
      model.set("ink", new DataView(drawing.ink().buffer));
      model.save_changes();
    },
    /** @param {string} text */
    say(text) {
      status.textContent = text;
    },
    instruct() {
      hands.say(instructions(model));
    },
    clear() {
      drawing.clear();
      keyboard.lift();
      hands.say("Cleared.");
      actions.show();
      hands.send();
    },
  };
  const pointerIsDown = followPointer(canvas, drawing, hands);
  const keyboard = followKeys(canvas, drawing, hands);
  button.addEventListener("click", hands.clear);

  function paint() {
    const context = context2d(canvas);
    context.clearRect(0, 0, side, side);
    context.drawImage(drawing.image, 0, 0);
    if (document.activeElement !== canvas || pointerIsDown() || !canvas.matches(":focus-visible")) return;
    context.strokeStyle = keyboard.isDown() ? "#c00" : "#1a73e8";
    context.lineWidth = 1.5;
    context.beginPath();
    context.arc(...drawing.pen(), stroke / 2 + 1, 0, 2 * Math.PI);
    context.stroke();
  }
  return { drawing, paint };
}

/** @type {(parent: Element, model: Model, caption: string) => (picture: Float64Array | null) => void} */
function addFigure(parent, model, caption) {
  const figure = addElement(parent, "figure");
  const canvas = addPicture(figure, model, { class: "digit", "aria-label": caption });
  addElement(figure, "figcaption", {}, caption);
  return (picture) => paintDigit(canvas, picture ?? new Float64Array(canvas.width * canvas.height));
}

/** Where an encoder puts the drawing, and what the decoder makes of that place. @type {(parent: Element, model: Model) => Show} */
function addPlace(parent, model) {
  const [encoder, decoder] = [model.get("_encoder"), model.get("_decoder")].map(readNetwork);
  const pictures = addElement(parent, "div", { class: "pictures" });
  const showImage = addFigure(pictures, model, "as MNIST has it");
  const showReconstruction = addFigure(pictures, model, "reconstruction");
  const { plane, scale } = addPlane(parent, model, { role: "img" });
  const star = addElement(plane, "div", { class: "star", "aria-hidden": true }, "\u2605");
  addLegend(parent, model);
  const position = addElement(parent, "output");

  return function show(image) {
    const z = image && compute(encoder, image);
    showImage(image);
    showReconstruction(z && compute(decoder, z));
    const place = z ? `z = (${[...z].map((value) => value.toFixed(2).replace("-", "\u2212")).join(", ")})` : "";
    position.textContent = place;
    plane.setAttribute("aria-label", `The plane of codes${place && `, with the drawing at ${place}`}.`);
    star.hidden = !z;
    if (!z) return;
    star.style.left = `${(100 * scale.x(z[0])) / scale.size}%`;
    star.style.top = `${(100 * scale.y(z[1])) / scale.size}%`;
  };
}

/** The drawing with noise, and what a network makes of that. @type {(parent: Element, model: Model) => Show} */
function addDenoised(parent, model) {
  /** @type {Record<string, ReturnType<typeof readNetwork>>} */
  const networks = {};
  for (const [name, network] of Object.entries(model.get("_networks"))) networks[name] = readNetwork(network);
  const noise = new Float32Array(bytes(model.get("_noise")));
  const names = Object.keys(networks);
  const menu = names.length > 1 ? addMenu(parent, "network ", names, model.get("network")) : null;
  const limits = { min: 0, max: LARGEST_SIGMA, step: 0.05 };
  const slider = addSlider(parent, "noise, sigma", limits, (sigma) => set("sigma", sigma));
  const pictures = addElement(parent, "div", { class: "pictures" });
  const [showImage, showNoisy, showDenoised] = ["as MNIST has it", "noisy", "denoised"].map((caption) =>
    addFigure(pictures, model, caption)
  );
  /** @type {(name: string, value: unknown) => void} */
  function set(name, value) {
    model.set(name, value);
    model.save_changes();
  }
  menu?.addEventListener("change", () => set("network", menu.value));

  return function show(image) {
    const sigma = model.get("sigma");
    const network = model.get("network");
    if (menu) menu.value = network;
    slider.show(sigma, sigma.toFixed(2));
    const noisy = image && image.map((p, i) => Math.min(1, Math.max(0, p + sigma * noise[i])));
    showImage(image);
    showNoisy(noisy);
    showDenoised(noisy && compute(networks[network], noisy));
  };
}

/** @param {{ model: Model, el: HTMLElement }} view */
function render({ model, el }) {
  const root = addElement(el, "div", { class: "vae-widget digit-drawing" });
  keepKeys(root);
  /** @type {Show[]} */
  const shows = [];
  const { drawing, paint } = addSheet(root, model, { show: () => showSoon() });
  const side = addElement(root, "div", { class: "side" });
  if (model.get("_encoder")) shows.push(addPlace(side, model));
  if (model.get("_networks")) shows.push(addDenoised(side, model));

  /** From Python, from another view, or stored in the notebook. */
  function restore() {
    const ink = new Uint8Array(bytes(model.get("ink")));
    if (String(ink) === String(drawing.ink())) return;
    if (ink.length) drawing.restore(ink);
    else drawing.clear();
  }
  model.on("change:ink", restore);
  restore();
  const { showSoon, stop } = showTraits(model, ["ink", "network", "sigma"], () => {
    paint();
    if (!shows.length) return;
    const image = centreDigit(drawing.ink(), model.get("side"), readPixels(model));
    for (const part of shows) part(image);
  });
  return () => {
    model.off("change:ink", restore);
    stop();
  };
}

export default { render };
