"""Read images from files that nobody has checked, with Pillow.

Whatever a file holds, :func:`read_image` returns an upright RGB image, or raises an error that names the
file, the reason and what to do.
"""

from __future__ import annotations

import warnings

from PIL import Image

from embedlab.errors import Problem
from embedlab.media.errors import UnreadableMedia
from embedlab.media.image_rgb import is_deep, is_transparent, to_rgb, turn_upright
from embedlab.media.image_source import DECODE_ERRORS, ImageSource, decode_problem, opened_image

_ORIENTATION = 0x0112  # the EXIF tag


def read_image(source: ImageSource, at_least: int | None = None) -> Image.Image:
    """Decode an image and return it as upright RGB.

    Parameters
    ----------
    source : path, bytes, PIL.Image.Image or ndarray
        A file (its content decides, not its name), the bytes of one, or an image in memory: an array of
        shape (height, width), (height, width, 3) or (height, width, 4), uint8 (0 to 255) or float (0 to 1).
    at_least : int, optional
        Pixels of the shorter side that are needed. A large JPEG is then decoded at a half, a quarter or an
        eighth of its size, which is several times faster; never smaller than asked for.

    Returns
    -------
    PIL.Image.Image
        Mode RGB. Turned as its EXIF says, the first frame of an animation or page of a document,
        transparent parts put on white, 16 bits and floats scaled to 8. :func:`list_notes` says which of
        these was done.

    Raises
    ------
    UnreadableMedia
        If the file is missing, damaged, too large or not an image.
    """
    with opened_image(source) as image:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about broken metadata, which do not matter here
                if at_least is not None and image.format in ("JPEG", "MPO"):
                    image.draft("RGB", (at_least, at_least))  # keeps both sides at least as long as asked
                image.load()
                return turn_upright(to_rgb(image))
        except DECODE_ERRORS as error:
            raise UnreadableMedia(source, "image", decode_problem(error)) from error


def read_size(source: ImageSource) -> tuple[int, int]:
    """Read width and height in pixels from the header, before any turning.

    Raises
    ------
    UnreadableMedia
        As :func:`read_image`; damage further in is not noticed.
    """
    with opened_image(source) as image:
        return image.size


def find_problem(source: ImageSource) -> Problem | None:
    """Find out from its header why an image cannot be read: well below a millisecond a file.

    Returns
    -------
    Problem or None
        None also for a file that ends too early: only decoding finds that.
    """
    try:
        read_size(source)
    except UnreadableMedia as error:
        return error.problem
    return None


def list_notes(source: ImageSource) -> tuple[str, ...]:
    """List what :func:`read_image` decides about an image, in words; empty for a plain one.

    Raises
    ------
    UnreadableMedia
        As :func:`read_size`.
    """
    with opened_image(source) as image:
        frames = getattr(image, "n_frames", 1)
        noted = {
            f"{frames} frames: the first is used": frames > 1,
            "turned as its EXIF says": image.getexif().get(_ORIENTATION, 1) not in (0, 1),
            "more than 8 bits a pixel: scaled to 8": is_deep(image),
            "transparent parts are put on white": is_transparent(image),
            "colours for print (CMYK), converted without a colour profile": image.mode == "CMYK",
        }
        return tuple(note for note, applies in noted.items() if applies)
