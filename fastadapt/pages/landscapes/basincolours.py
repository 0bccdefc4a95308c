"""The colours of basins, as on the page: a hue for each minimum, the lighter the sooner it is reached."""

import numpy as np

HUES = (250, 60, 150, 350, 110, 300, 20, 200)
NONE = 0.0, 0.0, 0.0

LMS = np.array([[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.291485548]])
RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.707614701],
    ]
)


def basin_colours(ends: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Red, green and blue from 0 to 1 of the minima that are reached, after these shares of the steps; black: none."""
    hue = np.array(HUES)[ends % len(HUES)] + 17 * (ends // len(HUES))
    slow = np.sqrt(np.clip(share, 0.0, 1.0))
    found = oklch(0.93 - 0.6 * slow, 0.07 + 0.06 * np.sin(np.pi * slow), np.radians(hue))
    return np.where((ends < 0)[..., np.newaxis], NONE, found)


def oklch(lightness: np.ndarray, chroma: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Colours of the OKLCH space, in which lightness, chroma and hue are what the eye calls so."""
    lab = np.stack([lightness, chroma * np.cos(angle), chroma * np.sin(angle)], axis=-1)
    linear = np.clip((lab @ LMS.T) ** 3 @ RGB.T, 0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
