#include "loader/exported_program/enums.h"

#include <array>
#include <utility>

#include "loader/core/error.h"

namespace pp::ep {

namespace {

template <typename Enum, size_t N>
using Table = std::array<std::pair<int64_t, Enum>, N>;

using ir::ScalarType;
constexpr Table<ScalarType, 21> kScalarTypes{{
    {1, ScalarType::Byte},
    {2, ScalarType::Char},
    {3, ScalarType::Short},
    {4, ScalarType::Int},
    {5, ScalarType::Long},
    {6, ScalarType::Half},
    {7, ScalarType::Float},
    {8, ScalarType::Double},
    {9, ScalarType::ComplexHalf},
    {10, ScalarType::ComplexFloat},
    {11, ScalarType::ComplexDouble},
    {12, ScalarType::Bool},
    {13, ScalarType::BFloat16},
    {28, ScalarType::UInt16},
    {29, ScalarType::Float8E4M3FN},
    {30, ScalarType::Float8E5M2},
    {31, ScalarType::Float8E4M3FNUZ},
    {32, ScalarType::Float8E5M2FNUZ},
    {33, ScalarType::Float8E8M0FNU},
    {34, ScalarType::UInt32},
    {35, ScalarType::UInt64},
}};

using ir::Layout;
constexpr Table<Layout, 7> kLayouts{{
    {1, Layout::Sparse},
    {2, Layout::SparseCsr},
    {3, Layout::SparseCsc},
    {4, Layout::SparseBsr},
    {5, Layout::SparseBsc},
    {6, Layout::Mkldnn},
    {7, Layout::Strided},
}};

using ir::MemoryFormat;
constexpr Table<MemoryFormat, 4> kMemoryFormats{{
    {1, MemoryFormat::Contiguous},
    {2, MemoryFormat::ChannelsLast},
    {3, MemoryFormat::ChannelsLast3d},
    {4, MemoryFormat::Preserve},
}};

template <typename Enum, size_t N>
std::optional<Enum> enumerator(const Table<Enum, N>& table, int64_t number) {
  for (const auto& [key, value] : table) {
    if (key == number) {
      return value;
    }
  }
  return std::nullopt;
}

template <typename Enum, size_t N>
int64_t number_in(const Table<Enum, N>& table, Enum wanted) {
  for (const auto& [key, value] : table) {
    if (value == wanted) {
      return key;
    }
  }
  check(false, "the ExportedProgram schema has every enumerator");
  return 0;
}

}  // namespace

std::optional<ScalarType> scalar_type_of(int64_t number) {
  return enumerator(kScalarTypes, number);
}
std::optional<Layout> layout_of(int64_t number) {
  return enumerator(kLayouts, number);
}
std::optional<MemoryFormat> memory_format_of(int64_t number) {
  return enumerator(kMemoryFormats, number);
}

int64_t number_of(ScalarType type) {
  return number_in(kScalarTypes, type);
}
int64_t number_of(Layout layout) {
  return number_in(kLayouts, layout);
}
int64_t number_of(MemoryFormat format) {
  return number_in(kMemoryFormats, format);
}

}  // namespace pp::ep
