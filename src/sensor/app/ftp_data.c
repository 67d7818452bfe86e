/* SPDX-License-Identifier: Apache-2.0
 *
 * FTP's data connections: RFC 959 3. Nothing in their bytes says what they are; a flow is one only
 * if the control connection expected it (ftp.c), which also says the file's name and its way. One
 * transaction, one file.
 */
#include "base/json.h"
#include "sensor/app/ftp_priv.h"

enum { RETR = 1, STOR = 2 };

struct data_tx {
	struct slice name;
	bool store;
	uint64_t command;
};

struct ftp_data {
	struct app_tx *tx; /* NULL: not begun, or over */
	struct file *file; /* NULL: no memory */
	bool begun;
};

static enum app_dir dir_of(const struct app_flow *f)
{
	return f->given.len > offsetof(struct ftp_transfer, to_client) &&
			       f->given.ptr[offsetof(struct ftp_transfer, to_client)] != 0
		       ? APP_TO_CLIENT
		       : APP_TO_SERVER;
}

static bool begin(struct app_flow *f, enum app_dir dir)
{
	struct ftp_data *s = f->parser;
	struct data_tx *o;

	s->begun = true;
	s->tx = app_tx_new(f, sizeof(struct data_tx));
	if (s->tx == NULL)
		return false;
	o = s->tx->data;
	o->store = f->given.ptr[offsetof(struct ftp_transfer, store)] != 0;
	o->command = o->store ? STOR : RETR;
	o->name = arena_copy(&s->tx->arena,
			     slice_from(f->given, offsetof(struct ftp_transfer, name)));
	s->file = app_file_open(f, s->tx, dir, o->name);
	app_tx_advance(s->tx, dir == APP_TO_SERVER ? APP_TO_CLIENT : APP_TO_SERVER, FTP_DONE);
	return true;
}

static struct app_result parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof)
{
	struct ftp_data *s = f->parser;

	if (dir != dir_of(f) || f->given.len < offsetof(struct ftp_transfer, name))
		return (struct app_result){APP_OK, input.len};
	if (!s->begun && input.len != 0 && !begin(f, dir))
		return (struct app_result){APP_STUCK, input.len};
	if (s->file != NULL)
		file_data(s->file, input);
	if (eof && s->tx != NULL) {
		if (s->file != NULL)
			file_close(s->file, FILE_CLOSED);
		app_tx_advance(s->tx, dir, FTP_DONE);
		s->tx = NULL;
		s->file = NULL;
	}
	return (struct app_result){APP_OK, input.len};
}

static bool gap(struct app_flow *f, enum app_dir dir, uint64_t missing)
{
	struct ftp_data *s = f->parser;

	if (dir == dir_of(f) && s->file != NULL)
		file_gap(s->file, missing);
	return true;
}

static enum app_probe probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			    bool port_hint)
{
	return APP_NO;
}

static struct slice get_command(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct data_tx *o = tx->data;

	return n == 0 ? app_number(&o->command) : (struct slice){NULL, 0};
}

static const struct app_word words[] = {{"retr", RETR}, {"stor", STOR}, {0}};

static const struct app_field fields[] = {
	{.name = "ftpdata_command",
	 .dirs = 1u << APP_TO_SERVER | 1u << APP_TO_CLIENT,
	 .stage = FTP_DONE - 1,
	 .get = get_command,
	 .kind = APP_NUMBERS,
	 .words = words,
	 .doc = "The command that the data connection serves: retr, stor."},
	{0},
};

static bool log_data(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct data_tx *o = tx->data;
	struct buf text = buf_in(scratch);
	struct json j = json_in(&text);

	if (n != 0)
		return false;
	json_object(&j);
	json_key(&j, "filename");
	json_str(&j, o->name);
	json_key(&j, "command");
	json_z(&j, o->store ? "STOR" : "RETR");
	json_end(&j);
	return !text.full && record_object(r, scratch, "ftp_data", buf_slice(&text));
}

APP_PROTOCOL(ftp_data) = {
	.name = "ftp-data",
	.spec = "RFC 959 3",
	.transports = APP_TCP,
	.fields = fields,
	.files = 1u << APP_TO_SERVER | 1u << APP_TO_CLIENT,
	.complete = {FTP_DONE, FTP_DONE},
	.parser_bytes = sizeof(struct ftp_data),
	.probe = probe,
	.parse = parse,
	.gap = gap,
	.log = log_data,
};
