/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may say yes, and that it was said. An approval is a signed note (crypto/note.h):
 *
 *	dewline-approval/1
 *	list <SHA-256 of the list>
 *	sum <the list's last line>
 *	by <who>						may be absent
 *
 * The sum is there to be read; what binds is the hash.
 */
#include "base/text.h"
#include "evidence/release/release.h"

#define POLICY SLICE("dewline-release-policy/1")
#define APPROVAL SLICE("dewline-approval/1")

enum { POLICY_MAX = 1 << 16, APPROVAL_MAX = 1 << 16, BY_MAX = 200 };

/* ---- the policy ---- */

static enum status add_key(struct release_policy *p, struct slice text, struct fail *why)
{
	struct note_verifier *v = &p->keys[p->count];
	enum status st;

	if (p->count == RELEASE_KEYS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d keys", RELEASE_KEYS_MAX);
	st = note_verifier_parse(text, v, why);
	if (st == ST_OK && v->type != NOTE_ED25519)
		st = fail_set(why, ST_INVALID, "a witness's key; approvals are by keys of type %d",
			      NOTE_ED25519);
	for (size_t i = 0; st == ST_OK && i < p->count; i++)
		if (note_verifier_equal(&p->keys[i], v))
			st = fail_set(why, ST_INVALID, "a key that is there already");
	p->count += st == ST_OK;
	return st;
}

static enum status policy_line(struct release_policy *p, struct slice line, struct fail *why)
{
	struct slice rest = line, word = slice_split(&rest, ' ');
	uint64_t n;

	if (line.len == 0 || line.ptr[0] == '#')
		return ST_OK;
	if (slice_equal(word, SLICE("key")) && rest.ptr != NULL)
		return add_key(p, rest, why);
	if (!slice_equal(word, SLICE("needs")) || p->needed != 0 ||
	    !text_u64(rest, 1, RELEASE_KEYS_MAX, &n))
		return fail_set(why, ST_INVALID, "expected \"needs K\" once, or \"key VKEY\"");
	p->needed = (unsigned)n;
	return ST_OK;
}

enum status release_policy_parse(struct slice text, struct arena *a, struct release_policy *out,
				 struct fail *why)
{
	struct release_policy p = {.count = 0};
	struct slice rest = arena_copy(a, text); /* names are borrowed from it */
	size_t number = 1;

	if (text.len > POLICY_MAX)
		return fail_set(why, ST_LIMIT, "a policy of more than %d bytes", POLICY_MAX);
	if (rest.len != text.len)
		return fail_set(why, ST_NOMEM, "no memory for a release policy");
	if (!slice_equal(slice_split(&rest, '\n'), POLICY))
		return fail_set(why, ST_INVALID, "line 1: expected \"%.*s\"", SLICE_ARG(POLICY));
	while (rest.len != 0) {
		number++;
		if (policy_line(&p, slice_split(&rest, '\n'), why) != ST_OK)
			return fail_wrap(why, "line %zu", number);
	}
	if (p.needed == 0 || p.needed > p.count)
		return fail_set(why, ST_INVALID, "%zu keys, of which %u must sign: say \"needs K\"",
				p.count, p.needed);
	*out = p;
	return ST_OK;
}

void release_policy_add(const struct release_policy *p, struct buf *out)
{
	buf_add(out, POLICY);
	buf_add_fmt(out, "\nneeds %u\n", p->needed);
	for (size_t i = 0; i < p->count; i++) {
		buf_add_z(out, "key ");
		note_verifier_add(&p->keys[i], out);
		buf_add_byte(out, '\n');
	}
}

/* ---- approvals ---- */

static struct slice text_of(const struct release_list *list, struct slice by, struct arena *a)
{
	struct buf out = buf_in(a);

	buf_add(&out, APPROVAL);
	buf_add_z(&out, "\nlist ");
	crypto_hex_add((struct slice){list->id, sizeof list->id}, &out);
	buf_add_z(&out, "\nsum ");
	buf_add(&out, list->sum);
	buf_add_byte(&out, '\n');
	if (by.len != 0) {
		buf_add_z(&out, "by ");
		buf_add(&out, by);
		buf_add_byte(&out, '\n');
	}
	return out.full ? (struct slice){NULL, 0} : buf_slice(&out);
}

/* Which list an approval is of, and by whom it says it is. */
static enum status read_text(struct slice text, uint8_t out_list[CRYPTO_SHA256_BYTES],
			     struct slice *out_by, struct fail *why)
{
	struct slice rest = text, head = slice_split(&rest, '\n'), list = slice_split(&rest, '\n');
	struct slice sum = slice_split(&rest, '\n'), by = slice_split(&rest, '\n');

	*out_by = (struct slice){NULL, 0};
	if (!slice_equal(head, APPROVAL) || !slice_starts(list, SLICE("list ")) ||
	    !crypto_hex_parse(slice_from(list, 5), CRYPTO_SHA256_BYTES, out_list) ||
	    !slice_starts(sum, SLICE("sum ")))
		return fail_set(why, ST_INVALID, "this is no approval of a release");
	if (by.len == 0 && rest.ptr == NULL)
		return ST_OK;
	if (!slice_starts(by, SLICE("by ")) || by.len == 3 || by.len > BY_MAX + 3 || rest.len != 0)
		return fail_set(why, ST_INVALID, "this is no approval of a release");
	*out_by = slice_from(by, 3);
	return ST_OK;
}

/* The signature lines of an approval of the same text. */
static enum status signatures_of(struct slice so_far, struct slice text,
				 const struct note_verifier *key, struct arena *a, struct buf *out,
				 struct fail *why)
{
	struct note n;
	enum status st = note_parse(so_far, a, &n, why);

	if (st != ST_OK)
		return st;
	if (!slice_equal(n.text, text))
		return fail_set(why, ST_REFUSED,
				"what was signed so far is another approval: of another list, or "
				"by another name");
	if (note_signature_find(&n, key) != NULL)
		return fail_set(why, ST_REFUSED, "%.*s has signed it already",
				SLICE_ARG(key->name));
	for (size_t i = 0; i < n.count; i++)
		note_signature_add(&n.signatures[i], out);
	return ST_OK;
}

enum status release_approve(const struct release_list *list, struct slice by,
			    const struct note_verifier *key, const struct crypto_signer *signer,
			    struct slice so_far, struct arena *a, struct slice *out,
			    struct fail *why)
{
	uint8_t same[CRYPTO_SHA256_BYTES];
	struct slice text = text_of(list, by, a), read_by;
	struct buf note = buf_in(a);
	enum status st;

	if (text.ptr == NULL)
		return fail_set(why, ST_NOMEM, "no memory for an approval");
	if (key->type != NOTE_ED25519)
		return fail_set(why, ST_INVALID, "approvals are signed with a key of type %d",
				NOTE_ED25519);
	st = read_text(text, same, &read_by, why); /* a name of several lines would not be read */
	if (st == ST_OK && !slice_equal(read_by, by))
		st = fail_set(why, ST_INVALID, "who approves is one line of at most %d bytes",
			      BY_MAX);
	if (st == ST_OK)
		st = note_write(text, &note, why);
	if (st == ST_OK && so_far.len != 0)
		st = signatures_of(so_far, text, key, a, &note, why);
	if (st != ST_OK)
		return st;
	note_sign(text, key, signer, 0, &note);
	*out = buf_slice(&note);
	return note.full ? fail_set(why, ST_NOMEM, "no memory for an approval") : ST_OK;
}

enum status release_approval_check(struct slice approval, const uint8_t list[CRYPTO_SHA256_BYTES],
				   const struct release_policy *policy, struct arena *a,
				   struct release_approved *out, struct fail *why)
{
	struct release_approved r = {.signatures = 0};
	uint8_t of[CRYPTO_SHA256_BYTES];
	struct note n;
	enum status st;

	if (approval.len > APPROVAL_MAX)
		return fail_set(why, ST_LIMIT, "an approval of more than %d bytes", APPROVAL_MAX);
	st = note_parse(approval, a, &n, why);
	if (st == ST_OK)
		st = read_text(n.text, of, &r.by, why);
	if (st != ST_OK)
		return st;
	if (memcmp(of, list, sizeof of) != 0)
		return fail_set(why, ST_REFUSED,
				"it approves another list: what leaves is not what was approved");
	st = note_verify(&n, policy->keys, policy->count, r.signed_by, a, why);
	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < policy->count; i++)
		r.signatures += r.signed_by[i];
	if (r.signatures < policy->needed)
		return fail_set(why, ST_REFUSED, "%zu of the keys have signed it, %u must",
				r.signatures, policy->needed);
	*out = r;
	return ST_OK;
}
