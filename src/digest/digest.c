/* SPDX-License-Identifier: Apache-2.0
 *
 * A ring of epochs. Invariants, between any two calls:
 *
 *   1. Remembered are the `count` epochs from `oldest` to `head`; the last of them may be open.
 *      Their keys are in memory, and no other epoch's: an epoch that is forgotten is overwritten.
 *   2. The filter behind head is being emptied: its lines below `clean` are zero. So an epoch
 *      begins without a pause, and count <= filters - 1.
 *   3. The open epoch has at most `capacity` packets, those that wait included.
 *   4. `now` never runs backwards; now - first < REMEMBERED_S of each epoch that is remembered.
 *
 * Lines are fetched before they are needed: a packet waits until QUEUE others came behind it, while
 * the processor brings its line. Whoever asks, or ends an epoch, puts in those that wait.
 */
#include "digest/digest.h"

enum {
	QUEUE = 16, /* a power of two */
	WORDS = DIGEST_LINE_BYTES / 8,
	LINE_BITS = DIGEST_LINE_BYTES * 8,
	IN_FIRST = 2, /* positions that the hash itself gives; its upper half names the line */
	POSITION_LOG2 = 9,
	CERTAIN_PPB = 1000000000,
};

_Static_assert(1 << POSITION_LOG2 == LINE_BITS, "a position is a bit of a line");
_Static_assert((DIGEST_HASHES - IN_FIRST) * POSITION_LOG2 <= 64, "positions of the second word");
_Static_assert(DIGEST_LINES_LOG2_MAX + IN_FIRST * POSITION_LOG2 <= 64, "the first word has enough");

struct epoch {
	uint8_t key[CRYPTO_SIP_BYTES];
	struct digest_epoch said;
	bool is_said; /* false_ppb is of the bits as they are now */
};

struct digest_store {
	struct digest_limits limits;
	uint64_t *words; /* filters * lines * WORDS */
	struct epoch *epochs;
	uint64_t queue[QUEUE];
	uint64_t capacity;
	struct wall_ns now;
	struct wall_ns since; /* what passed before it is not remembered */
	size_t queued, clean;
	uint32_t head, oldest, count; /* oldest: if count is not 0 */
	bool open, started;
};

static const int64_t epoch_ns = DIGEST_EPOCH_S * TIME_NS_PER_S;
static const int64_t remembered_ns = DIGEST_REMEMBERED_S * TIME_NS_PER_S;

static size_t lines(const struct digest_store *s)
{
	return (size_t)1 << s->limits.lines_log2;
}

static uint32_t behind(const struct digest_store *s, uint32_t epoch)
{
	return epoch + 1 == s->limits.filters ? 0 : epoch + 1;
}

static uint64_t *filter(const struct digest_store *s, uint32_t epoch)
{
	return s->words + (size_t)epoch * lines(s) * WORDS;
}

static uint64_t *line_of(const struct digest_store *s, uint32_t epoch, uint64_t hash)
{
	/* two shifts, because a filter of one line has a shift of 64 */
	return filter(s, epoch) + (hash >> 1 >> (63 - s->limits.lines_log2)) * WORDS;
}

/* 63 more bits that are as good as the hash is: one to one (D. Stafford's mix 13, of SplitMix64).
 */
static uint64_t mixed(uint64_t h)
{
	h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
	return h ^ h >> 31;
}

/* The i-th bit of a packet in its line; more is mixed(hash). */
static unsigned position(uint64_t hash, uint64_t more, unsigned i)
{
	uint64_t from = i < IN_FIRST ? hash >> (i * POSITION_LOG2)
				     : more >> ((i - IN_FIRST) * POSITION_LOG2);

	return from % LINE_BITS;
}

static void put(struct digest_store *s, uint64_t hash)
{
	uint64_t more = mixed(hash), *line = line_of(s, s->head, hash);

	for (unsigned i = 0; i < DIGEST_HASHES; i++) {
		unsigned at = position(hash, more, i);

		line[at / 64] |= UINT64_C(1) << at % 64;
	}
}

static void put_all(struct digest_store *s)
{
	size_t n = s->queued < QUEUE ? s->queued : QUEUE;

	for (size_t i = 0; i < n; i++)
		put(s, s->queue[i]);
	s->queued = 0;
}

static void forget_oldest(struct digest_store *s)
{
	struct epoch *e = &s->epochs[s->oldest];

	if (s->open && s->count == 1) { /* those that wait are of a key that is not any more */
		crypto_wipe(s->queue, sizeof s->queue);
		s->queued = 0;
		s->open = false;
	}
	s->since = (struct wall_ns){e->said.last.ns == INT64_MAX ? INT64_MAX : e->said.last.ns + 1};
	crypto_wipe(e, sizeof *e);
	s->oldest = behind(s, s->oldest);
	s->count--;
}

void digest_store_expire(struct digest_store *s, struct wall_ns now)
{
	if (!s->started)
		s->since = s->now = now;
	s->started = true;
	if (now.ns > s->now.ns)
		s->now = now;
	/* unsigned: times may be anywhere */
	while (s->count != 0 &&
	       (uint64_t)s->now.ns - (uint64_t)s->epochs[s->oldest].said.first.ns >=
		       (uint64_t)remembered_ns)
		forget_oldest(s);
}

static void close_epoch(struct digest_store *s)
{
	if (!s->open)
		return;
	put_all(s);
	crypto_wipe(s->queue, sizeof s->queue);
	s->open = false;
}

static void empty(struct digest_store *s, size_t n)
{
	uint64_t *next = filter(s, behind(s, s->head));
	size_t left = lines(s) - s->clean;

	n = n < left ? n : left;
	memset(next + s->clean * WORDS, 0, n * DIGEST_LINE_BYTES);
	s->clean += n;
}

static void begin_epoch(struct digest_store *s)
{
	struct epoch *e;

	empty(s, lines(s)); /* what is left of it: nothing, after a full epoch */
	s->head = behind(s, s->head);
	s->clean = 0;
	if (s->count == 0)
		s->oldest = s->head;
	s->count++;
	if (s->count == s->limits.filters)
		forget_oldest(s); /* its filter is the next to be emptied */
	e = &s->epochs[s->head];
	*e = (struct epoch){.said = {.first = s->now, .last = s->now}};
	s->limits.key(s->limits.key_ctx, e->key);
	s->open = true;
}

void digest_store_add(struct digest_store *s, struct wall_ns at, const struct digest_prefix *p)
{
	struct epoch *e;
	uint64_t hash, *waiting;

	if (p->len == 0)
		return;
	digest_store_expire(s, at);
	e = &s->epochs[s->head];
	if (!s->open || e->said.packets == s->capacity ||
	    s->now.ns - e->said.first.ns >= epoch_ns) {
		close_epoch(s);
		begin_epoch(s);
		e = &s->epochs[s->head];
	}
	hash = crypto_sip(e->key, (struct slice){p->bytes, p->len});
	__builtin_prefetch(line_of(s, s->head, hash), 1);
	waiting = &s->queue[s->queued % QUEUE];
	if (s->queued >= QUEUE)
		put(s, *waiting);
	*waiting = hash;
	s->queued++;
	e->said.packets++;
	e->said.last = s->now;
	e->is_said = false;
	if (s->clean != lines(s))
		empty(s, 1);
}

/* The share of bits set in a line, to the power of HASHES: that a line says yes to chance. */
static uint64_t chance_ppb(unsigned set)
{
	uint64_t share = (uint64_t)set << 23, all = share; /* of 2^32 */

	for (unsigned i = 1; i < DIGEST_HASHES; i++)
		all = all * share >> 32;
	return all * CERTAIN_PPB >> 32;
}

static void say(const struct digest_store *s, uint32_t epoch)
{
	const uint64_t *word = filter(s, epoch);
	struct epoch *e = &s->epochs[epoch];
	uint64_t sum = 0;

	for (size_t l = 0; l < lines(s); l++, word += WORDS) {
		unsigned set = 0;

		for (size_t i = 0; i < WORDS; i++)
			set += (unsigned)__builtin_popcountll(word[i]);
		sum += chance_ppb(set);
	}
	e->said.false_ppb = (uint32_t)(sum / lines(s)) + 1; /* never impossible */
	e->is_said = true;
}

static bool is_in(const struct digest_store *s, uint32_t epoch, const struct digest_prefix *p)
{
	uint64_t hash = crypto_sip(s->epochs[epoch].key, (struct slice){p->bytes, p->len});
	uint64_t more = mixed(hash), set = 1;
	const uint64_t *line = line_of(s, epoch, hash);

	for (unsigned i = 0; i < DIGEST_HASHES; i++) {
		unsigned at = position(hash, more, i);

		set &= line[at / 64] >> at % 64;
	}
	return set != 0;
}

struct digest_answer digest_store_ask(struct digest_store *s, const struct digest_prefix *p,
				      struct wall_ns from, struct wall_ns to,
				      struct digest_epoch *out, size_t most)
{
	struct digest_answer a = {.whole = s->started && from.ns >= s->since.ns};
	uint64_t wrong = 0;

	if (p->len == 0)
		return (struct digest_answer){0};
	put_all(s);
	for (uint32_t k = 0, i = s->oldest; k < s->count; k++, i = behind(s, i)) {
		struct epoch *e = &s->epochs[i];

		if (e->said.last.ns < from.ns || e->said.first.ns > to.ns)
			continue;
		if (!e->is_said)
			say(s, i);
		a.asked++;
		wrong += e->said.false_ppb;
		if (!is_in(s, i, p))
			continue;
		if (a.yes < most)
			out[a.yes] = e->said;
		a.yes++;
	}
	a.false_ppb = wrong < CERTAIN_PPB ? (uint32_t)wrong : CERTAIN_PPB;
	return a;
}

enum status digest_store_new(const struct digest_limits *limits, struct arena *a,
			     struct digest_store **out, struct fail *why)
{
	struct digest_store *s;

	if (limits->filters < DIGEST_FILTERS_MIN || limits->filters > DIGEST_FILTERS_MAX)
		return fail_set(why, ST_INVALID, "packet digests: %d to %d filters, not %u",
				DIGEST_FILTERS_MIN, DIGEST_FILTERS_MAX, limits->filters);
	if (limits->lines_log2 > DIGEST_LINES_LOG2_MAX)
		return fail_set(why, ST_INVALID,
				"packet digests: at most 2^%d lines a filter, not 2^%u",
				DIGEST_LINES_LOG2_MAX, limits->lines_log2);
	s = ARENA_NEW(a, struct digest_store);
	if (s == NULL)
		goto nomem;
	s->limits = *limits;
	s->capacity = lines(s) * LINE_BITS / DIGEST_BITS;
	s->epochs = ARENA_ARRAY(a, struct epoch, limits->filters);
	s->words = (uint64_t *)(void *)arena_bytes_aligned(
		a, (size_t)limits->filters * lines(s) * DIGEST_LINE_BYTES, DIGEST_LINE_BYTES);
	if (s->epochs == NULL || s->words == NULL)
		goto nomem;
	*out = s;
	return ST_OK;
nomem:
	return fail_set(why, ST_NOMEM, "packet digests: %u filters of 2^%u lines do not fit",
			limits->filters, limits->lines_log2);
}

void digest_store_free(struct digest_store *s)
{
	if (s == NULL)
		return;
	crypto_wipe(s->epochs, s->limits.filters * sizeof *s->epochs);
	crypto_wipe(s->queue, sizeof s->queue);
	s->count = 0;
	s->queued = 0;
	s->open = false;
}
