/* SPDX-License-Identifier: Apache-2.0
 * Brute force: passwords tried one after the other.
 *
 * Two kinds of evidence, never mixed:
 *
 *   failures     logins that the server refused, as the protocol says it: table `refusals`. HTTP's
 *                401 counts only where four of five answers of the server to the client are 401:
 *                NTLM and Basic begin each session with one.
 *   look-alikes  where what is said is encrypted or not parsed (SSH, RDP, TLS, databases): short
 *                flows to a login service that resemble each other. A failed login says the same
 *                each time, so at least half of the kept flows must be within a fifth of one
 * another in what the server sent; half, for others may log in meanwhile. Of an encrypted service
 * it is 800 bytes at least, so that keys were exchanged: monitoring reads a banner and leaves. Port
 * 25 is left out: servers exchange mail like this.
 *
 * Three shapes of failures, two of look-alikes, each in five minutes:
 *
 *   bruteforce.guessing      one client, one server: 10 failures, or 16 look-alikes
 *   bruteforce.spraying      one client, 5 servers or more, 10 failures or 16 look-alikes in all
 *   bruteforce.distributed   one server, 8 clients or more, 40 failures in all
 *
 * Score: failures: 1000; look-alikes: share of the kept flows that resemble each other. */
#include "sensor/anomaly/anomaly_priv.h"
#include "sensor/anomaly/sketch_priv.h"
#include "sensor/app/app.h"
#include "sensor/decode/decode.h"

enum {
	BRUTE_KEPT_MAX = 64,  /* times of a subject */
	BRUTE_PKTS_LEAST = 6, /* of both sides: a handshake, a question and an answer */
	BRUTE_PKTS_MOST = 60,
	BRUTE_BYTES_LEAST = 800,  /* that the server of an encrypted service sends: its keys */
	BRUTE_BYTES_MOST = 20000, /* that a server sends to say no */
	BRUTE_ALIKE_SHARE = 500,  /* thousandths of what is kept */
	BRUTE_HTTP_SHARE = 800,	  /* thousandths of answers that are 401 */
	BRUTE_WIDTH = 4096,	  /* cells of a row: 64 KiB for both windows */
};

#define BRUTE_FLOW_NS (120 * TIME_NS_PER_S) /* LoginGraceTime of sshd */

enum { FAILURES, ALIKE, WINDOW, SERVERS, CLIENTS, SHARED };

static const struct anomaly_setting settings[] = {
	[FAILURES] = {"failures", 10, 3, BRUTE_KEPT_MAX, "", "Logins that were refused."},
	[ALIKE] = {"alike", 16, 6, BRUTE_KEPT_MAX, "",
		   "Short flows to a login service that resemble each other."},
	[WINDOW] = {"window", 300, 10, 86400, "s", "Within which they count."},
	[SERVERS] = {"servers", 5, 2, 65535, "", "That one client tries, at least: spraying."},
	[CLIENTS] = {"clients", 8, 2, 65535, "", "That try one server, at least: distributed."},
	[SHARED] = {"distributed-failures", 40, 5, BRUTE_KEPT_MAX, "",
		    "Logins that one server refused all its clients."},
	{0},
};

enum brute_kind { BRUTE_PAIR, BRUTE_CLIENT, BRUTE_SERVER, BRUTE_KINDS };
enum brute_sign { BRUTE_FAILED, BRUTE_ALIKE };

struct brute_event {
	struct wall_ns at;
	uint32_t bytes; /* look-alikes: what the server sent */
};

struct brute_subject {
	struct anomaly_subject subject;
	struct wall_ns latest;
	uint32_t count;
	struct brute_event kept[BRUTE_KEPT_MAX]; /* oldest first */
	struct anomaly_distinct others;		 /* servers of a client, clients of a server */
	int64_t epoch;				 /* window that `others` is of */
};

struct brute_state {
	struct anomaly_counts served; /* HTTP's answers that are not 401, by pair */
};

static bool bruteforce_start(struct anomaly_room *r, struct arena *a)
{
	struct brute_state *s = r->state;

	ASSERT(r->bytes > 4 * anomaly_counts_bytes(BRUTE_WIDTH));
	r->bytes -= anomaly_counts_bytes(BRUTE_WIDTH);
	return anomaly_counts_init(&s->served, a, BRUTE_WIDTH);
}

/* What a record that a parser wrote says when a login was refused. A value cannot pretend: inside
 * a JSON string its quotes would have a backslash before them. */
static const struct {
	const char *type;
	const char *also; /* must be there, too; NULL: nothing */
	const char *says;
} refusals[] = {
	{"ftp", "\"command\":\"PASS\"", "\"completion_code\":[\"530\""},
	{"pop3", "\"command\":\"PASS\"", "\"success\":false"},
	{"pop3", "\"command\":\"APOP\"", "\"success\":false"},
	{"pop3", "\"command\":\"AUTH\"", "\"success\":false"},
	{"smb", NULL, "\"status\":\"STATUS_LOGON_FAILURE\""},
	{"rfb", NULL, "\"security_result\":\"FAIL\""},
	{"ldap", NULL, "\"result_code\":\"invalid_credentials\""},
	{"krb5", NULL, "\"error_code\":\"KDC_ERR_PREAUTH_FAILED\""},
};

bool anomaly_wants(const struct app_protocol *p)
{
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
		if (strcmp(p->name, refusals[i].type) == 0)
			return true;
	return p->judged;
}

static bool is_refusal(const struct record *record)
{
	for (size_t i = 0; i < record->mores; i++)
		for (size_t k = 0; k < sizeof refusals / sizeof refusals[0]; k++)
			if (slice_equal(record->more[i].name, slice_of(refusals[k].type)) &&
			    slice_find(record->more[i].json, slice_of(refusals[k].says)) !=
				    SIZE_MAX &&
			    (refusals[k].also == NULL ||
			     slice_find(record->more[i].json, slice_of(refusals[k].also)) !=
				     SIZE_MAX))
				return true;
	return false;
}

/* Services that ask for a password before anything else. */
static const struct {
	uint16_t port;
	const char *app; /* NULL: not recognised by the bytes */
	bool encrypted;	 /* keys are exchanged first */
} services[] = {
	{22, "ssh", true},    {2222, "ssh", true}, {3389, "rdp", true}, {23, "telnet", false},
	{143, "imap", false}, {110, NULL, false},  {389, NULL, false},	{465, NULL, true},
	{587, NULL, false},   {636, NULL, true},   {990, NULL, true},	{993, NULL, true},
	{995, NULL, true},    {1433, NULL, false}, {3306, NULL, false}, {5432, NULL, false},
	{5900, NULL, false},  {5901, NULL, false},
};

/* Could the flow be a login that was refused? A session that ends before keys are exchanged is not:
 * monitoring connects and leaves. */
static bool is_short_login(const struct anomaly_flow *f)
{
	const struct anomaly_side *server = &f->side[FLOW_TO_CLIENT];
	uint64_t pkts = f->side[FLOW_TO_SERVER].pkts + server->pkts;

	if (f->proto != IP_PROTO_TCP || pkts < BRUTE_PKTS_LEAST || pkts > BRUTE_PKTS_MOST ||
	    !server->payload || server->bytes > BRUTE_BYTES_MOST ||
	    f->last.ns - f->first.ns > BRUTE_FLOW_NS)
		return false;
	for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
		if (f->app != NULL && services[i].app != NULL ? strcmp(f->app, services[i].app) == 0
							      : f->server_port == services[i].port)
			return !services[i].encrypted || server->bytes >= BRUTE_BYTES_LEAST;
	return false;
}

static struct anomaly_key key_of(const struct anomaly_flow *f, enum brute_kind kind,
				 enum brute_sign sign)
{
	struct anomaly_key key = {
		.kind = (uint8_t)(kind * 2 + sign), .proto = f->proto, .port = f->server_port};

	if (kind != BRUTE_SERVER)
		key.a = f->client;
	if (kind != BRUTE_CLIENT)
		key.b = f->server;
	return key;
}

static struct brute_subject *subject_of(struct anomaly_room *r, const struct anomaly_flow *f,
					enum brute_kind kind, enum brute_sign sign)
{
	struct anomaly_key key = key_of(f, kind, sign);

	return anomaly_subject_get(&r->table, &key);
}

static void note(struct anomaly_room *r, struct brute_subject *s, struct brute_event e,
		 const struct addr *other)
{
	int64_t window_ns = anomaly_seconds(r, WINDOW), epoch = e.at.ns / window_ns;
	uint32_t kept = 0;

	if (e.at.ns > s->latest.ns)
		s->latest = e.at;
	for (uint32_t i = 0; i < s->count; i++)
		if (s->latest.ns - s->kept[i].at.ns <= window_ns)
			s->kept[kept++] = s->kept[i];
	s->count = kept;
	if (s->count == BRUTE_KEPT_MAX)
		memmove(s->kept, s->kept + 1, --s->count * sizeof s->kept[0]);
	if (s->latest.ns - e.at.ns <= window_ns)
		s->kept[s->count++] = e;
	if (epoch > s->epoch + 1) /* between one and two windows */
		s->others = (struct anomaly_distinct){0};
	if (epoch > s->epoch)
		s->epoch = epoch;
	(void)anomaly_distinct_add(&s->others, anomaly_hash_addr(r, other, 0));
}

/* How many of the kept resemble each other: the most that lie within a fifth of the smallest of
 * them (a tenth around their middle). */
static uint32_t alike(const struct brute_subject *s)
{
	int64_t v[BRUTE_KEPT_MAX];
	uint32_t most = 0;

	for (uint32_t i = 0; i < s->count; i++)
		v[i] = s->kept[i].bytes;
	anomaly_sort(v, s->count);
	for (uint32_t from = 0, to = 0; to < s->count; to++) {
		while (v[to] * 5 > v[from] * 6)
			from++;
		if (to - from + 1 > most)
			most = to - from + 1;
	}
	return most;
}

struct brute_case {
	enum brute_kind kind;
	enum brute_sign sign;
	uint64_t measured, threshold, score;
};

static void words(struct anomaly_text *t, const struct brute_subject *s,
		  const struct anomaly_flow *f, const struct brute_case *c)
{
	uint64_t others = anomaly_distinct_count(&s->others);

	if (c->kind == BRUTE_SERVER) {
		anomaly_text_number(t, others);
		anomaly_text_z(t, " clients, ");
		anomaly_text_addr(t, &f->client);
		anomaly_text_z(t, " among them,");
	} else {
		anomaly_text_addr(t, &f->client);
	}
	anomaly_text_z(t, c->sign == BRUTE_FAILED ? " failed to log in to " : " had at ");
	if (c->kind == BRUTE_CLIENT) {
		anomaly_text_number(t, others);
		anomaly_text_z(t, " servers at port ");
		anomaly_text_port(t, f->server_port);
	} else {
		anomaly_text_peer(t, &f->server, f->server_port);
	}
	anomaly_text_z(t, " ");
	anomaly_text_number(t, c->measured);
	anomaly_text_z(t, c->sign == BRUTE_FAILED ? " times" : " short sessions that are alike");
	anomaly_text_z(t, " within ");
	anomaly_text_seconds(t, s->latest.ns - s->kept[0].at.ns);
	anomaly_text_z(t, " s");
}

static void say(struct anomaly_room *r, struct brute_subject *s, const struct anomaly_flow *f,
		const struct brute_case *c)
{
	static const char *const events[BRUTE_KINDS] = {[BRUTE_PAIR] = "bruteforce.guessing",
							[BRUTE_CLIENT] = "bruteforce.spraying",
							[BRUTE_SERVER] = "bruteforce.distributed"};
	struct anomaly_text text = {0};

	if (!anomaly_may_say(&s->subject, s->latest, ANOMALY_SILENCE_NS))
		return;
	words(&text, s, f, c);
	anomaly_say(r, f,
		    &(struct anomaly_finding){
			    .event = events[c->kind],
			    .summary = &text,
			    .measure = c->sign == BRUTE_FAILED ? "failures" : "sessions_alike",
			    .measured = c->measured,
			    .threshold = c->threshold,
			    .window_ns = anomaly_seconds(r, WINDOW),
			    .score_milli = c->score,
			    .observations = s->count,
			    .at = s->latest,
			    .first = s->kept[0].at,
			    .last = s->latest,
			    .dport = f->server_port,
		    });
}

/* Spraying and distribution need others; guessing is of a pair. */
static bool has_others(const struct anomaly_room *r, const struct brute_subject *s,
		       enum brute_kind kind)
{
	return kind == BRUTE_PAIR || anomaly_distinct_count(&s->others) >=
					     r->set[kind == BRUTE_CLIENT ? SERVERS : CLIENTS];
}

/* served: answers of HTTP that were no refusals. */
static void failed(struct anomaly_room *r, const struct anomaly_flow *f, struct wall_ns at,
		   uint64_t served)
{
	for (enum brute_kind kind = BRUTE_PAIR; kind < BRUTE_KINDS; kind++) {
		struct brute_subject *s = subject_of(r, f, kind, BRUTE_FAILED);
		uint64_t least = r->set[kind == BRUTE_SERVER ? SHARED : FAILURES];

		note(r, s, (struct brute_event){at, 0},
		     kind == BRUTE_SERVER ? &f->client : &f->server);
		if (kind == BRUTE_PAIR &&
		    UINT64_C(1000) * s->count < BRUTE_HTTP_SHARE * (s->count + served))
			return;
		if (s->count >= least && has_others(r, s, kind))
			say(r, s, f,
			    &(struct brute_case){kind, BRUTE_FAILED, s->count, least, 1000});
	}
}

static void bruteforce_logged(struct anomaly_room *r, const struct anomaly_flow *f,
			      const struct record *record)
{
	struct brute_state *state = r->state;

	if (record->kind == RECORD_HTTP && record->u.http.status != 0) {
		struct anomaly_key key = key_of(f, BRUTE_PAIR, BRUTE_FAILED);
		uint64_t hash = anomaly_hash_key(r, &key);

		anomaly_counts_turn(&state->served, record->at.ns / anomaly_seconds(r, WINDOW));
		if (record->u.http.status == 401)
			failed(r, f, record->at, anomaly_counts_get(&state->served, hash));
		else
			anomaly_counts_add(&state->served, hash);
	} else if (record->kind == RECORD_OBJECT && is_refusal(record)) {
		failed(r, f, record->at, 0);
	}
}

static void bruteforce_flow_end(struct anomaly_room *r, const struct anomaly_flow *f)
{
	const struct anomaly_side *server = &f->side[FLOW_TO_CLIENT];

	if (!is_short_login(f))
		return;
	for (enum brute_kind kind = BRUTE_PAIR; kind <= BRUTE_CLIENT; kind++) {
		struct brute_subject *s = subject_of(r, f, kind, BRUTE_ALIKE);
		uint64_t like, score;

		note(r, s, (struct brute_event){f->first, (uint32_t)server->bytes}, &f->server);
		if (s->count < r->set[ALIKE] || !has_others(r, s, kind))
			continue;
		like = alike(s);
		score = 1000 * like / s->count;
		if (like >= r->set[ALIKE] && score >= BRUTE_ALIKE_SHARE)
			say(r, s, f,
			    &(struct brute_case){kind, BRUTE_ALIKE, like, r->set[ALIKE], score});
	}
}

ANOMALY_DETECTOR(bruteforce) = {
	.name = "bruteforce",
	.events = "bruteforce.guessing bruteforce.spraying bruteforce.distributed",
	.doc = "Logins that were refused, or short sessions with a login service that resemble "
	       "each "
	       "other; the score is 1000, or the share of sessions that are alike.",
	.settings = settings,
	.subject_bytes = sizeof(struct brute_subject),
	.state_bytes = sizeof(struct brute_state),
	.share = 10,
	.start = bruteforce_start,
	.logged = bruteforce_logged,
	.flow_end = bruteforce_flow_end,
};
