/* PCRE2 as an oracle: every pattern against every value, as ModSecurity 2 runs them.
 *
 * stdin:  count, values; then patterns to the end. Numbers are 32 bits in the machine's order,
 *         texts a length and bytes.
 * stdout: a pattern: 1, or 0 if it does not compile. Then a byte for each value: the number of
 *         (start, end) pairs that follow, 0 for no match, 255 for an error.
 *
 * The headers of the library are not needed: what is used of it is declared here.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { DOLLAR_ENDONLY = 0x10, DOTALL = 0x20, NO_JIT = 0x2000, JIT_COMPLETE = 1, NOMATCH = -1 };

typedef struct pcre2_real_code_8 code;
typedef struct pcre2_real_match_data_8 match_data;
code *pcre2_compile_8(const uint8_t *, size_t, uint32_t, int *, size_t *, void *);
void pcre2_code_free_8(code *);
int pcre2_jit_compile_8(code *, uint32_t);
match_data *pcre2_match_data_create_from_pattern_8(const code *, void *);
void pcre2_match_data_free_8(match_data *);
int pcre2_match_8(const code *, const uint8_t *, size_t, size_t, uint32_t, match_data *, void *);
size_t *pcre2_get_ovector_pointer_8(match_data *);

struct text { uint32_t length; uint8_t *bytes; };

static int read_text(struct text *text) {
    if (fread(&text->length, 4, 1, stdin) != 1) return 0;
    text->bytes = malloc(text->length + 1);
    if (text->bytes == NULL) exit(2);
    return fread(text->bytes, 1, text->length, stdin) == text->length;
}

static void match(const code *compiled, match_data *found, const struct text *value) {
    int pairs = pcre2_match_8(compiled, value->bytes, value->length, 0, 0, found, NULL);
    /* Compiled code has less room for backtracking. */
    if (pairs < NOMATCH)
        pairs = pcre2_match_8(compiled, value->bytes, value->length, 0, NO_JIT, found, NULL);
    putchar(pairs == NOMATCH ? 0 : pairs < 0 || pairs > 254 ? 255 : pairs);
    const size_t *spans = pcre2_get_ovector_pointer_8(found);
    for (int i = 0; pairs <= 254 && i < 2 * pairs; i++) {
        uint32_t at = (uint32_t)spans[i];
        fwrite(&at, 4, 1, stdout);
    }
}

int main(void) {
    uint32_t count;
    if (fread(&count, 4, 1, stdin) != 1) return 1;
    struct text *values = calloc(count, sizeof *values);
    for (uint32_t i = 0; i < count; i++)
        if (!read_text(&values[i])) return 1;
    struct text pattern;
    while (read_text(&pattern)) {
        int error;
        size_t at;
        code *compiled = pcre2_compile_8(pattern.bytes, pattern.length, DOTALL | DOLLAR_ENDONLY,
                                         &error, &at, NULL);
        putchar(compiled != NULL);
        if (compiled != NULL) {
            pcre2_jit_compile_8(compiled, JIT_COMPLETE);
            match_data *found = pcre2_match_data_create_from_pattern_8(compiled, NULL);
            for (uint32_t i = 0; i < count; i++) match(compiled, found, &values[i]);
            pcre2_match_data_free_8(found);
            pcre2_code_free_8(compiled);
        }
        free(pattern.bytes);
    }
    return 0;
}
