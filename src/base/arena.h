/* SPDX-License-Identifier: Apache-2.0
 *
 * base/arena.h - memory with one lifetime.
 *
 * An arena hands out memory and takes all of it back at once, in arena_reset(). There is
 * no free(). Arenas draw blocks from a pool with a byte budget; each worker owns one
 * pool, so neither takes a lock. Both are owned by one thread.
 *
 * Blocks are of a few sizes, four between a power of two and the next, and an arena's next one has
 * at least half of what it holds: there are millions of arenas in which a flow keeps some hundred
 * bytes, and few that hold much. So what an arena begins with costs a block at most a quarter
 * larger, and about two fifths of one that grows in small pieces wait for use at most.
 * Blocks that came back wait in their pool for the next arena, as long as they and those that are
 * out are within the budget; what the process takes from the system stays within it, too.
 *
 * When the budget is spent arena_alloc() returns NULL and arena.exhausted stays set until
 * reset, so a parser may check once, at its end, for everything it copied.
 */
#ifndef DEW_BASE_ARENA_H
#define DEW_BASE_ARENA_H

#include "base/slice.h"
#include "base/status.h"

enum {
	ARENA_BLOCK = 4096, /* bytes of the largest, header included; what is larger has its own */
	ARENA_BLOCK_LEAST = 128, /* and of the smallest */
	ARENA_CLASSES = 21,	 /* 128, 160, 192, 224, 256, 320, ... 3584, 4096 */
};

struct arena_block;

struct arena_pool {
	struct arena_block *free[ARENA_CLASSES];
	size_t budget;	   /* bytes that may be out at once */
	size_t out;	   /* bytes out now */
	size_t idle;	   /* bytes of blocks that came back and wait */
	size_t fail_after; /* tests: refuse once this many blocks were given; 0 = never */
	/* What is out of this pool is out of that one, too: a share of its budget, and may be
	 * shared again. The last of them lends the blocks and takes them back; each must outlive
	 * its shares. NULL: on its own. */
	struct arena_pool *whole;
};

struct arena {
	struct arena_pool *pool;
	struct arena_block *blocks;
	uint8_t *at, *end;
	uint32_t held; /* bytes of its blocks; what is past 4 GiB is not counted */
	bool exhausted;
};

#define ARENA_NEW(a, type) ((type *)arena_alloc((a), sizeof(type), _Alignof(type), 1))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), sizeof(type), _Alignof(type), (n)))

/* An arena that uses the caller's `room` before it asks the pool for blocks. The room must live as
 * long as what is in it; arena_reset() lets go of it. */
void arena_start(struct arena *a, struct arena_pool *pool, uint8_t *room, size_t bytes);

/* Zeroed memory for count objects, or NULL. size > 0, align a power of two. */
MUST_USE void *arena_alloc(struct arena *a, size_t size, size_t align, size_t count);

/* n bytes that the caller writes before anybody reads them: they are not zeroed. NULL as above. */
MUST_USE uint8_t *arena_bytes(struct arena *a, size_t n);
/* The same at a multiple of align, a power of two: for rings and queues, of which the system gives
 * what is used. */
MUST_USE uint8_t *arena_bytes_aligned(struct arena *a, size_t n, size_t align);

/* A copy that lives as long as the arena; the empty slice if the budget is spent. */
struct slice arena_copy(struct arena *a, struct slice s);

/* A copy with a NUL behind it, for libraries that want one; NULL if the budget is spent. */
char *arena_copy_z(struct arena *a, struct slice s);

/* The array at old, of `count` objects in room for *room, moved to at least twice the room when it
 * is full (so that old[count] may be written), or NULL when the budget is spent. Use ARENA_PUSH. */
void *arena_grow(struct arena *a, void *old, size_t count, size_t *room, size_t size, size_t align);

/* Appends `value` to an array: p, n and room are the caller's pointer, count and room. False when
 * the budget is spent (nothing changed). */
#define ARENA_PUSH(a, p, n, room, value)                                                           \
	({                                                                                         \
		__typeof__(p) grown_ = arena_grow((a), (p), (n), &(room), sizeof *(p),             \
						  _Alignof(__typeof__(*(p))));                     \
		if (grown_ != NULL) {                                                              \
			(p) = grown_;                                                              \
			(p)[(n)++] = (value);                                                      \
		}                                                                                  \
		grown_ != NULL;                                                                    \
	})

/* A block by itself, for bytes that move when they grow: room for at least n, not zeroed; *out_room
 * is how much it has. NULL: the budget does not allow it. It goes back by arena_block_give(). */
MUST_USE uint8_t *arena_block_take(struct arena_pool *p, size_t n, size_t *out_room);
void arena_block_give(struct arena_pool *p, uint8_t *bytes); /* NULL: does nothing */

void arena_reset(struct arena *a);	     /* gives every block back to the pool */
void arena_pool_drain(struct arena_pool *p); /* gives free blocks back to the system */

/* Both for an arena that its pool is for alone; by value, for they may lie in what goes. */
void arena_end(struct arena a, struct arena_pool pool);

#endif
