// @ts-check
// Brings the anywidgets of a page to life, with no kernel and no other script. nbconvert and MyST-NB leave the state of
// all widgets in one script element, and a script element with a model's id at each place where one was shown.

/** @typedef {{ path: string[], data: string | [string, number] }} Buffer base64, or the model and place that has it */
/** @typedef {{ state: Record<string, any>, buffers?: Buffer[], model?: Model, module?: Promise<any> }} Entry */

/** @param {string} kind */
const script = (kind) => `script[type="application/vnd.jupyter.widget-${kind}+json"]`;

// What a widget's code expects of its model: that of ipywidgets would come from another host, and want a kernel.
class Model {
  /** @type {{ event: string, callback: () => void }[]} */
  listeners = [];

  /**
   * @param {Entry} entry
   * @param {Record<string, Entry>} models
   */
  constructor({ state, buffers = [] }, models) {
    this.state = state;
    for (const { path, data } of buffers) {
      const stored = typeof data === "string" ? data : models[data[0]].buffers?.[data[1]].data;
      const binary = Uint8Array.from(atob(String(stored)), (character) => character.charCodeAt(0));
      const owner = path.slice(0, -1).reduce((value, key) => value[key], state);
      owner[path[path.length - 1]] = new DataView(binary.buffer);
    }
  }

  /** @param {string} name */
  get(name) {
    return this.state[name];
  }

  /** @type {(name: string, value: unknown) => void} */
  set(name, value) {
    const same = JSON.stringify(value) === JSON.stringify(this.state[name]);
    if (same && !(value instanceof DataView)) return; // of which JSON shows nothing
    this.state[name] = value;
    for (const listener of [...this.listeners]) {
      if (listener.event === `change:${name}`) listener.callback();
    }
  }

  /** @type {(event: string, callback: () => void) => void} */
  on(event, callback) {
    this.listeners.push({ event, callback });
  }

  /** @type {(event: string, callback: () => void) => void} */
  off(event, callback) {
    this.listeners = this.listeners.filter((other) => other.event !== event || other.callback !== callback);
  }

  save_changes() {} // nobody listens
}

/** @type {(place: Element, models: Record<string, Entry>) => Promise<void>} */
async function show(place, models) {
  const entry = models[JSON.parse(place.textContent).model_id];
  if (!entry?.state._esm) {
    const note = document.createElement("p");
    note.textContent = "This control works in JupyterLab; the pictures beside it show some of what it does.";
    place.before(note);
    return;
  }
  entry.model ??= new Model(entry, models);
  // One module for all views of a model, as in JupyterLab.
  entry.module ??= import(URL.createObjectURL(new Blob([entry.state._esm], { type: "text/javascript" })));
  const widget = (await entry.module).default;
  const el = document.createElement("div");
  const style = document.createElement("style");
  style.textContent = entry.state._css ?? "";
  place.before(style, el);
  await widget.render({ model: entry.model, el });
}

const models = JSON.parse(/** @type {Element} */ (document.querySelector(script("state"))).textContent).state;
document.querySelectorAll(script("view")).forEach((place) => show(place, models));
