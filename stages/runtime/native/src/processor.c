#include "processor.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* Whether the system keeps the registers of AVX (bits 1 and 2), or of AVX-512 (5 to 7, too). */
static int keeps(unsigned wanted) {
    unsigned a, b, c, d, low, high;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) {
        return 0;
    }
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    (void)high;
    return (low & wanted) == wanted;
}

const char *processor_kind(void) {
    unsigned a, b, c, d, next;
    if (!__get_cpuid_count(7, 0, &next, &b, &c, &d)) {
        return X86;
    }
    const int vnni512 = (c >> 11 & 1) && keeps(0xE6);
    const int vnni256 =
        next >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1) && keeps(6);
    return vnni512 || vnni256 ? X86_VNNI : X86;
}

#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

const char *processor_kind(void) {
    const unsigned long dot_product = 1ul << 20; /* HWCAP_ASIMDDP */
    return getauxval(AT_HWCAP) & dot_product ? ARM_DOT_PRODUCT : ARM;
}

#elif defined(__aarch64__)

const char *processor_kind(void) {
    return ARM; /* assuming too few features is always safe */
}

#else

const char *processor_kind(void) {
    return "unknown";
}

#endif
