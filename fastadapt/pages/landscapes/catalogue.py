"""The surfaces by name: where they are shown, their minima, and a start that shows something."""

from dataclasses import dataclass

from .surface import LINE


@dataclass(frozen=True)
class Parameter:
    """The one number that a surface can be changed by."""

    least: float
    most: float
    default: float
    log: bool = False


@dataclass(frozen=True)
class Surface:
    """A surface, whose title and lesson are in the words under its name.

    x, y : the ranges that are shown
    minima : where the minima are, the lowest first; of some surfaces they depend on the parameter
    start : where a descent begins at first
    rate : a learning rate that suits plain gradient descent
    pace : a learning rate that suits rules whose steps have about that size
    log : whether heights are shown on a logarithmic scale
    """

    name: str
    number: int
    x: tuple[float, float]
    y: tuple[float, float]
    minima: tuple[tuple[float, float], ...]
    start: tuple[float, float]
    rate: float
    pace: float
    log: bool = False
    parameter: Parameter | None = None

    @property
    def near(self) -> float:
        """Within which distance of a minimum a point counts as there."""
        return 0.02 * max(self.x[1] - self.x[0], self.y[1] - self.y[0])


WELLS = Parameter(-0.6, 0.6, 0.3)
CLIFF = Parameter(2.0, 10.0, 6.0)

SURFACES = {
    surface.name: surface
    for surface in (
        Surface(
            "bowl", 0, (-4, 4), (-3, 3), ((0, 0),), (-3.4, 2.2), 0.05, 0.1,
            parameter=Parameter(1.0, 1000.0, 20.0, log=True),
        ),
        Surface("saddle", 1, (-3, 3), (-3, 3), ((0, -2), (0, 2)), (-2.6, 0.002), 0.05, 0.05),
        Surface("plateau", 2, (-5, 5), (-4, 4), ((0, 0),), (-4.0, 2.6), 1.0, 0.05),
        Surface("cliff", 3, (-3.5, 2), (-2.5, 2.5), (), (1.75, 1.6), 0.05, 0.03, log=True, parameter=CLIFF),
        Surface("wells", 4, (-2, 2), (-1.5, 1.5), (), (1.7, 1.2), 0.02, 0.03, parameter=WELLS),
        Surface("beale", 5, (-4.5, 4.5), (-4.5, 4.5), ((3, 0.5),), (0.6, 2.6), 2e-4, 0.05, log=True),
        Surface(
            "rosenbrock", 6, (-2, 2), (-1, 3), ((1, 1),), (-1.5, 2.4), 1e-3, 0.03, log=True,
            parameter=Parameter(1.0, 200.0, 100.0, log=True),
        ),
        Surface(
            "himmelblau", 7, (-5, 5), (-5, 5),
            ((3, 2), (-2.8051180869527448, 3.1313125182505730), (-3.7793102533777469, -3.2831859912861694),
             (3.5844283403304917, -1.8481265269644035)),
            (-0.6, -1.0), 5e-3, 0.05, log=True,
        ),
        Surface("rastrigin", 8, (-2.6, 2.6), (-2.6, 2.6), (), (2.3, 1.7), 1e-3, 0.03,
                parameter=Parameter(1.0, 10.0, 5.0)),
        Surface("line", LINE, (-2.5, 4.5), (-3, 4), (), (-2.0, 3.4), 0.2, 0.05),
    )
}  # fmt: skip
"""In the order in which they are offered; `Surface.minima` is empty where `minima.py` finds them."""
