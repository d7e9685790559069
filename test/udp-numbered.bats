#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# SMTP over UDP, the numbered mode, by the letter of its format: who gets a cookie, who a session, and what each
# datagram of a session does. A test is mostly a story for tools/numbered.py, which checks by itself that all that comes
# is well formed and true to what came before.

load helper

# story [WORD...] <<STORY: see tools/numbered.py; story_at ADDRESS: the server's address and our own.
story() { told "$PORT" "$@"; }
story_at() { told -a "$1" -b "$1" "$PORT" "${@:2}"; }
told() {
    "${RUN_IN[@]}" "$PYTHON" "$TOOLS/numbered.py" "$@" >told 2>&1 3>&- 4>&- ||
        { tail -n 12 told | cut -c 1-600; return 1; }
}

# one_mail FOLDER BOX: there is one mail, and its file.
one_mail() {
    same 1 "$(find "$1/$2/new" -type f 2>/dev/null | wc -l)" >&2
    find "$1/$2/new" -type f
}

no_mail() { same '' "$(find "$1" -type f 2>/dev/null)"; }

# --- the door: hellos and cookies -------------------------------------------------------------------------------------

@test "a hello gets a cookie of 48 octets, from the well-known port, and no session" {
    start_server
    story <<'END'
wire, cn = Wire(), nonce()
for size in 64, 65, 500, 1200:
    wire.send(hello(cn, size=size))
    got = wire.get("C")
    assert len(got.octets) == 48 and got.cn == cn and got.sender == wire.door, got
assert workers_of(wire.local_port) == 0
END
    tells '0 0 0' historic concurrent workers-busy
}

@test "a hello below 64 octets or above 1,200 gets no answer" {
    start_server
    story <<'END'
for size in 27, 40, 63, 1201, 1500, 60000:
    Wire().unanswered(hello(nonce(), size=size))
END
}

@test "what is not quite a hello gets no answer" {
    start_server
    story <<'END'
for form in (
        "S1 H CN w=0\n", "S1 H CN w=33\n", "S1 H CN w=016\n", "S1 H CN w=\n", "S1 H CN w=1x\n", "S1 H CN w=-1\n",
        "S1 H CN w=4294967312\n", "S1 H CN W=16\n", "S1 H CN w 16\n", "S1 H CN 16\n", "S1 H CN\n", "S1 H w=16 CN\n",
        "S1 H CN x=1 w=16\n", "S1 H  CN w=16\n", "S1 H CN  w=16\n", "S1  H CN w=16\n", "S1 H\tCN w=16\n",
        "S1 H CN w=16\r\n", "S1 H CN w=16 x\r\n", "S1 h CN w=16\n", "S1 HH CN w=16\n", "S1 H CNa w=16\n",
        "S1 H 0d1e8a94f3b7a21 w=16\n", "S1 H 00D1E8A94F3B7A21 w=16\n", "S1 H 00d1e8a94f3b7a2g w=16\n",
        "S1 H \n", "S1 \n", "S1 H CN w=16"):
    Wire().unanswered(form.replace("CN", "00d1e8a94f3b7a21").encode().ljust(64, b"."))
END
}

@test "what follows a hello's line is padding, whatever it is" {
    start_server
    story <<'END'
wire, cn = Wire(), nonce()
for padding in b"\0" * 64, bytes(range(256)), b"\n" * 64, hello(nonce()), b"\r\nQUIT\r\n" * 8:
    wire.send(hello(cn, size=0) + padding)
    assert wire.get("C").cn == cn
END
}

@test "options of a hello that nobody knows are ignored, and come in any order" {
    start_server
    story <<'END'
wire, cn = Wire(), nonce()
for options in ("x",), ("x=1",), ("kk=1", "K=2", "v=2.0"), ("=",), ("k2=" + "9" * 900,):
    wire.send(hello(cn, options=options))
    assert wire.get("C").cn == cn
wire.send(hello(cn, options=("x=1", f"k={wire.cookie(cn)}", "y")))
assert wire.get("W").cn == cn
END
}

@test "a cookie is good for its nonce, its address and its port alone" {
    start_server
    story <<'END'
wire, cn = Wire(), nonce()
cookie = wire.cookie(cn)

def no_good(wire, cn, cookie):
    wire.send(hello(cn, cookie=cookie))
    assert wire.get("C").cn == cn

no_good(Wire(), cn, cookie)
no_good(Wire("127.0.0.2"), cn, cookie)
no_good(wire, nonce(), cookie)
wire.send(hello(cn, cookie=cookie))
assert wire.get("W").cn == cn
END
    becomes 1 historic
}

@test "a cookie with one wrong digit is as good as none" {
    start_server
    story <<'END'
wire, cn = Wire(), nonce()
cookie = wire.cookie(cn)
for at in range(25):
    if cookie[at] != ".":
        wire.send(hello(cn, cookie=cookie[:at] + ("1" if cookie[at] != "1" else "2") + cookie[at + 1:]))
        assert wire.get("C").cn == cn
for wrong in "x", cookie[:-1], cookie + "0", cookie.replace(".", "x"), "." * 25:
    wire.send(hello(cn, cookie=wrong))
    assert wire.get("C").cn == cn, wrong
END
    tells '0 0' historic concurrent
}

@test "a cookie is good for half a minute, and then no more" {
    start_server
    story <<'END'
young, old, cn = Wire(), Wire(), nonce()
cookies = {wire: wire.cookie(cn) for wire in (young, old)}
begun = time.monotonic()
until(lambda: time.monotonic() > begun + 20)
young.send(hello(cn, cookie=cookies[young]))
young.get("W")
until(lambda: time.monotonic() > begun + 32)
old.send(hello(cn, cookie=cookies[old]))
old.get("C")
END
}

@test "a good cookie gets the greeting, in a W from a port of the session's own" {
    start_server
    story "$GREETING" <<'END'
hand = Hand()
w = hand.first
assert w.payload.decode() == ARGUMENTS[0] + "\r\n", w
assert w.sender[0] == hand.wire.door[0] and w.sender[1] != hand.wire.door[1], w
assert (w.seq, w.ack, w.sack, w.te, w.cn) == (1, 0, 0, None, hand.cn) and w.win >= 1, w
hand.begin().end()
END
}

@test "a repeated hello makes no second session" {
    start_server
    story <<'END'
wire, cn = Wire(), nonce()
cookie = wire.cookie(cn)
for _ in range(20):
    wire.send(hello(cn, cookie=cookie))
first = wire.get("W")
Wire().cookie(nonce())          # the door takes hellos in turn: it has seen them all
assert workers_of(wire.local_port) == 1
while got := wire.look(1.5):
    assert (got.kind, got.sid, got.sender) == ("W", first.sid, first.sender), got
END
    becomes 1 historic
}

@test "two nonces are two sessions, and the one whose greeting is refused ends, and harms nobody" {
    start_server
    story <<'END'
wire, second = Wire(), nonce()
cookie = wire.cookie(second)
hand = Hand(wire=wire)
hand.begin()
wire.send(hello(second, cookie=cookie))
Wire().cookie(nonce())
until(lambda: workers_of(wire.local_port) == 1)
hand.ask("NOOP", "250")
hand.end()
END
    becomes 0 concurrent
}

@test "a greeting that nobody answers is repeated some times, and then the worker is free" {
    start_server
    story <<'END'
wire, cn, copies = Wire(), nonce(), []
cookie = wire.cookie(cn)
wire.send(hello(cn, cookie=cookie))
copies.append(wire.get("W"))
while workers_of(wire.local_port):
    if got := wire.look(0.5):
        copies.append(got)
assert len({(w.kind, w.sid, w.seq, w.cn, w.payload) for w in copies}) == 1, copies
assert all(a.ts < b.ts for a, b in zip(copies, copies[1:])), copies
assert len(copies) in (4, 5), len(copies)       # four expiries
END
    becomes 0 concurrent
}

@test "a client that left before its greeting came costs no worker" {
    start_server
    story <<'END'
wire, cn = Wire(), nonce()
cookie = wire.cookie(cn)
wire.send(hello(cn, cookie=cookie))
wire.socket.close()
until(lambda: workers_of(wire.local_port) == 0)
END
    becomes 0 concurrent
}

# --- the door: who is refused -----------------------------------------------------------------------------------------

# denied CODE: a hello with a good cookie is.
denied() {
    local code=$1
    shift
    "${@:-story}" "$code" <<'END'
try:
    Wire().shake(nonce())
except Denied as denied:
    assert denied.code == ARGUMENTS[0], denied
else:
    assert False, "it was not denied"
END
}

@test "when all workers are busy a hello gets R 450, and when one is free again a session" {
    start_server -o udp-workers-max=4 -o workers-min=1
    hold four 4 -n
    same 'greeted 4 of 4' "${GREETED% in *}"
    denied 450
    say four noop quit
    wait_until greets -n
}

# denied_at ADDRESS CODE
denied_at() { denied "$2" story_at "$1"; }

@test "an address outside loopback has sessions-per-address sessions, and R 450 beyond" {
    namespace 10.9.9.9/32
    start_server -o sessions-per-address=2
    hold two 2 -n -a 10.9.9.9 -b 10.9.9.9
    same 'greeted 2 of 2' "${GREETED% in *}"
    denied_at 10.9.9.9 450
    hold loop 5 -n
    same 'greeted 5 of 5' "${GREETED% in *}"
    say two noop quit
    wait_until greets -n -a 10.9.9.9 -b 10.9.9.9
}

@test "an address that acknowledges no last reply gets R 450 in the end" {
    # A session that is over does not count as one, and its worker may wait a minute for the acknowledgement of the
    # last reply: QUIT upon QUIT took all workers.
    namespace 10.9.9.9/32
    start_server -o sessions-per-address=2
    story_at 10.9.9.9 <<'END'
hands = [Hand() for _ in range(2)]
for _ in range(3):
    hands[-1].say("NOOP")
    hands[-1].get("D")
    hands[-1].put(payload=b"QUIT\r\n", ack=1)
    hands[-1].get("F")
    try:
        hands.append(Hand())
    except Denied as refusal:
        assert refusal.code == "450"
assert len(hands) == 4, len(hands)
END
}

@test "the numbered mode is for everybody, whoever plain mode is for" {
    namespace 203.0.113.5/32
    start_server -o udp-plain=off
    for address in 203.0.113.5 127.0.0.1; do
        after_helo usal -n -a "$address" -b "$address" <<<$'C: QUIT\nS: 221 Cerrando el servicio\nclosed'
    done
}

@test "a datagram of a session that is not there gets R 503" {
    start_server
    story <<'END'
wire = Wire()
for kind, seq, payload in ("D", 7, b"NOOP\r\n"), ("F", 3, b""), ("F", 3, b"221 x\r\n"), ("P", 0, b""):
    sid = nonce()
    sent = f"S1 {kind} {sid} {seq} 1 0 16 412 1a2b3\n".encode() + payload
    wire.send(sent)
    got = wire.get("R")
    assert (got.sid, got.code) == (sid, "503") and len(got.octets) <= len(sent), got
END
}

@test "what needs no answer gets none at the well-known port" {
    start_server
    story <<'END'
sid, cn, common = nonce(), nonce(), "1 0 16 412 1a2b3"
for octets in (f"S1 A {sid} 0 {common}\n", f"S1 R {sid} 421\n", f"S1 R {sid} 503\n",
               f"S1 C {cn} 67403b5e.9b1c44d07ae2f310\n",
               f"S1 W {sid} 1 {common} {cn}\n220 x\r\n", f"S1 D {sid} 1 {common}\n", f"S1 D {sid} 0 {common}\nx",
               f"S1 P {sid} 1 {common}\n", f"S1 D {sid.upper()}x 1 {common}\nx", "S1 D\n", "S1 ", "S1 \0"):
    Wire().unanswered(octets.encode())
END
    tells '0 0' historic concurrent
}

# --- a session: what each datagram does -------------------------------------------------------------------------------

@test "P is answered at once, by A, and A and R never" {
    start_server
    story <<'END'
hand = Hand()
a, before = hand.ping()
assert not before and (a.ack, a.sack) == (0, 0), (a, before)
for _ in range(3):
    hand.put("A")
hand.raw(f"S1 R {nonce()} 421\n".encode())      # not our session
hand.raw(f"S1 R {nonce()} 503\n".encode())
a, before = hand.ping()
assert not before, before
hand.begin().end()
END
}

@test "a segment of another session is dropped" {
    start_server
    story <<'END'
hand = Hand()
hand.put(payload=b"QUIT\r\n", seq=1, sid=nonce())
hand.put("P", sid=nonce())
a, before = hand.ping()
assert not before and (a.ack, a.sack) == (0, 0), (a, before)
END
}

@test "a stranger's datagrams do not reach a session, though he knows its number" {
    start_server
    story <<'END'
hand = Hand()
hand.begin()
for octets in f"S1 D {hand.sid} 2 2 0 16 1 -\nQUIT\r\n", f"S1 R {hand.sid} 421\n", f"S1 P {hand.sid} 0 2 0 16 1 -\n":
    for source in "127.0.0.1", "127.0.0.2":
        Wire(source).send(octets.encode(), hand.peer)
hand.ask("NOOP", "250")
hand.end()
END
}

@test "a datagram that is not quite well formed is dropped" {
    start_server
    story <<'END'
hand = Hand()
for form in ("S1 D SID 1 1 0 16 1a 1b\n", "S1 D SID 1 1 0 16 1a 1b\n" + "x" * 1101,
             "S1 D SID 1 1 0 16 1a 1b\n" + "x" * 9000, "S1 D SID 1 1 0 16 1a 1b\n" + "x" * 65000,
             "S1 D SID 1 1 0 16 1a 1b\r\nx", "S1 D SID 1 1 0 16 1a 1b \nx", "S1 D SID 1 1 0 16 1a 1b 1c\nx",
             "S1 D  SID 1 1 0 16 1a 1b\nx", "S1 D SID 1  1 0 16 1a 1b\nx", "S1 D SID 01 1 0 16 1a 1b\nx",
             "S1 D SID 0 1 0 16 1a 1b\nx", "S1 D SID +1 1 0 16 1a 1b\nx", "S1 D SID 2147483648 1 0 16 1a 1b\nx",
             "S1 D SID 4294967297 1 0 16 1a 1b\nx", "S1 D SID 18446744073709551617 1 0 16 1a 1b\nx",
             "S1 D SID 1 01 0 16 1a 1b\nx", "S1 D SID 1 - 0 16 1a 1b\nx", "S1 D SID 1 4294967297 0 16 1a 1b\nx",
             "S1 D SID 1 1 123456789 16 1a 1b\nx", "S1 D SID 1 1 - 16 1a 1b\nx", "S1 D SID 1 1 A 16 1a 1b\nx",
             "S1 D SID 1 1 0 33 1a 1b\nx", "S1 D SID 1 1 0 016 1a 1b\nx", "S1 D SID 1 1 0 -1 1a 1b\nx",
             "S1 D SID 1 1 0 16 123456789 1b\nx", "S1 D SID 1 1 0 16 1A 1b\nx", "S1 D SID 1 1 0 16 - 1b\nx",
             "S1 D SID 1 1 0 16 1a 1B\nx", "S1 D SID 1 1 0 16 1a --\nx", "S1 D SID 1 1 0 16 1a\nx",
             "S1 D SID 1 1 0 16 1a 1b", "S1 d SID 1 1 0 16 1a 1b\nx", "S1 X SID 1 1 0 16 1a 1b\nx",
             "S1  D SID 1 1 0 16 1a 1b\nx", "S1 D SID", "S1 ", "",
             "S1 P SID 1 1 0 16 1a 1b\n", "S1 P SID 0 1 0 16 1a 1b\nx", "S1 A SID 0 1 0 16 1a 1b\nx", "S1 R SID 421",
             "S1 R SID 4210\n", "S1 R SID\n", "QUIT\r\n", "\r\n", "S1 W SID 1 1 0 16 1a 1b 00d1e8a94f3b7a21\nx",
             "S1 C 00d1e8a94f3b7a21 67403b5e.9b1c44d07ae2f310\n"):
    hand.raw(form.replace("SID", hand.sid).encode())
    hand.next = 2       # an ack of it would be of something that was sent
    a, before = hand.ping()
    assert (a.ack, a.sack) == (0, 0), (form, a)
    assert not [got for got in before if got.kind != "W"], (form, before)
hand.next = 1
hand.begin().end()
END
}

@test "a segment of 1,100 octets is taken" {
    start_server
    story <<'END'
hand = Hand()
hand.begin()
hand.put(payload=b"NOOP\r\n" * 183 + b"NO")
for _ in range(183):
    assert hand.reply() == ["250 OK"]
hand.put(payload=b"OP\r\n")
assert hand.reply() == ["250 OK"]
hand.end()
END
}

@test "a segment that comes again is acknowledged at once, and not executed" {
    start_server -d itba -m mails
    story <<'END'
hand = Hand()

def thrice(line, code, again=None):
    hand.ask(line, code)
    for _ in range(3):
        hand.put(payload=(again or line).encode() + b"\r\n", seq=hand.next - 1)
        a = hand.get("A")
        assert a.ack == hand.next - 1 and a.sack == 0, a

assert hand.reply()[0].startswith("220 ")
thrice("HELO x", "250")
thrice("MAIL FROM:<a@b.es>", "250")             # executed again it would be nested
thrice("RCPT TO:<c@d.es>", "250", "QUIT")       # nobody looks at what it says
thrice("DATA", "354")
hand.say("text")
thrice(".", "250")
thrice("NOOP", "250")
assert hand.stream[hand.taken:] == b""
hand.end()
END
    becomes '1 1 0' mails udp-mails udp-refused-5
    same text "$(tail -n 1 "$(one_mail mails c)")"
}

@test "what is beyond the window is not held" {
    start_server
    story <<'END'
hand = Hand()
window = hand.first.win
hand.put(payload=b"NOOP\r\n", seq=window + 1)
a = hand.get("A")               # acknowledged at once all the same
assert (a.ack, a.sack) == (0, 0), a
hand.put(payload=b"NOOP\r\n", seq=2147483647)
a, before = hand.ping()
assert (a.ack, a.sack) == (0, 0), a
hand.put(payload=b"NOOP\r\n", seq=window)
a, before = hand.ping()
assert (a.ack, a.sack) == (0, 1 << window - 2), a
END
}

@test "nothing behind a hole is executed, and the acknowledgement says what is there" {
    start_server
    story <<'END'
hand = Hand()
hand.begin()
lines = {2: b"MAIL FROM:<a@b.es>\r\n", 3: b"RCPT TO:<c@d.es>\r\n", 4: b"RCPT TO:<e@d.es>\r\n", 5: b"DATA\r\n"}
for seq, sack in (5, 0b100), (4, 0b110), (3, 0b111):
    hand.put(payload=lines[seq], seq=seq)
    first = hand.get("A")       # at once, since there is a gap
    a, before = hand.ping()
    assert (first.ack, first.sack) == (a.ack, a.sack) == (1, sack) and not before, (first, a, before)
hand.put(payload=lines[2], seq=2)
assert [hand.reply()[0][:3] for _ in lines] == ["250", "250", "250", "354"]
a, _ = hand.ping()
assert (a.ack, a.sack) == (5, 0), a
hand.say(".")
assert hand.reply() == ["250 OK"]
hand.end()
END
}

@test "commands may be cut anywhere, and many may be in one segment" {
    start_server -m mails
    story <<'END'
hand = Hand()
hand.reply()
for octet in b"HELO c.example\r\n":
    hand.put(payload=bytes([octet]))
    if octet != b"\n"[0]:
        hand.get("A")
assert hand.reply() == ["250 OK"]
hand.say("MAIL FROM:<a@b.es>", "RCPT TO:<c@d.es>", "DATA")
assert [hand.reply()[0][:3] for _ in range(3)] == ["250", "250", "354"]
hand.say("one", "..two", ".", "NOOP", "FOO")
assert [hand.reply()[0][:3] for _ in range(3)] == ["250", "250", "500"]
hand.end()
END
    same $'one\n.two' "$(tail -n 2 "$(one_mail mails c)")"
}

@test "a session in pieces, each three times and in any order, is the session" {
    start_server -m mails
    story <<'END'
text = b"".join(b"line %d of a text\r\n" % i for i in range(100))
octets = b"HELO x\r\nMAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\n" + text + b".\r\nNOOP\r\n"
for seed in range(5):
    chance = random.Random(seed)
    hand = Hand()
    pieces, rest = [], octets
    while rest:
        length = chance.randint(1, 60)
        pieces.append(rest[:length])
        rest = rest[length:]
    done, step = 0, min(12, hand.first.win)
    while done < len(pieces):
        group = list(range(done, min(done + step, len(pieces)))) * 3
        chance.shuffle(group)
        for at in group:
            hand.put(payload=pieces[at], seq=at + 1)
        done = max(group) + 1
        until(lambda: hand.ping()[0].ack == done)
    assert [hand.reply()[0][:3] for _ in range(7)] == ["220", "250", "250", "250", "354", "250", "250"]
    hand.end()
END
    becomes '5 5' mails udp-mails
    local want
    want=$(for i in {0..99}; do echo "line $i of a text"; done | md5sum)
    for file in mails/c/new/*; do same "$want" "$(sed 1,4d "$file" | md5sum)"; done
}

@test "an acknowledgement of what was never sent drops its datagram, an old one is no harm" {
    start_server
    story <<'END'
hand = Hand()
hand.put(payload=b"QUIT\r\n", seq=1, ack=2)         # the server's next is 2
hand.put(payload=b"QUIT\r\n", seq=1, ack=2147483647)
a, before = hand.ping()
assert a.ack == 0 and not before, (a, before)
hand.next = 1
hand.begin()
hand.ask("NOOP", "250")
hand.put(payload=b"NOOP\r\n", ack=0)
assert hand.reply() == ["250 OK"]
hand.end()
END
}

@test "text without a reply is acknowledged, and not each segment of it" {
    start_server
    story <<'END'
hand = Hand()
hand.begin().mail("c")
hand.ping()
for i in range(10):
    ts = hand.say(f"line {i}")
acks = []
while not acks or acks[-1].ack < hand.next - 1:
    acks.append(hand.get("WDFA"))
assert {got.kind for got in acks} == {"A"} and len(acks) <= 10, acks
hand.say("a last one, that waits for no other")
assert hand.get("WDFA").ack == hand.next - 1
hand.ask(".", "250")
hand.end()
END
}

@test "a client's time comes back to it" {
    start_server
    story <<'END'
hand = Hand()
hand.reply()
hand.ping()
for line in "HELO x", "NOOP", "NOOP":
    ts = hand.say(line)
    got = hand.get()
    assert (got.te, got.ack) == (ts, hand.next - 1), (ts, got)
    hand.put("A")
    ts = hand.put("P")
    assert hand.get("A").te == ts
END
}

# --- a session: what the server repeats -------------------------------------------------------------------------------

@test "a reply is repeated until it is acknowledged, and then no more" {
    start_server
    story <<'END'
hand = Hand()
hand.reply()
hand.say("HELO x")
until(lambda: hand.get("D") and hand.copies[2] >= 3)    # Hand sees to it that they say the same
hand.put("A")
hand.ping()                     # what was under way
copies = hand.copies[2]
assert not hand.look(2) and hand.copies[2] == copies
assert hand.reply() == ["250 OK"]
hand.ask("NOOP", "250")
hand.end()
END
}

@test "of several segments without acknowledgement the oldest is repeated, and no other" {
    start_server -d itba
    story <<'END'
hand = Hand()
hand.begin()
hand.ping()
oldest = hand.heard + 1
hand.say(*["NOOP"] * 180)       # 2,520 octets of replies
while hand.copies[oldest] < 4:
    hand.get("D")
last = max(hand.segments)
assert last >= oldest + 2, hand.copies
assert all(hand.copies[seq] == 1 for seq in range(oldest + 1, last + 1)), hand.copies
for _ in range(180):
    assert hand.reply() == ["250 2.0.0 Ok"]
hand.end()
END
}

# window_is WIN SEGMENTS: a client that announces WIN has at most so many segments without acknowledgement.
window_is() {
    story "$@" <<'END'
win, allowed = map(int, ARGUMENTS)
hand = Hand(win=max(win, 1))
hand.begin()
hand.win = win
hand.ping()
base = hand.heard
hand.say(*["NOOP"] * 180)
while len(hand.segments) < base + allowed or hand.copies[base + 1] < 2:
    hand.get("D")
a, before = hand.ping(ack=base)
assert len(hand.segments) == base + allowed, hand.copies
for _ in range(180):
    assert hand.reply() == ["250 2.0.0 Ok"]
hand.end()
END
}

@test "the server sends no more than the client's window allows" {
    start_server -d itba
    window_is 1 1
    window_is 2 2
    window_is 0 1
}

@test "a client that sends and does not listen gets every reply in the end" {
    start_server -d itba
    story <<'END'
hand, windows = Hand(win=1), []
hand.begin()
hand.ping()
commands, silent_since = 0, time.monotonic()
base = hand.heard
allowed = 0
while commands < 100 * 180 and time.monotonic() < silent_since + 3:
    a, _ = hand.ping(ack=base)
    windows.append(a.win)
    allowed = a.ack + a.win
    if hand.next <= allowed:
        hand.put(payload=b"NOOP\r\n" * 180, ack=base)
        commands += 180
        silent_since = time.monotonic()
for _ in range(commands):
    assert hand.reply() == ["250 2.0.0 Ok"]
hand.end()
assert min(windows) < max(windows), windows
END
}

# --- the end ----------------------------------------------------------------------------------------------------------

@test "the reply to QUIT is in an F, and when that is acknowledged the worker is free" {
    start_server
    story <<'END'
hand = Hand()
hand.begin()
hand.say("QUIT")
got = hand.get("WDF")
assert (got.kind, got.payload) == ("F", b"221 Cerrando el servicio\r\n"), got
hand.put("A")
until(lambda: workers_of(hand.local_port) == 0)
assert hand.copies[hand.heard] <= 2, hand.copies
END
    becomes 0 concurrent
}

@test "an F that nobody acknowledges is repeated, and after some expiries the worker is free" {
    start_server
    story <<'END'
hand = Hand()
hand.begin()
hand.ping()
hand.say("QUIT")
final = hand.get("F").seq
end = time.monotonic() + 45     # the waits are 6.2 to 7.75 s
while workers_of(hand.local_port):
    hand.look(0.2)
    assert time.monotonic() < end, hand.copies
while hand.look(0):
    pass
assert hand.copies[final] in (5, 6), hand.copies       # five expiries
END
    becomes 0 concurrent
}

@test "a session that the server ends, ends with an F" {
    start_server -d itba -o errors=2 -o read-timeout=2
    talk -n <<<$'S~ 220\nC: FOO\nS~ 502 \nC: FOO\nS~ 421 \nclosed'
    talk -n <<<$'S~ 220\nC: NOOP\nS~ 250\nS~ 421 4\\.4\\.2 \nclosed'
}

@test "a client that leaves with R 421 frees the worker, and its mail is dropped" {
    start_server -m mails
    story <<'END'
hand = Hand()
hand.begin().mail("c")
hand.ping()
hand.raw(f"S1 R {hand.sid} 421\n".encode())
until(lambda: workers_of(hand.local_port) == 0)
assert not hand.look(0)
END
    becomes '0 0' concurrent mails
    no_mail mails
}

@test "a client that left without a word is found out by what is sent to it, and its mail is dropped" {
    start_server -m mails
    story <<'END'
# What is repeated until it is acknowledged finds it out: a first answer may just have come before the end.
hand = Hand()
hand.begin()
hand.ask("MAIL FROM:<a@b.es>", "250")
hand.ask("RCPT TO:<c@d.es>", "250")
hand.say("DATA")
hand.close()
until(lambda: workers_of(hand.local_port) == 0)
other = Hand()
other.begin()
other.say("QUIT")
other.close()
until(lambda: workers_of(other.local_port) == 0)
END
    stop_server
    no_mail mails
}

@test "while the server drains a hello gets R 421, and sessions go on" {
    start_server -o drain-timeout=600
    story "$SERVER_PID" <<'END'
import os, signal
hand, wire, cn = Hand(), Wire(), nonce()
hand.begin()
cookie = wire.cookie(cn)
os.kill(int(ARGUMENTS[0]), signal.SIGTERM)

def refused():
    wire.send(hello(nonce()))
    return wire.look(20).kind == "R"

until(refused)
for with_cookie in None, cookie:
    wire.send(hello(cn, cookie=with_cookie))
    got = wire.get("R")
    assert (got.sid, got.code) == (cn, "421"), got
hand.mail("c")
hand.ask(".", "250")
hand.end()
END
    server_ends 0
}

@test "sessions that outlast drain-timeout get their 421" {
    start_server -d itba -o drain-timeout=2
    open one -n
    open half -n
    say one 'S~ 220' 'C: HELO x' 'S~ 250'
    say half 'S~ 220' 'C: MAIL FROM:<a@b.es>' 'S~ 250' 'C: RCPT TO:<c@d.es>' 'S~ 250' 'C: DATA' 'S~ 354' 'C| half'
    kill -TERM "$SERVER_PID"
    say one 'S~ 421 4\.3\.2 ' closed
    say half 'S~ 421 4\.3\.2 ' closed
    server_ends 0
}

# kill_all: kill -9 of the master and all its children at once.
kill_all() {
    local victims
    mapfile -t victims < <(children)
    kill -9 "$SERVER_PID" "${victims[@]}"
    wait_until gone "$SERVER_PID"
    wait "$SERVER_PID" || true
    forget_server "$SERVER_PID"
    wait_until only_left
}

# half_a_session: a session that is not at its end; the file session has our port, its number and its peer.
half_a_session() {
    story <<'END'
hand = Hand()
hand.begin()
with open("session", "w", encoding="ascii") as file:
    print(hand.local_port, hand.sid, hand.peer[1], file=file)
hand.close()
END
}

# goes_on RESULT: the session goes on after a restart, in vain.
goes_on() {
    local words
    read -r -a words <session
    story "$1" "${words[@]}" <<'END'
result, port, sid, peer = ARGUMENTS
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.bind(("127.0.0.1", int(port)))
client.settimeout(20)
client.connect(("127.0.0.1", int(peer)))
try:
    client.send(f"S1 D {sid} 2 2 0 16 1 -\nNOOP\r\n".encode())
    got = client.recv(2000).decode()
except ConnectionRefusedError:
    got = "refused"
assert got == result.replace("SID", sid), got
END
}

@test "after a restart an old session's port is closed" {
    start_server
    half_a_session
    kill_all
    start_server -p "$PORT"
    goes_on refused
}

@test "after a restart with udp-port=same an old session gets R 503" {
    start_server -o udp-port=same
    half_a_session
    kill_all
    start_server -o udp-port=same -p "$PORT"
    goes_on $'S1 R SID 503\n'
}

# --- a filter at work -------------------------------------------------------------------------------------------------

@test "while a filter works the link is served" {
    printf '%s\n' '#!/bin/sh' "until [ -e '$PWD/go' ]; do sleep 0.1; done" 'exec cat' >slow
    chmod +x slow
    start_server -m mails -T "$PWD/slow"
    story <<'END'
hand = Hand()
hand.begin().mail("c")
hand.ping()
hand.say(".")
got = hand.get("WDFA")
assert (got.kind, got.ack) == ("A", hand.next - 1), got     # nobody asked for it
for _ in range(3):
    a, before = hand.ping()
    assert a.ack == hand.next - 1 and not [got for got in before if got.kind != "A"], before
hand.say("NOOP")
a, before = hand.ping()
assert a.ack == hand.next - 1, a
open("go", "w", encoding="ascii").close()
assert [hand.reply() for _ in range(2)] == [["250 OK"]] * 2
hand.end()
END
    same text "$(tail -n 1 "$(one_mail mails c)")"
}

# --- ports and families -----------------------------------------------------------------------------------------------

@test "udp-port=LO-HI keeps every session's port inside the range" {
    namespace
    start_server -o udp-port=41000-41009
    hold six 6 -n
    same 'greeted 6 of 6' "${GREETED% in *}"
    same 6 "$("${RUN_IN[@]}" ss -Hun "sport >= :41000 and sport <= :41009" | wc -l)"
    say six noop quit
}

@test "when all ports of udp-port=LO-HI are taken a hello gets R 450" {
    # It was handed to a worker that found no port, and dropped for 20 seconds when it was said again.
    start_server -o udp-port=41020-41021
    story <<'END'
first, second = Hand(), Hand()
try:
    Hand()
    raise Broken("a third session of two ports")
except Denied as refusal:
    assert refusal.code == "450"
second.begin().end()

def is_let_in():
    try:
        Hand().begin().end()
        return True
    except Denied:              # the port is not yet free
        return False

until(is_let_in)
END
}

@test "udp-port=same answers from the well-known port, and keeps sessions apart" {
    start_server -o udp-port=same
    story <<'END'
wire = Wire()
wire.socket.connect(wire.door)
hand = Hand(wire=wire)
assert hand.peer == wire.door
hand.begin()
Wire().cookie(nonce())
hand.ask("NOOP", "250")
hand.end()
END
    "$PYTHON" "$TOOLS/crowd.py" -n "$PORT" 20 expected
}

@test "udp-port=same: a client that begins anew on its old port gets a session" {
    start_server -o udp-port=same
    story <<'END'
hand = Hand()
hand.begin().ping()
hand.say("QUIT")
hand.get("F")                   # it is not acknowledged
hand = Hand(wire=hand.wire)
hand.begin().ping()             # and is left in the middle
hand = Hand(wire=hand.wire)
hand.begin().end()
END
}

@test "a hello in the client's name ends no session" {
    # With udp-port=same it does so after the last reply. Elsewhere, too, it once did.
    start_server
    story <<'END'
hand = Hand().begin()
hand.say("QUIT")
hand.get("F")
hand.raw(hello(nonce()))
hand.get("F")                   # again, since it was not acknowledged
END
}

@test "a session over IPv6" {
    need_ipv6
    start_server
    after_helo usal -n -a ::1 <<<$'C: MAIL FROM:<a@b.es>\nS: 250 OK\nC: QUIT\nS: 221 Cerrando el servicio\nclosed'
    stop_server
    same 1 "$(grep -c '^User connected: ::1:' "$LOGS/smtpd.log")"
}

# --- logs, counters, trace --------------------------------------------------------------------------------------------

@test "many sessions at once are told in peticiones.log as they were" {
    start_server
    "$PYTHON" "$TOOLS/crowd.py" -n "$PORT" 30 expected
    stop_server
    same '30 sessions' "$(read_log expected)"
    same 30 "$(grep -c '^Completed .*, on UDP protocol' "$LOGS/peticiones.log")"
    same 30 "$(grep -c '^User disconnected' "$LOGS/smtpd.log")"
}

@test "a mail that came so says no more of UDP than one over TCP" {
    start_server -m mails
    after_helo usal -n <<'END'
C: MAIL FROM:<a@b.es>
S~ 250
C: RCPT TO:<c@d.es>
S~ 250
C: DATA
S~ 354
C: x
C: .
S~ 250
END
    matches $'^\tby localhost \(servidor\) with SMTP id [A-Za-z0-9]{9}$' "$(sed -n 3p "$(one_mail mails c)")"
}

@test "the counters of a session are those of the same one over TCP" {
    start_server
    local option
    for option in '' -n; do
        # shellcheck disable=SC2086 # an option or none
        after_helo usal $option <<'END'
C: MAIL FROM:<a@b.es>
S: 250 OK
C: RCPT TO:<c@d.es>
S: 250 OK
C: DATA
S~ 354
C: text
C: .
S: 250 OK
C: FOO
S~ 500
C: QUIT
S~ 221
closed
END
    done
    becomes '2 0' historic concurrent
    becomes "$(ask tcp-sessions tcp-mails tcp-received tcp-sent tcp-refused-4 tcp-refused-5 | paste -s -d ' ')" \
        udp-sessions udp-mails udp-received udp-sent udp-refused-4 udp-refused-5
    matches '^[1-9]' "$(ask udp-received)"
}

@test "what comes again and what is sent again is counted, and is no octet" {
    start_server
    story <<'END'
hand = Hand()
hand.reply()
hand.ping()
hand.say("HELO x")
for _ in range(3):
    hand.put(payload=b"HELO x\r\n", seq=1)
while hand.copies[2] < 3:
    hand.get("D")
hand.reply()
hand.end()
END
    becomes 3 udp-duplicates
    [ "$(ask udp-resends)" -ge 2 ]
    tells "$((8 + 6)) $((${#GREETING} + 2 + 8 + 26))" udp-received udp-sent
}

@test "what is not well formed is counted, at the door and in a session" {
    start_server
    story <<'END'
for octets in b"S1 ", b"S1 H\n", hello(nonce(), size=63), hello(nonce(), size=1201):
    Wire().unanswered(octets)
hand = Hand()
hand.begin()
for octets in "S1 ", "S1 D SID 2 2 0 16 1 -\n", "S1 D SID 02 2 0 16 1 -\nx", "QUIT\r\n", "S1 P SID 0 2 0 16 1 -\r\n":
    hand.raw(octets.replace("SID", hand.sid).encode())
hand.end()
END
    becomes '9 1 0' udp-dropped historic udp-duplicates
}
