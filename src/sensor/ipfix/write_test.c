/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix_fixture.h"

#include "base/cursor.h"

#define NOW ((struct wall_ns){INT64_C(1700000000) * TIME_NS_PER_S})

/* A collector that keeps messages whole. */
struct post {
	struct arena_pool pool;
	struct arena arena;
	struct ipfix_writer *writer;
	struct ear ear;
	size_t messages, longest, templates; /* templates: messages that begin with them */
	uint32_t number, records;	     /* of the last one; in all */
	bool refuses;
	struct ipfix_load load; /* of all */
};

static uint32_t records_of(struct slice message)
{
	/* a second opinion on the sequence: sets' lengths by records' are the reader's business, so
	 * it is asked how many it found */
	struct cursor c = cursor_of(message);

	(void)cursor_take(&c, 8);
	return cursor_be32(&c);
}

static bool post_put(void *ctx, struct slice m, const struct ipfix_load *load)
{
	struct post *p = ctx;

	if (p->refuses)
		return false;
	p->messages++;
	p->longest = m.len > p->longest ? m.len : p->longest;
	p->templates += m.ptr[16] == 0; /* sets of data have numbers from 256 */
	p->number = records_of(m);
	p->load.flows += load->flows;
	p->load.packets += load->packets;
	p->load.octets += load->octets;
	ASSERT(ipfix_message_bytes(m) == m.len);
	ASSERT(p->number == p->records); /* invariant 3 */
	ear_read(&p->ear, m);
	p->records = (uint32_t)ipfix_reader_counters(p->ear.reader)->records;
	return true;
}

static void post_open(struct post *p, struct ipfix_writer_options o)
{
	*p = (struct post){.pool = {.budget = SIZE_MAX}};
	p->arena.pool = &p->pool;
	ear_open(&p->ear);
	p->writer = ipfix_writer_new(&o, (struct ipfix_writer_sink){p, post_put}, &p->arena);
	ASSERT(p->writer != NULL);
}

static void post_close(struct post *p)
{
	const struct ipfix_reader_counters *c = ipfix_reader_counters(p->ear.reader);

	ASSERT(c->malformed == 0 && c->lost == 0 && c->undecodable == 0 && c->waiting == 0 &&
	       c->templates_refused == 0);
	ear_close(&p->ear);
	arena_reset(&p->arena);
	arena_pool_drain(&p->pool);
}

static void round_trip(struct test *t, struct ipfix_writer_options o)
{
	struct ipfix_flow sent[20];
	struct post p;

	post_open(&p, o);
	for (size_t i = 0; i < 20; i++) {
		sent[i] = any_flow(t);
		ipfix_writer_flow(p.writer, &sent[i], NOW);
	}
	ipfix_writer_flush(p.writer, NOW);
	EXPECT_UINT(t, p.ear.count, 20);
	EXPECT_UINT(t, p.load.flows, 20);
	for (size_t i = 0; i < 20; i++)
		EXPECT(t, flow_same(&sent[i], &p.ear.flows[i]));
	EXPECT(t, p.longest <= (o.message_max < 512 ? 512 : o.message_max));
	post_close(&p);
}

static void what_is_written_is_read_the_same_whatever_the_size_of_messages(struct test *t)
{
	static const size_t sizes[] = {0, 511, 512, 513, 600, 1400, 9000, 65535};

	for (size_t i = 0; i < 10 * (sizeof sizes / sizeof sizes[0]); i++)
		round_trip(t, (struct ipfix_writer_options){
				      .domain = 7,
				      .message_max = sizes[i % (sizeof sizes / sizeof sizes[0])]});
}

static void times_of_nanoseconds_come_back_to_the_nanosecond(struct test *t)
{
	struct post p;

	post_open(&p, (struct ipfix_writer_options){.nanoseconds = true, .message_max = 1400});
	for (size_t i = 0; i < 200; i++) {
		struct ipfix_flow f = any_flow(t);

		f.side[0].first.ns += (int64_t)(test_rand(t) % 1000000);
		f.side[0].last.ns = f.side[0].first.ns + (int64_t)(test_rand(t) % 1000000);
		f.side[1] = (struct ipfix_side){0};
		ipfix_writer_flow(p.writer, &f, NOW);
		ipfix_writer_flush(p.writer, NOW);
		EXPECT_UINT(t, p.ear.count, i + 1);
		EXPECT(t, flow_same(&f, &p.ear.flows[i]));
	}
	post_close(&p);
}

static void a_record_has_the_times_of_both_directions(struct test *t)
{
	struct ipfix_flow f = any_flow(t);
	struct post p;

	f.side[0].first.ns = 2 * TIME_NS_PER_S;
	f.side[0].last.ns = 3 * TIME_NS_PER_S;
	f.side[1] = f.side[0];
	f.side[1].first.ns = 1 * TIME_NS_PER_S;
	f.side[1].last.ns = 4 * TIME_NS_PER_S;
	post_open(&p, (struct ipfix_writer_options){.message_max = 1400});
	ipfix_writer_flow(p.writer, &f, NOW);
	f.side[0].packets = 0; /* the client was silent */
	f.side[0].first.ns = f.side[0].last.ns = 0;
	ipfix_writer_flow(p.writer, &f, NOW);
	ipfix_writer_flush(p.writer, NOW);
	EXPECT_UINT(t, p.ear.count, 2);
	for (size_t i = 0; i < 2; i++) {
		EXPECT(t, p.ear.flows[i].side[0].first.ns == 1 * TIME_NS_PER_S);
		EXPECT(t, p.ear.flows[i].side[0].last.ns == 4 * TIME_NS_PER_S);
	}
	post_close(&p);
}

static void one_way_writes_a_record_for_each_direction_that_spoke(struct test *t)
{
	struct ipfix_flow f = any_flow(t), *got;
	struct post p;

	f.side[1] = f.side[0];
	f.side[1].packets++;
	post_open(&p, (struct ipfix_writer_options){.one_way = true, .message_max = 1400});
	got = p.ear.flows;
	ipfix_writer_flow(p.writer, &f, NOW);
	f.side[1].packets = f.side[1].octets = f.side[1].frame_octets = 0;
	ipfix_writer_flow(p.writer, &f, NOW);
	ipfix_writer_flush(p.writer, NOW);
	EXPECT_UINT(t, p.ear.count, 3);
	EXPECT(t, addr_equal(&got[0].src, &f.src) && addr_equal(&got[1].src, &f.dst));
	EXPECT(t, got[0].sport == got[1].dport && got[0].dport == got[1].sport);
	EXPECT_UINT(t, got[0].side[0].packets, f.side[0].packets);
	EXPECT_UINT(t, got[1].side[0].packets, f.side[0].packets + 1);
	EXPECT(t, got[0].direction == IPFIX_DIRECTION_INITIATOR &&
			  got[1].direction == IPFIX_DIRECTION_ARBITRARY);
	for (size_t i = 0; i < 3; i++)
		EXPECT_UINT(t, got[i].side[1].packets, 0);
	post_close(&p);
}

/* Messages of one flow each. */
static void send_one(struct post *p, struct test *t, struct wall_ns now)
{
	struct ipfix_flow f = any_flow(t);

	ipfix_writer_flow(p->writer, &f, now);
	ipfix_writer_flush(p->writer, now);
}

static void templates_come_again_after_so_many_messages(struct test *t)
{
	struct post p;

	post_open(&p, (struct ipfix_writer_options){.message_max = 9000, .template_messages = 3});
	for (size_t i = 1; i <= 7; i++) {
		send_one(&p, t, NOW);
		EXPECT_UINT(t, p.templates, (i + 2) / 3); /* in the 1st, 4th and 7th */
	}
	post_close(&p);
}

static void templates_come_again_after_so_much_time(struct test *t)
{
	int64_t life = 60 * TIME_NS_PER_S;
	struct wall_ns now = NOW;
	struct post p;

	post_open(&p, (struct ipfix_writer_options){.message_max = 9000, .template_ns = life});
	send_one(&p, t, now);
	now.ns += life - 1;
	send_one(&p, t, now);
	EXPECT_UINT(t, p.templates, 1);
	now.ns += 1;
	send_one(&p, t, now);
	EXPECT_UINT(t, p.templates, 2);
	now.ns -= 10; /* a clock that is put back must not keep them for ever */
	send_one(&p, t, now);
	EXPECT_UINT(t, p.templates, 3);
	post_close(&p);
}

static void a_message_that_is_not_taken_uses_no_number_and_its_templates_come_again(struct test *t)
{
	struct ipfix_account a = {0};
	struct post p;

	post_open(&p, (struct ipfix_writer_options){.message_max = 9000});
	p.refuses = true;
	send_one(&p, t, NOW);
	p.refuses = false;
	send_one(&p, t, NOW);
	EXPECT(t, p.messages == 1 && p.templates == 1 && p.ear.count == 1 && p.number == 0);
	ipfix_writer_count(p.writer, &a);
	EXPECT(t, a.messages == 1 && a.records == 1 && a.octets == p.longest);
	post_close(&p);
}

static void another_session_begins_with_templates_and_number_0(struct test *t)
{
	struct ipfix_flow f = any_flow(t);
	struct ipfix_load lost;
	struct post p;

	f.side[1] = (struct ipfix_side){0};
	post_open(&p, (struct ipfix_writer_options){.message_max = 9000});
	send_one(&p, t, NOW);
	ipfix_writer_flow(p.writer, &f, NOW);
	ipfix_writer_restart(p.writer, &lost);
	EXPECT(t, lost.flows == 1 && lost.packets == f.side[0].packets &&
			  lost.octets == f.side[0].octets && lost.first.ns == f.side[0].first.ns &&
			  lost.last.ns == f.side[0].last.ns);
	p.records = 0;
	send_one(&p, t, NOW);
	EXPECT(t, p.templates == 2 && p.number == 0 && p.ear.count == 2);
	post_close(&p);
}

static void an_exporter_says_what_it_lost(struct test *t)
{
	struct ipfix_account a = {.observed = 1000,
				  .ignored = 5,
				  .messages = 11,
				  .octets = 12000,
				  .records = 900,
				  .not_sent = 7,
				  .not_sent_packets = 70,
				  .not_sent_octets = 7000,
				  .lost_first = {1000 * TIME_NS_PER_S},
				  .lost_last = {1001 * TIME_NS_PER_S},
				  .begin = {999 * TIME_NS_PER_S}};
	const struct ipfix_session *s;
	struct post p;

	post_open(&p, (struct ipfix_writer_options){.message_max = 512, .domain = 4000000000});
	ipfix_writer_account(p.writer, &a, NOW);
	ipfix_writer_flush(p.writer, NOW);
	s = ipfix_reader_session(p.ear.reader, 0);
	EXPECT(t, s != NULL && s->domain == 4000000000 && s->version == 10);
	EXPECT(t, memcmp(&s->account, &a, sizeof a) == 0);
	EXPECT(t, p.ear.count == 0 && ipfix_reader_session(p.ear.reader, 1) == NULL);
	post_close(&p);
}

static void what_no_record_can_say_is_left_out(struct test *t)
{
	struct ipfix_flow f = any_flow(t);
	struct post p;

	post_open(&p, (struct ipfix_writer_options){.message_max = 1400});
	f.src.family = f.src.family == 4 ? 6 : 4;
	ipfix_writer_flow(p.writer, &f, NOW);
	f.src.family = f.dst.family = 0;
	ipfix_writer_flow(p.writer, &f, NOW);
	ipfix_writer_flush(p.writer, NOW);
	EXPECT_UINT(t, p.messages, 0);
	post_close(&p);
}

static void a_stream_is_cut_into_messages_by_their_length(struct test *t)
{
	EXPECT_UINT(t, ipfix_message_bytes(SLICE("")), 0);
	EXPECT_UINT(t, ipfix_message_bytes(SLICE("\0\x0a\0")), 0);
	EXPECT_UINT(t, ipfix_message_bytes(SLICE("\0\x0a\0\x0f")), SIZE_MAX);
	EXPECT_UINT(t, ipfix_message_bytes(SLICE("\0\x09\0\x20")), SIZE_MAX);
	EXPECT_UINT(t, ipfix_message_bytes(SLICE("\0\x0a\0\x10...........")), 0);
	EXPECT_UINT(t, ipfix_message_bytes(SLICE("\0\x0a\0\x10............")), 16);
	EXPECT_UINT(t, ipfix_message_bytes(SLICE("\0\x0a\0\x10.............")), 16);
	EXPECT(t, ipfix_message_time(SLICE("\0\x0a\0\x10\0\0\0\x05")).ns == 5 * TIME_NS_PER_S);
	EXPECT(t, ipfix_message_time(SLICE("\0\x0a\0")).ns == 0);
}

static void without_memory_there_is_no_writer_and_no_reader(struct test *t)
{
	struct ipfix_writer_options o = {.message_max = 65535};
	size_t made = 0;

	for (size_t n = 1; n < 8; n++) {
		struct arena_pool pool = {.budget = SIZE_MAX, .fail_after = n};
		struct arena a = {.pool = &pool};

		made += ipfix_writer_new(&o, (struct ipfix_writer_sink){0}, &a) != NULL;
		made += ipfix_reader_new((struct ipfix_reader_sink){0}, &a) != NULL;
		arena_reset(&a);
		EXPECT_UINT(t, pool.out, 0);
		arena_pool_drain(&pool);
	}
	EXPECT(t, made != 0 && made < 14);
}

TESTS(T(what_is_written_is_read_the_same_whatever_the_size_of_messages),
      T(times_of_nanoseconds_come_back_to_the_nanosecond),
      T(a_record_has_the_times_of_both_directions),
      T(one_way_writes_a_record_for_each_direction_that_spoke),
      T(templates_come_again_after_so_many_messages), T(templates_come_again_after_so_much_time),
      T(a_message_that_is_not_taken_uses_no_number_and_its_templates_come_again),
      T(another_session_begins_with_templates_and_number_0), T(an_exporter_says_what_it_lost),
      T(what_no_record_can_say_is_left_out), T(a_stream_is_cut_into_messages_by_their_length),
      T(without_memory_there_is_no_writer_and_no_reader))
