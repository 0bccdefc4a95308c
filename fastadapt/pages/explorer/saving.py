"""Files of the explorer: a frozen page, a picture, an animation."""

from functools import partial
from pathlib import Path as File

from ..jobs import Tell, untold
from ..saving import save
from .frozen import freeze
from .pictures import draw_animation, draw_picture
from .session import Explorer
from .show import parts


def save_page(backend: Explorer, file: File, tell: Tell = untold) -> None:
    """Write the page of a backend to a file, see `fastadapt.pages.saving.save`."""
    making = (partial(make, backend) for make in (freeze, draw_picture, draw_animation))
    save(file, parts(backend.language), *making, tell)
