"""Captured steps and more than one GPU, in Numba's real CUDA target, under a stand-in for the driver."""

import pytest
from driver import ONE, STEP, THOUSAND, with_driver

pytestmark = [pytest.mark.maintainer, with_driver]


def test_a_step_that_is_not_capturable_is_refused_in_a_capture_and_the_optimizer_can_go_on(host):
    host(f"""{ONE}{STEP}
driver.fake_capture(1, 9)
refused(lambda: opt.step(g, stream=9), RuntimeError, "capturable=True")
driver.fake_capture(0, None)
assert opt.t == 1
check_step(calls(lambda: opt.step(g, stream=9)), stream=9)
assert opt.t == 2
""")


@pytest.mark.parametrize("again", ["opt.zero_state()", "opt.load_state_dict(kept)"])
def test_it_is_refused_where_it_would_be_the_first_step_once_more(host, again):
    host(f"""{STEP}
p, g = device(1000), device(1000, 1)
opt = fa.Adam(p)
kept = opt.state_dict()
opt.step(g, stream=9)
{again}
driver.fake_capture(1, 9)
refused(lambda: opt.step(g, stream=9), RuntimeError, "capturable=True")
driver.fake_capture(0, None)
assert opt.t == 0
""")


def test_an_assignment_is_sent_by_the_next_step_on_its_own_stream(host):
    host(f"""{STEP}
p, g = device(1000), device(1000, 1)
opt = fa.Adam(p, capturable=True)
opt.step(g, stream=9)
assert calls(lambda: setattr(opt, "lr", 0.5)) == []
check_step(calls(lambda: opt.step(g, stream=9)), launches=2, uploads=1, stream=9)
""")


@pytest.mark.parametrize("limits", ["", "max_norm=1.0, nonfinite='skip'"], ids=["plain", "watched"])
def test_a_captured_step_is_launches_alone(host, limits):
    host(f"""{THOUSAND}{STEP}
opt = fa.Adam(p, capturable=True, {limits})
opt.step(g, stream=9)
driver.fake_capture(1, 11)  # as PyTorch does, on a stream of its own
check_step(calls(lambda: opt.step(g, stream=11)), launches={3 if limits else 2}, uploads=0, stream=11)
for change in (lambda: opt.step(g[::-1], stream=11), lambda: opt.step(g, 0.5, stream=11)):
    refused(change, RuntimeError, "take one step before the capture")
driver.fake_capture(0, None)
found = calls(lambda: setattr(opt, "lr", 0.5))
assert len(found) == len(named(found, "cuMemcpyHtoD")) == 1, found
""")


def test_what_lies_on_another_gpu_is_refused(host):
    host(f"""{STEP}
p, g = [device(1000, i) for i in range(2)], [device(1000, i) for i in range(2)]
far = cuda.device_array(10**8, np.float32)[-1000:]
assert far.device_ctypes_pointer.value > max(a.device_ctypes_pointer.value for a in p + g)
opt = fa.Adam(p)
opt.step(g)
driver.fake_other(far.device_ctypes_pointer.value)
refused(lambda: fa.Adam([p[0], far]), ValueError, "params[1]", "current GPU, number 0", "on 1")
refused(lambda: opt.step([g[0], far[::-1]]), ValueError, "params[1]", "on 1")
assert opt.t == 1
check_step(calls(lambda: opt.step(g)))
""")


def test_a_step_where_another_gpu_is_current_is_refused(host):
    host(f"""{ONE}{STEP}
driver.cuCtxPushCurrent(ctypes.c_void_p(12345))
refused(lambda: opt.step(g), RuntimeError, "expected the GPU to be current")
driver.cuCtxPopCurrent(ctypes.byref(ctypes.c_void_p()))
assert opt.t == 1
check_step(calls(lambda: opt.step(g)))
""")
