/* SPDX-License-Identifier: Apache-2.0
 *
 * MIME messages as mail carries them: RFC 5322 2.2 (headers, folding), RFC 2045 (transfer
 * encodings, parameters), RFC 2046 5.1 (multipart), RFC 2183 (Content-Disposition), RFC 2231
 * (parameters in sections, with a character set).
 *
 * A message is given line by line, long lines in pieces, and gives parts that have a name, decoded,
 * to a sink. Multiparts may stand in multiparts; a message in a message (message/rfc822) is read as
 * one more part with headers of its own, so that what hides in it is seen. Everything is bounded;
 * what is past a bound is left out, never guessed.
 *
 * What Suricata 8 leaves as it came is left so here too: header values keep their encoded words
 * (RFC 2047), quoted parameters their backslashes.
 */
#ifndef DEW_SENSOR_APP_MIME_PRIV_H
#define DEW_SENSOR_APP_MIME_PRIV_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "crypto/crypto.h"

enum {
	MIME_HEADERS_MAX = 256,	     /* of one message, and of one part */
	MIME_VALUE_MAX = 16 << 10,   /* bytes of one header's value, unfolded */
	MIME_KEPT_MAX = 512 << 10,   /* bytes of headers and names kept of one message */
	MIME_DEPTH_MAX = 16,	     /* multiparts in multiparts, messages in messages */
	MIME_NAME_MAX = 255,	     /* bytes of an attachment's name: Suricata's */
	MIME_BOUNDARY_MAX = 254,     /* a longer one is an anomaly: Suricata's; RFC 2046 says 70 */
	MIME_HEADER_NAME_LONG = 75,  /* RFC 2045 6.8's 76 with the colon */
	MIME_HEADER_NAME_MAX = 4096, /* a line without a colon so far is no header */
	MIME_HEADER_VALUE_LONG = 2000, /* Suricata's */
	MIME_LINE_LONG = 998,	       /* RFC 5322 2.1.1 */
	MIME_ENCODED_LINE_LONG = 76,   /* RFC 2045 6.7 (5), 6.8 */
	MIME_ATTACHMENTS_MAX = 64,     /* names kept for the record */
	MIME_URLS_MAX = 256,
	MIME_URL_LINE_MAX = 8192, /* decoded bytes in which an address may lie */
	MIME_SCHEMES_MAX = 16,
};

/* Least bytes of a line's first piece, if more follow: "--", the longest boundary, "--". */
enum { MIME_PIECE_MIN = 2 + MIME_BOUNDARY_MAX + 2 };

enum mime_anomaly { /* bits of app_mime.anomalies */
		    MIME_INVALID_BASE64 = 1 << 0,
		    MIME_INVALID_QP = 1 << 1,
		    MIME_LONG_LINE = 1 << 2,
		    MIME_LONG_ENC_LINE = 1 << 3,
		    MIME_LONG_HEADER_NAME = 1 << 4,
		    MIME_LONG_HEADER_VALUE = 1 << 5,
		    MIME_LONG_BOUNDARY = 1 << 6,
		    MIME_LONG_FILENAME = 1 << 7,
};

struct app_mime_options {
	bool base64, quoted_printable; /* undo these encodings */
	bool urls;		       /* look for addresses in text */
	bool url_schemes_kept;	       /* "http://a" rather than "a" */
	bool body_md5;
	const struct slice *schemes; /* "http://"; lower case */
	size_t scheme_count;	     /* at most MIME_SCHEMES_MAX */
};

/* What the parts with a name are given to. open and close come in pairs. */
struct app_mime_sink {
	void *ctx;
	void (*open)(void *ctx, struct slice name);
	void (*data)(void *ctx, struct slice bytes);
	void (*close)(void *ctx);
};

struct app_mime_header {
	struct slice name, value; /* unfolded, else as they came */
};

enum app_mime_state {
	MIME_START, /* in front of a part's headers */
	MIME_HEADERS,
	MIME_BODY,
	MIME_ENDED,
};

struct app_mime {
	const struct app_mime_options *options;
	struct app_mime_sink sink;
	struct arena *arena; /* the message's memory: borrowed */
	enum app_mime_state state;
	/* The headers of the message, then those of the part being read. */
	struct app_mime_header *headers;
	size_t header_count, header_room, main_headers;
	size_t kept;	  /* bytes of headers, names and boundaries in the arena */
	bool main_done;	  /* main_headers is final */
	struct buf value; /* of the header being read */
	struct slice name;
	struct slice boundaries[MIME_DEPTH_MAX]; /* "--...", the outermost first */
	uint8_t depth;
	struct slice attachments[MIME_ATTACHMENTS_MAX];
	size_t attachment_count;
	struct slice urls[MIME_URLS_MAX];
	size_t url_count;
	struct buf text; /* decoded bytes of an unfinished line, for addresses */
	/* the part */
	bool open;     /* it has a name, the sink has it */
	bool readable; /* text: addresses are looked for */
	bool message;  /* message/rfc822 */
	enum { MIME_PLAIN, MIME_BASE64, MIME_QP } encoding;
	uint8_t quad[4], quads;	    /* base64: characters of an unfinished group */
	uint8_t escape[2], escapes; /* quoted-printable: an unfinished "=X" */
	uint8_t end[2], ends;	    /* plain: a line end that may belong to the boundary */
	/* the line */
	bool in_line;
	bool in_boundary; /* its first piece was one */
	size_t line_bytes;
	enum { MIME_LINE_NAME, MIME_LINE_SPACE, MIME_LINE_VALUE, MIME_LINE_NOTHING } line_is;
	struct buf label; /* of a line in front of the body: the bytes before its colon */
	struct crypto_md5 md5;
	uint8_t body_md5[CRYPTO_MD5_BYTES];
	enum { MIME_MD5_NONE, MIME_MD5_ON, MIME_MD5_DONE } md5_state;
	uint32_t anomalies; /* since the reader last cleared them */
};

void app_mime_start(struct app_mime *m, const struct app_mime_options *o, struct app_mime_sink sink,
		    struct arena *a);

/* A piece of a line with `end` bytes of its end (0: the line goes on, 1: LF, 2: CR LF) behind the
 * piece's bytes. Of a line in pieces, the first must have at least MIME_PIECE_MIN bytes. */
void app_mime_line(struct app_mime *m, struct slice piece, uint8_t end);

/* The message is over. */
void app_mime_end(struct app_mime *m);

/* Value number n of the message's headers of that name (lower or upper case); ptr NULL: none. */
struct slice app_mime_header(const struct app_mime *m, struct slice name, unsigned n);

/* A parameter of a header's value ("form-data; name=a"): RFC 2045 5.1, sections and character sets
 * of RFC 2231 put together. ptr NULL: none. Built in a if it must be. */
struct slice app_mime_param(struct slice value, struct slice name, struct arena *a);

/* Decodes a piece of a part's body: calls m->sink and looks for addresses (mime_decode.c). */
void app_mime_decode(struct app_mime *m, struct slice piece, uint8_t end);
/* The part ends: what the decoder held back. */
void app_mime_decode_end(struct app_mime *m);

#endif
