/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/data.h - the data folder: what it holds, and the keys in it. docs/formats/data.md draws
 * it.
 *
 * Private to the module. A folder is taken as ours only if it is new, empty, or says so in the file
 * `dewline-data`; one of another version is left as it is.
 */
#ifndef DEW_DAEMON_DATA_H
#define DEW_DAEMON_DATA_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"
#include "crypto/crypto.h"
#include "crypto/note.h"
#include "daemon/pseudonym.h"
#include "evidence/disclose/disclose.h"

enum { DATA_VERSION = 1, DATA_SECRET_BYTES = 32, DATA_SALT_BLOCK = CRYPTO_SHA256_BYTES };

struct data {
	struct slice dir;
	struct slice waiting; /* path: somebody asks a running station for its log */
	struct slice log, eve, bulletins, stix, bundles, bands, releases; /* paths, */
	struct slice texts, made, withheld; /* of what bundles are made again from, too */
	struct crypto_signer log_signer;    /* signs checkpoints */
	struct note_verifier log_key;
	struct slice log_key_text;	     /* verifier key, as in log.vkey */
	struct crypto_signer station_signer; /* signs events */
	struct disclose_keys station_keys;   /* its public half, last; before it those it had */
	uint8_t salt_secret[DATA_SECRET_BYTES];
	uint8_t pan_secret[DATA_SECRET_BYTES]; /* addresses' pseudonyms */
	struct pseudonym_nets nets; /* within which an address is sealed beside its pseudonym */
};

/* Opens or makes the folder. key_path: the log's signing key ("PRIVATE+KEY+name+id+base64"), or ""
 * for the folder's own, made at first use under the name "dewline.local/<party>/<8 hex digits of
 * the key>". ST_REFUSED: not ours, or of another version. */
MUST_USE enum status daemon_data_open(struct slice dir, struct slice key_path, struct slice party,
				      struct arena *a, struct data *out, struct fail *why);

/* The same of a folder that is there already: nothing is made but what a newer dewline adds. */
MUST_USE enum status daemon_data_open_again(struct slice dir, struct slice key_path,
					    struct arena *a, struct data *out, struct fail *why);

/* 16 bytes for one disclosure of this folder's own that no leaf has; `what` says which, and is
 * shown to nobody who is not shown the salt. */
enum { DATA_OWN_SALT = 16 };
void daemon_data_own_salt(const struct data *d, struct slice what, uint8_t out[DATA_OWN_SALT]);
/* A new station's key takes the place of the one there is. begin: it is made, and waits; end: it is
 * the folder's, and `d` has it. Whoever ends in between finds it taken when the folder is opened
 * again. */
MUST_USE enum status daemon_data_key_begin(const struct data *d, struct arena *a, struct fail *why);
MUST_USE enum status daemon_data_key_end(struct data *d, struct arena *a, struct fail *why);

/* From now on addresses of these networks are sealed with pseudonyms within them (the file
 * `pseudonyms`); of those that the folder had, none goes. ST_REFUSED: one would lie inside another.
 */
MUST_USE enum status daemon_data_pseudonyms(struct data *d, const struct addr_prefix *nets,
					    size_t n, struct arena *a, struct fail *why);

/* Secrets do not stay in memory longer than needed. */
void daemon_data_close(struct data *d);

/* Salts 2n and 2n+1 of the event at a leaf, 16 bytes each: the halves of SHA-256(secret || leaf ||
 * n). All inputs have one length, so that both halves are known extends to no other salt. */
void daemon_data_salts(const struct data *d, uint64_t leaf, uint32_t n,
		       uint8_t out[DATA_SALT_BLOCK]);

#endif
