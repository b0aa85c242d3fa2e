"""Tags that people give to items in the explorer, with undo."""

from __future__ import annotations

from collections.abc import Iterable


class TagHistory:
    """The tags after each change; an item has at most one tag."""

    def __init__(self) -> None:
        self._states: list[dict[str, str]] = []

    @property
    def current(self) -> dict[str, str]:
        """Id to tag, for the tagged items."""
        return {id: name for id, name in self._states[-1].items() if name} if self._states else {}

    def give(self, ids: Iterable[str], name: str) -> None:
        """Give items a tag; an empty one removes theirs."""
        self._states.append({**self.current, **dict.fromkeys(ids, name)})

    def undo(self) -> bool:
        """Undo the last change; return whether there was one."""
        if not self._states:
            return False
        self._states.pop()
        return True
