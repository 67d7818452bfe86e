/* SPDX-License-Identifier: Apache-2.0
 *
 * What must hold for every protocol and every input; shared by the fuzz targets and the tests.
 *
 * An input is a conversation: for TCP, lines of it would not do, so it is framed. Each frame is one
 * byte of control and the bytes behind it: bits 0..5 say how many (app_check_length()), bit 6 the
 * direction, bit 7 asks for a gap of 100 bytes before it.
 */
#ifndef DEW_SENSOR_APP_CHECK_H
#define DEW_SENSOR_APP_CHECK_H

#include "base/cursor.h"
#include "sensor/app/app.h"
#include "sensor/config/config.h"

#define APP_CHECK(cond) ASSERT(cond)

/* A digest of all that a flow says, by which two ways of cutting its bytes are compared. */
struct app_digest {
	uint64_t sum;
	uint64_t txs, anomalies, consumed[2];
	enum app_flow_state state;
	bool by_piece; /* the protocol that was found resumes so behind a gap */
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
	app_digest_add(d, r->type);
	for (size_t i = 0; i < r->mores; i++)
		app_digest_add(d, r->more[i].json);
}

/* Events of tx: in the usual form, and with all that an eve-log may ask for. */
static inline void app_digest_events(struct app_digest *d, const struct app_protocol *p,
				     struct app_tx *tx, const void *asked)
{
	struct record r = {.making = {.asked = asked}};

	for (unsigned n = 0; p->log != NULL && p->log(tx, n, &tx->arena, &r); n++) {
		APP_CHECK(n < 1000);
		app_digest_record(d, &r);
	}
}

/* NULL: the protocol has but one form, or there is no memory. */
static inline const void *app_check_asked(const struct app_protocol *p, struct arena *a)
{
	struct config *node = p->log_configure == NULL ? NULL : config_new(a);
	struct fail why;

	if (node == NULL || config_set(node, SLICE("extended"), SLICE("yes"), &why) != ST_OK ||
	    config_set(node, SLICE("dump-all-headers"), SLICE("both"), &why) != ST_OK)
		return NULL;
	return p->log_configure(NULL, node, a);
}

/* What files are called. Their bytes are only read: of a body that is longer than it said, it
 * depends on the pieces what belongs to the file. */
static inline void app_digest_files(struct app_digest *d, const struct file_set *set)
{
	struct app_digest ignored = {0};

	for (const struct file *f = set->first; f != NULL; f = f->next) {
		app_digest_add(d, f->name);
		APP_CHECK(f->seen <= f->size && (f->hashes & ~FILE_MD5) == 0);
		app_digest_add(&ignored, (struct slice){f->md5, sizeof f->md5});
		app_digest_add(&ignored, buf_slice(&f->kept));
	}
}

/* Every byte of every frame can be read, and frames lie where bytes were. */
static inline void app_check_frames(const struct app_flow *f, enum app_dir dir)
{
	const struct app_frames *s = f->frames[dir];
	struct app_digest ignored = {0};

	APP_CHECK(s == NULL || s->count <= APP_FRAMES_MAX);
	for (uint32_t i = 0; s != NULL && i < s->count; i++) {
		const struct app_frame *frame = &s->items[i];

		APP_CHECK(frame->len >= -1 && frame->id <= f->next_frame_id);
		APP_CHECK(i == 0 || s->items[i - 1].id < frame->id);
		app_digest_add(&ignored, slice_of(app_frame_name(f->protocol, frame)));
		app_digest_add(&ignored, app_frame_bytes(f, dir, frame, 0));
	}
}

static inline struct app_digest app_digest_of(struct app_flow *f)
{
	struct app_digest d = {.state = f->state, .anomalies = f->anomalies};
	const struct app_protocol *p = f->protocol;
	uint64_t known = 0, id = 0;
	const void *asked;

	/* what was said before another protocol began is gone as soon as its first byte comes */
	if (f->changing || f->before != NULL)
		return (struct app_digest){0};
	if (f->state == APP_PARSING) { /* where a flow is given up may depend on the cut */
		d.consumed[0] = f->consumed[0];
		d.consumed[1] = f->consumed[1];
	}
	if (p == NULL) {
		APP_CHECK(f->first == NULL);
		return d;
	}
	d.by_piece = p->resumes_by_piece;
	app_digest_add(&d, slice_of(p->name));
	for (unsigned i = 0; p->anomalies != NULL && p->anomalies[i] != NULL; i++)
		known |= UINT64_C(1) << i;
	APP_CHECK((f->anomalies & ~known) == 0);
	asked = app_check_asked(p, f->arena);
	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next) {
		APP_CHECK(tx->id >= id);
		id = tx->id + 1;
		APP_CHECK((tx->anomalies & ~known) == 0);
		APP_CHECK(tx->progress[0] <= p->complete[0] && tx->progress[1] <= p->complete[1]);
		for (const struct app_field *a = p->fields; a != NULL && a->name != NULL; a++)
			for (enum app_dir dir = APP_TO_SERVER; dir <= APP_TO_CLIENT; dir++)
				for (unsigned n = 0; (a->dirs >> dir & 1) != 0; n++) {
					struct slice v = a->get(tx, dir, n),
						     again = a->get(tx, dir, n);

					/* repeatable, as long as there is memory */
					APP_CHECK(slice_equal(v, again) || tx->arena.exhausted);
					app_digest_add(&d, v);
					if (v.ptr == NULL || !a->multi)
						break;
				}
		app_digest_events(&d, p, tx, NULL);
		if (asked != NULL)
			app_digest_events(&d, p, tx, asked);
		for (enum app_dir dir = APP_TO_SERVER; dir <= APP_TO_CLIENT; dir++)
			app_digest_files(&d, &tx->files[dir]);
		d.sum += tx->anomalies * 31 + tx->progress[0] + 256u * tx->progress[1];
		d.txs++;
	}
	app_check_frames(f, APP_TO_SERVER);
	app_check_frames(f, APP_TO_CLIENT);
	return d;
}

struct app_says {
	enum app_dir dir;
	struct slice bytes;
	uint64_t gap; /* bytes missing before */
};

/* A flow with its memory, for tests. */
struct app_talk {
	struct arena_pool pool;
	struct arena flow;
	struct app_flow *f;
};

static inline bool app_talk_open(struct app_talk *t, uint8_t transport, uint16_t port,
				 size_t fail_after)
{
	struct app_setup *setup;

	*t = (struct app_talk){.pool = {.budget = 64 << 20, .fail_after = fail_after}};
	t->flow.pool = &t->pool;
	setup = app_setup_new(NULL, &t->flow);
	if (setup != NULL) {
		setup->frames = APP_FRAMES_FOR_RULES | APP_FRAMES_FOR_LOG;
		setup->files.hashes = FILE_MD5;
		setup->hassh = true;
		setup->ranges = app_ranges_new(NULL, &t->pool, &t->flow);
	}
	t->f = app_flow_new(&t->flow, &t->pool, setup, transport, 40000, port);
	return t->f != NULL;
}

/* Says it in pieces of at most `cut` bytes; 0: at once. Datagrams are never cut. */
static inline void app_talk_say(struct app_talk *t, enum app_dir dir, struct slice bytes,
				size_t cut)
{
	while (bytes.len != 0) {
		size_t n = bytes.len;

		if (cut != 0 && cut < n && t->f->transport == APP_TCP)
			n = cut;
		app_data(t->f, dir, slice_part(bytes, 0, n));
		bytes = slice_from(bytes, n);
	}
}

static inline void app_talk_eof(struct app_talk *t)
{
	app_eof(t->f, APP_TO_SERVER);
	app_eof(t->f, APP_TO_CLIENT);
	for (struct app_tx *tx = t->f->first; tx != NULL; tx = tx->next)
		APP_CHECK(tx->progress[0] == t->f->protocol->complete[0] &&
			  tx->progress[1] == t->f->protocol->complete[1]);
}

/* Takes back all memory, and checks that it is all. */
static inline void app_talk_close(struct app_talk *t)
{
	if (t->f != NULL) {
		app_flow_end(t->f);
		app_ranges_free(t->f->setup->ranges);
	}
	arena_reset(&t->flow);
	APP_CHECK(t->pool.out == 0);
	arena_pool_drain(&t->pool);
}

static inline struct app_tx *app_talk_tx(const struct app_talk *t, unsigned n)
{
	struct app_tx *tx = t->f->first;

	while (tx != NULL && n-- != 0)
		tx = tx->next;
	return tx;
}

/* The value of a field by its name, first of several. */
static inline struct slice app_talk_field(struct app_tx *tx, enum app_dir dir, struct slice name,
					  unsigned n)
{
	const struct app_protocol *p;
	const struct app_field *f = app_field_find(name, &p);

	APP_CHECK(f != NULL && (f->dirs >> dir & 1) != 0);
	return f->get(tx, dir, n);
}

/* Number i of a field of numbers; UINT64_MAX: it has not so many. */
static inline uint64_t app_talk_number(struct app_tx *tx, enum app_dir dir, const char *name,
				       unsigned i)
{
	struct slice s = app_talk_field(tx, dir, slice_of(name), 0);
	uint64_t v = UINT64_MAX;

	if ((i + 1) * sizeof v <= s.len)
		memcpy(&v, s.ptr + i * sizeof v, sizeof v);
	return v;
}

/* The object of the transaction's event; "none": it has no event, or one without an object. */
static inline struct slice app_talk_event(const struct app_protocol *p, struct app_tx *tx)
{
	struct record r = {0};

	return p->log(tx, 0, &tx->arena, &r) && r.mores != 0 ? r.more[0].json : SLICE("none");
}

/* Is exactly the anomaly of that name set? An empty name: none at all. */
static inline bool app_talk_anomaly(const struct app_talk *t, const struct app_tx *tx,
				    struct slice name)
{
	const char *const *names = t->f->protocol->anomalies;

	for (unsigned i = 0; names[i] != NULL; i++)
		if (slice_equal(name, slice_of(names[i])))
			return (tx->anomalies >> i & 1) != 0;
	APP_CHECK(name.len == 0);
	return tx->anomalies == 0;
}

static inline bool app_check_swept(const struct app_tx *tx)
{
	(void)tx;
	return true;
}

/* The same conversation with every finished transaction freed at once, each piece's end being a
 * chance for a parser to keep a pointer too long; and the two directions ended at each turn. */
static inline void app_check_sweep(const struct app_protocol *p, uint8_t transport,
				   const struct app_says *says, size_t n, size_t ended_after,
				   enum app_dir ended)
{
	struct app_talk t;

	if (app_talk_open(&t, transport, p->ports != NULL ? p->ports[0] : 0, 0)) {
		for (size_t i = 0; i < n; i++) {
			app_gap(t.f, says[i].dir, says[i].gap);
			app_tx_sweep(t.f, app_check_swept);
			for (size_t k = 0; k < says[i].bytes.len; k += 16) {
				app_talk_say(&t, says[i].dir, slice_part(says[i].bytes, k, 16), 0);
				app_tx_sweep(t.f, app_check_swept);
			}
			if (i == ended_after)
				app_eof(t.f, ended);
			app_tx_sweep(t.f, app_check_swept);
		}
		app_talk_eof(&t);
		app_tx_sweep(t.f, app_check_swept);
		APP_CHECK(t.f->open_txs == 0 && t.f->first == NULL);
	}
	app_talk_close(&t);
}

static inline struct app_digest app_check_talk(const struct app_protocol *p, uint8_t transport,
					       const struct app_says *says, size_t n, size_t cut,
					       size_t fail_after)
{
	struct app_talk t;
	struct app_digest d = {0};

	if (app_talk_open(&t, transport, p->ports != NULL ? p->ports[0] : 0, fail_after)) {
		for (size_t i = 0; i < n; i++) {
			app_gap(t.f, says[i].dir, says[i].gap);
			app_talk_say(&t, says[i].dir, says[i].bytes, cut);
		}
		app_talk_eof(&t);
		d = app_digest_of(t.f);
	}
	app_talk_close(&t);
	return d;
}

static inline bool app_digest_equal(const struct app_digest *a, const struct app_digest *b)
{
	return a->sum == b->sum && a->txs == b->txs && a->anomalies == b->anomalies &&
	       a->state == b->state && a->consumed[0] == b->consumed[0] &&
	       a->consumed[1] == b->consumed[1];
}

/* With DEW_FUZZING an input is not tried in every way but in some, which its bytes decide: what
 * they find, the same input finds in the replay, which tries all. */
static inline bool app_check_chosen(uint64_t salt, size_t way, unsigned one_of)
{
#ifdef DEW_FUZZING
	return (salt + way) % one_of == 0;
#else
	(void)salt, (void)way, (void)one_of;
	return true;
#endif
}

static inline uint64_t app_check_salt(const struct app_says *says, size_t n)
{
	struct app_digest d = {0};

	for (size_t i = 0; i < n; i++)
		app_digest_add(&d, says[i].bytes);
	return d.sum >> 32;
}

/* All that must hold: memory comes back, any cut says the same, any allocation may fail. */
static inline void app_check_all(const struct app_protocol *p, const struct app_says *says,
				 size_t n, size_t allocations)
{
	uint64_t salt = app_check_salt(says, n);

	for (uint8_t t = APP_TCP; t <= APP_UDP; t++) {
		static const size_t cuts[] = {1, 2, 7, 100};
		struct app_digest whole, cut;
		bool gaps = false;

		if ((p->transports & t) == 0)
			continue;
		for (size_t i = 0; i < n; i++)
			gaps |= says[i].gap != 0;
		whole = app_check_talk(p, t, says, n, 0, 0);
		for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
			if (!app_check_chosen(salt, i, 4))
				continue;
			cut = app_check_talk(p, t, says, n, cuts[i], 0);
			APP_CHECK(app_digest_equal(&whole, &cut) || (gaps && whole.by_piece));
		}
		for (size_t i = 0; i < n && i < 4; i++) {
			if (app_check_chosen(salt, i, 8))
				app_check_sweep(p, t, says, n, i, APP_TO_SERVER);
			if (app_check_chosen(salt, i + 4, 8))
				app_check_sweep(p, t, says, n, i, APP_TO_CLIENT);
		}
		for (size_t i = 1; i <= allocations; i++)
			if (app_check_chosen(salt, i, 6))
				(void)app_check_talk(p, t, says, n, 0, i);
	}
}

enum { APP_CHECK_SAYS_MAX = 64 };

/* 1..32 bytes, then 32, 64.. 992; 63 is all that is left. Any length is a sum of such. */
static inline size_t app_check_length(uint8_t control)
{
	size_t n = control & 63;

	return n == 63 ? SIZE_MAX : n < 32 ? n + 1 : (n - 31) * 32;
}

/* Bytes of a fuzzer as a conversation, see above; how many pieces it has. */
static inline size_t app_check_says(struct slice in, struct app_says says[APP_CHECK_SAYS_MAX])
{
	struct cursor c = cursor_of(in);
	size_t n = 0;

	while (n < APP_CHECK_SAYS_MAX && cursor_left(&c) != 0) {
		uint8_t control = cursor_u8(&c);
		size_t bytes = app_check_length(control);

		if (bytes > cursor_left(&c))
			bytes = cursor_left(&c);
		says[n].dir = (control >> 6 & 1) ? APP_TO_CLIENT : APP_TO_SERVER;
		says[n].gap = control & 128 ? 100 : 0;
		says[n++].bytes = cursor_take(&c, bytes);
	}
	return n;
}

static inline void app_check_input(const struct app_protocol *p, struct slice in)
{
	struct app_says says[APP_CHECK_SAYS_MAX];

	app_check_all(p, says, app_check_says(in, says), 12);
}

#endif
