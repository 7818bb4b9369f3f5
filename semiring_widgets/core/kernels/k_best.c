/* The k best sums, for float32: out[r,b,m,n] = r-th largest over j and i of p[j,b,m,i] + w[b,i,n], k up to 8.
 *
 * Operands are logarithms, -inf where there is no path, and never NaN or +inf. The parts p[0], p[1], ... are
 * sorted, p[0] the largest: what p[j] offers has j sums beside it that are at least as large, and these were
 * listed before, so it begins at place j. Nothing is rounded but the addition: the results are those of sorting.
 *
 * For a panel of w, DEPTH x COLUMNS, and one row of p the lists of COLUMNS results stay in vector registers, and
 * every candidate sinks through them by a maximum and a minimum each. To look first which candidates are worth
 * it was tried; it takes longer than letting them sink.
 */
#include "vector_math.h"

#define DEPTH 256

/* p and out are contiguous, (k, batch, rows, inner) and (k, batch, rows, columns); w has strides. */
struct ranked {
    const float *p, *w;
    float *out;
    long w_batch, w_inner, w_column;
    long batch, rows, inner, columns;
    long from_batch, to_batch, from_column, to_column;
};
SIZE_OF(ranked);

INLINE void pack(const struct ranked *work, const float *w, long depth, long width, float *panel)
{
    for (long i = 0; i < depth * COLUMNS; i++)
        panel[i] = -INFINITY;
    if (work->w_inner == 1)
        for (long j = 0; j < width; j++)
            for (long i = 0; i < depth; i++)
                panel[i * COLUMNS + j] = w[i + j * work->w_column];
    else
        for (long i = 0; i < depth; i++)
            for (long j = 0; j < width; j++)
                panel[i * COLUMNS + j] = w[i * work->w_inner + j * work->w_column];
}

INLINE void sink(int first, int k, float lists[8][COLUMNS], float p, const float *w)
{
    for (int j = 0; j < COLUMNS; j++) {
        float sum = p + w[j];
        UNROLLED
        for (int r = first; r < k; r++) {
            const float best = lists[r][j];
            lists[r][j] = sum > best ? sum : best;
            sum = sum < best ? sum : best;
        }
    }
}

INLINE void rank(int k, const struct ranked *work, const float *p, float *out, long depth, long width, int again,
                 const float *panel)
{
    const long part = work->batch * work->rows * work->inner;
    const long made = work->batch * work->rows * work->columns;
    float lists[8][COLUMNS];
    for (int r = 0; r < k; r++)
        for (int j = 0; j < COLUMNS; j++)
            lists[r][j] = again && j < width ? out[r * made + j] : -INFINITY;
    UNROLLED
    for (int j = 0; j < k; j++)
        for (long i = 0; i < depth; i++)
            sink(j, k, lists, p[j * part + i], panel + i * COLUMNS);
    for (int r = 0; r < k; r++)
        for (long j = 0; j < width; j++)
            out[r * made + j] = lists[r][j];
}

INLINE void contract(int k, const struct ranked *work)
{
    float panel[DEPTH * COLUMNS];
    for (long b = work->from_batch; b < work->to_batch; b++)
        for (long n = work->from_column; n < work->to_column; n += COLUMNS) {
            const long width = work->to_column - n < COLUMNS ? work->to_column - n : COLUMNS;
            for (long start = 0; start < work->inner; start += DEPTH) {
                const long depth = work->inner - start < DEPTH ? work->inner - start : DEPTH;
                const float *w = work->w + b * work->w_batch + start * work->w_inner + n * work->w_column;
                pack(work, w, depth, width, panel);
                for (long m = 0; m < work->rows; m++) {
                    const long row = b * work->rows + m;
                    rank(k, work, work->p + row * work->inner + start, work->out + row * work->columns + n, depth,
                         width, start > 0, panel);
                }
            }
        }
}

#define BEST(k) \
    MANY_MACHINES void semiring_best_##k(const struct ranked *work) { contract(k, work); }
BEST(1) BEST(2) BEST(3) BEST(4) BEST(5) BEST(6) BEST(7) BEST(8)
