#!/usr/bin/env python3
"""A client that sends an octet at a time, for as long as the server lets it.

usage: drip.py [-u | -n] PORT OCTET LINE...

Says the LINES and hears the reply to each (a BDAT has none yet), then sends OCTET five times a second until the server
says something. Prints "T s: REPLY", T from before the session began; -u is UDP in the plain mode, -n the numbered one.
"""
import argparse
import threading
import time

from channel import Tcp, Udp
from numbered import Numbered

PAUSE_S, LIMIT_S = 0.2, 90


def reply(session):
    """The last line of the next reply."""
    line = session.line()
    while line[3:4] == "-":
        line = session.line()
    return line


def drip(session, octet, heard):
    """Sends until something is heard; a connection that is closed by then was closed behind that."""
    end = time.monotonic() + LIMIT_S
    while not heard.wait(PAUSE_S) and time.monotonic() < end:
        try:
            session.send(octet)
        except OSError:
            return


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-u", "--udp", action="store_true")
    options.add_argument("-n", "--numbered", action="store_true")
    options.add_argument("port", type=int)
    options.add_argument("octet")
    options.add_argument("lines", nargs="*")
    chosen = options.parse_args()
    begun = time.monotonic()
    kind = Udp if chosen.udp else Numbered if chosen.numbered else Tcp
    session = kind("127.0.0.1", chosen.port)
    if chosen.udp:
        session.send_to_door(b"\r\n")
    assert reply(session).startswith("220 ")
    for line in chosen.lines:
        session.send(line.encode() + b"\r\n")
        if not line.startswith("BDAT"):
            assert reply(session)[0] in "23", line
    if not chosen.numbered:
        session.socket.settimeout(LIMIT_S)
    heard = threading.Event()
    threading.Thread(target=drip, args=(session, chosen.octet.encode(), heard), daemon=True).start()
    last = reply(session)
    heard.set()
    print(f"{time.monotonic() - begun:.2f} s: {last}")


main()
