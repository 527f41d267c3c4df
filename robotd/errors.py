"""The exceptions that robotd raises on purpose.

::

    RobotdError            says what is wrong and what to do about it
    ├── ConfigError        the configuration is wrong (exit code 78, EX_CONFIG)
    ├── ModelError         a model is missing, changed, or gives nonsense
    ├── DeviceError        a microphone, camera or MIDI port can't be opened or was lost
    ├── MediaError         a file can't be read as picture, sound, video or MIDI
    ├── LibraryError       the song library can't be read or written
    ├── LinkError          the MQTT broker or MPD refuses us
    └── CommandError       a command from outside can't be carried out
"""


class RobotdError(Exception):
    """Root of the errors that are told to a person in one line, without a traceback."""

    exit_code = 1


class ConfigError(RobotdError):
    """One or more mistakes in the configuration, all of them in the message."""

    exit_code = 78


class ModelError(RobotdError):
    """A model file is missing, does not match its manifest, or gave an impossible output."""


class DeviceError(RobotdError):
    """A device can't be opened, or stopped answering."""


class MediaError(RobotdError):
    """A media file can't be read."""


class LibraryError(RobotdError):
    """The song library can't be read or written."""


class LinkError(RobotdError):
    """The broker refuses the connection for a reason that waiting does not mend."""


class CommandError(RobotdError):
    """A command from outside is unknown or malformed."""
