"""One view: the paths of a setup, the plane that they are drawn on, and what of both the page is told."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from ..checks import RequestError
from .grid import Grid, box_around
from .lists import numbers, short, tables
from .model import Model
from .paths import Shadow
from .plane import Plane, honest_plane, own_plane, pca_plane, random_plane, share_explained
from .setup import PlaneSpec
from .training import Path


@dataclass(frozen=True, eq=False)
class Scene:
    """The plane of a view, the part of it that is drawn, and the paths; the first `base` began at the start."""

    plane: Plane
    box: tuple[float, float, float, float]
    paths: list[Path]
    base: int


def key_of(*parts: Any) -> str:
    """A short name of what something is computed of."""
    return blake2b(repr(parts).encode(), digest_size=9).hexdigest()


def plane_for(spec: PlaneSpec, model: Model, base: list[Path], source: Any) -> Plane:
    """The plane that is asked for, through its centre."""
    weights, centre = [path.weights for path in base], None
    if spec.centre is not None:
        centre = _path(base, spec.centre[0]).weights[index_of(base[spec.centre[0]], spec.centre[1])]
    if spec.kind == "random":
        middle = weights[0][-1] if centre is None else centre
        return random_plane(middle, model.structure.shapes, spec.seed, source.filters)
    plane = _through_paths(spec, model.start, base, weights, source)
    return plane if centre is None else plane.through(centre)


def _through_paths(spec, start, base, weights, source):
    if spec.kind == "honest":
        return honest_plane(start, weights)
    if spec.kind == "pca":
        return pca_plane(weights)
    if source.directions is not None:
        return own_plane(start, *source.directions)
    first, second = (_path(base, k).weights[-1].astype(np.float64) - start for k in spec.pair)
    if spec.pair[0] == spec.pair[1]:
        raise RequestError("pair: expected two different paths")
    return own_plane(start, first, second)


def _path(paths, k):
    if not 0 <= k < len(paths):
        raise RequestError(f"path: expected a number from 0 to {len(paths) - 1}, not {k}")
    return paths[k]


def index_of(path: Path, epoch: int) -> int:
    """Which kept point is nearest to the end of an epoch."""
    return int(np.abs(path.steps - epoch * path.epoch).argmin())


def scene_of(spec: PlaneSpec, plane: Plane, paths: list[Path], base: int) -> Scene:
    """The view of a plane that holds all paths, or of Li's directions from -1 to 1; enlarged as asked."""
    if spec.kind == "random":
        box = (-1.0, 1.0, -1.0, 1.0)
    else:
        box = box_around([plane.project(path.weights)[0] for path in paths])
    if spec.zoom > 1:
        u, v = (box[1] - box[0]) / 2 / spec.zoom, (box[3] - box[2]) / 2 / spec.zoom
        a, b = spec.around
        box = (a - u, a + u, b - v, b + v)
    return Scene(plane, box, paths, base)


def told_training(key: str, model: Model, paths: list[Path], values: list[dict]) -> dict:
    """What the page is told of the paths: their steps and the true values."""
    found = [
        {
            "name": path.name,
            "steps": path.steps.tolist(),
            "epoch": path.epoch,
            "diverged": path.diverged,
            "away": numbers(np.linalg.norm(path.weights.astype(np.float64) - model.start, axis=1)),
            "true": tables(own, model.metrics),
        }
        for path, own in zip(paths, values, strict=True)
    ]
    return {"key": key, "weights": model.structure.size, "metrics": list(model.metrics), "paths": found}


def told_plane(key: str, model: Model, scene: Scene, shadows: list[Shadow]) -> dict:
    """What the page is told of the plane: where the paths fall on it, how far off they are, and the share explained."""
    base = [path.weights for path in scene.paths[: scene.base]]
    reach = np.linalg.norm(np.mean([path[-1] for path in base], axis=0, dtype=np.float64) - model.start)
    gone = sum(float((shadow.away**2).sum()) for shadow in shadows[: scene.base])
    off = sum(float((shadow.off**2).sum()) for shadow in shadows[: scene.base])
    found = [
        {
            "a": numbers(shadow.coordinates[:, 0]),
            "b": numbers(shadow.coordinates[:, 1]),
            "off": numbers(shadow.off),
            "below": tables(shadow.below, model.metrics),
        }
        for shadow in shadows
    ]
    share = share_explained(scene.plane, base)
    return {
        "key": key,
        "kind": scene.plane.kind,
        "box": numbers(np.array(scene.box)),
        "reach": short(float(reach)),
        "share": short(share),
        "share_gone": short(1 - off / gone) if gone else None,
        "paths": found,
    }


def told_grid(key: str, model: Model, grid: Grid) -> dict:
    """What the page is told of a grid."""
    return {"key": key, "a": numbers(grid.a), "b": numbers(grid.b), "values": tables(grid.values, model.metrics)}
