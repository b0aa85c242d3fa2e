"""The models that embedlab knows: one file per modality, one row per model."""

from embedlab.catalog.entries import audio, image, multimodal, text, video

ROWS = (*text.ROWS, *image.ROWS, *multimodal.ROWS, *audio.ROWS, *video.ROWS)
