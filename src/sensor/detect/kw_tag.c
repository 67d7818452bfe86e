/* SPDX-License-Identifier: Apache-2.0
 * tag: packets of the same session, or of the same host, after a match. Suricata 8.0.6
 * rules/tag.html: tag:session|host[,count[,packets|bytes|seconds[,src|dst]]]; 256 packets where
 * nothing is said.
 *
 * 1. The packet that made the tag counts, but is not marked: it has its alert.
 * 2. A rule that matches again begins its count anew, at most AGAIN_MAX times, so that a rule that
 *    matches always does not mark for ever.
 * 3. A worker has at most DETECT_TAGS_MAX tags at once; then the one made longest ago goes. */
#include "base/text.h"
#include "sensor/detect/detect_priv.h"

enum { COUNT_DEFAULT = 256, AGAIN_MAX = 10 };

struct tag {
	bool host, dst;
	enum metric { BY_PACKETS, BY_BYTES, BY_SECONDS } metric;
	uint32_t count;
};

static enum status compile(struct detect_compiler *c, const struct detect_keyword *kw,
			   struct slice value, struct fail *why)
{
	static const char *const metrics[] = {"packets", "bytes", "seconds"};
	struct tag *o = ARENA_NEW(c->arena, struct tag);
	struct slice type = slice_trim(slice_split(&value, ','));
	struct slice count = slice_trim(slice_split(&value, ','));
	struct slice metric = slice_trim(slice_split(&value, ',')), side = slice_trim(value);
	uint64_t n = COUNT_DEFAULT;
	bool good;

	if (o == NULL)
		return fail_set(why, ST_NOMEM, "no memory for tag");
	o->host = slice_equal(type, SLICE("host"));
	o->dst = !slice_equal(side, SLICE("src"));
	good = (o->host || slice_equal(type, SLICE("session"))) &&
	       (count.ptr == NULL || text_u64(count, 1, UINT32_MAX, &n)) &&
	       (side.ptr == NULL || (o->host && (!o->dst || slice_equal(side, SLICE("dst")))));
	if (metric.ptr != NULL) {
		unsigned i = 0;

		while (i < 3 && !slice_equal(metric, slice_of(metrics[i])))
			i++;
		good = good && i < 3;
		o->metric = BY_PACKETS + (i < 3 ? i : 0);
	}
	if (!good)
		return fail_set(why, ST_INVALID,
				"tag is session or host, a count, packets, bytes or seconds, and "
				"for a host src or dst");
	o->count = (uint32_t)n;
	return detect_add_after(c, kw, o, why);
}

static bool is_about(const struct detect_tag *t, const struct packet *p, const struct flow *f)
{
	if (t->host.family == 0)
		return f != NULL && f->id == t->flow;
	return p->ip_version != 0 &&
	       (addr_equal(&t->host, &p->src) || addr_equal(&t->host, &p->dst));
}

/* The tag that the same keyword has made, or one to be made. */
static struct detect_tag *tag_of(struct detect_tags *all, const struct detect_tag *key)
{
	struct detect_tag *oldest = NULL;

	for (size_t i = 0; i < DETECT_TAGS_MAX; i++) {
		struct detect_tag *t = &all->items[i];

		if (t->maker == key->maker && t->flow == key->flow &&
		    addr_equal(&t->host, &key->host))
			return t;
		if (oldest == NULL ||
		    (oldest->maker != 0 && (t->maker == 0 || t->start.ns < oldest->start.ns)))
			oldest = t;
	}
	all->count += oldest->maker == 0;
	*oldest = *key;
	return oldest;
}

static void after(const void *operand, const struct detect_view *v)
{
	const struct tag *o = operand;
	const struct addr *host = o->dst ? v->dst : v->src;
	struct detect_tag key = {.maker = (uintptr_t)o,
				 .metric = (uint8_t)o->metric,
				 .limit = o->count,
				 .start = v->now},
			  *t;

	if (v->packet == NULL || (o->host ? host == NULL : v->flow == NULL))
		return;
	if (o->host)
		key.host = *host;
	else
		key.flow = v->flow->id;
	t = tag_of(&v->worker->tags, &key);
	if (t->matches++ < AGAIN_MAX) {
		t->start = v->now;
		t->packets = t->bytes = 0;
	}
}

static bool is_over(const struct detect_tag *t, struct wall_ns now)
{
	switch ((enum metric)t->metric) {
	case BY_PACKETS:
		return t->packets > t->limit;
	case BY_BYTES:
		return t->bytes > t->limit;
	case BY_SECONDS:
		break;
	}
	return (now.ns - t->start.ns) / TIME_NS_PER_S > (int64_t)t->limit;
}

bool detect_tagged(struct detect_worker *w, const struct packet *p, const struct flow *f)
{
	bool marked = false;

	for (size_t i = 0; w->tags.count != 0 && i < DETECT_TAGS_MAX; i++) {
		struct detect_tag *t = &w->tags.items[i];

		if (t->maker == 0 || !is_about(t, p, f))
			continue;
		t->packets++;
		t->bytes += p->wire_bytes;
		if (!t->begun) {
			t->begun = true;
		} else if (is_over(t, p->at)) {
			*t = (struct detect_tag){0};
			w->tags.count--;
		} else {
			marked = true;
		}
	}
	return marked;
}

KEYWORD(tag) = {
	{.name = "tag",
	 .compile = compile,
	 .after = after,
	 .doc = "packets of the session or host after a match are events, too"},
	{0},
};
