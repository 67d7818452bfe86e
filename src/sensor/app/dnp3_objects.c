/* SPDX-License-Identifier: Apache-2.0
 *
 * What the points of DNP3 objects hold: IEEE 1815-2012 annex A, names as Suricata's EVE has them.
 *
 * A layout is a text, one word a member:
 *	uN:name iN:name	integers of N bits, least significant byte first
 *	f4:name f8:name	IEEE 754
 *	time:name	48 bits of milliseconds
 *	<set>		a byte of flags, low bit first, from flag_sets[]
 *	s:name:length	text, as long as the member `length` said
 *	x:name:length	bytes in hexadecimal, the same; length "*": what the size prefix leaves
 *	bits:n:name	packed: n bits a point
 */
#include "crypto/crypto.h"
#include "sensor/app/dnp3_priv.h"

struct flag {
	const char *name;
	uint8_t bits;
};

#define COMMON                                                                                     \
	{"online", 1}, {"restart", 1}, {"comm_lost", 1}, {"remote_forced", 1},                     \
	{                                                                                          \
		"local_forced", 1                                                                  \
	}

static const struct flag_set {
	char id;
	struct flag flags[9];
} flag_sets[] = {
	{'B', {COMMON, {"chatter_filter", 1}, {"reserved", 1}, {"state", 1}}},
	{'D', {COMMON, {"chatter_filter", 1}, {"state", 2}}},
	{'O', {COMMON, {"reserved0", 1}, {"reserved1", 1}, {"state", 1}}},
	{'C', {COMMON, {"rollover", 1}, {"discontinuity", 1}, {"reserved0", 1}}},
	{'c', {COMMON, {"rollover", 1}, {"reserved0", 1}, {"reserved1", 1}}},
	{'T', {COMMON, {"rollover", 1}, {"discontinuity", 1}, {"reserved1", 1}}},
	{'A', {COMMON, {"over_range", 1}, {"reference_err", 1}, {"reserved0", 1}}},
	{'Q', {COMMON, {"reserved0", 1}, {"discontinuity", 1}, {"reserved1", 1}}},
	{'K', {{"op_type", 4}, {"qu", 1}, {"cr", 1}, {"tcc", 2}}},
	{'S', {{"status_code", 7}, {"reserved", 1}}},
	{'Z', {{"status_code", 7}, {"reserved0", 1}}},
	{'E', {{"status_code", 7}, {"commanded_state", 1}}},
	{'F', {{"fill_percentage", 7}, {"overflow_state", 1}}},
	{'R',
	 {{"rd", 1},
	  {"wr", 1},
	  {"st", 1},
	  {"ev", 1},
	  {"df", 1},
	  {"padding0", 1},
	  {"padding1", 1},
	  {"padding2", 1}}},
};

static const struct layout {
	uint8_t group, variation;
	const char *text;
} layouts[] = {
	{1, 1, "bits:1:state"},
	{1, 2, "<B>"},
	{2, 1, "u8:state"},
	{2, 2, "<B> time:timestamp"},
	{2, 3, "<B> u16:timestamp"},
	{3, 1, "bits:2:state"},
	{3, 2, "<D>"},
	{4, 1, "<D>"},
	{4, 2, "<D> time:timestamp"},
	{4, 3, "<D> u16:relative_time_ms"},
	{10, 1, "bits:1:state"},
	{10, 2, "<O>"},
	{11, 1, "<O>"},
	{11, 2, "<O> time:timestamp"},
	{12, 1, "<K> u8:count u32:ontime u32:offtime <S>"},
	{12, 2, "<K> u8:count u32:ontime u32:offtime <S>"},
	{12, 3, "bits:1:point"},
	{13, 1, "<E>"},
	{13, 2, "<E> time:timestamp"},
	{20, 1, "<C> u32:count"},
	{20, 2, "<C> u16:count"},
	{20, 3, "<c> u32:count"},
	{20, 4, "<c> u16:count"},
	{20, 5, "u32:count"},
	{20, 6, "u16:count"},
	{20, 7, "u32:count"},
	{20, 8, "u16:count"},
	{21, 1, "<C> u32:count"},
	{21, 2, "<C> u16:count"},
	{21, 3, "<c> u32:count"},
	{21, 4, "<c> u16:count"},
	{21, 5, "<T> u32:count time:timestamp"},
	{21, 6, "<T> u16:count time:timestamp"},
	{21, 7, "<c> u32:count time:timestamp"},
	{21, 8, "<c> u16:count time:timestamp"},
	{21, 9, "u32:count"},
	{21, 10, "u16:count"},
	{21, 11, "u32:count"},
	{21, 12, "u16:count"},
	{22, 1, "<C> u32:count"},
	{22, 2, "<C> u16:count"},
	{22, 3, "<c> u32:count"},
	{22, 4, "<c> u16:count"},
	{22, 5, "<C> u32:count time:timestamp"},
	{22, 6, "<C> u16:count time:timestamp"},
	{22, 7, "<c> u32:count time:timestamp"},
	{22, 8, "<c> u16:count time:timestamp"},
	{23, 1, "<C> u32:count"},
	{23, 2, "<C> u16:count"},
	{23, 3, "<c> u32:count"},
	{23, 4, "<c> u16:count"},
	{23, 5, "<C> u32:count time:timestamp"},
	{23, 6, "<C> u16:count time:timestamp"},
	{23, 7, "<c> u32:count time:timestamp"},
	{23, 8, "<c> u16:count time:timestamp"},
	{30, 1, "<A> i32:value"},
	{30, 2, "<A> i16:value"},
	{30, 3, "i32:value"},
	{30, 4, "i16:value"},
	{30, 5, "<A> f4:value"},
	{30, 6, "<A> f8:value"},
	{31, 1, "<A> i32:value"},
	{31, 2, "<A> i16:value"},
	{31, 3, "<A> i32:value time:timestamp"},
	{31, 4, "<A> i16:value time:timestamp"},
	{31, 5, "i32:value"},
	{31, 6, "i16:value"},
	{31, 7, "<A> f4:value"},
	{31, 8, "<A> f8:value"},
	{32, 1, "<A> i32:value"},
	{32, 2, "<A> i16:value"},
	{32, 3, "<A> i32:value time:timestamp"},
	{32, 4, "<A> i16:value time:timestamp"},
	{32, 5, "<A> f4:value"},
	{32, 6, "<A> f8:value"},
	{32, 7, "<A> f4:value time:timestamp"},
	{32, 8, "<A> f8:value time:timestamp"},
	{33, 1, "<A> i32:value"},
	{33, 2, "<A> i16:value"},
	{33, 3, "<A> i32:value time:timestamp"},
	{33, 4, "<A> i16:value time:timestamp"},
	{33, 5, "<A> f4:value"},
	{33, 6, "<A> f8:value"},
	{33, 7, "<A> f4:value time:timestamp"},
	{33, 8, "<A> f8:value time:timestamp"},
	{34, 1, "u16:deadband_value"},
	{34, 2, "u32:deadband_value"},
	{34, 3, "f4:deadband_value"},
	{40, 1, "<A> i32:value"},
	{40, 2, "<A> i16:value"},
	{40, 3, "<A> f4:value"},
	{40, 4, "<A> f8:value"},
	{41, 1, "i32:value u8:control_status"},
	{41, 2, "i16:value u8:control_status"},
	{41, 3, "f4:value u8:control_status"},
	{41, 4, "f8:value u8:control_status"},
	{42, 1, "<A> i32:value"},
	{42, 2, "<A> i16:value"},
	{42, 3, "<A> i32:value time:timestamp"},
	{42, 4, "<A> i16:value time:timestamp"},
	{42, 5, "<A> f4:value"},
	{42, 6, "<A> f8:value"},
	{42, 7, "<A> f4:value time:timestamp"},
	{42, 8, "<A> f8:value time:timestamp"},
	{43, 1, "<Z> i32:commanded_value"},
	{43, 2, "<Z> i16:commanded_value"},
	{43, 3, "<Z> i32:commanded_value time:timestamp"},
	{43, 4, "<Z> i16:commanded_value time:timestamp"},
	{43, 5, "<Z> f4:commanded_value"},
	{43, 6, "<Z> f8:commanded_value"},
	{43, 7, "<Z> f4:commanded_value time:timestamp"},
	{43, 8, "<Z> f8:commanded_value time:timestamp"},
	{50, 1, "time:timestamp"},
	{50, 2, "time:timestamp u32:interval"},
	{50, 3, "time:timestamp"},
	{50, 4, "time:timestamp u32:interval_count u8:interval_units"},
	{51, 1, "time:timestamp"},
	{51, 2, "time:timestamp"},
	{52, 1, "u16:delay_secs"},
	{52, 2, "u16:delay_ms"},
	{70, 1,
	 "u16:filename_size u8:filetype_code u8:attribute_code u16:start_record u16:end_record "
	 "u32:file_size time:created_timestamp u16:permission u32:file_id u32:owner_id "
	 "u32:group_id "
	 "u8:file_function_code u8:status_code s:filename:filename_size u16:data_size "
	 "s:data:data_size"},
	{70, 2,
	 "u16:username_offset u16:username_size u16:password_offset u16:password_size "
	 "u32:authentication_key s:username:username_size s:password:password_size"},
	{70, 3,
	 "u16:filename_offset u16:filename_size time:created u16:permissions "
	 "u32:authentication_key u32:file_size u16:operational_mode u16:maximum_block_size "
	 "u16:request_id s:filename:filename_size"},
	{70, 4,
	 "u32:file_handle u32:file_size u16:maximum_block_size u16:request_id u8:status_code "
	 "s:optional_text:*"},
	{70, 5, "u32:file_handle u32:block_number s:file_data:*"},
	{70, 6, "u32:file_handle u32:block_number u8:status_code s:optional_text:*"},
	{70, 7,
	 "u16:filename_offset u16:filename_size u16:file_type u32:file_size "
	 "time:created_timestamp u16:permissions u16:request_id s:filename:filename_size"},
	{70, 8, "s:file_specification:*"},
	{80, 1, "bits:1:state"},
	{81, 1, "<F> u8:group u8:variation"},
	{86, 2, "<R>"},
	{102, 1, "u8:value"},
	{120, 1, "u32:csq u16:usr u8:mal u8:reason x:challenge_data:*"},
	{120, 2, "u32:csq u16:usr x:mac_value:*"},
	{120, 3, "u32:csq u16:user_number"},
	{120, 4, "u16:user_number"},
	{120, 5,
	 "u32:ksq u16:user_number u8:key_wrap_alg u8:key_status u8:mal u16:challenge_data_len "
	 "x:challenge_data:challenge_data_len x:mac_value:*"},
	{120, 6, "u24:ksq u16:usr x:wrapped_key_data:*"},
	{120, 7,
	 "u32:sequence_number u16:usr u16:association_id u8:error_code time:time_of_error "
	 "s:error_text:*"},
	{120, 8, "u8:key_change_method u8:certificate_type x:certificate:*"},
	{120, 9, "x:mac_value:*"},
	{120, 10,
	 "u8:key_change_method u8:operation u32:scs u16:user_role u16:user_role_expiry_interval "
	 "u16:username_len u16:user_public_key_len u16:certification_data_len "
	 "s:username:username_len x:user_public_key:user_public_key_len "
	 "x:certification_data:certification_data_len"},
	{120, 11,
	 "u8:key_change_method u16:username_len u16:master_challenge_data_len "
	 "s:username:username_len x:master_challenge_data:master_challenge_data_len"},
	{120, 12,
	 "u32:ksq u16:user_number u16:challenge_data_len x:challenge_data:challenge_data_len"},
	{120, 13,
	 "u32:ksq u16:user_number u16:encrypted_update_key_len "
	 "x:encrypted_update_key_data:encrypted_update_key_len"},
	{120, 14, "x:digital_signature:*"},
	{120, 15, "x:mac:*"},
	{121, 1, "<Q> u16:association_id u32:count_value"},
	{122, 1, "<Q> u16:association_id u32:count_value"},
	{122, 2, "<Q> u16:association_id u32:count_value time:timestamp"},
};

enum { MEMBERS_MAX = 20 };

/* The numbers of one point that later members are as long as. */
struct lengths {
	struct slice name[MEMBERS_MAX];
	uint64_t value[MEMBERS_MAX];
	size_t count;
};

static void put_flags(struct json *j, char id, uint8_t byte)
{
	const struct flag_set *set = flag_sets;
	unsigned at = 0;

	while (set->id != id)
		set++;
	for (const struct flag *f = set->flags; at < 8 && f->name != NULL; at += f->bits, f++) {
		json_key(j, f->name);
		json_u64(j, ((unsigned)byte >> at) & ((1u << f->bits) - 1));
	}
}

/* A float as a JSON number that reads back as the same; what JSON has no number for is null. */
static void put_float(struct json *j, double v, int digits)
{
	if (v - v != 0)
		json_null(j);
	else
		json_raw(j, buf_text(j->out->arena, "%.*g", digits, v));
}

static void put_bytes(struct json *j, struct slice s, bool text)
{
	struct buf hex = buf_in(j->out->arena);

	if (!text) {
		crypto_hex_add(s, &hex);
		s = buf_slice(&hex);
	}
	json_str(j, s);
}

static uint64_t length_of(const struct lengths *known, struct slice name)
{
	for (size_t i = 0; i < known->count; i++)
		if (slice_equal(known->name[i], name))
			return known->value[i];
	return 0;
}

static void put_member(struct cursor *c, struct slice word, struct lengths *known, struct json *j)
{
	struct slice rest = word, type = slice_split(&rest, ':'), name = slice_split(&rest, ':');
	uint8_t kind = type.ptr[0];
	uint64_t v, bits = 0;

	if (kind == '<') {
		put_flags(j, (char)type.ptr[1], cursor_u8(c));
		return;
	}
	json_key_slice(j, name);
	if (kind == 's' || kind == 'x') {
		size_t n = slice_equal(rest, SLICE("*")) ? cursor_left(c) : length_of(known, rest);

		put_bytes(j, cursor_take(c, n), kind == 's');
		return;
	}
	for (size_t i = 1; i < type.len && kind != 't'; i++)
		bits = bits * 10 + (uint64_t)(type.ptr[i] - '0');
	v = cursor_le(c, kind == 't' ? 6 : kind == 'f' ? bits : bits / 8);
	if (kind == 'f' && bits == 4) {
		uint32_t u = (uint32_t)v;
		float f;

		memcpy(&f, &u, sizeof f);
		put_float(j, (double)f, 9);
	} else if (kind == 'f') {
		double d;

		memcpy(&d, &v, sizeof d);
		put_float(j, d, 17);
	} else if (kind == 'i') {
		json_i64(j, bits == 16 ? (int16_t)v : (int32_t)v);
	} else {
		json_u64(j, v);
		if (known->count < MEMBERS_MAX) {
			known->name[known->count] = name;
			known->value[known->count++] = v;
		}
	}
}

static const char *layout_of(const struct dnp3_object *o)
{
	for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++)
		if (layouts[i].group == o->group && layouts[i].variation == o->variation)
			return layouts[i].text;
	return NULL;
}

/* n bits a point, low bit first, without a prefix. */
static bool packed_points(struct cursor *c, const struct dnp3_object *o, struct slice layout,
			  uint32_t *left, struct json *j)
{
	struct slice rest = layout, bits;
	unsigned n, at = 8;
	uint8_t byte = 0;

	(void)slice_split(&rest, ':');
	bits = slice_split(&rest, ':');
	n = (unsigned)(bits.ptr[0] - '0');
	for (uint32_t i = 0; i < o->count && *left != 0; i++, (*left)--) {
		if (at == 8) {
			byte = cursor_u8(c);
			at = 0;
		}
		if (!cursor_ok(c))
			return false;
		json_object(j);
		json_key(j, "prefix");
		json_u64(j, 0);
		json_key(j, "index");
		json_u64(j, (uint64_t)o->start + i);
		json_key_slice(j, rest);
		json_u64(j, ((unsigned)byte >> at) & ((1u << n) - 1));
		json_end(j);
		at += n;
	}
	return *left != 0;
}

/* Bytes of the prefix that each point has: 1-3 an index, 4-6 a size. */
static size_t prefix_bytes(unsigned code)
{
	static const uint8_t bytes[8] = {0, 1, 2, 4, 1, 2, 4, 0};

	return bytes[code];
}

static bool points(struct cursor *c, const struct dnp3_object *o, struct slice layout,
		   uint32_t *left, struct json *j)
{
	unsigned code = dnp3_prefix_code(o);
	bool sized = code >= 4 && code <= 6;

	for (uint32_t i = 0; i < o->count && *left != 0; i++, (*left)--) {
		size_t n = prefix_bytes(code);
		uint64_t prefix = n != 0 ? cursor_le(c, n) : 0;
		struct cursor point = sized ? cursor_sub(c, prefix) : *c;
		struct lengths known = {0};
		struct slice rest = layout;

		if (!cursor_ok(c) || (!sized && cursor_left(c) == 0))
			return false;
		json_object(j);
		json_key(j, "prefix");
		json_u64(j, prefix);
		json_key(j, "index");
		json_u64(j, !sized && n != 0 ? prefix : (uint64_t)o->start + i);
		if (sized) {
			json_key(j, "size");
			json_u64(j, prefix);
		}
		while (rest.ptr != NULL)
			put_member(&point, slice_split(&rest, ' '), &known, j);
		json_end(j);
		if (!cursor_ok(&point))
			return false;
		if (!sized)
			*c = point;
	}
	return *left != 0;
}

bool app_dnp3_points(struct cursor *c, const struct dnp3_object *o, uint32_t *left, struct json *j)
{
	const char *text = layout_of(o);
	struct slice layout = slice_of(text);
	bool good;

	if (text == NULL)
		return false;
	json_key(j, "points");
	json_array(j);
	good = slice_starts(layout, SLICE("bits:")) ? packed_points(c, o, layout, left, j)
						    : points(c, o, layout, left, j);
	json_end(j);
	return good;
}
