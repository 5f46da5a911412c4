#include "splitter/joint_symbols.h"

#include <cctype>

#include "loader/ir/dims_text.h"

namespace pp {

namespace {

/// Replaces the words of an expression by a lookup.
template <typename Replace>
std::string replace_words(const std::string& text, const Replace& replace) {
  std::string out;
  std::string word;
  for (const char c : text + '\0') {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
      word += c;
      continue;
    }
    if (!word.empty()) {
      out += replace(word);
      word.clear();
    }
    if (c != '\0') {
      out += c;
    }
  }
  return out;
}

template <typename Visit>
void each_dim(ir::TensorMeta& tensor, const Visit& visit) {
  for (ir::Dim& dim : tensor.sizes) {
    visit(dim);
  }
  for (ir::Dim& dim : tensor.strides) {
    visit(dim);
  }
  visit(tensor.storage_offset);
}

}  // namespace

bool JointSymbols::meet(const ir::Dim& given, const ir::Dim& taken) {
  if (given.is_fixed() && taken.is_fixed()) {
    return given.value == taken.value;
  }
  if (ir::is_symbol(given) && ir::is_symbol(taken)) {
    names_.emplace(taken.expr, given.expr);
  } else if (ir::is_symbol(given) && taken.is_fixed()) {
    return pinned_.emplace(given.expr, taken.value).first->second ==
           taken.value;
  }
  return true;  // what an expression comes to is checked when it runs
}

void JointSymbols::rename(ir::Graph& graph) {
  std::map<std::string, ir::Range> ranges;
  for (const auto& [symbol, range] : graph.ranges) {
    const auto [found, is_own] = names_.try_emplace(symbol, symbol);
    std::string& name = found->second;
    while (is_own && taken_.contains(name)) {
      name += "_" + std::to_string(taken_.size());
    }
    ir::Range& both = ranges.emplace(name, range).first->second;
    if (range.min && (!both.min || *both.min < *range.min)) {
      both.min = range.min;
    }
    if (range.max && (!both.max || *both.max > *range.max)) {
      both.max = range.max;
    }
  }
  for (const auto& [symbol, name] : names_) {
    taken_.insert(name);
  }
  const auto renamed = [&](ir::Dim& dim) {
    dim.expr = replace_words(dim.expr, [&](const std::string& word) {
      const auto found = names_.find(word);
      return found == names_.end() ? word : found->second;
    });
  };
  for (ir::Value& value : graph.values) {
    if (value.tensor) {
      each_dim(*value.tensor, renamed);
    }
    if (value.scalar) {
      renamed(*value.scalar);
    }
  }
  graph.ranges = std::move(ranges);
}

void JointSymbols::pin(ir::TensorMeta& tensor) const {
  each_dim(tensor, [&](ir::Dim& dim) {
    const auto found = pinned_.find(dim.expr);
    if (found != pinned_.end()) {
      dim = {found->second, {}};
    }
  });
}

}  // namespace pp
