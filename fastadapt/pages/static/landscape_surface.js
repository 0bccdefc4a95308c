// The landscape as a surface that one turns, with the paths at their true heights.

const LIFT = 0.02;

// Points of a path from one step to another, a little above the surface; those outside of the box are left out.
function liftedPath(field, path, from, to) {
  const lift = LIFT * (field.most - field.least);
  const inside = (value, [low, high]) => value >= low && value <= high;
  const [x, y, z] = [[], [], []];
  for (let k = from; k <= Math.min(to, path.values.length - 1); k += 1) {
    const [a, b] = pairAt(path.points, k);
    const seen = inside(a, field.box.x) && inside(b, field.box.y) && Number.isFinite(path.values[k]);
    x.push(seen ? a : null);
    y.push(seen ? b : null);
    z.push(seen ? field.height(path.values[k]) + lift : null);
  }
  return { x, y, z };
}

// A trace of points in space, as lines or as markers.
function spaceTrace(points, color, more) {
  return {
    type: "scatter3d",
    mode: "lines",
    hoverinfo: "skip",
    ...points,
    line: { color, width: 7 },
    ...more,
  };
}

function surfaceLayout(page) {
  const { root, state, say } = page;
  const { field } = state;
  const { x, y } = field.box;
  return spaceLayout(root, {
    x,
    y,
    titles: [axisName(field, say, "x"), axisName(field, say, "y"), say("landscape.axis.value")],
    ticks: heightTicks(field, 0.2),
    height: 0.7,
    camera: { eye: { x: 0.92, y: -1.9, z: 1.15 }, center: { x: -0.06, y: -0.02, z: -0.14 } },
    uirevision: state.surface,
  });
}

// The surface; a step moves the strong lines and the heads alone, one step at a time however slowly they are drawn.
function surfaceView(page) {
  const { root, state } = page;
  const host = el("div", { class: "plot space" });
  let moves = () => Promise.resolve();
  const draw = () => {
    const { field } = state;
    const paths = page.seenPaths();
    const tint = ([name]) => page.style(name)[0];
    const last = state.settings.steps;
    const pale = paths.map((each) =>
      spaceTrace(liftedPath(field, each[1], 0, last), tint(each), {
        opacity: 0.4,
        line: { color: tint(each), width: 3 },
      }),
    );
    const edge = { color: colour(root, "card"), width: 1 };
    const heads = paths.map((each) =>
      spaceTrace({ x: [], y: [], z: [] }, tint(each), {
        mode: "markers",
        marker: { size: 6, color: tint(each), line: edge },
      }),
    );
    const strong = paths.map((each) => spaceTrace({ x: [], y: [], z: [] }, tint(each), {}));
    const first = 1 + pale.length;
    const moved = range(strong.length + heads.length).map((k) => first + k);
    const { x, y, rows: z, least, most } = field;
    const surface = surfaceTrace(root, { x, y, z }, [least, most], 18, { showscale: false });
    const traces = [surface, ...pale, ...strong, ...heads];
    const now = () => [
      ...paths.map(([, path]) => liftedPath(field, path, 0, page.stepNow())),
      ...paths.map(([, path]) => liftedPath(field, path, page.stepNow(), page.stepNow())),
    ];
    now().forEach((points, k) => Object.assign(traces[first + k], points));
    const ready = plotIn(host, traces, surfaceLayout(page));
    moves = newestOnly(async () => {
      await ready;
      const points = now();
      const of = (name) => points.map((each) => each[name]);
      if (moved.length) await Plotly.restyle(host, { x: of("x"), y: of("y"), z: of("z") }, moved);
    });
  };
  return { host, draw, step: () => moves() };
}
