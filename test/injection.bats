#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# No string that a client, or a server, chooses becomes anything else than a string: no field of a header, no line of a
# log, no name of a file outside its place, no name of the environment, no word of a shell, and nothing that a terminal
# obeys. What is tried is in tools/tricks.py; single cases are where their topic is (maildir, logs, mail-logs, filter).

load helper

MANY='errors=1000000'

# serve [OPTION...]: a server that many tricks may be tried on.
serve() {
    expect_stderr '^servidor: sync=no'
    start_server -m "$PWD/mails" -o sync=no -o "$MANY" "$@"
}

# tricks [OPTION]: all of them, each everywhere. Sets kept, how many mails the server kept; the file expected has them.
tricks() {
    kept=$("$PYTHON" "$TOOLS/tricks.py" "$@" -e expected "$PORT")
    ((kept > 1000)) || fail "only $kept mails"
}

# judge_mails <<PYTHON: said of each stored mail: its path, its head, a match, its text; told is what was expected. A
# head is what the server wrote, and nothing else is in it.
judge_mails() {
    PYTHONPATH=$TOOLS "$PYTHON" - "$kept" 3<&0 <<'END'
import json, os, pathlib, re, sys
HEAD = re.compile(rb"""Return-Path: <(?P<sender>[^\x00-\x1f\x7f]*)>
Received: from [^<>()";@, \\\x00-\x1f\x7f-\xff]+ \(\[127\.0\.0\.1\]\)
\tby localhost \(servidor\) with [\w ()]+ id \w{9}
\tfor <(?P<recipient>[^\x00-\x1f\x7f]+)>; (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d? \w{3} \d{4} \d\d:\d\d:\d\d [-+]\d{4}
""")
told = json.load(open("expected", encoding="utf-8"))
paths = sorted(pathlib.Path("mails").glob("*/new/*"))
assert len(paths) == int(sys.argv[1]) == len(told), len(paths)
judge = compile(os.fdopen(3).read(), "judge", "exec")
for path in paths:
    data = path.read_bytes()
    head = HEAD.match(data)
    assert head, (path, data[:600])
    assert max(map(len, head[0].split(b"\n"))) <= 998, head[0]
    text = data[head.end():]
    exec(judge)
END
}

# mail_is_its_own: the envelope in the head of each mail is the one that its client said, and no text goes on with it.
mail_is_its_own() {
    judge_mails <<'END'
assert text[:1] not in (b" ", b"\t"), (path, data[:600])
number = re.search(rb"(?:^|\n)mail (\d+)\n$", text)
assert number or text in (b"", b".\n"), (path, text)     # a text that is a dot ends there
if number:
    sender, recipient, _ = told[number[1].decode()]
    assert (head["sender"].decode(), head["recipient"].decode()) == (sender, recipient), (path, data[:600])
END
}

# nothing_escaped BEFORE: around the mails nothing is new, and among them there are boxes alone, each a Maildir.
around() { find . \( -path ./mails -o -path ./log \) -prune -o -printf '%p %y\n' | LC_ALL=C sort; }
nothing_escaped() {
    diff "$1" <(around)
    same $'cur d\nnew d\ntmp d' "$(find mails -mindepth 2 -maxdepth 2 -printf '%f %y\n' | sort -u)"
    same 0 "$(find mails -mindepth 3 ! -path '*/new/*' | wc -l)"
    # No name needs quotes, or moves on a terminal.
    same "" "$(cd mails && find . -maxdepth 1 | LC_ALL=C grep -Evx '\.|\./(%([0-9A-F]{2})?|[a-z0-9._+=-])+')"
}

# logs_are_true COUNT: of so many sessions, with the mails that were kept.
logs_are_true() {
    same "$1 sessions" "$(read_log)"
    same "$1 sessions, $kept mails" "$("$PYTHON" "$TOOLS/readmaillog.py" -p "$LOGS/peticiones.log" "$LOGS/smtpd.log")"
}

# try_tricks [OPTION]: over one transport.
try_tricks() {
    local kept
    serve
    touch expected before
    around >before
    tricks "$@"
    nothing_escaped before
    mail_is_its_own
    stop_server
    logs_are_true 1
}

# --- whatever a client says, wherever it says it ----------------------------------------------------------------------

@test "over TCP no trick, wherever it stands, forges a header, a line of a log, or a file" { try_tricks; }

@test "over plain UDP no trick, wherever it stands, forges a header, a line of a log, or a file" { try_tricks -u; }

@test "over numbered UDP no trick, wherever it stands, forges a header, a line of a log, or a file" { try_tricks -n; }

# --- headers ----------------------------------------------------------------------------------------------------------

@test "the name that the DNS gives a client is none that could act" {
    need_root 'a file of hosts'
    namespace 10.9.9.8/32 10.9.9.9/32 10.9.9.7/32
    printf '%s\n' '127.0.0.1 localhost' '10.9.9.7 good-name.example' $'10.9.9.8 evil);(\e[2J' \
        $'10.9.9.9 x@y,<z>"\xe2\x80\xae' >hosts
    RUN_IN+=(unshare -m sh -c 'mount --bind hosts /etc/hosts && exec "$@"' sh)
    serve -o resolve=yes -d itba
    for address in 10.9.9.7 10.9.9.8 10.9.9.9; do
        talk -a "$address" -b "$address" <<END
S~ 220
C| MAIL FROM:<a@b.es>\r\nRCPT TO:<${address##*.}@d.es>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n
S~ 250
S~ 250
S~ 354
S~ 250
S~ 221
END
    done
    stop_server
    for address in 10.9.9.7 10.9.9.8 10.9.9.9; do sed -n 2p mails/"${address##*.}"/new/*; done >heads
    same 'Received: from unknown (good-name.example [10.9.9.7])
Received: from unknown ([10.9.9.8])
Received: from unknown ([10.9.9.9])' "$(cat heads)"
    same '3 sessions' "$(read_log)"
    same $'10.9.9.8 10.9.9.8\n10.9.9.9 10.9.9.9\ngood-name.example 10.9.9.7' \
        "$(sed -n 's/^Startup from \(.*\) on IP \(.*\) and port .*/\1 \2/p' "$LOGS/peticiones.log" | sort)"
}

# --- file names -------------------------------------------------------------------------------------------------------

@test "of 400 local parts made of what paths are made of, each has a box of its own, and one that no other has" {
    serve
    PYTHONPATH=$TOOLS "$PYTHON" - "$PORT" <<'END'
import pathlib, random, re, sys
from channel import Tcp
chance = random.Random(1)
pieces = ["/", "..", ".", "%", "%2F", "%2f", "%2e", "%25", "%20", "20", "F", "e", "A", "a", "~", "-", " ", "new", "tmp",
          "\\", "\0"]
parts = {"".join(chance.choices(pieces, k=chance.randint(1, 8))) for _ in range(400)}
session = Tcp("127.0.0.1", int(sys.argv[1]))
def say(text):
    session.send(text.encode() + b"\r\n")
    return session.line()
session.line(), say("HELO x")
boxes, refused = {}, 0
for part in sorted(parts):
    quoted = re.sub(r'(["\\])', r"\\\1", part)
    say("RSET"), say("MAIL FROM:<a@b.es>")
    before = set(pathlib.Path("mails").iterdir())
    if not say(f'RCPT TO:<"{quoted}"@d.es>').startswith("250 "):
        assert "\0" in part, part
        continue
    say("DATA")
    assert say(f"x\r\n.").startswith("250 "), part
    made = set(pathlib.Path("mails").iterdir()) - before
    assert len(made) == (part.lower() not in boxes), (part, made)   # ASCII letters have no case there
    boxes.setdefault(part.lower(), made)
assert len(boxes) > 250, len(boxes)
END
    same "" "$(find mails -mindepth 3 ! -path '*/new/*')"
}

# At its start the server sweeps tmp/ of each Maildir in its folder: these boxes are named as what is in one.
@test "boxes named new, cur and tmp, and names that are hidden, are boxes, and outlive a start" {
    local box round
    serve
    for round in 1 2; do
        for box in new cur tmp '".hidden"' servidor.pid -rf '~'; do
            printf '%s\n' "C| MAIL FROM:<a@b.es>\\r\\nRCPT TO:<$box@d.es>\\r\\nDATA\\r\\nx\\r\\n.\\r\\n" \
                'S~ 250' 'S~ 250' 'S~ 354' 'S~ 250'
        done | after_helo usal
        touch -d '3 days ago' mails/*/new/*
        same "%2Ehidden/$round %7E/$round -rf/$round cur/$round new/$round servidor.pid/$round tmp/$round" \
            "$(cd mails && for box in *; do echo "$box/$(find "./$box/new" -type f | wc -l)"; done |
                LC_ALL=C sort | xargs)"
        stop_server
        [ "$round" = 2 ] || serve
    done
}

# --- the filter -------------------------------------------------------------------------------------------------------

@test "no trick makes a name in the environment of the filter, nor a value but its own" {
    not_under_valgrind 'a fork takes a second, and here are two thousand'
    local kept
    SENDER=old LD_PRELOAD='' serve -T 'cat /proc/self/environ'
    tricks
    # The number of a mail is in its text, which this filter does not keep: the head tells whose environment it is.
    judge_mails <<'END'
entries = text.split(b"\0")
assert entries.pop() in (b"", b"\n"), text
names = [entry.partition(b"=")[0] for entry in entries]
assert len(set(names)) == len(names), names
values = dict(entry.split(b"=", 1) for entry in entries)
usual = usual if "usual" in globals() else sorted(names)
assert sorted(names) == usual and {b"SENDER", b"RECIPIENTS", b"CLIENT"} <= set(names), (names, usual)
assert not any(name.startswith(b"LD_") and values[name] for name in names), names
assert values[b"SENDER"] == head["sender"] and values[b"RECIPIENTS"] == head["recipient"], (head, values)
assert values[b"RECIPIENT_COUNT"] == b"1" and values[b"CLIENT"] == b"127.0.0.1", values
END
}

# --- the client's terminal and log ------------------------------------------------------------------------------------

# unharmed FILE...: there is something in them, and nothing of it acts on a terminal, but for line ends.
unharmed() {
    PYTHONPATH=$TOOLS "$PYTHON" - "$@" <<'END'
import sys
from tricks import UNSEEN
for path in sys.argv[1:]:
    with open(path, "rb") as file: data = file.read()
    assert data, path
    for line in data.decode("utf-8").removesuffix("\n").split("\n"):
        assert not UNSEEN.search(line.removesuffix("\r")), (path, line)
END
}

# Marks and orders to a terminal, as a server's script has them, and every octet but LF.
NASTY='\xd8\x9c\xe2\x80\x8f\xe2\x80\xae\xe2\x81\xa7\xc2\x9b2J\x1b]0;x\x07\x00'$(printf '\\x%02x' {1..9} {11..255})

# replay MODE ORDERS [OPTION...]: the orders over one of the ways, to a server that is a script. Leaves out and err.
replay() {
    local option=() transport=UDP script=fake_$1.py
    case $1 in
        tcp) transport=TCP ;;
        udp) option=(-c) ;;
    esac
    start_fake "$script" "${@:3}"
    timeout 120 "$CLIENTE" "${option[@]}" -t 1 -r 0 -l . -p "$PORT" localhost "$transport" "$2" \
        >out 2>err 3>&- 4>&- || true
    end_sessions || true
}

@test "whatever a server says, neither the client's terminal nor its log obeys" {
    local mode
    printf '%s\n' 'HELO x' NOOP 'MAIL FROM:<a@b>' 'RCPT TO:<c@d>' QUIT NOOP >orders
    for mode in tcp udp numbered; do
        rm -f ./*.txt
        replay "$mode" orders --greeting "220 $NASTY\\r\\n" --reply "HELO=250-$NASTY\\r\\n250 $NASTY\\r\\n" \
            --reply "NOOP=250 $NASTY\\n" --reply "RCPT=550 $NASTY\\r\\n" --reply "QUIT=221 $NASTY\\r\\n"
        unharmed out err ./*.txt
        # Greeting, the reply of two lines, four more, and the remark on the 550: no record begins otherwise.
        same "250 All CLIENTE NO" \
            "$(cut -d ' ' -f 1 ./*.txt | sed '/^\r*$/d; s/^\(CLIENTE\)[TCUDP]*$/\1/' | LC_ALL=C sort -u | xargs)"
        same 6 "$(grep -c '^CLIENTE.* - Recibo: ' ./*.txt)"
        replay "$mode" orders --greeting "554 $NASTY\\r\\n"
        unharmed err
        # In the plain mode that is no greeting, but noise.
        [ "$mode" = udp ] || grep -q 'refused the session: "554 \\330' err
        replay "$mode" orders --reply "NOOP=421 $NASTY\\r\\n"
        unharmed err
        grep -q 'ended the session: "421 \\330' err
    done
}

@test "an order file that is nasty is sent as it is, and shown so that no terminal obeys" {
    local mode nasty
    nasty=$(printf '%b' "${NASTY//\\x0d/}" | tr -d '\0')
    printf 'HELO x\nMAIL FROM:%s\nDATA\n' "$nasty" >orders
    for mode in tcp udp numbered; do
        case $mode in
            tcp) replay tcp orders --at 'MAIL FROM:' --do mute ;;
            udp) replay udp orders --mute 'MAIL FROM:' ;;
            numbered) replay numbered orders --reply 'MAIL FROM:=' ;;
        esac
        unharmed err
        grep -q 'MAIL FROM:\\330\\234' err
    done
}
