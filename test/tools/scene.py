#!/usr/bin/env python3
"""A scene with test/relay in the middle: clients on one side, a server on the other, told line by line on stdin.

    A> TEXT     the client A sends it to whom it heard last, at first to the relay
    D> TEXT     so does the server from its well-known port, its door
    1> TEXT     and from port 1, a fresh one, to whom the door had heard last when 1 was new
    A< TEXT     the next that A (or D, or 1) hears
    A = B       A and B heard their last from one and the same address and port; A != B: they did not
    A is relay  A heard its last from the relay's port; A is fresh: from another
    D is late N     it came N ms after it was sent, or later
    A sends N   numbered datagrams; their fates are printed, "." passed, "x" dropped, "2" doubled, "-" no room
    A hears N   of them; their numbers are printed as they come
    crowd N     N other clients send a datagram each; the same is printed
    close A     its socket is closed
    told REGEX  what the relay told last begins with it
    quiet D     nothing is waiting there

Nothing is sent before the relay has told what becomes of the one before. TEXT is written as channel.octets() reads it.
The arguments are options of the relay, behind "-6" if the server is at ::1, and the totals that it ends with are printed.
"""
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time

from channel import PATIENCE_S, octets

MARKS = {"passed": ".", "dropped": "x", "doubled": "2", "no room for its client": "-"}


class Wrong(Exception):
    """The scene did not go as it was written."""


class Scene:
    def __init__(self, options):
        self.host = "::1" if options[:1] == ["-6"] else "127.0.0.1"
        self.sockets = {"D": self.bound()}
        self.heard = {}     # the address and port that each heard last
        self.told = ""
        self.sent = 0.0
        port = self.sockets["D"].getsockname()[1]
        self.relay = subprocess.Popen([os.environ["RELAY"], "-v", *(o for o in options if o != "-6"), self.host, str(port)],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.port = int(self.relay.stdout.readline().removeprefix("Listening on UDP port "))
        self.relay.stdout.readline()    # its seed

    def bound(self):
        made = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((self.host, 0))
        made.settimeout(PATIENCE_S)
        return made

    def named(self, name):
        if name not in self.sockets:
            self.sockets[name] = self.bound()
            self.heard[name] = self.heard["D"] if name.isdigit() else (self.host, self.port)
        return self.sockets[name]

    def send(self, name, data):
        """Returns what becomes of it."""
        self.sent = time.monotonic()
        self.named(name).sendto(data, self.heard[name])
        self.told = self.relay.stderr.readline().rstrip("\n")
        return MARKS[self.told.split("  ")[3].split(",")[0]]

    def hear(self, name):
        try:
            data, peer = self.named(name).recvfrom(65536)
        except socket.timeout:
            raise Wrong(f"{name} heard nothing") from None
        self.heard[name] = peer[:2]
        return data

    def expect(self, name, data):
        heard = self.hear(name)
        if heard != data:
            raise Wrong(f"{name} heard {heard[:80]!r}, {len(heard)} octets, and not {data[:80]!r}, {len(data)} octets")

    def says(self, name, sign, text):
        if sign == ">":
            self.send(name, octets(text))
        else:
            self.expect(name, octets(text))

    def compare(self, one, sign, other):
        if (self.heard[one] == self.heard[other]) != (sign == "="):
            raise Wrong(f"{self.heard[one]} and {self.heard[other]}")

    def place(self, name, which):
        if (self.heard[name][1] == self.port) != (which == "relay"):
            raise Wrong(f"{name} heard {self.heard[name]}, and the relay has port {self.port}")

    def late(self, name, delay_ms):
        """The relay counts whole milliseconds, hence the one that is spared."""
        if not self.heard[name] or time.monotonic() - self.sent < (int(delay_ms) - 1) / 1000:
            raise Wrong(f"it came after {time.monotonic() - self.sent} s")

    def volley(self, name, count):
        print("".join(self.send(name, b"%d" % number) for number in range(int(count))))

    def numbers(self, name, count):
        print(*(int(self.hear(name)) for _ in range(int(count))))

    def crowd(self, count):
        print("".join(self.send(f"crowd{number}", b"hola") for number in range(int(count))))

    def close(self, name):
        self.sockets.pop(name).close()

    def tells(self, regex):
        if not re.match(regex, self.told):
            raise Wrong(f"the relay told: {self.told}")

    def quiet(self, name):
        self.named(name).settimeout(0)
        try:
            raise Wrong(f"{name} heard {self.named(name).recv(65536)!r}")
        except BlockingIOError:
            self.named(name).settimeout(PATIENCE_S)

    LINES = (
        (r"(\w+)([<>]) ?(.*)", says),
        (r"(\w+) (!?=) (\w+)", compare),
        (r"(\w+) is (relay|fresh)", place),
        (r"(\w+) is late (\d+)", late),
        (r"(\w+) sends (\d+)", volley),
        (r"(\w+) hears (\d+)", numbers),
        (r"crowd (\d+)", crowd),
        (r"close (\w+)", close),
        (r"told (.*)", tells),
        (r"quiet (\w+)", quiet),
    )

    def play(self, line):
        for regex, act in self.LINES:
            match = re.fullmatch(regex, line)
            if match:
                act(self, *match.groups())
                return
        raise Wrong("no such line")

    def end(self):
        self.relay.send_signal(signal.SIGTERM)
        out, _ = self.relay.communicate(timeout=PATIENCE_S)
        print(out, end="")
        return self.relay.returncode


def main():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    scene = Scene(sys.argv[1:])
    for line in sys.stdin:
        try:
            scene.play(line.rstrip("\n"))
        except (Wrong, OSError, KeyError, IndexError) as error:
            scene.relay.kill()
            sys.exit(f"FAILED at {line.strip()[:80]}: {error!r}")
    sys.exit(scene.end())


main()
