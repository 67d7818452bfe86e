/* SPDX-License-Identifier: Apache-2.0
 * The party's word for its station's key, and how it takes it back. */
#include "base/buf.h"
#include "daemon/bundling.h"
#include "daemon/daemon_priv.h"
#include "os/clock.h"

struct station {
	const struct daemon_station_options *o;
	struct arena *arena;
	struct data data;
	struct commit *commit;
	struct daemon_station_result r;
};

static struct slice thumbprint(const struct data *d, struct arena *a)
{
	struct disclose_key key = disclose_key_of(d->station_signer.key);
	uint8_t raw[CRYPTO_SHA256_BYTES];
	size_t n;

	ASSERT(crypto_base64_parse(CRYPTO_BASE64URL,
				   (struct slice){(const uint8_t *)key.kid, sizeof key.kid},
				   sizeof raw, raw, &n));
	return daemon_hex(a, raw, sizeof raw);
}

/* What the log says of keys; `current` of the one that the folder seals with. */
static enum status look(struct commit *c, const struct data *d, struct arena *a,
			struct daemon_station_result *out, struct fail *why)
{
	struct commit_event *events;
	uint64_t *leaves;
	size_t n;
	enum status st = daemon_commit_certificates(c, a, &leaves, &events, &n, why);

	if (st != ST_OK)
		return st;
	out->said = ARENA_ARRAY(a, struct daemon_station_said, n + 1);
	out->sha256 = thumbprint(d, a);
	if (out->said == NULL || out->sha256.ptr == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu certificates", n);
	for (; st == ST_OK && out->count < n; out->count++) {
		size_t i = out->count;
		struct record r;

		st = record_from_fields(events[i].fields, events[i].count, a, &r, why);
		if (st != ST_OK)
			break;
		out->said[i] = (struct daemon_station_said){
			.leaf = leaves[i],
			.revoked = slice_equal(r.u.input.what, SLICE("station-key-revoked")),
			.current = slice_equal(r.u.input.sha256, out->sha256),
			.sha256 = r.u.input.sha256,
			.at = r.at,
			.until = r.u.input.last};
	}
	return st;
}

enum status daemon_bundle_vouch(struct commit *c, const struct data *d, struct slice party,
				struct wall_ns now, struct arena *a, struct fail *why)
{
	struct daemon_station_result r = {0};
	const struct daemon_station_said *last = NULL;
	char text[TIME_TEXT_MAX];
	struct record certificate;
	uint64_t leaf;
	enum status st = look(c, d, a, &r, why);

	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < r.count; i++)
		if (r.said[i].current)
			last = &r.said[i];
	if (last == NULL)
		return daemon_commit_certificate(c, party, now, (struct wall_ns){0}, a,
						 &certificate, &leaf, why);
	if (last->revoked)
		return fail_set(
			why, ST_REFUSED,
			"the station's key was revoked in leaf %llu: dewline station revoke "
			"makes another one",
			(unsigned long long)last->leaf);
	if (last->until.ns != 0 && now.ns > last->until.ns)
		return fail_set(why, ST_REFUSED,
				"the certificate of the station's key ended %.*s: dewline station "
				"certify gives it another",
				SLICE_ARG(time_format_rfc3339(last->until, text)));
	return ST_OK;
}

static enum status certify(struct station *s, struct wall_ns until, uint64_t *out_leaf,
			   struct fail *why)
{
	struct record r;
	enum status st =
		daemon_commit_certificate(s->commit, (struct slice){NULL, 0}, os_clock_wall(),
					  until, s->arena, &r, out_leaf, why);

	return st == ST_OK ? daemon_commit_flush(s->commit, why) : st;
}

/* The next key is made first and taken last: whoever is killed in between has either not revoked,
 * or goes on with the next one. */
static enum status revoke(struct station *s, struct fail *why)
{
	uint64_t certificate;
	enum status st = daemon_data_key_begin(&s->data, s->arena, why);

	if (st == ST_OK)
		st = daemon_commit_revoke(s->commit, s->arena, &s->r.leaf, why);
	if (st == ST_OK)
		st = daemon_commit_flush(s->commit, why);
	if (st == ST_OK)
		st = daemon_data_key_end(&s->data, s->arena, why);
	if (st != ST_OK)
		return st;
	daemon_commit_close(s->commit); /* it seals with the old key */
	s->commit = NULL;
	st = daemon_commit_open(&s->data, s->arena, &s->commit, why);
	return st == ST_OK ? certify(s, (struct wall_ns){0}, &certificate, why) : st;
}

static enum status act(struct station *s, struct fail *why)
{
	enum status st = ST_OK;

	if (s->o->act == DAEMON_STATION_CERTIFY)
		st = certify(s, s->o->until, &s->r.leaf, why);
	else if (s->o->act == DAEMON_STATION_REVOKE)
		st = revoke(s, why);
	return st == ST_OK ? look(s->commit, &s->data, s->arena, &s->r, why) : st;
}

enum status daemon_station(const struct daemon_station_options *o, struct arena *a,
			   struct daemon_station_result *out, struct fail *why)
{
	struct station s = {.o = o, .arena = a};
	enum status st = daemon_data_open_again(o->data, o->key, a, &s.data, why);

	if (st != ST_OK)
		return st;
	st = daemon_commit_open(&s.data, a, &s.commit, why);
	if (st == ST_OK)
		st = act(&s, why);
	daemon_commit_close(s.commit);
	daemon_data_close(&s.data);
	if (st == ST_OK)
		*out = s.r;
	return st;
}
