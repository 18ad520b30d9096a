"""Compiled loops over arrays: no validation, no units, no printing."""
