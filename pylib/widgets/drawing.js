// @ts-check
// A canvas to draw a digit on. Strokes go to a plane of `side` x `side` pixels, whose ink is sent to Python as bytes at
// the end of each; the canvas shows that plane, and the keyboard's cursor over it.

import { addElement, context2d, hasModifier } from "./engine.js";

/** @typedef {import("./engine.js").Model} Model */
/** @typedef {[number, number]} Place from the top left, in pixels of the plane */
/** @typedef {ReturnType<typeof newDrawing>} Drawing */

const LABEL = "Drawing area. Draw with the mouse, a pen or a finger. Or use the arrow keys to move, " +
  "the space bar to put the pen down or lift it, and Delete to clear.";

/**
 * The plane, and the pen over it.
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

    send() {
      const rgba = context.getImageData(0, 0, side, side).data;
      model.set("ink", new DataView(Uint8Array.from({ length: side * side }, (_, i) => rgba[4 * i + 3]).buffer));
      model.save_changes();
    },
  };
}

/**
 * Draw with mouse, pen or finger; the first that is down has the pen.
 * @param {HTMLCanvasElement} canvas
 * @param {Drawing} drawing
 * @param {() => void} show
 * @returns {() => boolean} whether one is down
 */
function followPointer(canvas, drawing, show) {
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
      drawing.send();
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
 * @param {{ show: () => void, say: (text: string) => void, clear: () => void }} actions
 * @returns {{ isDown: () => boolean, lift: () => void }} the keyboard's pen
 */
function followKeys(canvas, drawing, { show, say, clear }) {
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
    else drawing.send();
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
    if (down) drawing.send();
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

/** @param {{ model: Model, el: HTMLElement }} view */
function render({ model, el }) {
  const [side, stroke] = [model.get("side"), model.get("stroke")];
  const root = addElement(el, "div", { class: "vae-drawing" });
  const attributes = { width: side, height: side, tabindex: 0, role: "application", "aria-label": LABEL };
  const canvas = addElement(root, "canvas", attributes);
  const button = addElement(root, "button", { type: "button" }, "Clear");
  const instructions = "Draw a digit, large and in the middle. Keys: arrows, space, Delete.";
  const status = addElement(root, "span", { role: "status", "aria-live": "polite" }, instructions);

  /** @param {string} text */
  const say = (text) => {
    status.textContent = text;
  };
  const drawing = newDrawing(model);
  const pointerIsDown = followPointer(canvas, drawing, show);
  const keyboard = followKeys(canvas, drawing, { show, say, clear });
  button.addEventListener("click", clear);

  function show() {
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

  function clear() {
    drawing.clear();
    keyboard.lift();
    say("Cleared.");
    show();
    drawing.send();
  }
}

export default { render };
