// Sparse convolution: for each kept weight, add weight × a shifted input plane to an output plane.
//
// An image's outputs are cut into strips of columns, a strip is laid flat row by row, and cut into
// stretches. For each stretch, the input planes that it needs are copied once for each horizontal
// shift of the kernel, so that every kernel position reads a plane at a fixed distance from the
// output ("slices"; with a stride, a slice has every stride-th row and column). A stretch is worked
// off in tiles of a few vectors that stay in registers while the kept weights of one output channel
// run. Slices are taken in blocks that stay in the first cache; sums wait in a buffer between
// blocks. Stretches go over threads.
//
// Plain C++ with the vector types of GCC and Clang; no header of torch, so that it compiles in
// seconds. packing.py and plan.py prepare what it reads.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#ifdef __linux__
#include <malloc.h>
#include <sys/mman.h>
#endif
#ifdef __SSE__
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
constexpr int64_t WIDEST = 16, REGISTERS = 32;
#elif defined(__AVX__)
constexpr int64_t WIDEST = 8, REGISTERS = 16;
#elif defined(__aarch64__)
constexpr int64_t WIDEST = 4, REGISTERS = 32;
#else
constexpr int64_t WIDEST = 4, REGISTERS = 16;
#endif
constexpr int64_t AHEAD = 4;        // slices that are asked for before they are copied
constexpr int64_t ROWS_AHEAD = 8;   // rows whose addends are asked for before they are added
constexpr int64_t OUTPUTS_AHEAD = 2;  // rows whose outputs are asked for before they are written
constexpr int64_t SLACK = 32;  // floats behind a buffer, which the last vector may read

// What is shared with Python: every field has 8 bytes; see plan.py.
struct Slice { int64_t channel, row, column; };  // element (j, c) is input[j * stride + row][...]
struct Row { int64_t channel, first; };          // entries first ... first of the next row
struct Plan {
  int64_t channels, height, width, out_channels, out_height, out_width;
  int64_t stride_y, stride_x;
  int64_t in_plane, in_row, in_column, out_plane, out_column;  // distances in floats
  int64_t strip, stretch;                // outputs in a row of a strip, in a stretch
  int64_t slices, halo, pitch;           // of the copies: number, floats behind a stretch, distance
  int64_t lanes, vectors, together;      // of a tile: floats a vector, vectors, output channels
  int64_t parts, blocks;                 // of output channels (for threads), of slices
  int64_t activation;
  int64_t streams;                       // whether outputs are written past the caches
  double low, high;
  const Slice* slice;
  const Row* rows;
  const int64_t* row_of_block;  // [parts * blocks + 1]
  const uint64_t* entries;      // bytes from the start of a tile << 32 | bits of the weight
  const float* weights;         // [entries, together], where more than one are together
};

struct Pool {
  int64_t height, width, out_height, out_width;
  int64_t reach_y, reach_x, stride_y, stride_x, pad_y, pad_x;
};

namespace {

enum { NONE, CLAMP, LEAKY, SILU, HARD_SWISH };

// Memory of a thread, kept from call to call.
float* scratch(int64_t floats) {
  struct Buffer {
    float* start = nullptr;
    int64_t size = 0;
    ~Buffer() { std::free(start); }
  };
  static thread_local Buffer buffer;
#ifdef __SANITIZE_ADDRESS__
  buffer.size = 0;  // exactly as much as is asked for, so that accesses behind it are seen
  constexpr int64_t PAGE = 64;
#else
  constexpr int64_t PAGE = 1 << 21;
#endif
  if (buffer.size < floats) {
    const int64_t bytes = (floats * 4 + PAGE - 1) / PAGE * PAGE;
    std::free(buffer.start);
    buffer.start = static_cast<float*>(std::aligned_alloc(PAGE, bytes));
    buffer.size = buffer.start ? bytes / 4 : 0;
    if (!buffer.start) return nullptr;
#ifdef MADV_HUGEPAGE
    madvise(buffer.start, bytes, MADV_HUGEPAGE);  // fewer misses of the address translation
#endif
    std::memset(buffer.start, 0xFF, bytes);  // NaN, which no result may depend on
  }
  return buffer.start;
}

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t round_up(int64_t a, int64_t b) { return divide_up(a, b) * b; }
int64_t within(int64_t value, int64_t low, int64_t high) {
  return std::min(std::max(value, low), high);
}
void zero(float* to, int64_t floats) { std::memset(to, 0, floats * 4); }
void copy(float* to, const float* from, int64_t floats) { std::memcpy(to, from, floats * 4); }

// Copies a few numbers, which a call of memcpy would take longer for.
inline void copy_row(float* to, const float* from, int64_t floats) {
  int64_t c = 0;
  for (; c + 16 <= floats; c += 16) std::memcpy(to + c, from + c, 64);
  for (; c + 4 <= floats; c += 4) std::memcpy(to + c, from + c, 16);
  for (; c < floats; c++) to[c] = from[c];
}

// Copies, and asks for what lies `distance` floats further on, since processors foresee little of
// short pieces far from each other.
inline void copy_ahead(float* to, const float* from, int64_t floats, int64_t distance) {
  for (int64_t c = 0; c < floats; c += 16) __builtin_prefetch(from + distance + c);
  copy(to, from, floats);
}

// Writes the elements from ... from + length of a slice of the strip that starts at column `left`;
// `ahead` is a slice that will be written soon.
void pack(const Plan& p, const float* image, const Slice& s, const Slice& ahead, int64_t left,
          int64_t from, int64_t length, float* to) {
  const float* plane = image + s.channel * p.in_plane;
  const int64_t W = p.strip, end = from + length;
  if (p.stride_y == 1 && p.stride_x == 1 && W == p.width && W == p.out_width && p.in_column == 1) {
    // The slice is the plane itself, moved; only what came round the edges must be zero.
    const int64_t shift = s.row * W + s.column;
    const int64_t first = within(-shift, from, end);
    const int64_t last = within(p.height * W - shift, first, end);
    zero(to, first - from);
    copy_ahead(to + first - from, plane + first + shift, last - first,
               (ahead.channel - s.channel) * p.in_plane);
    zero(to + last - from, end - last);
    if (s.column) {
      const int64_t low = s.column < 0 ? 0 : std::max<int64_t>(W - s.column, 0);
      const int64_t high = s.column < 0 ? std::min(-s.column, W) : W;
      for (int64_t row = from / W * W; row < end; row += W)
        for (int64_t c = std::max(low, from - row); c < std::min(high, end - row); c++)
          to[row + c - from] = 0;
    }
    return;
  }
  const int64_t step = p.stride_x, jump = step * p.in_column;
  const int64_t column = left * step + s.column, behind = p.width - 1 - column;
  const int64_t low = within(column < 0 ? divide_up(-column, step) : 0, 0, W);
  const int64_t high = within(behind < 0 ? 0 : behind / step + 1, low, W);
  int64_t y = from / W * p.stride_y + s.row;
  for (int64_t row = from / W * W; row < end; row += W, y += p.stride_y) {
    const int64_t start = std::max<int64_t>(from - row, 0), stop = std::min(W, end - row);
    float* out = to + (row - from);
    const bool inside = y >= 0 && y < p.height;
    const int64_t first = inside ? within(low, start, stop) : stop;
    const int64_t last = inside ? within(high, first, stop) : stop;
    const int64_t origin = y * p.in_row + column * p.in_column;
    for (int64_t c = start; c < first; c++) out[c] = 0;
    if (jump == 1)
      copy_row(out + first, plane + origin + first, last - first);
    else if (jump == 2)
      for (int64_t c = first; c < last; c++) out[c] = plane[origin + 2 * c];
    else
      for (int64_t c = first; c < last; c++) out[c] = plane[origin + jump * c];
    for (int64_t c = last; c < stop; c++) out[c] = 0;
  }
}

template <int64_t V>
struct Lanes {
  typedef float Floats __attribute__((vector_size(V * 4), aligned(4), may_alias));
  typedef int32_t Ints __attribute__((vector_size(V * 4)));
};

// e^x to 2 units in the last place, for x in [-87, 88]: 2^n · polynomial (Cody and Waite).
template <int64_t V>
typename Lanes<V>::Floats exponential(typename Lanes<V>::Floats x) {
  typedef typename Lanes<V>::Floats Floats;
  typedef typename Lanes<V>::Ints Ints;
  x = x < -87.0f ? Floats{} - 87.0f : x;
  x = x > 88.0f ? Floats{} + 88.0f : x;
  const Floats shifted = x * 1.44269504f + 12582912.0f;  // rounds to a whole number
  const Floats n = shifted - 12582912.0f;
  const Floats r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Floats y = r * 1.9875691500e-4f + 1.3981999507e-3f;
  y = y * r + 8.3334519073e-3f;
  y = y * r + 4.1665795894e-2f;
  y = y * r + 1.6666665459e-1f;
  y = y * r + 5.0000001201e-1f;
  y = y * r * r + r + 1.0f;
  const Ints power = (__builtin_convertvector(n, Ints) + 127) << 23;
  return y * (Floats)power;
}

// The activations that are more than two bounds.
template <int64_t V>
typename Lanes<V>::Floats activate(const Plan& p, typename Lanes<V>::Floats x) {
  typedef typename Lanes<V>::Floats Floats;
  if (p.activation == LEAKY) return x < 0.0f ? x * float(p.low) : x;
  if (p.activation == SILU) {
    const Floats y = x / (exponential<V>(-x) + 1.0f);
    return x < -87.0f ? Floats{} : y;  // where the exponential would overflow
  }
  Floats gate = x + 3.0f;
  gate = gate < 0.0f ? Floats{} : gate;
  gate = gate > 6.0f ? Floats{} + 6.0f : gate;
  return x * gate / 6.0f;
}

// One tile: where its sums are made.
struct Tile {
  const float* slices;  // the tile's start in the copies
  float* sums;          // [output channels of the part, width]
  int64_t width, first_channel;
  const float* bias;    // where sums start from
  const float* other;   // the tile's start in the first output plane; null if nothing is added
  float* out;           // the same; null if `finish` writes the outputs
  bool streams;         // whether they go past the caches
};

// Writes a vector to an address that is a multiple of its size, past the caches if that is known.
template <int64_t V>
void stream(float* to, typename Lanes<V>::Floats x) {
#ifdef __AVX512F__
  if constexpr (V == 16) return _mm512_stream_ps(to, (__m512)x);
#endif
#ifdef __AVX__
  if constexpr (V == 8) return _mm256_stream_ps(to, (__m256)x);
#endif
#ifdef __SSE__
  if constexpr (V == 4) return _mm_stream_ps(to, (__m128)x);
#endif
  *(typename Lanes<V>::Floats*)to = x;
}

// Orders what was written past the caches before what this thread writes later.
void end_streams() {
#ifdef __SSE__
  _mm_sfence();
#endif
}

template <int64_t V>
struct Bounds {
  typedef typename Lanes<V>::Floats Floats;
  Floats low, high;

  explicit Bounds(const Plan& p)
      : low(Floats{} + (p.activation == CLAMP ? float(p.low) : -INFINITY)),
        high(Floats{} + (p.activation == CLAMP ? float(p.high) : INFINITY)) {}

  Floats operator()(Floats x) const {
    x = x < low ? low : x;  // so that NaN stays NaN
    return x > high ? high : x;
  }
};

// Adds up one block of a tile. The last one writes the outputs, if the tile knows where.
template <int64_t V, int64_t R, int64_t Q>
void run(const Plan& p, const Row* row, const Row* end, const Tile& t, bool first, bool last) {
  typedef typename Lanes<V>::Floats Floats;
  typedef typename Lanes<V>::Ints Ints;
  const Bounds<V> within_bounds(p);
  const bool writes = last && t.out;
  for (; row < end; row++) {
    // The start of a row that comes soon, in a tensor like the output.
    const auto soon = [&](const float* plane, int64_t rows) {
      return plane + row[std::min<int64_t>(rows, end - row - 1)].channel * p.out_plane;
    };
    if (writes && !t.streams)
      for (int64_t c = 0; c < R * V; c += 16) __builtin_prefetch(soon(t.out, OUTPUTS_AHEAD) + c, 1);
    if (writes && t.other)
      for (int64_t c = 0; c < R * V; c += 16) __builtin_prefetch(soon(t.other, ROWS_AHEAD) + c);
    Floats sums[Q][R];
    float* kept = t.sums + (row->channel - t.first_channel) * t.width;
    for (int64_t q = 0; q < Q; q++) {
      const bool beyond = Q > 1 && row->channel + q >= p.out_channels;
      const float bias = first && !beyond ? t.bias[row->channel + q] : 0.0f;
      for (int64_t r = 0; r < R; r++)
        sums[q][r] = first ? Floats{} + bias : *(const Floats*)(kept + q * t.width + r * V);
    }
    const uint64_t* entry = p.entries + row->first;
    const uint64_t* stop = p.entries + row[1].first;
    const float* weight = p.weights + row->first * Q;
    for (; entry < stop; entry++, weight += Q) {
      const char* from = (const char*)t.slices + (*entry >> 32);
#ifdef __x86_64__
      // One register: with an index in the address, Intel's processors split each of the loads below
      // from its multiplication.
      asm("" : "+r"(from));
#endif
      // Spread from an integer register: vectors are loaded as fast as they are multiplied, so that
      // loading the weight into one would cost a multiplication.
      const Floats one = (Floats)(Ints{} + int32_t(*entry));
#pragma GCC unroll 32
      for (int64_t r = 0; r < R; r++) {
        const Floats x = *(const Floats*)(from + r * V * 4);
#pragma GCC unroll 4
        for (int64_t q = 0; q < Q; q++) sums[q][r] += (Q == 1 ? one : Floats{} + weight[q]) * x;
      }
    }
    if (!writes) {
      for (int64_t q = 0; q < Q; q++)
        for (int64_t r = 0; r < R; r++) *(Floats*)(kept + q * t.width + r * V) = sums[q][r];
      continue;
    }
    for (int64_t q = 0; q < Q; q++) {
      if (Q > 1 && row->channel + q >= p.out_channels) break;
      const int64_t at = (row->channel + q) * p.out_plane;
      if (t.other)
        for (int64_t r = 0; r < R; r++) sums[q][r] += *(const Floats*)(t.other + at + r * V);
      for (int64_t r = 0; r < R; r++) {
        float* to = t.out + at + r * V;
        if (t.streams)
          stream<V>(to, within_bounds(sums[q][r]));
        else
          *(Floats*)to = within_bounds(sums[q][r]);
      }
    }
  }
}

// Stores a row of sums between the two bounds, if there are some.
template <int64_t V>
void store(const Plan& p, const float* sums, float* out, int64_t length) {
  typedef typename Lanes<V>::Floats Floats;
  const Bounds<V> within_bounds(p);
  const int64_t whole = p.out_column == 1 ? length / V * V : 0;
  for (int64_t i = 0; i < whole; i += V)
    *(Floats*)(out + i) = within_bounds(*(const Floats*)(sums + i));
  for (int64_t i = whole; i < length; i++)
    out[i * p.out_column] = within_bounds(Floats{} + sums[i])[0];
}

// Calls a function with each row of a tile: its start among the sums, in the plane, and its length.
template <typename Function>
void rows_of(const Plan& p, int64_t left, int64_t from, int64_t count, Function function) {
  const int64_t width = std::min(p.strip, p.out_width - left);
  if (p.strip == p.out_width) return function(0, from * p.out_column, count);
  for (int64_t row = from / p.strip * p.strip; row < from + count; row += p.strip) {
    const int64_t start = std::max(from, row), end = std::min(from + count, row + width);
    const int64_t at = row / p.strip * p.out_width + left + start - row;
    if (start < end) function(start - from, at * p.out_column, end - start);
  }
}

// Adds, activates and stores the sums of a channel's outputs that are in the image.
template <int64_t V>
void finish(const Plan& p, float* sums, const float* other, float* out, int64_t left, int64_t from,
            int64_t count) {
  if (other)
    rows_of(p, left, from, count, [&](int64_t start, int64_t at, int64_t length) {
      float* to = sums + start;
      if (p.out_column == 1)
        for (int64_t i = 0; i < length; i++) to[i] += other[at + i];
      else
        for (int64_t i = 0; i < length; i++) to[i] += other[at + i * p.out_column];
    });
  if (p.activation > CLAMP)
    for (int64_t i = 0; i < count; i += V)
      *(typename Lanes<V>::Floats*)(sums + i) =
          activate<V>(p, *(const typename Lanes<V>::Floats*)(sums + i));
  rows_of(p, left, from, count, [&](int64_t start, int64_t at, int64_t length) {
    store<V>(p, sums + start, out + at, length);
  });
}

// A compiled tile: how many vectors it has, and what adds up its blocks.
struct Form {
  int64_t vectors;
  void (*run)(const Plan&, const Row*, const Row*, const Tile&, bool, bool);
};

// The smallest of the compiled tiles with at least this many vectors; of none if there is none.
template <int64_t V>
Form form_of(int64_t vectors, int64_t together) {
#define TILE(r, q) \
  if constexpr (r * q + 2 <= REGISTERS || r == 1) \
    if (together == q && vectors <= r) return {r, run<V, r, q>};
  TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(6, 1) TILE(8, 1) TILE(12, 1) TILE(16, 1)
  TILE(24, 1) TILE(1, 4) TILE(2, 4) TILE(3, 4) TILE(4, 4) TILE(6, 4)
#undef TILE
  return {0, nullptr};
}

Form form_of(int64_t lanes, int64_t vectors, int64_t together) {
  if (lanes == WIDEST) return form_of<WIDEST>(vectors, together);
  if constexpr (WIDEST > 4)  // fewer outputs are left over at the end of an image
    if (lanes == WIDEST / 2) return form_of<WIDEST / 2>(vectors, together);
  return {0, nullptr};
}

inline float larger(float a, float b) { return (a > b) | (a != a) ? a : b; }

// A stride that is known to the compiler lets it use vectors.
template <int64_t STEP>
void largest_of_row(const float* row, float* to, int64_t length, int64_t reach, int64_t step) {
  if (STEP) step = STEP;
  for (int64_t c = 0; c < length; c++) to[c] = row[c * step];
  for (int64_t i = 1; i < reach; i++)
    for (int64_t c = 0; c < length; c++) to[c] = larger(row[c * step + i], to[c]);
}

// Repeats each number of a row.
template <int64_t TIMES>
void repeat(const float* row, float* to, int64_t length, int64_t times) {
  if (TIMES) times = TIMES;
  for (int64_t c = 0; c < length; c++)
    for (int64_t i = 0; i < times; i++) to[c * times + i] = row[c];
}

}  // namespace

extern "C" {

int64_t widest() { return WIDEST; }

// Lets this process keep memory that it frees, rather than give it back and be given new pages, which
// takes as long as the arithmetic of a large layer.
void keep_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, INT32_MAX);
#endif
}

// Whether tiles of this form are compiled.
int64_t has_tile(int64_t lanes, int64_t vectors, int64_t together) {
  return form_of(lanes, vectors, together).run != nullptr;
}

// Computes out [batch, out_channels, out_height, out_width]; `other`, of the same shape, is added
// before the activation.
// Returns 0, or 1 if there is no such tile, 2 if there is no memory.
int64_t convolve(const Plan* plan, const float* x, const float* bias, const float* other, float* out,
                 int64_t batch, int64_t threads) {
  const Plan& p = *plan;
  if (batch <= 0 || p.out_height <= 0 || p.out_width <= 0) return 0;
  if (!form_of(p.lanes, p.vectors, p.together).run) return 1;
  const int64_t flat = p.out_height * p.strip, strips = divide_up(p.out_width, p.strip);
  const int64_t stretches = divide_up(flat, p.stretch);
  const int64_t items = batch * strips * stretches * p.parts;
  const int64_t width = p.vectors * p.lanes, apart = width + SLACK;
  const int64_t channels = round_up(divide_up(p.out_channels, p.parts), p.together);
  const int64_t copies = round_up(p.slices * p.pitch + SLACK, SLACK);
  const int64_t image = p.channels * p.height * p.width;
  const int64_t result = p.out_channels * p.out_height * p.out_width;
  // Whether outputs can be written from registers: those of a tile are next to each other.
  const bool plain = p.strip == p.out_width && p.out_column == 1 && p.activation <= CLAMP;
  const bool streams = p.streams && reinterpret_cast<uintptr_t>(out) % (p.lanes * 4) == 0 &&
                       p.out_plane % p.lanes == 0 && result % p.lanes == 0;
  std::atomic<int64_t> status{0};
#pragma omp parallel num_threads(int(std::min(threads, items))) if (threads > 1 && items > 1)
  {
    float* buffer = scratch(copies + channels * apart + SLACK);
    float* sums = buffer + copies;
    if (!buffer) status = 2;
#pragma omp for schedule(dynamic, 1)
    for (int64_t item = 0; item < items; item++) {
      if (!buffer) continue;
      const int64_t part = item % p.parts, n = item / p.parts / stretches / strips;
      const int64_t left = item / p.parts / stretches % strips * p.strip;
      const int64_t from = item / p.parts % stretches * p.stretch;
      const int64_t count = std::min(p.stretch, flat - from);
      const int64_t first = part * channels, last = std::min(p.out_channels, first + channels);
      for (int64_t s = 0; s < p.slices; s++)
        pack(p, x + n * image, p.slice[s], p.slice[std::min(s + AHEAD, p.slices - 1)], left, from,
             count + p.halo, buffer + s * p.pitch);
      for (int64_t done = 0; done < count; done += width) {
        const int64_t valid = std::min(width, count - done);
        const Form form = form_of(p.lanes, divide_up(valid, p.lanes), p.together);
        const bool direct = plain && form.vectors * p.lanes == valid;
        const int64_t start = n * result + from + done;
        const Tile tile{buffer + done, sums, apart, first, bias,
                        other && direct ? other + start : nullptr, direct ? out + start : nullptr,
                        streams};
        for (int64_t block = 0; block < p.blocks; block++) {
          const int64_t* rows = p.row_of_block + part * p.blocks + block;
          form.run(p, p.rows + rows[0], p.rows + rows[1], tile, block == 0, block == p.blocks - 1);
        }
        if (direct) continue;
        for (int64_t c = first; c < last; c++) {
          const int64_t at = n * result + c * p.out_plane;
          finish<WIDEST>(p, sums + (c - first) * apart, other ? other + at : nullptr, out + at, left,
                         from + done, valid);
        }
      }
    }
    end_streams();
  }
  return status;
}

// The largest number of each window, as torch.max_pool2d without dilation: NaN wins, padding loses.
// Returns 0, or 2 if there is no memory.
int64_t max_pool(const Pool* pool, const float* x, float* out, int64_t planes, int64_t threads) {
  const Pool& p = *pool;
  std::atomic<int64_t> status{0};
#pragma omp parallel for num_threads(int(threads)) if (threads > 1)
  for (int64_t plane = 0; plane < planes; plane++) {
    // First over rows, then over columns: fewer comparisons, and rows are read in whole vectors.
    float* row = scratch(p.width + 2 * p.pad_x);
    if (!row) {
      status = 2;
      continue;
    }
    std::fill(row, row + p.width + 2 * p.pad_x, -INFINITY);
    for (int64_t y = 0; y < p.out_height; y++) {
      const int64_t start = y * p.stride_y - p.pad_y;
      const int64_t first = std::max<int64_t>(start, 0);
      const int64_t end = std::min(start + p.reach_y, p.height);
      float* inner = row + p.pad_x;
      copy(inner, x + (plane * p.height + first) * p.width, p.width);
      for (int64_t i = first + 1; i < end; i++)
        for (int64_t c = 0; c < p.width; c++)
          inner[c] = larger(x[(plane * p.height + i) * p.width + c], inner[c]);
      float* to = out + (plane * p.out_height + y) * p.out_width;
      if (p.stride_x == 2)
        largest_of_row<2>(row, to, p.out_width, p.reach_x, 2);
      else
        largest_of_row<0>(row, to, p.out_width, p.reach_x, p.stride_x);
    }
  }
  return status;
}

// Repeats each number of each plane `down` times downwards and `across` times to the right.
void enlarge(const float* x, float* out, int64_t planes, int64_t height, int64_t width, int64_t down,
             int64_t across, int64_t threads) {
  const int64_t length = width * across;
#pragma omp parallel for num_threads(int(threads)) if (threads > 1)
  for (int64_t plane = 0; plane < planes; plane++)
    for (int64_t row = plane * height; row < (plane + 1) * height; row++) {
      float* to = out + row * down * length;
      if (across == 2)
        repeat<2>(x + row * width, to, width, 2);
      else
        repeat<0>(x + row * width, to, width, across);
      for (int64_t i = 1; i < down; i++) copy(to + i * length, to, length);
    }
}

}
