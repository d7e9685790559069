#!/usr/bin/env python3
"""Opens many SMTP sessions at once and holds them.

usage: hold.py [options] PORT COUNT FILE

Prints "greeted N of COUNT in T s" when all have had their 220 (or patience is over), then obeys the lines that a test
appends to FILE, and prints "ok" and the line after each:
    noop    every session gets 250 to a NOOP
    quit    every session gets 221 to a QUIT and is closed
    drop    every session is closed without a word
    exit    the end
A session that answers anything else is a failure, and the exit status is 1.
"""
import argparse
import resource
import selectors
import socket
import sys
import threading
import time

from channel import Broken, PATIENCE_S, Tcp, Udp, commands
from numbered import Numbered


def open_tcp(address, port, count, source):
    """Begins count connections without waiting for any: a list of raw sockets."""
    opened = []
    for _ in range(count):
        raw = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        raw.setblocking(False)
        if source:
            raw.bind(source)
        raw.connect_ex((address, port))
        opened.append(raw)
    return opened


def adopt(raw):
    """The session of a raw socket that has its connection."""
    session = Tcp.__new__(Tcp)
    raw.settimeout(PATIENCE_S)
    session.socket, session.buffer, session.base_segments = raw, b"", 0
    return session


def wait_for_input(sockets, deadline, on_tick=None):
    """Yields each socket when something can be read from it; ends at the deadline."""
    selector = selectors.DefaultSelector()
    for one in sockets:
        selector.register(one, selectors.EVENT_READ)
    while selector.get_map() and time.monotonic() < deadline:
        ready = selector.select(0.5)
        for key, _ in ready:
            selector.unregister(key.fileobj)
            yield key.fileobj
        if not ready and on_tick:
            on_tick([key.fileobj for key in selector.get_map().values()])


def open_numbered(chosen, source):
    """The sessions, each with its handshake behind it, or what came of it."""
    sessions = [Numbered(chosen.address, chosen.port, source) for _ in range(chosen.count)]

    def begin(session):
        try:
            session.begin()
        except Broken as error:
            session.error = error

    threads = [threading.Thread(target=begin, args=(session,)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sessions


def greet(chosen, source):
    """Opens the sessions and reads their greetings: those that are greeted, and the seconds it took."""
    begun = time.monotonic()
    deadline = begun + chosen.patience
    greeted = []
    if chosen.udp:
        sessions = {}
        for _ in range(chosen.count):
            session = Udp(chosen.address, chosen.port, source)
            session.send_to_door(b"\r\n")
            sessions[session.socket] = session
        last = [time.monotonic()]

        def again(silent):
            if time.monotonic() - last[0] > 1:
                last[0] = time.monotonic()
                for one in silent:
                    sessions[one].send_to_door(b"\r\n")

        ready = (sessions[one] for one in wait_for_input(list(sessions), deadline, again))
    elif chosen.numbered:
        ready = open_numbered(chosen, source)
    else:
        ready = (adopt(raw) for raw in
                 wait_for_input(open_tcp(chosen.address, chosen.port, chosen.count, source), deadline))
    others = []
    for session in ready:
        try:
            line = session.line()
        except Broken as error:
            line = str(error)
        if line.startswith("220 "):
            greeted.append(session)
        else:
            others.append(line)
    for line in sorted(set(others)):
        print(f"{others.count(line)} had: {line}", flush=True)
    return greeted, time.monotonic() - begun


def ask(sessions, command, code):
    """Sends command in every session, all before the first reply is read."""
    for session in sessions:
        session.send(command + b"\r\n")
    for session in sessions:
        line = session.line()
        while isinstance(session, Udp) and line.startswith("220 "):
            line = session.line()  # our hello was repeated, so was the greeting
        if not line.startswith(code):
            raise Broken(f"{command!r} was answered with {line!r}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-u", "--udp", action="store_true", help="sessions over UDP, in the plain mode")
    options.add_argument("-n", "--numbered", action="store_true", help="sessions over UDP, in the numbered mode")
    options.add_argument("-a", "--address", default="127.0.0.1", help="of the server")
    options.add_argument("-b", "--bind", metavar="ADDRESS", help="our own address")
    options.add_argument("-w", "--patience", type=float, default=3 * PATIENCE_S, help="seconds for the greetings")
    options.add_argument("port", type=int)
    options.add_argument("count", type=int)
    options.add_argument("file")
    chosen = options.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sessions, seconds = greet(chosen, (chosen.bind, 0) if chosen.bind else None)
    print("ports", *(session.socket.getsockname()[1] for session in sessions))
    print(f"greeted {len(sessions)} of {chosen.count} in {seconds:.2f} s", flush=True)
    for line in commands(chosen.file):
        try:
            if line == "noop":
                ask(sessions, b"NOOP", "250")
            elif line == "quit":
                ask(sessions, b"QUIT", "221")
            if line in ("quit", "drop"):
                for session in sessions:
                    session.close()
                sessions = []
        except (Broken, OSError) as error:
            sys.exit(f"FAILED at {line!r}: {error}")
        print("ok", line, flush=True)


if __name__ == "__main__":
    main()
