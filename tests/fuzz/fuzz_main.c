/* SPDX-License-Identifier: BSD-3-Clause */
// Replays a folder of inputs through a fuzz target, for compilers without libFuzzer and as a plain test.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
	struct stat st;
	FILE *in = fopen(path, "r");
	uint8_t *data;
	size_t size;

	if (in == NULL || fstat(fileno(in), &st) < 0) {
		perror(path);
		return -1;
	}
	// Exactly as long as the input, so that a sanitizer sees a read beyond it.
	data = malloc((size_t)st.st_size);
	size = fread(data, 1, (size_t)st.st_size, in);
	fclose(in);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned int count = 0;

	for (int i = 1; i < argc; i++) {
		const struct dirent *entry;
		DIR *folder = opendir(argv[i]);

		if (folder == NULL) {
			perror(argv[i]);
			return 1;
		}
		while ((entry = readdir(folder)) != NULL) {
			char path[4096];

			snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
			if (entry->d_name[0] == '.')
				continue;
			if (replay(path) < 0)
				return 1;
			count++;
		}
		closedir(folder);
	}
	printf("%u inputs\n", count);
	return count > 0 ? 0 : 1; // an empty corpus tests nothing
}
