/*
 * Couchbase Lite Java 3.0.0 was linked against ICU 54 and uses eight of its functions. This
 * forwards them to the ICU that is installed; ICU puts its version into every symbol.
 *
 * Compiled with -DICU=<installed major version>, once per library of ICU 54.
 */

#include <stdint.h>

#define PASTE(name, version) name##_##version
#define VERSIONED(name, version) PASTE(name, version)
#define INSTALLED(name) VERSIONED(name, ICU)

/* Pointers to ICU's own structures, and UErrorCode, pass through unread. */
#define FORWARD(result, name, parameters, arguments)                                               \
    extern result INSTALLED(name) parameters;                                                      \
    result name##_54 parameters { return INSTALLED(name) arguments; }

FORWARD(void *, ucasemap_open, (const char *locale, uint32_t options, int *status),
        (locale, options, status))
FORWARD(void, ucasemap_close, (void *map), (map))
FORWARD(int32_t, ucasemap_utf8ToLower,
        (const void *map, char *to, int32_t capacity, const char *from, int32_t length, int *status),
        (map, to, capacity, from, length, status))
FORWARD(int32_t, ucasemap_utf8ToUpper,
        (const void *map, char *to, int32_t capacity, const char *from, int32_t length, int *status),
        (map, to, capacity, from, length, status))
FORWARD(void *, ucol_open, (const char *locale, int *status), (locale, status))
FORWARD(void, ucol_close, (void *collator), (collator))
FORWARD(void, ucol_setAttribute, (void *collator, int attribute, int value, int *status),
        (collator, attribute, value, status))
FORWARD(int, ucol_strcollUTF8,
        (const void *collator, const char *a, int32_t a_length, const char *b, int32_t b_length,
         int *status),
        (collator, a, a_length, b, b_length, status))
