// What both CUDA kernels share: their argument, numbers as bit patterns, and operands of three types.
//
// Compiled by NVRTC (cuda_compiler.py) without any header of CUDA's. Macros say for what:
//
//   SIGNED         0: the largest |p w|.  1: the largest and the lowest of p w and q w, for p >= 0 >= q
//   WEIGHT         type of w: 0 float32, 1 bfloat16, 2 float16; p and q are float32
//   VECTORS        1: sizes and lines are multiples of four numbers, which load at once; 0: any
//   W_ALONG_TERMS  1: neighbours in w are terms of one column; 0: columns of one term. In p they are terms.
//
// Floats that are not negative are ordered as their bit patterns, read as integers, and NaN, which the
// hardware always makes as 0x7fffffff, is the largest of them: integer maxima let NaN win, as torch does, where
// the hardware's maximum of floats drops it. From compute capability 9 on, one instruction joins three.

typedef unsigned int bits;
typedef long long wide;

#define NAN_BITS 0x7fffffffu
#define INFINITE 0x7f800000u
// -0: below any number that is negative, in the order of patterns.
#define NOTHING_BELOW 0x80000000u

// `Work` of cuda_contractions.py. Strides count elements; p and q have the same ones.
struct Work {
    const float *p, *q;
    const void *w;
    bits *first, *second;
    // Of up to three dimensions of the batch, slowest first.
    wide p_batch[3], w_batch[3];
    // From one line, along which numbers are neighbours, to the next.
    wide p_line, w_line;
    // Sizes of the last two dimensions of the batch.
    int batch_1, batch_2;
    int rows, inner, columns;
    // The terms are cut into parts of this depth, which join their results in memory.
    int parts, depth;
};

__device__ __forceinline__ bits larger(bits a, bits b) { return a > b ? a : b; }

__device__ __forceinline__ bits largest(bits a, bits b, bits c) {
#if __CUDA_ARCH__ >= 900
    return __vimax3_u32(a, b, c);
#else
    return larger(larger(a, b), c);
#endif
}

// As signed numbers negative floats are below all others.
__device__ __forceinline__ bits highest(bits a, bits b, bits c) {
#if __CUDA_ARCH__ >= 900
    return (bits)__vimax3_s32((int)a, (int)b, (int)c);
#else
    int high = (int)a > (int)b ? (int)a : (int)b;
    return (bits)(high > (int)c ? high : (int)c);
#endif
}

// Magnitudes cost nothing: they are modifiers of the multiplication's operands.
__device__ __forceinline__ bits size_of_product(float a, float b) {
    return __float_as_uint(fabsf(a) * fabsf(b));
}

__device__ __forceinline__ bits product(float a, float b) { return __float_as_uint(a * b); }

// NaN is above everything; where it is the highest, it has to be the lowest, too.
__device__ __forceinline__ bits lowest_beside(bits high, bits low) {
    return high > INFINITE && high <= NAN_BITS ? 0xffffffffu : low;
}

#if WEIGHT == 0
typedef float weight;
__device__ __forceinline__ float widened(weight x) { return x; }
#else
typedef unsigned short weight;
__device__ __forceinline__ float widened(weight x) {
#if WEIGHT == 1
    return __uint_as_float((bits)x << 16);
#else
    float y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x));
    return y;
#endif
}
#endif

struct __align__(16) Four { float x[4]; };
struct __align__(4 * sizeof(weight)) FourWeights { weight x[4]; };

// Four neighbours, of which the first `there` exist; the others are 0: no edge.
__device__ __forceinline__ Four load(const float *at, int there) {
    Four found = {{0.0f, 0.0f, 0.0f, 0.0f}};
    if (VECTORS) {
        if (there > 0) found = *(const Four *)at;
    } else {
#pragma unroll
        for (int i = 0; i < 4; i++)
            if (i < there) found.x[i] = at[i];
    }
    return found;
}

__device__ __forceinline__ FourWeights load_weights(const weight *at, int there) {
    FourWeights found;
#pragma unroll
    for (int i = 0; i < 4; i++) found.x[i] = 0;
    if (VECTORS) {
        if (there > 0) found = *(const FourWeights *)at;
    } else {
#pragma unroll
        for (int i = 0; i < 4; i++)
            if (i < there) found.x[i] = at[i];
    }
    return found;
}

__device__ __forceinline__ Four widened(const Four &x) { return x; }

__device__ __forceinline__ Four widened(const FourWeights &x) {
    Four y;
#pragma unroll
    for (int i = 0; i < 4; i++) y.x[i] = widened(x.x[i]);
    return y;
}

// Where one batch begins in an operand.
__device__ __forceinline__ wide beginning(const wide (&strides)[3], const Work &work, int batch) {
    int last = batch % work.batch_2, rest = batch / work.batch_2;
    return rest / work.batch_1 * strides[0] + rest % work.batch_1 * strides[1] + last * strides[2];
}

// Four neighbouring results, of which the first `there` exist. Parts find zeros, or what other parts wrote.
__device__ __forceinline__ void store(bits *at, const bits (&found)[4], const Work &work, int there) {
    if (work.parts == 1 && work.columns % 4 == 0) {
        if (there > 0) *(uint4 *)at = make_uint4(found[0], found[1], found[2], found[3]);
        return;
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        if (i >= there) continue;
        if (work.parts == 1) at[i] = found[i];
        else atomicMax(at + i, found[i]);
    }
}
