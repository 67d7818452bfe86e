/* SPDX-License-Identifier: Apache-2.0
 *
 * TFTP, recognised on its port: RFC 1350 5, a request with a file name and a transfer mode.
 */
#include "base/cursor.h"
#include "sensor/app/app.h"

enum { OP_READ = 1, OP_WRITE = 2 };

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	uint16_t op = cursor_be16(&c);
	struct slice rest = slice_from(in, 2), name, mode;

	(void)f;
	if (!port_hint || dir == APP_TO_CLIENT || (op != OP_READ && op != OP_WRITE))
		return APP_NO;
	name = slice_split(&rest, '\0');
	mode = slice_split(&rest, '\0');
	if (name.len == 0 || rest.ptr == NULL)
		return APP_NO;
	return slice_equal_nocase(mode, SLICE("netascii")) ||
			       slice_equal_nocase(mode, SLICE("octet")) ||
			       slice_equal_nocase(mode, SLICE("mail"))
		       ? APP_YES
		       : APP_NO;
}

static const uint16_t ports[] = {69, 0};

APP_PROTOCOL(tftp) = {
	.name = "tftp",
	.spec = "RFC 1350",
	.transports = APP_UDP,
	.ports = ports,
	.probe = probe,
};
