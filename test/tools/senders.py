#!/usr/bin/env python3
"""Many senders at once, each with mail after mail, and a look at what was kept of them.

usage: senders.py [-n SENDERS] [-m MAILS] [-d] PORT FOLDER BOX...

Each of SENDERS (20) sends MAILS (10) mails to all the boxes, in one session as long as it lasts: when the server leaves
it, that mail is broken, and the next one has a session of its own. When all are through, FOLDER, the server's mail
folder, must have each acknowledged mail in each box's new/ once and whole, a refused one nowhere, a broken one at most
once and whole, each mail under one name in all boxes, nothing that nobody sent, and an empty tmp/. With -d a file in
tmp/ is no fault.
Prints "A acknowledged, R refused, B broken", and each fault; the exit status is 0 without a fault.
"""
import argparse
import collections
import os
import sys
import threading

from channel import Broken, Tcp


def text_of(name):
    """The lines of a mail: between 20 and 60, a dot at the begin of some."""
    count = 20 + sum(name.encode()) % 41
    return [f"Subject: {name}", "", *(f"{'.' * (i % 7 == 3)}line {i} of {count} of {name}" for i in range(count))]


class Sender:
    """One sender, and how its mails ended."""

    def __init__(self, number, chosen):
        self.number, self.chosen = number, chosen
        self.session = None
        self.fates = {}

    def hear(self, *codes):
        line = self.session.line()
        while line[3:4] == "-":
            line = self.session.line()
        if line[:3] not in codes:
            raise Broken(f"{line!r} instead of {codes}")
        return line[:3]

    def say(self, line, *codes):
        self.session.send(line.encode() + b"\r\n")
        return self.hear(*codes)

    def mail(self, name):
        if self.session is None:
            self.session = Tcp("127.0.0.1", self.chosen.port)
            self.hear("220")
            self.say("HELO sender.example", "250")
        self.say("MAIL FROM:<sender@mail.example>", "250")
        for box in self.chosen.box:
            self.say(f"RCPT TO:<{box}@mail.example>", "250")
        if self.say("DATA", "354", "451", "452") != "354":
            self.say("RSET", "250")
            return "refused"
        lines = ["." * line.startswith(".") + line for line in text_of(name)]
        code = self.say("\r\n".join(lines + ["."]), "250", "451", "452")
        return "acknowledged" if code == "250" else "refused"

    def run(self):
        for count in range(self.chosen.mails):
            name = f"s{self.number}.m{count}"
            try:
                self.fates[name] = self.mail(name)
            except (Broken, OSError) as error:
                self.fates[name] = "broken"
                print(f"# {name}: {error}")
                if self.session:
                    self.session.close()
                self.session = None
        if self.session:
            self.say("QUIT", "221")
            self.session.close()


def kept(folder, box, part):
    """The files of a box's part, new or tmp: their names, and their lines."""
    path = os.path.join(folder, box, part)
    for name in os.listdir(path) if os.path.isdir(path) else []:
        with open(os.path.join(path, name), encoding="utf-8", errors="replace") as file:
            yield name, file.read().split("\n")


def look(chosen, fates):
    """The faults of what is in the folder."""
    names = collections.defaultdict(set)
    for box in os.listdir(chosen.folder):
        found = collections.Counter()
        for name, lines in kept(chosen.folder, box, "new"):
            subject = next((i for i, line in enumerate(lines) if line.startswith("Subject: ")), len(lines))
            mail = "".join(lines[subject:subject + 1])[len("Subject: "):]
            if box not in chosen.box or mail not in fates:
                yield f"{box}: {name}: nobody sent that"
            elif lines[0] != "Return-Path: <sender@mail.example>" or lines[subject:] != text_of(mail) + [""]:
                yield f"{box}: {name}: {mail} is not whole"
            found[mail] += 1
            names[mail].add(name)
        for mail, fate in fates.items() if box in chosen.box else ():
            if found[mail] not in {"acknowledged": (1,), "refused": (0,), "broken": (0, 1)}[fate]:
                yield f"{box}: {mail} was {fate} and is {found[mail]} times there"
        if not chosen.debris:
            for name, _ in kept(chosen.folder, box, "tmp"):
                yield f"{box}: tmp/{name} is left"
    for mail, several in names.items():
        if len(several) != 1:
            yield f"{mail} has several names: {several}"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-n", "--senders", type=int, default=20)
    options.add_argument("-m", "--mails", type=int, default=10)
    options.add_argument("-d", "--debris", action="store_true", help="tmp/ may have files")
    options.add_argument("port", type=int)
    options.add_argument("folder")
    options.add_argument("box", nargs="+")
    chosen = options.parse_args()
    senders = [Sender(number, chosen) for number in range(chosen.senders)]
    threads = [threading.Thread(target=sender.run) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fates = {name: fate for sender in senders for name, fate in sender.fates.items()}
    count = collections.Counter(fates.values())
    print(", ".join(f"{count[fate]} {fate}" for fate in ("acknowledged", "refused", "broken")))
    faults = list(look(chosen, fates))
    print("".join(fault + "\n" for fault in faults[:20]), end="")
    sys.exit(bool(faults) or len(fates) != chosen.senders * chosen.mails)


if __name__ == "__main__":
    main()
