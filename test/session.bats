#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031 # each test is a subshell, and sets what it needs
# What is said in a session: the two dialects, the order of commands, addresses, limits, line ends.
# Most tests hold for both dialects; those that the transport cannot
# change are told over UDP too.

load helper

# both_dialects OPTIONS... -- FUNCTION: a server of each dialect, FUNCTION called with the dialect's name.
both_dialects() {
    local dialect options=()
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    for dialect in usal itba; do
        LOGS=$BATS_TEST_TMPDIR/log.$dialect
        start_server -d "$dialect" "${options[@]}"
        "$2" "$dialect"
        stop_server
    done
}

# answers DIALECT 'COMMAND => USAL => ITBA'...: each command gets the reply line of the dialect; a reply that begins
# with ~ is a regular expression.
answers() {
    local dialect=$1 row command usal itba want
    shift
    for row; do
        command=${row%% => *} row=${row#* => }
        usal=${row%% => *} itba=${row##* => }
        want=$usal
        [ "$dialect" = usal ] || want=$itba
        printf 'C| %s\\r\\n\n' "$command"
        case $want in
            '~'*) echo "S~ ${want#\~}" ;;
            *) echo "S: $want" ;;
        esac
    done
}

SYNTAX='500 Error de sintaxis'
OK='250 OK => 250 2.1.0 Ok'
OK0='250 OK => 250 2.0.0 Ok'

# --- the table of dialects --------------------------------------------------------------------------------------------

whole_session() {
    { [ "$1" = usal ] && echo "S: $GREETING" || echo 'S: 220 localhost SMTP'
      answers "$1" "HELO usal.es => 250 OK => 250 localhost" \
          "MAIL FROM: <a@b.es> => $OK" "RCPT TO: <c@d.es> => $OK" "RCPT TO: <e@d.es> => $OK" \
          "DATA => 354 Comenzando con el texto del correo, finalice con . => 354 End data with <CR><LF>.<CR><LF>" \
          'Subject: hello\r\n\r\ntext\r\n. => 250 OK => ~250 2\.0\.0 Ok: queued as [A-Za-z0-9]{9}$' \
          "RSET => $OK0" "NOOP => $OK0" "QUIT => 221 Cerrando el servicio => 221 2.0.0 Bye"
      echo closed
    } | talk "${@:2}"
}

@test "a whole session over TCP has the replies of its dialect" { both_dialects -- whole_session; }

whole_session_udp() { whole_session "$1" -u; }

@test "a whole session over UDP has the replies of its dialect" { both_dialects -- whole_session_udp; }

ehlo() {
    { [ "$1" = usal ] && echo "S: $GREETING" || echo 'S: 220 localhost SMTP'
      printf '%s\n' 'C: EHLO c.example' 'S: 250-localhost' 'S: 250-PIPELINING' 'S: 250-8BITMIME' 'S: 250-SMTPUTF8' \
          'S: 250-CHUNKING'
      [ "$1" = usal ] || echo 'S: 250-ENHANCEDSTATUSCODES'
      printf '%s\n' 'S: 250 SIZE 10240000' 'C: QUIT' 'S~ 221 '
    } | tee script | talk
    talk -u <script
}

@test "EHLO answers the name, the extensions, and SIZE last" { both_dialects -- ehlo; }

@test "-n gives the name in the greeting and in the answers to HELO and EHLO" {
    start_server -d itba -n mx.usal.es
    talk <<'END'
S: 220 mx.usal.es SMTP
C: HELO c.example
S: 250 mx.usal.es
C: EHLO c.example
S: 250-mx.usal.es
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250-ENHANCEDSTATUSCODES
S: 250 SIZE 10240000
END
    LOGS=$BATS_TEST_TMPDIR/usal
    start_server -n mx.usal.es
    after_helo usal <<<$'C: EHLO c.example\nS: 250-mx.usal.es'
}

unknown_verbs() {
    answers "$1" "FOOBAR => $SYNTAX => 502 5.5.2 Error: command not recognized" \
        "DATOS => $SYNTAX => 502 5.5.2 Error: command not recognized" \
        "NOOPS => $SYNTAX => 502 5.5.2 Error: command not recognized" \
        "EXPN all => ~502 => ~502 5\.5\.1 " "TURN => ~502 => ~502 5\.5\.1 " \
        "NOOP => $OK0" | tee script | after_helo "$1"
    after_helo "$1" -u <script
}

@test "an unknown verb and a verb that is not offered keep the session" { both_dialects -- unknown_verbs; }

empty_lines() {
    answers "$1" " => $SYNTAX => ~50[02] 5\.5\.2 " "   => $SYNTAX => ~50[02] 5\.5\.2 " "NOOP => $OK0" | after_helo "$1"
}

@test "an empty command line is a syntax error" { both_dialects -- empty_lines; }

bad_addresses() {
    answers "$1" "MAIL FROM:<pepe> => $SYNTAX => 501 5.1.7 Bad sender address syntax" \
        "MAIL FROM: => $SYNTAX => 501 5.1.7 Bad sender address syntax" \
        "MAIL FROM: <manolo.usal.es> => $SYNTAX => 501 5.1.7 Bad sender address syntax" \
        "MAIL FROM:<a@b.es> => $OK" \
        "RCPT TO:<> => $SYNTAX => 501 5.1.3 Bad recipient address syntax" \
        "RCPT TO:<cristina> => $SYNTAX => 501 5.1.3 Bad recipient address syntax" \
        "RCPT TO: => $SYNTAX => 501 5.1.3 Bad recipient address syntax" \
        "RCPT TO:<c@d.es> => $OK" | tee script | after_helo "$1"
    after_helo "$1" -u <script
}

@test "a bad sender and a bad recipient have their own replies" { both_dialects -- bad_addresses; }

missing_colon() {
    answers "$1" "MAIL FROM <a@b.es> => $SYNTAX => ~50[01] 5\." "MAIL => $SYNTAX => ~50[01] 5\." \
        "MAIL TO:<a@b.es> => $SYNTAX => ~50[01] 5\." "MAIL FROM:<a@b.es> => $OK" \
        "RCPT TO <c@d.es> => $SYNTAX => ~50[01] 5\." "RCPT => $SYNTAX => ~50[01] 5\." \
        "RCPT FROM:<c@d.es> => $SYNTAX => ~50[01] 5\." "RCPT TO:<c@d.es> => $OK" | after_helo "$1"
}

@test "MAIL FROM and RCPT TO need their colon" { both_dialects -- missing_colon; }

# --- order ------------------------------------------------------------------------------------------------------------

NEED_MAIL="$SYNTAX => 503 5.5.1 Error: need MAIL command"
NEED_RCPT="$SYNTAX => 503 5.5.1 Error: need RCPT command"
NESTED="$SYNTAX => 503 5.5.1 Error: nested MAIL command"
DATA_GOES='~354 => ~354 '
DONE='250 OK => ~250 2\.0\.0 Ok: queued as '

order() {
    answers "$1" "RCPT TO:<c@d.es> => $NEED_MAIL" "DATA => $NEED_RCPT" "MAIL FROM:<a@b.es> => $OK" \
        "DATA => $NEED_RCPT" "MAIL FROM:<x@y.es> => $NESTED" "RCPT TO:<c@d.es> => $OK" \
        "MAIL FROM:<x@y.es> => $NESTED" "DATA => $DATA_GOES" ". => $DONE" \
        "RCPT TO:<c@d.es> => $NEED_MAIL" "DATA => $NEED_RCPT" | tee script | after_helo "$1"
    after_helo "$1" -u <script
}

@test "RCPT needs MAIL, DATA needs RCPT, MAIL does not nest, and a mail ends its transaction" { both_dialects -- order; }

before_helo() {
    { [ "$1" = usal ] && echo "S: $GREETING" || echo 'S: 220 localhost SMTP'
      answers "$1" "NOOP => $OK0" "RSET => $OK0" "VRFY x => ~252 => ~252 2\." "EXPN x => ~502 => ~502 5\.5\.1 " \
          "HELP => ~214 => ~214 2\."
      [ "$1" = itba ] || printf '%s\n' 'C: MAIL FROM:<a@b.es>' "S: $SYNTAX" 'C: RCPT TO:<c@d.es>' "S: $SYNTAX" \
          'C: DATA' "S: $SYNTAX"
      printf '%s\n' 'C: QUIT' 'S~ 221 ' closed
    } | talk
}

@test "before HELO there are NOOP, RSET, VRFY, EXPN, HELP and QUIT" { both_dialects -- before_helo; }

@test "usal wants HELO or EHLO before MAIL" {
    start_server
    talk <<END
S: $GREETING
C: MAIL FROM:<a@b.es>
S: 500 Error de sintaxis
C: EHLO c.example
S: 250-localhost
S: 250-PIPELINING
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250 SIZE 10240000
C: MAIL FROM:<a@b.es>
S: 250 OK
END
}

@test "itba takes a whole mail without HELO" {
    start_server -d itba
    talk <<'END'
S: 220 localhost SMTP
C: MAIL FROM:<a@b.es>
S: 250 2.1.0 Ok
C: RCPT TO:<c@d.es>
S: 250 2.1.0 Ok
C: DATA
S: 354 End data with <CR><LF>.<CR><LF>
C: hello
C: .
S~ 250 2\.0\.0 Ok: queued as [A-Za-z0-9]{9}$
END
}

@test "every mail of the itba dialect has its own id" {
    start_server -d itba
    for _ in {1..20}; do
        printf '%s\n' 'C| MAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\n' 'S~ 250' 'S~ 250' 'S~ 354' 'C: .' 'S~ 250'
    done | after_helo itba
    same 20 "$(grep -o 'queued as .*' talk | sort -u | wc -l)"
}

rset() {
    answers "$1" "MAIL FROM:<a@b.es> => $OK" "RCPT TO:<c@d.es> => $OK" "RSET => $OK0" "RCPT TO:<c@d.es> => $NEED_MAIL" \
        "DATA => $NEED_RCPT" "MAIL FROM:<a@b.es> => $OK" "DATA => $NEED_RCPT" | after_helo "$1"
}

@test "RSET drops the transaction and its recipients" { both_dialects -- rset; }

# ehlo_lines DIALECT: a script's lines for the reply to EHLO.
ehlo_lines() {
    printf 'S~ 250-\n%.0s' {1..5}
    [ "$1" = usal ] || echo 'S~ 250-ENHANCEDSTATUSCODES'
    echo 'S~ 250 SIZE '
}

second_helo() {
    local verb
    for verb in HELO EHLO; do
        { answers "$1" "MAIL FROM:<a@b.es> => $OK" "RCPT TO:<c@d.es> => $OK"
          printf '%s\n' "C: $verb again.example"
          if [ "$verb" = HELO ]; then echo 'S~ 250 '; else ehlo_lines "$1"; fi
          answers "$1" "DATA => $NEED_RCPT" "RCPT TO:<c@d.es> => $NEED_MAIL" "MAIL FROM:<a@b.es> => $OK"
        } | after_helo "$1"
    done
}

@test "a second HELO or EHLO drops the transaction" { both_dialects -- second_helo; }

helo_argument() {
    { [ "$1" = usal ] && echo "S: $GREETING" || echo 'S: 220 localhost SMTP'
      answers "$1" "HELO => $SYNTAX => ~501 5\.5\.4 " "EHLO => $SYNTAX => ~501 5\.5\.4 "
      [ "$1" = itba ] || printf '%s\n' 'C: MAIL FROM:<a@b.es>' "S: $SYNTAX"
      answers "$1" "HELO [127.0.0.1] => ~250 => ~250 " "HELO [IPv6:::1] => ~250 => ~250 " \
          "HELO not.my.name => ~250 => ~250 " "MAIL FROM:<a@b.es> => $OK" "EHLO => $SYNTAX => ~501 5\.5\.4 " \
          "RCPT TO:<c@d.es> => $OK"
    } | talk
}

@test "HELO and EHLO need a name, and without one nothing changes" { both_dialects -- helo_argument; }

arguments() {
    answers "$1" "MAIL FROM:<a@b.es> => $OK" "RCPT TO:<c@d.es> => $OK" "RSET x => $SYNTAX => ~501 5\.5\.4 " \
        "DATA x => $SYNTAX => ~501 5\.5\.4 " "QUIT x => $SYNTAX => ~501 5\.5\.4 " "NOOP any thing => $OK0" \
        "HELP MAIL => ~214 => ~214 2\." "VRFY postmaster => ~25[02] => ~25[02] 2\." "RCPT TO:<e@d.es> => $OK" \
        "DATA => $DATA_GOES" ". => $DONE" | after_helo "$1"
}

@test "an argument where none belongs is refused, and the transaction goes on" { both_dialects -- arguments; }

any_case() {
    { answers "$1" "helo x => ~250 => ~250 " "mail from:<a@b.es> => $OK" "Rcpt To:<c@d.es> => $OK" "rSeT => $OK0" \
          "Noop => $OK0" "MaiL FroM:<a@b.es> => $OK" "RCPT to:<c@d.es> => $OK" "data => $DATA_GOES" ". => $DONE"
      echo 'C: ehlo x'
      ehlo_lines "$1"
      printf '%s\n' 'C: vrfy a' 'S~ 252' 'C: help' 'S~ 214' 'C: quit' 'S~ 221'
    } | after_helo "$1"
}

@test "verbs are understood in any case" { both_dialects -- any_case; }

white_space() {
    answers "$1" "RSET   => $OK0" 'NOOP\t => '"$OK0" "MAIL FROM: <a@b.es> => $OK" "RCPT TO:  <c@d.es> => $OK" \
        "RCPT TO:<e@d.es>   => $OK" "DATA  => $DATA_GOES" ". => $DONE" | after_helo "$1"
}

@test "white space behind a command and behind the colon does no harm" { both_dialects -- white_space; }

# --- addresses --------------------------------------------------------------------------------------------------------

L63=$(printf 'd%.0s' {1..63})
L64=$(printf 'l%.0s' {1..64})
GOOD=('<a@b.es>' 'a@b.es' ' <a@b.es>' '<a.b+c@b.es>' '<a@localhost>' '<a@B.ES>' '<a@1.example>' '<a@b-c.es>'
    "<!#\$%&'*+-/=?^_\`{|}~@b.es>" '<|cmd@b.es>' '</etc/x@b.es>' '<"joe smith"@b.es>' '<"a>b"@b.es>'
    '<"a\\"b"@b.es>' '<"a@b"@b.es>' '<".."@b.es>' '<"../x"@b.es>' '<""@b.es>' '<u@[127.0.0.1]>' '<u@[IPv6:::1]>'
    '<u@[IPv6:fd00::1]>' '<@a.ex,@b.ex:u@b.es>' '<@a.ex:u@b.es>' "<$L64@b.es>" "<a@$L63.$L63.$L63.es>"
    '<postmaster@b.es>')
BAD=('<a@' '<a' '<' 'a' '<a@b.es' '<a b@b.es>' '<a@-b.es>' '<a@b-.es>' '<a@b..es>' '<a@.b.es>' '<.a@b.es>' '<a.@b.es>'
    '<a..b@b.es>' '<@b.es>' '<a@>' '<@>' '<a@b@c.es>' '<../x@b.es>' '<"a@b.es>' '<a"b@b.es>' '<a@[127.0.0.1>'
    '<a@[300.1.1.1]>' '<a@[IPv6:zz]>' '<a@[]>' '<a@b c>' '<<a@b.es>>' '<a@b.es>>' '<manolo.usal.es>' '<a@b,c>'
    '<a(b)@b.es>')

good_addresses() {
    local address
    for address in "${GOOD[@]}"; do
        answers "$1" "MAIL FROM:$address => $OK" "RCPT TO:$address => $OK" "RSET => $OK0"
    done | tee script | after_helo "$1"
    after_helo "$1" -u <script
}

@test "every form of address of RFC 5321 is accepted as sender and as recipient" {
    both_dialects -o recipients=1000 -- good_addresses
}

refused_addresses() {
    local address
    for address in "${BAD[@]}"; do
        answers "$1" "MAIL FROM:$address => $SYNTAX => 501 5.1.7 Bad sender address syntax"
    done | after_helo "$1"
    { answers "$1" "MAIL FROM:<> => $OK"
      for address in "${BAD[@]}"; do
          answers "$1" "RCPT TO:$address => $SYNTAX => 501 5.1.3 Bad recipient address syntax"
      done
    } | after_helo "$1"
}

@test "what is no address is refused as sender and as recipient" { both_dialects -o errors=1000 -- refused_addresses; }

postmaster() {
    answers "$1" "MAIL FROM:<a@b.es> => $OK" "RCPT TO:<postmaster> => $OK" "RCPT TO:<Postmaster> => $OK" \
        "RCPT TO:<POSTMASTER> => $OK" "RCPT TO:<hostmaster> => $SYNTAX => 501 5.1.3 Bad recipient address syntax" |
        after_helo "$1"
}

@test "only the postmaster needs no domain" { both_dialects -- postmaster; }

null_sender() {
    answers "$1" "MAIL FROM:<> => $OK" "RCPT TO:<> => $SYNTAX => 501 5.1.3 Bad recipient address syntax" \
        "RCPT TO:<c@d.es> => $OK" "DATA => $DATA_GOES" "bounce\\r\\n. => $DONE" "MAIL FROM: <> => $OK" | after_helo "$1"
}

@test "the null reverse-path is a sender and no recipient" { both_dialects -- null_sender; }

eight_bit() {
    answers "$1" 'MAIL FROM:<jos\xc3\xa9@b.es> => ~5(00|01|50|53) => ~5(00|01|50|53) 5\.' \
        'MAIL FROM:<a\xff@b.es> => ~5(00|01|50|53) => ~5(00|01|50|53) 5\.' \
        'MAIL FROM:<a\x01@b.es> => ~5(00|01|53) => ~5(00|01|53) 5\.' \
        'MAIL FROM:<a\e[2J@b.es> => ~5(00|01|53) => ~5(00|01|53) 5\.' \
        'MAIL FROM:<a@b\x7f.es> => ~5(00|01|53) => ~5(00|01|53) 5\.' \
        'MAIL FROM:<a\0b@b.es> => ~50[01] => ~50[01] 5\.' 'RCPT\0 TO:<a@b.es> => ~50[0-3] => ~50[0-3] 5\.' \
        'NOOP\0 => ~(250|50[0-2]) => ~(250 2|50[0-2] 5)\.' "NOOP => $OK0" | after_helo "$1"
}

@test "an octet above 127 or a NUL in an address is an error, and cuts nothing" { both_dialects -- eight_bit; }

@test "a NUL does not end a command over TCP: what follows it counts" {
    start_server
    after_helo usal <<'END'
C| MAIL FROM:<a@b.es>\0 and more\r\n
S~ 50
C: RCPT TO:<c@d.es>
S: 500 Error de sintaxis
END
}

parameters() {
    answers "$1" "MAIL FROM:<a@b.es> SIZE=100 => $OK" "RSET => $OK0" "MAIL FROM:<a@b.es> size=100 => $OK" "RSET => $OK0" \
        "MAIL FROM:<a@b.es> SIZE=10240000 => $OK" "RSET => $OK0" "MAIL FROM:<a@b.es> SIZE=0 => $OK" "RSET => $OK0" \
        "MAIL FROM:<a@b.es> SIZE=10240001 => ~552 => ~552 5\.3\.4 " \
        "MAIL FROM:<a@b.es> SIZE=123456789012345678901 => ~552 => ~552 5\.3\.4 " \
        "MAIL FROM:<a@b.es> SIZE=99999999999999999999 => ~552 => ~552 5\.3\.4 " \
        "MAIL FROM:<a@b.es> SIZE=18446744073709551617 => ~552 => ~552 5\.3\.4 " \
        "MAIL FROM:<a@b.es> SIZE=abc => $SYNTAX => ~501 5\.5\.4 " "MAIL FROM:<a@b.es> SIZE= => $SYNTAX => ~501 5\.5\.4 " \
        "MAIL FROM:<a@b.es> SIZE => $SYNTAX => ~501 5\.5\.4 " "MAIL FROM:<a@b.es> SIZE=-1 => $SYNTAX => ~501 5\.5\.4 " \
        "MAIL FROM:<a@b.es> SIZE=1x => $SYNTAX => ~501 5\.5\.4 " \
        "MAIL FROM:<a@b.es> SIZE=1 SIZE=2 => $SYNTAX => ~501 5\.5\.4 " \
        "MAIL FROM:<a@b.es> AUTH=<> => $SYNTAX => ~555 5\.5\.4 " \
        "MAIL FROM:<a@b.es> FOO => $SYNTAX => ~555 5\.5\.4 " "RCPT TO:<c@d.es> => $NEED_MAIL" \
        "MAIL FROM:<a@b.es> => $OK" "RCPT TO:<c@d.es> NOTIFY=NEVER => $SYNTAX => ~555 5\.5\.4 " \
        "DATA => $NEED_RCPT" | after_helo "$1"
}

@test "SIZE is understood, and any other parameter is refused" { both_dialects -o errors=100 -- parameters; }

# --- limits -----------------------------------------------------------------------------------------------------------

long_lines() {
    { answers "$1" 'NOOP {x*505} => '"$OK0" 'NOOP {x*2041} => '"$OK0"
      for length in 2049 3000 4096 100000 1000000; do
          printf '%s\n' "C| NOOP {x*$length}\\r\\n" 'S~ 500' 'C: NOOP' 'S~ 250'
      done
    } | after_helo "$1"
}

@test "a command line over the limit gets one 500, its rest is swallowed, the session goes on" { both_dialects -- long_lines; }

@test "a too long command line is refused over UDP too" {
    start_server
    printf '%s\n' 'C| NOOP {x*3000}\r\n' 'S~ 500' 'C: NOOP' 'S~ 250' 'C| NOOP {x*60000}\r\n' 'S~ 500' 'C: NOOP' 'S~ 250' |
        after_helo usal -u
}

@test "command-line sets the limit of a command line" {
    start_server -o command-line=600
    printf '%s\n' 'C| NOOP {x*593}\r\n' 'S: 250 OK' 'C| NOOP {x*600}\r\n' 'S~ 500' 'C: NOOP' 'S: 250 OK' | after_helo usal
}

# mail OCTETS...: the lines of a script that send a mail with this text, given as talk.py has octets.
mail() { printf '%s\n' 'C| MAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\n' 'S~ 250' 'S~ 250' 'S~ 354' "C| $1"; }

message_size() {
    { mail '{x*99998}\r\n.\r\n'; echo 'S~ 250 '
      mail '{x*99999}\r\n.\r\n'; echo 'S~ 552 '
      mail '{x*300000}\r\n.\r\n'; echo 'S~ 552 '
      mail '..{x*99997}\r\n.\r\n'; echo 'S~ 250 '
      mail '{x*49998}\r\n{y*49998}\r\n.\r\n'; echo 'S~ 250 '
      mail '.\r\n'; echo 'S~ 250 '
      answers "$1" "RCPT TO:<c@d.es> => $NEED_MAIL" "MAIL FROM:<a@b.es> SIZE=100001 => ~552 => ~552 5\.3\.4 " \
          "MAIL FROM:<a@b.es> SIZE=100000 => $OK" "QUIT => ~221 => ~221 "
    } | after_helo "$1"
}

@test "a message of exactly message-size passes, one octet more gets 552 after the dot" {
    both_dialects -o message-size=100000 -- message_size
}

@test "EHLO tells the message-size of the settings" {
    start_server -o message-size=123456
    session_offers 123456
}

@test "a mail over the default limit of 10,240,000 octets gets 552, one of exactly that passes" {
    start_server -q
    { mail '{x*10239998}\r\n.\r\n'; echo 'S~ 250 '
      mail '{x*10240000}\r\n.\r\n'; echo 'S~ 552 '
      printf '%s\n' 'C: NOOP' 'S~ 250'
    } | PATIENCE=120 after_helo usal
}

@test "SIZE on MAIL neither ends the text nor lets a longer one pass" {
    start_server -o message-size=100000
    after_helo usal <<'END'
C| MAIL FROM:<a@b.es> SIZE=3\r\nRCPT TO:<c@d.es>\r\nDATA\r\n
S: 250 OK
S: 250 OK
S~ 354
C| {x*99998}\r\n.\r\n
S: 250 OK
C| MAIL FROM:<a@b.es> SIZE=3\r\nRCPT TO:<c@d.es>\r\nDATA\r\n
S: 250 OK
S: 250 OK
S~ 354
C| {x*100001}\r\n.\r\n
S~ 552 
END
}

@test "lines of any length are part of the text" {
    start_server
    { for length in 998 1000 5000 65536 1000000; do mail "{x*$length}\\r\\n.\\r\\n"; echo 'S: 250 OK'; done
    } | after_helo usal
}

recipients() {
    { answers "$1" "MAIL FROM:<a@b.es> => $OK"
      for ((i = 0; i < 100; i++)); do answers "$1" "RCPT TO:<r$i@d.es> => $OK"; done
      answers "$1" "RCPT TO:<over@d.es> => ~452 => ~452 4\.5\.3 " "RCPT TO:<over@d.es> => ~452 => ~452 4\.5\.3 " \
          "DATA => $DATA_GOES" "x\\r\\n. => $DONE" "MAIL FROM:<a@b.es> => $OK" "RCPT TO:<r@d.es> => $OK"
    } | after_helo "$1"
}

@test "recipients over the limit get 452, the others keep their mail" { both_dialects -o recipients=100 -- recipients; }

@test "1,000 recipients are accepted by default, and no more" {
    start_server
    { printf '%s\n' 'C: MAIL FROM:<a@b.es>' 'S: 250 OK'
      for i in {1..10}; do
          printf 'C| '
          printf 'RCPT TO:<r%d@d.es>\\r\\n' {1..100}
          printf '\n'
          printf 'S: 250 OK\n%.0s' {1..100}
      done
      printf '%s\n' 'C: RCPT TO:<x@d.es>' 'S~ 452 ' 'C: DATA' 'S~ 354' 'C: .' 'S: 250 OK'
    } | after_helo usal
}

errors() {
    { for _ in {1..18}; do answers "$1" "FOO => $SYNTAX => ~502 "; done
      answers "$1" "NOOP => $OK0" "RCPT TO:<> => ~500 => ~50[13] " "BAR => ~421 => ~421 4\.7\.0 "
      echo closed
    } | after_helo "$1"
}

@test "the reply that would be the 20th error is 421, and the connection is closed" { both_dialects -- errors; }

@test "errors sets how many errors a session may make, and a client's mail after the last is not taken" {
    start_server -o errors=3
    after_helo usal <<'END'
C| A\r\nB\r\nC\r\nMAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\n
S: 500 Error de sintaxis
S: 500 Error de sintaxis
S~ 421 
closed
END
}

@test "the error limit ends a session over UDP too" {
    start_server -o errors=3
    after_helo usal -u <<'END'
C: A
S: 500 Error de sintaxis
C: B
S: 500 Error de sintaxis
C: C
S~ 421 
closed
END
}

@test "a client that is silent for read-timeout gets 421, in a command, in the text, and over UDP" {
    start_server -o read-timeout=4
    open idle; open half; open udp -u
    say half 'S~ 220' 'C: HELO x' 'S~ 250' 'C: MAIL FROM:<a@b.es>' 'S~ 250' 'C: RCPT TO:<c@d.es>' 'S~ 250' 'C: DATA' \
        'S~ 354' 'C| half a te'
    say udp 'S~ 220' 'C: HELO x' 'S~ 250'
    say idle 'S~ 220' 'S~ 421 ' closed
    say half 'S~ 421 ' closed
    say udp 'S~ 421 ' closed
}

@test "the itba dialect says 421 4.4.2 to a silent client" {
    start_server -d itba -o read-timeout=4
    talk <<<$'S~ 220\nS~ 421 4\\.4\\.2 \nclosed'
}

@test "an octet now and then does not keep a session beyond session-timeout" {
    start_server -o session-timeout=5 -o read-timeout=60
    talk <<<$'S~ 220\nC| N\nquiet 0.5\nC| O\nquiet 0.5\nC| O\nS~ 421 \nclosed'
}

@test "the errors of the usal dialect are Spanish or bare RFC codes, those of itba have the RFC 3463 status" {
    start_server -d itba -o errors=5
    after_helo itba <<'END'
C: HELP
S~ 214 2\.\d\.\d 
C: VRFY x
S~ 252 2\.\d\.\d 
C: A
S~ 502 5\.5\.2 
C: MAIL FROM:<a@b.es> FOO=1
S~ 555 5\.5\.4 
C: RSET x
S~ 501 5\.5\.4 
C: RCPT TO:<a@b.es>
S~ 503 5\.5\.1 
C: B
S~ 421 4\.7\.0 
closed
END
}

# --- pipelining and fragments -----------------------------------------------------------------------------------------

@test "the replies of a pipelined group leave in one packet" {
    start_server
    talk <<END
S: $GREETING
C| HELO x\r\nMAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nRCPT TO:<e@d.es>\r\nRSET\r\nNOOP\r\nFOO\r\n
S: 250 OK
S: 250 OK
S: 250 OK
S: 250 OK
S: 250 OK
S: 250 OK
S: 500 Error de sintaxis
segments 1
C| MAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\n
S: 250 OK
S: 250 OK
S~ 354
segments 1
C| text\r\n.\r\nMAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\n
S: 250 OK
S: 250 OK
S: 250 OK
S~ 354
segments 1
C| text\r\n.\r\nQUIT\r\n
S: 250 OK
S: 221 Cerrando el servicio
segments 1
closed
END
}

@test "a reply does not wait for a command that is still incomplete" {
    start_server
    after_helo usal <<'END'
C| NOOP\r\nMAIL FR
S: 250 OK
C| OM:<a@b.es>\r\nRCPT TO:<c@d.es>\r
S: 250 OK
C| \nDATA\r\n
S: 250 OK
S~ 354
C| text\r\n.\r\nNO
S: 250 OK
C| OP\r\n
S: 250 OK
END
}

whole_in_one_write() {
    { [ "$1" = usal ] && echo "S: $GREETING" || echo 'S: 220 localhost SMTP'
      printf '%s\n' 'C| HELO x\r\nMAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\nNOOP\r\nQUIT\r\n..\r\n.\r\nFOO\r\nQUIT\r\nNOOP\r\n'
      printf 'S~ %s\n' 250 250 250 354 250 50 221
      echo closed
    } | talk
}

@test "a whole session in one write gets its replies, and nothing behind QUIT is executed" {
    both_dialects -- whole_in_one_write
}

@test "a session may come one octet a segment" {
    start_server
    local session=$'HELO x\r\nMAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\n..\r\n.x\r\n.\r\nQUIT\r\n' i
    { for ((i = 0; i < ${#session}; i++)); do
          case ${session:i:1} in
              $'\r') printf '%s\n' 'C| \r' ;;
              $'\n') printf '%s\n' 'C| \n' ;;
              ' ') printf '%s\n' 'C| \x20' ;;
              *) echo "C| ${session:i:1}" ;;
          esac
      done
      echo "S: $GREETING"
      printf 'S~ %s\n' 250 250 250 354 250 221
      echo closed
    } | talk
}

@test "the end of the text is found wherever it is split" {
    start_server
    local i end='\r\n.\r\n'
    { for i in 2 4 5 7; do
          mail 'text'; printf 'C| %s\n' "${end:0:i}" "${end:i}"; echo 'S: 250 OK'
      done
      printf '%s\n' 'C: NOOP' 'S: 250 OK'
    } | after_helo usal
}

@test "a reset in the middle of anything leaves the server in order" {
    start_server
    { mail 'half'; echo reset; } | after_helo usal
    talk <<<reset
    talk <<<$'S~ 220\nC| HELO\nreset'
    after_helo usal <<<$'C: QUIT\nS~ 221\nclosed'
}

@test "a client that closes its half after its last command still gets every reply" {
    start_server
    talk <<END
C| HELO x\r\nMAIL FROM:<a@b.es>\r\nRCPT TO:<c@d.es>\r\nDATA\r\ntext\r\n.\r\nQUIT\r\n
half
S: $GREETING
S: 250 OK
S: 250 OK
S: 250 OK
S~ 354
S: 250 OK
S: 221 Cerrando el servicio
closed
END
    after_helo usal <<<$'C: NOOP\nhalf\nS: 250 OK\nclosed'
}

# --- line ends and smuggling ------------------------------------------------------------------------------------------

@test "a bare LF ends a command line" {
    start_server
    after_helo usal <<'END'
C| NOOP\nMAIL FROM:<a@b.es>\nRCPT TO:<c@d.es>\r\nDATA\n
S: 250 OK
S: 250 OK
S: 250 OK
S~ 354
C| text\r\n.\r\n
S: 250 OK
END
}

# no_end OCTETS: a text with these octets in it goes on, over TCP: a mail hidden behind them is not executed.
no_end() {
    { mail "text$1MAIL FROM:<smuggled@b.es>\\r\\nRCPT TO:<c@d.es>\\r\\nDATA\\r\\nhidden\\r\\n.\\r\\n"
      printf '%s\n' 'S: 250 OK' 'C: NOOP' 'S: 250 OK' 'C: QUIT' 'S: 221 Cerrando el servicio' closed
    } | after_helo usal
}

@test "LF.LF does not end the text" { start_server; no_end '\n.\n'; }
@test "LF.CRLF does not end the text" { start_server; no_end '\n.\r\n'; }
@test "CRLF.LF does not end the text" { start_server; no_end '\r\n.\n'; }
@test "CR.CR does not end the text" { start_server; no_end '\r.\r'; }
@test "CRLF.CR does not end the text" { start_server; no_end '\r\n.\r'; }
@test "CRLF.CRCRLF does not end the text" { start_server; no_end '\r\n.\r\r\n'; }
@test "CRLF.NUL CRLF does not end the text" { start_server; no_end '\r\n.\0\r\n'; }
@test "CRCRLF.CRLF ends the text, as its last LF comes behind a CR" {
    start_server
    { mail 'text\r\r\n.\r\n'; printf '%s\n' 'S: 250 OK' 'C: NOOP' 'S: 250 OK'; } | after_helo usal
}
@test "CRLF.. CRLF, CRLF.x CRLF and CRLF.space CRLF do not end the text" {
    start_server
    no_end '\r\n..\r\n'
    no_end '\r\n.x\r\n'
    no_end '\r\n. \r\n'
}
@test "a dot and a bare LF at the begin of a text do not end it" {
    start_server
    { mail '.\nx\r\n.\r\n'; printf '%s\n' 'S: 250 OK' 'C: NOOP' 'S: 250 OK'; } | after_helo usal
}

@test "an empty text is a mail" {
    start_server
    { mail '.\r\n'; printf '%s\n' 'S: 250 OK' 'C: NOOP' 'S: 250 OK'; } | after_helo usal
}

@test "all 256 octets may stand in a text" {
    start_server
    local all
    all=$(printf '\\x%02x' {0..255})
    { mail "${all/\\x0d/}\\r\\n$all\\r\\n.\\r\\n"; printf '%s\n' 'S: 250 OK' 'C: NOOP' 'S: 250 OK'; } | after_helo usal
}

@test "control characters in a command are an error, not an end" {
    start_server
    after_helo usal <<'END'
C| MAIL\e[2J FROM:<a@b.es>\r\n
S: 500 Error de sintaxis
C| FOO\rNOOP\r\n
S: 500 Error de sintaxis
C| \0\0\0\r\n
S: 500 Error de sintaxis
C| NOOP\r\n
S: 250 OK
END
}

# --- noise ------------------------------------------------------------------------------------------------------------

# noise SEED: random octets, some of them line ends and verbs, then the end of it all.
noise() {
    "$PYTHON" - "$PORT" "$1" <<'END'
import random, socket, sys
port, seed = map(int, sys.argv[1:])
source = random.Random(seed)
words = [b"\r\n", b"\n", b"MAIL FROM:<", b"RCPT TO:", b"DATA\r\n", b"\r\n.\r\n", b"@", b">", b"HELO x\r\n", b"\0", b"RSET\r\n"]
data = b"".join(source.choice(words) if source.random() < 0.2 else source.randbytes(source.randint(1, 12))
                for _ in range(100000 // 6))[:100000]
with socket.create_connection(("127.0.0.1", port), 60) as client:
    heard = b""
    try:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        while octets := client.recv(65536):
            heard += octets
    except (ConnectionResetError, BrokenPipeError):
        pass    # the server had enough and closed: it may
    assert heard == b"" or heard.startswith(b"220 "), heard[:100]
END
}

@test "100,000 random octets: no crash, no hang, and the server goes on" {
    start_server -o errors=100000
    for seed in 1 2 3 4 5; do noise "$seed"; done
    after_helo usal <<<$'C: QUIT\nS~ 221\nclosed'
}

@test "100,000 random octets do not pass the error limit" {
    start_server
    noise 6
    after_helo usal <<<$'C: QUIT\nS~ 221\nclosed'
    stop_server
    same 1 "$(grep -c 'ENVIO: 421' "$LOGS/peticiones.log")"
}

@test "random datagrams: no crash, and the server goes on" {
    start_server
    "$PYTHON" - "$PORT" <<'END'
import random, socket, sys
port, source = int(sys.argv[1]), random.Random(1)
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(2000):
    client.sendto(source.randbytes(source.randint(0, 1400)), ("127.0.0.1", port))
END
    wait_until greets -u
    after_helo usal -u <<<$'C: QUIT\nS~ 221'
}
