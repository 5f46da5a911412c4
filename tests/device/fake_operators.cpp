// The fake device's operators. They are the CPU's, on the same memory, and each
// is tracked on the calling thread's stream.
#include <optional>
#include <utility>

#include <ATen/EmptyTensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <c10/core/CPUAllocator.h>
#include <torch/library.h>

#include "tests/device/fake_device.h"
#include "tests/device/fake_graph.h"
#include "tests/device/fake_guard.h"

namespace pp::test {
namespace {

using c10::IValue;
using torch::jit::Stack;

bool is_fake(const at::Tensor& tensor) {
  return tensor.defined() && tensor.device().type() == kFakeType;
}

constexpr c10::DispatchKeySet kFakeKeys(c10::DispatchKey::PrivateUse1);

/// Makes a tensor with these dispatch keys over the storage, laid out as
/// `like`.
at::Tensor tensor_over(
    c10::Storage storage, c10::DispatchKeySet keys, const at::Tensor& like) {
  at::Tensor out = at::detail::make_tensor<c10::TensorImpl>(
      std::move(storage), keys, like.dtype());
  out.unsafeGetTensorImpl()->set_sizes_and_strides(
      like.sizes(), like.strides(), like.storage_offset());
  return out;
}

/// One call of an operator. It replaces the device's tensors among the
/// arguments by tensors of the CPU, and does the reverse with the results.
class Call {
 public:
  Call(const c10::OperatorHandle& op, Stack& stack)
      : schema_(op.schema()), name_(toString(op.operator_name())) {
    for (const c10::Argument& result : schema_.returns()) {
      is_view_ = is_view_ || (result.alias_info() != nullptr &&
                              !result.alias_info()->isWrite());
    }
    const size_t first = stack.size() - schema_.arguments().size();
    for (size_t i = 0; i < schema_.arguments().size(); ++i) {
      const c10::AliasInfo* alias = schema_.arguments()[i].alias_info();
      writes_ = alias != nullptr && alias->isWrite();
      stack[first + i] = to_cpu(stack[first + i]);
    }
  }

  StreamKey stream() const {
    return current_stream(device_.value_or(fake_device(current_device())));
  }
  bool is_view() const { return is_view_; }
  /// The device's tensors that it writes.
  const std::vector<at::Tensor>& written() const { return written_; }

  void run(const c10::OperatorHandle& op, Stack& stack) {
    if (!is_view_) {
      orders().run(stream(), uses_, name_);
    }
    op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), &stack);
    for (const auto& [cpu, device] : resized_) {
      if (cpu.numel() > 0) {
        const at::Tensor made = adopted(cpu);
        device.unsafeGetTensorImpl()->set_storage_keep_dtype(made.storage());
        device.unsafeGetTensorImpl()->set_sizes_and_strides(
            cpu.sizes(), cpu.strides(), cpu.storage_offset());
      }
    }
    const size_t first = stack.size() - schema_.returns().size();
    for (size_t i = first; i < stack.size(); ++i) {
      stack[i] = to_device(stack[i]);
    }
  }

 private:
  at::Tensor to_cpu(const at::Tensor& tensor) {
    if (!is_fake(tensor)) {
      return tensor;
    }
    if (device_ && *device_ != tensor.device()) {
      note_fault(name_ + " on tensors of two devices");
    }
    device_ = tensor.device();
    if (writes_ && tensor.numel() == 0) {  // an output that gets its size
      const at::Tensor out = at::detail::empty_cpu(
          tensor.sizes(), c10::typeMetaToScalarType(tensor.dtype()));
      resized_.emplace_back(out, tensor);
      pairs_.emplace_back(out, tensor);
      return out;
    }
    const c10::Storage& storage = tensor.storage();
    if (tensor.numel() > 0) {
      uses_.push_back({tensor.data_ptr(), writes_});
      if (writes_) {
        written_.push_back(tensor);
      }
    }
    void* begin = storage.data_ptr().get();
    c10::Storage same(
        c10::Storage::use_byte_size_t(),
        storage.nbytes(),
        c10::DataPtr(begin, c10::Device(c10::kCPU)),
        nullptr,
        false);
    at::Tensor out =
        tensor_over(same, c10::DispatchKeySet(c10::DispatchKey::CPU), tensor);
    if (tensor.unsafeGetTensorImpl()->is_wrapped_number()) {
      out.unsafeGetTensorImpl()->set_wrapped_number(true);
    }
    pairs_.emplace_back(out, tensor);
    return out;
  }

  IValue to_cpu(const IValue& value) {
    if (value.isTensor()) {
      return to_cpu(value.toTensor());
    }
    if (value.isDevice() && value.toDevice().type() == kFakeType) {
      device_ = value.toDevice();
      if (!device_->has_index()) {
        device_->set_index(static_cast<c10::DeviceIndex>(current_device()));
      }
      return c10::Device(c10::kCPU);
    }
    if (value.isTensorList()) {
      c10::List<at::Tensor> out;
      for (const at::Tensor& tensor : value.toTensorVector()) {
        out.push_back(to_cpu(tensor));
      }
      return out;
    }
    if (value.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> out;
      for (const std::optional<at::Tensor>& tensor :
           value.toOptionalTensorVector()) {
        out.push_back(tensor ? std::optional(to_cpu(*tensor)) : std::nullopt);
      }
      return out;
    }
    return value;
  }

  at::Tensor to_device(const at::Tensor& tensor) {
    if (!tensor.defined() || !tensor.device().is_cpu()) {
      return tensor;
    }
    for (const auto& [cpu, device] : pairs_) {
      if (tensor.is_same(cpu)) {
        return device;
      }
    }
    for (const auto& [cpu, device] : pairs_) {
      if (tensor.is_alias_of(cpu)) {
        return tensor_over(device.storage(), kFakeKeys, tensor);
      }
    }
    return adopted(tensor);
  }

  /// Returns a tensor that the CPU made as one of the device.
  at::Tensor adopted(const at::Tensor& tensor) {
    const c10::Device device = device_.value_or(fake_device(current_device()));
    const c10::Storage made = tensor.storage();
    void* begin = const_cast<void*>(made.data_ptr().get());
    c10::Storage storage(
        c10::Storage::use_byte_size_t(),
        made.nbytes(),
        adopt(begin, made.nbytes(), hold(made), device),
        fake_allocator(),
        true);
    at::Tensor out = tensor_over(std::move(storage), kFakeKeys, tensor);
    if (begin != nullptr) {
      orders().run(current_stream(device), {{begin, true}}, name_);
    }
    return out;
  }

  /// Returns a pointer that keeps the storage alive.
  static c10::DataPtr hold(const c10::Storage& storage) {
    void* begin = const_cast<void*>(storage.data_ptr().get());
    return {
        begin,
        new c10::Storage(storage),
        [](void* held) { delete static_cast<c10::Storage*>(held); },
        c10::Device(c10::kCPU)};
  }

  IValue to_device(const IValue& value) {
    if (value.isTensor()) {
      return to_device(value.toTensor());
    }
    if (value.isTensorList()) {
      c10::List<at::Tensor> out;
      for (const at::Tensor& tensor : value.toTensorVector()) {
        out.push_back(to_device(tensor));
      }
      return out;
    }
    return value;
  }

  const c10::FunctionSchema& schema_;
  std::string name_;
  bool is_view_ = false;
  bool writes_ = false;
  std::optional<c10::Device> device_;
  std::vector<Orders::Use> uses_;
  std::vector<at::Tensor> written_;
  std::vector<std::pair<at::Tensor, at::Tensor>> pairs_;  ///< CPU, device
  std::vector<std::pair<at::Tensor, at::Tensor>> resized_;
};

at::Tensor cpu_view(const at::Tensor& tensor) {
  if (!is_fake(tensor)) {
    return tensor;
  }
  c10::Storage same(
      c10::Storage::use_byte_size_t(),
      tensor.storage().nbytes(),
      c10::DataPtr(tensor.storage().data_ptr().get(), c10::Device(c10::kCPU)),
      nullptr,
      false);
  return tensor_over(
      std::move(same), c10::DispatchKeySet(c10::DispatchKey::CPU), tensor);
}

/// Returns the device's tensors among the last `count` values.
std::vector<at::Tensor> tensors_of(const Stack& stack, size_t count) {
  std::vector<at::Tensor> out;
  for (size_t i = stack.size() - count; i < stack.size(); ++i) {
    if (stack[i].isTensor() && is_fake(stack[i].toTensor())) {
      out.push_back(stack[i].toTensor());
    } else if (stack[i].isTensorList()) {
      for (const at::Tensor& tensor : stack[i].toTensorVector()) {
        out.push_back(tensor);
      }
    }
  }
  return out;
}

/// Copies the result of a replayed operation to that of the captured one.
void put(const at::Tensor& made, const at::Tensor& place) {
  if (place.numel() > 0 && !made.is_alias_of(place)) {
    orders().run(
        current_stream(place.device()), {{place.data_ptr(), true}}, "replay");
    cpu_view(place).copy_(cpu_view(made));
  }
}

void run_on_cpu(const c10::OperatorHandle& op, Stack* stack) {
  const size_t num_results = op.schema().returns().size();
  const Stack arguments(
      stack->end() - static_cast<int64_t>(op.schema().arguments().size()),
      stack->end());
  Call call(op, *stack);
  FakeCapture* const capture = try_capture(call.stream());
  if (capture == nullptr || call.is_view()) {
    call.run(op, *stack);
    return;
  }
  for (const at::Tensor& tensor : call.written()) {
    capture->before_write(tensor);
  }
  call.run(op, *stack);
  const std::vector<at::Tensor> results = tensors_of(*stack, num_results);
  capture->add(
      [op, arguments, results, num_results] {
        Stack replayed = arguments;
        Call(op, replayed).run(op, replayed);
        const std::vector<at::Tensor> made = tensors_of(replayed, num_results);
        for (size_t i = 0; i < results.size(); ++i) {
          put(made.at(i), results[i]);
        }
      },
      results);
}

at::Tensor empty(
    at::IntArrayRef sizes,
    std::optional<at::ScalarType> dtype,
    std::optional<at::Layout>,
    std::optional<at::Device> device,
    std::optional<bool>,
    std::optional<at::MemoryFormat> format) {
  const c10::OptionalDeviceGuard guard(device);
  return at::detail::empty_generic(
      sizes, fake_allocator(), kFakeKeys, dtype.value_or(at::kFloat), format);
}

at::Tensor empty_strided(
    at::IntArrayRef sizes,
    at::IntArrayRef strides,
    std::optional<at::ScalarType> dtype,
    std::optional<at::Layout>,
    std::optional<at::Device> device,
    std::optional<bool>) {
  const c10::OptionalDeviceGuard guard(device);
  return at::detail::empty_strided_generic(
      sizes, strides, fake_allocator(), kFakeKeys, dtype.value_or(at::kFloat));
}

/// Copies as CUDA does. Between devices the copy is on the source's stream,
/// which waits for the target's before and is waited for after.
void copy(const at::Tensor& from, const at::Tensor& to, bool non_blocking) {
  const c10::Device device = is_fake(from) ? from.device() : to.device();
  const StreamKey stream = current_stream(device);
  const bool across = is_fake(from) && is_fake(to) && device != to.device();
  if (across) {
    orders().block(stream, orders().record(current_stream(to.device())));
  }
  std::vector<Orders::Use> uses;
  if (is_fake(from) && from.numel() > 0) {
    uses.push_back({from.data_ptr(), false});
  }
  if (is_fake(to) && to.numel() > 0) {
    uses.push_back({to.data_ptr(), true});
  }
  orders().run(stream, uses, "copy");
  const at::Tensor target = cpu_view(to);
  target.copy_(cpu_view(from));
  if (across) {
    orders().block(current_stream(to.device()), orders().record(stream));
  } else if (!non_blocking && !(is_fake(from) && is_fake(to))) {
    orders().host_waits_for(stream);
  }
}

at::Tensor copy_from(
    const at::Tensor& from, const at::Tensor& to, bool non_blocking) {
  const c10::Device device = is_fake(from) ? from.device() : to.device();
  if (FakeCapture* capture = try_capture(current_stream(device))) {
    TORCH_CHECK(
        from.device() == to.device(), "a copy between devices under capture");
    capture->before_write(to);
    capture->add([from, to] { copy(from, to, true); }, {to});
  }
  copy(from, to, non_blocking);
  return to;
}

at::Scalar read_number(const at::Tensor& tensor) {
  const StreamKey stream = current_stream(tensor.device());
  refuse_under_capture(stream, "item");
  orders().run(stream, {{tensor.data_ptr(), false}}, "item");
  orders().host_waits_for(stream);
  return cpu_view(tensor).item();
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, m) {
  m.fallback(torch::CppFunction::makeFromBoxedFunction<&run_on_cpu>());
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("empty.memory_format", empty);
  m.impl("empty_strided", empty_strided);
  m.impl("_copy_from", copy_from);
  m.impl("_local_scalar_dense", read_number);
}

}  // namespace
}  // namespace pp::test
