"""Notices how a person feels and answers with music."""

__version__ = "0.1.0"
