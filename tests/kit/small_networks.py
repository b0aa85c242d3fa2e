"""Real architectures at a very small size with seeded weights, saved as repositories of the model hub are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as tf
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WORDS = [
    *("the", "a", "sea", "cat", "dog", "walk", "by", "water", "is", "my"),
    *("cash", "safe", "and", "or", "of", "in", "to", "red", "blue", "song"),
    *("it", "how", "old", "query", "passage", ":"),
]


def tokenizer(folder: Path, *, bert: bool = True, clip: bool = False) -> None:
    """A tokenizer of whole words: BERT's with [CLS] and [SEP], or one that adds an end, without padding."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] if bert else ["<unk>", "<end>"]
    vocabulary = {word: i for i, word in enumerate([*special, *WORDS])}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token=special[1] if bert else "<unk>"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    if bert:
        pairs = [("[CLS]", 2), ("[SEP]", 3)]
        made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=pairs)
        names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    else:
        made.post_processor = processors.TemplateProcessing(single="$A <end>", special_tokens=[("<end>", 1)])
        names = {"unk_token": "<unk>", "eos_token": "<end>"}
        if clip:
            names["pad_token"] = "<end>"
    tf.PreTrainedTokenizerFast(tokenizer_object=made, model_max_length=16, **names).save_pretrained(folder)


def save(network: Any, folder: Path, **settings: Any) -> Path:
    """The network's weights, configuration, and ``preprocessor_config.json`` where there are settings."""
    network.save_pretrained(folder)
    if settings:
        (folder / "preprocessor_config.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "README.md").write_text("---\nlicense: mit\nlanguage: en\n---\n# Small\n", encoding="utf-8")
    return folder


def bert(folder: Path) -> Path:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32}
    tokenizer(folder)
    config = tf.BertConfig(vocab_size=4 + len(WORDS), max_position_embeddings=16, **sizes)
    return save(tf.BertModel(config, add_pooling_layer=False), folder)


def gpt2(folder: Path) -> Path:
    torch.manual_seed(0)
    tokenizer(folder, bert=False)
    config = tf.GPT2Config(vocab_size=2 + len(WORDS), n_positions=16, n_embd=16, n_layer=2, n_head=2)
    return save(tf.GPT2LMHeadModel(config), folder)


def t5(folder: Path) -> Path:
    torch.manual_seed(0)
    tokenizer(folder)
    config = tf.T5Config(vocab_size=4 + len(WORDS), d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2)
    return save(tf.T5ForConditionalGeneration(config), folder)


_SQUARE = {
    "do_resize": True,
    "size": {"height": 32, "width": 32},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
}
_NORMAL = {"do_normalize": True, "image_mean": [0.5, 0.4, 0.3], "image_std": [0.2, 0.3, 0.4]}
_VIT = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


def vit(folder: Path) -> Path:
    torch.manual_seed(0)
    config = tf.ViTConfig(image_size=32, patch_size=8, num_labels=3, **_VIT)
    kind = {"image_processor_type": "ViTImageProcessor"}
    return save(tf.ViTForImageClassification(config), folder, **_SQUARE, **_NORMAL, **kind, resample=2)


def resnet(folder: Path) -> Path:
    torch.manual_seed(0)
    config = tf.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], num_labels=3)
    kind = {"image_processor_type": "ConvNextImageProcessor", "crop_pct": 0.875, "resample": 3}
    size = {"do_resize": True, "size": {"shortest_edge": 32}, "do_rescale": True, "rescale_factor": 1 / 255}
    return save(tf.ResNetForImageClassification(config), folder, **size, **_NORMAL, **kind)


def dinov2(folder: Path) -> Path:
    torch.manual_seed(0)
    config = tf.Dinov2Config(image_size=28, patch_size=14, mlp_ratio=2, **{**_VIT, "num_attention_heads": 2})
    cut = {"do_center_crop": True, "crop_size": {"height": 28, "width": 28}, "size": {"shortest_edge": 32}}
    kind = {"image_processor_type": "BitImageProcessor", "resample": 3}
    return save(tf.Dinov2Model(config), folder, **_SQUARE | cut, **_NORMAL, **kind)


def clip(folder: Path) -> Path:
    torch.manual_seed(0)
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    text = {"vocab_size": 2 + len(WORDS), "max_position_embeddings": 16, "eos_token_id": 1, "bos_token_id": 0}
    config = tf.CLIPConfig(
        text_config={**small, **text},
        vision_config={**small, "image_size": 32, "patch_size": 8},
        projection_dim=12,
    )
    tokenizer(folder, bert=False, clip=True)
    # As in CLIP's own file: that the middle is cut out is the processor's default, and is not said.
    kind = {"image_processor_type": "CLIPImageProcessor", "resample": 3, "crop_size": 32}
    return save(tf.CLIPModel(config), folder, **_SQUARE | {"size": 40}, **_NORMAL, **kind)


def whisper(folder: Path) -> Path:
    torch.manual_seed(0)
    sizes = {
        "d_model": 16,
        "encoder_layers": 2,
        "decoder_layers": 1,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
    }
    config = tf.WhisperConfig(
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        vocab_size=64,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
        **sizes,
    )
    return save(tf.WhisperForConditionalGeneration(config), folder)


def wav2vec2(folder: Path) -> Path:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    convolutions = {
        "conv_dim": [8] * 3,
        "conv_kernel": [10, 8, 4],
        "conv_stride": [5, 8, 8],
        "num_conv_pos_embeddings": 16,
        "num_conv_pos_embedding_groups": 2,
    }
    config = tf.Wav2Vec2Config(vocab_size=8, num_feat_extract_layers=3, **sizes, **convolutions)
    return save(
        tf.Wav2Vec2Model(config),
        folder,
        do_normalize=True,
        sampling_rate=16000,
        feature_extractor_type="Wav2Vec2FeatureExtractor",
    )


KINDS: dict[str, Callable[[Path], Path]] = {
    f.__name__: f for f in (bert, gpt2, t5, vit, resnet, dinov2, clip, whisper, wav2vec2)
}
