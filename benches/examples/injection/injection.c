/* libinjection, in the build that ModSecurity carries, asked about values.
 *
 * injection sqli|xss TIMES <VALUES: each value is a length (32 bits in the machine's order) and its
 * bytes. They are read once and asked about TIMES times.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int libinjection_sqli(const char *, size_t, char fingerprint[8]);
int libinjection_xss(const char *, size_t);

enum { MOST = 64 << 20 };

int main(int count, char **arguments) {
    if (count < 3) return 1;
    int is_sqli = strcmp(arguments[1], "sqli") == 0;
    char *values = calloc(MOST, 1), fingerprint[8];
    if (values == NULL) return 1;
    size_t size = fread(values, 1, MOST - 64, stdin), hits = 0;
    for (int times = atoi(arguments[2]); times > 0; times--) {
        for (size_t at = 0; at + 4 <= size;) {
            uint32_t length;
            memcpy(&length, values + at, 4);
            const char *value = values + at + 4;
            hits += is_sqli ? libinjection_sqli(value, length, fingerprint) != 0
                            : libinjection_xss(value, length) != 0;
            at += 4 + length;
        }
    }
    fprintf(stderr, "%zu hits\n", hits);
    return 0;
}
