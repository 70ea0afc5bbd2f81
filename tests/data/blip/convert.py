#!/usr/bin/env python3
"""Turns readable recordings of a decoding WebSocket proxy into the .txt files beside this script.

usage: convert.py FOLDER-OF-RECORDINGS

A recording shows, for every frame, its direction, size and a hex dump of its first 512 bytes, and
after `=>` the message that the proxy decoded. Kept is what a codec test needs, see README.md.
"""

import pathlib
import re
import sys

FRAME = re.compile(r"^\[.*\] ([CS])->[CS] frame (\d+)B ")
DUMP = re.compile(r"^ {6}[0-9a-f]{4}  ((?:[0-9a-f]{2} )+)")
MESSAGE = re.compile(r"^ {4}=> (\w+#\d+) props=(\{.*\}) crc=([0-9a-f]{8})$")
BODY = re.compile(r"^ {4}body (\d+)B: (.*)$")


def convert(lines):
    size = 0
    dump = ""
    side = None

    def frame():
        if side is None:
            return
        cut = "" if len(dump) == 2 * size else f" cut {size}"
        yield f"{side} {dump}{cut}"

    for line in lines:
        line = line.rstrip("\n")
        if line.startswith("===== connection"):
            yield from frame()
            side = None
            yield "connection"
        elif found := FRAME.match(line):
            yield from frame()
            side, size, dump = found[1], int(found[2]), ""
        elif found := DUMP.match(line):
            dump += found[1].replace(" ", "")
        elif found := MESSAGE.match(line):
            yield from frame()
            side = None
            yield f"= {found[1]} {found[3]} {found[2]}"
        elif found := BODY.match(line):
            yield f"B {found[1]} {found[2]}"
    yield from frame()


def main():
    source = pathlib.Path(sys.argv[1])
    target = pathlib.Path(__file__).parent
    for folder in sorted(path for path in source.iterdir() if path.is_dir()):
        for recording in sorted(folder.glob("*.txt")):
            text = recording.read_text(errors="replace").splitlines()
            out = target / folder.name / recording.name
            out.parent.mkdir(exist_ok=True)
            converted = list(convert(text))
            if any(line[0] in "CS" for line in converted):
                out.write_text("\n".join(converted) + "\n")


main()
