from __future__ import annotations

import asyncio
import random

from robotd.config import Midi
from robotd.express.midi import Performer, open_midi
from robotd.music.compose.opening import rule_composer
from tests.express.midi.test_port import listener
from tests.servers.jack import jack_server, until


async def test_no_note_hangs_after_two_hundred_random_stops() -> None:
    """Mute, panic and the end of the performer, each at any moment: before the first note, with it, after it."""
    roll = random.Random(1)
    config = Midi(backend="jack", clock="out")
    with jack_server():
        async with open_midi(config) as out:
            with listener(to="robotd:robotd") as heard:
                for take in range(20):
                    performer = Performer(rule_composer(take), out.scheduler, config, out.clock)
                    playing = asyncio.create_task(performer.run())
                    for stop in range(10):
                        performer.unmute()
                        performer.feel(roll.uniform(-1, 1), 1)
                        await asyncio.sleep(roll.uniform(0, 0.07))
                        if stop < 9:
                            (performer.mute if stop % 2 else performer.panic)()
                    playing.cancel()
                    await asyncio.wait([playing])
                    await asyncio.to_thread(until, lambda: heard.sounding == set())
                # Silencing ends with the controllers and the programs.
                await asyncio.to_thread(until, lambda: any(message.is_cc(121) for message in heard.messages[-8:]))
                assert sum(message.type == "note_on" for message in heard.messages) > 200
