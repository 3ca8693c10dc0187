// A canvas to draw a digit on. Strokes go to a plane of SIDE x SIDE pixels, whose ink is sent to Python as bytes at
// the end of each; the canvas shows that plane, and the keyboard's cursor over it.

function render({ model, el }) {
  const side = model.get("side");
  const root = document.createElement("div");
  root.className = "vae-drawing";
  root.innerHTML = `
    <canvas width="${side}" height="${side}" tabindex="0" role="application"
      aria-label="Drawing area. Draw with the mouse, a pen or a finger. Or use the arrow keys to move,
        the space bar to put the pen down or lift it, and Delete to clear."></canvas>
    <button type="button">Clear</button>
    <span role="status" aria-live="polite">Draw a digit, large and in the middle. Keys: arrows, space, Delete.</span>`;
  el.append(root);
  const [canvas, button, status] = root.children;
  const plane = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
  const view = canvas.getContext("2d");
  Object.assign(plane, { lineWidth: model.get("stroke"), lineCap: "round", lineJoin: "round" });

  let at = [side / 2, side / 2]; // of the pen
  let down = false; // the keyboard's pen
  let pointer = null; // that draws

  function show() {
    view.clearRect(0, 0, side, side);
    view.drawImage(plane.canvas, 0, 0);
    if (document.activeElement !== canvas || pointer !== null || !canvas.matches(":focus-visible")) return;
    view.strokeStyle = down ? "#c00" : "#1a73e8";
    view.lineWidth = 1.5;
    view.beginPath();
    view.arc(...at, model.get("stroke") / 2 + 1, 0, 2 * Math.PI);
    view.stroke();
  }

  function lineTo(point) {
    plane.beginPath();
    plane.moveTo(...at);
    plane.lineTo(...point);
    plane.stroke();
    at = point;
  }

  function send() {
    const rgba = plane.getImageData(0, 0, side, side).data;
    model.set("ink", new DataView(Uint8Array.from({ length: side * side }, (_, i) => rgba[4 * i + 3]).buffer));
    model.save_changes();
  }

  function clear() {
    plane.clearRect(0, 0, side, side);
    down = false;
    at = [side / 2, side / 2];
    status.textContent = "Cleared.";
    show();
    send();
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * side, ((event.clientY - box.top) / box.height) * side];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button !== 0) return;
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    at = place(event);
    lineTo(at);
    show();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    for (const point of event.getCoalescedEvents?.() ?? []) lineTo(place(point));
    lineTo(place(event));
    show();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      show();
      send();
    });
  }

  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in arrows) {
      const point = at.map((c, i) => Math.min(side, Math.max(0, c + (side / 28) * arrows[event.key][i])));
      if (down) lineTo(point);
      at = point;
    } else if (event.key === " ") {
      down = !down;
      if (down) lineTo(at);
      else send();
      const [column, row] = at.map((c) => Math.round((28 * c) / side));
      status.textContent = `Pen ${down ? "down" : "up"} at column ${column}, row ${row} of 28.`;
    } else if (event.key === "Delete" || event.key === "Backspace") {
      clear();
    } else return;
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
  button.addEventListener("click", clear);
}

export default { render };
