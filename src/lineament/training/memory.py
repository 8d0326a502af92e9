"""Keep the memory that a training step frees, since the next step wants the same again."""

import ctypes

__all__ = ["keep_freed_memory"]

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
"""Options of glibc's mallopt(3)."""


def keep_freed_memory() -> bool:
    """Tell glibc to hold on to freed memory; whether there was a glibc to tell.

    By default large activations come from the kernel page by page and go back at once, step after step; on a CPU the
    page faults can cost a training step a third of its time.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, 2**28))
    return {mallopt(option, value) for option, value in settings} == {1}
