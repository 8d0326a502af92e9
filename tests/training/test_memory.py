"""Freed memory is kept, or the platform has no way to."""

import platform
import subprocess
import sys

from lineament.training.memory import keep_freed_memory

FAULTS = """
import resource, sys, torch
from lineament.training.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def work():
    torch.ones(20_000_000).sum()  # 80 MB, taken and freed; glibc itself keeps up to 32
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_repeated_work_stops_faulting_pages():
    if platform.libc_ver()[0] != "glibc":
        assert not keep_freed_memory()
        return
    faults = {
        how: int(subprocess.run([sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True).stdout)
        for how in ("keep", "default")
    }
    assert faults["default"] > 5 * faults["keep"]
