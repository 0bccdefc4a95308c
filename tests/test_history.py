"""Checkpoints and pickles of before a hyperparameter was added or renamed are read, and nothing else is let through."""

import copy
import pickle
import sys
from types import ModuleType

import numpy as np
import pytest
from untouched import refused

import fastadapt as fa
from fastadapt.hyperparameters import OURS


class First(fa.Optimizer):
    """A rule as it was first written."""

    @staticmethod
    def coefficients(t, lr=0.1, speed=0.5):
        return lr, speed

    @staticmethod
    def update(p, g, m, /, lr, speed):
        m = speed * m + g
        return p - lr * m, m


class Second(fa.Optimizer):
    """The same with a hyperparameter more, and another called otherwise."""

    since = {"alpha": 2}  # noqa: RUF012 - as a user writes it
    renamed = {"speed": "mu"}  # noqa: RUF012

    @staticmethod
    def coefficients(t, lr=0.1, mu=0.5, alpha=1.0):
        return lr * alpha, mu

    @staticmethod
    def update(p, g, m, /, lr, mu):
        m = mu * m + g
        return p - lr * m, m


class Third(Second):
    """Once more."""

    since = {"alpha": 2, "beta": 3}  # noqa: RUF012

    @staticmethod
    def coefficients(t, lr=0.1, mu=0.5, alpha=1.0, beta=1.0):
        return lr * alpha * beta, mu


VERSIONS = [First, Second, Third]
for cls in VERSIONS:
    cls.__module__, cls.__name__, cls.__qualname__ = "users_history", "Rule", "Rule"


@pytest.fixture
def called_alike(monkeypatch):
    """The versions of the rule, of which the one that was last asked for is that of their module."""
    module = ModuleType("users_history")
    monkeypatch.setitem(sys.modules, "users_history", module)

    def version(k):
        module.Rule = VERSIONS[k]
        return module.Rule

    return version


def made(cls, **more):
    """An optimizer after a step."""
    speed = "speed" if cls is First else "mu"
    groups = {"b": {speed: 0.25, "lr": 0.3}}
    opt = cls({"W": np.zeros(3), "b": np.zeros(2)}, groups=groups, **{speed: 0.75}, **more)
    opt.step({"W": np.ones(3), "b": np.ones(2)})
    return opt


def says(opt):
    opt.step({"W": np.ones(3), "b": np.ones(2)})
    return [p.tolist() for p in opt.params.values()]


@pytest.mark.parametrize(("was", "now"), [(0, 1), (0, 2), (1, 2), (0, 0), (2, 2)])
@pytest.mark.parametrize("way", ["file", "pickle"])
def test_an_older_version_of_a_users_rule_goes_on_as_it_would_have(way, was, now, called_alike, tmp_path):
    old = made(called_alike(was))
    old.save(tmp_path / "a.npz")
    text, params, wanted = pickle.dumps(old), [p.copy() for p in old.params.values()], says(old)
    cls = called_alike(now)
    if way == "pickle":
        new = pickle.loads(text)
    else:
        new = cls({"W": params[0], "b": params[1]}, groups={"b": {}}, **({} if cls is First else {"alpha": 7.0}))
        new.load(tmp_path / "a.npz")
    assert type(new) is cls
    speeds = [getattr(group, "speed" if cls is First else "mu") for group in (new, new.groups["b"])]
    assert (new.groups["b"].lr, speeds) == (0.3, [0.75, 0.25])
    assert says(new) == wanted


def test_a_checkpoint_of_the_same_version_that_lacks_an_entry_is_refused(called_alike):
    opt = made(called_alike(1))
    arrays = list(opt.params.values())
    for name in ("alpha", "mu"):
        found = opt.state_dict()
        assert found["rule_version"] == 2
        del found["hyper"][name]
        with refused(opt, arrays, ValueError, rf"\n  \['hyper'\]\['{name}'\]: missing$"):
            opt.load_state_dict(found)
    found = made(called_alike(0)).state_dict()
    assert "rule_version" not in found
    opt = made(called_alike(1))
    opt.load_state_dict(found)
    assert opt.alpha == 1.0
    del found["hyper"]["lr"]
    with refused(opt, list(opt.params.values()), ValueError, r"\n  \['hyper'\]\['lr'\]: missing$"):
        opt.load_state_dict(found)


def test_a_checkpoint_of_a_newer_version_is_refused(called_alike):
    found, opt = made(called_alike(2)).state_dict(), made(called_alike(1))
    said = r"\['rule_version'\]: expected 1 to 2, not 3.*\['hyper'\]\['beta'\]: not expected"
    with refused(opt, list(opt.params.values()), ValueError, f"(?s){said}"):
        opt.load_state_dict(found)


def test_an_old_name_beside_the_new_one_is_not_expected(called_alike):
    opt = made(called_alike(1))
    found = opt.state_dict()
    found["hyper"]["speed"] = 0.5
    with refused(opt, list(opt.params.values()), ValueError, r"\n  \['hyper'\]\['speed'\]: not expected$"):
        opt.load_state_dict(found)


def test_what_we_add_and_rename_takes_its_default_and_its_new_name(monkeypatch):
    opt, p = fa.Adam({"W": np.zeros(3)}, lr=0.5, groups={"W": {"eps": 1e-3}}), np.zeros(3)
    found = opt.state_dict()
    assert found["version"] == 3
    for entries in (found["hyper"], found["groups"]["0"]):
        entries["epsilon"] = entries.pop("eps")
    del found["hyper"]["max_value"]
    other = fa.Adam({"W": p}, max_value=3.0, groups={"W": {}})
    with refused(other, [p], ValueError, "(?s)eps.*missing.*max_value.*missing.*epsilon.*not expected"):
        other.load_state_dict(found)
    monkeypatch.setitem(OURS, "max_value", OURS["max_value"]._replace(since=4))
    monkeypatch.setitem(OURS, "eps", OURS["eps"]._replace(old_names=("epsilon",)))
    other.load_state_dict(found)
    assert (other.lr, other.max_value, other.eps, other.groups["W"].eps) == (0.5, np.inf, 1e-8, 1e-3)
    assert other.state_dict()["version"] == 4
    for version, said in ((4, r"\['max_value'\]: missing"), (5, r"\['version'\]: expected 1 to 4, not 5")):
        with refused(other, [p], ValueError, said):
            other.load_state_dict(found | {"version": version})


def test_a_rule_may_have_a_hyperparameter_by_a_name_that_ours_no_longer_have():
    class Own(fa.Optimizer):
        @staticmethod
        def coefficients(t, lr=0.1, small_from=2.0):
            return (lr * small_from,)

        @staticmethod
        def update(p, g, /, step):
            return p - step * g

    opt = Own(np.ones(3), small_from=3.0)
    again = copy.copy(opt)
    again.load_state_dict(opt.state_dict())
    assert (again.small_from, again.min_quantized_size) == (3.0, opt.min_quantized_size)


def test_new_hyperparameters_that_say_how_state_is_held_have_to_be_those_of_the_optimizer(monkeypatch):
    found = fa.Adam([np.zeros(3)]).state_dict()
    del found["hyper"]["seed"]
    monkeypatch.setitem(OURS, "seed", OURS["seed"]._replace(since=4))
    fa.Adam([np.zeros(3)]).load_state_dict(found)
    with pytest.raises(ValueError, match=r"\['hyper'\]\['seed'\]: expected 5, as this optimizer was made, not 0"):
        fa.Adam([np.zeros(3)], seed=5).load_state_dict(found)


ODD = {
    "since": [{"alpha": 2}, {"lr": "2"}, {"lr": 0}, ["lr"], {"lr": True}],
    "renamed": [{"old": "alpha"}, {"lr": "lr"}, ["old"], {"lr": "weight_decay"}],
    "requires": [{"alpha": "lr"}, {"lr": "alpha"}, ["lr"]],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in ODD for value in ODD[name]])
def test_a_history_of_hyperparameters_that_a_rule_has_not_is_refused(name, value):
    with pytest.raises(TypeError, match=rf"Odd.*{name}"):
        type("Odd", (First,), {name: value})
