"""Music for a film: what its people feel over time, and a score that follows it.

::

    probe      what the file is, and exactly how long
    watch      the chain over the whole film, at full speed
    hindsight  the feeling every half second, from all that was read before and after
    segments   stretches of one feeling
    fit        bars and tempos, so that joints lie near the cuts and the end is the film's
    compose    the bars, by any composer
    midifile   score.mid        sound    score.wav (FluidSynth)
    picture    timeline.png     mux      the film with its music (FFmpeg)
    score      all of it, one after the other

Nothing of the film is kept: FFmpeg reads the person's own file, and what is written are numbers, notes and music,
unless a copy of the film with its music is asked for.
"""
