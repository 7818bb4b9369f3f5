// Products of one row with a matrix, for each of many: the dense Jacobian of one softmax or norm per row.
//
// Every weight is used once, so this is bound by memory: the lanes of a warp read neighbours, four each, and
// several loads are under way at once. Further macros, beside those of cuda_terms.cuh:
//
//   W_ALONG_TERMS    0: w is read along its columns. A warp takes every WARPS-th term of 128 columns, and the
//                    warps join their results in shared memory.
//                    1: along the terms. A warp takes COLUMNS_AT_ONCE columns, and its lanes join.

#define WARPS 8
#define THREADS (32 * WARPS)
// Loads that are under way at once.
#define AT_ONCE 4
#define COLUMNS_OF_BLOCK (W_ALONG_TERMS ? WARPS * AT_ONCE : 128)

__device__ __forceinline__ Four weights(const weight *at, int there) { return widened(load_weights(at, there)); }

struct Pair {
    bits first, second;
};

__device__ __forceinline__ Pair nothing() {
    Pair none = {0, NOTHING_BELOW};
    return none;
}

__device__ __forceinline__ void add(Pair &to, float a, float b, float w) {
#if SIGNED
    bits x = product(a, w), y = product(b, w);
    to.first = highest(to.first, x, y);
    to.second = largest(to.second, x, y);
#else
    to.first = larger(to.first, size_of_product(a, w));
#endif
}

__device__ __forceinline__ void join(Pair &to, Pair other) {
    to.first = larger(to.first, other.first);
#if SIGNED
    to.second = larger(to.second, other.second);
#endif
}

__device__ __forceinline__ void store(const Work &work, wide at, Pair found) {
    if (work.parts == 1) work.first[at] = found.first;
    else atomicMax(work.first + at, found.first);
#if SIGNED
    bits low = lowest_beside(found.first, found.second);
    if (work.parts == 1) work.second[at] = low;
    else atomicMax(work.second + at, low);
#endif
}

extern "C" __global__ void __launch_bounds__(THREADS) rows(const __grid_constant__ Work work) {
    int blocks = (work.columns + COLUMNS_OF_BLOCK - 1) / COLUMNS_OF_BLOCK;
    int turn = blockIdx.x;
    int n0 = turn % blocks * COLUMNS_OF_BLOCK;
    turn /= blocks;
    int start = turn % work.parts * work.depth;
    int batch = turn / work.parts;
    int stop = min(start + work.depth, work.inner);
    const float *p = work.p + beginning(work.p_batch, work, batch);
#if SIGNED
    const float *q = work.q + beginning(work.p_batch, work, batch);
#endif
    const weight *w = (const weight *)work.w + beginning(work.w_batch, work, batch);
    int warp = (int)threadIdx.x / 32, lane = (int)threadIdx.x % 32;

#if W_ALONG_TERMS
    int n = n0 + warp * AT_ONCE;
    Pair found[AT_ONCE];
#pragma unroll
    for (int i = 0; i < AT_ONCE; i++) found[i] = nothing();
    for (int term = start + lane * 4; term < stop; term += 128) {
        Four c[AT_ONCE], a = load(p + term, stop - term), b;
#if SIGNED
        b = load(q + term, stop - term);
#else
        b = a;
#endif
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++)
            c[i] = weights(w + (n + i) * work.w_line + term, n + i < work.columns ? stop - term : 0);
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++)
#pragma unroll
            for (int j = 0; j < 4; j++) add(found[i], a.x[j], b.x[j], c[i].x[j]);
    }
#pragma unroll
    for (int i = 0; i < AT_ONCE; i++) {
#pragma unroll
        for (int far = 16; far > 0; far /= 2) {
            Pair other;
            other.first = __shfl_xor_sync(0xffffffffu, found[i].first, far);
            other.second = SIGNED ? __shfl_xor_sync(0xffffffffu, found[i].second, far) : 0;
            join(found[i], other);
        }
        if (lane == 0 && n + i < work.columns) store(work, (wide)batch * work.columns + n + i, found[i]);
    }
#else
    __shared__ Pair of_warp[WARPS][128];
    int n = n0 + lane * 4, there = work.columns - n;
    Pair found[4];
#pragma unroll
    for (int j = 0; j < 4; j++) found[j] = nothing();
    for (int term = start + warp; term < stop; term += WARPS * AT_ONCE) {
        Four c[AT_ONCE];
        float a[AT_ONCE], b[AT_ONCE];
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++) {
            int k = term + i * WARPS;
            c[i] = weights(w + k * work.w_line + n, k < stop ? there : 0);
            a[i] = k < stop ? p[k] : 0.0f;
#if SIGNED
            b[i] = k < stop ? q[k] : 0.0f;
#else
            b[i] = a[i];
#endif
        }
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++)
#pragma unroll
            for (int j = 0; j < 4; j++) add(found[j], a[i], b[i], c[i].x[j]);
    }
    // A thread's results are not neighbours there, so that those of a warp are.
#pragma unroll
    for (int j = 0; j < 4; j++) of_warp[warp][j * 32 + lane] = found[j];
    __syncthreads();
    if (threadIdx.x < 128) {
        int column = n0 + (int)threadIdx.x % 32 * 4 + (int)threadIdx.x / 32;
        Pair all = of_warp[0][threadIdx.x];
#pragma unroll
        for (int other = 1; other < WARPS; other++) join(all, of_warp[other][threadIdx.x]);
        if (column < work.columns) store(work, (wide)batch * work.columns + column, all);
    }
#endif
}
