/* SPDX-License-Identifier: Apache-2.0
 *
 * Names (RFC 1035 3.1, compression 4.1.4), the names of types and codes (IANA DNS parameters), and
 * record data: RFC 1035 3.3, RFC 3596 (AAAA), RFC 2782 (SRV), RFC 4255 (SSHFP), RFC 6891 (OPT).
 */
#include "base/addr.h"
#include "base/buf.h"
#include "sensor/app/dns_priv.h"

/* Appends a label; false once the name is longer than is kept. */
static bool add_label(struct buf *out, struct slice label)
{
	if (out->len != 0)
		buf_add_byte(out, '.');
	buf_add(out, label);
	if (out->len <= DNS_NAME_MAX)
		return true;
	out->len = DNS_NAME_MAX;
	return false;
}

/* One label or pointer at *at. False: the name ends here, or is bad. */
struct walk {
	struct cursor at;
	struct cursor *after; /* where the message goes on behind the name */
	bool jumped;
	unsigned steps;
	struct buf out;
	bool cut;
};

static bool jump(struct walk *w, uint8_t first, struct slice message, struct dns *d)
{
	const uint8_t *here = w->at.at - 1;
	size_t to = (size_t)(first & 0x3f) << 8 | cursor_u8(&w->at);

	if (!cursor_ok(&w->at) || to > message.len) {
		w->after->bad = true;
		return false;
	}
	if (message.ptr + to == here) { /* it points at itself */
		dns_anomaly(d, DNS_LOOP);
		w->after->bad |= !w->jumped;
		return false;
	}
	if (!w->jumped)
		*w->after = w->at;
	w->jumped = true;
	w->at = cursor_of(slice_from(message, to));
	return true;
}

static bool label(struct walk *w, uint8_t n, struct dns *d)
{
	struct slice text = cursor_take(&w->at, n);

	if (!cursor_ok(&w->at)) {
		w->after->bad = true;
		return false;
	}
	if (!w->cut && !add_label(&w->out, text)) {
		dns_anomaly(d, DNS_NAME_TOO_LONG);
		w->cut = true;
		return !w->jumped; /* else it is known where the name ends */
	}
	return true;
}

static bool step(struct walk *w, struct slice message, struct dns *d)
{
	uint8_t n;

	if (cursor_left(&w->at) == 0)
		return false;
	n = cursor_u8(&w->at);
	if (n == 0)
		return false;
	if (n > 63 && n < 0xc0) { /* 01 and 10 were never used: RFC 6891 5 */
		w->after->bad = true;
		return false;
	}
	if (n >= 0xc0 ? !jump(w, n, message, d) : !label(w, n, d))
		return false;
	if (++w->steps <= DNS_STEPS_MAX)
		return true;
	dns_anomaly(d, DNS_TOO_MANY_LABELS);
	w->cut = true;
	w->after->bad |= !w->jumped;
	return false;
}

struct dns_name app_dns_name(struct cursor *c, struct slice message, struct dns *d)
{
	struct walk w = {.at = *c, .after = c, .out = buf_in(d->arena)};

	w.cut = d->name_bytes > DNS_NAMES_BYTES_MAX;
	while (step(&w, message, d))
		;
	if (!w.jumped && !c->bad)
		*c = w.at;
	d->name_bytes += w.out.len;
	return (struct dns_name){w.out.len != 0 ? buf_slice(&w.out) : SLICE(""), w.cut};
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

static struct slice name_of(const struct name *table, size_t n, uint16_t number, struct arena *a)
{
	struct buf b = buf_in(a);

	for (size_t i = 0; i < n; i++)
		if (table[i].number == number)
			return slice_of(table[i].text);
	buf_add_u64(&b, number);
	return buf_slice(&b);
}

struct slice app_dns_type(uint16_t type, struct arena *a)
{
	return name_of(types, sizeof types / sizeof types[0], type, a);
}

struct slice app_dns_rcode(uint16_t rcode, struct arena *a)
{
	return name_of(rcodes, sizeof rcodes / sizeof rcodes[0], rcode, a);
}

int32_t app_dns_type_find(struct slice name)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (slice_equal_nocase(name, slice_of(types[i].text)))
			return types[i].number;
	return -1;
}

struct slice app_dns_address(struct slice bytes, struct arena *a)
{
	char text[ADDR_TEXT_MAX];
	struct addr addr;

	if (bytes.len != 4 && bytes.len != 16)
		return SLICE("");
	addr = bytes.len == 4 ? addr_v4(bytes.ptr) : addr_v6(bytes.ptr);
	return arena_copy(a, addr_format_full(&addr, text));
}

/* Are they whole counted strings, RFC 1035 3.3.14? */
static bool strings_ok(struct slice rdata)
{
	struct cursor c = cursor_of(rdata);

	while (cursor_left(&c) != 0)
		(void)cursor_take(&c, cursor_u8(&c));
	return cursor_ok(&c) && rdata.len != 0;
}

/* RFC 6891 6.1.2 */
static bool options_ok(struct slice rdata)
{
	struct cursor c = cursor_of(rdata);

	while (cursor_left(&c) != 0) {
		(void)cursor_be16(&c);
		(void)cursor_take(&c, cursor_be16(&c));
	}
	return cursor_ok(&c);
}

/* The fixed part of a SOA (behind its names), or SRV (before its name). */
static void keep(struct cursor *c, size_t n, struct dns *d, struct dns_rdata *out)
{
	out->bytes = arena_copy(d->arena, cursor_take(c, n));
}

bool app_dns_rdata(uint16_t type, struct slice rdata, struct slice message, struct dns *d,
		   struct dns_rdata *out)
{
	struct cursor c = cursor_of(rdata);

	*out = (struct dns_rdata){0};
	switch (type) {
	case DNS_TXT:
		if (!strings_ok(rdata))
			return false;
		break;
	case DNS_OPT:
		if (!options_ok(rdata))
			return false;
		break;
	case DNS_SSHFP:
		if (rdata.len < 2)
			return false;
		break;
	case DNS_MX:
		(void)cursor_be16(&c); /* preference */
		out->name[0] = app_dns_name(&c, message, d);
		return cursor_ok(&c);
	case DNS_NS:
	case DNS_CNAME:
	case DNS_PTR:
		out->name[0] = app_dns_name(&c, message, d);
		return cursor_ok(&c);
	case DNS_SRV:
		keep(&c, 6, d, out);
		out->name[0] = app_dns_name(&c, message, d);
		return cursor_ok(&c);
	case DNS_SOA:
		out->name[0] = app_dns_name(&c, message, d);
		out->name[1] = app_dns_name(&c, message, d);
		keep(&c, 20, d, out);
		return cursor_ok(&c);
	default:
		break;
	}
	out->bytes = arena_copy(d->arena, rdata);
	return true;
}
