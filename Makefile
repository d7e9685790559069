# make         builds servidor/servidor, cliente/cliente, cliente/mng_client and test/relay/relay
# make run     builds, starts the server, replays the order files, stops it
# make test    runs the tests (installs what they need, where it may)
# make check   runs the static checks
# make clean   removes what was built
#
# CC, CFLAGS and LDFLAGS are yours: make CC=clang CFLAGS='-O0 -g'. V=1 shows the commands.

CFLAGS  ?= -O2 -g
# Functions are bound at the start, and not anew in each worker, to which that is 4 KiB of memory.
LDFLAGS ?= -Wl,-z,now
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion \
           -Wmissing-prototypes -Wcast-qual -Wformat=2
POSIX   := -std=c11 -D_POSIX_C_SOURCE=200809L
COMPILE  = $(CC) $(POSIX) $(WARN) -MMD -MP -Iservidor -Icliente $(CFLAGS)
LINK     = $(CC) $(CFLAGS) $(LDFLAGS)
MAKEFLAGS += --jobs=$(shell getconf _NPROCESSORS_ONLN)

Q := $(if $(V),,@)
B := .build
# The file names say what is what: a folder of servidor/ is a room of the house,
# each NAME in PROGRAMS is a main, each test/unit/*.c and test/fuzz/*.c too.
PROGRAMS := servidor/servidor cliente/cliente cliente/mng_client test/relay/relay
objects   = $(patsubst %.c,$(B)/%.o,$(1))
NET      := $(call objects,$(wildcard servidor/net/*.c))
ROOMS    := $(call objects,$(wildcard servidor/*/*.c))
FRONT    := $(call objects,$(wildcard servidor/*.c))
CLIENT   := $(filter-out $(PROGRAMS:%=$(B)/%.o),$(call objects,$(wildcard cliente/*.c)))
RELAY    := $(call objects,$(wildcard test/relay/*.c))
MNG      := $(filter $(B)/cliente/mng_%,$(CLIENT))
UNITS    := $(patsubst %.c,$(B)/%,$(wildcard test/unit/*.c))
FUZZERS  := $(patsubst %.c,$(B)/%,$(wildcard test/fuzz/*.c))

all: $(PROGRAMS)

servidor/servidor: $(FRONT) $(ROOMS)
	@echo "  LINK  $@"
	$(Q)$(LINK) -o $@ $(FRONT) $(ROOMS)

cliente/cliente: $(B)/cliente/cliente.o $(filter-out $(MNG),$(CLIENT)) $(NET)
	@echo "  LINK  $@"
	$(Q)$(LINK) -o $@ $^

cliente/mng_client: $(B)/cliente/mng_client.o $(MNG) $(B)/cliente/say.o $(NET)
	@echo "  LINK  $@"
	$(Q)$(LINK) -o $@ $^

test/relay/relay: $(RELAY) $(NET)
	@echo "  LINK  $@"
	$(Q)$(LINK) -o $@ $^

# The diagnostic build, whose system calls fail when a test says so (servidor/net/fault.h).
faults: $(B)/faults/servidor
$(B)/faults/servidor: $(FRONT:$(B)/%=$(B)/faulty/%) $(ROOMS:$(B)/%=$(B)/faulty/%)
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	$(Q)$(LINK) -o $@ $^

units: $(UNITS)
$(UNITS): %: %.o $(ROOMS) $(filter-out %/main.o,$(FRONT)) $(CLIENT)
	@echo "  LINK  $@"
	$(Q)$(LINK) -o $@ $^

# The fuzz targets are one command each, since everything in them is instrumented.
fuzzers: $(FUZZERS)
$(B)/test/fuzz/%: test/fuzz/%.c $(wildcard test/fuzz/*.h servidor/*/*.[ch] cliente/orders.[ch])
	@mkdir -p $(@D)
	@echo "  FUZZ  $@"
	$(Q)clang $(POSIX) -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
	    -Iservidor -Icliente -o $@ $< $(wildcard servidor/*/*.c) cliente/orders.c

# Other flags or another compiler make everything anew: the command is a prerequisite.
$(B)/%.o: %.c $(B)/command
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(COMPILE) -c -o $@ $<

$(B)/faulty/%.o: %.c $(B)/command
	@mkdir -p $(@D)
	@echo "  CC    $< (faults)"
	$(Q)$(COMPILE) -DSERVIDOR_FAULTS -c -o $@ $<

$(B)/command: FORCE
	@mkdir -p $(@D)
	@echo '$(COMPILE) $(LDFLAGS)' | cmp -s - $@ || echo '$(COMPILE) $(LDFLAGS)' > $@

run: all
	@scripts/demo.sh

test: all units faults
	@test/run.sh

check:
	@scripts/check.sh

clean:
	rm -rf $(B) $(PROGRAMS)

FORCE:
.PHONY: all faults units fuzzers run test check clean FORCE
.SECONDARY:

-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d $(B)/*/*/*/*.d)
