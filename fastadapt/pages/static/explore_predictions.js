// What the network says at some weights: of sixteen images, or of the plane that the spirals lie in.

const classColours = ["#2f7fc1", "#e08214", "#1a9a70"];

function predictionsOf(root, found, say) {
  if (found.kind === "images")
    return el(
      "div",
      { class: "images" },
      found.images.map((image) => imageOf(root, image, say)),
    );
  if (found.kind === "map")
    return el("div", { class: "map", data: { what: say("explore.what.map") } }, mapOf(root, found));
  if (found.kind === "text")
    return el(
      "div",
      {},
      found.lines.map((line) => el("p", { class: "mono", text: line })),
    );
  return el("p", { class: "soft", text: say("explore.point.no_predictions") });
}

function imageOf(root, image, say) {
  const canvas = el("canvas", { width: 8, height: 8 });
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(8, 8);
  image.pixels.flat().forEach((value, k) => {
    const grey = themeOf(root) === "dark" ? 28 + value * 14 : 255 - value * 14;
    pixels.data.set([grey, grey, grey, 255], 4 * k);
  });
  context.putImageData(pixels, 0, 0);
  const right = image.says === image.label;
  const what = say(right ? "explore.what.image" : "explore.what.image_wrong", {
    label: image.label,
    says: image.says,
    sure: percent(image.sure),
  });
  return el(
    "div",
    { class: right ? "image" : "image wrong", tabindex: 0, data: { what } },
    canvas,
    el("span", { text: String(image.says) }),
  );
}

// What the network says everywhere in the plane of the spirals, paler where it is less sure, and the test's points.
function mapOf(root, found) {
  const cells = found.says.length;
  const size = 6;
  const canvas = el("canvas", { width: cells * size, height: cells * size });
  const context = canvas.getContext("2d");
  found.says.forEach((row, j) =>
    row.forEach((says, i) => {
      context.globalAlpha = 0.15 + 0.4 * Math.max(0, (found.sure[j][i] - 1 / 3) * 1.5);
      context.fillStyle = classColours[says % 3];
      context.fillRect(i * size, (cells - 1 - j) * size, size, size);
    }),
  );
  context.globalAlpha = 1;
  const place = (value) => ((value + found.reach) / (2 * found.reach)) * cells * size;
  found.points.forEach(([x, y], k) => {
    context.fillStyle = classColours[found.labels[k] % 3];
    context.beginPath();
    context.arc(place(x), cells * size - place(y), 2.4, 0, 7);
    context.fill();
  });
  return canvas;
}
