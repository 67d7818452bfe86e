/* SPDX-License-Identifier: Apache-2.0
 *
 * Who logs in: security blobs of a session setup. SPNEGO (RFC 4178 4.2.1) with NTLMSSP (MS-NLMP
 * 2.2.1.3) or Kerberos (RFC 4121 4.1, RFC 4120 5.5.1) in it, or NTLMSSP by itself.
 */
#include "base/ber.h"
#include "sensor/app/smb_priv.h"

#define OID_SPNEGO SLICE("\x2b\x06\x01\x05\x05\x02")
#define OID_KERBEROS SLICE("\x2a\x86\x48\x86\xf7\x12\x01\x02\x02")
#define OID_NTLMSSP SLICE("\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a")

enum {
	NTLMSSP_AUTHENTICATE = 3,
	NTLMSSP_VERSION = 0x02000000, /* NTLMSSP_NEGOTIATE_VERSION */
	MECHANISMS_MAX = 32,
	ID_APPLICATION_0 = 0x60,
	ID_AP_REQ = 0x6e,
	ID_TICKET = 0x61,
};

#define CONTEXT(n) (uint8_t)(BER_CONTEXT | BER_CONSTRUCTED | (n))

struct part {
	uint16_t len;
	uint32_t offset;
};

static struct part read_part(struct cursor *c)
{
	struct part p;

	p.len = cursor_le16(c);
	(void)cursor_le16(c); /* room */
	p.offset = cursor_le32(c);
	return p;
}

/* The bytes of a part; its offset counts from the signature. False: they are not in the message. */
static bool part_of(struct slice message, struct part p, struct slice *out)
{
	if (p.offset < 12 || p.offset > message.len || p.len > message.len - p.offset)
		return false;
	*out = slice_part(message, p.offset, p.len);
	return true;
}

static void read_ntlmssp(struct slice blob, struct arena *a, struct smb_auth *out)
{
	size_t at = slice_find(blob, SLICE("NTLMSSP\0"));
	struct slice message = slice_from(blob, at), domain, user, host;
	struct part d, u, h;
	struct cursor c;
	uint32_t type, flags;

	if (at == SIZE_MAX)
		return;
	c = cursor_of(slice_from(message, 8));
	type = cursor_le32(&c);
	if (type != NTLMSSP_AUTHENTICATE)
		return;
	(void)read_part(&c); /* LM response */
	(void)read_part(&c); /* NT response */
	d = read_part(&c);
	u = read_part(&c);
	h = read_part(&c);
	(void)read_part(&c); /* session key */
	flags = cursor_le32(&c);
	if (!cursor_ok(&c) || !part_of(message, d, &domain) || !part_of(message, u, &user) ||
	    !part_of(message, h, &host))
		return;
	out->has_ntlmssp = true;
	out->domain = app_smb_text(domain, a);
	out->user = app_smb_text(user, a);
	out->host = app_smb_text(host, a);
	out->overlaps = u.offset < d.offset + d.len || h.offset < u.offset + u.len;
	if ((flags & NTLMSSP_VERSION) == 0)
		return;
	out->major = cursor_u8(&c);
	out->minor = cursor_u8(&c);
	out->build = cursor_le16(&c);
	(void)cursor_take(&c, 3);
	out->revision = cursor_u8(&c);
	out->has_version = cursor_ok(&c);
}

/* RFC 4120 5.3: what a ticket says in clear. */
static void read_ticket(struct cursor *ticket, struct arena *a, struct smb_auth *out)
{
	struct cursor version = ber_expect(ticket, CONTEXT(0)), realm, name, names;

	(void)version;
	realm = ber_expect(ticket, CONTEXT(1));
	out->realm = arena_copy(a, ber_take(&realm, BER_GENERAL_STRING));
	name = ber_expect(ticket, CONTEXT(2));
	name = ber_expect(&name, BER_SEQUENCE);
	(void)ber_expect(&name, CONTEXT(0)); /* name type */
	names = ber_expect(&name, CONTEXT(1));
	names = ber_expect(&names, BER_SEQUENCE);
	if (!cursor_ok(&names) || !cursor_ok(&realm))
		return;
	while (ber_is(&names, BER_GENERAL_STRING) &&
	       out->sname_count < sizeof out->snames / sizeof out->snames[0]) {
		struct slice s = ber_take(&names, BER_GENERAL_STRING);

		if (cursor_ok(&names))
			out->snames[out->sname_count++] = arena_copy(a, s);
	}
	out->has_kerberos = true;
}

static void read_kerberos(struct slice token, struct arena *a, struct smb_auth *out)
{
	struct cursor c = cursor_of(token), inner = ber_expect(&c, ID_APPLICATION_0), request;

	(void)ber_take(&inner, BER_OID);
	(void)cursor_take(&inner, 2); /* token id */
	request = ber_expect(&inner, ID_AP_REQ);
	request = ber_expect(&request, BER_SEQUENCE);
	for (unsigned i = 0; i < 5 && cursor_left(&request) != 0; i++) {
		struct ber e;
		struct cursor ticket;

		if (!ber_next(&request, &e))
			return;
		if (e.id != CONTEXT(3))
			continue;
		ticket = cursor_of(e.content);
		ticket = ber_expect(&ticket, ID_TICKET);
		ticket = ber_expect(&ticket, BER_SEQUENCE);
		read_ticket(&ticket, a, out);
		return;
	}
}

/* NegTokenInit: [0] mechanisms, [2] the token of the first. */
static void read_init(struct cursor *init, struct arena *a, struct smb_auth *out)
{
	bool kerberos = false, ntlmssp = false;
	struct ber e;

	while (ber_next(init, &e)) {
		struct cursor in = cursor_of(e.content);

		if (e.id == CONTEXT(0)) {
			struct cursor list = ber_expect(&in, BER_SEQUENCE);

			for (unsigned i = 0; i < MECHANISMS_MAX && ber_is(&list, BER_OID); i++) {
				struct slice oid = ber_take(&list, BER_OID);

				kerberos |= slice_equal(oid, OID_KERBEROS);
				ntlmssp |= slice_equal(oid, OID_NTLMSSP);
			}
		} else if (ber_is(&in, BER_OCTETS)) {
			struct slice token = ber_take(&in, BER_OCTETS);

			if (kerberos)
				read_kerberos(token, a, out);
			if (ntlmssp && !out->has_kerberos)
				read_ntlmssp(token, a, out);
		}
	}
}

void app_smb_auth(struct slice blob, struct arena *a, struct smb_auth *out)
{
	struct cursor c = cursor_of(blob), inner = ber_expect(&c, ID_APPLICATION_0), init;

	if (slice_equal(ber_take(&inner, BER_OID), OID_SPNEGO)) {
		init = ber_expect(&inner, CONTEXT(0));
		init = ber_expect(&init, BER_SEQUENCE);
		read_init(&init, a, out);
	} else { /* NTLMSSP alone, or in a NegTokenResp */
		read_ntlmssp(blob, a, out);
	}
}
