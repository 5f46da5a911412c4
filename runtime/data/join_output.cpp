#include "runtime/data/join_output.h"

#include <cstddef>
#include <optional>
#include <vector>

#include <ATen/ops/argmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros_like.h>

#include "loader/archive/temp_file.h"
#include "loader/core/error.h"
#include "loader/core/text.h"

namespace pp {
namespace {

using Sizes = std::vector<int64_t>;

std::string text_of(const Sizes& sizes) {
  return shape_text({sizes.data(), sizes.size()});
}

std::string shape_of(const at::Tensor& value) {
  return text_of(value.sizes().vec());
}

std::string key_of(const std::string& name) {
  return "output.outputs." + name;
}

/// Whether two shapes are the same, but for one dimension.
bool same_sizes(
    const Sizes& a, const Sizes& b, std::optional<int64_t> except = {}) {
  if (a.size() != b.size()) {
    return false;
  }
  for (size_t i = 0; i < a.size(); ++i) {
    if (static_cast<int64_t>(i) != except && a[i] != b[i]) {
      return false;
    }
  }
  return true;
}

[[noreturn]] void refuse_shapes(
    const std::string& name,
    const std::string& how,
    const Sizes& first,
    const at::Tensor& other) {
  throw usage_error(
      "output " + name + " can't be joined " + how +
      ": microbatches have shapes " + text_of(first) + " and " +
      shape_of(other) + "; choose another by " + key_of(name) +
      ".join (a dimension, \"mean\", \"sum\", \"stack\" or \"same\")");
}

std::span<const std::byte> bytes_of(const at::Tensor& tensor) {
  return {
      static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
}

TensorSource source_of(const at::Tensor& tensor) {
  return {
      static_cast<ir::ScalarType>(tensor.scalar_type()),
      tensor.sizes().vec(),
      bytes_of(tensor)};
}

/// Along dimension 0, or a new one before it.
class Appended : public JoinedOutput {
 public:
  Appended(
      std::string name,
      bool stack,
      const at::Tensor& first,
      const std::filesystem::path& path)
      : name_(std::move(name)),
        stack_(stack),
        first_(first.sizes().vec()),
        dtype_(static_cast<ir::ScalarType>(first.scalar_type())),
        file_(path) {}

  void add(const at::Tensor& value, int64_t /*num_rows*/) override {
    const Sizes sizes = value.sizes().vec();
    if (stack_ ? !same_sizes(sizes, first_) : !same_sizes(sizes, first_, 0)) {
      refuse_shapes(name_, stack_ ? "so" : "along dimension 0", first_, value);
    }
    length_ += stack_ ? 1 : sizes[0];
    file_.write(bytes_of(value));
  }

  TensorSource finish() override {
    Sizes sizes = first_;
    if (stack_) {
      sizes.insert(sizes.begin(), length_);
    } else {
      sizes[0] = length_;
    }
    return {dtype_, std::move(sizes), {}, &file_};
  }

 private:
  std::string name_;
  bool stack_;
  Sizes first_;
  ir::ScalarType dtype_;
  int64_t length_ = 0;
  TempFile file_;
};

/// Along a dimension whose entries do not lie one after the other in a file.
class Concatenated : public JoinedOutput {
 public:
  Concatenated(std::string name, int64_t dimension)
      : name_(std::move(name)), dimension_(dimension) {}

  void add(const at::Tensor& value, int64_t /*num_rows*/) override {
    if (!parts_.empty() &&
        !same_sizes(value.sizes().vec(), parts_[0].sizes().vec(), dimension_)) {
      refuse_shapes(
          name_,
          "along dimension " + std::to_string(dimension_),
          parts_[0].sizes().vec(),
          value);
    }
    parts_.push_back(value.clone());
  }

  TensorSource finish() override {
    joined_ = at::cat(parts_, dimension_);
    parts_.clear();
    return source_of(joined_);
  }

 private:
  std::string name_;
  int64_t dimension_;
  std::vector<at::Tensor> parts_;
  at::Tensor joined_;
};

/// The sum, or the mean by rows: in double where the values are floating.
class Summed : public JoinedOutput {
 public:
  Summed(std::string name, bool mean, const at::Tensor& first)
      : name_(std::move(name)), mean_(mean), type_(first.scalar_type()) {
    const bool floating = at::isFloatingType(type_);
    if (mean && !floating) {
      throw usage_error(
          "output " + name_ +
          " holds integers, which have no mean; choose another join by " +
          key_of(name_) + ".join");
    }
    sum_ = at::zeros_like(floating ? first.to(at::kDouble) : first);
  }

  void add(const at::Tensor& value, int64_t num_rows) override {
    if (value.sizes() != sum_.sizes()) {
      refuse_shapes(name_, "so", sum_.sizes().vec(), value);
    }
    const at::Tensor wide = value.to(sum_.scalar_type());
    sum_ += mean_ ? wide.mul(static_cast<double>(num_rows)) : wide;
    num_rows_ += num_rows;
  }

  TensorSource finish() override {
    if (mean_) {
      sum_ /= static_cast<double>(num_rows_);
    }
    sum_ = sum_.to(type_);
    return source_of(sum_);
  }

 private:
  std::string name_;
  bool mean_;
  at::ScalarType type_;
  at::Tensor sum_;
  int64_t num_rows_ = 0;
};

/// One value that all microbatches have.
class Same : public JoinedOutput {
 public:
  Same(std::string name, const at::Tensor& first)
      : name_(std::move(name)), value_(first.clone()) {}

  void add(const at::Tensor& value, int64_t /*num_rows*/) override {
    if (value.sizes() != value_.sizes()) {
      refuse_shapes(name_, "so", value_.sizes().vec(), value);
    }
    if (!at::equal(value, value_)) {
      throw usage_error(
          "output " + name_ +
          " differs between microbatches; choose another join than \"same\" "
          "by " +
          key_of(name_) + ".join");
    }
  }

  TensorSource finish() override { return source_of(value_); }

 private:
  std::string name_;
  at::Tensor value_;
};

int64_t checked_dimension(
    const std::string& name, int64_t given, const at::Tensor& value) {
  if (given < -value.dim() || given >= value.dim()) {
    throw usage_error(
        key_of(name) + ".join = " + std::to_string(given) +
        ": the output has shape " + shape_of(value) + ", no such dimension");
  }
  return given < 0 ? given + value.dim() : given;
}

}  // namespace

at::Tensor reduced(
    const std::string& name, Reduce reduce, const at::Tensor& value) {
  if (reduce == Reduce::Argmax) {
    if (value.dim() < 1 || value.size(-1) == 0) {
      throw usage_error(
          key_of(name) + ".reduce = \"argmax\": the output has shape " +
          shape_of(value) + ", no entries along a last dimension");
    }
    return at::argmax(value, -1);
  }
  if (reduce == Reduce::Last) {
    if (value.dim() < 2 || value.size(1) == 0) {
      throw usage_error(
          key_of(name) + ".reduce = \"last\": the output has shape " +
          shape_of(value) + ", no entries along dimension 1");
    }
    return value.select(1, -1);
  }
  return value;
}

std::unique_ptr<JoinedOutput> join_output(
    const std::string& name,
    const OutputRule& rule,
    const at::Tensor& first,
    const std::filesystem::path& path) {
  const Join otherwise = first.dim() == 0 ? Join::Mean : Join::Dimension;
  switch (rule.join.value_or(otherwise)) {
    case Join::Dimension: {
      const int64_t dimension =
          checked_dimension(name, rule.join ? rule.dimension : 0, first);
      if (dimension == 0) {
        return std::make_unique<Appended>(name, false, first, path);
      }
      return std::make_unique<Concatenated>(name, dimension);
    }
    case Join::Stack:
      return std::make_unique<Appended>(name, true, first, path);
    case Join::Same:
      return std::make_unique<Same>(name, first);
    case Join::Sum:
      return std::make_unique<Summed>(name, false, first);
    case Join::Mean:
      return std::make_unique<Summed>(name, true, first);
  }
  check(false, "every join has its row");
  return nullptr;
}

}  // namespace pp
