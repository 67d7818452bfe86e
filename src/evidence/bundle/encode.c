/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "evidence/bundle/bundle.h"
#include "evidence/bundle/bundle_priv.h"

const char *const bundle_member_names[BUNDLE_MEMBERS] = {"bulletin", "checkpoint",   "facts",
							 "log_key",  "parties",	     "policy",
							 "priors",   "station_keys", "treaties"};

bool bundle_name_ok(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] < ' ' || name.ptr[i] == 0x7f || name.ptr[i] == '/')
			return false;
	return name.len > 0 && name.len <= BUNDLE_NAME_MAX && text_is_utf8(name) &&
	       !slice_equal(name, SLICE(".")) && !slice_equal(name, SLICE(".."));
}

static enum status files_check(const struct bundle_file *files, size_t n, const char *what,
			       struct fail *why)
{
	if (n > BUNDLE_FILES_MAX)
		return fail_set(why, ST_LIMIT, "%zu %s files; at most %d fit a bundle", n, what,
				BUNDLE_FILES_MAX);
	for (size_t i = 0; i < n; i++) {
		if (!bundle_name_ok(files[i].name))
			return fail_set(why, ST_INVALID, "\"%.*s\" is no name for a %s file",
					SLICE_ARG(files[i].name), what);
		if (!text_is_utf8(files[i].text))
			return fail_set(why, ST_INVALID, "%s file %.*s is not UTF-8", what,
					SLICE_ARG(files[i].name));
		for (size_t k = 0; k < i; k++)
			if (slice_equal(files[i].name, files[k].name))
				return fail_set(why, ST_INVALID, "two %s files %.*s", what,
						SLICE_ARG(files[i].name));
	}
	return ST_OK;
}

static enum status facts_check(const struct bundle *b, struct fail *why)
{
	if (b->fact_count > BUNDLE_FACTS_MAX)
		return fail_set(why, ST_LIMIT, "%zu facts; at most %d fit a bundle", b->fact_count,
				BUNDLE_FACTS_MAX);
	for (size_t i = 0; i < b->fact_count; i++) {
		const struct bundle_fact *f = &b->facts[i];
		bool ok = bundle_leaf_ok(f->leaf) && (i == 0 || f[-1].leaf < f->leaf) &&
			  text_is_utf8(f->jwt) && f->proof_count <= 64 &&
			  f->disclosure_count <= RECORD_FIELDS_MAX;

		for (size_t k = 0; k < f->disclosure_count && ok; k++)
			ok = text_is_utf8(f->disclosures[k]);
		if (!ok)
			return fail_set(why, ST_INVALID,
					"fact %zu is out of order or cannot be written", i);
	}
	return ST_OK;
}

static void write_fact(struct json *j, const struct bundle_fact *f)
{
	json_object(j);
	json_key(j, "disclosures");
	json_array(j);
	for (size_t k = 0; k < f->disclosure_count; k++)
		json_str(j, f->disclosures[k]);
	json_end(j);
	json_key(j, "jwt");
	json_str(j, f->jwt);
	json_key(j, "leaf");
	json_u64(j, f->leaf);
	json_key(j, "proof");
	json_array(j);
	for (size_t k = 0; k < f->proof_count; k++) {
		uint8_t text[44];
		struct buf t = {.arena = j->out->arena, .ptr = text, .room = sizeof text};

		crypto_base64_add(CRYPTO_BASE64, (struct slice){f->proof[k], 32}, &t);
		json_str(j, buf_slice(&t));
	}
	json_end(j);
	if (f->withheld)
		json_member_bool(j, "withheld", true);
	json_end(j);
}

static void write_files(struct json *j, const struct bundle_file *files, size_t n)
{
	json_array(j);
	for (size_t i = 0; i < n; i++) {
		json_object(j);
		json_key(j, "name");
		json_str(j, files[i].name);
		json_key(j, "text");
		json_str(j, files[i].text);
		json_end(j);
	}
	json_end(j);
}

static void write_member(struct json *j, const struct bundle *b, enum bundle_member m)
{
	switch (m) {
	case BUNDLE_BULLETIN:
		json_raw(j, b->bulletin);
		break;
	case BUNDLE_CHECKPOINT:
		json_str(j, b->checkpoint);
		break;
	case BUNDLE_FACTS:
		json_array(j);
		for (size_t i = 0; i < b->fact_count; i++)
			write_fact(j, &b->facts[i]);
		json_end(j);
		break;
	case BUNDLE_LOG_KEY:
		json_str(j, b->log_key);
		break;
	case BUNDLE_PARTIES:
		write_files(j, b->party_files, b->party_count);
		break;
	case BUNDLE_POLICY:
		json_str(j, b->policy);
		break;
	case BUNDLE_PRIORS:
		write_files(j, b->prior_files, b->prior_count);
		break;
	case BUNDLE_STATION_KEYS:
		json_raw(j, b->station_keys);
		break;
	case BUNDLE_TREATIES:
		write_files(j, b->treaty_files, b->treaty_count);
		break;
	case BUNDLE_MEMBERS:
		break;
	}
}

bool bundle_commitment(const struct bundle *b, uint8_t out[CRYPTO_SHA256_BYTES])
{
	struct crypto_sha256 h;
	bool some = false;

	crypto_sha256_init(&h);
	for (size_t i = 0; i < b->fact_count; i++) {
		const struct bundle_fact *f = &b->facts[i];
		uint8_t head[12];

		if (!f->withheld)
			continue;
		some = true;
		for (unsigned k = 0; k < 8; k++)
			head[k] = (uint8_t)(f->leaf >> (56 - 8 * k));
		for (unsigned k = 0; k < 4; k++)
			head[8 + k] = (uint8_t)(f->jwt.len >> (24 - 8 * k));
		crypto_sha256_add(&h, (struct slice){head, sizeof head});
		crypto_sha256_add(&h, f->jwt);
	}
	crypto_sha256_end(&h, out);
	return some;
}

enum status bundle_encode(const struct bundle *b, struct arena *scratch, struct buf *out,
			  struct fail *why)
{
	uint8_t sums[BUNDLE_MEMBERS][CRYPTO_SHA256_BYTES];
	struct json j = json_in(out);
	enum status st = files_check(b->party_files, b->party_count, "party", why);

	if (st == ST_OK)
		st = files_check(b->treaty_files, b->treaty_count, "treaty", why);
	if (st == ST_OK)
		st = files_check(b->prior_files, b->prior_count, "prior", why);
	if (st == ST_OK && b->prior_count > BUNDLE_PRIORS_MAX)
		st = fail_set(why, ST_LIMIT, "%zu priors; a verdict is computed with one",
			      b->prior_count);
	if (st == ST_OK)
		st = facts_check(b, why);
	if (st == ST_OK &&
	    (!text_is_utf8(b->checkpoint) || !text_is_utf8(b->log_key) || !text_is_utf8(b->policy)))
		st = fail_set(why, ST_INVALID, "checkpoint, log key or policy is not UTF-8");
	if (st == ST_OK && (!bundle_object_ok(b->bulletin) || !bundle_object_ok(b->station_keys)))
		st = fail_set(why, ST_INVALID, "bulletin or station keys: no compact JSON object");
	if (st != ST_OK)
		return st;
	json_object(&j);
	for (enum bundle_member m = 0; m < BUNDLE_MEMBERS; m++) {
		size_t from;

		if (m == BUNDLE_LOG_KEY) { /* between "facts" and "log_key" in the alphabet */
			json_key(&j, "format");
			json_str(&j, BUNDLE_FORMAT);
		}
		json_key(&j, bundle_member_names[m]);
		from = out->len;
		write_member(&j, b, m);
		if (!out->full)
			crypto_sha256_of(slice_from(buf_slice(out), from), sums[m]);
	}
	json_key(&j, "unchanged");
	json_object(&j);
	for (enum bundle_member m = 0; m < BUNDLE_MEMBERS; m++) {
		char hex[2 * CRYPTO_SHA256_BYTES];

		json_key(&j, bundle_member_names[m]);
		json_str(&j, crypto_hex_write((struct slice){sums[m], sizeof sums[m]}, hex));
	}
	json_end(&j);
	json_end(&j);
	return out->full ? fail_set(why, ST_NOMEM, "no memory to write a bundle") : ST_OK;
}
