import os
import subprocess
import sys

import pytest

PROGRAM = """
import resource
from largebatch.data.streams import freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        b"x" * (40 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

first = faults()
kept = freed_memory.keep()
faults()
print(kept, first, faults())
"""


def ended(**environment):
    made = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment
    )
    kept, before, after = made.stdout.split()
    return kept == "True", int(before), int(after)


@pytest.fixture
def environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}


def test_a_batch_s_pages_are_faulted_in_once(environment):
    kept, before, after = ended(**environment)
    if not kept:
        pytest.skip("not glibc")
    assert before > 5 * 5000 and after < before / 10


def test_the_user_s_own_settings_stay(environment):
    kept, before, after = ended(**environment, MALLOC_TRIM_THRESHOLD_="131072")
    assert not kept and after > before / 2
