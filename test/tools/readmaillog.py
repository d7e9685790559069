#!/usr/bin/env python3
"""Reads an smtpd.log by the letter of its format, and compares it with the other log, the mails, and what clients sent.

usage: readmaillog.py [-p PETICIONES] [-m MAILS] [-e EXPECTED]... LOG

Every line is a connect, a disconnect, or stands in its place in a whole record of a mail; it has no control character,
no sign that turns or ends a line, and is UTF-8. A mail's session is connected. No two mails have one id or one file.

-p  each mail has one CORREO record in this peticiones.log, with its id, sender and client, and the next record of that
    session is the ENVIO of a 250; there is no CORREO without a mail.
-m  each mail is in new/ of the box of each of its recipients, under the name that the log tells, and has its id above
    its text. For local parts of a-z 0-9 _ - . alone.
-e  as crowd.py writes it: the mails of exactly these sessions are logged, each with its sender and its recipients, in
    the order in which they were sent.

Prints how many sessions and mails there are, or what is wrong, and the exit status is 1 then.
"""
import argparse
import collections
import json
import os
import re
import sys

from tricks import UNSEEN

DAYS, MONTHS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun", "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
DATE = rf"(?:{DAYS}) (?:{MONTHS}) [ 123]\d \d\d:\d\d:\d\d \d{{4}}"
PEER = r"([0-9a-f.:]+:\d+)"
ADDRESS = r"((?:\".*\"|[^\s\"<>@]+)@[^\s<>@]+)"
CONNECTED = re.compile(rf"User (connected|disconnected): {PEER} {DATE}")
MAIL = re.compile(rf"Mail Sent: {PEER} {DATE}")
# What may stand behind each line of a mail's record, and how it looks.
FOLLOWS = {"peer": ("sender",), "sender": ("recipients",), "recipients": ("recipients", "file"), "file": ("id",)}
FORMS = {
    "sender": re.compile(rf" MAIL FROM: (?:{ADDRESS}|(<>))"),
    "recipients": re.compile(rf" RCPT TO: (?:{ADDRESS}|([Pp][Oo][Ss][Tt][Mm][Aa][Ss][Tt][Ee][Rr]))"),
    "file": re.compile(r" File: (\d{10}\.M\d{1,6}P\d+Q\d+\.[^\s/:]+)"),
    "id": re.compile(r" Id: ([A-Za-z0-9]{9})"),
}
RECORD = re.compile(r"SERVIDOR \S+ con IP:(\S+), puerto (\d+) y protocolo (TCP-|UDP -) (RECIBO|ENVIO|CORREO): (.*)")
CORREO = re.compile(rf"([A-Za-z0-9]{{9}}) de <(.*)> el {DATE}")


def lines_of(path):
    """The lines of a log, as (where, line)."""
    with open(path, "rb") as file:
        data = file.read()
    if data and not data.endswith(b"\n"):
        sys.exit(f"{path}: the last line is broken: {data[-80:]!r}")
    for number, raw in enumerate(data.split(b"\n")[:-1], 1):
        where = f"{path}:{number}: {raw[:300]!r}"
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError:
            sys.exit(f"{where}: not UTF-8")
        if UNSEEN.search(line):
            sys.exit(f"{where}: a control character, or one that moves a line")
        yield where, line


def mails_of(path):
    """The number of sessions, and the mails of the log in their order."""
    running, sessions, mails = collections.Counter(), 0, []
    mail, last = None, None
    for where, line in lines_of(path):
        if mail:
            found = next(((name, match) for name in FOLLOWS[last] if (match := FORMS[name].fullmatch(line))), None)
            if not found:
                sys.exit(f"{where}: {' or '.join(FOLLOWS[last])} of a mail should stand here")
            last, value = found[0], next(group for group in found[1].groups() if group)
            if last == "recipients":
                mail["recipients"].append(value)
            else:
                mail[last] = value
            if last == "id":
                mails.append(mail)
                mail = None
        elif match := MAIL.fullmatch(line):
            mail, last = {"peer": match[1], "recipients": []}, "peer"
            if not running[match[1]]:
                sys.exit(f"{where}: a mail of no running session")
        elif match := CONNECTED.fullmatch(line):
            running[match[2]] += 1 if match[1] == "connected" else -1
            sessions += match[1] == "connected"
            if running[match[2]] < 0:
                sys.exit(f"{where}: the end of no running session")
        else:
            sys.exit(f"{where}: no line of this log")
    if mail:
        sys.exit(f"{path}: the last mail is broken: {mail}")
    for key in "id", "file":
        for value, times in collections.Counter(mail[key] for mail in mails).items():
            if times > 1:
                sys.exit(f"{path}: {times} mails have the {key} {value}")
    return sessions, mails


def check_peticiones(path, mails):
    """Each mail, and no other, has its CORREO before its 250."""
    waiting, by_id = {}, {mail["id"]: mail for mail in mails}
    for where, line in lines_of(path):
        if not (match := RECORD.fullmatch(line)):
            continue
        ip, port, transport, kind, text = match.groups()
        session = (ip, port, transport)
        if session in waiting and (kind, text[:4]) not in (("ENVIO", "250 "),):
            sys.exit(f"{where}: this follows a CORREO, and no 250")
        waiting.pop(session, None)
        if kind == "CORREO":
            waiting[session] = where
            if not (correo := CORREO.fullmatch(text)):
                sys.exit(f"{where}: no such CORREO")
            if not (mail := by_id.pop(correo[1], None)):
                sys.exit(f"{where}: the other log does not have it, or has it once")
            if (mail["sender"] if mail["sender"] != "<>" else "", mail["peer"]) != (correo[2], f"{ip}:{port}"):
                sys.exit(f"{where}: the other log has {mail['sender']} and {mail['peer']}")
    for where in waiting.values():
        sys.exit(f"{where}: nothing follows")
    for mail in by_id.values():
        sys.exit(f"{path}: no CORREO of {mail}")


def check_files(folder, mails):
    """Each mail is in its boxes, and one file."""
    for mail in mails:
        inodes = set()
        for recipient in mail["recipients"]:
            box = recipient.partition("@")[0].lower()
            path = os.path.join(folder, box, "new", mail["file"])
            if not re.fullmatch(r"[a-z0-9_-][a-z0-9_.-]*", box):
                continue
            try:
                inodes.add(os.stat(path).st_ino)
            except FileNotFoundError:
                sys.exit(f"{path}: is not there, though it is logged: {str(mail)[:300]}")
        if len(inodes) > 1:
            sys.exit(f"{mail['file']}: {len(inodes)} different files")
        if inodes:
            with open(path, "rb") as file:
                head = file.read(3000).split(b"\n")[:3]
            if not re.search(rb" id " + mail["id"].encode() + rb";?$", head[-1]):
                sys.exit(f"{path}: not the id {mail['id']}: {head}")


def sent(records):
    """The mails that the records of a session tell of, as (sender, recipients)."""
    mails = []
    for record in records:
        if match := re.fullmatch(r"RECIBO: MAIL FROM: ?<(.*)>.*", record):
            mails.append((match[1] or "<>", []))
        elif match := re.fullmatch(r"RECIBO: RCPT TO: ?<(.*)>", record):
            mails[-1][1].append(match[1])
    return mails


def check_expected(paths, mails):
    """The mails of these sessions are logged, in their order, and no others."""
    logged, expected = collections.defaultdict(list), collections.defaultdict(list)
    for mail in mails:
        logged[mail["peer"]].append((mail["sender"], mail["recipients"]))
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for one in map(json.loads, file):
                _, ip, port = one["key"].split()
                expected[f"{ip}:{port}"] += sent(one["records"])
    for peer in logged.keys() | expected.keys():
        # A port may have been that of a session over TCP and of one over UDP, at the same time.
        if sorted(logged[peer]) != sorted(expected[peer]):
            sys.exit(f"{peer}: logged {str(logged[peer])[:600]}, sent {str(expected[peer])[:600]}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-p", "--peticiones")
    options.add_argument("-m", "--mails")
    options.add_argument("-e", "--expected", action="append")
    options.add_argument("log")
    chosen = options.parse_args()
    sessions, mails = mails_of(chosen.log)
    if chosen.peticiones:
        check_peticiones(chosen.peticiones, mails)
    if chosen.mails:
        check_files(chosen.mails, mails)
    if chosen.expected:
        check_expected(chosen.expected, mails)
    print(f"{sessions} sessions, {len(mails)} mails")


if __name__ == "__main__":
    main()
