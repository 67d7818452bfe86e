/* SPDX-License-Identifier: Apache-2.0
 *
 * TFTP: RFC 1350. A transaction is a request to read or write a file; the file itself travels
 * between other ports, so that nothing ties it to its request. Requests are recognised on TFTP's
 * port.
 */
#include "base/cursor.h"
#include "base/json.h"
#include "base/text.h"
#include "sensor/app/app.h"

enum { OP_READ = 1, OP_WRITE = 2, TFTP_DONE = 1, NAME_MAX_BYTES = 512 /* one datagram's worth */ };

struct tftp_tx {
	uint64_t op;
	struct slice file, mode; /* the mode in lower case */
};

static bool split(struct slice in, uint16_t *out_op, struct slice *out_name, struct slice *out_mode)
{
	struct cursor c = cursor_of(in);
	struct slice rest = slice_from(in, 2);

	*out_op = cursor_be16(&c);
	*out_name = slice_split(&rest, '\0');
	*out_mode = slice_split(&rest, '\0');
	return (*out_op == OP_READ || *out_op == OP_WRITE) && out_name->len != 0 &&
	       out_name->len <= NAME_MAX_BYTES && rest.ptr != NULL &&
	       (slice_equal_nocase(*out_mode, SLICE("netascii")) ||
		slice_equal_nocase(*out_mode, SLICE("octet")) ||
		slice_equal_nocase(*out_mode, SLICE("mail")));
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	struct slice name, mode;
	uint16_t op;

	(void)f;
	return port_hint && dir == APP_TO_SERVER && split(in, &op, &name, &mode) ? APP_YES : APP_NO;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct slice name, mode;
	struct app_tx *tx;
	struct tftp_tx *o;
	uint8_t *lower;
	uint16_t op;

	if (dir != APP_TO_SERVER || !split(input, &op, &name, &mode))
		return (struct app_result){APP_OK, input.len};
	tx = app_tx_new(f, sizeof(struct tftp_tx));
	if (tx == NULL)
		return (struct app_result){APP_STUCK, input.len};
	o = tx->data;
	o->op = op;
	o->file = arena_copy(&tx->arena, name);
	lower = ARENA_ARRAY(&tx->arena, uint8_t, mode.len);
	for (size_t i = 0; lower != NULL && i < mode.len; i++)
		lower[i] = text_lower(mode.ptr[i]);
	o->mode = lower != NULL ? (struct slice){lower, mode.len} : SLICE("");
	app_tx_advance(tx, APP_TO_SERVER, TFTP_DONE);
	app_tx_advance(tx, APP_TO_CLIENT, TFTP_DONE);
	return (struct app_result){APP_OK, input.len};
}

/* ---- rule buffers, the record ---- */

static struct slice get_file(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 ? ((struct tftp_tx *)tx->data)->file : (struct slice){NULL, 0};
}

static struct slice get_mode(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 ? ((struct tftp_tx *)tx->data)->mode : (struct slice){NULL, 0};
}

static struct slice get_op(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 ? app_number(&((struct tftp_tx *)tx->data)->op) : (struct slice){NULL, 0};
}

static const struct app_word ops[] = {{"read", OP_READ}, {"write", OP_WRITE}, {0}};

static const struct app_field fields[] = {
	{.name = "tftp.file",
	 .dirs = 1u << APP_TO_SERVER,
	 .get = get_file,
	 .doc = "The file that is asked for."},
	{.name = "tftp.mode",
	 .dirs = 1u << APP_TO_SERVER,
	 .get = get_mode,
	 .doc = "The transfer mode, in lower case."},
	{.name = "tftp.opcode",
	 .dirs = 1u << APP_TO_SERVER,
	 .get = get_op,
	 .kind = APP_NUMBERS,
	 .words = ops,
	 .doc = "What is asked: read, write."},
	{0},
};

static bool log_tx(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct tftp_tx *o = tx->data;
	struct buf text = buf_in(scratch);
	struct json j = json_in(&text);

	if (n != 0)
		return false;
	json_object(&j);
	json_key(&j, "packet");
	json_z(&j, o->op == OP_READ ? "read" : "write");
	json_key(&j, "file");
	json_str(&j, o->file);
	json_key(&j, "mode");
	json_str(&j, o->mode);
	json_end(&j);
	return !text.full && record_object(r, scratch, "tftp", buf_slice(&text));
}

static const uint16_t ports[] = {69, 0};

APP_PROTOCOL(tftp) = {
	.name = "tftp",
	.spec = "RFC 1350",
	.transports = APP_UDP,
	.ports = ports,
	.fields = fields,
	.complete = {TFTP_DONE, TFTP_DONE},
	.probe = probe,
	.parse = parse,
	.log = log_tx,
};
