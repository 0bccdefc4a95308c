// Sliders: a range input over a scale, and beside it the number itself.

// Scales lead a value to the slider's position and back.
const scales = {
  powers(least, most) {
    const [low, high] = [Math.log10(least), Math.log10(most)];
    return { least: low, most: high, step: 0.05, to: Math.log10, from: (at) => rounded(10 ** at) };
  },
  // The same with 0 at the lower end.
  log(least, most) {
    const powers = scales.powers(least, most);
    // A whole number of steps below, so that powers of ten stay on the slider's steps.
    const zero = powers.least - 0.3;
    return {
      ...powers,
      least: zero,
      to: (value) => (value <= 0 ? zero : powers.to(value)),
      from: (at) => (at < powers.least - 1e-9 ? 0 : powers.from(at)),
    };
  },
  // Of hyperparameters such as beta2 = 0.999: what counts is the distance from 1.
  complement(least) {
    const low = Math.log10(least);
    return {
      least: 0,
      most: -low,
      step: 0.05,
      to: (value) => -Math.log10(Math.max(least, 1 - value)),
      from: (at) => Number((1 - rounded(10 ** -at)).toPrecision(12)),
    };
  },
  linear(least, most, step = (most - least) / 200) {
    return { least, most, step, to: (value) => value, from: (at) => Number(at.toPrecision(6)) };
  },
};

const rounded = (value) => Number(value.toPrecision(2));

// A slider with its number: `element` holds both, `set(value)` moves them without a call of `chosen`.
function sliderOf(scale, value, chosen, { label, what, name, least, most, whole = false }) {
  const about = { "aria-label": label, data: what ? { what } : {} };
  const slider = el("input", {
    type: "range",
    class: `slider ${name}-slider`,
    min: scale.least,
    max: scale.most,
    step: scale.step,
    ...about,
  });
  const number = el("input", { type: "number", class: `number-of ${name}`, step: "any", ...about });
  let now = value;
  const set = (next) => {
    now = next;
    slider.value = scale.to(next);
    number.value = next;
  };
  slider.addEventListener("input", () => {
    const next = scale.from(Number(slider.value));
    now = whole ? Math.round(next) : next;
    number.value = now;
    chosen(now);
  });
  number.addEventListener("change", () => {
    const given = number.value === "" ? now : Number(number.value);
    const inside = Math.min(most ?? Infinity, Math.max(least ?? -Infinity, given));
    set(whole ? Math.round(inside) : inside);
    chosen(now);
  });
  set(value);
  return { slider, number, set, parts: [slider, number] };
}
