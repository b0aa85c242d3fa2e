"""What the browser can play of an item: sounds as WAV, videos as MP4."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from embedlab.explorer.item_audio import encode_wav
from embedlab.explorer.item_video import encode_mp4
from embedlab.items import Items
from embedlab.media.errors import UnreadableMedia


@dataclass(frozen=True)
class Player:
    """How items of one modality are encoded for playing.

    Attributes
    ----------
    encode : callable
        Turns a path into the bytes of a file.
    mime : str
        Its media type.
    """

    encode: Callable[[str], bytes]
    mime: str


PLAYERS = {"audio": Player(encode_wav, "audio/wav"), "video": Player(encode_mp4, "video/mp4")}


def encode_for_playing(items: Items, row: int) -> bytes | None:
    """Encode an item for playing; None if it cannot be read, which the panel explains."""
    try:
        return PLAYERS[items.modality].encode(str(items.frame["path"].iloc[row]))
    except UnreadableMedia:
        return None
