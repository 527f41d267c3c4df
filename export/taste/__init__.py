"""How well taste is learnt: simulated listeners, and people who reported their moods."""
