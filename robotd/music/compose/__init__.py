"""Composing: from a feeling to bars of music."""
