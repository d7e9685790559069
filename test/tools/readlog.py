#!/usr/bin/env python3
"""Reads a peticiones.log by the letter of its format, and compares it with what clients saw.

usage: readlog.py LOG [EXPECTED]

Every line must be one of the five forms, in UTF-8 and without a sign that acts on a terminal, and every session must
begin with its Startup, go on with its own records, and end with its Completed. EXPECTED, as crowd.py writes it, has a
JSON object a line: {"key": "TCP 127.0.0.1 41772", "records": ["ENVIO: 220 ...", ...]}; the log must hold exactly these
sessions, with these records in this order. Prints what is wrong, and the exit status is 1 then.
"""
import json
import re
import sys

from tricks import UNSEEN

DATE = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 123]\d \d\d:\d\d:\d\d \d{4}"
STARTUP = re.compile(rf"Startup from (\S+) on IP (\S+) and port (\d+) with protocol (TCP|UDP) at {DATE}")
RECORD = re.compile(r"SERVIDOR (\S+) con IP:(\S+), puerto (\d+) y protocolo (TCP-|UDP -) ((?:RECIBO|ENVIO): .*)")
KEPT = re.compile(rf"SERVIDOR (\S+) con IP:(\S+), puerto (\d+) y protocolo (TCP-|UDP -) CORREO: \w{{9}} de <.*> el {DATE}")
COMPLETED = re.compile(rf"Completed (\S+) IP:(\S+) port (\d+), on (TCP|UDP) protocol, at {DATE}")


def sessions_of(path):
    """Each finished session of the log as (key, records), in the order of their ends."""
    with open(path, "rb") as file:
        data = file.read()
    if data and not data.endswith(b"\n"):
        sys.exit(f"{path}: the last line is broken: {data[-80:]!r}")
    running, finished = {}, []
    for number, raw in enumerate(data.split(b"\n")[:-1], 1):
        where = f"{path}:{number}: {raw[:300]!r}"
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError:
            sys.exit(f"{where}: not UTF-8")
        if UNSEEN.search(line):
            sys.exit(f"{where}: a control character, or one that moves a line")
        if match := STARTUP.fullmatch(line):
            name, ip, port, transport = match.groups()
            key = f"{transport} {ip} {port}"
            if key in running:
                sys.exit(f"{where}: a second start of a running session")
            running[key] = []
        elif match := RECORD.fullmatch(line):
            name, ip, port, transport, record = match.groups()
            key = f"{transport[:3]} {ip} {port}"
            if key not in running:
                sys.exit(f"{where}: a record of no running session")
            running[key].append(record)
        elif match := KEPT.fullmatch(line):
            name, ip, port, transport = match.groups()
            if f"{transport[:3]} {ip} {port}" not in running:
                sys.exit(f"{where}: a mail of no running session")
        elif match := COMPLETED.fullmatch(line):
            name, ip, port, transport = match.groups()
            key = f"{transport} {ip} {port}"
            if key not in running:
                sys.exit(f"{where}: the end of no running session")
            finished.append((key, running.pop(key)))
        else:
            sys.exit(f"{where}: no line of this log")
        if name != "localhost" and ip in ("127.0.0.1", "::1"):
            sys.exit(f"{where}: loopback is localhost")
    for key in running:
        sys.exit(f"{path}: session {key} has no end")
    return finished


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: readlog.py LOG [EXPECTED]")
    finished = sessions_of(sys.argv[1])
    if len(sys.argv) == 3:
        with open(sys.argv[2], encoding="utf-8") as file:
            expected = [json.loads(line) for line in file]
        if len(expected) != len(finished):
            sys.exit(f"{sys.argv[1]}: {len(finished)} sessions, {len(expected)} were held")
        logged = dict(finished)
        for one in expected:
            key, records = one["key"], one["records"]
            if key not in logged:
                sys.exit(f"{sys.argv[1]}: nothing of session {key}")
            if logged[key] != records:
                at = next((i for i, pair in enumerate(zip(logged[key], records)) if pair[0] != pair[1]),
                          min(len(logged[key]), len(records)))
                sys.exit(f"{sys.argv[1]}: session {key}, record {at}: logged {logged[key][at:at + 2]}, "
                         f"held {records[at:at + 2]} ({len(logged[key])} and {len(records)} records)")
    print(f"{len(finished)} sessions")


if __name__ == "__main__":
    main()
