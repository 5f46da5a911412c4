#include "runtime/data/fit.h"

#include <map>
#include <string>

#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/ir/dims_text.h"

namespace pp {
namespace {

enum class Kind { Integer, Floating, Complex };

Kind kind_of(ir::ScalarType type) {
  if (ir::is_floating(type)) {
    return Kind::Floating;
  }
  const bool complex = type == ir::ScalarType::ComplexHalf ||
                       type == ir::ScalarType::ComplexFloat ||
                       type == ir::ScalarType::ComplexDouble;
  return complex ? Kind::Complex : Kind::Integer;
}

bool counts_samples(const Source& source, size_t dimension) {
  return source.has_rows() &&
         static_cast<size_t>(source.split_dim()) == dimension;
}

void check_range(
    const std::string& found,
    size_t dimension,
    int64_t size,
    const ir::Range& range) {
  const auto refuse = [&](const char* bound, int64_t value) {
    throw input_error(
        found + ": dimension " + std::to_string(dimension) + " is " +
        std::to_string(size) + ", the model was exported for " + bound + " " +
        std::to_string(value));
  };
  if (range.max && size > *range.max) {
    refuse("at most", *range.max);
  }
  if (range.min && size < *range.min) {
    refuse("at least", *range.min);
  }
}

}  // namespace

void check_fits(const Source& source, const InputSpec& input) {
  if (!input.known) {
    return;
  }
  if (kind_of(source.dtype()) != kind_of(input.dtype)) {
    throw input_error(
        input.name + " takes " + ir::name_of(input.dtype) + ", but " +
        source.path() + " holds " + ir::name_of(source.dtype()) +
        "; save it as " + ir::name_of(input.dtype));
  }
  const std::string found =
      input.name + " takes " + ir::dims_text(input.sizes) + ", but " +
      source.path() + " gives " + shape_text(source.sizes());
  if (source.sizes().size() != input.sizes.size()) {
    throw input_error(
        found + ": " + std::to_string(source.sizes().size()) +
        " dimensions, not " + std::to_string(input.sizes.size()));
  }
  for (size_t i = 0; i < input.sizes.size(); ++i) {
    const ir::Dim& dim = input.sizes[i];
    const bool varies =
        i == 1 && source.lengths() != nullptr && !source.lengths()->is_fixed();
    if (varies && dim.is_fixed()) {
      throw input_error(
          input.name + " was exported with rows of " +
          std::to_string(dim.value) +
          "; fill them up to that: pad_to = " + std::to_string(dim.value));
    }
    if (!counts_samples(source, i) && dim.is_fixed() &&
        dim.value != source.sizes()[i]) {
      throw input_error(
          found + ": dimension " + std::to_string(i) + " is " +
          std::to_string(source.sizes()[i]) + ", not " +
          std::to_string(dim.value));
    }
    const auto range = input.ranges.find(dim.expr);
    if (!counts_samples(source, i) && ir::is_symbol(dim) &&
        range != input.ranges.end()) {
      check_range(found, i, source.sizes()[i], range->second);
    }
  }
}

void check_symbols(
    std::span<const Source* const> sources, std::span<const InputSpec> inputs) {
  struct Seen {
    const Source* source = nullptr;
    size_t dimension = 0;
  };
  std::map<std::string, Seen> symbols;
  for (size_t k = 0; k < inputs.size(); ++k) {
    for (size_t i = 0; i < inputs[k].sizes.size(); ++i) {
      if (!ir::is_symbol(inputs[k].sizes[i]) ||
          counts_samples(*sources[k], i)) {
        continue;
      }
      const auto [entry, first] =
          symbols.emplace(inputs[k].sizes[i].expr, Seen{sources[k], i});
      const Seen& seen = entry->second;
      const int64_t wanted = seen.source->sizes()[seen.dimension];
      if (!first && wanted != sources[k]->sizes()[i]) {
        throw input_error(
            inputs[k].name + " and " + seen.source->label() +
            " share the size " + entry->first + ", but " + sources[k]->path() +
            " gives " + std::to_string(sources[k]->sizes()[i]) + " and " +
            seen.source->path() + " gives " + std::to_string(wanted));
      }
    }
  }
}

int64_t common_rows(std::span<const Source* const> sources) {
  const Source* first = nullptr;
  for (const Source* source : sources) {
    if (!source->has_rows()) {
      continue;
    }
    if (first == nullptr) {
      first = source;
    }
    if (source->num_rows() != first->num_rows()) {
      throw input_error(
          "data disagree on the number of rows: " + first->label() + " has " +
          std::to_string(first->num_rows()) + " (" + first->path() + "), " +
          source->label() + " has " + std::to_string(source->num_rows()) +
          " (" + source->path() + ")");
    }
  }
  if (first == nullptr) {
    throw usage_error(
        "no input has rows: each has split_dim = \"none\"; leave it out where "
        "dimension 0 counts samples");
  }
  return first->num_rows();
}

}  // namespace pp
