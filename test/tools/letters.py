#!/usr/bin/env python3
"""Compares the mails that a server keeps with those that it should have, octet for octet.

usage: letters.py MAILS LETTERS

MAILS is the mail folder. LETTERS has a line for each mail there is: the box, a tab, and its text as talk.py has octets.
Each box has one mail, which begins with the fields that the server adds (Return-Path, Received in three lines), and no
file is anywhere else. Prints what is wrong, and the exit status is 1 then.
"""
import pathlib
import re
import sys

from channel import octets

ADDED = re.compile(rb"Return-Path: <[^>\n]*>\nReceived: from [^\n]*\n\t[^\n]*\n\t[^\n]* [+-]\d{4}\n")


def main():
    mails = pathlib.Path(sys.argv[1])
    left = {path for path in mails.rglob("*") if path.is_file()}
    with open(sys.argv[2], encoding="utf-8", errors="surrogateescape") as file:
        letters = [line.rstrip("\n").partition("\t") for line in file]
    for box, _, text in letters:
        found = [path for path in left if path.parent == mails / box / "new"]
        if len(found) != 1:
            sys.exit(f"in {mails / box}/new there is not one mail, but {len(found)}")
        left.remove(found[0])
        data = found[0].read_bytes()
        added = ADDED.match(data)
        if not added:
            sys.exit(f"the mail in {box} does not begin as it should: {data[:400]!r}")
        if data[added.end():] != octets(text):
            sys.exit(f"the mail in {box} is {data[added.end():][:400]!r}, and should be {octets(text)[:400]!r}")
    if left:
        sys.exit(f"files too many: {' '.join(map(str, sorted(left)[:10]))}")


if __name__ == "__main__":
    main()
