/* SPDX-License-Identifier: Apache-2.0
 *
 * Who else saw this state of the log. The maker's policy says whom he asked, and proves nothing by
 * itself: a liar names friends. What the reader trusts is his own, a policy or keys. Signatures by
 * keys that neither knows count for nothing, whatever their type (C2SP signed-note, tlog-policy);
 * one by a known key that is wrong refuses the checkpoint.
 */
#include "evidence/bundle/bundle_priv.h"

/* By one of these keys? */
static bool is_by(const struct note_signature *s, const struct note_verifier *key)
{
	return slice_equal(s->name, key->name) && memcmp(s->id, key->id, sizeof s->id) == 0;
}

static bool is_by_policy(const struct note_signature *s, const struct view_policy *p)
{
	for (size_t i = 0; p != NULL && i < p->name_count; i++)
		if (p->names[i].least == 0 && is_by(s, &p->names[i].key))
			return true;
	return false;
}

/* Those whose signatures can be checked; the others never count (view.h). */
static size_t witnesses_of(const struct view_policy *p, size_t *out_others)
{
	size_t n = 0, others = 0;

	for (size_t i = 0; i < p->name_count; i++) {
		bool known = p->names[i].key.type == NOTE_COSIGNATURE;

		n += p->names[i].least == 0 && known;
		others += p->names[i].least == 0 && !known;
	}
	*out_others = others;
	return n;
}

/* The policy with this log as its only one: whether it names it is asked elsewhere. */
static enum status open_with(struct bundle_verifying *v, const struct view_policy *p,
			     size_t *out_cosigned, struct fail *why)
{
	struct view_log log = {.key = v->log};
	struct view_policy here = *p;
	struct merkle_checkpoint c;
	enum status st;

	here.logs = &log;
	here.log_count = 1;
	st = view_policy_open(&here, v->b->checkpoint, v->a, &c, NULL, out_cosigned, why);
	v->nomem = v->nomem || st == ST_NOMEM;
	return st;
}

static void say_policy(struct bundle_verifying *v, const char *check, const char *whose,
		       const struct view_policy *p)
{
	size_t others, all = witnesses_of(p, &others), cosigned = 0;
	struct buf passed = buf_in(v->a);
	struct fail why;
	enum status st = open_with(v, p, &cosigned, &why);

	if (others != 0)
		buf_add_fmt(&passed, "; %zu more have keys of a type that cannot be checked here",
			    others);
	v->nomem = v->nomem || passed.full;

	if (st != ST_OK)
		bundle_say(v, check, false, "%s: %s", whose, why.text);
	else if (p->quorum == SIZE_MAX)
		bundle_say(v, check, true, "%s asks for no witness; %zu of its %zu cosigned%.*s",
			   whose, cosigned, all, SLICE_ARG(buf_slice(&passed)));
	else
		bundle_say(v, check, true,
			   "%s: %zu of its %zu witnesses cosigned, its quorum "
			   "\"%.*s\" is met%.*s",
			   whose, cosigned, all, SLICE_ARG(p->names[p->quorum].name),
			   SLICE_ARG(buf_slice(&passed)));
}

/* The bundle's own. False: it has none that can be read. */
static bool check_own(struct bundle_verifying *v, struct view_policy *out)
{
	const char *check = "witness policy of the bundle";
	bool known = false;
	enum status st;

	if (v->b->policy.len == 0) {
		bundle_say(v, check, true,
			   "none: no witness was asked whether this is the only history");
		return false;
	}
	st = view_policy_parse(v->b->policy, v->a, out, v->why);
	v->nomem = v->nomem || st == ST_NOMEM;
	if (st != ST_OK) {
		bundle_say(v, check, false, "%s", v->why->text);
		return false;
	}
	for (size_t i = 0; i < out->log_count; i++)
		known = known || note_verifier_equal(&out->logs[i].key, &v->log);
	if (out->log_count != 0 && !known)
		bundle_say(v, check, false, "it is about other logs than %.*s",
			   SLICE_ARG(v->log.name));
	else
		say_policy(v, check, "the maker's own", out);
	return true;
}

/* Each key that the reader named by itself. */
static void check_keys(struct bundle_verifying *v, const struct note *note)
{
	const char *check = "witnesses that you trust";
	const struct bundle_trust *t = v->trust;
	bool ok = true;

	for (size_t i = 0; i < t->witness_count; i++) {
		const struct note_verifier *w = &t->witnesses[i];
		struct fail why;

		if (note_signature_find(note, w) == NULL) {
			bundle_say(v, check, false, "%.*s has not cosigned this checkpoint",
				   SLICE_ARG(w->name));
			ok = false;
		} else if (note_verify(note, w, 1, NULL, v->a, &why) != ST_OK) {
			bundle_say(v, check, false, "%.*s: %s", SLICE_ARG(w->name), why.text);
			v->nomem = v->nomem || why.status == ST_NOMEM;
			ok = false;
		}
	}
	if (ok && t->witness_count != 0)
		bundle_say(v, check, true, "all %zu that you named cosigned", t->witness_count);
}

static void count_strangers(struct bundle_verifying *v, const struct note *note,
			    const struct view_policy *own)
{
	const struct bundle_trust *t = v->trust;
	const struct note_signature *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < note->count; i++) {
		const struct note_signature *s = &note->signatures[i];
		bool known =
			is_by(s, &v->log) || is_by_policy(s, own) || is_by_policy(s, t->policy);

		for (size_t k = 0; k < t->witness_count && !known; k++)
			known = is_by(s, &t->witnesses[k]);
		if (!known && n++ == 0)
			first = s;
	}
	if (n != 0)
		bundle_say(v, "signatures by strangers", true,
			   "%zu, the first by %.*s: passed over, for nobody here knows the key", n,
			   SLICE_ARG(first->name));
}

void bundle_check_witnesses(struct bundle_verifying *v)
{
	struct view_policy own = {0};
	struct note note;
	bool has_own;

	if (!v->checkpoint_ok) {
		bundle_say(v, "witnesses", false, "cannot be checked without a checkpoint");
		return;
	}
	if (note_parse(v->b->checkpoint, v->a, &note, v->why) != ST_OK) {
		v->nomem = true; /* it was parsed before: what lacks is memory */
		return;
	}
	has_own = check_own(v, &own);
	if (v->trust->policy != NULL)
		say_policy(v, "witness policy that you trust", "yours", v->trust->policy);
	check_keys(v, &note);
	count_strangers(v, &note, has_own ? &own : NULL);
}
