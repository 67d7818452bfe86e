/* SPDX-License-Identifier: Apache-2.0
 *
 * Kerberos, recognised on its port: RFC 4120 5.4 to 5.9 (application tags), 7.2.2 (four bytes of
 * length on TCP).
 */
#include "base/cursor.h"
#include "sensor/app/app.h"

enum { TAG_FIRST = 0x6a, TAG_LAST = 0x6f, TAG_ERROR = 0x7e };

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	size_t record = in.len, length;
	uint8_t tag;

	(void)dir;
	if (!port_hint)
		return APP_NO;
	if (f->transport == APP_TCP)
		record = cursor_be32(&c);
	tag = cursor_u8(&c);
	length = cursor_u8(&c);
	if (length > 0x80 && length <= 0x84)
		length = (size_t)cursor_be(&c, length & 0x7f) + 2 + (length & 0x7f);
	else
		length += 2;
	if (in.len >= 5 && (tag < TAG_FIRST || tag > TAG_LAST) && tag != TAG_ERROR)
		return APP_NO;
	if (!cursor_ok(&c))
		return f->transport == APP_TCP ? APP_NEED_MORE : APP_NO;
	return length == record ? APP_YES : APP_NO;
}

static const uint16_t ports[] = {88, 0};

APP_PROTOCOL(krb5) = {
	.name = "krb5",
	.spec = "RFC 4120",
	.transports = APP_TCP | APP_UDP,
	.ports = ports,
	.probe = probe,
};
