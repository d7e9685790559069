#!/usr/bin/env python3
"""Hellos of the numbered mode without end, from many addresses of 127.0.0.0/8: nobody who sends them wants a session.

usage: flood.py PORT [COUNT]

COUNT (200000) hellos, each with a nonce and an address of its own; every other one with a cookie that was made up.
Prints what was sent and what was answered: "N hellos, O octets; M answers, P octets, the longest has L".
"""
import random
import socket
import struct
import sys

from numbered import hello

IP_PKTINFO = 8      # of Linux, which the module does not name
BATCH = 50


def sockets(count):
    made = []
    for _ in range(count):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        one.bind(("", 0))
        one.setblocking(False)
        made.append(one)
    return made


def drain(one, lengths):
    """Reads what is there."""
    try:
        while True:
            lengths.append(len(one.recv(2048)))
    except BlockingIOError:
        pass


def main():
    port, count = int(sys.argv[1]), int((sys.argv[2:] or ["200000"])[0])
    chance = random.Random(1)
    senders, lengths, octets = sockets(20), [], 0
    for number in range(count):
        one = senders[number // BATCH % len(senders)]
        cookie = f"{number & 0xff:08x}.{chance.getrandbits(64):016x}" if number % 2 else None
        datagram = hello(f"{chance.getrandbits(64):016x}", cookie=cookie)
        source = struct.pack("=i4s4s", 0, bytes((127, *chance.randbytes(2), chance.randint(1, 254))), bytes(4))
        try:
            one.sendmsg([datagram], [(socket.IPPROTO_IP, IP_PKTINFO, source)], 0, ("127.0.0.1", port))
            octets += len(datagram)
        except (BlockingIOError, ConnectionRefusedError) as error:
            sys.exit(f"hello {number}: {error}")
        if number % BATCH == BATCH - 1:
            drain(one, lengths)
    for one in senders:
        drain(one, lengths)
    print(f"{count} hellos, {octets} octets; {len(lengths)} answers, {sum(lengths)} octets, the longest has "
          f"{max(lengths or [0])}")


main()
