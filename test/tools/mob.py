#!/usr/bin/env python3
"""A mob of clients that mean no good: sessions that are mutated, cut off, random, and ended in the middle of anything.

usage: mob.py [options] CORPUS PORT MONITOR_PORT

What they say is bred from the inputs of the fuzz targets, the folder CORPUS, and from sessions as they should be: over
TCP, over UDP in both modes, and as datagrams to the ports of the server and of its monitor. Session N of a seed is
always bred alike: -f N -n 1 has it alone. Whatever was said, a server that is told that nothing more comes ends the
session within PATIENCE (20) seconds, and all that it says has the form of a reply, or of the numbered mode; else the
session is a fault. Prints how many of which kind there were, a line for each fault, and the exit status is 1 then.

A session over UDP that is not taken is none: the server may say no, or nothing, when it is full.
"""
import argparse
import collections
import contextlib
import errno
import pathlib
import random
import re
import select
import socket
import struct
import sys
import threading
import time

import channel
import numbered
from channel import Broken, PATIENCE_S

GREETED_S = 2       # so long a plain session waits for its greeting
OCTETS_LIMIT = 1 << 16
KINDS = {"tcp": 80, "plain": 7, "numbered": 7, "door": 4, "monitor": 2}
ENDS = ["half", "quit", "close", "reset", "silence"]
REPLY = re.compile(r"[2-5]\d\d[ -].*")

MAIL = b"MAIL FROM:<a@b.es>\r\nRCPT TO:<mob@d.es>\r\nDATA\r\nSubject: x\r\n\r\n..text\r\n.\r\n"
DIALOGUES = [
    b"HELO c.example\r\n" + MAIL + b"QUIT\r\n",
    b"EHLO c.example\r\n" + MAIL + MAIL + b"RSET\r\nNOOP\r\nVRFY mob\r\nHELP\r\nQUIT\r\n",
    b"EHLO c.example\r\nMAIL FROM:<> BODY=8BITMIME SIZE=20 SMTPUTF8\r\nRCPT TO:<\"a b\\\\\"@[127.0.0.1]>\r\n"
    b"BDAT 6\r\nab\r\ncdBDAT 3 LAST\r\n\r\n.QUIT\r\n",
    b"HELO x\r\nMAIL FROM:<@r.es,@s.es:a@b.es>\r\n" +
    b"".join(b"RCPT TO:<mob%d@d.es>\r\n" % number for number in range(30)) +
    b"DATA\r\n" + b"line\r\n" * 200 + b".\r\nQUIT\r\n",
]
TOKENS = [b"\r\n", b"\n", b"\r", b"\0", b"\r\n.\r\n", b"\n.\n", b".", b"..", b" ", b"<", b">", b":", b"@", b"\"", b"\\",
          b"\x1b[2J", b"\xff", b"\xc3", b"\xe2\x80\xae", b"BDAT 99999999999999999999 LAST\r\n", b"BDAT 0 LAST\r\n",
          b"BDAT 5\r\n", b"DATA\r\n", b"RSET\r\n", b"QUIT\r\n", b"STARTTLS\r\n", b"MAIL FROM:<a@b.es>\r\n", b"%",
          b"RCPT TO:<", b" SIZE=18446744073709551616", b"../../x", b"x" * 3000, b"\r\n" * 50, b"S1 H ", b"-1",
          b"4294967296"]


class Breeder:
    """What one session says. All of its choices are made by `chance`."""

    def __init__(self, chance, corpus):
        self.chance, self.corpus = chance, corpus

    def seed(self, *targets):
        """Something to begin with: a valid session, or an input of a fuzz target."""
        is_session = "session" in targets and self.chance.random() < 0.5
        return bytearray(self.chance.choice(DIALOGUES if is_session else
                                            [data for target in targets for data in self.corpus[target]]))

    def place(self, data):
        """Two places, not far from each other."""
        begin = self.chance.randint(0, len(data))
        return begin, min(len(data), begin + int(self.chance.expovariate(0.1)))

    def mutate(self, data, *targets):
        begin, end = self.place(data)
        what = self.chance.randrange(7)
        if what == 0 and data:
            data[begin % len(data)] ^= 1 << self.chance.randrange(8)
        elif what == 1:
            del data[begin:end]
        elif what == 2:
            data[begin:begin] = data[begin:end] * self.chance.choice((1, 2, 100))
        elif what == 3:
            data[begin:end] = self.chance.choice(TOKENS)
        elif what == 4:
            data[begin:end] = self.chance.randbytes(self.chance.randint(1, 40))
        elif what == 5:
            other = self.seed(*targets)
            data[begin:] = other[self.chance.randint(0, len(other)):]
        else:
            del data[begin:]

    def breed(self, *targets):
        """Some are random from end to end; of the others many are mutated once or more, and a few not at all."""
        if self.chance.random() < 0.05:
            return self.chance.randbytes(self.chance.randint(0, 2000))
        data = self.seed(*targets)
        for _ in range(self.chance.choice((0, 1, 1, 2, 3, 5, 10))):
            self.mutate(data, *targets)
            del data[OCTETS_LIMIT:]
        return bytes(data)

    def pieces(self, data, most):
        """The data cut anywhere, or nowhere."""
        size = self.chance.choice((1 << 30, 1 << 30, 1000, 50, 5))
        while data:
            length = min(most, len(data), self.chance.randint(1, size))
            yield data[:length]
            data = data[length:]

    def dialogue(self):
        return self.breed("session", "line", "data", "address", "parameters", "message")


def check_replies(said):
    """All whole lines of what a server said over TCP."""
    for line in said.split(b"\n")[:-1]:
        text = channel.check_line(line + b"\n")
        if not REPLY.fullmatch(text):
            raise Broken(f"no reply: {text!r}")


def hear(one, seconds):
    """What a stream brings until it is silent for so long, and whether its end has come."""
    said = []
    while select.select([one], [], [], seconds)[0]:
        said.append(one.recv(65536))
        if not said[-1]:
            break
    return b"".join(said), bool(said) and not said[-1]


def hear_end(one):
    """Nothing more comes from us: the server has to come to its end."""
    said, deadline = b"", time.monotonic() + PATIENCE_S
    while True:
        more, is_end = hear(one, 0.5)
        said += more
        if is_end:
            return said
        if time.monotonic() > deadline:
            raise Broken(f"still open {PATIENCE_S:g} s after our end, the last that was said is {said[-80:]!r}")


def finish_tcp(one, end, breeder):
    """Ends a session; what the server still said."""
    if end == "quit":
        one.sendall(b"\r\n.\r\nRSET\r\nQUIT\r\n")
    if end in ("quit", "half"):
        try:
            one.shutdown(socket.SHUT_WR)
        except OSError as error:
            if error.errno == errno.ENOTCONN:   # it was reset
                return b""
            raise
        return hear_end(one)
    if end == "reset":
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif end == "silence":
        time.sleep(breeder.chance.uniform(0, 0.3))
    return b""


def tcp(breeder, chosen):
    with socket.create_connection((chosen.address, chosen.port), PATIENCE_S) as one:
        data, end, said = breeder.dialogue(), breeder.chance.choice(ENDS), b""
        # The server may have come to an end already: at the limit of errors, or because of a QUIT.
        with contextlib.suppress(ConnectionError):
            for piece in breeder.pieces(data, 1 << 30):
                one.sendall(piece)
                if breeder.chance.random() < 0.2:
                    said += hear(one, breeder.chance.choice((0, 0, 0.01)))[0]
            said += finish_tcp(one, end, breeder)
        check_replies(said)


def plain(breeder, chosen):
    one = channel.bound(socket.AF_INET, socket.SOCK_DGRAM, ("", 0))
    with one:
        one.settimeout(GREETED_S)
        one.sendto(breeder.chance.choice((b"", b"\r\n", b"\0", b"EHLO c.example\r\n", breeder.dialogue()[:1300])),
                   (chosen.address, chosen.port))
        try:
            said, peer = one.recvfrom(65536)
        except socket.timeout:
            return
        check_replies(said)
        one.connect(peer)
        lines = re.findall(rb"[^\n]*\n|[^\n]+\Z", breeder.dialogue())[:300]
        if breeder.chance.random() < 0.7:
            lines += [b"\r\n", b".\r\n", b"RSET\r\n", b"QUIT\r\n"]
        with contextlib.suppress(ConnectionRefusedError):
            for line in lines:
                one.send(line[:60000])
                while select.select([one], [], [], 0)[0]:
                    check_replies(one.recv(65536))


def bend(breeder, datagram):
    """A datagram of a session, with something wrong in its first line or its length."""
    octets = bytearray(datagram)
    for _ in range(breeder.chance.randint(1, 3)):
        at = breeder.chance.randrange(min(len(octets), 60))
        octets[at] = breeder.chance.choice(b"0123456789abcdef- \n\0W\xff")
    return bytes(octets[:breeder.chance.choice((len(octets), breeder.chance.randint(0, len(octets))))])


class Clumsy(numbered.Hand):
    """A session that bends, doubles, loses and swaps what it sends."""

    def __init__(self, breeder):
        self.breeder, self.kept = breeder, None
        super().__init__(wire=numbered.Wire(), win=breeder.chance.randint(1, 32))

    def raw(self, octets):
        what = self.breeder.chance.random()
        if what < 0.05:
            self.kept, octets = octets, self.kept
        elif what < 0.1:
            octets = bend(self.breeder, octets)
        elif what < 0.15:
            super().raw(octets)
        if octets and what < 0.95:
            super().raw(octets)

    def hear(self, seconds):
        """What comes is of the right form. What is in it depends on what we bent."""
        while got := self.wire.look(seconds):
            self.heard = max(self.heard, got.seq or 0)
            if got.kind == "F":
                return


def numbered_mode(breeder, _):
    try:
        one = Clumsy(breeder)
    except Broken as error:
        if isinstance(error, numbered.Denied) or str(error).startswith("no W"):
            return
        raise
    with one.wire.socket, contextlib.suppress(ConnectionRefusedError):
        for piece in breeder.pieces(breeder.dialogue(), numbered.PAYLOAD_LIMIT):
            one.put(payload=piece)
            one.hear(breeder.chance.choice((0, 0, 0.01)))
        end = breeder.chance.choice(("vanish", "leave", "leave", "quit"))
        if end == "quit":
            one.put(payload=b"\r\n.\r\nRSET\r\nQUIT\r\n")
            one.hear(0.05)
        if end != "vanish":
            one.wire.socket.send(f"S1 R {one.sid} 421\n".encode())


def strays(breeder, address, targets):
    """Datagrams of nobody; whatever answers them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        for _ in range(breeder.chance.randint(1, 10)):
            with contextlib.suppress(ConnectionRefusedError):
                one.sendto(breeder.breed(*targets)[:60000], address)


def door(breeder, chosen):
    strays(breeder, (chosen.address, chosen.port), ("segment", "reception", "plain", "datagram"))


def monitor(breeder, chosen):
    strays(breeder, (chosen.address, chosen.monitor_port), ("monitor_wire",))


HOLD = {"tcp": tcp, "plain": plain, "numbered": numbered_mode, "door": door, "monitor": monitor}


class Mob:
    """All of them, some at once."""

    def __init__(self, chosen):
        self.chosen = chosen
        self.corpus = {folder.name: [path.read_bytes() for path in sorted(folder.iterdir())]
                       for folder in pathlib.Path(chosen.corpus).iterdir()}
        self.numbers = iter(range(chosen.first, chosen.first + chosen.count))
        self.lock = threading.Lock()
        self.kinds, self.faults = collections.Counter(), []

    def hold(self, number):
        chance = random.Random(f"{self.chosen.seed} {number}")
        kind, = chance.choices(list(KINDS), KINDS.values())
        self.kinds[kind] += 1
        try:
            HOLD[kind](Breeder(chance, self.corpus), self.chosen)
        except (Broken, AssertionError, OSError) as error:
            self.faults.append(f"session {number} of seed {self.chosen.seed}, {kind}: {type(error).__name__} {error}")

    def run(self):
        while True:
            with self.lock:
                number = next(self.numbers, None)
            if number is None or len(self.faults) > 20:
                return
            self.hold(number)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-n", "--count", type=int, default=2000)
    options.add_argument("-j", "--at-once", type=int, default=40)
    options.add_argument("-s", "--seed", default="1")
    options.add_argument("-f", "--first", type=int, default=0, help="the number of the first session")
    options.add_argument("-a", "--address", default="127.0.0.1", help="of the server")
    options.add_argument("corpus")
    options.add_argument("port", type=int)
    options.add_argument("monitor_port", type=int)
    chosen = options.parse_args()
    numbered.Wire.host, numbered.Wire.port = chosen.address, chosen.port
    mob = Mob(chosen)
    threads = [threading.Thread(target=mob.run) for _ in range(chosen.at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{sum(mob.kinds.values())} sessions: " + ", ".join(f"{mob.kinds[kind]} {kind}" for kind in KINDS))
    print(*mob.faults, sep="\n", end="\n" if mob.faults else "")
    sys.exit(bool(mob.faults))


if __name__ == "__main__":
    main()
