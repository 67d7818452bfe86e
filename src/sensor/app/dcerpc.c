/* SPDX-License-Identifier: Apache-2.0
 *
 * DCE/RPC by itself: connection-oriented on TCP (C706 12.6, version 5), connectionless on UDP
 * (C706 12.5, version 4).
 *
 * A transaction is a call: requests and responses belong together by call id (TCP) or by activity
 * and sequence number (UDP). On TCP, behind a gap, the next two bytes that start a PDU are where it
 * goes on.
 */
#include "sensor/app/dcerpc_priv.h"

enum { FRAME_HDR, FRAME_DATA, FRAME_PDU };

enum {
	UDP_HEADER_BYTES = 80,
	UDP_LAST = 0x02, /* flags1: the last fragment */
	UDP_FRAGMENT = 0x04,
	TXS_MAX = 1024,
};

struct dcerpc_side {
	bool lost;   /* look for a PDU: a gap was before */
	bool gapped; /* there was one at some time */
};

struct dcerpc {
	struct dcerpc_side side[2];
	struct dcerpc_interfaces interfaces;
};

struct dcerpc_tx {
	struct dcerpc *flow;
	struct dcerpc_call call;
	bool udp;
	bool lost[2]; /* that side of the call was not seen */
	uint8_t minor;
	uint8_t activity[16]; /* UDP: in the order in which it is written */
	uint32_t sequence;    /* UDP */
};

static enum app_probe probe_tcp(struct slice in)
{
	struct cursor c = cursor_of(in);
	struct dcerpc_header h;

	if ((in.len >= 1 && in.ptr[0] != 5) || (in.len >= 2 && in.ptr[1] > 1))
		return APP_NO;
	if (in.len < DCERPC_HEADER_BYTES)
		return APP_NEED_MORE;
	/* integers big or little endian, characters ASCII or EBCDIC; four floating formats */
	if (!app_dcerpc_header(&c, &h) || (in.ptr[4] & 0xee) != 0 || in.ptr[5] > 3)
		return APP_NO;
	return h.type < DCERPC_TYPES && h.length >= DCERPC_HEADER_BYTES ? APP_YES : APP_NO;
}

/* What only a server says (C706 12.6.1). */
static bool is_answer(uint8_t type)
{
	return type == DCERPC_RESPONSE || type == DCERPC_FAULT || type == DCERPC_BIND_ACK ||
	       type == DCERPC_BIND_NAK || type == DCERPC_ALTER_RESP || type == DCERPC_SHUTDOWN;
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	if (f->transport == APP_TCP) {
		enum app_probe r = probe_tcp(in);

		return r == APP_YES && is_answer(in.ptr[2]) != (dir == APP_TO_CLIENT)
			       ? APP_YES_OTHER
			       : r;
	}
	/* version 4, a request to start with; the upper bits of flags2 are reserved */
	if (in.len < UDP_HEADER_BYTES || in.ptr[0] != 4 || in.ptr[1] != DCERPC_REQUEST ||
	    (in.ptr[3] & 0xfc) != 0 || (in.ptr[4] & 0xee) != 0 || in.ptr[5] > 3)
		return APP_NO;
	return APP_YES;
}

static bool is_open(const struct app_tx *tx)
{
	return tx->progress[0] == 0 || tx->progress[1] == 0;
}

static struct app_tx *call_new(struct app_flow *f, bool little)
{
	struct app_tx *tx;
	struct dcerpc_tx *d;

	if (f->open_txs >= TXS_MAX)
		for (tx = f->first; tx != NULL; tx = tx->next) {
			bool open = is_open(tx);

			app_tx_advance(tx, APP_TO_SERVER, 1);
			app_tx_advance(tx, APP_TO_CLIENT, 1);
			if (open)
				break;
		}
	tx = app_tx_new(f, sizeof *d);
	if (tx == NULL)
		return NULL;
	d = tx->data;
	d->flow = f->parser;
	d->udp = f->transport == APP_UDP;
	d->call.request = DCERPC_REQUEST;
	d->call.response = DCERPC_RESPONSE;
	tx->little = little;
	return tx;
}

/* --- TCP --- */

static uint8_t request_for(uint8_t response)
{
	switch (response) {
	case DCERPC_RESPONSE:
		return DCERPC_REQUEST;
	case DCERPC_BIND_ACK:
		return DCERPC_BIND;
	case DCERPC_ALTER_RESP:
		return DCERPC_ALTER;
	default:
		return DCERPC_UNKNOWN;
	}
}

/* The open call with that id: of a fragmented request, or the one that a response answers. */
static struct app_tx *call_find(struct app_flow *f, const struct dcerpc_header *h, enum app_dir dir)
{
	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next) {
		const struct dcerpc_tx *d = tx->data;

		if (!is_open(tx) || d->call.call != h->call || tx->progress[dir] != 0)
			continue;
		if (dir == APP_TO_SERVER ? d->call.request == h->type
					 : d->call.request == request_for(h->type))
			return tx;
	}
	return NULL;
}

static struct app_tx *call_get(struct app_flow *f, const struct dcerpc_header *h, enum app_dir dir)
{
	struct app_tx *tx = call_find(f, h, dir);
	struct dcerpc_tx *d;

	if (tx == NULL) {
		tx = call_new(f, h->little);
		if (tx == NULL)
			return NULL;
		d = tx->data;
		d->call.call = h->call;
		d->minor = h->minor;
		if (dir == APP_TO_CLIENT)
			d->call.request = request_for(h->type);
	}
	d = tx->data;
	if (dir == APP_TO_SERVER) {
		d->call.request = h->type;
		d->call.has_request = true;
	} else {
		d->call.response = h->type;
		d->call.has_response = true;
	}
	return tx;
}

/* One whole PDU. False: it is none, or no memory. */
static bool pdu(struct app_flow *f, enum app_dir dir, const struct dcerpc_header *h,
		struct cursor *c)
{
	struct dcerpc *s = f->parser;
	struct app_tx *tx;
	struct dcerpc_tx *d;
	struct slice stub;
	uint16_t context, opnum;

	switch (h->type) {
	case DCERPC_BIND:
	case DCERPC_ALTER:
		if (!app_dcerpc_bind(&s->interfaces, f->arena, c, h))
			return false;
		tx = call_get(f, h, APP_TO_SERVER);
		if (tx == NULL)
			return false;
		d = tx->data;
		d->call.fragments[APP_TO_SERVER] = 1;
		app_tx_advance(tx, APP_TO_SERVER, 1);
		return true;
	case DCERPC_BIND_ACK:
	case DCERPC_ALTER_RESP:
		if (!app_dcerpc_bind_ack(&s->interfaces, c, h))
			return false;
		tx = call_get(f, h, APP_TO_CLIENT);
		if (tx == NULL)
			return false;
		d = tx->data;
		d->call.fragments[APP_TO_CLIENT] = 1;
		app_tx_advance(tx, APP_TO_CLIENT, 1);
		return true;
	case DCERPC_REQUEST:
		if (!app_dcerpc_request(c, h, &context, &opnum, &stub))
			return false;
		tx = call_get(f, h, APP_TO_SERVER);
		if (tx == NULL)
			return false;
		d = tx->data;
		d->call.context = context;
		d->call.opnum = opnum;
		d->call.opnum_value = opnum;
		app_dcerpc_stub_add(&d->call, &tx->arena, APP_TO_SERVER, stub);
		if ((h->flags & DCERPC_LAST) != 0)
			app_tx_advance(tx, APP_TO_SERVER, 1);
		return true;
	case DCERPC_RESPONSE:
		stub = cursor_rest(c); /* with the eight bytes before it, as Suricata counts it */
		if (stub.len < DCERPC_REQUEST_BYTES - DCERPC_HEADER_BYTES)
			return false;
		tx = call_get(f, h, APP_TO_CLIENT);
		if (tx == NULL)
			return false;
		d = tx->data;
		app_dcerpc_stub_add(&d->call, &tx->arena, APP_TO_CLIENT, stub);
		if ((h->flags & DCERPC_LAST) != 0)
			app_tx_advance(tx, APP_TO_CLIENT, 1);
		return true;
	default: /* faults, authentication, cancels: nothing that is told */
		return h->type < DCERPC_TYPES;
	}
}

/* With each PDU behind a gap: what was open before the newest has lost that side. */
static void after_gap(struct app_flow *f, enum app_dir dir)
{
	for (struct app_tx *tx = f->first; tx != NULL && tx != f->last; tx = tx->next) {
		struct dcerpc_tx *d = tx->data;

		for (enum app_dir side = APP_TO_SERVER; side <= dir; side++) {
			d->lost[side] |= tx->progress[side] == 0;
			app_tx_advance(tx, side, 1);
		}
	}
}

/* Where the next PDU may start; false: nowhere, *out may be dropped. */
static bool resync(struct slice in, size_t *out)
{
	for (size_t i = 0; i + 2 <= in.len; i++) {
		if (in.ptr[i] == 5 && in.ptr[i + 1] == 0) {
			*out = i;
			return true;
		}
	}
	*out = in.len == 0 ? 0 : in.len - 1;
	return false;
}

static void frames_open(struct app_flow *f, enum app_dir dir, size_t at, size_t head, size_t whole)
{
	(void)app_frame_open(f, dir, FRAME_HDR, at, (int64_t)head, NULL);
	(void)app_frame_open(f, dir, FRAME_DATA, at + head, (int64_t)(whole - head), NULL);
	(void)app_frame_open(f, dir, FRAME_PDU, at, (int64_t)whole, NULL);
}

static struct app_result parse_tcp(struct app_flow *f, enum app_dir dir, struct slice input)
{
	struct dcerpc *s = f->parser;
	struct dcerpc_side *side = &s->side[dir];
	size_t at = 0, skipped;

	while (at < input.len) {
		struct slice in = slice_from(input, at);
		struct cursor c = cursor_of(in);
		struct dcerpc_header h;

		if (side->lost) {
			bool found = resync(in, &skipped);

			at += skipped;
			if (!found)
				break;
			side->lost = false;
			continue;
		}
		if (in.len < DCERPC_HEADER_BYTES)
			break;
		if (!app_dcerpc_header(&c, &h) || h.major != 5 || h.minor > 1 ||
		    h.length < DCERPC_HEADER_BYTES)
			return (struct app_result){APP_STUCK, at};
		if (in.len < h.length)
			break;
		frames_open(f, dir, at, DCERPC_HEADER_BYTES, h.length);
		c = cursor_of(slice_part(in, DCERPC_HEADER_BYTES,
					 (size_t)h.length - DCERPC_HEADER_BYTES));
		if (!pdu(f, dir, &h, &c))
			return (struct app_result){APP_STUCK, at};
		at += h.length;
		if (side->gapped)
			after_gap(f, dir);
	}
	return (struct app_result){APP_OK, at};
}

static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	struct dcerpc *s = f->parser;

	(void)missing;
	s->side[dir].lost = true;
	s->side[dir].gapped = true;
	return true;
}

/* --- UDP --- */

static struct app_tx *udp_find(struct app_flow *f, const uint8_t activity[16], uint32_t sequence,
			       enum app_dir side)
{
	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next) {
		const struct dcerpc_tx *d = tx->data;

		if (is_open(tx) && tx->progress[side] == 0 && d->sequence == sequence &&
		    memcmp(d->activity, activity, 16) == 0)
			return tx;
	}
	return NULL;
}

static struct app_result parse_udp(struct app_flow *f, struct slice in)
{
	struct cursor c = cursor_of(in);
	struct app_result bad = {APP_STUCK, in.len};
	uint8_t version = cursor_u8(&c), type = cursor_u8(&c), flags = cursor_u8(&c);
	uint8_t id[16];
	struct slice body;
	struct app_tx *tx;
	struct dcerpc_tx *d;
	enum app_dir side;
	uint32_t sequence;
	uint16_t opnum, length;
	bool little;

	(void)cursor_u8(&c);
	little = (cursor_u8(&c) & 0x10) != 0;
	(void)cursor_take(&c, 3);
	(void)cursor_take(&c, 32);     /* object, interface */
	app_dcerpc_uuid(&c, true, id); /* Suricata writes it so in either byte order */
	(void)cursor_take(&c, 8);      /* boot time, interface version */
	sequence = app_dcerpc_u32(&c, little);
	opnum = app_dcerpc_u16(&c, little);
	(void)cursor_take(&c, 4);
	length = app_dcerpc_u16(&c, little);
	(void)cursor_take(&c, 4);
	body = cursor_take(&c, length);
	if (!cursor_ok(&c) || version != 4 || (type != DCERPC_REQUEST && type != DCERPC_RESPONSE))
		return bad;
	side = type == DCERPC_REQUEST ? APP_TO_SERVER : APP_TO_CLIENT;
	tx = udp_find(f, id, sequence, side);
	if (tx == NULL) {
		tx = call_new(f, little);
		if (tx == NULL)
			return bad;
		d = tx->data;
		memcpy(d->activity, id, sizeof id);
		d->sequence = sequence;
	}
	d = tx->data;
	if (side == APP_TO_SERVER) {
		d->call.has_request = true;
		d->call.opnum = opnum;
		d->call.opnum_value = opnum;
	} else {
		d->call.has_response = true;
	}
	app_dcerpc_stub_add(&d->call, &tx->arena, side, body);
	if ((flags & UDP_FRAGMENT) == 0 || (flags & UDP_LAST) != 0)
		app_tx_advance(tx, side, 1);
	return (struct app_result){APP_OK, in.len};
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	(void)eof; /* a PDU cut short says nothing */
	if (f->transport == APP_TCP)
		return parse_tcp(f, dir, input);
	return input.len == 0 ? (struct app_result){APP_OK, 0} : parse_udp(f, input);
}

/* --- what rules look at --- */

#define BOTH (1u << APP_TO_SERVER | 1u << APP_TO_CLIENT)

static struct slice get_stub(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dcerpc_tx *d = tx->data;

	return d->call.stub[dir].len != 0 ? buf_slice(&d->call.stub[dir]) : (struct slice){NULL, 0};
}

static struct slice get_opnum(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	struct dcerpc_tx *d = tx->data;

	if (!d->call.has_request || d->call.request != DCERPC_REQUEST)
		return (struct slice){NULL, 0};
	return app_number(&d->call.opnum_value);
}

static struct slice get_interface(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dcerpc_tx *d = tx->data;

	return app_dcerpc_get_interface(&d->flow->interfaces, &d->call, &tx->arena, n);
}

static const struct app_field fields[] = {
	{"dcerpc.stub_data", BOTH, 0, false, false, get_stub, "The data of a call."},
	{"dcerpc.opnum", BOTH, 0, false, false, get_opnum, "The operation of a call.", APP_NUMBERS,
	 NULL},
	{"dcerpc.iface", BOTH, 0, false, true, get_interface,
	 "The interfaces of a call: UUID, version, whether bound by a first fragment."},
	{0},
};

/* --- EVE --- */

static void put_interfaces(struct json *j, const struct dcerpc_tx *d, bool bind)
{
	const struct dcerpc_interfaces *of = &d->flow->interfaces;
	bool any = false;

	for (uint32_t i = 0; i < of->count; i++) {
		if (bind ? of->of[i].call != d->call.call : of->of[i].context != d->call.context)
			continue;
		if (!any) {
			json_key(j, "interfaces");
			json_array(j);
			any = true;
		}
		app_dcerpc_json_interface(j, &of->of[i], true, false);
	}
	if (any)
		json_end(j);
}

static void put_request(struct json *j, const struct app_tx *tx)
{
	const struct dcerpc_tx *d = tx->data;
	char text[4];

	json_key(j, "request");
	if (tx->progress[APP_TO_SERVER] == 0 || d->lost[APP_TO_SERVER]) {
		json_z(j, "REQUEST_LOST");
		return;
	}
	json_z(j, app_dcerpc_type_name(d->call.request, text));
	if (d->call.request == DCERPC_REQUEST)
		app_dcerpc_json_side(j, &d->call, APP_TO_SERVER, true);
	if (!d->udp && (d->call.request == DCERPC_REQUEST || d->call.request == DCERPC_BIND))
		put_interfaces(j, d, d->call.request == DCERPC_BIND);
}

static void put_response(struct json *j, const struct app_tx *tx)
{
	const struct dcerpc_tx *d = tx->data;
	char text[4];

	json_key(j, "response");
	if (tx->progress[APP_TO_CLIENT] == 0 || d->lost[APP_TO_CLIENT]) {
		json_z(j, "UNREPLIED");
		return;
	}
	json_z(j, app_dcerpc_type_name(d->call.response, text));
	if (d->call.response == DCERPC_RESPONSE)
		app_dcerpc_json_side(j, &d->call, APP_TO_CLIENT, false);
}

static bool log_tx(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct dcerpc_tx *d = tx->data;
	struct buf b = buf_in(scratch);
	struct json j = json_in(&b);

	if (n != 0)
		return false;
	json_object(&j);
	put_request(&j, tx);
	put_response(&j, tx);
	if (d->udp) {
		json_key(&j, "activityuuid");
		app_dcerpc_json_uuid(&j, d->activity);
		json_key(&j, "seqnum");
		json_u64(&j, d->sequence);
		json_key(&j, "rpc_version");
		json_z(&j, "4.0");
	} else {
		json_key(&j, "call_id");
		json_u64(&j, d->call.call);
		json_key(&j, "rpc_version");
		json_z(&j, d->minor == 0 ? "5.0" : "5.1");
	}
	json_end(&j);
	return !b.full && record_object(r, scratch, "dcerpc", buf_slice(&b));
}

static const char *const frames[] = {
	[FRAME_HDR] = "hdr", [FRAME_DATA] = "data", [FRAME_PDU] = "pdu", NULL};

APP_PROTOCOL(dcerpc) = {
	.name = "dcerpc",
	.spec = "C706 12.5, 12.6",
	.transports = APP_TCP | APP_UDP,
	.fields = fields,
	.frames = frames,
	.speaks_first = 1u << APP_TO_SERVER,
	.complete = {1, 1},
	.parser_bytes = sizeof(struct dcerpc),
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = log_tx,
};
