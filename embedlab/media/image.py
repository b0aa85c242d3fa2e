"""Reading media files that come from strangers. So far: pictures, with Pillow.

Whatever a picture file holds, :func:`read_image` gives an upright RGB picture, or an error that names the
file and the cure.
"""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from embedlab.errors import BadItem, Problem, ProblemCode

T = TypeVar("T")
R = TypeVar("R")

# Only formats that Pillow decodes by itself: its reader of EPS, for one, would start another program.
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")
# 200 million pixels are 600 MB once decoded. A small file may claim far more: a decompression bomb.
MOST_PIXELS = 200_000_000
_CURE = "or leave it out with on_error='skip'"


def read_image(source: Any, at_least: int | None = None) -> Image.Image:
    """An upright RGB picture from whatever holds one.

    Parameters
    ----------
    source : path, bytes, PIL.Image.Image or ndarray
        A file (its content decides, not its name), the bytes of one, or a picture in memory: an array of
        shape (height, width), (height, width, 3) or (height, width, 4), uint8 (0 to 255) or float (0 to 1).
    at_least : int, optional
        Pixels of the shorter side that are needed. A large JPEG is then decoded at half, a quarter or an
        eighth of its size, which is several times faster; never smaller than asked for.

    Returns
    -------
    PIL.Image.Image
        Mode RGB. Turned as its EXIF says, the first frame of an animation or of many pages, what is
        transparent put on white, 16 bits and floats brought to 8: :func:`notes` says which of these was done.

    Raises
    ------
    BadItem
        Naming the file, what is wrong with it, and the cure.
    """
    picture = _opened(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of broken metadata, which do not matter here
            if at_least is not None and picture.format in ("JPEG", "MPO"):
                # Never below what is needed: Pillow keeps both sides at least as long as asked.
                picture.draft("RGB", (at_least, at_least))
            picture.load()
            return _upright(_rgb(picture))
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, MemoryError) as error:
        raise BadItem(
            f"{_name(source)} cannot be read: {_meaning(error)}. Copy it again, {_CURE}."
        ) from error
    finally:
        if picture is not source:
            picture.close()


def problem(source: Any) -> Problem | None:
    """Why a picture cannot be read, or None, from a look at its header: well below a millisecond a file.

    A file that ends too early passes; only decoding finds that.
    """
    try:
        picture = _opened(source)
    except BadItem as error:
        return Problem(ProblemCode.UNREADABLE, str(error).rstrip("."))
    if picture is not source:
        picture.close()
    return None


def notes(source: Any) -> tuple[str, ...]:
    """What :func:`read_image` decides for this picture, in words; empty for a plain one.

    Raises
    ------
    BadItem
        As :func:`read_image`.
    """
    picture = _opened(source)
    try:
        said = []
        frames = getattr(picture, "n_frames", 1)
        if frames > 1:
            said.append(f"{frames} frames: the first is used")
        if picture.getexif().get(0x0112, 1) not in (0, 1):
            said.append("turned as its EXIF says")
        if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
            said.append("more than 8 bits a pixel: scaled to 8")
        if _is_transparent(picture):
            said.append("transparent parts are put on white")
        if picture.mode == "CMYK":
            said.append("colours for print (CMYK), converted without a colour profile")
        return tuple(said)
    finally:
        if picture is not source:
            picture.close()


def ahead(
    prepare: Callable[[T], R], things: Iterable[T], *, workers: int | None = None, depth: int = 64
) -> Iterator[R | Exception]:
    """``prepare(thing)`` for each thing, in order, worked out in threads ahead of whoever takes them.

    Parameters
    ----------
    prepare : callable
        Pillow lets other threads run while it decodes and resizes.
    things : iterable
    workers : int, optional
        Threads; by default as many as processors, at most 8.
    depth : int
        How many results may wait at once, so that memory stays flat.

    Yields
    ------
    R or Exception
        The result, or in its place the exception that ``prepare`` raised.
    """
    waiting: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1), thread_name_prefix="embedlab-read")
    try:
        for thing in things:
            waiting.append(pool.submit(prepare, thing))
            if len(waiting) >= max(1, depth):
                yield _outcome(waiting.popleft())
        while waiting:
            yield _outcome(waiting.popleft())
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _outcome(future: Future[Any]) -> Any:
    try:
        return future.result()
    except Exception as error:  # whoever takes the results decides what an error means
        return error


# -- opening -------------------------------------------------------------------------------------------------


def _opened(source: Any) -> Image.Image:
    """The picture, its header read and its size found sensible, nothing decoded."""
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return source
    if not isinstance(source, (str, os.PathLike, bytes)):
        raise BadItem(f"A picture is a path, bytes, a PIL image or an array, not {type(source).__name__}.")
    name = _name(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's warning of a bomb: our own limit follows
            picture = Image.open(
                BytesIO(source) if isinstance(source, bytes) else Path(source), formats=FORMATS
            )
    except Image.DecompressionBombError as error:
        raise BadItem(_too_large(name, None)) from error
    except (UnidentifiedImageError, SyntaxError, ValueError, EOFError, IndexError, TypeError) as error:
        raise BadItem(f"{name} cannot be read: {_unknown(source)}. Mend it, {_CURE}.") from error
    except OSError as error:
        raise BadItem(
            f"{name} cannot be read: {error.strerror or error}. Check the path, {_CURE}."
        ) from error
    pixels = picture.width * picture.height
    if pixels > MOST_PIXELS:
        picture.close()
        raise BadItem(_too_large(name, pixels))
    return picture


def _too_large(name: str, pixels: int | None) -> str:
    claim = "far more" if pixels is None else f"{pixels:,}"
    return (
        f"{name} cannot be read: it says it has {claim} pixels, but at most {MOST_PIXELS:,} are read. "
        f"Make it smaller, {_CURE}."
    )


def _unknown(source: Any) -> str:
    """What a file that is no picture seems to be."""
    if isinstance(source, bytes):
        head = source[:512]
    else:
        with Path(source).open("rb") as file:
            head = file.read(512)
    if not head:
        return "the file is empty (0 bytes)"
    if b"<svg" in head.lower():
        return "it is an SVG drawing, which has no pixels yet; save it as PNG"
    return f"it is not a picture that is known here ({', '.join(FORMATS)})"


def _from_array(array: np.ndarray) -> Image.Image:
    shape_fits = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if not shape_fits or 0 in array.shape:
        raise BadItem(
            f"An array of shape {array.shape} is no picture: (height, width), (height, width, 3) or "
            "(height, width, 4) is needed."
        )
    if array.dtype.kind == "f":
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            raise BadItem("A picture of floats holds numbers from 0 to 1; this array has others, or NaN.")
        array = (array * 255).round().astype(np.uint8)
    if array.dtype != np.uint8:
        raise BadItem(
            f"An array of {array.dtype} is no picture: uint8 (0 to 255) or float (0 to 1) is needed."
        )
    return Image.fromarray(np.ascontiguousarray(array))


# -- bringing every mode to RGB ------------------------------------------------------------------------------


def _rgb(picture: Image.Image) -> Image.Image:
    mode = picture.mode
    if mode == "RGB" and not _is_transparent(picture):
        return picture.copy()
    if mode in ("I", "F") or mode.startswith("I;16"):
        return _eight_bits(picture).convert("RGB")
    if _is_transparent(picture):
        shown = picture.convert("RGBA")
        ground = Image.new("RGBA", shown.size, "white")
        return _with_exif(Image.alpha_composite(ground, shown).convert("RGB"), picture)
    return _with_exif(picture.convert("RGB"), picture)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Greyscale of more than 8 bits: by the range it is meant to fill, or else by the one it does."""
    values = np.asarray(picture, dtype=np.float64)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if picture.mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    elif low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    scaled = (values - low) / ((high - low) or 1.0) * 255
    return _with_exif(Image.fromarray(scaled.round().astype(np.uint8)), picture)


def _is_transparent(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info


def _with_exif(made: Image.Image, picture: Image.Image) -> Image.Image:
    exif = picture.getexif()
    if exif:
        made.info["exif"] = exif.tobytes()
    return made


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, ZeroDivisionError, EOFError, IndexError):
        return picture  # broken metadata turn nothing; the pixels are good


def _meaning(error: BaseException) -> str:
    words = str(error)
    if isinstance(error, MemoryError):
        return "it does not fit into memory"
    if "truncated" in words or "Truncated" in words or isinstance(error, EOFError):
        return "the file ends too early (it is truncated)"
    return f"its data are damaged ({words.splitlines()[0][:120] if words else type(error).__name__})"


def _name(source: Any) -> str:
    if isinstance(source, (str, os.PathLike)):
        return str(source)
    return "The picture"
