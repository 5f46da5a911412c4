#include "runtime/program/keyed_random.h"

#include <array>
#include <cmath>

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Dispatch.h>
#include <ATen/ops/empty.h>
#include <c10/util/TypeCast.h>

#include "loader/core/mix_bits.h"

namespace pp {

namespace {

/// Returns four 32-bit numbers for a counter and a key, after ten rounds.
std::array<uint32_t, 4> philox(uint64_t counter, uint64_t seed) {
  constexpr uint64_t kMultiplier0 = 0xD2511F53;
  constexpr uint64_t kMultiplier1 = 0xCD9E8D57;
  constexpr uint32_t kWeyl0 = 0x9E3779B9;
  constexpr uint32_t kWeyl1 = 0xBB67AE85;
  uint32_t key0 = static_cast<uint32_t>(seed);
  uint32_t key1 = static_cast<uint32_t>(seed >> 32);
  uint32_t c0 = static_cast<uint32_t>(counter);
  uint32_t c1 = static_cast<uint32_t>(counter >> 32);
  uint32_t c2 = 0;
  uint32_t c3 = 0;
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = kMultiplier0 * c0;
    const uint64_t product1 = kMultiplier1 * c2;
    c0 = static_cast<uint32_t>(product1 >> 32) ^ c1 ^ key0;
    c1 = static_cast<uint32_t>(product1);
    c2 = static_cast<uint32_t>(product0 >> 32) ^ c3 ^ key1;
    c3 = static_cast<uint32_t>(product0);
    key0 += kWeyl0;
    key1 += kWeyl1;
  }
  return {c0, c1, c2, c3};
}

template <typename T>
void fill_keep_mask(
    T* out, int64_t count, uint64_t threshold, T kept, uint64_t seed) {
  for (int64_t i = 0; i < count; i += 4) {
    const auto draws = philox(static_cast<uint64_t>(i / 4), seed);
    const int64_t lanes = std::min<int64_t>(4, count - i);
    for (int64_t lane = 0; lane < lanes; ++lane) {
      out[i + lane] = draws[lane] >= threshold ? kept : T(0);
    }
  }
}

/// FNV-1a.
uint64_t hash_of(std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char letter : name) {
    hash = (hash ^ static_cast<uint8_t>(letter)) * 0x100000001B3ULL;
  }
  return hash;
}

}  // namespace

uint64_t node_seed(
    const RandomKey& key, std::string_view node_name, int64_t occurrence) {
  uint64_t seed = mix_bits(key.seed);
  seed = mix_bits(seed ^ static_cast<uint64_t>(key.step));
  seed = mix_bits(seed ^ static_cast<uint64_t>(key.microbatch));
  seed = mix_bits(seed ^ hash_of(node_name));
  return mix_bits(seed ^ static_cast<uint64_t>(occurrence));
}

int64_t occurrence_in(std::string_view owner_name, int64_t outer) {
  return static_cast<int64_t>(
      mix_bits(hash_of(owner_name) ^ static_cast<uint64_t>(outer)));
}

at::Generator generator_on(c10::Device device, uint64_t seed) {
  if (device.is_cpu()) {
    return at::make_generator<at::CPUGeneratorImpl>(seed);
  }
  at::Generator generator = at::globalContext()
                                .getAcceleratorHooksInterface(device.type())
                                .getNewGenerator(device.index());
  generator.set_current_seed(seed);
  return generator;
}

at::Tensor keep_mask(
    at::IntArrayRef sizes,
    double p,
    double kept,
    at::ScalarType dtype,
    uint64_t seed,
    c10::Device device) {
  at::Tensor mask =
      at::empty(sizes, at::TensorOptions().dtype(dtype).device(device));
  if (!device.is_cpu()) {
    mask.bernoulli_(1 - p, generator_on(device, seed));
    return kept == 1 ? mask : mask.mul_(kept);
  }
  const auto threshold =
      static_cast<uint64_t>(std::llround(p * 4294967296.0));  // p * 2^32
  AT_DISPATCH_FLOATING_TYPES_AND3(
      at::kHalf, at::kBFloat16, at::kBool, dtype, "keep_mask", [&] {
        fill_keep_mask<scalar_t>(
            mask.data_ptr<scalar_t>(),
            mask.numel(),
            threshold,
            c10::convert<scalar_t>(kept),
            seed);
      });
  return mask;
}

}  // namespace pp
