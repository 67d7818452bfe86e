/* SPDX-License-Identifier: Apache-2.0
 * Messages of any version one after the other, each behind two bytes of its length, so that a
 * template of one is used by the next. What is read is written and read again: it must be the
 * same. */
#include "base/cursor.h"
#include "sensor/ipfix/ipfix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
	struct ipfix_reader *first, *second;
	struct ipfix_writer *writer;
	struct ipfix_flow said;
	uint64_t heard, again;
};

static const struct wall_ns now = {INT64_C(1700000000) * TIME_NS_PER_S};

static bool same(const struct ipfix_flow *a, const struct ipfix_flow *b)
{
	return addr_equal(&a->src, &b->src) && addr_equal(&a->dst, &b->dst) &&
	       a->sport == b->sport && a->dport == b->dport && a->proto == b->proto &&
	       a->icmp == b->icmp && a->id == b->id && a->app_len == b->app_len &&
	       memcmp(a->app, b->app, a->app_len) == 0 &&
	       a->side[0].packets == b->side[0].packets && a->side[0].octets == b->side[0].octets &&
	       a->side[1].packets == b->side[1].packets && a->side[1].octets == b->side[1].octets;
}

static void hear_again(void *ctx, const struct ipfix_session *s, const struct ipfix_flow *f)
{
	struct fuzz *z = ctx;

	ASSERT(s->version == 10 && same(&z->said, f));
	z->again++;
}

static bool post(void *ctx, struct slice message, const struct ipfix_load *load)
{
	struct fuzz *z = ctx;

	ASSERT(ipfix_message_bytes(message) == message.len && load->flows == 1);
	ipfix_read(z->second, &(struct ipfix_origin){.port = 1}, message, now);
	return true;
}

static void hear(void *ctx, const struct ipfix_session *s, const struct ipfix_flow *f)
{
	struct fuzz *z = ctx;

	ASSERT(f->src.family == f->dst.family && f->src.family != 0 && s->messages != 0);
	ASSERT(f->app_len <= IPFIX_APP_MAX && f->id >> 53 == 0 && f->sampling != 0);
	for (unsigned d = 0; d < 2; d++)
		ASSERT(f->side[d].first.ns >= 0 && f->side[d].last.ns >= f->side[d].first.ns);
	if (z->heard++ % 16 != 0)
		return;
	z->said = *f;
	ipfix_writer_flow(z->writer, f, now);
	ipfix_writer_flush(z->writer, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_pool pool = {.budget = SIZE_MAX};
	struct arena arena = {.pool = &pool};
	struct fuzz z = {0};
	struct cursor c = cursor_of((struct slice){data, size});
	const struct ipfix_reader_counters *n;

	z.first = ipfix_reader_new((struct ipfix_reader_sink){&z, hear, NULL}, &arena);
	z.second = ipfix_reader_new((struct ipfix_reader_sink){&z, hear_again, NULL}, &arena);
	z.writer = ipfix_writer_new(&(struct ipfix_writer_options){.message_max = 9000},
				    (struct ipfix_writer_sink){&z, post}, &arena);
	ASSERT(z.first != NULL && z.second != NULL && z.writer != NULL);
	while (cursor_left(&c) > 2) {
		size_t bytes = cursor_be16(&c);
		struct ipfix_origin from = {.reliable = (bytes & 0x8000) != 0};

		bytes &= 0x7fff;
		bytes = bytes < cursor_left(&c) ? bytes : cursor_left(&c);
		ipfix_read(z.first, &from, cursor_take(&c, bytes), now);
	}
	n = ipfix_reader_counters(z.first);
	ASSERT(n->flows == z.heard && n->flows + n->others <= n->records);
	ASSERT(z.again == (z.heard + 15) / 16);
	n = ipfix_reader_counters(z.second);
	ASSERT(n->malformed == 0 && n->undecodable == 0 && n->others == 0 && n->lost == 0);
	arena_reset(&arena);
	arena_pool_drain(&pool);
	return 0;
}
