/* SPDX-License-Identifier: Apache-2.0
 *
 * DCE/RPC on SMB's named pipes. A write (or the request of a transaction or an IOCTL) has a PDU
 * that asks, a read (or the response) one that answers; they belong together by session, tree and
 * call id, and by message only for IOCTL, whose answer comes with it. MS-RPCE 2.1.1.2.
 */
#include "sensor/app/smb_priv.h"

enum { SMB2_IOCTL = 11, PART_MAX = 65535 };

static const char *const services[] = {"svcctl", "srvsvc",  "atsvc",  "lsarpc",
				       "samr",	 "spoolss", "winreg", "suricata::dcerpc"};

bool app_smb_is_dcerpc(const struct smb *s, const struct smb_fid *fid)
{
	struct smb_key key = {.kind = SMB_FILE_NAME, .fid = *fid};
	struct slice name = app_smb_slot_name(app_smb_find(s, &key));

	if (name.len > 1 && name.ptr[0] == '\\')
		name = slice_from(name, 1);
	for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
		if (slice_equal(name, slice_of(services[i])))
			return true;
	return false;
}

bool app_smb_looks_dcerpc(struct slice data)
{
	struct cursor c = cursor_of(data);
	struct dcerpc_header h;

	return app_dcerpc_header(&c, &h) && h.major == 5 && h.minor < 3 && h.length > 0 &&
	       h.type < DCERPC_TYPES;
}

static struct app_tx *call_find(struct app_flow *f, uint8_t version, uint16_t command,
				const struct smb_id *id, uint32_t call)
{
	bool by_message = version == 2 && command == SMB2_IOCTL;

	for (struct app_tx *tx = f->first; tx != NULL; tx = tx->next) {
		const struct smb_tx *d = tx->data;

		if (d->about == SMB_ABOUT_PIPE && tx->progress[APP_TO_CLIENT] == 0 &&
		    d->u.pipe.call == call && d->id.session == id->session &&
		    (!by_message || d->id.message == id->message))
			return tx;
	}
	return NULL;
}

/* A request's later fragment. */
static void more_request(struct app_flow *f, uint8_t version, uint16_t command, struct smb_id id,
			 const struct dcerpc_header *h, struct cursor *c)
{
	struct app_tx *tx = call_find(f, version, command, &id, h->call);
	struct smb_tx *d;
	struct slice stub;
	uint16_t context, opnum;

	if (!app_dcerpc_request(c, h, &context, &opnum, &stub)) {
		app_smb_flow_anomaly(f, SMB_MALFORMED);
		return;
	}
	if (tx == NULL || tx->progress[APP_TO_SERVER] != 0)
		return;
	d = tx->data;
	app_dcerpc_stub_add(&d->u.pipe, &tx->arena, APP_TO_SERVER, stub);
	if ((h->flags & DCERPC_LAST) != 0)
		app_tx_advance(tx, APP_TO_SERVER, 1);
}

void app_smb_pipe_write(struct app_flow *f, uint8_t version, uint16_t command, struct smb_id id,
			struct slice data)
{
	struct smb *s = f->parser;
	struct cursor c = cursor_of(data);
	struct dcerpc_header h;
	struct app_tx *tx;
	struct smb_tx *d;
	struct slice stub;
	bool done = true;

	if (!app_dcerpc_header(&c, &h)) {
		app_smb_flow_anomaly(f, SMB_MALFORMED);
		return;
	}
	/* whatever is written there is a call: Suricata does not ask for the version */
	if (h.type == DCERPC_REQUEST && (h.flags & DCERPC_FIRST) == 0) {
		more_request(f, version, command, id, &h, &c);
		return;
	}
	tx = app_smb_tx(f, SMB_ABOUT_PIPE, version, command, id);
	if (tx == NULL)
		return;
	d = tx->data;
	d->u.pipe.request = h.type;
	d->u.pipe.has_request = true;
	d->u.pipe.call = h.call;
	tx->little = h.little;
	switch (h.type) {
	case DCERPC_REQUEST:
		if (app_dcerpc_request(&c, &h, &d->u.pipe.context, &d->u.pipe.opnum, &stub)) {
			app_dcerpc_stub_add(&d->u.pipe, &tx->arena, APP_TO_SERVER, stub);
			d->u.pipe.opnum_value = d->u.pipe.opnum;
			done = (h.flags & DCERPC_LAST) != 0;
		} else {
			app_smb_anomaly(tx, SMB_MALFORMED);
		}
		break;
	case DCERPC_BIND:
		s->interfaces.count = 0;
		__attribute__((fallthrough));
	case DCERPC_ALTER:
		if (!app_dcerpc_bind(&s->interfaces, f->arena, &c, &h))
			app_smb_anomaly(tx, SMB_MALFORMED);
		break;
	default:
		if (h.type >= DCERPC_TYPES)
			app_smb_anomaly(tx, SMB_MALFORMED);
		break;
	}
	if (done)
		app_tx_advance(tx, APP_TO_SERVER, 1);
}

/* --- answers --- */

static struct smb_part *part_find(struct smb *s, const struct smb_id *id, const struct smb_fid *fid)
{
	for (size_t i = 0; i < SMB_PARTS_MAX; i++)
		if (s->part[i].used && s->part[i].session == id->session &&
		    s->part[i].tree == id->tree && app_smb_fid_equal(&s->part[i].fid, fid))
			return &s->part[i];
	return NULL;
}

void app_smb_pipe_keep(struct app_flow *f, struct smb_id id, const struct smb_fid *fid,
		       struct slice data)
{
	struct smb *s = f->parser;
	struct smb_part *p = part_find(s, &id, fid);

	if (p == NULL) {
		p = &s->part[s->part_hand];
		s->part_hand = (s->part_hand + 1) % SMB_PARTS_MAX;
		if (p->bytes.arena == NULL) {
			p->bytes = buf_in(f->arena);
			p->bytes.most = PART_MAX;
		}
		p->bytes.len = 0;
		p->bytes.full = false;
		p->used = true;
		p->session = id.session;
		p->tree = id.tree;
		p->fid = *fid;
	}
	buf_add(&p->bytes, data);
}

static void answer(struct app_flow *f, struct app_tx *tx, uint32_t status,
		   const struct dcerpc_header *h, struct cursor *c)
{
	struct smb *s = f->parser;
	struct smb_tx *d = tx->data;
	struct slice stub;
	bool done = true;

	switch (h->type) {
	case DCERPC_RESPONSE:
		if (!app_dcerpc_response(c, h, &stub)) {
			app_smb_anomaly(tx, SMB_MALFORMED);
			return;
		}
		app_dcerpc_stub_add(&d->u.pipe, &tx->arena, APP_TO_CLIENT, stub);
		done = (h->flags & DCERPC_LAST) != 0;
		break;
	case DCERPC_BIND_ACK:
	case DCERPC_ALTER_RESP:
		if (!app_dcerpc_bind_ack(&s->interfaces, c, h))
			app_smb_anomaly(tx, SMB_MALFORMED);
		break;
	default:
		if (h->type >= DCERPC_TYPES)
			app_smb_anomaly(tx, SMB_MALFORMED);
		break;
	}
	d->u.pipe.response = h->type;
	d->u.pipe.has_response = true;
	app_smb_tx_status(tx, status, false);
	if (done) {
		app_tx_advance(tx, APP_TO_SERVER, 1);
		app_tx_advance(tx, APP_TO_CLIENT, 1);
	}
}

void app_smb_pipe_read(struct app_flow *f, uint8_t version, uint16_t command, uint32_t status,
		       struct smb_id id, const struct smb_fid *fid, struct slice data)
{
	struct smb *s = f->parser;
	struct smb_part *before = part_find(s, &id, fid);
	struct dcerpc_header h;
	struct app_tx *tx;
	struct cursor c;

	if (status != STATUS_SUCCESS && status != STATUS_BUFFER_OVERFLOW) {
		tx = app_smb_tx_about(f, SMB_ABOUT_PIPE, id);
		if (tx != NULL) {
			app_smb_tx_status(tx, status, false);
			app_tx_advance(tx, APP_TO_CLIENT, 1);
		}
		return;
	}
	if (before != NULL) {
		buf_add(&before->bytes, data);
		data = buf_slice(&before->bytes);
		before->used = false;
	}
	if (data.len == 0)
		return;
	c = cursor_of(data);
	if (!app_dcerpc_header(&c, &h)) {
		app_smb_flow_anomaly(f, SMB_MALFORMED);
		return;
	}
	if (status == STATUS_BUFFER_OVERFLOW && data.len < h.length) {
		if (before != NULL)
			before->used = true;
		else
			app_smb_pipe_keep(f, id, fid, data);
		return;
	}
	tx = call_find(f, version, command, &id, h.call);
	if (tx == NULL) { /* the request was missed */
		if (h.type == DCERPC_BIND_ACK)
			return;
		tx = app_smb_tx(f, SMB_ABOUT_PIPE, version, command, id);
		if (tx == NULL)
			return;
		((struct smb_tx *)tx->data)->u.pipe.call = h.call;
		app_tx_advance(tx, APP_TO_SERVER, 1);
	}
	answer(f, tx, status, &h, &c);
}
