/* SPDX-License-Identifier: Apache-2.0
 * What dewline attrib score prints. */
#include "base/json.h"
#include "console/cli/attrib.h"

const char *const cmd_attrib_stages[CMD_ATTRIB_STAGES] = {"B1", "B2", "B3", "all"};

void cmd_attrib_score_text(const struct cmd_attrib_scores *s, struct buf *out)
{
	for (size_t k = 0; k < CMD_ATTRIB_STAGES; k++) {
		const struct fuse_score *x = &s->of[k];
		int32_t brier = fuse_score_brier(x), ece = fuse_score_ece(x);

		if (x->cases == 0)
			continue;
		buf_add_fmt(out,
			    "%-4s %llu cases, %llu right; Brier %d.%03d; calibration error "
			    "%d.%03d; at 95 %% and more %llu, of these wrong %llu\n",
			    cmd_attrib_stages[k], (unsigned long long)x->cases,
			    (unsigned long long)x->right, brier / 1000000, brier / 1000 % 1000,
			    ece / 1000, ece % 1000, (unsigned long long)x->sure,
			    (unsigned long long)x->sure_wrong);
	}
	buf_add_z(out, "\nclaimed      cases  mean claim  right  (95 % interval)\n");
	for (size_t b = 0; b < FUSE_BINS; b++) {
		const struct fuse_bin *x = &s->of[CMD_ATTRIB_STAGES - 1].bins[b];
		struct interval p = fuse_wilson(x->right, x->cases);

		if (x->cases == 0)
			continue;
		buf_add_fmt(out, "%3zu-%3zu %%  %6llu  %7llu %%  %3llu %%  (%d-%d %%)\n", b * 10,
			    b * 10 + 10, (unsigned long long)x->cases,
			    (unsigned long long)(x->claimed / x->cases / 10),
			    (unsigned long long)(x->right * 100 / x->cases), p.lo / 10, p.hi / 10);
	}
	if (s->open != 0)
		buf_add_fmt(out, "\n%zu results are of cases whose truth is not in the file.\n",
			    s->open);
}

void cmd_attrib_score_json(const struct cmd_attrib_scores *s, struct buf *out)
{
	struct json j = json_in(out);

	json_object(&j);
	json_member_str(&j, "format", SLICE("dewline-score/1"));
	json_member_u64(&j, "open", s->open);
	json_key(&j, "stages");
	json_object(&j);
	for (size_t k = 0; k < CMD_ATTRIB_STAGES; k++) {
		const struct fuse_score *x = &s->of[k];

		json_key(&j, cmd_attrib_stages[k]);
		json_object(&j);
		json_key(&j, "brier");
		json_fixed(&j, fuse_score_brier(x), 6);
		json_key(&j, "calibration");
		json_array(&j);
		for (size_t b = 0; b < FUSE_BINS; b++) {
			struct interval p = fuse_wilson(x->bins[b].right, x->bins[b].cases);

			json_object(&j);
			json_member_u64(&j, "cases", x->bins[b].cases);
			json_key(&j, "claimed");
			json_fixed(&j, (int64_t)x->bins[b].claimed, 3);
			json_key(&j, "interval");
			json_array(&j);
			json_fixed(&j, p.lo, 3);
			json_fixed(&j, p.hi, 3);
			json_end(&j);
			json_member_u64(&j, "right", x->bins[b].right);
			json_end(&j);
		}
		json_end(&j);
		json_member_u64(&j, "cases", x->cases);
		json_key(&j, "ece");
		json_fixed(&j, fuse_score_ece(x), 3);
		json_member_u64(&j, "right", x->right);
		json_member_u64(&j, "sure", x->sure);
		json_member_u64(&j, "sure_wrong", x->sure_wrong);
		json_end(&j);
	}
	json_end(&j);
	json_end(&j);
	buf_add_byte(out, '\n');
}
