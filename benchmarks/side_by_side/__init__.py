"""Measurements and tables of ``speed.py``."""
