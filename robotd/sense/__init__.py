"""Devices and files as streams of frames and sound."""
