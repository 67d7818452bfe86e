/* SPDX-License-Identifier: Apache-2.0
 *
 * Where FTP's data connections go: RFC 959 4.1.2 (PORT, PASV), RFC 2428 2 and 3 (EPRT, EPSV). Only
 * the port of an answer is believed: the connection goes between the two hosts that talk.
 */
#include "sensor/app/ftp_priv.h"

#include "base/text.h"

/* "h1,h2,h3,h4,p1,p2" */
static bool six(struct slice s, uint16_t *out_port, struct addr *out_at)
{
	uint8_t v[6];

	for (int i = 0; i < 6; i++) {
		struct slice part = slice_trim(i < 5 ? slice_split(&s, ',') : s);
		uint64_t n;

		if (!text_u64(part, 0, UINT8_MAX, &n))
			return false;
		v[i] = (uint8_t)n;
	}
	*out_port = (uint16_t)(v[4] << 8 | v[5]);
	*out_at = (struct addr){.family = 4};
	memcpy(out_at->b, v, 4);
	return *out_port != 0;
}

bool app_ftp_port(struct slice line, uint16_t *out_port, struct addr *out_at)
{
	return six(slice_trim(slice_from(line, strlen("PORT"))), out_port, out_at);
}

/* EPRT |1|132.235.1.2|6275|: the first character separates */
bool app_ftp_eprt(struct slice line, uint16_t *out_port, struct addr *out_at)
{
	struct slice rest = slice_trim(slice_from(line, strlen("EPRT"))), net, host;
	uint64_t port;
	uint8_t bar;

	if (rest.len == 0)
		return false;
	bar = rest.ptr[0];
	rest = slice_from(rest, 1);
	net = slice_split(&rest, bar);
	host = slice_split(&rest, bar);
	if (!(slice_equal(net, SLICE("1")) || slice_equal(net, SLICE("2"))) ||
	    !text_u64(slice_split(&rest, bar), 1, UINT16_MAX, &port))
		return false;
	if (!addr_parse(host, out_at))
		*out_at = (struct addr){0};
	*out_port = (uint16_t)port;
	return true;
}

/* What stands in the line's first parentheses; without them, from its first digit behind the code
 * on. */
static struct slice inner(struct slice line)
{
	size_t open = slice_find(line, SLICE("("));
	struct slice rest = slice_from(line, open == SIZE_MAX ? 4 : open + 1);

	while (open == SIZE_MAX && rest.len != 0 && !text_is_digit(rest.ptr[0]))
		rest = slice_from(rest, 1);
	return open == SIZE_MAX ? rest : slice_part(rest, 0, slice_find(rest, SLICE(")")));
}

bool app_ftp_pasv(struct slice line, uint16_t *out_port)
{
	struct addr nobody;

	return six(inner(line), out_port, &nobody);
}

/* 229 Entering Extended Passive Mode (|||6446|) */
bool app_ftp_epsv(struct slice line, uint16_t *out_port)
{
	struct slice rest = inner(line);
	uint64_t port;
	uint8_t bar;

	if (rest.len < 4)
		return false;
	bar = rest.ptr[0];
	if (rest.ptr[1] != bar || rest.ptr[2] != bar)
		return false;
	rest = slice_from(rest, 3);
	if (!text_u64(slice_split(&rest, bar), 1, UINT16_MAX, &port))
		return false;
	*out_port = (uint16_t)port;
	return true;
}
