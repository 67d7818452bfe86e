/* SPDX-License-Identifier: Apache-2.0
 *
 * SSH: RFC 4253 4.2 (identification lines), 6 (binary packets), 7.1 (KEXINIT). The packets are read
 * up to NEWKEYS; what follows is encrypted. From each KEXINIT comes its sender's HASSH: the MD5 of
 * "key exchange;encryption;MAC;compression" as the sender offers them for what it sends
 * (github.com/salesforce/hassh).
 *
 *	BANNER --line--> PACKETS --NEWKEYS--> SECRET
 *	   progress 1 with the line, 2 with KEXINIT or whatever stands in its place
 */
#include "base/cursor.h"
#include "base/json.h"
#include "crypto/crypto.h"
#include "sensor/app/app.h"

enum {
	BANNER_MAX = 255,
	KEXINIT = 20,
	NEWKEYS = 21,
	KEXINIT_MAX = 35000, /* bytes of a packet that everybody must take (6.1) */
	KEXINIT_LISTS = 10,
	COOKIE_BYTES = 16,
};
enum { BAD_BANNER, LONG_BANNER, BAD_RECORD, LONG_KEXINIT };
enum { SSH_BANNER = 1, SSH_DONE = 2 }; /* progress */
enum { FRAME_HDR, FRAME_DATA, FRAME_PDU };

struct ssh_side {
	struct slice proto, software;
	struct slice hassh, hassh_string;
};

struct ssh_dir {
	enum { AT_BANNER, AT_LINE_END, AT_PACKETS, AT_SECRET } at;
	uint32_t skip; /* bytes of the packet that are passed over */
};

struct ssh {
	struct app_tx *tx; /* NULL once both sides are done: it may be swept */
	bool made;
	struct ssh_dir dir[2];
};

static struct ssh_side *side_of(struct app_tx *tx, enum app_dir dir)
{
	return (struct ssh_side *)tx->data + dir;
}

static void say(struct app_flow *f, unsigned anomaly)
{
	struct ssh *s = f->parser;

	*(s->tx != NULL ? &s->tx->anomalies : &f->anomalies) |= UINT64_C(1) << anomaly;
}

static void advance(struct app_flow *f, enum app_dir dir, uint8_t progress)
{
	struct ssh *s = f->parser;

	if (s->tx == NULL)
		return;
	app_tx_advance(s->tx, dir, progress);
}

/* "SSH-protoversion-softwareversion comment" */
static bool read_banner(struct app_tx *tx, enum app_dir dir, struct slice line)
{
	struct slice rest = slice_from(slice_trim(line), 4), proto;

	if (!slice_starts(line, SLICE("SSH-")))
		return false;
	proto = slice_split(&rest, '-');
	if (rest.ptr == NULL || proto.len == 0)
		return false;
	side_of(tx, dir)->proto = arena_copy(&tx->arena, proto);
	side_of(tx, dir)->software = arena_copy(&tx->arena, slice_split(&rest, ' '));
	return true;
}

/* As in Suricata: rules look at it, or the configuration asks. */
static bool wants_hassh(const struct app_flow *f)
{
	return f->setup->hassh || (f->own != NULL && *(const bool *)f->own);
}

static void read_kexinit(struct app_tx *tx, enum app_dir dir, struct slice body)
{
	/* lists 0 key exchange, 2/3 encryption, 4/5 MAC, 6/7 compression: to server, to client */
	const size_t own = dir == APP_TO_SERVER ? 0 : 1;
	const size_t order[] = {0, 2 + own, 4 + own, 6 + own};
	struct cursor c = cursor_of(body);
	struct slice lists[KEXINIT_LISTS];
	struct ssh_side *side = side_of(tx, dir);
	struct buf text = buf_in(&tx->arena);
	uint8_t md5[CRYPTO_MD5_BYTES];

	(void)cursor_take(&c, COOKIE_BYTES);
	for (size_t i = 0; i < KEXINIT_LISTS; i++)
		lists[i] = cursor_take(&c, cursor_be32(&c));
	if (!cursor_ok(&c) || side->hassh.len != 0)
		return;
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		if (i != 0)
			buf_add_byte(&text, ';');
		buf_add(&text, lists[order[i]]);
	}
	if (text.full)
		return;
	side->hassh_string = buf_slice(&text);
	crypto_md5_of(side->hassh_string, md5);
	text = buf_in(&tx->arena);
	crypto_hex_add((struct slice){md5, sizeof md5}, &text);
	side->hassh = buf_slice(&text);
}

/* The packet that begins at `at` of the parser's input. */
static void frame_packet(struct app_flow *f, enum app_dir dir, size_t at, uint32_t length)
{
	const struct app_tx *tx = ((struct ssh *)f->parser)->tx;

	(void)app_frame_open(f, dir, FRAME_HDR, at, 6, tx);
	(void)app_frame_open(f, dir, FRAME_DATA, at + 6, (int64_t)length - 2, tx);
	(void)app_frame_open(f, dir, FRAME_PDU, at, (int64_t)length + 4, tx);
}

/* The next packet, at `at` of the parser's input: false and `used` 0, more bytes are needed; false,
 * stuck. */
static bool read_packet(struct app_flow *f, enum app_dir dir, struct slice in, size_t at,
			size_t *used, bool *stuck)
{
	struct ssh *s = f->parser;
	struct cursor c = cursor_of(in);
	uint32_t length = cursor_be32(&c);
	uint8_t padding = cursor_u8(&c), code = cursor_u8(&c);
	size_t whole = (size_t)length + 4;

	*used = 0;
	if (!cursor_ok(&c))
		return false;
	*stuck = length < 2;
	if (*stuck)
		return false;
	if (code == KEXINIT && whole <= KEXINIT_MAX && in.len < whole)
		return false;
	frame_packet(f, dir, at, length);
	if (code == KEXINIT && whole <= KEXINIT_MAX && s->tx != NULL && padding < length &&
	    wants_hassh(f))
		read_kexinit(s->tx, dir, slice_part(in, 6, length - 2 - padding));
	else if (code == KEXINIT && whole > KEXINIT_MAX)
		say(f, LONG_KEXINIT);
	advance(f, dir, SSH_DONE);
	if (code == NEWKEYS)
		s->dir[dir].at = AT_SECRET;
	*used = whole < in.len ? whole : in.len;
	s->dir[dir].skip = (uint32_t)(whole - *used);
	return true;
}

/* Packets from `at` of the parser's input on. */
static struct app_result parse_packets(struct app_flow *f, enum app_dir dir, struct slice input,
				       size_t at)
{
	struct ssh *s = f->parser;
	size_t used = 0, n;
	bool stuck = false;

	while (used < input.len && s->dir[dir].at == AT_PACKETS) {
		n = input.len - used < s->dir[dir].skip ? input.len - used : s->dir[dir].skip;
		s->dir[dir].skip -= (uint32_t)n;
		used += n;
		if (used == input.len ||
		    !read_packet(f, dir, slice_from(input, used), at + used, &n, &stuck))
			break;
		used += n;
	}
	if (stuck) {
		say(f, BAD_RECORD);
		return (struct app_result){APP_STUCK, used};
	}
	if (s->dir[dir].at != AT_SECRET)
		return (struct app_result){APP_OK, used};
	f->stop_inspecting = s->dir[0].at == AT_SECRET && s->dir[1].at == AT_SECRET;
	return (struct app_result){APP_OK, input.len};
}

static bool transaction(struct app_flow *f)
{
	struct ssh *s = f->parser;

	if (s->made)
		return true;
	s->tx = app_tx_new(f, 2 * sizeof(struct ssh_side));
	s->made = s->tx != NULL;
	if (s->made)
		s->tx->pinned = true; /* the frames of the whole connection are its */
	return s->made;
}

/* Up to and with the end of the identification line. */
static struct app_result parse_banner(struct app_flow *f, enum app_dir dir, struct slice input,
				      bool eof)
{
	struct ssh *s = f->parser;
	const uint8_t *lf = memchr(input.ptr, '\n', input.len);
	size_t n = lf != NULL ? (size_t)(lf - input.ptr) + 1 : input.len;
	size_t line = n < BANNER_MAX ? n : BANNER_MAX;

	if (lf == NULL && !eof && n <= BANNER_MAX)
		return (struct app_result){APP_OK, 0};
	if (s->dir[dir].at == AT_BANNER) {
		if (!transaction(f))
			return (struct app_result){APP_STUCK, 0};
		if (n > BANNER_MAX)
			say(f, LONG_BANNER);
		if (s->tx == NULL || !read_banner(s->tx, dir, slice_part(input, 0, line))) {
			say(f, BAD_BANNER);
			return (struct app_result){APP_STUCK, 0};
		}
		advance(f, dir, SSH_BANNER);
	}
	s->dir[dir].at = lf != NULL ? AT_PACKETS : AT_LINE_END;
	return (struct app_result){APP_OK, n};
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct ssh *s = f->parser;
	struct app_result r = {APP_OK, 0};

	if (input.len == 0)
		return r;
	if (s->dir[dir].at < AT_PACKETS) {
		r = parse_banner(f, dir, input, eof);
		if (r.verdict != APP_OK || s->dir[dir].at != AT_PACKETS)
			return r;
	}
	if (s->dir[dir].at == AT_PACKETS) {
		struct app_result p = parse_packets(f, dir, slice_from(input, r.used), r.used);

		return (struct app_result){p.verdict, r.used + p.used};
	}
	return (struct app_result){APP_OK, input.len};
}

/* Where the next packet starts is known only inside of one that is passed over. */
static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	struct ssh_dir *d = &((struct ssh *)f->parser)->dir[dir];

	if (d->at == AT_SECRET)
		return true;
	if (d->at != AT_PACKETS || missing > d->skip)
		return false;
	d->skip -= (uint32_t)missing;
	return true;
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	(void)f;
	(void)dir;
	(void)port_hint;
	if (slice_starts(in, SLICE("SSH-")))
		return APP_YES;
	return slice_starts(SLICE("SSH-"), in) ? APP_NEED_MORE : APP_NO;
}

static void side_log(struct json *j, const char *name, const struct ssh_side *side)
{
	if (side->proto.len == 0)
		return;
	json_key(j, name);
	json_object(j);
	if (side->hassh.len != 0) {
		json_key(j, "hassh");
		json_object(j);
		json_key(j, "hash");
		json_str(j, side->hassh);
		json_key(j, "string");
		json_str(j, side->hassh_string);
		json_end(j);
	}
	json_key(j, "proto_version");
	json_str(j, side->proto);
	if (side->software.len != 0) {
		json_key(j, "software_version");
		json_str(j, side->software);
	}
	json_end(j);
}

static bool log_ssh(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	struct buf text = buf_in(scratch);
	struct json j = json_in(&text);

	if (n != 0 || (side_of(tx, APP_TO_SERVER)->proto.len == 0 &&
		       side_of(tx, APP_TO_CLIENT)->proto.len == 0))
		return false;
	json_object(&j);
	side_log(&j, "client", side_of(tx, APP_TO_SERVER));
	side_log(&j, "server", side_of(tx, APP_TO_CLIENT));
	json_end(&j);
	return !text.full && record_object(r, scratch, "ssh", buf_slice(&text));
}

#define GETTER(name, member)                                                                       \
	static struct slice name(struct app_tx *tx, enum app_dir dir, unsigned n)                  \
	{                                                                                          \
		return n == 0 ? side_of(tx, dir)->member : (struct slice){NULL, 0};                \
	}

GETTER(get_proto, proto)
GETTER(get_software, software)
GETTER(get_hassh, hassh)
GETTER(get_hassh_string, hassh_string)

static const struct app_field fields[] = {
	{"ssh.proto", 3, 0, false, false, get_proto,
	 "The protocol version of the banner, e.g. 2.0."},
	{"ssh.software", 3, 0, false, false, get_software,
	 "The software of the banner, e.g. OpenSSH_9.2p1."},
	{"ssh.hassh", 1, 1, false, false, get_hassh, "The client's HASSH, an MD5 in hexadecimal."},
	{"ssh.hassh.string", 1, 1, false, false, get_hassh_string,
	 "What the client's HASSH was computed from."},
	{"ssh.hassh.server", 2, 1, false, false, get_hassh,
	 "The server's HASSH, an MD5 in hexadecimal."},
	{"ssh.hassh.server.string", 2, 1, false, false, get_hassh_string,
	 "What the server's HASSH was computed from."},
	{0},
};

static const char *const frames[] = {
	[FRAME_HDR] = "record.hdr", [FRAME_DATA] = "record.data", [FRAME_PDU] = "record.pdu", NULL};

static const char *const anomalies[] = {
	[BAD_BANNER] = "invalid_banner",
	[LONG_BANNER] = "long_banner",
	[BAD_RECORD] = "invalid_record",
	[LONG_KEXINIT] = "long_kex_record",
	NULL,
};

static const void *configure(struct config *config, struct arena *a)
{
	bool *hassh = ARENA_NEW(a, bool);

	if (hassh != NULL)
		*hassh = config_bool(config, "app-layer.protocols.ssh.hassh", false);
	return hassh;
}

/* The event needs both banners, and the fingerprints if anybody wants them. */
static bool ready(const struct app_flow *f, const struct app_tx *tx)
{
	return !wants_hassh(f) && tx->progress[APP_TO_SERVER] >= SSH_BANNER &&
	       tx->progress[APP_TO_CLIENT] >= SSH_BANNER;
}

APP_PROTOCOL(ssh) = {
	.name = "ssh",
	.spec = "RFC 4253",
	.transports = APP_TCP,
	.fields = fields,
	.anomalies = anomalies,
	.frames = frames,
	.complete = {SSH_DONE, SSH_DONE},
	.parser_bytes = sizeof(struct ssh),
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = log_ssh,
	.ready = ready,
	.configure = configure,
};
