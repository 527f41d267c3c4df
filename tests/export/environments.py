"""Whether the environments of the heavy converters may be used here."""

from __future__ import annotations

import os

import pytest

from export.convert.environment import Environment

#: They are gigabytes: made only where they are asked for.
ASKED = os.environ.get("ROBOTD_EXPORT_ENVIRONMENTS") == "1"
MAKING_S = 1800


def needs(environment: Environment) -> pytest.MarkDecorator:
    """Skip where an environment has not been made and isn't asked for."""
    return pytest.mark.skipif(
        not (environment.exists or ASKED),
        reason=f"the environment {environment.name} ({environment.size}) is not made; "
        "ROBOTD_EXPORT_ENVIRONMENTS=1 makes it",
    )
