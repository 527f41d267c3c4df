from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from tests.daemon.robots import RunningRobot
from tests.express.midi.test_port import listener
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


def test_the_robot_gives_the_clock_and_plays_as_the_instrument_needs_it(tmp_path: Path) -> None:
    settings = ("input=scene", "mqtt.enabled=false", "midi.backend=jack", "midi.clock=out", "midi.transpose=-30")
    curve = "midi.velocity_curve={shape: soft, min: 90, max: 91}"
    with jack_server(), RunningRobot(tmp_path, *settings, curve) as robot, listener(to="robotd:robotd") as heard:
        heard._input.ignore_types(timing=False)
        until(lambda: len(heard.begun) > 20, within_s=40)
        assert robot.stop() == 0
        until(lambda: any(message.type == "stop" for message in heard.messages))
        messages, sounding = heard.messages, heard.sounding
    notes = [message for message in messages if message.type == "note_on"]
    assert {message.velocity for message in notes} <= {90, 91}
    assert min(message.note for message in notes if message.channel != 9) < 40
    assert sum(message.type == "clock" for message in messages) > 24
    assert sounding == set()
