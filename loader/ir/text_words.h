#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "loader/ir/graph.h"

// The words that the printer and the parser of the text form share.
namespace pp::ir::text {

constexpr std::array<std::pair<ListKind, std::string_view>, 7> kListKinds{{
    {ListKind::Tensors, "tensors"},
    {ListKind::OptionalTensors, "optional_tensors"},
    {ListKind::Ints, "ints"},
    {ListKind::Floats, "floats"},
    {ListKind::Bools, "bools"},
    {ListKind::Strings, "strings"},
    {ListKind::Lists, "lists"},
}};

constexpr std::array<std::pair<MemoryFormat, std::string_view>, 4>
    kMemoryFormats{{
        {MemoryFormat::Contiguous, "contiguous"},
        {MemoryFormat::Preserve, "preserve"},
        {MemoryFormat::ChannelsLast, "channels_last"},
        {MemoryFormat::ChannelsLast3d, "channels_last_3d"},
    }};

constexpr std::array<std::pair<Layout, std::string_view>, 7> kLayouts{{
    {Layout::Strided, "strided"},
    {Layout::Sparse, "sparse"},
    {Layout::SparseCsr, "sparse_csr"},
    {Layout::Mkldnn, "mkldnn"},
    {Layout::SparseCsc, "sparse_csc"},
    {Layout::SparseBsr, "sparse_bsr"},
    {Layout::SparseBsc, "sparse_bsc"},
}};

constexpr std::array<std::pair<StateKind, std::string_view>, 3> kStateKinds{{
    {StateKind::Parameter, "parameter"},
    {StateKind::Buffer, "buffer"},
    {StateKind::Constant, "constant"},
}};

/// The types that have no element types.
constexpr std::array<std::pair<TypeKind, std::string_view>, 9> kPlainTypes{{
    {TypeKind::Tensor, "tensor"},
    {TypeKind::Int, "int"},
    {TypeKind::Float, "float"},
    {TypeKind::Bool, "bool"},
    {TypeKind::String, "str"},
    {TypeKind::Device, "device"},
    {TypeKind::Dict, "dict"},
    {TypeKind::None, "none"},
    {TypeKind::Object, "object"},
}};

/// The word for an enumerator; an empty string if the table lacks it.
template <typename Enum, size_t N>
std::string word_of(
    const std::array<std::pair<Enum, std::string_view>, N>& table,
    Enum wanted) {
  for (const auto& [value, word] : table) {
    if (value == wanted) {
      return std::string(word);
    }
  }
  return {};
}

/// The enumerator for a word; null if the table lacks the word.
template <typename Enum, size_t N>
const Enum* try_value_of(
    const std::array<std::pair<Enum, std::string_view>, N>& table,
    std::string_view wanted) {
  for (const auto& [value, word] : table) {
    if (word == wanted) {
      return &value;
    }
  }
  return nullptr;
}

/// Whether a name needs no quotes.
bool is_bare(std::string_view name);
bool is_word_char(char c);

/// The strides of a contiguous tensor with these sizes. Products of symbols are
/// written as sympy writes them ("16*s0"). A stride beyond 64 bits is
/// INT64_MAX.
std::vector<Dim> contiguous_strides(const std::vector<Dim>& sizes);

/// Formats a device: "cpu", "cuda:0".
std::string device_text(const Device& device);

}  // namespace pp::ir::text
