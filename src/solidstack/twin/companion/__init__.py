"""The homogenised model of the same electrode (PyBaMM), and its exchange with other programs (BPX)."""
