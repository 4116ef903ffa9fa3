// The page of `kfkd demo`: images go to the server, points come back and are drawn.

import { chart } from "./curves.js";
import { draw } from "./drawing.js";
import { get, make } from "./elements.js";

const POLL = 5000; // ms between two looks at the trainings

let parts = [];

function say(text, bad = false) {
  tell([{ text, bad }]);
}

function tell(lines) {
  get("status").replaceChildren(...lines.map(({ text, bad }) =>
    make("p", { textContent: text, className: bad ? "error" : "" })));
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

async function predict(blob) {
  if (!chosen().length) throw new Error("no net is chosen");
  const query = new URLSearchParams(chosen().map((name) => ["net", name]));
  query.set("detect", get("detect").checked ? "1" : "0");
  return ask(`/api/predict?${query}`, { method: "POST", body: blob });
}

// Results

function count(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

function describe(found) {
  const n = found.boxes.length;
  return n ? `${count(n, "face")} found in ${found.ms.faces} ms`
    : "no face was found. Those that look into the camera are found best; without \u201cLook " +
      "for faces\u201d, the middle of the image is taken for one";
}

class Result {
  // `file` is where it comes from, unless that is the camera.
  constructor(title, file = null) {
    Object.assign(this, { title, file });
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
      draw(canvas, image, found, name, parts, get("names").checked);
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

function newResult(title, file) {
  results.push(new Result(title, file));
  return results.at(-1);
}

// Work that has to wait for the work before it.
let turn = Promise.resolve();

function inTurn(work) {
  turn = turn.then(work).catch((error) => say(error.message, true));
}

// Looks at images one after the other, and tells what came of each.
async function lookAt(titles, look) {
  const lines = [];
  for (const [i, title] of titles.entries()) {
    say(`Looking at ${title} (${i + 1} of ${titles.length}) …`);
    try {
      const found = await look(i);
      lines.push({ text: `${title}: ${describe(found)}`, bad: !found.boxes.length });
    } catch (error) {
      lines.push({ text: `${title}: ${error.message}`, bad: true });
    }
  }
  tell(lines);
}

function showFiles(files) {
  stopCamera();
  const titles = files.map((file) => file.name || "Pasted image");
  inTurn(() => lookAt(titles, async (i) => {
    const found = await predict(files[i]);
    // The browser turns images as cameras note it, as the server does.
    const image = await createImageBitmap(files[i]).catch(() => null);
    newResult(titles[i], files[i]).show(image, found);
    return found;
  }));
}

let choices = 0;

// Shows the photographs by the nets, and in the way, that are chosen now.
function showAgain() {
  const choice = ++choices;
  inTurn(async () => {
    const shown = results.filter((result) => result.file).reverse();
    if (choice !== choices || !shown.length) return;
    await lookAt(shown.map((result) => result.title), async (i) => {
      const found = await predict(shown[i].file);
      shown[i].show(shown[i].last[0], found);
      return found;
    });
  });
}

// Camera

let camera = null;

async function startCamera() {
  const video = get("video");
  try {
    camera = await navigator.mediaDevices.getUserMedia({ video: { width: 640 } });
    video.srcObject = camera;
    await video.play();
  } catch (error) {
    stopCamera();
    say(`The camera cannot be used: ${error.message}`, true);
    return;
  }
  get("camera").textContent = "Stop the camera";
  get("camera").setAttribute("aria-pressed", "true");
  say("The camera is on");
  const result = newResult("Camera");
  const own = camera;
  let faces = -1, problem = "";
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
      problem = "";
    } catch (error) {
      if (camera !== own) break;
      if (error.message !== problem) say(error.message, true);
      problem = error.message;
      faces = -1; // so that they are told again
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
get("detect").addEventListener("change", showAgain);
get("nets").addEventListener("change", showAgain);
get("camera").addEventListener("click", () => (camera ? stopCamera() : startCamera()));

start().catch((error) => say(error.message, true));
showTrainings();
setInterval(showTrainings, POLL);
