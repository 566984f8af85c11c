"""What ``real_recordings.py`` measures: one module for each table."""
