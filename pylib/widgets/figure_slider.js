// @ts-check
// The page's side of FigureSlider. The slider and its keys set the model's `value`, and the picture follows that.

import { addElement, addSlider, bytes, keepKeys, showTraits } from "./engine.js";

/** @typedef {import("./engine.js").Model} Model */

/** @param {number} value */
const written = (value) => String(Number(value.toPrecision(6))).replace("-", "\u2212");

/** @param {{ model: Model, el: HTMLElement }} view */
function render({ model, el }) {
  const root = addElement(el, "div", { class: "vae-widget figure-slider" });
  keepKeys(root);
  /** @type {string} */
  const name = model.get("_name");
  /** @type {number[]} */
  const values = model.get("_values");
  /** @type {string[]} */
  const pictures = model.get("_pictures").map((/** @type {DataView} */ png) =>
    URL.createObjectURL(new Blob([bytes(png)], { type: "image/png" }))
  );

  // It counts values, since multiples of a step such as 0.1 are not quite the values.
  const slider = addSlider(root, name, { min: 0, max: values.length - 1, step: 1 }, (i) => {
    model.set("value", values[i]);
    model.save_changes(); // at once: an answer of Python to something earlier would undo what is set and not yet saved
  });
  slider.output.style.minWidth = `${Math.max(...values.map((value) => written(value).length))}ch`;
  const picture = addElement(root, "img");

  const { stop } = showTraits(model, ["value"], () => {
    const value = model.get("value");
    const i = values.indexOf(value);
    slider.show(i, written(value));
    picture.src = pictures[i];
    picture.alt = `${name} ${written(value)}`;
  });
  return () => {
    stop();
    pictures.forEach(URL.revokeObjectURL);
  };
}

export default { render };
