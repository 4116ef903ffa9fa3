// The learning curves of a training, as a drawing.

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [640, 260, 42, 26];

function shape(tag, attributes, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

export function chart({ name, epochs, curve }) {
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
