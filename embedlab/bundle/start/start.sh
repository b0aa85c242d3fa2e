#!/bin/sh
# Linux and macOS: find a Python and run start.py.   sh start.sh   or   sh start.sh doctor
cd "$(dirname "$0")" || exit 1
for python in python3 python3.12 python3.11 python3.13 python; do
    if command -v "$python" >/dev/null 2>&1; then
        exec "$python" start.py "$@"
    fi
done
echo "Python was not found. Install Python 3.12 (python.org), and start again." >&2
exit 1
