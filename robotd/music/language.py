"""What languages are called."""

from __future__ import annotations

#: ISO 639-2 (as ID3 has it) to 639-1, for the languages most songs are in.
_TWO_LETTERS = {
    "eng": "en",
    "ger": "de",
    "deu": "de",
    "fre": "fr",
    "fra": "fr",
    "spa": "es",
    "ita": "it",
    "por": "pt",
    "dut": "nl",
    "nld": "nl",
    "swe": "sv",
    "nor": "no",
    "dan": "da",
    "fin": "fi",
    "pol": "pl",
    "rus": "ru",
    "jpn": "ja",
    "kor": "ko",
    "chi": "zh",
    "zho": "zh",
    "tur": "tr",
    "ara": "ar",
    "hin": "hi",
    "ell": "el",
    "cze": "cs",
    "ces": "cs",
    "hun": "hu",
    "ukr": "uk",
    "heb": "he",
    "gre": "el",
    "ron": "ro",
    "rum": "ro",
}
_NONE = {"xxx", "und", "unk", "zxx", "mul"}


def language_code(said: str) -> str:
    """Return a language as ISO 639-1 where it is one of the usual ones, else as it was said; empty for none."""
    name = said.strip().lower()
    return "" if name in _NONE else _TWO_LETTERS.get(name, name)
