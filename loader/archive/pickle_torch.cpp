#include "loader/archive/pickle_torch.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp::pickle {

namespace {

using ir::ScalarType;

constexpr std::array<std::pair<std::string_view, ScalarType>, 13> kStorages = {{
    {"DoubleStorage", ScalarType::Double},
    {"FloatStorage", ScalarType::Float},
    {"HalfStorage", ScalarType::Half},
    {"BFloat16Storage", ScalarType::BFloat16},
    {"LongStorage", ScalarType::Long},
    {"IntStorage", ScalarType::Int},
    {"ShortStorage", ScalarType::Short},
    {"CharStorage", ScalarType::Char},
    {"ByteStorage", ScalarType::Byte},
    {"BoolStorage", ScalarType::Bool},
    {"ComplexDoubleStorage", ScalarType::ComplexDouble},
    {"ComplexFloatStorage", ScalarType::ComplexFloat},
    {"UntypedStorage", ScalarType::Byte},
}};

/// Element types that a pickle may name. Tensors of types without a storage
/// class are in untyped storages.
constexpr std::array kNamedTypes = {
    ScalarType::Byte,           ScalarType::Char,
    ScalarType::Short,          ScalarType::Int,
    ScalarType::Long,           ScalarType::Half,
    ScalarType::Float,          ScalarType::Double,
    ScalarType::ComplexHalf,    ScalarType::ComplexFloat,
    ScalarType::ComplexDouble,  ScalarType::Bool,
    ScalarType::BFloat16,       ScalarType::Float8E5M2,
    ScalarType::Float8E4M3FN,   ScalarType::Float8E5M2FNUZ,
    ScalarType::Float8E4M3FNUZ, ScalarType::UInt16,
    ScalarType::UInt32,         ScalarType::UInt64,
    ScalarType::Float8E8M0FNU,
};

constexpr std::array<std::string_view, 5> kFunctions = {
    "collections.OrderedDict",
    "torch.Size",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3",
};

/// Objects copy sizes and record names. These limits keep a small pickle that
/// names one long object many times from filling the memory.
constexpr size_t kMaxDims = 64;
constexpr size_t kMaxNameLength = 64;

/// The element type of torch.FloatStorage, torch.cuda.FloatStorage,
/// torch.storage.UntypedStorage and the like.
std::optional<ScalarType> storage_type(std::string_view global) {
  const size_t dot = global.rfind('.');
  const std::string_view module = global.substr(0, dot);
  if (module != "torch" && module != "torch.cuda" &&
      module != "torch.storage") {
    return std::nullopt;
  }
  for (const auto& [name, type] : kStorages) {
    if (name == global.substr(dot + 1)) {
      return type;
    }
  }
  return std::nullopt;
}

std::optional<ScalarType> element_type(std::string_view global) {
  for (const ScalarType type : kNamedTypes) {
    if (global == "torch." + ir::name_of(type)) {
      return type;
    }
  }
  return std::nullopt;
}

/// The i-th argument as a T.
/// throws  Error(Input): it is missing or of another type
template <class T>
const T& argument(
    const Heap& heap,
    const Sequence& arguments,
    size_t i,
    const std::string& label) {
  const T* object = i < arguments.items.size()
                        ? std::get_if<T>(&heap[arguments.items[i]])
                        : nullptr;
  if (object == nullptr) {
    throw input_error(
        label + ": is damaged: argument " + std::to_string(i + 1) +
        " of a torch object is missing or of the wrong kind");
  }
  return *object;
}

void check_num_dims(const Sequence& sizes, const std::string& label) {
  if (sizes.items.size() > kMaxDims) {
    throw input_error(
        label + ": a tensor has " + std::to_string(sizes.items.size()) +
        " dimensions; at most " + std::to_string(kMaxDims) + " are supported");
  }
}

const std::string& short_text(
    const std::string& text, const std::string& label) {
  if (text.size() > kMaxNameLength) {
    throw input_error(
        label + ": is damaged: a storage's key or device has " +
        std::to_string(text.size()) + " characters; at most " +
        std::to_string(kMaxNameLength) + " are valid");
  }
  return text;
}

std::vector<ir::Dim> dims(
    const Heap& heap, const Sequence& list, const std::string& label) {
  check_num_dims(list, label);
  std::vector<ir::Dim> out;
  for (size_t i = 0; i < list.items.size(); ++i) {
    out.push_back(
        {.value = argument<int64_t>(heap, list, i, label), .expr = {}});
  }
  return out;
}

/// Whether every element lies within the storage.
bool lies_within(const ir::TensorMeta& tensor, uint64_t storage_bytes) {
  int64_t last = tensor.storage_offset.value;
  bool empty = false;
  if (last < 0 || tensor.sizes.size() != tensor.strides.size()) {
    return false;
  }
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    const int64_t size = tensor.sizes[i].value;
    const int64_t stride = tensor.strides[i].value;
    int64_t step = 0;
    if (size < 0 || stride < 0) {
      return false;
    }
    empty = empty || size == 0;
    if (size > 0 && (__builtin_mul_overflow(size - 1, stride, &step) ||
                     __builtin_add_overflow(last, step, &last))) {
      return false;
    }
  }
  const auto available = static_cast<int64_t>(
      storage_bytes / static_cast<uint64_t>(ir::element_size(tensor.dtype)));
  return empty || last < available;
}

/// _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks
/// [, metadata]); v3 has the element type before the metadata.
Object rebuild_tensor(
    const Heap& heap,
    const Sequence& arguments,
    bool typed,
    const std::string& label) {
  const auto& storage = argument<Storage>(heap, arguments, 0, label);
  PickledTensor out{.tensor = {}, .record = storage.record};
  ir::TensorMeta& tensor = out.tensor;
  tensor.dtype = storage.dtype;
  if (typed) {
    const auto& type = argument<Global>(heap, arguments, 6, label);
    const auto dtype = element_type(type.name);
    if (!dtype) {
      throw input_error(label + ": '" + type.name + "' is not a dtype");
    }
    tensor.dtype = *dtype;
  }
  tensor.device = storage.device;
  tensor.storage_offset.value = argument<int64_t>(heap, arguments, 1, label);
  tensor.sizes =
      dims(heap, argument<Sequence>(heap, arguments, 2, label), label);
  tensor.strides =
      dims(heap, argument<Sequence>(heap, arguments, 3, label), label);
  tensor.requires_grad = argument<bool>(heap, arguments, 4, label);
  const size_t metadata = typed ? 7 : 6;
  if (arguments.items.size() > metadata &&
      !std::holds_alternative<std::monostate>(
          heap[arguments.items[metadata]]) &&
      !argument<Dict>(heap, arguments, metadata, label).items.empty()) {
    throw input_error(
        label + ": a tensor is stored conjugated or negated; save " +
        "tensor.resolve_conj().resolve_neg()");
  }
  if (!lies_within(tensor, storage.num_bytes)) {
    std::vector<int64_t> sizes;
    for (const ir::Dim& dim : tensor.sizes) {
      sizes.push_back(dim.value);
    }
    throw input_error(
        label + ": a tensor of shape " + shape_text(sizes) +
        " does not fit its record '" + storage.record + "' of " +
        std::to_string(storage.num_bytes) + " bytes");
  }
  return out;
}

ir::Device parse_device(std::string_view text, const std::string& label) {
  const size_t colon = text.find(':');
  ir::Device device{.type = std::string(text.substr(0, colon)), .index = -1};
  if (colon != std::string_view::npos) {
    const std::string_view digits = text.substr(colon + 1);
    const char* end = digits.data() + digits.size();
    const auto result = std::from_chars(digits.data(), end, device.index);
    if (result.ec != std::errc() || result.ptr != end || device.index < 0) {
      throw input_error(
          label + ": '" + std::string(text) +
          "' is not a device such as 'cuda:0'");
    }
  }
  return device;
}

}  // namespace

bool is_allowed(const std::string& global) {
  return std::ranges::find(kFunctions, global) != kFunctions.end() ||
         storage_type(global).has_value() || element_type(global).has_value();
}

Object call(
    const Heap& heap,
    const std::string& global,
    const Sequence& arguments,
    const std::string& label) {
  if (global == "collections.OrderedDict" && arguments.items.empty()) {
    return Dict{};
  }
  if (global == "torch.Size") {
    const auto& sizes = argument<Sequence>(heap, arguments, 0, label);
    check_num_dims(sizes, label);
    return Sequence{.tuple = true, .items = sizes.items};
  }
  if (global == "torch._utils._rebuild_parameter") {
    PickledTensor out = argument<PickledTensor>(heap, arguments, 0, label);
    out.tensor.requires_grad = argument<bool>(heap, arguments, 1, label);
    return out;
  }
  if (global.starts_with("torch._utils._rebuild_tensor_v")) {
    return rebuild_tensor(heap, arguments, global.ends_with("v3"), label);
  }
  throw input_error(
      label + ": is damaged: it calls '" + global + "' with " +
      std::to_string(arguments.items.size()) +
      " arguments, which it does not accept");
}

Object load_storage(
    const Heap& heap,
    const Object& persistent_id,
    const ZipReader& archive,
    const std::string& label) {
  const auto* id = std::get_if<Sequence>(&persistent_id);
  if (id == nullptr ||
      argument<std::string>(heap, *id, 0, label) != "storage") {
    throw input_error(
        label + ": is damaged: a persistent id does not name a storage");
  }
  const auto& type_name = argument<Global>(heap, *id, 1, label).name;
  const auto type = storage_type(type_name);
  if (!type) {
    throw input_error(label + ": '" + type_name + "' is not a storage type");
  }
  const auto num_elements = argument<int64_t>(heap, *id, 4, label);
  const auto& key = argument<std::string>(heap, *id, 2, label);
  const auto& device = argument<std::string>(heap, *id, 3, label);
  Storage storage{
      .record = "data/" + short_text(key, label),
      .device = parse_device(short_text(device, label), label),
      .dtype = *type,
      .num_bytes = 0,
  };
  const ZipRecord& record = archive.find(storage.record);
  int64_t needed = 0;
  if (num_elements < 0 || record.deflated ||
      __builtin_mul_overflow(num_elements, ir::element_size(*type), &needed) ||
      static_cast<uint64_t>(needed) > record.num_bytes) {
    throw input_error(
        label + ": a storage of " + std::to_string(num_elements) + " " +
        ir::name_of(*type) + " elements does not fit its record '" +
        record.name + "' of " + std::to_string(record.num_bytes) + " bytes");
  }
  storage.num_bytes = static_cast<uint64_t>(needed);
  return storage;
}

}  // namespace pp::pickle
