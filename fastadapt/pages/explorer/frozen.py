"""What a saved page holds: paths, planes with their grids, cuts, and the weights of coarse points of each plane."""

from typing import Any

import numpy as np

from ..jobs import Quiet, Tell
from .grid import STAGES
from .points import seen, weights_at
from .scene import plane_for
from .session import Explorer
from .setup import KINDS, PlaneSpec

CENTRES = 5
"""To how many epochs of each path the plane can be moved."""

POINTS, MOVED_POINTS = 11, 5
"""Points a side of a plane, and of one that was moved, whose weights are shown when one clicks near them."""

COMMAND = {True: "python -m fastadapt explore", False: "fa.pages.explore(...)"}
"""What makes the page anew: for our own networks, and for one of the user's."""


def freeze(backend: Explorer, tell: Tell) -> dict[str, Any]:
    """The data of a page that needs no run: of the setup that the backend begins with."""
    setup, source = backend.first, backend.source
    model, paths = source.model(setup), source.paths(setup, lambda share, name: None)
    every, specs = _specs(backend, paths)
    steps = len(specs) + 2
    views, points = {}, {}
    for n, spec in enumerate(specs):
        job = Quiet(lambda share, doing, n=n: tell((n + share) / steps, doing))
        side = STAGES[-1] if spec.centre is None else STAGES[1]
        view = backend.view_now(job, setup, spec, side, [])
        training = view.pop("training")
        views[_key(spec)] = view
        count = POINTS if spec.centre is None else MOVED_POINTS
        points[_key(spec)] = _points(model, plane_for(spec, model, paths, source), view["plane"]["box"], count)
    walks = [[_told(seen(model, weights)) for weights in path.weights] for path in paths]
    cuts = backend.cuts_now(Quiet(lambda share, doing: tell((len(specs) + share) / steps, doing)), setup)
    frozen = {"epochs": every, "command": COMMAND[source.trains]}
    return {
        "description": backend.describe() | {"frozen": frozen},
        "training": training,
        "views": views,
        "points": points,
        "walks": walks,
        "cuts": cuts["cuts"],
        "shown": _shown(model.predictions(model.start)),
    }


def _specs(backend, paths):
    """The planes of a file, and how many epochs are between two centres."""
    last = max(path.steps[-1] // path.epoch for path in paths)
    every = int(max(1, -(-last // CENTRES)))
    two = len(paths) > 1 or backend.source.directions is not None
    kinds = [kind for kind in KINDS if (kind != "own" or two) and _exists(backend, paths, PlaneSpec(kind))]
    moved = [
        PlaneSpec("honest", centre=(k, int(epoch)))
        for k in range(len(paths))
        for epoch in range(every * (last // every), -1, -every)
    ]
    return every, [PlaneSpec(kind) for kind in kinds] + moved


def _exists(backend, paths, spec):
    """Whether there is such a plane: random directions need an array of two axes."""
    try:
        plane_for(spec, backend.source.model(backend.first), paths, backend.source)
    except ValueError:
        return False
    return True


def _key(spec):
    """As the page names a plane that a file holds."""
    return f"{spec.kind}:{','.join(map(str, spec.centre)) if spec.centre else ''}"


def _points(model, plane, box, count):
    """What the weights are at the points of a coarse grid."""
    rows = []
    for b in np.linspace(box[2], box[3], count):
        for a in np.linspace(box[0], box[1], count):
            rows.append({"at": [float(a), float(b)]} | _told(seen(model, weights_at(model, plane, a, b))))
    return rows


def _told(point):
    """What is seen at a point without what is the same everywhere: images, and the data on a map."""
    found = point["predictions"]
    if found["kind"] == "images":
        says = [[image["says"], round(image["sure"], 3)] for image in found["images"]]
        found = {"kind": "images", "says": says}
    elif found["kind"] == "map":
        found = {name: found[name] for name in ("kind", "says", "sure")}
    return point | {"predictions": found}


def _shown(found):
    """What is the same everywhere."""
    return {name: value for name, value in found.items() if name not in ("says", "sure")}
