/* SPDX-License-Identifier: Apache-2.0
 *
 * What must hold for every protocol and every input; shared by the fuzz targets and the tests.
 *
 * An input is a conversation: for TCP, lines of it would not do, so it is framed. Each frame is one
 * byte of control and the bytes behind it: bits 0..5 are the length / 4 - 1 (4..256 bytes, cut to
 * what is left), bit 6 the direction, bit 7 asks for a gap of 100 bytes before it. Length 63 means
 * all that is left.
 */
#ifndef DEW_SENSOR_APP_CHECK_H
#define DEW_SENSOR_APP_CHECK_H

#include "base/cursor.h"
#include "sensor/app/app.h"

#define APP_CHECK(cond) ASSERT(cond)

/* A digest of all that a flow says, by which two ways of cutting its bytes are compared. */
struct app_digest {
	uint64_t sum;
	uint64_t txs, anomalies, consumed[2];
	enum app_flow_state state;
};

static inline void app_digest_add(struct app_digest *d, struct slice s)
{
	d->sum = (d->sum ^ (s.ptr == NULL ? 0x9e37 : s.len + 1)) * UINT64_C(0x100000001b3);
	for (size_t i = 0; i < s.len; i++) /* every byte of every field is readable */
		d->sum = (d->sum ^ s.ptr[i]) * UINT64_C(0x100000001b3);
}

static inline void app_digest_record(struct app_digest *d, const struct record *r)
{
	d->sum += (uint64_t)r->kind;
	if (r->kind == RECORD_HTTP) {
		app_digest_add(d, r->u.http.hostname);
		app_digest_add(d, r->u.http.url);
		app_digest_add(d, r->u.http.content_type);
		d->sum += r->u.http.length + r->u.http.status;
	} else if (r->kind == RECORD_DNS) {
		app_digest_add(d, r->u.dns.rrname);
		for (size_t i = 0; i < r->u.dns.answer_count; i++) {
			app_digest_add(d, r->u.dns.answers[i].rrname);
			app_digest_add(d, r->u.dns.answers[i].rdata);
		}
	} else if (r->kind == RECORD_TLS) {
		app_digest_add(d, r->u.tls.sni);
		app_digest_add(d, r->u.tls.subject);
		app_digest_add(d, r->u.tls.issuer);
		app_digest_add(d, r->u.tls.serial);
		app_digest_add(d, r->u.tls.version);
		app_digest_add(d, r->u.tls.not_before);
		app_digest_add(d, r->u.tls.not_after);
	}
}

static inline struct app_digest app_digest_of(struct app_flow *f)
{
	struct app_digest d = {.state = f->state, .anomalies = f->anomalies};
	const struct app_protocol *p = f->protocol;
	uint64_t known = 0, id = 0;

	if (f->state == APP_PARSING) { /* where a flow is given up may depend on the cut */
		d.consumed[0] = f->consumed[0];
		d.consumed[1] = f->consumed[1];
	}
	if (p == NULL) {
		APP_CHECK(f->first == NULL);
		return d;
	}
	app_digest_add(&d, slice_of(p->name));
	for (unsigned i = 0; p->anomalies != NULL && p->anomalies[i] != NULL; i++)
		known |= UINT64_C(1) << i;
	APP_CHECK((f->anomalies & ~known) == 0);
	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next) {
		struct record r = {0};

		APP_CHECK(tx->id >= id);
		id = tx->id + 1;
		APP_CHECK((tx->anomalies & ~known) == 0);
		APP_CHECK(tx->progress[0] <= p->complete[0] && tx->progress[1] <= p->complete[1]);
		for (const struct app_field *a = p->fields; a != NULL && a->name != NULL; a++)
			for (enum app_dir dir = APP_TO_SERVER; dir <= APP_TO_CLIENT; dir++)
				for (unsigned n = 0; (a->dirs >> dir & 1) != 0; n++) {
					struct slice v = a->get(tx, dir, n),
						     again = a->get(tx, dir, n);

					APP_CHECK(slice_equal(v, again)); /* repeatable */
					app_digest_add(&d, v);
					if (v.ptr == NULL || !a->multi)
						break;
				}
		for (unsigned n = 0; p->log != NULL && p->log(tx, n, &r); n++) {
			APP_CHECK(n < 1000);
			app_digest_record(&d, &r);
		}
		d.sum += tx->anomalies * 31 + tx->progress[0] + 256u * tx->progress[1];
		d.txs++;
	}
	return d;
}

/* Runs a conversation, cut into pieces of at most `cut` bytes (0: as framed), and takes back all.
 */
static inline struct app_digest app_check_run(const struct app_protocol *p, uint8_t transport,
					      struct slice in, size_t cut, size_t fail_after)
{
	struct arena_pool pool = {.budget = 64 << 20, .fail_after = fail_after};
	struct arena flow = {.pool = &pool};
	uint16_t port = p->ports != NULL ? p->ports[0] : 0;
	struct app_flow *f = app_flow_new(&flow, &pool, transport, 40000, port);
	struct cursor c = cursor_of(in);
	struct app_digest d = {0};

	while (f != NULL && cursor_left(&c) != 0) {
		uint8_t control = cursor_u8(&c);
		size_t n = (control & 63) == 63 ? SIZE_MAX : ((size_t)(control & 63) + 1) * 4;
		enum app_dir dir = (control >> 6 & 1) ? APP_TO_CLIENT : APP_TO_SERVER;
		struct slice bytes;

		if (control & 128)
			app_gap(f, dir, 100);
		if (n > cursor_left(&c))
			n = cursor_left(&c);
		bytes = cursor_take(&c, n);
		while (bytes.len != 0) {
			n = cut != 0 && transport == APP_TCP && cut < bytes.len ? cut : bytes.len;
			app_data(f, dir, slice_part(bytes, 0, n));
			bytes = slice_from(bytes, n);
		}
	}
	if (f != NULL) {
		app_eof(f, APP_TO_SERVER);
		app_eof(f, APP_TO_CLIENT);
		for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next)
			APP_CHECK(tx->progress[0] == f->protocol->complete[0] &&
				  tx->progress[1] == f->protocol->complete[1]);
		d = app_digest_of(f);
		app_flow_end(f);
	}
	arena_reset(&flow);
	APP_CHECK(pool.out == 0);
	arena_pool_drain(&pool);
	return d;
}

static inline bool app_digest_equal(const struct app_digest *a, const struct app_digest *b)
{
	return a->sum == b->sum && a->txs == b->txs && a->anomalies == b->anomalies &&
	       a->state == b->state && a->consumed[0] == b->consumed[0] &&
	       a->consumed[1] == b->consumed[1];
}

/* All that must hold: memory comes back, any cut says the same, no allocation may crash. */
static inline void app_check_input(const struct app_protocol *p, struct slice in)
{
	for (uint8_t t = APP_TCP; t <= APP_UDP; t++) {
		struct app_digest whole, bytes, pieces;

		if ((p->transports & t) == 0)
			continue;
		whole = app_check_run(p, t, in, 0, 0);
		bytes = app_check_run(p, t, in, 1, 0);
		pieces = app_check_run(p, t, in, 7, 0);
		APP_CHECK(app_digest_equal(&whole, &bytes));
		APP_CHECK(app_digest_equal(&whole, &pieces));
		for (size_t n = 1; n <= 12; n++)
			(void)app_check_run(p, t, in, 0, n);
	}
}

#endif
