"""Where loops run: how functions are compiled, launched and given their arrays on the CPU and on a CUDA device."""
