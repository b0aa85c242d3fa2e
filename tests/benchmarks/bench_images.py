"""``embed()`` on photos beside two loops by hand: the one of articles, and the best we can write.

The same network, the same pixels, the same vectors. Then where the time goes, what settings of the network
are worth, and how memory grows with the number of files.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from PIL import Image

import embedlab as el
from embedlab.comparison.tasks import knn_accuracy
from embedlab.embedders import vector_cache
from embedlab.embedders.efficientnet import fold
from embedlab.embedders.image import ImageEmbedder
from embedlab.embedders.layers import penultimate
from embedlab.media.image import read_image

TURNS, BATCH = 3, 32
AT_ONCE = 4  # the fastest number of pictures together, as the settings below show
N_FILES = 20_000
SHARED = Path(__file__).parents[3] / "shared" / "data" / "image" / "caltech101_32x20"


def photos() -> el.Items:
    """640 labelled photos beside the project, or the sample photos."""
    if SHARED.is_dir():
        return el.Items.from_folder(SHARED, modality="image")
    return el.load_dataset("photos")


def article(model: ImageEmbedder, paths: list[str]) -> np.ndarray:
    """One picture at a time, as in most articles: open, transform, run, append; a hook reads."""
    network = model.network.to(memory_format=torch.contiguous_format)
    seen: list[np.ndarray] = []
    hook = network._fc.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][0].numpy()))
    with torch.no_grad():
        for path in paths:
            network(model.preprocess(Image.open(path).convert("RGB"))[None])
    hook.remove()
    return np.stack(seen)


def _last(network: Any) -> Any:
    return network.to(memory_format=torch.channels_last)


def by_hand(model: ImageEmbedder, paths: list[str]) -> np.ndarray:
    """Batches, threads that read ahead, channels last, norms folded: as fast as we can write it."""
    network = _last(fold(model.network))
    seen: list[np.ndarray] = []
    hook = network._fc.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].numpy()))

    def pixels(path: str) -> np.ndarray:
        return model.preprocess.pixels(Image.open(path).convert("RGB"))

    with ThreadPoolExecutor(os.cpu_count()) as pool, torch.inference_mode():
        ready = pool.map(pixels, paths)
        for start in range(0, len(paths), AT_ONCE):
            batch = [next(ready) for _ in paths[start : start + AT_ONCE]]
            network(model.preprocess.tensor(batch))
    hook.remove()
    return np.concatenate(seen)


def ours(model: ImageEmbedder, items: el.Items) -> np.ndarray:
    """``embed()`` with an empty cache, which it fills."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        vector_cache.folder = lambda place=Path(folder): place
        return model.embed(items, batch_size=BATCH).vectors


def throughput(model: ImageEmbedder, items: el.Items) -> None:
    ways: dict[str, Callable[[], np.ndarray]] = {
        "one at a time, as in articles": lambda: article(model, items.contents),
        "best batched loop by hand": lambda: by_hand(model, items.contents),
        "embed()": lambda: ours(model, items),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    vectors = {}
    by_hand(model, items.contents[:64])
    for _ in range(TURNS):
        for name, way in ways.items():
            started = time.perf_counter()
            vectors[name] = way()
            times[name].append(time.perf_counter() - started)
    for name in ways:
        np.testing.assert_allclose(vectors[name], vectors["embed()"], atol=2e-3)
        took = statistics.median(times[name])
        print(f"  {name:<32}{took:8.2f} s  {len(items) / took:7.1f} photos/s")
    own = times["embed()"]
    for name in list(ways)[:2]:
        ratio = statistics.median(a / b for a, b in zip(times[name], own, strict=True))
        print(f"  embed() is {ratio:.2f} x as fast as: {name}")


def parts(model: ImageEmbedder, items: el.Items) -> None:
    """Each part alone, in one thread of ours; the network uses all of torch's."""
    started = time.perf_counter()
    pictures = [read_image(path, at_least=2 * model.preprocess.shorter_side) for path in items.contents]
    decoded = time.perf_counter()
    pixels = [model.preprocess.pixels(picture) for picture in pictures]
    resized = time.perf_counter()
    for start in range(0, len(pixels), BATCH):
        model._compute(pixels[start : start + BATCH], BATCH)
    done = time.perf_counter()
    n = len(items)
    print(
        f"  per photo: decode {(decoded - started) / n * 1e3:.2f} ms, resize and crop "
        f"{(resized - decoded) / n * 1e3:.2f} ms, network {(done - resized) / n * 1e3:.2f} ms"
    )


def settings(model: ImageEmbedder, items: el.Items) -> None:
    """Pictures at once, memory layout, threads, folding, bfloat16: the network alone, and 1-NN accuracy."""
    pixels = [model.preprocess.pixels(read_image(path)) for path in items.contents]
    plain, folded_ = model.network, _last(fold(model.network))
    first, last = torch.contiguous_format, torch.channels_last
    threads = torch.get_num_threads()
    ways: dict[str, tuple[Any, int, Any, int, bool]] = {
        "channels first, 32 at once": (plain, 32, first, threads, False),
        "channels last, 32 at once": (plain, 32, last, threads, False),
        "channels first, 4 at once": (plain, 4, first, threads, False),
        "channels last, 1 at once": (plain, 1, last, threads, False),
        "channels last, 4 at once": (plain, 4, last, threads, False),
        "channels last, 8 at once": (plain, 8, last, threads, False),
        "the same, 4, 1 thread": (plain, 4, last, 1, False),
        "the same, 4, norms folded (embedlab)": (folded_, 4, last, threads, False),
        "the same, 8, norms folded": (folded_, 8, last, threads, False),
        "the same, 16, folded, bfloat16": (folded_, 16, last, threads, True),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    found = {}
    for _ in range(TURNS):
        for name, (network, at_once, layout, n_threads, half) in ways.items():
            torch.set_num_threads(n_threads)
            network = network.to(memory_format=layout)
            embed = penultimate(network)
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=half):
                started = time.perf_counter()
                tensors = (
                    model.preprocess.tensor(pixels[i : i + at_once]) for i in range(0, len(pixels), at_once)
                )
                out = [embed(x.contiguous(memory_format=layout)).float().numpy() for x in tensors]
                seconds[name].append(time.perf_counter() - started)
            found[name] = np.concatenate(out)
    torch.set_num_threads(threads)
    card = model.card
    for name, vectors in found.items():
        emb = el.Embeddings(vectors, items, card, card.layer, card.pooling, False)
        rate = len(items) / statistics.median(seconds[name])
        print(f"  {name:<36}{rate:8.1f} photos/s   1-NN {knn_accuracy(emb):.4f}")


def memory(model: ImageEmbedder) -> None:
    """Resident memory while a folder of 20,000 files is embedded, less the vectors that are the result."""
    process = psutil.Process()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        rng = np.random.default_rng(0)
        for i in range(N_FILES):
            small = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
            small.resize((160, 120)).save(Path(folder, f"{i:05}.jpg"), quality=80)
        items = el.Items.from_folder(folder, modality="image")
        compute, start = model._compute, 0
        marks: list[tuple[int, int]] = []

        def watched(prepared: list[Any], batch_size: int) -> np.ndarray:
            nonlocal start
            start += len(prepared)
            if start % 4000 < BATCH:
                marks.append((start, process.memory_info().rss))
            return np.zeros((len(prepared), model.dim), np.float32) + rng.random(
                (len(prepared), 1), np.float32
            )

        model._compute = watched  # type: ignore[method-assign]
        before = process.memory_info().rss
        try:
            ours(model, items)
        finally:
            model._compute = compute  # type: ignore[method-assign]
    row = 4 * model.dim / 1e6
    print(
        f"  {N_FILES} files (the network replaced by random numbers: reading and keeping is what is measured)"
    )
    for n, rss in marks:
        print(f"  after {n:6} files: {(rss - before) / 1e6:7.0f} MB more, of which vectors {n * row:5.0f} MB")


def main() -> None:
    items = photos()
    model = el.load_model("image/efficientnet-lite0")
    assert isinstance(model, ImageEmbedder)
    print(f"images, {model.card.name}, n = {len(items)} ({items.name}), {TURNS} turns, medians")
    print("memory:")
    memory(model)  # first: afterwards the process holds memory that others left
    throughput(model, items)
    parts(model, items)
    print("the network alone:")
    settings(model, items)


if __name__ == "__main__":
    main()
