/* SPDX-License-Identifier: Apache-2.0
 * ftpbounce: a client tells the FTP server to connect to somebody else (RFC 2577 2). */
#include "sensor/detect/detect_priv.h"

static bool bounces(const void *operand, const struct detect_view *v)
{
	const struct app_field *f = operand;
	struct slice at;

	if (v->flow == NULL || v->tx == NULL || v->dir != FLOW_TO_SERVER)
		return false;
	at = f->get(v->tx, APP_TO_SERVER, 0);
	return at.ptr != NULL &&
	       !slice_equal(at, (struct slice){v->flow->client.b, addr_bytes(&v->flow->client)});
}

static enum status compile(struct detect_compiler *c, const struct detect_keyword *kw,
			   struct slice value, struct fail *why)
{
	const struct app_protocol *p;
	const struct app_field *f = app_field_find(SLICE("ftp.port_address"), &p);

	if (f == NULL)
		return fail_set(why, ST_NOTFOUND, "FTP is not read");
	c->event_apps |= detect_apps_named(slice_of(p->name));
	return detect_add_tx_test(c, kw, f, why);
}

KEYWORD(ftpbounce) = {
	{.name = "ftpbounce",
	 .bare = true,
	 .compile = compile,
	 .test = bounces,
	 .cost = 2,
	 .doc = "PORT or EPRT names another address than the client's"},
	{0},
};
