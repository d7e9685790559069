#!/usr/bin/env python3
"""A client of the monitoring protocol, written from the tables of the ITBA report and, for what goes beyond them, from
the words of servidor(8): it shares nothing with the server.

usage: monitor.py [options] COMMAND... PORT         monitor.py [options] -x HEX... PORT

Prints a line for each COMMAND, a number or a name: the value as an integer, "yes" or "no", "done", or "status N" if it
is refused. A question that nobody answers is asked again, with its id, until PATIENCE (20) seconds are over; then the
exit status is 1.

With -x the arguments are the octets of one datagram each, in hex ("" is an empty one), and a line has the octets of its
answer, "silence", or "refused" where no socket is. That nothing comes is known without waiting: the monitor answers
datagrams in their order, so the answer to a question that was sent behind is then the first.
"""
import argparse
import os
import select
import socket
import sys
import time

PATIENCE_S = float(os.environ.get("PATIENCE", "20"))
LENGTH, STEP_S = 14, 30
SIGNATURE = b"\xff\xfe"
NAMES = """historic concurrent bytes mails filter filter-on filter-off uptime started
workers-idle workers-busy workers-born workers-died tcp-sessions udp-sessions tcp-mails udp-mails
tcp-received udp-received tcp-sent udp-sent tcp-refused-4 udp-refused-4 tcp-refused-5 udp-refused-5
mails-refused-4 mails-refused-5 octets-refused-4 octets-refused-5 udp-resends udp-duplicates
filter-runs filter-failures lost-records message-size sessions-per-address log-text
udp-dropped""".split()
BOOLEANS = ("filter", "log-text")
DONE = ("filter-on", "filter-off")
SETS = 0x40     # the commands from here on set something


def siphash(key, message):
    """SipHash-2-4 (Aumasson and Bernstein, 2012): 64 bits of a key of 16 octets and a message."""
    mask = (1 << 64) - 1

    def left(x, by):
        return (x << by | x >> (64 - by)) & mask

    def rounds(v, count):
        for _ in range(count):
            v[0] = (v[0] + v[1]) & mask
            v[1] = left(v[1], 13) ^ v[0]
            v[0] = left(v[0], 32)
            v[2] = (v[2] + v[3]) & mask
            v[3] = left(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & mask
            v[3] = left(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & mask
            v[1] = left(v[1], 17) ^ v[2]
            v[2] = left(v[2], 32)

    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    padded = message + bytes(-(len(message) + 1) % 8) + bytes([len(message) % 256])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at:at + 8], "little")
        v[3] ^= word
        rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def now_step():
    return int(time.time()) // STEP_S


def request(version, number, secret, command, step=None):
    """The octets of a question; of version 1 with the hash of that step of the clock."""
    head, token = bytes([version]) + number.to_bytes(2, "big"), secret
    if version == 1:
        hashed = head + bytes([command]) + (now_step() if step is None else step).to_bytes(8, "big")
        token = siphash(secret + secret, hashed).to_bytes(8, "big")
    octets = SIGNATURE + head + token + bytes([command])
    assert len(octets) == LENGTH
    return octets


def meaning(command, asked, answer):
    """The line for an answer: the report's two layouts of the data, and each octet that must be 0 is."""
    if len(answer) != LENGTH or answer[:5] != asked[:5] and answer[5] != 2:
        sys.exit(f"monitor.py: {asked.hex()} was answered with {answer.hex()}")
    status, data = answer[5], answer[6:]
    if status != 0:
        line, rest = f"status {status}", data
    elif command >= SETS or NAMES[command] in DONE:
        line, rest = "done", data
    elif NAMES[command] in BOOLEANS:
        line, rest = {0: "no", 1: "yes"}.get(data[0], f"boolean {data[0]}"), data[1:]
    else:
        line, rest = str(int.from_bytes(data[:4], "big") | int.from_bytes(data[4:], "big") << 32), b""
    if any(rest):
        sys.exit(f"monitor.py: {asked.hex()}: octets that mean nothing are not 0: {answer.hex()}")
    return line


class Monitor:
    """The monitor at an address: what answers comes from there, since the socket is connected."""

    def __init__(self, chosen):
        family, kind, _, _, address = socket.getaddrinfo(chosen.address, chosen.port, type=socket.SOCK_DGRAM)[0]
        self.socket = socket.socket(family, kind)
        if chosen.bind:
            self.socket.bind((chosen.bind, 0))
        self.socket.connect(address)
        self.chosen = chosen

    def hear(self, seconds):
        """The next datagram, or None."""
        if not select.select([self.socket], [], [], seconds)[0]:
            return None
        return self.socket.recv(65536)

    def exchange(self, asked, same):
        """Sends the octets again and again until an answer comes of which same() is true."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            again = time.monotonic() + 1
            try:
                self.socket.send(asked)
                while (left := again - time.monotonic()) > 0:
                    answer = self.hear(left)
                    if answer is not None and same(answer):
                        return answer
            except ConnectionRefusedError:
                time.sleep(0.05)    # a monitor that was killed may be on its way back
        sys.exit(f"monitor.py: nobody answered {asked.hex()} within {PATIENCE_S:g} s")

    def ask(self, command):
        """The line that answers a command; a hash of another step is refused or taken at one step of the clock."""
        while True:
            step = now_step()
            number = int.from_bytes(os.urandom(2), "big")
            asked = request(self.chosen.version, number, self.chosen.secret, command, step + self.chosen.step)
            answer = self.exchange(asked, lambda got: got[3:5] == asked[3:5])
            if not self.chosen.step or now_step() == step:
                return meaning(command, asked, answer)

    def raw(self, octets):
        """What answers these octets: the answers that come before that to a question that was sent behind."""
        number = int.from_bytes(octets[3:5].ljust(2, b"\0"), "big") ^ 0x5A5A
        probe = request(0, number, self.chosen.secret, 0)
        try:
            self.socket.send(octets)
            self.socket.send(probe)
            heard, deadline = [], time.monotonic() + PATIENCE_S
            while (got := self.hear(max(0, deadline - time.monotonic()))) is not None:
                if got[3:5] == probe[3:5]:
                    return " ".join(heard) or "silence"
                heard.append(got.hex())
        except ConnectionRefusedError:
            return "refused"
        sys.exit(f"monitor.py: nobody answered the question behind {octets.hex()[:60]}")


def number_of(text):
    if text in NAMES:
        return NAMES.index(text)
    number = int(text, 0)
    if not 0 <= number <= 255:
        raise ValueError
    return number


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-a", "--address", default="127.0.0.1", help="of the server")
    options.add_argument("-b", "--bind", metavar="ADDRESS", help="our own address")
    options.add_argument("-s", "--secret", default="secretpa", type=os.fsencode)
    options.add_argument("-1", dest="version", action="store_const", const=1, default=0, help="ask by version 1")
    options.add_argument("-t", "--step", type=int, default=0, help="of the clock, beside that of now: -2, 1, ...")
    options.add_argument("-x", "--raw", action="store_true", help="send octets as they are")
    options.add_argument("what", nargs="+")
    options.add_argument("port", type=int)
    chosen = options.parse_args()
    monitor = Monitor(chosen)
    for what in chosen.what:
        print(monitor.raw(bytes.fromhex(what)) if chosen.raw else monitor.ask(number_of(what)), flush=True)


if __name__ == "__main__":
    main()
