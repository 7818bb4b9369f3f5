/* Rows and pairs of logarithms in one pass each: relative to their maximum, summed, joined two by two.
 *
 * Values are log |weight|, or log mass with the entropy of the paths behind it. NaN and infinity are not treated
 * here: they are found (strange), and the caller computes again with what knows them.
 */
#include "vector_math.h"

/* Rows of logarithms, with strides, to be made relative to their maximum. */
struct left {
    const float *log, *other;
    float *p, *q, *top;
    long batch_stride, row_stride, inner_stride;
    long rows, inner, from_row, to_row;
    int strange;
};
SIZE_OF(left);

/* Values of the same shape, contiguous: logarithms and, for the expectation, entropies. */
struct pairs {
    const float *a[2], *b[2];
    float *out[2];
    long from, to;
    int strange;
};
SIZE_OF(pairs);

/* Maximum so far, and whether anything is NaN or infinite (no path is -inf, and has a finite entropy). */
INLINE void look(enum algebra algebra, float log, float other, float *highest, int *strange)
{
    *highest = log > *highest ? log : *highest;
    *strange |= !(log < INFINITY);
    if (algebra == SIGNED) {
        *highest = other > *highest ? other : *highest;
        *strange |= !(other < INFINITY);
    }
    if (algebra == EXPECTATION)
        *strange |= !(fabsf(other) < INFINITY);
}

INLINE float highest_of(enum algebra algebra, struct left *left, const float *p, const float *q)
{
    float highest[COLUMNS];
    int strange[COLUMNS] = {0};
    for (int j = 0; j < COLUMNS; j++)
        highest[j] = -FLT_MAX;
    const long whole = left->inner / COLUMNS * COLUMNS;
    for (long k = 0; k < whole; k += COLUMNS)
        for (int j = 0; j < COLUMNS; j++)
            look(algebra, p[k + j], q[k + j], highest + j, strange + j);
    for (long k = whole; k < left->inner; k++)
        look(algebra, p[k], q[k], highest, strange);
    float top = -FLT_MAX;
    for (int j = 0; j < COLUMNS; j++) {
        top = highest[j] > top ? highest[j] : top;
        left->strange |= strange[j];
    }
    return top;
}

/* COLUMNS entries of a row, relative to its maximum. */
INLINE void share_out(enum algebra algebra, float top, float *p, float *q)
{
    float below[COLUMNS], other[COLUMNS];
    for (int j = 0; j < COLUMNS; j++) {
        below[j] = p[j] - top;
        p[j] = below[j];
        other[j] = q[j] - top;
    }
    exponentials(p);
    if (algebra == SIGNED) {
        exponentials(other);
        for (int j = 0; j < COLUMNS; j++)
            q[j] = -other[j];
    }
    if (algebra == EXPECTATION)
        for (int j = 0; j < COLUMNS; j++)
            q[j] = p[j] * ((below[j] > -200.0f ? below[j] : -200.0f) - q[j]);
}

/* One row relative to its maximum; the maximum is that of both where they are signed. */
INLINE void make_relative(enum algebra algebra, struct left *left, long number)
{
    const long start = number / left->rows * left->batch_stride + number % left->rows * left->row_stride;
    const float *log = left->log + start, *other = algebra == MASS ? log : left->other + start;
    float *p = left->p + number * left->inner, *q = algebra == MASS ? p : left->q + number * left->inner;
    if (left->inner_stride == 1) {
        memcpy(p, log, sizeof(float) * left->inner);
        if (algebra != MASS)
            memcpy(q, other, sizeof(float) * left->inner);
    } else {
        for (long k = 0; k < left->inner; k++)
            p[k] = log[k * left->inner_stride];
        for (long k = 0; algebra != MASS && k < left->inner; k++)
            q[k] = other[k * left->inner_stride];
    }
    const float top = highest_of(algebra, left, p, q);
    left->top[number] = top;
    const long whole = left->inner / COLUMNS * COLUMNS;
    for (long k = 0; k < whole; k += COLUMNS)
        share_out(algebra, top, p + k, q + k);
    if (whole < left->inner) {
        float rest[2][COLUMNS] = {{0}};
        const size_t size = sizeof(float) * (left->inner - whole);
        memcpy(rest[0], p + whole, size);
        memcpy(rest[1], q + whole, size);
        share_out(algebra, top, rest[0], rest[1]);
        memcpy(p + whole, rest[0], size);
        if (algebra != MASS)
            memcpy(q + whole, rest[1], size);
    }
}

/* log(exp(a) + exp(b)) for COLUMNS pairs, and the entropy of such a choice: the sum of q (H - log q). */
INLINE void join(enum algebra algebra, const float *a, const float *b, const float *a_entropy,
                 const float *b_entropy, float *out, float *entropy, int *strange)
{
    float top[COLUMNS], below[2][COLUMNS], share[2][COLUMNS];
    for (int j = 0; j < COLUMNS; j++) {
        strange[j] |= !(a[j] < INFINITY) | !(b[j] < INFINITY);
        if (algebra == EXPECTATION)
            strange[j] |= !(fabsf(a_entropy[j]) < INFINITY) | !(fabsf(b_entropy[j]) < INFINITY);
        top[j] = a[j] > b[j] ? a[j] : b[j];
        top[j] = top[j] > -FLT_MAX ? top[j] : -FLT_MAX;
    }
    for (int j = 0; j < COLUMNS; j++) {
        share[0][j] = below[0][j] = a[j] - top[j];
        share[1][j] = below[1][j] = b[j] - top[j];
    }
    exponentials(share[0]);
    exponentials(share[1]);
    for (int j = 0; j < COLUMNS; j++) {
        const float mass = share[0][j] + share[1][j], log = logarithm(mass);
        out[j] = mass > 0 ? log + top[j] : -INFINITY;
        if (algebra == EXPECTATION) {
            const float first = below[0][j] > -200.0f ? below[0][j] : -200.0f;
            const float second = below[1][j] > -200.0f ? below[1][j] : -200.0f;
            const float sum = share[0][j] * (a_entropy[j] - first) + share[1][j] * (b_entropy[j] - second);
            entropy[j] = mass > 0 ? sum / mass + log : 0.0f;
        }
    }
}

INLINE void join_all(enum algebra algebra, struct pairs *pairs)
{
    int strange[COLUMNS] = {0};
    float in[4][COLUMNS], out[2][COLUMNS];
    const int parts = algebra == EXPECTATION ? 2 : 1;
    for (long i = pairs->from; i < pairs->to; i += COLUMNS) {
        const long width = pairs->to - i < COLUMNS ? pairs->to - i : COLUMNS;
        if (width == COLUMNS) {
            join(algebra, pairs->a[0] + i, pairs->b[0] + i, pairs->a[1] + i, pairs->b[1] + i,
                 pairs->out[0] + i, pairs->out[1] + i, strange);
            continue;
        }
        memset(in, 0, sizeof in);
        for (int part = 0; part < parts; part++) {
            memcpy(in[part], pairs->a[part] + i, sizeof(float) * width);
            memcpy(in[part + 2], pairs->b[part] + i, sizeof(float) * width);
        }
        join(algebra, in[0], in[2], in[1], in[3], out[0], out[1], strange);
        for (int part = 0; part < parts; part++)
            memcpy(pairs->out[part] + i, out[part], sizeof(float) * width);
    }
    pairs->strange = 0;
    for (int j = 0; j < COLUMNS; j++)
        pairs->strange |= strange[j];
}

/* Sum of one row: log mass, and entropy. */
INLINE void sum_row(enum algebra algebra, struct left *left, long number)
{
    const float *log = left->log + number * left->row_stride, *other = left->other + number * left->row_stride;
    const long whole = left->inner / COLUMNS * COLUMNS;
    const size_t size = sizeof(float) * (left->inner - whole);
    const float top = highest_of(algebra, left, log, other);
    float mass[COLUMNS] = {0}, total[COLUMNS] = {0}, p[COLUMNS], q[COLUMNS];
    for (long k = 0; k < left->inner; k += COLUMNS) {
        if (k == whole)
            for (int j = 0; j < COLUMNS; j++) {
                p[j] = -INFINITY;
                q[j] = 0.0f;
            }
        memcpy(p, log + k, k < whole ? sizeof p : size);
        memcpy(q, other + k, k < whole ? sizeof q : size);
        share_out(algebra, top, p, q);
        for (int j = 0; j < COLUMNS; j++) {
            mass[j] += p[j];
            total[j] += q[j];
        }
    }
    float first = 0.0f, second = 0.0f;
    for (int j = 0; j < COLUMNS; j++) {
        first += mass[j];
        second += total[j];
    }
    left->p[number] = first > 0 ? logarithm(first) + top : -INFINITY;
    if (algebra == EXPECTATION)
        left->q[number] = first > 0 ? logarithm(first) - second / first : 0.0f;
}

INLINE void sum_rows(enum algebra algebra, struct left *left)
{
    left->strange = 0;
    for (long number = left->from_row; number < left->to_row; number++)
        sum_row(algebra, left, number);
}

/* log|x|; -inf for 0, and subnormal numbers as what they are. */
INLINE void log_magnitudes(struct pairs *pairs)
{
    int strange[COLUMNS] = {0};
    for (long i = pairs->from; i < pairs->to; i += COLUMNS) {
        const long width = pairs->to - i < COLUMNS ? pairs->to - i : COLUMNS;
        float x[COLUMNS] = {0}, extra[COLUMNS];
        memcpy(x, pairs->a[0] + i, sizeof(float) * width);
        for (int j = 0; j < COLUMNS; j++) {
            x[j] = fabsf(x[j]);
            strange[j] |= !(x[j] < INFINITY);
            extra[j] = x[j] < FLT_MIN ? -15.9423847f : 0.0f;
        }
        for (int j = 0; j < COLUMNS; j++) {
            const float log = logarithm(x[j] * (extra[j] < 0 ? 8388608.0f : 1.0f)) + extra[j];
            x[j] = x[j] > 0 ? log : -INFINITY;
        }
        memcpy(pairs->out[0] + i, x, sizeof(float) * width);
    }
    pairs->strange = 0;
    for (int j = 0; j < COLUMNS; j++)
        pairs->strange |= strange[j];
}

INLINE void make_rows_relative(enum algebra algebra, struct left *left)
{
    left->strange = 0;
    for (long number = left->from_row; number < left->to_row; number++)
        make_relative(algebra, left, number);
}

/* Left operands: p = exp(log - top); for the expectation q = p (log p - other), for signed -exp(other - top). */
MANY_MACHINES void relative_one(struct left *left) { make_rows_relative(MASS, left); }
MANY_MACHINES void relative_expectation(struct left *left) { make_rows_relative(EXPECTATION, left); }
MANY_MACHINES void relative_signed(struct left *left) { make_rows_relative(SIGNED, left); }
MANY_MACHINES void plus_one(struct pairs *pairs) { join_all(MASS, pairs); }
MANY_MACHINES void plus_expectation(struct pairs *pairs) { join_all(EXPECTATION, pairs); }
MANY_MACHINES void sum_one(struct left *left) { sum_rows(MASS, left); }
MANY_MACHINES void sum_expectation(struct left *left) { sum_rows(EXPECTATION, left); }
MANY_MACHINES void log_magnitude(struct pairs *pairs) { log_magnitudes(pairs); }
