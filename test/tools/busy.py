#!/usr/bin/env python3
"""Keeps many SMTP sessions busy: each has its next command as soon as its last one is answered.

usage: busy.py [-n SESSIONS] [-m EVERY] [-t SECONDS] PORT

SESSIONS (500) sessions over TCP say NOOP, and one of EVERY (10) commands is a mail, until standard input ends or
SECONDS (120) are over. Prints "busy N" when all have been greeted, and at the end what was said. A session that is refused or
closed makes the exit status 1.
"""
import argparse
import resource
import selectors
import socket
import sys
import time

# What each step sends, and the code that it waits for. The first waits for the greeting.
HELLO = ((b"", b"220 "), (b"HELO busy.example\r\n", b"250 "))
MAIL = ((b"MAIL FROM:<busy@mail.example>\r\n", b"250 "), (b"RCPT TO:<busy@mail.example>\r\n", b"250 "),
        (b"DATA\r\n", b"354 "), (b"Subject: busy\r\n\r\n" + b"x" * 70 + b"\r\n.\r\n", b"250 "))
NOOP = ((b"NOOP\r\n", b"250 "),)


class Session:
    """One session; step() goes on when its reply is there."""

    def __init__(self, number, port):
        self.count = number     # so that not all send their mails at once
        self.steps = list(HELLO)
        self.heard = b""
        self.mails = 0
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.socket.setblocking(False)

    def step(self, every):
        data = self.socket.recv(4096)
        if not data:
            raise ConnectionError("the server closed a session")
        self.heard += data
        if not self.heard.endswith(b"\r\n"):
            return 0
        if not self.heard.startswith(self.steps[0][1]):
            raise ConnectionError(f"{self.steps[0]} was answered with {self.heard}")
        self.heard = b""
        self.mails += self.steps[0] is MAIL[-1]
        del self.steps[0]
        if not self.steps:
            self.count += 1
            self.steps = list(NOOP if self.count % every else MAIL)
        self.socket.send(self.steps[0][0])
        return 1


def run(chosen):
    selector = selectors.DefaultSelector()
    sessions = [Session(number, chosen.port) for number in range(chosen.sessions)]
    for session in sessions:
        selector.register(session.socket, selectors.EVENT_READ, session)
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    waiting, commands, begun = set(sessions), 0, time.monotonic()
    while time.monotonic() - begun < chosen.seconds:
        for key, _ in selector.select(1):
            session = key.data
            if session is None:
                return commands, sum(one.mails for one in sessions), time.monotonic() - begun
            commands += session.step(chosen.every)
            if waiting:
                waiting.discard(session)
                if not waiting:
                    print("busy", len(sessions), flush=True)
    return commands, sum(one.mails for one in sessions), time.monotonic() - begun


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-n", "--sessions", type=int, default=500)
    options.add_argument("-m", "--every", type=int, default=10, help="how rare a mail is")
    options.add_argument("-t", "--seconds", type=float, default=120)
    options.add_argument("port", type=int)
    chosen = options.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        commands, mails, seconds = run(chosen)
    except OSError as error:
        sys.exit(f"busy.py: {error}")
    print(f"{commands} commands, {mails} mails in {seconds:.1f} s, {commands / seconds:.0f} commands a second")


if __name__ == "__main__":
    main()
