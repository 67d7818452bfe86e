/* SPDX-License-Identifier: Apache-2.0
 *
 * base/status.h - how a function says that it failed.
 *
 * Off the packet path a function that can fail returns enum status and takes, last, a
 * struct fail * that receives one line for a person. On the packet path nothing fails:
 * malformed input is data (an anomaly), a full budget is a drop (a counter).
 */
#ifndef DEW_BASE_STATUS_H
#define DEW_BASE_STATUS_H

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* A bug of ours, never an input: on in every build, traps at the spot. No side effects in cond. */
#define ASSERT(cond)                                                                               \
	do {                                                                                       \
		if (!(cond))                                                                       \
			__builtin_trap();                                                          \
	} while (0)

enum status {
	ST_OK = 0,
	ST_END,	     /* nothing more to give: not an error, no text */
	ST_INVALID,  /* the input breaks its grammar or its spec */
	ST_LIMIT,    /* a configured or built-in limit was reached */
	ST_NOMEM,    /* the arena's budget is spent */
	ST_NOTFOUND, /* no such thing */
	ST_IO,	     /* the operating system said no; fail.sys_errno says why */
	ST_CORRUPT,  /* what we stored ourselves is not what we stored */
	ST_REFUSED,  /* well formed, and the answer is no: a check failed, a signature is wrong */
};

struct fail {
	enum status status;
	int sys_errno;	/* errno for ST_IO, else 0 */
	char text[248]; /* one line, outermost context first, always NUL-terminated */
};

/* Record the first cause. Returns st, so that `return fail_set(...)` reads as one act. */
enum status fail_set(struct fail *f, enum status st, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Put "context: " in front of what is already recorded. Returns the recorded status. */
enum status fail_wrap(struct fail *f, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
