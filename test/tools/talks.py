#!/usr/bin/env python3
"""Several scripted SMTP sessions at the same time, and commands of the shell in between.

usage: talks.py PORT        the script comes on standard input

What talk.py understands (see there), and

    session NAME [udp|numbered]    what follows is said in this session; a new one is greeted and says HELO first
    sh COMMAND            this command must succeed; LPORT is the local port of the session

Prints the dialogue. The exit status is 0 when all came as the script says, 1 otherwise.
"""
import os
import re
import subprocess
import sys

from channel import Broken, Tcp, Udp
from numbered import Numbered
from talk import step


def greeted(port, transport):
    """A new session that has said HELO."""
    session = {"udp": Udp, "numbered": Numbered}.get(transport, Tcp)("127.0.0.1", port)
    if transport == "udp":
        session.send_to_door(b"\r\n")
    for line in ("S~ 220 ", "C: HELO c.example", "S~ 250 "):
        step(session, line)
    return session


def run(command, session):
    told = subprocess.run(["sh", "-c", command], env={**os.environ, "LPORT": str(session and session.local_port)},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if told.returncode != 0:
        raise Broken(f"it ended with {told.returncode}: {told.stdout.decode(errors='replace')}")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sessions, session = {}, None
    for line in sys.stdin:
        line = line.rstrip("\n")
        try:
            if found := re.fullmatch(r"session (\S+)(?: (udp|numbered))?", line):
                if found[1] not in sessions:
                    sessions[found[1]] = greeted(int(sys.argv[1]), found[2])
                session = sessions[found[1]]
                print(line)
            elif line.startswith("sh "):
                print(line, flush=True)
                run(line[3:], session)
            else:
                print(step(session, line)[:600])
        except (Broken, OSError) as error:
            sys.exit(f"FAILED at {line[:200]!r}: {error}")
    for session in sessions.values():
        session.close()


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace", line_buffering=True)
    sys.stdin.reconfigure(errors="surrogateescape")
    main()
