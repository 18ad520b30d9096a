"""Loops of steady conduction on voxels: the physics of one voxel, its launchers, multigrid."""
