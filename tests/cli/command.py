"""The command `clipfake` in this process, as the tests run it."""

from pathlib import Path

import pytest
from PIL.PngImagePlugin import PngInfo

from clipfake.cli.app import main
from tests.conftest import encoded, picture


def clipfake(*arguments: object) -> int:
    """Run the command; its exit code."""
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert isinstance(end.value.code, int)
    return end.value.code


def scan(folder: Path, output: Path, *options: object) -> int:
    """Scan a folder into a report; the exit code."""
    return clipfake("scan", folder, "-o", output, "--quiet", "--workers", 0, *options)


def declared(seed: int) -> bytes:
    """A picture that says of itself that it is AI-made."""
    words = PngInfo()
    settings = f"Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: {seed}, Size: 64x48, Model: sd"
    words.add_text("parameters", f"a cat\n{settings}")
    return encoded(picture(seed=seed), pnginfo=words)


def twelve_files(root: Path) -> Path:
    """A new folder of twelve files, of which two pairs are alike and one is cut off."""
    root.mkdir()
    for number in range(11):
        (root / f"{number:02d}.png").write_bytes(encoded(picture(seed=number % 9)))
    (root / "11.jpg").write_bytes(encoded(picture(400, 400), "JPEG")[:3000])
    return root
