"""What the tools of the tests share: one SMTP session over TCP or UDP, octet by octet.

Every reply line is checked as it is read: it ends with CRLF, is ASCII, and has at most 512 octets (RFC 5321
section 4.5.3.1.5). Over UDP a reply is exactly one datagram. A broken promise raises Broken.
"""
import contextlib
import os
import re
import socket
import struct
import sys
import time

PATIENCE_S = float(os.environ.get("PATIENCE", "20"))
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "e": b"\x1b", "\\": b"\\"}


class Broken(Exception):
    """The other side did something else than what was asked for."""


def octets(text):
    """The octets that text describes: \\r \\n \\t \\0 \\e \\\\ \\xHH, and {A*2000} for 2000 times A."""
    text = re.sub(r"\{(.[^*{}]*)\*(\d+)\}", lambda m: m[1] * int(m[2]), text)
    out = bytearray()
    for m in re.finditer(r"\\x([0-9a-fA-F]{2})|\\([rnt0e\\])|(.)", text, re.S):
        if m[1]:
            out.append(int(m[1], 16))
        elif m[2]:
            out += ESCAPES[m[2]]
        else:
            out += m[3].encode("utf-8", "surrogateescape")
    return bytes(out)


def check_line(line):
    """The text of a reply line without its CRLF, if the line is well formed."""
    if not line.endswith(b"\r\n"):
        raise Broken(f"a reply without CRLF at its end: {line!r}")
    if len(line) > 512:
        raise Broken(f"a reply line of {len(line)} octets: {line[:80]!r}...")
    if any(octet > 126 or octet < 32 for octet in line[:-2]):
        raise Broken(f"a reply with an octet that is not printable ASCII: {line!r}")
    return line[:-2].decode("ascii")


class Tcp:
    """One session over TCP."""

    def __init__(self, host, port, source=None):
        self.socket = socket.create_connection((host, port), PATIENCE_S, source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.local_port = self.socket.getsockname()[1]
        self.buffer = b""
        self.base_segments = 0

    def send(self, data):
        self.base_segments = self.data_segments()
        self.socket.sendall(data)

    def data_segments(self):
        """Segments with data that have come in so far: tcpi_data_segs_in of Linux' struct tcp_info."""
        info = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
        return struct.unpack_from("I", info, 152)[0]

    def segments(self):
        return self.data_segments() - self.base_segments

    def line(self):
        while b"\n" not in self.buffer:
            try:
                data = self.socket.recv(65536)
            except socket.timeout:
                raise Broken(f"no reply within {PATIENCE_S:g} s, only {self.buffer!r}") from None
            except OSError as error:
                raise Broken(f"no reply, but: {error}") from None
            if not data:
                raise Broken(f"the server closed the connection after {self.buffer!r}")
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return check_line(line + b"\n")

    def closed(self):
        """The server closes the connection and sends nothing more."""
        try:
            rest = self.buffer + self.socket.recv(65536)
        except ConnectionResetError:
            rest = self.buffer
        except socket.timeout:
            raise Broken(f"the connection is still open after {PATIENCE_S:g} s") from None
        if rest:
            raise Broken(f"more came instead of the end: {rest!r}")

    def quiet(self, seconds):
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(65536)
        except socket.timeout:
            data = b""
        else:
            data = data or b"end of the connection"
        self.socket.settimeout(PATIENCE_S)
        if self.buffer + data:
            raise Broken(f"silence was due, this came: {self.buffer + data!r}")

    def half(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


def workers_of(port):
    """How many sockets of this machine are connected to our port: the server's for a session with us.

    The system tells its sockets page by page, and one is left out when another that stood before it went meanwhile:
    each is told by one of three readings.
    """
    inodes = set()
    for table in ("/proc/net/udp", "/proc/net/udp6") * 3:
        with contextlib.suppress(FileNotFoundError), open(table, encoding="ascii") as file:
            fields = (line.split() for line in file)
            inodes |= {field[9] for field in fields if field[2].endswith(f":{port:04X}")}
    return len(inodes)


def bound(family, kind, own):
    """A UDP socket with room for much. If it may choose its port, no server thinks that a client of its is there."""
    while True:
        made = socket.socket(family, kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        made.bind(own)
        if own[1] != 0 or not workers_of(made.getsockname()[1]):
            return made
        made.close()


class Udp:
    """One plain session over UDP: the hello goes to the well-known port, all else to the port that answered.

    With connected=True the socket is connected from the start, as that of nc -u: it hears no other port.
    """

    def __init__(self, host, port, source=None, connected=False):
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        self.socket = bound(family, kind, source or ("::1" if ":" in host else "", 0))
        self.socket.settimeout(PATIENCE_S)
        if connected:
            self.socket.connect(address)
        self.local_port = self.socket.getsockname()[1]
        self.connected = connected
        self.door = address
        self.peer = address
        self.buffer = b""
        self.continues = False

    def send(self, data):
        if self.connected:
            self.socket.send(data)
        else:
            self.socket.sendto(data, self.peer)

    def send_to_door(self, data):
        self.socket.sendto(data, self.door)

    def line(self):
        if not self.buffer:
            try:
                self.buffer, peer = self.socket.recvfrom(65536)
            except socket.timeout:
                raise Broken(f"no reply within {PATIENCE_S:g} s") from None
            except OSError as error:
                raise Broken(f"no reply, but: {error}") from None
            if self.continues:
                raise Broken(f"a reply in more than one datagram: {self.buffer!r}")
            if self.peer != self.door and peer != self.peer:
                raise Broken(f"a reply from {peer} in a session with {self.peer}: {self.buffer!r}")
            self.peer = peer
        line, _, rest = self.buffer.partition(b"\n")
        text = check_line(line + b"\n")
        self.continues = text[3:4] == "-"
        if not self.continues and rest:
            raise Broken(f"two replies in one datagram: {self.buffer!r}")
        self.buffer = rest
        return text

    def closed(self):
        """UDP has no end to see: nothing more comes, and the session's port answers nothing."""
        self.quiet(0.5)

    def quiet(self, seconds):
        self.socket.settimeout(seconds)
        try:
            data = self.socket.recv(65536)
        except (socket.timeout, ConnectionRefusedError):
            data = b""
        self.socket.settimeout(PATIENCE_S)
        if self.buffer + data:
            raise Broken(f"silence was due, this came: {self.buffer + data!r}")

    def close(self):
        self.socket.close()

    reset = close


def commands(path):
    """The lines of standard input, or those that a test appends to the file path, as they come.

    Ends with the line "exit", or when the test that started us is gone.
    """
    if path is None:
        yield from (line.rstrip("\n") for line in sys.stdin)
        return
    parent = os.getppid()
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        held = ""
        while os.getppid() == parent:
            held += file.readline()
            if not held.endswith("\n"):
                time.sleep(0.01)
                continue
            line, held = held[:-1], ""
            if line == "exit":
                return
            yield line
