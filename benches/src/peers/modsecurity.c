/* libmodsecurity as a worker: the same questions and answers as worker.rs.
 *
 *   modsecurity RULES REQUESTS
 *
 * RULES is a file of SecLang. REQUESTS is what wire.rs writes: numbers are 32 bits in the order of
 * this machine, a text is its length, its bytes and a NUL. */
#include <modsecurity/modsecurity.h>
#include <modsecurity/rules_set.h>
#include <modsecurity/transaction.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct text { const char *bytes; uint32_t length; };
struct header { struct text name, value; };
struct request {
    struct text method, target, version, body;
    uint32_t headers;
    struct header *header;
};
struct workload { uint32_t requests; struct request *request; };

static struct text page;
static char page_length[16];
static ModSecurity *engine;
static RulesSet *rules;

static void fail(const char *what) {
    fprintf(stderr, "modsecurity: %s\n", what);
    exit(1);
}

static void *room(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size);
    if (memory == NULL) fail("no memory");
    return memory;
}

static uint32_t read_number(FILE *file) {
    uint32_t number;
    if (fread(&number, sizeof number, 1, file) != 1) fail("the requests end too soon");
    return number;
}

static struct text read_text(FILE *file) {
    struct text text = { NULL, read_number(file) };
    char *bytes = room((size_t)text.length + 1, 1);
    if (fread(bytes, (size_t)text.length + 1, 1, file) != 1) fail("the requests end too soon");
    text.bytes = bytes;
    return text;
}

static void read_request(FILE *file, struct request *request) {
    request->method = read_text(file);
    request->target = read_text(file);
    request->version = read_text(file);
    request->headers = read_number(file);
    request->header = room(request->headers, sizeof *request->header);
    for (uint32_t i = 0; i < request->headers; i++) {
        request->header[i].name = read_text(file);
        request->header[i].value = read_text(file);
    }
    request->body = read_text(file);
}

static uint32_t read_workloads(const char *path, struct workload **workloads) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail(path);
    page = read_text(file);
    snprintf(page_length, sizeof page_length, "%u", page.length);
    uint32_t count = read_number(file);
    *workloads = room(count, sizeof **workloads);
    for (uint32_t i = 0; i < count; i++) {
        struct workload *workload = &(*workloads)[i];
        workload->requests = read_number(file);
        workload->request = room(workload->requests, sizeof *workload->request);
        for (uint32_t j = 0; j < workload->requests; j++) read_request(file, &workload->request[j]);
    }
    fclose(file);
    return count;
}

static int refused(Transaction *transaction) {
    ModSecurityIntervention found = { 200, 0, NULL, NULL, 0 };
    int disruptive = msc_intervention(transaction, &found) && found.disruptive;
    free(found.url);
    free(found.log);
    return disruptive;
}

static const unsigned char *bytes_of(struct text text) {
    return (const unsigned char *)text.bytes;
}

/* The phases in order, up to a refusal. */
static int judge(Transaction *transaction, const struct request *request) {
    msc_process_connection(transaction, "127.0.0.1", 40000, "127.0.0.1", 80);
    const char *number = strchr(request->version.bytes, '/');
    msc_process_uri(transaction, request->target.bytes, request->method.bytes,
                    number ? number + 1 : request->version.bytes);
    for (uint32_t i = 0; i < request->headers; i++) {
        const struct header *header = &request->header[i];
        msc_add_n_request_header(transaction, bytes_of(header->name), header->name.length,
                                 bytes_of(header->value), header->value.length);
    }
    msc_process_request_headers(transaction);
    if (refused(transaction)) return 1;
    if (request->body.length > 0)
        msc_append_request_body(transaction, bytes_of(request->body), request->body.length);
    msc_process_request_body(transaction);
    if (refused(transaction)) return 1;
    msc_add_response_header(transaction, (const unsigned char *)"Content-Type",
                            (const unsigned char *)"text/html");
    msc_add_response_header(transaction, (const unsigned char *)"Content-Length",
                            (const unsigned char *)page_length);
    msc_process_response_headers(transaction, 200, "HTTP 1.1");
    if (refused(transaction)) return 1;
    msc_append_response_body(transaction, bytes_of(page), page.length);
    msc_process_response_body(transaction);
    return refused(transaction);
}

static int blocks(const struct request *request) {
    Transaction *transaction = msc_new_transaction(engine, rules, NULL);
    if (transaction == NULL) fail("no transaction");
    int refusal = judge(transaction, request);
    msc_process_logging(transaction);
    msc_transaction_cleanup(transaction);
    return refusal;
}

static uint64_t cpu(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static unsigned long peak(void) {
    char line[256];
    unsigned long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    if (file == NULL) return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmHWM: %lu", &kib) == 1) break;
    fclose(file);
    return kib;
}

/* Runs a workload, whole, until so many nanoseconds are spent. */
static void answer(const struct workload *workload, uint64_t least) {
    char *verdicts = room((size_t)workload->requests + 1, 1);
    uint64_t count = 0, begun = cpu(), spent;
    do {
        for (uint32_t i = 0; i < workload->requests; i++)
            verdicts[i] = blocks(&workload->request[i]) ? '1' : '0';
        count += workload->requests;
        spent = cpu() - begun;
    } while (spent < least);
    printf("%lu %lu %lu %s\n", (unsigned long)count, (unsigned long)spent, peak(), verdicts);
    free(verdicts);
}

/* Logs go nowhere. */
static void drop(void *data, const void *message) {
    (void)data;
    (void)message;
}

int main(int argc, char **argv) {
    if (argc != 3) fail("RULES REQUESTS");
    struct workload *workloads;
    uint32_t count = read_workloads(argv[2], &workloads);
    engine = msc_init();
    msc_set_connector_info(engine, "pinpoint-benches");
    msc_set_log_cb(engine, drop);
    rules = msc_create_rules_set();
    const char *error = NULL;
    int loaded = msc_rules_add_file(rules, argv[1], &error);
    if (loaded < 0) fail(error ? error : "the rules do not load");
    printf("ready %d %s\n", loaded, msc_who_am_i(engine));
    fflush(stdout);
    unsigned number, milliseconds;
    while (scanf("%u %u", &number, &milliseconds) == 2) {
        if (number >= count) fail("no such workload");
        answer(&workloads[number], (uint64_t)milliseconds * 1000000u);
        fflush(stdout);
    }
    return 0;
}
