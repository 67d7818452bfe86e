/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/daemon.h - the jobs of a dewline process, put together from the rooms of the house.
 *
 *	daemon_config_load   suricata.yaml and --set -> one tree of settings
 *	daemon_rules_load    rule files -> compiled rules, and every problem named
 *	daemon_sense         captures -> records                                    (stages 1 and 2)
 *	daemon_live          interfaces -> records, until told to end
 *	daemon_collect       flows that others saw -> records
 *	daemon_watch         captures -> records -> log -> bulletin -> bundle       (the main job)
 *	daemon_bundle        what a data folder keeps of a bulletin -> a bundle, made again
 *	daemon_verify        bundle -> checks, and the verdicts computed again
 *	daemon_station       the key that seals: certified, revoked
 *	daemon_release       a bulletin, or the log, out of the house: listed, approved, written
 *	daemon_disclose      named fields of committed events -> a bundle, and grants to a reader
 *	daemon_expire        events and files past their clock -> gone, and a record that says so
 *
 * Everything that these need from the outside (files, keys, clock, threads) is asked for here and
 * handed down; the rooms themselves are pure. All of it runs on the calling thread, except that
 * rules are compiled on all cores. Memory: the caller's arena, which lives as long as the job.
 */
#ifndef DEW_DAEMON_H
#define DEW_DAEMON_H

#include "assess/bulletin/bulletin.h"
#include "base/arena.h"
#include "crypto/note.h"
#include "evidence/bundle/bundle.h"
#include "evidence/disclose/disclose.h"
#include "exchange/stix/stix.h"
#include "sensor/config/config.h"
#include "sensor/detect/detect.h"
#include "sensor/pipeline/pipeline.h"
#include "sensor/pipeline/stats.h"
#include "sensor/rule/rule.h"

/* Told from time to time how far the job is; never more often than ten times a second. */
struct daemon_tick {
	const char *stage;    /* "reading edge.pcap", "compiling rules" */
	uint64_t done, total; /* bytes; total 0: unknown */
	uint64_t packets;
	int64_t elapsed_ns; /* of this stage */
	bool finished;	    /* of this stage: the last tick about it */
};

struct daemon_progress { /* tick NULL: nobody wants to know */
	void *ctx;
	void (*tick)(void *ctx, const struct daemon_tick *t);
};

/* A file that the job loaded, with what is committed about it. */
struct daemon_file {
	struct slice name; /* base name */
	struct slice text; /* borrowed until the arena goes */
	uint8_t sha256[32];
};

struct daemon_rules {
	struct rule_set set; /* with problems, also those of compiling */
	struct detect_rules *compiled;
	struct daemon_file *files;
	size_t file_count;
	struct slice loaded_note; /* "24,801 rules, 26 not: ..." for a person */
	int64_t parse_ns, compile_ns;
};

/* Where the settings come from. */
struct daemon_config_source {
	const struct slice *files; /* paths of suricata.yaml; several: each over those before it;
				      none: what dewline does without one (default.yaml) */
	size_t file_count;
	const struct slice *sets; /* "stream.midstream=true"; a variable also as "HOME_NET=any" */
	size_t set_count;
};

/* One tree, which lives in a. Fails when a file cannot be read or is no configuration. */
MUST_USE enum status daemon_config_load(const struct daemon_config_source *src, struct arena *a,
					struct config **out, struct fail *why);

struct daemon_rules_source {
	/* suricata.yaml: variables, rule files, classifications; NULL: Suricata's variables alone.
	 */
	struct config *config;
	const struct slice *files; /* paths: these instead of those of the configuration */
	size_t file_count;
	const struct slice *more; /* paths: these as well */
	size_t more_count;
	const struct daemon_file *given; /* these as well: already read */
	size_t given_count;
	bool none;			   /* no rules, whatever the configuration says */
	bool always;			   /* compile also where there is not one rule file */
	const struct detect_rules *before; /* that they take the place of; NULL: none */
	struct slice data_dir;		   /* where relative names of state files start; "": see
					      daemon_data_dir() */
	struct slice classes;  /* path of a classification.config instead of the configuration's */
	struct slice home_net; /* expression for $HOME_NET, from the party's file, unless it was
				  given with --set; "": the configuration's */
};

/* A file of `files` or `more` that cannot be read is an error; bad rules, and a file of the
 * configuration that is not there, are problems of the set. Close with daemon_rules_close(). */
MUST_USE enum status daemon_rules_load(const struct daemon_rules_source *src,
				       const struct daemon_progress *progress, struct arena *a,
				       struct daemon_rules *out, struct fail *why);
/* The log folder: `given` (--log-dir), else the configuration's default-log-dir, else this one. */
struct slice daemon_log_dir(struct config *config, struct slice given);
/* The folder of files that sets are kept in: `given` (--data-dir), else the configuration's
 * default-data-dir, else `dir`, the log folder. */
struct slice daemon_data_dir(struct config *config, struct slice given, struct slice dir);
void daemon_rules_close(struct daemon_rules *r);

/* How often each keyword stopped a rule, most often first. */
struct daemon_keyword_count {
	struct slice keyword;
	uint64_t rules;
	bool known; /* what the rule says with it is wrong; else it is not supported */
};
size_t daemon_rules_unsupported(const struct daemon_rules *r, struct arena *a,
				struct daemon_keyword_count **out);

/* What became of one capture. */
struct daemon_capture {
	struct slice name; /* base name */
	uint8_t sha256[32];
	uint64_t bytes, packets;
	struct wall_ns first, last; /* of its packets; 0 if there are none */
	struct pipeline_counters counters;
	struct fail damage; /* status ST_OK: read to its end; else what broke off, and where */
	int64_t elapsed_ns;
	struct pipeline_stats *stats; /* if asked for: as they were at its end */
	struct detect_cost *costs;    /* if asked for: by rule */
	size_t cost_count;
};

/* Runs one capture through one worker. Fails when the file cannot be opened or is no capture; a
 * capture that breaks off is reported in out->damage, and all before it has gone to the sink. What
 * rules put into sets goes to `saved`, unless that is NULL. */
MUST_USE enum status daemon_sense(struct slice path, const struct pipeline_options *options,
				  const struct daemon_progress *progress,
				  struct detect_saved *saved, struct arena *a,
				  struct daemon_capture *out, struct fail *why);

/* Stages 1 and 2 alone: captures and rules in, <dir>/eve.json out (appended to, made if absent). */
struct daemon_sensor_options {
	const struct slice *captures; /* paths */
	size_t capture_count;
	struct daemon_rules_source rules;
	struct slice dir;		    /* "": the configuration's, or this folder */
	struct config *config;		    /* NULL: the code's defaults, and no tenants */
	struct daemon_config_source source; /* of `config`: read again for each tenant */
	bool init_errors_fatal;		    /* a bad rule is ST_REFUSED before the first packet */
	bool simulate_ips;		    /* decide on packets as if in the line */
	bool skip_checksums;
	bool profile; /* daemon_capture.costs */
	struct daemon_progress progress;
	void *ctx;
	void (*say)(void *ctx, const char *text); /* one line for the operator; NULL: no matter */
};

/* What flow export has come to (flow-export: of the configuration), of the station and its guests.
 */
enum { DAEMON_COLLECTORS_MAX = 4 };
struct daemon_export_counters {
	uint64_t told; /* records of flows */
	uint64_t full; /* of them: lost, because a worker's ring had no room */
	size_t collectors;
	struct daemon_collector_counters {
		struct slice name;		    /* "udp://192.0.2.1:4739" */
		uint64_t messages, records, octets; /* sent */
		uint64_t lost;			    /* records of flows that it did not take */
		uint64_t refused;  /* UDP: times that its machine said that nobody listens */
		uint64_t connects; /* transport sessions */
		bool connected;
	} collector[DAEMON_COLLECTORS_MAX];
};

struct daemon_sensor_result {
	struct daemon_capture *captures;
	size_t capture_count;
	struct daemon_rules rules;
	struct slice eve_path;
	uint64_t records;
	uint64_t lost;		 /* of them: what a socket's reader did not take */
	uint64_t store_errors;	 /* files that the file-store's disk did not take */
	int store_error;	 /* errno of the newest */
	bool sensing;		 /* all was prepared and the first capture was begun */
	struct config **tenants; /* their settings, for what is wrong with them */
	size_t tenant_count;
	/* Keeping packets has not come to its end: nothing is closed, and the process has to leave
	 * by _exit(). */
	bool stuck;
	struct daemon_export_counters export;
};

/* Close with daemon_rules_close(&out->rules), also after failure. */
MUST_USE enum status daemon_sensor(const struct daemon_sensor_options *o, struct arena *a,
				   struct daemon_sensor_result *out, struct fail *why);

/* The same on interfaces, until SIGINT or SIGTERM; or in the line: then there are two processes,
 * and this returns in both (result.guarded; docs/decisions/0014-inline.md). SIGHUP reads the rules
 * again and opens eve.json again, SIGUSR2 reads the rules. docs/decisions/0013-live.md. */
struct daemon_live_options {
	const struct slice *interfaces; /* none: those of the configuration's af-packet */
	size_t interface_count;
	const struct slice *queues; /* "0", "0:3": of the packet filter, instead of interfaces */
	size_t queue_count;
	struct daemon_config_source source; /* of `config`: read again with the rules */
	struct config *config;
	struct daemon_rules_source rules;
	struct slice dir;    /* "": the configuration's, or this folder */
	struct slice filter; /* pcap-filter(7) instead of the configuration's */
	struct slice socket; /* path; "": see daemon_control_path() */
	struct slice user,
		group; /* whom to become; "": the configuration's run-as, or nobody else */
	bool init_errors_fatal, skip_checksums, profile;
	struct daemon_progress progress;
	void *ctx;
	void (*say)(void *ctx, const char *text); /* one line for the operator; any time */
	void (*loaded)(void *ctx, const struct daemon_rules *r); /* rules, also those read again */
};

struct daemon_live_result {
	struct slice eve_path;
	uint64_t packets, dropped, flows, records, lost; /* lost: events, for want of room */
	uint64_t reloads;
	bool sensing;		 /* all was prepared and packets were let in */
	struct config **tenants; /* their settings, for what is wrong with them */
	size_t tenant_count;
	struct daemon_export_counters export;
	/* Writing events has not come to its end and never may: nothing can be closed, and the
	 * process has to leave by _exit(). */
	bool stuck;
	/* This is the guardian of a sensor in the line, which has ended with exit code `code`; it
	 * has said all that there is to say. */
	bool guarded;
	int code;
};

/* Runs until it is told to end, or until no interface can be read any more. */
MUST_USE enum status daemon_live(const struct daemon_live_options *o, struct arena *a,
				 struct daemon_live_result *out, struct fail *why);

/* Flows that others saw: messages of flow export (IPFIX, NetFlow 9 and 5) to events, from sockets
 * until told to end, or from files. docs/formats/flow-export.md. */
struct daemon_collect_options {
	const struct slice *files;  /* paths: captures of datagrams, or IPFIX files (RFC 5655) */
	size_t file_count;	    /* 0: listens */
	const struct slice *listen; /* "udp://[::]:4739"; none: that, and tcp the same */
	size_t listen_count;
	const struct slice *allow; /* networks of exporters; none: all */
	size_t allow_count;
	const struct slice *ports; /* numbers: of datagrams in captures; none: the usual ones */
	size_t port_count;
	struct config *config;
	struct slice dir; /* "": the configuration's, or this folder */
	struct slice user, group;
	struct daemon_progress progress;
	void *ctx;
	void (*say)(void *ctx, const char *text); /* one line for the operator */
};

struct daemon_collect_result {
	struct slice eve_path;
	uint64_t messages, refused, malformed, records, flows, anomalies;
	uint64_t lost;	      /* records, by the sequence numbers */
	uint64_t dropped;     /* datagrams for which a socket had no room */
	uint64_t undecodable; /* sets without a template, or one that came too late */
	bool collecting;      /* all was prepared */
};

MUST_USE enum status daemon_collect(const struct daemon_collect_options *o, struct arena *a,
				    struct daemon_collect_result *out, struct fail *why);

/* Where a sensor with these settings listens for questions: unix-command.filename, or
 * dewline.sock in the log folder. */
struct slice daemon_control_path(struct config *config, struct slice dir, struct arena *a);

/* Asks a sensor, about one tenant if that is not 0, and gives its answer: a JSON object, or text.
 * ST_NOTFOUND: nobody listens there. */
MUST_USE enum status daemon_control_ask(struct slice path, struct slice command, uint32_t tenant,
					struct arena *a, struct slice *out, struct fail *why);

/* Packets out of a ring on disk, also while a sensor writes to it. */
struct daemon_cut_options {
	struct config *config;	  /* where the ring is, if `dir` does not say; may be NULL */
	struct slice logs;	  /* "": the configuration's */
	struct slice dir;	  /* of the ring; "": the configuration's, or packets below logs */
	uint64_t flow;		  /* flow_id of an event; 0: any */
	struct slice community;	  /* community_id of an event; "": any */
	const struct slice *ends; /* "tcp 10.0.0.1:80-10.0.0.2": one of them; none: any */
	size_t end_count;
	struct wall_ns from, until; /* both belong; until 0: no end */
	struct slice out;	    /* path of the file to write; "": only into memory */
};

struct daemon_cut_result {
	struct slice dir;
	uint64_t packets, bytes; /* 0: nothing was found, and no file written */
	struct wall_ns first, last;
	struct slice file; /* its bytes, if out is "" */
};

/* ST_NOTFOUND: there is no such ring. ST_INVALID: ends that make no sense. */
MUST_USE enum status daemon_cut(const struct daemon_cut_options *o, struct arena *a,
				struct daemon_cut_result *out, struct fail *why);

/* Orders to let less pass, of a sensor in the line (docs/decisions/0014-inline.md). */
enum daemon_throttle_act { DAEMON_THROTTLE_ADD, DAEMON_THROTTLE_REMOVE, DAEMON_THROTTLE_LIST };
struct daemon_throttle {
	enum daemon_throttle_act act;
	/* ADD: an address or a network; "2mbit"; "10m"; why, may be empty. REMOVE: a number. */
	struct slice target, rate, time, basis, id;
};

/* Asks a sensor; its answer, a JSON array of orders (ADD: the one; REMOVE: none). ST_INVALID: it
 * could not be asked so; ST_REFUSED: it says no, and why. */
MUST_USE enum status daemon_throttle_ask(struct slice path, const struct daemon_throttle *t,
					 struct arena *a, struct slice *out, struct fail *why);

struct daemon_watch_options {
	const struct slice *captures; /* paths; the base name without extension is the station */
	size_t capture_count;
	const struct slice *flows; /* the same of flow export: as daemon_collect_options.files */
	size_t flow_count;
	struct daemon_rules_source rules; /* home_net is filled in from the first party */
	const struct slice *treaties;	  /* paths, or names of those that ship; none: those that
					     the configuration names, else those built in */
	size_t treaty_count;
	const struct slice *parties; /* paths; the first is whose bulletin it is */
	size_t party_count;
	const struct slice *tables; /* paths of location tables, beside the machine's own */
	size_t table_count;
	bool no_system_tables;
	struct slice prior; /* path; "": the one built in */
	bool pseudonyms;    /* addresses of all networks of the first party leave as pseudonyms,
			       whatever    its file says of them */
	const struct slice *withheld; /* stations whose events count, and are not shown */
	size_t withheld_count;
	struct slice data; /* folder */
	struct slice key; /* path of the log's signing key; "": the data folder's own, made at first
			     use */
	struct config *config;
	enum stix_tlp tlp; /* marking of the STIX bundle */
	struct daemon_progress progress;
};

struct daemon_watch_result {
	struct bulletin bulletin;
	struct slice json_path, html_path, stix_path, bundle_path;
	/* What all evidence says, sealed stations' too, as bands (docs/formats/release.md); and the
	 * same in words, a line an incident. */
	struct slice band_path, band_text;
	struct slice withheld_path; /* bundle with the withheld facts; "" if none are */
	struct daemon_capture *captures;
	size_t capture_count;
	struct daemon_rules rules;
	uint64_t log_size;
	struct slice problems; /* lines for a person: what was degraded */
};

/* Close with daemon_watch_close(), also after failure. */
MUST_USE enum status daemon_watch(const struct daemon_watch_options *o, struct arena *a,
				  struct daemon_watch_result *out, struct fail *why);
void daemon_watch_close(struct daemon_watch_result *r);

/* ---- bundles ---- */

/* Re-checks a bundle: all evidence checks, on all cores, then the verdicts computed again from what
 * was disclosed and compared byte by byte with the bulletin. trust: what the reader knows from
 * elsewhere. out_bulletin (may be NULL) receives the recomputed bulletin when there is one. */
MUST_USE enum status daemon_verify(struct slice bundle_bytes, const struct bundle_trust *trust,
				   struct arena *a, struct bundle_report *out,
				   struct bulletin *out_bulletin, struct fail *why);

struct daemon_bundle_options {
	struct slice data, key; /* as daemon_watch_options; the folder must be there */
	struct slice id;	/* of the bulletin; "": the only one */
	struct slice policy; /* text of the tlog-policy by which witnesses were asked; "": none */
	bool all;	     /* with the withheld facts, for its owner's eyes and his reviewers' */
};

struct daemon_bundle_result {
	struct slice id, path;
	size_t facts, witnesses, cosigned;
};

/* Makes the bundle of a bulletin again, in the data folder: bundles/ID.bundle, or with the withheld
 * facts withheld/ID.bundle; daemon_release() lets it out. Its facts opened from eve.json, proved
 * against the log as it stands, with its checkpoint as witnesses have cosigned it. ST_REFUSED: the
 * policy is not met. ST_NOTFOUND: no such bulletin, or an event is gone. ST_CORRUPT: what was kept
 * is not what it was, or the same bulletin does not follow. */
MUST_USE enum status daemon_bundle(const struct daemon_bundle_options *o, struct arena *a,
				   struct daemon_bundle_result *out, struct fail *why);

/* ---- the key that seals ---- */

enum daemon_station_act { DAEMON_STATION_SHOW, DAEMON_STATION_CERTIFY, DAEMON_STATION_REVOKE };

struct daemon_station_options {
	struct slice data, key; /* as daemon_watch_options; the folder must be there */
	enum daemon_station_act act;
	struct wall_ns until; /* CERTIFY: when it ends; 0: it does not */
};

struct daemon_station_said { /* one certificate or revocation, as the log has it */
	uint64_t leaf;
	bool revoked;	     /* else certified */
	bool current;	     /* it is about the key that the folder seals with now */
	struct slice sha256; /* the key's thumbprint, in hexadecimal */
	struct wall_ns at, until;
};

struct daemon_station_result {
	struct daemon_station_said *said;
	size_t count;
	uint64_t leaf;	     /* CERTIFY, REVOKE: where the log says so now */
	struct slice sha256; /* of the key that the folder seals with from now on */
};

/* CERTIFY: the party vouches for its station's key anew, from that leaf on. REVOKE: the key is good
 * for nothing that comes behind that leaf, and another takes its place, certified. All of it is in
 * the log, and bundles made from then on say so. */
MUST_USE enum status daemon_station(const struct daemon_station_options *o, struct arena *a,
				    struct daemon_station_result *out, struct fail *why);

/* ---- letting out ---- */

/* How somebody says yes to what leaves (docs/formats/release.md). Neither name nor file: nobody
 * does, and nothing leaves. */
struct daemon_approval {
	struct slice name;     /* of a person at this machine: signed with the house's own key */
	struct slice file;     /* path of an approval that was signed elsewhere */
	struct slice list_out; /* path: where the list is put for who approves; "": nowhere */
};

struct daemon_release_options {
	struct slice data, key;	   /* as daemon_watch_options; the folder must be there */
	struct slice id;	   /* of the bulletin; "": the only one that is there */
	const struct slice *forms; /* "bulletin", "page", "stix", "bundle", "band"; none: all */
	size_t form_count;
	bool log; /* instead: the log as a whole, to be shown to the web from now on */
	struct slice to, ground;
	struct daemon_approval approval;
	struct slice out; /* folder, made if absent: where they go */
};

struct daemon_release_result {
	struct slice list;   /* what leaves and what that tells: the text that is approved */
	bool done;	     /* false: nobody approved, so nothing left */
	uint64_t leaf;	     /* where the log says so */
	struct slice by;     /* who approved */
	struct slice *paths; /* of what was written */
	size_t path_count;
};

/* A bulletin out of the house, in the forms asked for. ST_NOTFOUND: there is none of that name;
 * ST_REFUSED: the approval is of something else, the bundle does not hold, or it would name a
 * sealed station. */
MUST_USE enum status daemon_release(const struct daemon_release_options *o, struct arena *a,
				    struct daemon_release_result *out, struct fail *why);

/* May this log's folder be shown to others? ST_REFUSED: it is that of a data folder, and nobody
 * approved. A log that is in none was made of entries for others, and may. */
MUST_USE enum status daemon_log_leaves(struct slice folder, struct arena *a, struct fail *why);

/* What was let out so far: each list that is kept, and whether its approval holds. */
struct daemon_released {
	struct slice list, to, sum; /* list: its hash, hexadecimal */
	struct slice by;	    /* "": see wrong */
	struct slice wrong;	    /* "": it was approved as the policy wants it */
};
MUST_USE enum status daemon_release_kept(struct slice dir, struct arena *a,
					 struct daemon_released **out, size_t *out_count,
					 struct fail *why);

/* ---- disclosing ---- */

enum { DAEMON_DISCLOSE_LEAVES_MAX = 10000, DAEMON_DISCLOSE_FIELDS_MAX = 256 };

struct daemon_disclose_options {
	struct slice data, key; /* as daemon_watch_options; the folder must be there */
	const uint64_t *leaves; /* of the log, ascending */
	size_t leaf_count;
	/* "src_ip", "alert.signature", "alert" (all of that group), "all" (all but addresses, which
	 * leave only under their own name) */
	const struct slice *fields;
	size_t field_count;
	/* a pseudonym: it is opened, and with it the address that it stands for, of one event: of
	 * the leaves if some are named, else of the first that has it. "": none */
	struct slice pseudonym;
	struct slice to, ground; /* who asked, and by which request, warrant, treaty clause */
	struct daemon_approval approval;
	struct slice out;		   /* path of the bundle */
	struct slice grant_out;		   /* path of the grants, one a line; "": none */
	const struct disclose_key *reader; /* whom the grants are made out for */
	uint64_t until_s;		   /* when they end; 0: never */
};

/* What one field of one event tells about who saw it. */
struct daemon_told {
	uint64_t leaf;
	struct slice group, name;
	enum disclose_told what;
	const char *why;
};

struct daemon_disclose_result {
	struct daemon_told *told; /* every field that is to leave, by leaf */
	size_t told_count, told_room;
	bool addresses;	   /* addresses are among them, which otherwise leave as pseudonyms */
	struct slice list; /* the text that is approved; "": not said to whom */
	struct slice by;   /* who approved */
	uint64_t leaf;	   /* where the log says that this was disclosed, and to whom */
	bool done;	   /* false: nobody approved, so nothing left and nothing was written */
};

/* Opens fields of committed events. First the release check: what each field tells. Then, if
 * somebody approved: the opening is committed, and only then a bundle of facts is written (docs/
 * formats/bundle.md) with the opening itself among them, and grants for the reader. ST_NOTFOUND: no
 * such leaf, event or field. */
MUST_USE enum status daemon_disclose(const struct daemon_disclose_options *o, struct arena *a,
				     struct daemon_disclose_result *out, struct fail *why);

/* Evidence out of the house for k of n readers (evidence/sealed): what it tells them is listed as
 * of anything that leaves, for a bundle field by field. */
struct daemon_seal_options {
	struct slice data, key;	  /* as daemon_watch_options; the folder must be there */
	struct slice title;	  /* for everybody to read */
	struct slice path, plain; /* of what is sealed, and that itself */
	const struct note_verifier *readers;
	unsigned reader_count, needed;
	struct slice ground;
	struct daemon_approval approval;
	struct slice out; /* path of the item */
};

struct daemon_seal_result {
	struct slice list; /* what leaves and what that tells: the text that is approved */
	bool done;	   /* false: nobody approved, so nothing left */
	uint64_t leaf;	   /* where the log has the item's hash */
	struct slice by;   /* who approved */
};

/* The item's hash is committed under the name of its file, as an `input` record "sealed-item",
 * before the file is written. */
MUST_USE enum status daemon_seal(const struct daemon_seal_options *o, struct arena *a,
				 struct daemon_seal_result *out, struct fail *why);

/* What a station says of itself in its own log (docs/formats/station.md). */
struct daemon_station_leaf {
	uint64_t leaf;
	struct wall_ns at, sealed; /* by its own words; to the second, as the leaf says */
	struct slice type;	   /* "watch", "life", "gap" */
	struct slice json;	   /* the object of that name */
};

/* Each such record of a folder whose keys are there, in the order of the log, if it is what its
 * leaf commits to; borrowed until each() returns. Also while a station writes there. ST_NOTFOUND:
 * no data folder. */
MUST_USE enum status
daemon_station_read(struct slice data_dir, struct arena *a, void *ctx,
		    void (*each)(void *ctx, const struct daemon_station_leaf *l), struct fail *why);

/* ---- forgetting ---- */

struct daemon_expire_options {
	struct slice data, key;	     /* as daemon_watch_options; the folder must be there */
	struct wall_ns before;	     /* what is older goes */
	const struct slice *folders; /* of packets, payload, stored files: regular files in and
					below them, by when they were last written */
	size_t folder_count;
	const struct slice *eves; /* EVE files of sensors, also while they are written to: whatever
				     they hold */
	size_t eve_count;
	struct slice approved; /* who says yes for this party; "": only counted */
};

struct daemon_expire_result {
	uint64_t events; /* lines of eve.json: of stations, not what the centre says of itself */
	uint64_t sealed; /* the same of sealed stations, which no record that others see counts */
	uint64_t lines;	 /* of sensors' EVE files */
	uint64_t files;
	uint64_t bytes;	 /* of all four */
	uint64_t unread; /* lines without a time: they stay */
	uint64_t gone;	 /* lines blank by now, those of earlier times too */
	uint64_t leaf;	 /* where the log says so */
	bool done;
};

/* Blanks and removes what is past its clock, then commits that it is gone (an `expiry` record). The
 * commitments stay: each leaf can be proved as before. */
MUST_USE enum status daemon_expire(const struct daemon_expire_options *o, struct arena *a,
				   struct daemon_expire_result *out, struct fail *why);

/* The treaties that are built in. */
size_t daemon_builtin_treaties(const struct bulletin_file **out);
/* All treaties that ship: those, and the ones that bind nobody who does not say so, are not in
 * force, or that no station sees broken. */
size_t daemon_shipped_treaties(const struct bulletin_file **out);

/* ---- counting ---- */

enum { DAEMON_COUNT_RULES_MAX = 8 };

struct daemon_count_options {
	const struct slice *files; /* EVE, a line an event */
	size_t file_count;
	const struct slice *parties; /* party files; none: each machine is a target by itself */
	size_t party_count;
};

struct daemon_count_rule {
	const char *name, *doc;
	uint64_t incidents, events, noted; /* noted: of no incident */
};

struct daemon_counts {
	uint64_t lines, unread; /* unread: no event, or not one of EVE's */
	uint64_t events;	/* alerts and anomalies */
	struct daemon_count_rule rules[DAEMON_COUNT_RULES_MAX];
	size_t rule_count;
};

/* Counts the events of EVE files as incidents, by every rule (assess/incident). */
MUST_USE enum status daemon_count(const struct daemon_count_options *o, struct arena *a,
				  struct daemon_counts *out, struct fail *why);

#endif
