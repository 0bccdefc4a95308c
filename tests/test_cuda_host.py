"""What a step on CUDA arrays asks of the driver, in Numba's real CUDA target, under a stand-in for the driver."""

import json
import re
from pathlib import Path

import pytest
from driver import ONE, STEP, THOUSAND, with_driver

pytestmark = [pytest.mark.maintainer, with_driver]

trees = pytest.mark.parametrize("made", [ONE, THOUSAND], ids=["one", "thousand"])


@trees
def test_a_step_is_a_small_upload_and_a_launch_and_neither_waits_nor_allocates(host, made):
    host(f"""{made}{STEP}
count = len(p) if isinstance(p, list) else 1
for t in range(1, 4):
    sent, [launch] = check_step(calls(lambda: opt.step(g)))
    assert int(sent[0]["bytes"]) < 100
    rows, tiles = launch.args[2:]
    assert (rows, tiles) == (count, 4 * count)
    assert launch["block"] == "256,1,1"
    assert launch["grid"] == f"{{min(tiles, 16 * 132)}},1,1"
""")


@trees
def test_a_table_is_sent_when_an_address_changed_and_only_then(host, made):
    host(f"""{made}{STEP}
other = device(1000, 2)
for given, uploads in ((g, 1), (other, 2), (other, 1), (g, 2), (g, 1)):
    given = [given, *g[1:]] if isinstance(p, list) and given is other else given
    sent, _ = check_step(calls(lambda: opt.step(given)), uploads=uploads)
    assert (max(int(call["bytes"]) for call in sent) >= 128) == (uploads == 2)
""")


def test_what_changes_between_steps_costs_no_more_calls(host):
    host(f"""{ONE}{STEP}
for change in ({{"lr": 0.5}}, {{"beta1": 0.5}}, {{"weight_decay": 0.1}}):
    for name, value in change.items():
        setattr(opt, name, value)
    check_step(calls(lambda: opt.step(g, 0.5)))
""")


def test_parameters_of_each_type_and_storage_are_a_launch_each(host):
    host(f"""{STEP}
p = [device(n, n, dtype) for n in (1000, 5000) for dtype in (np.float32, np.float64)]
opt = fa.Adam(p, state_bits=8)  # of which the small keep 32 bits
opt.step(p)
check_step(calls(lambda: opt.step(p)), launches=4, uploads=4)
""")


@pytest.mark.parametrize("given", ["numba", "handle", "int64", "ptr", "cuda_stream", "protocol", "external"])
def test_a_step_runs_on_the_stream_that_is_given(host, given):
    host(f"""{ONE}{STEP}
class Cupys: ptr = 4321
class Torchs: cuda_stream = 5432
own = cuda.stream()
class Protocols:
    def __cuda_stream__(self): return 0, 7654
given, handle = dict(
    numba=(own, int(own)), handle=(1234, 1234), int64=(np.int64(2345), 2345), ptr=(Cupys(), 4321),
    cuda_stream=(Torchs(), 5432), protocol=(Protocols(), 7654), external=(cuda.external_stream(6543), 6543),
)[{given!r}]
for _ in range(3):
    check_step(calls(lambda: opt.step(g, stream=given)), stream=handle)
check_step(calls(lambda: opt.step(g)))
""")


@pytest.mark.parametrize("given", ["'abc'", "object()", "[]"])
def test_what_is_no_stream_is_refused(host, given):
    host(f"""{ONE}{STEP}
refused(lambda: opt.step(g, stream={given}), TypeError, "expected a stream of Numba, CuPy, PyTorch")
check_step(calls(lambda: opt.step(g)))
""")


def test_a_step_runs_on_the_stream_of_the_parameters_owner(host):
    host(f"""{STEP}
class Owned:
    def __init__(self, array, stream):
        self.array, self.stream = array, stream

    @property
    def __cuda_array_interface__(self):
        return self.array.__cuda_array_interface__ | {{"stream": self.stream}}

p, g = Owned(device(1000), 77), device(1000, 1)
opt = fa.Adam(p)
opt.step(g)
for stream in (77, 88, None, 77):  # it may change
    p.stream = stream
    check_step(calls(lambda: opt.step(g)), stream=stream or 0)
check_step(calls(lambda: opt.step(g, stream=99)), stream=99)  # a stream that is given comes first
s = cuda.stream()
p = cuda.to_device(np.zeros(5, np.float32), stream=s)
opt = fa.Adam(p)
check_step(calls(lambda: opt.step(p))[-2:], stream=int(s))
""")


def test_a_step_from_another_thread_makes_the_context_that_threads_own(host):
    host(f"""{ONE}{STEP}
from threading import Thread
found = []
for _ in range(2):
    thread = Thread(target=lambda: found.append(calls(lambda: opt.step(g))))
    thread.start()
    thread.join()
assert len(found) == 2
for each in found:
    check_step(each)
assert opt.t == 3
""")


@pytest.mark.parametrize("nonfinite", ["propagate", "skip"])
def test_a_norm_is_two_launches_more_and_neither_an_upload_nor_a_wait(host, nonfinite):
    host(f"""{ONE}{STEP}
opt.max_norm, opt.nonfinite = 1.0, {nonfinite!r}
opt.step(g, stream=9)
check_step(calls(lambda: opt.step(g, stream=9)), launches=3, uploads=0, stream=9)
""")


def test_a_gradient_that_has_to_be_finite_is_waited_for_once(host):
    host(f"""{ONE}{STEP}
opt.nonfinite = "raise"
opt.step(g)
found = calls(lambda: opt.step(g))
assert len(named(found, "cuLaunchKernel")) == 3
assert [call.name for call in found if call.name in SYNCHRONIZE] == ["cuCtxSynchronize"]
assert len(named(found, "cuMemcpyDtoH")) == 1
""")


def test_a_gradient_with_gaps_is_packed_on_the_same_stream(host):
    host(f"""{ONE}
g = device((1000, 2))[:, 0]
opt.step(g, stream=9)
found = calls(lambda: opt.step(g, stream=9))
assert len(named(found, "cuLaunchKernel")) == 2
assert {{call.stream for call in found if "stream" in call}} == {{9}}
assert not SYNCHRONIZE & {{call.name for call in found}}
""")


def test_a_long_table_is_sent_in_pieces_that_are_taken_at_once(host):
    host(f"""{THOUSAND}
opt = fa.AMSGrad(p)
sent = named(calls(lambda: opt.step(g[::-1])), "cuMemcpyHtoD")
assert [int(call["bytes"]) for call in sent[:2]] == [1 << 16, 1001 * 72 - (1 << 16)], sent
""")


def test_the_bench_of_a_gpu_prints_its_table_and_writes_it_after_each_part(host, tmp_path):
    script = str(Path(__file__).parents[1] / "bench" / "gpu.py")
    lines = host("", script, "--log2", "12", "--json", str(tmp_path / "gpu.json"))
    assert all(len(line) <= 80 for line in lines)
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert found["machine"]["gpu"]["name"] == "Stand-in"
    assert found["failed"] == {}
    assert len(found["results"]) >= 14
    assert all(row["seconds"] > 0 for row in found["results"])


def test_info_names_the_device(host):
    lines = host("", "-m", "fastadapt", "info", "--size", "1000")
    assert any(re.search(r"^GPU +Stand-in, 150 GB, compute capability 9\.0$", line) for line in lines), lines
