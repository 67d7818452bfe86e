/* SPDX-License-Identifier: Apache-2.0
 * A main() for fuzz targets built without an engine: runs the target over files, or over all files
 * of folders. An absent folder is an error, so that a renamed corpus does not pass unnoticed. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 16 << 20 };

static int one(const char *path)
{
	FILE *f = fopen(path, "rbe");
	uint8_t *buf = malloc(INPUT_MAX), *exact;
	size_t n;

	if (f == NULL || buf == NULL) {
		perror(path);
		free(buf);
		if (f != NULL)
			(void)fclose(f);
		return 0;
	}
	n = fread(buf, 1, INPUT_MAX, f);
	(void)fclose(f);
	exact = malloc(n ? n : 1); /* so that ASan sees the first byte past the end */
	if (exact != NULL) {
		for (size_t i = 0; i < n; i++)
			exact[i] = buf[i];
		(void)LLVMFuzzerTestOneInput(exact, n);
	}
	free(exact);
	free(buf);
	return 1;
}

static int all(const char *path)
{
	struct stat st;
	struct dirent **list;
	int count = 0, n;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
		return one(path);
	n = scandir(path, &list, NULL, alphasort);
	if (n < 0) {
		perror(path);
		return 0;
	}
	for (int i = 0; i < n; i++) {
		char file[4096];

		if (list[i]->d_name[0] != '.' &&
		    snprintf(file, sizeof file, "%s/%s", path, list[i]->d_name) < (int)sizeof file)
			count += one(file);
		free(list[i]);
	}
	free(list);
	return count;
}

int main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++)
		count += all(argv[i]);
	printf("%d inputs replayed\n", count);
	return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
