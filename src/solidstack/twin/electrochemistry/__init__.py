"""Charge, discharge and impedance of a structure, voxel by voxel."""
