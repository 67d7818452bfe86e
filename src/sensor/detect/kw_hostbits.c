/* SPDX-License-Identifier: Apache-2.0
 * What rules remember about hosts, across flows: xbits and hostbits. A bit that expired is not set.
 * xbits may be about a transaction, too: those end with it. */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum { EXPIRE_DEFAULT_S = 30 /* Suricata's */, EXPIRE_NEVER_S = INT32_MAX };

struct host_operand {
	enum detect_bit_act act;
	enum { BY_SRC, BY_DST, BY_PAIR, BY_EITHER, BY_TX } by;
	uint32_t bit, expire_s;
};

/* Which keys the operand means; a pair is the same in both directions. */
static unsigned keys_of(const struct host_operand *o, const struct detect_view *v,
			struct detect_memory_key keys[2])
{
	struct detect_memory_key k = {.id = o->bit, .kind = 1};
	unsigned n = 0;

	if (v->src == NULL || v->dst == NULL)
		return 0;
	if (o->by == BY_PAIR) {
		bool swap = addr_compare(v->src, v->dst) > 0;

		k.a = swap ? *v->dst : *v->src;
		k.b = swap ? *v->src : *v->dst;
		keys[n++] = k;
		return n;
	}
	if (o->by == BY_SRC || o->by == BY_EITHER) {
		k.a = *v->src;
		keys[n++] = k;
	}
	if (o->by == BY_DST || o->by == BY_EITHER) {
		k.a = *v->dst;
		keys[n++] = k;
	}
	return n;
}

static bool is_set(const struct detect_memory_entry *e, struct wall_ns now)
{
	return e != NULL && now.ns <= e->start.ns + (int64_t)e->count * TIME_NS_PER_S;
}

static bool host_test(const void *operand, const struct detect_view *v)
{
	const struct host_operand *o = operand;
	struct detect_memory_key keys[2];
	unsigned n = keys_of(o, v, keys);
	bool any = false;

	for (unsigned i = 0; i < n; i++) {
		struct detect_memory *m = detect_memory_take(v->worker, &keys[i]);

		any |= is_set(detect_memory_find(m, &keys[i]), v->now);
		detect_memory_give(v->worker, &keys[i]);
	}
	return n != 0 && any == (o->act == DETECT_BIT_ISSET);
}

static void host_change(const struct host_operand *o, const struct detect_memory_key *k,
			struct detect_memory *m, struct wall_ns now)
{
	struct detect_memory_entry *e = detect_memory_find(m, k);

	if (o->act == DETECT_BIT_UNSET || (o->act == DETECT_BIT_TOGGLE && is_set(e, now))) {
		detect_memory_remove(m, k);
		return;
	}
	if (e == NULL)
		e = detect_memory_add(m, k);
	e->start = now;
	e->count = o->expire_s;
}

static void host_after(const void *operand, const struct detect_view *v)
{
	const struct host_operand *o = operand;
	struct detect_memory_key keys[2];
	unsigned n = keys_of(o, v, keys);

	for (unsigned i = 0; i < n; i++) {
		host_change(o, &keys[i], detect_memory_take(v->worker, &keys[i]), v->now);
		detect_memory_give(v->worker, &keys[i]);
	}
}

static bool track_parse(struct slice s, bool x, struct host_operand *o)
{
	static const struct {
		const char *word;
		uint8_t by;
		bool of_xbits, of_hostbits;
	} tracks[] = {{"ip_src", BY_SRC, true, false},	 {"ip_dst", BY_DST, true, false},
		      {"ip_pair", BY_PAIR, true, false}, {"tx", BY_TX, true, false},
		      {"src", BY_SRC, false, true},	 {"dst", BY_DST, false, true},
		      {"both", BY_EITHER, false, true}};

	for (size_t i = 0; i < sizeof tracks / sizeof tracks[0]; i++) {
		if ((x ? tracks[i].of_xbits : tracks[i].of_hostbits) &&
		    slice_equal(s, slice_of(tracks[i].word))) {
			o->by = BY_SRC + (unsigned)tracks[i].by;
			return true;
		}
	}
	return false;
}

/* --- bits of a transaction --- */

static bool tx_test(const void *operand, const struct detect_view *v)
{
	const struct host_operand *o = operand;
	const struct detect_tx *d = v->tx->detect;

	return d->bits != NULL && (d->bits[o->bit / 64] >> o->bit % 64 & 1) != 0;
}

static void tx_after(const void *operand, const struct detect_view *v)
{
	const struct host_operand *o = operand;
	struct detect_tx *d = v->tx == NULL ? NULL : v->tx->detect;

	if (d == NULL || d == &v->worker->tx_none)
		return;
	if (d->bits == NULL)
		d->bits = ARENA_ARRAY(&v->tx->arena, uint64_t,
				      v->worker->rules->tx_bits.count / 64 + 1);
	if (d->bits != NULL)
		d->bits[o->bit / 64] |= UINT64_C(1) << o->bit % 64;
}

/* The row of xbits that are tracked so. */
static const struct detect_keyword of_txs = {
	.name = "xbits", .test = tx_test, .after = tx_after, .cost = 2};

static enum status compile_tx(struct detect_compiler *c, struct host_operand *o, struct slice name,
			      struct fail *why)
{
	int bit = detect_name_index(&c->rules->tx_bits, c->arena, name);

	if (o->act != DETECT_BIT_SET && o->act != DETECT_BIT_ISSET)
		return fail_set(why, ST_INVALID, "xbits of a tx know only set and isset");
	if (bit < 0)
		return fail_set(why, ST_NOMEM, "no memory for a bit");
	o->bit = (uint32_t)bit;
	detect_use_add(&c->out->pair_use, o->act == DETECT_BIT_SET);
	return o->act == DETECT_BIT_SET ? detect_add_after(c, &of_txs, o, why)
					: detect_add_tx_test(c, &of_txs, o, why);
}

/* xbits:set,name,track ip_src[,expire 10]; hostbits:set,name[,src[,10]] */
static enum status compile_host(struct detect_compiler *c, const struct detect_keyword *kw,
				struct slice value, struct fail *why)
{
	struct host_operand *o = ARENA_NEW(c->arena, struct host_operand);
	struct slice rest = value, act = slice_trim(slice_split(&rest, ',')), name;
	bool x = kw->which == 0, tracked = !x, known;
	uint64_t n;
	int bit;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %s", kw->name);
	if (slice_equal(act, SLICE("noalert")) && rest.ptr == NULL) {
		c->out->noalert = true;
		return ST_OK;
	}
	known = detect_bit_act_parse(act, &o->act);
	name = slice_trim(slice_split(&rest, ','));
	if (!known || name.len == 0)
		return fail_set(why, ST_INVALID, "%s wants an action and a name", kw->name);
	o->expire_s = x ? EXPIRE_DEFAULT_S : EXPIRE_NEVER_S;
	while (rest.ptr != NULL) {
		struct slice w = slice_trim(slice_split(&rest, ','));

		if (x && slice_starts(w, SLICE("track ")) &&
		    track_parse(slice_trim(slice_from(w, 6)), x, o)) {
			tracked = true;
		} else if (x && slice_starts(w, SLICE("expire ")) &&
			   text_u64(slice_trim(slice_from(w, 7)), 1, INT32_MAX, &n)) {
			o->expire_s = (uint32_t)n;
		} else if (!x && text_u64(w, 1, INT32_MAX, &n)) {
			o->expire_s = (uint32_t)n;
		} else if (x || !track_parse(w, x, o)) {
			return fail_set(why, ST_INVALID, "%s does not know \"%.*s\"", kw->name,
					SLICE_ARG(w));
		}
	}
	if (!tracked)
		return fail_set(why, ST_INVALID, "xbits wants track ip_src, ip_dst, ip_pair or tx");
	if (o->by == BY_TX)
		return compile_tx(c, o, name, why);
	bit = detect_name_index(&c->rules->host_bits, c->arena, name);
	if (bit < 0)
		return fail_set(why, ST_NOMEM, "no memory for a host bit");
	o->bit = (uint32_t)bit;
	detect_use_add(x && o->by == BY_PAIR ? &c->out->pair_use : &c->out->host_use,
		       o->act <= DETECT_BIT_TOGGLE);
	return o->act <= DETECT_BIT_TOGGLE ? detect_add_after(c, kw, o, why)
					   : detect_add_test(c, kw, o, why);
}

KEYWORD(hostbits) = {
	{.name = "xbits",
	 .which = 0,
	 .compile = compile_host,
	 .test = host_test,
	 .after = host_after,
	 .cost = 3,
	 .doc = "names set on an address or pair, with an end"},
	{.name = "hostbits",
	 .which = 1,
	 .compile = compile_host,
	 .test = host_test,
	 .after = host_after,
	 .cost = 3,
	 .doc = "names set on an address"},
	{0},
};
