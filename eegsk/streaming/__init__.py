"""Decoding of continuous data: live streams and recordings, window by window."""

from ._decoder import Decoded, StreamingDecoder
from ._problems import StreamProblem, StreamWarning
from ._raw import decode_windows

__all__ = ["Decoded", "StreamProblem", "StreamWarning", "StreamingDecoder", "decode_windows"]
