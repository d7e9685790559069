#!/usr/bin/env python3
"""How soon a server greets who comes to it now and then.

usage: greeting.py [-n] [-a ADDRESS] [-b OUR_ADDRESS] PORT TRIES

Begins a session TRIES times, a fifth of a second apart, over TCP or (-n) in the numbered mode of UDP; ends it by QUIT.
Prints "median M s, max X s" of the times until the greeting; whoever is not greeted ends it, with exit status 1.
"""
import argparse
import statistics
import time

from channel import Tcp
from numbered import Numbered


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-n", "--numbered", action="store_true")
    options.add_argument("-a", "--address", default="127.0.0.1", help="of the server")
    options.add_argument("-b", "--bind", metavar="ADDRESS", help="our own address")
    options.add_argument("port", type=int)
    options.add_argument("tries", type=int)
    chosen = options.parse_args()
    source, times = (chosen.bind, 0) if chosen.bind else None, []
    for _ in range(chosen.tries):
        begun = time.monotonic()
        session = (Numbered if chosen.numbered else Tcp)(chosen.address, chosen.port, source)
        line = session.line()
        times.append(time.monotonic() - begun)
        assert line.startswith("220 "), line
        session.send(b"QUIT\r\n")
        session.line()
        session.close()
        time.sleep(0.2)
    print(f"median {statistics.median(times):.3f} s, max {max(times):.3f} s")


main()
