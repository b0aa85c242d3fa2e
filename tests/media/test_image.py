"""Reading pictures: every mode, and every broken file."""

from __future__ import annotations

import contextlib
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import picture
from PIL import Image

from embedlab.errors import Argument, ProblemCode
from embedlab.media import image_source
from embedlab.media.errors import UnreadableMedia
from embedlab.media.image import find_problem, list_notes, read_image, read_size

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def corners() -> Image.Image:
    """40 x 20, a colour in each corner."""
    made = Image.new("RGB", (40, 20))
    for box, color in (
        ((0, 0, 20, 10), RED),
        ((20, 0, 40, 10), GREEN),
        ((0, 10, 20, 20), BLUE),
        ((20, 10, 40, 20), WHITE),
    ):
        made.paste(color, box)
    return made


def as_bytes(made: Image.Image, format: str, **options: Any) -> bytes:
    file = BytesIO()
    made.save(file, format, **options)
    return file.getvalue()


def near(a: Any, b: Any, by: int = 12) -> bool:
    return bool(np.abs(np.subtract(a, b, dtype=int)).max() <= by)


@pytest.mark.parametrize("at_least", [None, 8])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_a_photo_upright(orientation: int, at_least: int | None) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    large = corners().resize((400, 200), Image.Resampling.NEAREST)
    stored = large.transpose(undo[orientation]) if orientation in undo else large
    exif = Image.Exif()
    exif[0x0112] = orientation
    shown = read_image(as_bytes(stored, "JPEG", exif=exif, quality=95, subsampling=0), at_least=at_least)
    assert shown.width == 2 * shown.height
    w, h = shown.size
    places = [(w // 8, h // 8), (w - w // 8, h // 8), (w // 8, h - h // 8), (w - w // 8, h - h // 8)]
    assert all(near(shown.getpixel(p), c) for p, c in zip(places, (RED, GREEN, BLUE, WHITE), strict=True))


def test_a_large_jpeg_is_decoded_small_but_never_too_small() -> None:
    data = as_bytes(picture(1, 1600, 1200), "JPEG", quality=95)
    small = read_image(data, at_least=256)
    assert min(small.size) in range(256, 1200)
    assert read_image(data, at_least=1100).size == (1600, 1200)
    exact = read_image(data).resize((64, 48), Image.Resampling.BICUBIC)
    assert near(exact, small.resize((64, 48), Image.Resampling.BICUBIC), by=6)


def test_cmyk_comes_out_in_its_colours() -> None:
    shown = read_image(as_bytes(corners().convert("CMYK"), "JPEG", quality=95, subsampling=0))
    assert near(shown.getpixel((5, 5)), RED, by=30)
    assert list_notes(as_bytes(corners().convert("CMYK"), "JPEG"))[0].startswith("colours for print")


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_cut(format: str) -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)
    data = as_bytes(Image.fromarray(ramp), format)
    shown = np.asarray(read_image(data))[..., 0]
    np.testing.assert_allclose(shown.ravel(), np.arange(256), atol=1)
    assert list_notes(data) == ("more than 8 bits a pixel: scaled to 8",)


def test_floats_and_long_integers_in_a_tiff() -> None:
    unit = as_bytes(Image.fromarray(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)), "TIFF")
    np.testing.assert_allclose(np.asarray(read_image(unit))[..., 0].ravel(), np.linspace(0, 255, 64), atol=1)
    wide = np.linspace(-5e5, 5e5, 64).astype(np.int32).reshape(8, 8)
    shown = np.asarray(read_image(as_bytes(Image.fromarray(wide), "TIFF")))[..., 0]
    assert (shown.min(), shown.max()) == (0, 255)
    holes = np.full((4, 4), np.nan, np.float32)
    assert read_image(as_bytes(Image.fromarray(holes), "TIFF")).getpixel((0, 0)) == (0, 0, 0)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "palette"])
def test_what_is_transparent_lies_on_white(mode: str) -> None:
    if mode == "palette":
        made = Image.new("P", (8, 8), 0)
        made.putpalette([0, 0, 0, 200, 0, 0] + [0] * 762)
        data = as_bytes(made, "PNG", transparency=0)
    else:
        data = as_bytes(Image.new(mode, (8, 8), (0,) * len(mode)), "PNG")
    assert read_image(data).getpixel((3, 3)) == WHITE
    assert list_notes(data) == ("transparent parts are put on white",)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_of_an_animation_is_used_and_noted(format: str) -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in (RED, GREEN, BLUE)]
    data = as_bytes(frames[0], format, save_all=True, append_images=frames[1:])
    assert near(read_image(data).getpixel((8, 8)), RED)
    assert list_notes(data)[0] == "3 frames: the first is used"


def test_one_bit_one_pixel_and_a_thread() -> None:
    assert read_image(as_bytes(Image.new("1", (9, 9), 1), "PNG")).getpixel((0, 0)) == WHITE
    assert read_image(as_bytes(Image.new("RGB", (1, 1), RED), "PNG")).size == (1, 1)
    assert read_image(as_bytes(Image.new("RGB", (1, 5000), RED), "PNG")).size == (1, 5000)


def test_the_content_decides_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "really_a_png.jpg"
    path.write_bytes(as_bytes(corners(), "PNG"))
    assert find_problem(path) is None
    assert read_image(path).getpixel((5, 5)) == RED


def test_a_bomb_is_refused_with_both_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.png"
    Image.new("L", (300, 200)).save(path)
    monkeypatch.setattr(image_source, "MAX_PIXELS", 50_000)
    with pytest.raises(UnreadableMedia, match="60,000 pixels, but at most 50,000 are read") as error:
        read_image(path)
    assert error.value.problem.code is ProblemCode.TOO_LARGE
    assert error.value.path == path
    assert find_problem(path) == error.value.problem


def test_a_bomb_beyond_pillows_own_limit_is_refused_too(tmp_path: Path) -> None:
    header = as_bytes(Image.new("L", (1, 1)), "PNG")
    size = (60_000).to_bytes(4, "big")
    import zlib

    chunk = b"IHDR" + size + size + header[24:29]
    huge = header[:12] + chunk + zlib.crc32(chunk).to_bytes(4, "big") + header[33:]
    (tmp_path / "bomb.png").write_bytes(huge)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UnreadableMedia, match="Make it smaller") as error:
            read_image(tmp_path / "bomb.png")
    assert error.value.problem.code is ProblemCode.TOO_LARGE


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


BROKEN = {
    "empty": (lambda p: write(p / "a.jpg", b""), ProblemCode.EMPTY, "Copy it again"),
    "text": (lambda p: write(p / "a.jpg", b"hello"), ProblemCode.WRONG_KIND, "Choose another file"),
    "svg": (
        lambda p: write(p / "a.png", b"<?xml?><svg></svg>"),
        ProblemCode.WRONG_KIND,
        "SVG drawing.*Save it as PNG",
    ),
    "missing": (lambda p: p / "none.png", ProblemCode.MISSING, "Check the path"),
    "folder": (lambda p: p, ProblemCode.NOT_A_FILE, "Check the path"),
    "postscript": (
        lambda p: write(p / "a.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
        ProblemCode.WRONG_KIND,
        r"known format \(JPEG, PNG",
    ),
}


@pytest.mark.parametrize(("make", "code", "advice"), BROKEN.values(), ids=BROKEN.keys())
def test_files_that_are_not_images_are_named_with_what_to_do(
    make: Any, code: ProblemCode, advice: str, tmp_path: Path
) -> None:
    path = make(tmp_path)
    with pytest.raises(UnreadableMedia, match=advice) as error:
        read_image(path)
    assert error.value.problem.code is code
    assert error.value.path == path
    assert find_problem(path) == error.value.problem


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "BMP"])
def test_a_file_that_ends_too_early(format: str, tmp_path: Path) -> None:
    data = as_bytes(picture(2), format)
    path = write(tmp_path / "cut", data[: len(data) * 2 // 3])
    with pytest.raises(UnreadableMedia, match="cut cannot be read: ") as error:
        read_image(path)
    assert error.value.problem.code is ProblemCode.DAMAGED
    assert Argument("on_error", "skip") in error.value.parts


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
def test_any_damage_gives_a_picture_or_one_kind_of_error(format: str) -> None:
    whole = as_bytes(picture(3, 60, 40), format)
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for trial in range(150):
            data = bytearray(whole)
            for place in rng.integers(0, len(data), 4):
                data[place] = rng.integers(256)
            data = data[: rng.integers(1, len(data))] if trial % 3 == 0 else data
            with contextlib.suppress(UnreadableMedia):  # others fail the test, and so does a warning
                assert read_image(bytes(data)).mode == "RGB"
                list_notes(bytes(data))


def test_broken_metadata_do_not_stop_a_good_picture() -> None:
    data = as_bytes(
        corners(), "JPEG", exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\xff\x12\x01", quality=95
    )
    assert near(read_image(data).getpixel((5, 5)), RED, by=40)


@pytest.mark.parametrize(
    ("array", "why"),
    [
        (np.zeros((2, 3, 5), np.uint8), r"shape \(2, 3, 5\) is not an image"),
        (np.zeros((0, 3, 3), np.uint8), "is not an image"),
        (np.zeros(5, np.uint8), "is not an image"),
        (np.zeros((4, 4), np.int64), "int64 is not an image"),
        (np.full((4, 4), np.nan), "or NaN"),
        (np.full((4, 4), 255.0), "from 0 to 1"),
    ],
)
def test_arrays_that_are_not_images(array: np.ndarray, why: str) -> None:
    with pytest.raises(UnreadableMedia, match=why) as error:
        read_image(array)
    assert error.value.problem.code is ProblemCode.WRONG_KIND
    assert error.value.path is None


def test_arrays_that_are_pictures() -> None:
    assert read_image(np.full((4, 5), 7, np.uint8)).getpixel((0, 0)) == (7, 7, 7)
    assert read_image(np.full((4, 5, 3), 1.0)).getpixel((0, 0)) == WHITE
    assert read_image(np.zeros((4, 5, 4), np.uint8)).getpixel((0, 0)) == WHITE
    with pytest.raises(UnreadableMedia, match="not int"):
        read_image(3)


def test_a_picture_in_memory_stays_open_and_as_it_is() -> None:
    given = corners()
    read_image(given)
    assert find_problem(given) is None
    assert given.getpixel((5, 5)) == RED


def test_the_size_is_read_from_the_header(tmp_path: Path) -> None:
    data = as_bytes(picture(2, 60, 40), "PNG")
    assert read_size(write(tmp_path / "cut.png", data[: len(data) // 2])) == (60, 40)
