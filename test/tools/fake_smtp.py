"""What the scripted servers fake_tcp.py and fake_udp.py share: options, and a dialogue in the usal dialect.

A fake server serves one session. It prints its port on the first line of its output once it is bound, and leaves when
the session has ended or nothing came for IDLE seconds.
"""
import argparse
import re

IDLE = 60
GREETING = b"220 Servicio de transferencia simple de correo preparado\r\n"
SYNTAX = b"500 Error de sintaxis\r\n"
ADDRESS = re.compile(rb" ?<[^@<>]+@[^@<>]+>$")


def octets(text):
    """The octets that a command line argument such as '250-a\\r\\n' stands for."""
    return text.encode("utf-8").decode("unicode_escape").encode("latin-1")


def rule(text):
    prefix, _, reply = text.partition("=")
    return octets(prefix), octets(reply)


def parser(description):
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--host", default="127.0.0.1", help="the address to bind")
    options.add_argument("--record", metavar="FILE", help="keep what was received there")
    options.add_argument("--greeting", type=octets, default=GREETING)
    options.add_argument("--reply", type=rule, action="append", default=[], metavar="PREFIX=REPLY",
                         help="answer commands that begin so like this")
    return options


class Session:
    """One dialogue: takes lines, gives replies."""

    def __init__(self, rules):
        self.rules = rules
        self.greeted = self.sender = self.recipients = self.in_text = self.ended = False

    def take(self, line):
        """The reply to a line without its end; None for a line of text."""
        if self.in_text:
            if line != b".":
                return None
            self.in_text = self.sender = self.recipients = False
        reply = self.judge(line)
        self.ended = reply.startswith((b"221", b"421"))
        return reply

    def judge(self, line):
        for prefix, reply in self.rules:
            if line.startswith(prefix):
                return reply
        if line == b".":
            return b"250 OK\r\n"
        if line == b"DATA" and self.recipients:
            self.in_text = True
            return b"354 Comenzando con el texto del correo, finalice con .\r\n"
        if line == b"QUIT":
            return b"221 Cerrando el servicio\r\n"
        if line.startswith(b"HELO "):
            self.greeted = True
        elif line.startswith(b"MAIL FROM:") and ADDRESS.match(line[10:]) and self.greeted and not self.sender:
            self.sender = True
        elif line.startswith(b"RCPT TO:") and ADDRESS.match(line[8:]) and self.sender:
            self.recipients = True
        else:
            return SYNTAX
        return b"250 OK\r\n"
