"""Scanning a music folder: what lies there, what it is called, how it sounds and what it says.

::

    walk ── files ─▶ Scan ── paths ─▶ workers (processes, or a Dask cluster): study ── entries ─▶ Scan ─▶ Library
"""
