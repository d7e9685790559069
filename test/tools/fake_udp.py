#!/usr/bin/env python3
"""A UDP server for one plain session, over a network that can misbehave (see fake_smtp.py).

Repetitions of a command are answered again and not executed. What was received is recorded one datagram a line: "door"
or "child", the seconds of the kernel's clock at its arrival, and the octets as Python writes them. The faults of the
network are the server's own: what it loses it neither records as received nor answers.
"""
import heapq
import random
import select
import socket
import struct
import sys
import time

from fake_smtp import IDLE, Session, octets, parser

SO_RCVBUFFORCE = 33     # of Linux, which the module does not name
SO_TIMESTAMPNS = 35     # Linux
JUNK = (b"", b"hola\r\n", b"25\r\n", b"2500 OK\r\n", b"250-parte\r\n", b"999 " + b"x" * 20000 + b"\r\n")


def stamped(sock):
    """One datagram: its octets, sender, and when the kernel got it."""
    data, ancillary, _, sender = sock.recvmsg(65536, 64)
    seconds, nanoseconds = struct.unpack("qq", ancillary[0][2][:16])
    return data, sender, seconds + nanoseconds / 1e9


class Server:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.session = Session(options.reply)
        self.door = self.bind()
        self.child = self.client = self.last = None
        self.reply = options.greeting
        self.copies = 0
        self.thinks = 0.0
        self.queue = []     # replies on their way: (when, number, octets)
        self.record = open(options.record or "/dev/null", "w", encoding="ascii")

    def bind(self, host=None):
        host = host or self.options.host
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        # Room for all that a test sends, for this program may not get its turn in time. As root without a limit.
        try:
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
        except OSError:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        sock.bind((host, 0))
        return sock

    def chance(self, probability):
        return self.random.random() < probability

    def send(self, reply, later=0.0):
        """A reply sets out; the network may lose, double or delay it."""
        for _ in range(2 if self.chance(self.options.duplicates) else 1):
            if not self.chance(self.options.loss):
                delay = self.random.uniform(0, self.options.delay)
                heapq.heappush(self.queue, (time.monotonic() + later + delay, self.random.random(), reply))

    def deliver(self):
        """Sends what is due. Returns the seconds until the next is."""
        while self.queue and self.queue[0][0] <= time.monotonic():
            reply = heapq.heappop(self.queue)[2]
            for junk in JUNK if self.options.junk else ():
                self.child.sendto(junk, self.client)
            for host in self.options.stranger:
                with self.bind(host) as stranger:
                    stranger.sendto(self.options.lie, self.client)
            self.child.sendto(reply, self.client)
        return max(0, self.queue[0][0] - time.monotonic()) if self.queue else IDLE

    def hello(self, data, sender):
        if data != b"\r\n":
            return
        self.copies += 1
        if self.child is None and self.copies > self.options.lose_commands:
            self.child, self.client = self.bind(), sender
        if self.copies > self.options.lose_commands + self.options.lose_replies:
            self.send(self.reply)

    def take(self, data):
        """Takes a datagram of the session. Returns False when the server leaves."""
        line = data.removesuffix(b"\r\n")
        if self.options.vanish and line.startswith(self.options.vanish):
            return False
        if self.session.in_text and line != b"." and data != self.last:
            self.session.take(line)
            self.last = None
        else:
            self.command(data, line)
        return True

    def command(self, data, line):
        self.copies = self.copies + 1 if data == self.last else 1
        self.last = data
        late = self.copies - self.options.lose_commands
        if late == 1:
            if self.options.stale and line.startswith(self.options.stale):
                self.child.sendto(self.reply, self.client)
            self.reply = self.session.take(line)
        if late < 1 or self.options.mute and line.startswith(self.options.mute):
            return
        if self.options.hoard and line.startswith(self.options.hoard):
            self.hoarded()
        elif late > self.options.lose_replies:
            self.send(self.reply, self.thinks)
            self.thinks = 0.0

    def hoarded(self):
        """A slow server: both copies of a command are there when it begins, and the next one takes it longer still."""
        if self.copies == 2:
            self.send(self.reply)
            self.send(self.reply, later=0.3)
            self.thinks = 0.6

    def receive(self, sock):
        data, sender, when = stamped(sock)
        if self.chance(self.options.loss):
            return True
        print("door" if sock is self.door else "child", f"{when:.6f}", data, file=self.record, flush=True)
        if sock is self.door:
            self.hello(data, sender)
            return True
        again = self.chance(self.options.duplicates) and not self.session.in_text
        return self.take(data) and (not again or self.take(data))

    def serve(self):
        while True:
            sockets = [self.door] + ([self.child] if self.child else [])
            wait = self.deliver()
            ready, _, _ = select.select(sockets, [], [], wait)
            if not ready and not self.queue:
                return
            for sock in ready:
                if not self.receive(sock):
                    return


def main():
    arguments = parser(__doc__)
    arguments.add_argument("--lose-commands", type=int, default=0, metavar="N",
                           help="the first N copies of each hello and command get lost")
    arguments.add_argument("--lose-replies", type=int, default=0, metavar="N",
                           help="the first N replies to each command get lost")
    arguments.add_argument("--junk", action="store_true", help="what is no reply comes before each reply")
    arguments.add_argument("--stranger", action="append", default=[], metavar="HOST",
                           help="before each reply another socket bound to HOST sends a lie")
    arguments.add_argument("--lie", type=octets, default=b"599 mentira\r\n")
    arguments.add_argument("--hoard", type=octets, metavar="PREFIX", help="answer both copies of this command late")
    arguments.add_argument("--stale", type=octets, metavar="PREFIX",
                           help="before the reply to this command a copy of the one before arrives")
    arguments.add_argument("--mute", type=octets, metavar="PREFIX", help="never answer this command")
    arguments.add_argument("--vanish", type=octets, metavar="PREFIX", help="leave at this line")
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--loss", type=float, default=0.0, help="of datagrams, each way")
    arguments.add_argument("--duplicates", type=float, default=0.0, help="of datagrams, each way")
    arguments.add_argument("--delay", type=float, default=0.0, help="of replies, at most, in seconds")
    server = Server(arguments.parse_args())
    print(server.door.getsockname()[1], flush=True)
    server.serve()
    sys.exit(0)


main()
