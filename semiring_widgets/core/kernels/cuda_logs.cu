// What lies between contractions, for values that are logarithms: one launch where torch takes three to thirty.
//
// Compiled by NVRTC (cuda_compiler.py) without any header of CUDA's. Macros say for what:
//
//   ALGEBRA   what values are: 0 (log of the best,), 1 (log mass,), 2 (log mass, entropy)
//   TASK      one of those below
//   THREADS   of a block, a power of two
//
// Except for single numbers, a block has a row: it goes over it several times, and a thread always meets the
// same places, so what it has written it may read again. NaN wins, and -inf is no path.

#define BEST 0
#define MASS 1
#define EXPECTATION 2
// Rows: a maximum and what is left of it; results of a contraction; sums; softmax; norms, both ways.
#define RELATIVE 0
#define RESTORED 1
#define SUM 2
#define SOFTMAX 3
#define NORM_PULLED 4
#define NORM_PUSHED 5
// Single numbers: two values joined, logarithms of magnitudes.
#define JOIN 6
#define MAGNITUDE 7

#define NONE (-__uint_as_float(0x7f800000u))
#define LOWEST (-3.402823466e38f)

// `Rows` of cuda_logs.py. What a task does not name it leaves alone.
struct Rows {
    // Values: logarithms, and entropies beside them; of the second value of JOIN.
    const float *log, *entropy, *other_log, *other_entropy;
    // Weights of the shape of the values, and one of each row.
    const float *weight, *scale;
    float *out, *out_entropy;
    // One number for each row: the maximum, the smallest result.
    float *top, *least;
    long long rows;
    // For RELATIVE alone, where its values lie: from one batch of so many rows, row and entry to the next.
    long long batch_line, row_line, entry_line;
    int rows_of_batch;
    int inner, centred;
    // Logarithm of the share that each entry has of a mean.
    float share;
};

struct Pair { float log, entropy; };

__device__ __forceinline__ float larger(float a, float b) { return b > a || b != b ? b : a; }

// The sum of two values.
__device__ __forceinline__ Pair joined(Pair a, Pair b) {
    Pair out = {larger(a.log, b.log), 0.0f};
#if ALGEBRA != BEST
    float top = out.log;
    if (top == NONE) return out;
    float p = expf(a.log - top), q = expf(b.log - top);
    out.log = top + logf(p + q);
#if ALGEBRA == EXPECTATION
    float left = a.log - out.log, right = b.log - out.log;
    p = expf(left);
    q = expf(right);
    out.entropy = (p > 0.0f ? p * (a.entropy - left) : 0.0f) + (q > 0.0f ? q * (b.entropy - right) : 0.0f);
#endif
#endif
    return out;
}

__device__ __forceinline__ float log_size(float w) { return logf(fabsf(w)); }

// Over the block; every thread gets the result.
__device__ __forceinline__ float greatest(float mine) {
    __shared__ float shared[THREADS];
    __syncthreads();
    shared[threadIdx.x] = mine;
    for (int half = THREADS / 2; half; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) shared[threadIdx.x] = larger(shared[threadIdx.x], shared[threadIdx.x + half]);
    }
    __syncthreads();
    return shared[0];
}

__device__ __forceinline__ void add_up(float &one, float &two) {
    __shared__ float shared[2][THREADS];
    __syncthreads();
    shared[0][threadIdx.x] = one;
    shared[1][threadIdx.x] = two;
    for (int half = THREADS / 2; half; half /= 2) {
        __syncthreads();
        if (threadIdx.x < half) {
            shared[0][threadIdx.x] += shared[0][threadIdx.x + half];
            shared[1][threadIdx.x] += shared[1][threadIdx.x + half];
        }
    }
    __syncthreads();
    one = shared[0][0];
    two = shared[1][0];
}

// Where a row begins in what has the shape of the values.
struct Row {
    const float *log, *entropy, *weight;
    float *out, *out_entropy;

    __device__ __forceinline__ Row(const Rows &rows) {
        long long start = (long long)blockIdx.x * rows.inner;
        log = rows.log + start;
        entropy = ALGEBRA == EXPECTATION ? rows.entropy + start : rows.log;
        weight = TASK == SOFTMAX || TASK >= NORM_PULLED ? rows.weight + start : rows.log;
        out = rows.out + start;
        out_entropy = ALGEBRA == EXPECTATION ? rows.out_entropy + start : rows.out;
    }

    __device__ __forceinline__ Pair value(int i) const {
        Pair pair = {log[i], ALGEBRA == EXPECTATION ? entropy[i] : 0.0f};
        return pair;
    }
    __device__ __forceinline__ Pair written(int i) const {
        Pair pair = {out[i], ALGEBRA == EXPECTATION ? out_entropy[i] : 0.0f};
        return pair;
    }
    __device__ __forceinline__ void write(int i, Pair pair) const {
        out[i] = pair.log;
        if (ALGEBRA == EXPECTATION) out_entropy[i] = pair.entropy;
    }
};

// The sum of a row of values, each times a weight if there is one.
template <bool WEIGHTED, bool WRITTEN> __device__ __forceinline__ Pair total(const Row &row, int inner) {
    float top = NONE;
    for (int i = threadIdx.x; i < inner; i += THREADS)
        top = larger(top, (WRITTEN ? row.out : row.log)[i] + (WEIGHTED ? log_size(row.weight[i]) : 0.0f));
    Pair found = {greatest(top), 0.0f};
#if ALGEBRA != BEST
    if (found.log == NONE) return found;
    float sum = 0.0f, spread = 0.0f;
    for (int i = threadIdx.x; i < inner; i += THREADS) {
        Pair one = WRITTEN ? row.written(i) : row.value(i);
        float off = one.log + (WEIGHTED ? log_size(row.weight[i]) : 0.0f) - found.log;
        float p = expf(off);
        sum += p;
        if (ALGEBRA == EXPECTATION && p > 0.0f) spread += p * (one.entropy - off);
    }
    add_up(sum, spread);
    float size = logf(sum);
    found.log += size;
    if (ALGEBRA == EXPECTATION) found.entropy = spread / sum + size;
#endif
    return found;
}

// To each value of what is written, the sum of all: both times a weight if there is one, and times the share.
template <bool WEIGHTED> __device__ __forceinline__ void feed_back(const Row &row, const Rows &rows) {
    Pair all = total<WEIGHTED, true>(row, rows.inner);
    all.log += rows.share;
    for (int i = threadIdx.x; i < rows.inner; i += THREADS) {
        Pair back = all;
        if (WEIGHTED) back.log += log_size(row.weight[i]);
        row.write(i, joined(row.written(i), back));
    }
}

// Copy the values to where results go, times the scale of the row or not.
__device__ __forceinline__ void bring(const Row &row, int inner, float scale) {
    for (int i = threadIdx.x; i < inner; i += THREADS) {
        Pair one = row.value(i);
        one.log += scale;
        row.write(i, one);
    }
}

#if TASK == JOIN || TASK == MAGNITUDE
extern "C" __global__ void __launch_bounds__(THREADS) logs(const __grid_constant__ Rows rows) {
    long long i = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (i >= rows.rows) return;
#if TASK == MAGNITUDE
    rows.out[i] = log_size(rows.weight[i]);
#else
    Pair a = {rows.log[i], 0.0f}, b = {rows.other_log[i], 0.0f};
#if ALGEBRA == EXPECTATION
    a.entropy = rows.entropy[i];
    b.entropy = rows.other_entropy[i];
#endif
    Pair both = joined(a, b);
    rows.out[i] = both.log;
    if (ALGEBRA == EXPECTATION) rows.out_entropy[i] = both.entropy;
#endif
}
#else
extern "C" __global__ void __launch_bounds__(THREADS) logs(const __grid_constant__ Rows rows) {
    Row row(rows);
    int inner = rows.inner;
#if TASK == RELATIVE
    long long line = rows.entry_line;
    long long start = blockIdx.x / rows.rows_of_batch * rows.batch_line + blockIdx.x % rows.rows_of_batch * rows.row_line;
    const float *log = rows.log + start, *entropy = ALGEBRA == EXPECTATION ? rows.entropy + start : log;
    float top = NONE;
    for (int i = threadIdx.x; i < inner; i += THREADS) top = larger(top, log[i * line]);
    top = greatest(top);
    if (top < LOWEST) top = LOWEST;
    for (int i = threadIdx.x; i < inner; i += THREADS) {
        float off = log[i * line] - top, p = expf(off);
        row.out[i] = p;
        // What a term brings along: p (log p - entropy so far).
        if (ALGEBRA == EXPECTATION) row.out_entropy[i] = p > 0.0f || p != p ? p * (off - entropy[i * line]) : 0.0f;
    }
    if (threadIdx.x == 0) rows.top[blockIdx.x] = top;
#elif TASK == RESTORED
    // `log` is a plain number here, and `entropy` its product with the mean logarithm.
    float top = rows.top[blockIdx.x], lowest = NONE;
    for (int i = threadIdx.x; i < inner; i += THREADS) {
        float made = row.log[i], log = logf(made);
        lowest = larger(lowest, -made);
        if (ALGEBRA == EXPECTATION) row.out_entropy[i] = made > 0.0f ? log - row.entropy[i] / made : 0.0f;
        row.out[i] = log + top;
    }
    lowest = -greatest(lowest);
    if (threadIdx.x == 0) rows.least[blockIdx.x] = lowest;
#elif TASK == SUM
    Pair all = total<false, false>(row, inner);
    if (threadIdx.x == 0) {
        rows.out[blockIdx.x] = all.log;
        if (ALGEBRA == EXPECTATION) rows.out_entropy[blockIdx.x] = all.entropy;
    }
#elif TASK == SOFTMAX
    Pair all = total<true, false>(row, inner);
    for (int i = threadIdx.x; i < inner; i += THREADS) {
        float size = log_size(row.weight[i]);
        Pair direct = row.value(i), back = all;
        direct.log += size;
        back.log += size;
        row.write(i, joined(direct, back));
    }
#elif TASK == NORM_PULLED
    bring(row, inner, 0.0f);
    feed_back<true>(row, rows);
    if (rows.centred) feed_back<false>(row, rows);
    float scale = log_size(rows.scale[blockIdx.x]);
    for (int i = threadIdx.x; i < inner; i += THREADS) row.out[i] += scale;
#else
    bring(row, inner, log_size(rows.scale[blockIdx.x]));
    if (rows.centred) feed_back<false>(row, rows);
    feed_back<true>(row, rows);
#endif
}
#endif
