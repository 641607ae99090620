"""Which looks at a picture a detector takes."""

from enum import Enum


class Looks(str, Enum):
    """Which looks at a picture are taken."""

    FIRST = "first"  # the centre square alone
    AUTO = "auto"  # the second one where the first leaves it open or is about to accuse
    ALL = "all"  # both, of every picture
