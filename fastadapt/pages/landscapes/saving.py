"""Files of page 1: a frozen page, a picture, an animation."""

from functools import partial
from pathlib import Path as File

from ..jobs import Tell, untold
from ..saving import save
from .backend import Landscape
from .firstscene import find_first_rates
from .frozen import freeze
from .pictures import draw_animation, draw_picture
from .show import parts


def save_page(backend: Landscape, file: File, tell: Tell = untold, starts: int = 15) -> None:
    """Write the page of a backend to a file, see `fastadapt.pages.saving.save`; .html with starts × starts starts."""
    find_first_rates(backend, lambda share, doing: tell(0.1 * share, doing))
    making = (partial(freeze, backend, starts), partial(draw_picture, backend), partial(draw_animation, backend))
    save(file, parts(backend.language), *making, lambda share, doing: tell(0.1 + 0.9 * share, doing))
