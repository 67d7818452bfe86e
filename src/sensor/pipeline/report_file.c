/* SPDX-License-Identifier: Apache-2.0
 *
 * EVE's fileinfo: one event for each file that a transaction carried, with the transaction's own
 * object beside it, as Suricata 8 writes it.
 */
#include "sensor/pipeline/report_priv.h"

#include "base/addr.h"
#include "crypto/crypto.h"

static void put_hash(struct json *j, const char *key, const uint8_t *digest, size_t bytes)
{
	char hex[2 * CRYPTO_SHA256_BYTES];

	json_key(j, key);
	json_str(j, crypto_hex_write((struct slice){digest, bytes}, hex));
}

/* MD5 and SHA-1 are said of whole files only; SHA-256 of whatever was seen. */
static void put_hashes(struct json *j, const struct file *f)
{
	if (f->state == FILE_CLOSED && (f->hashes & FILE_MD5) != 0)
		put_hash(j, "md5", f->md5, sizeof f->md5);
	if (f->state == FILE_CLOSED && (f->hashes & FILE_SHA1) != 0)
		put_hash(j, "sha1", f->sha1, sizeof f->sha1);
	if ((f->hashes & FILE_SHA256) != 0)
		put_hash(j, "sha256", f->sha256, sizeof f->sha256);
}

static void put_file(struct json *j, const struct file *f, uint64_t tx_id)
{
	json_object(j);
	json_key(j, "filename");
	json_str(j, f->name);
	if (f->sid_count != 0) {
		json_key(j, "sid");
		json_array(j);
		for (uint32_t i = 0; i < f->sid_count; i++)
			json_u64(j, f->sids[i]);
		json_end(j);
	}
	if (f->magic.len != 0) {
		json_key(j, "magic");
		json_str(j, f->magic);
	}
	json_member_bool(j, "gaps", f->gaps);
	json_key(j, "state");
	json_z(j, file_state_name(f->state));
	put_hashes(j, f);
	json_member_bool(j, "stored", f->stored);
	if (f->stored)
		json_member_u64(j, "file_id", f->id);
	else if (f->wanted && f->handle != NULL)
		json_member_bool(j, "storing", true);
	json_member_u64(j, "size", f->size);
	if (f->ranged) {
		json_member_u64(j, "start", f->start);
		json_member_u64(j, "end", f->end);
	}
	json_member_u64(j, "tx_id", tx_id);
	json_end(j);
}

void report_add_files(struct pipeline *p, const struct app_tx *tx, enum flow_dir dir)
{
	const struct file *file = tx->files[dir].first, *last = tx->files[dir].last;
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);

	if (file == NULL)
		return;
	while (file->logged && !last->logged) /* those are over: an alert now is about the others */
		file = file->next;
	json_array(&j);
	for (; file != NULL; file = file->next)
		put_file(&j, file, tx->id);
	json_end(&j);
	report_add_json(p, "", "files", &b);
}

static struct record *file_record(struct pipeline *p, const struct report_output *o, struct flow *f,
				  struct app_tx *tx, enum app_dir dir, const struct file *file)
{
	struct record *r = report_of_flow(p, o, RECORD_OBJECT, f, (enum flow_dir)dir);
	const struct report_xff_settings *x = &o->settings->xff;
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);
	struct slice who = {NULL, 0};
	struct addr addr;

	r->type = SLICE("fileinfo");
	if (x->mode != REPORT_XFF_OFF)
		who = report_xff(x, f, tx);
	if (x->mode == REPORT_XFF_OVERWRITE && addr_parse(who, &addr))
		*(dir == APP_TO_SERVER ? &r->src : &r->dst) = addr;
	(void)report_add_tx(p, NULL, f, tx);
	report_add_app_proto(p, r, f);
	put_file(&j, file, tx->id);
	report_add_json(p, "", "fileinfo", &b);
	if (x->mode == REPORT_XFF_EXTRA && who.len != 0)
		report_add_text(p, "", "xff", who);
	return r;
}

static void log_file(struct pipeline *p, struct flow *f, struct app_tx *tx, enum app_dir dir,
		     const struct file *file)
{
	const struct file_store *store = p->options.store;

	REPORT_EACH(p, o, REPORT_FILES)
	report_emit(p, o, file_record(p, o, f, tx, dir, file));
	if (file->stored && store != NULL && store->info != NULL) {
		const struct record *r = file_record(p, p->store_info, f, tx, dir, file);
		struct buf line = buf_in(&p->scratch);

		record_encode(r, &p->scratch, &line);
		if (!line.full)
			store->info(store->ctx, file, r->at, buf_slice(&line));
		arena_reset(&p->scratch);
	}
}

bool pipeline_files_logged(const struct app_tx *tx)
{
	for (unsigned d = 0; d < 2; d++)
		for (const struct file *f = tx->files[d].first; f != NULL; f = f->next)
			if (!f->logged)
				return false;
	return true;
}

/* What one side sent is said with a packet of that side, as Suricata does it, or at the end. */
void pipeline_report_files(struct pipeline *p, struct flow *f)
{
	const struct app_protocol *protocol = f->app->protocol;

	for (struct app_tx *tx = f->app->first; tx != NULL; tx = tx->next) {
		for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++) {
			struct file *file = tx->files[d].first;

			if (file != NULL && tx->progress[0] >= protocol->complete[0] &&
			    tx->progress[1] >= protocol->complete[1])
				file_set_close(&tx->files[d], FILE_TRUNCATED);
			if (p->packet_dir != (enum flow_dir)d)
				continue;
			for (; file != NULL; file = file->next)
				if (!file->logged && file->state != FILE_OPEN) {
					file->logged = true;
					log_file(p, f, tx, d, file);
				}
		}
	}
}
