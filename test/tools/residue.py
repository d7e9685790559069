#!/usr/bin/env python3
"""Looks for what is left of a session in the memory of a process.

usage: residue.py PID TEXT...

Prints "TEXT in MAPPING at ADDRESS" for each place where a TEXT stands in its memory, and ends with 1 if there is one.
"""
import sys


def mappings(pid):
    """(from, to, name) of what can be read."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
        for line in file:
            span, rights, _, _, _, *name = line.split()
            first, last = (int(end, 16) for end in span.split("-"))
            if "r" in rights and name[:1] not in (["[vvar]"], ["[vvar_vclock]"], ["[vsyscall]"]):
                yield first, last, " ".join(name) or "memory without a name"


def main():
    pid, texts = sys.argv[1], [text.encode() for text in sys.argv[2:]]
    found = False
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for first, last, name in mappings(pid):
            memory.seek(first)
            octets = memory.read(last - first)
            while len(octets) < last - first:
                octets += memory.read(last - first - len(octets))
            for text in texts:
                at = octets.find(text)
                while at >= 0:
                    found = True
                    print(f"{text.decode()} in {name} at {first + at:#x}")
                    at = octets.find(text, at + 1)
    sys.exit(found)


main()
