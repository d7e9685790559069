/* See spread.h. The numbers are those of splitmix64 (Steele, Lea and Flood, 2014). */
#include "net/spread.h"

uint64_t spread_draw(uint64_t *chance)
{
    uint64_t mixed = *chance += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

int64_t spread_ms(uint64_t *chance, int64_t wait_ms)
{
    return wait_ms + (int64_t)(spread_draw(chance) % ((uint64_t)wait_ms / 4 + 1));
}
