"""What was computed, remembered by what it was computed of; the least lately used is dropped first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any


class Store:
    """A few results by their keys."""

    def __init__(self, most: int):
        self._most, self._known, self._lock = most, OrderedDict(), Lock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The result of that key, made where it is not known; what raises is not remembered."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        made = make()
        self.put(key, made)
        return made

    def find(self, key: Hashable) -> Any:
        """The result of that key, or None."""
        with self._lock:
            return self._known.get(key)

    def put(self, key: Hashable, value: Any) -> None:
        """Remember a result."""
        with self._lock:
            self._known[key] = value
            self._known.move_to_end(key)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
