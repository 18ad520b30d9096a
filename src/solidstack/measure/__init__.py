"""Measured files to material properties."""
