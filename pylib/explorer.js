// The page's side of LatentExplorer. The point is the model's `z`: whatever moves it sets `z`, and whatever shows it
// listens to `z`, so that the mouse, the keys, the walk, Python and a second view of the widget all go one way.

const SIZE = 400; // of the plane in its own units; CSS makes it larger or smaller
const MARGIN = 44; // left and below, for the axes
const INNER = SIZE - MARGIN - 8;
const WALK = 3000; // milliseconds from one digit to another

// Within 1.5e-7: M. Abramowitz, I. A. Stegun (1964), formula 7.1.26.
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const p = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
  return Math.sign(x) * (1 - p * Math.exp(-x * x));
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

const ACTIVATIONS = {
  linear: (x) => x,
  relu: (x) => (x > 0 ? x : 0),
  silu: (x) => x * sigmoid(x),
  gelu: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
  tanh: Math.tanh,
  sigmoid,
};

// Binary data may start at any byte, which typed arrays don't allow: copy it.
const bytes = (view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);

// Not every browser has a Float16Array yet.
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

// The decoder's layers, with kernels row after row as Keras has them: `inputs` rows of `units` numbers.
function readLayers(model) {
  const buffer = bytes(model.get("_weights"));
  const numbers = model.get("_half") ? floatsOfHalves(new Uint16Array(buffer)) : new Float32Array(buffer);
  let read = 0;
  return model.get("_layers").map(({ inputs, units, activation }) => {
    const kernel = numbers.subarray(read, (read += inputs * units));
    const bias = numbers.subarray(read, (read += units));
    return { kernel, bias, activate: ACTIVATIONS[activation] };
  });
}

function decode(layers, input) {
  let h = Float64Array.from(input);
  for (const { kernel, bias, activate } of layers) {
    const sums = Float64Array.from(bias);
    for (let i = 0; i < h.length; i++) {
      if (h[i] === 0) continue; // after a relu, every second one
      for (let j = 0, k = i * sums.length; j < sums.length; j++, k++) sums[j] += h[i] * kernel[k];
    }
    h = sums.map((x) => activate(x));
  }
  return h.map(sigmoid);
}

// Dark on light in every theme, as the lessons print digits.
function paintDigit(canvas, picture) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(28, 28);
  picture.forEach((p, i) => {
    const grey = 255 - Math.round(255 * p);
    image.data.set([grey, grey, grey, 255], 4 * i);
  });
  context.putImageData(image, 0, 0);
}

function add(parent, tag, attributes = {}, text = "") {
  const svg = tag === "svg" || parent instanceof SVGElement;
  const child = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) child.setAttribute(name, value);
  child.textContent = text;
  parent.append(child);
  return child;
}

const clamp = (value, limit) => Math.min(limit, Math.max(-limit, value));
const written = (value) => value.toFixed(2).replace("-", "\u2212").replace(/^\u2212(0\.00)$/, "$1");

function paintCodes(canvas, model, right, up) {
  const points = new Float32Array(bytes(model.get("_points")));
  const digits = new Uint8Array(bytes(model.get("_digits")));
  const colors = model.get("_colors");
  const context = canvas.getContext("2d");
  context.scale(canvas.width / SIZE, canvas.height / SIZE);
  context.beginPath();
  context.rect(MARGIN, 8, INNER, INNER);
  context.clip();
  digits.forEach((digit, i) => {
    context.fillStyle = colors[digit];
    context.fillRect(right(points[2 * i]) - 1, up(points[2 * i + 1]) - 1, 2, 2);
  });
}

function drawAxes(svg, limit, right, up) {
  const power = 10 ** Math.floor(Math.log10(limit / 4));
  const step = power * [1, 2, 5, 10].find((factor) => 4 * factor * power >= limit);
  const [left, bottom] = [right(-limit), up(-limit)];
  add(svg, "path", { class: "axes", d: `M${left} ${up(limit)}V${bottom}H${right(limit)}` });
  for (let i = -Math.floor(limit / step); i <= limit / step; i++) {
    const value = i * step;
    const label = String(Number(value.toPrecision(6))).replace("-", "\u2212");
    add(svg, "path", { class: "axes", d: `M${right(value)} ${bottom}v4M${left} ${up(value)}h-4` });
    add(svg, "text", { x: right(value), y: bottom + 16, "text-anchor": "middle" }, label);
    add(svg, "text", { x: left - 7, y: up(value) + 4, "text-anchor": "end" }, label);
  }
  const middle = { x: right(0), y: SIZE - 6, "text-anchor": "middle" };
  add(svg, "text", middle, "first latent number");
  add(svg, "text", { ...middle, x: -up(0), y: 12, transform: "rotate(-90)" }, "second latent number");
  const radius = right(2) - right(0); // two standard deviations of the prior
  add(svg, "circle", { class: "prior", cx: right(0), cy: up(0), r: radius });
}

function render({ model, el }) {
  const layers = readLayers(model);
  const limit = model.get("_limit");
  const typical = model.get("_typical"); // a code for each digit that has any
  const classes = model.get("_n_classes");
  const right = (value) => MARGIN + ((value + limit) / (2 * limit)) * INNER;
  const up = (value) => 8 + ((limit - value) / (2 * limit)) * INNER;

  const root = add(el, "div", { class: "latent-explorer" });
  const left = add(root, "div");
  const plane = add(left, "div", { class: "plane", tabindex: 0, role: "application" });
  paintCodes(add(plane, "canvas", { width: 2 * SIZE, height: 2 * SIZE, "aria-hidden": true }), model, right, up);
  const svg = add(plane, "svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, "aria-hidden": true });
  drawAxes(svg, limit, right, up);
  const point = add(svg, "circle", { class: "point", r: 7 });
  const legend = add(left, "div", { class: "legend" });
  model.get("_colors").forEach((color, digit) => {
    const entry = add(legend, "span");
    add(entry, "i", { style: `background: ${color}` });
    entry.append(digit);
  });

  const side = add(root, "div", { class: "side" });
  const canvas = add(side, "canvas", { class: "digit", width: 28, height: 28, role: "img" });
  canvas.setAttribute("aria-label", "the decoded digit");
  const position = add(side, "output");

  // Moving. Each place is saved at once: JupyterLab sends the next when Python has answered, only the last of those that
  // came meanwhile. An answer would undo a place that is set and not yet saved.
  let walking = null;
  function set(name, value) {
    model.set(name, value);
    model.save_changes();
  }
  function move(z) {
    cancelAnimationFrame(walking);
    set("z", z);
  }
  const moveOnPlane = (a, b) => move([clamp(a, limit), clamp(b, limit), ...model.get("z").slice(2)]);

  function follow(event) {
    const box = svg.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((pixels) => (pixels * SIZE) / box.width);
    moveOnPlane(((x - MARGIN) / INNER) * 2 * limit - limit, limit - ((y - 8) / INNER) * 2 * limit);
  }
  plane.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    plane.setPointerCapture(event.pointerId);
    follow(event);
  });
  plane.addEventListener("pointermove", (event) => {
    if (plane.hasPointerCapture(event.pointerId)) follow(event);
  });

  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  plane.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const [a, b] = model.get("z");
    const step = (event.shiftKey ? 5 : 1) * (limit / 40);
    if (event.key in arrows) moveOnPlane(a + step * arrows[event.key][0], b + step * arrows[event.key][1]);
    else if (event.key === "Home") move(model.get("z").map(() => 0));
    else return;
    event.preventDefault(); // or the page would scroll
  });
  // JupyterLab in command mode would take these keys for its own.
  root.addEventListener("keydown", (event) => {
    if (!event.ctrlKey && !event.altKey && !event.metaKey) event.stopPropagation();
  });

  // Controls below the digit
  function select(parent, label, options, chosen) {
    const menu = add(add(parent, "label", {}, label), "select");
    for (const option of options) add(menu, "option", {}, option);
    menu.value = chosen;
    return menu;
  }
  const picker = classes && select(side, "draw a ", [...Array(classes).keys()], model.get("digit"));
  if (picker) picker.addEventListener("change", () => set("digit", Number(picker.value)));

  const names = Object.keys(typical);
  const row = add(side, "div", { class: "walk" });
  const button = add(row, "button", { type: "button" }, "Walk");
  const from = select(row, "from ", names, names[0]);
  const to = select(row, "to ", names, names.at(-1));
  button.addEventListener("click", () => {
    const began = performance.now();
    const [start, end] = [typical[from.value], typical[to.value]];
    const jumps = matchMedia("(prefers-reduced-motion: reduce)").matches;
    function step(now) {
      let part = Math.min(1, Math.max(0, (now - began) / WALK));
      if (jumps) part = Math.floor(6 * part) / 6;
      move(start.map((value, i) => (1 - part) * value + part * end[i]));
      if (part < 1) walking = requestAnimationFrame(step);
    }
    step(began);
  });

  const sliders = add(root, "div", { class: "sliders" });
  const further = model.get("z").slice(2).map((_, i) => {
    const label = add(sliders, "label", {}, `z${i + 3}`);
    const range = add(label, "input", { type: "range", min: -limit, max: limit, step: limit / 200 });
    range.addEventListener("input", () => {
      const z = [...model.get("z")];
      z[i + 2] = Number(range.value);
      move(z);
    });
    return { range, value: add(label, "span") };
  });

  // Showing: at most once a frame, however many events came in between.
  let frame = null;
  function show() {
    frame = null;
    const z = model.get("z");
    const label = Array.from({ length: classes }, (_, i) => (i === model.get("digit") ? 1 : 0));
    paintDigit(canvas, decode(layers, [...z, ...label]));
    point.setAttribute("transform", `translate(${right(clamp(z[0], limit))} ${up(clamp(z[1], limit))})`);
    const here = `${written(z[0])}, ${written(z[1])}`;
    position.textContent = `z = (${here}${z.length > 2 ? ", \u2026" : ""})`;
    plane.setAttribute("aria-label", `Latent plane, point at ${here}. Arrow keys move it, Home takes it to the origin.`);
    further.forEach(({ range, value }, i) => {
      range.value = z[i + 2];
      value.textContent = written(z[i + 2]);
    });
    if (picker) picker.value = model.get("digit");
  }
  const showSoon = () => {
    frame ??= requestAnimationFrame(show);
  };
  model.on("change:z", showSoon);
  model.on("change:digit", showSoon);
  show();

  return () => {
    cancelAnimationFrame(walking);
    cancelAnimationFrame(frame);
    model.off("change:z", showSoon);
    model.off("change:digit", showSoon);
  };
}

export default { render };
