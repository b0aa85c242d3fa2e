"""One set-up of progress bars."""

from __future__ import annotations

import pytest

from embedlab.io.progress import progress_bar


@pytest.mark.parametrize("setting", ["1", "yes"])
def test_the_environment_turns_every_bar_off(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv("TQDM_DISABLE", setting)
    assert progress_bar("work", 3, progress=True).disable


@pytest.mark.parametrize(("progress", "is_shown"), [(True, True), (False, False), (None, False)])
def test_a_bar_is_shown_when_asked_for_and_by_default_only_in_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], progress: bool | None, is_shown: bool
) -> None:
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    with progress_bar("work", 3, unit="file", progress=progress) as bar:
        bar.update(3)
    assert ("work" in capsys.readouterr().err) == is_shown


def test_bytes_are_scaled_by_thousands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    with progress_bar("downloading", 5_000_000, unit="B", progress=True) as bar:
        assert bar.unit_divisor == 1000
    assert "0.00/5.00M" in capsys.readouterr().err
