#!/usr/bin/env python3
"""A monitor by the ITBA report's tables, which can misbehave. Prints its port; writes each datagram that it got on a
line of the record: the sender's port, its octets in hexadecimal.

Version 1 is known too (--secret of both): SipHash-2-4 is written here anew, from its paper.
"""
import argparse
import select
import socket
import struct
import sys
import time

MASK = (1 << 64) - 1
SIGNATURE = b"\xff\xfe"
BOOLEANS = (4, 36)
SILENT = (5, 6) + tuple(range(0x40, 0x62))


def rotate(word, bits):
    return (word << bits | word >> (64 - bits)) & MASK


def sip_round(v0, v1, v2, v3):
    v0 = (v0 + v1) & MASK
    v1 = rotate(v1, 13) ^ v0
    v0 = rotate(v0, 32)
    v2 = (v2 + v3) & MASK
    v3 = rotate(v3, 16) ^ v2
    v0 = (v0 + v3) & MASK
    v3 = rotate(v3, 21) ^ v0
    v2 = (v2 + v1) & MASK
    v1 = rotate(v1, 17) ^ v2
    v2 = rotate(v2, 32)
    return v0, v1, v2, v3


def siphash(key, text):
    k0, k1 = struct.unpack("<QQ", key)
    state = (k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573)
    whole = text + bytes(7 - len(text) % 8) + bytes([len(text) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", whole):
        state = sip_round(*sip_round(state[0], state[1], state[2], state[3] ^ word))
        state = (state[0] ^ word,) + state[1:]
    state = (state[0], state[1], state[2] ^ 0xFF, state[3])
    for _ in range(4):
        state = sip_round(*state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def tokens(secret, datagram, now):
    """What the token of this question may be in version 1."""
    head = datagram[2:5] + datagram[13:14]
    step = int(now) // 30
    texts = [head + struct.pack(">Q", near) for near in (step - 1, step, step + 1)]
    return [struct.pack(">Q", siphash(secret * 2, text)) for text in texts]


def pairs(text):
    """"0=5,7=60" as numbers."""
    return {int(name): int(value) for name, value in (pair.split("=") for pair in text.split(",") if pair)}


class Monitor:
    def __init__(self, options):
        self.options = options
        self.secret = options.secret.encode()
        self.values = pairs(options.values)
        self.statuses = pairs(options.statuses)
        self.asked = self.questions = 0     # with and without repetitions
        self.last = None
        self.record = open(options.record, "w", encoding="ascii") if options.record else None
        family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not options.dual)
        self.socket.bind((options.host, options.port))
        self.stranger = socket.socket(family, socket.SOCK_DGRAM)
        self.stranger.bind((options.host, 0))

    def status_of(self, datagram):
        command = datagram[13]
        if datagram[2] > self.options.newest:
            return 2
        expected = [self.secret] if datagram[2] == 0 else tokens(self.secret, datagram, time.time())
        if datagram[5:13] not in expected:
            return 1
        if command in self.statuses:
            return self.statuses[command]
        return 3 if command >= self.options.commands and command not in SILENT else 0

    def value_of(self, command):
        value = self.values.get(command, command + 1)
        if command == self.options.growing:
            value += self.questions
        return value

    def answer(self, datagram):
        """The reply to 14 octets with the signature."""
        status, command = self.status_of(datagram), datagram[13]
        version = datagram[2] if datagram[2] <= self.options.newest else 0
        value = self.value_of(command)
        data = bytes(8)
        if status == 0 and command in BOOLEANS:
            data = bytes([value and 1]) + bytes(7)
        elif status == 0 and command not in SILENT:
            data = struct.pack(">LL", value & 0xFFFFFFFF, value >> 32)
        return SIGNATURE + bytes([version]) + datagram[3:5] + bytes([status]) + data

    def lies(self, truth):
        """What comes before the answer, none of which is it; each would be read as another value."""
        wrong = truth[:6] + b"\x00\x00\x30\x39" + truth[10:]
        kinds = {
            "garbage": [b"", b"x", bytes(14), wrong[:13], wrong + b"x", bytes(1400)],
            "id": [wrong[:3] + bytes([wrong[3] ^ 1]) + wrong[4:], wrong[:4] + bytes([wrong[4] ^ 0x80]) + wrong[5:]],
            "signature": [b"\xfe\xff" + wrong[2:], b"\xff\xff" + wrong[2:]],
            "version": [wrong[:2] + bytes([wrong[2] ^ 1]) + wrong[3:], wrong[:2] + b"\x07" + wrong[3:]],
        }
        return [lie for kind in self.options.lie for lie in kinds[kind]]

    def note(self, sender, datagram):
        if self.record:
            print(sender[1], datagram.hex(), file=self.record, flush=True)

    def serve(self):
        datagram, sender = self.socket.recvfrom(2048)
        self.asked += 1
        self.questions += (sender, datagram) != self.last
        self.last = sender, datagram
        self.note(sender, datagram)
        if len(datagram) != 14 or datagram[:2] != SIGNATURE:
            return
        if self.asked <= self.options.drop or self.questions > self.options.serves:
            return
        truth = self.answer(datagram)
        for lie in self.lies(truth):
            self.socket.sendto(lie, sender)
        if self.options.stranger:
            self.stranger.sendto(truth, sender)
            return
        self.socket.sendto(truth, sender)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--dual", action="store_true", help="with --host ::, IPv4 as well")
    parser.add_argument("--secret", default="secretpa")
    parser.add_argument("--newest", type=int, default=1, help="the newest version that is known")
    parser.add_argument("--commands", type=int, default=38, help="known are those below")
    parser.add_argument("--values", default="", help="COMMAND=VALUE,...; else COMMAND + 1")
    parser.add_argument("--growing", type=int, help="this one grows by 1 with each question")
    parser.add_argument("--statuses", default="", help="COMMAND=STATUS,...")
    parser.add_argument("--drop", type=int, default=0, help="so many datagrams are lost first")
    parser.add_argument("--serves", type=int, default=1 << 30, help="silent after so many questions")
    parser.add_argument("--lie", action="append", default=[], choices=("garbage", "id", "signature", "version"))
    parser.add_argument("--stranger", action="store_true", help="answers come from another port")
    parser.add_argument("--record")
    parser.add_argument("--siphash", nargs=2, metavar=("KEY", "TEXT"), help="prints a hash of hexadecimal texts")
    options = parser.parse_args()
    if options.siphash:
        print(f"{siphash(*map(bytes.fromhex, options.siphash)):016x}")
        return
    monitor = Monitor(options)
    print(monitor.socket.getsockname()[1], flush=True)
    until = time.monotonic() + 300
    while select.select([monitor.socket], [], [], until - time.monotonic())[0]:
        monitor.serve()
    sys.exit("nobody ended this")


main()
