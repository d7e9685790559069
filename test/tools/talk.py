#!/usr/bin/env python3
"""One scripted SMTP session with control over every octet, over TCP or UDP.

usage: talk.py [options] PORT        the script comes on standard input, or from a file that grows (-i)

    S: 250 OK         the next reply line is exactly this
    S~ 5\\d\\d         the next reply line begins so (a regular expression)
    C: NOOP           send this line; CRLF is added
    C| NOOP\\r\\n       send these octets as they are; \\r \\n \\t \\0 \\e \\\\ \\xHH and {A*2000} are understood
    D| \\r\\n           in the plain mode of UDP: send these octets to the well-known port
    segments 1        the replies since the last C came in so many TCP segments
    quiet 1           nothing comes for so many seconds
    half              close our direction only
    closed            the server closes, nothing more comes
    reset             leave without a word: RST over TCP
    # text            is for the reader

In the plain mode the hello CRLF is sent first, unless the script begins with D. Prints "port N", our local port, and
then the dialogue. The exit status is 0 when all came as the script says, 1 otherwise.
"""
import argparse
import re
import sys

from channel import Broken, Tcp, Udp, commands, octets
from numbered import Numbered


def step(session, line):
    """Does what one line of the script asks for."""
    kind, text = line[:2], line[2:].lstrip(" ")
    word, _, argument = line.partition(" ")
    if kind == "S:":
        got = session.line()
        if got != text:
            raise Broken(f"expected {text!r}, got {got!r}")
    elif kind == "S~":
        got = session.line()
        if not re.match(text, got):
            raise Broken(f"expected a reply like {text!r}, got {got!r}")
        return "S: " + got
    elif kind == "C:":
        session.send(octets(re.sub(r"\\", r"\\\\", text)) + b"\r\n")
    elif kind == "C|":
        session.send(octets(text))
    elif kind == "D|":
        session.send_to_door(octets(text))
    elif word == "segments":
        if session.segments() != int(argument):
            raise Broken(f"the replies came in {session.segments()} segments")
    elif word == "quiet":
        session.quiet(float(argument))
    elif word in ("half", "closed", "reset"):
        getattr(session, word)()
    elif line and kind != "# ":
        sys.exit(f"talk.py: {line!r}: not a line of a script, see the head of the file")
    return line


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("-u", "--udp", action="store_true", help="speak over UDP, in the plain mode")
    options.add_argument("-n", "--numbered", action="store_true", help="speak over UDP, in the numbered mode")
    options.add_argument("-c", "--connected", action="store_true", help="plain mode: hear the well-known port only")
    options.add_argument("-a", "--address", default="127.0.0.1", help="of the server")
    options.add_argument("-b", "--bind", metavar="ADDRESS", help="our own address")
    options.add_argument("-i", "--input", metavar="FILE", help="a script that grows until the line exit")
    options.add_argument("port", type=int)
    chosen = options.parse_args()
    source = (chosen.bind, 0) if chosen.bind else None
    script = commands(chosen.input)
    try:
        if chosen.udp:
            session = Udp(chosen.address, chosen.port, source, chosen.connected)
        else:
            session = (Numbered if chosen.numbered else Tcp)(chosen.address, chosen.port, source)
    except OSError as error:
        sys.exit(f"talk.py: cannot reach {chosen.address} port {chosen.port}: {error}")
    print("port", session.local_port, flush=True)
    greeted = not chosen.udp
    for line in script:
        try:
            if not greeted and not line.startswith("D|"):
                session.send_to_door(b"\r\n")
            greeted = True
            print(step(session, line)[:600], flush=True)
        except (Broken, OSError) as error:
            sys.exit(f"FAILED at {line[:200]!r}: {error}")
    session.close()


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")
    sys.stdin.reconfigure(errors="surrogateescape")
    main()
