/* SPDX-License-Identifier: Apache-2.0
 * dewline log serve, witness: what answers the web. */
#include "console/cli/log.h"
#include "daemon/daemon.h"
#include "evidence/follow/follow.h"
#include "evidence/witness/witness.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/serve.h"

enum {
	PEM_MAX = 1 << 20,
	FILE_MOST = 256 * (2 + LEDGER_ENTRY_MAX), /* bytes of the largest bundle */
	EACH_ADDRESS = 64,			  /* connections */
};

struct web {
	struct cli *c;
	struct slice folder; /* of serve */
	struct witness *witness;
};

static struct os_reply text_reply(unsigned number, struct slice body)
{
	return (struct os_reply){
		.number = number, .type = "text/plain; charset=utf-8", .body = body};
}

static void not_allowed(const char *allow, struct os_reply *out)
{
	*out = text_reply(405, SLICE("this is not asked like that\n"));
	out->allow = allow;
}

/* --- serve --- */

static void serve_answer(void *ctx, const struct os_question *q, struct arena *a,
			 struct os_reply *out)
{
	const struct web *w = ctx;
	struct slice name = slice_from(q->path, 1), path, bytes;
	struct fail why;
	enum status st;

	if (q->method != OS_GET && q->method != OS_HEAD) {
		not_allowed("GET, HEAD", out);
		return;
	}
	*out = text_reply(404, SLICE("there is no such file in this log\n"));
	if (!slice_starts(q->path, SLICE("/")) || !ledger_name_public(name))
		return;
	path = buf_text(a, "%.*s/%.*s", SLICE_ARG(w->folder), SLICE_ARG(name));
	st = path.ptr == NULL ? ST_NOMEM : os_file_read(path, FILE_MOST, a, &bytes, &why);
	if (st == ST_NOTFOUND)
		return;
	if (st != ST_OK) {
		*out = text_reply(500, SLICE("the log cannot be read now\n"));
		return;
	}
	*out = text_reply(200, bytes);
	out->cache = "no-cache";
	if (!slice_equal(name, SLICE("checkpoint"))) { /* what has a name never changes */
		out->type = "application/octet-stream";
		out->cache = "public, max-age=31536000, immutable";
	}
}

/* --- serve, of a monitor: its view, as a witness shows its own --- */

static void monitor_answer(void *ctx, const struct os_question *q, struct arena *a,
			   struct os_reply *out)
{
	const struct web *w = ctx;
	struct follow_state s;
	struct buf here = buf_in(a);
	struct slice name;
	struct fail why;

	if (q->method != OS_GET && q->method != OS_HEAD) {
		not_allowed("GET, HEAD", out);
		return;
	}
	*out = text_reply(500, SLICE("this cannot be read now\n"));
	if (follow_state_read(w->folder, a, &s, &why) != ST_OK)
		return;
	*out = text_reply(404, SLICE("nothing is known of such a log here\n"));
	out->cache = "no-store";
	buf_add_byte(&here, '/');
	witness_origin_add(s.origin, &here);
	buf_add_byte(&here, '/');
	if (s.origin.len == 0 || here.full || !slice_starts(q->path, buf_slice(&here)))
		return;
	name = slice_from(q->path, here.len);
	if (slice_equal(name, SLICE("checkpoint")))
		out->body = s.checkpoint;
	else if (slice_equal(name, SLICE("conviction")) && s.conviction.ptr != NULL)
		out->body = s.conviction;
	else
		return;
	out->number = 200;
}

/* --- witness --- */

static void witness_answer(void *ctx, const struct os_question *q, struct arena *a,
			   struct os_reply *out)
{
	struct web *w = ctx;
	struct witness_answer r;
	bool add = slice_equal(q->path, SLICE("/add-checkpoint"));

	if (add && q->method == OS_POST) {
		int64_t ns = os_clock_wall().ns;

		witness_add(w->witness, q->body, ns > 0 ? (uint64_t)(ns / TIME_NS_PER_S) : 0, a,
			    &r);
		if (r.number >= 500)
			cli_say(w->c, "%s", r.why.text);
	} else if (!add && (q->method == OS_GET || q->method == OS_HEAD)) {
		witness_get(w->witness, q->path, a, &r);
	} else {
		not_allowed(add ? "POST" : "GET, HEAD", out);
		return;
	}
	*out = (struct os_reply){
		.number = r.number, .type = r.type, .cache = "no-store", .body = r.body};
}

static void convicted(void *ctx, struct slice origin, struct slice file)
{
	const struct web *w = ctx;

	cli_say(w->c, "ALARM: %.*s has signed two histories; the proof is %.*s", SLICE_ARG(origin),
		SLICE_ARG(file));
}

/* The logs of --log and of --policy. */
static enum status logs_of(struct cli *c, struct view_policy *out, struct fail *why)
{
	size_t n;
	const struct slice *given = cli_values(c, "log", &n);
	struct view_policy p = {.quorum = SIZE_MAX};
	enum status st = ST_OK;

	if (cli_value(c, "policy").ptr != NULL)
		st = log_policy(c, (struct slice){NULL, 0}, &p, why);
	if (st != ST_OK)
		return st;
	out->quorum = SIZE_MAX;
	out->logs = ARENA_ARRAY(c->arena, struct view_log, p.log_count + n + 1);
	ASSERT(out->logs != NULL);
	for (size_t i = 0; i < p.log_count; i++)
		out->logs[out->log_count++] = p.logs[i];
	for (size_t i = 0; i < n && st == ST_OK; i++) {
		struct slice key = given[i];

		st = cli_key(c, &key, why);
		if (st == ST_OK)
			st = note_verifier_parse(key, &out->logs[out->log_count].key, why);
		if (st == ST_OK && out->logs[out->log_count].key.type != NOTE_ED25519)
			st = fail_set(why, ST_INVALID, "--log %.*s is a witness's key, not a log's",
				      SLICE_ARG(slice_part(given[i], 0, 80)));
		out->log_count++;
	}
	if (st == ST_OK && out->log_count == 0)
		st = fail_set(why, ST_INVALID, "of which logs? Say --log VKEY, or --policy");
	return st;
}

/* --- what both do --- */

/* Answers until it is told to end. */
static enum status web_run(struct cli *c, struct os_serve_options *o, struct fail *why)
{
	struct slice listen = cli_value(c, "listen"), cert = cli_value(c, "cert"),
		     key = cli_value(c, "cert-key");
	struct os_serve *s = NULL;
	struct os_stop stop = {0};
	enum status st = ST_OK;

	if (listen.ptr == NULL)
		return fail_set(why, ST_INVALID,
				"where? Say --listen PLACE, such as 127.0.0.1:8080");
	if ((cert.ptr == NULL) != (key.ptr == NULL))
		return fail_set(why, ST_INVALID, "--cert and --cert-key belong together");
	if (cert.ptr != NULL)
		st = os_file_read(cert, PEM_MAX, c->arena, &o->certificate, why);
	if (st == ST_OK && key.ptr != NULL)
		st = os_file_read(key, PEM_MAX, c->arena, &o->key, why);
	o->listen = listen;
	o->each_address_most = EACH_ADDRESS;
	if (st == ST_OK)
		st = os_stop_open(&stop, why);
	if (st == ST_OK)
		st = os_serve_open(o, c->arena, &s, why);
	if (st == ST_OK) {
		cli_say(c, "listening at %s://%.*s, port %u", cert.ptr != NULL ? "https" : "http",
			SLICE_ARG(listen), os_serve_port(s));
		while (os_serve_turn(s, &stop))
			;
	}
	os_serve_close(s);
	os_stop_close(&stop);
	return st;
}

int log_serve(struct cli *c)
{
	struct web w = {.c = c, .folder = c->words[1]};
	struct os_serve_options o = {.ctx = &w, .answer = serve_answer};
	struct follow_state state;
	struct fail why;
	enum status st;

	if (!os_file_exists(w.folder)) {
		cli_say(c, "%.*s is not there", SLICE_ARG(w.folder));
		return CLI_CANNOT;
	}
	st = follow_state_read(w.folder, c->arena, &state, &why);
	if (st == ST_OK) {
		o.answer = monitor_answer;
		return web_run(c, &o, &why) == ST_OK ? CLI_DONE : cli_cannot(c, &why);
	}
	if (st == ST_NOTFOUND)
		st = daemon_log_leaves(w.folder, c->arena, &why);
	if (st == ST_REFUSED) {
		cli_say(c, "no: %s", why.text);
		return CLI_NO;
	}
	if (st != ST_OK)
		return cli_cannot(c, &why);
	return web_run(c, &o, &why) == ST_OK ? CLI_DONE : cli_cannot(c, &why);
}

int log_witness(struct cli *c)
{
	struct web w = {.c = c};
	struct witness_options o = {
		.folder = cli_value(c, "state"), .ctx = &w, .convicted = convicted};
	struct os_serve_options web = {
		.ctx = &w, .answer = witness_answer, .body_most = WITNESS_REQUEST_MAX};
	struct view_policy logs = {0};
	struct crypto_signer signer = {0};
	struct note_verifier key;
	struct fail why;
	enum status st = log_signer(c, &key, &signer, &why);

	if (st == ST_OK && o.folder.ptr == NULL)
		st = fail_set(&why, ST_INVALID,
			      "where is remembered what was cosigned? Say --state DIR");
	if (st == ST_OK)
		st = logs_of(c, &logs, &why);
	o.key = &key;
	o.signer = &signer;
	o.logs = &logs;
	if (st == ST_OK)
		st = witness_open(&o, c->arena, &w.witness, &why);
	if (st == ST_OK)
		st = web_run(c, &web, &why);
	witness_close(w.witness);
	crypto_wipe(&signer, sizeof signer);
	return st == ST_OK ? CLI_DONE : cli_cannot(c, &why);
}
