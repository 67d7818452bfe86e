/* SPDX-License-Identifier: Apache-2.0
 *
 * SMB 1, 2 and 3: session service records (RFC 1002 4.3.1), the messages in them (MS-CIFS 2.2.3,
 * MS-SMB2 2.2.1) and what rules ask about them. Encrypted messages (MS-SMB2 2.2.41) are passed
 * over.
 *
 *  1. A direction is at the start of a record, or file_left, then skip, bytes before it; or `lost`
 *     behind a gap, looking for one.
 *  2. A record is worked on when all of it is there. Writes and reads of files are not kept until
 *     then: their header opens a chunk, their data go to the file as they come.
 *  3. A record that is longer than what may be held, and no such transfer, is passed over.
 */
#include "sensor/app/smb_priv.h"

enum {
	NBSS_MESSAGE = 0x00,
	NBSS_REQUEST = 0x81,
	NBSS_KEEP_ALIVE = 0x85,
	NBSS_BYTES = 4,
	SERVER_PORT = 445,	     /* [MS-SMB2] 2.1 */
	SMB3_HEADER_BYTES = 52,	     /* of an encrypted message */
	RECORD_HELD_MAX = 512 << 10, /* bytes of a record that waits for its end */
	PROBE_FIRST_MAX = 256,	     /* bytes of what may stand before the first SMB message */
};

enum smb_frame {
	FRAME_NBSS_PDU,
	FRAME_NBSS_HDR,
	FRAME_NBSS_DATA,
	FRAME_SMB1_PDU,
	FRAME_SMB1_HDR,
	FRAME_SMB1_DATA,
	FRAME_SMB2_PDU,
	FRAME_SMB2_HDR,
	FRAME_SMB2_DATA,
	FRAME_SMB3_PDU,
	FRAME_SMB3_HDR,
	FRAME_SMB3_DATA,
};

static const char *const frames[] = {
	[FRAME_NBSS_PDU] = "nbss.pdu",
	[FRAME_NBSS_HDR] = "nbss.hdr",
	[FRAME_NBSS_DATA] = "nbss.data",
	[FRAME_SMB1_PDU] = "smb1.pdu",
	[FRAME_SMB1_HDR] = "smb1.hdr",
	[FRAME_SMB1_DATA] = "smb1.data",
	[FRAME_SMB2_PDU] = "smb2.pdu",
	[FRAME_SMB2_HDR] = "smb2.hdr",
	[FRAME_SMB2_DATA] = "smb2.data",
	[FRAME_SMB3_PDU] = "smb3.pdu",
	[FRAME_SMB3_HDR] = "smb3.hdr",
	[FRAME_SMB3_DATA] = "smb3.data",
	NULL,
};

static bool nbss_known(uint8_t type)
{
	return type == NBSS_MESSAGE || (type >= NBSS_REQUEST && type <= NBSS_KEEP_ALIVE);
}

static bool is_smb(struct slice s)
{
	return s.len >= 4 && s.ptr[0] >= 0xfd && memcmp(s.ptr + 1, "SMB", 3) == 0;
}

static enum app_probe probe_record(struct slice in, bool first)
{
	struct cursor c = cursor_of(in);
	uint8_t type = cursor_u8(&c);
	size_t length = (size_t)cursor_be(&c, 3);

	if (in.len == 0)
		return APP_NEED_MORE;
	if (!nbss_known(type))
		return APP_NO;
	if (type == NBSS_MESSAGE) {
		if (in.len > NBSS_BYTES && in.ptr[4] < 0xfd)
			return APP_NO;
		if (in.len < NBSS_BYTES + 4)
			return APP_NEED_MORE;
		return is_smb(slice_from(in, NBSS_BYTES)) ? APP_YES : APP_NO;
	}
	if (in.len < NBSS_BYTES)
		return APP_NEED_MORE;
	if (!first || length >= PROBE_FIRST_MAX)
		return APP_NO;
	return probe_record(slice_from(in, NBSS_BYTES + length), false);
}

/* Is the first record, which is there as far as its magic number, of direction dir? Only its
 * flags know; of an encrypted one the server's port. */
static enum app_probe probe_side(const struct app_flow *f, enum app_dir dir, struct slice in)
{
	struct cursor c = cursor_of(in);
	bool answer;

	if (cursor_u8(&c) != NBSS_MESSAGE)
		return APP_YES;
	(void)cursor_take(&c, 3);
	switch (cursor_u8(&c)) {
	case 0xff: /* [MS-CIFS] 2.2.3.1: SMB_FLAGS_REPLY */
		(void)cursor_take(&c, 8);
		answer = (cursor_u8(&c) & 0x80) != 0;
		break;
	case 0xfe: /* [MS-SMB2] 2.2.1: SMB2_FLAGS_SERVER_TO_REDIR */
		(void)cursor_take(&c, 15);
		answer = (cursor_u8(&c) & 1) != 0;
		break;
	default:
		return f->client_port == SERVER_PORT && f->server_port != SERVER_PORT
			       ? APP_YES_OTHER
			       : APP_YES;
	}
	if (!cursor_ok(&c))
		return APP_NEED_MORE;
	return answer == (dir == APP_TO_CLIENT) ? APP_YES : APP_YES_OTHER;
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct cursor c = cursor_of(in);
	uint8_t type = cursor_u8(&c);
	size_t length = (size_t)cursor_be(&c, 3);
	enum app_probe r;

	if (in.len > 0 && type == NBSS_REQUEST && port_hint && dir == APP_TO_SERVER) {
		if (in.len < 5)
			return APP_NEED_MORE;
		/* RFC 1001 14.1: two names of 32 letters, each with a length in front */
		return length == 68 && in.ptr[4] == 32 ? APP_YES : APP_NO;
	}
	r = probe_record(in, true);
	return r == APP_YES && f->swap == APP_SWAP_PICKED ? probe_side(f, dir, in) : r;
}

/* File data and what is passed over, before the next record. Returns how many bytes it took. */
static size_t run_on(struct app_flow *f, enum app_dir dir, struct slice in)
{
	struct smb *s = f->parser;
	struct smb_side *side = &s->side[dir];
	size_t used = 0, n;

	if (side->file_left != 0) {
		struct app_tx *tx = app_smb_tx_number(f, side->file_tx);

		n = in.len < side->file_left ? in.len : (size_t)side->file_left;
		if (tx != NULL)
			app_transfer_data(&((struct smb_tx *)tx->data)->u.file.transfer,
					  slice_part(in, 0, n));
		side->file_left -= n;
		used = n;
	}
	if (side->file_left == 0 && side->skip != 0) {
		n = in.len - used < side->skip ? in.len - used : (size_t)side->skip;
		side->skip -= n;
		used += n;
	}
	return used;
}

/* Offset of the next record at or behind 0 of `in`; false: none, *out is what may be dropped. */
static bool resync(struct slice in, size_t *out)
{
	for (size_t i = NBSS_BYTES; i + 4 <= in.len; i++) {
		if (in.ptr[i] < 0xfd || !is_smb(slice_from(in, i)) ||
		    in.ptr[i - NBSS_BYTES] != NBSS_MESSAGE)
			continue;
		*out = i - NBSS_BYTES;
		return true;
	}
	*out = in.len < NBSS_BYTES + 3 ? 0 : in.len - (NBSS_BYTES + 3);
	return false;
}

static bool message(struct app_flow *f, enum app_dir dir, struct slice have, uint64_t whole)
{
	bool all = have.len == whole;

	switch (have.ptr[0]) {
	case 0xff:
		return app_smb1_record(f, dir, have, whole);
	case 0xfe:
		return app_smb2_record(f, dir, have, whole);
	default: /* encrypted */
		if (!all) {
			struct smb *s = f->parser;

			s->side[dir].skip = whole - have.len;
		}
		return true;
	}
}

/* Of a record that wants more: only its first bytes say whether it is one of invariant 2 or 3. */
static bool may_stream(enum app_dir dir, struct slice have)
{
	return have.ptr[0] == 0xff ? app_smb1_may_stream(dir, have)
				   : app_smb2_may_stream(dir, have);
}

/* The frames of a record of `length` bytes whose header is at `at` of the input. */
static void frames_open(struct app_flow *f, enum app_dir dir, size_t at, size_t length,
			uint8_t mark)
{
	size_t body = at + NBSS_BYTES, head = SMB1_HEADER_BYTES;
	uint8_t first = FRAME_SMB1_PDU;

	if (mark == 0xfe) {
		first = FRAME_SMB2_PDU;
		head = SMB2_HEADER_BYTES;
	} else if (mark == 0xfd) {
		first = FRAME_SMB3_PDU;
		head = SMB3_HEADER_BYTES;
	}
	/* nobody may want them, or there may be too many: then they are not opened */
	(void)app_frame_open(f, dir, FRAME_NBSS_PDU, at, (int64_t)(length + NBSS_BYTES), NULL);
	(void)app_frame_open(f, dir, FRAME_NBSS_HDR, at, NBSS_BYTES, NULL);
	(void)app_frame_open(f, dir, FRAME_NBSS_DATA, body, (int64_t)length, NULL);
	if (length < head)
		return;
	(void)app_frame_open(f, dir, first, body, (int64_t)length, NULL);
	(void)app_frame_open(f, dir, (uint8_t)(first + 1), body, (int64_t)head, NULL);
	(void)app_frame_open(f, dir, (uint8_t)(first + 2), body + head, (int64_t)(length - head),
			     NULL);
}

/* One record at the start of `in`, which is at `at` of the input. Returns bytes used; 0: more must
 * be there first. */
static size_t record(struct app_flow *f, enum app_dir dir, struct slice in, size_t at)
{
	struct smb *s = f->parser;
	struct smb_side *side = &s->side[dir];
	struct cursor c = cursor_of(in);
	uint8_t type = cursor_u8(&c);
	size_t length = (size_t)cursor_be(&c, 3);
	struct slice have;

	if (!cursor_ok(&c))
		return 0;
	have = slice_part(in, NBSS_BYTES, length);
	if (type != NBSS_MESSAGE || length < 4) {
		if (!nbss_known(type)) {
			side->lost = true;
			return 1;
		}
		side->skip = length;
		return NBSS_BYTES;
	}
	if (have.len < 4)
		return 0;
	if (!is_smb(have)) {
		app_smb_flow_anomaly(f, SMB_MALFORMED);
		side->lost = true;
		return 1;
	}
	if (message(f, dir, have, length)) {
		frames_open(f, dir, at, length, have.ptr[0]);
		return NBSS_BYTES + have.len;
	}
	if (length <= RECORD_HELD_MAX || may_stream(dir, have))
		return 0;
	app_smb_flow_anomaly(f, SMB_RECORD_OVERFLOW);
	side->skip = length;
	return NBSS_BYTES;
}

/* With each record behind a gap: whatever was asked before the newest will not be answered here. */
static void after_gap(struct app_flow *f, enum app_dir dir)
{
	for (struct app_tx *tx = f->first; tx != NULL && tx != f->last; tx = tx->next) {
		if (((struct smb_tx *)tx->data)->about == SMB_ABOUT_FILE)
			continue; /* files live with gaps */
		app_tx_advance(tx, APP_TO_SERVER, 1);
		if (dir == APP_TO_CLIENT)
			app_tx_advance(tx, APP_TO_CLIENT, 1);
	}
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct smb *s = f->parser;
	struct smb_side *side = &s->side[dir];
	size_t at = 0;

	(void)eof; /* a record cut short says nothing */
	while (at < input.len) {
		struct slice in = slice_from(input, at);
		size_t used;

		if (side->file_left != 0 || side->skip != 0) {
			at += run_on(f, dir, in);
			continue;
		}
		if (side->lost) {
			bool found = resync(in, &used);

			at += used;
			if (!found)
				break;
			side->lost = false;
			continue;
		}
		used = record(f, dir, in, at);
		at += used;
		if (used == 0)
			break;
		if (side->gapped && !side->lost)
			after_gap(f, dir);
	}
	return (struct app_result){APP_OK, at};
}

static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	struct smb *s = f->parser;
	struct smb_side *side = &s->side[dir];
	uint64_t n = side->file_left < missing ? side->file_left : missing;

	if (n != 0) {
		struct app_tx *tx = app_smb_tx_number(f, side->file_tx);

		if (tx != NULL)
			app_transfer_gap(&((struct smb_tx *)tx->data)->u.file.transfer, n);
		side->file_left -= n;
		missing -= n;
	}
	n = side->skip < missing ? side->skip : missing;
	side->skip -= n;
	missing -= n;
	if (missing != 0 || app_held_bytes(f, dir) != 0)
		side->lost = true;
	side->gapped = true;
	return true;
}

/* --- what rules look at --- */

#define TO_SERVER (1u << APP_TO_SERVER)
#define TO_CLIENT (1u << APP_TO_CLIENT)
#define BOTH (TO_SERVER | TO_CLIENT)

static const struct slice none = {NULL, 0};

/* An empty value is there all the same. */
static struct slice present(struct slice s)
{
	return s.ptr != NULL ? s : SLICE("");
}

static struct slice get_share(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct smb_tx *d = tx->data;

	return d->about == SMB_ABOUT_TREE && !d->u.tree.pipe ? present(d->u.tree.share) : none;
}

static struct slice get_pipe(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct smb_tx *d = tx->data;

	return d->about == SMB_ABOUT_TREE && d->u.tree.pipe ? present(d->u.tree.share) : none;
}

static struct slice get_user(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct smb_tx *d = tx->data;

	return d->about == SMB_ABOUT_SESSION && d->u.session.auth.has_ntlmssp
		       ? present(d->u.session.auth.user)
		       : none;
}

static struct slice get_domain(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct smb_tx *d = tx->data;

	return d->about == SMB_ABOUT_SESSION && d->u.session.auth.has_ntlmssp
		       ? present(d->u.session.auth.domain)
		       : none;
}

static struct slice get_version(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	static const uint64_t versions[] = {0, 1, 2};
	const struct smb_tx *d = tx->data;

	return app_number(&versions[d->version]);
}

static struct slice get_stub(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct smb_tx *d = tx->data;

	return d->about == SMB_ABOUT_PIPE && d->u.pipe.stub[dir].len != 0
		       ? buf_slice(&d->u.pipe.stub[dir])
		       : none;
}

static struct slice get_opnum(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	struct smb_tx *d = tx->data;

	if (d->about != SMB_ABOUT_PIPE || !d->u.pipe.has_request ||
	    d->u.pipe.request != DCERPC_REQUEST)
		return none;
	return app_number(&d->u.pipe.opnum_value);
}

static struct slice get_interface(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct smb_tx *d = tx->data;

	return d->about == SMB_ABOUT_PIPE
		       ? app_dcerpc_get_interface(&d->smb->interfaces, &d->u.pipe, &tx->arena, n)
		       : none;
}

static const struct app_field fields[] = {
	{"smb.share", TO_SERVER, 0, false, false, get_share, "The share of a tree connect."},
	{"smb.named_pipe", TO_SERVER, 0, false, false, get_pipe,
	 "The share of a tree connect to named pipes."},
	{"smb.ntlmssp_user", TO_SERVER, 0, false, false, get_user,
	 "The user of an NTLMSSP authentication."},
	{"smb.ntlmssp_domain", TO_SERVER, 0, false, false, get_domain,
	 "The domain of an NTLMSSP authentication."},
	{"smb.version", BOTH, 0, false, false, get_version, "1 for SMB 1, 2 for SMB 2 and 3.",
	 APP_NUMBERS, NULL},
	{"dcerpc.stub_data", BOTH, 0, false, false, get_stub, "The data of a call on a pipe."},
	{"dcerpc.opnum", BOTH, 0, false, false, get_opnum, "The operation of a call on a pipe.",
	 APP_NUMBERS, NULL},
	{"dcerpc.iface", BOTH, 0, false, true, get_interface,
	 "The interfaces of a call on a pipe: UUID, version, whether bound by a first fragment."},
	{0},
};

static const char *const anomalies[] = {
	[SMB_INTERNAL_ERROR] = "internal_error",
	[SMB_MALFORMED] = "malformed_data",
	[SMB_RECORD_OVERFLOW] = "record_overflow",
	[SMB_NTLMSSP_REQUEST] = "malformed_ntlmssp_request",
	[SMB_NTLMSSP_RESPONSE] = "malformed_ntlmssp_response",
	[SMB_DUPLICATE_NEGOTIATE] = "duplicate_negotiate",
	[SMB_DIALECTS] = "negotiate_malformed_dialects",
	[SMB_OVERLAP] = "file_overlap",
	[SMB_NEGOTIATE_READ_SIZE] = "negotiate_max_read_size_too_large",
	[SMB_NEGOTIATE_WRITE_SIZE] = "negotiate_max_write_size_too_large",
	[SMB_READ_REQUEST_SIZE] = "read_request_too_large",
	[SMB_READ_RESPONSE_SIZE] = "read_response_too_large",
	[SMB_READ_QUEUE_SIZE] = "read_queue_size_exceeded",
	[SMB_READ_QUEUE_COUNT] = "read_queue_cnt_exceeded",
	[SMB_WRITE_REQUEST_SIZE] = "write_request_too_large",
	[SMB_WRITE_QUEUE_SIZE] = "write_queue_size_exceeded",
	[SMB_WRITE_QUEUE_COUNT] = "write_queue_cnt_exceeded",
	[SMB_REQUEST_TO_CLIENT] = "request_to_client",
	[SMB_RESPONSE_TO_SERVER] = "response_to_server",
	[SMB_TOO_MANY_TRANSACTIONS] = "too_many_transactions",
	NULL,
};

static const void *configure(struct config *config, struct arena *a)
{
	struct config *node = config_at(config, "app-layer.protocols.smb");
	struct smb_settings *s = ARENA_NEW(a, struct smb_settings);

	if (s == NULL)
		return NULL;
	s->read_most = config_size(node, "max-read-size", 16 << 20);
	s->write_most = config_size(node, "max-write-size", 16 << 20);
	s->read_queue_bytes = config_size(node, "max-read-queue-size", 64 << 20);
	s->write_queue_bytes = config_size(node, "max-write-queue-size", 64 << 20);
	s->read_queue_count = config_u64(node, "max-read-queue-cnt", 0, UINT32_MAX, 64);
	s->write_queue_count = config_u64(node, "max-write-queue-cnt", 0, UINT32_MAX, 64);
	s->tx_most = (uint32_t)config_u64(node, "max-tx", 1, APP_TXS_MAX, APP_TXS_MAX);
	return s;
}

/* The words of outputs.eve-log.types.smb.types. */
static const void *log_configure(struct config *root, struct config *node, struct arena *a)
{
	static const struct {
		const char *word;
		enum smb_about about;
	} words[] = {{"file", SMB_ABOUT_FILE},
		     {"tree_connect", SMB_ABOUT_TREE},
		     {"negotiate", SMB_ABOUT_NEGOTIATE},
		     {"dcerpc", SMB_ABOUT_PIPE},
		     {"create", SMB_ABOUT_CREATE},
		     {"session_setup", SMB_ABOUT_SESSION},
		     {"ioctl", SMB_ABOUT_IOCTL},
		     {"rename", SMB_ABOUT_RENAME},
		     {"set_file_path_info", SMB_ABOUT_INFO},
		     {"generic", SMB_ABOUT_NOTHING}};
	struct smb_log *how = ARENA_NEW(a, struct smb_log);
	struct config *types = config_at(node, "types");

	(void)root;
	if (how == NULL)
		return NULL;
	for (struct config *i = types != NULL ? types->first : NULL; i != NULL; i = i->next) {
		i->asked = true;
		for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
			if (slice_equal(i->value, slice_of(words[k].word)))
				how->about |= 1u << words[k].about;
	}
	if (how->about == 0)
		how->about = ~0u;
	return how;
}

static const uint16_t ports[] = {SERVER_PORT, 139, 0};

APP_PROTOCOL(smb) = {
	.name = "smb",
	.spec = "MS-CIFS, MS-SMB2, RFC 1002",
	.transports = APP_TCP,
	.ports = ports,
	.files = BOTH,
	.stream_in_chunks = true,
	.fields = fields,
	.anomalies = anomalies,
	.frames = frames,
	.complete = {1, 1},
	.parser_bytes = sizeof(struct smb),
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = app_smb_log,
	.log_configure = log_configure,
	.configure = configure,
};
