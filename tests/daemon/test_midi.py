from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from tests.daemon.robots import RunningRobot
from tests.servers.jack import fluidsynth, jack_server, until


def test_a_synthesizer_sounds_while_the_robot_runs_and_is_silent_after_it(tmp_path: Path) -> None:
    with jack_server() as server, fluidsynth(server) as synth:
        during, after = tmp_path / "during.wav", tmp_path / "after.wav"
        settings = ("input=scene", "mqtt.enabled=false", "midi.backend=jack", f"midi.port={synth}")
        with RunningRobot(tmp_path, *settings) as robot:
            until(lambda: robot.said("music"))
            server.record(during, 3, f"{synth}:left").wait(15)
            assert robot.stop() == 0
        # The last note may ring for a moment.
        server.record(tmp_path / "ringing.wav", 3, f"{synth}:left").wait(15)
        server.record(after, 2, f"{synth}:left").wait(15)
    assert np.abs(soundfile.read(during)[0]).max() > 0.01
    assert np.abs(soundfile.read(after)[0]).max() < 0.001
