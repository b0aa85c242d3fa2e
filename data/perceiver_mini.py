"""Train ``video/perceiver-mini``: the published architecture at reduced size, on clips that are computed.

python data/perceiver_mini.py     about an hour on two cores; run it again after an interrupt, and it goes on

The network is transformers' ``PerceiverForMultimodalAutoencoding``: 64 latents of 128 numbers read 8 frames
of 32 pixels and 4,096 samples of sound, two seconds in all, and must give back picture, sound and the thing's
name. In half of the training clips the name is hidden, so that the latents have to tell it from the picture.
Each clip is made by :func:`embedlab.samples.clips.make` with a seed that the data set does not use; the
combinations that the data set holds out are held out here too.

Written: ``data/perceiver-mini/config.json``, ``model.safetensors``, ``log.csv`` (a row for every 50 steps of
training: squared errors as a share of what always guessing the mean would make, and the cross-entropy of the
name) and ``held_out.csv`` (what the network gives back of clips that it has not seen).
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import sys
import time
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from transformers import PerceiverConfig, PerceiverForMultimodalAutoencoding

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from embedlab import settings  # noqa: E402
from embedlab.embedders.perceiver import MINI as SIZE  # noqa: E402
from embedlab.media import audio, video  # noqa: E402
from embedlab.samples import clips  # noqa: E402

PATCH = 32  # samples
CONFIG = PerceiverConfig(
    num_latents=64,
    d_latents=128,
    num_self_attends_per_block=4,
    num_self_attention_heads=4,
    num_cross_attention_heads=1,
    qk_channels=128,
    v_channels=128,
    attention_probs_dropout_prob=0.0,
    initializer_range=0.08,  # about 1 / √128; with the usual 0.02 it stands still at the mean for longer
    image_size=SIZE.side,
    num_frames=SIZE.n_frames,
    audio_samples_per_frame=SIZE.n_samples // SIZE.n_frames,
    samples_per_patch=PATCH,
    output_shape=[1, SIZE.n_frames, SIZE.side, SIZE.side],
    output_num_channels=64,
    id2label=dict(enumerate(clips.OBJECTS)),
    label2id={name: i for i, name in enumerate(clips.OBJECTS)},
    _label_trainable_num_channels=64,
)
SEED = 20_261_123
N_CLIPS, BATCH, RATE, WARM_UP, DECAY = 16_000, 32, 1e-3, 300, 0.01
N_PIXELS, N_PATCHES = 384, 32  # of each clip, so many are decoded in a step: 8,192 pixels would take too long
LOG, KEEP, LOOK = 50, 250, 1_000  # steps
Data = tuple[Tensor, Tensor, Tensor]  # uint8 (n, 8, 32, 32, 3); float16 (n, 4096); int64 (n,)


# -- clips ---------------------------------------------------------------------------------------------------


def combinations(split: str) -> list[tuple[str, str, str]]:
    """Thing, motion and sound of the clips of a split, ``"train"`` or ``"held-out"``."""
    rows = clips.list_clips().query("split == @split and take == 1")
    return list(zip(rows["object"], rows["motion"], rows["sound"], strict=True))


def small_clip(wanted: tuple[str, str, str, int]) -> tuple[np.ndarray, np.ndarray]:
    """A clip as the network sees it; the same steps as in the embedder."""
    frames, samples = clips.make(*wanted)
    chosen = video.read_frames(frames, SIZE.n_frames, shorter_side=2 * SIZE.side)
    pixels = [SIZE.preprocess.pixels(Image.fromarray(frame)) for frame in chosen]
    heard = np.zeros(SIZE.n_samples, np.float32)
    slower = audio.read_audio((samples, clips.RATE), SIZE.rate)[: SIZE.n_samples]
    heard[: len(slower)] = slower
    return np.stack(pixels), heard.astype(np.float16)


def made(n: int, split: str, seed: int, kept: Path) -> Data:
    """``n`` clips, the combinations in turn, each with a seed of its own; 33 kB each."""
    path = kept / f"{split}-{n}-{seed}.npz"
    triples = combinations(split)
    wanted = [(*triples[i % len(triples)], seed + i) for i in range(n)]
    if not path.is_file():
        if n < 1_000:  # not worth other processes
            clips_of = list(map(small_clip, wanted))
        else:
            with Pool(os.cpu_count()) as workers:
                clips_of = workers.map(small_clip, wanted, chunksize=100)
        frames, samples = zip(*clips_of, strict=True)
        part = path.with_suffix(".part.npz")
        np.savez(part, frames=np.stack(frames), samples=np.stack(samples))
        part.replace(path)
    found = np.load(path)
    names = torch.tensor([clips.OBJECTS.index(thing) for thing, *_ in wanted])
    return torch.from_numpy(found["frames"]), torch.from_numpy(found["samples"]), names


def scaled(frames: Tensor) -> Tensor:
    """Pixels as the network takes them."""
    return (frames.float() / 255 - SIZE.pixel_mean) / SIZE.pixel_std


def inputs_of(data: Data, rows: Tensor) -> dict[str, Tensor]:
    """What the network takes: picture and sound at about 0 ± 1, the name as one of eight."""
    frames, samples, names = (x[rows] for x in data)
    return {
        "image": scaled(frames).permute(0, 1, 4, 2, 3).contiguous(),
        "audio": samples.float()[:, :, None] / SIZE.sound_std,
        "label": F.one_hot(names, len(clips.OBJECTS)).float(),
    }


# -- the network ---------------------------------------------------------------------------------------------


def points(n_pixels: int | None = None, n_patches: int | None = None) -> dict[str, Any]:
    """Which pixels and patches of sound are decoded: some, drawn by chance, or all."""
    every = {"image": math.prod(CONFIG.output_shape), "audio": SIZE.n_samples // PATCH}
    some = {"image": n_pixels, "audio": n_patches}
    chosen: dict[str, Any] = {
        name: torch.arange(n) if some[name] is None else torch.randperm(n)[: some[name]]
        for name, n in every.items()
    }
    return {**chosen, "label": None}


def errors(network: Any, inputs: dict[str, Tensor], at: dict[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
    """Squared errors of each clip's picture and sound, shape (n,), and the scores of the names, (n, 8)."""
    n = len(inputs["image"])
    given = network(inputs=inputs, subsampled_output_points=at).logits
    pixels = inputs["image"].permute(0, 1, 3, 4, 2).reshape(n, -1, 3)[:, at["image"]]
    samples = inputs["audio"].reshape(n, -1, PATCH)[:, at["audio"]].reshape(n, -1)
    picture = (given["image"] - pixels).square().mean(dim=(1, 2))
    return picture, (given["audio"] - samples).square().mean(dim=1), given["label"]


def hide_names(network: Any, share: float) -> None:
    """In which share of the clips the name is replaced by a learnt mask; 1 is how the model is used."""
    network.perceiver.input_preprocessor.mask_probs["label"] = share


@torch.inference_mode()
def look(network: Any, data: Data, mean_frame: Tensor) -> dict[str, float]:
    """How well unseen clips are given back, their names hidden; in dB, higher is better."""
    network.eval()
    hide_names(network, 1.0)
    sums: list[Tensor] = []
    for rows in torch.arange(len(data[0])).split(8):
        inputs = inputs_of(data, rows)
        picture, heard, scores = errors(network, inputs, points())
        frames = inputs["image"]
        still = (frames - frames.mean(dim=1, keepdim=True)).square().mean(dim=(1, 2, 3, 4))
        same = (frames - mean_frame).square().mean(dim=(1, 2, 3, 4))
        power = inputs["audio"].square().mean(dim=(1, 2))
        right = (scores.argmax(dim=1) == data[2][rows]).float()
        sums.append(torch.stack([picture, still, same, heard, power, right]))
    picture, still, same, heard, power, right = torch.cat(sums, dim=1).double()
    return {
        "psnr": psnr(picture),
        "psnr_of_own_mean_frame": psnr(still),
        "psnr_of_mean_frame": psnr(same),
        "sound_snr": float(10 * (power.mean() / heard.mean()).log10()),
        "name_right": float(right.mean()),
    }


def psnr(errors: Tensor) -> float:
    """Peak signal-to-noise ratio in dB: of pixels from 0 to 1, over all clips together."""
    return float(-10 * (errors.mean() * SIZE.pixel_std**2).log10())


# -- training ------------------------------------------------------------------------------------------------


def train(steps: int, work: Path, out: Path, stop: int | None = None) -> Any:
    """Train to the end, or on from where an earlier run stopped; step n sees the same numbers either way."""
    data = made(N_CLIPS, "train", 1_000_000, work)
    unseen = {split: made(144, split, 5_000_000, work) for split in ("train", "held-out")}
    some = scaled(data[0][:: max(1, len(data[0]) // 2_000)])
    mean_frame = some.mean(dim=(0, 1)).permute(2, 0, 1)
    spread = float((some - mean_frame.permute(1, 2, 0)).square().mean())
    power = float(data[1][::8].float().square().mean()) / SIZE.sound_std**2

    torch.manual_seed(SEED)
    network: Any = PerceiverForMultimodalAutoencoding(CONFIG)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, betas=(0.9, 0.98), weight_decay=DECAY)
    checkpoint, first = work / "checkpoint.pt", 0
    log: list[dict[str, float]] = []
    looks: list[dict[str, Any]] = []
    if checkpoint.is_file():
        kept = torch.load(checkpoint, weights_only=True)
        if kept["steps"] == steps:
            network.load_state_dict(kept["network"])
            optimizer.load_state_dict(kept["optimizer"])
            first, log, looks = kept["step"], kept["log"], kept["looks"]
            print(f"on from step {first}")
    done = log[-1]["seconds"] if log else 0.0
    started, since = time.perf_counter(), torch.zeros(3)
    for step in range(first, min(steps, stop or steps)):
        torch.manual_seed(SEED + step)
        rate = RATE * min(1, (step + 1) / WARM_UP, 0.02 + 0.49 * (1 + math.cos(math.pi * step / steps)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        network.train()
        hide_names(network, 0.5)
        inputs = inputs_of(data, torch.randint(len(data[0]), (BATCH,)))
        picture, heard, scores = errors(network, inputs, points(N_PIXELS, N_PATCHES))
        named = F.cross_entropy(scores, inputs["label"].argmax(dim=1))
        loss = picture.mean() / spread + heard.mean() / power + 0.1 * named
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        since += torch.stack([picture.mean(), heard.mean(), named]).detach()
        now = step + 1
        if now % LOG == 0:
            means = (since / LOG).tolist()
            since.zero_()
            seconds = done + time.perf_counter() - started
            losses = {
                "picture": means[0] / spread,
                "sound": means[1] / power,
                "name": means[2],
            }
            row = {name: float(f"{loss:.4g}") for name, loss in losses.items()}
            log.append({"step": now, "seconds": round(seconds, 1), **row, "rate": float(f"{rate:.3g}")})
            said = ", ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
            print(f"step {now:>6} {seconds:>6.0f} s  {said}", flush=True)
        if now % LOOK == 0 or now == steps:
            for split, clips_of in unseen.items():
                looks.append({"step": now, "clips": split, **look(network, clips_of, mean_frame)})
                print({k: v if isinstance(v, (int, str)) else round(v, 3) for k, v in looks[-1].items()})
        if now % KEEP == 0 or now == steps:
            state = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            state |= {"step": now, "steps": steps, "log": log, "looks": looks}
            torch.save(state, checkpoint.with_suffix(".part"))
            checkpoint.with_suffix(".part").replace(checkpoint)
            write(out / "log.csv", log)
            write(out / "held_out.csv", looks)
    hide_names(network, 1.0)
    return network.eval()


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    """A table as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        if rows:
            table = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
            table.writeheader()
            table.writerows(rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=8_000)
    parser.add_argument("--stop", type=int, help="stop early, as an interrupt would")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", type=Path, default=settings.cache_root() / "training" / "perceiver-mini")
    parser.add_argument("--out", type=Path, default=HERE / "perceiver-mini")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    asked.work.mkdir(parents=True, exist_ok=True)
    trained = train(asked.steps, asked.work, asked.out, asked.stop)
    if asked.stop is None:
        trained.save_pretrained(asked.out)
        print(f"written to {asked.out}: {sum(p.numel() for p in trained.parameters()):,} parameters")
