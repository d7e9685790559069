#!/usr/bin/env python3
"""A TCP server for one session that can misbehave at a chosen line (see fake_smtp.py)."""
import select
import socket
import struct
import sys

from fake_smtp import IDLE, Session, octets, parser

FAREWELL = b"421 Hasta luego\r\n"


def close(connection, _):
    connection.close()


def reset(connection, _):
    """Leaves with a RST: what was sent and not read is lost, as when a machine goes down."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def farewell(connection, _):
    """Says 421 and stops reading; the connection is reset, since something is left unread."""
    connection.sendall(FAREWELL)
    connection.close()


def farewell_and_wait(connection, session):
    """Says 421 and reads to the end."""
    connection.sendall(FAREWELL)
    mute(connection, session)


def mute(connection, _):
    """Says no more, until the client leaves."""
    while connection.recv(65536):
        pass


def deaf(connection, _):
    """Neither reads nor says anything, until the client leaves."""
    poll = select.poll()
    poll.register(connection, select.POLLRDHUP)
    poll.poll(IDLE * 1000)


def babble(connection, _):
    """Talks without end and never listens."""
    try:
        while True:
            connection.sendall(b"250 bla\r\n" * 1000)
    except OSError:
        pass


def garbage(connection, _):
    connection.sendall(b"hola\x1b[2J\r\n")
    mute(connection, _)


ENDS = {act.__name__.replace("_", "-"): act
        for act in (close, reset, farewell, farewell_and_wait, mute, deaf, babble, garbage)}


def lines(connection, record, reads):
    """The lines that come, without their CRLF, up to the end of the connection."""
    rest = b""
    while data := connection.recv(65536):
        record.write(data)
        record.flush()
        print(data.replace(b"\r\n", b"|").decode("latin-1"), file=reads, flush=True)
        *whole, rest = (rest + data).split(b"\r\n")
        yield from whole


def say(connection, reply, piece):
    for at in range(0, len(reply), piece or len(reply)):
        connection.sendall(reply[at:at + (piece or len(reply))])


def serve(connection, options, record, reads):
    session = Session(options.reply)
    misbehave = ENDS[options.do] if options.do else None
    if misbehave and options.at == b"":
        return misbehave(connection, session)
    say(connection, options.greeting, options.pieces)
    for line in lines(connection, record, reads):
        if misbehave and line.startswith(options.at):
            return misbehave(connection, session)
        reply = session.take(line)
        if reply is not None:
            say(connection, reply, options.pieces)
        if session.ended:
            return None
    return None


def main():
    arguments = parser(__doc__)
    arguments.add_argument("--pieces", type=int, metavar="N", help="send replies N octets at a time")
    arguments.add_argument("--reads", metavar="FILE", default="/dev/null",
                           help="keep there what each read gave, a line each, with | for CRLF")
    arguments.add_argument("--at", type=octets, default=b"", metavar="PREFIX",
                           help="the line at which to misbehave; none: instead of the greeting")
    arguments.add_argument("--do", choices=sorted(ENDS), help="how to misbehave")
    options = arguments.parse_args()
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    listener = socket.create_server((options.host, 0), family=family)
    listener.settimeout(IDLE)
    print(listener.getsockname()[1], flush=True)
    connection, _ = listener.accept()
    connection.settimeout(IDLE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, open(options.record or "/dev/null", "wb") as record, open(options.reads, "w") as reads:
        serve(connection, options, record, reads)
    sys.exit(0)


main()
