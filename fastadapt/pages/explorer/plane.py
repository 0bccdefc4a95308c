"""Planes through the space of weights: the honest one, PCA, Li's random one, and your own two directions."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class Plane:
    """All weights `origin + a * basis[0] + b * basis[1]`; float64.

    The basis is orthonormal but for Li's random directions, which keep the norms of the filters.
    """

    kind: str
    origin: np.ndarray
    basis: np.ndarray
    gram: np.ndarray = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "gram", self.basis @ self.basis.T)

    def at(self, a: float, b: float) -> np.ndarray:
        """The weights at a point of the plane."""
        return self.origin + a * self.basis[0] + b * self.basis[1]

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates (k, 2) of the points of the plane nearest to k points, and the distances to them (k,)."""
        away = np.asarray(points, np.float64) - self.origin
        coordinates = np.linalg.solve(self.gram, self.basis @ away.T).T
        return coordinates, np.linalg.norm(away - coordinates @ self.basis, axis=1)

    def through(self, point: np.ndarray) -> "Plane":
        """The parallel plane through a point; coordinates stay what they are, but for the distance between both."""
        coordinates, _ = self.project(point[None])
        return Plane(self.kind, np.asarray(point, np.float64) - coordinates[0] @ self.basis, self.basis)


def share_explained(plane: Plane, paths: Sequence[np.ndarray]) -> float:
    """The share of the paths' variance that lies in the plane: 1 - (distances off it)² / (distances from the mean)².

    The same measure for every plane: PCA has the largest of all, and a plane that misses the paths a negative one.
    """
    off, spread = 0.0, 0.0
    mean = np.mean(np.concatenate(paths), axis=0, dtype=np.float64)
    for path in paths:
        off += float((plane.project(path)[1] ** 2).sum())
        spread += float(((path - mean) ** 2).sum())
    return 1 - off / spread if spread else 1.0


def honest_plane(start: np.ndarray, paths: Sequence[np.ndarray]) -> Plane:
    """The plane through the shared start, the mean of the ends, and the first principal direction of what is left.

    Principal in the sense of squared distances from the start's line to the mean end, over all points of the paths.
    Where the ends average to the start, the first direction is the principal one of the distances from the start.
    """
    start = np.asarray(start, np.float64)
    away = np.concatenate(paths) - start
    across = np.mean([path[-1] for path in paths], axis=0, dtype=np.float64) - start
    length = np.linalg.norm(across)
    if length <= 1e-9 * np.sqrt((away**2).sum()):
        across, length = _principal(away, 0.0), 1.0
    if across is None:
        raise ValueError("paths: expected one that moves, because no plane follows from points that are all the start")
    return Plane("honest", start, _completed(across / length, away))


def pca_plane(paths: Sequence[np.ndarray]) -> Plane:
    """The plane of the first two principal directions of all points, through their mean."""
    points = np.concatenate(paths).astype(np.float64)
    mean = points.mean(axis=0)
    away = points - mean
    first = _principal(away, (away**2).sum())
    if first is None:
        raise ValueError("paths: expected one that moves, because no plane follows from points that are all the start")
    return Plane("pca", mean, _completed(first, away))


def random_plane(centre: np.ndarray, shapes: Sequence[tuple], seed: int, filters: int = -1) -> Plane:
    """Two random directions, each filter of them of the norm of that filter in the centre (Li et al. 2018).

    A filter is what one unit of a layer reads: the weights of one index along the axis `filters` of an array of two
    axes or more. Biases and other arrays of fewer axes do not move, as there.

    References
    ----------
    Li, Xu, Taylor, Studer, Goldstein (2018), Visualizing the loss landscape of neural nets.
    """
    rng = np.random.default_rng(seed)
    centre = np.asarray(centre, np.float64)
    basis = np.stack([_filter_normalized(rng, centre, shapes, filters) for _ in range(2)])
    if np.linalg.matrix_rank(basis @ basis.T) < 2:
        raise ValueError("no array of two axes moves, so that no two directions normalized by filters exist")
    return Plane("random", centre, basis)


def own_plane(origin: np.ndarray, first: np.ndarray, second: np.ndarray) -> Plane:
    """The plane through the origin along two directions, orthonormalized in that order."""
    first, second = (np.asarray(direction, np.float64) for direction in (first, second))
    across = _unit(first, "directions[0]: expected a direction, not zeros")
    rest = second - (second @ across) * across
    if np.linalg.norm(rest) <= 1e-9 * np.linalg.norm(second):
        raise ValueError("directions[1]: expected another direction than directions[0], not a multiple of it")
    up = _unit(rest, "directions[1]: expected a direction, not zeros")
    return Plane("own", np.asarray(origin, np.float64), np.stack([across, _unit(up - (up @ across) * across, "")]))


def _completed(across, away):
    """The direction and, orthogonal to it, the first principal one of what is left of the rows of `away`."""
    rest = away - np.outer(away @ across, across)
    up = _principal(rest, (away**2).sum())
    if up is None:
        # The paths are straight: any direction across them shows as much.
        up = np.zeros(across.size)
        up[np.argmin(np.abs(across))] = 1.0
    up = up - (up @ across) * across
    return np.stack([across, up / np.linalg.norm(up)])


def _principal(rows, scale):
    """The unit vector along which the squares of the rows sum to most; None where all are rounding of a sum `scale`."""
    # By the small matrix of products: there are far fewer points than weights.
    values, vectors = np.linalg.eigh(rows @ rows.T)
    if values[-1] <= 1e-26 * scale:
        return None
    direction = vectors[:, -1] @ rows
    length = np.linalg.norm(direction)
    # Its sign is arbitrary: the last point that leaves most lies on the positive side.
    return direction / length * (1.0 if rows[-1] @ direction >= 0 else -1.0)


def _filter_normalized(rng, centre, shapes, filters):
    parts, begin = [], 0
    for shape in shapes:
        size = int(np.prod(shape))
        part = centre[begin : begin + size].reshape(shape)
        begin += size
        parts.append(_scaled_like(rng.standard_normal(shape), part, filters).ravel())
    return np.concatenate(parts)


def _scaled_like(direction, part, filters):
    if part.ndim < 2:
        return np.zeros_like(part)
    axes = tuple(axis for axis in range(part.ndim) if axis != filters % part.ndim)
    norms = np.sqrt((direction**2).sum(axis=axes, keepdims=True))
    wanted = np.sqrt((part**2).sum(axis=axes, keepdims=True))
    return direction * np.divide(wanted, norms, out=np.zeros_like(norms), where=norms > 0)


def _unit(vector, problem):
    length = np.linalg.norm(vector)
    if not length > 0:
        raise ValueError(problem)
    return vector / length
