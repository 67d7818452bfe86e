/* SPDX-License-Identifier: Apache-2.0
 *
 * Names (RFC 1035 3.1, compression 4.1.4), the names of types and codes (IANA DNS parameters), and
 * record data as text: RFC 1035 3.3, RFC 3596 (AAAA), RFC 2782 (SRV).
 */
#include "base/addr.h"
#include "base/buf.h"
#include "sensor/app/dns_priv.h"

/* Appends a label; false once the name is as long as is kept. */
static bool add_label(struct buf *out, struct slice label)
{
	if (out->len + (out->len != 0) + label.len > DNS_NAME_MAX) {
		if (out->len != 0 && out->len < DNS_NAME_MAX)
			buf_add_byte(out, '.');
		buf_add(out, slice_part(label, 0, DNS_NAME_MAX - out->len));
		return false;
	}
	if (out->len != 0)
		buf_add_byte(out, '.');
	buf_add(out, label);
	return true;
}

struct slice app_dns_name(struct cursor *c, struct slice message, struct app_tx *tx)
{
	struct buf out = buf_in(&tx->arena);
	struct cursor at = *c;
	unsigned pointers = 0, labels = 0;

	for (;;) {
		uint8_t n = cursor_u8(&at);

		if (!cursor_ok(&at)) {
			c->bad = true;
			break;
		}
		if (n >= 0xc0) {
			size_t to = (size_t)(n & 0x3f) << 8 | cursor_u8(&at);

			if (pointers++ == 0)
				*c = at; /* the name ends here, wherever it goes on */
			if (!cursor_ok(&at) || to >= message.len) {
				c->bad = true;
				break;
			}
			if (pointers > DNS_POINTERS_MAX) {
				dns_anomaly(tx, DNS_LOOP);
				c->bad = true;
				break;
			}
			at = cursor_of(slice_from(message, to));
			continue;
		}
		if (n > 63) { /* 01 and 10 were never used: RFC 6891 5 */
			c->bad = true;
			break;
		}
		if (n == 0)
			break;
		if (++labels > DNS_LABELS_MAX) {
			dns_anomaly(tx, DNS_TOO_MANY_LABELS);
			c->bad = true;
			break;
		}
		struct slice label = cursor_take(&at, n);

		if (!cursor_ok(&at)) {
			c->bad = true;
			break;
		}
		if ((tx->anomalies >> DNS_NAME_TOO_LONG & 1) == 0 || out.len < DNS_NAME_MAX)
			if (!add_label(&out, label))
				dns_anomaly(tx, DNS_NAME_TOO_LONG);
	}
	if (pointers == 0 && !c->bad)
		*c = at;
	return out.len != 0 ? buf_slice(&out) : SLICE("");
}

struct name {
	uint16_t number;
	const char *text;
};

static const struct name types[] = {
	{1, "A"},	    {2, "NS"},	       {3, "MD"},	{4, "MF"},	 {5, "CNAME"},
	{6, "SOA"},	    {7, "MB"},	       {8, "MG"},	{9, "MR"},	 {10, "NULL"},
	{11, "WKS"},	    {12, "PTR"},       {13, "HINFO"},	{14, "MINFO"},	 {15, "MX"},
	{16, "TXT"},	    {17, "RP"},	       {18, "AFSDB"},	{19, "X25"},	 {20, "ISDN"},
	{21, "RT"},	    {22, "NSAP"},      {23, "NSAPPTR"}, {24, "SIG"},	 {25, "KEY"},
	{26, "PX"},	    {27, "GPOS"},      {28, "AAAA"},	{29, "LOC"},	 {30, "NXT"},
	{31, "EID"},	    {32, "NIMLOC"},    {33, "SRV"},	{34, "ATMA"},	 {35, "NAPTR"},
	{36, "KX"},	    {37, "CERT"},      {38, "A6"},	{39, "DNAME"},	 {40, "SINK"},
	{41, "OPT"},	    {42, "APL"},       {43, "DS"},	{44, "SSHFP"},	 {45, "IPSECKEY"},
	{46, "RRSIG"},	    {47, "NSEC"},      {48, "DNSKEY"},	{49, "DHCID"},	 {50, "NSEC3"},
	{51, "NSEC3PARAM"}, {52, "TLSA"},      {53, "SMIMEA"},	{55, "HIP"},	 {56, "NINFO"},
	{57, "RKEY"},	    {58, "TALINK"},    {59, "CDS"},	{60, "CDNSKEY"}, {61, "OPENPGPKEY"},
	{62, "CSYNC"},	    {63, "ZONEMD"},    {64, "SVCB"},	{65, "HTTPS"},	 {99, "SPF"},
	{100, "UINFO"},	    {101, "UID"},      {102, "GID"},	{103, "UNSPEC"}, {104, "NID"},
	{105, "L32"},	    {106, "L64"},      {107, "LP"},	{108, "EUI48"},	 {109, "EUI64"},
	{249, "TKEY"},	    {250, "TSIG"},     {251, "IXFR"},	{252, "AXFR"},	 {253, "MAILB"},
	{254, "MAILA"},	    {255, "ANY"},      {256, "URI"},	{257, "CAA"},	 {258, "AVC"},
	{259, "DOA"},	    {260, "AMTRELAY"}, {32768, "TA"},	{32769, "DLV"},
};

static const struct name rcodes[] = {
	{0, "NOERROR"},	 {1, "FORMERR"},  {2, "SERVFAIL"},  {3, "NXDOMAIN"},   {4, "NOTIMP"},
	{5, "REFUSED"},	 {6, "YXDOMAIN"}, {7, "YXRRSET"},   {8, "NXRRSET"},    {9, "NOTAUTH"},
	{10, "NOTZONE"}, {16, "BADVERS"}, {17, "BADKEY"},   {18, "BADTIME"},   {19, "BADMODE"},
	{20, "BADNAME"}, {21, "BADALG"},  {22, "BADTRUNC"}, {23, "BADCOOKIE"},
};

static struct slice name_of(const struct name *table, size_t n, uint16_t number,
			    const char *unknown, struct arena *a)
{
	struct buf b = buf_in(a);

	for (size_t i = 0; i < n; i++)
		if (table[i].number == number)
			return slice_of(table[i].text);
	buf_add_z(&b, unknown);
	buf_add_u64(&b, number);
	return buf_slice(&b);
}

struct slice app_dns_type(uint16_t type, struct arena *a)
{
	return name_of(types, sizeof types / sizeof types[0], type, "TYPE", a);
}

struct slice app_dns_rcode(uint16_t rcode, struct arena *a)
{
	return name_of(rcodes, sizeof rcodes / sizeof rcodes[0], rcode, "RCODE", a);
}

static struct slice address(struct slice rdata, struct arena *a)
{
	char text[ADDR_TEXT_MAX];
	struct addr addr = rdata.len == 4 ? addr_v4(rdata.ptr) : addr_v6(rdata.ptr);

	return arena_copy(a, addr_format(&addr, text));
}

/* RFC 1035 3.3.14: one or more counted strings, here joined as a reader of SPF joins them. */
static struct slice strings(struct slice rdata, struct app_tx *tx)
{
	struct cursor c = cursor_of(rdata);
	struct buf out = buf_in(&tx->arena);

	while (cursor_left(&c) != 0) {
		struct slice s = cursor_take(&c, cursor_u8(&c));

		if (!cursor_ok(&c)) {
			dns_anomaly(tx, DNS_MALFORMED);
			break;
		}
		buf_add(&out, s);
	}
	return out.len != 0 ? buf_slice(&out) : SLICE("");
}

static struct slice soa(struct cursor *c, struct slice message, struct app_tx *tx)
{
	struct buf out = buf_in(&tx->arena);

	buf_add(&out, app_dns_name(c, message, tx));
	buf_add_byte(&out, ' ');
	buf_add(&out, app_dns_name(c, message, tx));
	for (int i = 0; i < 5; i++) { /* serial, refresh, retry, expire, minimum */
		buf_add_byte(&out, ' ');
		buf_add_u64(&out, cursor_be32(c));
	}
	return buf_slice(&out);
}

static struct slice srv(struct cursor *c, struct slice message, struct app_tx *tx)
{
	struct buf out = buf_in(&tx->arena);

	for (int i = 0; i < 3; i++) { /* priority, weight, port */
		buf_add_u64(&out, cursor_be16(c));
		buf_add_byte(&out, ' ');
	}
	buf_add(&out, app_dns_name(c, message, tx));
	return buf_slice(&out);
}

struct slice app_dns_rdata(uint16_t type, struct slice rdata, struct slice message,
			   struct app_tx *tx)
{
	struct cursor c = cursor_of(rdata);
	struct slice text = {NULL, 0};

	switch (type) {
	case 1:
	case 28:
		if (rdata.len == (type == 1 ? 4u : 16u))
			return address(rdata, &tx->arena);
		dns_anomaly(tx, DNS_MALFORMED);
		return text;
	case 2:
	case 5:
	case 12:
	case 39:
		text = app_dns_name(&c, message, tx);
		break;
	case 15:
		(void)cursor_be16(&c); /* preference */
		text = app_dns_name(&c, message, tx);
		break;
	case 6:
		text = soa(&c, message, tx);
		break;
	case 33:
		text = srv(&c, message, tx);
		break;
	case 16:
	case 99:
		return strings(rdata, tx);
	case 10:
		return arena_copy(&tx->arena, rdata);
	default:
		return text;
	}
	if (!cursor_ok(&c)) {
		dns_anomaly(tx, DNS_MALFORMED);
		return (struct slice){NULL, 0};
	}
	return text;
}
