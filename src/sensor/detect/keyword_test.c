/* SPDX-License-Identifier: Apache-2.0
 * Each keyword once in a rule that fires and once in one that nearly does. */
#include <stdio.h>

#include "sensor/detect/detect_fixture.h"
#include "test.h"

struct row {
	const char *options;
	struct slice yes, no;
};

#define ROW(options, yes, no)                                                                      \
	{                                                                                          \
		(options), SLICE(yes), SLICE(no)                                                   \
	}

static const struct row payload_rows[] = {
	ROW("content:\"abc\";", "xxabcxx", "xxabxcx"),
	ROW("content:\"a|00 ff|b\";",
	    "xa\0\xff"
	    "b",
	    "xa\0\xfe"
	    "b"),
	ROW("content:\"|00 00 01|\";", "x\0\0\1", "x\0\0\2"),
	ROW("content:\"|00 00|\";", "x\0\0y", "x\0y"),
	ROW("content:!\"abc\";", "ab", "abc"),
	/* a BIT STRING of one byte has at most eight unused bits; in a SEQUENCE, too */
	ROW("asn1:bitstring_overflow;", "\x03\x02\x09\xff", "\x03\x02\x08\xff"),
	ROW("asn1:bitstring_overflow;", "\x30\x04\x03\x02\x09\xff", "\x30\x04\x04\x02\x09\xff"),
	ROW("asn1:double_overflow;", "\x09\x82\x01\x01\x03", "\x09\x82\x01\x00\x03"),
	ROW("asn1:oversize_length 300;", "\x04\x82\x01\x2d", "\x04\x82\x01\x2c"),
	ROW("asn1:oversize_length 5, absolute_offset 2;", "xx\x04\x06", "\x04\x06\x04\x05"),
	ROW("content:\"ab\"; asn1:oversize_length 5, relative_offset 1;", "ab.\x04\x06",
	    "ab\x04\x06\x04"),
	/* 4 kinds of byte, as many of each: 2 bits */
	ROW("entropy:value 2;", "abcdabcd", "abcdabce"),
	ROW("entropy:value >=1.5, bytes 4;", "aabcaaaa", "aaabcdef"),
	ROW("entropy:offset 4, bytes 2, value <0.5;", "abcdaa", "aaaaab"),
	ROW("entropy:value 0.5-1.5;", "abab", "abcd"),
	ROW("entropy:value !0.5-1.5;", "abcd", "abab"),
	ROW("entropy:bytes 5, value <8;", "abcde", "abcd"),
	ROW("pcre:\"/(?P<pkt_a>[0-9]+)/\"; content:\"x\"; replace:\"y\";", "1x", "1y"),
	ROW("content:\"aBc\"; nocase;", "xAbCx", "xAb"),
	ROW("content:\"abc\"; rawbytes;", "abc", "acb"),
	ROW("content:\"abc\"; depth:4;", "xabc", "xxabc"),
	ROW("content:\"abc\"; offset:2;", "xxabc", "xabcx"),
	ROW("content:\"abc\"; offset:1; depth:4;", "xxabc", "xxxabc"),
	ROW("content:\"abc\"; startswith;", "abcx", "xabc"),
	ROW("content:\"abc\"; endswith;", "xabc", "abcx"),
	ROW("content:\"abc\"; endswith;", "abcabc", "abcab"),
	ROW("content:!\"abc\"; endswith;", "abcx", "xabc"),
	ROW("content:\"ab\"; content:\"cd\"; distance:2;", "abxxcd", "abxcd"),
	ROW("content:\"ab\"; content:\"cd\"; distance:0; within:3;", "abxcd", "abxxcd"),
	ROW("content:\"ab\"; content:\"cd\"; within:2;", "abcd", "abxcd"),
	ROW("content:\"ab\"; content:\"cd\"; distance:-4; within:4;", "cdab", "cdxab"),
	ROW("content:\"ab\"; content:!\"cd\"; within:2;", "abxcd", "abcd"),
	/* the first ab has no cd behind it: the second must be tried */
	ROW("content:\"ab\"; content:\"cd\"; within:2;", "abxxabcd", "abxxabxcd"),
	ROW("content:\"a\"; content:\"b\"; distance:1; within:1; content:\"c\"; distance:1; "
	    "within:1;",
	    "axbxdaxbxc", "axbxdaxbxd"),
	ROW("content:\"abcdef\"; fast_pattern:2,3;", "abcdef", "abcdex"),
	ROW("content:\"abc\"; content:\"de\"; fast_pattern;", "abcde", "abc"),
	ROW("content:\"abc\"; fast_pattern:only;", "xabc", "xab"),
	ROW("pcre:\"/a[0-9]+b/\";", "xa12b", "xab"),
	ROW("pcre:\"/A[0-9]+B/i\";", "xa12b", "xab"),
	ROW("pcre:\"/a.b/s\";", "a\nb", "a\nxb"),
	ROW("pcre:\"/^b/m\";", "a\nb", "ab"),
	ROW("pcre:\"/a b # c/x\";", "ab", "a b"),
	ROW("pcre:\"/ab/A\";", "abx", "xab"),
	ROW("pcre:\"/ab$/E\";", "xab", "xab\n"),
	ROW("pcre:!\"/a[0-9]b/\";", "ab", "a1b"),
	ROW("content:\"ab\"; pcre:\"/^[0-9]/R\";", "xxab1", "xxabx1"),
	ROW("content:\"ab\"; pcre:\"/^[0-9]/R\";", "abxab1", "abxabx"),
	ROW("pcre:\"/a[0-9]/\"; content:\"z\"; within:1;", "a1ya2z", "a1ya2yz"),
	ROW("content:\"ab\"; isdataat:2,relative;", "abcd", "abc"),
	ROW("content:\"ab\"; isdataat:!1,relative;", "xab", "abx"),
	ROW("content:\"ab\"; isdataat:!2,relative;", "xabx", "abxx"),
	ROW("isdataat:3;", "abcd", "abc"),
	ROW("isdataat:!3;", "abc", "abcd"),
	ROW("byte_test:2,=,258,1;", "x\1\2", "x\2\1"),
	ROW("byte_test:2,>,258,1;", "x\1\3", "x\1\2"),
	ROW("byte_test:2,<,258,1,little;", "x\1\1", "x\3\1"),
	ROW("byte_test:1,!=,7,0;", "\x8", "\x7"),
	ROW("byte_test:1,!&,0x40,0;", "\x80", "\xc0"),
	ROW("byte_test:1,&,0x40,0;", "\x40", "\x80"),
	ROW("byte_test:1,^,0x40,0;", "\x41", "\x40"),
	ROW("byte_test:1,>=,5,0;", "\x5", "\x4"),
	ROW("byte_test:1,<=,5,0;", "\x5", "\x6"),
	ROW("byte_test:2,=,5,0,bitmask 0x0ff0;", "\x0\x50", "\x0\x05"),
	ROW("content:\"n=\"; byte_test:3,>,99,0,relative,string,dec;", "n=100", "n=099"),
	ROW("byte_test:0,>,99,0,string,dec;", "100", "99"),
	ROW("byte_test:4,=,255,0,string,hex;", "00ff", "0100"),
	ROW("byte_test:3,=,8,0,string,oct;", "010", "008"),
	ROW("byte_jump:1,0; content:\"a\"; within:1;", "\2xxa", "\2xax"),
	ROW("content:\"x\"; byte_jump:1,0,relative; content:\"a\"; within:1;", "zx\1ya", "zx\1ay"),
	ROW("byte_jump:1,0,multiplier 2; content:\"a\"; within:1;", "\1xxa", "\1xa"),
	ROW("byte_jump:1,0,align; content:\"a\"; within:1;", "\1xxxxa", "\1xa"),
	ROW("byte_jump:1,0,post_offset -1; content:\"a\"; within:1;", "\2xax", "\2xxa"),
	ROW("byte_jump:1,0,from_beginning; content:\"a\"; within:1;", "\2xa", "\2xxa"),
	ROW("byte_jump:1,0,from_end,post_offset -2; content:\"a\"; within:1;", "\1xxa", "\1xax"),
	ROW("byte_jump:0,0,post_offset 2; content:\"a\"; within:1;", "xxa", "xax"),
	ROW("byte_jump:1,0,post_offset -9; content:\"|01|\"; within:1;", "\1xx", "\2xx"),
	ROW("byte_jump:2,0,string,dec; content:\"a\"; within:1;", "02xxa", "02xa"),
	ROW("byte_extract:1,0,n; content:\"a\"; distance:n; within:1;", "\2xxa", "\2xa"),
	ROW("byte_extract:1,0,n; content:\"a\"; offset:n; depth:1;", "\3xxa", "\3xa"),
	ROW("byte_extract:1,0,n; byte_test:1,=,n,1;", "\3\3", "\3\4"),
	ROW("byte_extract:1,0,n; isdataat:!n;", "\3x", "\1xx"),
	ROW("byte_extract:1,0,n,multiplier 2; byte_test:1,=,n,1;", "\3\6", "\3\3"),
	ROW("byte_math:bytes 1, offset 0, oper +, rvalue 2, result r; byte_test:1,=,r,1;", "\3\5",
	    "\3\4"),
	ROW("byte_math:bytes 1,offset 0,oper *,rvalue 2,result r; byte_test:1,=,r,1;", "\3\6",
	    "\3\5"),
	ROW("byte_math:bytes 1,offset 0,oper -,rvalue 2,result r; byte_test:1,=,r,1;", "\3\1",
	    "\3\3"),
	ROW("byte_math:bytes 1,offset 0,oper /,rvalue 2,result r; byte_test:1,=,r,1;", "\6\3",
	    "\6\2"),
	ROW("byte_math:bytes 1,offset 0,oper <<,rvalue 2,result r; byte_test:1,=,r,1;", "\1\4",
	    "\1\2"),
	ROW("byte_math:bytes 1,offset 0,oper >>,rvalue 1,result r; byte_test:1,=,r,1;", "\4\2",
	    "\4\4"),
	ROW("base64_decode:bytes 8, offset 1; base64_data; content:\"abc\";", "xYWJj", "xYWJk"),
	ROW("content:\"=\"; base64_decode:relative; base64_data; content:\"bc\"; endswith;",
	    "k=YWJj", "k=YWJjZA"),
	ROW("dsize:3;", "abc", "abcd"),
	ROW("dsize:>3;", "abcd", "abc"),
	ROW("dsize:2<>4;", "abc", "abcd"),
	ROW("dsize:!3;", "abcd", "abc"),
	ROW("content:\"ab\"; pkt_data; content:\"cd\";", "abcd", "abc"),
};

/* Hits of one datagram on one rule; -1: the rule does not compile. */
static int hits_of(const char *header, const char *options, struct slice payload)
{
	char text[1024];
	struct fixture x;
	int n = -1;

	(void)snprintf(text, sizeof text, "%s (msg:\"t\"; %s sid:1; rev:1;)\n", header, options);
	if (fixture_rules(&x, slice_of(text), 0) && detect_rules_count(x.rules) == 1) {
		fixture_flow(&x, IP_PROTO_UDP, 9999);
		fixture_datagram(&x, FLOW_TO_SERVER, payload);
		n = (int)x.hits;
	}
	fixture_done(&x);
	return n;
}

static void each_payload_keyword_fires_and_nearly_fires(struct test *t)
{
	for (size_t i = 0; i < sizeof payload_rows / sizeof payload_rows[0]; i++) {
		const struct row *r = &payload_rows[i];
		int yes = hits_of("alert udp any any -> any any", r->options, r->yes);
		int no = hits_of("alert udp any any -> any any", r->options, r->no);

		if (yes != 1 || no != 0) {
			test_fail(t, __FILE__, __LINE__, "%s: %d and %d hits, want 1 and 0",
				  r->options, yes, no);
			return;
		}
	}
}

static const char *const bad_options[] = {
	"content:\"\";",
	"content:\"|0|\";",
	"nocase;",
	"content:\"a\"; depth:x;",
	"content:\"a\"; depth:1; depth:2;",
	"content:\"a\"; depth:1; startswith;",
	"content:\"abc\"; fast_pattern:2,2;",
	"pcre:\"a\";",
	"pcre:\"/(/\";",
	"pcre:\"/a/@\";",
	"byte_test:9,=,1,0;",
	"byte_test:1,~,1,0;",
	"byte_test:1,=,1;",
	"byte_test:1,=,1,0,dcex;",
	"byte_jump:1;",
	"byte_extract:1,0,9x;",
	"byte_math:bytes 1,offset 0,oper %,rvalue 1,result r;",
	"isdataat:x;",
	"base64_data; content:\"a\";",
	"bsize:3;",
	"dsize:a;",
	"dotprefix;",
	"http_uri;",
	"flow:sideways;",
	"flow:to_server,to_client;",
	"flowbits:set;",
	"flowbits:put,a;",
	"flowint:a,**,1;",
	"xbits:set,a;",
	"xbits:set,a,track ip_src,expire 0;",
	"threshold:type limit,track by_src,count 0,seconds 1;",
	"threshold:type limit,track by_src,count 1;",
	"detection_filter:type limit,track by_src,count 1,seconds 1;",
	"flags:Q;",
	"ip_proto:bogus;",
	"ipopts:bogus;",
	"app-layer-event:http.bogus;",
	"decode-event:bogus;",
	"app-layer-protocol:bogus;",
	"app-layer-protocol:http,bogus;",
	"target:nobody;",
	"ssl_version:tls9;",
	"tls.issuerdn:\"|4|\";",
	"vlan.id:4096;",
	"vlan.id:1,3;",
	"vlan.layers:4;",
	"l3_proto:ipx;",
	"rpc:1,x;",
	"entropy:bytes 4;",
	"entropy:value 1.0.0;",
	"entropy:value 5-4;",
	"entropy:value 5, value 6;",
	"flowvar:a;",
	"flowvar:,b;",
	"pktvar:a,\"\";",
	"content:\"abc\"; replace:\"ab\";",
	"content:!\"abc\"; replace:\"abd\";",
	"config:logging enable, type tx, scope tx;",
	"config:logging disable, type tx;",
	"config:tracking disable, type flow, scope packet;",
	"lua:a.lua;",
	"geoip:any,FR;",
	"tls_cert_notafter:31-01-2015;",
	"tls_cert_notafter:2015-13;",
	"tls_cert_notafter:2016-01<>2015-01;",
	"ssl_state:hello;",
	"flow:to_server; flow:established;",
	"sameip:1;",
	"content:\"a\"; nocase:1;",
	"http.uri:1; content:\"a\";",
	"dns.opcode;",
	"bypass:1;",
	"bogus:1;",
	"bogus.buffer; content:\"a\";",
};

static void a_rule_that_cannot_be_kept_to_is_a_problem_with_its_keyword(struct test *t)
{
	for (size_t i = 0; i < sizeof bad_options / sizeof bad_options[0]; i++) {
		char text[512];
		struct fixture x;
		size_t problems, compiled;

		(void)snprintf(text, sizeof text,
			       "alert udp any any -> any any (msg:\"t\"; %s sid:7; rev:1;)\n",
			       bad_options[i]);
		EXPECT(t, fixture_rules(&x, slice_of(text), 0));
		problems = x.set.problem_count;
		compiled = detect_rules_count(x.rules);
		if (problems == 1 && compiled == 0 && x.set.problems[0].sid == 7 &&
		    x.set.problems[0].keyword.len != 0 && x.set.problems[0].text.len != 0) {
			fixture_done(&x);
			continue;
		}
		fixture_done(&x);
		test_fail(t, __FILE__, __LINE__, "%s: %zu problems, %zu rules", bad_options[i],
			  problems, compiled);
		return;
	}
}

/* Suricata leaves such a rule out and goes on; a protocol that it does not know is an error. */
static void an_event_that_a_protocol_does_not_have_is_only_a_warning(struct test *t)
{
	struct fixture x;

	EXPECT(t,
	       fixture_rules(
		       &x,
		       SLICE("alert tls any any -> any any (msg:\"a\"; "
			     "app-layer-event:tls.certificate_missing_element; sid:1; rev:1;)\n"
			     "alert tls any any -> any any (msg:\"b\"; "
			     "app-layer-event:bogus.certificate_missing_element; sid:2; rev:1;)\n"),
		       0));
	EXPECT_UINT(t, detect_rules_count(x.rules), 0);
	EXPECT_UINT(t, x.set.problem_count, 2);
	EXPECT_UINT(t, x.set.warning_count, 1);
	EXPECT(t, x.set.problems[0].warning && x.set.problems[0].sid == 1);
	EXPECT(t, !x.set.problems[1].warning && x.set.problems[1].sid == 2);
	fixture_done(&x);
}

/* --- headers --- */

struct header_row {
	const char *header, *options;
	void (*change)(struct packet *p, bool yes);
};

static void set_ttl(struct packet *p, bool yes)
{
	p->ttl = yes ? 5 : 6;
}

static void set_id(struct packet *p, bool yes)
{
	p->ip_id = yes ? 13330 : 13331;
}

static void set_tos(struct packet *p, bool yes)
{
	p->tos = yes ? 8 : 9;
}

static void set_offset(struct packet *p, bool yes)
{
	p->ip_fragment_offset = yes ? 8 : 0;
}

static void set_frag(struct packet *p, bool yes)
{
	p->ip_flags = yes ? 3 : 2;
}

static void set_proto(struct packet *p, bool yes)
{
	p->proto = yes ? 41 : 42;
}

static void set_same(struct packet *p, bool yes)
{
	if (yes)
		p->dst = p->src;
}

static void set_options(struct packet *p, bool yes)
{
	static const uint8_t with[24] = {[20] = 1, [21] = 7, [22] = 3};
	static const uint8_t without[24] = {[20] = 1, [21] = 68, [22] = 7};

	p->ip_header = (struct slice){yes ? with : without, 24};
}

static void set_tcp(struct packet *p, bool yes)
{
	p->proto = IP_PROTO_TCP;
	p->l4_header.len = 20;
	p->tcp = (struct packet_tcp){.seq = yes ? 77 : 78,
				     .ack = yes ? 88 : 89,
				     .window = yes ? 55808 : 1,
				     .mss = yes ? 123 : 124,
				     .wscale = yes ? 3 : 4,
				     .has_wscale = true,
				     .flags = yes ? TCP_SYN | TCP_CWR : TCP_SYN | TCP_ACK};
}

static void set_icmp(struct packet *p, bool yes)
{
	p->proto = IP_PROTO_ICMP;
	p->icmp_type = yes ? 8 : 0;
	p->icmp_code = yes ? 3 : 0;
	p->icmp_id = yes ? 512 : 513;
	p->icmp_seq = yes ? 4 : 5;
}

static void set_event(struct packet *p, bool yes)
{
	if (yes)
		packet_anomaly(p, 0);
	else
		packet_anomaly(p, 1);
}

static void set_ports(struct packet *p, bool yes)
{
	p->proto = IP_PROTO_UDP;
	p->dport = yes ? 53 : 54;
	p->sport = yes ? 1024 : 1023;
}

static void set_addrs(struct packet *p, bool yes)
{
	p->dst = addr_v4(yes ? (const uint8_t[]){198, 51, 100, 7}
			     : (const uint8_t[]){198, 51, 100, 8});
}

static void set_v6(struct packet *p, bool yes)
{
	static const uint8_t six[16] = {0x20, 1};

	if (yes) {
		p->ip_version = 6;
		p->src = p->dst = addr_v6(six);
	}
}

/* two tags or one; the inner one is 7 */
static void set_vlans(struct packet *p, bool yes)
{
	p->vlans = yes ? 2 : 1;
	p->vlan[0] = 5;
	p->vlan[1] = yes ? 7 : 0;
}

static void set_rebuilt(struct packet *p, bool yes)
{
	p->rebuilt = yes;
}

static void set_too_big(struct packet *p, bool yes)
{
	static const uint8_t big[] = {2, 0, 0, 0, 0, 0, 5, 0}, small[] = {2, 0, 0, 0, 0, 0, 5, 1};

	p->proto = IP_PROTO_ICMP6;
	p->icmp_type = 2;
	p->l4 = p->l4_header = (struct slice){yes ? big : small, 8};
}

static void set_igmp(struct packet *p, bool yes)
{
	static const uint8_t query[] = {0x11, 0, 0, 0, 224, 0, 0, 1};
	static const uint8_t report[] = {0x16, 0, 0, 0, 224, 0, 0, 2};

	p->proto = IP_PROTO_IGMP;
	p->l4 = (struct slice){yes ? query : report, 8};
}

/* A call of the port mapper (program 100000, version 2), procedure 3 or 4. */
static void set_rpc(struct packet *p, bool yes)
{
	static const uint8_t calls[2][24] = {{[11] = 2, [13] = 1, 0x86, 0xa0, [19] = 2, [23] = 3},
					     {[11] = 2, [13] = 1, 0x86, 0xa0, [19] = 2, [23] = 4}};

	p->payload = (struct slice){calls[yes], 24};
}

static const struct header_row header_rows[] = {
	{"alert ip any any -> any any", "vlan.id:7;", set_vlans},
	{"alert ip any any -> any any", "vlan.id:7,1;", set_vlans},
	{"alert ip any any -> any any", "vlan.id:7,-1;", set_vlans},
	{"alert ip any any -> any any", "vlan.id:>4,nb2;", set_vlans},
	{"alert ip any any -> any any", "vlan.layers:>1;", set_vlans},
	{"alert ip any any -> any any", "flow:only_frag;", set_rebuilt},
	{"alert ip any any -> any any", "icmpv6.mtu:1280;", set_too_big},
	{"alert ip any any -> any any", "igmp.type:0x11;", set_igmp},
	{"alert ip any any -> any any", "igmp.hdr; content:\"|e0 00 00 01|\"; offset:4;", set_igmp},
	{"alert ip any any -> any any", "l3_proto:ipv6;", set_v6},
	{"alert udp any any -> any any", "rpc:100000,2,4;", set_rpc},
	{"alert udp any any -> any any", "rpc:100000,*,4;", set_rpc},
	{"alert ip any any -> any any", "ttl:5;", set_ttl},
	{"alert ip any any -> any any", "ttl:<6;", set_ttl},
	{"alert ip any any -> any any", "id:13330;", set_id},
	{"alert ip any any -> any any", "tos:8;", set_tos},
	{"alert ip any any -> any any", "fragoffset:>0;", set_offset},
	{"alert ip any any -> any any", "fragbits:MD;", set_frag},
	{"alert ip any any -> any any", "fragbits:+M;", set_frag},
	{"alert ip any any -> any any", "ip_proto:41;", set_proto},
	{"alert ip any any -> any any", "ip_proto:ipv6;", set_proto},
	{"alert ip any any -> any any", "ip_proto:!HMP; ip_proto:<42;", set_proto},
	{"alert ip any any -> any any", "ip_proto:!42;", set_proto},
	{"alert ip any any -> any any", "sameip;", set_same},
	{"alert ip any any -> any any", "ipopts:rr;", set_options},
	{"alert tcp any any -> any any", "seq:77;", set_tcp},
	{"alert tcp any any -> any any", "ack:88;", set_tcp},
	{"alert tcp any any -> any any", "window:55808;", set_tcp},
	{"alert tcp any any -> any any", "tcp.mss:<124;", set_tcp},
	{"alert tcp any any -> any any", "tcp.wscale:3;", set_tcp},
	{"alert tcp any any -> any any", "flags:S,12;", set_tcp},
	{"alert tcp any any -> any any", "flags:S1;", set_tcp},
	{"alert tcp any any -> any any", "flags:!A;", set_tcp},
	{"alert tcp any any -> any any", "flags:*CF;", set_tcp},
	{"alert tcp any any -> any any", "tcp.flags:+C;", set_tcp},
	{"alert icmp any any -> any any", "itype:8;", set_icmp},
	{"alert icmp any any -> any any", "icode:3;", set_icmp},
	{"alert icmp any any -> any any", "icmp_id:512;", set_icmp},
	{"alert icmp any any -> any any", "icmp_seq:4;", set_icmp},
	{"alert udp any any -> any 53", "ttl:64;", set_ports},
	{"alert udp any 1024: -> any any", "ttl:64;", set_ports},
	{"alert udp any any <> any 53", "ttl:64;", set_ports},
	{"alert udp any 53 <> any any", "ttl:64;", set_ports},
	{"alert udp any any -> any ![54,100:200]", "ttl:64;", set_ports},
	{"alert ip any any -> 198.51.100.7 any", "", set_addrs},
	{"alert ip any any -> !198.51.100.8 any", "", set_addrs},
	{"alert ip 198.51.100.7 any <> any any", "", set_addrs},
	{"alert ip6 any any -> any any", "ttl:64;", set_v6},
};

static int header_hits(const struct header_row *r, bool yes)
{
	char text[512];
	struct fixture x;
	struct packet p;
	int n = -1;

	(void)snprintf(text, sizeof text, "%s (msg:\"t\"; %s sid:1; rev:1;)\n", r->header,
		       r->options);
	if (fixture_rules(&x, slice_of(text), 0) && detect_rules_count(x.rules) == 1) {
		fixture_flow(&x, IP_PROTO_UDP, 9999);
		p = fixture_packet(&x, FLOW_TO_SERVER, (struct slice){NULL, 0});
		r->change(&p, yes);
		detect_packet(x.worker, &p, NULL, FLOW_TO_SERVER);
		detect_finish(x.worker, &p, NULL);
		n = (int)x.hits;
	}
	fixture_done(&x);
	return n;
}

static void each_header_keyword_fires_and_nearly_fires(struct test *t)
{
	for (size_t i = 0; i < sizeof header_rows / sizeof header_rows[0]; i++) {
		int yes = header_hits(&header_rows[i], true);
		int no = header_hits(&header_rows[i], false);

		if (yes != 1 || no != 0) {
			test_fail(t, __FILE__, __LINE__, "%s %s: %d and %d hits, want 1 and 0",
				  header_rows[i].header, header_rows[i].options, yes, no);
			return;
		}
	}
}

static void a_decoder_event_has_the_decoders_name(struct test *t)
{
	char options[128];
	struct header_row ip = {"alert ip any any -> any any", options, set_event};
	struct header_row any = {"alert pkthdr any any -> any any", options, set_event};

	(void)snprintf(options, sizeof options, "decode-event:%s;", decode_anomalies[0]);
	EXPECT(t, header_hits(&ip, true) == 1 && header_hits(&ip, false) == 0);
	EXPECT(t, header_hits(&any, true) == 1 && header_hits(&any, false) == 0);
}

/* --- the table --- */

static void names_in_the_table_are_unique_and_documented(struct test *t)
{
	for (size_t i = 0; detect_keywords[i] != NULL; i++) {
		for (const struct detect_keyword *k = detect_keywords[i]; k->name != NULL; k++) {
			EXPECT(t, k->compile != NULL && k->doc != NULL);
			EXPECT(t, detect_keyword_find(slice_of(k->name)) == k);
		}
	}
}

static void the_list_for_people_has_every_row_once_with_its_kind(struct test *t)
{
	struct detect_keyword_info k;
	size_t n = 0, refused = 0;

	for (; detect_keyword_at(n, &k); n++) {
		const struct detect_keyword *row = detect_keyword_find(slice_of(k.name));

		EXPECT(t, row != NULL && strcmp(row->doc, k.doc) == 0 && k.kind[0] != '\0');
		refused += row->refused;
		EXPECT(t, row->refused == (strcmp(k.kind, "refused") == 0));
		EXPECT(t, detect_knows_keyword(slice_of(k.name)) != row->refused);
	}
	EXPECT(t, n > 200 && refused != 0);
	EXPECT(t, !detect_keyword_at(n, &k));
}

TESTS(T(the_list_for_people_has_every_row_once_with_its_kind),
      T(each_payload_keyword_fires_and_nearly_fires),
      T(a_rule_that_cannot_be_kept_to_is_a_problem_with_its_keyword),
      T(an_event_that_a_protocol_does_not_have_is_only_a_warning),
      T(each_header_keyword_fires_and_nearly_fires), T(a_decoder_event_has_the_decoders_name),
      T(names_in_the_table_are_unique_and_documented))
