"""Every rule against the reference, in float32 and float64, with every hyperparameter off its default."""

import numpy as np
import pytest
from catalogue import AROUND, CASES, IDS, OFF_DEFAULT, OPTIMIZERS
from conftest import for_maintainers
from paths import assert_followed, flat, path

from fastadapt.hyperparameters import AVERAGES, COMMON, FIXED, LIMITS
from fastadapt.reference import Reference

TYPES = (np.float32, *for_maintainers(np.float64))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("case", range(len(CASES)), ids=IDS)
def test_a_rule_follows_its_paper(case, dtype, device):
    way = path(case)
    params = [device.array(p.astype(dtype)) for p in way.start]
    opt = way.cls(params, **way.hyper)
    weights = []
    for grads, scale in zip(way.grads, way.scales, strict=True):
        opt.step([device.array(g.astype(dtype)) for g in grads], scale)
        weights.append(flat([device.numpy(p) for p in params]))
    # The reference itself is rounded to float64: both are where that is the type of the parameters.
    assert_followed(way.weights, np.array(weights), dtype, sources=1 + (dtype == np.float64))
    for name, arrays in opt.state.items():
        # As the weights: sums of as many terms as steps, each rounded a few times.
        expected = flat(way.state[name])
        bound = (14 + 7.5 * len(weights)) * np.finfo(dtype).eps * np.abs(expected).max()
        np.testing.assert_allclose(flat([device.numpy(array) for array in arrays]), expected, rtol=0, atol=bound)


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_defaults_are_those_of_the_reference(cls):
    reference = Reference(cls.__name__, np.ones(1))
    every = (COMMON.keys() | AVERAGES.keys()) - {"masters"}  # of float64 there are none
    names = [name for name in every if name not in reference.hyper and name in cls.defaults]
    around = {name: getattr(reference, name) for name in names}
    assert (len(names) < len(every)) == cls.declaration.decays_itself  # which has its own weight_decay
    assert cls.defaults == reference.hyper | around | LIMITS | FIXED | {"masters": True}
    assert list(cls.__signature__.parameters) == ["params", "groups", "per_weight", "capturable", *cls.defaults]
    assert {name: cls.__signature__.parameters[name].default for name in cls.defaults} == cls.defaults


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_the_catalogue_is_off_the_defaults_in_every_hyperparameter(cls):
    cases = OFF_DEFAULT[cls.__name__]
    assert set().union(*cases) == cls.defaults.keys() - {*COMMON, *AVERAGES, *LIMITS, *FIXED}
    for hyper in cases:
        assert not [name for name, value in hyper.items() if value == cls.defaults[name]]
        # What a case leaves at its default is a switch, and off, or has no meaning with the switches that are.
        cls([np.ones(1)], **hyper)
    for name in (COMMON.keys() - {"lower", "upper", "masters"}) & cls.defaults.keys():  # which are tested by themselves
        assert any(around[name] != cls.defaults[name] for around in AROUND)


@pytest.mark.parametrize("cls", OPTIMIZERS)
def test_the_catalogue_covers_every_update_of_a_rule(cls):
    covered = {
        frozenset(name for name in cls.declaration.switches if hyper.get(name)) for hyper in OFF_DEFAULT[cls.__name__]
    }
    assert covered == cls.rules.keys()
    written = {name for base in cls.__mro__ for name in vars(base) if name.startswith("update")}
    assert {rule.name for rule in cls.rules.values()} == written
