/* What the kernels share: instruction sets, and exponential and logarithm that become vectors. */
#ifndef VECTOR_MATH_H
#define VECTOR_MATH_H

#include <float.h>
#include <math.h>
#include <string.h>

/* What the caller relies on: raise it with every change of what a function takes, gives or means. Functions are
 * found by name, so the order of `enum algebra` is nobody else's business. */
#define ABI 3

/* The size of a structure that the caller fills in, compared as well: a change of one may be forgotten above. */
#define SIZE_OF(structure) const long semiring_size_of_##structure = sizeof(struct structure)

/* Numbers that are treated together: two vectors of AVX-512, four of AVX2. */
#define COLUMNS 32

/* The loader picks by what a machine can do. An older compiler picks AVX2 by the maker's name only. */
#if defined(__x86_64__) && defined(__ELF__) && defined(__GNUC__) && !defined(__clang__)
#if __GNUC__ >= 12
#define MANY_MACHINES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define HAS_WIDE_VECTORS __builtin_cpu_supports("x86-64-v4")
#else
#define MANY_MACHINES __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#define HAS_WIDE_VECTORS __builtin_cpu_supports("avx512f")
#endif
#else
#define MANY_MACHINES
#define HAS_WIDE_VECTORS 0
#endif
#if defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define UNROLLED _Pragma("GCC unroll 8")
#else
#define UNROLLED
#endif
#define INLINE static inline __attribute__((always_inline))

enum algebra { PLAIN, MASS, MAX, EXPECTATION, SIGNED };

/* Natural logarithm of a normal positive number, to about one unit in the last place. */
INLINE float logarithm(float x)
{
    int bits, exponent;
    memcpy(&bits, &x, sizeof bits);
    bits += 0x3f800000 - 0x3f3504f3;
    exponent = (bits >> 23) - 0x7f;
    bits = (bits & 0x007fffff) + 0x3f3504f3;
    memcpy(&x, &bits, sizeof bits);
    const float f = x - 1.0f, square = f * f, e = (float)exponent;
    float r = 7.0376836292e-2f;
    r = r * f - 1.1514610310e-1f;
    r = r * f + 1.1676998740e-1f;
    r = r * f - 1.2420140846e-1f;
    r = r * f + 1.4249322787e-1f;
    r = r * f - 1.6668057665e-1f;
    r = r * f + 2.0000714765e-1f;
    r = r * f - 2.4999993993e-1f;
    r = r * f + 3.3333331174e-1f;
    r = r * f * square - 2.12194440e-4f * e - 0.5f * square;
    return f + r + 0.693359375f * e;
}

/* exp(x) for COLUMNS numbers x <= 0, to about one unit in the last place; 0 where that is no normal number.
 * In two loops, as a comparison in the second one would become a branch and keep it from becoming vectors. */
INLINE void exponentials(float *x)
{
    float within[COLUMNS];
    for (int j = 0; j < COLUMNS; j++)
        within[j] = x[j] > -200.0f ? x[j] : -200.0f;
    for (int j = 0; j < COLUMNS; j++) {
        const int turns = (int)(within[j] * 1.44269504f - 0.5f), exponent = turns + 127;
        const float n = (float)turns, f = within[j] - n * 0.693359375f + n * 2.12194440e-4f;
        float r = 1.9875691500e-4f;
        r = r * f + 1.3981999507e-3f;
        r = r * f + 8.3334519073e-3f;
        r = r * f + 4.1665795894e-2f;
        r = r * f + 1.6666665459e-1f;
        r = r * f + 5.0000001201e-1f;
        r = r * f * f + f + 1.0f;
        const int bits = (exponent > 0 ? exponent : 0) << 23;
        float power;
        memcpy(&power, &bits, sizeof power);
        x[j] = r * power;
    }
}

#endif
