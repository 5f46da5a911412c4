#include "runtime/pipeline/class_weights.h"

#include <algorithm>
#include <cstring>

#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>

#include "loader/archive/npy.h"
#include "loader/core/error.h"
#include "runtime/optim/describe.h"

namespace pp {

namespace {

at::Tensor read_weights(const std::filesystem::path& path) {
  const NpyReader file(path);
  const TensorView& view = file.tensor();
  const auto type = static_cast<at::ScalarType>(view.dtype);
  if (view.sizes.size() != 1 || c10::isComplexType(type) || type == at::kBool) {
    throw input_error(
        path.string() + ": class weights are a list of numbers, but this is " +
        describe(type, view.sizes));
  }
  if (view.sizes.front() == 0) {
    throw input_error(path.string() + ": there are no class weights");
  }
  const at::Tensor own = at::empty(view.sizes, at::TensorOptions(type));
  std::memcpy(own.mutable_data_ptr(), view.bytes.data(), view.bytes.size());
  return own.to(at::kDouble);
}

}  // namespace

at::Tensor class_weights(const ClassWeights& weights) {
  if (!weights.is_set()) {
    return {};
  }
  if (weights.path.empty()) {
    const auto count = static_cast<int64_t>(weights.values.size());
    const at::Tensor own = at::empty({count}, at::kDouble);
    std::ranges::copy(weights.values, own.mutable_data_ptr<double>());
    return own;
  }
  at::Tensor read = read_weights(weights.path);
  if (!read.ge(0).logical_and(at::isfinite(read)).all().item<bool>()) {
    throw input_error(
        weights.path.string() +
        ": a class weight is negative, infinite or not a number");
  }
  if (!read.any().item<bool>()) {
    throw input_error(
        weights.path.string() +
        ": all class weights are 0, so there is no loss");
  }
  return read;
}

}  // namespace pp
