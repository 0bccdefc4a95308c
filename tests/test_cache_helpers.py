"""Numba's disk cache and what a rule calls: compiled once, and again when it was edited; and where the cache lies."""

import re
from collections import namedtuple
from enum import IntEnum
from types import ModuleType

import pytest
from conftest import SLOW
from test_cache import COUNT, REPORT, SHARED, compiled_by, edit, files, house, session  # noqa: F401 - house is a fixture

import fastadapt as fa
from fastadapt.functions import written
from fastadapt.kernels.cache import content, private

pytestmark = pytest.mark.skipif(SLOW, reason="nothing is compiled in the simulator or as Python")

HELPERS = """
from numba import njit
from numba.extending import register_jitable

FACTOR = 2.0

@njit
def inner(x):
    return x * 3.0

@njit(fastmath=True)
def outer(x):
    return inner(x)

@register_jitable
def plain(x):
    return x + 1.0

def maker(factor):
    @njit
    def times(x, also=1.0):
        return factor * x * also
    return times

@njit
def power(x, n):
    return 1.0 if n == 0 else x * power(x, n - 1)
"""
RULES = """
import helpers
from helpers import maker, outer, plain

first, second = maker(10.0), maker(100.0)

class Own(fa.Optimizer):
    @staticmethod
    def coefficients(t, lr=1.0):
        return (lr,)

    @staticmethod
    def update(p, g, /, lr):
        return outer(g) + plain(p) + first(g) + helpers.inner(g) * helpers.FACTOR

class Other(Own):
    @staticmethod
    def update(p, g, /, lr):
        return outer(g) + plain(p) + second(g) + plain(g - 0.5)

class Last(Own):
    @staticmethod
    def update(p, g, /, lr):
        return helpers.power(g, 2)  # compiled in each session, because it calls itself

"""
OWN, OTHER = "run(Own)\n", "run(Other)\n"


@pytest.mark.maintainer
def test_a_rule_that_calls_helpers_is_compiled_once_and_again_when_one_of_them_was_edited(house):  # noqa: F811
    module = house / "house" / "helpers.py"
    module.write_text(HELPERS)
    code = COUNT + RULES + OWN + REPORT
    lines, errors = session(house, code)
    assert (lines[0], errors) == ("Own 11.5", "")  # 1.5 + 2 + 5 + 1.5 * 2, where g = 0.5 and p = 1
    assert compiled_by(lines) == 2 + SHARED  # its kernel and its coefficients
    kept = files(house)
    assert session(house, code)[0] == ["Own 11.5", "compiled 0"]
    assert files(house) == kept
    module.write_text(module.read_text().replace("return x * 3.0", "return x * 5.0"))
    assert session(house, code)[0] == ["Own 14.5", "compiled 1"]


EDITS = {
    "a helper's helper": ("return x * 3.0", "return x * 5.0"),
    "a number": ("FACTOR = 2.0", "FACTOR = 4.0"),
    "a plain function": ("return x + 1.0", "return x + 2.0"),
    "what another function made": ("factor * x * also", "-factor * x * also"),
    "a default": ("also=1.0", "also=2.0"),
    "a flag": ("fastmath=True", "fastmath={'nnan', 'ninf'}"),
}


def key(text, file="cell.py"):
    """The name, by what is in it, of the update of `Own` with such helpers."""
    helpers, mine = ModuleType("helpers"), ModuleType("mine")
    exec(compile(text, file, "exec"), vars(helpers))
    vars(mine).update({**vars(helpers), "fa": fa, "helpers": helpers, "__name__": "mine"})
    rules = RULES.replace("import helpers\nfrom helpers import maker, outer, plain\n", "")
    exec(compile(rules, file, "exec"), vars(mine))
    return private(mine.Own.rules[frozenset()].update).__qualname__


def test_the_key_of_a_rule_changes_with_all_that_it_calls_and_with_nothing_else():
    first = key(HELPERS)
    assert key(HELPERS) == first
    assert key("\n# further below\n" + HELPERS, "another.py") == first
    edited = {name: key(HELPERS.replace(*edit)) for name, edit in EDITS.items()}
    assert len({first, *edited.values()}) == 1 + len(EDITS), edited
    assert key(HELPERS.replace("power(x, n - 1)", "power(x, n - 2)")) == first  # which it does not call


def test_the_key_of_a_rule_changes_with_what_it_reads_of_a_class():
    def key(two, fields):
        level = IntEnum("Level", {"ONE": 1, "TWO": two})
        pair = namedtuple("Pair", fields)(2.0, 3.0)
        return content(lambda p, g, /, lr: p - lr * level.TWO.value * pair.a)

    assert key(2, "a b") == key(2, "a b")
    assert len({key(2, "a b"), key(3, "a b"), key(2, "b a")}) == 3


@pytest.mark.maintainer
def test_helpers_of_one_name_that_were_compiled_in_different_sessions_do_not_mix_in_a_third(house):  # noqa: F811
    (house / "house" / "helpers.py").write_text(HELPERS)
    alone = [session(house, COUNT + RULES + each)[0] for each in (OWN, OTHER)]
    assert alone == [["Own 11.5"], ["Other 54.5"]]  # 1.5 + 2 + 50 + 1
    lines, _ = session(house, COUNT + RULES + OWN + OTHER + 'print("compiled", compiled.count)\nrun(Last)\n')
    assert lines == ["Own 11.5", "Other 54.5", "compiled 0", "Last 0.25"]


CELL = """
class Own(fa.Optimizer):
    @staticmethod
    def coefficients(t, lr=0.5):
        return (lr,)

    @staticmethod
    def update(p, g, /, lr):
        return p - lr * g

run(Own)
"""
NOTEBOOK = """
import linecache
name = f"/tmp/ipykernel_NUMBER/123.py"
linecache.cache[name] = (len(CELL), None, CELL.splitlines(True), name)
exec(compile(CELL, name, "exec"))
"""


@pytest.mark.maintainer
def test_a_rule_in_a_notebook_is_compiled_once(house):  # noqa: F811
    """Whose cells lie in a file that has the number of the process in its name."""
    code = [f"{COUNT}CELL = {CELL!r}\n{NOTEBOOK.replace('NUMBER', number)}{REPORT}" for number in ("101", "102")]
    assert session(house, code[0])[0] == ["Own 0.75", f"compiled {2 + SHARED}"]
    kept = files(house)
    assert session(house, code[1])[0] == ["Own 0.75", "compiled 0"]
    assert files(house) == kept


@pytest.mark.maintainer
def test_no_kernel_is_kept_beside_the_package_where_an_uninstaller_would_leave_it(house):  # noqa: F811
    code = COUNT + "run(fa.SGD, lr=0.5)\nrun(fa.SGD, 2**18, lr=0.5)" + REPORT
    where = {"NUMBA_CACHE_DIR": "", "XDG_CACHE_HOME": str(house / "home"), "HOME": str(house / "home")}
    before = sorted((house / "house").rglob("*"))
    assert session(house, code, **where)[0][-1] == f"compiled {3 + SHARED}"
    assert sorted((house / "house").rglob("*")) == before
    assert list((house / "home").rglob("*.nbc"))
    assert session(house, code, **where)[0][-1] == "compiled 0"
    edit(house, "rules/sgd.py", "return p - lr * g", "return p + lr * g")  # as an update of the package would
    assert session(house, code, **where)[0] == ["SGD 1.25", "SGD 1.25", "compiled 2"]


def test_what_the_surfaces_are_found_by_in_the_cache_holds_no_number_of_the_session():
    from fastadapt.pages.landscapes.surface import builtin

    assert not re.search(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-", content(written(builtin())))
