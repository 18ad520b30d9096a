"""Instrument files to records."""
