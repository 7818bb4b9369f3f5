// What of CUDA C++ the kernels use, in plain C++20: a block is a set of threads, and blocks run in turn.
#include <barrier>
#include <cmath>
#include <cstring>
#include <thread>
#include <vector>

#define __device__
#define __host__
#define __global__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
#define __shared__ static
#define __align__(n) __attribute__((aligned(n)))
#define __CUDA_ARCH__ 800

struct Place {
    unsigned x;
};
struct uint4 {
    unsigned x, y, z, w;
};
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }

static thread_local Place threadIdx, blockIdx;
static std::barrier<> *all_threads;
static unsigned exchanged[1024];

inline int min(int a, int b) { return a < b ? a : b; }
inline void __syncthreads() { all_threads->arrive_and_wait(); }
inline float __uint_as_float(unsigned x) {
    float y;
    std::memcpy(&y, &x, 4);
    return y;
}
// A GPU makes one NaN only.
inline unsigned __float_as_uint(float x) {
    unsigned y;
    std::memcpy(&y, &x, 4);
    return x == x ? y : 0x7fffffffu;
}
inline void atomicMax(unsigned *at, unsigned x) {
    if (x > *at) *at = x;
}
// All threads of a block come here together.
inline unsigned __shfl_xor_sync(unsigned, unsigned x, int mask) {
    exchanged[threadIdx.x] = x;
    __syncthreads();
    unsigned other = exchanged[threadIdx.x ^ mask];
    __syncthreads();
    return other;
}
