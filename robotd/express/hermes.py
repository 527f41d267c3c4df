"""Texts from a voice assistant that speaks the Hermes protocol over the same broker, such as Rhasspy.

`hermes/asr/textCaptured` is what its speech recogniser understood: a JSON object with `text` and `siteId`
(https://rhasspy.readthedocs.io/en/latest/reference/#asr).
"""

from __future__ import annotations

import logging

from pydantic import BaseModel, Field, ValidationError

log = logging.getLogger(__name__)

TOPIC = "hermes/asr/textCaptured"

_MOST_CHARACTERS = 20_000


class _Captured(BaseModel):
    text: str = Field(max_length=_MOST_CHARACTERS)
    site: str = Field("default", alias="siteId")


def captured(payload: bytes, site: str | None = None) -> str | None:
    """Return the text of a message; None where it is empty, malformed or from another site.

    Args:
        payload: as it came.
        site: the `siteId` whose texts are wanted, None for all.
    """
    try:
        message = _Captured.model_validate_json(payload)
    except ValidationError as error:
        # Without its content, which may be what a person said.
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        log.warning("a message of %s can't be read: %s", TOPIC, "; ".join(problem["type"] for problem in problems))
        return None
    if site is not None and message.site != site:
        return None
    return message.text.strip() or None
