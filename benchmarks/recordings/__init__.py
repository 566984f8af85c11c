"""Tables of ``real_recordings.py``, one module for each."""
