/* Matrix products in five algebras, for float32: out[b,m,n] = "sum" over k of p[b,m,k] "times" w[b,k,n].
 *
 *   plain        sum of p w
 *   mass         sum of p |w|
 *   max          max of p |w|
 *   expectation  two outputs from two left operands: sum of p |w|, and sum of q |w| + p |w| log|w|
 *   signed       two outputs from two left operands p >= 0 >= q: the largest and the lowest of p w and q w
 *
 * The left operands are relative to their row's maximum, so plain floats have range enough; the scale is
 * restored here where logarithms are wanted, and the caller looks again at what came out too small. Everything
 * starts from 0: no edge, no path.
 *
 * A panel of w, DEPTH x COLUMNS, is packed once (this is where |w| and its logarithm are taken, so they never
 * exist as whole matrices) and then used by ROWS rows at a time, whose running results stay in vector
 * registers. Plain C: the compiler turns each inner loop into whole vectors, once per instruction set, and the
 * loader picks the best one that the machine has.
 */
#include "vector_math.h"

#define DEPTH 256

/* Columns of an expectation that are summed together where registers are few: one vector of AVX2. */
#define FEW 8

/* Left operands and outputs are contiguous, (batch, rows, inner) and (batch, rows, columns); w has strides.
 *
 * With top (batch, rows) the outputs are logarithms: log mass or log of the best, plus top; for the expectation
 * second is log mass - second / first, and for signed the logarithm of the lowest product's magnitude.
 * Left behind: the largest |w| as bits, where NaN and infinity are larger than all numbers, and the smallest
 * magnitude in first and in second before any logarithm. Comparisons drop NaN: where there is no top, NaN in
 * a left operand of max or signed is left behind as the largest |w| too.
 */
struct work {
    const float *p, *q, *w, *top;
    float *first, *second;
    long w_batch, w_inner, w_column;
    long rows, inner, columns;
    long from_batch, to_batch, from_column, to_column;
    unsigned peak;
    float least[2];
};
SIZE_OF(work);

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

/* The larger magnitude, as bits: NaN and infinity are larger than all numbers. */
INLINE unsigned larger(unsigned peak, float x)
{
    unsigned bits;
    memcpy(&bits, &x, sizeof bits);
    bits &= 0x7fffffff;
    return bits > peak ? bits : peak;
}

INLINE void pack(enum algebra algebra, struct work *work, const float *w, long depth, long width,
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
    unsigned peaks[COLUMNS] = {0};
    for (long k = 0; k < depth; k++)
        for (int j = 0; j < COLUMNS; j++) {
            float *const x = panel + k * COLUMNS + j;
            peaks[j] = larger(peaks[j], *x);
            if (algebra != SIGNED && algebra != PLAIN)
                *x = __builtin_fabsf(*x);
        }
    for (int j = 0; j < COLUMNS; j++)
        work->peak = peaks[j] > work->peak ? peaks[j] : work->peak;
    if (algebra == EXPECTATION)
        for (long i = 0; i < depth * COLUMNS; i++)
            logs[i] = panel[i] * logarithm(panel[i]);
}

/* From sums and best products to logarithms, for one row of a tile that is complete. */
INLINE void finish(enum algebra algebra, float top, long width, float *one, float *two, float least[2][COLUMNS])
{
    for (int j = 0; j < COLUMNS; j++) {
        const float first = j < width ? one[j] : INFINITY;
        least[0][j] = first < least[0][j] ? first : least[0][j];
        if (algebra == SIGNED) {
            const float second = j < width ? -two[j] : INFINITY;
            least[1][j] = second < least[1][j] ? second : least[1][j];
        }
    }
    if (top == INFINITY)
        return;
    for (int j = 0; j < COLUMNS; j++) {
        const float plain = one[j], log = logarithm(plain);
        one[j] = plain > 0 ? log + top : -INFINITY;
        if (algebra == EXPECTATION)
            two[j] = plain > 0 ? log - two[j] / plain : 0.0f;
        if (algebra == SIGNED)
            two[j] = two[j] < 0 ? logarithm(-two[j]) + top : -INFINITY;
    }
}

/* Sums of an expectation where registers are few. Two sums of COLUMNS columns leave room for one row at most;
 * two of a few columns for six, and a panel's row that is loaded then serves all of them. */
INLINE void sum_few(int rows, const struct work *work, long at, long depth, const float *panel, const float *logs,
                   float one[8][COLUMNS], float two[8][COLUMNS])
{
    for (int from = 0; from < COLUMNS; from += FEW) {
        float first[8][FEW], second[8][FEW];
        for (int r = 0; r < rows; r++)
            for (int j = 0; j < FEW; j++)
                first[r][j] = second[r][j] = 0.0f;
        for (long k = 0; k < depth; k++) {
            const float *right = panel + k * COLUMNS + from, *log = logs + k * COLUMNS + from;
            UNROLLED
            for (int r = 0; r < rows; r++) {
                const float p = work->p[at + r * work->inner + k], q = work->q[at + r * work->inner + k];
                for (int j = 0; j < FEW; j++) {
                    first[r][j] += p * right[j];
                    second[r][j] += q * right[j];
                    second[r][j] += p * log[j];
                }
            }
        }
        for (int r = 0; r < rows; r++)
            for (int j = 0; j < FEW; j++) {
                one[r][from + j] = first[r][j];
                two[r][from + j] = second[r][j];
            }
    }
}

INLINE void tile(enum algebra algebra, int rows, int narrow, const struct work *work, long at, long out, long row,
                 long depth, long width, int again, int last, const float *panel, const float *logs,
                 float least[2][COLUMNS])
{
    const int pair = algebra == EXPECTATION || algebra == SIGNED;
    const int best = algebra == MAX || algebra == SIGNED;
    float one[8][COLUMNS], two[8][COLUMNS];
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < COLUMNS; j++) {
            one[r][j] = best && again && j < width ? work->first[out + r * work->columns + j] : 0.0f;
            if (pair)
                two[r][j] = best && again && j < width ? work->second[out + r * work->columns + j] : 0.0f;
        }
    if (algebra == EXPECTATION && narrow)
        sum_few(rows, work, at, depth, panel, logs, one, two);
    else for (long k = 0; k < depth; k++) {
        const float *right = panel + k * COLUMNS, *log = logs + k * COLUMNS;
        UNROLLED
        for (int r = 0; r < rows; r++) {
            const float p = work->p[at + r * work->inner + k];
            const float q = pair ? work->q[at + r * work->inner + k] : 0.0f;
            for (int j = 0; j < COLUMNS; j++) {
                const float x = p * right[j];
                if (algebra == PLAIN || algebra == MASS) {
                    one[r][j] += x;
                } else if (algebra == MAX) {
                    one[r][j] = x > one[r][j] ? x : one[r][j];
                } else if (algebra == EXPECTATION) {
                    one[r][j] += x;
                    two[r][j] += q * right[j];
                    two[r][j] += p * log[j];
                } else {
                    const float y = q * right[j], high = x > y ? x : y, low = x > y ? y : x;
                    one[r][j] = high > one[r][j] ? high : one[r][j];
                    two[r][j] = low < two[r][j] ? low : two[r][j];
                }
            }
        }
    }
    /* Each panel is summed by itself: sums of thousands of terms in a row would lose digits. */
    if (again && !best)
        for (int r = 0; r < rows; r++)
            for (long j = 0; j < width; j++) {
                one[r][j] += work->first[out + r * work->columns + j];
                if (pair)
                    two[r][j] += work->second[out + r * work->columns + j];
            }
    if (last)
        for (int r = 0; r < rows; r++)
            finish(algebra, work->top ? work->top[row + r] : INFINITY, width, one[r], two[r], least);
    for (int r = 0; r < rows; r++)
        for (long j = 0; j < width; j++) {
            work->first[out + r * work->columns + j] = one[r][j];
            if (pair)
                work->second[out + r * work->columns + j] = two[r][j];
        }
}

/* The largest magnitude of some numbers. */
INLINE unsigned peak_of(const float *x, long size)
{
    unsigned peaks[COLUMNS] = {0}, peak = 0;
    for (; size >= COLUMNS; x += COLUMNS, size -= COLUMNS)
        for (int j = 0; j < COLUMNS; j++)
            peaks[j] = larger(peaks[j], x[j]);
    for (long j = 0; j < size; j++)
        peaks[j] = larger(peaks[j], x[j]);
    for (int j = 0; j < COLUMNS; j++)
        peak = peaks[j] > peak ? peaks[j] : peak;
    return peak;
}

/* `most` is the number of rows whose running results fit into registers; `narrow`, that these are few. */
INLINE void contract_rows(enum algebra algebra, int most, int narrow, struct work *work)
{
    float panel[DEPTH * COLUMNS], logs[algebra == EXPECTATION ? DEPTH * COLUMNS : 1];
    float least[2][COLUMNS];
    for (int j = 0; j < COLUMNS; j++)
        least[0][j] = least[1][j] = INFINITY;
    work->peak = 0;
    if ((algebra == MAX || algebra == SIGNED) && !work->top) {
        const long size = work->rows * work->inner, from = work->from_batch * size;
        const long count = (work->to_batch - work->from_batch) * size;
        const unsigned high = peak_of(work->p + from, count);
        const unsigned low = algebra == SIGNED ? peak_of(work->q + from, count) : 0;
        const unsigned either = high > low ? high : low;
        work->peak = either > 0x7f800000 ? either : 0;
    }
    for (long b = work->from_batch; b < work->to_batch; b++)
        for (long n = work->from_column; n < work->to_column; n += COLUMNS) {
            const long width = work->to_column - n < COLUMNS ? work->to_column - n : COLUMNS;
            for (long k = 0; k < work->inner; k += DEPTH) {
                const int again = k > 0, last = work->inner - k <= DEPTH;
                const long depth = last ? work->inner - k : DEPTH;
                const float *w = work->w + b * work->w_batch + k * work->w_inner + n * work->w_column;
                pack(algebra, work, w, depth, width, panel, logs);
                for (long m = 0, some; m < work->rows; m += some) {
                    const long row = b * work->rows + m, left = work->rows - m;
                    const long at = row * work->inner + k, out = row * work->columns + n;
#define TILE(n) tile(algebra, n, narrow, work, at, out, row, depth, width, again, last, panel, logs, least)
                    if (left >= most && !(most == 3 && left == 4)) {
                        TILE(most);
                        some = most;
                    } else if (most > 4 && left >= 4) {
                        TILE(4);
                        some = 4;
                    } else if (most > 2 && left >= 2) {
                        TILE(2);
                        some = 2;
                    } else {
                        TILE(1);
                        some = 1;
                    }
                }
            }
        }
    for (int i = 0; i < 2; i++) {
        work->least[i] = INFINITY;
        for (int j = 0; j < COLUMNS; j++)
            work->least[i] = least[i][j] < work->least[i] ? least[i][j] : work->least[i];
    }
}

/* Whether there are 32 registers of 16 numbers each; else 16 of 8, or 32 of 4. */
int semiring_has_wide_vectors(void) { return HAS_WIDE_VECTORS != 0; }

/* Compared by c_library.py when it loads the library, before any structure is passed. */
int semiring_abi(void) { return ABI; }

INLINE void contract(enum algebra algebra, struct work *work)
{
    const int pair = algebra == EXPECTATION || algebra == SIGNED;
    if (semiring_has_wide_vectors())
        contract_rows(algebra, pair ? 6 : 8, 0, work);
    else
        contract_rows(algebra, algebra == EXPECTATION ? 6 : pair ? 2 : 3, 1, work);
}

MANY_MACHINES void semiring_plain(struct work *work) { contract(PLAIN, work); }
MANY_MACHINES void semiring_mass(struct work *work) { contract(MASS, work); }
MANY_MACHINES void semiring_max(struct work *work) { contract(MAX, work); }
MANY_MACHINES void semiring_expectation(struct work *work) { contract(EXPECTATION, work); }
MANY_MACHINES void semiring_signed(struct work *work) { contract(SIGNED, work); }
