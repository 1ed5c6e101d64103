/* libinjection as an oracle, in the build that ModSecurity carries.
 *
 * stdin:  values to the end, each a length (32 bits in the machine's order) and bytes.
 * stdout: for each value 16 bytes: its SQL fingerprint padded with NULs to 15, all NUL where it is
 *         no SQL injection, and 1 or 0 for cross-site scripting.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int libinjection_sqli(const char *, size_t, char fingerprint[8]);
int libinjection_xss(const char *, size_t);

int main(void) {
    uint32_t length;
    while (fread(&length, 4, 1, stdin) == 1) {
        /* NULs behind the value: some reads go beyond it. */
        char *value = calloc(length + 64, 1);
        char answer[16] = {0};
        if (value == NULL || fread(value, 1, length, stdin) != length) return 1;
        if (!libinjection_sqli(value, length, answer)) memset(answer, 0, sizeof answer);
        answer[15] = (char)libinjection_xss(value, length);
        fwrite(answer, sizeof answer, 1, stdout);
        free(value);
    }
    return 0;
}
