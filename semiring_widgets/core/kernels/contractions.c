/* Matrix products in four algebras, for float32: out[b,m,n] = "sum" over k of p[b,m,k] "times" w[b,k,n].
 *
 *   mass         sum of p |w|
 *   max          max of p |w|
 *   expectation  two outputs from two left operands: sum of p |w|, and sum of q |w| + p |w| log|w|
 *   signed       two outputs from two left operands p >= 0 >= q: the largest and the lowest of p w and q w
 *
 * The left operands are relative to their row's maximum, so plain floats have range enough; the caller
 * restores the scale and looks again at what came out too small. Everything starts from 0: no edge, no path.
 *
 * A panel of w, DEPTH x COLUMNS, is packed once (this is where |w| and its logarithm are taken, so they never
 * exist as whole matrices) and then used by ROWS rows at a time, whose running results stay in vector
 * registers. Plain C: the compiler turns each inner loop into whole vectors, once per instruction set, and the
 * loader picks the best one that the machine has.
 */
#include <math.h>
#include <string.h>

#define COLUMNS 32
#define DEPTH 256

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define MANY_MACHINES __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define MANY_MACHINES
#endif
#if defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define UNROLLED _Pragma("GCC unroll 8")
#else
#define UNROLLED
#endif
#define INLINE static inline __attribute__((always_inline))

enum algebra { MASS, MAX, EXPECTATION, SIGNED };

/* Left operands and outputs are contiguous, (batch, rows, inner) and (batch, rows, columns); w has strides. */
struct work {
    const float *p, *q, *w;
    float *first, *second;
    long w_batch, w_inner, w_column;
    long rows, inner, columns;
    long from_batch, to_batch, from_column, to_column;
};

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

typedef float vector __attribute__((vector_size(4 * sizeof(float))));
#if defined(__clang__)
#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef int places __attribute__((vector_size(4 * sizeof(int))));
#define PICK(a, b, ...) __builtin_shuffle(a, b, (places){__VA_ARGS__})
#endif

/* Panel of a weight that is stored by columns, as every Linear layer's is: 4 x 4 squares in registers. */
INLINE void transpose(const float *w, long stride, long depth, long width, float *panel)
{
    const long whole = depth & ~3L;
    long j = 0;
    for (; j + 4 <= width; j += 4)
        for (long k = 0; k < whole; k += 4) {
            vector a, b, c, d;
            memcpy(&a, w + k + j * stride, sizeof a);
            memcpy(&b, w + k + (j + 1) * stride, sizeof b);
            memcpy(&c, w + k + (j + 2) * stride, sizeof c);
            memcpy(&d, w + k + (j + 3) * stride, sizeof d);
            const vector ab = PICK(a, b, 0, 4, 1, 5), cd = PICK(c, d, 0, 4, 1, 5);
            const vector AB = PICK(a, b, 2, 6, 3, 7), CD = PICK(c, d, 2, 6, 3, 7);
            const vector rows[4] = {PICK(ab, cd, 0, 1, 4, 5), PICK(ab, cd, 2, 3, 6, 7),
                                    PICK(AB, CD, 0, 1, 4, 5), PICK(AB, CD, 2, 3, 6, 7)};
            for (int i = 0; i < 4; i++)
                memcpy(panel + (k + i) * COLUMNS + j, &rows[i], sizeof rows[i]);
        }
    for (long k = whole; k < depth; k++)
        for (long i = 0; i < j; i++)
            panel[k * COLUMNS + i] = w[k + i * stride];
    for (; j < width; j++)
        for (long k = 0; k < depth; k++)
            panel[k * COLUMNS + j] = w[k + j * stride];
}

INLINE void pack(enum algebra algebra, const struct work *work, const float *w, long depth, long width,
                 float *panel, float *logs)
{
    if (width < COLUMNS)
        memset(panel, 0, sizeof(float) * COLUMNS * depth);
    if (work->w_column == 1 && width == COLUMNS) {
        for (long k = 0; k < depth; k++)
            for (long j = 0; j < COLUMNS; j++)
                panel[k * COLUMNS + j] = w[k * work->w_inner + j];
    } else if (work->w_column == 1) {
        for (long k = 0; k < depth; k++)
            for (long j = 0; j < width; j++)
                panel[k * COLUMNS + j] = w[k * work->w_inner + j];
    } else if (work->w_inner == 1) {
        transpose(w, work->w_column, depth, width, panel);
    } else {
        for (long j = 0; j < width; j++)
            for (long k = 0; k < depth; k++)
                panel[k * COLUMNS + j] = w[k * work->w_inner + j * work->w_column];
    }
    if (algebra != SIGNED)
        for (long i = 0; i < depth * COLUMNS; i++)
            panel[i] = fabsf(panel[i]);
    if (algebra == EXPECTATION)
        for (long i = 0; i < depth * COLUMNS; i++)
            logs[i] = panel[i] * logarithm(panel[i]);
}

INLINE void tile(enum algebra algebra, int rows, const struct work *work, long at, long out, long depth,
                 long width, int again, const float *panel, const float *logs)
{
    const int pair = algebra == EXPECTATION || algebra == SIGNED;
    float one[8][COLUMNS], two[8][COLUMNS];
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < COLUMNS; j++) {
            one[r][j] = again && j < width ? work->first[out + r * work->columns + j] : 0.0f;
            if (pair)
                two[r][j] = again && j < width ? work->second[out + r * work->columns + j] : 0.0f;
        }
    for (long k = 0; k < depth; k++) {
        const float *right = panel + k * COLUMNS, *log = logs + k * COLUMNS;
        UNROLLED
        for (int r = 0; r < rows; r++) {
            const float p = work->p[at + r * work->inner + k];
            const float q = pair ? work->q[at + r * work->inner + k] : 0.0f;
            for (int j = 0; j < COLUMNS; j++) {
                const float x = p * right[j];
                if (algebra == MASS) {
                    one[r][j] += x;
                } else if (algebra == MAX) {
                    one[r][j] = x > one[r][j] ? x : one[r][j];
                } else if (algebra == EXPECTATION) {
                    one[r][j] += x;
                    two[r][j] += q * right[j];
                    two[r][j] += p * log[j];
                } else {
                    const float y = q * right[j];
                    one[r][j] = x > one[r][j] ? x : one[r][j];
                    one[r][j] = y > one[r][j] ? y : one[r][j];
                    two[r][j] = x < two[r][j] ? x : two[r][j];
                    two[r][j] = y < two[r][j] ? y : two[r][j];
                }
            }
        }
    }
    for (int r = 0; r < rows; r++)
        for (long j = 0; j < width; j++) {
            work->first[out + r * work->columns + j] = one[r][j];
            if (pair)
                work->second[out + r * work->columns + j] = two[r][j];
        }
}

INLINE void contract(enum algebra algebra, const struct work *work)
{
    const int most = algebra == MASS || algebra == MAX ? 8 : 6;
    float panel[DEPTH * COLUMNS], logs[algebra == EXPECTATION ? DEPTH * COLUMNS : 1];
    for (long b = work->from_batch; b < work->to_batch; b++)
        for (long n = work->from_column; n < work->to_column; n += COLUMNS) {
            const long width = work->to_column - n < COLUMNS ? work->to_column - n : COLUMNS;
            for (long k = 0; k < work->inner; k += DEPTH) {
                const long depth = work->inner - k < DEPTH ? work->inner - k : DEPTH;
                const float *w = work->w + b * work->w_batch + k * work->w_inner + n * work->w_column;
                pack(algebra, work, w, depth, width, panel, logs);
                for (long m = 0; m < work->rows;) {
                    const long at = (b * work->rows + m) * work->inner + k;
                    const long out = (b * work->rows + m) * work->columns + n;
                    const long left = work->rows - m;
                    if (left >= most) {
                        tile(algebra, most, work, at, out, depth, width, k > 0, panel, logs);
                        m += most;
                    } else if (left >= 4) {
                        tile(algebra, 4, work, at, out, depth, width, k > 0, panel, logs);
                        m += 4;
                    } else if (left >= 2) {
                        tile(algebra, 2, work, at, out, depth, width, k > 0, panel, logs);
                        m += 2;
                    } else {
                        tile(algebra, 1, work, at, out, depth, width, k > 0, panel, logs);
                        m += 1;
                    }
                }
            }
        }
}

MANY_MACHINES void semiring_mass(const struct work *work) { contract(MASS, work); }
MANY_MACHINES void semiring_max(const struct work *work) { contract(MAX, work); }
MANY_MACHINES void semiring_expectation(const struct work *work) { contract(EXPECTATION, work); }
MANY_MACHINES void semiring_signed(const struct work *work) { contract(SIGNED, work); }
