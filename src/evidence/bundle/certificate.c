/* SPDX-License-Identifier: Apache-2.0
 *
 * A station's key is good from where the log's own key says so, and until it says otherwise. What
 * counts is the order of the log, which nobody can change, not what time somebody writes: the facts
 * are walked in the order of their leaves, and each key is as good as what was said before. A
 * certificate may name times as well. Then an event must not say that it is from before it began;
 * and neither that it is from after its end, nor stand behind something that the log's own key
 * sealed after that end.
 */
#include "crypto/crypto.h"
#include "evidence/bundle/bundle_priv.h"

enum fault { UNKNOWN, EARLY, LATE, REVOKED, FAULTS };

struct walk {
	struct bundle_verifying *v;
	struct bundle_signer *signers; /* of each of v->keys */
	struct wall_ns clock;	       /* the latest time that the log's key has sealed so far */
	struct {
		size_t first, count; /* record; how many */
	} faults[FAULTS];
	size_t sealed; /* records by stations, */
	bool *used;    /* by these */
};

/* The key that a record speaks of, by its thumbprint; SIZE_MAX: none of ours. */
static size_t key_of(const struct bundle_verifying *v, struct slice hex)
{
	uint8_t thumbprint[CRYPTO_SHA256_BYTES], text[DISCLOSE_KID + 1];
	struct buf kid = {.arena = v->a, .ptr = text, .room = sizeof text};

	if (!crypto_hex_parse(hex, sizeof thumbprint, thumbprint))
		return SIZE_MAX;
	crypto_base64_add(CRYPTO_BASE64URL, (struct slice){thumbprint, sizeof thumbprint}, &kid);
	for (size_t i = 0; i < v->keys.count && !kid.full && kid.len == DISCLOSE_KID; i++)
		if (memcmp(v->keys.keys[i].kid, kid.ptr, DISCLOSE_KID) == 0)
			return i;
	return SIZE_MAX;
}

/* The log's own key says something: perhaps about a station's. */
static void hear(struct walk *w, const struct record *r, uint64_t leaf, struct wall_ns at)
{
	bool is_input = r->kind == RECORD_INPUT;
	bool gives = is_input && slice_equal(r->u.input.what, SLICE("station-key"));
	bool takes = is_input && slice_equal(r->u.input.what, SLICE("station-key-revoked"));
	struct bundle_signer *s;
	size_t key;

	if (at.ns > w->clock.ns)
		w->clock = at;
	if (!gives && !takes)
		return;
	key = key_of(w->v, r->u.input.sha256);
	if (key == SIZE_MAX)
		return;
	s = &w->signers[key];
	if (takes && !s->revoked) {
		s->revoked = true;
		s->revoked_at = leaf;
	} else if (gives) {
		s->vouched = true;
		s->from = r->u.input.first;
		s->until = r->u.input.last;
	}
}

static enum fault fault_of(const struct walk *w, const struct bundle_signer *s, struct wall_ns at)
{
	if (!s->vouched)
		return UNKNOWN;
	if (s->revoked)
		return REVOKED;
	if (s->from.ns != 0 && at.ns < s->from.ns)
		return EARLY;
	if (s->until.ns != 0 && (at.ns > s->until.ns || w->clock.ns > s->until.ns))
		return LATE;
	return FAULTS;
}

/* Seconds to a time; beyond what one can hold is as late as can be. */
static struct wall_ns time_of(uint64_t s)
{
	uint64_t most = INT64_MAX / TIME_NS_PER_S;

	return (struct wall_ns){(int64_t)(s < most ? s : most) * TIME_NS_PER_S};
}

static void walk(struct walk *w)
{
	struct bundle_verifying *v = w->v;
	const struct bundle_report *r = v->report;

	for (size_t k = 0; k < r->record_count; k++) {
		size_t by = v->passed_by[k];
		struct wall_ns at = time_of(v->passed_at[k]);
		enum fault f;

		if (by == v->keys.count - 1) { /* the log's own */
			hear(w, &r->records[k], r->leaves[k], at);
			continue;
		}
		w->sealed++;
		w->used[by] = true;
		f = fault_of(w, &w->signers[by], at);
		if (f != FAULTS && w->faults[f].count++ == 0)
			w->faults[f].first = k;
	}
}

static void say_fault(struct walk *w, enum fault f)
{
	struct bundle_verifying *v = w->v;
	size_t k = w->faults[f].first, by = v->passed_by[k];
	const struct bundle_signer *s = &w->signers[by];
	char text[TIME_TEXT_MAX];
	struct buf what = buf_in(v->a);

	switch (f) {
	case UNKNOWN:
		buf_add_z(&what, "no leaf before it here, by the log's own key, vouches for it");
		break;
	case EARLY:
		buf_add_fmt(&what, "it says to be from before its certificate begins, %.*s",
			    SLICE_ARG(time_format_rfc3339(s->from, text)));
		break;
	case LATE:
		buf_add_fmt(&what, "its certificate had ended, %.*s",
			    SLICE_ARG(time_format_rfc3339(s->until, text)));
		break;
	case REVOKED:
		buf_add_fmt(&what, "it was revoked in leaf %llu",
			    (unsigned long long)s->revoked_at);
		break;
	case FAULTS:
		break;
	}
	v->nomem = v->nomem || what.full;
	bundle_say(v, "station certificates", false, "leaf %llu, sealed by key %.*s: %.*s%s",
		   (unsigned long long)v->report->leaves[k], DISCLOSE_KID, v->keys.keys[by].kid,
		   SLICE_ARG(buf_slice(&what)),
		   w->faults[f].count > 1 ? " (and other leaves)" : "");
}

void bundle_check_certificates(struct bundle_verifying *v)
{
	const char *check = "station certificates";
	struct walk w = {.v = v};
	size_t used = 0, revoked = 0;
	bool ok = true;

	if (!v->keys_ok || !v->log_ok) {
		bundle_say(v, check, false, "cannot be checked without log key and station keys");
		return;
	}
	w.signers = ARENA_ARRAY(v->a, struct bundle_signer, v->keys.count);
	w.used = ARENA_ARRAY(v->a, bool, v->keys.count);
	if (w.signers == NULL || w.used == NULL) {
		v->nomem = true;
		return;
	}
	walk(&w);
	for (enum fault f = 0; f < FAULTS; f++)
		if (w.faults[f].count != 0) {
			say_fault(&w, f);
			ok = false;
		}
	for (size_t i = 0; i + 1 < v->keys.count; i++) {
		used += w.used[i];
		revoked += w.used[i] && w.signers[i].revoked;
	}
	if (ok)
		bundle_say(v, check, true,
			   "%.*s vouches in the log for the %zu %s that sealed, before each of "
			   "them did%s",
			   SLICE_ARG(v->log.name), used, used == 1 ? "key" : "keys",
			   revoked != 0 ? "; what was sealed before a revocation stays good" : "");
}
