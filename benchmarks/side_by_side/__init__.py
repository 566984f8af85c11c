"""What ``speed.py`` compares, and how it measures."""
