"""Scripts that run in the environments of `environment.py`; they import nothing of robotd."""
