#!/usr/bin/env python3
"""Scripted SMTP sessions of the checklist: talk.py, but whole replies are judged, and a deviation is not the end.

usage: judge.py [options] PORT        the script comes on standard input

What talk.py understands (see there), and

    R: 250 OK         the next reply is exactly this line
    R~ 25[02] |500    the last line of the next reply begins so (a regular expression); all its lines have one code
    R# 25[02]|500     the next reply's code is one of these (a regular expression)
    over 5            when the last reply's last line begins so (a regular expression), the session may end here
    again             the next session begins
    fill 1000000      send so many octets of text, in lines
    # text            is for the reader, and stands in front of what deviates from here on

Each deviation is printed as "FAILED COMMAND: expected ..., got ...". The rest of a session is left out when it makes no
sense: when there was a 354 that should not be, or none where one was due, when nothing came, or the connection ended.
The exit status is 0 when all came as the script says, 1 otherwise.
"""
import argparse
import contextlib
import re
import sys

import channel
from channel import Broken, Tcp, Udp
from numbered import Numbered
from talk import step

FILLING = b"This line is one of many in a text that is there for its size.\r\n"


class Deviation(Exception):
    """A reply that the script does not have; in_step says whether the session can go on."""

    def __init__(self, text, in_step):
        super().__init__(text)
        self.in_step = in_step


def read_reply(session):
    """The lines of one whole reply."""
    lines = [session.line()]
    while lines[-1][3:4] == "-":
        lines.append(session.line())
    for line in lines:
        if not re.match(r"[2-5][0-5][0-9]( |-|$)", line) or line[:3] != lines[0][:3]:
            raise Broken(f"{lines!r} is not a reply")
    return lines


class Judge:
    """The sessions of one script, and what was found in them."""

    def __init__(self, chosen):
        self.chosen = chosen
        self.session = None
        self.command = "the greeting"
        self.label = ""
        self.reply = ""
        self.failed = False
        self.skipping = False
        self.is_over = False    # seen to be: over UDP nobody is there who would answer

    def begin(self, hello):
        """A new session; over UDP with the hello CRLF, unless the script has one of its own."""
        self.end()
        self.command, self.label, self.reply = "the greeting", "", ""
        self.skipping = self.is_over = False
        kind = Udp if self.chosen.udp else Numbered if self.chosen.numbered else Tcp
        self.session = kind(self.chosen.address, self.chosen.port)
        print("port", self.session.local_port, flush=True)
        if self.chosen.udp and hello:
            self.session.send_to_door(b"\r\n")

    def end(self):
        """Leaves the session; over UDP with QUIT, or its worker would wait for us.

        The reply to that is waited for: the next session may get our port, and would take it for its greeting.
        """
        if self.session is None:
            return
        with contextlib.suppress(OSError, Broken):
            if self.chosen.udp and not self.is_over and not self.reply.startswith(("221", "421")):
                self.session.send(b"QUIT\r\n")
                while self.reply[:3] not in ("354", "221", "421"):
                    self.reply = read_reply(self.session)[-1]
        self.session.close()
        self.session = None

    def read(self):
        """The lines of the next reply. It may be in UTF-8 where a command asks for that, see RFC 6531 section 3.7.4."""
        if not re.match(r"(VRFY|EXPN) .*SMTPUTF8", self.command):
            return read_reply(self.session)
        check, channel.check_line = channel.check_line, lambda line: line.rstrip(b"\r\n").decode()
        try:
            return read_reply(self.session)
        finally:
            channel.check_line = check

    def judge(self, kind, text):
        lines = self.read()
        self.reply = lines[-1]
        print(*("S: " + line for line in lines), sep="\n", flush=True)
        good = {"R:": lambda: lines == [text], "R~": lambda: re.match(text, self.reply),
                "R#": lambda: re.fullmatch(text, self.reply[:3])}[kind]()
        if not good:
            in_step = text.startswith("354") == self.reply.startswith("354") and not self.reply.startswith("421")
            raise Deviation(f"expected {text}, got {' / '.join(lines)}", in_step)

    def line(self, line):
        """Does what one line of the script asks for; a Deviation or Broken tells what was wrong."""
        kind, text = line[:2], line[2:].lstrip(" ")
        if kind in ("R:", "R~", "R#"):
            self.judge(kind, text)
        elif line.startswith("over "):
            self.skipping = re.match(line[5:], self.reply) is not None
        elif line.startswith("fill "):
            self.session.send((FILLING * (int(line[5:]) // len(FILLING) + 1))[-int(line[5:]):])
        elif kind == "# ":
            self.label = text + ": "
        else:
            if kind in ("C:", "C|", "D|"):
                self.command = text.removesuffix("\\r\\n")
            print(step(self.session, line)[:600], flush=True)
            self.is_over = line == "closed"

    def run(self, script):
        for number, line in enumerate(script):
            if number == 0 or line == "again":
                self.begin(not script[number + (line == "again")].startswith("D|"))
            if line == "again" or self.skipping:
                continue
            try:
                self.line(line)
            except (Deviation, Broken, OSError) as error:
                self.failed = True
                self.skipping = not getattr(error, "in_step", False)
                print(f"FAILED {self.label}{self.command[:100]}: {str(error)[:300]}", flush=True)
        self.end()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-u", "--udp", action="store_true", help="speak over UDP, in the plain mode")
    options.add_argument("-n", "--numbered", action="store_true", help="speak over UDP, in the numbered mode")
    options.add_argument("-a", "--address", default="127.0.0.1", help="of the server")
    options.add_argument("port", type=int)
    chosen = options.parse_args()
    judge = Judge(chosen)
    try:
        judge.run([line.rstrip("\n") for line in sys.stdin])
    except OSError as error:
        sys.exit(f"FAILED: cannot reach {chosen.address} port {chosen.port}: {error}")
    sys.exit(judge.failed)


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdin.reconfigure(errors="surrogateescape")
    main()
