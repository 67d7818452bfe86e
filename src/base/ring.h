/* SPDX-License-Identifier: Apache-2.0
 *
 * base/ring.h - one thread tells another.
 *
 * Single producer, single consumer, fixed slots, no locks, no waiting. A message is copied
 * in whole; a pointer inside it changes owner with it. A full ring is the caller's to count.
 */
#ifndef DEW_BASE_RING_H
#define DEW_BASE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct ring {
	_Alignas(64) _Atomic uint32_t head; /* written by the producer only */
	_Alignas(64) _Atomic uint32_t tail; /* written by the consumer only */
	_Alignas(64) uint32_t mask;	    /* slots - 1; slots is a power of two */
	uint32_t slot_size;		    /* bytes */
	uint8_t *slots;
};

/* Messages in it: by either side, of course only as of a moment ago. */
static inline uint32_t ring_used(const struct ring *r)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);

	return atomic_load_explicit(&r->head, memory_order_acquire) - tail;
}

static inline bool ring_push(struct ring *r, const void *msg)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);

	if (head - tail > r->mask)
		return false;
	memcpy(r->slots + (size_t)(head & r->mask) * r->slot_size, msg, r->slot_size);
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
	return true;
}

static inline bool ring_pop(struct ring *r, void *msg)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);

	if (head == tail)
		return false;
	memcpy(msg, r->slots + (size_t)(tail & r->mask) * r->slot_size, r->slot_size);
	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
	return true;
}

#endif
