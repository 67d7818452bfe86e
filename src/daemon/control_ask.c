/* SPDX-License-Identifier: Apache-2.0
 * Asking a sensor at its socket, and reading what is asked. */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "daemon/control.h"
#include "daemon/daemon_priv.h"
#include "os/clock.h"

enum {
	ASK_MS = 600 * 1000, /* a reload of many rules takes its time */
};

/* All of it within CONTROL_ANSWER_MS; false: the client does not read. */
bool daemon_control_send(int fd, struct slice s)
{
	int64_t until = os_clock_mono().ns + CONTROL_ANSWER_MS * TIME_NS_PER_MS;

	while (s.len != 0) {
		ssize_t n = send(fd, s.ptr, s.len, MSG_DONTWAIT | MSG_NOSIGNAL);
		struct pollfd p = {.fd = fd, .events = POLLOUT};

		if (n > 0)
			s = slice_from(s, (size_t)n);
		else if ((errno != EAGAIN && errno != EINTR) || os_clock_mono().ns > until ||
			 poll(&p, 1, CONTROL_ANSWER_MS) <= 0)
			return false;
	}
	return true;
}

enum status daemon_control_address(struct slice path, struct sockaddr_un *out, struct fail *why)
{
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (path.len == 0 || path.len >= sizeof out->sun_path)
		return fail_set(why, ST_LIMIT, "a socket's path has 1 to %zu bytes: %.*s",
				sizeof out->sun_path - 1, SLICE_ARG(path));
	memcpy(out->sun_path, path.ptr, path.len);
	return ST_OK;
}

int daemon_control_dial(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)(const void *)at, sizeof *at) != 0) {
		int err = errno;

		(void)close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

bool daemon_control_parse(struct slice line, struct control_request *out)
{
	json_t *root = json_loadb((const char *)line.ptr, line.len, JSON_REJECT_DUPLICATES, NULL);
	const char *name = json_string_value(json_object_get(root, "command"));
	const json_t *arguments = json_object_get(root, "arguments");
	const char *target = json_string_value(json_object_get(arguments, "target"));
	const char *basis = json_string_value(json_object_get(arguments, "basis"));
	json_int_t id = json_integer_value(json_object_get(arguments, "id"));
	json_int_t rate = json_integer_value(json_object_get(arguments, "bits_per_s"));
	json_int_t seconds = json_integer_value(json_object_get(arguments, "seconds"));
	bool asks = name != NULL && strlen(name) < CONTROL_NAME_MAX;

	*out = (struct control_request){.id = id > 0 && id < UINT32_MAX ? (uint32_t)id : 0};
	out->bits_per_s = rate > 0 ? (uint64_t)rate : 0;
	out->seconds = seconds > 0 && seconds < UINT32_MAX ? (uint32_t)seconds : 0;
	if (target != NULL && strlen(target) < sizeof out->target)
		(void)snprintf(out->target, sizeof out->target, "%s", target);
	if (basis != NULL && strlen(basis) < sizeof out->basis)
		(void)snprintf(out->basis, sizeof out->basis, "%s", basis);
	if (asks)
		(void)snprintf(out->name, CONTROL_NAME_MAX, "%s", name);
	out->greeting = name == NULL && json_object_get(root, "version") != NULL;
	json_decref(root);
	return asks;
}

/* --- asking --- */

static enum status hear(int fd, struct arena *a, struct slice *out, struct fail *why)
{
	struct buf b = buf_in(a);
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (;;) {
		uint8_t *room = buf_reserve(&b, 1 << 16);
		ssize_t n = 0;

		if (room == NULL)
			return fail_set(why, ST_NOMEM, "no memory for an answer");
		if (poll(&p, 1, ASK_MS) > 0)
			n = recv(fd, room, 1 << 16, 0);
		if (n <= 0)
			return fail_set(why, ST_IO, "no answer");
		buf_grew(&b, (size_t)n);
		if (b.ptr[b.len - 1] == '\n') {
			*out = slice_part(buf_slice(&b), 0, b.len - 1);
			return ST_OK;
		}
	}
}

/* {"return":"OK","message":M}: M as JSON, or as it is if it is text. */
static enum status unwrap(struct slice line, struct arena *a, struct slice *out, struct fail *why)
{
	json_t *root = json_loadb((const char *)line.ptr, line.len, 0, NULL);
	const char *said = json_string_value(json_object_get(root, "return"));
	json_t *message = json_object_get(root, "message");
	enum status st = ST_OK;

	if (said == NULL || message == NULL) {
		st = fail_set(why, ST_INVALID, "not a sensor's answer");
	} else if (strcmp(said, "OK") != 0) {
		st = fail_set(why, ST_REFUSED, "%s", json_string_value(message));
	} else if (json_is_string(message)) {
		*out = arena_copy(a, (struct slice){(const uint8_t *)json_string_value(message),
						    json_string_length(message)});
	} else {
		size_t n = json_dumpb(message, NULL, 0, JSON_INDENT(2));
		char *text = ARENA_ARRAY(a, char, n + 1);

		if (text == NULL || json_dumpb(message, text, n, JSON_INDENT(2)) != n)
			st = fail_set(why, ST_NOMEM, "no memory for an answer");
		else
			*out = (struct slice){(const uint8_t *)text, n};
	}
	json_decref(root);
	return st;
}

enum status daemon_control_ask_line(struct slice path, struct slice text, struct arena *a,
				    struct slice *out, struct fail *why)
{
	struct slice line = {NULL, 0};
	struct sockaddr_un at;
	enum status st = daemon_control_address(path, &at, why);
	int fd;

	if (st != ST_OK)
		return st;
	fd = daemon_control_dial(&at);
	if (fd < 0)
		return fail_set(why, ST_NOTFOUND, "no sensor answers at %.*s: %m", SLICE_ARG(path));
	if (!daemon_control_send(fd, text))
		st = fail_set(why, ST_IO, "cannot ask at %.*s: %m", SLICE_ARG(path));
	if (st == ST_OK)
		st = hear(fd, a, &line, why);
	if (st == ST_OK)
		st = unwrap(line, a, out, why);
	(void)close(fd); /* the answer is here, or it will not come */
	return st;
}

enum status daemon_control_ask(struct slice path, struct slice command, uint32_t tenant,
			       struct arena *a, struct slice *out, struct fail *why)
{
	struct slice text =
		tenant == 0 ? buf_text(a, "{\"command\":\"%.*s\"}\n", SLICE_ARG(command))
			    : buf_text(a, "{\"command\":\"%.*s\",\"arguments\":{\"id\":%u}}\n",
				       SLICE_ARG(command), tenant);

	return daemon_control_ask_line(path, text, a, out, why);
}
