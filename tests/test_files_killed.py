"""A process that is killed while it saves leaves the old file or the new one, whole."""

import os
import subprocess
import sys

import pytest
from conftest import SLOW, for_maintainers, sample

pytest.importorskip("safetensors")
pytestmark = pytest.mark.skipif(SLOW, reason="of files alone")

KILLED = """
import os, random, signal, sys, time
import numpy as np
import fastadapt as fa

path, rounds = sys.argv[1], int(sys.argv[2])
opt = fa.Adam(np.ones(20_000))
dicts = []
for t in (1, 2):
    found = opt.state_dict()
    state = {name: np.full(20_000, float(t)) for name in "mv"}
    dicts.append(found | {"t": t, "counts": t, "state": state, "hyper": found["hyper"] | {"lr": 0.1 * t}})
opt.load_state_dict(dicts[0])
opt.save(path)
seen, moved, rng = set(), 0, random.Random(0)
for k in range(rounds):
    before = os.stat(path).st_ino
    child = os.fork()
    if not child:
        try:
            while True:
                for found in dicts:
                    opt.load_state_dict(found)
                    opt.save(path)
        finally:
            os._exit(1)
    while k % 2 and os.stat(path).st_ino == before:  # in every other round, after it saved once
        time.sleep(1e-3)
    time.sleep(rng.uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    moved += os.stat(path).st_ino != before
    again = fa.Adam(np.ones(20_000))
    again.load(path)
    t = again.t
    assert (again.counts, again.lr) == (t, 0.1 * t)
    assert all((state == t).all() for state in again.state.values())
    seen.add(t)
assert seen == {1, 2}, seen
assert moved > rounds // 4, moved  # inodes are used again
print("whole", moved)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("suffix", [".npz", *for_maintainers(".safetensors")])
@sample(30, 200)
def test_a_process_that_is_killed_leaves_the_old_file_or_the_new(tmp_path, suffix, count):
    command = [sys.executable, "-c", KILLED, str(tmp_path / f"a{suffix}"), str(count)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("whole"), done.stderr
