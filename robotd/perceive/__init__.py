"""Models that turn frames, sound and words into readings."""
