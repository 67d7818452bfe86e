/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/app/app.h - application protocols: what they are, who speaks them, what was said.
 *
 * A protocol is one const struct app_protocol in one file, named app_<name>, and one word in
 * app_protocols of meson.build. Everything else that has a list of protocols (the prober, the rule
 * language's buffers, the event log, the fuzz targets, `dewline list protocols`) walks
 * app_protocols[] and knows no protocol by name.
 *
 * A parser is a pure function: bytes and its own state in, transactions and anomalies out. It never
 * sees a packet, a socket, a clock or another flow. Worker's thread only. Any chunking of the same
 * bytes gives the same transactions.
 *
 *   probing     first bytes of either direction go to every protocol of that transport; a protocol
 *               says YES, NO or MORE. Patterns first, then by port where the bytes do not decide.
 *   parsing     app_data() keeps what the parser has not eaten yet and offers it again with more.
 *   reading     a transaction ("tx") has per direction a progress that only grows; a field is final
 *               once progress has passed field.stage, growing (bodies) before it.
 *   ending      app_end() completes what is open; done transactions are freed by app_tx_sweep().
 */
#ifndef DEW_SENSOR_APP_H
#define DEW_SENSOR_APP_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "record/record.h"
#include "sensor/config/config.h"
#include "sensor/file/file.h"

enum app_dir { APP_TO_SERVER, APP_TO_CLIENT }; /* same values as enum flow_dir */

enum {
	APP_STAGE_COMPLETE = 255, /* of a field: final when the direction is complete */
	APP_EXPECTED_MAX = 4,	  /* flows announced by one piece of bytes; more are not expected */
	APP_EXPECTED_BYTES = 4104,
	APP_PROTOCOLS_MAX = 64, /* rows of app_protocols[]: bits of a uint64_t */
	APP_FIELDS_MAX = 128,	/* rule buffers and numbers of one protocol */
	APP_ANOMALIES_MAX = 64,
	APP_PROBE_BYTES_MAX = 2048, /* probing gives up after so many bytes in a direction */
	APP_PROBE_HELD_MAX =
		16384,	     /* unrecognised bytes kept while the other direction is silent */
	APP_TURNS_MAX = 64,  /* of held bytes; those behind them lose their order */
	APP_REPLAYS_MAX = 4, /* protocols that begin while held bytes are gone through */
	APP_HELD_BYTES_MAX =
		1 << 20,    /* a parser that has eaten nothing of so many bytes is stuck */
	APP_TXS_MAX = 1024, /* open transactions of one flow; more is an anomaly */
};

struct app_tx;
struct app_protocol;
struct detect_tx;

/* YES_OTHER: it is, but these are words of the other direction. */
enum app_probe { APP_NO, APP_NEED_MORE, APP_YES, APP_YES_OTHER };

/* May a flow be swapped, its client become its server, when its first bytes show that? */
enum app_swap {
	APP_SWAP_NEVER,	 /* who is the client is known */
	APP_SWAP_SURE,	 /* if the bytes say whose they are */
	APP_SWAP_PICKED, /* its beginning was not seen: also if only the other direction's words fit
			  */
};

enum app_transport { APP_TCP = 1, APP_UDP = 2 }; /* bits */

/* A number's name in rules: {"publish", 3}. */
struct app_word {
	const char *name;
	uint64_t value;
};

/* The first name of value in words, which {0} ends; NULL: it has none. */
const char *app_word_name(const struct app_word *words, uint64_t value);

/* What the bytes of a field are. Of NUMBERS and FLAGS they are an array of uint64_t in the
 * machine's order, all values of the transaction (get is asked with n = 0 only): the field is a
 * keyword with a value, "mqtt.type:publish", "enip_command:>99". Of FLAGS the words are bits:
 * "mqtt.flags:dup,!retain".
 */
enum app_kind { APP_BYTES, APP_NUMBERS, APP_FLAGS };

/* One rule buffer: "http.uri". A growing field (bodies) may be read before it is final. */
struct app_field {
	const char *name; /* as rules write it, e.g. "http.uri", "dns.query", "tls.sni" */
	uint8_t dirs;	  /* bit APP_TO_SERVER, bit APP_TO_CLIENT: where it can stand */
	uint8_t stage;	  /* final once tx->progress[dir] > stage; APP_STAGE_COMPLETE: at its end */
	bool growing;	  /* may be looked at while it grows */
	bool multi;	  /* has several values: ask n = 0, 1, 2... until ptr is NULL */
	/* Value number n (0 unless multi) in direction dir. ptr NULL: absent. ptr set with len 0:
	 * empty. Slices live as long as the tx. May build in tx->arena once, when first asked.
	 */
	struct slice (*get)(struct app_tx *tx, enum app_dir dir, unsigned n);
	const char *doc; /* one sentence */
	enum app_kind kind;
	const struct app_word *words; /* of numbers; ended by name == NULL; NULL: none */
	/* growing and multi: value n will not change any more. NULL: it may until stage is passed.
	 */
	bool (*whole)(struct app_tx *tx, enum app_dir dir, unsigned n);
	bool with_ends; /* of numbers: "3-4" in a rule means 3 and 4, not what lies between */
};

/* One number as the bytes of a field; *v must live as long as the transaction. */
static inline struct slice app_number(const uint64_t *v)
{
	return (struct slice){(const uint8_t *)v, sizeof *v};
}

struct app_tx {
	uint64_t id;		 /* 0, 1, 2... in its flow */
	uint8_t dirs;		 /* bit app_dir: whose words it is; 0: it has both sides */
	uint8_t progress[2];	 /* 0 = nothing yet; >= protocol.complete[dir] = all */
	uint64_t anomalies;	 /* bit i: app_protocol.anomalies[i] */
	uint64_t anomalies_said; /* those that an event was written about */
	struct arena arena;	 /* the transaction's memory */
	void *data;		 /* the protocol's own */
	bool little;		 /* rules' "dce": its numbers are little-endian */
	bool logged;		 /* the record was written, or a rule wants none */
	uint64_t exchange; /* question and answer that are two transactions share it; 0: none */
	uint8_t named_by_alerts; /* that are not about it by themselves */
	/* Its parser may add to it though it is complete: not swept, unless app_protocol.let_go. */
	bool pinned;
	bool awaited;  /* a rule would ask it again if something were added */
	uint8_t blind; /* bit app_dir: it has no part there, rules do not look */
	/* Per direction, a message of a protocol whose fields others have too (app_dns_fields[]):
	 * theirs of tx->data are not; NULL: none. In tx->arena. */
	const void *carried[2];
	struct file_set files[2]; /* it carries, per direction: app_file_open() */
	struct detect_tx *detect; /* sensor/detect's own, in tx->arena */
	struct app_tx *next;
};

/* A piece of a direction's bytes that has a name: "smtp.command_line", "http2.hdr". Rules (frame:)
 * look at its bytes, EVE (frame) may say it. A protocol's parser opens it; its bytes are kept only
 * while somebody wants them. Every protocol with frames also has "stream": all of a direction. */
struct app_frame {
	uint64_t id;	/* 1, 2, 3... in its flow */
	uint64_t start; /* offset of its first byte in the direction */
	int64_t len;	/* -1: not known yet */
	uint64_t seen;	/* rules have looked at it up to this offset */
	uint64_t held;	/* whose of them held in front of a hole, for detect */
	uint64_t tx_id;
	bool has_tx;
	bool ended;   /* no more of it will come, whatever len says */
	bool logged;  /* its event was written */
	uint8_t type; /* index in app_protocol.frames; APP_FRAME_STREAM */
};

enum {
	APP_FRAME_STREAM = 255,
	APP_FRAMES_MAX = 64,		/* not done yet, of one direction; more are not opened */
	APP_FRAME_BYTES_MAX = 64 << 10, /* kept of a direction; of longer frames the first are lost
					 */
	APP_FRAME_CHUNK = 2500,		/* bytes of an unfinished frame before rules look at them */
};

enum { APP_FRAMES_FOR_RULES = 1, APP_FRAMES_FOR_LOG = 2 }; /* bits of app_setup.frames */

/* The frames of one direction that are not done, oldest first. */
struct app_frames {
	struct app_frame items[APP_FRAMES_MAX];
	uint32_t count;
	uint64_t base;	  /* offset of the first byte kept */
	struct buf bytes; /* of the direction, behind `gone` that are kept no more */
	size_t gone;
	struct arena arena;
};

/* A place in a transaction's progress that a rule's header may name: "tls:client_hello_done". Every
 * protocol has request_started, request_complete, response_started and response_complete. */
struct app_hook {
	const char *name;
	enum app_dir dir;
	uint8_t progress; /* reached once tx->progress[dir] is at least this */
};

/* A flow that is to come: between the same two hosts, its server's port known beforehand. */
struct app_expected {
	const char *protocol; /* as app_protocol.name */
	uint16_t port;
	uint16_t bytes;
	uint8_t data[APP_EXPECTED_BYTES]; /* what its parser will find in app_flow.given */
};

/* What is odd about who speaks what in a flow, whatever the protocol: bits of app_flow.events.
 * Rules name them without a protocol: "app-layer-event:applayer_...". */
enum app_event {
	APP_EVENT_MISMATCH,	   /* the two directions speak different protocols */
	APP_EVENT_WRONG_DIRECTION, /* the side spoke first that must not in this protocol */
	APP_EVENT_ONE_DIRECTION,   /* what the other direction sends is of no protocol */
	APP_EVENT_SKIPPED,	   /* one side said too much that is of no protocol */
	APP_EVENT_NO_TLS,	   /* TLS was agreed on and something else came */
	APP_EVENT_UNEXPECTED,	   /* one protocol was agreed on and another came */
	APP_EVENTS
};

extern const char *const app_events[]; /* their names; NULL-terminated */

struct app_expects {
	struct app_expected items[APP_EXPECTED_MAX];
	uint32_t count;
};

enum app_flow_state { APP_PROBING, APP_PARSING, APP_GIVEN_UP };

enum { APP_PORT_RANGES_MAX = 64, APP_SILENCED_MAX = 16 };

/* The ports of one protocol as `detection-ports` has them: "139, 445", "5900:5909". */
struct app_ports {
	struct {
		uint16_t least, most;
	} ranges[APP_PORT_RANGES_MAX];
	uint32_t count;
};

/* What one direction said, lost and ended, while the protocol was not known, before the other spoke
 * again: in this order. */
struct app_turn {
	uint64_t lost;	/* bytes missing before those held */
	uint32_t bytes; /* of held[dir] */
	uint8_t dir;
	bool eof;
};

struct app_turns {
	struct app_turn *items; /* in the flow's arena */
	uint32_t count, room;
};

/* The settings of all protocols: made once from the configuration, then immutable and shared. */
struct app_setup {
	uint64_t off;	      /* bit i: app_protocols[i] is not even recognised */
	uint64_t off_over[2]; /* the same, over TCP only, over UDP only */
	const struct app_ports *ports[APP_PROTOCOLS_MAX][2]; /* over TCP, UDP; NULL: its own */
	uint64_t detect_only;				     /* bit i: recognised, not parsed */
	const void *of[APP_PROTOCOLS_MAX];		     /* what app_protocol.configure gave */
	uint8_t frames; /* who wants them; 0: no frame is ever opened */
	bool hassh;	/* rules look at SSH's fingerprints */
	bool keep_last; /* alerts may name a transaction that is over: no pinned one is let go of */
	/* The worker's own, changed by its flows; NULL: files that come in ranges stay so. */
	struct app_ranges *ranges;
	struct file_setup files;
};

/* Files that several flows carry in ranges, put together when all of them came: one of a worker, in
 * a, its memory a share of `whole`. NULL: no memory. It must be freed before `whole` is drained. */
MUST_USE struct app_ranges *app_ranges_new(struct config *config, struct arena_pool *whole,
					   struct arena *a);
/* Gives up what nothing was added to for too long. Cheap to ask often. */
void app_ranges_expire(struct app_ranges *r, int64_t now_ns);
void app_ranges_free(struct app_ranges *r);

/* config may be NULL: Suricata's defaults. NULL: no memory. Lives in a. */
MUST_USE struct app_setup *app_setup_new(struct config *config, struct arena *a);
/* What the configuration wants done with files; what rules want comes on top (app_files.c). */
void app_files_configure(struct file_setup *s, struct config *config, struct arena *a);

/* Bytes of a direction that its parser has not eaten. It lies in its own arena. */
struct app_held {
	struct arena arena;
	struct buf bytes; /* never empty */
};

/* There are as many as flows that speak: its members are in an order without holes, and what most
 * of them need for a moment only is made then. With the head of a block of memory it has 320 bytes.
 */
struct app_flow {
	const struct app_protocol *protocol; /* NULL until known */
	const struct app_protocol *before;   /* the one that app_change() ended; NULL: none */
	const char *expected;		     /* what it said would follow; NULL: it did not */
	struct slice given;		     /* what app_begin() was given, in the flow's arena */
	struct app_expects *expects;	     /* app_expect(): NULL or taken away by the worker */
	const struct app_protocol *agreed;   /* which; NULL: it is probed */
	const struct app_setup *setup;
	const void *own; /* the settings of its protocol, as its configure() made them */
	void *parser;	 /* the protocol's state, parser_bytes zeroed, in the flow's arena */
	struct app_tx *first, *last; /* open transactions, oldest first */
	uint64_t next_tx_id;
	/* APP_SILENCED_MAX exchanges whose answer has no event; 0: free. NULL: none yet */
	uint64_t *silenced;
	uint64_t anomalies; /* of the flow, not of one tx: bit i of protocol.anomalies */
	uint64_t anomalies_said;
	uint64_t consumed[2]; /* bytes eaten so far, per direction */
	/* What the bytes of each direction said; NULL: nothing (yet), or not asked. The first is
	 * the flow's protocol, the other may differ. */
	const struct app_protocol *told[2];
	struct buf *heard; /* the first bytes of who is still to be asked, while they do not decide;
			    * NULL: none */
	struct app_held *held[2];     /* NULL: nothing is */
	struct app_turns turns;	      /* while probing: in which order they came */
	struct app_frames *frames[2]; /* NULL: none were opened */
	uint64_t next_frame_id;
	struct arena *arena; /* the flow's */
	struct arena_pool *pool;
	uint32_t want[2]; /* app_result.want, of what is held */
	uint32_t open_txs;
	enum app_flow_state state;
	enum app_swap swap;	/* the worker says so before the first bytes */
	enum app_dir first_dir; /* who spoke first */
	uint16_t client_port, server_port;
	uint8_t transport;    /* APP_TCP or APP_UDP */
	uint8_t events;	      /* bits of enum app_event since the worker last took them */
	uint8_t files_wanted; /* bit app_dir: a rule wants its files of that direction stored */
	uint8_t replays;      /* of what was held, so many within each other */
	bool changing;	      /* from the next bytes on it is another one */
	bool swapped;	      /* it was, and the worker has not taken note: app_swap_take() */
	bool listening;	      /* the direction that did not tell first is still to be asked */
	bool detect_only;     /* by configuration: recognised, not parsed */
	bool again;	      /* the bytes at hand were listened to before */
	bool stop_inspecting; /* e.g. TLS after the handshake: bytes no longer are worth looking at
			       */
	bool eof[2];
	bool probed[2];	 /* probing of that direction has ended without a YES */
	bool or_line[2]; /* app_result.or_line, of what is held */
	bool joined[2];	 /* held bytes have a gap in them: they are no frame */
};

/* Bytes of a direction that its parser has not eaten. */
static inline size_t app_held_bytes(const struct app_flow *f, enum app_dir dir)
{
	return f->held[dir] != NULL ? f->held[dir]->bytes.len : 0;
}

struct app_result {
	enum {
		APP_OK,
		APP_STUCK
	} verdict;   /* STUCK: not, or no longer, the protocol: stop parsing the flow */
	size_t used; /* bytes eaten, 0 <= used <= input.len; the rest comes again with more behind
			it */
	/* Nothing can be said before so many bytes of the rest are there, or the direction ends; or
	 * before, if or_line, a CR or LF is among those to come. 0: any byte may do. For parsers
	 * that would read the rest from its beginning each time. */
	size_t want;
	bool or_line;
};

struct app_protocol {
	const char *name; /* as rules write it: "http" */
	const char *spec; /* the documents the parser follows */
	uint8_t transports;
	const uint16_t
		*ports; /* 0-terminated: where probing may trust weak evidence; NULL = none */
	const struct app_field *fields; /* terminated by name == NULL */
	const struct app_field *more;	/* of a protocol that it carries; NULL: none */
	uint8_t files; /* bit app_dir: its transactions carry files, and have app_file_fields[] */
	const char *const *anomalies; /* NULL-terminated; rules: app-layer-event:<name>.<anomaly> */
	const struct app_hook *hooks; /* terminated by name == NULL; NULL: the common ones only */
	const char *const *frames;    /* NULL-terminated; rules: frame:<name>.<frame>; NULL: none */
	const struct app_word *synonyms; /* other names of anomalies: their bits; NULL: none */
	uint8_t speaks_first;		 /* bit app_dir: who may; 0: either */
	uint8_t complete[2];		 /* progress at which a direction of a tx is complete */
	size_t parser_bytes;		 /* size of the parser's state */
	/* input: the first bytes of the direction, or one datagram. YES and NO must stay what they
	 * are when more bytes follow. */
	enum app_probe (*probe)(const struct app_flow *f, enum app_dir dir, struct slice input,
				bool port_hint);
	/* NULL for a protocol that is only recognised (then bytes are not held). input: all bytes
	 * not eaten yet. eof: no more will come in this direction. */
	struct app_result (*parse)(struct app_flow *f, enum app_dir dir, struct slice input,
				   bool eof);
	/* `missing` bytes are lost at this point of the direction. Returns false if it cannot be
	 * read any further: then it ends here, and the other direction goes on. */
	bool (*gap)(struct app_flow *f, enum app_dir dir, uint64_t missing);
	/* May tx go, which is pinned, but complete, looked at and logged, and which no rule awaits?
	 * True: the parser has forgotten it. What it would have said of it later, it says by
	 * app_tx_again(). NULL: it may not. */
	bool (*let_go)(struct app_flow *f, const struct app_tx *tx);
	/* Asked before gap(): is what comes behind read as if nothing were missing? NULL: no. */
	bool (*gap_joins)(const struct app_flow *f, enum app_dir dir);
	/* Behind a gap it looks for a message where a piece of the stream begins, as Suricata does:
	 * what it finds then depends on how the stream was cut. */
	bool resumes_by_piece;
	/* Rules on the stream look at it in chunks whatever its transactions do, as Suricata has it
	 * for this protocol; else they also look whenever a transaction is complete. */
	bool stream_in_chunks;
	/* Fills kind and u of r, or calls record_object(), for tx; false: nothing to log. Called
	 * with n = 0, 1, 2... until it returns false (DNS: query, then answer): for a complete tx
	 * when its event is written, and before that for every alert about it, so it says what is
	 * there so far. What it writes lives in scratch. r->making says for whom, and takes what
	 * else the event needs. */
	bool (*log)(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);
	/* Is the event to be written now, though tx may not be complete? NULL: when it is. */
	bool (*ready)(const struct app_flow *f, const struct app_tx *tx);
	bool judged; /* detectors of behaviour want what log says, too, whatever is written */
	/* What an eve-log asks of the protocol's event, from its node there (outputs.eve-log.types.
	 * <name>, NULL: Suricata's defaults), in a; NULL on no memory. NULL: nothing to ask. */
	const void *(*log_configure)(struct config *root, struct config *node, struct arena *a);
	/* The protocol's settings, in a; NULL on no memory. config is the whole tree (its own node
	 * is app-layer.protocols.<name>), or NULL: defaults. NULL: it has none. */
	const void *(*configure)(struct config *config, struct arena *a);
};

/* Opens the definition of protocol `name`; the file is name.c and the word in meson.build name. */
#define APP_PROTOCOL(name)                                                                         \
	extern const struct app_protocol app_##name;                                               \
	const struct app_protocol app_##name

extern const struct app_protocol *const app_protocols[]; /* NULL-terminated */

/* file.data and file.name of protocols that carry files, unless they have rows of that name. */
extern const struct app_field app_file_fields[];

const struct app_protocol *app_find(struct slice name); /* NULL if there is none */
/* Its place in app_protocols; APP_PROTOCOLS_MAX if it is not there, or NULL. */
unsigned app_protocol_index(const struct app_protocol *p);

/* The field a rule names ("http.uri"), and its protocol, NULL for one of app_file_fields[]. NULL if
 * there is none. */
const struct app_field *app_field_find(struct slice name, const struct app_protocol **out_protocol);

/* A flow's state in its own arena; data memory from pool. NULL if the budget is spent. */
MUST_USE struct app_flow *app_flow_new(struct arena *flow, struct arena_pool *pool,
				       const struct app_setup *setup, uint8_t transport,
				       uint16_t client_port, uint16_t server_port);

/* Bytes of a direction, in order (TCP), or one datagram (UDP). */
void app_data(struct app_flow *f, enum app_dir dir, struct slice bytes);
void app_gap(struct app_flow *f, enum app_dir dir, uint64_t missing);
void app_eof(struct app_flow *f, enum app_dir dir);

/* The end of a direction was not its end. What a parser was told stays told; before the protocol is
 * known, and if nothing was said, it is as if there had been no end. */
void app_again(struct app_flow *f, enum app_dir dir);

/* After app_change(), bytes of the next protocol are there already: app_change_now() starts it, and
 * frees all transactions, which were looked at and logged. */
bool app_change_due(const struct app_flow *f);
void app_change_now(struct app_flow *f);

/* Did the last bytes swap the flow? Until this was asked, directions given to app_data(),
 * app_gap() and app_eof() are those from before; then the new ones. */
bool app_swap_take(struct app_flow *f);

/* Ends all transactions and gives their memory back; f is dead after it. Call app_eof() for both
 * directions, look at and log the transactions, before. */
void app_flow_end(struct app_flow *f);

/* Frees finished transactions at the front: complete in both directions and, per `done`, looked at
 * and logged; and frames that are done. */
void app_tx_sweep(struct app_flow *f, bool (*done)(const struct app_tx *tx));

/* For parsers: a new open tx with data_bytes zeroed bytes at tx->data; NULL if budget or
 * APP_TXS_MAX is spent (give up the flow then). */
MUST_USE struct app_tx *app_tx_new(struct app_flow *f, size_t data_bytes);

/* For parsers: transaction `id` of the flow, which was let go of, comes back because something is
 * to be said of it: complete, logged, not looked at by rules, with data_bytes zeroed bytes of data
 * and nothing of what it held. Before all others. NULL as above. */
MUST_USE struct app_tx *app_tx_again(struct app_flow *f, uint64_t id, size_t data_bytes);

/* For parsers, within parse(): bytes at..at+len-1 of its input are a frame; they need not be there
 * yet. len -1: until app_frame_close(). tx may be NULL. Returns its id; 0 when nobody wants frames
 * or there are too many. */
uint64_t app_frame_open(struct app_flow *f, enum app_dir dir, uint8_t type, size_t at, int64_t len,
			const struct app_tx *tx);
/* The frame ends before byte `at` of the input. An id that is gone, or 0, does nothing. */
void app_frame_close(struct app_flow *f, enum app_dir dir, uint64_t id, size_t at);
/* What is kept of the frame's bytes from offset `from` on; empty: nothing (yet). */
struct slice app_frame_bytes(const struct app_flow *f, enum app_dir dir,
			     const struct app_frame *frame, uint64_t from);
/* The offset behind the last byte kept of the direction, which has frames. */
uint64_t app_frames_end(const struct app_flow *f, enum app_dir dir);
/* All its bytes are there, or no more will come. */
bool app_frame_is_whole(const struct app_flow *f, enum app_dir dir, const struct app_frame *frame);
/* Rules look at it in chunks, for it has no end yet or one too far away. */
bool app_frame_is_long(const struct app_frame *frame);
const char *app_frame_name(const struct app_protocol *p, const struct app_frame *frame);

/* For parsers: a file that tx carries in direction dir; file.h says how to go on. NULL: no memory.
 */
struct file *app_file_open(struct app_flow *f, struct app_tx *tx, enum app_dir dir,
			   struct slice name);

/* A flow that app_expect() announced: its protocol is known before its first byte. */
void app_begin(struct app_flow *f, const struct app_expected *e);

/* For parsers: a flow will come whose server's port is `port`; it speaks `protocol`, whose parser
 * gets `data` (at most APP_EXPECTED_BYTES). */
void app_expect(struct app_flow *f, const char *protocol, uint16_t port, struct slice data);

/* For parsers: the two ends agreed to speak another protocol from the next bytes on (STARTTLS):
 * all transactions end, and the bytes not eaten and those to come are probed. `expected` is the
 * name of what should follow. */
bool app_change(struct app_flow *f, const char *expected); /* false: a change is under way */
/* The same, where the next protocol is agreed on by name: it is not probed. A name that is not in
 * the table: what follows is not looked at. */
void app_change_to(struct app_flow *f, const char *name);

/* For parsers: what the flow speaks proves to be more than its protocol: another one, which has the
 * same parser and state, and transactions of the same form. They stay, and are its from now on.
 * False: the configuration does not want it. */
bool app_become(struct app_flow *f, const char *name);

/* A rule wants no event about the rest of an exchange, either; of many, the oldest is forgotten. */
void app_exchange_silence(struct app_flow *f, uint64_t exchange);
/* For parsers: tx belongs to exchange (not 0), which a rule may have silenced. */
void app_tx_exchange(struct app_flow *f, struct app_tx *tx, uint64_t exchange);

/* For parsers: direction dir of tx has come at least as far as `progress`. */
void app_tx_advance(struct app_tx *tx, enum app_dir dir, uint8_t progress);

#endif
