#!/usr/bin/env python3
"""A UDP server for one session in numbered mode that can misbehave (see fake_smtp.py).

It reads strictly: what has not the form of its kind is an error, and ends it. What was received is recorded one
datagram a line, with what it means to lose too: "door" or "child", "lost" or "taken", and the octets as Python writes
them. It acknowledges at once, and sends its own segments again each AGAIN seconds.
"""
import re
import select
import socket
import sys
import time

from fake_smtp import IDLE, Session, octets, parser

AGAIN = 0.15
LIMIT, PAYLOAD = 1200, 1100
SID = b"7c1f0a9be2d45566"
COOKIE = b"67403b5e.9b1c44d07ae2f310"
HELLO = re.compile(rb"S1 H ([0-9a-f]{16}) w=([1-9]|[12][0-9]|3[0-2])( k=([0-9a-f]{8}\.[0-9a-f]{16}))?\n.*", re.S)
WORD = re.compile(rb"S1 ([DAP]) ([0-9a-f]{16}) (0|[1-9]\d*) (0|[1-9]\d*) ([0-9a-f]{1,8}) ([0-9]|[12][0-9]|3[0-2])"
                  rb" ([0-9a-f]{1,8}) ([0-9a-f]{1,8}|-)\n(.*)", re.S)
GOODBYE = re.compile(rb"S1 R ([0-9a-f]{16}) ([1-9][0-9]{2})\n")


class Broken(Exception):
    """The client sent what no client may send."""


class Server:
    def __init__(self, options):
        self.options = options
        self.session = Session(options.reply)
        self.door = self.bind()
        self.child = self.client = self.cn = None
        self.seen = {}              # how often which hello or segment came
        self.hellos = 0
        self.held, self.ack, self.text = {}, 0, b""
        self.echo = b"-"
        self.out, self.acked, self.window = [], 0, 1     # payloads, the first is W's
        self.sent = {}              # how often which segment was sent
        self.last_sent = 0.0
        self.ended = False
        self.record = open(options.record or "/dev/null", "w", encoding="ascii")

    def bind(self, host=None):
        host = host or self.options.host
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((host, 0))
        return sock

    def is_lost(self, key, copies):
        """Is this one of the first copies, which the network loses?"""
        self.seen[key] = self.seen.get(key, 0) + 1
        return self.seen[key] <= copies

    def note(self, sock, data, is_lost):
        place, fate = "door" if sock is self.door else "child", "lost" if is_lost else "taken"
        print(place, fate, data, file=self.record, flush=True)

    # --- the door

    def hello(self, data, sender):
        match = HELLO.fullmatch(data)
        if not match or not 64 <= len(data) <= LIMIT:
            raise Broken(f"no hello: {data!r}")
        cn, window, has_cookie = match[1], int(match[2]), match[4] is not None
        is_lost = self.is_lost(("hello", has_cookie), self.options.lose_hellos)
        self.note(self.door, data, is_lost)
        if self.options.forged:
            self.bind().sendto(self.options.greeting, sender)
        if is_lost:
            return
        self.hellos += 1
        if self.options.plain:
            self.door.sendto(self.options.greeting, sender)
        elif self.options.refuse and self.hellos <= self.options.refusals:
            self.door.sendto(b"S1 R %s %d\n" % (cn, self.options.refuse), sender)
        elif not has_cookie or self.hellos <= self.options.cookies:
            self.door.sendto(b"S1 C %s %s\n" % (cn, b"%08x" % self.hellos + COOKIE[8:]), sender)
        elif not self.options.no_session and self.child is None:
            self.begin(cn, window, sender)

    def begin(self, cn, window, client):
        self.cn, self.window, self.client = cn, window, client
        self.child = self.bind()
        self.say(self.options.greeting)

    # --- the session

    def word(self, kind, number, more=b""):
        held = sum(1 << seq - self.ack - 2 for seq in self.held if seq > self.ack + 1)
        echo, self.echo = self.echo, b"-"
        now = int(time.monotonic() * 1000) & 0xffffffff
        return b"S1 %s %s %d %d %x %d %x %s%s\n" % (kind, SID, number, self.ack, held, self.options.window, now, echo,
                                                    more)

    def say(self, reply, ends=False):
        size = self.options.pieces or PAYLOAD
        self.out += [reply[at:at + size] for at in range(0, len(reply), size)]
        self.ended = self.ended or ends
        self.flush(again=False)

    def send(self, data):
        for _ in range(2 if self.options.twice else 1):
            self.child.sendto(data, self.client)

    def flush(self, again):
        """Sends the segments that the window lets go: those that were not sent, or all."""
        for number in range(self.acked + 1, min(len(self.out), self.acked + max(1, self.window)) + 1):
            if number in self.sent and not again:
                continue
            self.sent[number] = self.sent.get(number, 0) + 1
            self.last_sent = time.monotonic()
            kind, more = (b"W", b" " + self.cn) if number == 1 else (b"D", b"")
            if self.ended and number == len(self.out):
                kind = b"F"
            data = self.word(kind, number, more) + self.out[number - 1]
            if self.sent[number] > self.options.lose_replies:
                for stray in self.strays():
                    self.child.sendto(stray, self.client)
                self.send(data)

    def strays(self):
        """What a client must not mind: another session's segments, and what is no segment."""
        if not self.options.strays:
            return
        other = b"0" * 16
        yield b"S1 W %s 1 0 0 16 1 - %s\n220 mentira\r\n" % (other, other)
        yield b"S1 D %s 2 0 0 16 1 -\n250 mentira\r\n" % other
        yield b"S1 R %s 503\n" % other
        yield b"S1 D " + SID + b" 2 0 0 16 1\n250 mentira\r\n"
        if self.acked > 0:
            yield b"250 mentira\r\n"
        yield b"S1 D " + SID + b" 2 0 0 16 1 -\n" + b"x" * 1200

    def take(self, data):
        """Takes a datagram of the session. Returns False when the server leaves."""
        match = GOODBYE.fullmatch(data)
        if match:
            self.note(self.child, data, False)
            return False
        match = WORD.fullmatch(data)
        if not match or len(data) > LIMIT or match[2] != SID:
            raise Broken(f"no datagram of the session: {data!r}")
        kind, number, ack, payload = match[1], int(match[3]), int(match[4]), match[9]
        if (kind == b"D") != (number > 0) or (kind == b"D") != (0 < len(payload) <= PAYLOAD):
            raise Broken(f"no datagram of its kind: {data!r}")
        is_lost = kind == b"D" and self.is_lost(number, self.options.lose_commands)
        self.note(self.child, data, is_lost)
        if is_lost:
            return True
        self.acked, self.window = max(self.acked, ack), int(match[6])
        if kind != b"A":
            self.echo = match[7]
        stays = kind != b"D" or self.hold(number, payload)
        if stays and kind != b"A":
            self.send(self.word(b"A", 0))
        self.flush(again=False)
        return stays

    def hold(self, number, payload):
        if self.ack < number <= self.ack + self.options.window:
            self.held[number] = payload
        while self.ack + 1 in self.held:
            self.ack += 1
            self.text += self.held.pop(self.ack)
            *lines, self.text = self.text.split(b"\r\n")
            for line in lines:
                if not self.line(line):
                    return False
        return True

    def line(self, line):
        """Executes a line. Returns False when the server leaves."""
        for prefix in self.options.vanish:
            if line.startswith(prefix):
                return False
        if self.options.leave and line.startswith(self.options.leave):
            self.send(b"S1 R %s %d\n" % (SID, self.options.code))
            return False
        if self.options.farewell and line.startswith(self.options.farewell):
            self.say(b"421 Hasta luego\r\n", ends=True)
            return True
        if self.ended:
            return True
        reply = self.session.take(line)
        if reply is not None and not (self.options.mute and line.startswith(self.options.mute)):
            self.say(reply, self.session.ended)
        return True

    def serve(self):
        heard = time.monotonic()
        while time.monotonic() < heard + IDLE:
            if self.ended and self.acked == len(self.out):
                return
            ready, _, _ = select.select([self.door] + ([self.child] if self.child else []), [], [], AGAIN)
            for sock in ready:
                heard = time.monotonic()
                data, sender = sock.recvfrom(65536)
                if sock is self.door:
                    self.hello(data, sender)
                elif not self.take(data):
                    return
            if self.child and self.acked < len(self.out) and time.monotonic() >= self.last_sent + AGAIN:
                self.flush(again=True)


def main():
    arguments = parser(__doc__)
    arguments.add_argument("--lose-hellos", type=int, default=0, metavar="N",
                           help="the first N hellos of each form get lost")
    arguments.add_argument("--lose-commands", type=int, default=0, metavar="N",
                           help="the first N copies of each segment of the client get lost")
    arguments.add_argument("--lose-replies", type=int, default=0, metavar="N",
                           help="the first N copies of each segment of the server get lost")
    arguments.add_argument("--twice", action="store_true", help="all that the session sends arrives twice")
    arguments.add_argument("--pieces", type=int, metavar="N", help="N octets of replies in a segment")
    arguments.add_argument("--window", type=int, default=16)
    arguments.add_argument("--strays", action="store_true", help="what means nothing comes before each segment")
    arguments.add_argument("--forged", action="store_true", help="each hello has a reply of SMTP from elsewhere first")
    arguments.add_argument("--plain", action="store_true", help="speak the plain mode only")
    arguments.add_argument("--refuse", type=int, metavar="CODE", help="answer hellos with R")
    arguments.add_argument("--refusals", type=int, default=sys.maxsize, metavar="N", help="only the first N of them")
    arguments.add_argument("--cookies", type=int, default=1, metavar="N", help="answer the first N hellos with C")
    arguments.add_argument("--no-session", action="store_true", help="give cookies, and no more")
    arguments.add_argument("--mute", type=octets, metavar="PREFIX",
                           help="acknowledge this command, and never answer it")
    arguments.add_argument("--vanish", type=octets, action="append", default=[], metavar="PREFIX",
                           help="leave at this line, without a word")
    arguments.add_argument("--leave", type=octets, metavar="PREFIX", help="leave at this line with R")
    arguments.add_argument("--code", type=int, default=503, help="of that R")
    arguments.add_argument("--farewell", type=octets, metavar="PREFIX", help="say 421 at this line")
    server = Server(arguments.parse_args())
    print(server.door.getsockname()[1], flush=True)
    try:
        server.serve()
    except Broken as error:
        print("broken", error, file=server.record, flush=True)
        sys.exit(1)


main()
