"""Names of generators in the fields for the program that made a file."""

from clipfake.attribution.catalogue import signature


def generator_named(text: str) -> str | None:
    """The program or service that a text names, and nothing but names of generators.

    Args:
        text: of a field for the program that made a file, as ``catalogue.signature`` takes it.

    Returns:
        Its usual name; None for any other program and for longer texts.
    """
    found = signature(text)
    return None if found is None else found.program
