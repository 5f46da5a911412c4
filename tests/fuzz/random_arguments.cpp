#include "tests/fuzz/random_arguments.h"

#include <array>
#include <limits>
#include <string>
#include <vector>

#include <ATen/ops/empty.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

namespace pp::fuzz {

namespace {

using c10::IValue;
using c10::TypeKind;

constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
constexpr int64_t kGreatest = std::numeric_limits<int64_t>::max();

constexpr std::array<int64_t, 16> kSizes = {
    2, 3, 1, 4, 0, 5, 2, 3, 1, 4, 8, 2, 3, 16, 1, 33};
constexpr std::array<int64_t, 24> kIntegers = {
    1,
    0,
    2,
    -1,
    3,
    -2,
    4,
    5,
    1,
    0,
    2,
    7,
    -3,
    8,
    16,
    100,
    -100,
    1 << 20,
    int64_t{1} << 31,
    -(int64_t{1} << 31),
    int64_t{1} << 62,
    kLeast,
    kGreatest,
    kLeast + 1};
constexpr std::array<double, 16> kFloats = {
    1.0,
    0.0,
    0.5,
    -1.0,
    2.0,
    1e-5,
    0.1,
    -0.5,
    3.7,
    1e30,
    -1e30,
    1e300,
    std::numeric_limits<double>::infinity(),
    -std::numeric_limits<double>::infinity(),
    std::numeric_limits<double>::quiet_NaN(),
    1e-320};
constexpr std::array kTypes = {
    at::kFloat,
    at::kLong,
    at::kFloat,
    at::kDouble,
    at::kLong,
    at::kInt,
    at::kBool,
    at::kHalf,
    at::kBFloat16,
    at::kByte,
    at::kChar,
    at::kShort,
    at::kComplexFloat,
    at::kComplexDouble,
    at::kFloat,
    at::kLong};
constexpr std::array<const char*, 34> kTexts = {
    "mean",     "sum",       "none",     "trunc",    "floor",   "constant",
    "reflect",  "replicate", "circular", "bilinear", "nearest", "bicubic",
    "prod",     "amax",      "amin",     "ij",       "xy",      "left",
    "right",    "higher",    "linear",   "fro",      "nuc",     "reduced",
    "complete", "r",         "L",        "U",        "tanh",    "ortho",
    "forward",  "gelsd",     "",         "i,j->ij"};

class Maker {
 public:
  explicit Maker(Numbers& choices) : choices_(choices) {
    common_sizes_ = sizes();
    common_type_ = pick(kTypes);
  }

  /// nullopt: a type that isn't supported.
  std::optional<IValue> make(const c10::TypePtr& type, std::optional<int> n) {
    switch (type->kind()) {
      case TypeKind::OptionalType:
        return byte() % 3 == 0
                   ? std::optional(IValue())
                   : make(
                         type->castRaw<c10::OptionalType>()->getElementType(),
                         n);
      case TypeKind::TensorType:
        return tensor();
      case TypeKind::IntType:
      case TypeKind::SymIntType:
        return pick(kIntegers);
      case TypeKind::FloatType:
      case TypeKind::SymFloatType:
        return pick(kFloats);
      case TypeKind::BoolType:
      case TypeKind::SymBoolType:
        return byte() % 2 == 0;
      case TypeKind::NumberType:
        return byte() % 2 == 0 ? IValue(pick(kIntegers))
                               : IValue(pick(kFloats));
      case TypeKind::StringType:
        return IValue(std::string(pick(kTexts)));
      case TypeKind::ScalarTypeType:
        return static_cast<int64_t>(pick(kTypes));
      case TypeKind::MemoryFormatType:
        return static_cast<int64_t>(byte() % 4);
      case TypeKind::LayoutType:
        return static_cast<int64_t>(c10::Layout::Strided);
      case TypeKind::DeviceObjType:
        return IValue(c10::Device(c10::kCPU));
      case TypeKind::ListType:
        return list(type->castRaw<c10::ListType>()->getElementType(), n);
      case TypeKind::GeneratorType:
        return std::nullopt;
      default:
        return std::nullopt;
    }
  }

 private:
  uint8_t byte() { return choices_.next<uint8_t>(); }

  template <class T, size_t N>
  T pick(const std::array<T, N>& items) {
    return items[byte() % N];
  }

  std::vector<int64_t> sizes() {
    std::vector<int64_t> out(byte() % 6);
    for (int64_t& size : out) {
      size = pick(kSizes);
    }
    return out;
  }

  at::Tensor filled(const std::vector<int64_t>& sizes, at::ScalarType type) {
    switch (byte() % 4) {
      case 0:
        return at::randn(sizes).mul_(3).to(type);
      case 1:
        return at::randint(0, 3, sizes).to(type);
      case 2:
        return at::zeros(sizes, type);
      default:
        return extreme(sizes, type);
    }
  }

  /// Ones and zeros, and one extreme number.
  at::Tensor extreme(const std::vector<int64_t>& sizes, at::ScalarType type) {
    const bool integers = c10::isIntegralType(type, true);
    at::Tensor out =
        at::randint(0, 2, sizes).to(integers ? at::kLong : at::kDouble);
    if (out.numel() > 0) {
      const auto place = static_cast<int64_t>(byte()) % out.numel();
      at::Tensor chosen = out.view(-1).select(0, place);
      integers ? chosen.fill_(pick(kIntegers)) : chosen.fill_(pick(kFloats));
    }
    return out.to(type);
  }

  /// Returns the same elements at other places of memory.
  at::Tensor laid_out(const at::Tensor& plain) {
    switch (byte() % 6) {
      case 0:
        return plain.dim() > 1 ? plain.transpose(0, -1) : plain;
      case 1:
        return plain.dim() == 4
                   ? plain.contiguous(at::MemoryFormat::ChannelsLast)
                   : plain;
      case 2:
        return plain.dim() > 0 && plain.size(0) > 1
                   ? plain.slice(0, 0, plain.size(0), 2)
                   : plain;
      case 3:
        return plain.dim() > 0 && plain.size(0) == 1
                   ? plain.expand(widened(plain))
                   : plain;
      default:
        return plain;
    }
  }

  std::vector<int64_t> widened(const at::Tensor& plain) {
    std::vector<int64_t> out = plain.sizes().vec();
    out[0] = 3;
    return out;
  }

  at::Tensor tensor() {
    const uint8_t how = byte();
    const auto type = how % 4 < 3 ? common_type_ : pick(kTypes);
    at::Tensor out =
        laid_out(filled(how % 8 < 4 ? common_sizes_ : sizes(), type));
    if (how >= 128 && (c10::isFloatingType(type) || c10::isComplexType(type))) {
      out = out.detach().requires_grad_();
    }
    return out;
  }

  std::optional<IValue> list(const c10::TypePtr& item, std::optional<int> n) {
    const size_t count =
        n && byte() % 4 > 0 ? static_cast<size_t>(*n) : byte() % 5;
    c10::impl::GenericList out(
        item->kind() == TypeKind::SymIntType ? c10::TypePtr(c10::IntType::get())
                                             : item);
    for (size_t i = 0; i < count; ++i) {
      auto value = make(item, {});
      if (!value) {
        return std::nullopt;
      }
      out.push_back(std::move(*value));
    }
    return IValue(std::move(out));
  }

  Numbers& choices_;
  std::vector<int64_t> common_sizes_;
  at::ScalarType common_type_ = at::kFloat;
};

}  // namespace

std::optional<torch::jit::Stack> random_arguments(
    const c10::FunctionSchema& schema, Numbers& choices) {
  Maker maker(choices);
  torch::jit::Stack out;
  for (const c10::Argument& argument : schema.arguments()) {
    if (argument.type()->kind() == TypeKind::OptionalType &&
        argument.type()
                ->castRaw<c10::OptionalType>()
                ->getElementType()
                ->kind() == TypeKind::GeneratorType) {
      out.emplace_back();  // a model has no generators
      continue;
    }
    const bool may_default =
        argument.default_value() && choices.next<uint8_t>() % 2 == 0;
    auto value = may_default ? std::optional(*argument.default_value())
                             : maker.make(argument.real_type(), argument.N());
    if (!value) {
      return std::nullopt;
    }
    out.push_back(std::move(*value));
  }
  return out;
}

}  // namespace pp::fuzz
