"""The answer in music: recommendations and notes."""
