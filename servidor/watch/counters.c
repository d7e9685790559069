/* See counters.h. The only file that maps memory. */
#include "watch/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "net/clock.h"
#include "net/random.h"

/* Names that nobody can foretell are tried so often. Some systems have room for 31 octets. */
enum { NAME_TRIES = 16, NAME_ROOM = 32 };

static struct counters *shared;
static int memory_descriptor = -1; /* stays open for its locks, and for what can be mapped later */
static off_t spare;                /* where in that memory it is */

const char *transport_name(enum transport transport)
{
    return transport == TRANSPORT_TCP ? "TCP" : "UDP";
}

static int create(const char *name)
{
    return shm_open(name, O_RDWR | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);
}

/*
 * Opens new memory, whose name is then in `name`: that of this process, which anybody may have
 * taken, or one that begins like it. The descriptor, or -1 with errno.
 */
static int create_somewhere(char name[NAME_ROOM])
{
    int length = snprintf(name, NAME_ROOM, "/servidor-%ld", (long)getpid());
    int descriptor = create(name), tries;
    uint32_t chance;

    for (tries = 0; descriptor < 0 && errno == EEXIST && tries < NAME_TRIES; tries++) {
        if (random_fill(&chance, sizeof chance) != 0)
            return -1;
        snprintf(name + length, (size_t)(NAME_ROOM - length), "-%08" PRIx32, chance);
        descriptor = create(name);
    }
    return descriptor;
}

/* Opens a piece of memory without a name, of `length` octets that are really there. */
static int open_memory(size_t length)
{
    char name[NAME_ROOM];
    int descriptor = create_somewhere(name), error;

    if (descriptor < 0)
        return -1;
    shm_unlink(name);
    error = posix_fallocate(descriptor, 0, (off_t)length);
    if (error != 0) {
        close(descriptor);
        errno = error;
        return -1;
    }
    return descriptor;
}

/*
 * 31 bits of seconds and 22 bits within the second, by the wall clock: a start later than
 * another begins above all that the other can have given out.
 */
static uint64_t first_serial(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec << 22 | (uint64_t)now.tv_nsec / 239;
}

static void *map(int descriptor, size_t length)
{
    void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

/* A part that is mapped begins with a page. */
static size_t whole_pages(size_t length)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    return (length + page - 1) / page * page;
}

int counters_start(unsigned slots)
{
    size_t below = slots * sizeof(struct slot), length = below + sizeof *shared;
    char *memory;

    spare = (off_t)whole_pages(length);
    memory_descriptor = open_memory((size_t)spare + COUNTERS_SPARE);
    if (memory_descriptor < 0)
        return -1;
    memory = map(memory_descriptor, length);
    if (memory == NULL)
        return -1;
    shared = (void *)(memory + below);
    shared->slot_count = slots;
    shared->started_s = time(NULL);
    shared->started_ms = clock_now_ms();
    atomic_store(&shared->mail_serial, first_serial());
    return 0;
}

void *counters_map(int descriptor, size_t length)
{
    void *memory;
    int own;

    if (descriptor >= 0)
        return map(descriptor, length);
    own = open_memory(length);
    if (own < 0)
        return NULL;
    memory = map(own, length);
    close(own);
    return memory;
}

/*
 * POSIX lets a handler call mmap(2) where the signal interrupted none of the functions that it
 * does not list for handlers. This one interrupted whoever touched the mapping, and none of them
 * is given its addresses. Memory without a file is nothing that POSIX.1-2008 knows, and would be
 * another in each process.
 */
int counters_cover(void *place, size_t length)
{
    void *memory = mmap(place, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                        memory_descriptor, spare);

    return memory == MAP_FAILED ? -1 : 0;
}

struct counters *counters(void)
{
    return shared;
}

/*
 * The slots go down from the counters, which are at the upper end of the mapping. Systems put that
 * right below the libraries, so what a worker uses of both is close together: of the 4 KiB of page
 * table that each 2 MiB of addresses cost a process, one is saved.
 */
struct slot *counters_slot(int slot)
{
    return (struct slot *)(void *)shared - 1 - slot;
}

/* A lock is the octet of its number in the shared memory's file (fcntl(2)). */
static int set_lock(int command, short type, unsigned number)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_len = 1 };

    lock.l_start = (off_t)number;
    return fcntl(memory_descriptor, command, &lock);
}

int counters_try_lock(unsigned lock)
{
    return set_lock(F_SETLK, F_WRLCK, lock);
}

int counters_lock_shared(unsigned lock)
{
    int result;

    do
        result = set_lock(F_SETLKW, F_RDLCK, lock);
    while (result != 0 && errno == EINTR);
    return result;
}

void counters_unlock_shared(unsigned lock)
{
    set_lock(F_SETLK, F_UNLCK, lock);
}

void counters_unlock(unsigned lock)
{
    struct flock all = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

    /* Where the system has no memory to let go of a part, it can let go of all. */
    if (set_lock(F_SETLK, F_UNLCK, lock) != 0)
        fcntl(memory_descriptor, F_SETLK, &all);
}

void counters_new_id(char id[COUNTERS_ID + 1])
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint64_t number = atomic_fetch_add(&shared->mail_serial, 1);
    int i;

    /* 62^9 is above 2^53. */
    for (i = COUNTERS_ID - 1; i >= 0; i--) {
        id[i] = digits[number % 62];
        number /= 62;
    }
    id[COUNTERS_ID] = '\0';
}
