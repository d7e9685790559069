#!/usr/bin/env python3
"""Strings with which a client could make one thing of another, and a client that says each of them wherever it may say
something: as its name, in addresses, parameters and other arguments, in verbs, and in texts.

usage: tricks.py [-u | -n] [-e EXPECTED] PORT

    -u   over UDP in the plain mode, -n in the numbered mode, else over TCP
    -e   gets a JSON object: for the number of each mail that was kept [sender, recipient, text], the text null where it
         was not a trick; the last line of each text is "mail NUMBER"

The server must allow a great many errors. Prints how many mails were kept.
"""
import argparse
import json
import re
import sys

from channel import Tcp, Udp
from numbered import Numbered

# What a person who reads a log or a mail on a terminal would not see as what it is: controls, what ends a line or a
# paragraph of Unicode, and what turns the direction of writing.
UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

CONTROLS = [*map(chr, [*range(0, 10), 11, 12, *range(14, 32), 127, *range(0x80, 0xa0)])]
MARKS = [*map(chr, [0xad, 0x61c, 0x200b, 0x200e, 0x200f, *range(0x2028, 0x202f), *range(0x2060, 0x2070), 0xfeff, 0xfff9,
                    0xe0001, 0xe007f])]
NO_UTF8 = ["\udc9b31m", "\udcff", "\udcc2", "\udcc0\udc8a", "\udced\udca0\udc80", "\udce2\udc80"]
LINES = [end + line for end in ("\r", "\n", "\r\n", "\n\n", "\0", "\\r\\n", "%0a", "\x85") for line in (
    "X-Evil: 1", "Received: from x by y; Tue, 24 Nov 2026 12:56:19 +0000", " RCPT TO: evil@x.es",
    "Mail Sent: 127.0.0.1:1 Tue Jun 25 12:46:22 2024", "User disconnected: 127.0.0.1:1 Tue Jun 25 12:46:22 2024",
    "SERVIDOR localhost con IP:127.0.0.1, puerto 1 y protocolo TCP- ENVIO: 250 OK")]
TERMINAL = ["\x1b[2J", "\x1b]0;title\x07", "\x1bP1$r\x1b\\", "\x1b[1A\r", "\b\b\b", "\x1b%@", "\\\x1b[2J", "\\033[2J"]
SIGNS = ["(", ")", ") by evil (", ">", "<", "<>", "> el Tue Jun 25 12:46:22 2024", ";", ",", ":", "\\", "\\\\", "\\\"",
         "\"", "=?utf-8?q?=0a?=", "%s%n%x", "{h}", "\t", " x", "  "]
SHELL = ["$(touch gone)", "`touch gone`", "; touch gone", "() { :;}; touch gone", "|touch gone", "LD_PRELOAD=/tmp/x.so",
         "PATH=.", "SENDER=evil", "-rf", "*", "~root", "${IFS}"]
NAMES = ["..", "../x", "../../x", "/etc/x", "new", "cur", "tmp", ".", ".x", "%2e%2e", "%2F", "new/x", "x.lock"]
LONG = ["x" * 300, "x" * 1200, "ñ" * 40, "a.b" * 20]
TRICKS = CONTROLS + MARKS + NO_UTF8 + LINES + TERMINAL + SIGNS + SHELL + NAMES + LONG


def addresses(trick):
    """Where it may stand in an address; in quotes it is written as it must be there."""
    quoted = re.sub(r'(["\\])', r"\\\1", trick)
    return f'"a{quoted}b"@x.es', f'"{quoted}"@x.es', f"a{trick}b@x.es", f"a@x{trick}y.es"


class Teller:
    """One session, in step with the server whatever a trick made of a command."""

    def __init__(self, session):
        self.session, self.number, self.kept = session, 0, {}

    def sync(self):
        """The replies up to that of a command that is always answered alike."""
        self.send("VRFY end")
        replies = []
        while not replies or not replies[-1].startswith("252 "):
            replies.append(self.session.line())
        return replies[:-1]

    def send(self, text):
        self.session.send(text.encode("utf-8", "surrogateescape") + b"\r\n")

    def say(self, text):
        self.send(text)
        return self.sync()

    def mail(self, sender="a@b.es", recipient="box@d.es", parameters="SMTPUTF8", text=None):
        """A mail, if the server takes all parts of it."""
        self.number += 1
        self.say("RSET")
        told = self.say(f"MAIL FROM:<{sender}> {parameters}") + self.say(f"RCPT TO:<{recipient}>")
        if [reply[:4] for reply in told] != ["250 ", "250 "]:
            return
        self.send("DATA")
        assert self.session.line().startswith("354 ")
        if text is not None:
            self.send(text)
        told = self.say(f"mail {self.number}\r\n.")
        if told[0].startswith("250 "):
            self.kept[self.number] = [sender, recipient, text]

    def everywhere(self, trick):
        for verb in "HELO", "EHLO":
            self.say(f"{verb} x.es")
            self.say(f"{verb} {trick}")
            self.mail()
        for address in addresses(trick):
            self.mail(sender=address)
            self.mail(recipient=address)
        for parameters in trick, f"SIZE={trick}", f"BODY={trick}", f"SMTPUTF8 {trick}":
            self.mail(parameters=parameters)
        for command in trick, f"EXPN {trick}", f"NOOP {trick}", f"HELP {trick}", f"RSET{trick}":
            self.say(command)
        self.mail(text=trick)
        self.mail(text=f"Subject: {trick}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-u", "--udp", action="store_true")
    options.add_argument("-n", "--numbered", action="store_true")
    options.add_argument("-e", "--expected")
    options.add_argument("port", type=int)
    chosen = options.parse_args()
    session = (Udp if chosen.udp else Numbered if chosen.numbered else Tcp)("127.0.0.1", chosen.port)
    if chosen.udp:
        session.send_to_door(b"\r\n")
    assert session.line().startswith("220 ")
    teller = Teller(session)
    for trick in TRICKS:
        teller.everywhere(trick)
    teller.send("QUIT")
    assert session.line().startswith("221 ")
    session.close()
    if chosen.expected:
        with open(chosen.expected, "w", encoding="utf-8") as file:
            json.dump(teller.kept, file)
    print(len(teller.kept))
    sys.exit(not teller.kept)


if __name__ == "__main__":
    main()
