"""The page in a browser, or saved in files: our own networks, or one of the user's."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path as File
from typing import Any

from ..jobs import Tell
from ..page import Parts
from ..present import present
from .given import Given
from .session import Explorer
from .setup import Setup
from .sources import Theirs

SCRIPTS = (
    "explore_plots.js",
    "explore_marks.js",
    "explore_contour.js",
    "explore_surface.js",
    "explore_beside.js",
    "explore_predictions.js",
    "explore_point.js",
    "explore_cuts.js",
    "explore_training.js",
    "explore_rules.js",
    "explore_plane.js",
    "explore_centre.js",
    "explore_player.js",
    "explore_frozen.js",
    "explore_requests.js",
    "explore_state.js",
    "explore_views.js",
    "explore.js",
)


def parts(lang: str = "en") -> Parts:
    """The files that the page is made of."""
    return Parts("fastadapt: loss landscape of a network", SCRIPTS, ("explore.css",), lang)


def explore(
    loss: Callable[[Any], float],
    start: Any,
    paths: Mapping[str, Sequence[Any]],
    *,
    grad: Callable[[Any], Any] | None = None,
    error: Callable[[Any], float] | None = None,
    predictions: Callable[[Any], Any] | None = None,
    directions: tuple[Any, Any] | None = None,
    filters: int = -1,
    save: str | File | None = None,
    port: int | None = None,
    browser: bool = True,
    lang: str = "en",
) -> Any:
    """Explore the loss of a network of your own around the paths of its trainings.

    The page is shown in a browser until Ctrl-C. In Jupyter the function returns it as a widget, which the cell shows;
    the kernel answers it while no cell runs.

    loss : the loss of weights, which come in the structure of `start`, a new tree at each call
    start : the weights where all paths begin: an array, or lists, tuples and dicts of arrays, as an optimizer takes
    paths : for each name the weights by step, a list of trees like `start`, or an array with a row for each, the first
        of them `start` itself; of more than some sixty points, that many are kept, spread evenly
    grad : the gradient of the loss in the structure of `start`; with it the page trains from where you click, and finds
        the top curvature. It is compared with differences of the loss at `start`
    error : a share of errors of weights, drawn as well
    predictions : up to 16 lines of text about weights, shown for the weights that you click
    directions : two trees like `start`, for a plane of your own
    filters : the axis of an array of two axes along which its filters are numbered: -1 for `x @ W`, 0 for PyTorch's
    save : write a page (.html), a picture (.png) or an animation (.gif) to this file instead
    port : serve the page there, in Jupyter too; or on the next port that is free
    browser : whether to open a page that is served
    lang : the language of the page's words, of `fastadapt/pages/words`

    Raises
    ------
    TypeError, ValueError
        What was given does not fit; the message names it.
    ModuleNotFoundError
        Something is not installed; the message says what to install.
    """
    source = Theirs(Given(loss, start, error, grad, predictions), paths, directions, filters)

    def write(page: Explorer, file: File, tell: Tell) -> None:
        from .saving import save_page  # here, for it imports matplotlib

        save_page(page, file, tell)

    backend = Explorer(Setup("yours"), source, lang)
    return present(backend, parts(lang), write, save=save, port=port, browser=browser)
