# shellcheck shell=bash disable=SC2034,SC2119,SC2120 # shorthands and arguments are for the tests
# What the checklist-*.bats files share: the lines of the checklist, each written once, judged in three ways.
#
# For a server of ours (the default) a line is told in both dialects, over TCP and over UDP (line 100): in the plain
# mode in one dialect and in the numbered mode in the other. Replies are exact, those over UDP are those over TCP, and
# the stored mails are what was sent, octet for octet.
# For any other server (TARGET_PORT is set, see checklist.sh) only the codes of the replies are judged, over TCP.
#
# A line's script is a function that prints what tools/judge.py reads. It knows DIALECT (usal, itba, or rfc for another
# server), TRANSPORT (tcp, udp or numbered), and the recipients' domain D.

load helper

SYNTAX='500 Error de sintaxis'
# What a command gets: CODES => USAL => ITBA. CODES is a regular expression for the code alone; a dialect's reply is
# exact, or begins as the regular expression behind ~ says.
OK='250 => 250 OK => 250 2.1.0 Ok'
OK0='250 => 250 OK => 250 2.0.0 Ok'
GO='354 => 354 Comenzando con el texto del correo, finalice con . => 354 End data with <CR><LF>.<CR><LF>'
DONE='250 => 250 OK => ~250 2\.0\.0 Ok: queued as [A-Za-z0-9]{9}$'
BYE='221 => 221 Cerrando el servicio => 221 2.0.0 Bye'
BAD_SENDER="501 => $SYNTAX => 501 5.1.7 Bad sender address syntax"
BAD_RECIPIENT="501 => $SYNTAX => 501 5.1.3 Bad recipient address syntax"
BAD_ARGUMENT="501 => $SYNTAX => ~501 5\\.5\\.4 "
UNKNOWN="50[02] => $SYNTAX => 502 5.5.2 Error: command not recognized"
NEED_MAIL="503 => $SYNTAX => 503 5.5.1 Error: need MAIL command"
NEED_RCPT="503 => $SYNTAX => 503 5.5.1 Error: need RCPT command"
NESTED="503 => $SYNTAX => 503 5.5.1 Error: nested MAIL command"
WRONG_ORDER="503 => $SYNTAX => ~503 5\\.5\\.1 "

# coded CODE STATUS [CODES]: a reply whose code and status are fixed, and whose text is the dialect's.
coded() { echo "${3:-$1} => ~$1 (?!\\d\\.\\d)\\S => ~$1 ${2//./\\.} "; }

D=${TARGET_DOMAIN:-d.es}
FROM=a@c.example

# --- what a script is made of -----------------------------------------------------------------------------------------

# replies 'CODES => USAL => ITBA'...: the next replies.
replies() {
    local row want
    for row; do
        want=${row#* => }
        case $DIALECT in
            usal) want=${want%% => *} ;;
            itba) want=${want##* => } ;;
            *) want=\#${row%% => *} ;;
        esac
        case $want in
            '~'*) echo "R~ ${want#\~}" ;;
            '#'*) echo "R# ${want#\#}" ;;
            *) echo "R: $want" ;;
        esac
    done
}

# answers 'COMMAND => CODES => USAL => ITBA'...: each command, and its reply.
answers() {
    local row
    for row; do
        printf 'C| %s\\r\\n\n' "${row%% => *}"
        replies "${row#* => }"
    done
}

greeting() { replies "220 => $GREETING => 220 localhost SMTP"; }

# The beginnings that the checklist names: H after EHLO, T after MAIL too, R after one accepted RCPT.
H() { greeting; answers "EHLO c.example => 250 => ~250 SIZE => ~250 SIZE "; }
T() { H; answers "MAIL FROM:<$FROM> => $OK"; }
R() { T; new_box; answers "RCPT TO:<$BOX@$D> => $OK"; }

# each STATE ROW...: a session for each row, in that state (greeting, H, T or R).
each() {
    local row
    for row in "${@:2}"; do
        echo again
        "$1"
        answers "$row"
    done
}

# new_box: BOX is a mailbox that no mail went to yet; of another server the one that must be there.
new_box() {
    boxes=$((${boxes:-0} + 1))
    BOX=${TARGET_USER:-$TRANSPORT$boxes}
}

# keeps BOX STORED: at the end of the line there is one mail in BOX, whose text is STORED.
keeps() { printf '%s\t%s\n' "$1" "$2" >>letters; }

# envelope [PARAMETER...]: MAIL with these, RCPT, DATA. For a new BOX.
envelope() {
    new_box
    answers "MAIL FROM:<$FROM>${1:+ $*} => $OK" "RCPT TO:<$BOX@$D> => $OK" "DATA => $GO"
}

# letter SENT STORED [SENDING...]: a mail whose text goes out as SENT (as tools/talk.py has octets; more of them are
# sent apart) is stored as STORED; the last one sent brings the end of the text.
letter() {
    envelope
    keeps "$BOX" "$2"
    printf 'C| %s\n' "$1" "${@:3}"
    replies "$DONE"
}

# refused_letter ROW SENT...: a mail with this text gets that reply behind its end, and is stored nowhere.
refused_letter() {
    envelope
    printf 'C| %s\n' "${@:2}"
    replies "$1"
}

# --- how it is judged -------------------------------------------------------------------------------------------------

foreign() { [ -n "${TARGET_PORT:-}" ]; }

# ours_only REASON: the test needs a server of ours.
ours_only() { ! foreign || skip "$1"; }

# keyword NAME: what stands behind NAME in the EHLO reply of another server; fails when it is not there.
keyword() {
    PORT=$TARGET_PORT DIALECT=rfc TRANSPORT=tcp
    judge H -a "${TARGET_HOST:-127.0.0.1}"
    grep -qi "^S: 250[ -]$1\b" "$BATS_TEST_TMPDIR/talk" || return 1
    sed -n "s/^S: 250[ -]$1 *//Ip" "$BATS_TEST_TMPDIR/talk"
}

# needs KEYWORD: the test is left out for another server that does not offer it.
needs() { ! foreign || keyword "$1" >/dev/null || skip "$1 is not offered"; }

# check [OPTION...] -- SCRIPT [AFTER]: the line's script, by a server with these options, and then what AFTER looks at.
# TRANSPORTS=tcp: where plain UDP has no such thing (a NUL or a line end at a datagram's end, a segment).
check() {
    local options=()
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    if foreign; then
        PORT=$TARGET_PORT DIALECT=rfc TRANSPORT=tcp
        judge "$2" -a "${TARGET_HOST:-127.0.0.1}"
        return
    fi
    for DIALECT in ${DIALECTS:-usal itba}; do
        LOGS=$BATS_TEST_TMPDIR/log.$DIALECT
        rm -rf mails letters
        start_server -d "$DIALECT" "${options[@]}"
        both_transports "$2" "${3:-:}"
        stop_server
    done
}

both_transports() {
    : >>letters
    local options
    for TRANSPORT in ${TRANSPORTS:-tcp $(over_udp)}; do
        options=()
        case $TRANSPORT in
            udp) options=(-u) ;;
            numbered) options=(-n) ;;
        esac
        judge "$1" "${options[@]}"
        sed -n 's/queued as .*/queued as ID/; s/^S: //p' "$BATS_TEST_TMPDIR/talk" >"replies.$TRANSPORT"
        "$2"
        stored_mails
        : >letters
        find mails -type f -delete 2>/dev/null || true
    done
    for TRANSPORT in udp numbered; do
        [ ! -e replies.tcp ] || [ ! -e "replies.$TRANSPORT" ] || diff replies.tcp "replies.$TRANSPORT"
    done
    rm -f replies.*
}

# Which mode of UDP a dialect is told in: both in each would take too long.
over_udp() { if [ "$DIALECT" = itba ]; then echo numbered; else echo udp; fi; }

# judge SCRIPT [OPTION...]: one run of a script; what deviates is printed.
judge() {
    local script=$1
    shift
    "$script" >orders
    "$PYTHON" "$TOOLS/judge.py" "$@" "$PORT" <orders >"$BATS_TEST_TMPDIR/talk" 2>&1 ||
        fail "$DIALECT over $TRANSPORT:"$'\n'"$(grep '^FAILED' talk || cat talk)"
}

# --- what is stored ---------------------------------------------------------------------------------------------------

# mails BOX: the files of its mails.
mails() { find "mails/$1/new" -type f 2>/dev/null; }

# stored_mails: what keeps said, octet for octet, and not a file more.
stored_mails() {
    # Most lines keep none, and a Python more in each of four runs is felt.
    [ -s letters ] || [ -n "$(find mails -type f 2>/dev/null)" ] || return 0
    "$PYTHON" "$TOOLS/letters.py" mails letters
}
