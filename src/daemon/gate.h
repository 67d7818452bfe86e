/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/gate.h - the one way out of the house.
 *
 * Private to the module. Whatever is written for others goes through here, in this order: the list
 * of what leaves (evidence/release) is made; somebody whom the party's policy names approves
 * exactly that list; list and approval are kept (DIR/releases) and a `release` record is committed;
 * only then can gate_write() write, and only what is on the list. docs/formats/release.md.
 *
 * The policy is DIR/release.policy. Without that file the house's own key approves
 * (keys/release.key, made at first use): a person at this machine says yes with his name. With it,
 * that key approves only if the policy names it.
 */
#ifndef DEW_DAEMON_GATE_H
#define DEW_DAEMON_GATE_H

#include "daemon/commit.h"
#include "daemon/daemon.h"
#include "daemon/data.h"
#include "evidence/release/release.h"

struct gate {
	const struct release *what; /* borrowed from whoever made it */
	struct slice list;	    /* its text */
	uint8_t id[CRYPTO_SHA256_BYTES];
	bool open;	 /* it was approved, kept and committed */
	uint64_t leaf;	 /* where the log says so */
	struct slice by; /* who approved: a person's name, else a key's */
};

/* ST_OK with out->open false: nobody was asked to approve. ST_REFUSED: the approval is of another
 * list, or not by whom the policy names. `what` must outlive the gate. */
MUST_USE enum status gate_pass(const struct data *d, struct commit *c, const struct release *what,
			       const struct daemon_approval *ask, struct arena *a, struct gate *out,
			       struct fail *why);

/* A thing of the list into a file, durably; `own`: for its owner's eyes only. ST_REFUSED: it is not
 * on the list, or not with these bytes. */
MUST_USE enum status gate_write(const struct gate *g, const char *kind, struct slice name,
				struct slice path, bool own, struct slice bytes, struct fail *why);

/* --- making the list --- */

/* A member of a document, or of a log, by its path (release_tells()). */
void gate_list_path(struct release *r, const char *kind, const char *path, uint64_t leaf);
/* An opened field of an event; an address by its value, too, and each that it names of the networks
 * that the list hides (release_hide()). */
void gate_list_field(struct release *r, uint64_t leaf, const struct record_field *f);
/* All that a bundle shows: its frame, and each fact's fields. */
void gate_list_bundle(struct release *r, const struct bundle_report *report);
/* Leaves only by its own name, otherwise as a pseudonym. */
bool gate_is_address(const struct record_field *f);
/* A log that is shown to the web. */
void gate_list_log(struct release *r, struct slice origin);

#endif
