/* SPDX-License-Identifier: Apache-2.0
 *
 * base/queue.h - one thread gives another messages of any length.
 *
 * Single producer, single consumer, a ring of bytes, no locks, no waiting. A message lies in one
 * piece, at a multiple of 8, so that the producer writes it in place and the consumer reads it
 * where it is. Who finds no room is told so and may count it.
 *
 *	producer:	p = queue_reserve(q, kind, n); fill p[0..n); ... queue_publish(q);
 *	consumer:	while (queue_peek(q, &kind, &m)) { use m; queue_drop(q); }
 *
 * 1. head - tail is what is in it, at most its size; both only grow.
 * 2. A message that takes half of the size or less, with its head, fits into an empty queue,
 *    wherever that stands; longer ones never do.
 */
#ifndef DEW_BASE_QUEUE_H
#define DEW_BASE_QUEUE_H

#include <stdatomic.h>

#include "base/slice.h"

struct queue {
	_Alignas(64) _Atomic uint64_t head; /* bytes ever published: written by the producer only */
	uint64_t reserved;		    /* the producer's: bytes ever reserved */
	_Alignas(64) _Atomic uint64_t tail; /* bytes ever dropped: written by the consumer only */
	_Alignas(64) uint8_t *bytes;	    /* aligned to 8; NULL: there is never room */
	uint64_t size;			    /* a power of two */
};

enum { QUEUE_HEAD = 8 /* bytes in front of a message: its length, its kind */ };
#define QUEUE_FILLER UINT32_MAX /* as a kind: nothing, up to the end of the ring */

static inline uint64_t queue_need(uint64_t n)
{
	return QUEUE_HEAD + (n + 7) / 8 * 8;
}

static inline void queue_head_put(struct queue *q, uint64_t at, uint64_t n, uint32_t kind)
{
	uint32_t front[2] = {(uint32_t)n, kind};

	memcpy(q->bytes + (at & (q->size - 1)), front, sizeof front);
}

/* Producer: room for a message of n bytes, or NULL. kind is anything but QUEUE_FILLER. Nobody sees
 * it before queue_publish(). */
static inline uint8_t *queue_reserve(struct queue *q, uint32_t kind, uint64_t n)
{
	uint64_t at = q->reserved, need = queue_need(n), to_end = q->size - (at & (q->size - 1));
	uint64_t fill = need > to_end ? to_end : 0;
	uint64_t used = at - atomic_load_explicit(&q->tail, memory_order_acquire);

	if (q->bytes == NULL || need > q->size / 2 || fill + need > q->size - used)
		return NULL;
	if (fill != 0)
		queue_head_put(q, at, fill - QUEUE_HEAD, QUEUE_FILLER);
	queue_head_put(q, at + fill, n, kind);
	q->reserved = at + fill + need;
	return q->bytes + ((at + fill) & (q->size - 1)) + QUEUE_HEAD;
}

/* Producer: what was reserved is seen. In one order with other seq_cst atomics, so that a consumer
 * that says that it sleeps and looks once more misses nothing. */
static inline void queue_publish(struct queue *q)
{
	atomic_store(&q->head, q->reserved);
}

/* Bytes in it: by either side, of course only as of a moment ago. */
static inline uint64_t queue_used(const struct queue *q)
{
	uint64_t tail = atomic_load_explicit(&q->tail, memory_order_acquire);

	return atomic_load_explicit(&q->head, memory_order_acquire) - tail;
}

/* Consumer: the oldest message, until queue_drop(). */
static inline bool queue_peek(struct queue *q, uint32_t *out_kind, struct slice *out)
{
	uint64_t head = atomic_load(&q->head);
	uint64_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
	uint32_t front[2];

	while (tail != head) {
		memcpy(front, q->bytes + (tail & (q->size - 1)), sizeof front);
		if (front[1] != QUEUE_FILLER) {
			*out_kind = front[1];
			*out = (struct slice){q->bytes + (tail & (q->size - 1)) + QUEUE_HEAD,
					      front[0]};
			return true;
		}
		tail += QUEUE_HEAD + (uint64_t)front[0];
		atomic_store_explicit(&q->tail, tail, memory_order_release);
	}
	return false;
}

/* Consumer: the message that queue_peek() gave goes. */
static inline void queue_drop(struct queue *q)
{
	uint64_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
	uint32_t n;

	memcpy(&n, q->bytes + (tail & (q->size - 1)), sizeof n);
	atomic_store_explicit(&q->tail, tail + queue_need(n), memory_order_release);
}

#endif
