"""The models that embedlab knows: one file per modality, one row per model."""

from embedlab.known import audio, image, text

ROWS = (*text.ROWS, *image.ROWS, *audio.ROWS)
