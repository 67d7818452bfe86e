/* SPDX-License-Identifier: Apache-2.0
 * A file's hash into the log, by name: so that what it is can be told later, and when it was there.
 */
#include "crypto/crypto.h"
#include "daemon/commit.h"
#include "daemon/daemon_priv.h"
#include "os/clock.h"

enum status daemon_seal_commit(struct slice data_dir, struct slice key, struct slice path,
			       struct slice text, struct arena *a, uint64_t *out_leaf,
			       struct fail *why)
{
	struct record r = {.kind = RECORD_INPUT, .at = os_clock_wall(), .station = SLICE("centre")};
	struct commit *commit = NULL;
	struct data data = {0};
	uint8_t hash[CRYPTO_SHA256_BYTES];
	enum status st = daemon_data_open_again(data_dir, key, a, &data, why);

	if (st != ST_OK)
		return st;
	crypto_sha256_of(text, hash);
	r.u.input = (struct record_input){.what = SLICE("sealed-item"),
					  .name = daemon_base_name(path),
					  .sha256 = daemon_hex(a, hash, sizeof hash),
					  .bytes = text.len};
	st = r.u.input.sha256.ptr ? daemon_commit_open(&data, a, &commit, why)
				  : fail_set(why, ST_NOMEM, "no memory to commit a sealed item");
	if (st == ST_OK)
		st = daemon_commit_add(commit, &r, out_leaf, why);
	if (st == ST_OK)
		st = daemon_commit_flush(commit, why);
	daemon_commit_close(commit);
	daemon_data_close(&data);
	return st;
}
