// The numbers of page 1: unpacked, and put on the scales that are drawn.

const kinds = {
  "<f8": [Float64Array, 8],
  "<i2": [Int16Array, 2],
  "<i4": [Int32Array, 4],
};

// The numbers that Python's `packed` wrote.
function unpackedNumbers(base64, kind = "<f8") {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  if (kind === "steps") return unpackedSteps(bytes);
  const [type, size] = kinds[kind];
  return new type(bytes.buffer, 0, bytes.length / size);
}

// What `packed_steps` wrote: changes of the bits of numbers, the lowest bytes of all first.
function unpackedSteps(bytes) {
  const count = bytes.length / 4;
  const bits = new Uint32Array(count);
  for (let k = 0; k < count; k += 1) {
    const change = range(4).reduce((sum, n) => sum + bytes[n * count + k] * 256 ** n, 0);
    bits[k] = change + (k > 1 ? bits[k - 2] : 0);
  }
  return new Float32Array(bits.buffer);
}

// A surface: its heights as rows, and the scale on which they are drawn.
function fieldOf(answer, surface, key) {
  const numbers = unpackedNumbers(answer.z, answer.kind);
  const n = answer.n;
  const height = heightOf(answer);
  const rows = range(n).map((j) => Array.from(numbers.subarray(j * n, (j + 1) * n), height));
  const along = ([low, high]) => range(n).map((k) => low + ((high - low) * k) / (n - 1));
  const [low, high] = extremes(rows.flat());
  return {
    ...answer,
    key,
    rows,
    x: along(surface.x),
    y: along(surface.y),
    height,
    least: low,
    most: high,
    box: surface,
  };
}

// Where a value is drawn: itself, or on a logarithmic scale above the lowest.
function heightOf(field) {
  if (!field.log) return (value) => value;
  return (value) => Math.log10(1 + Math.max(0, value - field.low) / field.unit);
}

// Ticks of a colour bar or an axis of heights.
function heightTicks(field, apart = 0.05) {
  if (!field.log) {
    const values = roundTicks(field.least, field.most, 6);
    return { tickvals: values, ticktext: values.map((value) => shown(value, 3)) };
  }
  const top = field.low + field.unit * (10 ** field.most - 1);
  const powers = range(24).map((k) => 10 ** (Math.floor(Math.log10(top)) - k));
  let values = powers.filter((value) => field.height(field.low + value) > apart * field.most);
  if (values.length < 4)
    values = values
      .flatMap((value) => [5 * value, 2 * value, value])
      .filter((value) => field.low + value <= top);
  const ticks = [field.low];
  const far = (value) => field.height(value) - field.height(ticks.at(-1)) > apart * field.most;
  for (const value of values.map((value) => field.low + value).sort((a, b) => a - b))
    if (far(value)) ticks.push(value);
  return { tickvals: ticks.map(field.height), ticktext: ticks.map((value) => shown(value, 3)) };
}

// About so many round numbers between two.
function roundTicks(low, high, count) {
  const raw = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const every = power * [1, 2, 5, 10].find((step) => step * power >= raw);
  const first = Math.ceil(low / every - 1e-9);
  return range(Math.floor(high / every + 1e-9) - first + 1).map((k) =>
    Number(((first + k) * every).toPrecision(12)),
  );
}

// The smallest and the largest of the finite numbers.
function extremes(numbers) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of numbers)
    if (Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return low <= high ? [low, high] : [0, 1];
}

// A rule's answer with its arrays unpacked. A saved page lacks states and what was traced at most starts, and has what
// is alike for all starts once, in `held`.
function pathOf(answer, key, field) {
  if (answer.error) return { key, field, error: answer.error };
  const held = answer.held ?? answer;
  const numbers = (name) => (answer[name] === undefined ? null : unpackedNumbers(answer[name], answer.kind));
  const states = Object.entries(answer.states ?? {}).map(([name, text]) => [
    name,
    unpackedNumbers(text, answer.kind),
  ]);
  return {
    ...answer,
    key,
    field,
    points: numbers("points"),
    gradients: numbers("gradients"),
    values: numbers("values"),
    coefficients: unpackedNumbers(held.coefficients, held.kind),
    lines: held.lines,
    keys: held.keys,
    traced: numbers("traced"),
    states: answer.states ? Object.fromEntries(states) : null,
  };
}

// The two numbers of row k.
const pairAt = (numbers, k) => [numbers[2 * k], numbers[2 * k + 1]];

// The length of each gradient.
function norms(path) {
  return Array.from(path.values, (_, k) => Math.hypot(...pairAt(path.gradients, k)));
}
