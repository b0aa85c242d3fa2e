"""Open image files with Pillow, and translate what it raises into problems."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from embedlab.errors import Problem, ProblemCode
from embedlab.media.errors import UnreadableMedia, os_problem

ImageSource = str | os.PathLike[str] | bytes | Image.Image | np.ndarray

# Only formats that Pillow decodes by itself: its reader of EPS, for one, would start another program.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")
# 200 million pixels are 600 MB once decoded. A small file may claim far more: a decompression bomb.
MAX_PIXELS = 200_000_000

# What Pillow raises for files that it cannot decode, found by damaging files at random.
DECODE_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, MemoryError)
_HEADER_ERRORS = (UnidentifiedImageError, SyntaxError, ValueError, EOFError, IndexError, TypeError)


@contextmanager
def opened_image(source: ImageSource) -> Iterator[Image.Image]:
    """Open an image and read its header; close it afterwards unless it was open before.

    Raises
    ------
    UnreadableMedia
        If the file is missing, not an image, or claims more than ``MAX_PIXELS``.
    """
    image = _open(source)
    try:
        yield image
    finally:
        if image is not source:
            image.close()


def decode_problem(error: BaseException) -> Problem:
    """Translate an exception that Pillow raised while decoding into a problem.

    Pillow raises a plain ``OSError`` for a file that was cut off as well as for a damaged one: only its
    words tell them apart.
    """
    words = str(error)
    if isinstance(error, MemoryError):
        return Problem(ProblemCode.TOO_LARGE, "it does not fit into memory")
    if isinstance(error, EOFError) or "truncated" in words.lower():
        return Problem(ProblemCode.DAMAGED, "the file ends too early (it is truncated)")
    detail = words.splitlines()[0][:120] if words else type(error).__name__
    return Problem(ProblemCode.DAMAGED, f"its data are damaged ({detail})")


def _open(source: ImageSource) -> Image.Image:
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return source
    if not isinstance(source, (str, os.PathLike, bytes)):
        raise _wrong_kind(
            source, f"expected a path, bytes, a PIL image or an array, not {type(source).__name__}"
        )
    file = BytesIO(source) if isinstance(source, bytes) else Path(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of a bomb; our own limit follows
            image = Image.open(file, formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise UnreadableMedia(source, "image", _too_many_pixels("far more")) from error
    except _HEADER_ERRORS as error:
        problem = _header_problem(source)
        advice = "Save it as PNG" if problem is _SVG else None
        raise UnreadableMedia(source, "image", problem, advice) from error
    except OSError as error:
        if error.errno is None or isinstance(source, bytes):
            problem = decode_problem(error)
        else:
            problem = os_problem(error, source)
        raise UnreadableMedia(source, "image", problem) from error
    pixels = image.width * image.height
    if pixels > MAX_PIXELS:
        image.close()
        raise UnreadableMedia(source, "image", _too_many_pixels(f"{pixels:,}"))
    return image


_EMPTY = Problem(ProblemCode.EMPTY, "the file is empty (0 bytes)")
_SVG = Problem(ProblemCode.WRONG_KIND, "it is an SVG drawing, which has no pixels yet")
_UNKNOWN = Problem(ProblemCode.WRONG_KIND, f"it is not an image in a known format ({', '.join(FORMATS)})")


def _header_problem(source: str | os.PathLike[str] | bytes) -> Problem:
    """Find out what a file is that Pillow does not recognise."""
    if isinstance(source, bytes):
        head = source[:512]
    else:
        with Path(source).open("rb") as file:
            head = file.read(512)
    if not head:
        return _EMPTY
    return _SVG if b"<svg" in head.lower() else _UNKNOWN


def _too_many_pixels(claim: str) -> Problem:
    reason = f"it claims to have {claim} pixels, but at most {MAX_PIXELS:,} are read"
    return Problem(ProblemCode.TOO_LARGE, reason)


def _from_array(array: np.ndarray) -> Image.Image:
    has_image_shape = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if not has_image_shape or 0 in array.shape:
        raise _wrong_kind(
            array,
            f"an array of shape {array.shape} is not an image: (height, width), (height, width, 3) or "
            "(height, width, 4) is needed",
        )
    if array.dtype.kind == "f":
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            raise _wrong_kind(
                array, "an image of floats holds numbers from 0 to 1; this array has others, or NaN"
            )
        array = (array * 255).round().astype(np.uint8)
    if array.dtype != np.uint8:
        raise _wrong_kind(
            array, f"an array of {array.dtype} is not an image: uint8 (0 to 255) or float (0 to 1) is needed"
        )
    return Image.fromarray(np.ascontiguousarray(array))


def _wrong_kind(source: object, reason: str) -> UnreadableMedia:
    return UnreadableMedia(source, "image", Problem(ProblemCode.WRONG_KIND, reason), "Convert it")
