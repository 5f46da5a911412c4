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

/// Whether two shapes are the same, except in one dimension.
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
      shape_of(other) + "; set " + key_of(name) +
      ".join to another rule (a dimension, \"mean\", \"sum\", \"stack\" or "
      "\"same\")");
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

/// Joins values along dimension 0, or along a new dimension before it.
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
      refuse_shapes(
          name_, stack_ ? "by \"stack\"" : "along dimension 0", first_, value);
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

/// Joins values along another dimension, where they don't follow one another in
/// memory.
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

/// Computes the sum, or the mean by rows. Floating-point and complex values are
/// summed in double.
class Summed : public JoinedOutput {
 public:
  Summed(std::string name, bool mean, const at::Tensor& first)
      : name_(std::move(name)), mean_(mean), type_(first.scalar_type()) {
    const bool complex = at::isComplexType(type_);
    if (mean && !complex && !at::isFloatingType(type_)) {
      throw usage_error(
          "output " + name_ + " holds integers, which have no mean; set " +
          key_of(name_) + ".join to another rule");
    }
    sum_ = at::zeros_like(
        complex                     ? first.to(at::kComplexDouble)
        : at::isFloatingType(type_) ? first.to(at::kDouble)
                                    : first);
  }

  void add(const at::Tensor& value, int64_t num_rows) override {
    if (value.sizes() != sum_.sizes()) {
      refuse_shapes(
          name_,
          mean_ ? "by \"mean\"" : "by \"sum\"",
          sum_.sizes().vec(),
          value);
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

/// Keeps the value that all microbatches have in common.
class Same : public JoinedOutput {
 public:
  Same(std::string name, const at::Tensor& first)
      : name_(std::move(name)), value_(first.clone()) {}

  void add(const at::Tensor& value, int64_t /*num_rows*/) override {
    if (value.sizes() != value_.sizes()) {
      refuse_shapes(name_, "by \"same\"", value_.sizes().vec(), value);
    }
    if (!at::equal(value, value_)) {
      throw usage_error(
          "output " + name_ + " differs between microbatches; set " +
          key_of(name_) + ".join to a rule other than \"same\"");
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
        ": the output has shape " + shape_of(value) +
        ", which has no such dimension");
  }
  return given < 0 ? given + value.dim() : given;
}

Join join_of(const OutputRule& rule, const at::Tensor& value) {
  return rule.join.value_or(value.dim() == 0 ? Join::Mean : Join::Dimension);
}

/// The dimension along which values are joined; the value may not have it.
int64_t dimension_of(const OutputRule& rule, const at::Tensor& value) {
  const int64_t given = rule.join ? rule.dimension : 0;
  return given < 0 ? given + value.dim() : given;
}

}  // namespace

at::Tensor reduced(
    const std::string& name, Reduce reduce, const at::Tensor& value) {
  if (reduce == Reduce::Argmax) {
    if (value.dim() < 1 || value.size(-1) == 0) {
      throw usage_error(
          key_of(name) + ".reduce = \"argmax\": the output has shape " +
          shape_of(value) + ", but argmax needs a last dimension with entries");
    }
    return at::argmax(value, -1);
  }
  if (reduce == Reduce::Last) {
    if (value.dim() < 2 || value.size(1) == 0) {
      throw usage_error(
          key_of(name) + ".reduce = \"last\": the output has shape " +
          shape_of(value) + ", but \"last\" needs entries along dimension 1");
    }
    return value.select(1, -1);
  }
  return value;
}

std::string try_find_obstacle(
    const OutputRule& rule, const at::Tensor& reduced, RowCount rows) {
  const Join join = join_of(rule, reduced);
  if (rows.padding == 0 || join == Join::Same) {
    return "";
  }
  if (join != Join::Dimension) {
    return "is one value for all rows of a microbatch";
  }
  const int64_t dimension = dimension_of(rule, reduced);
  const int64_t wanted = rows.own + rows.padding;
  if (dimension >= 0 && dimension < reduced.dim() &&
      reduced.size(dimension) == wanted) {
    return "";
  }
  return "has shape " + shape_of(reduced) +
         ", which doesn't have one entry per row along dimension " +
         std::to_string(dimension);
}

at::Tensor without_padding(
    const OutputRule& rule, const at::Tensor& reduced, RowCount rows) {
  if (rows.padding == 0 || join_of(rule, reduced) == Join::Same) {
    return reduced;
  }
  check(
      try_find_obstacle(rule, reduced, rows).empty(),
      "it must be possible to cut the padding off");
  return reduced.narrow(dimension_of(rule, reduced), 0, rows.own);
}

std::unique_ptr<JoinedOutput> join_output(
    const std::string& name,
    const OutputRule& rule,
    const at::Tensor& first,
    const std::filesystem::path& path) {
  switch (join_of(rule, first)) {
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
  check(false, "a join has no case");
  return nullptr;
}

}  // namespace pp
