"""Generation parameters that image generators write beside their pixels.

A format counts only in the fields that its programs write it to, and a program's name only as a
whole.
"""

from collections.abc import Mapping

from clipfake.metadata.generators.automatic1111 import read_lines
from clipfake.metadata.generators.comfyui import read_graphs
from clipfake.metadata.generators.command_line import read_command_lines
from clipfake.metadata.generators.dialects import read_dialects
from clipfake.metadata.generators.found import Parameters, Texts
from clipfake.metadata.generators.signatures import read_signatures
from clipfake.records import Strength


def read_parameters(texts: Mapping[str, str], *, captured: bool = False) -> list[Parameters]:
    """Recognise generators by the texts of a file.

    Args:
        texts: by field, ``png:KEYWORD``, ``exif:TAG``, ``xmp:NAME``, ``iptc:DATASET``,
            ``stealth:parameters`` or ``comment``; further texts of the same field have `` (2)``
            and so on behind its name.
        captured: whether the file has a camera's exposure settings.

    Returns:
        One entry a generator that is recognised, the surest first.
    """
    held = Texts(texts)
    found = [
        *read_lines(held),
        *read_command_lines(held),
        *read_dialects(held),
        *read_graphs(held),
        *read_signatures(held, captured=captured),
    ]
    return sorted(found, key=lambda each: (each.strength is Strength.WEAK, each.claim is None))
