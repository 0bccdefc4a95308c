// The colours of basins: a hue for each minimum, the lighter the sooner it is reached.

const HUES = [250, 60, 150, 350, 110, 300, 20, 200];

// A colour of the OKLCH space: lightness, chroma and hue are what the eye calls so. [red, green, blue] up to 255.
function oklch(lightness, chroma, degrees) {
  const angle = (degrees * Math.PI) / 180;
  const [a, b] = [chroma * Math.cos(angle), chroma * Math.sin(angle)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const encode = (value) => (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);
  return linear.map((value) => Math.round(255 * Math.min(1, Math.max(0, encode(Math.max(0, value))))));
}

// The colour of minimum k, reached after this share of the steps: the sooner, the lighter.
function basinColour(k, share) {
  const hue = HUES[k % HUES.length] + 17 * Math.floor(k / HUES.length);
  const slow = Math.sqrt(Math.min(1, share));
  return oklch(0.93 - 0.6 * slow, 0.07 + 0.06 * Math.sin(Math.PI * slow), hue);
}

// The shades of a minimum, from those starts that are there at once to those that need all steps.
const shades = () =>
  `linear-gradient(90deg, ${range(6)
    .map((k) => `rgb(${basinColour(0, k / 5).join(",")})`)
    .join(", ")})`;
