#!/usr/bin/env python3
"""The numbered mode of SMTP over UDP from a client's side: every field by hand, or a session that does as it should.

usage: numbered.py [options] PORT [WORD...]        a story comes on standard input

A story is Python that knows all that stands in this file, and the WORDS as ARGUMENTS; the exit status is 0 when nothing
in it fails. Hello and cookie go through a Wire, which believes nothing and sends whatever it is told. Hand is a session
in which each datagram is sent by the story. Numbered is a session that keeps itself alive, acknowledges and repeats by
itself: the tools that speak TCP and plain UDP use it as they use those (see channel.py).

Whatever comes is read by the letter of the format, and a datagram that deviates from it raises Broken.
"""
import argparse
import collections
import linecache
import random
import re
import select
import socket
import sys
import threading
import time
import traceback

import channel
from channel import Broken, PATIENCE_S, bound, workers_of  # noqa: F401 (workers_of is for stories)

DATAGRAM_LIMIT, PAYLOAD_LIMIT, WINDOW_LIMIT = 1200, 1100, 32
HELLO_WAITS_S = (1, 2, 4, 4, 4, 4, 4, 4)
ID, DECIMAL = "[0-9a-f]{16}", "0|[1-9][0-9]{0,9}"
COMMON = (f"(?P<sid>{ID}) (?P<seq>{DECIMAL}) (?P<ack>{DECIMAL}) (?P<sack>[0-9a-f]{{1,8}}) (?P<win>{DECIMAL}) "
          "(?P<ts>[0-9a-f]{1,8}) (?P<te>[0-9a-f]{1,8}|-)")
FORMS = {kind: re.compile(f"S1 {kind} {form}".encode()) for kind, form in {
    "C": f"(?P<cn>{ID}) (?P<cookie>[0-9a-f]{{8}}\\.[0-9a-f]{{16}})", "R": f"(?P<sid>{ID}) (?P<code>450|421|503)",
    "W": f"{COMMON} (?P<cn>{ID})", "D": COMMON, "F": COMMON, "A": COMMON}.items()}
Datagram = collections.namedtuple(
    "Datagram", "kind octets sender payload cn cookie sid seq ack sack win ts te code", defaults=[None] * 10)


class Denied(Broken):
    """The server answered with R; code says which."""

    def __init__(self, datagram):
        super().__init__(f"denied: {datagram.octets!r}")
        self.code = datagram.code


def parse(octets, sender=None):
    """What a server may send: the Datagram, if it is well formed."""
    head, newline, payload = octets.partition(b"\n")
    kind = octets[3:4].decode("latin-1")
    match = FORMS[kind].fullmatch(head) if newline and kind in FORMS else None
    if not match:
        raise Broken(f"no datagram of a server: {octets[:120]!r}")
    fields = {name: value.decode() for name, value in match.groupdict().items()}
    for name in ("seq", "ack", "win"):
        fields.update({name: int(fields[name])} if name in fields else {})
    for name in ("sack", "ts"):
        fields.update({name: int(fields[name], 16)} if name in fields else {})
    if "te" in fields:
        fields["te"] = None if fields["te"] == "-" else int(fields["te"], 16)
    got = Datagram(kind, octets, sender, payload, **fields)
    rooms = {"W": range(1, PAYLOAD_LIMIT + 1), "D": range(1, PAYLOAD_LIMIT + 1), "F": range(PAYLOAD_LIMIT + 1)}
    if (len(octets) > DATAGRAM_LIMIT or len(payload) not in rooms.get(kind, (0,)) or (got.win or 0) > WINDOW_LIMIT
            or max(got.seq or 0, got.ack or 0) >= 1 << 31
            or {"A": got.seq == 0, "W": got.seq == 1, "D": bool(got.seq), "F": bool(got.seq)}.get(kind) is False):
        raise Broken(f"a datagram beyond its limits: {octets[:120]!r}")
    return got


def nonce():
    return f"{random.getrandbits(64):016x}"


def hello(cn, win=16, cookie=None, size=64, options=()):
    """An H of this size; options stand between the cookie and the padding."""
    words = ["S1 H", cn, f"w={win}"] + ([f"k={cookie}"] if cookie else []) + list(options)
    return (" ".join(words) + "\n").encode().ljust(size, b".")


def until(what, seconds=60):
    """Waits for what() to be true."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"not so within {seconds} s"
        time.sleep(0.02)


class Wire:
    """A socket that hears every sender; the door is the server's well-known port."""
    host, port, source = "127.0.0.1", None, None    # what stood on the command line

    def __init__(self, source=None, port=0):
        family, kind, _, _, self.door = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)[0]
        self.socket = bound(family, kind, (source or self.source or ("::1" if ":" in self.host else "127.0.0.1"), port))
        self.local_port = self.socket.getsockname()[1]
        self.came = self.went = 0     # octets

    def send(self, octets, to=None):
        self.went += len(octets)
        self.socket.sendto(octets, to or self.door)

    def look(self, seconds):
        """The next datagram, or None when none comes for so long."""
        if not select.select([self.socket], [], [], max(0, seconds))[0]:
            return None
        octets, sender = self.socket.recvfrom(65536)
        self.came += len(octets)
        return parse(octets, sender)

    def get(self, kind, seconds=PATIENCE_S):
        got = self.look(seconds)
        if got is None:
            raise Broken(f"no {kind} within {seconds:g} s")
        assert got.kind == kind, f"{kind} was due, this came: {got.octets!r}"
        return got

    def silence(self, seconds):
        got = self.look(seconds)
        assert got is None, f"silence was due, this came: {got.octets!r}"

    def cookie(self, cn):
        """What the door gives for a hello with this nonce."""
        self.send(hello(cn))
        got = self.get("C")
        assert got.cn == cn and got.sender[:2] == self.door[:2], got
        return got.cookie

    def unanswered(self, octets):
        """The door does not answer these octets: what comes is for the hello behind them, as it takes them in turn."""
        self.send(octets)
        self.cookie(nonce())

    def shake(self, cn, win=16, waits=HELLO_WAITS_S):
        """The whole handshake: the W."""
        cookie, tries = None, list(waits)
        while tries:
            self.send(hello(cn, win, cookie))
            until = time.monotonic() + tries.pop(0) * random.uniform(1, 1.25)
            while got := self.look(until - time.monotonic()):
                if got.kind == "C" and got.cn == cn and cookie is None:
                    cookie, tries = got.cookie, list(waits)
                    break
                if got.kind == "W" and got.cn == cn:
                    return got
                if got.kind == "R" and got.sid == cn:
                    raise Denied(got)
        raise Broken("no W" + (", though there was a cookie" if cookie else " and no cookie"))


class Hand:
    """A session by hand. What comes is put in order and must agree with what came before; nothing is sent unasked."""

    def __init__(self, win=16, wire=None, cn=None):
        self.wire, self.cn, self.win = wire or Wire(), cn or nonce(), win
        self.sid, self.clock, self.te, self.next = None, 0, None, 1
        self.known = 0                          # the highest ack that came
        self.heard, self.segments, self.copies = 0, {}, collections.Counter()
        self.stream, self.taken, self.final = b"", 0, None
        self.first = self.wire.shake(self.cn, win)
        self.sid = self.first.sid
        self.peer = self.first.sender
        self.local_port = self.wire.local_port
        self.wire.socket.connect(self.peer)
        self.take(self.first)

    def take(self, got):
        """Keeps what came, if it is true to what came before."""
        assert got.kind in "WDFAR" and got.sid == self.sid, f"not of this session: {got.octets!r}"
        if got.kind == "R":
            return got
        assert got.ack < self.next, f"an ack of what was never sent: {got.octets!r}"
        assert got.ack >= self.known, f"what was acknowledged to {self.known} is no longer: {got.octets!r}"
        self.known = got.ack
        if got.kind == "A":
            return got
        self.te = got.ts
        self.copies[got.seq] += 1
        kept = self.segments.setdefault(got.seq, (got.kind, got.payload, got.cn))
        assert kept == (got.kind, got.payload, got.cn), f"{got.octets!r} was {kept} before"
        while self.heard + 1 in self.segments:
            self.heard += 1
            self.stream += self.segments[self.heard][1]
            self.final = self.heard if self.segments[self.heard][0] == "F" else None
        return got

    def put(self, kind="D", payload=b"", seq=None, **fields):
        """Sends a D, A or P; a D has the next number unless told otherwise. Returns its ts."""
        self.clock = max(self.clock + 1, time.monotonic_ns() // 1000000 & 0xffffffff)
        if kind == "D" and seq is None:
            seq, self.next = self.next, self.next + 1
        self.next = max(self.next, (seq or 0) + 1)
        known = {"sid": self.sid, "seq": seq or 0, "ack": self.heard, "sack": "0", "win": self.win,
                 "ts": f"{self.clock:x}", "te": "-" if self.te is None else f"{self.te:x}", **fields}
        self.te = None if "te" not in fields else self.te
        self.raw(f"S1 {kind} {' '.join(map(str, known.values()))}\n".encode() + payload)
        return self.clock

    def raw(self, octets):
        self.wire.went += len(octets)
        self.wire.socket.send(octets)

    def look(self, seconds):
        got = self.wire.look(seconds)
        return got and self.take(got)

    def get(self, kinds="WDFA", seconds=PATIENCE_S):
        """The next datagram of these kinds; others are taken and passed over."""
        until = time.monotonic() + seconds
        while got := self.look(until - time.monotonic()):
            if got.kind in kinds:
                return got
        raise Broken(f"none of {kinds} within {seconds:g} s")

    def ping(self, **fields):
        """Asks for an acknowledgement: the A, or a segment that was due in its place, and all that came before. What
        was sent before this has been seen then."""
        ts, before, end = self.put("P", **fields), [], time.monotonic() + PATIENCE_S
        while True:
            got = self.get("WDFAR", end - time.monotonic())
            if got.te == ts:
                return got, before
            before.append(got)

    def reply(self):
        """The lines of the next reply, each segment of it acknowledged as it comes."""
        text = b""
        while not re.search(rb"(^|\n)\d{3} [^\n]*\n$", text):
            end = self.stream.find(b"\n", self.taken) + 1
            if end:
                text += self.stream[self.taken:end]
                self.taken = end
            else:
                self.get("WDF")
                self.put("A")
        return [channel.check_line(line + b"\n") for line in text.split(b"\n")[:-1]]

    def say(self, *lines):
        """One segment with these lines."""
        return self.put(payload=b"".join(line.encode() + b"\r\n" for line in lines))

    def ask(self, line, code):
        """A command, and the code of its reply."""
        self.say(line)
        reply = self.reply()
        assert reply[-1].startswith(code), f"{line} was answered with {reply}"
        return reply

    def begin(self):
        """Greeting and HELO."""
        assert self.reply()[0].startswith("220 ")
        self.ask("HELO c.example", "250")
        return self

    def mail(self, box, text="text"):
        """All of a mail up to its text: the dot is the story's."""
        for line, code in (("MAIL FROM:<a@b.es>", "250"), (f"RCPT TO:<{box}@d.es>", "250"), ("DATA", "354")):
            self.ask(line, code)
        self.say(text)

    def end(self):
        """QUIT, its F, and our acknowledgement of it."""
        self.say("QUIT")
        assert self.reply()[-1].startswith("221") and self.final, "the 221 is not in an F"
        self.close()

    def leave(self):
        self.raw(f"S1 R {self.sid} 421\n".encode())
        self.close()

    def close(self):
        self.wire.socket.close()


class Numbered:
    """A session that looks after itself; it is used as channel.Tcp is."""

    def __init__(self, host, port, source=None):
        Wire.host, Wire.port = host, port
        self.wire = Wire(source and source[0])
        self.socket, self.local_port = self.wire.socket, self.wire.local_port
        self.hand = self.error = None
        self.waiting, self.flying, self.expiries = b"", {}, 0
        self.due = self.heard_at = 0.0
        self.changed = threading.Condition()

    def begin(self):
        """The handshake, as late as when the first line is due: many sessions may begin at once."""
        if self.hand is None and self.error is None:
            self.hand = Hand(wire=self.wire)
            self.heard_at = time.monotonic()
            self.hand.put("A")
            threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        try:
            while self.error is None and not self.hand.final:
                got = self.hand.look(0.05)
                with self.changed:
                    self.serve(got)
                    self.changed.notify_all()
        except (Broken, AssertionError, OSError, ValueError) as error:
            with self.changed:
                self.error = error
                self.changed.notify_all()

    def serve(self, got):
        now = time.monotonic()
        if got and got.kind == "R":
            raise Denied(got)
        if got:
            self.heard_at = now
            for seq in [seq for seq in self.flying if seq <= got.ack]:
                del self.flying[seq]
                self.expiries, self.due = 0, now + 1
        if got and got.kind != "A":
            self.hand.put("A", sack=f"{self.held():x}")
        if self.flying and now > self.due:
            oldest = min(self.flying)
            self.hand.put(seq=oldest, payload=self.flying[oldest])
            self.expiries += 1
            self.due = now + min(0.5 * 2 ** self.expiries, 8)
        elif not self.flying and now - self.heard_at > 15:
            self.heard_at = now
            self.hand.put("P")
        self.pump()

    def held(self):
        return sum(1 << seq - self.hand.heard - 2 for seq in self.hand.segments if seq >= self.hand.heard + 2)

    def pump(self):
        """Sends what waits, at most four segments ahead of what was acknowledged."""
        while self.waiting and len(self.flying) < 4:
            piece, self.waiting = self.waiting[:PAYLOAD_LIMIT], self.waiting[PAYLOAD_LIMIT:]
            if not self.flying:
                self.due = time.monotonic() + 1
            self.flying[self.hand.next] = piece
            self.hand.put(payload=piece)

    def send(self, data):
        self.begin()
        with self.changed:
            self.waiting += data
            self.pump()

    def unread(self):
        return self.hand.stream[self.hand.taken:]

    def wait_for(self, what):
        """Until what() is true; False when the session ended before or it took too long."""
        self.begin()
        with self.changed:
            self.changed.wait_for(lambda: self.error or what() or self.hand.final, PATIENCE_S)
            return self.hand is not None and what()

    def line(self):
        if not self.wait_for(lambda: b"\n" in self.unread()):
            raise Broken(f"no reply, but: {self.error}" if self.error else
                         f"no reply within {PATIENCE_S:g} s, only {self.unread()!r}")
        line = self.unread().partition(b"\n")[0] + b"\n"
        self.hand.taken += len(line)
        return channel.check_line(line)

    def closed(self):
        """The server ends the session, with an F, and nothing more comes."""
        if not self.wait_for(lambda: self.hand.final):
            raise Broken(f"the session is not over: {self.error}")
        if self.unread():
            raise Broken(f"more came instead of the end: {self.unread()!r}")

    def quiet(self, seconds):
        self.begin()
        time.sleep(seconds)
        if self.unread() or self.hand.final or self.error:
            raise Broken(f"silence was due, this came: {self.unread()!r} {self.error}")

    def close(self):
        """Leaves; a server that has not said its last word is told."""
        if self.hand and not self.hand.final and self.error is None:
            self.hand.raw(f"S1 R {self.hand.sid} 421\n".encode())
        self.reset()

    def reset(self):
        """Leaves without a word."""
        self.error = self.error or Broken("we left")
        self.socket.close()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-a", "--address", default="127.0.0.1", help="of the server")
    options.add_argument("-b", "--bind", metavar="ADDRESS", help="our own address")
    options.add_argument("port", type=int)
    options.add_argument("words", nargs="*")
    chosen = options.parse_args()
    Wire.host, Wire.port, Wire.source = chosen.address, chosen.port, chosen.bind
    story = sys.stdin.read()
    linecache.cache["story"] = (len(story), None, story.splitlines(True), "story")
    try:
        exec(compile(story, "story", "exec"), {**globals(), "ARGUMENTS": chosen.words})     # pylint: disable=exec-used
    except Exception:       # pylint: disable=broad-except
        sys.exit(traceback.format_exc())


if __name__ == "__main__":
    main()
