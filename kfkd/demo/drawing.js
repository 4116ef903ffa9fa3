// An image with the faces that were found in it, and their points.

const MOST_PIXELS = 1600; // of the longer side of what is drawn

export function draw(canvas, image, found, net, parts, named) {
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
    if (named) write(context, points, Math.max(width / 30, 11 / scale));
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
