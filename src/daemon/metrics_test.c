/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/metrics.h"

#include "test.h"

static const struct {
	const char *request, *status;
} cases[] = {
	{"GET /metrics HTTP/1.1\r\nHost: localhost:9477\r\n\r\n", "200"},
	{"GET /metrics HTTP/1.1\r\nhost:127.0.0.1\r\n\r\n", "200"},
	{"GET /metrics?format=text HTTP/1.0\r\n\r\n", "200"},
	{"GET /metrics HTTP/1.1\nHost: [::1]:9477\n\n", "200"},
	{"HEAD /metrics HTTP/1.1\r\nHost: LocalHost\r\n\r\n", "200"},
	{"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"},
	{"GET /metricsx HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"},
	{"POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "405"},
	{"GET /metrics HTTP/1.1\r\nHost: rebound.example\r\n\r\n", "421"},
	{"GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: rebound.example\r\n\r\n", "421"},
	{"GET /metrics HTTP/1.1\r\nHost: localhost.example:9477\r\n\r\n", "421"},
	{"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1.example\r\n\r\n", "421"},
	{"GET /metrics HTTP/1.1\r\nHost: [::1\r\n\r\n", "421"},
	{"GET /metrics HTTP/2\r\n\r\n", "400"},
	{"GET /metrics\r\n\r\n", "400"},
	{"GET  HTTP/1.1\r\n\r\n", "400"},
	{"\r\n\r\n", "400"},
	{"", "400"},
};

static void a_request_gets_the_answer_that_it_is_due(struct test *t)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint8_t room[1024];
		struct buf out = {.ptr = room, .room = sizeof room, .most = sizeof room};
		struct slice text = SLICE("the_text 1\n");
		struct slice a = daemon_metrics_answer(slice_of(cases[i].request), text, &out);
		bool ok = slice_equal(slice_of(cases[i].status), SLICE("200"));

		EXPECT(t, !out.full);
		EXPECT_SLICE(t, slice_part(a, 9, 3), slice_of(cases[i].status));
		EXPECT(t, slice_ends(a, text) == (ok && cases[i].request[0] == 'G'));
	}
}

static void an_answer_that_does_not_fit_is_known(struct test *t)
{
	uint8_t room[100];
	struct buf out = {.ptr = room, .room = sizeof room, .most = sizeof room};

	(void)daemon_metrics_answer(slice_of(cases[0].request), SLICE("x"), &out);
	EXPECT(t, out.full);
}

TESTS(T(a_request_gets_the_answer_that_it_is_due), T(an_answer_that_does_not_fit_is_known))
