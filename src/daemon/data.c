/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/data.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/text.h"
#include "daemon/daemon_priv.h"
#include "evidence/disclose/disclose.h"
#include "os/file.h"

enum { KEY_FILE_MAX = 4096, KEYS_FILE_MAX = 1 << 20, NETS_FILE_MAX = 1 << 20 };

static const char marker[] = "dewline-data";

static enum status check_version(struct slice path, struct arena *a, struct fail *why)
{
	struct slice text, word, rest;
	uint64_t version;
	enum status st = os_file_read(path, KEY_FILE_MAX, a, &text, why);

	if (st != ST_OK)
		return st;
	rest = slice_trim(text);
	word = slice_split(&rest, ' ');
	if (!slice_equal(word, slice_of(marker)) || !text_u64(rest, 1, UINT32_MAX, &version))
		return fail_set(why, ST_REFUSED, "%.*s is damaged: expected \"%s %d\"",
				SLICE_ARG(path), marker, DATA_VERSION);
	if (version != DATA_VERSION)
		return fail_set(why, ST_REFUSED,
				"%.*s says version %llu; this dewline reads version %d: use "
				"another folder, or the "
				"dewline that made this one",
				SLICE_ARG(path), (unsigned long long)version, DATA_VERSION);
	return ST_OK;
}

/* The folder exists afterwards and is ours. */
static enum status claim_folder(struct slice dir, struct arena *a, struct fail *why)
{
	struct slice path = daemon_path(a, dir, slice_of(marker)), *names;
	struct buf line = buf_in(a);
	enum status st;
	size_t n;

	if (os_file_exists(path))
		return check_version(path, a, why);
	st = os_dir_make(NULL, dir, NULL, why);
	if (st == ST_OK)
		st = os_dir_list(dir, a, &names, &n, why);
	if (st != ST_OK)
		return st;
	if (n != 0)
		return fail_set(why, ST_REFUSED,
				"%.*s holds files (%.*s) and no %s: not a dewline data folder; "
				"name a new or empty one",
				SLICE_ARG(dir), SLICE_ARG(names[0]), marker);
	buf_add_fmt(&line, "%s %d\n", marker, DATA_VERSION);
	return os_file_replace(NULL, path, buf_slice(&line), why);
}

/* 32 secret bytes in hexadecimal; made if the file is not there. */
static enum status secret(struct slice path, struct arena *a, uint8_t out[32], struct fail *why)
{
	static const struct crypto_random system_random = {0};
	struct buf text = buf_in(a);
	struct slice got;
	enum status st;

	if (os_file_exists(path)) {
		st = os_file_read(path, KEY_FILE_MAX, a, &got, why);
		if (st != ST_OK)
			return st;
		if (!crypto_hex_parse(slice_trim(got), 32, out))
			return fail_set(why, ST_CORRUPT, "%.*s: expected 64 hexadecimal digits",
					SLICE_ARG(path));
		return ST_OK;
	}
	crypto_random_fill(&system_random, out, 32);
	crypto_hex_add((struct slice){out, 32}, &text);
	buf_add_byte(&text, '\n');
	return os_file_replace(NULL, path, buf_slice(&text), why);
}

static enum status signing_key(struct slice path, struct arena *a, struct data *d, struct fail *why)
{
	struct slice text;
	enum status st = os_file_read(path, KEY_FILE_MAX, a, &text, why);

	if (st != ST_OK)
		return st;
	st = note_signer_parse(slice_trim(text), &d->log_key, &d->log_signer, why);
	if (st == ST_OK && d->log_key.type != NOTE_ED25519)
		st = fail_set(why, ST_INVALID, "a key of type %d; a log has one of type %d",
			      (int)d->log_key.type, NOTE_ED25519);
	return st == ST_OK ? ST_OK : fail_wrap(why, "%.*s", SLICE_ARG(path));
}

static enum status make_signing_key(struct slice path, struct slice party, struct arena *a,
				    struct fail *why)
{
	struct buf name = buf_in(a), text = buf_in(a);
	struct crypto_signer signer;
	struct note_verifier v;
	enum status st;

	crypto_signer_new(&signer);
	buf_add_z(&name, "dewline.local/");
	for (size_t i = 0; i < party.len; i++) /* a name has neither white space nor '+' */
		buf_add_byte(&name, text_is_alpha(party.ptr[i]) || text_is_digit(party.ptr[i])
					    ? text_lower(party.ptr[i])
					    : '-');
	buf_add_byte(&name, '/');
	crypto_hex_add((struct slice){signer.key, 4}, &name);
	st = note_verifier_of(buf_slice(&name), NOTE_ED25519, signer.key, &v, why);
	if (st == ST_OK) {
		note_signer_add(&v, &signer, &text);
		buf_add_byte(&text, '\n');
		st = os_file_replace(NULL, path, buf_slice(&text), why);
	}
	crypto_wipe(&signer, sizeof signer);
	return st;
}

static struct slice key_path_of(const struct data *d, struct arena *a, const char *name)
{
	return daemon_path(a, daemon_path(a, d->dir, SLICE("keys")), slice_of(name));
}

/* A key that waits takes its place. */
static enum status take_next(struct data *d, struct arena *a, struct fail *why)
{
	struct slice next = key_path_of(d, a, "station.next"), text;
	enum status st;

	if (!os_file_exists(next))
		return ST_OK;
	st = os_file_read(next, KEY_FILE_MAX, a, &text, why);
	if (st == ST_OK)
		st = os_file_replace_private(NULL, key_path_of(d, a, "station.key"), text, why);
	return st == ST_OK ? os_file_destroy(NULL, next, why) : st;
}

static enum status load_keys(struct data *d, struct slice key_path, struct slice party,
			     struct arena *a, struct fail *why)
{
	struct slice keys = daemon_path(a, d->dir, SLICE("keys"));
	uint8_t seed[CRYPTO_SEED_BYTES];
	enum status st = os_dir_make(NULL, keys, NULL, why);

	/* before any secret is in it */
	if (st == ST_OK && chmod(arena_copy_z(a, keys), S_IRWXU) != 0)
		return fail_set(why, ST_IO, "cannot keep %.*s from other users", SLICE_ARG(keys));
	if (st == ST_OK && key_path.len == 0) {
		key_path = daemon_path(a, keys, SLICE("log.key"));
		if (!os_file_exists(key_path))
			st = make_signing_key(key_path, party, a, why);
	}
	if (st == ST_OK)
		st = signing_key(key_path, a, d, why);
	if (st == ST_OK)
		st = take_next(d, a, why);
	if (st == ST_OK)
		st = secret(daemon_path(a, keys, SLICE("station.key")), a, seed, why);
	if (st != ST_OK)
		return st;
	crypto_signer_from_seed(seed, &d->station_signer);
	crypto_wipe(seed, sizeof seed);
	st = secret(daemon_path(a, keys, SLICE("pseudonym.secret")), a, d->pan_secret, why);
	if (st != ST_OK)
		return st;
	return secret(daemon_path(a, keys, SLICE("salt.secret")), a, d->salt_secret, why);
}

/* The published half, where others find it. A log never changes its key. */
static enum status publish_key(struct data *d, struct arena *a, struct fail *why)
{
	struct slice path = daemon_path(a, d->dir, SLICE("log.vkey")), old;
	struct buf text = buf_in(a);
	enum status st;

	note_verifier_add(&d->log_key, &text);
	d->log_key_text = buf_slice(&text);
	if (os_file_exists(path)) {
		st = os_file_read(path, KEY_FILE_MAX, a, &old, why);
		if (st == ST_OK && !slice_equal(slice_trim(old), d->log_key_text))
			return fail_set(why, ST_REFUSED,
					"the log in %.*s is signed with %.*s, not with %.*s: use "
					"that key or another folder",
					SLICE_ARG(d->dir), SLICE_ARG(slice_trim(old)),
					SLICE_ARG(d->log_key.name));
		return st;
	}
	buf_add_byte(&text, '\n');
	st = os_file_replace(NULL, path, buf_slice(&text), why);
	d->log_key_text = slice_trim(buf_slice(&text));
	return st;
}

/* The keys that events are signed with, as a JWK set, for who reads what is disclosed: those that
 * the folder had before, and behind them the one of now. */
static enum status publish_station(struct data *d, struct arena *a, struct fail *why)
{
	struct slice path = daemon_path(a, d->dir, SLICE("station.jwks")), old;
	struct disclose_key key = disclose_key_of(d->station_signer.key);
	struct disclose_keys keys = {0};
	struct buf text = buf_in(a);
	enum status st = ST_OK;
	size_t room;

	if (os_file_exists(path)) {
		st = os_file_read(path, KEYS_FILE_MAX, a, &old, why);
		if (st == ST_OK)
			st = disclose_keys_parse(slice_trim(old), a, &keys, why);
		if (st != ST_OK)
			return fail_wrap(why, "%.*s", SLICE_ARG(path));
	}
	d->station_keys = keys;
	if (keys.count != 0 && memcmp(keys.keys[keys.count - 1].key, key.key, sizeof key.key) == 0)
		return ST_OK;
	room = keys.count;
	if (!ARENA_PUSH(a, keys.keys, keys.count, room, key))
		return fail_set(why, ST_NOMEM, "no memory for the station's keys");
	d->station_keys = keys;
	disclose_keys_add(keys.keys, keys.count, &text);
	if (text.full)
		return fail_set(why, ST_NOMEM, "no memory for the station's keys");
	return os_file_replace(NULL, path, buf_slice(&text), why);
}

/* ---- networks with pseudonyms ---- */

static struct slice nets_path(const struct data *d, struct arena *a)
{
	return daemon_path(a, d->dir, SLICE("pseudonyms"));
}

static enum status nets_read(struct data *d, struct arena *a, struct fail *why)
{
	struct slice path = nets_path(d, a), rest;
	struct addr_prefix *list = NULL, net;
	size_t n = 0, room = 0;
	enum status st;

	if (!os_file_exists(path))
		return ST_OK;
	st = os_file_read(path, NETS_FILE_MAX, a, &rest, why);
	if (st != ST_OK)
		return st;
	while (rest.len != 0) {
		struct slice line = slice_split(&rest, '\n');

		if (!addr_prefix_parse(line, &net))
			return fail_set(why, ST_CORRUPT,
					"%.*s: expected a network in each line, such as "
					"192.0.2.0/24",
					SLICE_ARG(path));
		if (!ARENA_PUSH(a, list, n, room, net))
			return fail_set(why, ST_NOMEM, "no memory for networks");
	}
	d->nets = (struct pseudonym_nets){list, n};
	return ST_OK;
}

static enum status nets_write(const struct data *d, struct arena *a, struct fail *why)
{
	struct buf text = buf_in(a);
	char address[ADDR_TEXT_MAX];

	for (size_t i = 0; i < d->nets.count; i++)
		buf_add_fmt(&text, "%.*s/%u\n",
			    SLICE_ARG(addr_format(&d->nets.list[i].addr, address)),
			    d->nets.list[i].bits);
	return text.full ? fail_set(why, ST_NOMEM, "no memory for networks")
			 : os_file_replace_private(NULL, nets_path(d, a), buf_slice(&text), why);
}

static bool holds(const struct addr_prefix *p, const struct addr_prefix *q)
{
	return p->bits <= q->bits && addr_prefix_holds(p, &q->addr);
}

/* *out_new: it is not there yet. */
static enum status net_check(const struct data *d, const struct addr_prefix *net, bool *out_new,
			     struct fail *why)
{
	char one[ADDR_TEXT_MAX], other[ADDR_TEXT_MAX];

	*out_new = true;
	for (size_t i = 0; i < d->nets.count; i++) {
		const struct addr_prefix *p = &d->nets.list[i];

		if (holds(p, net) && holds(net, p))
			*out_new = false;
		else if (holds(p, net) || holds(net, p))
			return fail_set(why, ST_REFUSED,
					"addresses of %.*s/%u cannot get pseudonyms of their own: "
					"this folder has given those of %.*s/%u, one inside the "
					"other; use another folder",
					SLICE_ARG(addr_format(&net->addr, one)), net->bits,
					SLICE_ARG(addr_format(&p->addr, other)), p->bits);
	}
	return ST_OK;
}

enum status daemon_data_pseudonyms(struct data *d, const struct addr_prefix *nets, size_t n,
				   struct arena *a, struct fail *why)
{
	struct addr_prefix *list = ARENA_ARRAY(a, struct addr_prefix, d->nets.count + n + 1);
	size_t before = d->nets.count;

	if (list == NULL)
		return fail_set(why, ST_NOMEM, "no memory for %zu networks", n);
	if (before != 0)
		memcpy(list, d->nets.list, before * sizeof *list);
	d->nets.list = list;
	for (size_t i = 0; i < n; i++) {
		bool is_new;
		enum status st = net_check(d, &nets[i], &is_new, why);

		if (st != ST_OK)
			return st;
		if (is_new)
			list[d->nets.count++] = nets[i];
	}
	return d->nets.count != before ? nets_write(d, a, why) : ST_OK;
}

enum status daemon_data_key_begin(const struct data *d, struct arena *a, struct fail *why)
{
	struct slice next = key_path_of(d, a, "station.next");
	uint8_t seed[CRYPTO_SEED_BYTES];
	enum status st = secret(next, a, seed, why);

	crypto_wipe(seed, sizeof seed);
	return st;
}

enum status daemon_data_key_end(struct data *d, struct arena *a, struct fail *why)
{
	uint8_t seed[CRYPTO_SEED_BYTES];
	enum status st = take_next(d, a, why);

	if (st == ST_OK)
		st = secret(key_path_of(d, a, "station.key"), a, seed, why);
	if (st != ST_OK)
		return st;
	crypto_signer_from_seed(seed, &d->station_signer);
	crypto_wipe(seed, sizeof seed);
	return publish_station(d, a, why);
}

/* What is not for others until it is released: for nobody else on this machine to read. */
static enum status make_inner(const struct data *d, struct fail *why)
{
	const struct slice folders[] = {d->bulletins, d->stix,	d->bundles, d->bands,
					d->releases,  d->texts, d->made,    d->withheld};
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < sizeof folders / sizeof folders[0]; i++) {
		st = os_dir_make(NULL, folders[i], NULL, why);
		if (st == ST_OK)
			st = os_file_limit(folders[i], S_IRWXU, why);
	}
	return st;
}

enum status daemon_data_open(struct slice dir, struct slice key_path, struct slice party,
			     struct arena *a, struct data *out, struct fail *why)
{
	struct data d = {.dir = dir};
	enum status st = claim_folder(dir, a, why);

	d.waiting = daemon_path(a, dir, SLICE("waiting"));
	d.log = daemon_path(a, dir, SLICE("log"));
	d.eve = daemon_path(a, dir, SLICE("eve.json"));
	d.bulletins = daemon_path(a, dir, SLICE("bulletins"));
	d.stix = daemon_path(a, dir, SLICE("stix"));
	d.bundles = daemon_path(a, dir, SLICE("bundles"));
	d.bands = daemon_path(a, dir, SLICE("bands"));
	d.releases = daemon_path(a, dir, SLICE("releases"));
	d.texts = daemon_path(a, dir, SLICE("texts"));
	d.made = daemon_path(a, dir, SLICE("made"));
	d.withheld = daemon_path(a, dir, SLICE("withheld"));
	if (st == ST_OK)
		st = load_keys(&d, key_path, party, a, why);
	if (st == ST_OK)
		st = publish_key(&d, a, why);
	if (st == ST_OK)
		st = publish_station(&d, a, why);
	if (st == ST_OK)
		st = make_inner(&d, why);
	if (st == ST_OK)
		st = nets_read(&d, a, why);
	if (st == ST_OK)
		*out = d;
	else
		daemon_data_close(&d);
	return st;
}

enum status daemon_data_open_again(struct slice dir, struct slice key_path, struct arena *a,
				   struct data *out, struct fail *why)
{
	if (!os_file_exists(daemon_path(a, dir, slice_of(marker))))
		return fail_set(why, ST_NOTFOUND,
				"%.*s is no dewline data folder: name the one that dewline watch "
				"made (-d DIR)",
				SLICE_ARG(dir));
	return daemon_data_open(dir, key_path, SLICE(""), a, out, why);
}

void daemon_data_close(struct data *d)
{
	crypto_wipe(&d->log_signer, sizeof d->log_signer);
	crypto_wipe(&d->station_signer, sizeof d->station_signer);
	crypto_wipe(d->salt_secret, sizeof d->salt_secret);
	crypto_wipe(d->pan_secret, sizeof d->pan_secret);
}

void daemon_data_own_salt(const struct data *d, struct slice what, uint8_t out[DATA_OWN_SALT])
{
	uint8_t key[CRYPTO_SHA256_BYTES];

	crypto_hkdf_extract(what, (struct slice){d->salt_secret, sizeof d->salt_secret}, key);
	memcpy(out, key, DATA_OWN_SALT);
	crypto_wipe(key, sizeof key);
}

void daemon_data_salts(const struct data *d, uint64_t leaf, uint32_t n,
		       uint8_t out[DATA_SALT_BLOCK])
{
	uint8_t input[DATA_SECRET_BYTES + 12];

	memcpy(input, d->salt_secret, DATA_SECRET_BYTES);
	for (unsigned i = 0; i < 8; i++)
		input[DATA_SECRET_BYTES + i] = (uint8_t)(leaf >> (56 - 8 * i));
	for (unsigned i = 0; i < 4; i++)
		input[DATA_SECRET_BYTES + 8 + i] = (uint8_t)(n >> (24 - 8 * i));
	crypto_sha256_of((struct slice){input, sizeof input}, out);
	crypto_wipe(input, sizeof input);
}
