/* SPDX-License-Identifier: Apache-2.0
 * What the data folder keeps of a bulletin, so that its bundle can be made again. */
#include "base/buf.h"
#include "base/json.h"
#include "crypto/crypto.h"
#include "daemon/bundling.h"
#include "daemon/daemon_priv.h"
#include "os/file.h"

struct slice daemon_text_hash(struct slice text, struct arena *a)
{
	uint8_t hash[CRYPTO_SHA256_BYTES];

	crypto_sha256_of(text, hash);
	return daemon_hex(a, hash, sizeof hash);
}

static enum status keep_text(const struct data *d, const struct bundle_file *f, struct arena *a,
			     struct fail *why)
{
	struct slice path = daemon_path(a, d->texts, daemon_text_hash(f->text, a));

	if (path.ptr == NULL)
		return fail_set(why, ST_NOMEM, "no memory to keep a text");
	return os_file_exists(path) ? ST_OK : os_file_replace(NULL, path, f->text, why);
}

static enum status keep_texts(const struct data *d, const char *what,
			      const struct bundle_file *files, size_t n, struct json *j,
			      struct arena *a, struct fail *why)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < n; i++) {
		json_object(j);
		json_member_str(j, "name", files[i].name);
		json_member_str(j, "sha256", daemon_text_hash(files[i].text, a));
		json_member_str(j, "what", slice_of(what));
		json_end(j);
		st = keep_text(d, &files[i], a, why);
	}
	return st;
}

static void put_leaves(struct json *j, const char *key, const struct bundle *b, bool withheld)
{
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < b->fact_count; i++)
		if (b->facts[i].withheld == withheld)
			json_u64(j, b->facts[i].leaf);
	json_end(j);
}

struct slice daemon_made_path(const struct data *d, struct slice id, struct arena *a)
{
	return daemon_path(a, d->made, buf_text(a, "%.*s.json", SLICE_ARG(id)));
}

enum status daemon_bundle_keep(const struct data *d, struct slice id,
			       const struct bundling_texts *texts, const struct bundle *facts,
			       struct arena *a, struct fail *why)
{
	struct buf text = buf_in(a);
	struct json j = json_in(&text);
	enum status st;

	json_object(&j);
	put_leaves(&j, "facts", facts, false);
	json_member_str(&j, "format", SLICE("dewline-made/1"));
	json_key(&j, "texts");
	json_array(&j);
	st = keep_texts(d, "party", texts->parties, texts->party_count, &j, a, why);
	if (st == ST_OK)
		st = keep_texts(d, "prior", texts->prior, 1, &j, a, why);
	if (st == ST_OK)
		st = keep_texts(d, "treaty", texts->treaties, texts->treaty_count, &j, a, why);
	json_end(&j);
	put_leaves(&j, "withheld", facts, true);
	json_end(&j);
	buf_add_byte(&text, '\n');
	if (st == ST_OK && text.full)
		st = fail_set(why, ST_NOMEM, "no memory to keep what a bulletin rests on");
	return st == ST_OK ? os_file_replace_private(NULL, daemon_made_path(d, id, a),
						     buf_slice(&text), why)
			   : st;
}
