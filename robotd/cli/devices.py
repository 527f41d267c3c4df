"""`robotd devices`: microphones, cameras and MIDI ports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from robotd.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable


def devices_command() -> None:
    """List what can be heard with, looked with and played on, as the configuration names it."""
    from robotd.config import Midi
    from robotd.express.midi.backend import list_midi_inputs, list_midi_ports
    from robotd.express.midi.synth import describe_synth
    from robotd.sense.devices import list_cameras, list_microphones

    def microphones() -> list[str]:
        return [
            f"{'*' if found.default else ' '} {found.number}: {found.name} ({found.channels} ch, {found.rate_hz} Hz)"
            for found in list_microphones()
        ]

    def cameras() -> list[str]:
        return [
            f"  {found.path}: {found.name}{'' if found.readable else ' (not readable: join the group video)'}"
            for found in list_cameras()
        ]

    def midi_ports() -> list[str]:
        return [f"  {found.name} ({found.backend})" for found in list_midi_ports()]

    _show("microphones (microphone.device)", microphones)
    _show("cameras (camera.source)", cameras)

    def midi_inputs() -> list[str]:
        return [f"  {found.name} ({found.backend})" for found in list_midi_inputs()]

    _show("MIDI outputs (midi.port)", midi_ports)
    _show("MIDI inputs (midi.input)", midi_inputs)
    _show("synthesizer of this machine (midi.synth)", lambda: [f"  {describe_synth(Midi())}"])


def _show(title: str, listed: Callable[[], list[str]]) -> None:
    typer.echo(f"{title}:")
    try:
        lines = listed()
    except DeviceError as error:
        lines = [f"  can't be listed: {error}"]
    typer.echo("\n".join(lines or ["  none"]))
