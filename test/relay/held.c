/* See held.h. The entry at i is due no later than those at 2i + 1 and 2i + 2. */
#include "held.h"

#include <stdlib.h>
#include <string.h>

#include "net/clock.h"

static bool is_before(const struct held *a, const struct held *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->number < b->number;
}

/* Finds the place for one more, from the end upwards. */
static void rise(struct heap *heap, struct held *entry)
{
    size_t at = heap->count++;

    while (at > 0 && is_before(entry, heap->entries[(at - 1) / 2])) {
        heap->entries[at] = heap->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->entries[at] = entry;
}

/* Finds the place for `entry` from the top, where none is, downwards. */
static void sink(struct heap *heap, struct held *entry)
{
    size_t at = 0, child;

    while ((child = 2 * at + 1) < heap->count) {
        if (child + 1 < heap->count && is_before(heap->entries[child + 1], heap->entries[child]))
            child++;
        if (!is_before(heap->entries[child], entry))
            break;
        heap->entries[at] = heap->entries[child];
        at = child;
    }
    heap->entries[at] = entry;
}

bool held_add(struct heap *heap, const struct held_note *note)
{
    struct held *entry;

    if (heap->count == HELD_LIMIT || note->length > HELD_OCTETS - heap->octets)
        return false;
    entry = malloc(sizeof *entry + note->length);
    if (entry == NULL)
        return false;
    entry->due_ms = note->due_ms;
    entry->number = heap->numbered++;
    entry->crossing = *note->crossing;
    entry->length = note->length;
    memcpy(entry->octets, note->octets, note->length);
    heap->octets += note->length;
    rise(heap, entry);
    return true;
}

struct held *held_take(struct heap *heap, int64_t now_ms)
{
    struct held *first;

    if (held_deadline(heap) > now_ms || heap->count == 0)
        return NULL;
    first = heap->entries[0];
    heap->octets -= first->length;
    heap->count--;
    if (heap->count > 0)
        sink(heap, heap->entries[heap->count]);
    return first;
}

int64_t held_deadline(const struct heap *heap)
{
    return heap->count > 0 ? heap->entries[0]->due_ms : CLOCK_NEVER;
}
