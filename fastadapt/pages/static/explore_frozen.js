// A frozen page 2: answers looked up in the data of the file, and refusals where a run is needed.

function askFrozen(data) {
  const needsRun = () => {
    throw new Error(
      wordsOf(data.description.words)("common.needs_run", { command: data.description.frozen.command }),
    );
  };
  const view = (request) => {
    const found = data.views[viewKey(request.plane)];
    if (!found || request.setup.branches.length) return needsRun();
    return { training: data.training, plane: found.plane, grid: found.grid };
  };
  const point = (request) => {
    if (request.at) return nearest(data.points[viewKey(request.plane)] ?? needsRun(), request.at, data.shown);
    return shownWith(data.walks[request.path][request.index] ?? needsRun(), data.shown);
  };
  const answers = { view, point, cuts: () => ({ cuts: data.cuts }) };
  return async (request) => structuredClone(answers[request.do]?.(request) ?? needsRun());
}

// As Python names the planes that a file holds.
const viewKey = (plane) => `${plane.kind}:${plane.centre ? plane.centre.join(",") : ""}`;

function nearest(points, [a, b], images) {
  const distance = (each) => (each.at[0] - a) ** 2 + (each.at[1] - b) ** 2;
  const found = points.reduce((best, each) => (distance(each) < distance(best) ? each : best));
  return { ...shownWith(found, images), at: found.at };
}

// Images are in the file once; a point has only what the network says of each.
function shownWith(point, images) {
  if (point.predictions.kind !== "images")
    return { ...point, predictions: { ...images, ...point.predictions } };
  const found = point.predictions.says.map(([says, sure], k) => ({ ...images.images[k], says, sure }));
  return { ...point, predictions: { kind: "images", images: found } };
}
