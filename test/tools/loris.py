#!/usr/bin/env python3
"""Connections that want a server for themselves: opens COUNT of them, keeps each that is greeted and says nothing
there, and opens each that is refused anew, at once and for ever.

usage: loris.py [-a ADDRESS] [-g] PORT COUNT FILE OUR_ADDRESS...

They come from our addresses in turn. With -g each sends a HELO of its own accord, as a bot that waits for nobody does.
Prints "N greeted" when the first COUNT have had their answer, and obeys FILE as hold.py does: "count" prints how many
are held, and how many were refused so far; exit ends.
"""
import argparse
import errno
import itertools
import os
import resource
import selectors
import socket
import sys

IP_BIND_ADDRESS_NO_PORT = 24    # of Linux, which the module does not name
LOOK_EVERY = 200                # events between two looks at FILE


class Crowd:
    def __init__(self, chosen):
        self.chosen = chosen
        self.selector = selectors.EpollSelector()
        self.sources = itertools.cycle(chosen.own)
        self.held = self.refused = self.answered = 0

    def open_one(self):
        one = socket.socket()
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        one.bind((next(self.sources), 0))
        result = one.connect_ex((self.chosen.address, self.chosen.port))
        if result not in (0, errno.EINPROGRESS):
            one.close()
            return
        eager = selectors.EVENT_WRITE if self.chosen.greedy else 0
        self.selector.register(one, selectors.EVENT_READ | eager)

    def serve(self, one, events):
        """What an event of a connection means."""
        try:
            if events & selectors.EVENT_WRITE:
                self.selector.modify(one, selectors.EVENT_READ)
                one.send(b"HELO bot.example\r\n")
                return
            said = one.recv(2048)
        except OSError:
            said = b""
        if said.startswith(b"220"):
            self.held += 1
            self.answered += 1
            return
        if said.startswith(b"250"):
            return
        self.refused += 1
        self.answered += said.startswith(b"421")
        self.selector.unregister(one)
        one.close()
        self.open_one()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-a", "--address", default="127.0.0.1", help="of the server")
    options.add_argument("-g", "--greedy", action="store_true", help="send a HELO unasked")
    options.add_argument("port", type=int)
    options.add_argument("count", type=int)
    options.add_argument("file")
    options.add_argument("own", nargs="+")
    chosen = options.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd, parent, is_said = Crowd(chosen), os.getppid(), False
    for _ in range(chosen.count):
        crowd.open_one()
    with open(chosen.file, encoding="ascii") as file:
        while os.getppid() == parent:
            for key, events in crowd.selector.select(0.05)[:LOOK_EVERY]:
                crowd.serve(key.fileobj, events)
            if not is_said and crowd.answered >= chosen.count:
                is_said = True
                print(f"{crowd.held} greeted", flush=True)
            line = file.readline().strip()
            if line == "count":
                print(f"{crowd.held} held, {crowd.refused} refused", flush=True)
            elif line == "exit":
                sys.exit()


main()
