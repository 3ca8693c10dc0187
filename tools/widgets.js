// Brings the anywidgets of an exported page to life, with no kernel and no other script. nbconvert leaves the state of
// all widgets in one script element, and a script element with a model's id at each place where one was shown.

const script = (kind) => `script[type="application/vnd.jupyter.widget-${kind}+json"]`;

// What a widget's code expects of its model; nobody listens to what it saves.
class Model {
  listeners = [];

  constructor({ state, buffers = [] }) {
    this.state = state;
    for (const { path, data } of buffers) {
      const binary = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
      const owner = path.slice(0, -1).reduce((value, key) => value[key], state);
      owner[path.at(-1)] = new DataView(binary.buffer);
    }
  }

  get(name) {
    return this.state[name];
  }

  set(name, value) {
    if (JSON.stringify(value) === JSON.stringify(this.state[name])) return;
    this.state[name] = value;
    for (const listener of [...this.listeners]) {
      if (listener.event === `change:${name}`) listener.callback();
    }
  }

  on(event, callback) {
    this.listeners.push({ event, callback });
  }

  off(event, callback) {
    this.listeners = this.listeners.filter((other) => other.event !== event || other.callback !== callback);
  }

  save_changes() {}

  send() {}
}

async function show(place, models) {
  const entry = models[JSON.parse(place.textContent).model_id];
  if (!entry?.state._esm) {
    place.before("This control works in JupyterLab; the pictures beside it show some of what it does.");
    return;
  }
  entry.model ??= new Model(entry);
  const module = URL.createObjectURL(new Blob([entry.state._esm], { type: "text/javascript" }));
  const widget = (await import(module)).default;
  const el = document.createElement("div");
  const style = document.createElement("style");
  style.textContent = entry.state._css ?? "";
  place.before(style, el);
  await widget.render({ model: entry.model, el });
}

const models = JSON.parse(document.querySelector(script("state")).textContent).state;
document.querySelectorAll(script("view")).forEach((place) => show(place, models));
