// The page of `kfkd demo`: images go to the server, points come back and are drawn.

const get = (id) => document.getElementById(id);
const POLL = 5000; // ms between two looks at the trainings
const MOST_PIXELS = 1600; // of the longer side of what is drawn

let parts = [];

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function say(text, bad = false) {
  const status = get("status");
  status.textContent = text;
  status.classList.toggle("error", bad);
}

// Requests

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("the program that shows this page does not answer; is it still running?");
  }
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(content.error || `the answer was ${answer.status}`);
  return content;
}

function chosen() {
  return [...document.querySelectorAll("#nets input:checked")].map((box) => box.value);
}

function predict(blob) {
  const query = new URLSearchParams(chosen().map((name) => ["net", name]));
  query.set("detect", get("detect").checked ? "1" : "0");
  return ask(`/api/predict?${query}`, { method: "POST", body: blob });
}

// Drawing

function draw(canvas, image, found, net) {
  const scale = Math.min(1, MOST_PIXELS / Math.max(found.width, found.height));
  canvas.width = Math.round(found.width * scale);
  canvas.height = Math.round(found.height * scale);
  const context = canvas.getContext("2d");
  if (image) context.drawImage(image, 0, 0, canvas.width, canvas.height);
  context.scale(scale, scale);
  context.lineJoin = context.lineCap = "round";
  found.boxes.forEach(([left, top, width, height], face) => {
    const line = Math.max(width / 120, 1 / scale);
    stroke(context, line, "#ffb000", () => context.rect(left, top, width, height));
    const points = found.points[net][face];
    for (const { colour, lines } of parts) {
      for (const names of lines) {
        const known = names.filter((name) => points[name]).map((name) => points[name]);
        stroke(context, line, colour, () => known.forEach(([x, y], i) =>
          i ? context.lineTo(x, y) : context.moveTo(x, y)));
        for (const [x, y] of known) dot(context, x, y, 1.8 * line, colour);
      }
    }
    if (get("names").checked) write(context, points, Math.max(width / 30, 11 / scale));
  });
}

function stroke(context, width, colour, path) {
  for (const [extra, style] of [[1.8, "rgba(0, 0, 0, .6)"], [1, colour]]) {
    context.beginPath();
    path();
    context.lineWidth = width * extra;
    context.strokeStyle = style;
    context.stroke();
  }
}

function dot(context, x, y, radius, colour) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.fill();
  context.lineWidth = radius / 3;
  context.strokeStyle = "rgba(0, 0, 0, .6)";
  context.stroke();
}

// The name of a point without its part, which its colour tells: "inner", "top lip".
function short(name) {
  return name.replace(/^(left|right)_eye(brow)?_|^mouth_(center_)?/, "")
    .replace(/_(corner|end)$/, "").replaceAll("_", " ");
}

function write(context, points, size) {
  context.font = `${size}px sans-serif`;
  context.lineWidth = size / 4;
  context.strokeStyle = "#000";
  context.fillStyle = "#fff";
  for (const [name, [x, y]] of Object.entries(points)) {
    const text = short(name);
    context.strokeText(text, x + size / 2, y + size / 3);
    context.fillText(text, x + size / 2, y + size / 3);
  }
}

// Results

function count(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

function describe(found) {
  const n = found.boxes.length;
  return n ? `${count(n, "face")} found in ${found.ms.faces} ms`
    : "No face was found. One that looks into the camera is; or do without looking for faces.";
}

class Result {
  constructor(title) {
    this.figures = new Map();
    this.side = make("div", { className: "side" });
    this.element = make("article", {}, make("h3", { textContent: title }), this.side);
    get("results").prepend(this.element);
  }

  show(image, found) {
    this.last = [image, found];
    for (const [name, { figure }] of this.figures) {
      if (!(name in found.points)) {
        figure.remove();
        this.figures.delete(name);
      }
    }
    for (const name of Object.keys(found.points)) {
      if (!this.figures.has(name)) this.add(name);
      const { canvas, time, details } = this.figures.get(name);
      draw(canvas, image, found, name);
      const text = found.boxes.length ? `points in ${found.ms[name]} ms` : "no face was found";
      canvas.setAttribute("aria-label",
        `${count(found.boxes.length, "face")} with the points of ${name}`);
      time.textContent = ` · ${text}`;
      if (details.open) this.list(name);
    }
  }

  add(name) {
    const canvas = make("canvas");
    canvas.setAttribute("role", "img");
    const time = make("span");
    const caption = make("figcaption", {}, make("strong", { textContent: name }), time);
    const table = make("div", { className: "table" });
    const details = make("details", {}, make("summary", { textContent: "Points as a table" }),
      table);
    details.addEventListener("toggle", () => details.open && this.list(name));
    const figure = make("figure", {}, canvas, caption, details);
    this.side.append(figure);
    this.figures.set(name, { figure, canvas, time, details, table });
  }

  list(name) {
    const { table } = this.figures.get(name);
    const faces = this.last[1].points[name];
    table.replaceChildren(...faces.map((points, face) => make("table", {},
      make("caption", { textContent: `Face ${face + 1}, in pixels` }),
      make("tbody", {}, ...Object.entries(points).map(([point, [x, y]]) => make("tr", {},
        make("th", { scope: "row", textContent: point.replaceAll("_", " ") }),
        make("td", { textContent: x.toFixed(1) }),
        make("td", { textContent: y.toFixed(1) })))))));
  }

  redraw() {
    if (this.last) this.show(...this.last);
  }
}

const results = [];

function newResult(title) {
  results.push(new Result(title));
  return results.at(-1);
}

async function showFile(file) {
  const found = await predict(file);
  // The browser turns images as cameras note it, as the server does.
  const image = await createImageBitmap(file).catch(() => null);
  newResult(file.name || "Pasted image").show(image, found);
  return describe(found);
}

async function showFiles(files) {
  stopCamera();
  const said = [];
  let failed = 0;
  for (const [i, file] of files.entries()) {
    const name = file.name || "The image";
    say(`Looking at ${name} (${i + 1} of ${files.length}) …`);
    try {
      said.push(`${name}: ${await showFile(file)}`);
    } catch (error) {
      said.push(`${name}: ${error.message}`);
      failed += 1;
    }
  }
  say(said.join(". "), failed > 0);
}

// Camera

let camera = null;

async function startCamera() {
  const video = get("video");
  try {
    camera = await navigator.mediaDevices.getUserMedia({ video: { width: 640 } });
  } catch (error) {
    say(`The camera cannot be used: ${error.message}`, true);
    return;
  }
  get("camera").textContent = "Stop the camera";
  get("camera").setAttribute("aria-pressed", "true");
  video.srcObject = camera;
  await video.play();
  say("The camera is on");
  const result = newResult("Camera");
  const own = camera;
  let faces = -1;
  while (camera === own) {
    const frame = make("canvas", { width: video.videoWidth, height: video.videoHeight });
    frame.getContext("2d").drawImage(video, 0, 0);
    const blob = await new Promise((done) => frame.toBlob(done, "image/jpeg", 0.9));
    try {
      const found = await predict(blob);
      if (camera !== own) break;
      result.show(frame, found);
      if (found.boxes.length !== faces) say(describe(found));
      faces = found.boxes.length;
    } catch (error) {
      say(error.message, true);
      await new Promise((done) => setTimeout(done, 1000));
    }
    await new Promise(requestAnimationFrame);
  }
}

function stopCamera() {
  if (!camera) return;
  camera.getTracks().forEach((track) => track.stop());
  camera = null;
  get("camera").textContent = "Use the camera";
  get("camera").setAttribute("aria-pressed", "false");
  say("The camera is off");
}

// Trainings

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [640, 260, 42, 26];

function shape(tag, attributes, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

function chart({ name, epochs, curve }) {
  const values = curve.flatMap(([, ...pixels]) => pixels.filter((value) => value > 0));
  const low = Math.log(Math.min(...values)), high = Math.log(Math.max(...values));
  const first = curve[0][0];
  const x = (epoch) =>
    LEFT + ((epoch - first) / Math.max(1, epochs - first)) * (WIDTH - LEFT - 12);
  const y = (value) =>
    10 + ((high - Math.log(value)) / Math.max(0.01, high - low)) * (HEIGHT - BOTTOM - 20);
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img",
    "aria-label": `Learning curves of ${name}` });
  for (let i = 0; i <= 3; i++) {
    const value = Math.exp(low + (i / 3) * (high - low));
    svg.append(shape("line", { class: "grid", x1: LEFT, x2: WIDTH - 12,
      y1: y(value), y2: y(value) }));
    svg.append(shape("text", { x: 4, y: y(value) + 4 }, value.toFixed(2)));
  }
  svg.append(shape("text", { x: LEFT, y: HEIGHT - 8 }, `epoch ${first}`));
  svg.append(shape("text", { x: WIDTH - 12, y: HEIGHT - 8, "text-anchor": "end" }, epochs));
  for (const [column, kind] of [[1, "train"], [2, "valid"]]) {
    const points = curve.filter((row) => row[column] > 0)
      .map((row) => `${x(row[0])},${y(row[column])}`);
    svg.append(shape("polyline", { class: kind, points: points.join(" ") }));
  }
  return svg;
}

async function showTrainings() {
  const found = await ask("/api/trainings").catch(() => []);
  get("trainings").hidden = !found.length;
  get("curves").replaceChildren(...found.map((training) => {
    const [, train, valid] = training.curve.at(-1);
    const pixels = [train, valid].map((value) => (value === null ? "not a number"
      : value.toFixed(2)));
    const text = `epoch ${training.epochs} of ${training.of}, ${Math.round(training.age)} s ` +
      `ago: ${pixels[0]} pixels in training, ${pixels[1]} in validation`;
    return make("div", {}, make("h3", { textContent: training.name }),
      make("p", { textContent: text }), chart(training));
  }));
}

// Start

async function start() {
  const about = await ask("/api/nets");
  parts = about.parts;
  for (const { name, trained_on: trainedOn, drawn } of about.nets) {
    const box = make("input", { type: "checkbox", value: name, checked: true });
    get("nets").append(make("label", { className: "check" }, box, name));
    if (trainedOn) {
      const more = drawn ? ". It errs by more on photographs" : "";
      get("nets").append(make("small", { textContent: `Trained on ${trainedOn}${more}` }));
    }
  }
}

const drop = get("drop");
get("file").addEventListener("change", (event) => {
  showFiles([...event.target.files]);
  event.target.value = ""; // so that the same file can be chosen again
});
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop") showFiles([...event.dataTransfer.files]);
  });
}
document.addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files];
  if (files.length) showFiles(files);
});
get("names").addEventListener("change", () => results.forEach((result) => result.redraw()));
get("camera").addEventListener("click", () => (camera ? stopCamera() : startCamera()));

start().catch((error) => say(error.message, true));
showTrainings();
setInterval(showTrainings, POLL);
