"""Live streams of MNE-LSL (extra ``lsl``), from its own player; no amplifier is needed."""

import time
import uuid

import mne
import numpy as np
import pytest

from eegsk import EEGNetClassifier
from eegsk.streaming import StreamingDecoder

from .networks import small


@pytest.fixture
def lsl(tmp_path, monkeypatch):
    """Return the modules of MNE-LSL, whose streams stay on this machine."""
    config = tmp_path / "lsl_api.cfg"
    config.write_text(
        "[ports]\nIPv6 = disable\n[multicast]\nResolveScope = machine\nListenAddress = 127.0.0.1\n"
        "[lab]\nKnownPeers = {127.0.0.1}\n"
    )
    monkeypatch.setenv("LSLAPICFG", str(config))
    pytest.importorskip("mne_lsl")
    from mne_lsl import player, stream

    return player, stream


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_stream_of_a_player(lsl, epochs):
    """As in docs/user_guide/streaming.md."""
    player, stream = lsl
    classifier = small(EEGNetClassifier).fit(epochs)
    samples = 1e-6 * np.random.default_rng(1).standard_normal((3, 500))
    raw = mne.io.RawArray(samples, epochs.info, verbose="error")
    name, decoded, deadline = f"amplifier {uuid.uuid4().hex}", [], time.monotonic() + 120
    with player.PlayerLSL(raw, chunk_size=8, name=name):
        live = stream.StreamLSL(bufsize=5, name=name).connect(acquisition_delay=0.05, timeout=60)
        decoder = StreamingDecoder(classifier, step=0.1, channels_first=True)
        while len(decoded) < 20 and time.monotonic() < deadline:
            n_new = live.n_new_samples
            if n_new:
                data, timestamps = live.get_data(winsize=n_new / live.info["sfreq"])
                decoded += decoder.push(data, timestamps, ch_names=live.ch_names)
            time.sleep(0.02)
        live.disconnect()
    assert len(decoded) >= 20
    # The player repeats the recording, and the stream begins at any sample of it.
    windows = np.lib.stride_tricks.sliding_window_view(np.tile(samples, 2), 48, axis=1)
    expected = classifier.predict_proba(windows[:, :500].transpose(1, 0, 2))
    for window in decoded:
        assert abs(expected - window.values).max(axis=1).min() < 1e-6
