#include "runtime/data/fit.h"

#include <algorithm>
#include <map>
#include <string>

#include "loader/core/count_text.h"
#include "loader/core/error.h"
#include "loader/core/text.h"
#include "loader/ir/dims_text.h"

namespace pp {
namespace {

/// A name as a key of a job file, in quotes where it needs them.
std::string name_as_key(const std::string& name) {
  const bool is_bare = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
  });
  return is_bare ? name : "\"" + name + "\"";
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
        std::to_string(size) + ", but the model was exported for " + bound +
        " " + std::to_string(value));
  };
  if (range.max && size > *range.max) {
    refuse("at most", *range.max);
  }
  if (range.min && size < *range.min) {
    refuse("at least", *range.min);
  }
}

}  // namespace

NumberKind number_kind(ir::ScalarType type) {
  if (ir::is_floating(type)) {
    return NumberKind::Floating;
  }
  return ir::is_complex(type) ? NumberKind::Complex : NumberKind::Integer;
}

void check_fits(const Source& source, const InputSpec& input) {
  if (!input.known) {
    return;
  }
  if (number_kind(source.dtype()) != number_kind(input.dtype)) {
    throw input_error(
        input.name + " needs " + ir::name_of(input.dtype) + ", but " +
        source.path() + " holds " + ir::name_of(source.dtype()) +
        "; save it as " + ir::name_of(input.dtype));
  }
  const std::string found =
      input.name + " needs shape " + ir::dims_text(input.sizes) + ", but " +
      source.path() + " has " + shape_text(source.sizes());
  if (source.sizes().size() != input.sizes.size()) {
    throw input_error(
        found + ": " +
        count_text(std::ssize(source.sizes()), "dimension", "dimensions") +
        ", not " + std::to_string(input.sizes.size()));
  }
  for (size_t i = 0; i < input.sizes.size(); ++i) {
    const ir::Dim& dim = input.sizes[i];
    const bool varies =
        i == 1 && source.lengths() != nullptr && !source.lengths()->is_fixed();
    if (varies && dim.is_fixed()) {
      throw input_error(
          input.name + " was exported with rows of a fixed length, " +
          std::to_string(dim.value) +
          "; set pad_to = " + std::to_string(dim.value));
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
            " need the same size " + entry->first + ", but " +
            sources[k]->path() + " has " +
            std::to_string(sources[k]->sizes()[i]) + " and " +
            seen.source->path() + " has " + std::to_string(wanted));
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
        "no input has rows: each has split_dim = \"none\"; remove it from the "
        "inputs whose dimension 0 counts samples");
  }
  return first->num_rows();
}

void check_input_names(
    const std::string& table,
    const DataConfig& config,
    std::span<const InputSpec> inputs) {
  if (config.inputs.empty()) {
    throw usage_error(
        "there is no [" + table +
        "]; set inputs.NAME = { path = \"...\" } for each input of the model");
  }
  std::vector<std::string> names;
  for (const InputSpec& input : inputs) {
    names.push_back(input.name);
  }
  for (const auto& [name, source] : config.inputs) {
    if (std::ranges::find(names, name) == names.end()) {
      throw usage_error(
          table + ".inputs." + name + ": the model has no such input; it has " +
          join(names));
    }
  }
  for (const std::string& name : names) {
    if (!config.inputs.contains(name)) {
      throw usage_error(
          "the model's input '" + name + "' has no data; add " + table +
          ".inputs." + name_as_key(name) + " = { path = \"...\" }");
    }
  }
}

}  // namespace pp
