/* Max-plus matrix product: out[b,m,n] = max over k of a[b,m,k] + w[b,k,n], any strides, -inf where K is 0.
 *
 * A panel of 32 columns of w is packed once and then used by 8 rows at a time, whose 256 running maxima stay
 * in vector registers. Plain C: the compiler turns each inner loop into add and max of whole vectors, once per
 * instruction set, and the loader picks the best one the machine has.
 */
#include <math.h>
#include <stdlib.h>

#define ROWS 8
#define COLUMNS 32

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define MANY_MACHINES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MANY_MACHINES
#endif

/* strides: a (batch, m, k), w (batch, k, n), out (batch, m, n), in elements.
 * Computes batches b0 <= b < b1 and columns n0 <= n < n1, so that threads can share the work.
 * Returns 0, or 1 if there is no memory for the panel. */
MANY_MACHINES
int semiring_maxplus(const float *a, const float *w, float *out, const long *strides, long b0, long b1, long rows,
                     long inner, long n0, long n1)
{
    float *panel = malloc(sizeof(float) * COLUMNS * (inner > 0 ? inner : 1));
    if (panel == NULL)
        return 1;
    for (long b = b0; b < b1; b++) {
        for (long first = n0; first < n1; first += COLUMNS) {
            const long width = n1 - first < COLUMNS ? n1 - first : COLUMNS;
            for (long k = 0; k < inner; k++) {
                const float *from = w + b * strides[3] + k * strides[4] + first * strides[5];
                for (long j = 0; j < COLUMNS; j++)
                    panel[k * COLUMNS + j] = j < width ? from[j * strides[5]] : -INFINITY;
            }
            for (long m = 0; m < rows; m += ROWS) {
                float best[ROWS][COLUMNS];
                const float *row[ROWS];
                for (int r = 0; r < ROWS; r++) {
                    const long own = m + r < rows ? m + r : rows - 1;
                    row[r] = a + b * strides[0] + own * strides[1];
                    for (int j = 0; j < COLUMNS; j++)
                        best[r][j] = -INFINITY;
                }
                for (long k = 0; k < inner; k++) {
                    const float *p = panel + k * COLUMNS;
                    for (int r = 0; r < ROWS; r++) {
                        const float left = row[r][k * strides[2]];
                        for (int j = 0; j < COLUMNS; j++) {
                            const float sum = left + p[j];
                            best[r][j] = sum > best[r][j] ? sum : best[r][j];
                        }
                    }
                }
                for (int r = 0; r < ROWS && m + r < rows; r++)
                    for (long j = 0; j < width; j++)
                        out[b * strides[6] + (m + r) * strides[7] + (first + j) * strides[8]] = best[r][j];
            }
        }
    }
    free(panel);
    return 0;
}
