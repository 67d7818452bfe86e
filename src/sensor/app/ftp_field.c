/* SPDX-License-Identifier: Apache-2.0
 * FTP's rule buffers and its record, as Suricata 8 defines them. */
#include "base/json.h"
#include "sensor/app/ftp_priv.h"

static const struct slice none = {NULL, 0};

static struct ftp_tx *own(struct app_tx *tx)
{
	return tx->data;
}

/* What stands behind the command and a space. */
static struct slice argument(const struct ftp_tx *o)
{
	return o->command != NULL ? slice_from(o->line, strlen(o->command) + 1) : none;
}

static struct slice get_command(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 ? slice_of(own(tx)->command) : none;
}

static struct slice get_argument(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 ? argument(own(tx)) : none;
}

static struct slice get_reply(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct ftp_tx *o = own(tx);

	if (n >= o->reply_count)
		return none;
	return o->replies[n].text.ptr != NULL ? o->replies[n].text : SLICE("");
}

static struct slice get_code(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct ftp_tx *o = own(tx);

	for (size_t i = 0; i < o->reply_count; i++)
		if (o->replies[i].code.len != 0 && n-- == 0)
			return o->replies[i].code;
	return none;
}

static struct slice get_port(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 && own(tx)->port != 0 ? app_number(&own(tx)->number) : none;
}

static struct slice get_mode(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 && own(tx)->port != 0 ? app_number(&own(tx)->mode) : none;
}

static struct slice get_received(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return n == 0 && own(tx)->command != NULL ? app_number(&own(tx)->received) : none;
}

/* For ftpbounce: the address that PORT or EPRT named, 4 or 16 bytes. */
static struct slice get_address(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct addr *a = &own(tx)->at;

	return n == 0 && a->family != 0 ? (struct slice){a->b, addr_bytes(a)} : none;
}

static bool is_there(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return true;
}

static const struct app_word modes[] = {{"passive", 0}, {"active", 1}, {0}};
static const struct app_word yes_no[] = {{"no", 0},   {"off", 0}, {"false", 0}, {"yes", 1},
					 {"true", 1}, {"on", 1},  {0}};

#define TEXT(field, dir, getter, text)                                                             \
	{                                                                                          \
		.name = (field), .dirs = 1u << (dir), .stage = FTP_DONE - 1, .growing = true,      \
		.multi = true, .get = (getter), .whole = is_there, .doc = (text)                   \
	}
#define NUMBER(field, getter, names, text)                                                         \
	{                                                                                          \
		.name = (field), .dirs = 1u << APP_TO_SERVER, .stage = FTP_DONE - 1,               \
		.get = (getter), .kind = APP_NUMBERS, .words = (names), .doc = (text)              \
	}

const struct app_field app_ftp_fields[] = {
	TEXT("ftp.command", APP_TO_SERVER, get_command, "The command, in capital letters."),
	TEXT("ftp.command_data", APP_TO_SERVER, get_argument, "What stands behind the command."),
	TEXT("ftp.reply", APP_TO_CLIENT, get_reply, "Each line of the answer, without its code."),
	TEXT("ftp.completion_code", APP_TO_CLIENT, get_code, "Each code of the answer."),
	TEXT("ftp.port_address", APP_TO_SERVER, get_address,
	     "The address that PORT or EPRT named, as bytes; for ftpbounce."),
	NUMBER("ftp.dynamic_port", get_port, NULL, "The port agreed on for data."),
	NUMBER("ftp.mode", get_mode, modes, "Who opens the data connection: active, passive."),
	NUMBER("ftp.reply_received", get_received, yes_no, "Whether the command was answered."),
	{0},
};

/* ---- the record ---- */

static void put_codes(struct json *j, const struct ftp_tx *o)
{
	bool any = false;

	for (size_t i = 0; i < o->reply_count; i++) {
		if (o->replies[i].code.len == 0)
			continue;
		if (!any) {
			json_key(j, "completion_code");
			json_array(j);
		}
		any = true;
		json_str(j, o->replies[i].code);
	}
	if (any)
		json_end(j);
}

static void put_replies(struct json *j, const struct ftp_tx *o)
{
	if (o->reply_count == 0)
		return;
	put_codes(j, o);
	json_key(j, "reply");
	json_array(j);
	for (size_t i = 0; i < o->reply_count; i++)
		if (o->replies[i].text.len != 0)
			json_str(j, o->replies[i].text);
	json_end(j);
}

bool app_ftp_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct ftp_tx *o = own(tx);
	struct buf text = buf_in(scratch);
	struct json j = json_in(&text);

	if (n != 0)
		return false;
	json_object(&j);
	if (o->command != NULL) {
		json_key(&j, "command");
		json_z(&j, o->command);
	}
	if (argument(o).len != 0) {
		json_key(&j, "command_data");
		json_str(&j, argument(o));
	}
	json_member_bool(&j, "command_truncated", o->line_cut);
	put_replies(&j, o);
	if (o->port != 0) {
		json_key(&j, "dynamic_port");
		json_u64(&j, o->port);
	}
	if (o->code == FTP_PORT || o->code == FTP_EPRT || o->code == FTP_PASV ||
	    o->code == FTP_EPSV) {
		json_key(&j, "mode");
		json_z(&j, o->active ? "active" : "passive");
	}
	json_key(&j, "reply_received");
	json_z(&j, o->answered ? "yes" : "no");
	json_member_bool(&j, "reply_truncated", o->reply_cut);
	json_end(&j);
	r->making.with_tx_id = true;
	return !text.full && record_object(r, scratch, "ftp", buf_slice(&text));
}
