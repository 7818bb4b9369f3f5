// Products with many rows: a tile of results stays in registers while the terms go by in shared memory.
//
// A thread keeps THREAD_ROWS x THREAD_COLUMNS results, in groups of four that are one load from shared memory
// each; a warp is 4 x 8 threads, a block ROWS x COLUMNS results. DEPTH terms of either operand are in shared
// memory while the next ones are on their way to registers. For each product that costs one multiplication
// and, two products at a time, half of a three-way maximum. Further macros, beside those of cuda_terms.cuh:
//
//   ROWS, COLUMNS, DEPTH, THREAD_ROWS, THREAD_COLUMNS, BLOCKS   the tile, and how many blocks a processor has
//   UNROLL                                                      terms that are written out
//
// What is read along the terms is turned on its way into shared memory; lines that are longer by `gap` then
// keep all but two threads of a warp out of each other's banks.

#define WARP_ROWS (4 * THREAD_ROWS)
#define WARP_COLUMNS (8 * THREAD_COLUMNS)
#define THREADS (ROWS / WARP_ROWS * (COLUMNS / WARP_COLUMNS) * 32)

__host__ __device__ constexpr int length(int side, bool along_terms) { return along_terms ? side + 4 : side; }

// Which four numbers of the next DEPTH terms of one operand a thread brings, `chunk` of them.
template <int SIDE, bool ALONG_TERMS> struct Share {
    static constexpr int CHUNKS = DEPTH * SIDE / 4 / THREADS;
    static constexpr int LINE = ALONG_TERMS ? DEPTH / 4 : SIDE / 4;
    // From one chunk to the next, across the lines.
    static constexpr int STEP = THREADS / LINE;
    static_assert(DEPTH * SIDE % (4 * THREADS) == 0 && THREADS % LINE == 0, "threads share evenly");

    static __device__ __forceinline__ int along() { return (int)threadIdx.x % LINE * 4; }
    static __device__ __forceinline__ int across(int chunk) { return (int)threadIdx.x / LINE + chunk * STEP; }

    static __device__ __forceinline__ void put(float (&tile)[DEPTH][length(SIDE, ALONG_TERMS)], int chunk,
                                               const Four &four) {
        if (ALONG_TERMS) {
#pragma unroll
            for (int i = 0; i < 4; i++)
                tile[along() + i][across(chunk)] = four.x[i];
        } else {
            *(Four *)&tile[across(chunk)][along()] = four;
        }
    }
};

// The next numbers of one operand on their way to shared memory.
template <typename RAW, typename NUMBER, int SIDE, bool ALONG_TERMS> struct Stream {
    typedef Share<SIDE, ALONG_TERMS> share;
    RAW next[share::CHUNKS];
    const NUMBER *at;
    // How far it is from one line to the next, and how many places there are from the thread's first one on.
    wide line;
    int places;

    __device__ __forceinline__ Stream(const NUMBER *origin, wide line, int start, int first, int size) : line(line) {
        int term = start + (ALONG_TERMS ? share::along() : share::across(0));
        int place = first + (ALONG_TERMS ? share::across(0) : share::along());
        places = size - place;
        at = origin + (ALONG_TERMS ? place * line + term : term * line + place);
    }

    // `left`: how many terms there are from the first one of the tile on.
    __device__ __forceinline__ void fetch(int left) {
#pragma unroll
        for (int chunk = 0; chunk < share::CHUNKS; chunk++) {
            int there = ALONG_TERMS ? (chunk * share::STEP < places ? left - share::along() : 0)
                                    : (share::across(chunk) < left ? places : 0);
            get(next[chunk], at + chunk * share::STEP * line, there);
        }
        at += ALONG_TERMS ? DEPTH : DEPTH * line;
    }

    static __device__ __forceinline__ void get(Four &into, const float *from, int there) { into = load(from, there); }
    static __device__ __forceinline__ void get(FourWeights &into, const weight *from, int there) {
        into = load_weights(from, there);
    }

    __device__ __forceinline__ void put(float (&tile)[DEPTH][length(SIDE, ALONG_TERMS)]) {
#pragma unroll
        for (int chunk = 0; chunk < share::CHUNKS; chunk++) share::put(tile, chunk, widened(next[chunk]));
    }
};

// COUNT numbers of one term, from groups of four that are GAP apart.
template <int GAP, int COUNT, int LINE>
__device__ __forceinline__ void take(float (&into)[COUNT], const float (&tile)[DEPTH][LINE], int term, int from) {
#pragma unroll
    for (int group = 0; group < COUNT / 4; group++)
        *(Four *)&into[4 * group] = *(const Four *)&tile[term][from + group * GAP];
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS) tiles(const __grid_constant__ Work work) {
    __shared__ __align__(16) float p_tile[2][DEPTH][length(ROWS, true)];
#if SIGNED
    __shared__ __align__(16) float q_tile[2][DEPTH][length(ROWS, true)];
#endif
    __shared__ __align__(16) float w_tile[2][DEPTH][length(COLUMNS, W_ALONG_TERMS)];

    // Tiles of rows come first: they share w.
    int row_tiles = (work.rows + ROWS - 1) / ROWS, column_tiles = (work.columns + COLUMNS - 1) / COLUMNS;
    int turn = blockIdx.x;
    int m0 = turn % row_tiles * ROWS;
    turn /= row_tiles;
    int n0 = turn % column_tiles * COLUMNS;
    turn /= column_tiles;
    int start = turn % work.parts * work.depth;
    int batch = turn / work.parts;
    int left = min(work.depth, work.inner - start);

    wide from_p = beginning(work.p_batch, work, batch);
    Stream<Four, float, ROWS, true> p(work.p + from_p, work.p_line, start, m0, work.rows);
#if SIGNED
    Stream<Four, float, ROWS, true> q(work.q + from_p, work.p_line, start, m0, work.rows);
#endif
    Stream<FourWeights, weight, COLUMNS, W_ALONG_TERMS> w(
        (const weight *)work.w + beginning(work.w_batch, work, batch), work.w_line, start, n0, work.columns);

    int warp = (int)threadIdx.x / 32, lane = (int)threadIdx.x % 32;
    int m = warp / (COLUMNS / WARP_COLUMNS) * WARP_ROWS + lane / 8 * 4;
    int n = warp % (COLUMNS / WARP_COLUMNS) * WARP_COLUMNS + lane % 8 * 4;

    bits first[THREAD_ROWS][THREAD_COLUMNS];
#if SIGNED
    bits second[THREAD_ROWS][THREAD_COLUMNS];
#endif
#pragma unroll
    for (int i = 0; i < THREAD_ROWS; i++)
#pragma unroll
        for (int j = 0; j < THREAD_COLUMNS; j++) {
            first[i][j] = 0;
#if SIGNED
            second[i][j] = NOTHING_BELOW;
#endif
        }

    p.fetch(left);
    w.fetch(left);
#if SIGNED
    q.fetch(left);
    q.put(q_tile[0]);
#endif
    p.put(p_tile[0]);
    w.put(w_tile[0]);
    __syncthreads();
    int now = 0;
    for (; left > 0; left -= DEPTH) {
        bool more = left > DEPTH;
        if (more) {
            p.fetch(left - DEPTH);
            w.fetch(left - DEPTH);
#if SIGNED
            q.fetch(left - DEPTH);
#endif
        }
#if SIGNED
#pragma unroll UNROLL
        for (int term = 0; term < DEPTH; term++) {
            float a[THREAD_ROWS], b[THREAD_ROWS], c[THREAD_COLUMNS];
            take<16>(a, p_tile[now], term, m);
            take<16>(b, q_tile[now], term, m);
            take<32>(c, w_tile[now], term, n);
#pragma unroll
            for (int i = 0; i < THREAD_ROWS; i++)
#pragma unroll
                for (int j = 0; j < THREAD_COLUMNS; j++) {
                    bits x = product(a[i], c[j]), y = product(b[i], c[j]);
                    first[i][j] = highest(first[i][j], x, y);
                    second[i][j] = largest(second[i][j], x, y);
                }
        }
#else
#pragma unroll (UNROLL / 2)
        for (int term = 0; term < DEPTH; term += 2) {
            float a[2][THREAD_ROWS], c[2][THREAD_COLUMNS];
#pragma unroll
            for (int t = 0; t < 2; t++) {
                take<16>(a[t], p_tile[now], term + t, m);
                take<32>(c[t], w_tile[now], term + t, n);
            }
#pragma unroll
            for (int i = 0; i < THREAD_ROWS; i++)
#pragma unroll
                for (int j = 0; j < THREAD_COLUMNS; j++)
                    first[i][j] = largest(first[i][j], size_of_product(a[0][i], c[0][j]),
                                          size_of_product(a[1][i], c[1][j]));
        }
#endif
        if (more) {
            now ^= 1;
            p.put(p_tile[now]);
            w.put(w_tile[now]);
#if SIGNED
            q.put(q_tile[now]);
#endif
            __syncthreads();
        }
    }

#pragma unroll
    for (int i = 0; i < THREAD_ROWS; i++) {
        int row = m0 + m + i % 4 + i / 4 * 16;
        if (row >= work.rows) continue;
        wide line = ((wide)batch * work.rows + row) * work.columns;
#pragma unroll
        for (int group = 0; group < THREAD_COLUMNS / 4; group++) {
            int column = n0 + n + group * 32;
#if SIGNED
#pragma unroll
            for (int j = 0; j < 4; j++)
                second[i][4 * group + j] = lowest_beside(first[i][4 * group + j], second[i][4 * group + j]);
            store(work.second + line + column, *(const bits(*)[4])&second[i][4 * group], work, work.columns - column);
#endif
            store(work.first + line + column, *(const bits(*)[4])&first[i][4 * group], work, work.columns - column);
        }
    }
}
