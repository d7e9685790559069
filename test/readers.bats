#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# Programs that others wrote send mail, and read what was kept: swaks, curl, msmtp, nc and smtplib on one side, mutt and
# Python's mailbox on the other. And our own client, over both transports.

load helper

local_setup() { MAILS=$BATS_TEST_TMPDIR/mails; }

need() { command -v "$1" >/dev/null || skip "$1 is not here"; }

# serve OPTION...: a server that keeps its mail in MAILS.
serve() { start_server -m "$MAILS" "$@"; }

# only_mail BOX: the path of the one mail that this box has, in new/.
only_mail() {
    local found
    found=$(find "$MAILS/$1" ! -type d)
    [[ $found == "$MAILS/$1/new/"* && $found != *$'\n'* ]] || { echo "the files of box $1: $found" >&2; return 1; }
    echo "$found"
}

# The text of a mail: the server writes four lines above it.
text_of() { tail -n +5 "$1"; }

# --- mail from others -------------------------------------------------------------------------------------------------

# each_way FUNCTION: for a server of each dialect, FUNCTION called with 127.0.0.1 and with ::1 sends the file letter
# from a@b.es to theo@d.es and gonza@d.es. It is stored in both boxes as it is, once.
each_way() {
    local dialect address addresses=(127.0.0.1)
    if grep -q '^0\{31\}1 ' /proc/net/if_inet6; then addresses+=(::1); fi
    write_letter
    sed 's/$/\r/' letter >letter.crlf
    for dialect in usal itba; do
        for address in "${addresses[@]}"; do
            LOGS=$BATS_TEST_TMPDIR/log.$dialect.$address MAILS=$BATS_TEST_TMPDIR/mails.$dialect.$address
            serve -d "$dialect"
            "$1" "$address"
            stop_server
            cmp letter <(text_of "$(only_mail theo)")
            [ "$(only_mail theo)" -ef "$(only_mail gonza)" ]
            same 2 "$(find "$MAILS" ! -type d | wc -l)"
            same 'Return-Path: <a@b.es>' "$(head -n 1 "$(only_mail theo)")"
            matches "^Received: from client\.example \(\[(IPv6:)?$address\]\)\$" "$(sed -n 2p "$(only_mail theo)")"
        done
    done
}

write_letter() {
    printf '%s\n' 'From: A <a@b.es>' 'To: theo@d.es,' ' gonza@d.es' 'Subject: a letter' \
        'Date: Tue, 24 Nov 2026 12:56:19 +0000' 'Message-ID: <1@b.es>' 'MIME-Version: 1.0' \
        'Content-Type: text/plain; charset=utf-8' 'Content-Transfer-Encoding: 8bit' '' 'Línea 1: ñ € 😀' '.' '..' \
        '.dot' ' . ' '' 'From here' '>From there' $'tab\tand blanks   ' "$(printf 'x%.0s' {1..998})" '' 'last' >letter
}

with_nc() {
    { printf '%s\n' 'EHLO client.example' 'MAIL FROM:<a@b.es>' 'RCPT TO:<theo@d.es>' 'RCPT TO:<gonza@d.es>' DATA
      sed 's/^\./../' letter
      printf '%s\n' . QUIT
    } | timeout 60 nc -C "$1" "$PORT" >answer
    grep -q '^221 ' answer || { cat answer; return 1; }
}

@test "nc -C sends a mail" { need nc; each_way with_nc; }

with_swaks() {
    local way=(--server "$1" --port "$PORT")
    # Without a module of Perl it knows IPv4 alone.
    [[ $1 != *:* ]] || perl -MIO::Socket::INET6 -e 1 2>/dev/null || way=(--pipe "nc $1 $PORT")
    # It adds a line end of its own.
    head -c -1 letter >letter.swaks
    timeout 60 swaks "${way[@]}" --helo client.example --from a@b.es --to theo@d.es,gonza@d.es --data @letter.swaks \
        "${SWAKS[@]}" >answer 2>&1 || { cat answer; return 1; }
}

@test "swaks sends a mail" { need swaks; SWAKS=(); each_way with_swaks; }

@test "swaks sends a pipelined mail" { need swaks; SWAKS=(--pipeline); each_way with_swaks; }

@test "swaks sends a mail with HELO" { need swaks; SWAKS=(--protocol SMTP); each_way with_swaks; }

with_curl() {
    local host=$1
    case $host in *:*) host="[$host]" ;; esac
    curl -sS --max-time 60 "smtp://$host:$PORT/client.example" --mail-from a@b.es --mail-rcpt theo@d.es \
        --mail-rcpt gonza@d.es --upload-file letter.crlf
}

@test "curl sends a mail" { need curl; each_way with_curl; }

with_msmtp() {
    timeout 60 msmtp --host="$1" --port="$PORT" --domain=client.example --from=a@b.es --auth=off --tls=off \
        theo@d.es gonza@d.es <letter
}

@test "msmtp sends a mail" { need msmtp; each_way with_msmtp; }

with_smtplib() {
    "$PYTHON" - "$1" "$PORT" <<'END'
import smtplib, sys
with open("letter.crlf", "rb") as file: letter = file.read()
with smtplib.SMTP(sys.argv[1], int(sys.argv[2]), "client.example", timeout=60) as client:
    refused = client.sendmail("a@b.es", ["theo@d.es", "gonza@d.es"], letter, ["BODY=8BITMIME"])
    assert refused == {}, refused
END
}

@test "smtplib of Python sends a mail" { each_way with_smtplib; }

@test "curl sends all octets, and the empty mail" {
    need curl
    serve
    "$PYTHON" -c '
import sys
sys.stdout.buffer.write(bytes(range(256)).replace(b"\r", b"").replace(b"\n", b"\r\n") + b"\r\n")' >all
    curl -sS --max-time 60 "smtp://127.0.0.1:$PORT" --mail-from a@b.es --mail-rcpt theo@d.es --upload-file all
    cmp <(LC_ALL=C sed 's/\r$//' all) <(text_of "$(only_mail theo)")
    : >empty
    curl -sS --max-time 60 "smtp://127.0.0.1:$PORT" --mail-from a@b.es --mail-rcpt gonza@d.es --upload-file empty
    same '' "$(text_of "$(only_mail gonza)" | tr -d '\n')"
}

@test "smtplib of Python sends a mail to addresses in UTF-8" {
    serve -d itba
    "$PYTHON" - "$PORT" <<'END'
import email.message, email.policy, smtplib, sys
mail = email.message.EmailMessage(email.policy.SMTPUTF8)
mail["From"], mail["To"], mail["Subject"] = "josé@españa.es", "ñandú@d.es", "¿qué tal?"
mail.set_content("sí\n", cte="8bit")
with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), "client.example", timeout=60) as client:
    assert client.send_message(mail) == {}
END
    local file
    file=$(only_mail %C3%B1and%C3%BA)
    same 'Return-Path: <josé@españa.es>' "$(head -n 1 "$file")"
    matches $'^\tby localhost \\(servidor\\) with UTF8SMTP id [A-Za-z0-9]{9}$' "$(sed -n 3p "$file")"
    matches $'^\tfor <ñandú@d\.es>; ' "$(sed -n 4p "$file")"
    text_of "$file" >text
    grep -qx 'From: josé@españa.es' text
    grep -qx 'To: ñandú@d.es' text
    grep -qx 'Subject: ¿qué tal?' text
    same sí "$(tail -n 1 text)"
}

@test "smtplib of Python sends 5 MB in an attachment, and mailbox of Python gets them back" {
    serve
    "$PYTHON" - "$PORT" "$MAILS" <<'END'
import email.message, email.policy, mailbox, random, smtplib, sys
octets = random.Random(3).randbytes(5000000)
mail = email.message.EmailMessage()
mail["From"], mail["To"], mail["Subject"] = "a@b.es", "theo@d.es", "large"
mail.set_content(".text\n")
mail.add_attachment(octets, maintype="application", subtype="octet-stream", filename="ñ.bin")
with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=100) as client:
    assert client.send_message(mail) == {}
def read(file): return email.message_from_binary_file(file, policy=email.policy.default)
(stored,) = mailbox.Maildir(sys.argv[2] + "/theo", read, False)
assert stored["Return-Path"] == "<a@b.es>" and stored["Subject"] == "large"
assert stored.get_body().get_content() == ".text\n"
(attachment,) = stored.iter_attachments()
assert attachment.get_filename() == "ñ.bin" and attachment.get_content() == octets
END
}

# --- mail for others --------------------------------------------------------------------------------------------------

# letters_of COUNT [FIRST]: so many mails to theo, with their numbers as subjects.
letters_of() {
    local i
    for ((i = ${2:-1}; i < ${2:-1} + $1; i++)); do
        printf '%s\n' 'C| MAIL FROM:<a@b.es>\r\nRCPT TO:<theo@d.es>\r\nDATA\r\n' 'S~ 250 ' 'S~ 250 ' 'S~ 354 ' \
            "C| From: a@b.es\\r\\nSubject: letter $i\\r\\n\\r\\ntext of $i\\r\\nFrom here\\r\\n\\r\\n.\\r\\n" 'S~ 250 '
    done | after_helo usal
}

# read_with_mutt BOX KEYS [OPTION...]: mutt opens the box, KEYS are pressed. It has a terminal of its own, and neither
# folder nor settings nor cache but those of this test.
read_with_mutt() {
    printf '%s\n' 'set folder=.' 'set spoolfile=.' 'set sort=subject' 'set move=no' 'set quit=yes' 'set wait_key=no' \
        'set pipe_split=yes' 'set pipe_decode=no' 'set pipe_sep=""' 'set weed=no' 'set sleep_time=0' 'set mark_old=no' \
        'set delete=yes' >muttrc
    HOME=$PWD TERM=dumb LC_ALL=C timeout 60 "$PYTHON" -c '
import os, pty, sys
def screen(terminal): return os.read(terminal, 65536)
def keys(_): return b""
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], screen, keys)))' \
        mutt -n -F muttrc "${@:3}" -f "$MAILS/$1" -e "push '$2'" </dev/null >screen 2>&1 ||
        { tail -c 600 screen; return 1; }
}

@test "mutt reads what was kept" {
    need mutt
    serve
    letters_of 3
    read_with_mutt theo '<tag-pattern>~A<enter><tag-prefix><pipe-message>cat >>piped<enter><exit>' -R
    for i in 1 2 3; do cat "$(grep -l "^Subject: letter $i\$" "$MAILS"/theo/new/*)"; done | cmp - piped
    same 3 "$(find "$MAILS/theo/new" -type f | wc -l)"
    # By what stands in the header: who sent it, and when.
    rm piped
    read_with_mutt theo '<limit>~f a@b\\.es ~s "letter 2" ~d <1d<enter><pipe-message>cat >>piped<enter><exit>' -R
    cmp piped "$(grep -l '^Subject: letter 2$' "$MAILS"/theo/new/*)"
}

# prints_of FOLDER: what can be told of each file in it.
prints_of() { find "$1" -type f -printf '%f %i %n %s %m %T@ %C@\n' | sort; }

@test "a mail that mutt has read stays in cur/, and the server never touches it" {
    need mutt
    serve
    letters_of 3
    read_with_mutt theo '<limit>~s "letter 2"<enter><display-message><exit><limit>~A<enter><quit>'
    same 1 "$(find "$MAILS/theo/cur" -name '*:2,S' | wc -l)"
    same 'letter 2' "$(sed -n 's/^Subject: //p' "$MAILS"/theo/cur/*:2,S)"
    same 3 "$(find "$MAILS/theo" -type f | wc -l)"
    touch -d '100 hours ago' "$MAILS"/theo/cur/*
    prints_of "$MAILS/theo/cur" >before
    letters_of 2 4
    stop_server
    serve
    letters_of 1 6
    diff before <(prints_of "$MAILS/theo/cur")
    same 6 "$(find "$MAILS/theo" -type f | wc -l)"
    # What mutt deletes is gone, and what it marks keeps its mark.
    read_with_mutt theo '<tag-pattern>~s "letter [135]"<enter><tag-prefix><delete-message><quit>'
    same $'letter 2\nletter 4\nletter 6' "$(find "$MAILS/theo" -type f -exec sed -n 's/^Subject: //p' {} + | sort)"
    letters_of 1 7
    same 4 "$(find "$MAILS/theo" -type f | wc -l)"
}

@test "mailbox of Python reads and marks what was kept, while more comes in" {
    serve
    letters_of 5
    cat >reader.py <<'END'
import mailbox, sys
box = mailbox.Maildir(sys.argv[1], None, create=False)
wanted, marked = sys.argv[2].split(","), sys.argv[3].split(",")
mails = {mail["Subject"].split()[1]: (key, mail) for key, mail in box.iteritems()}
assert sorted(mails) == wanted, sorted(mails)
assert sorted(number for number, (_, mail) in mails.items() if "S" in mail.get_flags()) == list(filter(None, marked))
for number, (key, mail) in mails.items():
    assert mail["Return-Path"] == "<a@b.es>" and mail.get_payload() == f"text of {number}\nFrom here\n\n"
    assert mail.get_subdir() == ("cur" if number in marked else "new")
    if number in "12":
        mail.set_subdir("cur")
        mail.set_flags("S")
        box[key] = mail
END
    "$PYTHON" reader.py "$MAILS/theo" 1,2,3,4,5 ''
    prints_of "$MAILS/theo/cur" >before
    letters_of 3 6
    diff before <(prints_of "$MAILS/theo/cur")
    "$PYTHON" reader.py "$MAILS/theo" 1,2,3,4,5,6,7,8 1,2
}

# --- our own client ---------------------------------------------------------------------------------------------------

# tree: each mail of each box, in the order of the boxes and of their coming, without what stands above the text.
tree() {
    local box file
    for box in "$MAILS"/*; do
        # shellcheck disable=SC2012 # names of digits and letters; by the seconds, then the microseconds
        ls "$box/new" | sort -t . -k 1,1n -k 2.2,2n | while IFS= read -r file; do
            echo "=== ${box##*/}"
            text_of "$box/new/$file"
        done
    done
}

# replayed TRANSPORT HOST [OPTION...]: the client replays the three order files; sets MAILS.
replayed() {
    local orders
    LOGS=$BATS_TEST_TMPDIR/log.$* MAILS=$BATS_TEST_TMPDIR/mails.$*
    serve
    mkdir -p client
    for orders in ordenes ordenes1 ordenes2; do
        timeout 120 "$CLIENTE" "${@:3}" -p "$PORT" -l client "$2" "$1" "$ROOT/ordenes/$orders.txt" >said 2>&1 ||
            { cat said; return 1; }
    done
    stop_server
    same 10 "$(find "$MAILS" ! -type d | grep -c "^$MAILS/[a-z]*/new/")"
    same 10 "$(find "$MAILS" ! -type d | wc -l)"
    same 5 "$(find "$MAILS" ! -type d -printf '%i\n' | sort -u | wc -l)"
}

@test "the client delivers the same mails over TCP and in both modes of UDP, to the boxes of its order files" {
    local host hosts=(127.0.0.1)
    if grep -q '^0\{31\}1 ' /proc/net/if_inet6; then hosts+=(::1); fi
    local first=$'Texto de mi correo.\nLínea 2 de mi correo en ordenes.txt'
    local second=$'Texto de mi correo 1.\nLínea 2 de mi correo en ordenes1.txt'
    local third=$'Texto de mi correo 2.\nLínea 2 de mi correo en ordenes2.txt'
    printf '=== %s\n%s\n' brown "$third" cristina "$first" cristina "$second" \
        cristina $'Texto de mi correo 22.\nDATA\nLínea 2 de mi correo en ordenes2.txt' jones "$first" jones "$third" \
        luisa "$first" luisa "$second" manolo "$first" pepe 'Texto de mi segundo correo en ordenes1.txt' >want
    for host in "${hosts[@]}"; do
        replayed TCP "$host"
        diff want <(tree)
        same 10 "$(cat "$MAILS"/*/new/* | grep -c ' with SMTP id ')"
        replayed UDP "$host"
        diff want <(tree)
        same 10 "$(cat "$MAILS"/*/new/* | grep -c ' with SMTP id ')"
        replayed UDP "$host" -c
        diff want <(tree)
        same 10 "$(cat "$MAILS"/*/new/* | grep -c ' with UDP (unnumbered) id ')"
        same 6 "$(cat "$MAILS"/*/new/* | grep -c '^Return-Path: <pepe@usal.es>$')"
    done
}
