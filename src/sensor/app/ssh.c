/* SPDX-License-Identifier: Apache-2.0
 *
 * SSH: RFC 4253 4.2, the identification lines. What follows soon is encrypted and not looked at.
 */
#include "base/cursor.h"
#include "sensor/app/app.h"

enum { BANNER_MAX = 255 };
enum { BAD_BANNER, LONG_BANNER };

struct ssh_side {
	struct slice proto, software;
};

struct ssh {
	struct app_tx *tx; /* NULL once both lines were read: it may be swept */
	bool done[2];
};

static void read_banner(struct app_tx *tx, enum app_dir dir, struct slice line)
{
	struct ssh_side *side = (struct ssh_side *)tx->data + dir;
	struct slice rest = slice_from(slice_trim(line), 4), proto;

	if (!slice_starts(line, SLICE("SSH-"))) {
		tx->anomalies |= UINT64_C(1) << BAD_BANNER;
		return;
	}
	proto = slice_split(&rest, '-');
	if (rest.ptr == NULL || proto.len == 0) {
		tx->anomalies |= UINT64_C(1) << BAD_BANNER;
		return;
	}
	side->proto = arena_copy(&tx->arena, proto);
	side->software =
		arena_copy(&tx->arena, slice_split(&rest, ' ')); /* the rest is a comment */
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct ssh *s = f->parser;
	const uint8_t *lf = input.len ? memchr(input.ptr, '\n', input.len) : NULL;
	size_t n = lf != NULL ? (size_t)(lf - input.ptr) + 1 : input.len;

	if (s->done[dir])
		return (struct app_result){APP_OK, input.len};
	if (input.len == 0 || (lf == NULL && !eof && n <= BANNER_MAX))
		return (struct app_result){APP_OK, 0};
	if (s->tx == NULL)
		s->tx = app_tx_new(f, 2 * sizeof(struct ssh_side));
	if (s->tx == NULL)
		return (struct app_result){APP_STUCK, 0};
	if (n > BANNER_MAX)
		s->tx->anomalies |= UINT64_C(1) << LONG_BANNER;
	read_banner(s->tx, dir, slice_part(input, 0, n < BANNER_MAX ? n : BANNER_MAX));
	app_tx_advance(s->tx, dir, 1);
	s->done[dir] = true;
	if (s->done[APP_TO_SERVER] && s->done[APP_TO_CLIENT]) {
		f->stop_inspecting = true;
		s->tx = NULL;
	}
	return (struct app_result){APP_OK, input.len};
}

/* Nothing is missed behind the banner. */
static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	(void)missing;
	return ((const struct ssh *)f->parser)->done[dir];
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

static struct slice get_proto(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 ? ((struct ssh_side *)tx->data)[dir].proto : (struct slice){NULL, 0};
}

static struct slice get_software(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 ? ((struct ssh_side *)tx->data)[dir].software : (struct slice){NULL, 0};
}

static const struct app_field fields[] = {
	{"ssh.proto", 3, 0, false, false, get_proto,
	 "The protocol version of the banner, e.g. 2.0."},
	{"ssh.software", 3, 0, false, false, get_software,
	 "The software of the banner, e.g. OpenSSH_9.2p1."},
	{0},
};

static const char *const anomalies[] = {
	[BAD_BANNER] = "invalid_banner",
	[LONG_BANNER] = "long_banner",
	NULL,
};

APP_PROTOCOL(ssh) = {
	.name = "ssh",
	.spec = "RFC 4253",
	.transports = APP_TCP,
	.fields = fields,
	.anomalies = anomalies,
	.complete = {1, 1},
	.parser_bytes = sizeof(struct ssh),
	.probe = probe,
	.parse = parse,
	.gap = gap,
};
