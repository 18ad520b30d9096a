"""Loops over spheres and voxels: contacts, distances, connected parts, surfaces."""
