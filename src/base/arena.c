/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdlib.h>

/* An arena hides its objects from AddressSanitizer: an overrun of one lands in the next, inside
 * one malloc. So under ASan everything not handed out is poisoned and objects stand apart. */
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif
#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
enum { REDZONE = 32 }; /* bytes between two objects */
#define poison(p, n) __asan_poison_memory_region((p), (n))
#define unpoison(p, n) __asan_unpoison_memory_region((p), (n))
#else
enum { REDZONE = 0 };
#define poison(p, n) ((void)0)
#define unpoison(p, n) ((void)0)
#endif

/* A block counts with the size that malloc keeps before it, so that what is counted is what the
 * process takes: in the GNU library a multiple of 16 with a word of its own. */
struct arena_block {
	struct arena_block *next;
	size_t size; /* bytes, this header and that word included */
};
enum { MALLOC_WORD = sizeof(size_t) };
_Static_assert(sizeof(struct arena_block) % 16 == 0, "what follows is aligned as malloc's is");

static size_t room_of(const struct arena_block *b)
{
	return b->size - sizeof *b - MALLOC_WORD;
}

enum { LEAST_LOG = 7 }; /* of ARENA_BLOCK_LEAST */
_Static_assert(ARENA_BLOCK_LEAST == 1 << LEAST_LOG, "classes begin there");
_Static_assert(ARENA_BLOCK == ARENA_BLOCK_LEAST << (ARENA_CLASSES - 1) / 4 &&
		       ARENA_CLASSES % 4 == 1,
	       "and end here");

static unsigned log_of(size_t size)
{
	return 63 - (unsigned)__builtin_clzll(size);
}

/* Its list of free blocks; ARENA_CLASSES: it has none. */
static unsigned class_of(size_t size)
{
	unsigned log;

	if (size > ARENA_BLOCK)
		return ARENA_CLASSES;
	log = log_of(size); /* the two bits behind the first say which of the four it is */
	return (log - LEAST_LOG) * 4 + (unsigned)(size >> (log - 2) & 3);
}

/* Bytes of the smallest block that has so many, its head included. */
static size_t block_size(size_t need)
{
	size_t step;

	if (need <= ARENA_BLOCK_LEAST)
		return ARENA_BLOCK_LEAST;
	if (need > ARENA_BLOCK)
		return need;
	step = (size_t)1 << (log_of(need) - 2);
	return (need + step - 1) & ~(step - 1);
}

/* The same of the block that an arena asks for. */
static size_t next_size(const struct arena *a, size_t need)
{
	size_t grown = a->held / 2 < ARENA_BLOCK ? a->held / 2 : ARENA_BLOCK;

	return block_size(need < grown ? grown : need);
}

static void block_free(struct arena_pool *p, unsigned class)
{
	struct arena_block *b = p->free[class];

	p->free[class] = b->next;
	p->idle -= b->size;
	unpoison(b + 1, room_of(b));
	free(b);
}

/* Blocks of other sizes that wait go, as many as it takes: for `size` bytes are within the budget.
 */
static void make_room(struct arena_pool *p, size_t size)
{
	size_t most = p->budget - p->out - size;

	for (unsigned i = ARENA_CLASSES; i-- > 0;)
		while (p->idle > most && p->free[i] != NULL)
			block_free(p, i);
}

static bool within(struct arena_pool *p, size_t size)
{
	if (p->fail_after != 0 && --p->fail_after == 0) {
		p->fail_after = 1;
		return false;
	}
	return size <= p->budget && p->out <= p->budget - size;
}

static struct arena_block *block_get(struct arena_pool *p, size_t size)
{
	struct arena_pool *lender = p;
	unsigned class = class_of(size);
	struct arena_block *b;

	while (lender->whole != NULL && within(lender, size))
		lender = lender->whole;
	if (!within(lender, size)) /* or a share before it */
		return NULL;
	if (class < ARENA_CLASSES && lender->free[class] != NULL) {
		b = lender->free[class];
		lender->free[class] = b->next;
		lender->idle -= size;
	} else {
		make_room(lender, size);
		b = malloc(size - MALLOC_WORD);
		if (b == NULL)
			return NULL;
		b->size = size;
	}
	for (; p != NULL; p = p->whole)
		p->out += size;
	return b;
}

static void block_put(struct arena_pool *p, struct arena_block *b)
{
	struct arena_pool *lender = p;
	unsigned class = class_of(b->size);

	lender->out -= b->size;
	while (lender->whole != NULL) {
		lender = lender->whole;
		lender->out -= b->size;
	}
	poison(b + 1, room_of(b)); /* a pointer kept past its lifetime is caught here */
	if (class < ARENA_CLASSES) {
		b->next = lender->free[class];
		lender->free[class] = b;
		lender->idle += b->size;
	} else {
		unpoison(b + 1, room_of(b));
		free(b);
	}
}

void arena_start(struct arena *a, struct arena_pool *pool, uint8_t *room, size_t bytes)
{
	*a = (struct arena){.pool = pool, .at = room, .end = room + bytes};
	poison(room, bytes);
}

static uint8_t *take(struct arena *a, size_t size, size_t align, size_t count)
{
	size_t pad = a->at ? (size_t)(-(uintptr_t)a->at & (align - 1)) : 0;
	size_t room = a->at ? (size_t)(a->end - a->at) : 0;
	size_t want;
	uint8_t *p;

	if (__builtin_mul_overflow(size, count, &want) || want > SIZE_MAX / 2) {
		a->exhausted = true;
		return NULL;
	}
	if (pad > room || want + REDZONE > room - pad) {
		size_t past = align > sizeof(struct arena_block) ? align : 0; /* as malloc aligns */
		size_t need = MALLOC_WORD + sizeof(struct arena_block) + past + want + REDZONE,
		       left;
		struct arena_block *b = block_get(a->pool, next_size(a, need));

		if (b == NULL) {
			a->exhausted = true;
			return NULL;
		}
		b->next = a->blocks;
		a->blocks = b;
		a->held = b->size < UINT32_MAX - a->held ? a->held + (uint32_t)b->size : UINT32_MAX;
		p = (uint8_t *)(b + 1);
		left = room_of(b);
		poison(p, left);
		pad = (size_t)(-(uintptr_t)p & (align - 1));
		left -= pad + want + REDZONE;
		if (left < room) { /* what is left before is more than what is left of it */
			unpoison(p + pad, want);
			return p + pad;
		}
		a->at = p;
		a->end = p + room_of(b);
	}
	p = a->at + pad;
	a->at = p + want + REDZONE;
	unpoison(p, want);
	return p;
}

void *arena_alloc(struct arena *a, size_t size, size_t align, size_t count)
{
	uint8_t *p = take(a, size, align, count);

	if (p != NULL && size * count != 0) /* take() saw that it does not overflow */
		memset(p, 0, size * count);
	return p;
}

uint8_t *arena_bytes(struct arena *a, size_t n)
{
	return take(a, 1, 1, n);
}

uint8_t *arena_bytes_aligned(struct arena *a, size_t n, size_t align)
{
	return take(a, 1, align, n);
}

struct slice arena_copy(struct arena *a, struct slice s)
{
	uint8_t *p = s.len ? arena_bytes(a, s.len) : NULL;

	if (p == NULL)
		return (struct slice){NULL, 0};
	memcpy(p, s.ptr, s.len);
	return (struct slice){p, s.len};
}

char *arena_copy_z(struct arena *a, struct slice s)
{
	uint8_t *p = ARENA_ARRAY(a, uint8_t, s.len + 1);

	if (p == NULL)
		return NULL;
	if (s.len != 0)
		memcpy(p, s.ptr, s.len);
	return (char *)p;
}

void *arena_grow(struct arena *a, void *old, size_t count, size_t *room, size_t size, size_t align)
{
	size_t want = *room ? *room * 2 : 8;
	void *p;

	if (count < *room)
		return old;
	p = arena_alloc(a, size, align, want);
	if (p == NULL)
		return NULL;
	if (count != 0)
		memcpy(p, old, count * size);
	*room = want;
	return p;
}

uint8_t *arena_block_take(struct arena_pool *p, size_t n, size_t *out_room)
{
	size_t head = MALLOC_WORD + sizeof(struct arena_block) + REDZONE;
	struct arena_block *b;

	b = n < SIZE_MAX / 2 ? block_get(p, block_size(n + head)) : NULL;
	if (b == NULL)
		return NULL;
	*out_room = room_of(b) - REDZONE;
	poison(b + 1, room_of(b));
	unpoison(b + 1, *out_room);
	return (uint8_t *)(b + 1);
}

void arena_block_give(struct arena_pool *p, uint8_t *bytes)
{
	if (bytes != NULL)
		block_put(p, (struct arena_block *)(void *)bytes - 1);
}

void arena_reset(struct arena *a)
{
	for (struct arena_block *b = a->blocks, *next; b != NULL; b = next) {
		next = b->next;
		block_put(a->pool, b);
	}
	a->blocks = NULL;
	a->at = a->end = NULL;
	a->held = 0;
	a->exhausted = false;
}

void arena_pool_drain(struct arena_pool *p)
{
	for (unsigned i = 0; i < ARENA_CLASSES; i++)
		while (p->free[i] != NULL)
			block_free(p, i);
}

void arena_end(struct arena a, struct arena_pool pool)
{
	a.pool = &pool;
	arena_reset(&a);
	arena_pool_drain(&pool);
}
