"""Loops of charge and discharge on voxels: the physics of one voxel, its launchers, multigrid."""
