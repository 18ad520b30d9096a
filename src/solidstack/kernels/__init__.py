"""Compiled loops: arrays and numbers, no validation, no units, no words."""

import os

# The threads of a parallel loop wait for each other by spinning. GNU's OpenMP does so for milliseconds, which on a
# machine with other work is time that the thread waited for does not get: a step of charge and discharge (187,000
# voxels, two threads beside one busy process) took 16.1 s, and 2.3 s with this. What the user has set stays.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
