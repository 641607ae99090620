"""Make the pictures of examples/images.

    pip install "scikit-image==0.26.*"
    python examples/make_examples.py [--output examples/images]

The photographs come with scikit-image, nothing is downloaded; everything else is drawn here.
Running it twice with the same versions of Pillow, NumPy and scikit-image gives the same bytes.
Needs scikit-image, which clipfake itself does not.
"""

import argparse
import io
import math
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from skimage import data

DEFAULT_OUTPUT = Path(__file__).resolve().parent / "images"
SMOOTH = 4  # shapes are drawn this many times larger and shrunk, for smooth edges

PHOTO_SHORT_SIDE = 512
BROKEN_SHARE = 0.4  # of the bytes of a whole JPEG

# every value is invented, but for the coordinates, which are those of the Statue of Liberty
CAMERA_MAKE = "Example Optics"
CAMERA_MODEL = "EO-1"
CAMERA_LENS = "Example Optics 35mm F2"
CAMERA_SOFTWARE = "EO-1 Firmware 1.0"
CAMERA_TIME = datetime(2024, 7, 4, 12, 34, 56)
LATITUDE = (40, 41, 21)  # degrees, minutes, seconds; north
LONGITUDE = (74, 2, 40)  # west
ORIENTATION_TURN_RIGHT = 6  # to be shown, the stored pixels are turned 90 degrees clockwise

RIDGES_SIZE = (512, 384)
# in the form that AUTOMATIC1111's web UI writes; no generator was used and no such model exists
PARAMETERS = f"""\
mountain ridges at dusk, low sun, layered haze, flat colours, poster
Negative prompt: people, text, watermark, blurry
Steps: 28, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 1234567890, \
Size: {RIDGES_SIZE[0]}x{RIDGES_SIZE[1]}, Model hash: 0123456789, Model: example-model, \
Version: v1.6.0"""

Color = tuple[int, int, int]


def photograph(load: Callable[[], NDArray[np.uint8]]) -> Image.Image:
    """Load one of scikit-image's photographs, its short side at most PHOTO_SHORT_SIDE."""
    image = Image.fromarray(load())
    return resized(image, min(1.0, PHOTO_SHORT_SIDE / min(image.size)))


def resized(image: Image.Image, scale: float) -> Image.Image:
    """Resize by a factor, with Lanczos."""
    if scale == 1.0:
        return image
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    """Encode an image to the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, format=file_format, **options)
    return buffer.getvalue()


def jpeg(image: Image.Image, quality: int, **options: Any) -> bytes:
    """Encode as a baseline JPEG."""
    return encoded(image, "JPEG", quality=quality, optimize=True, **options)


def png(image: Image.Image, **options: Any) -> bytes:
    """Encode as PNG."""
    return encoded(image, "PNG", optimize=True, **options)


def webp(image: Image.Image, quality: int) -> bytes:
    """Encode as lossy WebP."""
    return encoded(image, "WEBP", quality=quality, method=6)


def recompressed(file: bytes, quality: int) -> bytes:
    """Decode a file and encode it again as a JPEG, as a site that takes uploads would."""
    with Image.open(io.BytesIO(file)) as image:
        return jpeg(image.convert("RGB"), quality)


def truncated(file: bytes, share: float) -> bytes:
    """Keep only the first part of a file, as an interrupted download would."""
    return file[: int(len(file) * share)]


def camera_exif(width: int, height: int, orientation: int) -> Image.Exif:
    """Build the EXIF block of an invented camera.

    Args:
        width: of the stored pixels.
        height: of the stored pixels.
        orientation: how a viewer turns them, 1 to 8.

    Returns:
        The block, with an Exif and a GPS directory in it.
    """
    time = CAMERA_TIME.strftime("%Y:%m:%d %H:%M:%S")
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = CAMERA_MAKE
    exif[ExifTags.Base.Model] = CAMERA_MODEL
    exif[ExifTags.Base.Software] = CAMERA_SOFTWARE
    exif[ExifTags.Base.DateTime] = time
    exif[ExifTags.Base.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.Exif).update(
        {
            ExifTags.Base.ExifVersion: b"0232",
            ExifTags.Base.DateTimeOriginal: time,
            ExifTags.Base.LensModel: CAMERA_LENS,
            ExifTags.Base.ExifImageWidth: width,
            ExifTags.Base.ExifImageHeight: height,
        }
    )
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            ExifTags.GPS.GPSVersionID: b"\x02\x03\x00\x00",
            ExifTags.GPS.GPSLatitudeRef: "N",
            ExifTags.GPS.GPSLatitude: tuple(float(part) for part in LATITUDE),
            ExifTags.GPS.GPSLongitudeRef: "W",
            ExifTags.GPS.GPSLongitude: tuple(float(part) for part in LONGITUDE),
        }
    )
    return exif


def camera_jpeg(upright: Image.Image) -> bytes:
    """Encode as a camera held upright does: pixels lying on their side, EXIF that says so."""
    stored = upright.transpose(Image.Transpose.ROTATE_90)  # counterclockwise
    exif = camera_exif(stored.width, stored.height, ORIENTATION_TURN_RIGHT)
    return jpeg(stored, 88, exif=exif)


def portrait_crop(image: Image.Image, center: float) -> Image.Image:
    """Cut a 3:4 portrait of full height out of a landscape picture.

    Args:
        image: the landscape picture.
        center: where the middle of the crop is, as a share of the width.
    """
    width = image.height * 3 // 4
    left = min(max(round(image.width * center - width / 2), 0), image.width - width)
    return image.crop((left, 0, left + width, image.height))


def vertical_gradient(width: int, height: int, top: Color, bottom: Color) -> Image.Image:
    """Fill a picture with a gradient from top to bottom."""
    share = np.linspace(0.0, 1.0, height)[:, None, None]
    rows = np.array(top) * (1 - share) + np.array(bottom) * share
    return Image.fromarray(np.repeat(np.rint(rows).astype(np.uint8), width, axis=1))


def shapes() -> Image.Image:
    """Draw a few flat shapes on a gradient."""
    image = vertical_gradient(480 * SMOOTH, 320 * SMOOTH, (24, 42, 92), (240, 178, 122))
    draw = ImageDraw.Draw(image)

    def scaled(*points: float) -> list[float]:
        return [point * SMOOTH for point in points]

    draw.ellipse(scaled(40, 40, 180, 180), fill=(250, 230, 120))
    draw.polygon(scaled(150, 290, 260, 90, 370, 290), fill=(40, 120, 110))
    draw.rectangle(scaled(330, 60, 440, 170), fill=(190, 60, 70))
    draw.line(scaled(20, 270, 460, 210), fill=(255, 255, 255), width=6 * SMOOTH)
    return image.reduce(SMOOTH)


def octaves(width: int, height: int, seed: int, count: int = 6) -> NDArray[np.float64]:
    """Sum octaves of value noise, each twice as fine and half as strong as the one before.

    Returns:
        Heights `[height, width]` from 0 to 1.
    """
    generator = np.random.default_rng(seed)
    total = np.zeros((height, width))
    for octave in range(count):
        rows, columns = 3 * 2**octave, 4 * 2**octave
        grid = Image.fromarray(generator.random((rows, columns)).astype(np.float32))
        layer = grid.resize((width, height), Image.Resampling.BICUBIC)
        total += np.asarray(layer, dtype=np.float64) / 2**octave
    low, high = total.min(), total.max()
    scaled: NDArray[np.float64] = (total - low) / (high - low)
    return scaled


def terrain() -> Image.Image:
    """Draw an invented coast from above: noise as heights, tinted and lit from the top left."""
    heights = octaves(512, 384, seed=20)
    levels = [0.0, 0.42, 0.45, 0.50, 0.65, 0.80, 1.0]
    tints = np.array(
        [
            (18, 48, 96),
            (60, 130, 170),
            (214, 200, 150),
            (96, 142, 72),
            (64, 100, 56),
            (124, 110, 98),
            (245, 245, 248),
        ]
    )
    color = np.stack([np.interp(heights, levels, tints[:, c]) for c in range(3)], axis=-1)
    down, right = np.gradient(heights)
    light = np.where(heights > levels[1], 1.0 + 14.0 * (down + right), 1.0)
    lit = np.clip(color * np.clip(light, 0.55, 1.35)[..., None], 0, 255)
    return Image.fromarray(np.rint(lit).astype(np.uint8))


def bar_chart() -> Image.Image:
    """Draw a bar chart of invented numbers."""
    values = {"Mon": 34, "Tue": 58, "Wed": 47, "Thu": 81, "Fri": 66, "Sat": 23, "Sun": 12}
    image = Image.new("RGB", (480, 320), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(14)
    left, top, bottom, step = 50, 40, 280, 58
    draw.text((left, 12), "Pictures per day (invented)", fill=(30, 30, 30), font=font)
    for tick in range(0, 101, 25):
        y = bottom - (bottom - top) * tick // 100
        draw.line([(left, y), (left + step * len(values), y)], fill=(215, 215, 215))
        draw.text((left - 8, y), str(tick), fill=(90, 90, 90), font=font, anchor="rm")
    for index, (day, value) in enumerate(values.items()):
        x = left + step * index + 10
        y = bottom - (bottom - top) * value // 100
        draw.rectangle([x, y, x + step - 20, bottom], fill=(58, 110, 165))
        draw.text((x + step // 2 - 10, bottom + 14), day, (90, 90, 90), font, "mm")
    return image


def badge() -> Image.Image:
    """Draw a round badge on a transparent ground, with a half-transparent shadow."""
    side = 256 * SMOOTH
    image = Image.new("RGBA", (side, side))
    draw = ImageDraw.Draw(image)

    def disc(x: float, y: float, radius: float, fill: tuple[int, int, int, int]) -> None:
        draw.circle((x * side, y * side), radius * side, fill)

    disc(0.53, 0.54, 0.42, (0, 0, 0, 96))
    disc(0.48, 0.48, 0.42, (32, 96, 140, 255))
    disc(0.48, 0.48, 0.35, (240, 244, 248, 255))
    points = []
    for corner in range(10):
        angle = math.pi * (corner / 5 - 0.5)
        radius = 0.30 if corner % 2 == 0 else 0.125
        x, y = 0.48 + radius * math.cos(angle), 0.48 + radius * math.sin(angle)
        points.append((x * side, y * side))
    draw.polygon(points, fill=(226, 150, 40, 255))
    return image.reduce(SMOOTH)


def ball_frames() -> list[Image.Image]:
    """Draw three frames of a bouncing ball."""
    frames = []
    for x, y in ((32, 40), (80, 100), (128, 40)):
        image = Image.new("RGB", (160, 140), (232, 238, 244))
        draw = ImageDraw.Draw(image)
        draw.rectangle([0, 122, 160, 140], fill=(90, 120, 90))
        draw.circle((x, y), 20, fill=(205, 70, 60), outline=(120, 30, 30), width=3)
        frames.append(image.quantize(16))
    return frames


def gif(frames: list[Image.Image]) -> bytes:
    """Encode frames as a GIF that loops."""
    first, *rest = frames
    return encoded(first, "GIF", save_all=True, append_images=rest, duration=200, loop=0)


def ridges() -> Image.Image:
    """Draw mountain ridges at dusk, the picture that the sample prompt describes."""
    width, height = RIDGES_SIZE[0] * SMOOTH, RIDGES_SIZE[1] * SMOOTH
    image = vertical_gradient(width, height, (70, 84, 150), (252, 176, 120))
    draw = ImageDraw.Draw(image)
    draw.circle((width * 0.64, height * 0.42), height * 0.09, fill=(255, 226, 160))
    generator = np.random.default_rng(7)
    x = np.arange(width + 1)
    far, near = np.array((168, 128, 150)), np.array((26, 30, 56))
    count = 5
    for layer in range(count):
        share = layer / (count - 1)
        edge = np.full(x.shape, height * (0.46 + 0.42 * share))
        for wave in range(1, 7):
            phase = generator.uniform(0, 2 * math.pi)
            edge += height * 0.06 / wave * np.sin(2 * math.pi * 0.8 * wave * x / width + phase)
        outline = [(0.0, float(height)), *zip(x.tolist(), edge.tolist(), strict=True)]
        red, green, blue = np.rint(far * (1 - share) + near * share).astype(int).tolist()
        draw.polygon([*outline, (float(width), float(height))], fill=(red, green, blue))
    return image.reduce(SMOOTH)


def a1111_png(image: Image.Image) -> bytes:
    """Encode as PNG with the `parameters` text chunk of AUTOMATIC1111's web UI."""
    text = PngInfo()
    text.add_text("parameters", PARAMETERS)
    return png(image, pnginfo=text)


def make_examples() -> dict[str, bytes]:
    """Make every example.

    Returns:
        The bytes of each file, by its path under the output folder.
    """
    astronaut = photograph(data.astronaut)
    coffee = photograph(data.coffee)
    chelsea = jpeg(photograph(data.chelsea), 92)
    rocket = photograph(data.rocket)
    return {
        "astronaut.jpg": jpeg(astronaut, 90),
        "astronaut-quarter-q40.jpg": jpeg(resized(astronaut, 0.25), 40),
        "coffee.png": png(coffee),
        "coffee-half.webp": webp(resized(coffee, 0.5), 75),
        "chelsea.jpg": chelsea,
        "chelsea-recompressed.jpg": recompressed(chelsea, 60),
        "rocket.webp": webp(rocket, 85),
        "rocket-camera-exif.jpg": camera_jpeg(portrait_crop(rocket, center=0.5)),
        "broken.jpg": truncated(jpeg(coffee, 85), BROKEN_SHARE),
        "drawn-a1111-parameters.png": a1111_png(ridges()),
        "drawn/shapes.png": png(shapes()),
        "drawn/terrain.jpg": jpeg(terrain(), 85),
        "drawn/bar-chart.png": png(bar_chart()),
        "drawn/badge-transparent.png": png(badge()),
        "drawn/bouncing-ball.gif": gif(ball_frames()),
    }


def main() -> None:
    """Write the examples and list them with their sizes."""
    parser = argparse.ArgumentParser(description="Make the pictures of examples/images.")
    parser.add_argument("--output", type=Path, default=DEFAULT_OUTPUT, help="folder to write to")
    output: Path = parser.parse_args().output
    files = make_examples()
    for name, content in files.items():
        path = output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(f"{len(content):>9,}  {name}")
    print(f"{sum(map(len, files.values())):>9,}  in all")


if __name__ == "__main__":
    main()
