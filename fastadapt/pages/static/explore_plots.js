// What both pictures of the landscape on page 2 need: values, ticks, colours, and the stretches of a path.

const startColour = { light: "#1f2328", dark: "#f2f4f6" };

// Losses are drawn by their logarithm where all of them are above zero, shares of errors as they are.
function isLogarithmic(state) {
  if (state.metric !== "loss") return false;
  const metric = metricOf(state);
  const key = `${state.grid.key} ${metric}`;
  if (state.positive?.key !== key) {
    const paths = state.plane.paths.flatMap((where, k) => [
      where.below[metric],
      state.training.paths[k].true[metric],
    ]);
    const positive = [...state.grid.values[metric], ...paths]
      .flat()
      .every((value) => value === null || value > 0);
    state.positive = { key, positive };
  }
  return state.positive.positive;
}

function drawn(state, value) {
  if (value === null || value === undefined) return null;
  return isLogarithmic(state) ? Math.log10(value) : value;
}

// The ticks of an axis or a colour bar of drawn values.
function ticksOf(state, low, high) {
  if (isLogarithmic(state)) return lossTicks(low, high);
  return state.metric === "loss" ? {} : { tickformat: ".0%" };
}

// The name of the metric in Python's answers.
const metricOf = (state) => (state.part === "test" ? `test_${state.metric}` : state.metric);

// Ticks of a logarithmic colour bar or axis: 1, 2 and 5 times powers of ten.
function lossTicks(low, high) {
  const steps =
    high - low > 4
      ? [1]
      : high - low > 2.5
        ? [1, 3]
        : high - low > 0.9
          ? [1, 2, 5]
          : [1, 1.5, 2, 3, 4, 5, 6, 8];
  const values = [];
  for (let power = Math.floor(low) - 1; power <= Math.ceil(high); power += 1)
    for (const step of steps) values.push(power + Math.log10(step));
  let inside = values.filter((value) => value >= low && value <= high);
  if (inside.length < 2) inside = range(5).map((k) => low + ((high - low) * k) / 4);
  return { tickvals: inside, ticktext: inside.map((value) => shown(10 ** value, 3)) };
}

// The same arrays as long as the same is drawn: Plotly then need not look for what changed.
function gridValues(state) {
  const key = `${state.grid.key} ${metricOf(state)}`;
  if (state.z?.key !== key)
    state.z = {
      key,
      rows: state.grid.values[metricOf(state)].map((row) => row.map((value) => drawn(state, value))),
    };
  return state.z.rows;
}

function bounds(rows) {
  const flat = rows.flat().filter((value) => value !== null);
  return flat.length ? [Math.min(...flat), Math.max(...flat)] : [0, 1];
}

function colourBar(state, say, low, high, up = [0.03, 0.97]) {
  const ticks = ticksOf(state, low, high);
  return {
    thickness: 9,
    outlinewidth: 0,
    xpad: 6,
    len: up[1] - up[0],
    y: (up[0] + up[1]) / 2,
    ypad: 0,
    x: 1.0,
    xanchor: "left",
    ...ticks,
    title: { text: say(`explore.metric.${state.metric}`), side: "right" },
  };
}

// How many points of a path are behind the step that is shown.
function reached(path, step) {
  let count = 0;
  while (count < path.steps.length && path.steps[count] <= step) count += 1;
  return Math.max(1, count);
}

const isOff = (state, where, k) => where.off[k] > state.off * state.plane.reach;

// The stretches of a path, each whole with the point that it shares with the next: {dotted, indices}.
function stretches(state, where, from, to) {
  const found = [];
  for (let k = from; k + 1 < to; k += 1) {
    const dotted = isOff(state, where, k) || isOff(state, where, k + 1);
    const last = found[found.length - 1];
    if (last && last.dotted === dotted) last.indices.push(k + 1);
    else found.push({ dotted, indices: [k, k + 1] });
  }
  return found;
}

// The points of all solid, or of all dotted stretches, with a gap between two.
function joined(pieces, dotted, pick) {
  return pieces
    .filter((piece) => piece.dotted === dotted)
    .flatMap((piece) => [...piece.indices.map(pick), null]);
}
