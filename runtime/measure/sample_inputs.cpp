#include "runtime/measure/sample_inputs.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include "loader/core/error.h"
#include "loader/exported_program/load.h"

namespace pp {

namespace {

using Sequence = PickleValue::Sequence;
using Mapping = PickleValue::Mapping;

/// The tensors that an export saved as (args, kwargs).
class SavedArguments {
 public:
  explicit SavedArguments(const Model& model)
      : archive_(sample_inputs_archive(model)) {
    if (!archive_) {
      return;
    }
    try {
      value_ = read_pickle(*archive_);
    } catch (const Error&) {
      return;  // they aren't just tensors and plain values
    }
    const auto* both = std::get_if<Sequence>(&value_.value);
    if (both != nullptr && both->items.size() == 2) {
      args_ = std::get_if<Sequence>(&both->items[0].value);
      kwargs_ = std::get_if<Mapping>(&both->items[1].value);
    }
  }

  /// Returns a copy of the tensor saved for this input, or an undefined one.
  at::Tensor try_tensor(const ir::Input& input, size_t position) const {
    const PickledTensor* tensor = nullptr;
    if (args_ != nullptr && position < args_->items.size()) {
      tensor = std::get_if<PickledTensor>(&args_->items[position].value);
    } else if (kwargs_ != nullptr) {
      for (const auto& [key, item] : kwargs_->items) {
        const auto* name = std::get_if<std::string>(&key.value);
        if (name != nullptr && *name == input.name) {
          tensor = std::get_if<PickledTensor>(&item.value);
        }
      }
    }
    return tensor == nullptr ? at::Tensor() : copy(*tensor);
  }

 private:
  at::Tensor copy(const PickledTensor& saved) const {
    std::vector<int64_t> sizes;
    std::vector<int64_t> strides;
    int64_t end = saved.tensor.storage_offset.value;
    bool fits = end >= 0;
    for (size_t i = 0; i < saved.tensor.sizes.size(); ++i) {
      sizes.push_back(saved.tensor.sizes[i].value);
      strides.push_back(saved.tensor.strides[i].value);
      int64_t reach = 0;
      fits = fits && sizes[i] > 0 && strides[i] >= 0 &&
             !__builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) &&
             !__builtin_add_overflow(end, reach, &end);
    }
    const auto dtype = static_cast<at::ScalarType>(saved.tensor.dtype);
    const ZipRecord* record = archive_->try_find(saved.record);
    if (!fits || record == nullptr || record->deflated) {
      return {};
    }
    const std::span<const std::byte> bytes = archive_->bytes(*record);
    const size_t item = c10::elementSize(dtype);
    if (static_cast<uint64_t>(end) >= bytes.size() / item) {
      return {};
    }
    const auto options = at::TensorOptions(dtype);
    // The mapping is read-only, and the view is only read.
    auto* first =
        const_cast<std::byte*>(bytes.data()) +  // NOLINT(*-const-cast)
        static_cast<size_t>(saved.tensor.storage_offset.value) * item;
    return at::empty_strided(sizes, strides, options)
        .copy_(at::from_blob(first, sizes, strides, options));
  }

  std::optional<ZipReader> archive_;
  PickleValue value_;
  const Sequence* args_ = nullptr;
  const Mapping* kwargs_ = nullptr;
};

bool is_like(const at::Tensor& tensor, const ir::Value& value) {
  return tensor.defined() && value.tensor && value.tensor->known &&
         tensor.dim() == std::ssize(value.tensor->sizes) &&
         tensor.scalar_type() ==
             static_cast<at::ScalarType>(value.tensor->dtype);
}

c10::IValue draw(const ir::Graph& graph, const ir::Input& input) {
  const ir::Value& value = graph.values[input.value];
  const int64_t hint = value.scalar ? value.scalar->value : 1;
  switch (value.type.kind) {
    case ir::TypeKind::Tensor:
      break;
    case ir::TypeKind::Int:
      return hint;
    case ir::TypeKind::Float:
      return static_cast<double>(hint);
    case ir::TypeKind::Bool:
      return hint != 0;
    default:
      return {};
  }
  if (!value.tensor || !value.tensor->known) {
    throw usage_error(
        "the model does not state the shape of its input '" + input.name +
        "' (it is a TorchScript model); give it with --input " + input.name +
        "=4x32 or --input " + input.name + "=4x32:int64");
  }
  return draw_tensor(*value.tensor, static_cast<uint64_t>(input.value));
}

}  // namespace

at::Tensor draw_tensor(const ir::TensorMeta& meta, uint64_t seed) {
  std::vector<int64_t> sizes;
  for (const ir::Dim& dim : meta.sizes) {
    sizes.push_back(dim.value);
  }
  const auto dtype = static_cast<at::ScalarType>(meta.dtype);
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  if (c10::isFloatingType(dtype) || c10::isComplexType(dtype)) {
    return at::randn(sizes, generator, at::TensorOptions(at::kDouble))
        .to(dtype);
  }
  return at::randint(2, sizes, generator, at::TensorOptions(at::kLong))
      .to(dtype);
}

std::vector<c10::IValue> sample_arguments(const Model& model) {
  const SavedArguments saved(model);
  std::vector<c10::IValue> out;
  const std::vector<ir::Input>& inputs = model.graph.inputs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const at::Tensor tensor = saved.try_tensor(inputs[i], i);
    out.push_back(
        is_like(tensor, model.graph.values[inputs[i].value])
            ? c10::IValue(tensor)
            : draw(model.graph, inputs[i]));
  }
  return out;
}

}  // namespace pp
