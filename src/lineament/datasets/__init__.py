"""Data sets: readers for the layouts people have on disk, and `portraits`, the embedded one."""
